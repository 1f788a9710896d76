//! Columns: the datoms of a stretch as plain typed columns, for whoever reads many.
//!
//! The columns of a leaf are handed over as they are, without a look at each datom, wherever no
//! younger run and no closed fact interferes.

use duramen_model::{AttributeId, Datom, EntityId, T};

// A query reads through this crate alone, and needs their names.
pub use duramen_index::values::{ByteStrings, Texts};
pub use duramen_index::{KeyRange, Keys, Slice, ValueRef, Values as ValueColumn};

/// Some datoms of a stretch, as columns: the n-th member of each is of the n-th datom. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The entities.
    pub e: Slice<EntityId>,
    /// The attributes.
    pub a: Attributes,
    /// The values. Typed where all are of one type, as they are where the attribute is one.
    pub v: ValueColumn,
    /// The transactions that said so.
    pub t: Slice<T>,
    /// Which are assertions; `None` where all are, as in every view but a history.
    pub added: Option<Slice<bool>>,
}

/// The attributes of some datoms.
#[derive(Debug, Clone)]
pub enum Attributes {
    /// All have the same.
    One(AttributeId),
    /// Each has its own.
    Each(Slice<AttributeId>),
}

impl Attributes {
    /// The attribute of a datom.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn get(&self, index: usize) -> AttributeId {
        match self {
            Self::One(a) => *a,
            Self::Each(column) => column[index],
        }
    }
}

impl Columns {
    /// How many datoms there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.e.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.e.is_empty()
    }

    /// One of the datoms.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn datom(&self, index: usize) -> Datom {
        Datom {
            e: self.e[index],
            a: self.a.get(index),
            v: self.v.value(index),
            t: self.t[index],
            added: self.added.as_ref().is_none_or(|added| added[index]),
        }
    }

    /// The datoms one by one.
    pub fn datoms(&self) -> impl Iterator<Item = Datom> {
        (0..self.len()).map(|index| self.datom(index))
    }

    fn gather(&self, places: &[usize]) -> Self {
        Self {
            e: places.iter().map(|place| self.e[*place]).collect(),
            a: match &self.a {
                Attributes::One(a) => Attributes::One(*a),
                Attributes::Each(column) => {
                    Attributes::Each(places.iter().map(|place| column[*place]).collect())
                }
            },
            v: self.v.gather(places),
            t: places.iter().map(|place| self.t[*place]).collect(),
            added: self.added.as_ref().map(|added| places.iter().map(|at| added[*at]).collect()),
        }
    }
}

/// Datoms as they are kept together, some of which a view may not show.
#[derive(Debug, Clone)]
pub struct Part {
    /// All of them.
    pub columns: Columns,
    /// The places of those that are shown, at least one, ascending; `None` where all are.
    pub shown: Option<Vec<usize>>,
}

impl Part {
    /// Columns of those that are shown and no others.
    #[must_use]
    pub fn into_columns(self) -> Columns {
        match self.shown {
            None => self.columns,
            Some(shown) => self.columns.gather(&shown),
        }
    }
}

impl From<Columns> for Part {
    fn from(columns: Columns) -> Self {
        Self { columns, shown: None }
    }
}

impl From<Vec<Datom>> for Columns {
    fn from(datoms: Vec<Datom>) -> Self {
        let first = datoms.first().map_or(AttributeId::MIN, |datom| datom.a);
        let a = match datoms.iter().all(|datom| datom.a == first) {
            true => Attributes::One(first),
            false => Attributes::Each(datoms.iter().map(|datom| datom.a).collect()),
        };
        let all_added = datoms.iter().all(|datom| datom.added);
        Self {
            e: datoms.iter().map(|datom| datom.e).collect(),
            a,
            v: datoms.iter().map(|datom| &datom.v).collect(),
            t: datoms.iter().map(|datom| datom.t).collect(),
            added: (!all_added).then(|| datoms.iter().map(|datom| datom.added).collect()),
        }
    }
}

/// The places, of so many, that pass a test; `None` when all do. Costs the same however many pass
/// and in whatever sequence.
pub fn passing(len: usize, mut passes: impl FnMut(usize) -> bool) -> Option<Vec<usize>> {
    let mut places = vec![0; len];
    let mut count = 0;
    for place in 0..len {
        // Written in any case: a jump that cannot be foretold costs more.
        places[count] = place;
        count += usize::from(passes(place));
    }
    places.truncate(count);
    (count < len).then_some(places)
}
