//! The engine and a naive evaluator agree on generated data and queries.
//!
//! Reading order: [`language`] (the queries that are generated, and their text), [`naive`] (what
//! they mean: nested loops over a set of facts, one rule for each kind of clause), [`generate`]
//! (data and queries from proptest).

mod generate;
mod language;
mod naive;

use std::collections::BTreeSet;

use duramen_model::edn::{self, Edn, Form};
use duramen_model::{Order, Value};
use duramen_query::{Input, Query, QueryErrorKind, q};
use proptest::prelude::*;

use generate::{World, any_query, any_world};
use language::{Generated, Source};
use naive::{Facts, Row};

/// What the engine gives; `None` where it refuses a query that binds too little, or one that
/// compares what cannot be compared on the way.
async fn engine(world: &World, query: &Generated) -> Option<BTreeSet<Vec<Value>>> {
    // A query returns something; and as a transaction an input's number may be a `t`, which the
    // naive evaluator does not know.
    if query.vars().is_empty() || query.gives_a_transaction() {
        return None;
    }
    let text = query.text();
    let parsed = match Query::parse(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(refusable(error.kind), "{text}: {error}");
            return None;
        }
    };
    let mut inputs = vec![Input::from(&world.db)];
    inputs.push(match query.second {
        Source::Db => Input::from(world.view(query.view).await),
        Source::Rows => Input::Relation(world.rows.iter().map(|row| to_edn(row)).collect()),
    });
    inputs.push(Input::Rules(edn::read(&language::rules_text()).expect("rules")));
    for (_, values) in &query.given {
        let forms = values.iter().map(|value| Form::from(Edn::Value(value.clone())));
        inputs.push(Input::Value(Edn::Vector(forms.collect())));
    }
    match q(&parsed, inputs).await {
        Ok(answer) => {
            Some(answer.rows().iter().map(|row| row.iter().map(to_value).collect()).collect())
        }
        Err(error) => {
            assert!(refusable(error.kind), "{text}: {error}");
            None
        }
    }
}

fn refusable(kind: QueryErrorKind) -> bool {
    matches!(
        kind,
        QueryErrorKind::Unbound | QueryErrorKind::OrVariables | QueryErrorKind::FunctionError
    )
}

fn to_edn(row: &[Value]) -> Vec<Edn> {
    row.iter().map(|value| Edn::Value(value.clone())).collect()
}

fn to_value(edn: &Edn) -> Value {
    match edn {
        Edn::Value(value) => value.clone(),
        other => unreachable!("not a value: {other}"),
    }
}

/// All that a view shows, as rows `e a v t op`.
async fn facts(db: &duramen_db::Db) -> Vec<Row> {
    let range = duramen_index::KeyRange::all(Order::Eavt);
    let long = |id: u64| Value::Long(i64::try_from(id).expect("ids are under 2^53"));
    let row = |datom: duramen_model::Datom| {
        vec![
            long(datom.e.get()),
            long(datom.a.get()),
            match datom.v {
                Value::Ref(entity) => long(entity.get()),
                other => other,
            },
            long(datom.t.entity().get()),
            Value::Boolean(datom.added),
        ]
    };
    db.datoms(&range).await.expect("in memory").into_iter().map(row).collect()
}

async fn agree(world: &World, query: &Generated) -> Result<bool, TestCaseError> {
    let Some(found) = engine(world, query).await else { return Ok(false) };
    let second = match query.second {
        Source::Db => facts(&world.view(query.view).await).await,
        Source::Rows => world.rows.clone(),
    };
    let facts = Facts { names: world.names(), sources: [facts(&world.db).await, second] };
    let expected = naive::answer(&facts, query);
    prop_assert_eq!(found, expected, "{}", query.text());
    Ok(true)
}

proptest! {
    #[test]
    fn the_engine_agrees_with_the_naive_evaluator(
        world in any_world(),
        queries in prop::collection::vec(any_query(), 8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let world = world.build().await;
            for query in &queries {
                agree(&world, query).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}

#[test]
fn most_generated_queries_run() {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut runner = TestRunner::deterministic();
    let world = any_world().new_tree(&mut runner).expect("a world").current();
    let ran = runtime.block_on(async {
        let world = world.build().await;
        let mut ran = 0;
        for _ in 0..200 {
            let query = any_query().new_tree(&mut runner).expect("a query").current();
            ran += usize::from(engine(&world, &query).await.is_some());
        }
        ran
    });
    assert!(ran > 100, "only {ran} of 200 ran");
}
