//! What is encoded decodes to the same, whatever else comes is an error, and yesterday's bytes
//! are today's.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{AttributeId, EntityId, Instant, Keyword, Order, Symbol, T, Value};
use duramen_store::StoreError;
use num_bigint::BigInt;
use proptest::prelude::*;
use uuid::Uuid;

use crate::branch::{Branch, Child, Separator};
use crate::node::{Body, Node, Summary, encode_branch, encode_leaf};
use crate::values::Storing;
use crate::{IndexError, Layer, NodeHash, Pointer, Record, State};

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Long),
        any::<u64>().prop_map(|bits| Value::Double(f64::from_bits(bits))),
        any::<u32>().prop_map(|bits| Value::Float(f32::from_bits(bits))),
        any::<i128>().prop_map(|v| Value::BigInt(Arc::new(BigInt::from(v) * i64::MAX))),
        (any::<i128>(), -1000i64..1000).prop_map(|(v, scale)| {
            Value::BigDec(Arc::new(BigDecimal::from_bigint(BigInt::from(v), scale)))
        }),
        "(shared prefix )?\\PC{0,8}".prop_map(Value::from),
        "[a-c]{1,2}/[a-c]{1,2}".prop_map(|text| Value::Keyword(Keyword::new(text))),
        "[a-c]{1,3}".prop_map(|text| Value::Symbol(Symbol::new(text))),
        any::<i64>().prop_map(|millis| Value::Instant(Instant::from_millis(millis))),
        any::<[u8; 16]>().prop_map(|bytes| Value::Uuid(Uuid::from_bytes(bytes))),
        "http://[a-c]{0,4}".prop_map(|text| Value::Uri(Arc::from(text))),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| Value::Bytes(Arc::from(bytes))),
        (0u64..1 << 53).prop_map(|id| Value::Ref(EntityId::constant(id))),
    ];
    plain.prop_recursive(3, 12, 4, |member| {
        prop::collection::vec(prop::option::of(member), 0..4)
            .prop_map(|members| Value::Tuple(Arc::from(members)))
    })
}

fn record(layer: Layer) -> impl Strategy<Value = Record> {
    let ids = (0u64..50, 1000u64..1006, 0u64..1 << 40, 1u64..100, 0u8..3);
    (ids, value()).prop_map(move |((e, a, t, later, step), v)| Record {
        e: EntityId::constant(e),
        a: AttributeId::constant(a),
        v,
        added: T::new(t).unwrap(),
        state: match (layer, step) {
            (Layer::History, _) => State::Closed(T::new(t + later).unwrap()),
            (Layer::Current, 0) => State::Replaced,
            (Layer::Current, 1) => State::Removed,
            (Layer::Current, _) => State::Inserted,
        },
    })
}

fn records() -> impl Strategy<Value = (Order, Layer, Vec<Record>)> {
    let order = prop::sample::select(Order::ALL.as_slice());
    let layer = prop::sample::select([Layer::Current, Layer::History].as_slice());
    (order, layer).prop_flat_map(|(order, layer)| {
        prop::collection::vec(record(layer), 1..60).prop_map(move |mut records| {
            records.sort_by(|x, y| x.compare(y, order, layer));
            records.dedup_by(|x, y| x.compare(y, order, layer).is_eq());
            (order, layer, records)
        })
    })
}

/// Branches of made-up leaves, separated by records.
fn children(records: &[Record]) -> Vec<Child> {
    let child = |(index, record): (usize, &Record)| Child {
        separator: Separator::from(record),
        pointer: Pointer {
            pack: format!("{:032x}-{}", 7, index % 3),
            offset: 80 + index as u64 * 1000,
            length: 900 + index as u32,
            hash: NodeHash::of(&index.to_le_bytes()),
            records: 4000 + index as u64,
            net: 4000 - index as i64,
            t_min: T::new(index as u64).unwrap(),
            t_max: T::new(1 << 40).unwrap(),
        },
    };
    records.iter().enumerate().map(child).collect()
}

fn decode(bytes: &[u8]) -> Result<Node, StoreError> {
    Node::decode(bytes, || "node".to_owned())
}

/// Decodes a node with everything in it; an error if anything is wrong with it.
fn decode_all(bytes: &[u8]) -> Result<Node, IndexError> {
    let node = decode(bytes)?;
    node.check(|| "node".to_owned())?;
    Ok(node)
}

fn records_of(node: &Node) -> Vec<Record> {
    let Body::Leaf(leaf) = &node.body else { panic!("not a leaf") };
    leaf.records(0..leaf.len()).unwrap()
}

proptest! {
    #[test]
    fn leaves_round_trip((order, layer, records) in records()) {
        let bytes = encode_leaf(order, layer, &records, Storing::Here).unwrap();
        let node = decode_all(&bytes).unwrap();
        let decoded = records_of(&node);
        // The text too, because equal decimals can differ in their digits.
        prop_assert_eq!(format!("{decoded:?}"), format!("{records:?}"));
        let summary = Summary::of(records.iter().map(|r| (r.added, r.state)));
        prop_assert_eq!(node.summary, summary);
    }

    #[test]
    fn branches_round_trip((order, layer, records) in records(), level in 1u8..5) {
        let children = children(&records);
        let bytes = encode_branch(order, layer, level, &children).unwrap();
        let node = decode_all(&bytes).unwrap();
        let Body::Branch(branch) = &node.body else { panic!("not a branch") };
        prop_assert_eq!(node.header.level, level);
        prop_assert_eq!(branch.len(), children.len());
        for (index, child) in children.iter().enumerate() {
            prop_assert_eq!(&branch.pointers()[index], &child.pointer);
            prop_assert_eq!(Separator::from(branch.separator(index)), child.separator.clone());
        }
    }

    /// No bytes make the decoder panic, or allocate without bound.
    #[test]
    fn mutated_bytes_never_panic(
        (order, layer, records) in records(),
        branch: bool,
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = if branch {
            encode_branch(order, layer, 1, &children(&records)).unwrap()
        } else {
            encode_leaf(order, layer, &records, Storing::Here).unwrap()
        };
        for (place, byte) in mutations {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = decode_all(&bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200), level in 0u8..2) {
        for version in [1, 2] {
            let mut bytes = vec![version, level, 1, 1];
            bytes.extend(&body);
            let _ = decode_all(&bytes);
        }
    }
}

#[test]
fn truncated_nodes_are_errors() {
    let records = sample();
    let leaf = encode_leaf(Order::Eavt, Layer::Current, &records, Storing::Here).unwrap();
    let branch = encode_branch(Order::Eavt, Layer::Current, 1, &children(&records)).unwrap();
    for bytes in [leaf, branch] {
        for length in 0..bytes.len() {
            assert!(decode_all(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
        }
        assert!(decode_all(&[bytes, vec![0]].concat()).is_err());
    }
}

#[test]
fn keys_that_do_not_ascend_are_refused_on_both_sides() {
    let mut records = sample();
    records.swap(0, 1);
    assert!(encode_leaf(Order::Eavt, Layer::Current, &records, Storing::Here).is_err());
    records.swap(0, 1);
    let mut bytes = encode_leaf(Order::Eavt, Layer::Current, &records, Storing::Here).unwrap();
    // The same records are in another sequence by another order.
    bytes[2] = 4;
    assert!(decode(&bytes).is_ok());
    let error = decode_all(&bytes).unwrap_err();
    assert!(matches!(error, IndexError::Store(StoreError::Corrupt { .. })), "{error}");
}

#[test]
fn newer_nodes_are_told_from_damaged_ones() {
    let mut bytes = encode_leaf(Order::Eavt, Layer::Current, &sample(), Storing::Here).unwrap();
    bytes[0] = 3;
    assert!(matches!(decode(&bytes), Err(StoreError::TooNew { .. })));
}

/// Records that show every type once, in EAVT order.
fn sample() -> Vec<Record> {
    let values = [
        Value::Boolean(true),
        Value::Long(-5),
        Value::Double(1.5),
        Value::Float(-0.0),
        Value::BigInt(Arc::new("-123456789012345678901234567890".parse().unwrap())),
        Value::BigDec(Arc::new("1.50".parse().unwrap())),
        Value::from("hello"),
        Value::Keyword(Keyword::new("a/b")),
        Value::Symbol(Symbol::new("x")),
        Value::Instant(Instant::from_millis(1_600_000_000_000)),
        Value::Uuid(Uuid::from_bytes([7; 16])),
        Value::Uri(Arc::from("http://a")),
        Value::Bytes(Arc::from(&[1, 2, 255][..])),
        Value::Ref(EntityId::constant(42)),
        Value::Tuple(Arc::from([Some(Value::from("m")), None])),
        Value::from("help"),
        Value::from("help"),
    ];
    let record = |(index, v): (usize, Value)| Record {
        e: EntityId::constant(1000 + index as u64 / 2),
        a: AttributeId::constant(1024 + index as u64 % 15),
        v,
        added: T::new(3).unwrap(),
        state: State::Inserted,
    };
    let mut records: Vec<Record> = values.into_iter().enumerate().map(record).collect();
    records.sort_by(|x, y| x.compare(y, Order::Eavt, Layer::Current));
    records
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Records of a history, in EAVT order.
fn closed_sample() -> Vec<Record> {
    let closed = |(index, record): (usize, &Record)| Record {
        state: State::Closed(T::new(9 + index as u64 % 2).unwrap()),
        ..record.clone()
    };
    let mut records: Vec<Record> = sample()[..5].iter().enumerate().map(closed).collect();
    records.sort_by(|x, y| x.compare(y, Order::Eavt, Layer::History));
    records
}

/// Steps of every kind, in EAVT order.
fn mixed_sample() -> Vec<Record> {
    let states = [State::Inserted, State::Replaced, State::Removed];
    let records = sample();
    records.iter().zip(states).map(|(r, state)| Record { state, ..r.clone() }).collect()
}

/// Many records, so that every encoding of integers and of strings has its column.
fn large_sample() -> Vec<Record> {
    let record = |e: u64, a: u64, v: Value, t: u64| Record {
        e: EntityId::user(e).unwrap(),
        a: AttributeId::constant(1024 + a),
        v,
        added: T::new(t).unwrap(),
        state: State::Inserted,
    };
    let mut records = Vec::new();
    for e in 0..150_u64 {
        let noise = e.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let color = ["red", "green", "blue"][(noise % 3) as usize];
        let t = if e % 40 == 7 { noise } else { e / 50 };
        records.push(record(e, 0, Value::from(format!("person{e:04}@example.org")), t));
        records.push(record(e, 1, Value::from(color), t));
        records.push(record(e, 2, Value::Long(noise as i64 % 90), t));
        records.push(record(e, 3, Value::Double(f64::from((noise % 5) as u32) + 0.5), t));
        records.push(record(e, 4, Value::from(format!("{noise:x}")), t));
        if noise % 4 == 0 {
            records.push(record(e, 5, Value::Ref(EntityId::user(e / 3).unwrap()), t));
        }
    }
    records
}

/// Checksums, of which some are met again.
fn checksum_sample() -> Vec<Record> {
    let record = |e: u64| {
        let checksum = NodeHash::of(&(e % 70).to_le_bytes()).to_string();
        let state = State::Inserted;
        let (e, added) = (EntityId::user(e).unwrap(), T::new(1).unwrap());
        Record { e, a: AttributeId::FIRST_USER, v: Value::from(checksum), added, state }
    };
    (0..100).map(record).collect()
}

fn golden_nodes() -> Vec<(&'static str, Vec<u8>)> {
    let leaf = |layer, records: &[Record]| {
        encode_leaf(Order::Eavt, layer, records, Storing::Here).unwrap()
    };
    let mut by_attribute = large_sample();
    by_attribute.sort_by(|x, y| x.compare(y, Order::Aevt, Layer::Current));
    let large = &large_sample();
    vec![
        ("leaf", leaf(Layer::Current, &sample())),
        ("history leaf", leaf(Layer::History, &closed_sample())),
        ("mixed leaf", leaf(Layer::Current, &mixed_sample())),
        ("large leaf", leaf(Layer::Current, large)),
        ("deflated leaf", leaf(Layer::Current, large)),
        ("leaf of checksums", leaf(Layer::Current, &checksum_sample())),
        (
            "leaf by attribute",
            encode_leaf(Order::Aevt, Layer::Current, &by_attribute, Storing::Here).unwrap(),
        ),
        ("branch", encode_branch(Order::Eavt, Layer::Current, 1, &children(&sample())).unwrap()),
        ("large branch", encode_branch(Order::Eavt, Layer::Current, 2, &children(large)).unwrap()),
        (
            "history branch",
            encode_branch(Order::Eavt, Layer::History, 1, &children(&closed_sample())).unwrap(),
        ),
    ]
}

/// A database written today opens for ever: the bytes in the file were written once, and are only
/// read. Encoders may choose otherwise; what was chosen once must be read.
#[test]
fn the_format_stays() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/golden-v2.txt");
    let Ok(golden) = std::fs::read_to_string(path) else {
        let mut found = String::new();
        for (name, bytes) in golden_nodes() {
            writeln!(found, "{name}: {}", hex(&bytes)).unwrap();
        }
        std::fs::write(path, found).unwrap();
        panic!("{path} was missing and has been written: look at it and commit it");
    };
    let golden = golden_of(&golden);
    assert!(golden["deflated leaf"].len() < golden["large leaf"].len());
    for (name, bytes) in golden_nodes() {
        let (node, expected) = (decode_all(&golden[name]).unwrap(), decode_all(&bytes).unwrap());
        assert_eq!(node.header, expected.header, "{name}");
        assert_eq!(node.summary, expected.summary, "{name}");
        match (&node.body, &expected.body) {
            (Body::Leaf(_), Body::Leaf(_)) => {
                assert_eq!(records_of(&node), records_of(&expected), "{name}");
            }
            (Body::Branch(found), Body::Branch(expected)) => {
                assert_eq!(found.pointers(), expected.pointers(), "{name}");
                for index in 0..found.len() {
                    let separator = |branch: &Branch| Separator::from(branch.separator(index));
                    assert_eq!(separator(found), separator(expected), "{name}");
                }
            }
            _ => panic!("{name} is of another kind"),
        }
    }
}

#[test]
fn checksums_take_half_their_digits() {
    let bytes = encode_leaf(Order::Eavt, Layer::Current, &checksum_sample(), Storing::Here);
    let bytes = bytes.unwrap().len();
    assert!(bytes < 100 * 32 + 150, "{bytes}");
}

/// Nodes that version 1 wrote, by name.
fn golden_v1() -> BTreeMap<&'static str, Vec<u8>> {
    golden_of(include_str!("golden-v1.txt"))
}

pub(crate) fn golden_of(text: &str) -> BTreeMap<&str, Vec<u8>> {
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    lines.map(|(name, text)| (name, unhex(text))).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

#[test]
fn nodes_of_version_1_are_still_read() {
    let golden = golden_v1();
    let records = sample();
    assert_eq!(records_of(&decode_all(&golden["leaf"]).unwrap()), records);
    assert_eq!(records_of(&decode_all(&golden["mixed leaf"]).unwrap()), mixed_sample());
    let closed =
        |record: &Record| Record { state: State::Closed(T::new(9).unwrap()), ..record.clone() };
    let history: Vec<Record> = records[..3].iter().map(closed).collect();
    let node = decode_all(&golden["history leaf"]).unwrap();
    assert_eq!(records_of(&node), history);
    assert_eq!(node.summary, Summary::of(history.iter().map(|r| (r.added, r.state))));
    let node = decode_all(&golden["branch"]).unwrap();
    let Body::Branch(branch) = &node.body else { panic!("not a branch") };
    for (index, child) in children(&records[..3]).iter().enumerate() {
        assert_eq!(branch.pointers()[index], child.pointer);
        assert_eq!(Separator::from(branch.separator(index)), child.separator);
    }
}

proptest! {
    /// The bytes that were written once and for all, with some of them changed.
    #[test]
    fn mutated_golden_nodes_never_panic(
        which: prop::sample::Index,
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let old = golden_v1().into_values();
        let nodes: Vec<Vec<u8>> =
            old.chain(golden_nodes().into_iter().map(|(_, bytes)| bytes)).collect();
        let mut bytes = which.get(&nodes).clone();
        for (place, byte) in mutations {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = decode_all(&bytes);
    }
}
