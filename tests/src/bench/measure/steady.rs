//! Small transactions by many clients, on top of what is there, and what they write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Result;
use duramen_store::file::MissingFolder;
use duramen_store::{FileStore, ReadStore, WriteStore};
use duramen_transactor::Settings;
use tokio::task::JoinSet;

use super::{Effort, memory, per};
use crate::bench::data_set::{DataSet, Place, SEED};
use crate::bench::overlay::{Overlay, Written};
use crate::bench::people::People;
use crate::bench::random::Random;
use crate::bench::report::Figure;
use crate::bench::transactions;
use crate::bench::writer::Writer;

/// Clients that send at the same time.
const CLIENTS: u64 = 64;
/// Kinds of objects that merges write.
const MERGES: [&str; 5] = ["pack", "pack-list", "checkpoint", "log", "log-index"];

pub(super) async fn measure(place: &Place, effort: Effort) -> Result<Vec<Figure>> {
    if place.data == DataSet::Packages {
        return Ok(Vec::new());
    }
    let folder = tempfile::tempdir_in(place.folder())?;
    let above: Arc<dyn WriteStore> = Arc::new(FileStore::new(folder.path(), MissingFolder::Empty));
    let store = Arc::new(Overlay::new(place.store() as Arc<dyn ReadStore>, above));
    let settings = Settings::default();
    let on_top = Arc::clone(&store) as Arc<dyn WriteStore>;
    let writer = Writer::new(on_top, place.name(), settings.clone());
    writer.db().await?;
    let before = store.written();
    let started = Instant::now();
    let transactions = effort.choose(100_000, 200);
    let datoms = send_all(&writer, place, transactions).await?;
    let seconds = started.elapsed().as_secs_f64();
    writer.rest().await?;
    writer.stop().await;
    let written = since(&store.written(), &before);
    let mut figures = vec![
        Figure::new("transactions", transactions as f64, ""),
        Figure::new("datoms", datoms as f64, ""),
        Figure::new(
            "rate, 64 clients, no latency",
            transactions as f64 / seconds,
            "transactions/s",
        ),
    ];
    figures.extend(of_writes(&written, transactions, datoms));
    figures.extend(memory(settings.cache_bytes_max));
    Ok(figures)
}

/// Half of the transactions add a person, half change one. How many datoms that is.
async fn send_all(writer: &Writer, place: &Place, transactions: u64) -> Result<u64> {
    let next = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (writer, next, data) = (writer.clone(), Arc::clone(&next), place.data);
        clients.spawn(async move {
            let mut people = People::new(SEED, 0);
            let mut datoms = 0;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= transactions {
                    return Ok::<u64, anyhow::Error>(datoms);
                }
                let transaction = transaction(&mut people, data, number)?;
                datoms += writer.send(&transaction).await?.record.changes.len() as u64;
            }
        });
    }
    let mut datoms = 0;
    while let Some(done) = clients.join_next().await {
        datoms += done??;
    }
    Ok(datoms)
}

/// A small transaction of one person, new or known.
pub(super) fn transaction(
    people: &mut People,
    data: DataSet,
    number: u64,
) -> Result<duramen_db::resolve::TxData> {
    if number.is_multiple_of(2) {
        let person = People::number_of_person(data.people() + 1_000 + number / 2);
        return transactions::newcomer(people, person, data.entities());
    }
    let person = Random::new(SEED, number).below(data.people());
    transactions::changing(people, [person], 2 + number)
}

pub(super) fn since(
    now: &BTreeMap<String, Written>,
    before: &BTreeMap<String, Written>,
) -> BTreeMap<String, Written> {
    let less = |(kind, now): (&String, &Written)| {
        let before = before.get(kind).copied().unwrap_or_default();
        let written =
            Written { objects: now.objects - before.objects, bytes: now.bytes - before.bytes };
        (kind.clone(), written)
    };
    now.iter().map(less).collect()
}

fn of_writes(written: &BTreeMap<String, Written>, transactions: u64, datoms: u64) -> Vec<Figure> {
    let sum = |kinds: &[&str]| {
        let of_kinds = written.iter().filter(|(kind, _)| kinds.contains(&kind.as_str()));
        of_kinds.fold(Written::default(), |sum, (_, next)| Written {
            objects: sum.objects + next.objects,
            bytes: sum.bytes + next.bytes,
        })
    };
    let (merges, roots) = (sum(&MERGES), sum(&["root"]));
    let (segments, hints) = (sum(&["segment"]), sum(&["hint"]));
    let thousand = |objects: u64| 1e3 * per(objects, transactions);
    let puts = merges.objects + roots.objects + segments.objects + hints.objects;
    vec![
        Figure::new("written by merges", per(merges.bytes, datoms), "bytes/datom"),
        Figure::new("written as segments", per(segments.bytes, datoms), "bytes/datom"),
        Figure::new("written as roots", per(roots.bytes, datoms), "bytes/datom"),
        Figure::new("PUTs, in all", thousand(puts), "for 1 000 transactions"),
        Figure::new("PUTs of roots", thousand(roots.objects), "for 1 000 transactions"),
        Figure::new("PUTs of segments", thousand(segments.objects), "for 1 000 transactions"),
        Figure::new("PUTs of merges", thousand(merges.objects), "for 1 000 transactions"),
        Figure::new("PUTs of merges for a commit", per(merges.objects, roots.objects), "")
            .at_most(0.05),
    ]
}
