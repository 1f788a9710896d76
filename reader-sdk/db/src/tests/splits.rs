//! However the log is split into trees, segments and tail, and however a reader got there, the
//! answers are the same. This is the seam where facts get lost or come back to life.

use proptest::prelude::*;

use super::bucket::{Bucket, small_nodes};
use super::oracle::{self, any_txs, t};
use super::{block_on, shared, verifying};
use crate::{Db, Snapshot, TxRecord, pack_list};

/// What happens after a few transactions were published.
#[derive(Debug, Clone, Copy)]
enum Then {
    Nothing,
    /// The tail goes to a segment; so many transactions stay in the tail as well.
    Spill(usize),
    /// What is spilled becomes a run.
    Merge,
    /// Runs that are alike become one.
    Compact,
    /// Both at once.
    MergeMeanwhile,
    Hint,
    /// A reader that is open looks for news.
    Refresh,
}

fn any_steps() -> impl Strategy<Value = Vec<(usize, Then)>> {
    let then = prop_oneof![
        1 => Just(Then::Nothing),
        4 => (0..3_usize).prop_map(Then::Spill),
        3 => Just(Then::Merge),
        2 => Just(Then::Compact),
        1 => Just(Then::MergeMeanwhile),
        1 => Just(Then::Hint),
        2 => Just(Then::Refresh),
    ];
    prop::collection::vec((0..4_usize, then), 0..20)
}

async fn run(records: &[TxRecord], steps: &[(usize, Then)]) -> (Bucket, Snapshot) {
    let mut bucket = Bucket::create().await;
    let mut reader = bucket.open().await;
    let mut rest = records;
    let last = (records.len(), Then::Nothing);
    for &(count, then) in steps.iter().chain([&last]) {
        let (now, later) = rest.split_at(count.min(rest.len()));
        rest = later;
        if !now.is_empty() {
            bucket.transact(now).await;
        }
        match then {
            Then::Nothing => {}
            Then::Spill(overlap) => bucket.spill(overlap).await,
            Then::Merge => bucket.merge(&small_nodes()).await,
            Then::Compact => bucket.compact(&small_nodes()).await,
            Then::MergeMeanwhile => bucket.merge_meanwhile(&small_nodes()).await,
            Then::Hint => bucket.hint().await,
            Then::Refresh => reader = newest(&reader).await,
        }
    }
    reader = newest(&reader).await;
    (bucket, reader)
}

async fn newest(reader: &Snapshot) -> Snapshot {
    reader.refresh().await.unwrap().unwrap_or_else(|| reader.clone())
}

async fn check(db: &Db, records: &[TxRecord]) {
    oracle::check(db, records).await;
    let log: Vec<TxRecord> = std::iter::once(TxRecord::genesis()).chain(records.to_vec()).collect();
    let last = records.len() as u64;
    for (from, to) in [(0, last + 1), (1, last), (last / 3, 2 * last / 3)] {
        let found = db.tx_range(t(from), t(to)).await.unwrap();
        let expected = shared(&log[from as usize..to as usize]);
        assert_eq!(found, expected, "log from {from} to {to}");
    }
    for record in records {
        let newest = records.iter().filter(|r| r.instant <= record.instant).map(|r| r.t).max();
        assert_eq!(Some(db.t_at(record.instant).await.unwrap()), newest);
    }
}

/// What pack lists say is what the trees have.
async fn check_packs(db: &Db) {
    let facts = db.facts();
    let (Some(checkpoint), Some(source)) = (&facts.checkpoint, &facts.source) else { return };
    for run in &checkpoint.runs {
        let reference = run.packs.unwrap();
        let list = source.pack_list(&reference).await.unwrap();
        let packs = list.run(&reference, &source.roots()).unwrap();
        let differences = pack_list::compare(packs, &run.tree, facts.nodes()).await.unwrap();
        assert_eq!(differences, Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_of_the_log_gives_the_same_answers(records in any_txs(), steps in any_steps()) {
        block_on(async {
            let (bucket, reader) = run(&records, &steps).await;
            assert_eq!(reader.root(), &bucket.root.root);
            let opened = bucket.open().await;
            assert_eq!(opened.db().next_ids(), bucket.root.root.next_ids);
            check(opened.db(), &records).await;
            check_packs(opened.db()).await;
            verifying::assert_sound(&verifying::verified(&bucket).await);
            check(reader.db(), &records).await;
        });
    }
}
