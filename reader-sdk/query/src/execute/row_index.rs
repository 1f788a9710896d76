//! Rows by hash.

/// Rows by hash: a chain of row numbers for each bucket, which grows with the rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowIndex {
    /// For each bucket one more than the newest row in it, 0 for none. A power of two of them.
    newest: Vec<u32>,
    rows: Vec<Link>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    hash: u64,
    /// One more than the row before in the chain, 0 at the end.
    before: u32,
}

const BUCKETS_MIN: usize = 16;

impl RowIndex {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        let buckets = rows.next_power_of_two().max(BUCKETS_MIN);
        Self { newest: vec![0; buckets], rows: Vec::with_capacity(rows) }
    }

    /// An index of rows with these hashes.
    pub(crate) fn of_hashes(hashes: &[u64]) -> Self {
        let mut index = Self::with_capacity(hashes.len());
        hashes.iter().for_each(|hash| index.push(*hash));
        index
    }

    /// Takes in the next row.
    ///
    /// # Panics
    /// Beyond 2^32 rows, which no limit of rows lets through.
    pub(crate) fn push(&mut self, hash: u64) {
        if self.rows.len() >= self.newest.len() {
            self.grow();
        }
        let bucket = bucket(hash, self.newest.len());
        self.rows.push(Link { hash, before: self.newest[bucket] });
        self.newest[bucket] = u32::try_from(self.rows.len()).expect("fewer rows than the limit");
    }

    fn grow(&mut self) {
        self.newest = vec![0; (self.newest.len() * 2).max(BUCKETS_MIN)];
        for row in 0..self.rows.len() {
            let bucket = bucket(self.rows[row].hash, self.newest.len());
            self.rows[row].before = self.newest[bucket];
            self.newest[bucket] = row as u32 + 1;
        }
    }

    /// The rows that have a hash, the newest first.
    pub(crate) fn candidates(&self, hash: u64) -> impl Iterator<Item = usize> + '_ {
        let newest = self.newest.get(bucket(hash, self.newest.len())).copied().unwrap_or(0);
        let chain = std::iter::successors(newest.checked_sub(1), |&row| {
            self.rows[row as usize].before.checked_sub(1)
        });
        chain.map(|row| row as usize).filter(move |row| self.rows[*row].hash == hash)
    }
}

/// Which of so many buckets, a power of two of them, a hash goes to: by its highest bits, which are
/// the best mixed ones.
pub(super) const fn bucket(hash: u64, buckets: usize) -> usize {
    hash.unbounded_shr(u64::BITS - buckets.trailing_zeros()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_numbers_in_a_row_go_to_different_buckets() {
        let column = super::super::column::Column::Longs((0..1024).collect());
        let hashes = super::super::column::hashes(&[&column], 1024);
        let mut used = vec![0; 1024];
        hashes.iter().for_each(|hash| used[bucket(*hash, 1024)] += 1);
        assert!(used.iter().all(|rows| *rows <= 8), "{used:?}");
    }

    #[test]
    fn an_index_chains_the_rows_of_a_hash_and_grows() {
        let hashes: Vec<u64> = (0..100).map(|row| (row % 7) << 33).collect();
        let index = RowIndex::of_hashes(&hashes);
        let mut grown = RowIndex::default();
        assert_eq!(grown.candidates(0).next(), None);
        hashes.iter().for_each(|hash| grown.push(*hash));
        let expected: Vec<usize> = (0..100).rev().filter(|row| row % 7 == 3).collect();
        assert_eq!(index.candidates(3 << 33).collect::<Vec<_>>(), expected);
        assert_eq!(grown.candidates(3 << 33).collect::<Vec<_>>(), expected);
        assert_eq!(index.candidates(9 << 33).next(), None);
    }
}
