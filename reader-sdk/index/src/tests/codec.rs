//! What is encoded decodes to the same, whatever else comes is an error, and yesterday's bytes
//! are today's.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{AttributeId, EntityId, Instant, Keyword, Order, Symbol, T, Value};
use num_bigint::BigInt;
use proptest::prelude::*;
use uuid::Uuid;

use crate::branch::{Child, Separator};
use crate::node::{Body, Node, Summary, encode_branch, encode_leaf};
use crate::wire::DecodeError;
use crate::{Layer, NodeHash, Pointer, Record, State};

fn value() -> impl Strategy<Value = Value> {
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

proptest! {
    #[test]
    fn leaves_round_trip((order, layer, records) in records()) {
        let bytes = encode_leaf(order, layer, &records).unwrap();
        let node = Node::decode(&bytes).unwrap();
        let Body::Leaf(leaf) = &node.body else { panic!("not a leaf") };
        let decoded: Vec<Record> =
            (0..leaf.keys().len()).map(|index| leaf.record(index, leaf.state(index))).collect();
        // The text too, because equal decimals can differ in their digits.
        prop_assert_eq!(format!("{decoded:?}"), format!("{records:?}"));
        let summary = Summary::of(records.iter().map(|r| (r.added, r.state)));
        prop_assert_eq!(node.summary, summary);
    }

    #[test]
    fn branches_round_trip((order, layer, records) in records(), level in 1u8..5) {
        let children = children(&records);
        let bytes = encode_branch(order, layer, level, &children).unwrap();
        let node = Node::decode(&bytes).unwrap();
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
            encode_leaf(order, layer, &records).unwrap()
        };
        for (place, byte) in mutations {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = Node::decode(&bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200), level in 0u8..2) {
        let mut bytes = vec![1, level, 1, 1];
        bytes.extend(body);
        let _ = Node::decode(&bytes);
    }
}

#[test]
fn truncated_nodes_are_errors() {
    let records = sample();
    let leaf = encode_leaf(Order::Eavt, Layer::Current, &records).unwrap();
    let branch = encode_branch(Order::Eavt, Layer::Current, 1, &children(&records)).unwrap();
    for bytes in [leaf, branch] {
        for length in 0..bytes.len() {
            assert!(Node::decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
        }
        assert!(Node::decode(&[bytes, vec![0]].concat()).is_err());
    }
}

#[test]
fn keys_that_do_not_ascend_are_refused_on_both_sides() {
    let mut records = sample();
    records.swap(0, 1);
    assert!(encode_leaf(Order::Eavt, Layer::Current, &records).is_err());
    records.swap(0, 1);
    let mut bytes = encode_leaf(Order::Eavt, Layer::Current, &records).unwrap();
    // The same records are in another sequence by another order.
    bytes[2] = 4;
    assert!(matches!(Node::decode(&bytes), Err(DecodeError::Damaged { .. })));
}

#[test]
fn newer_nodes_are_told_from_damaged_ones() {
    let mut bytes = encode_leaf(Order::Eavt, Layer::Current, &sample()).unwrap();
    bytes[0] = 2;
    assert!(matches!(Node::decode(&bytes), Err(DecodeError::TooNew { .. })));
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A database written today opens for ever: if this fails, the format has changed, and needs a
/// new version beside this one.
#[test]
fn the_format_stays() {
    let records = sample();
    let mut found = BTreeMap::new();
    found.insert("leaf", encode_leaf(Order::Eavt, Layer::Current, &records).unwrap());
    let branch = encode_branch(Order::Eavt, Layer::Current, 1, &children(&records[..3])).unwrap();
    found.insert("branch", branch);
    let closed =
        |record: &Record| Record { state: State::Closed(T::new(9).unwrap()), ..record.clone() };
    let history: Vec<Record> = records[..3].iter().map(closed).collect();
    found.insert("history leaf", encode_leaf(Order::Eavt, Layer::History, &history).unwrap());
    let states = [State::Inserted, State::Replaced, State::Removed];
    let mixed = records.iter().zip(states).map(|(r, state)| Record { state, ..r.clone() });
    let mixed: Vec<Record> = mixed.collect();
    found.insert("mixed leaf", encode_leaf(Order::Eavt, Layer::Current, &mixed).unwrap());
    let golden = include_str!("golden.txt");
    let found: String = found.iter().map(|(name, b)| format!("{name}: {}\n", hex(b))).collect();
    assert_eq!(found, golden);
}
