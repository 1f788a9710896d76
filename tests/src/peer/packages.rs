//! The package index: exported for the other systems, and asked as they are.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use duramen::{Answer, AttributeId, Db, EntityId, Input, KeyRange, Order, Query, Value, edn};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use super::clock::Clock;
use super::results::Results;
use crate::bench::data_set::{DataSet, Place};
use crate::bench::measure::{Effort, Measurement};

/// Keeps everything decoded.
const CACHE_BYTES: u64 = 1 << 30;
const VERSION: &str = "[:find ?version . :in $ ?name
                        :where [?p :package/name ?name] [?p :package/version ?version]]";
const RULES: &str = "[[(needs ?p ?d) [?p :package/depends ?d]]
                      [(needs ?p ?d) [?p :package/depends ?x] (needs ?x ?d)]]";

/// What the queries are asked with.
#[derive(Debug, Clone, Deserialize)]
struct Meta {
    section: String,
    needed: String,
    package: String,
    word: String,
    /// The packages that are looked up.
    names: Vec<String>,
}

/// Runs operations on the package index.
#[derive(Debug)]
pub struct Packages<'a> {
    runtime: &'a Runtime,
    db: Db,
    meta: Meta,
}

/// Whether a folder holds the package index.
#[must_use]
pub fn are_in(folder: &Path) -> bool {
    facts_of(folder).exists()
}

/// Loads the package index of this machine, unless that was done, and writes its facts as lines of
/// JSON: the number of the entity, the attribute, the value.
///
/// # Errors
/// When there is no package index, or the folder cannot be written.
pub async fn export(folder: &Path) -> Result<()> {
    let place = Place::new(DataSet::Packages, folder);
    if !place.is_loaded() {
        Measurement::Load.make(&place, Effort::Full).await?;
    }
    let db = place.open(CACHE_BYTES).await?.db().clone();
    let mut numbers = Numbers::default();
    let part = facts_of(folder).with_extension("part");
    let mut lines = BufWriter::new(fs::File::create(&part)?);
    for datom in db.datoms(&KeyRange::all(Order::Eavt)).await? {
        if let Some(attribute) = attribute(&db, datom.a) {
            let v = exported(&datom.v, &mut numbers)?;
            writeln!(lines, "{}", json!([numbers.of(datom.e), attribute, v]))?;
        }
    }
    lines.flush()?;
    Ok(fs::rename(part, facts_of(folder))?)
}

/// The name of an attribute of the index; `None` of any other.
fn attribute(db: &Db, a: AttributeId) -> Option<&str> {
    let name = db.schema().attribute(a)?.ident.text();
    ["package/", "maintainer/"].iter().any(|own| name.starts_with(own)).then_some(name)
}

fn exported(v: &Value, numbers: &mut Numbers) -> Result<Json> {
    Ok(match v {
        Value::Ref(to) => json!(numbers.of(*to)),
        Value::Long(number) => json!(number),
        Value::String(text) | Value::Uri(text) => json!(&**text),
        Value::Keyword(name) => json!(name.text()),
        other => bail!("{other:?} is of no type that the index has"),
    })
}

/// Small numbers for entities, as every system can have them.
#[derive(Debug, Default)]
struct Numbers(BTreeMap<EntityId, usize>);

impl Numbers {
    fn of(&mut self, entity: EntityId) -> usize {
        let next = self.0.len() + 1;
        *self.0.entry(entity).or_insert(next)
    }
}

fn facts_of(folder: &Path) -> PathBuf {
    folder.join("facts.jsonl")
}

impl<'a> Packages<'a> {
    /// Opens the index that a folder holds.
    ///
    /// # Errors
    /// When it holds none.
    pub fn open(runtime: &'a Runtime, folder: &Path) -> Result<Self> {
        let place = Place::new(DataSet::Packages, folder);
        ensure!(place.is_loaded(), "{} holds no package index", folder.display());
        let path = folder.join("meta.json");
        let meta = fs::read(&path).with_context(|| path.display().to_string())?;
        let db = runtime.block_on(place.open(CACHE_BYTES))?.db().clone();
        Ok(Self { runtime, db, meta: serde_json::from_slice(&meta)? })
    }

    /// Times an operation.
    ///
    /// # Errors
    /// When it fails, or there is none of this name.
    pub fn run(&self, op: &str, results: Results, clock: Clock) -> Result<Json> {
        if op == "versions" {
            let query = Query::parse(VERSION)?;
            return clock.measure(op, || self.versions(&query));
        }
        let (text, inputs) = self.asked(op)?;
        let query = Query::parse(text)?;
        clock.measure(op, || Ok(counted(op, results, &self.ask(&query, &inputs)?)))
    }

    fn versions(&self, query: &Query) -> Result<Json> {
        let mut bytes = 0;
        for name in &self.meta.names {
            let answer = self.ask(query, &[Input::from(name.as_str())])?;
            let version = answer.rows().first().and_then(|row| row[0].as_str());
            bytes += version.context("a version")?.chars().count();
        }
        Ok(json!(bytes))
    }

    fn ask(&self, query: &Query, inputs: &[Input]) -> Result<Answer> {
        let inputs = [Input::from(&self.db)].into_iter().chain(inputs.iter().cloned());
        Ok(self.runtime.block_on(duramen::q(query, inputs))?)
    }

    fn asked(&self, op: &str) -> Result<(&'static str, Vec<Input>)> {
        let meta = &self.meta;
        let one = |text: &String| vec![Input::from(text.as_str())];
        Ok(match op {
            "section" => (SECTION, one(&meta.section)),
            "needed-by" => (NEEDED_BY, one(&meta.needed)),
            "needs" => {
                let rules = Input::Rules(edn::read(RULES)?);
                (NEEDS, vec![rules, Input::from(meta.package.as_str())])
            }
            "maintainers" => (MAINTAINERS, Vec::new()),
            "other-section" => (OTHER_SECTION, Vec::new()),
            "same-version" => (SAME_VERSION, one(&meta.section)),
            "text" => (TEXT, one(&meta.word)),
            "priorities" => (PRIORITIES, Vec::new()),
            "sizes" => (SIZES, Vec::new()),
            other => bail!("no operation {other}"),
        })
    }
}

const SECTION: &str = "[:find ?name ?kib :in $ ?section
    :where [?p :package/section ?section] [?p :package/name ?name] [?p :package/installed-kib ?kib]]";
const NEEDED_BY: &str = "[:find ?name :in $ ?needed
    :where [?d :package/name ?needed] [?p :package/depends ?d] [?p :package/name ?name]]";
const NEEDS: &str = "[:find ?name :in $ % ?package
    :where [?p :package/name ?package] (needs ?p ?d) [?d :package/name ?name]]";
const MAINTAINERS: &str = "[:find ?address (count ?p)
    :where [?p :package/maintainer ?m] [?m :maintainer/address ?address]
    :order-by [(count ?p) :desc ?address] :limit 10]";
const OTHER_SECTION: &str = "[:find ?name ?other
    :where [?p :package/depends ?d] [?p :package/section ?s] [?d :package/section ?r]
           [(not= ?s ?r)] [?p :package/name ?name] [?d :package/name ?other]]";
const SAME_VERSION: &str = "[:find ?name ?other :in $ ?section
    :where [?p :package/section ?section] [?p :package/version ?v] [?q :package/version ?v]
           [?q :package/section ?r] [(not= ?r ?section)]
           [?p :package/name ?name] [?q :package/name ?other]]";
const TEXT: &str = "[:find ?name :in $ ?word
    :where [?p :package/summary ?s] [(clojure.string/includes? ?s ?word)] [?p :package/name ?name]]";
const PRIORITIES: &str = "[:find ?priority (count ?p) :where [?p :package/priority ?priority]]";
const SIZES: &str = "[:find ?section (sum ?kib) :with ?p
    :where [?p :package/section ?section] [?p :package/installed-kib ?kib]
    :order-by [(sum ?kib) :desc ?section] :limit 10]";

/// What of an answer is compared: its rows, and what they add up to where they count.
fn counted(op: &str, results: Results, answer: &Answer) -> Json {
    let rows = answer.rows();
    if ["section", "maintainers", "priorities", "sizes"].contains(&op) {
        let sum: i64 = rows.iter().filter_map(|row| row[1].as_long()).sum();
        return json!(format!("{}/{sum}", rows.len()));
    }
    json!(results.taken(answer))
}
