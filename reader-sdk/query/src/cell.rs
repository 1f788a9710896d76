//! The cell: what a variable holds for one row.
//!
//! A cell is a value of a database or a piece of EDN, in one form each, so that what is equal
//! compares equal wherever it comes from: an entity is the long of its id, a tuple is a vector,
//! and so is a list.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use duramen_model::{Edn, EntityId, Form, Symbol, Value};
use regex::{Regex, RegexBuilder};

/// What a variable holds for one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cell {
    /// Only within vectors, and as the result of a function, where it drops the row.
    Nil,
    /// Never a [`Value::Ref`] or a [`Value::Tuple`].
    Value(Value),
    Character(char),
    Vector(Arc<[Cell]>),
    Set(Arc<BTreeSet<Cell>>),
    Map(Arc<BTreeMap<Cell, Cell>>),
    Tagged(Arc<(Symbol, Cell)>),
    Pattern(Arc<Pattern>),
}

impl Cell {
    pub(crate) const fn long(number: i64) -> Self {
        Self::Value(Value::Long(number))
    }

    pub(crate) const fn boolean(truth: bool) -> Self {
        Self::Value(Value::Boolean(truth))
    }

    pub(crate) fn string(text: impl AsRef<str>) -> Self {
        Self::Value(Value::string(text))
    }

    pub(crate) fn vector(cells: impl IntoIterator<Item = Self>) -> Self {
        Self::Vector(cells.into_iter().collect())
    }

    pub(crate) fn from_value(value: &Value) -> Self {
        match value {
            Value::Ref(entity) => Self::long(entity_long(*entity)),
            Value::Tuple(members) => Self::vector(
                members.iter().map(|member| member.as_ref().map_or(Self::Nil, Self::from_value)),
            ),
            other => Self::Value(other.clone()),
        }
    }

    pub(crate) fn from_edn(edn: &Edn) -> Self {
        let cells = |forms: &[Form]| -> Vec<Self> {
            forms.iter().map(|form| Self::from_edn(&form.edn)).collect()
        };
        match edn {
            Edn::Nil => Self::Nil,
            Edn::Value(value) => Self::from_value(value),
            Edn::Character(character) => Self::Character(*character),
            Edn::List(forms) | Edn::Vector(forms) => Self::vector(cells(forms)),
            Edn::Set(forms) => Self::Set(Arc::new(cells(forms).into_iter().collect())),
            Edn::Map(entries) => Self::Map(Arc::new(
                entries
                    .iter()
                    .map(|(key, value)| (Self::from_edn(&key.edn), Self::from_edn(&value.edn)))
                    .collect(),
            )),
            Edn::Tagged(tag, form) => {
                Self::Tagged(Arc::new((tag.clone(), Self::from_edn(&form.edn))))
            }
        }
    }

    pub(crate) fn to_edn(&self) -> Edn {
        let forms = |cells: &[Self]| -> Vec<Form> {
            cells.iter().map(|cell| Form::from(cell.to_edn())).collect()
        };
        match self {
            Self::Nil => Edn::Nil,
            Self::Value(value) => Edn::Value(value.clone()),
            Self::Character(character) => Edn::Character(*character),
            Self::Vector(cells) => Edn::Vector(forms(cells)),
            Self::Set(cells) => {
                Edn::Set(cells.iter().map(|cell| Form::from(cell.to_edn())).collect())
            }
            Self::Map(entries) => Edn::Map(
                entries
                    .iter()
                    .map(|(key, value)| (Form::from(key.to_edn()), Form::from(value.to_edn())))
                    .collect(),
            ),
            Self::Tagged(tagged) => {
                Edn::Tagged(tagged.0.clone(), Box::new(Form::from(tagged.1.to_edn())))
            }
            Self::Pattern(pattern) => Edn::from(pattern.text()),
        }
    }

    /// As [`Self::to_edn`], without a copy of what is a value.
    pub(crate) fn into_edn(self) -> Edn {
        match self {
            Self::Value(value) => Edn::Value(value),
            other => other.to_edn(),
        }
    }

    /// Whether a predicate with this result holds: neither false nor nil.
    pub(crate) const fn is_truthy(&self) -> bool {
        !matches!(self, Self::Nil | Self::Value(Value::Boolean(false)))
    }

    pub(crate) const fn as_long(&self) -> Option<i64> {
        match self {
            Self::Value(Value::Long(number)) => Some(*number),
            _ => None,
        }
    }

    /// The text of a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Value(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// About how many bytes the cell takes. What stands deep within is not looked at.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes_within(2)
    }

    fn bytes_within(&self, levels: usize) -> usize {
        /// Members that are looked at; the others count like them.
        const LOOKED_AT: usize = 8;
        let members = |len: usize, members: &mut dyn Iterator<Item = usize>| {
            let some: usize = members.take(LOOKED_AT).sum();
            some * len / LOOKED_AT.min(len).max(1)
        };
        let own = size_of::<Self>();
        let inner = |cell: &Self| match levels.checked_sub(1) {
            Some(levels) => cell.bytes_within(levels),
            None => own,
        };
        own + match self {
            Self::Nil | Self::Character(_) => 0,
            Self::Value(value) => value_bytes(value),
            Self::Vector(cells) => members(cells.len(), &mut cells.iter().map(inner)),
            Self::Set(cells) => members(cells.len(), &mut cells.iter().map(inner)),
            Self::Map(entries) => {
                let entry = |(key, value): (&Self, &Self)| inner(key) + inner(value);
                members(entries.len(), &mut entries.iter().map(entry))
            }
            Self::Tagged(tagged) => inner(&tagged.1),
            Self::Pattern(pattern) => pattern.text().len(),
        }
    }

    /// The members of what can be taken apart in order.
    pub(crate) fn members(&self) -> Option<Vec<Self>> {
        match self {
            Self::Vector(cells) => Some(cells.to_vec()),
            Self::Set(cells) => Some(cells.iter().cloned().collect()),
            Self::Map(entries) => {
                let pair = |(k, v): (&Self, &Self)| Self::vector([k.clone(), v.clone()]);
                Some(entries.iter().map(pair).collect())
            }
            _ => None,
        }
    }

    /// What the cell is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Pattern(_) => "a regular expression",
            Self::Vector(_) => "a vector",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Tagged(_) => "a tagged form",
            Self::Nil | Self::Value(_) | Self::Character(_) => self.to_edn().kind(),
        }
    }
}

/// About how many bytes a value has on the heap.
fn value_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) | Value::Uri(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::BigInt(number) => usize::try_from(number.bits() / 8).unwrap_or(usize::MAX),
        Value::BigDec(number) => usize::try_from(number.digits()).unwrap_or(usize::MAX),
        _ => 0,
    }
}

/// The long that stands for an entity. Ids stay under 2^53.
pub(crate) fn entity_long(entity: EntityId) -> i64 {
    i64::try_from(entity.get()).unwrap_or(i64::MAX)
}

/// The entity that a long stands for.
pub(crate) fn long_entity(number: i64) -> Option<EntityId> {
    EntityId::new(u64::try_from(number).ok()?)
}

/// A compiled regular expression. Equal when its text is.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    whole: OnceLock<Option<Regex>>,
}

/// Bytes that a compiled expression may take: patterns come with the query.
const REGEX_BYTES_MAX: usize = 1 << 20;

impl Pattern {
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let regex = build(text)?;
        Ok(Self { regex, whole: OnceLock::new() })
    }

    pub(crate) fn text(&self) -> &str {
        self.regex.as_str()
    }

    /// The expression, for a match anywhere.
    pub(crate) const fn anywhere(&self) -> &Regex {
        &self.regex
    }

    /// The expression, for a match of the whole text. Leftmost matching alone would settle for
    /// the first alternative of `a|ab`.
    pub(crate) fn whole(&self) -> Option<&Regex> {
        let whole = || build(&format!(r"\A(?:{})\z", self.text())).ok();
        self.whole.get_or_init(whole).as_ref()
    }
}

fn build(text: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(text).size_limit(REGEX_BYTES_MAX).build();
    regex.map_err(|error| match error {
        // Its last line says what is wrong; those before draw where.
        regex::Error::Syntax(drawn) => {
            let reason = drawn.lines().last().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            format!("{text:?} is no regular expression: {reason}")
        }
        other => other.to_string(),
    })
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text().cmp(other.text())
    }
}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}
