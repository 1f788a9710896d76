//! The trees: every node of every run, what packs they are in, and what the indexes hold.

use std::collections::BTreeMap;

use duramen_index::audit::{self, Found};
use duramen_index::{
    Index, IndexError, KeyRange, Layer, NodeHash, Record, Run, State, StoredValue, Tree,
};
use duramen_model::{Order, Schema};

use super::comparing::{IndexContent, name};
use super::log::LogContent;
use super::report::Finding;
use super::sums::Content;
use super::{Stage, Verifier};
use crate::{Checkpoint, CheckpointRun, DbError};

/// What was met in a run.
#[derive(Default)]
struct Met {
    is_oldest: bool,
    /// Whether the records tell where large values are.
    are_values: bool,
    is_damaged: bool,
    nodes: u64,
    node_bytes: u64,
    records: u64,
    /// The bytes of its nodes, and of values, by pack.
    packs: BTreeMap<String, u64>,
    findings: Vec<Finding>,
    errors: Vec<IndexError>,
}

impl Verifier<'_> {
    /// Visits every node, and compares what the indexes hold with the log.
    pub(super) async fn check_trees(
        &mut self,
        checkpoint: &Checkpoint,
        log: &LogContent,
    ) -> Result<(), DbError> {
        self.nodes = checkpoint.nodes(&self.source);
        let runs = checkpoint.runs.iter().chain(&checkpoint.values);
        let records = runs.fold(0, |sum: u64, run| run.tree.records.saturating_add(sum));
        self.progress_to(Stage::Trees, 0, records);
        for run in &checkpoint.values {
            let met = Met { are_values: true, ..Met::default() };
            self.check_run(run, met, None).await?;
        }
        let mut indexes = Vec::new();
        for layer in [Layer::Current, Layer::History] {
            for order in Order::ALL {
                let content = self.check_index(checkpoint, order, layer).await?;
                indexes.push(IndexContent { order, layer, content });
            }
        }
        self.compare_schema(checkpoint, log);
        let schema = Schema::fold(&checkpoint.schema);
        for layer in [Layer::Current, Layer::History] {
            self.compare_layer(checkpoint, log, &schema, layer, &indexes);
        }
        Ok(())
    }

    async fn check_index(
        &mut self,
        checkpoint: &Checkpoint,
        order: Order,
        layer: Layer,
    ) -> Result<Option<Content>, DbError> {
        let runs: Vec<&CheckpointRun> = checkpoint.runs_of(order, layer).collect();
        // Closed facts are never hidden by younger runs, so they can be added up run by run.
        let is_plain = runs.len() <= 1 || layer == Layer::History;
        let (mut content, mut is_sound) = (Content::default(), true);
        for (age, run) in runs.iter().enumerate() {
            let is_oldest = age + 1 == runs.len();
            let into = is_plain.then_some(&mut content);
            let met = Met { is_oldest, ..Met::default() };
            is_sound &= self.check_run(run, met, into).await?;
        }
        if !is_sound {
            return Ok(None);
        }
        if !is_plain {
            content = self.read_merged(order, layer, &runs).await?;
        }
        let net = runs.iter().fold(0_i64, |sum, run| sum.wrapping_add(run.tree.net));
        let facts: i64 = content.all.values().map(|sum| sum.facts).sum();
        if facts != net {
            let expected = format!("{net} facts, as its trees say");
            self.find(name(order, layer), expected, facts.to_string());
        }
        Ok(Some(content))
    }

    /// Visits every node of a run. Whether all is well with them.
    async fn check_run(
        &mut self,
        run: &CheckpointRun,
        mut met: Met,
        mut into: Option<&mut Content>,
    ) -> Result<bool, DbError> {
        self.report.trees += 1;
        self.check_top(&run.tree);
        let Run::Tree(tree) = Run::tree(run.tree.clone()) else { return Ok(true) };
        let (progress, watch) = (&mut self.progress, &mut *self.watch);
        let tell = |found: Found<'_>| {
            met.meet(&found);
            if let Found::Records(records) = found {
                progress.done += records.len() as u64;
                watch(*progress);
                if let Some(content) = into.as_deref_mut() {
                    records.iter().for_each(|record| content.add_record(record));
                }
            }
        };
        audit::audit(&tree, &self.nodes, tell).await;
        self.end_run(run, met).await
    }

    async fn end_run(&mut self, run: &CheckpointRun, met: Met) -> Result<bool, DbError> {
        self.report.nodes += met.nodes;
        self.report.node_bytes += met.node_bytes;
        self.report.records += met.records;
        met.findings.into_iter().for_each(|finding| self.report.find(finding));
        for error in met.errors {
            match error {
                IndexError::Store(error) => self.report.note(error)?,
                other => return Err(other.into()),
            }
        }
        let is_sound = !met.is_damaged;
        self.check_pack_list(run, &met.packs, is_sound).await?;
        for pack in met.packs.into_keys() {
            self.packs.entry(pack).or_default();
        }
        Ok(is_sound)
    }

    /// Compares a tree with its top, and the top with what is carried along of it.
    fn check_top(&mut self, tree: &Tree) {
        let top = &tree.top;
        let object = || format!("the top of a tree, at {} in {}", top.offset, top.pack);
        let of_tree = (tree.records, tree.net, tree.t_min, tree.t_max);
        let of_top = (top.records, top.net, top.t_min, top.t_max);
        if of_tree != of_top {
            self.find(object(), format!("{of_tree:?}, as of its tree"), format!("{of_top:?}"));
        }
        let carried = tree.top_bytes.as_ref().map(|bytes| NodeHash::of(bytes));
        if let Some(carried) = carried.filter(|carried| *carried != top.hash) {
            let expected = format!("BLAKE3 {} where it is carried along", top.hash);
            self.find(object(), expected, carried.to_string());
        }
    }

    /// What several runs say together.
    async fn read_merged(
        &self,
        order: Order,
        layer: Layer,
        newest_first: &[&CheckpointRun],
    ) -> Result<Content, DbError> {
        let oldest_first = newest_first.iter().rev().map(|run| Run::tree(run.tree.clone()));
        let index = oldest_first.fold(Index::new(order, layer), |index, run| index.with_run(run));
        let mut cursor = index.cursor(&self.nodes, &KeyRange::all(order));
        let mut content = Content::default();
        while let Some(records) = cursor.next_batch().await? {
            records.iter().for_each(|record| content.add_record(record));
        }
        Ok(content)
    }

    pub(super) fn find(&mut self, object: String, expected: String, found: String) {
        self.report.find(Finding { object, expected, found });
    }
}

impl Met {
    fn meet(&mut self, found: &Found<'_>) {
        match found {
            Found::Node(pointer) => {
                self.nodes += 1;
                self.node_bytes += u64::from(pointer.length);
                *self.packs.entry(pointer.pack.clone()).or_default() += u64::from(pointer.length);
            }
            Found::Records(records) => {
                self.records += records.len() as u64;
                if self.are_values {
                    records.iter().for_each(|record| self.meet_value(record));
                }
                if let Some(step) = records.iter().find(|record| self.is_oldest && is_step(record))
                {
                    self.findings.push(Finding {
                        object: format!("{} {} in the oldest run", step.e, step.a),
                        expected: "a fact".to_owned(),
                        found: format!("{:?}", step.state),
                    });
                }
            }
            Found::Damage(error) => self.note(error.clone()),
        }
    }
}

impl Met {
    fn meet_value(&mut self, record: &Record) {
        match StoredValue::of(record) {
            Ok(value) => *self.packs.entry(value.pack).or_default() += u64::from(value.length),
            Err(error) => self.note(error),
        }
    }

    fn note(&mut self, error: IndexError) {
        self.is_damaged = true;
        self.errors.push(error);
    }
}

/// Whether a record only means something over an older run.
const fn is_step(record: &Record) -> bool {
    matches!(record.state, State::Replaced | State::Removed)
}
