//! What is asked: the same operations as of every other system, by the same names.

use anyhow::{Context, Result, bail};
use duramen::{Db, DbExt, Edn, EntityId, Form, Input, KeyRange, Query, Value, edn};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use super::clock::{Clock, measure_writes};
use super::results::Results;
use super::system::{Folder, State, id, vector};
use super::workload::{Person, Workload, assertion, graph_forms, keyword, temporary};

/// Transactions.
pub const WRITES: [&str; 4] = ["add-1", "add-5", "add-all", "retract-5"];
/// Questions about people and who follows whom.
pub const QUERIES: [&str; 17] = [
    "q1",
    "q2",
    "q2-switch",
    "q3",
    "q4",
    "q5-shortcircuit",
    "qpred1",
    "qpred2",
    "agg-name",
    "find-datom",
    "pull-1",
    "pull-many",
    "join-value",
    "hop2-from",
    "hop3-from",
    "hop2-all",
    "reach",
];
/// Questions about graphs, each in a database of its own.
pub const GRAPHS: [&str; 9] = [
    "rules-wide-3x3",
    "rules-wide-5x3",
    "rules-wide-7x3",
    "rules-wide-4x6",
    "rules-long-10x3",
    "rules-long-30x3",
    "rules-long-30x5",
    "rules-bound-7x3",
    "pull-tree",
];

/// The attributes that `add-1` says, one transaction each.
const ADD_1: [&str; 5] = ["name", "last-name", "sex", "age", "salary"];
const PULL: &str = "[:name :last-name :full-name :sex :age :salary :alias]";
const PULL_TREE: &str = "[:name {:follows ...}]";
const HOP_2: &str = "[:find ?z :in $ ?x :where [?x :follows ?y] [?y :follows ?z]]";
const HOP_3: &str = "[:find ?z :in $ ?w :where [?w :follows ?x] [?x :follows ?y] [?y :follows ?z]]";
const RULES: &str = "[[(follows ?x ?y) [?x :follows ?y]]
                      [(follows ?x ?y) [?x :follows ?t] (follows ?t ?y)]]";
const REACH: &str = "[:find ?y :in $ % ?x :where (follows ?x ?y)]";
const CLOSURE: &str = "[:find ?x ?y :in $ % :where (follows ?x ?y)]";

/// Runs operations.
#[derive(Debug)]
pub struct Operations<'a> {
    runtime: &'a Runtime,
    workload: &'a Workload,
    /// Where people are read from; memory otherwise.
    folder: Option<&'a Folder>,
    results: Results,
    clock: Clock,
    people: Option<State>,
}

impl<'a> Operations<'a> {
    /// Operations on the data.
    #[must_use]
    pub const fn new(
        runtime: &'a Runtime,
        workload: &'a Workload,
        folder: Option<&'a Folder>,
        results: Results,
        clock: Clock,
    ) -> Self {
        Self { runtime, workload, folder, results, clock, people: None }
    }

    /// Has the operations to come timed otherwise.
    pub const fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// Times one; `None` when there is no counterpart of it here.
    ///
    /// # Errors
    /// When it fails.
    pub fn run(&mut self, op: &str) -> Result<Option<Json>> {
        if WRITES.contains(&op) {
            // A transaction is the same pure function wherever a database is kept; what a commit
            // costs is measured apart.
            return if self.folder.is_none() { self.write(op).map(Some) } else { Ok(None) };
        }
        if GRAPHS.contains(&op) {
            return self.graph(op).map(Some);
        }
        if QUERIES.contains(&op) { self.query(op).map(Some) } else { Ok(None) }
    }

    fn write(&self, op: &str) -> Result<Json> {
        let (runtime, people, clock) = (self.runtime, &self.workload.people, self.clock);
        let forms: Vec<Form> = people.iter().map(Person::form).collect();
        let fresh = || runtime.block_on(State::fresh());
        let check = |state: &State| Ok(json!(runtime.block_on(names(&state.db))?));
        match op {
            "add-1" => measure_writes(
                op,
                people.len(),
                fresh,
                |state, index| runtime.block_on(add_singly(state, &people[index])),
                check,
            ),
            "add-5" => {
                let forms: Vec<Form> = forms.into_iter().map(|form| vector(vec![form])).collect();
                let step = |state: &mut State, index: usize| {
                    runtime.block_on(state.transact(&forms[index]))
                };
                measure_writes(op, people.len(), fresh, step, check)
            }
            "retract-5" => {
                let full = runtime.block_on(State::with(forms))?;
                let order = &self.workload.order;
                let step = |state: &mut State, index: usize| {
                    let parts = [keyword("db/retractEntity"), id(state.entity(order[index])?)];
                    let parts = parts.into_iter().map(Form::from).collect();
                    let form = vector(vec![Form::from(Edn::Vector(parts))]);
                    runtime.block_on(state.transact(&form))
                };
                measure_writes(op, people.len(), || Ok(full.clone()), step, check)
            }
            _ => {
                let form = vector(forms);
                clock.measure(op, || {
                    runtime.block_on(async {
                        let mut state = State::fresh().await?;
                        state.transact(&form).await?;
                        Ok(json!(names(&state.db).await?))
                    })
                })
            }
        }
    }

    fn query(&mut self, op: &str) -> Result<Json> {
        let (runtime, workload, clock) = (self.runtime, self.workload, self.clock);
        let (folder, results) = (self.folder, self.results);
        let ask = |query: &Query, db: &Db, inputs: Vec<Input>| -> Result<usize> {
            count(runtime, results, query, db, inputs)
        };
        let state = match &mut self.people {
            Some(state) => state,
            none => none.insert(runtime.block_on(async {
                match folder {
                    None => State::filled(workload).await,
                    Some(folder) => folder.open().await,
                }
            })?),
        };
        let db = &state.db;
        let entities = |numbers: &[u64]| -> Result<Vec<EntityId>> {
            numbers.iter().map(|number| state.entity(*number)).collect()
        };
        match op {
            "find-datom" => {
                let pulled = entities(&workload.pulled)?;
                let a = db.attribute(&duramen::Keyword::new("full-name").into());
                let a = a.context("an attribute")?.id;
                clock.measure(op, || {
                    let mut bytes = 0;
                    for e in &pulled {
                        let range = KeyRange::entity(*e).with_a(a);
                        let datoms = runtime.block_on(db.datoms(&range))?;
                        if let Some(Value::String(text)) = datoms.first().map(|datom| &datom.v) {
                            bytes += text.len();
                        }
                    }
                    Ok(json!(bytes))
                })
            }
            "pull-1" | "pull-many" => {
                let pulled = entities(&workload.pulled)?;
                let pattern = duramen::PullPattern::parse(PULL)?;
                clock.measure(op, || {
                    let trees = match op {
                        "pull-many" => runtime.block_on(db.pull_many(&pattern, &pulled))?,
                        _ => pulled
                            .iter()
                            .map(|e| runtime.block_on(db.pull(&pattern, *e)))
                            .collect::<Result<_, _>>()?,
                    };
                    Ok(json!(trees.iter().map(values).sum::<usize>()))
                })
            }
            "hop2-from" | "hop3-from" => {
                let seeds = entities(&workload.seeds)?;
                let query = Query::parse(if op == "hop2-from" { HOP_2 } else { HOP_3 })?;
                clock.measure(op, || {
                    let mut rows = 0;
                    for seed in &seeds {
                        rows += ask(&query, db, vec![Input::Value(id(*seed))])?;
                    }
                    Ok(json!(rows))
                })
            }
            "reach" => {
                let start = id(state.entity(workload.meta.reach_start)?);
                let (query, rules) = (Query::parse(REACH)?, edn::read(RULES)?);
                clock.measure(op, || {
                    let inputs = vec![Input::Rules(rules.clone()), Input::Value(start.clone())];
                    Ok(json!(ask(&query, db, inputs)?))
                })
            }
            "agg-name" => {
                let query = Query::parse("[:find ?n (count ?e) :where [?e :name ?n]]")?;
                clock.measure(op, || {
                    let answer = runtime.block_on(duramen::q(&query, [Input::from(db)]))?;
                    let counts = answer.rows().iter().filter_map(|row| row[1].as_long());
                    Ok(json!(format!("{}/{}", answer.rows().len(), counts.sum::<i64>())))
                })
            }
            _ => {
                let (text, inputs) = plain(op)?;
                let query = Query::parse(text)?;
                clock.measure(op, || Ok(json!(ask(&query, db, inputs.clone())?)))
            }
        }
    }

    fn graph_state(&self, shape: &str) -> Result<State> {
        let edges = self.workload.graph(shape)?;
        self.runtime.block_on(async {
            let Some(people) = self.folder else { return State::with(graph_forms(&edges)).await };
            let folder = people.beside(shape);
            if !folder.is_loaded() {
                folder.load_graph(&edges).await?;
            }
            folder.open().await
        })
    }

    fn graph(&self, op: &str) -> Result<Json> {
        let (runtime, results, clock) = (self.runtime, self.results, self.clock);
        let shape = match op {
            "pull-tree" => "wide-4x5",
            "rules-bound-7x3" => "wide-7x3",
            other => other.trim_start_matches("rules-"),
        };
        let state = self.graph_state(shape)?;
        let db = &state.db;
        let rules = edn::read(RULES)?;
        match op {
            "pull-tree" => {
                let (pattern, top) = (duramen::PullPattern::parse(PULL_TREE)?, state.entity(1)?);
                clock.measure(op, || Ok(json!(nodes(&runtime.block_on(db.pull(&pattern, top))?))))
            }
            "rules-bound-7x3" => {
                let (query, start) = (Query::parse(REACH)?, id(state.entity(3)?));
                clock.measure(op, || {
                    let inputs = vec![Input::Rules(rules.clone()), Input::Value(start.clone())];
                    Ok(json!(count(runtime, results, &query, db, inputs)?))
                })
            }
            _ => {
                let query = Query::parse(CLOSURE)?;
                clock.measure(op, || {
                    let inputs = vec![Input::Rules(rules.clone())];
                    Ok(json!(count(runtime, results, &query, db, inputs)?))
                })
            }
        }
    }
}

/// How many people have a name.
///
/// # Errors
/// When the database cannot be read.
pub async fn names(db: &Db) -> Result<u64> {
    let a = db.attribute(&duramen::Keyword::new("name").into()).context("an attribute")?.id;
    Ok(db.count(&duramen::Selection::all().with_a(a)).await?)
}

async fn add_singly(state: &mut State, person: &Person) -> Result<()> {
    let mut e = temporary(person.id);
    for attribute in ADD_1 {
        let form = assertion(e, attribute, person.value(attribute));
        state.transact(&vector(vec![form])).await?;
        e = id(state.entity(person.id)?);
    }
    Ok(())
}

/// The queries that are nothing but text, and their inputs after the database.
fn plain(op: &str) -> Result<(&'static str, Vec<Input>)> {
    let text = match op {
        "q1" => "[:find ?e :where [?e :name \"Ivan\"]]",
        "q2" => "[:find ?e ?a :where [?e :name \"Ivan\"] [?e :age ?a]]",
        "q2-switch" => "[:find ?e ?a :where [?e :age ?a] [?e :name \"Ivan\"]]",
        "q3" => "[:find ?e ?a :where [?e :name \"Ivan\"] [?e :age ?a] [?e :sex :male]]",
        "q4" => {
            "[:find ?e ?l ?a
              :where [?e :name \"Ivan\"] [?e :last-name ?l] [?e :age ?a] [?e :sex :male]]"
        }
        "q5-shortcircuit" => {
            "[:find ?e ?n ?l ?a ?s ?al :in $ ?n ?a
              :where [?e :name ?n] [?e :age ?a] [?e :last-name ?l] [?e :sex ?s] [?e :alias ?al]]"
        }
        "qpred1" => "[:find ?e ?s :where [?e :salary ?s] [(> ?s 50000)]]",
        "qpred2" => "[:find ?e ?s :in $ ?min :where [?e :salary ?s] [(> ?s ?min)]]",
        "join-value" => "[:find ?x ?y :where [?x :salary ?s] [?y :salary ?s]]",
        "hop2-all" => "[:find ?x ?z :where [?x :follows ?y] [?y :follows ?z]]",
        other => bail!("no operation {other}"),
    };
    let long = |number: i64| Input::Value(Edn::Value(Value::Long(number)));
    let inputs = match op {
        "q5-shortcircuit" => {
            vec![Input::Value(Edn::Value(Value::string("Anastasia"))), long(35)]
        }
        "qpred2" => vec![long(50_000)],
        _ => Vec::new(),
    };
    Ok((text, inputs))
}

fn count(
    runtime: &Runtime,
    results: Results,
    query: &Query,
    db: &Db,
    inputs: Vec<Input>,
) -> Result<usize> {
    let inputs = std::iter::once(Input::from(db)).chain(inputs);
    Ok(results.taken(&runtime.block_on(duramen::q(query, inputs))?))
}

/// How many values a pulled map has, those of many counted each.
fn values(tree: &Edn) -> usize {
    let Edn::Map(entries) = tree else { return 0 };
    let value = |value: &Form| match &value.edn {
        Edn::Vector(values) => values.len(),
        _ => 1,
    };
    entries.iter().map(|(_, own)| value(own)).sum()
}

/// How many maps there are in a pulled tree.
fn nodes(tree: &Edn) -> usize {
    let Edn::Map(entries) = tree else { return 0 };
    let below = |(_, value): &(Form, Form)| match &value.edn {
        Edn::Vector(values) => values.iter().map(|value| nodes(&value.edn)).sum(),
        other => nodes(other),
    };
    1 + entries.iter().map(below).sum::<usize>()
}
