//! The temporary ids and lookup refs of one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use duramen_model::{AttributeId, Span, Value};

use super::term::{LookupId, Named, Operand, TempId};

/// The temporary ids of a transaction.
#[derive(Debug, Default)]
pub(crate) struct Temps {
    by_name: HashMap<Arc<str>, TempId>,
    names: Vec<Option<Arc<str>>>,
}

impl Temps {
    /// The temporary id with a name.
    pub(crate) fn named(&mut self, name: &Arc<str>) -> TempId {
        if let Some(known) = self.by_name.get(name) {
            return *known;
        }
        let temp = TempId(self.names.len());
        self.names.push(Some(Arc::clone(name)));
        self.by_name.insert(Arc::clone(name), temp);
        temp
    }

    /// A temporary id for a map without `:db/id`.
    pub(crate) fn fresh(&mut self) -> TempId {
        self.names.push(None);
        TempId(self.names.len() - 1)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The name, if it has one.
    pub(crate) fn name(&self, temp: TempId) -> Option<&Arc<str>> {
        self.names.get(temp.0).and_then(Option::as_ref)
    }

    /// What to call it in messages.
    pub(crate) fn describe(&self, temp: TempId) -> String {
        match self.name(temp) {
            Some(name) => format!("{name:?}"),
            None => "a map without :db/id".to_owned(),
        }
    }
}

/// A lookup ref, and where it was first used.
#[derive(Debug)]
pub(crate) struct LookupRef {
    pub(crate) a: AttributeId,
    pub(crate) v: Operand<Named>,
    pub(crate) statement: usize,
    pub(crate) span: Span,
}

/// The lookup refs of a transaction. One that is the value of another comes before it.
#[derive(Debug, Default)]
pub(crate) struct LookupRefs {
    by_fact: HashMap<(AttributeId, Value), LookupId>,
    refs: Vec<LookupRef>,
}

impl LookupRefs {
    /// Takes in a lookup ref. Equal ones are kept once.
    pub(crate) fn intern(&mut self, lookup: LookupRef) -> LookupId {
        let id = LookupId(self.refs.len());
        if let Operand::Value(value) = &lookup.v {
            let known = *self.by_fact.entry((lookup.a, value.clone())).or_insert(id);
            if known != id {
                return known;
            }
        }
        self.refs.push(lookup);
        id
    }

    /// All of them, in order.
    pub(crate) fn all(&self) -> &[LookupRef] {
        &self.refs
    }
}
