//! Which encoding of a column of integers is the smallest, as far as can be reckoned without
//! trying them all.

use std::collections::BTreeSet;

use super::bits::{packed_bytes, width_of};

/// What a nested column costs beside its integers, in bytes, roughly.
const NESTED_BYTES: usize = 6;
/// What an exception costs beside its higher bits, in bits, roughly.
const EXCEPTION_BITS: usize = 10;
/// A dictionary is worth a look from this width on, in bits.
const DICTIONARY_WIDTH_MIN: u32 = 6;

/// An encoding, with what it is made of.
pub(super) enum Choice {
    Constant(u64),
    Packed { base: u64, width: u32 },
    Patched { base: u64, width: u32 },
    Delta { first: u64, deltas: Vec<u64> },
    Runs { values: Vec<u64>, lengths: Vec<u64> },
    Dictionary { distinct: Vec<u64>, places: Vec<u64> },
}

impl Choice {
    /// The choice for a column, which may hold others or not.
    pub(super) fn of(values: &[u64], may_nest: bool) -> Self {
        let Some((first, rest)) = values.split_first() else { return Self::Constant(0) };
        if rest.iter().all(|value| value == first) {
            return Self::Constant(*first);
        }
        let frame = Frame::of(values.iter().copied());
        let packed = Self::Packed { base: frame.base, width: frame.width };
        if !may_nest {
            return packed;
        }
        let (mut best, mut bytes) = (packed, frame.packed_bytes());
        let mut offer = |cost: usize, choice: &dyn Fn() -> Self| {
            if cost < bytes {
                (best, bytes) = (choice(), cost);
            }
        };
        let (width, cost) = frame.patched();
        offer(cost, &|| Self::Patched { base: frame.base, width });
        let deltas = || values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
        let cost = Frame::of(deltas()).bytes() + NESTED_BYTES;
        offer(cost, &|| Self::Delta { first: *first, deltas: deltas().collect() });
        if let Some((repeated, lengths)) = runs(values) {
            let cost = smaller(&repeated) + smaller(&lengths) + 2 * NESTED_BYTES;
            offer(cost, &|| Self::Runs { values: repeated.clone(), lengths: lengths.clone() });
        }
        if frame.width >= DICTIONARY_WIDTH_MIN
            && let Some(distinct) = distinct(values)
        {
            let width = width_of(distinct.len() as u64 - 1);
            let cost = smaller(&distinct) + packed_bytes(values.len(), width) + 2 * NESTED_BYTES;
            let place = |value: &u64| distinct.partition_point(|own| own < value) as u64;
            offer(cost, &|| Self::Dictionary {
                distinct: distinct.clone(),
                places: values.iter().map(place).collect(),
            });
        }
        best
    }
}

/// What a column takes packed, as it is or as differences.
fn smaller(values: &[u64]) -> usize {
    let deltas = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    Frame::of(values.iter().copied()).bytes().min(Frame::of(deltas).bytes() + NESTED_BYTES)
}

/// What repeats and how often beyond once, if neighbours are alike often enough.
fn runs(values: &[u64]) -> Option<(Vec<u64>, Vec<u64>)> {
    let runs = values.chunk_by(|x, y| x == y);
    if runs.clone().count() * 2 > values.len() {
        return None;
    }
    Some(runs.map(|run| (run[0], run.len() as u64 - 1)).unzip())
}

/// The distinct integers, ascending, if they are few.
fn distinct(values: &[u64]) -> Option<Vec<u64>> {
    let mut distinct = BTreeSet::new();
    for value in values {
        distinct.insert(*value);
        if distinct.len() > values.len() / 4 {
            return None;
        }
    }
    Some(distinct.into_iter().collect())
}

/// Integers as what they are above the least of them.
pub(super) struct Frame {
    pub(super) base: u64,
    /// What the largest takes, in bits.
    pub(super) width: u32,
    count: usize,
    /// How many take how many bits.
    widths: [usize; 65],
}

impl Frame {
    pub(super) fn of(values: impl Iterator<Item = u64> + Clone) -> Self {
        // As signed or as unsigned: one of the two may lie closer together.
        let (mut low, mut high) = (u64::MAX, 0);
        let (mut low_signed, mut high_signed) = (i64::MAX, i64::MIN);
        for value in values.clone() {
            (low, high) = (low.min(value), high.max(value));
            low_signed = low_signed.min(value as i64);
            high_signed = high_signed.max(value as i64);
        }
        let span = high.wrapping_sub(low);
        let span_signed = high_signed.wrapping_sub(low_signed) as u64;
        let base = if span_signed < span { low_signed as u64 } else { low };
        let mut frame = Self { base, width: 0, count: 0, widths: [0; 65] };
        for value in values {
            frame.widths[width_of(value.wrapping_sub(base)) as usize] += 1;
            frame.count += 1;
        }
        let widest = frame.widths.iter().rposition(|count| *count > 0);
        frame.width = widest.map_or(0, |width| width as u32);
        frame
    }

    fn packed_bytes(&self) -> usize {
        packed_bytes(self.count, self.width) + width_of(self.base).div_ceil(7) as usize + 1
    }

    fn bytes(&self) -> usize {
        self.packed_bytes().min(self.patched().1)
    }

    /// The width that is best when what is wider is an exception, and the bytes that it takes.
    fn patched(&self) -> (u32, usize) {
        let mut wider = 0;
        let mut best = (self.width, usize::MAX);
        for width in (0..self.width).rev() {
            wider += self.widths[width as usize + 1];
            if wider > self.count / 4 {
                break;
            }
            let exception = EXCEPTION_BITS + (self.width - width) as usize;
            let bytes = packed_bytes(self.count, width) + (wider * exception).div_ceil(8);
            if bytes < best.1 {
                best = (width, bytes);
            }
        }
        (best.0, best.1.saturating_add(3 * NESTED_BYTES))
    }
}
