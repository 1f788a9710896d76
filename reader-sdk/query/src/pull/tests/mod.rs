//! What a pull shows, case by case, over small databases.

mod along;
mod flat;
mod parsing;
mod showing;

use duramen_db::resolve::TxData;
use duramen_db::{Db, EntityRef};
use duramen_model::edn::{self, Edn};
use duramen_model::{Instant, Keyword};

use super::{PullError, PullOptions, PullPattern, pull_with};

/// A database with what the transactions say, each of them EDN text.
async fn database(transactions: &[&str]) -> Db {
    let mut db = Db::genesis();
    for text in transactions {
        db = with(&db, text).await;
    }
    db
}

/// A database after one more transaction.
async fn with(db: &Db, text: &str) -> Db {
    let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
    db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0
}

/// Reads the expectation.
fn edn(text: &str) -> Edn {
    edn::read(text).expect("EDN").edn
}

/// Pulls from the entity with an ident.
async fn try_pull(
    db: &Db,
    pattern: &str,
    ident: &str,
    options: &PullOptions,
) -> Result<Edn, PullError> {
    let pattern = PullPattern::parse(pattern)?;
    pull_with(db, &pattern, &EntityRef::Ident(Keyword::new(ident)), options).await
}

/// Pulls from the entity with an ident, with vectors as sets, since values have no order.
async fn shown(db: &Db, pattern: &str, ident: &str) -> Edn {
    let shown = try_pull(db, pattern, ident, &PullOptions::default()).await;
    unordered(shown.expect("a result"))
}

fn unordered(edn: Edn) -> Edn {
    match edn {
        Edn::Vector(members) => {
            Edn::Set(members.into_iter().map(|form| unordered(form.edn).into()).collect())
        }
        Edn::Map(entries) => Edn::Map(
            entries.into_iter().map(|(key, value)| (key, unordered(value.edn).into())).collect(),
        ),
        other => other,
    }
}
