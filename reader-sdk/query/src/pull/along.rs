//! Pulls along an index: the entities that have an attribute, shown batch by batch in the order of
//! its values or of the entities.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Bound;

use duramen_db::{AttributeRef, ColumnCursor, Db, DbError, KeyRange};
use duramen_model::{Edn, EntityId, Order, Value};

use super::{PullError, PullErrorKind, PullOptions, PullPattern, pull_many_with};

/// How many entities are shown at once.
const ENTITIES_AT_ONCE: usize = 256;

/// Which entities to show, and in what order: those that have an attribute, once for each value.
///
/// ```
/// # use duramen_query::pull::Along;
/// # use duramen_model::{Instant, Keyword};
/// // The newest first, from a day on into the past.
/// let orders = Along::values(Keyword::new("order/date")).from(Instant::from_millis(0)).reversed();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Along {
    attribute: AttributeRef,
    order: Order,
    start: Option<Value>,
    is_reversed: bool,
}

impl Along {
    /// In the order of the values (AVET). The attribute has to be unique or indexed.
    #[must_use]
    pub fn values(attribute: impl Into<AttributeRef>) -> Self {
        let (attribute, order) = (attribute.into(), Order::Avet);
        Self { attribute, order, start: None, is_reversed: false }
    }

    /// In the order of the entities (AEVT).
    #[must_use]
    pub fn entities(attribute: impl Into<AttributeRef>) -> Self {
        Self { order: Order::Aevt, ..Self::values(attribute) }
    }

    /// From a value on, which is among them; of the entities from one on.
    #[must_use]
    pub fn from(self, start: impl Into<Value>) -> Self {
        Self { start: Some(start.into()), ..self }
    }

    /// From the last to the first. What lies between the first of them and the start is read before
    /// anything is shown, at eight bytes for each value.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { is_reversed: true, ..self }
    }

    /// The stretch of the index, and the entity that it begins or ends with.
    fn range(&self, db: &Db) -> Result<(KeyRange, Option<EntityId>), PullError> {
        let unknown = || DbError::UnknownAttribute { attribute: self.attribute.to_string() };
        let attribute = db.attribute(&self.attribute).ok_or_else(unknown)?;
        if self.order == Order::Avet && !db.finds_values_of(attribute.id) {
            let message = format!("{} is neither unique nor indexed", attribute.ident);
            return Err(PullError::of(PullErrorKind::NotIndexed, message));
        }
        let all = KeyRange::all(self.order).with_a(attribute.id);
        match (&self.start, self.order) {
            (None, _) => Ok((all, None)),
            (Some(Value::Ref(e)), Order::Aevt) => Ok((all, Some(*e))),
            (Some(start), Order::Avet) if start.value_type() == attribute.value_type => {
                let start = Bound::Included(start.clone());
                let v = match self.is_reversed {
                    true => (Bound::Unbounded, start),
                    false => (start, Bound::Unbounded),
                };
                Ok((KeyRange { v, ..all }, None))
            }
            (Some(start), _) => {
                let message = format!("{} does not begin at {start:?}", attribute.ident);
                Err(PullError::of(PullErrorKind::Malformed, message))
            }
        }
    }
}

/// Shows entities batch by batch. Memory holds one batch, however many there are; of a reversed
/// order also the ids that are left.
pub struct IndexPull {
    db: Db,
    pattern: PullPattern,
    options: PullOptions,
    start: Option<EntityId>,
    is_reversed: bool,
    /// `None` at the end.
    cursor: Option<ColumnCursor>,
    ahead: VecDeque<EntityId>,
}

impl fmt::Debug for IndexPull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexPull")
            .field("db", &self.db)
            .field("pattern", &self.pattern)
            .field("ahead", &self.ahead.len())
            .finish_non_exhaustive()
    }
}

/// Begins to show the entities along an index.
///
/// # Errors
/// When the attribute is unknown, has no such order, or does not begin with such a value.
pub fn index_pull(
    db: &Db,
    pattern: &PullPattern,
    along: &Along,
    options: &PullOptions,
) -> Result<IndexPull, PullError> {
    let (range, start) = along.range(db)?;
    Ok(IndexPull {
        db: db.clone(),
        pattern: pattern.clone(),
        options: options.clone(),
        start,
        is_reversed: along.is_reversed,
        cursor: Some(db.columns(&range)),
        ahead: VecDeque::new(),
    })
}

impl IndexPull {
    /// What is shown of the next entities, at least one; `None` after the last. Nil stands for an
    /// entity of which the pattern shows nothing.
    ///
    /// # Errors
    /// As [`pull`](super::pull()).
    pub async fn next_batch(&mut self) -> Result<Option<Vec<Edn>>, PullError> {
        while (self.ahead.is_empty() || self.is_reversed)
            && let Some(cursor) = &mut self.cursor
        {
            let Some(columns) = cursor.next_batch().await? else {
                self.cursor = None;
                break;
            };
            let (start, is_reversed) = (self.start, self.is_reversed);
            let is_wanted = |e: &EntityId| {
                start.is_none_or(|start| if is_reversed { *e <= start } else { *e >= start })
            };
            self.ahead.extend(columns.e.iter().copied().filter(is_wanted));
        }
        let count = ENTITIES_AT_ONCE.min(self.ahead.len());
        let entities: Vec<EntityId> = match self.is_reversed {
            false => self.ahead.drain(..count).collect(),
            true => self.ahead.drain(self.ahead.len() - count..).rev().collect(),
        };
        if entities.is_empty() {
            return Ok(None);
        }
        let shown = pull_many_with(&self.db, &self.pattern, &entities, &self.options).await?;
        Ok(Some(shown))
    }
}
