//! Properties of `resolve`: it never panics, whatever it is given; what it accepts keeps the
//! database sound; and the order of statements plays no part.

use std::collections::{BTreeMap, HashMap};

use duramen_db::resolve::{ResolvedTx, TxData, TxError};
use duramen_db::{Db, Selection};
use duramen_model::attribute::TupleShape;
use duramen_model::{
    AttributeId, Cardinality, Edn, EntityId, Form, Instant, Keyword, Schema, Symbol, T, Value, edn,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const NOW: Instant = Instant::from_millis(1_700_000_000_000);

const SCHEMA: &str = "[
    {:db/ident :p/email :db/valueType :db.type/string :db/cardinality :db.cardinality/one
     :db/unique :db.unique/identity}
    {:db/ident :p/nick :db/valueType :db.type/string :db/cardinality :db.cardinality/many
     :db/unique :db.unique/value}
    {:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
    {:db/ident :p/score :db/valueType :db.type/double :db/cardinality :db.cardinality/one}
    {:db/ident :p/tags :db/valueType :db.type/keyword :db/cardinality :db.cardinality/many}
    {:db/ident :p/friend :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}
    {:db/ident :p/home :db/valueType :db.type/ref :db/cardinality :db.cardinality/many
     :db/isComponent true}
    {:db/ident :p/owner :db/valueType :db.type/ref :db/cardinality :db.cardinality/one
     :db/unique :db.unique/identity}
    {:db/ident :p/name+owner :db/valueType :db.type/tuple :db/cardinality :db.cardinality/one
     :db/unique :db.unique/value :db/tupleAttrs [:p/name :p/owner]}]";

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future)
}

fn transact(db: &Db, form: &Form) -> Result<(Db, ResolvedTx), TxError> {
    let data = TxData::from_form(form)?;
    run(db.with(&data, NOW))
}

fn people() -> Db {
    let db = transact(&Db::genesis(), &edn::read(SCHEMA).expect("EDN")).expect("accepted").0;
    let people = "[{:p/email \"e0\" :p/friend \"t\" :p/tags [:tag0 :tag1] :p/home {:p/tags :x}}
                   {:db/id \"t\" :p/email \"e1\" :p/nick [\"e0\" \"e1\"] :p/owner \"t\"}
                   {:p/email \"e2\" :p/name \"e0\" :p/score 0 :p/owner \"u\"}
                   [:db/add \"u\" :p/name \"e1\"]]";
    transact(&db, &edn::read(people).expect("EDN")).expect("accepted").0
}

/// An entity, as a statement may name it.
fn entity() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => (0..3u8).prop_map(|n| format!("\"t{n}\"")),
        3 => (0..3u8).prop_map(|n| format!("[:p/email \"e{n}\"]")),
        3 => (0..5u64).prop_map(|n| (562_949_953_421_312 + n).to_string()),
    ]
}

/// An attribute and a value.
fn fact() -> impl Strategy<Value = (String, String)> {
    let text = |a: &'static str, n: u8| (0..n).prop_map(move |n| (a.into(), format!("\"e{n}\"")));
    let reference = |a: &'static str| entity().prop_map(move |e| (a.into(), e));
    prop_oneof![
        text(":p/email", 3),
        text(":p/nick", 2),
        text(":p/name", 2),
        (0..2u8).prop_map(|n| (":p/score".into(), format!("{n}"))),
        (0..3u8).prop_map(|n| (":p/tags".into(), format!(":tag{n}"))),
        reference(":p/friend"),
        reference(":p/home"),
        reference(":p/owner"),
    ]
}

fn statement() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (entity(), fact()).prop_map(|(e, (a, v))| format!("[:db/add {e} {a} {v}]")),
        2 => (entity(), fact()).prop_map(|(e, (a, v))| format!("[:db/retract {e} {a} {v}]")),
        1 => (entity(), fact()).prop_map(|(e, (a, _))| format!("[:db/retract {e} {a}]")),
        1 => entity().prop_map(|e| format!("[:db/retractEntity {e}]")),
        1 => (entity(), 0..2u8, 0..2u8)
            .prop_map(|(e, old, new)| format!("[:db/cas {e} :p/score {old} {new}]")),
        4 => (0..3u8, fact()).prop_map(|(n, (a, v))| match a.as_str() {
            ":p/email" => format!("{{:p/email {v}}}"),
            _ => format!("{{:p/email \"e{n}\" {a} {v}}}"),
        }),
        1 => (0..3u8, 0..3u8).prop_map(|(n, m)| {
            format!("{{:p/email \"e{n}\" :p/home {{:p/tags [:tag{m}]}}}}")
        }),
    ]
}

/// A change to the schema, often one that the facts there do not allow.
fn alteration() -> impl Strategy<Value = String> {
    let attribute = select(&["email", "nick", "name", "score", "tags", "friend", "new"][..]);
    let saying = select(
        &[
            ":db/cardinality :db.cardinality/one",
            ":db/cardinality :db.cardinality/many",
            ":db/unique :db.unique/value",
            ":db/unique :db.unique/identity",
            ":db/isComponent true",
            ":db/valueType :db.type/long",
            ":db/ident :p/new",
            ":db/valueType :db.type/string :db/cardinality :db.cardinality/one",
            ":db/valueType :db.type/tuple :db/cardinality :db.cardinality/one
             :db/tupleAttrs [:p/name :p/score]",
        ][..],
    );
    (attribute, saying, any::<bool>()).prop_map(|(a, saying, retract)| {
        match (saying.split_whitespace().count(), retract) {
            (2, true) => format!("[:db/retract :p/{a} {saying}]"),
            (2, false) => format!("[:db/add :p/{a} {saying}]"),
            _ => format!("{{:db/ident :p/{a} {saying}}}"),
        }
    })
}

fn transaction() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![5 => vec(statement(), 1..6), 1 => vec(alteration(), 1..3)]
}

fn form(statements: &[String]) -> Form {
    edn::read(&format!("[{}]", statements.join(" "))).expect("EDN")
}

/// The open facts, kept by hand.
#[derive(Debug, Default)]
struct Open {
    facts: BTreeMap<(EntityId, AttributeId, Value), T>,
}

impl Open {
    /// Takes in a transaction, and checks that each change is one that can happen.
    fn apply(&mut self, resolved: &ResolvedTx) {
        let t = resolved.record.t;
        for change in &resolved.record.changes {
            let datom = &change.datom;
            assert_eq!(datom.t, t);
            let key = (datom.e, datom.a, datom.v.clone());
            let before =
                if datom.added { self.facts.insert(key, t) } else { self.facts.remove(&key) };
            assert_eq!(before, change.closes, "{datom:?}");
            assert_eq!(datom.added, before.is_none(), "{datom:?}");
            assert_ne!(before, Some(t), "opened and closed at once: {datom:?}");
        }
    }

    fn check(&self, schema: &Schema) {
        let mut values: HashMap<(EntityId, AttributeId), u32> = HashMap::new();
        let mut owners: HashMap<(AttributeId, &Value), EntityId> = HashMap::new();
        for (e, a, v) in self.facts.keys() {
            let attribute = schema.attribute(*a).expect("defined");
            assert_eq!(v.value_type(), attribute.value_type);
            let count = values.entry((*e, *a)).or_default();
            *count += 1;
            assert!(attribute.cardinality == Cardinality::Many || *count == 1, "{e} {a}");
            if attribute.unique.is_some() {
                assert_eq!(owners.insert((*a, v), *e), None, "{e} {a} {v}");
            }
        }
        self.check_composites(schema);
    }

    fn check_composites(&self, schema: &Schema) {
        let mut entities: Vec<EntityId> = self.facts.keys().map(|(e, ..)| *e).collect();
        entities.dedup();
        let first_later = AttributeId::constant(AttributeId::FIRST_USER.get() + 9);
        for attribute in schema.attributes() {
            let Some(TupleShape::Composite(parts)) = &attribute.tuple else { continue };
            for e in &entities {
                let members: Vec<_> = parts.iter().map(|a| self.value(*e, *a)).collect();
                let some = members.iter().any(Option::is_some);
                let expected = some.then(|| Value::Tuple(members.into()));
                let found = self.value(*e, attribute.id);
                // A tuple that was defined later is filled in when the entity is touched.
                let later = attribute.id >= first_later && found.is_none();
                assert!(later || found == expected, "{e}: {found:?} {expected:?}");
            }
        }
    }

    fn value(&self, e: EntityId, a: AttributeId) -> Option<Value> {
        let mut facts = self.facts.keys().filter(|key| (key.0, key.1) == (e, a));
        facts.next().map(|(.., v)| v.clone())
    }
}

/// What transactions are made of.
const WORDS: &[&str] = &[
    "db/add",
    "db/retract",
    "db/cas",
    "db/retractEntity",
    "db/id",
    "db/ident",
    "db/valueType",
    "db/cardinality",
    "db/unique",
    "db/tupleAttrs",
    "db/tupleTypes",
    "db/txInstant",
    "db/current-tx",
    "db/isComponent",
    "db.type/tuple",
    "db.type/ref",
    "db.cardinality/one",
    "db.cardinality/many",
    "p/email",
    "p/nick",
    "p/name",
    "p/tags",
    "p/friend",
    "p/_friend",
    "p/home",
    "p/owner",
    "p/name+owner",
    "p/new",
];

/// Any form, mostly of the words that transactions are made of.
fn any_form() -> impl Strategy<Value = Form> {
    let numbers = [i64::MIN, -1, 0, 8, 1024, 1 << 48, 1 << 49, (1 << 53) - 1, 1 << 53, i64::MAX];
    let atom = prop_oneof![
        8 => select(WORDS).prop_map(|word| Edn::from(Keyword::new(word))),
        3 => select(&["e0", "e1", "t", "u", "datomic.tx", ""][..]).prop_map(Edn::from),
        3 => select(numbers.to_vec()).prop_map(Edn::from),
        1 => Just(Edn::Nil),
        1 => Just(Edn::Character('c')),
        1 => Just(Edn::from(f64::NAN)),
        1 => Just(Edn::from(true)),
        1 => Just(Edn::from(NOW)),
        1 => Just(Edn::from(Symbol::new("s"))),
        1 => Just(Edn::from(EntityId::MAX)),
        1 => Just(Edn::Value(Value::Tuple([None].into()))),
    ];
    let atom = atom.prop_map(Form::from);
    atom.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            4 => vec(inner.clone(), 0..6).prop_map(Edn::Vector),
            1 => vec(inner.clone(), 0..4).prop_map(Edn::List),
            1 => vec(inner.clone(), 0..4).prop_map(Edn::Set),
            4 => vec((inner.clone(), inner.clone()), 0..4).prop_map(Edn::Map),
            1 => inner.prop_map(|form| Edn::Tagged(Symbol::new("tag"), Box::new(form))),
        ]
        .prop_map(Form::from)
    })
}

/// Statements whose shape is mostly right, of parts that are mostly wrong.
fn odd_statement() -> impl Strategy<Value = Form> {
    let word = || select(WORDS).prop_map(|word| Form::from(Edn::from(Keyword::new(word))));
    let place = || {
        prop_oneof![
            4 => entity().prop_map(|text| edn::read(&text).expect("EDN")),
            2 => word(),
            1 => any_form(),
        ]
    };
    let list = |name: &'static str, values: std::ops::Range<usize>| {
        (place(), word(), vec(any_form(), values)).prop_map(move |(e, a, values)| {
            let mut parts = vec![Edn::from(Keyword::new(name)).into(), e, a];
            parts.extend(values);
            Form::from(Edn::Vector(parts))
        })
    };
    prop_oneof![
        6 => list("db/add", 1..2),
        2 => list("db/retract", 0..2),
        2 => list("db/cas", 2..3),
        1 => place().prop_map(|e| {
            Edn::Vector(vec![Edn::from(Keyword::new("db/retractEntity")).into(), e]).into()
        }),
        6 => vec((word(), any_form()), 0..4).prop_map(|pairs| Form::from(Edn::Map(pairs))),
        3 => alteration().prop_map(|text| edn::read(&text).expect("EDN")),
        3 => statement().prop_map(|text| edn::read(&text).expect("EDN")),
        1 => any_form(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_keeps_the_database_sound(transactions in vec(transaction(), 1..12)) {
        let mut db = people();
        let mut open = Open::default();
        let past = run(db.select(&Selection::all())).expect("in memory");
        open.facts.extend(past.into_iter().map(|fact| ((fact.e, fact.a, fact.v), fact.t)));
        for statements in transactions {
            let Ok((after, resolved)) = transact(&db, &form(&statements)) else { continue };
            open.apply(&resolved);
            open.check(after.schema());
            prop_assert_eq!(after.next_ids(), resolved.next);
            db = after;
        }
        let facts = run(db.select(&Selection::all())).expect("in memory");
        let facts: BTreeMap<_, _> =
            facts.into_iter().map(|fact| ((fact.e, fact.a, fact.v), fact.t)).collect();
        prop_assert_eq!(facts, open.facts);
    }

    #[test]
    fn the_order_of_statements_plays_no_part(
        first in transaction(),
        second in transaction().prop_flat_map(|tx| (Just(tx.clone()), Just(tx).prop_shuffle())),
    ) {
        let db = people();
        let db = transact(&db, &form(&first)).map_or(db, |(after, _)| after);
        let (one, other) = (transact(&db, &form(&second.0)), transact(&db, &form(&second.1)));
        prop_assert_eq!(one.is_ok(), other.is_ok(), "{:?} {:?}", one.err(), other.err());
        if let (Ok((_, one)), Ok((_, other))) = (one, other) {
            prop_assert_eq!(one.next, other.next);
            prop_assert_eq!(one.record.changes.len(), other.record.changes.len());
            if one.next == db.next_ids() {
                prop_assert_eq!(one.record, other.record);
            }
        }
    }

    #[test]
    fn a_transaction_repeated_changes_nothing(statements in vec(
        (0..3u8, fact()).prop_filter_map("no new entities", |(n, (a, v))| {
            (!v.starts_with("\"t") && a != ":p/email").then(|| {
                format!("{{:p/email \"e{n}\" {a} {v}}}")
            })
        }),
        1..6,
    )) {
        let (db, tx) = (people(), form(&statements));
        if let Ok((db, _)) = transact(&db, &tx) {
            let (_, again) = transact(&db, &tx).expect("accepted before");
            // Its own instant only.
            prop_assert_eq!(again.record.changes.len(), 1);
        }
    }

    #[test]
    fn no_form_makes_it_panic(statements in vec(odd_statement(), 1..3)) {
        let outcome = transact(&people(), &Edn::Vector(statements).into());
        if let Err(error) = outcome {
            prop_assert!(!error.message.is_empty());
        }
    }
}
