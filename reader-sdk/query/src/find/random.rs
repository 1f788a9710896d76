//! Draws for `rand` and `sample`, from a seed that the caller gives: the same seed gives the same
//! answer.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::cell::Cell;

/// SplitMix64: small, and good enough to draw rows with.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The draws for a column.
    pub(super) const fn new(seed: u64, column: usize) -> Self {
        let mut random = Self(seed ^ (column as u64).wrapping_mul(0xA076_1D64_78BD_642F));
        random.next();
        random
    }

    /// The draws for a group, whatever the order in which groups come.
    pub(super) fn of_group(&self, key: Vec<Cell>) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self(self.0 ^ hasher.finish())
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below another, which is not zero.
    pub(super) const fn below(&mut self, end: usize) -> usize {
        // The high half of the product is uniform up to one part in 2^64 / end.
        ((self.next() as u128 * end as u128) >> 64) as usize
    }
}
