//! Databases that older versions wrote open for ever, answer as they did, and can be written on.
//!
//! A folder of `golden/` is a store as a version left it, with what its database answered then in
//! the text file beside it (`DURAMEN_BLESS=1` writes it, for a folder that is new).
//!
//! - `v1`: nodes of version 1, with leaves of 16 records, so that trees are deep.
//! - `v2`: nodes of version 2 and a segment, compressed by LZ4 at most, of a bulk import; then
//!   transactions.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use duramen::{Client, Datom, Db, Edn, KeyRange, Order, T, Value};
use duramen_tests::daemon::Daemon;
use duramen_transactor::client;

/// The name of the database in every folder.
const NAME: &str = "people";

/// A folder, and the transactions between which it is looked at.
struct Old {
    version: &'static str,
    times: [u64; 4],
    shown: u64,
    since: u64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_version_1_answers_as_it_did_and_goes_on() -> Result<()> {
    old_database(&Old { version: "v1", times: [1, 40, 90, 127], shown: 64, since: 100 }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_version_2_answers_as_it_did_and_goes_on() -> Result<()> {
    old_database(&Old { version: "v2", times: [1, 3, 20, 40], shown: 25, since: 30 }).await
}

async fn old_database(old: &Old) -> Result<()> {
    let folder = tempfile::tempdir()?;
    copy(&golden(old.version), folder.path())?;
    let store = format!("file://{}", folder.path().display());
    let (answer, basis) = answers(old, &store, T::MAX).await?;
    let text = golden(&format!("{}.txt", old.version));
    if std::env::var_os("DURAMEN_BLESS").is_some() {
        std::fs::write(&text, &answer)?;
    }
    let expected = std::fs::read_to_string(&text)?;
    same(&answer, &expected)?;
    add(&store).await?;
    let (continued, _) = answers(old, &store, basis).await?;
    same(&continued, &expected)
}

/// Says which line differs, and not two whole texts.
fn same(found: &str, expected: &str) -> Result<()> {
    let lines = found.lines().zip(expected.lines()).enumerate();
    for (index, (found, expected)) in lines {
        ensure!(found == expected, "line {}: {found}, expected {expected}", index + 1);
    }
    ensure!(found.len() == expected.len(), "{} bytes, expected {}", found.len(), expected.len());
    Ok(())
}

/// Writes on: the newest version merges what the old one has written.
async fn add(store: &str) -> Result<()> {
    let daemon = Daemon::start(store, &[]).await?;
    let client = client::Client::connect(&daemon.server).await?;
    for number in 0..200 {
        let person = number % 70;
        let data = format!("[{{:p/email \"p{person}@example.org\" :p/age {number}}}]");
        client.transact(NAME, &data).await?;
    }
    daemon.stop().await
}

/// What a database says up to a transaction, in every view and order, and which one is its newest.
async fn answers(old: &Old, store: &str, up_to: T) -> Result<(String, T)> {
    let connection = Client::builder().build().connect(&format!("{store}/{NAME}")).await?;
    let newest = connection.db().await?;
    let basis = newest.basis_t().min(up_to);
    let db = if basis < newest.basis_t() { newest.as_of(basis) } else { newest };
    let mut text = format!("basis {basis}\n");
    let at = |t| T::new(t).context("a transaction number");
    let times = old.times.into_iter().map(at).collect::<Result<Vec<_>>>()?;
    for t in [basis].into_iter().chain(times) {
        let datoms = all(&db.as_of(t)).await?;
        writeln!(text, "as of {t}: {} datoms", datoms.len())?;
    }
    show(&mut text, &format!("as of {}", old.shown), &all(&db.as_of(at(old.shown)?)).await?);
    show(&mut text, &format!("since {}", old.since), &all(&db.since(at(old.since)?)).await?);
    show(&mut text, "history", &all(&db.history()).await?);
    for record in connection.tx_range(T::GENESIS, at(basis.get() + 1)?).await? {
        let (t, datoms) = (record.t, record.changes.len());
        let tempids = record.tempids.len();
        writeln!(text, "tx {t} {} {datoms} {tempids}", record.instant.millis())?;
    }
    Ok((text, basis))
}

fn show(text: &mut String, what: &str, datoms: &[Datom]) {
    text.push_str(what);
    for Datom { e, a, v, t, added } in datoms {
        let sign = if *added { '+' } else { '-' };
        let _ = write!(text, "\n{e} {a} {} {t} {sign}", Edn::from(v.clone()));
    }
    text.push('\n');
}

/// All datoms of a view, after making sure that every order has the same ones.
async fn all(db: &Db) -> Result<Vec<Datom>> {
    let mut datoms = db.datoms(&KeyRange::all(Order::Eavt)).await?;
    let key = |datom: &Datom| format!("{datom:?}");
    let indexed = |datom: &Datom| {
        let attribute = db.schema().attribute(datom.a);
        attribute.is_some_and(|attribute| attribute.index || attribute.unique.is_some())
    };
    for order in [Order::Aevt, Order::Avet, Order::Vaet] {
        let has = |datom: &&Datom| match order {
            Order::Avet => indexed(datom),
            Order::Vaet => matches!(datom.v, Value::Ref(_)),
            Order::Eavt | Order::Aevt => true,
        };
        let expected: BTreeSet<String> = datoms.iter().filter(has).map(key).collect();
        let found = db.datoms(&KeyRange::all(order)).await?;
        // Novelty has every attribute in AVET.
        let found: BTreeSet<String> = found.iter().filter(has).map(key).collect();
        let other = found.symmetric_difference(&expected).next();
        ensure!(other.is_none(), "{order:?} differs from EAVT in {other:?}");
    }
    datoms.sort_by(|x, y| (x.e, x.a, &x.v, x.t, x.added).cmp(&(y.e, y.a, &y.v, y.t, y.added)));
    Ok(datoms)
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
