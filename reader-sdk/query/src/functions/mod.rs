//! What a query may call: a closed set, and what the host program registers.
//!
//! | group | functions |
//! | --- | --- |
//! | comparison | `=` `==` `not=` `!=` `<` `<=` `>` `>=` `compare` |
//! | arithmetic | `+` `-` `*` `/` `quot` `rem` `mod` `inc` `dec` `abs` `min` `max` |
//! | number tests | `even?` `odd?` `zero?` `pos?` `neg?` |
//! | conversion | `long` `double` `float` `bigint` `bigdec` `parse-long` `parse-double` `inst-ms` |
//! | logic | `identity` `ground` `not` `and` `or` `true?` `false?` `nil?` `some?` |
//! | type tests | `number?` `integer?` `int?` `float?` `double?` `decimal?` `string?` `keyword?` `symbol?` `boolean?` `char?` `inst?` `uuid?` `uri?` `bytes?` `vector?` `sequential?` `set?` `map?` `coll?` |
//! | text | `str` `subs` `name` `namespace` `keyword` `symbol` `re-pattern` `re-find` `re-matches` `re-seq` |
//! | `clojure.string/` | `upper-case` `lower-case` `capitalize` `trim` `triml` `trimr` `blank?` `starts-with?` `ends-with?` `includes?` `index-of` `join` `split` `replace` `reverse` |
//! | collections | `count` `empty?` `not-empty` `contains?` `get` `first` `last` `nth` `vector` `list` `set` `hash-map` `tuple` `untuple` `range` |
//! | databases | `get-else` `get-some` `missing?`: these take a source first |
//! | queries | `q`: takes a query and its inputs, among them sources and `%` |
//!
//! They have their Clojure meaning, with these differences: integer arithmetic that overflows is
//! an error; `/` of integers gives the quotient; `=` compares numbers by value whatever their
//! types; the ordering predicates and `min` and `max` take whatever can be compared; positions
//! in text count characters (code points); regular expressions take linear time, so they have no
//! look-around and no back-references. Nothing here reads a clock or draws a random number.

mod arithmetic;
mod collection;
mod compare;
mod convert;
mod number;
pub mod registry;
mod test;
mod text;

use std::sync::Arc;

use duramen_model::{Edn, Symbol};

use crate::ast::Query;
use crate::cell::Cell;
use registry::{HostFunction, Registry};

pub(crate) use arithmetic::add;
pub(crate) use collection::check_levels;
pub(crate) use compare::{order, total_order};
pub(crate) use number::{Number, checked_decimal};
pub(crate) use text::takes_pattern;

/// What a builtin function gives: a cell, or why it cannot.
pub(crate) type Outcome = Result<Cell, String>;

/// A function of the closed set.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    arguments_min: usize,
    arguments_max: usize,
    pub(crate) function: fn(&[Cell]) -> Outcome,
}

/// As many arguments as there are.
const MANY: usize = usize::MAX;

const fn builtin(
    name: &'static str,
    arguments_min: usize,
    arguments_max: usize,
    function: fn(&[Cell]) -> Outcome,
) -> Builtin {
    Builtin { name, arguments_min, arguments_max, function }
}

/// Something that a query calls.
#[derive(Debug, Clone)]
pub(crate) enum Function {
    Builtin(&'static Builtin),
    Host(Arc<HostFunction>),
    GetElse,
    GetSome,
    Missing,
    /// A query within the query.
    Query(Query),
}

impl Function {
    /// Finds what a name stands for. Builtin names cannot be taken by the host.
    pub(crate) fn named(name: &Symbol, registry: &Registry) -> Option<Self> {
        match name.text() {
            "get-else" => return Some(Self::GetElse),
            "get-some" => return Some(Self::GetSome),
            "missing?" => return Some(Self::Missing),
            _ => {}
        }
        let groups = [
            compare::TABLE,
            arithmetic::TABLE,
            convert::TABLE,
            test::TABLE,
            text::TABLE,
            collection::TABLE,
        ];
        let builtin = groups.into_iter().flatten().find(|builtin| builtin.name == name.text());
        builtin.map(Self::Builtin).or_else(|| registry.function(name).map(Self::Host))
    }

    /// Whether the function looks into a source, which it takes first.
    pub(crate) const fn takes_source(&self) -> bool {
        matches!(self, Self::GetElse | Self::GetSome | Self::Missing)
    }

    /// Calls a function that looks into no source.
    pub(crate) fn call(&self, cells: &[Cell]) -> Outcome {
        match self {
            Self::Builtin(builtin) => (builtin.function)(cells),
            Self::Host(host) => {
                let edn: Vec<Edn> = cells.iter().map(Cell::to_edn).collect();
                host.call(&edn).map(|edn| Cell::from_edn(&edn))
            }
            Self::GetElse | Self::GetSome | Self::Missing | Self::Query(_) => {
                Err("looks into a source".to_owned())
            }
        }
    }

    /// Whether the function takes so many arguments, the source not counted.
    pub(crate) fn takes(&self, arguments: usize) -> bool {
        let (min, max) = self.arity();
        (min..=max).contains(&arguments)
    }

    /// The fewest and the most arguments, for messages.
    pub(crate) fn arity(&self) -> (usize, usize) {
        match self {
            Self::Builtin(builtin) => (builtin.arguments_min, builtin.arguments_max),
            Self::Host(host) => (host.arguments(), host.arguments()),
            Self::GetElse => (3, 3),
            Self::GetSome => (2, MANY),
            Self::Missing => (2, 2),
            Self::Query(query) => (query.parts.inputs.len(), query.parts.inputs.len()),
        }
    }
}

/// "a vector, a map", for messages about arguments.
fn kinds(cells: &[Cell]) -> String {
    cells.iter().map(Cell::kind).collect::<Vec<_>>().join(", ")
}
