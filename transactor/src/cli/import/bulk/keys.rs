//! The entities of a load, by key.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};

use duramen::{EntityId, Value};

/// Which keys have been met. A key is kept as 128 bits of hash, whatever its length, so that a
/// table of 100 million takes about 5 GB and mixes two of them up once in 10^22 loads.
#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<u128, EntityId>);

/// Whether a key is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    /// It was not there.
    New,
    /// A row before has it.
    Before,
}

impl Keys {
    /// Takes note of a key, and of the entity that it names from now on if it is new.
    pub(super) fn meet(&mut self, key: &Value, e: EntityId) -> Met {
        match self.0.entry(hash(key)) {
            Entry::Vacant(vacant) => {
                vacant.insert(e);
                Met::New
            }
            Entry::Occupied(_) => Met::Before,
        }
    }
}

fn hash(key: &Value) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        key.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_are_one() {
        let mut keys = Keys::default();
        let e = EntityId::user(0).unwrap();
        for (n, text) in ["a", "b", "a"].into_iter().enumerate() {
            let met = keys.meet(&Value::string(text), e);
            assert_eq!(met, if n < 2 { Met::New } else { Met::Before });
        }
    }
}
