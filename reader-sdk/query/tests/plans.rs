//! The sequence of steps, where a bad one would cost much.

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::Instant;
use duramen_model::edn;
use duramen_query::{Explanation, Input, Query, QueryOptions, explain, explain_analyze};

const SCHEMA: &str = "[
  {:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one
   :db/unique :db.unique/identity}
  {:db/ident :p/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :p/sex :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one}
  {:db/ident :p/friends :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}]";

const PEOPLE: usize = 300;
const FRIENDS: usize = 5;

async fn people() -> Db {
    let person = |n: usize| {
        let friends: String =
            (1..=FRIENDS).map(|k| format!(" \"{}\"", (n * 7 + k * 31) % PEOPLE)).collect();
        let sex = if n.is_multiple_of(2) { ":f" } else { ":m" };
        format!(
            "{{:db/id \"{n}\" :p/name \"N{n}\" :p/age {} :p/sex {sex} :p/friends [{friends}]}}",
            n % 50
        )
    };
    let people: String = (0..PEOPLE).map(person).collect();
    let mut db = Db::genesis();
    for text in [SCHEMA, &format!("[{people}]")] {
        let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
        db = db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0;
    }
    db
}

async fn plan(query: &str, inputs: Vec<Input>) -> Explanation {
    let query = Query::parse(query).expect("a query");
    explain(&query, inputs, &QueryOptions::default()).await.expect("a plan")
}

/// The steps, as far as they say what they do.
fn steps(plan: &Explanation) -> Vec<&str> {
    plan.steps.iter().map(|step| step.what.as_str()).collect()
}

#[tokio::test]
async fn a_star_begins_with_its_selective_constant() {
    let query = "[:find ?a ?f :where [?p :p/age ?a] [?p :p/friends ?f] [?p :p/sex :f]
                                     [?p :p/name \"N7\"]]";
    let plan = plan(query, vec![people().await.into()]).await;
    assert_eq!(steps(&plan)[0], "match $ [?p :p/name \"N7\"]", "{plan}");
    assert!(plan.steps.iter().all(|step| step.rows_estimated <= 5), "{plan}");
    // What multiplies comes last.
    assert!(steps(&plan)[3].starts_with("match $ [?p :p/friends ?f]"), "{plan}");
}

#[tokio::test]
async fn a_chain_begins_at_its_selective_end() {
    let query = "[:find ?a :where [?a :p/friends ?b] [?b :p/friends ?c] [?c :p/friends ?d]
                                  [?d :p/name \"N7\"]]";
    let plan = plan(query, vec![people().await.into()]).await;
    let firsts: Vec<_> = steps(&plan).iter().map(|what| what[..18].to_owned()).collect();
    let expected =
        ["match $ [?d :p/nam", "match $ [?c :p/fri", "match $ [?b :p/fri", "match $ [?a :p/fri"];
    assert_eq!(firsts, expected, "{plan}");
    // Whoever has friends has a name, so it is known how many have friends.
    let estimated: Vec<u64> = plan.steps.iter().map(|step| step.rows_estimated).collect();
    assert_eq!(estimated, [1, 5, 25, 125], "{plan}");
}

#[tokio::test]
async fn a_triangle_closes_at_once() {
    let query = "[:find ?a :where [?a :p/friends ?b] [?b :p/friends ?c] [?c :p/friends ?a]]";
    let plan = plan(query, vec![people().await.into()]).await;
    let [one, two, three] = plan.steps.as_slice() else { panic!("{plan}") };
    assert_eq!((one.rows_estimated, two.rows_estimated), (1_500, 7_500), "{plan}");
    assert!(three.rows_estimated < one.rows_estimated, "{plan}");
}

#[tokio::test]
async fn a_product_waits_for_what_joins_its_sides() {
    let query = "[:find ?n ?m :where [?a :p/name ?n] [?b :p/name ?m] [?a :p/friends ?b]]";
    let plan = plan(query, vec![people().await.into()]).await;
    assert!(plan.steps.iter().all(|step| step.rows_estimated <= 1_500), "{plan}");
}

#[tokio::test]
async fn both_ends_of_a_chain_meet() {
    let query = "[:find ?b :where [?a :p/friends ?b] [?b :p/friends ?c] [?c :p/name \"N9\"]
                                  [?a :p/name \"N1\"]]";
    let plan = plan(query, vec![people().await.into()]).await;
    assert!(plan.steps.iter().all(|step| step.rows_estimated <= 5), "{plan}");
}

#[tokio::test]
async fn tests_run_as_soon_as_they_can() {
    let query = "[:find ?n :where [?p :p/friends ?f] [?p :p/name ?n] [?f :p/age ?b] [?p :p/age ?a]
                                  [(+ ?a 1) ?next] [(< ?next 4)] [(= ?b ?next)]]";
    let plan = plan(query, vec![people().await.into()]).await;
    let steps = steps(&plan);
    let place = |what: &str| steps.iter().position(|step| step.contains(what)).expect(what);
    assert_eq!(place("(+ ?a 1)"), place("[?p :p/age ?a]") + 1, "{plan}");
    assert_eq!(place("(< ?next 4)"), place("[?p :p/age ?a]") + 2, "{plan}");
    assert!(place("(< ?next 4)") < place("[?p :p/friends ?f]"), "{plan}");
}

#[tokio::test]
async fn a_path_from_an_input_is_not_counted() {
    let query = "[:find ?n :in $ ?a :where [?c :p/name ?n] [?a :p/friends ?b] [?b :p/friends ?c]]";
    let plan = plan(query, vec![people().await.into(), 1.into()]).await;
    let expected = [
        "input [?a]",
        "match $ [?a :p/friends ?b]",
        "match $ [?b :p/friends ?c]",
        "match $ [?c :p/name ?n]",
    ];
    assert_eq!(steps(&plan), expected, "{plan}");
}

#[tokio::test]
async fn a_path_from_many_inputs_is_counted() {
    let query = "[:find ?n :in $ [?a ...] :where [?a :p/friends ?b] [?b :p/name ?n]]";
    let many = format!("[{}]", (0..100).map(|n| format!("{n} ")).collect::<String>());
    let many = Input::Value(edn::read(&many).expect("EDN").edn);
    let plan = plan(query, vec![people().await.into(), many]).await;
    assert_eq!(steps(&plan)[1], "match $ [?a :p/friends ?b] of 1500", "{plan}");
}

#[tokio::test]
async fn a_long_chain_begins_at_its_selective_end_too() {
    let links: String = (0..20).map(|n| format!("[?x{n} :p/friends ?x{}]", n + 1)).collect();
    let query = format!("[:find ?x0 :where {links} [?x20 :p/name \"N7\"]]");
    let plan = plan(&query, vec![people().await.into()]).await;
    assert_eq!(steps(&plan)[0], "match $ [?x20 :p/name \"N7\"] of 1", "{plan}");
    for (step, n) in steps(&plan)[1..].iter().zip((0..20).rev()) {
        assert!(step.starts_with(&format!("match $ [?x{n} ")), "{plan}");
    }
}

#[tokio::test]
async fn a_query_within_is_asked_for_as_few_as_can_be() {
    let query = "[:find ?n :where [?p :p/friends ?f] [?p :p/name ?n]
                   [(q [:find (count ?x) . :in $ ?y :where [?x :p/friends ?y]] $ ?p) ?c]
                   [?p :p/name \"N7\"]]";
    let plan = plan(query, vec![people().await.into()]).await;
    let steps = steps(&plan);
    let place = |what: &str| steps.iter().position(|step| step.contains(what)).expect(what);
    assert!(place("call (q") > place("\"N7\""), "{plan}");
    let before = &plan.steps[place("call (q") - 1];
    assert_eq!(before.rows_estimated, 1, "{plan}");
}

#[tokio::test]
async fn a_comparison_with_an_input_is_a_range() {
    let query = "[:find ?p ?a :in $ ?low ?high :where [?p :p/age ?a] [(<= ?low ?a ?high)]]";
    let query = Query::parse(query).expect("a query");
    let db = people().await;
    for (low, high, found) in [("40", "41", 12), ("40.5", "41.5", 6), ("41", "40", 0)] {
        let inputs = [low, high].map(|text| Input::from(edn::read(text).expect("EDN").edn));
        let inputs = [Input::from(db.clone())].into_iter().chain(inputs).collect::<Vec<_>>();
        let (answer, plan) =
            explain_analyze(&query, inputs, &QueryOptions::default()).await.expect("an answer");
        assert_eq!(answer.rows().len(), found);
        let matched = plan.steps.iter().find(|step| step.what.starts_with("match"));
        let rows = matched.and_then(|step| step.actual).expect("it ran").rows;
        assert!(rows <= 18, "{plan}");
    }
}
