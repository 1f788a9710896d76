//! The total order of EDN, with equality and hashing that agree with it.
//!
//! Maps and sets are compared by their entries in order, whatever order they are written in. Each
//! is put in order once from the inside out before anything is compared: sorting within a
//! comparison within a sort would take time with the square of the size for nested sets.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{Symbol, Value};

use super::{Edn, Form};

/// EDN with the members of maps and sets in order. The variants are in the order of kinds.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Ordered<'a> {
    Nil,
    Value(&'a Value),
    Character(char),
    List(Vec<Ordered<'a>>),
    Vector(Vec<Ordered<'a>>),
    Map(Vec<(Ordered<'a>, Ordered<'a>)>),
    Set(Vec<Ordered<'a>>),
    Tagged(&'a Symbol, Box<Ordered<'a>>),
}

impl<'a> Ordered<'a> {
    fn new(edn: &'a Edn) -> Self {
        let each = |forms: &'a [Form]| forms.iter().map(|form| Self::new(&form.edn)).collect();
        match edn {
            Edn::Nil => Self::Nil,
            Edn::Value(value) => Self::Value(value),
            Edn::Character(c) => Self::Character(*c),
            Edn::List(forms) => Self::List(each(forms)),
            Edn::Vector(forms) => Self::Vector(each(forms)),
            Edn::Map(entries) => {
                let entry =
                    |(key, value): &'a (Form, Form)| (Self::new(&key.edn), Self::new(&value.edn));
                let mut entries: Vec<_> = entries.iter().map(entry).collect();
                entries.sort_unstable();
                Self::Map(entries)
            }
            Edn::Set(forms) => {
                let mut members: Vec<_> = each(forms);
                members.sort_unstable();
                Self::Set(members)
            }
            Edn::Tagged(tag, form) => Self::Tagged(tag, Box::new(Self::new(&form.edn))),
        }
    }
}

/// By kind first: nil, values, characters, lists, vectors, maps, sets, tagged forms. Lists and
/// vectors compare member by member, maps and sets by their entries in order.
impl Ord for Edn {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Value(a), Self::Value(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) | (Self::Vector(a), Self::Vector(b)) => a.cmp(b),
            (Self::Map(_), Self::Map(_)) | (Self::Set(_), Self::Set(_)) => {
                Ordered::new(self).cmp(&Ordered::new(other))
            }
            (Self::Tagged(a, x), Self::Tagged(b, y)) => a.cmp(b).then_with(|| x.cmp(y)),
            (Self::Character(a), Self::Character(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl Edn {
    fn rank(&self) -> u8 {
        match self {
            Self::Nil => 0,
            Self::Value(_) => 1,
            Self::Character(_) => 2,
            Self::List(_) => 3,
            Self::Vector(_) => 4,
            Self::Map(_) => 5,
            Self::Set(_) => 6,
            Self::Tagged(..) => 7,
        }
    }
}

impl PartialOrd for Edn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Edn {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(a), Self::Value(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Vector(a), Self::Vector(b)) => a == b,
            (Self::Map(a), Self::Map(b)) if a.len() != b.len() => false,
            (Self::Set(a), Self::Set(b)) if a.len() != b.len() => false,
            _ => self.cmp(other) == Ordering::Equal,
        }
    }
}

impl Eq for Edn {}

impl Hash for Edn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Nil => {}
            Self::Value(value) => value.hash(state),
            Self::Character(c) => c.hash(state),
            Self::List(forms) | Self::Vector(forms) => forms.hash(state),
            Self::Map(entries) => hash_unordered(entries, state),
            Self::Set(forms) => hash_unordered(forms, state),
            Self::Tagged(tag, form) => (tag, form).hash(state),
        }
    }
}

/// Hashes members so that their order does not matter.
fn hash_unordered<H: Hasher>(members: &[impl Hash], state: &mut H) {
    let sum = members.iter().fold(0_u64, |sum, member| {
        let mut hasher = DefaultHasher::new();
        member.hash(&mut hasher);
        sum.wrapping_add(hasher.finish())
    });
    (members.len(), sum).hash(state);
}

impl Ord for Form {
    fn cmp(&self, other: &Self) -> Ordering {
        self.edn.cmp(&other.edn)
    }
}

impl PartialOrd for Form {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        self.edn == other.edn
    }
}

impl Eq for Form {}

impl Hash for Form {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.edn.hash(state);
    }
}
