//! The attributes of a load, numbered in the order of their ids.

use duramen_model::attribute::TupleShape;
use duramen_model::{Attribute, AttributeId, Cardinality, Schema, Value, ValueType, builtin};

use super::error::BulkError;
use super::packed;

/// Bytes of a unique value, as for transactions.
const UNIQUE_BYTES_MAX: usize = 4096;

/// The attributes that facts may have. A rank, the place of an attribute among all in the order of
/// their ids, stands for the id in rows: it is short, and sorts alike.
#[derive(Debug)]
pub(crate) struct Attributes {
    by_rank: Vec<Attribute>,
    /// By id, as ids are dense; `NONE` where there is no attribute.
    ranks: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Attributes {
    /// Numbers the attributes of a schema.
    pub(crate) fn of(schema: &Schema) -> Result<Self, BulkError> {
        let mut by_rank: Vec<Attribute> = schema.attributes().cloned().collect();
        by_rank.sort_unstable_by_key(|attribute| attribute.id);
        if let Some(composite) = by_rank.iter().find(|attribute| is_composite(attribute)) {
            let attribute = composite.ident.to_string();
            let reason = "is kept by the database from other attributes, which a load does not do";
            return Err(BulkError::Schema { attribute, reason });
        }
        let ids = by_rank.last().map_or(0, |last| last.id.get() + 1);
        let mut ranks = vec![NONE; usize::try_from(ids).unwrap_or_default()];
        for (rank, attribute) in (0..).zip(&by_rank) {
            if let Some(slot) = slot(attribute.id).and_then(|slot| ranks.get_mut(slot)) {
                *slot = rank;
            }
        }
        Ok(Self { by_rank, ranks })
    }

    pub(crate) fn rank(&self, a: AttributeId) -> Option<u32> {
        self.ranks.get(slot(a)?).copied().filter(|rank| *rank != NONE)
    }

    /// The attribute of a rank that was given out.
    pub(crate) fn get(&self, rank: u32) -> &Attribute {
        &self.by_rank[rank as usize]
    }

    pub(crate) fn value_type(&self, rank: u32) -> ValueType {
        self.get(rank).value_type
    }

    pub(crate) fn is_many(&self, rank: u32) -> bool {
        self.get(rank).cardinality == Cardinality::Many
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Attribute> {
        self.by_rank.iter()
    }

    /// The rank of a fact's attribute; or what is wrong with the fact.
    pub(crate) fn admit(&self, a: AttributeId, v: &Value) -> Result<u32, String> {
        let rank = self.rank(a).ok_or_else(|| format!("there is no attribute {a}"))?;
        let attribute = self.get(rank);
        let ident = &attribute.ident;
        if v.value_type() != attribute.value_type {
            let (is, given) = (attribute.value_type.name(), v.value_type().name());
            return Err(format!("{ident} is of type {is} and is given a {given}"));
        }
        if builtin::defines_schema(a) || a == builtin::TX_INSTANT {
            return Err(format!("{ident} is for the schema, which comes before the facts"));
        }
        duramen_index::check_storable(v)?;
        if let Value::Tuple(members) = v {
            check_members(attribute, members)?;
        }
        match attribute.unique {
            Some(_) => check_length(attribute, v).map(|()| rank),
            None => Ok(rank),
        }
    }
}

/// Makes of all NaNs the one that stands for them, as transactions do.
pub(crate) fn make_canonical(v: &mut Value) {
    match v {
        Value::Double(number) if number.is_nan() => *number = f64::NAN,
        Value::Float(number) if number.is_nan() => *number = f32::NAN,
        _ => {}
    }
}

fn slot(a: AttributeId) -> Option<usize> {
    usize::try_from(a.get()).ok()
}

const fn is_composite(attribute: &Attribute) -> bool {
    matches!(attribute.tuple, Some(TupleShape::Composite(_)))
}

/// A unique value has to be looked up in order, so it is not too long to be kept in order.
fn check_length(attribute: &Attribute, v: &Value) -> Result<(), String> {
    let bytes = match v {
        Value::String(text) | Value::Uri(text) => text.len(),
        v => {
            let mut long = Vec::new();
            packed::pack(v, &mut long);
            long.len()
        }
    };
    if bytes <= UNIQUE_BYTES_MAX {
        return Ok(());
    }
    let ident = &attribute.ident;
    Err(format!("{ident} is unique and is given {bytes} bytes, at most {UNIQUE_BYTES_MAX} go"))
}

fn check_members(attribute: &Attribute, members: &[Option<Value>]) -> Result<(), String> {
    let fits = |member: &Option<Value>, wanted: ValueType| {
        member.as_ref().is_none_or(|value| value.value_type() == wanted)
    };
    let fit = match &attribute.tuple {
        Some(TupleShape::Homogeneous(wanted)) => {
            (2..=8).contains(&members.len()) && members.iter().all(|member| fits(member, *wanted))
        }
        Some(TupleShape::Heterogeneous(types)) => {
            let mut pairs = members.iter().zip(types.iter());
            members.len() == types.len() && pairs.all(|(member, wanted)| fits(member, *wanted))
        }
        Some(TupleShape::Composite(_)) | None => true,
    };
    let ident = &attribute.ident;
    if fit { Ok(()) } else { Err(format!("{ident} takes tuples of another shape")) }
}
