//! The trees of a load: sorted rows become nodes in packs, one order beside the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

use duramen_index::{
    Layer, MemoryRun, MergedRun, NodeOptions, Nodes, Pack, PackWriter, Record, State, TreeBuilder,
};
use duramen_model::{EntityId, Order, T, Value};
use duramen_store::WriteStore;
use duramen_store::layout::{ContentsFolder, WriterId};
use tokio::runtime::Handle;

use super::attributes::Attributes;
use super::error::{BulkError, Said};
use super::merging::Merging;
use super::packed;
use super::rows::{RowRef, Sorting};

/// Pack names that one tree may use.
const PACKS_PER_TREE: u64 = 1 << 20;
/// Records between two looks at whether packs are full.
const RECORDS_AT_ONCE: u64 = 4_096;

/// Where trees go, and how large their nodes become.
#[derive(Debug, Clone)]
pub(crate) struct TreePlace {
    pub(crate) store: Arc<dyn WriteStore>,
    pub(crate) contents: ContentsFolder,
    pub(crate) writer: WriterId,
    pub(crate) options: NodeOptions,
    /// Counts the records that are in trees.
    pub(crate) built: Arc<AtomicU64>,
}

/// A run, and the packs that it may be in.
#[derive(Debug)]
pub(crate) struct BuiltRun {
    pub(crate) run: MergedRun,
    pub(crate) packs: Vec<Pack>,
    pub(crate) kind: RunKind,
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunKind {
    /// It is an index.
    Index,
    /// It tells where large values are.
    Values,
}

/// The order whose tree has every fact, so that large values are stored along with it.
const VALUES_ORDER: Order = Order::Eavt;

impl TreePlace {
    fn packs(&self, number: u64) -> PackWriter {
        let (store, packs) = (Arc::clone(&self.store), self.contents.packs());
        PackWriter::new(store, packs, self.writer, number * PACKS_PER_TREE)
    }

    /// Builds the trees of open facts, each in a thread of its own.
    pub(crate) async fn current(&self, merges: Vec<Merging>) -> Result<Vec<BuiltRun>, BulkError> {
        let begin = |merging: Merging| {
            let (place, handle) = (self.clone(), Handle::current());
            tokio::task::spawn_blocking(move || handle.block_on(place.tree(merging)))
        };
        let building: Vec<_> = merges.into_iter().map(begin).collect();
        let mut built = Vec::with_capacity(building.len());
        for tree in building {
            built.extend(tree.await??);
        }
        Ok(built)
    }

    async fn tree(self, merging: Merging) -> Result<Vec<BuiltRun>, BulkError> {
        let order = merging.sorting.order;
        let packs = self.packs(order as u64);
        if order != VALUES_ORDER {
            let mut packs = packs.without_large_values();
            let run = self.build(merging, &mut packs).await?;
            let packs = packs.finish().await?;
            return Ok(vec![BuiltRun { run, packs, kind: RunKind::Index }]);
        }
        let mut packs = packs.with_large_values(Nodes::empty());
        let run = self.build(merging, &mut packs).await?;
        let values = packs.finish_values(&self.options).await?;
        let packs = packs.finish().await?;
        let values = BuiltRun { run: values, packs: packs.clone(), kind: RunKind::Values };
        Ok(vec![BuiltRun { run, packs, kind: RunKind::Index }, values])
    }

    async fn build(
        &self,
        mut merging: Merging,
        packs: &mut PackWriter,
    ) -> Result<MergedRun, BulkError> {
        let order = merging.sorting.order;
        let mut builder = TreeBuilder::new(order, Layer::Current, &self.options, packs);
        let mut rules = Rules::new(merging.sorting.clone());
        let mut count = 0;
        while let Some(row) = merging.head() {
            rules.check(&row)?;
            builder.push(record(&row, &merging.sorting.attributes)?)?;
            merging.advance()?;
            count += 1;
            if count == RECORDS_AT_ONCE {
                self.built.fetch_add(std::mem::take(&mut count), Atomic::Relaxed);
                builder.write_full().await?;
            }
        }
        self.built.fetch_add(count, Atomic::Relaxed);
        Ok(builder.finish()?)
    }

    /// Builds the trees of closed facts: those of the schema, so they are few.
    pub(crate) async fn history(
        &self,
        records: &[Record],
        attributes: &Attributes,
    ) -> Result<Vec<BuiltRun>, BulkError> {
        let mut built = Vec::new();
        for (number, order) in (Order::ALL.len() as u64..).zip(Order::ALL) {
            let kept = |record: &&Record| match order {
                Order::Vaet => matches!(record.v, Value::Ref(_)),
                Order::Avet => {
                    let rank = attributes.rank(record.a);
                    rank.is_some_and(|rank| attributes.get(rank).in_avet())
                }
                Order::Eavt | Order::Aevt => true,
            };
            let kept = records.iter().filter(kept).cloned().collect();
            let mut packs = self.packs(number);
            let mut builder = TreeBuilder::new(order, Layer::History, &self.options, &mut packs);
            for record in MemoryRun::new(order, Layer::History, kept).records() {
                builder.push(record.clone())?;
            }
            let run = builder.finish()?;
            let packs = packs.finish().await?;
            built.push(BuiltRun { run, packs, kind: RunKind::Index });
        }
        Ok(built)
    }
}

fn record(row: &RowRef<'_>, attributes: &Attributes) -> Result<Record, BulkError> {
    let attribute = attributes.get(row.rank);
    let v = packed::unpack(attribute.value_type, row.word, row.long);
    let (e, added) = (EntityId::new(row.e), T::new(row.t.into()));
    match (e, v, added) {
        (Some(e), Some(v), Some(added)) => {
            Ok(Record { e, a: attribute.id, v, added, state: State::Inserted })
        }
        _ => Err(BulkError::Broken { reason: format!("a row of {} is none", attribute.ident) }),
    }
}

/// What neighbours must not have in common. Each rule is looked after in the order in which those
/// that break it together are neighbours.
struct Rules {
    sorting: Sorting,
    before: Option<(u64, u32, u32, u64)>,
    long: Vec<u8>,
}

impl Rules {
    const fn new(sorting: Sorting) -> Self {
        Self { sorting, before: None, long: Vec::new() }
    }

    fn check(&mut self, row: &RowRef<'_>) -> Result<(), BulkError> {
        if !matches!(self.sorting.order, Order::Eavt | Order::Avet) {
            return Ok(());
        }
        if let Some((e, rank, t, word)) = self.before.filter(|before| before.1 == row.rank) {
            let before = RowRef { e, rank, t, word, long: &self.long };
            if let Some(reason) = self.broken(&before, row) {
                return Err(self.conflict(reason, &before, row));
            }
        }
        self.before = Some((row.e, row.rank, row.t, row.word));
        self.long.clear();
        self.long.extend_from_slice(row.long);
        Ok(())
    }

    /// Which rule two neighbours of one attribute break.
    fn broken(&self, before: &RowRef<'_>, row: &RowRef<'_>) -> Option<&'static str> {
        let attributes = &self.sorting.attributes;
        let same_value = || self.sorting.compare_values(before, row).is_eq();
        if self.sorting.order == Order::Avet {
            let unique = attributes.get(row.rank).unique.is_some();
            return (unique && same_value()).then_some("a unique value has two owners");
        }
        if before.e != row.e {
            return None;
        }
        if !attributes.is_many(row.rank) {
            return Some("an entity has two values where it can have one");
        }
        same_value().then_some("a fact is there twice")
    }

    fn conflict(&self, reason: &'static str, x: &RowRef<'_>, y: &RowRef<'_>) -> BulkError {
        let attributes = &self.sorting.attributes;
        let said = |row: &RowRef<'_>| match record(row, attributes) {
            Ok(Record { e, v, added, .. }) => {
                let v = duramen_model::Edn::Value(v).to_string();
                Ok(Box::new(Said { e, v, t: added }))
            }
            Err(error) => Err(error),
        };
        let attribute = attributes.get(x.rank).ident.to_string();
        match (said(x), said(y)) {
            (Ok(first), Ok(second)) => BulkError::Conflict { reason, attribute, first, second },
            (Err(error), _) | (_, Err(error)) => error,
        }
    }
}
