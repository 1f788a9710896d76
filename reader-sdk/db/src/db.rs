//! The database value and its views.

use std::fmt;
use std::sync::{Arc, Weak};

use duramen_index::{Layer, NodeStats};
use duramen_model::{Attribute, AttributeId, EntityId, Instant, Order, Schema, T, Value, builtin};
use duramen_store::layout::DatabaseId;

use crate::facts::Facts;
use crate::window::Window;
use crate::{
    AttributeRef, Checkpoint, DbError, EntityRef, LogCursor, NextIds, Selection, TxRecord, Values,
};

/// A database at one time: an immutable value, cheap to clone.
///
/// ```
/// # use duramen_db::Db;
/// # use duramen_model::{Keyword, T};
/// let db = Db::genesis();
/// assert_eq!(db.basis_t(), T::GENESIS);
/// assert!(db.schema().attribute_named(&Keyword::new("db/ident")).is_some());
/// ```
#[derive(Clone)]
pub struct Db {
    pub(crate) facts: Arc<Facts>,
    pub(crate) window: Window,
    /// Of the view.
    schema: Arc<Schema>,
}

// What it is, not what is in it: a database may have millions of facts.
impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id().map(|id| id.to_string());
        f.debug_struct("Db")
            .field("id", &id)
            .field("basis", &self.facts.basis)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// Tells one database value from another, without keeping anything of it in memory.
#[derive(Debug, Clone)]
pub struct DbIdentity {
    facts: Weak<Facts>,
    window: Window,
}

impl DbIdentity {
    /// Whether this is the identity of a value or of a clone of it. Values that were made apart
    /// are different, even if they hold the same.
    #[must_use]
    pub fn is(&self, db: &Db) -> bool {
        // No other value can be in the place of this one while the weak reference is there.
        std::ptr::eq(self.facts.as_ptr(), Arc::as_ptr(&db.facts)) && self.window == db.window
    }
}

/// What it is.
impl Db {
    /// What tells this value from others.
    #[must_use]
    pub fn identity(&self) -> DbIdentity {
        DbIdentity { facts: Arc::downgrade(&self.facts), window: self.window }
    }

    /// A database in memory that has only what every database is born with.
    #[must_use]
    pub fn genesis() -> Self {
        Self::of(Facts::genesis())
    }

    pub(crate) fn of(facts: Facts) -> Self {
        let schema = Arc::clone(&facts.schema);
        Self { facts: Arc::new(facts), window: Window::default(), schema }
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The database's id; `None` for one that is only in memory.
    #[must_use]
    pub fn id(&self) -> Option<DatabaseId> {
        self.facts.source.as_ref().map(|source| source.id)
    }

    /// The newest transaction of the database, whatever the view shows of it.
    #[must_use]
    pub fn basis_t(&self) -> T {
        self.facts.basis
    }

    /// The newest transaction that the view shows, where it was narrowed.
    #[must_use]
    pub fn as_of_t(&self) -> Option<T> {
        self.window.as_of
    }

    /// The transaction after which the view begins, where it was narrowed.
    #[must_use]
    pub fn since_t(&self) -> Option<T> {
        self.window.since
    }

    /// Whether the view shows every assertion and retraction.
    #[must_use]
    pub fn is_history(&self) -> bool {
        self.window.history
    }

    /// The attributes and idents, as of the newest transaction that the view shows.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The same as [`Self::schema`], shared: the same one as long as nothing in it changes.
    #[must_use]
    pub const fn shared_schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The instant of the newest transaction of the database, whatever the view shows of it.
    #[must_use]
    pub fn basis_instant(&self) -> Instant {
        self.facts.instant
    }

    /// The ids that the next new entities get.
    #[must_use]
    pub fn next_ids(&self) -> NextIds {
        self.facts.next_ids
    }
}

/// The log.
impl Db {
    /// The transactions from one up to, but without, another, oldest first; whatever the view.
    ///
    /// # Errors
    /// When the store fails, or an object in it is damaged.
    pub async fn tx_range(&self, from: T, to: T) -> Result<Vec<Arc<TxRecord>>, DbError> {
        let mut cursor = self.log(from, to);
        let mut txs = cursor.next_batch().await?.unwrap_or_default();
        while let Some(batch) = cursor.next_batch().await? {
            txs.extend(batch);
        }
        Ok(txs)
    }

    /// The same as [`Self::tx_range`], batch by batch with bounded memory, for long stretches.
    #[must_use]
    pub fn log(&self, from: T, to: T) -> LogCursor {
        let source = self.facts.source.as_ref().zip(self.facts.checkpoint.as_deref());
        LogCursor::new(source, &self.facts.recent, (from, to.get()))
    }

    /// The transactions from `from` on that are not in the trees of the checkpoint, oldest first.
    pub fn recent_txs(&self, from: T) -> impl Iterator<Item = &Arc<TxRecord>> {
        self.facts.recent.since(from)
    }

    /// What reading the trees has cost so far, over all values of the database that were made
    /// from one snapshot.
    #[must_use]
    pub fn node_stats(&self) -> NodeStats {
        self.facts.nodes().stats()
    }

    /// What is kept as columns of the facts that are in memory and not in trees, in bytes: those
    /// that were read as such.
    #[must_use]
    pub fn column_bytes(&self) -> u64 {
        let layers = [Layer::Current, Layer::History];
        let indexes = layers.into_iter().flat_map(|layer| Order::ALL.map(|order| (order, layer)));
        indexes.map(|(order, layer)| self.facts.index(order, layer).column_bytes()).sum()
    }

    /// The newest transaction that is in the trees of the checkpoint.
    #[must_use]
    pub fn checkpoint_t(&self) -> Option<T> {
        self.facts.checkpoint.as_ref().map(|checkpoint| checkpoint.t)
    }

    /// What the trees are; `None` in memory, and before the first merge.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&Arc<Checkpoint>> {
        self.facts.checkpoint.as_ref()
    }

    /// The same database on top of a newer checkpoint, which a merge of it or of an older value
    /// of it made. What the checkpoint has is dropped from memory; what is newer stays.
    ///
    /// # Errors
    /// `NotCurrent` for a view, for a database in memory only, and for a checkpoint that is
    /// newer than the database or older than the one it has.
    pub fn with_checkpoint(&self, checkpoint: Arc<Checkpoint>) -> Result<Self, DbError> {
        let (facts, source) = (self.whole()?, self.facts.source.as_ref());
        let fits = checkpoint.t <= facts.basis && self.checkpoint_t() <= Some(checkpoint.t);
        let source = source.filter(|_| fits).ok_or(DbError::NotCurrent)?;
        Ok(Self::of(facts.rebase(checkpoint, source)))
    }

    /// The database that it was after an earlier transaction: a value like any other, and not a
    /// view. The ids that were given since stay taken.
    ///
    /// # Errors
    /// `NotCurrent` for a view, and when the transaction is not among the recent ones.
    pub fn rewind(&self, t: T) -> Result<Self, DbError> {
        let facts = self.whole()?;
        let known = self.checkpoint_t().is_none_or(|merged| merged <= t) && t <= facts.basis;
        if known { Ok(Self::of(facts.rewind(t))) } else { Err(DbError::NotCurrent) }
    }

    /// What the value is made of, unless it is a view.
    pub(crate) fn whole(&self) -> Result<&Facts, DbError> {
        match self.window == Window::default() {
            true => Ok(&self.facts),
            false => Err(DbError::NotCurrent),
        }
    }
}

/// Later.
impl Db {
    /// The database after one more transaction.
    ///
    /// # Errors
    /// When the transaction does not follow the newest one, contradicts itself, or the value is
    /// a view.
    pub fn apply(&self, record: &TxRecord) -> Result<Self, DbError> {
        self.apply_all(&[Arc::new(record.clone())])
    }

    /// The database after several more transactions, given oldest first. Faster than one by one.
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn apply_all(&self, records: &[Arc<TxRecord>]) -> Result<Self, DbError> {
        let mut basis = self.whole()?.basis;
        for record in records {
            if basis.next() != Some(record.t) {
                let expected = basis.next().unwrap_or(T::MAX);
                return Err(DbError::NotNext { expected, found: record.t });
            }
            record.check().map_err(|malformed| malformed.record(record.t))?;
            basis = record.t;
        }
        let mut facts = (*self.facts).clone();
        facts.absorb(records);
        Ok(Self::of(facts))
    }
}

/// Views.
impl Db {
    /// The database as it was after transaction `t`. A view is only ever narrowed: as of 20 of
    /// as of 10 is as of 10.
    #[must_use]
    pub fn as_of(&self, t: T) -> Self {
        let schema = self.facts.schema_at(self.window.as_of(t).as_of.unwrap_or(t));
        Self { facts: Arc::clone(&self.facts), window: self.window.as_of(t), schema }
    }

    /// Only the facts asserted after transaction `t` that are still in force.
    #[must_use]
    pub fn since(&self, t: T) -> Self {
        Self { window: self.window.since(t), ..self.clone() }
    }

    /// Every assertion and retraction, from before and after the present alike, within the view.
    #[must_use]
    pub fn history(&self) -> Self {
        Self { window: self.window.history(), ..self.clone() }
    }

    /// The newest transaction at or before an instant; the one that the database was born with
    /// when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn t_at(&self, instant: Instant) -> Result<T, DbError> {
        // Transactions are dense and their instants never decrease, so counting finds the number.
        let range = Selection::all().with_a(builtin::TX_INSTANT).within(..=Value::from(instant));
        let index = self.facts.index(Order::Avet, Layer::Current);
        let count = index.count(self.facts.nodes(), &range.plan(|_| true).range).await?;
        let t = count.checked_sub(1).and_then(T::new);
        Ok(t.unwrap_or(T::GENESIS).min(self.window.as_of.unwrap_or(T::MAX)))
    }
}

/// Names.
impl Db {
    /// The entity that a reference names, if any. An id names itself.
    ///
    /// # Errors
    /// When the attribute of a lookup is unknown or not unique, or the store fails.
    pub async fn entity_of(&self, entity: &EntityRef) -> Result<Option<EntityId>, DbError> {
        match entity {
            EntityRef::Id(e) => Ok(Some(*e)),
            EntityRef::Ident(ident) => Ok(self.schema.entity(ident)),
            EntityRef::Lookup(attribute, v) => self.look_up(attribute, v).await,
        }
    }

    async fn look_up(&self, name: &AttributeRef, v: &Value) -> Result<Option<EntityId>, DbError> {
        let attribute = self
            .attribute(name)
            .ok_or_else(|| DbError::UnknownAttribute { attribute: name.to_string() })?;
        if attribute.unique.is_none() {
            return Err(DbError::NotUnique { attribute: attribute.ident.to_string() });
        }
        let selection = Selection { e: None, a: Some(attribute.id), v: Values::Is(v.clone()) };
        // In a history view, the last to have the value.
        let datoms = self.select(&selection).await?;
        Ok(datoms.into_iter().max_by_key(|datom| (datom.t, datom.added)).map(|datom| datom.e))
    }

    /// The attribute that a reference names, if any.
    #[must_use]
    pub fn attribute(&self, name: &AttributeRef) -> Option<&Attribute> {
        match name {
            AttributeRef::Id(a) => self.schema.attribute(*a),
            AttributeRef::Ident(ident) => self.schema.attribute_named(ident),
        }
    }

    /// Whether values of an attribute are found without going through all of its facts.
    #[must_use]
    pub fn finds_values_of(&self, a: AttributeId) -> bool {
        self.facts.avet_has(a)
    }
}

#[cfg(test)]
mod tests {
    use duramen_model::Keyword;
    use proptest::prelude::*;

    use super::*;
    use crate::Change;
    use crate::tests::oracle::{self, NAME, any_txs, t, user};
    use crate::tests::{block_on, shared};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_view_shows_what_the_transactions_say(records in any_txs(), cut: prop::sample::Index) {
            let cut = cut.index(records.len());
            let mut db = Db::genesis().apply_all(&shared(&records[..cut])).unwrap();
            for record in &records[cut..] {
                db = db.apply(record).unwrap();
            }
            block_on(oracle::check(&db, &records));
            let from = t(records.len() as u64 / 2);
            let recent: Vec<T> = db.recent_txs(from).map(|record| record.t).collect();
            let expected: Vec<T> = (from.get()..=records.len() as u64).map(t).collect();
            prop_assert_eq!(recent, expected);
        }
    }

    fn people() -> Db {
        let records = [
            vec![
                (NAME.entity(), builtin::IDENT, Value::Keyword(Keyword::new("p/name"))),
                (
                    NAME.entity(),
                    builtin::VALUE_TYPE,
                    Value::Ref(builtin::value_type_entity(duramen_model::ValueType::String)),
                ),
                (NAME.entity(), builtin::CARDINALITY, Value::Ref(builtin::CARDINALITY_ONE)),
                (NAME.entity(), builtin::UNIQUE, Value::Ref(builtin::UNIQUE_IDENTITY)),
            ],
            vec![(user(0), NAME, Value::string("ada"))],
            vec![(user(1), NAME, Value::string("bob"))],
        ];
        records.into_iter().zip(1..).fold(Db::genesis(), |db, (facts, number)| {
            let instant = Instant::from_millis(number as i64 * 10);
            let own = Change::assert(t(number).entity(), builtin::TX_INSTANT, instant, t(number));
            let facts = facts.into_iter().map(|(e, a, v)| Change::assert(e, a, v, t(number)));
            let changes = facts.chain([own]).collect();
            let record = TxRecord { t: t(number), instant, changes, ..TxRecord::genesis() };
            db.apply(&record).unwrap()
        })
    }

    #[tokio::test]
    async fn entities_are_found_by_name() {
        let db = people();
        let bob = EntityRef::lookup(Keyword::new("p/name"), "bob");
        assert_eq!(db.entity_of(&bob).await.unwrap(), Some(user(1)));
        assert_eq!(db.as_of(t(2)).entity_of(&bob).await.unwrap(), None);
        let ident = EntityRef::from(Keyword::new("p/name"));
        assert_eq!(db.entity_of(&ident).await.unwrap(), Some(NAME.entity()));
        assert_eq!(db.as_of(t(0)).entity_of(&ident).await.unwrap(), None);
        let doc = EntityRef::lookup(builtin::DOC, "x");
        assert!(matches!(db.entity_of(&doc).await, Err(DbError::NotUnique { .. })));
        let unknown = EntityRef::lookup(Keyword::new("p/none"), "x");
        let error = db.entity_of(&unknown).await.unwrap_err();
        assert_eq!(error.to_string(), "unknown attribute :p/none");
        assert_eq!(db.next_ids(), NextIds { attribute: NAME.get() + 1, user: 2 });
    }

    #[tokio::test]
    async fn an_instant_is_the_newest_transaction_at_or_before_it() {
        let db = people();
        for (millis, expected) in [(-5, 0), (0, 0), (9, 0), (10, 1), (29, 2), (30, 3), (99, 3)] {
            let found = db.t_at(Instant::from_millis(millis)).await.unwrap();
            assert_eq!(found, t(expected), "{millis}");
        }
        assert_eq!(db.as_of(t(1)).t_at(Instant::from_millis(99)).await.unwrap(), t(1));
    }

    #[test]
    fn only_the_next_transaction_is_taken() {
        let db = people();
        let error = db.apply(&TxRecord::genesis()).unwrap_err();
        assert_eq!(error.to_string(), "transaction 0 cannot be applied: expected 4");
        let mut record = TxRecord { t: t(4), ..TxRecord::genesis() };
        assert!(matches!(db.apply(&record), Err(DbError::InvalidRecord { .. })));
        record.changes =
            vec![Change::assert(t(4).entity(), builtin::TX_INSTANT, record.instant, t(4))];
        db.apply(&record).unwrap();
        assert!(matches!(db.as_of(t(2)).apply(&record), Err(DbError::NotCurrent)));
    }

    #[test]
    fn views_only_narrow() {
        let view = people().as_of(t(1)).as_of(t(3));
        assert_eq!(view.as_of_t(), Some(t(1)));
        assert_eq!(view.since(t(0)).since_t(), Some(t(0)));
    }
}
