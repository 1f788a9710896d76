//! Claims: what the name of a database means. The one with the highest number decides.

use bytes::Bytes;
use duramen_proto::stored;
use duramen_store::envelope::{self, Kind};
use duramen_store::layout::{DatabaseFolder, DatabaseId, DatabaseName};
use duramen_store::{Key, StoreError};
use prost::Message;

use crate::malformed::{Malformed, fixed};

/// What the name of a database means from the claim on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The database of this id.
    Created(DatabaseId),
    /// Nothing: the database of this id was dropped.
    Dropped(DatabaseId),
}

impl Claim {
    /// The database that the claim is about.
    #[must_use]
    pub const fn id(self) -> DatabaseId {
        match self {
            Self::Created(id) | Self::Dropped(id) => id,
        }
    }

    /// Makes the object of a claim, which is only right under its own name and number.
    #[must_use]
    pub fn seal(self, name: &DatabaseName, number: u64) -> Bytes {
        let message = stored::Claim {
            database_id: self.id().0.to_vec().into(),
            dropped: matches!(self, Self::Dropped(_)),
        };
        envelope::seal_bound(Kind::Claim, &context(name, number), &message.encode_to_vec())
    }

    /// Takes a claim out of its object.
    ///
    /// # Errors
    /// `Corrupt` when it is not that claim, `TooNew` when newer software wrote it.
    pub fn open(name: &DatabaseName, number: u64, object: Bytes) -> Result<Self, StoreError> {
        let key = DatabaseFolder::new(name).claim(number);
        let payload = envelope::open_bound(Kind::Claim, &context(name, number), &key, object)?;
        Self::parse(payload.bytes, &key)
    }

    fn parse(payload: Bytes, key: &Key) -> Result<Self, StoreError> {
        let parse = || {
            let message = stored::Claim::decode(payload)?;
            let id = DatabaseId(fixed(&message.database_id, "a database id")?);
            Ok(if message.dropped { Self::Dropped(id) } else { Self::Created(id) })
        };
        parse().map_err(|malformed: Malformed| malformed.within(key))
    }
}

fn context(name: &DatabaseName, number: u64) -> Vec<u8> {
    [name.as_str().as_bytes(), b"/", &number.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::fixtures::{flips, mutate};

    #[test]
    fn a_claim_is_right_in_its_place_only() {
        let cat = DatabaseName::new("cat").unwrap();
        for claim in [Claim::Created(DatabaseId([7; 16])), Claim::Dropped(DatabaseId([8; 16]))] {
            let object = claim.seal(&cat, 3);
            assert_eq!(Claim::open(&cat, 3, object.clone()).unwrap(), claim);
            assert!(Claim::open(&cat, 4, object.clone()).is_err());
            assert!(Claim::open(&DatabaseName::new("dog").unwrap(), 3, object).is_err());
        }
    }

    proptest! {
        #[test]
        fn mutated_claims_decode_or_are_refused(flips in flips()) {
            let message = stored::Claim { database_id: vec![7; 16].into(), dropped: true };
            let _ = Claim::parse(mutate(message.encode_to_vec(), flips), &Key::new("x"));
        }
    }
}
