//! Large values, which are stored by themselves.

use duramen_index::KeyRange;
use duramen_model::{Order, Value, builtin};

use super::bucket::{Bucket, small_nodes};
use super::oracle::{NAME, t, user};
use super::verifying::{assert_sound, verified};
use super::{block_on, sample_txs};
use crate::{Change, TxRecord};

fn text(n: u64) -> Value {
    Value::string(format!("{}{n}", "long ".repeat(2_000)))
}

/// Gives everybody the same long name, in one transaction after the other, and each one of his own.
fn naming(first: u64, n: u64) -> TxRecord {
    let mut record = TxRecord::genesis();
    record.t = t(first + n);
    let (e, t) = (user(100 + n), record.t);
    record.changes = vec![
        Change::assert(t.entity(), builtin::TX_INSTANT, record.instant, t),
        Change::assert(e, NAME, text(0), t),
        Change::assert(e, NAME, text(1 + n), t),
    ];
    record
}

#[test]
fn many_merges_store_a_value_once_and_look_for_it_in_few_runs() {
    block_on(async {
        let mut bucket = Bucket::create().await;
        let schema = sample_txs(1);
        bucket.transact(&schema).await;
        let first = schema.len() as u64 + 1;
        for n in 0..30 {
            bucket.transact(&[naming(first, n)]).await;
            bucket.spill(0).await;
            bucket.merge(&small_nodes()).await;
            bucket.compact(&small_nodes()).await;
        }
        let snapshot = bucket.open().await;
        let range = KeyRange::all(Order::Aevt).with_a(NAME);
        let names = snapshot.db().datoms(&range).await.unwrap();
        assert_eq!(names.len(), 60);
        assert_eq!(names.iter().filter(|name| name.v == text(0)).count(), 30);
        assert!((0..30).all(|n| names.iter().any(|name| name.v == text(1 + n))));
        let checkpoint = snapshot.db().facts().checkpoint.clone().unwrap();
        assert!((1..=9).contains(&checkpoint.values.len()), "{}", checkpoint.values.len());
        let stored: u64 = checkpoint.values.iter().map(|run| run.tree.records).sum();
        assert_eq!(stored, 31);
        bucket.hint().await;
        assert_sound(&verified(&bucket).await);
    });
}
