//! The data that queries are asked of.

use std::collections::BTreeSet;

use duramen_db::resolve::TxData;
use duramen_db::{Db, TxRecord};
use duramen_model::{Instant, Keyword, T, Value, ValueType, edn};

use super::attributes::{ATTRIBUTES, ENTITIES, SIZE, id, next, own_number, schema, tuple, value};
use super::bucket::{Then, any_steps, stored};
use super::random::Random;
use super::views::{Row, Source, View};

/// One assertion or retraction: entity, attribute, value. The attribute after the last one stands
/// for an attribute that gets an index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement {
    add: bool,
    e: usize,
    a: usize,
    v: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct DatabasePlan {
    pub(crate) transactions: Vec<Vec<Statement>>,
    pub(crate) speculated: Vec<Vec<Statement>>,
    /// How it is stored; in memory alone when not said.
    pub(crate) steps: Option<Vec<(usize, Then)>>,
}

/// All that a world is made of.
#[derive(Debug, Clone)]
pub(crate) struct WorldPlan {
    pub(crate) databases: [DatabasePlan; 2],
    /// Of the plain relation: numbers that stand for values.
    pub(crate) rows: Vec<Vec<usize>>,
    pub(crate) views: Vec<View>,
}

/// Databases to ask, and what they show.
pub(crate) struct World {
    pub(crate) views: Vec<(Db, Source)>,
    pub(crate) relation: Source,
}

fn any_statement(random: &mut Random) -> Statement {
    // The graph is dense enough for cycles.
    let a = match random.below(100) {
        0..30 => 0,
        30..40 => 1,
        40..50 => 2,
        50..98 => random.below(ATTRIBUTES.len()),
        _ => ATTRIBUTES.len(),
    };
    Statement {
        add: random.percent(85),
        e: random.below(SIZE),
        a,
        v: random.below(SIZE).min(random.below(SIZE)),
    }
}

/// How many different cells a plain relation may have.
const CELLS: usize = 6 * SIZE;

const CELL_TYPES: [ValueType; SIZE] = [
    ValueType::BigDec,
    ValueType::BigInt,
    ValueType::Uuid,
    ValueType::Tuple,
    ValueType::Symbol,
    ValueType::Float,
];

/// An entity, one of the first attributes, and a value of it.
fn any_row_like_a_fact(random: &mut Random) -> Vec<usize> {
    let attribute = random.below(4);
    let value = random.below(SIZE) + if attribute < 2 { SIZE } else { 0 };
    vec![SIZE + random.below(SIZE), 4 * SIZE + attribute, value]
}

fn any_transactions(random: &mut Random, most: usize) -> Vec<Vec<Statement>> {
    let count = random.below(most + 1).max(random.below(most + 1));
    (0..count).map(|_| (0..=random.below(32)).map(|_| any_statement(random)).collect()).collect()
}

fn any_database(random: &mut Random) -> DatabasePlan {
    DatabasePlan {
        transactions: any_transactions(random, 9),
        speculated: any_transactions(random, 2),
        steps: random.percent(75).then(|| any_steps(random)),
    }
}

impl WorldPlan {
    pub(crate) fn any(random: &mut Random) -> Self {
        let databases = [any_database(random), any_database(random)];
        let mut rows: Vec<Vec<usize>> = (0..random.below(9))
            .map(|_| (0..=random.below(3)).map(|_| random.below(CELLS)).collect())
            .collect();
        // Facts, which rules find in a plain relation, too.
        rows.extend((0..random.below(8)).map(|_| any_row_like_a_fact(random)));
        // Everything at present, then whatever else there is to see.
        let mut views: Vec<View> =
            (0..2).map(|database| View { database, ..View::default() }).collect();
        for _ in 0..6 {
            let database = random.below(2);
            let last = databases[database].transactions.len() + 1;
            // The schema is transaction 1; earlier views would not know the attributes.
            views.push(View {
                database,
                speculative: random.percent(40),
                as_of: random.percent(40).then(|| 1 + random.below(last) as u64),
                since: random.percent(20).then(|| random.below(last) as u64),
                history: random.percent(20),
            });
        }
        Self { databases, rows, views }
    }

    pub(crate) async fn build(&self) -> World {
        let mut built = Vec::new();
        for (number, plan) in self.databases.iter().enumerate() {
            built.push(Built::of(number, plan).await);
        }
        let view = |view: &View| built[view.database].view(*view);
        let views: Vec<(Db, Source)> = self.views.iter().map(view).collect();
        let cell = |n: &usize| match n / SIZE {
            0 => value(ValueType::Long, *n),
            1 => Value::Long(views[0].1.names[ENTITIES[n % SIZE]]),
            2 => value(ValueType::String, *n),
            3 => value([ValueType::Boolean, ValueType::Double][n % 2], *n),
            4 => Value::Keyword(Keyword::new(ATTRIBUTES[n % SIZE].name)),
            _ => value(CELL_TYPES[n % SIZE], *n / 2),
        };
        let rows: Vec<Row> = self.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        World { views, relation: Source::relation(rows) }
    }

    /// The data as text, for a report.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (number, plan) in self.databases.iter().enumerate() {
            text.push_str(&format!("database {number}, stored {:?}\n", plan.steps));
            let lines = |text: &mut String, transactions: &[Vec<Statement>]| {
                for statements in transactions {
                    text.push_str(&format!("  {}\n", transaction_text(number, statements)));
                }
            };
            lines(&mut text, &plan.transactions);
            text.push_str(" speculated\n");
            lines(&mut text, &plan.speculated);
        }
        text
    }
}

/// A database with all of its transactions, and those speculated on top.
struct Built {
    number: usize,
    db: Db,
    speculated: Db,
    records: Vec<TxRecord>,
    /// How many of the records are not speculated.
    real: usize,
}

impl Built {
    async fn of(number: usize, plan: &DatabasePlan) -> Self {
        let mut db = Db::genesis();
        let mut records = vec![TxRecord::genesis()];
        let schema = schema(number);
        let texts = plan.transactions.iter().map(|statements| transaction_text(number, statements));
        for text in std::iter::once(schema).chain(texts) {
            db = transact(&db, &text, &mut records).await;
        }
        if let Some(steps) = &plan.steps {
            db = stored(&records[1..], steps).await;
        }
        let real = records.len();
        let mut speculated = db.clone();
        for statements in &plan.speculated {
            let text = transaction_text(number, statements);
            speculated = transact(&speculated, &text, &mut records).await;
        }
        Self { number, db, speculated, records, real }
    }

    fn view(&self, view: View) -> (Db, Source) {
        let (mut db, records) = match view.speculative {
            true => (self.speculated.clone(), self.records.as_slice()),
            false => (self.db.clone(), &self.records[..self.real]),
        };
        let t = |number: u64| T::new(number).expect("small");
        if let Some(as_of) = view.as_of {
            db = db.as_of(t(as_of));
        }
        if let Some(since) = view.since {
            db = db.since(t(since));
        }
        if view.history {
            db = db.history();
        }
        (db, Source::of(records, View { database: self.number, ..view }))
    }
}

async fn transact(db: &Db, text: &str, records: &mut Vec<TxRecord>) -> Db {
    let form = edn::read(text).expect("EDN");
    let data = TxData::from_form(&form).expect("transaction data");
    let now = Instant::from_millis(records.len() as i64 * 1_000);
    let (db, resolved) = db.with(&data, now).await.expect(text);
    records.push(resolved.record);
    db
}

/// What contradicts itself within a transaction is left out.
fn transaction_text(database: usize, statements: &[Statement]) -> String {
    let mut seen = BTreeSet::new();
    let mut text = String::from("[");
    for statement in statements {
        let many = ATTRIBUTES.get(statement.a).is_none_or(|attribute| attribute.many);
        if seen.insert((statement.e, statement.a, if many { statement.v } else { 0 })) {
            text.push_str(&statement_text(database, *statement));
        }
    }
    text + "]"
}

fn statement_text(database: usize, Statement { add, e, a, v }: Statement) -> String {
    let index = |name| format!("[:db/add :{name} :db/index true]");
    let Some(attribute) = ATTRIBUTES.get(a) else { return index(ATTRIBUTES[2 + v].name) };
    let operation = if add { ":db/add" } else { ":db/retract" };
    let text = |value: Value| edn::Edn::Value(value).to_string();
    let value = match (attribute.name, attribute.types[database]) {
        // Kept by the database.
        ("a/both", _) => return index("a/text"),
        ("a/next", _) => format!(":{}", ENTITIES[next(e)]),
        ("a/id", _) => text(id(e, v)),
        ("a/number", of) => text(own_number(of, e, v)),
        (_, ValueType::Ref) => format!(":{}", ENTITIES[v]),
        (name, ValueType::Tuple) => text(tuple(name, v)),
        (_, of) => text(value(of, v)),
    };
    format!("[{operation} :{} :{} {value}]", ENTITIES[e], attribute.name)
}
