//! Sums over facts: equal sums prove that the same facts are in two places, whatever the sequence
//! they are met in, and take no memory.

use std::collections::BTreeMap;

use duramen_index::{Record, State};
use duramen_model::{AttributeId, Datom, EntityId, T, Value};

/// A sum of BLAKE3 hashes as 256-bit numbers, modulo 2^256, and how many they are. A fact that
/// is added and taken away again leaves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sum {
    limbs: [u64; 4],
    pub(super) facts: i64,
}

/// What a sum is over: a fact, and which transactions opened and closed it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact<'a> {
    pub(super) e: EntityId,
    pub(super) a: AttributeId,
    pub(super) v: &'a Value,
    pub(super) added: T,
    pub(super) closed: Option<T>,
}

/// The sums of one layer, for each attribute.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    /// Over all facts.
    pub(super) all: BTreeMap<AttributeId, Sum>,
    /// Over those whose value is a reference.
    pub(super) refs: BTreeMap<AttributeId, Sum>,
    scratch: Vec<u8>,
}

impl Sum {
    fn add(&mut self, hash: [u64; 4]) {
        let mut carry = false;
        for (limb, digit) in self.limbs.iter_mut().zip(hash) {
            let (sum, over) = limb.overflowing_add(digit);
            let (sum, over_too) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = over || over_too;
        }
        self.facts += 1;
    }

    fn subtract(&mut self, hash: [u64; 4]) {
        let mut borrow = false;
        for (limb, digit) in self.limbs.iter_mut().zip(hash) {
            let (rest, under) = limb.overflowing_sub(digit);
            let (rest, under_too) = rest.overflowing_sub(u64::from(borrow));
            *limb = rest;
            borrow = under || under_too;
        }
        self.facts -= 1;
    }

    /// The sum as people compare it.
    pub(super) fn show(&self) -> String {
        format!("{} facts with sum {:016x}…", self.facts, self.limbs[3])
    }
}

impl Content {
    pub(super) fn add(&mut self, fact: Fact<'_>) {
        self.change(fact, Sum::add);
    }

    pub(super) fn subtract(&mut self, fact: Fact<'_>) {
        self.change(fact, Sum::subtract);
    }

    /// Adds a datom as it stands, for what is no set of facts.
    pub(super) fn add_datom(&mut self, datom: &Datom) {
        let Datom { e, a, ref v, t, added } = *datom;
        self.add(Fact { e, a, v, added: t, closed: (!added).then_some(t) });
    }

    /// Adds a record of an index, unless it is a tombstone.
    pub(super) fn add_record(&mut self, record: &Record) {
        let Record { e, a, ref v, added, state } = *record;
        let closed = match state {
            State::Inserted | State::Replaced => None,
            State::Closed(closed) => Some(closed),
            State::Removed => return,
        };
        self.add(Fact { e, a, v, added, closed });
    }

    fn change(&mut self, fact: Fact<'_>, change: impl Fn(&mut Sum, [u64; 4])) {
        let hash = fact.hash(&mut self.scratch);
        change(self.all.entry(fact.a).or_default(), hash);
        if matches!(fact.v, Value::Ref(_)) {
            change(self.refs.entry(fact.a).or_default(), hash);
        }
    }
}

impl Fact<'_> {
    fn hash(&self, bytes: &mut Vec<u8>) -> [u64; 4] {
        bytes.clear();
        for number in [self.e.get(), self.a.get(), self.added.get()] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.closed.map_or(u64::MAX, T::get).to_le_bytes());
        put_value(bytes, self.v);
        let hash = blake3::hash(bytes);
        let mut limbs = [0; 4];
        for (limb, digits) in limbs.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            *limb = digits.iter().rev().fold(0, |limb, digit| limb << 8 | u64::from(*digit));
        }
        limbs
    }
}

/// Writes a value so that two have the same bytes when, and only when, they are equal. Nobody
/// reads it back, and it is stored nowhere.
fn put_value(bytes: &mut Vec<u8>, value: &Value) {
    bytes.push(value.value_type().number());
    match value {
        Value::Boolean(v) => bytes.push(u8::from(*v)),
        Value::Long(v) => bytes.extend_from_slice(&v.to_le_bytes()),
        Value::Double(v) => bytes.extend_from_slice(&v.to_bits().to_le_bytes()),
        Value::Float(v) => bytes.extend_from_slice(&v.to_bits().to_le_bytes()),
        Value::BigInt(v) => put_bytes(bytes, &v.to_signed_bytes_le()),
        Value::BigDec(v) => {
            // `1.0M` equals `1.00M`.
            let (unscaled, scale) = v.normalized().into_bigint_and_exponent();
            bytes.extend_from_slice(&scale.to_le_bytes());
            put_bytes(bytes, &unscaled.to_signed_bytes_le());
        }
        Value::String(v) | Value::Uri(v) => put_bytes(bytes, v.as_bytes()),
        Value::Keyword(v) => put_bytes(bytes, v.text().as_bytes()),
        Value::Symbol(v) => put_bytes(bytes, v.text().as_bytes()),
        Value::Instant(v) => bytes.extend_from_slice(&v.millis().to_le_bytes()),
        Value::Uuid(v) => bytes.extend_from_slice(v.as_bytes()),
        Value::Bytes(v) => put_bytes(bytes, v),
        Value::Ref(v) => bytes.extend_from_slice(&v.get().to_le_bytes()),
        Value::Tuple(members) => {
            bytes.extend_from_slice(&(members.len() as u64).to_le_bytes());
            for member in members.iter() {
                bytes.push(u8::from(member.is_some()));
                if let Some(member) = member {
                    put_value(bytes, member);
                }
            }
        }
    }
}

fn put_bytes(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend_from_slice(&(field.len() as u64).to_le_bytes());
    bytes.extend_from_slice(field);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::value_codec::tests::any_value;

    fn fact(v: &Value, closed: Option<T>) -> Fact<'_> {
        Fact { e: EntityId::MIN, a: AttributeId::FIRST_USER, v, added: T::GENESIS, closed }
    }

    proptest! {
        #[test]
        fn what_is_added_and_taken_away_leaves_nothing(values in prop::collection::vec(any_value(), 1..6)) {
            let mut content = Content::default();
            values.iter().for_each(|v| content.add(fact(v, None)));
            let kept = content.all.clone();
            values.iter().for_each(|v| content.add(fact(v, Some(T::MAX))));
            prop_assert_ne!(&content.all, &kept);
            values.iter().rev().for_each(|v| content.subtract(fact(v, Some(T::MAX))));
            prop_assert_eq!(&content.all, &kept);
            values.iter().rev().for_each(|v| content.subtract(fact(v, None)));
            prop_assert!(content.all.values().all(|sum| *sum == Sum::default()));
        }

        #[test]
        fn values_have_the_same_bytes_when_they_are_equal(x in any_value(), y in any_value()) {
            let bytes = |v: &Value| {
                let mut bytes = Vec::new();
                put_value(&mut bytes, v);
                bytes
            };
            prop_assert_eq!(x == y, bytes(&x) == bytes(&y));
        }
    }

    #[test]
    fn decimals_are_equal_however_they_are_written() {
        let value = |text: &str| Value::BigDec(Arc::new(text.parse().unwrap()));
        let mut content = Content::default();
        content.add(fact(&value("1.50"), None));
        content.subtract(fact(&value("1.5"), None));
        assert!(content.all.values().all(|sum| *sum == Sum::default()));
    }
}
