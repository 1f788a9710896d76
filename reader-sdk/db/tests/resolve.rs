//! What `resolve` promises beyond the conformance cases: which datoms it makes, which ids it
//! gives, and what its refusals say.

use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_db::resolve::{ResolvedTx, TxData, TxError};
use duramen_db::{Change, Db};
use duramen_model::{AttributeId, Edn, EntityId, Form, Instant, Keyword, T, Value, builtin, edn};

const SCHEMA: &str = "[
    {:db/ident :p/email :db/valueType :db.type/string :db/cardinality :db.cardinality/one
     :db/unique :db.unique/identity}
    {:db/ident :p/nick :db/valueType :db.type/string :db/cardinality :db.cardinality/one
     :db/unique :db.unique/value}
    {:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
    {:db/ident :p/score :db/valueType :db.type/double :db/cardinality :db.cardinality/one}
    {:db/ident :p/tags :db/valueType :db.type/keyword :db/cardinality :db.cardinality/many}
    {:db/ident :p/friend :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}
    {:db/ident :p/account :db/valueType :db.type/ref :db/cardinality :db.cardinality/one
     :db/unique :db.unique/identity}
    {:db/ident :p/first :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
    {:db/ident :p/last :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
    {:db/ident :p/first+last :db/valueType :db.type/tuple :db/cardinality :db.cardinality/one
     :db/tupleAttrs [:p/first :p/last]}
    {:db/ident :p/pair :db/valueType :db.type/tuple :db/cardinality :db.cardinality/many
     :db/tupleTypes [:db.type/ref :db.type/long]}]";

const NOW: Instant = Instant::from_millis(1_700_000_000_000);

async fn attempt(db: &Db, text: &str) -> Result<(Db, ResolvedTx), TxError> {
    let data = TxData::from_form(&edn::read(text).expect("EDN"))?;
    db.with(&data, NOW).await
}

async fn attempt_form(db: &Db, edn: Edn) -> Result<(Db, ResolvedTx), TxError> {
    db.with(&TxData::from_form(&edn.into())?, NOW).await
}

async fn transact(db: &Db, text: &str) -> (Db, ResolvedTx) {
    attempt(db, text).await.expect("accepted")
}

async fn people() -> Db {
    transact(&Db::genesis(), SCHEMA).await.0
}

/// The changes without the transaction's own, as `e a v added closes`.
fn shown(db: &Db, resolved: &ResolvedTx) -> Vec<String> {
    let own = resolved.record.t.entity();
    let show = |Change { datom, closes }: &Change| {
        let a = db.schema().ident(datom.a.entity()).expect("an attribute");
        let n = match (&datom.v, datom.e) {
            (Value::Ref(e), _) => format!("#{}", e.offset()),
            (v, _) => v.to_string(),
        };
        let closes = closes.map(|t| format!(" closes {t}")).unwrap_or_default();
        let sign = if datom.added { '+' } else { '-' };
        format!("{sign} {} {a} {n}{closes}", datom.e.offset())
    };
    resolved.record.changes.iter().filter(|c| c.datom.e != own).map(show).collect()
}

fn user(n: u64) -> EntityId {
    EntityId::user(n).expect("small")
}

#[tokio::test]
async fn attributes_and_other_entities_get_ids_of_their_own() {
    let (db, resolved) = transact(&Db::genesis(), SCHEMA).await;
    let email = db.schema().entity(&Keyword::new("p/email")).expect("defined");
    assert_eq!(email, AttributeId::FIRST_USER.entity());
    assert_eq!((resolved.next.attribute, resolved.next.user), (1024 + 11, 0));
    let (_, resolved) = transact(&db, "[{:db/id \"a\" :p/name \"Ada\"} {:p/name \"Ben\"}]").await;
    assert_eq!(resolved.record.tempids.get("a"), Some(&user(0)));
    assert_eq!((resolved.record.tempids.len(), resolved.next.user), (1, 2));
}

#[tokio::test]
async fn a_replaced_value_is_closed_and_a_repeated_one_makes_no_datom() {
    let db = people().await;
    let (db, first) = transact(&db, "[{:p/email \"a\" :p/name \"Ada\" :p/tags [:x :y]}]").await;
    assert_eq!(first.record.t, T::new(2).expect("small"));
    let (db, second) = transact(&db, "[{:p/email \"a\" :p/name \"Adele\" :p/tags [:x :z]}]").await;
    assert_eq!(
        shown(&db, &second),
        ["- 0 :p/name \"Ada\" closes 2", "+ 0 :p/name \"Adele\"", "+ 0 :p/tags :z"]
    );
    let (db, third) = transact(&db, "[[:db/retractEntity [:p/email \"a\"]]]").await;
    assert_eq!(
        shown(&db, &third),
        [
            "- 0 :p/email \"a\" closes 2",
            "- 0 :p/name \"Adele\" closes 3",
            "- 0 :p/tags :x closes 2",
            "- 0 :p/tags :y closes 2",
            "- 0 :p/tags :z closes 3",
        ]
    );
}

#[tokio::test]
async fn the_order_of_statements_plays_no_part() {
    let (db, _) = transact(&people().await, "[{:p/email \"a\" :p/nick \"ace\"}]").await;
    let moved = [
        "[[:db/retract [:p/email \"a\"] :p/nick \"ace\"] {:p/email \"b\" :p/nick \"ace\"}]",
        "[{:p/email \"b\" :p/nick \"ace\"} [:db/retract [:p/email \"a\"] :p/nick \"ace\"]]",
    ];
    for text in moved {
        let (db, resolved) = transact(&db, text).await;
        assert_eq!(
            shown(&db, &resolved),
            ["- 0 :p/nick \"ace\" closes 2", "+ 1 :p/email \"b\"", "+ 1 :p/nick \"ace\""]
        );
    }
}

#[tokio::test]
async fn identities_that_are_references_are_followed_to_the_end() {
    let db = people().await;
    // Both pairs are new: what has one identity is one entity, whichever is named first.
    let text = "[{:db/id \"p\" :p/account \"x\" :p/name \"Ada\"}
                 {:db/id \"q\" :p/account \"y\" :p/score 1.0}
                 {:db/id \"y\" :p/email \"acc\"} {:db/id \"x\" :p/email \"acc\"}]";
    let (db, resolved) = transact(&db, text).await;
    let tempids = &resolved.record.tempids;
    assert_eq!((tempids.get("p"), tempids.get("x")), (tempids.get("q"), tempids.get("y")));
    // Now both exist, and are found through each other.
    let (db, again) = transact(&db, text).await;
    assert_eq!(&again.record.tempids, tempids);
    assert_eq!(shown(&db, &again), Vec::<String>::new());
}

#[tokio::test]
async fn a_lookup_ref_may_contain_one() {
    let text = "[{:p/account \"x\" :p/name \"Ada\"} {:db/id \"x\" :p/email \"acc\"}]";
    let (db, _) = transact(&people().await, text).await;
    let text = "[[:db/add [:p/account [:p/email \"acc\"]] :p/score 2]]";
    let (db, resolved) = transact(&db, text).await;
    assert_eq!(shown(&db, &resolved), ["+ 0 :p/score 2.0"]);
}

#[tokio::test]
async fn tuples_may_hold_references_to_what_is_new() {
    let text = "[{:db/id \"a\" :p/name \"Ada\" :p/pair [[\"b\" 1] [\"b\" nil]]}
                 {:db/id \"b\" :p/name \"Ben\"}]";
    let (_, resolved) = transact(&people().await, text).await;
    let b = Some(Value::Ref(resolved.record.tempids["b"]));
    let tuples = resolved.record.datoms().filter_map(|datom| match &datom.v {
        Value::Tuple(members) => Some(members.to_vec()),
        _ => None,
    });
    assert_eq!(tuples.collect::<Vec<_>>(), [vec![b.clone(), None], vec![b, Some(Value::Long(1))]]);
}

#[tokio::test]
async fn composite_tuples_follow_a_retracted_entity() {
    let (db, _) = transact(&people().await, "[{:p/email \"a\" :p/first \"A\"}]").await;
    let (db, resolved) = transact(&db, "[[:db/retractEntity [:p/email \"a\"]]]").await;
    assert_eq!(
        shown(&db, &resolved),
        [
            "- 0 :p/email \"a\" closes 2",
            "- 0 :p/first \"A\" closes 2",
            "- 0 :p/first+last [\"A\" nil] closes 2",
        ]
    );
}

#[tokio::test]
async fn asserting_a_part_again_fills_in_a_composite_that_was_defined_later() {
    let (db, _) = transact(&people().await, "[{:p/email \"a\" :p/name \"A\" :p/score 1}]").await;
    let definition = "[{:db/ident :p/name+score :db/valueType :db.type/tuple
                        :db/cardinality :db.cardinality/one :db/tupleAttrs [:p/name :p/score]}]";
    let (db, _) = transact(&db, definition).await;
    let (db, resolved) = transact(&db, "[{:p/email \"a\" :p/name \"A\"}]").await;
    assert_eq!(shown(&db, &resolved), ["+ 0 :p/name+score [\"A\" 1.0]"]);
}

#[tokio::test]
async fn instants_never_go_back() {
    let text = "[{:db/id \"datomic.tx\" :db/txInstant #inst \"2001-01-01\"}]";
    let (db, resolved) = transact(&Db::genesis(), text).await;
    let given: Instant = "2001-01-01".parse().expect("an instant");
    assert_eq!(resolved.record.instant, given);
    let empty = TxData::from_form(&edn::read("[]").expect("EDN")).expect("well-formed");
    let (db, resolved) = db.with(&empty, Instant::from_millis(5)).await.expect("accepted");
    assert_eq!(resolved.record.instant, given);
    let own: Vec<_> = resolved.record.datoms().map(|datom| (datom.a, datom.v.clone())).collect();
    assert_eq!(own, [(builtin::TX_INSTANT, Value::Instant(given))]);
    assert_eq!(db.basis_t(), T::new(2).expect("small"));
}

#[tokio::test]
async fn a_transaction_can_be_resolved_on_another_thread() {
    let db = people().await;
    let task = tokio::spawn(async move { attempt(&db, "[{:p/name \"Ada\"}]").await.is_ok() });
    assert!(task.await.expect("no panic"));
}

#[tokio::test]
async fn a_view_of_another_time_takes_no_transactions() {
    let db = people().await;
    let error = attempt(&db.as_of(T::GENESIS), "[]").await.expect_err("refused");
    assert_eq!(error.code(), "tx/unreadable");
    assert!(std::error::Error::source(&error).is_some());
}

/// What is refused: the transaction, the kind, and something that the message must say.
const REFUSED: &[(&str, &str, &str)] = &[
    // Where entities are named by numbers.
    ("[[:db/add 4503599627370496 :p/name \"x\"]]", "unresolved-entity", "4503599627370496"),
    ("[[:db/add 562949953421999 :p/name \"x\"]]", "unresolved-entity", "not the id"),
    ("[[:db/add 281474976711000 :p/name \"x\"]]", "unresolved-entity", "not the id"),
    ("[[:db/add 77 :p/name \"x\"]]", "unresolved-entity", "temporary id"),
    ("[{:p/name \"x\" :p/friend 562949953421999}]", "unresolved-entity", "not the id"),
    // Values.
    ("[{:p/name 12}]", "wrong-type", ":p/name is a :db.type/string, and is given 12"),
    ("[{:p/score 9007199254740993}]", "wrong-type", ":p/score"),
    ("[{:p/friend 1.5}]", "wrong-type", ":p/friend"),
    ("[{:p/friend #{\"a\"}}]", "wrong-type", ":p/friend"),
    ("[{:p/_name \"x\"}]", "wrong-type", "no reference"),
    ("[{:p/pair [1]}]", "tuple", "2 members"),
    ("[{:p/pair [\"a\" \"b\"]}]", "tuple", "long"),
    ("[{:p/first+last [\"a\" \"b\"]}]", "tuple", "kept by the database"),
    ("[[:db/retract \"t\" :p/first+last]]", "tuple", "kept by the database"),
    ("[{:p/tags [:a nil]}]", "nil-value", ":p/tags"),
    ("[[:db/cas \"t\" :p/tags :a :b]]", "malformed", "many-valued"),
    // Attributes.
    ("[{:p/nmae \"x\"}]", "unknown-attribute", "did you mean :p/name?"),
    ("[{:q/whatever \"x\"}]", "unknown-attribute", "an earlier transaction"),
    ("[{:db.cardinality/one \"x\"}]", "unknown-attribute", "no attribute"),
    // Temporary ids and lookup refs.
    ("[[:db/retract \"ghost\" :p/name]]", "tempid-not-an-entity", "\"ghost\""),
    ("[{:p/name \"x\" :p/friend {}}]", "nested-map", ":p/friend"),
    ("[[:db/add [:p/account \"t\"] :p/name \"x\"]]", "unresolved-entity", "temporary id"),
    ("[[:db/add [:p/shoe 1] :p/name \"x\"]]", "unknown-attribute", ":p/shoe"),
    ("[[:db/add [:p/email] :p/name \"x\"]]", "malformed", "two parts"),
    // Instants.
    (
        "[{:db/id \"datomic.tx\" :db/txInstant #inst \"2222-01-01\"}]",
        "future-instant",
        "2222-01-01T00:00:00.000Z",
    ),
    ("[{:db/txInstant #inst \"2001-01-01\"}]", "schema", "datomic.tx"),
    ("[[:db/retractEntity 281474976710656]]", "schema", "datomic.tx"),
    // Definitions.
    ("[{:db/ident :db/mine}]", "schema", "reserved"),
    ("[[:db/add :db/doc :db/doc \"mine\"]]", "schema", "builtin"),
    ("[[:db/retractEntity :p/name]]", "schema", "cannot be undone"),
    (
        "[{:db/id \"datomic.tx\" :db/ident :p/odd :db/valueType :db.type/long
           :db/cardinality :db.cardinality/one}]",
        "schema",
        "cannot become",
    ),
    ("[{:db/ident :p/odd :db/index true}]", "schema", "add :db/valueType"),
    (
        "[{:db/ident :p/_odd :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}]",
        "schema",
        "underscore",
    ),
    (
        "[{:db/ident :p/odd :db/valueType :db.type/tuple :db/cardinality :db.cardinality/one}]",
        "schema",
        ":db/tupleTypes",
    ),
    (
        "[{:db/ident :p/odd :db/valueType :db.type/tuple :db/cardinality :db.cardinality/one
           :db/tupleTypes [:db.type/string :db.type/strong]}]",
        "schema",
        "a type that there is not",
    ),
    (
        "[{:db/ident :p/odd :db/valueType :db.type/tuple :db/cardinality :db.cardinality/one
           :db/tupleAttrs [:p/name :p/nowhere]}]",
        "schema",
        ":p/nowhere",
    ),
    (
        "[{:db/ident :p/odd :db/valueType :db.type/tuple :db/cardinality :db.cardinality/one
           :db/tupleAttrs [:p/name :p/tags]}]",
        "schema",
        ":p/tags",
    ),
    (
        "[{:db/ident :p/odd :db/valueType :db.type/long :db/cardinality :db.cardinality/one
           :db/unique :db.cardinality/one}]",
        "schema",
        ":db.unique/identity",
    ),
    ("[[:db/add :p/first :db/cardinality :db.cardinality/many]]", "schema", "composite"),
    (
        "[[:db/add :p/name :db/unique :db.unique/value] {:p/name \"x\"}]",
        "schema",
        "two transactions",
    ),
];

#[tokio::test]
async fn what_is_refused_is_told_why() {
    let db = people().await;
    for (text, kind, part) in REFUSED {
        let error = attempt(&db, text).await.expect_err(text);
        assert_eq!(error.code().strip_prefix("tx/"), Some(*kind), "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
        assert_eq!((error.statement, error.span.is_some()), (Some(0), true), "{text}: {error}");
    }
}

#[tokio::test]
async fn what_could_not_be_stored_or_found_again_is_refused() {
    let text = "[{:db/ident :p/sum :db/valueType :db.type/bigdec
                  :db/cardinality :db.cardinality/one}]";
    let (db, _) = transact(&people().await, text).await;
    let assert = |a: &str, v: Edn| {
        let parts = [Keyword::new("db/add").into(), "t".into(), Keyword::new(a).into(), v];
        Edn::Vector(vec![Edn::Vector(parts.map(Form::from).into()).into()])
    };
    let long = Edn::from("x".repeat(5000));
    assert!(attempt_form(&db, assert("p/name", long.clone())).await.is_ok());
    // Text has no decimals like this, but structured values may.
    let wide = Value::BigDec(Arc::new(BigDecimal::new(1.into(), 1 << 30)));
    for form in [assert("p/email", long), assert("p/sum", Edn::Value(wide))] {
        let error = attempt_form(&db, form).await.expect_err("refused");
        assert_eq!(error.code(), "tx/wrong-type", "{error}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_statement_and_its_place_in_the_text() {
    let text = "[{:p/name \"Ada\"} [:db/add \"t\" :p/name :ben]]";
    let error = attempt(&people().await, text).await.expect_err("refused");
    let span = error.span.expect("read from text");
    assert_eq!((error.statement, &text[span.start as usize..span.end as usize]), (Some(1), ":ben"));
    assert_eq!(
        error.to_string(),
        "statement 1, bytes 38-42: :p/name is a :db.type/string, and is given :ben"
    );
}
