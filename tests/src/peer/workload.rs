//! The data of the workload, as its generator wrote them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use duramen::{Edn, Form, Keyword, Value};
use serde::Deserialize;

/// The attributes with one value, in the order of the data.
pub const SINGLE: [&str; 6] = ["name", "last-name", "full-name", "sex", "age", "salary"];

/// What the people live by.
pub const SCHEMA: &str = "[
    {:db/ident :name :db/valueType :db.type/string :db/cardinality :db.cardinality/one :db/index true}
    {:db/ident :last-name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
    {:db/ident :full-name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
    {:db/ident :sex :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one}
    {:db/ident :age :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
    {:db/ident :salary :db/valueType :db.type/long :db/cardinality :db.cardinality/one :db/index true}
    {:db/ident :alias :db/valueType :db.type/string :db/cardinality :db.cardinality/many}
    {:db/ident :follows :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}]";

/// A line of `people.jsonl`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Person {
    /// From 1 on.
    pub id: u64,
    name: String,
    last_name: String,
    full_name: String,
    alias: Vec<String>,
    sex: String,
    age: i64,
    salary: i64,
}

/// Parameters of the data.
#[derive(Debug, Clone, Deserialize)]
pub struct Meta {
    /// Where reachability begins.
    pub reach_start: u64,
}

/// The data.
#[derive(Debug)]
pub struct Workload {
    folder: PathBuf,
    /// Parameters.
    pub meta: Meta,
    /// People, by their numbers.
    pub people: Vec<Person>,
    /// Who follows whom.
    pub follows: Vec<(u64, u64)>,
    /// The order in which people are retracted.
    pub order: Vec<u64>,
    /// Who is pulled.
    pub pulled: Vec<u64>,
    /// Where hops begin.
    pub seeds: Vec<u64>,
}

impl Workload {
    /// Reads the data of a folder.
    ///
    /// # Errors
    /// When a file is missing or is not what the generator writes.
    pub fn read(folder: &Path) -> Result<Self> {
        let lines = text(folder, "people.jsonl")?;
        let people = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Self {
            folder: folder.to_owned(),
            meta: serde_json::from_str(&text(folder, "meta.json")?)?,
            people,
            follows: pairs(folder, "follows.csv")?,
            order: numbers(folder, "retract_order.txt")?,
            pulled: numbers(folder, "pull_ids.txt")?,
            seeds: numbers(folder, "hop_seeds.txt")?,
        })
    }

    /// The edges of a graph, such as `wide-7x3`.
    ///
    /// # Errors
    /// When there is no such graph.
    pub fn graph(&self, shape: &str) -> Result<Vec<(u64, u64)>> {
        pairs(&self.folder, &format!("rules/{shape}.csv"))
    }
}

impl Person {
    /// The person as a map of a transaction.
    #[must_use]
    pub fn form(&self) -> Form {
        let mut entries = vec![entry("db/id", temporary(self.id))];
        entries.extend(SINGLE.map(|attribute| entry(attribute, self.value(attribute))));
        if !self.alias.is_empty() {
            let aliases = self.alias.iter().map(|alias| Form::from(text_form(alias))).collect();
            entries.push(entry("alias", Edn::Vector(aliases)));
        }
        Form::from(Edn::Map(entries))
    }

    /// A value of an attribute that has one.
    #[must_use]
    pub fn value(&self, attribute: &str) -> Edn {
        match attribute {
            "name" => text_form(&self.name),
            "last-name" => text_form(&self.last_name),
            "full-name" => text_form(&self.full_name),
            "sex" => keyword(&self.sex),
            "age" => Edn::Value(Value::Long(self.age)),
            _ => Edn::Value(Value::Long(self.salary)),
        }
    }
}

/// The temporary id of a person, by number.
#[must_use]
pub fn temporary(number: u64) -> Edn {
    text_form(&format!("p{number}"))
}

/// A keyword.
#[must_use]
pub fn keyword(name: &str) -> Edn {
    Edn::Value(Value::Keyword(Keyword::new(name)))
}

/// An assertion of one fact.
#[must_use]
pub fn assertion(e: Edn, attribute: &str, value: Edn) -> Form {
    let parts = [keyword("db/add"), e, keyword(attribute), value];
    Form::from(Edn::Vector(parts.into_iter().map(Form::from).collect()))
}

/// People of a name, followed by edges between them: what a graph is made of.
#[must_use]
pub fn graph_forms(edges: &[(u64, u64)]) -> Vec<Form> {
    let nodes: BTreeSet<u64> = edges.iter().flat_map(|(from, to)| [*from, *to]).collect();
    let named = nodes.iter().map(|node| assertion(temporary(*node), "name", text_form("Ivan")));
    let follow = |(from, to): &(u64, u64)| assertion(temporary(*from), "follows", temporary(*to));
    named.chain(edges.iter().map(follow)).collect()
}

fn entry(attribute: &str, value: Edn) -> (Form, Form) {
    (Form::from(keyword(attribute)), Form::from(value))
}

fn text_form(text: &str) -> Edn {
    Edn::Value(Value::string(text))
}

fn text(folder: &Path, name: &str) -> Result<String> {
    let path = folder.join(name);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

fn numbers(folder: &Path, name: &str) -> Result<Vec<u64>> {
    Ok(text(folder, name)?.lines().map(str::parse).collect::<Result<_, _>>()?)
}

fn pairs(folder: &Path, name: &str) -> Result<Vec<(u64, u64)>> {
    let pair = |line: &str| {
        let (from, to) = line.split_once(',').context("two numbers a line")?;
        Ok((from.parse()?, to.parse()?))
    };
    text(folder, name)?.lines().map(pair).collect()
}
