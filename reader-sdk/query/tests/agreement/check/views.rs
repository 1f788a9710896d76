//! What a view of a database shows, computed the slow and obvious way from its transactions.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use duramen_db::TxRecord;
use duramen_model::{EntityId, T, Value, ValueType};

use super::attributes::{ATTRIBUTES, ENTITIES, members};
use super::naive::Relations;

/// A fact `e a v t op`, or a row of a plain relation. Entities are the longs of their ids.
pub(crate) type Row = Vec<Value>;

/// Which facts of a database are seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct View {
    /// The first database, or the second.
    pub(crate) database: usize,
    /// Whether what is speculated counts.
    pub(crate) speculative: bool,
    pub(crate) as_of: Option<u64>,
    pub(crate) since: Option<u64>,
    pub(crate) history: bool,
}

/// What patterns are matched against.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) rows: Vec<Row>,
    by_attribute: HashMap<i64, Vec<usize>>,
    /// The entities that idents name.
    pub(crate) names: BTreeMap<&'static str, i64>,
    /// The types of attributes, and whether there may be many values.
    pub(crate) types: HashMap<i64, (ValueType, bool)>,
    /// The types of the members of attributes of tuples, where the schema says them.
    pub(crate) members: HashMap<i64, &'static [ValueType]>,
    pub(crate) is_database: bool,
    pub(crate) history: bool,
    /// What the rules give over it, once that is known; nothing if it is too much.
    pub(crate) relations: OnceCell<Option<Relations>>,
}

pub(crate) fn long(entity: EntityId) -> i64 {
    i64::try_from(entity.get()).expect("ids are under 2^53")
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Ref(entity) => Value::Long(long(*entity)),
        Value::Tuple(members) => {
            Value::Tuple(members.iter().map(|member| member.as_ref().map(plain)).collect())
        }
        other => other.clone(),
    }
}

impl Source {
    pub(crate) fn relation(rows: Vec<Row>) -> Self {
        Self { rows, ..Self::default() }
    }

    /// What a view shows of these transactions.
    pub(crate) fn of(records: &[TxRecord], view: View) -> Self {
        let rows = facts(records, view);
        let mut source = Self { rows, is_database: true, history: view.history, ..Self::default() };
        for (at, row) in source.rows.iter().enumerate() {
            let Value::Long(a) = row[1] else { unreachable!("an id") };
            source.by_attribute.entry(a).or_default().push(at);
        }
        let idents = records.iter().flat_map(TxRecord::datoms).filter_map(|datom| match &datom.v {
            Value::Keyword(ident) if datom.a == duramen_model::builtin::IDENT => {
                Some((ident.to_string(), long(datom.e)))
            }
            _ => None,
        });
        let idents: BTreeMap<String, i64> = idents.collect();
        let mut name = |name: &'static str| {
            let entity = idents[&format!(":{name}")];
            source.names.insert(name, entity);
            entity
        };
        for attribute in &ATTRIBUTES {
            let id = name(attribute.name);
            source.types.insert(id, (attribute.types[view.database], attribute.many));
            source.members.insert(id, members(attribute.name));
        }
        ENTITIES.into_iter().for_each(|entity| {
            name(entity);
        });
        source
    }

    /// The rows that may match, given the attribute if it is known.
    pub(crate) fn rows_of(&self, attribute: Option<i64>) -> Box<dyn Iterator<Item = &Row> + '_> {
        match attribute {
            Some(a) => {
                let places = self.by_attribute.get(&a).into_iter().flatten();
                Box::new(places.map(|&at| &self.rows[at]))
            }
            None => Box::new(self.rows.iter()),
        }
    }
}

fn facts(records: &[TxRecord], view: View) -> Vec<Row> {
    let seen = |t: T| {
        view.since.is_none_or(|since| t.get() > since)
            && view.as_of.is_none_or(|as_of| t.get() <= as_of)
    };
    let row = |change: &duramen_db::Change| {
        let datom = &change.datom;
        vec![
            Value::Long(long(datom.e)),
            Value::Long(long(datom.a.entity())),
            plain(&datom.v),
            Value::Long(long(datom.t.entity())),
            Value::Boolean(datom.added),
        ]
    };
    let changes = || records.iter().flat_map(|record| &record.changes);
    if view.history {
        return changes().filter(|change| seen(change.datom.t)).map(row).collect();
    }
    // What is closed within the time that is seen is over.
    let until = |t: T| view.as_of.is_none_or(|as_of| t.get() <= as_of);
    let mut open: BTreeMap<(EntityId, u64, Value), &duramen_db::Change> = BTreeMap::new();
    for change in changes().filter(|change| until(change.datom.t)) {
        let key = (change.datom.e, change.datom.a.get(), change.datom.v.clone());
        if change.datom.added {
            open.insert(key, change);
        } else {
            open.remove(&key);
        }
    }
    open.values().filter(|change| seen(change.datom.t)).map(|change| row(change)).collect()
}
