//! Numbers that look random and follow from a seed.

/// The SplitMix64 generator: a few instructions for 64 bits, and any seed will do.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Everything that follows depends on the two numbers alone.
    #[must_use]
    pub const fn new(seed: u64, n: u64) -> Self {
        Self(mix(seed ^ mix(n)))
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number under a bound, each about as likely.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// A number under a bound, the small ones likelier, as names and cities are.
    pub fn low_below(&mut self, bound: u64) -> u64 {
        let first = self.below(bound);
        first.min(self.below(bound))
    }

    /// Whether something happens that does so in some per cent of the cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// A bijection of 64-bit numbers that leaves no pattern.
#[must_use]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
