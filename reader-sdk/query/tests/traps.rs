//! Where query engines of this family have gone wrong before.

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::Instant;
use duramen_model::edn::{self, Edn, Form};
use duramen_query::{Input, Limits, Query, QueryError, QueryOptions, q, q_with};

const SCHEMA: &str = "[
  {:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one
   :db/unique :db.unique/identity}
  {:db/ident :p/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :p/rank :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one}
  {:db/ident :p/weight :db/valueType :db.type/double :db/cardinality :db.cardinality/one}
  {:db/ident :p/height :db/valueType :db.type/float :db/cardinality :db.cardinality/one}
  {:db/ident :p/ok? :db/valueType :db.type/boolean :db/cardinality :db.cardinality/one}
  {:db/ident :p/friends :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}
  {:db/ident :p/level :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}
  {:db/ident :level/gold}]";

const PEOPLE: &str = "[
  {:db/id \"ann\" :p/name \"Ann\" :p/age 30 :p/ok? true :p/rank :level/gold :p/weight 60.0
   :p/height 1.7 :p/friends [\"bo\"] :p/level :level/gold}
  {:db/id \"bo\" :p/name \"Bo\" :p/age 40 :p/ok? false :p/friends [\"cy\" \"bo\"]}
  {:db/id \"cy\" :p/name \"Cy\" :p/age 30}]";

async fn database(transactions: &[&str]) -> Db {
    let mut db = Db::genesis();
    for text in transactions {
        let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
        db = db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0;
    }
    db
}

async fn people() -> Db {
    database(&[SCHEMA, PEOPLE]).await
}

fn value(text: &str) -> Input {
    Input::Value(edn::read(text).expect("EDN").edn)
}

async fn ask(query: &str, inputs: Vec<Input>) -> Result<Edn, QueryError> {
    q(&Query::parse(query)?, inputs).await.map(|answer| answer.to_edn())
}

/// Checks an answer; collections are compared as sets.
async fn gives(query: &str, inputs: Vec<Input>, expected: &str) {
    let answer = ask(query, inputs).await.expect(query);
    let answer = match answer {
        Edn::Vector(members) if expected.starts_with('#') => Edn::Set(members),
        other => other,
    };
    assert_eq!(answer, edn::read(expected).expect("EDN").edn, "{query}");
}

#[tokio::test]
async fn a_variable_twice_in_a_pattern_unifies() {
    let db = people().await;
    let query = "[:find [?n ...] :where [?p :p/friends ?p] [?p :p/name ?n]]";
    gives(query, vec![db.into()], "#{\"Bo\"}").await;
    gives("[:find [?x ...] :where [?x ?x]]", vec![value("[[1 2] [3 3]]")], "#{3}").await;
}

#[tokio::test]
async fn a_variable_twice_in_a_rule_call_unifies() {
    let rules = "[[(knows ?a ?b) [?a :p/friends ?b]] [(knows ?a ?b) (knows ?a ?c) (knows ?c ?b)]]";
    let query = "[:find [?n ...] :in $ % :where (knows ?p ?p) [?p :p/name ?n]]";
    gives(query, vec![people().await.into(), value(rules)], "#{\"Bo\"}").await;
}

#[tokio::test]
async fn a_variable_twice_in_a_rule_head_is_refused() {
    let rules = "[[(same ?a ?a) [?a :p/name]]]";
    let query = "[:find ?p :in $ % :where (same ?p ?q)]";
    let error = ask(query, vec![people().await.into(), value(rules)]).await.expect_err("twice");
    assert_eq!(error.code(), "query/malformed");
}

#[tokio::test]
async fn a_constant_twice_in_a_rule_call_joins_with_both() {
    let rules = "[[(older ?a ?b) [?a :p/age ?m] [?b :p/age ?n] [(> ?m ?n)]]]";
    let query = "[:find ?x . :in $ % :where (older [:p/name \"Bo\"] [:p/name \"Ann\"])
                  [(ground 1) ?x]]";
    gives(query, vec![people().await.into(), value(rules)], "1").await;
    let query = query.replace("Bo", "Cy");
    gives(&query, vec![people().await.into(), value(rules)], "nil").await;
}

#[tokio::test]
async fn a_default_of_false_is_not_taken_for_a_missing_one() {
    let query = "[:find [?n ...] :where [?p :p/name ?n] [(get-else $ ?p :p/ok? false) ?ok]
                  [(false? ?ok)]]";
    gives(query, vec![people().await.into()], "#{\"Bo\" \"Cy\"}").await;
}

#[tokio::test]
async fn an_empty_input_leaves_nothing_and_fails_nothing() {
    let query = "[:find [?n ...] :in $ [?n ...] :where [_ :p/name ?n]]";
    gives(query, vec![people().await.into(), value("[]")], "#{}").await;
    let query = "[:find (count ?n) . :in $ [[?n ?m]] :where [_ :p/name ?n]]";
    gives(query, vec![people().await.into(), value("[]")], "nil").await;
}

#[tokio::test]
async fn binding_a_bound_variable_filters() {
    let query = "[:find [?x ...] :in [[?x ?y]] :where [(* ?x 2) ?y]]";
    gives(query, vec![value("[[1 2] [2 5] [3 6]]")], "#{1 3}").await;
    let query = "[:find [?x ...] :in [[?x ?y]] :where [(vector ?x 7) [?y _]]]";
    gives(query, vec![value("[[1 1] [2 5]]")], "#{1}").await;
    let query = "[:find [?x ...] :in ?v [?x ...] :where [(identity ?v) [?x ...]]]";
    gives(query, vec![value("[1 2]"), value("[2 3]")], "#{2}").await;
}

#[tokio::test]
async fn get_else_joins_with_what_comes_later() {
    let query = "[:find [?n ...] :where [?p :p/name ?n] [(get-else $ ?p :p/rank :none) ?r]
                  [_ :p/rank ?r]]";
    gives(query, vec![people().await.into()], "#{\"Ann\"}").await;
}

#[tokio::test]
async fn false_is_a_value() {
    let db = people().await;
    let query = "[:find ?n ?ok :where [?p :p/name ?n] [(get-else $ ?p :p/ok? true) ?ok]]";
    let expected = "#{[\"Ann\" true] [\"Bo\" false] [\"Cy\" true]}";
    gives(query, vec![db.clone().into()], expected).await;
    let query = "[:find [?n ...] :in $ ?ok :where [?p :p/ok? ?ok] [?p :p/name ?n]]";
    gives(query, vec![db.clone().into(), false.into()], "#{\"Bo\"}").await;
    gives("[:find ?ok . :where [_ :p/ok? ?ok] [(false? ?ok)]]", vec![db.into()], "false").await;
}

#[tokio::test]
async fn not_joins_only_what_is_bound_outside() {
    let query = "[:find [?n ...] :where [?p :p/name ?n] (not [?other :p/friends ?p])]";
    gives(query, vec![people().await.into()], "#{\"Ann\"}").await;
    // The same inner variable in two negations is two variables.
    let query = "[:find [?n ...] :where [?p :p/name ?n]
                  (not [?p :p/friends ?x] [?x :p/name \"Cy\"]) (not [?x :p/friends ?p])]";
    gives(query, vec![people().await.into()], "#{\"Ann\"}").await;
}

#[tokio::test]
async fn lookup_refs_and_idents_stand_inside_inputs() {
    let db = people().await;
    let query = "[:find [?n ...] :in $ [?p ...] :where [?p :p/friends ?f] [?f :p/name ?n]]";
    let refs = "[[:p/name \"Ann\"] [:p/name \"Nobody\"] :level/gold]";
    gives(query, vec![db.clone().into(), value(refs)], "#{\"Bo\"}").await;
    let query = "[:find ?tag ?n :in $ [[?p ?tag]] :where [?f :p/friends ?p] [?f :p/name ?n]]";
    let rows = "[[[:p/name \"Cy\"] :c] [[:p/name \"Bo\"] :b]]";
    let expected = "#{[:c \"Bo\"] [:b \"Ann\"] [:b \"Bo\"]}";
    gives(query, vec![db.clone().into(), value(rows)], expected).await;
    // The variable itself keeps what the input gave.
    let query = "[:find ?l :in $ ?l :where [_ :p/level ?l]]";
    gives(query, vec![db.into(), value(":level/gold")], "#{[:level/gold]}").await;
}

#[tokio::test]
async fn a_keyword_is_an_entity_only_where_references_are() {
    let db = people().await;
    let query = "[:find [?n ...] :in $ ?k :where [?p :p/rank ?k] [?p :p/level ?k] [?p :p/name ?n]]";
    gives(query, vec![db.clone().into(), value(":level/gold")], "#{\"Ann\"}").await;
    // A keyword from the data names no entity.
    let query = "[:find [?n ...] :where [?p :p/rank ?k] [?p :p/level ?k] [?p :p/name ?n]]";
    gives(query, vec![db.into()], "#{}").await;
}

#[tokio::test]
async fn lookup_refs_pass_through_rules_of_every_shape() {
    let db = people().await;
    let query = "[:find [?n ...] :in $ % ?p :where (knows ?p ?q) [?q :p/name ?n]]";
    for rules in [
        "[[(knows ?a ?b) [?a :p/friends ?b]] [(knows ?a ?b) [?a :p/friends ?c] (knows ?c ?b)]]",
        "[[(knows ?a ?b) [?a :p/friends ?b]] [(knows ?a ?b) (knows ?a ?c) [?c :p/friends ?b]]]",
        "[[(knows ?a ?b) [?a :p/friends ?b]] [(knows ?a ?b) (knows ?a ?c) (knows ?c ?b)]]",
        "[[(knows ?a ?b) (or-join [?a ?b] [?a :p/friends ?b]
                            (and [?a :p/friends ?c] (knows ?c ?b)))]]",
    ] {
        let inputs = vec![db.clone().into(), value(rules), value("[:p/name \"Ann\"]")];
        gives(query, inputs, "#{\"Bo\" \"Cy\"}").await;
    }
    let rules = "[[(knows ?a ?b) [?a :p/friends ?b]]]";
    let query = "[:find [?n ...] :in $ % :where (knows [:p/name \"Ann\"] ?q) [?q :p/name ?n]]";
    gives(query, vec![db.into(), value(rules)], "#{\"Bo\"}").await;
}

#[tokio::test]
async fn names_inside_rules_are_their_own() {
    let rules = "[[(older ?q ?p) [?q :p/age ?n] [?p :p/age ?m] [(> ?n ?m)]]]";
    let query = "[:find ?n ?m :in $ % :where (older ?p ?q) [?p :p/name ?n] [?q :p/name ?m]]";
    let expected = "#{[\"Bo\" \"Ann\"] [\"Bo\" \"Cy\"]}";
    gives(query, vec![people().await.into(), value(rules)], expected).await;
}

#[tokio::test]
async fn unknown_attributes_are_errors_and_not_nothing() {
    let db = people().await;
    for query in [
        "[:find ?p :where [?p :p/shoe ?s]]",
        "[:find ?p :where [?p :level/gold ?s]]",
        "[:find ?p :where [?p :p/name] (not [?p :p/shoe])]",
        "[:find ?p :where [?p :p/name] [(missing? $ ?p :p/shoe)]]",
        "[:find ?p :where [[:p/shoe 1] :p/name ?p]]",
    ] {
        let error = ask(query, vec![db.clone().into()]).await.expect_err(query);
        assert_eq!(error.code(), "query/unknown-attribute", "{query}");
    }
}

#[tokio::test]
async fn aggregates_see_distinct_rows() {
    let db = people().await;
    gives("[:find (sum ?a) . :where [_ :p/age ?a]]", vec![db.clone().into()], "70").await;
    let query = "[:find (sum ?a) . :with ?p :where [?p :p/age ?a]]";
    gives(query, vec![db.clone().into()], "100").await;
    // However often a row is found.
    let query = "[:find (sum ?a) . :with ?p :where [?p :p/age ?a] (or [?p :p/name] [?p :p/age])]";
    gives(query, vec![db.into()], "100").await;
}

#[tokio::test]
async fn inputs_of_any_size_are_taken_whole() {
    for size in [999, 1_000, 1_001, 20_000] {
        let numbers: String = (0..size).map(|n| format!("{n} ")).collect();
        let query = "[:find (count ?x) . :in [?x ...] [?y ...] :where [(= ?x ?y)]]";
        let few = "[3 998 5000000]";
        let inputs = vec![value(&format!("[{numbers}]")), value(few)];
        gives(query, inputs, "2").await;
    }
}

#[tokio::test]
async fn clauses_without_common_variables_multiply_or_only_test() {
    let db = people().await;
    let query = "[:find ?n ?l :where [_ :p/name ?n] [_ :p/rank ?l]]";
    let expected = "#{[\"Ann\" :level/gold] [\"Bo\" :level/gold] [\"Cy\" :level/gold]}";
    gives(query, vec![db.clone().into()], expected).await;
    let query = "[:find (count ?p) . :where [?p :p/name] [_ :p/weight 61.0]]";
    gives(query, vec![db.into()], "nil").await;
}

#[tokio::test]
async fn two_databases_may_give_one_attribute_different_types() {
    let db = people().await;
    let other = database(&[
        "[{:db/ident :p/age :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
          {:db/ident :p/name :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
          {:db/ident :p/level :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one}]",
        "[{:p/age \"Ann\" :p/name 30 :p/level :level/gold}]",
    ])
    .await;
    let query = "[:find ?n ?a :in $a $b
                  :where [$a ?p :p/name ?n] [$a ?p :p/age ?a] [$b ?q :p/age ?n] [$b ?q :p/name ?a]]";
    let inputs = vec![db.clone().into(), other.clone().into()];
    gives(query, inputs, "#{[\"Ann\" 30]}").await;
    // The keyword is an entity there and a keyword here.
    let query = "[:find [?n ...] :in $a $b ?l
                  :where [$a ?p :p/level ?l] [$b ?q :p/level ?l] [$a ?p :p/name ?n]]";
    gives(query, vec![db.into(), other.into(), value(":level/gold")], "#{\"Ann\"}").await;
}

#[tokio::test]
async fn constants_and_inputs_take_the_type_of_the_attribute() {
    let db = people().await;
    for query in [
        "[:find ?n . :where [?p :p/weight 60] [?p :p/name ?n]]",
        "[:find ?n . :where [?p :p/height 1.7] [?p :p/name ?n]]",
        "[:find ?n . :where [?p :p/level :level/gold] [?p :p/name ?n]]",
        "[:find ?n . :where [?p :p/age 30.0] [?p :p/ok? true] [?p :p/name ?n]]",
    ] {
        gives(query, vec![db.clone().into()], "\"Ann\"").await;
    }
    let query = "[:find ?n . :in $ ?h :where [?p :p/height ?h] [?p :p/name ?n]]";
    gives(query, vec![db.clone().into(), Input::from(1.7)], "\"Ann\"").await;
    gives("[:find ?p . :where [?p :p/age 30.5]]", vec![db.clone().into()], "nil").await;
    gives("[:find ?p . :where [?p :p/age \"30\"]]", vec![db.into()], "nil").await;
}

#[tokio::test]
async fn ranges_compare_numbers_of_any_type() {
    let db = people().await;
    for (test, expected) in [
        ("(< ?a 30.5)", "#{\"Ann\" \"Cy\"}"),
        ("(<= 29.5 ?a 30)", "#{\"Ann\" \"Cy\"}"),
        ("(> ?a 30)", "#{\"Bo\"}"),
        ("(>= ?a 1e300)", "#{}"),
        ("(< -1e300 ?a)", "#{\"Ann\" \"Bo\" \"Cy\"}"),
        ("(< 29N ?a 30.5M)", "#{\"Ann\" \"Cy\"}"),
        ("(= ?a 40.0)", "#{\"Bo\"}"),
    ] {
        let query = format!("[:find [?n ...] :where [?p :p/age ?a] [{test}] [?p :p/name ?n]]");
        gives(&query, vec![db.clone().into()], expected).await;
    }
    gives("[:find ?w . :where [_ :p/weight ?w] [(<= 60 ?w 60)]]", vec![db.into()], "60.0").await;
}

#[tokio::test]
async fn a_relation_with_rows_of_several_lengths_is_a_source() {
    let rows = "[[1] [1 2] [2 3 4] [\"x\"]]";
    gives("[:find [?x ...] :where [?x]]", vec![value(rows)], "#{1 2 \"x\"}").await;
    gives("[:find ?x ?y :where [?x ?y]]", vec![value(rows)], "#{[1 2] [2 3]}").await;
    gives("[:find [?x ...] :where [?x _ _]]", vec![value(rows)], "#{2}").await;
    gives("[:find ?x . :where [?x 2]]", vec![value(rows)], "1").await;
}

#[tokio::test]
async fn text_map_and_vector_are_one_query() {
    let vector = "[:find ?x . :in [?x ...] :where [(> ?x 1)]]";
    let map = "{:find [?x .] :in [[?x ...]] :where [[(> ?x 1)]]}";
    gives(vector, vec![value("[1 2]")], "2").await;
    gives(map, vec![value("[1 2]")], "2").await;
    let text = Form::from(Edn::from(vector));
    let query = Query::from_form(&text).expect("a query as text");
    assert_eq!(q(&query, vec![value("[1 2]")]).await.expect("two").to_edn(), Edn::from(2));
}

#[tokio::test]
async fn rules_called_again_go_on_from_where_they_were() {
    // Each row asks the rule for more, and the negation asks it again.
    let rules = "[[(path ?a ?b) [?a ?b]] [(path ?a ?b) [?a ?c] (path ?c ?b)]]";
    let query = "[:find ?a ?b :in $ % [?a ...] :where (path ?a ?b) (not (path ?b ?a))]";
    let rows = "[[1 2] [2 3] [3 1] [3 4] [4 5]]";
    let inputs = vec![value(rows), value(rules), value("[3 4]")];
    gives(query, inputs, "#{[3 4] [3 5] [4 5]}").await;
}

#[tokio::test]
async fn a_recursion_from_one_start_goes_only_where_the_start_leads() {
    let rows: String = (0..3000).map(|n| format!("[{n} {}]", n + 1)).collect();
    let limits = Limits { rows_max: 10_000, ..Limits::default() };
    let options = QueryOptions { limits, ..QueryOptions::default() };
    for rules in [
        "[[(path ?a ?b) [?a ?b]] [(path ?a ?b) [?a ?c] (path ?c ?b)]]",
        "[[(path ?a ?b) [?a ?b]] [(path ?a ?b) (path ?a ?c) [?c ?b]]]",
        "[[(path ?a ?b) (step ?a ?b)] [(path ?a ?b) (step ?a ?c) (path ?c ?b)] [(step ?a ?b) [?a ?b]]]",
    ] {
        for (query, expected) in [
            ("[:find (count ?b) . :in $ % :where (path 1000 ?b)]", 2000),
            ("[:find (count ?b) . :in $ % ?a :where (path ?a ?b)]", 2000),
            ("[:find (count ?a) . :in $ % :where (path ?a 1000)]", 1000),
            ("[:find (count ?b) . :in $ % :where [2998 ?a] (path ?a ?b)]", 1),
        ] {
            let mut inputs = vec![value(&format!("[{rows}]")), value(rules)];
            if query.contains("?a :where") {
                inputs.push(Input::from(1000));
            }
            let query = Query::parse(query).expect("a query");
            let answer = q_with(&query, inputs, &options).await.expect(rules);
            assert_eq!(answer.to_edn(), Edn::from(expected), "{rules}");
        }
    }
}

#[tokio::test]
async fn history_shows_assertions_and_retractions() {
    let db = database(&[SCHEMA, PEOPLE, "[[:db/add [:p/name \"Ann\"] :p/age 31]]"]).await;
    let query = "[:find ?a ?op :in $ :where [?p :p/age ?a _ ?op] [?p :p/name \"Ann\"]]";
    let expected = "#{[30 true] [30 false] [31 true]}";
    gives(query, vec![db.history().into()], expected).await;
    let query = "[:find ?then ?now :in $ $then
                  :where [$ ?p :p/age ?now] [$then ?p :p/age ?then] [(not= ?then ?now)]]";
    let then = db.as_of(duramen_model::T::new(2).expect("small"));
    gives(query, vec![db.into(), then.into()], "#{[30 31]}").await;
}

#[tokio::test]
async fn queries_can_be_sent_between_threads() {
    let db = people().await;
    let query = Query::parse("[:find (count ?p) . :where [?p :p/name]]").expect("a query");
    let answer = tokio::spawn(async move { q(&query, vec![db.into()]).await }).await;
    assert_eq!(answer.expect("joined").expect("an answer").to_edn(), Edn::from(3));
}

#[tokio::test]
async fn a_rule_asked_by_an_ident_goes_on_with_entities() {
    let db = people().await;
    let rules = "[[(knows ?a ?b) [?a :p/friends ?b]]
                  [(knows ?a ?b) [?a :p/friends ?c] (knows ?c ?b)]]";
    let query = "[:find [?name ...] :in $ % ?who :where (knows ?who ?b) [?b :p/name ?name]]";
    for who in ["[:p/name \"Ann\"]", "[:p/name \"Bo\"]"] {
        let inputs = vec![Input::from(&db), value(rules), value(who)];
        gives(query, inputs, "#{\"Bo\" \"Cy\"}").await;
    }
    // A keyword that data hold is no entity, even where the rule was asked by one.
    let levels = "[[(up ?a ?b) [?a :p/level ?b]] [(up ?a ?b) [?a :p/rank ?c] (up ?c ?b)]]";
    let query = "[:find [?b ...] :in $ % ?who :where (up ?who ?b)]";
    let inputs = vec![Input::from(&db), value(levels), value("[:p/name \"Ann\"]")];
    let gold = "[:find ?e . :where [?e :db/ident :level/gold]]";
    let gold = ask(gold, vec![Input::from(&db)]).await.expect("an entity");
    gives(query, inputs, &format!("#{{{gold}}}")).await;
}

#[tokio::test]
async fn keywords_are_ordered_by_their_namespaces_first() {
    let query = "[:find ?ident :where [_ :db/ident ?ident] :order-by ?ident]";
    let answer = q(&Query::parse(query).expect("a query"), vec![Input::from(people().await)]).await;
    let idents: Vec<Edn> =
        answer.expect("idents").rows().iter().map(|row| row[0].clone()).collect();
    let place = |name| {
        let ident = Edn::from(duramen_model::Keyword::new(name));
        idents.iter().position(|own| *own == ident).expect(name)
    };
    assert!(place("db/valueType") < place("db.unique/value"));
    assert!(place("db/doc") < place("db/ident"));
}
