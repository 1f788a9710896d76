//! What can be asked of a database value, through the facade alone.

use duramen::{
    Attribute, Datom, Db, DbExt, Edn, EntityRef, ErrorKind, Input, Instant, Keyword, Order, Query,
    TxData, Value, edn, q,
};

const SCHEMA: &str = "[
  {:db/ident :book/isbn :db/valueType :db.type/string :db/cardinality :db.cardinality/one
   :db/unique :db.unique/identity}
  {:db/ident :book/tags :db/valueType :db.type/keyword :db/cardinality :db.cardinality/many}
  {:db/ident :book/next :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}]";

const BOOKS: &str = r#"[
  {:db/id "one" :db/ident :one :book/isbn "b-1" :book/tags [:a :b] :book/next "two"}
  {:db/id "two" :book/isbn "b-2" :book/tags [:b]}]"#;

async fn books() -> Db {
    let mut db = Db::genesis();
    for text in [SCHEMA, BOOKS] {
        let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
        db = db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0;
    }
    db
}

fn isbn(value: &str) -> EntityRef {
    EntityRef::lookup(Keyword::new("book/isbn"), value)
}

fn read(text: &str) -> Edn {
    edn::read(text).expect("EDN").edn
}

#[tokio::test]
async fn an_entity_has_its_attributes_by_name() {
    let db = books().await;
    let one = db.entity(isbn("b-1")).await.expect("an answer").expect("a book");
    assert_eq!(one.ident(), Some(&Keyword::new("one")));
    assert_eq!(one.get("book/isbn"), Some(&Value::from("b-1")));
    assert_eq!(one.get("book/title"), None);
    let tags = ["a", "b"].map(|tag| Value::from(Keyword::new(tag)));
    assert_eq!(one.all("book/tags"), tags);
    assert_eq!(one.attributes().count(), 4);
    let Some(Value::Ref(two)) = one.get("book/next") else { panic!("a reference") };
    let two = db.entity(*two).await.expect("an answer").expect("a book");
    assert_eq!((two.get("book/isbn"), two.ident()), (Some(&Value::from("b-2")), None));
    assert_eq!(db.entity(isbn("b-9")).await.expect("an answer"), None);
}

#[tokio::test]
async fn datoms_begin_with_the_components_of_an_order() {
    let db = books().await;
    for (order, components, count) in [
        (Order::Eavt, "[:one]", 5),
        (Order::Eavt, r#"[[:book/isbn "b-1"] :book/tags]"#, 2),
        (Order::Eavt, "[:one :book/tags :b]", 1),
        (Order::Aevt, "[:book/tags]", 3),
        (Order::Aevt, "[:book/tags :one]", 2),
        (Order::Avet, r#"[:book/isbn "b-2"]"#, 1),
        (Order::Vaet, r#"[[:book/isbn "b-2"]]"#, 1),
        (Order::Vaet, r#"[[:book/isbn "b-2"] :book/next :one]"#, 1),
        (Order::Vaet, "[:one]", 0),
        (Order::Eavt, "[:nobody]", 0),
    ] {
        let form = edn::read(components).expect("EDN");
        let components: Vec<Edn> =
            form.as_sequence().expect("a vector").iter().map(|form| form.edn.clone()).collect();
        let found: Vec<Datom> = db.datoms_at(order, &components).await.expect("datoms");
        assert_eq!(found.len(), count, "{order:?} {form:?}");
    }
}

#[tokio::test]
async fn components_that_do_not_suit_are_refused() {
    let db = books().await;
    for (order, components) in [
        (Order::Eavt, &["\"one\""][..]),
        (Order::Eavt, &["-1"]),
        (Order::Aevt, &[":no/such"]),
        (Order::Aevt, &["nil"]),
        (Order::Avet, &[":book/isbn", "#{}"]),
        (Order::Eavt, &[":one", ":book/tags", ":a", "4"]),
        (Order::Eavt, &["[:book/isbn]"]),
        (Order::Eavt, &["[:book/tags :a]"]),
    ] {
        let components: Vec<Edn> = components.iter().map(|text| read(text)).collect();
        let error = db.datoms_at(order, &components).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

#[tokio::test]
async fn a_pull_goes_into_the_callers_own_types() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Book {
        isbn: String,
        tags: Vec<String>,
        next: Option<Box<Book>>,
    }
    let db = books().await;
    let shown =
        db.pull("[:book/isbn :book/tags {:book/next 1}]", isbn("b-1")).await.expect("a map");
    let book: Book = edn::de::from_edn(&shown).expect("a book");
    let next = Book { isbn: "b-2".to_owned(), tags: vec!["b".to_owned()], next: None };
    let tags = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(book, Book { isbn: "b-1".to_owned(), tags, next: Some(Box::new(next)) });
    let one = db.schema().entity(&Keyword::new("one")).expect("an ident");
    let many = db.pull_many("[:book/isbn]", &[one, one]).await.expect("two maps");
    assert_eq!(many, [read(r#"{:book/isbn "b-1"}"#), read(r#"{:book/isbn "b-1"}"#)]);
}

#[tokio::test]
async fn queries_take_inputs_after_the_database() {
    let db = books().await;
    let query = Query::parse(
        "[:find [?isbn ...] :in $ [?tag ...] :where [?b :book/tags ?tag] [?b :book/isbn ?isbn]]",
    )
    .expect("a query");
    for (tags, expected) in [("[:a]", &["b-1"][..]), ("[:a :b]", &["b-1", "b-2"]), ("[]", &[])] {
        let answer = db.q(&query, [read(tags).into()]).await.expect("an answer");
        let mut found: Vec<String> = answer.rows_as().expect("strings");
        found.sort();
        assert_eq!(found, expected, "{tags}");
    }
}

#[tokio::test]
async fn one_query_joins_databases_and_times() {
    let then = books().await;
    let data = edn::read(r#"[{:book/isbn "b-3" :book/tags [:a]}]"#).expect("EDN");
    let data = TxData::from_form(&data).expect("transaction data");
    let now = then.with(&data, Instant::from_millis(0)).await.expect("a transaction").0;
    let new = "[:find ?isbn . :in $now $then
                :where [$now _ :book/isbn ?isbn] (not [$then _ :book/isbn ?isbn])]";
    let as_of = now.as_of(then.basis_t());
    for before in [&then, &as_of] {
        let answer = q(new, [Input::from(&now), Input::from(before)]).await.expect("an answer");
        assert_eq!(answer.to_edn(), read("\"b-3\""));
    }
    let books = Input::Relation(vec![vec![Edn::from("b-1"), Edn::from(7)]]);
    let priced = "[:find ?tag ?price :in $ $prices
                   :where [$prices ?isbn ?price] [?b :book/isbn ?isbn] [?b :book/tags ?tag]]";
    let rows: Vec<(String, i64)> = now.q(priced, [books]).await.expect("rows").rows_as().expect("");
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn requests_that_are_wrong_say_so() {
    let db = books().await;
    let query = db.q("[:find ?x :where [?x :no/such]]", []).await.expect_err("no attribute");
    let pattern = db.pull("[", isbn("b-1")).await.expect_err("no pattern");
    let attribute = db.pull("[*]", EntityRef::lookup(Keyword::new("no/such"), 1)).await;
    let history = db.history().entity(isbn("b-1")).await.expect_err("no one state");
    for error in [query, pattern, attribute.expect_err("no attribute"), history] {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

#[tokio::test]
async fn asking_can_be_spawned() {
    let db = books().await;
    let task = tokio::spawn(async move {
        let e = isbn("b-1");
        let pulled = db.pull("[*]", e.clone()).await?;
        let entity = db.entity(e).await?;
        let datoms = db.datoms_at(Order::Eavt, &[]).await?;
        let rows = db.q("[:find ?e :where [?e :book/isbn]]", []).await?.rows().len();
        Ok::<_, duramen::Error>((pulled, entity, datoms.len(), rows))
    });
    let (pulled, entity, datoms, rows) = task.await.expect("a task").expect("answers");
    assert!(pulled != Edn::Nil && entity.is_some() && datoms > 0 && rows == 2);
}

#[test]
fn attributes_are_part_of_the_facade() {
    let db = Db::genesis();
    let ident: &Attribute =
        db.schema().attribute_named(&Keyword::new("db/ident")).expect("builtin");
    assert_eq!(ident.cardinality, duramen::Cardinality::One);
}
