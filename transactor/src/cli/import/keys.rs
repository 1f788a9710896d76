//! Keys: what makes two rows be about one entity.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// Keys that were met. Each is kept as 128 bits of hash, whatever its length: 18 to 37 bytes of
/// memory, beside the budget of the load. Of 100 million keys, two are taken for one in one load
/// of 10^22.
#[derive(Debug, Default)]
pub(crate) struct Keys(HashSet<u128>);

impl Keys {
    /// Takes note of a key by its hash; false when it was met before.
    pub(crate) fn meet(&mut self, key: u128) -> bool {
        self.0.insert(key)
    }
}

/// What stands for a key.
pub(crate) fn hash(key: &impl Hash) -> u128 {
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
    use duramen::Value;

    use super::*;

    #[test]
    fn a_key_is_new_once() {
        let mut keys = Keys::default();
        let met = ["a", "b", "a"].map(|text| keys.meet(hash(&Value::string(text))));
        assert_eq!(met, [true, true, false]);
    }
}
