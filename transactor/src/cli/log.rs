//! `log`: what was transacted, in order.

use std::fmt::Write;

use duramen::{Datom, Db, Edn, Form, T, TxRecord, Value};

use super::arguments::Log;
use super::configuration::Configuration;
use super::exit::Failure;
use super::report::{entry, number};
use super::{output, sources};

/// Prints transactions.
pub(crate) async fn run(configuration: &Configuration, flags: &Log) -> Result<(), Failure> {
    let client = sources::client(configuration);
    let db = sources::connect(&client, &flags.database).await?.last_db();
    let end = db.basis_t().get() + 1;
    let end = flags.to.map_or(end, |to| to.min(end));
    let mut log = db.log(t(flags.from)?, t(end)?);
    while let Some(records) = log.next_batch().await.map_err(duramen::Error::from)? {
        for record in records {
            if !print(&db, &record, flags)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn t(number: u64) -> Result<T, Failure> {
    T::new(number).ok_or_else(|| Failure::usage(format!("{number} is no transaction number")))
}

/// Prints a transaction; false once nobody reads on.
fn print(db: &Db, record: &TxRecord, flags: &Log) -> Result<bool, Failure> {
    if flags.format.json {
        let json = serde_json::to_string(&edn(db, record));
        return output::more(json.map_err(|error| Failure::invalid(error.to_string()))?);
    }
    if flags.format.edn {
        return output::more(edn(db, record));
    }
    output::more(text(db, record))
}

/// A transaction for people: attributes and entities by their names.
fn text(db: &Db, record: &TxRecord) -> String {
    let count = record.changes.len();
    let (t, instant, plural) = (record.t, record.instant, output::plural(count));
    let mut text = format!("t {t}  {instant}  {count} datom{plural}");
    for datom in record.datoms() {
        let sign = if datom.added { '+' } else { '-' };
        let (e, a, v) = (datom.e.get(), attribute(db, datom), named(db, &datom.v));
        // Writing to a string never fails.
        let _ = write!(text, "\n  {sign} {e} {a} {v}");
    }
    text
}

fn named(db: &Db, value: &Value) -> Edn {
    let ident = match value {
        Value::Ref(entity) => db.schema().ident(*entity),
        _ => None,
    };
    ident.map_or_else(|| Edn::from_value(value.clone()), |ident| Edn::from(ident.clone()))
}

fn edn(db: &Db, record: &TxRecord) -> Edn {
    let datoms = record.datoms().map(|datom| {
        let (e, v) = (number(datom.e.get()), Edn::from_value(datom.v.clone()));
        let members = [e, attribute(db, datom), v, number(datom.t.get()), Edn::from(datom.added)];
        Form::from(Edn::Vector(members.into_iter().map(Form::from).collect()))
    });
    Edn::Map(vec![
        entry("t", number(record.t.get())),
        entry("instant", Edn::from(record.instant)),
        entry("datoms", Edn::Vector(datoms.collect())),
    ])
}

/// The name of the attribute, as the newest schema has it.
fn attribute(db: &Db, datom: &Datom) -> Edn {
    let named = db.schema().attribute(datom.a);
    named.map_or_else(|| number(datom.a.get()), |attribute| Edn::from(attribute.ident.clone()))
}
