//! A transaction together with the bytes that the log has of it, and the sum over such.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use duramen_model::T;
use duramen_store::StoreError;

use crate::TxRecord;
use crate::malformed::{Malformed, fixed};

/// A transaction together with the bytes that the log has of it. It is encoded once: nothing is
/// encoded again to be compared or summed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedTx {
    record: Arc<TxRecord>,
    bytes: Bytes,
}

impl LoggedTx {
    /// Encodes a transaction.
    #[must_use]
    pub fn encode(record: TxRecord) -> Self {
        let bytes = record.encode();
        Self { record: Arc::new(record), bytes }
    }

    /// Decodes a transaction, and checks it. `object` is where the bytes come from, for errors.
    ///
    /// # Errors
    /// `Corrupt` when no transactor can have made the record.
    pub fn decode(object: impl fmt::Display, bytes: Bytes) -> Result<Self, StoreError> {
        Self::parse(bytes).map_err(|malformed| malformed.within(object))
    }

    pub(crate) fn parse(bytes: Bytes) -> Result<Self, Malformed> {
        // A copy, so that a few transactions do not keep a whole object in memory.
        let bytes = Bytes::copy_from_slice(&bytes);
        Ok(Self { record: Arc::new(TxRecord::parse(bytes.clone())?), bytes })
    }

    /// The transaction.
    #[must_use]
    pub const fn record(&self) -> &Arc<TxRecord> {
        &self.record
    }

    /// What the log has of it.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its number.
    #[must_use]
    pub fn t(&self) -> T {
        self.record.t
    }
}

/// Decodes a stretch of the log, and checks that no transaction is missing in it.
pub(crate) fn parse_stretch(records: Vec<Bytes>) -> Result<Vec<LoggedTx>, Malformed> {
    let txs = records.into_iter().map(LoggedTx::parse).collect::<Result<Vec<_>, _>>()?;
    for pair in txs.windows(2) {
        let (before, after) = (pair[0].t(), pair[1].t());
        if before.next() != Some(after) {
            let expected = format!("the transaction after {before}");
            return Err(Malformed::new(expected, format!("transaction {after}")));
        }
        if pair[1].record.instant < pair[0].record.instant {
            return Err(Malformed::new("instants that never decrease", pair[1].record.instant));
        }
    }
    Ok(txs)
}

/// A sum over transactions: equal sums prove that none is missing, whatever objects they are in.
///
/// ```text
/// sum of BLAKE3(bytes of the transaction), as little-endian 256-bit numbers, modulo 2^256
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogSum(pub [u8; 32]);

impl LogSum {
    /// The sum with one more transaction.
    #[must_use]
    pub fn plus(self, tx: &LoggedTx) -> Self {
        let hash = blake3::hash(&tx.bytes);
        let mut sum = [0; 32];
        let mut carry = 0;
        for (place, (a, b)) in self.0.iter().zip(hash.as_bytes()).enumerate() {
            let digit = u16::from(*a) + u16::from(*b) + carry;
            sum[place] = digit as u8;
            carry = digit >> 8;
        }
        Self(sum)
    }

    /// The sum with more transactions.
    #[must_use]
    pub fn plus_all<'a>(self, txs: impl IntoIterator<Item = &'a LoggedTx>) -> Self {
        txs.into_iter().fold(self, Self::plus)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        fixed(bytes, "a sum").map(Self)
    }
}

#[cfg(test)]
mod tests {
    use duramen_model::Instant;

    use super::*;

    fn tx(number: u64) -> LoggedTx {
        LoggedTx::encode(TxRecord { t: T::new(number).unwrap(), ..TxRecord::genesis() })
    }

    #[test]
    fn a_sum_does_not_depend_on_the_sequence_and_wraps() {
        let sum = |numbers: &[u64]| {
            LogSum::default().plus_all(&numbers.iter().map(|&n| tx(n)).collect::<Vec<_>>())
        };
        assert_eq!(sum(&[1, 2, 3]), sum(&[3, 1, 2]));
        assert_ne!(sum(&[1, 2, 3]), sum(&[1, 2]));
        let one = sum(&[1]).0;
        let all = LogSum([0xff; 32]).plus(&tx(1)).0;
        assert_eq!(all[0], one[0].wrapping_sub(1));
    }

    #[test]
    fn a_stretch_has_every_transaction_and_time_does_not_run_back() {
        let own = |number: u64, millis| {
            let t = T::new(number).unwrap();
            let instant = Instant::from_millis(millis);
            let e = t.entity();
            let changes =
                vec![crate::Change::assert(e, duramen_model::builtin::TX_INSTANT, instant, t)];
            TxRecord { t, instant, changes, ..TxRecord::genesis() }.encode()
        };
        assert_eq!(parse_stretch(vec![own(1, 5), own(2, 5)]).unwrap().len(), 2);
        assert!(parse_stretch(vec![own(1, 5), own(3, 5)]).is_err());
        assert!(parse_stretch(vec![own(1, 5), own(2, 4)]).is_err());
    }
}
