//! An index: a list of runs in one order, read as one.

use std::sync::Arc;

use duramen_model::Order;
use futures_util::future::try_join_all;

use crate::chunk::{Merging, Wanting};
use crate::count::{self, Precision};
use crate::cursor::{Cursor, Wanted};
use crate::memory::MemoryRun;
use crate::nodes::Nodes;
use crate::run::Run;
use crate::sought::Keys;
use crate::unsorted::UnsortedCursor;
use crate::walk::{LEAVES_AHEAD_MAX, LEAVES_AT_ONCE};
use crate::{IndexError, KeyRange, Layer, Record, Times};

/// A run in memory absorbs its older neighbours in memory while they are at most so many times
/// its size. So the sizes grow geometrically with age: a scan meets few runs, and a record is
/// copied a logarithmic number of times.
const FOLD_RATIO: usize = 4;

/// How many leaves a cursor fetches at first: whoever reads batch by batch may stop early.
const LEAVES_AT_FIRST: usize = 2;

/// Facts of one order and layer: runs, newest first, read as one. Immutable and cheap to clone.
#[derive(Debug, Clone)]
pub struct Index {
    order: Order,
    layer: Layer,
    runs: Arc<[Run]>,
}

impl Index {
    /// An index without facts.
    #[must_use]
    pub fn new(order: Order, layer: Layer) -> Self {
        Self { order, layer, runs: Arc::from([]) }
    }

    /// The order that the facts are in.
    #[must_use]
    pub const fn order(&self) -> Order {
        self.order
    }

    /// The layer that the facts belong to.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// The runs, newest first.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The index with a run that is younger than all it has. Small runs in memory are folded
    /// together, so that adding one transaction after the other stays cheap. A run of another
    /// order or layer does not belong here.
    #[must_use]
    pub fn with_run(&self, run: Run) -> Self {
        let runs = match run {
            Run::Memory(young) => {
                let (folded, rest) = self.fold(young);
                let newest = (!folded.records().is_empty()).then_some(Run::Memory(folded));
                newest.into_iter().chain(rest.iter().cloned()).collect()
            }
            Run::Tree(_) => std::iter::once(run).chain(self.runs.iter().cloned()).collect(),
        };
        Self { runs, ..*self }
    }

    /// Folds a young run with its neighbours where that pays; the other runs.
    fn fold(&self, young: MemoryRun) -> (MemoryRun, &[Run]) {
        let mut size = young.records().len();
        let mut folded = vec![young];
        for run in self.runs.iter() {
            match run {
                Run::Memory(older) if older.records().len() <= size.saturating_mul(FOLD_RATIO) => {
                    size += older.records().len();
                    folded.push(older.clone());
                }
                _ => break,
            }
        }
        let rest = &self.runs[folded.len() - 1..];
        (MemoryRun::fold(self.order, self.layer, &folded), rest)
    }

    /// The facts in a range, sorted. The youngest record of a key hides the older ones, and a
    /// tombstone hides the fact. A range of another order has no facts here.
    ///
    /// # Errors
    /// When a node cannot be loaded, or is damaged.
    pub async fn scan(&self, nodes: &Nodes, range: &KeyRange) -> Result<Vec<Record>, IndexError> {
        self.scan_within(nodes, range, Times::default()).await
    }

    /// Like [`scan`](Self::scan), for a reader who is interested in some transactions only: facts
    /// that do not matter may be left out, and whoever reads filters those that are not.
    ///
    /// # Errors
    /// When a node cannot be loaded, or is damaged.
    pub async fn scan_within(
        &self,
        nodes: &Nodes,
        range: &KeyRange,
        times: Times,
    ) -> Result<Vec<Record>, IndexError> {
        if let Some(facts) = self.scan_memory_within(range, times) {
            return Ok(facts);
        }
        let mut cursor = self.cursor_at(nodes, range, times, LEAVES_AT_ONCE);
        let mut facts = cursor.next_batch().await?.unwrap_or_default();
        while let Some(batch) = cursor.next_batch().await? {
            facts.extend(batch);
        }
        Ok(facts)
    }

    /// The facts in a range if all runs are in memory, `None` if one is not.
    #[must_use]
    pub fn scan_memory(&self, range: &KeyRange) -> Option<Vec<Record>> {
        self.scan_memory_within(range, Times::default())
    }

    fn scan_memory_within(&self, range: &KeyRange, times: Times) -> Option<Vec<Record>> {
        if !self.runs.iter().all(|run| matches!(run, Run::Memory(_))) {
            return None;
        }
        // Nothing that is in memory only can be missing or damaged.
        let at_hand = self.at_hand(&Nodes::empty(), (range, None), times).ok()??;
        let mut facts = Vec::with_capacity(at_hand.facts_max());
        at_hand.visit(|record| facts.push(record)).ok()?;
        Some(facts)
    }

    /// What is kept of runs in memory as columns, in bytes: what was read as such stays.
    #[must_use]
    pub fn column_bytes(&self) -> u64 {
        let bytes = |run: &Run| match run {
            Run::Memory(run) => run.column_bytes(),
            Run::Tree(_) => 0,
        };
        self.runs.iter().map(bytes).sum()
    }

    /// Reads the facts in a range batch by batch, with bounded memory: first a little, then more
    /// at once.
    #[must_use]
    pub fn cursor(&self, nodes: &Nodes, range: &KeyRange) -> Cursor {
        self.cursor_within(nodes, range, Times::default())
    }

    /// Like [`cursor`](Self::cursor), for a reader who is interested in some transactions only:
    /// see [`scan_within`](Self::scan_within).
    #[must_use]
    pub fn cursor_within(&self, nodes: &Nodes, range: &KeyRange, times: Times) -> Cursor {
        self.cursor_at(nodes, range, times, LEAVES_AT_FIRST)
    }

    fn cursor_at(
        &self,
        nodes: &Nodes,
        range: &KeyRange,
        times: Times,
        leaves_at_once: usize,
    ) -> Cursor {
        let wanting = Wanting { times, ..Wanting::default() };
        let wanted = Wanted { range, among: None, wanting, leaves_at_once };
        Cursor::new(self, &self.runs, nodes, wanted)
    }

    /// Like [`cursor_within`](Self::cursor_within), for the facts in a range that have one of some
    /// keys: one walk finds them all. No leaf is read but those that can hold a key, and all that
    /// can are fetched together.
    ///
    /// Where keys stand close to each other, a few facts in between come along, unless it
    /// `is_exact`: whoever reads passes over them. They may be outdated. Where keys do not suit the
    /// order (see [`Keys`]), all of the range comes.
    #[must_use]
    pub fn cursor_among(
        &self,
        nodes: &Nodes,
        range: &KeyRange,
        keys: Keys,
        is_exact: bool,
        times: Times,
    ) -> Cursor {
        let wanting = Wanting { times, ..Wanting::default() };
        let among = Some((keys, is_exact));
        let wanted = Wanted { range, among, wanting, leaves_at_once: LEAVES_AHEAD_MAX };
        Cursor::new(self, &self.runs, nodes, wanted)
    }

    /// Reads the facts in a range, or those with some keys (see [`Self::cursor_among`]), in no
    /// order: one run after the other, so that nothing has to be merged.
    #[must_use]
    pub fn cursor_unsorted(
        &self,
        nodes: &Nodes,
        range: &KeyRange,
        keys: Option<Keys>,
        times: Times,
    ) -> UnsortedCursor {
        let wanting = Wanting { times, ..Wanting::default() };
        let leaves_at_once = if keys.is_some() { LEAVES_AHEAD_MAX } else { LEAVES_AT_ONCE };
        let among = keys.map(|keys| (keys, false));
        UnsortedCursor::new(self, nodes, Wanted { range, among, wanting, leaves_at_once })
    }

    /// How many facts are in a range: exactly, by the weights of the records. Reads no leaves but
    /// those at the range's ends.
    ///
    /// # Errors
    /// When a node cannot be loaded, or is damaged.
    pub async fn count(&self, nodes: &Nodes, range: &KeyRange) -> Result<u64, IndexError> {
        self.net(nodes, range, Precision::Exact).await
    }

    /// About how many facts are in a range, without reading leaves below a branch: one that is
    /// in the range in part counts half.
    ///
    /// # Errors
    /// When a node cannot be loaded, or is damaged.
    pub async fn estimate(&self, nodes: &Nodes, range: &KeyRange) -> Result<u64, IndexError> {
        self.net(nodes, range, Precision::Leaves).await
    }

    async fn net(
        &self,
        nodes: &Nodes,
        range: &KeyRange,
        precision: Precision,
    ) -> Result<u64, IndexError> {
        if range.order != self.order {
            return Ok(0);
        }
        let nets = self.runs.iter().map(async |run| match run {
            Run::Memory(run) => Ok(run.net_in(range)),
            Run::Tree(run) => count::net_in(run, nodes, range, precision).await,
        });
        let net: i64 = try_join_all(nets).await?.into_iter().sum();
        Ok(u64::try_from(net).unwrap_or(0))
    }

    pub(crate) const fn merging(&self, wanting: Wanting) -> Merging {
        Merging { order: self.order, layer: self.layer, wanting }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use duramen_model::{AttributeId, EntityId, T, Value};
    use proptest::prelude::*;

    use super::*;
    use crate::State;

    fn record(e: u64, v: i64, t: u64, state: State) -> Record {
        Record {
            e: EntityId::new(e).unwrap(),
            a: AttributeId::FIRST_USER,
            v: Value::Long(v),
            added: T::new(t).unwrap(),
            state,
        }
    }

    fn memory(records: Vec<Record>) -> Run {
        Run::memory(Order::Eavt, Layer::Current, records)
    }

    fn scan_all(index: &Index) -> Vec<Record> {
        index.scan_memory(&KeyRange::all(Order::Eavt)).unwrap()
    }

    #[test]
    fn a_fact_that_is_opened_and_closed_leaves_nothing() {
        let index = Index::new(Order::Eavt, Layer::Current)
            .with_run(memory(vec![record(1, 1, 1, State::Inserted)]))
            .with_run(memory(vec![record(1, 1, 2, State::Removed)]));
        assert_eq!(scan_all(&index), vec![]);
        assert!(index.runs().is_empty());
    }

    #[tokio::test]
    async fn pushing_single_transactions_keeps_runs_few() {
        let mut index = Index::new(Order::Eavt, Layer::Current);
        for t in 0..5_000 {
            index = index.with_run(memory(vec![record(t * 7919 % 5_000, 0, t, State::Inserted)]));
        }
        assert!(index.runs().len() <= 8, "{} runs", index.runs().len());
        assert_eq!(scan_all(&index).len(), 5_000);
        let all = KeyRange::all(Order::Eavt);
        assert_eq!(index.count(&Nodes::empty(), &all).await.unwrap(), 5_000);
        let one = KeyRange::entity(EntityId::new(42).unwrap());
        assert_eq!(index.scan(&Nodes::empty(), &one).await.unwrap().len(), 1);
        assert_eq!(index.count(&Nodes::empty(), &one).await.unwrap(), 1);
    }

    proptest! {
        /// Any sequence of openings and closings, in single transactions, reads like a map.
        #[test]
        fn memory_runs_read_like_a_map(steps in prop::collection::vec((0u64..6, 0i64..4), 0..200)) {
            let mut map = BTreeMap::new();
            let mut index = Index::new(Order::Eavt, Layer::Current);
            for (t, (e, v)) in steps.into_iter().enumerate() {
                let t = t as u64;
                let state = match map.remove(&(e, v)) {
                    Some(_) => State::Removed,
                    None => { map.insert((e, v), t); State::Inserted }
                };
                index = index.with_run(memory(vec![record(e, v, t, state)]));
                let expected: Vec<Record> = map
                    .iter()
                    .map(|((e, v), t)| record(*e, *v, *t, State::Inserted))
                    .collect();
                prop_assert_eq!(scan_all(&index), expected);
            }
        }
    }
}
