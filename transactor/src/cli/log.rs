//! `log`: what was transacted, in order.

use duramen::{Datom, Db, Edn, Form, Keyword, T, TxRecord};

use super::arguments::Log;
use super::configuration::Configuration;
use super::exit::Failure;
use super::report::{entry, number};
use super::{output, sources};

/// Transactions that are in memory at once.
const STRETCH: u64 = 1_000;

/// Prints transactions.
pub(crate) async fn run(configuration: &Configuration, flags: &Log) -> Result<(), Failure> {
    let connection = sources::client(configuration).connect(&flags.database).await?;
    let db = connection.last_db();
    let end = db.basis_t().get() + 1;
    let end = flags.to.map_or(end, |to| to.min(end));
    let mut from = flags.from;
    while from < end {
        let to = from.saturating_add(STRETCH).min(end);
        for record in db.tx_range(t(from)?, t(to)?).await.map_err(duramen::Error::from)? {
            print(&db, &record, flags)?;
        }
        from = to;
    }
    Ok(())
}

fn t(number: u64) -> Result<T, Failure> {
    T::new(number).ok_or_else(|| Failure::usage(format!("{number} is no transaction number")))
}

fn print(db: &Db, record: &TxRecord, flags: &Log) -> Result<(), Failure> {
    if flags.format.json {
        return output::json(&edn(db, record));
    }
    if flags.format.edn {
        return output::line(edn(db, record));
    }
    let count = record.changes.len();
    let (t, instant, plural) = (record.t, record.instant, output::plural(count));
    output::line(format_args!("t {t}  {instant}  {count} datom{plural}"))?;
    for datom in record.datoms() {
        let sign = if datom.added { '+' } else { '-' };
        let (e, a, v) = (datom.e.get(), attribute(db, datom), Edn::from_value(datom.v.clone()));
        output::line(format_args!("  {sign} {e} {a} {v}"))?;
    }
    Ok(())
}

fn edn(db: &Db, record: &TxRecord) -> Edn {
    let datoms = record.datoms().map(|datom| {
        let (e, v) = (number(datom.e.get()), Edn::from_value(datom.v.clone()));
        let members = [e, attribute(db, datom), v, number(datom.t.get()), Edn::from(datom.added)];
        Form::from(Edn::Vector(members.into_iter().map(Form::from).collect()))
    });
    Edn::Map(vec![
        entry("t", number(record.t.get())),
        entry("instant", Edn::from(record.instant)),
        entry("datoms", Edn::Vector(datoms.collect())),
    ])
}

/// The name of the attribute, as the newest schema has it.
fn attribute(db: &Db, datom: &Datom) -> Edn {
    let named = db.schema().attribute(datom.a);
    named.map_or_else(
        || number(datom.a.get()),
        |attribute| Edn::from(Keyword::clone(&attribute.ident)),
    )
}
