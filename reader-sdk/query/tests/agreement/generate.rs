//! Data and queries.

use std::collections::BTreeMap;

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::{Instant, Keyword, T, Value, edn};
use proptest::prelude::*;

use crate::language::{Clause, Generated, Source, Term, Var, View};
use crate::naive::Row;

const ENTITIES: [&str; 6] = ["e/0", "e/1", "e/2", "e/3", "e/4", "e/5"];
const ATTRIBUTES: [&str; 5] = ["a/one", "a/many", "a/ref", "a/text", "a/key"];

const SCHEMA: &str = "[
  {:db/ident :a/one :db/valueType :db.type/long :db/cardinality :db.cardinality/one :db/index true}
  {:db/ident :a/many :db/valueType :db.type/long :db/cardinality :db.cardinality/many}
  {:db/ident :a/ref :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}
  {:db/ident :a/text :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
  {:db/ident :a/key :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one}
  {:db/ident :e/0} {:db/ident :e/1} {:db/ident :e/2}
  {:db/ident :e/3} {:db/ident :e/4} {:db/ident :e/5}]";

/// One assertion or retraction: entity, attribute, value.
type Statement = (bool, usize, usize, usize);

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    transactions: Vec<Vec<Statement>>,
    rows: Vec<Row>,
}

/// Databases to ask.
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) rows: Vec<Row>,
}

pub(crate) fn any_world() -> impl Strategy<Value = Plan> {
    let statement = (prop::bool::weighted(0.8), 0..6_usize, 0..5_usize, 0..6_usize);
    let transactions = prop::collection::vec(prop::collection::vec(statement, 1..12), 1..5);
    let row = prop::collection::vec(0..4_i64, 2..4)
        .prop_map(|row| row.into_iter().map(Value::Long).collect());
    (transactions, prop::collection::vec(row, 0..8))
        .prop_map(|(transactions, rows)| Plan { transactions, rows })
}

impl Plan {
    pub(crate) async fn build(&self) -> World {
        let mut db = transact(&Db::genesis(), SCHEMA).await.expect("the schema");
        for statements in &self.transactions {
            // What contradicts itself within a transaction is left out.
            let mut seen = BTreeMap::new();
            let mut text = String::from("[");
            for statement in statements {
                let &(_, e, a, v) = statement;
                let one = a != 1 && a != 2;
                if seen.insert((e, a, if one { 0 } else { v }), ()).is_none() {
                    text.push_str(&statement_text(*statement));
                }
            }
            db = transact(&db, &(text + "]")).await.expect("a transaction");
        }
        World { db, rows: self.rows.clone() }
    }
}

fn statement_text((add, e, a, v): Statement) -> String {
    let operation = if add { ":db/add" } else { ":db/retract" };
    let value = match ATTRIBUTES[a] {
        "a/ref" => format!(":{}", ENTITIES[v]),
        "a/text" => format!("\"t{v}\""),
        "a/key" => format!(":k/{v}"),
        _ => v.to_string(),
    };
    format!("[{operation} :{} :{} {value}]", ENTITIES[e], ATTRIBUTES[a])
}

async fn transact(db: &Db, text: &str) -> Option<Db> {
    let data = TxData::from_form(&edn::read(text).ok()?).ok()?;
    Some(db.with(&data, Instant::from_millis(0)).await.ok()?.0)
}

impl World {
    pub(crate) async fn view(&self, view: View) -> Db {
        // The schema is transaction 1; earlier views would not know the attributes.
        let t = |number: u64| T::new(1 + number % self.db.basis_t().get()).expect("small");
        match view {
            View::Now => self.db.clone(),
            View::AsOf(number) => self.db.as_of(t(number)),
            View::Since(number) => self.db.since(t(number)),
            View::History => self.db.history(),
        }
    }

    /// What the idents stand for.
    pub(crate) fn names(&self) -> BTreeMap<&'static str, Value> {
        let name = |name: &'static str| {
            let entity = self.db.schema().entity(&Keyword::new(name)).expect("an ident");
            (name, Value::Long(i64::try_from(entity.get()).expect("under 2^53")))
        };
        ENTITIES.into_iter().chain(ATTRIBUTES).map(name).collect()
    }
}

fn any_var() -> impl Strategy<Value = Var> {
    0..5_usize
}

fn var() -> impl Strategy<Value = Term> {
    any_var().prop_map(Term::Var)
}

fn any_entity() -> impl Strategy<Value = Term> {
    prop_oneof![
        8 => var(),
        2 => prop::sample::select(&ENTITIES[..]).prop_map(Term::Named),
        1 => Just(Term::Blank),
    ]
}

/// A constant that suits an attribute, as a value of it is written.
fn constant_of(attribute: &'static str) -> BoxedStrategy<Term> {
    match attribute {
        "a/ref" => prop::sample::select(&ENTITIES[..]).prop_map(Term::Named).boxed(),
        "a/text" => (0..6).prop_map(|n| Term::Constant(Value::string(format!("t{n}")))).boxed(),
        "a/key" => (0..6)
            .prop_map(|n| Term::Constant(Value::Keyword(Keyword::new(format!("k/{n}")))))
            .boxed(),
        _ => (0..6_i64).prop_map(|n| Term::Constant(Value::Long(n))).boxed(),
    }
}

fn any_value(attribute: &'static str) -> impl Strategy<Value = Term> {
    prop_oneof![7 => var(), 2 => constant_of(attribute), 1 => Just(Term::Blank)]
}

/// A pattern against a database, sometimes with `t` and op.
fn any_pattern() -> impl Strategy<Value = Vec<Term>> {
    let known = prop::sample::select(&ATTRIBUTES[..]).prop_flat_map(|attribute| {
        (any_entity(), any_value(attribute))
            .prop_map(move |(e, v)| vec![e, Term::Named(attribute), v])
    });
    let free = (any_entity(), var(), prop_oneof![var(), constant_of("a/one")])
        .prop_map(|(e, a, v)| vec![e, a, v]);
    let short = (any_entity(), prop::sample::select(&ATTRIBUTES[..]))
        .prop_map(|(e, attribute)| vec![e, Term::Named(attribute)]);
    let timed = (
        any_entity(),
        prop::sample::select(&ATTRIBUTES[..]),
        var(),
        prop_oneof![var(), Just(Term::Blank)],
        prop::option::of(prop_oneof![
            var(),
            any::<bool>().prop_map(|op| Term::Constant(Value::Boolean(op)))
        ]),
    )
        .prop_map(|(e, attribute, v, t, op)| {
            [e, Term::Named(attribute), v, t].into_iter().chain(op).collect()
        });
    prop_oneof![12 => known, 1 => free, 1 => short, 2 => timed]
}

fn any_row_pattern() -> impl Strategy<Value = Vec<Term>> {
    let place = prop_oneof![
        6 => var(),
        2 => (0..4_i64).prop_map(|n| Term::Constant(Value::Long(n))),
        1 => Just(Term::Blank),
    ];
    prop::collection::vec(place, 1..4)
}

fn any_data_clause(second: Source) -> BoxedStrategy<Clause> {
    let first = any_pattern().prop_map(|terms| Clause::Pattern(0, terms));
    let second = match second {
        Source::Db => any_pattern().prop_map(|terms| Clause::Pattern(1, terms)).boxed(),
        Source::Rows => any_row_pattern().prop_map(|terms| Clause::Pattern(1, terms)).boxed(),
    };
    prop_oneof![3 => first, 1 => second].boxed()
}

const RULES: [&str; 9] =
    ["right", "left", "double", "same", "ping", "pong", "either", "dead-end", "count-up"];

fn any_rule_call() -> impl Strategy<Value = Clause> {
    prop::sample::select(&RULES[..]).prop_flat_map(|name| {
        let second = match name {
            "count-up" => constant_of("a/one"),
            _ => Just(Term::Blank).boxed(),
        };
        let argument = prop_oneof![8 => var(), 1 => Just(Term::Blank)];
        (argument.clone(), prop_oneof![6 => argument, 1 => second])
            .prop_map(move |(a, b)| Clause::Rule(name, vec![a, b]))
    })
}

/// Branches that use the same variables: one pattern with its attribute exchanged.
fn any_or() -> impl Strategy<Value = Clause> {
    (any_var(), any_var(), prop::collection::vec(prop::sample::select(&ATTRIBUTES[..]), 1..4))
        .prop_map(|(e, v, attributes)| {
            let branch = |attribute| {
                vec![Clause::Pattern(0, vec![Term::Var(e), Term::Named(attribute), Term::Var(v)])]
            };
            Clause::Or(attributes.into_iter().map(branch).collect())
        })
}

fn any_or_join(second: Source) -> impl Strategy<Value = Clause> {
    let branch = prop::collection::vec(any_data_clause(second), 1..3);
    (prop::collection::btree_set(any_var(), 1..3), prop::collection::vec(branch, 1..3))
        .prop_map(|(vars, branches)| Clause::OrJoin(vars.into_iter().collect(), branches))
}

fn any_test() -> impl Strategy<Value = Clause> {
    let number = (0..6_i64).prop_map(|n| Term::Constant(Value::Long(n)));
    prop_oneof![
        (prop::sample::select(vec!["=", "not="]), var(), var())
            .prop_map(|(name, a, b)| Clause::Predicate(name, vec![a, b])),
        (prop::sample::select(vec!["<", ">="]), var(), number)
            .prop_map(|(name, a, b)| Clause::Predicate(name, vec![a, b])),
    ]
}

fn any_negation(second: Source) -> impl Strategy<Value = Clause> {
    let inner = prop::collection::vec(any_data_clause(second), 1..3);
    prop_oneof![
        inner.clone().prop_map(Clause::Not),
        (prop::collection::btree_set(any_var(), 1..3), inner)
            .prop_map(|(vars, inner)| Clause::NotJoin(vars.into_iter().collect(), inner)),
    ]
}

fn any_function() -> impl Strategy<Value = Clause> {
    (prop::sample::select(vec!["inc", "identity"]), var(), any_var())
        .prop_map(|(name, argument, var)| Clause::Function(name, vec![argument], var))
}

/// A range over a number: the pattern that binds it, and the comparison.
fn any_range() -> impl Strategy<Value = Vec<Clause>> {
    (any_var(), any_var(), prop::sample::select(vec!["<", ">="]), 0..6_i64).prop_map(
        |(e, v, name, bound)| {
            let attribute = Term::Named("a/one");
            vec![
                Clause::Pattern(0, vec![Term::Var(e), attribute, Term::Var(v)]),
                Clause::Predicate(name, vec![Term::Var(v), Term::Constant(Value::Long(bound))]),
            ]
        },
    )
}

pub(crate) fn any_query() -> impl Strategy<Value = Generated> {
    let second = prop_oneof![2 => Just(Source::Db), 1 => Just(Source::Rows)];
    second.prop_flat_map(|second| {
        let others = prop_oneof![
            2 => any_or().prop_map(|clause| vec![clause]),
            1 => any_or_join(second).prop_map(|clause| vec![clause]),
            2 => any_test().prop_map(|clause| vec![clause]),
            2 => any_negation(second).prop_map(|clause| vec![clause]),
            1 => any_function().prop_map(|clause| vec![clause]),
            2 => any_rule_call().prop_map(|clause| vec![clause]),
            2 => any_range(),
        ];
        let view = prop_oneof![
            Just(View::Now),
            any::<u64>().prop_map(View::AsOf),
            any::<u64>().prop_map(View::Since),
            Just(View::History),
        ];
        let given = (any_var(), prop::collection::vec((0..6_i64).prop_map(Value::Long), 0..4));
        (
            prop::collection::vec(any_data_clause(second), 1..4),
            prop::collection::vec(others, 0..3),
            view,
            prop::option::weighted(0.3, given),
        )
            .prop_map(move |(data, others, view, given)| Generated {
                clauses: data.into_iter().chain(others.into_iter().flatten()).collect(),
                second,
                view,
                given: given.into_iter().collect(),
            })
    })
}
