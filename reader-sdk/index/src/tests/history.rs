//! The past of one attribute is found by time, however long it is, and that of an older version
//! reads like that of today.

use std::ops::Bound;

use bytes::Bytes;
use duramen_model::{AttributeId, EntityId, Order, T, Value};
use duramen_store::WriteStore;
use proptest::prelude::*;

use super::bucket::Bucket;
use super::v1_encoder;
use crate::audit::{Found, audit};
use crate::node::Summary;
use crate::{Index, KeyRange, Layer, NodeHash, Pointer, Record, Run, State, Times, Tree};

fn t(t: u64) -> T {
    T::new(t).unwrap()
}

/// An attribute of an entity that was one number after the other.
fn closed(e: u64, a: u64, v: i64, added: u64, until: u64) -> Record {
    Record {
        e: EntityId::constant(e),
        a: AttributeId::constant(1024 + a),
        v: Value::Long(v),
        added: t(added),
        state: State::Closed(t(until)),
    }
}

fn of_tree(tree: &Tree) -> Index {
    Index::new(tree.order, tree.layer).with_run(Run::tree(tree.clone()))
}

#[tokio::test]
async fn a_value_at_a_time_is_one_seek_into_a_long_past() {
    for order in [Order::Eavt, Order::Aevt] {
        let mut bucket = Bucket::new(1 << 30, 16);
        // Values in no sequence.
        let past = (0..20_000).map(|n| closed(1, 1, (n * 7919 % 20_000) as i64, n, n + 1));
        let others = (2..200).map(|e| closed(e, 1, 0, e, e + 1));
        let records = past.chain(others).collect();
        let index =
            Index::new(order, Layer::History).with_run(Run::memory(order, Layer::History, records));
        let tree = bucket.merge(&index).await.unwrap();
        assert!(tree.height >= 3);
        let range = KeyRange { e: Some(EntityId::constant(1)), ..KeyRange::all(order) };
        let range = range.with_a(AttributeId::constant(1025));
        for as_of in [0, 9_999, 19_999] {
            let nodes = bucket.cold_nodes();
            let times = Times { after: Some(t(as_of)), up_to: Some(t(as_of)) };
            let found = of_tree(&tree).scan_within(&nodes, &range, times).await.unwrap();
            let value = (as_of * 7919 % 20_000) as i64;
            assert_eq!(found, [closed(1, 1, value, as_of, as_of + 1)]);
            let loads = nodes.stats().loads;
            // One path to it, and one to the end of the stretch, where others begin.
            let levels = u64::from(tree.height) + 1;
            assert!(loads <= 2 * levels, "{loads} nodes of {levels} levels");
        }
    }
}

/// Writes records as a tree of version 1: leaves of four, and branches of four.
async fn v1_tree(bucket: &Bucket, order: Order, records: &mut [Record]) -> Option<Tree> {
    let key = |r: &Record| (r.e, r.a, r.v.clone(), r.added);
    match order {
        Order::Eavt => records.sort_by_key(key),
        _ => records.sort_by_key(|record| (record.a, key(record))),
    }
    let mut pack = Vec::new();
    let mut add = |bytes: Vec<u8>, summary: Summary| {
        let pointer = Pointer {
            pack: "old".to_owned(),
            offset: pack.len() as u64,
            length: bytes.len() as u32,
            hash: NodeHash::of(&bytes),
            records: summary.records,
            net: summary.net,
            t_min: summary.t_min,
            t_max: summary.t_max,
        };
        pack.extend(bytes);
        pointer
    };
    let mut level: Vec<(Record, Pointer)> = Vec::new();
    for leaf in records.chunks(4) {
        let summary = Summary::of(leaf.iter().map(|record| (record.added, record.state)));
        level.push((leaf[0].clone(), add(v1_encoder::leaf(order, leaf), summary)));
    }
    let mut height = 0;
    while level.len() > 1 {
        height += 1;
        let mut above = Vec::new();
        for children in level.chunks(4) {
            let summary = Summary::sum(children.iter().map(|(_, p)| Summary::from(p))).unwrap();
            let bytes = v1_encoder::branch(order, height, children);
            above.push((children[0].0.clone(), add(bytes, summary)));
        }
        level = above;
    }
    let (_, top) = level.pop()?;
    let (records, net, t_min, t_max) = (top.records, top.net, top.t_min, top.t_max);
    let _ = bucket.store.create(&bucket.packs.join("old"), Bytes::from(pack)).await.unwrap();
    let layer = Layer::History;
    Some(Tree { order, layer, top, top_bytes: None, height, records, net, t_min, t_max })
}

fn pasts() -> impl Strategy<Value = Vec<Record>> {
    // Of each entity and attribute, values that follow one another.
    let step = (0u64..3, 0u64..2, 0i64..4, 1u64..3);
    prop::collection::vec(step, 0..60).prop_map(|steps| {
        let mut ends = std::collections::BTreeMap::new();
        let past = steps.into_iter().map(|(e, a, v, length)| {
            let end = ends.entry((e, a)).or_insert(0);
            let added = *end;
            *end += length;
            closed(e, a, v, added, *end)
        });
        past.collect()
    })
}

async fn check(old: &Index, today: &Index, bucket: &Bucket, range: &KeyRange) {
    let nodes = bucket.cold_nodes();
    let expected = today.scan(&nodes, range).await.unwrap();
    assert_eq!(old.scan(&nodes, range).await.unwrap(), expected, "{range:?}");
    let count = old.count(&nodes, range).await.unwrap();
    assert_eq!(count, expected.len() as u64, "{range:?}");
    for (after, up_to) in [(Some(3), Some(3)), (None, Some(7)), (Some(5), None)] {
        let times = Times { after: after.map(t), up_to: up_to.map(t) };
        let expected = today.scan_within(&nodes, range, times).await.unwrap();
        let found = old.scan_within(&nodes, range, times).await.unwrap();
        assert_eq!(found, expected, "{range:?} {times:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn history_of_version_1_reads_like_that_of_today(
        mut past in pasts(), younger in pasts(), by_attribute: bool,
    ) {
        let order = if by_attribute { Order::Aevt } else { Order::Eavt };
        let (a, v) = (AttributeId::constant(1024), (Bound::Included(Value::Long(1)), Bound::Unbounded));
        let of_one = KeyRange::all(order).with_e(EntityId::constant(1)).with_a(a);
        let ranges = match order {
            Order::Eavt => vec![
                KeyRange::all(order),
                KeyRange::entity(EntityId::constant(1)),
                KeyRange { v, ..of_one.clone() },
                of_one,
            ],
            _ => vec![KeyRange::all(order), KeyRange::all(order).with_a(a), of_one],
        };
        let younger = younger.into_iter().map(|record| Record {
            added: t(record.added.get() + 1000),
            state: match record.state {
                State::Closed(closed) => State::Closed(t(closed.get() + 1000)),
                other => other,
            },
            ..record
        });
        let younger = Run::memory(order, Layer::History, younger.collect());
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let mut bucket = Bucket::new(1 << 30, 4);
            let memory = Run::memory(order, Layer::History, past.clone());
            let empty = || Index::new(order, Layer::History);
            let today = empty().with_run(memory).with_run(younger.clone());
            let Some(tree) = v1_tree(&bucket, order, &mut past).await else { return };
            let old = empty().with_run(Run::tree(tree)).with_run(younger);
            for range in &ranges {
                check(&old, &today, &bucket, range).await;
            }
            for run in old.runs() {
                let Run::Tree(run) = run else { continue };
                let not_damaged = |found: Found<'_>| assert!(!matches!(found, Found::Damage(_)));
                audit(run, &bucket.nodes, not_damaged).await;
            }
            let merged = bucket.merge(&old).await.unwrap();
            let merged = empty().with_run(Run::tree(merged));
            for range in &ranges {
                check(&merged, &today, &bucket, range).await;
            }
        });
    }
}
