//! A set of pairs of numbers.

use super::row_index::bucket;

/// A set of pairs of numbers. Pairs that agree in the first number and are near each other in the
/// second share a block of 64 bits, so that sets of many pairs stay small.
#[derive(Debug, Clone, Default)]
pub(super) struct PairSet {
    /// A power of two of them, at most three quarters in use.
    blocks: Vec<Block>,
    used: usize,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    first: i64,
    /// The second numbers without their last six bits.
    second: i64,
    /// Not used if 0.
    bits: u64,
}

const BLOCKS_MIN: usize = 16;
const UNUSED: Block = Block { first: 0, second: 0, bits: 0 };

impl PairSet {
    /// Adds a pair. Whether it is new.
    pub(super) fn insert(&mut self, first: i64, second: i64) -> bool {
        if self.used * 4 >= self.blocks.len() * 3 {
            self.grow();
        }
        let bit = 1 << (second & 63);
        let block = Block { first, second: second >> 6, bits: bit };
        let place = self.place(&block);
        let known = &mut self.blocks[place];
        if known.bits == 0 {
            *known = block;
            self.used += 1;
            return true;
        }
        let is_new = known.bits & bit == 0;
        known.bits |= bit;
        is_new
    }

    /// Whether a pair is in it.
    pub(super) fn contains(&self, first: i64, second: i64) -> bool {
        let bit = 1 << (second & 63);
        let block = Block { first, second: second >> 6, bits: bit };
        !self.blocks.is_empty() && self.blocks[self.place(&block)].bits & bit != 0
    }

    /// Where a block is, or would be.
    fn place(&self, block: &Block) -> usize {
        let hash = (block.first as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let hash = (hash.rotate_left(23) ^ block.second as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let last = self.blocks.len() - 1;
        let mut place = bucket(hash, self.blocks.len());
        loop {
            let known = &self.blocks[place];
            if known.bits == 0 || (known.first == block.first && known.second == block.second) {
                return place;
            }
            place = (place + 1) & last;
        }
    }

    fn grow(&mut self) {
        let blocks = (self.blocks.len() * 2).max(BLOCKS_MIN);
        for block in std::mem::replace(&mut self.blocks, vec![UNUSED; blocks]) {
            if block.bits != 0 {
                let place = self.place(&block);
                self.blocks[place] = block;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(pairs in prop::collection::vec(
            (prop_oneof![-3_i64..3, any::<i64>()], prop_oneof![-200_i64..200, any::<i64>()]), 0..400)
        ) {
            let (mut set, mut expected) = (PairSet::default(), HashSet::new());
            for (first, second) in pairs {
                prop_assert_eq!(set.contains(first, second), expected.contains(&(first, second)));
                prop_assert_eq!(set.insert(first, second), expected.insert((first, second)));
                prop_assert!(set.contains(first, second));
            }
        }
    }
}
