//! The pull pattern: what to show of an entity.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use duramen_model::edn::{self, Edn};
use duramen_model::{Form, Keyword, Schema, Span, Symbol};

use super::parse;
use super::plan::Plans;
use super::{PullError, PullErrorKind};
use crate::functions::registry::Registry;

/// How many values of an attribute are shown when the pattern does not say.
pub(super) const LIMIT_DEFAULT: usize = 1000;

/// What to show of an entity: attributes, and what to show of the entities they refer to.
///
/// ```
/// # use duramen_query::pull::PullPattern;
/// let pattern = PullPattern::parse(r#"[:book/title {:book/authors [:author/name]}]"#);
/// assert!(pattern.is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PullPattern {
    /// Whether all attributes are asked for.
    pub(super) wildcard: bool,
    /// The attributes asked for by name.
    pub(super) attributes: Vec<AttributeSpec>,
    /// Its plan, once there was one.
    planned: Planned,
}

/// The plan of a pattern for the schema that it was last used with. Shared by clones of the pattern.
#[derive(Clone, Default)]
struct Planned(Arc<Mutex<Option<ForSchema>>>);

type ForSchema = (Arc<Schema>, Arc<Plans>);

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Planned")
    }
}

/// It follows from the pattern.
impl PartialEq for Planned {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// An attribute asked for by name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AttributeSpec {
    /// The attribute; without the underscore if it is followed backwards.
    pub(super) name: Keyword,
    /// Whether the entities that refer to this one are asked for.
    pub(super) reverse: bool,
    /// What it is called in the result.
    pub(super) key: Edn,
    /// How many values are shown at most.
    pub(super) limit: Option<usize>,
    /// What is shown when there is nothing.
    pub(super) default: Option<Edn>,
    /// The function that what is shown goes through.
    pub(super) transform: Option<Symbol>,
    /// What is shown of the entities referred to.
    pub(super) next: Next,
    /// Where it stands in the pattern.
    pub(super) span: Span,
}

/// What is shown of the entities that an attribute refers to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Their ids, or all of them if they are components.
    Plain,
    /// What another pattern says.
    Pattern(PullPattern),
    /// What the pattern around it says, at most so many times.
    Recursion(Option<u32>),
}

impl PullPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When the text is not EDN, or the EDN is not a pull pattern; says where.
    pub fn parse(text: &str) -> Result<Self, PullError> {
        let form = edn::read(text).map_err(|error| {
            let start = u32::try_from(error.offset).unwrap_or(u32::MAX);
            let span = Span { start, end: start };
            PullError::at(PullErrorKind::Malformed, span, error.to_string())
        })?;
        Self::from_form(&form)
    }

    /// The plan for a schema: the one of last time, if that was for the same.
    pub(super) fn plans(
        &self,
        schema: &Arc<Schema>,
        registry: &Registry,
    ) -> Result<Arc<Plans>, PullError> {
        let mut planned = self.planned.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((own, plans)) = &*planned
            && Arc::ptr_eq(own, schema)
        {
            return Ok(Arc::clone(plans));
        }
        let plans = Arc::new(Plans::new(self, schema, registry)?);
        // Functions may be others next time.
        *planned = (!plans.call()).then(|| (Arc::clone(schema), Arc::clone(&plans)));
        Ok(plans)
    }

    /// Takes a pattern that has been read already.
    ///
    /// # Errors
    /// When the form is not a pull pattern; says where.
    pub fn from_form(form: &Form) -> Result<Self, PullError> {
        parse::pattern(form)
    }
}

impl FromStr for PullPattern {
    type Err = PullError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
