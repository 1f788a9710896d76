//! How small nodes are and how fast they are read: `cargo run --release -p duramen-index --example
//! columns`. Takes how many people there are as its argument, 100,000 if it is left out. Time is
//! that of the processor where the system tells it, so that a busy machine does not matter much.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::{Duration, Instant as Wall};

use duramen_index::{
    Index, KeyRange, Layer, NodeCache, NodeOptions, Nodes, PackWriter, Record, Run, State, Stretch,
    Values, merge,
};
use duramen_model::{AttributeId, EntityId, Instant, Keyword, Order, T, Value};
use duramen_store::layout::WriterId;
use duramen_store::{Key, MemoryStore};

const AGE: AttributeId = AttributeId::constant(1026);
/// How often a scan that is quick is repeated.
const WARM_SCANS: usize = 40;
/// Attributes that AVET has.
const INDEXED: [u64; 3] = [0, 1, 2];

/// Numbers without a pattern that the reader would see.
fn mix(n: u64) -> u64 {
    let n = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ n >> 31).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    n ^ n >> 32
}

fn word(n: u64) -> &'static str {
    const WORDS: [&str; 16] = [
        "anna", "bruno", "clara", "david", "elena", "felix", "greta", "hugo", "irene", "jonas",
        "karin", "lukas", "maria", "nils", "olga", "paul",
    ];
    WORDS[(n % 16) as usize]
}

/// About ten facts about a person, as they were loaded a thousand people at a time.
fn person(number: u64, facts: &mut Vec<Record>) {
    let r = |salt: u64| mix(number * 64 + salt);
    let mut fact = |a: u64, v: Value| {
        facts.push(Record {
            e: EntityId::user(number).unwrap(),
            a: AttributeId::constant(1024 + a),
            v,
            added: T::new(100 + number / 1000).unwrap(),
            state: State::Inserted,
        });
    };
    let (first, last) = (word(r(1)), format!("{}{}", word(r(2)), word(r(3))));
    fact(0, Value::from(format!("{first}.{last}{number}@example.org")));
    fact(1, Value::from(format!("{first} {last}")));
    fact(2, Value::Long((r(4) % 90) as i64));
    fact(3, Value::from(format!("{} {}", word(r(5) % 7), r(6) % 200)));
    fact(4, Value::Keyword(Keyword::new(["role/user", "role/admin"][(r(7) % 17 / 16) as usize])));
    fact(
        5,
        Value::Instant(Instant::from_millis(
            1_500_000_000_000 + (r(8) % 100_000_000) as i64 * 1000,
        )),
    );
    fact(6, Value::Boolean(r(9) % 10 > 0));
    fact(7, Value::Double((r(10) % 10_000) as f64 / 100.0));
    for friend in 0..r(11) % 4 {
        let other = r(12 + friend) % (number + 1);
        fact(8, Value::Ref(EntityId::user(other).unwrap()));
    }
}

/// What has begun at some time, by the processor's clock or else by that on the wall.
struct Clock(Option<Duration>, Wall);

impl Clock {
    fn now() -> Self {
        Self(on_processor(), Wall::now())
    }

    fn elapsed(&self) -> Duration {
        match (self.0, on_processor()) {
            (Some(begun), Some(now)) => now - begun,
            _ => self.1.elapsed(),
        }
    }
}

/// How long this thread has been on a processor.
fn on_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count = std::env::args().nth(1).map_or(100_000, |count| count.parse().unwrap());
    let mut facts = Vec::new();
    (0..count).for_each(|number| person(number, &mut facts));
    for order in Order::ALL {
        let in_order = |fact: &&Record| match order {
            Order::Avet => INDEXED.contains(&(fact.a.get() - 1024)),
            Order::Vaet => matches!(fact.v, Value::Ref(_)),
            Order::Eavt | Order::Aevt => true,
        };
        let records: Vec<Record> = facts.iter().filter(in_order).cloned().collect();
        measure(order, Layer::Current, records).await;
    }
    let closed = |(place, fact): (usize, &Record)| {
        let closed = fact.added.get() + 1 + mix(place as u64) % 1000;
        Record { state: State::Closed(T::new(closed).unwrap()), ..fact.clone() }
    };
    let past: Vec<Record> = facts.iter().enumerate().map(closed).collect();
    measure(Order::Eavt, Layer::History, past).await;
}

async fn measure(order: Order, layer: Layer, mut records: Vec<Record>) {
    records.sort_by(|x, y| x.compare(y, order, layer));
    records.dedup_by(|x, y| x.compare(y, order, layer).is_eq());
    let count = records.len();
    let index = Index::new(order, layer).with_run(Run::memory(order, layer, records));
    let (store, folder) = (Arc::new(MemoryStore::new()), Key::new("pack"));
    let mut writer = PackWriter::new(store.clone(), folder.clone(), WriterId([1; 16]), 0);
    let options = NodeOptions::default();
    let begun = Clock::now();
    let merged = merge(&index, 0..1, &Nodes::empty(), &mut writer, &options).await.unwrap();
    let tree = merged.tree.unwrap();
    let packs = writer.finish().await.unwrap();
    let built = begun.elapsed();
    let bytes: u64 = packs.iter().map(|pack| pack.bytes).sum();
    println!(
        "{order:?} {layer:?}: {count} datoms, {:.2} bytes each, {} levels, built {}",
        bytes as f64 / count as f64,
        tree.height + 1,
        rate(count, built),
    );
    let index = Index::new(order, layer).with_run(Run::tree(tree));
    let nodes = Nodes::new(store, folder, NodeCache::new(4 << 30));
    let all = KeyRange::all(order);
    println!("  cold, all columns  {}", scan(&index, &nodes, &all, true, 1).await);
    println!("  warm, all columns  {}", scan(&index, &nodes, &all, true, WARM_SCANS).await);
    println!("  warm, records      {}", scan(&index, &nodes, &all, false, 1).await);
    if order == Order::Aevt && layer == Layer::Current {
        println!(
            "  warm, one column   {}",
            scan(&index, &nodes, &all.with_a(AGE), true, WARM_SCANS).await
        );
    }
}

/// Reads a range so many times, and does something with every datom, so that none can be left
/// out.
async fn scan(
    index: &Index,
    nodes: &Nodes,
    range: &KeyRange,
    by_column: bool,
    times: usize,
) -> String {
    let begun = Clock::now();
    let (mut count, mut sum) = (0, 0_u64);
    for _ in 0..times {
        let mut cursor = index.cursor(nodes, range);
        if !by_column {
            while let Some(batch) = cursor.next_batch().await.unwrap() {
                count += batch.len();
                sum = batch.iter().fold(sum, |sum, record| sum.wrapping_add(record.e.get()));
            }
            continue;
        }
        while let Some(stretches) = cursor.next_stretches().await.unwrap() {
            for stretch in stretches {
                count += stretch.len();
                sum = sum.wrapping_add(sum_of(&stretch));
            }
        }
    }
    format!("{} (sum {sum})", rate(count, begun.elapsed()))
}

fn sum_of(stretch: &Stretch) -> u64 {
    let Stretch::Leaf { leaf, rows } = stretch else { return 0 };
    let entities = leaf.entities().unwrap().at(rows);
    let added = leaf.added().unwrap().at(rows);
    let mut sum = entities.iter().fold(0_u64, |sum, e| sum.wrapping_add(e.get()));
    sum = added.iter().fold(sum, |sum, t| sum.wrapping_add(t.get()));
    match leaf.fields_in(rows).unwrap() {
        Some(fields) => {
            fields.iter().fold(sum, |sum, field| sum.wrapping_add(sum_of_values(&field.values)))
        }
        None => sum.wrapping_add(leaf.records_at(rows).unwrap().len() as u64),
    }
}

fn sum_of_values(values: &Values) -> u64 {
    match values {
        Values::Long(column) => column.iter().fold(0, |sum, v| sum.wrapping_add(*v as u64)),
        Values::Ref(column) => column.iter().fold(0, |sum, v| sum.wrapping_add(v.get())),
        Values::Text(column) => (0..column.len()).map(|index| column.get(index).len() as u64).sum(),
        other => other.len() as u64,
    }
}

fn rate(count: usize, time: Duration) -> String {
    format!("{:.1} M/s", count as f64 / time.as_secs_f64() / 1e6)
}
