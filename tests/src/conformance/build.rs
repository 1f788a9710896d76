//! The databases of a case.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use duramen_db::resolve::TxError;
use duramen_db::{AttributeRef, Db, EntityRef};
use duramen_model::edn::{Edn, Form};
use duramen_model::{EntityId, Instant, Keyword, Symbol, T, Value};

use super::case::{Case, Suite, get};
use super::place::Place;

/// When the transaction of the schema takes place.
const START: &str = "1990-01-01T00:00:00.000Z";

/// The databases of a case and the names of its entities.
#[derive(Debug)]
pub struct World {
    /// The databases and views, by the symbol that stands for each.
    pub databases: BTreeMap<Symbol, Db>,
    /// The named entities.
    pub ids: BTreeMap<Symbol, EntityId>,
    /// Why the last transaction was refused, if it was.
    pub refused: Option<Arc<TxError>>,
}

impl World {
    /// Builds the databases of a case.
    ///
    /// # Errors
    /// When anything but the last transaction is refused, or the case is not one.
    pub async fn build(suite: &Suite, case: &Case, place: &Place) -> Result<Self> {
        let (db, refused) =
            database(suite, case.edn(), case.get("expect-error").is_some(), place).await?;
        let mut world = Self { databases: BTreeMap::new(), ids: BTreeMap::new(), refused };
        world.databases.insert(Symbol::new("$"), db);
        if let Some(Edn::Map(entries)) = case.get("dbs") {
            for (name, description) in entries {
                let name = name.as_symbol().context("a database is named by a symbol")?;
                let db = world.view(suite, &description.edn, place).await?;
                world.databases.insert(name.clone(), db);
            }
        }
        if let Some(Edn::Map(entries)) = case.get("ids") {
            for (name, entity) in entries {
                let name = name.as_symbol().context("an id is named by a symbol")?;
                let id = world.id(&entity.edn).await?;
                world.ids.insert(name.clone(), id);
            }
        }
        Ok(world)
    }

    /// The database that a symbol stands for.
    ///
    /// # Errors
    /// When it stands for none.
    pub fn database(&self, name: &Symbol) -> Result<&Db> {
        self.databases.get(name).with_context(|| format!("no database {name}"))
    }

    async fn view(&self, suite: &Suite, description: &Edn, place: &Place) -> Result<Db> {
        if ["fixture", "schema", "tx"].iter().any(|key| get(description, key).is_some()) {
            return Ok(database(suite, description, false, place).await?.0);
        }
        let of = get(description, "of").and_then(Edn::as_symbol).cloned();
        let mut db = self.database(&of.unwrap_or_else(|| Symbol::new("$")))?.clone();
        if let Some(point) = get(description, "as-of") {
            db = db.as_of(point_in_time(&db, point).await?);
        }
        if let Some(point) = get(description, "since") {
            db = db.since(point_in_time(&db, point).await?);
        }
        if get(description, "history").is_some() {
            db = db.history();
        }
        Ok(db)
    }

    async fn id(&self, edn: &Edn) -> Result<EntityId> {
        if let Some(number) = get(edn, "tx").and_then(Edn::as_long) {
            return Ok(transaction(number)?.entity());
        }
        let db = self.database(&Symbol::new("$"))?;
        let entity = db.entity_of(&self.entity_ref(edn)?).await?;
        entity.with_context(|| format!("{edn} names no entity"))
    }

    /// What stands for an entity: an id, the name of one, an ident or a lookup ref.
    ///
    /// # Errors
    /// When it is something else.
    pub fn entity_ref(&self, edn: &Edn) -> Result<EntityRef> {
        match edn {
            Edn::Value(Value::Long(id)) => {
                let id = EntityId::new(u64::try_from(*id)?).context("an id under 2^53")?;
                Ok(EntityRef::Id(id))
            }
            Edn::Value(Value::Keyword(ident)) => Ok(EntityRef::Ident(ident.clone())),
            Edn::Value(Value::Symbol(name)) => {
                let id = self.ids.get(name).with_context(|| format!("no id {name}"))?;
                Ok(EntityRef::Id(*id))
            }
            Edn::Vector(parts) => match parts.as_slice() {
                [attribute, value] => {
                    let attribute = attribute.as_keyword().context("an attribute")?.clone();
                    Ok(EntityRef::Lookup(AttributeRef::Ident(attribute), value_of(&value.edn)?))
                }
                _ => bail!("{edn} is not a lookup ref"),
            },
            other => bail!("{other} does not stand for an entity"),
        }
    }

    /// The same EDN with named entities replaced by their ids. Lists, which are the heads and
    /// clauses of rules, stay as they are.
    #[must_use]
    pub fn with_ids(&self, edn: &Edn) -> Edn {
        let inner = |forms: &[Form]| -> Vec<Form> {
            forms
                .iter()
                .map(|form| Form { edn: self.with_ids(&form.edn), span: form.span })
                .collect()
        };
        match edn {
            Edn::Value(Value::Symbol(name)) if self.ids.contains_key(name) => {
                Edn::from(self.ids[name].get() as i64)
            }
            Edn::Vector(forms) => Edn::Vector(inner(forms)),
            Edn::Set(forms) => Edn::Set(inner(forms)),
            other => other.clone(),
        }
    }
}

fn value_of(edn: &Edn) -> Result<Value> {
    match edn {
        Edn::Value(value) => Ok(value.clone()),
        Edn::Vector(members) => {
            let member = |form: &Form| match &form.edn {
                Edn::Nil => Ok(None),
                edn => value_of(edn).map(Some),
            };
            Ok(Value::Tuple(members.iter().map(member).collect::<Result<_>>()?))
        }
        other => bail!("{other} is not a value"),
    }
}

/// Transactions are numbered from the schema's, which follows genesis.
fn transaction(number: i64) -> Result<T> {
    T::new(u64::try_from(number)? + 1).context("a transaction number")
}

async fn point_in_time(db: &Db, point: &Edn) -> Result<T> {
    match point {
        Edn::Value(Value::Long(number)) => transaction(*number),
        Edn::Value(Value::Instant(instant)) => Ok(db.t_at(*instant).await?),
        other => bail!("{other} is not a point in time"),
    }
}

/// Builds one database; where the last transaction may fail, also says how it did.
async fn database(
    suite: &Suite,
    description: &Edn,
    may_fail: bool,
    place: &Place,
) -> Result<(Db, Option<Arc<TxError>>)> {
    let fixture = match get(description, "fixture").and_then(Edn::as_keyword) {
        Some(name) => Some(suite.fixture(name)?),
        None => None,
    };
    let parts = |key: &str| -> Vec<Form> {
        let forms = fixture.and_then(|fixture| get(fixture, key)).into_iter();
        let forms = forms.chain(get(description, key)).filter_map(Edn::as_sequence);
        forms.flatten().cloned().collect()
    };
    let schema = parts("schema");
    let mut database = place.create().await?;
    let start: Instant = START.parse()?;
    if fixture.is_some() || !schema.is_empty() {
        database
            .transact(&schema_transaction(schema, start), start)
            .await?
            .map_err(|error| anyhow!("the schema is refused: {error}"))?;
    }
    let transactions = parts("tx");
    let mut now = start;
    for (number, data) in transactions.iter().enumerate() {
        // The clock follows the dates that transactions give themselves.
        now = dated(data).unwrap_or(now).max(Instant::from_millis(now.millis() + 1));
        match database.transact(data, now).await? {
            Ok(()) => {}
            Err(error) if may_fail && number + 1 == transactions.len() => {
                return Ok((database.db().await?, Some(error)));
            }
            Err(error) => bail!("transaction {} is refused: {error}", number + 1),
        }
    }
    Ok((database.db().await?, None))
}

fn schema_transaction(schema: Vec<Form>, start: Instant) -> Form {
    let key = |name: &str| Form::from(Edn::from(Keyword::new(name)));
    let dated = Edn::Map(vec![
        (key("db/id"), Form::from(Edn::from("datomic.tx"))),
        (key("db/txInstant"), Form::from(Edn::from(start))),
    ]);
    Form::from(Edn::Vector(schema.into_iter().chain([Form::from(dated)]).collect()))
}

/// When a transaction says that it takes place.
fn dated(data: &Form) -> Option<Instant> {
    let statements = data.as_sequence()?;
    statements.iter().find_map(|statement| match get(&statement.edn, "db/txInstant") {
        Some(Edn::Value(Value::Instant(instant))) => Some(*instant),
        _ => None,
    })
}
