//! Any split of a sequence of transactions into runs reads like a map. Leaves of four records
//! and branches of three or four children make small cases deep.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use duramen_model::{AttributeId, EntityId, Keyword, Order, T, Value};
use proptest::prelude::*;

use super::among;
use super::bucket::Bucket;
use crate::audit::{Found, audit};
use crate::{
    Cursor, Index, KeyRange, Keys, Layer, LiveBytes, MergedRun, Nodes, Record, Run, State, Times,
};

const ORDERS: [Order; 4] = Order::ALL;

/// What becomes of an index between two transactions.
#[derive(Debug, Clone, Copy)]
enum Event {
    Nothing,
    /// The runs in memory become one tree, the youngest.
    Freeze,
    /// All runs become one tree.
    Merge,
    /// Some neighbouring runs do: from one on, so many.
    MergeSome(prop::sample::Index, prop::sample::Index),
}

type Fact = (EntityId, AttributeId, Value);

/// The oracle: what a database should hold after each transaction.
#[derive(Debug, Default)]
struct Oracle {
    open: BTreeMap<(u64, u64, usize), T>,
    closed: Vec<Record>,
}

/// Few values, of many types; long text that differs only at its end.
fn values() -> Vec<Value> {
    let long = "x".repeat(3000);
    vec![
        Value::Boolean(true),
        Value::Long(-1),
        Value::Long(i64::MAX),
        Value::Double(0.5),
        Value::string(""),
        Value::string("ab"),
        Value::string("ä"),
        Value::string(format!("{long}1")),
        Value::string(format!("{long}2")),
        Value::Keyword(Keyword::new("a/b")),
        Value::Bytes(Arc::from(&b"\xFF\x00"[..])),
        Value::Ref(EntityId::constant(5)),
        Value::Tuple(Arc::from([Some(Value::Long(1)), None])),
    ]
}

fn fact(e: u64, a: u64, v: usize) -> Fact {
    let attribute = AttributeId::constant(AttributeId::FIRST_USER.get() + a);
    (EntityId::constant(e), attribute, values()[v].clone())
}

impl Oracle {
    /// Opens facts that are closed and closes those that are open; what the indexes get.
    fn transact(&mut self, t: u64, keys: BTreeSet<(u64, u64, usize)>) -> [Vec<Record>; 2] {
        let t = self::t(t);
        let (mut current, mut history) = (Vec::new(), Vec::new());
        for key in keys {
            let (e, a, v) = fact(key.0, key.1, key.2);
            let state = match self.open.remove(&key) {
                Some(added) => {
                    let state = State::Closed(t);
                    history.push(Record { e, a, v: v.clone(), added, state });
                    State::Removed
                }
                None => {
                    self.open.insert(key, t);
                    State::Inserted
                }
            };
            current.push(Record { e, a, v, added: t, state });
        }
        self.closed.extend(history.iter().cloned());
        [current, history]
    }

    fn facts(&self, layer: Layer, range: &KeyRange) -> Vec<Record> {
        let mut facts: Vec<Record> = match layer {
            Layer::History => self.closed.clone(),
            Layer::Current => {
                let open = self.open.iter().map(|((e, a, v), added)| {
                    let (e, a, v) = fact(*e, *a, *v);
                    Record { e, a, v, added: *added, state: State::Inserted }
                });
                open.collect()
            }
        };
        facts.retain(|fact| range.position(fact.e, fact.a, &fact.v).is_eq());
        facts.sort_by(|x, y| x.compare(y, range.order, layer));
        facts
    }
}

/// Ranges that a reader may ask for in an order.
fn ranges(order: Order, (e, a, v, w): (u64, u64, usize, usize)) -> Vec<KeyRange> {
    let all = KeyRange::all(order);
    let (e, a, v) = fact(e, a, v);
    let w = values()[w].clone();
    let bounded = |range: KeyRange| KeyRange {
        v: (Bound::Excluded(v.clone().min(w.clone())), Bound::Included(v.clone().max(w.clone()))),
        ..range
    };
    let mut ranges = match order {
        Order::Eavt => {
            let (of_e, of_ea) = (all.clone().with_e(e), all.clone().with_e(e).with_a(a));
            vec![of_e, bounded(of_ea.clone()), of_ea.clone().with_v(v), of_ea]
        }
        Order::Aevt => vec![all.clone().with_a(a), all.clone().with_a(a).with_e(e)],
        Order::Avet => {
            let of_a = all.clone().with_a(a);
            vec![bounded(of_a.clone()), of_a.clone().with_v(v), of_a]
        }
        Order::Vaet => vec![all.clone().with_v(v.clone()), all.clone().with_v(v).with_a(a)],
    };
    ranges.push(all);
    ranges
}

async fn read_by_cursor(index: &Index, nodes: &Nodes, range: &KeyRange) -> Vec<Record> {
    read(index.cursor(nodes, range)).await
}

async fn read(mut cursor: Cursor) -> Vec<Record> {
    let mut facts = Vec::new();
    while let Some(batch) = cursor.next_batch().await.unwrap() {
        assert!(!batch.is_empty());
        facts.extend(batch);
    }
    facts
}

/// What stretches have of open facts does not tell how they came to be.
async fn read_as_columns(index: &Index, nodes: &Nodes, range: &KeyRange) -> Vec<Record> {
    let mut cursor = index.cursor(nodes, range);
    let mut facts = Vec::new();
    while let Some(stretches) = cursor.next_stretches().await.unwrap() {
        for stretch in stretches {
            facts.extend(stretch.into_records().unwrap());
        }
    }
    for fact in &mut facts {
        assert_ne!(fact.state, State::Removed);
        if fact.state == State::Replaced {
            fact.state = State::Inserted;
        }
    }
    facts
}

/// What is read without a cursor, if all of it is in memory.
fn read_at_hand(
    index: &Index,
    nodes: &Nodes,
    asked: (&KeyRange, Option<Keys>),
    times: Times,
) -> Option<Vec<Record>> {
    let (mut facts, at_hand) = (Vec::new(), index.at_hand(nodes, asked, times).unwrap()?);
    let facts_max = at_hand.facts_max();
    at_hand.visit(|fact| facts.push(fact)).unwrap();
    assert!(facts.len() <= facts_max);
    Some(facts)
}

async fn check(index: &Index, nodes: &Nodes, oracle: &Oracle, range: &KeyRange) {
    let expected = oracle.facts(index.layer(), range);
    assert_eq!(index.count(nodes, range).await.unwrap(), expected.len() as u64, "{range:?}");
    assert_eq!(index.scan(nodes, range).await.unwrap(), expected, "{range:?}");
    assert_eq!(read_by_cursor(index, nodes, range).await, expected, "{range:?}");
    assert_eq!(read_as_columns(index, nodes, range).await, expected, "{range:?} as columns");
    index.estimate(nodes, range).await.unwrap();
    let at_hand = read_at_hand(index, nodes, (range, None), Times::default());
    assert_eq!(at_hand.unwrap_or_else(|| expected.clone()), expected, "{range:?} at hand");
    for times in [(None, Some(5)), (Some(5), None), (Some(3), Some(12))] {
        let times = Times { after: times.0.map(t), up_to: times.1.map(t) };
        let found = index.scan_within(nodes, range, times).await.unwrap();
        let expected = within(expected.clone(), times);
        assert_eq!(within(found, times), expected, "{range:?}");
        if let Some(found) = read_at_hand(index, nodes, (range, None), times) {
            assert_eq!(within(found, times), expected, "{range:?} at hand");
        }
    }
}

fn t(t: u64) -> T {
    T::new(t).unwrap()
}

fn within(mut facts: Vec<Record>, times: Times) -> Vec<Record> {
    facts.retain(|fact| {
        let latest = if let State::Closed(t) = fact.state { t } else { fact.added };
        times.after.is_none_or(|after| latest > after)
            && times.up_to.is_none_or(|up_to| fact.added <= up_to)
    });
    facts
}

/// The index with its youngest runs in memory written as a tree.
async fn freeze(bucket: &mut Bucket, index: &Index) -> Index {
    let (order, layer) = (index.order(), index.layer());
    let memory = index.runs().iter().take_while(|run| matches!(run, Run::Memory(_))).count();
    let (young, old) = index.runs().split_at(memory);
    let young: Vec<_> = young
        .iter()
        .filter_map(|run| if let Run::Memory(run) = run { Some(run.clone()) } else { None })
        .collect();
    let folded = crate::MemoryRun::fold(order, layer, &young);
    let tree = bucket.tree(order, layer, folded.records()).await.map(Run::tree);
    let oldest_first = old.iter().rev().cloned().chain(tree);
    oldest_first.fold(Index::new(order, layer), |index, run| index.with_run(run))
}

async fn happen(bucket: &mut Bucket, index: &Index, event: Event) -> Index {
    let empty = Index::new(index.order(), index.layer());
    match event {
        Event::Nothing => index.clone(),
        Event::Freeze => freeze(bucket, index).await,
        Event::Merge => match bucket.merge(index).await {
            Some(tree) => {
                assert_eq!(i64::try_from(tree.records), Ok(tree.net));
                empty.with_run(Run::tree(tree))
            }
            None => empty,
        },
        Event::MergeSome(from, count) => merge_some(bucket, index, from, count).await,
    }
}

async fn merge_some(
    bucket: &mut Bucket,
    index: &Index,
    from: prop::sample::Index,
    count: prop::sample::Index,
) -> Index {
    let runs = index.runs();
    if runs.is_empty() {
        return index.clone();
    }
    let from = from.index(runs.len());
    let which = from..from + 1 + count.index(runs.len() - from);
    let merged = bucket.merge_some(index, which.clone()).await;
    check_live_bytes(bucket, &runs[which.clone()], &merged).await;
    let net = |runs: &[Run]| runs.iter().map(Run::net).sum::<i64>();
    let merged = merged.tree.map(Run::tree);
    assert_eq!(net(merged.as_slice()), net(&runs[which.clone()]));
    let newest_first = runs[..which.start].iter().cloned().chain(merged);
    let newest_first: Vec<Run> = newest_first.chain(runs[which.end..].iter().cloned()).collect();
    let empty = Index::new(index.order(), index.layer());
    newest_first.into_iter().rev().fold(empty, |index, run| index.with_run(run))
}

/// An audit finds every record and nothing wrong.
async fn check_audit(bucket: &Bucket, index: &Index) {
    for run in index.runs() {
        let Run::Tree(run) = run else { continue };
        let mut records = 0;
        audit(run, &bucket.nodes, |found| match found {
            Found::Node(_) => {}
            Found::Records(found) => records += found.len() as u64,
            Found::Damage(error) => panic!("{error}"),
        })
        .await;
        assert_eq!(records, run.tree().records);
    }
}

/// What a merge says of live bytes is what a walk through the trees finds.
async fn check_live_bytes(bucket: &Bucket, inputs: &[Run], merged: &MergedRun) {
    let mut expected = LiveBytes::default();
    for run in inputs {
        if let Run::Tree(run) = run {
            expected.add_all(&LiveBytes::of_tree(run.tree(), &bucket.nodes).await.unwrap());
        }
    }
    expected.add_all(&merged.written);
    assert!(expected.take_all(&merged.dissolved));
    let found = match &merged.tree {
        Some(tree) => LiveBytes::of_tree(tree, &bucket.nodes).await.unwrap(),
        None => LiveBytes::default(),
    };
    assert_eq!(found, expected);
}

type Transaction = (BTreeSet<(u64, u64, usize)>, Event);

fn transactions() -> impl Strategy<Value = Vec<Transaction>> {
    let key = (0u64..6, 0u64..3, 0..values().len());
    let event = prop_oneof![
        4 => Just(Event::Nothing),
        1 => Just(Event::Freeze),
        1 => Just(Event::Merge),
        2 => any::<(prop::sample::Index, prop::sample::Index)>()
            .prop_map(|(from, count)| Event::MergeSome(from, count)),
    ];
    let transaction = (prop::collection::btree_set(key, 0..12), event);
    prop::collection::vec(transaction, 0..30)
}

async fn runs_read_like_a_map(
    transactions: Vec<Transaction>,
    (order, layer): (Order, Layer),
    asked: (u64, u64, usize, usize),
    mut bucket: Bucket,
) {
    bucket.pack_bytes_target = 512;
    let mut oracle = Oracle::default();
    let mut index = Index::new(order, layer);
    for (t, (keys, event)) in transactions.into_iter().enumerate() {
        let [current, history] = oracle.transact(t as u64, keys);
        let records = if layer == Layer::Current { current } else { history };
        index = index.with_run(Run::memory(order, layer, records));
        index = happen(&mut bucket, &index, event).await;
        check_audit(&bucket, &index).await;
        for range in ranges(order, asked) {
            check(&index, &bucket.nodes, &oracle, &range).await;
        }
        check_keys(&index, &bucket.nodes, &oracle, asked).await;
    }
    let merged = happen(&mut bucket, &index, Event::Merge).await;
    for range in ranges(order, asked) {
        check(&merged, &bucket.nodes, &oracle, &range).await;
    }
    check_keys(&merged, &bucket.nodes, &oracle, asked).await;
}

/// A walk for some keys finds what a scan has with them.
async fn check_keys(
    index: &Index,
    nodes: &Nodes,
    oracle: &Oracle,
    (e, a, v, w): (u64, u64, usize, usize),
) {
    let entities = [e, e + 2, 5, 70].map(|e| fact(e, 0, 0).0);
    let (a, v) = (fact(0, a, 0).1, [v, w].map(|v| values()[v].clone()));
    for (range, keys) in among::cases(index.order(), entities.to_vec(), a, v.to_vec()) {
        let mut expected = oracle.facts(index.layer(), &range);
        expected.retain(|fact| among::has_key(&range, &keys, fact));
        let times = Times::default();
        let cursor = index.cursor_among(nodes, &range, keys.clone(), true, times);
        assert_eq!(read(cursor).await, expected, "{range:?} {keys:?}");
        let at_hand = read_at_hand(index, nodes, (&range, Some(keys.clone())), times);
        assert_eq!(at_hand.unwrap_or_else(|| expected.clone()), expected, "{keys:?} at hand");
        let cursor = index.cursor_among(nodes, &range, keys.clone(), false, times);
        let mut found = read(cursor).await;
        assert!(found.is_sorted_by(|x, y| x.compare(y, index.order(), index.layer()).is_lt()));
        found.retain(|fact| among::has_key(&range, &keys, fact));
        assert_eq!(found, expected, "{range:?} {keys:?} with others");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_split_into_runs_reads_like_a_map(
        transactions in transactions(),
        order in prop::sample::select(ORDERS.as_slice()),
        layer in prop::sample::select([Layer::Current, Layer::History].as_slice()),
        asked in (0u64..6, 0u64..3, 0..values().len(), 0..values().len()),
        cache_bytes in prop::sample::select([0u64, 20_000, 100_000_000].as_slice()),
        branch_children_max in 3usize..=4,
    ) {
        let bucket = Bucket::new(cache_bytes, branch_children_max);
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(
            runs_read_like_a_map(transactions, (order, layer), asked, bucket),
        );
    }
}
