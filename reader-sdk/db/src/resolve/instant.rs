//! Ninth stage: the transaction gets its instant.

use duramen_model::{Instant, T, Value, builtin};

use super::error::{TxError, TxErrorKind};
use super::expand::Saying;
use super::net::Changes;

/// Decides when the transaction `t` takes place: at the instant it gives itself, otherwise now.
/// Instants never go back, so a clock that does is held at the `last` transaction's.
pub(crate) fn decide(
    changes: &mut Changes,
    t: T,
    now: Instant,
    last: Instant,
) -> Result<Instant, TxError> {
    let tx = t.entity();
    let foreign = |change: &&Saying| change.a == builtin::TX_INSTANT && change.e != tx;
    if let Some(change) = changes.all().iter().find(foreign) {
        let message = "only the transaction itself, \"datomic.tx\", is given a :db/txInstant";
        let error = TxError::new(TxErrorKind::Schema, message);
        return Err(error.in_statement(change.statement));
    }
    let given = changes.of(tx, builtin::TX_INSTANT).iter().find(|change| change.added);
    if let Some(Saying { v: Value::Instant(instant), statement, .. }) = given {
        check(*instant, last, now).map_err(|error| error.in_statement(*statement))?;
        return Ok(*instant);
    }
    let instant = now.max(last);
    changes.extend([Saying {
        e: tx,
        a: builtin::TX_INSTANT,
        v: Value::Instant(instant),
        added: true,
        closes: None,
        statement: 0,
    }]);
    Ok(instant)
}

fn check(instant: Instant, last: Instant, now: Instant) -> Result<(), TxError> {
    let (kind, message) = if instant < last {
        let message = format!("the instant {instant} is before {last}, the last transaction's");
        (TxErrorKind::PastInstant, message)
    } else if instant > now.max(last) {
        // One accepted would hold all later transactions at it.
        let message = format!("the instant {instant} is after {now}, which is now");
        (TxErrorKind::FutureInstant, message)
    } else {
        return Ok(());
    };
    Err(TxError::new(kind, message))
}
