//! How much is asked of a store at once.

use crate::Pointer;

/// How much is asked of a store at once: a matter of how far away it is.
///
/// A request to a bucket takes about 25 ms before the first byte comes, in which a connection of
/// 85 MB/s would have brought 2 MB. That is what a request costs where connections are scarce.
/// Where many run at the same time, they share the bandwidth of the machine, and bytes that nobody
/// wanted are what costs. The defaults lie between: a gap is read over if it takes a connection
/// less than a quarter of a request's delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetching {
    /// Nodes that are at most so far apart in one pack, in bytes, are read with one request.
    pub gap_bytes_max: u64,
    /// How much one request reads at most, in bytes, if it reads more than one node.
    pub request_bytes_max: u64,
    /// How much a scan has fetched ahead or under way at most, in bytes as stored, for each run
    /// that it reads. One node may be larger.
    pub ahead_bytes_max: u64,
}

impl Fetching {
    /// For buckets. Four requests of a scan are under way at once, each of which spends two thirds
    /// of its time on bytes.
    pub const FAR: Self =
        Self { gap_bytes_max: 512 << 10, request_bytes_max: 4 << 20, ahead_bytes_max: 16 << 20 };
    /// For folders and memory, where a request costs some 20 us.
    pub const NEAR: Self =
        Self { gap_bytes_max: 64 << 10, request_bytes_max: 4 << 20, ahead_bytes_max: 4 << 20 };

    /// What suits a store, by its URL.
    #[must_use]
    pub fn for_place(url: &str) -> Self {
        let is_near = ["file:", "memory:"].iter().any(|scheme| url.starts_with(scheme));
        if is_near { Self::NEAR } else { Self::FAR }
    }

    /// Groups nodes, sorted by place, into stretches that are worth one request each.
    pub(crate) fn coalesce<'a>(
        &self,
        pointers: impl Iterator<Item = &'a Pointer>,
    ) -> Vec<Vec<Pointer>> {
        let mut stretches: Vec<Vec<Pointer>> = Vec::new();
        for pointer in pointers {
            match stretches.last_mut().filter(|stretch| self.joins(stretch, pointer)) {
                Some(stretch) => stretch.push(pointer.clone()),
                None => stretches.push(vec![pointer.clone()]),
            }
        }
        stretches
    }

    fn joins(&self, stretch: &[Pointer], pointer: &Pointer) -> bool {
        let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { return false };
        first.pack == pointer.pack
            && pointer.offset.saturating_sub(end(last)) <= self.gap_bytes_max
            && end(pointer).saturating_sub(first.offset) <= self.request_bytes_max
    }
}

/// Where in its pack a node ends.
pub(crate) fn end(pointer: &Pointer) -> u64 {
    pointer.offset.saturating_add(u64::from(pointer.length))
}

#[cfg(test)]
mod tests {
    use duramen_model::T;

    use super::*;
    use crate::NodeHash;

    fn pointer(pack: &str, offset: u64, length: u32) -> Pointer {
        Pointer {
            pack: pack.to_owned(),
            offset,
            length,
            hash: NodeHash::of(&offset.to_le_bytes()),
            records: 1,
            net: 1,
            t_min: T::GENESIS,
            t_max: T::GENESIS,
        }
    }

    #[test]
    fn stretches_end_at_gaps_and_at_packs_and_when_they_are_long() {
        let fetching = Fetching { gap_bytes_max: 10, request_bytes_max: 100, ahead_bytes_max: 0 };
        let pointers = [
            pointer("a", 0, 40),
            pointer("a", 50, 40),
            pointer("a", 90, 20),
            pointer("a", 121, 500),
            pointer("b", 621, 1),
        ];
        let offsets: Vec<Vec<u64>> = fetching
            .coalesce(pointers.iter())
            .iter()
            .map(|stretch| stretch.iter().map(|pointer| pointer.offset).collect())
            .collect();
        assert_eq!(offsets, [vec![0, 50], vec![90], vec![121], vec![621]]);
    }

    #[test]
    fn buckets_are_far() {
        assert_eq!(Fetching::for_place("s3://bucket"), Fetching::FAR);
        assert_eq!(Fetching::for_place("https://host/x"), Fetching::FAR);
        assert_eq!(Fetching::for_place("file:///x"), Fetching::NEAR);
    }
}
