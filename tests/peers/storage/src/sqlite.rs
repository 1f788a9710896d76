//! SQLite: one table in the order of entities, and indexes in the two other orders.

use std::path::Path;

use anyhow::Result;
use duramen_model::Value;
use duramen_tests::bench::data_set::DataSet;
use duramen_tests::bench::schema::Attribute;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, params};

use crate::engine::{Engine, bytes_of, facts, is_found_by_value};

/// Everything in one file. As fast as it loads: no journal, and indexes made at the end.
pub struct Sqlite(Connection);

impl Engine for Sqlite {
    const NAME: &'static str = "SQLite";

    async fn load(folder: &Path, data: DataSet) -> Result<Self> {
        let mut connection = Connection::open(folder.join("facts.db"))?;
        connection.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;
             CREATE TABLE facts (e INTEGER, a INTEGER, v, t INTEGER, PRIMARY KEY (e, a, v))
             WITHOUT ROWID;",
        )?;
        let transaction = connection.transaction()?;
        let mut insert = transaction.prepare("INSERT INTO facts VALUES (?, ?, ?, ?)")?;
        for fact in facts(data) {
            let (e, a) = (fact.e.get() as i64, fact.a as i64);
            insert.execute(params![e, a, Plain::of(&fact.v), 1])?;
        }
        drop(insert);
        transaction.commit()?;
        let found: Vec<String> = Attribute::ALL
            .into_iter()
            .filter(|a| is_found_by_value(*a))
            .map(|a| (a as i64).to_string())
            .collect();
        connection.execute_batch(&format!(
            "CREATE INDEX by_attribute ON facts (a, e, v);
             CREATE INDEX by_value ON facts (a, v, e) WHERE a IN ({});
             PRAGMA synchronous = FULL; ANALYZE;",
            found.join(", ")
        ))?;
        Ok(Self(connection))
    }

    async fn open(folder: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(folder.join("facts.db"), flags)?;
        connection.execute_batch("PRAGMA cache_size = -65536;")?;
        Ok(Self(connection))
    }

    async fn describe(&self, email: &str) -> Result<usize> {
        let a = Attribute::Email as i64;
        let by_value = format!(
            "SELECT e FROM facts WHERE a = {a} AND a IN ({}) AND v = ?",
            Attribute::ALL
                .into_iter()
                .filter(|a| is_found_by_value(*a))
                .map(|a| (a as i64).to_string())
                .collect::<Vec<_>>()
                .join(", ")
        );
        let mut find = self.0.prepare_cached(&by_value)?;
        let e: i64 = find.query_row([email], |row| row.get(0))?;
        let mut read = self.0.prepare_cached("SELECT a, v, t FROM facts WHERE e = ?")?;
        let mut rows = read.query([e])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += usize::from(!matches!(row.get_ref(1)?, ValueRef::Null));
        }
        Ok(count)
    }

    async fn ages(&self) -> Result<(u64, i64)> {
        let a = Attribute::Age as i64;
        let of_all = "SELECT count(*), sum(v) FROM facts INDEXED BY by_attribute WHERE a = ?";
        let mut sum = self.0.prepare_cached(of_all)?;
        Ok(sum.query_row([a], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?)))?)
    }

    async fn bytes(&self, folder: &Path) -> Result<u64> {
        bytes_of(folder)
    }

    async fn close(self) -> Result<()> {
        self.0.close().map_err(|(_, error)| error.into())
    }
}

/// A value in the nearest type that SQLite has.
enum Plain<'a> {
    Integer(i64),
    Real(f64),
    Text(&'a str),
    Owned(String),
    Blob(&'a [u8]),
}

impl<'a> Plain<'a> {
    fn of(v: &'a Value) -> Self {
        match v {
            Value::Boolean(v) => Self::Integer(i64::from(*v)),
            Value::Long(v) => Self::Integer(*v),
            Value::Instant(v) => Self::Integer(v.millis()),
            Value::Ref(v) => Self::Integer(v.get() as i64),
            Value::Double(v) => Self::Real(*v),
            Value::Float(v) => Self::Real(f64::from(*v)),
            Value::String(v) | Value::Uri(v) => Self::Text(v),
            Value::Keyword(v) => Self::Text(v.text()),
            Value::Uuid(v) => Self::Blob(v.as_bytes()),
            Value::Bytes(v) => Self::Blob(v),
            other => Self::Owned(format!("{other:?}")),
        }
    }
}

impl ToSql for Plain<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(v) => ValueRef::Integer(*v),
            Self::Real(v) => ValueRef::Real(*v),
            Self::Text(v) => ValueRef::Text(v.as_bytes()),
            Self::Owned(v) => ValueRef::Text(v.as_bytes()),
            Self::Blob(v) => ValueRef::Blob(v),
        }))
    }
}
