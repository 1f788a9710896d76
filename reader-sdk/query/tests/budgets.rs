//! How far a query goes: every budget ends it in bounded time and memory, with an error that says
//! which and where.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duramen_model::edn::{self, Edn, Form};
use duramen_query::{
    Answer, Budget, CancelToken, Clock, Input, Limits, Query, QueryError, QueryErrorKind,
    QueryOptions, Registry, q, q_with,
};

fn value(text: &str) -> Input {
    Input::Value(edn::read(text).expect("EDN").edn)
}

fn numbers(range: std::ops::Range<i64>) -> Input {
    Input::Value(Edn::Vector(range.map(Edn::from).map(Form::from).collect()))
}

/// A clock that goes on by a millisecond whenever someone looks.
fn clock() -> Clock {
    let time = Arc::new(AtomicU64::new(0));
    Clock::new(move || Duration::from_millis(time.fetch_add(1, Ordering::Relaxed)))
}

async fn ask(
    query: &str,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<Answer, QueryError> {
    q_with(&Query::parse(query)?, inputs, options).await
}

/// Checks that a budget ran out, here in the query.
async fn over(query: &str, inputs: Vec<Input>, options: &QueryOptions, budget: Budget, at: &str) {
    let error = ask(query, inputs, options).await.expect_err(query);
    assert_eq!(error.kind, QueryErrorKind::Limit(budget), "{query}: {error}");
    assert!(error.to_string().contains(&budget.to_string()), "{error}");
    let found = &query[error.span.start as usize..error.span.end as usize];
    assert_eq!(found, at, "{query}: {error}");
}

fn limited(limits: Limits) -> QueryOptions {
    QueryOptions { limits, ..QueryOptions::default() }
}

#[tokio::test]
async fn a_join_of_everything_with_everything_stops_while_it_is_made() {
    let options = limited(Limits { rows_max: 50_000, ..Limits::default() });
    let rows: String = (0..20_000).map(|n| format!("[{n} :same]")).collect();
    let rows = format!("[{rows}]");
    let query = "[:find (count ?a) . :in $a $b :where [$a ?a ?k] [$b ?b ?k]]";
    let inputs = vec![value(&rows), value(&rows)];
    over(query, inputs, &options, Budget::Rows, "[$b ?b ?k]").await;
}

#[tokio::test]
async fn endless_recursion_ends_by_rounds_rows_memory_or_time() {
    let query = Query::parse("[:find ?x :in $ % :where (r ?x)]").expect("a query");
    let rules = "[[(r ?x) [?x]] [(r ?x) (r ?y) [(inc ?y) ?x]]]";
    let inputs = || vec![value("[[1]]"), value(rules)];
    for (limits, budget) in [
        (Limits { rounds_max: 100, ..Limits::default() }, Budget::Rounds),
        (Limits { rows_max: 100, ..Limits::default() }, Budget::Rows),
        (Limits { memory_bytes_max: 10_000, ..Limits::default() }, Budget::Memory),
        (Limits { time_max: Some(Duration::from_millis(200)), ..Limits::default() }, Budget::Time),
    ] {
        let options = QueryOptions { limits, clock: Some(clock()), ..QueryOptions::default() };
        let error = q_with(&query, inputs(), &options).await.expect_err("no end");
        assert_eq!(error.kind, QueryErrorKind::Limit(budget), "{error}");
    }
}

#[tokio::test]
async fn texts_and_collections_do_not_double_for_ever() {
    let query = "[:find (count ?x) . :in $ % :where (r ?x)]";
    for (step, code) in [
        ("[(str ?y ?y) ?x]", "query/function-error"),
        ("[(clojure.string/replace ?y \"a\" ?y) ?x]", "query/function-error"),
        ("[(clojure.string/join ?y [1 2 3 4]) ?x]", "query/function-error"),
        ("[(vector ?y ?y) ?x]", "query/function-error"),
        ("[(hash-map 1 ?y 2 ?y) ?x]", "query/function-error"),
        ("[(vector ?y ?y) ?z] [(set ?z) ?w] [(vector ?w ?w) ?x]", "query/function-error"),
        ("[(* ?y ?y) ?x]", "query/function-error"),
    ] {
        let start = if step.contains('*') { "[[7N]]" } else { "[[\"aaaa\"]]" };
        let rules = format!("[[(r ?x) [?x]] [(r ?x) (r ?y) {step}]]");
        let error = q(&Query::parse(query).expect("a query"), vec![value(start), value(&rules)])
            .await
            .expect_err(step);
        assert_eq!(error.code(), code, "{step}: {error}");
    }
    let options = limited(Limits { memory_bytes_max: 1 << 20, ..Limits::default() });
    let rules = "[[(r ?x) [?x]] [(r ?x) (r ?y) [(str ?y ?y) ?x]]]";
    let query = Query::parse(query).expect("a query");
    let error = q_with(&query, vec![value("[[\"aaaa\"]]"), value(rules)], &options).await;
    let error = error.expect_err("too much memory");
    assert_eq!(error.kind, QueryErrorKind::Limit(Budget::Memory), "{error}");
}

#[tokio::test]
async fn memory_is_counted_where_it_grows() {
    let options = limited(Limits { memory_bytes_max: 1 << 20, ..Limits::default() });
    let query = "[:find ?y :in [?x ...] :where [(range 0 100000) [?y ...]] [(< ?x ?y)]]";
    let at = "[(range 0 100000) [?y ...]]";
    over(query, vec![numbers(0..100)], &options, Budget::Memory, at).await;
    let query = "[:find ?y :in [?x ...] :where [(range ?x 100000) ?y]]";
    over(query, vec![numbers(0..1000)], &options, Budget::Memory, "[(range ?x 100000) ?y]").await;
    // A product within one input.
    let query = "[:find ?a :in [[?a ...] [?b ...] [?c ...]]]";
    let thousand: String = (0..1000).map(|n| format!("{n} ")).collect();
    let input = value(&format!("[[{thousand}] [{thousand}] [{thousand}]]"));
    over(query, vec![input], &options, Budget::Memory, "[[?a ...] [?b ...] [?c ...]]").await;
}

#[tokio::test]
async fn time_runs_out_in_the_middle_of_a_step() {
    let registry = Registry::new().with("slow", |x: i64| x + 1);
    let clock = Some(clock());
    let time_max = Some(Duration::from_millis(100));
    let limits = Limits { time_max, ..Limits::default() };
    let options = QueryOptions { registry, clock, limits, ..QueryOptions::default() };
    let query = "[:find ?y :in [?x ...] :where [(slow ?x) ?y]]";
    over(query, vec![numbers(0..100_000)], &options, Budget::Time, "[(slow ?x) ?y]").await;
    assert!(ask(query, vec![numbers(0..10)], &options).await.is_ok());
}

#[tokio::test]
async fn a_query_gives_itself_a_time() {
    let query = "[:find ?y :in [?x ...] :where [(inc ?x) ?y] :timeout 100]";
    let options = QueryOptions { clock: Some(clock()), ..QueryOptions::default() };
    over(query, vec![numbers(0..100_000)], &options, Budget::Time, "[(inc ?x) ?y]").await;
    assert!(ask(query, vec![numbers(0..10)], &options).await.is_ok());
    // Without a clock it is not kept silently.
    let error = ask(query, vec![numbers(0..10)], &QueryOptions::default()).await;
    assert_eq!(error.expect_err("no clock").code(), "query/inputs");
}

#[tokio::test]
async fn a_token_calls_a_query_off() {
    let cancel = CancelToken::new();
    let calls = Arc::new(AtomicU64::new(0));
    let (own, counted) = (cancel.clone(), Arc::clone(&calls));
    let registry = Registry::new().with("work", move |x: i64| {
        if counted.fetch_add(1, Ordering::Relaxed) == 1000 {
            own.cancel();
        }
        x
    });
    let options = QueryOptions { registry, cancel: Some(cancel), ..QueryOptions::default() };
    let query = "[:find ?y :in [?x ...] :where [(work ?x) ?y]]";
    let error = ask(query, vec![numbers(0..100_000)], &options).await.expect_err("called off");
    assert_eq!(error.kind, QueryErrorKind::Cancelled);
    assert_eq!(&query[error.span.start as usize..error.span.end as usize], "[(work ?x) ?y]");
    assert!(calls.load(Ordering::Relaxed) < 2_000);
    let error = ask(query, vec![numbers(0..1)], &options).await.expect_err("it stays so");
    assert_eq!(error.code(), "query/cancelled");
}

#[tokio::test]
async fn ten_thousand_clauses_are_too_many() {
    let clauses: String = (0..10_000).map(|n| format!("[?x{n} ?x{}] ", n + 1)).collect();
    let query = format!("[:find ?x0 :where {clauses}]");
    let options = QueryOptions::default();
    over(&query, vec![value("[[1 1]]")], &options, Budget::Clauses, "[?x4096 ?x4097]").await;
    let rules: String = (0..10_000).map(|n| format!("[(r{n} ?x) [?x]] ")).collect();
    let query = "[:find ?x :in $ % :where (r1 ?x)]";
    let inputs = vec![value("[[1]]"), value(&format!("[{rules}]"))];
    over(query, inputs, &options, Budget::Clauses, "(r1 ?x)").await;
}

#[tokio::test]
async fn a_thousand_clauses_are_answered() {
    let clauses: String = (0..1_000).map(|n| format!("[?x{n} ?x{}] ", n + 1)).collect();
    let query = Query::parse(&format!("[:find ?x1000 . :where {clauses}]")).expect("a query");
    let answer = q(&query, vec![value("[[1 1]]")]).await.expect("an answer");
    assert_eq!(answer.to_edn(), Edn::from(1));
}

#[tokio::test]
async fn a_million_inputs_are_taken_or_refused() {
    let query = "[:find (count ?x) . :in [?x ...]]";
    let answer = ask(query, vec![numbers(0..1_000_000)], &QueryOptions::default()).await;
    assert_eq!(answer.expect("an answer").to_edn(), Edn::from(1_000_000));
    let options = limited(Limits { rows_max: 999_999, ..Limits::default() });
    over(query, vec![numbers(0..1_000_000)], &options, Budget::Rows, "[?x ...]").await;
}

#[tokio::test]
async fn a_query_that_waits_is_dropped_or_woken() {
    let cancel = CancelToken::new();
    let registry = Registry::new();
    let options =
        QueryOptions { registry, cancel: Some(cancel.clone()), ..QueryOptions::default() };
    let query = Query::parse("[:find ?x :in ?x]").expect("a query");
    drop(q_with(&query, vec![1.into()], &options));
    assert!(q_with(&query, vec![1.into()], &options).await.is_ok());
    cancel.cancel();
    assert!(q_with(&query, vec![1.into()], &options).await.is_err());
}
