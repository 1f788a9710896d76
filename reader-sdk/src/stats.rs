//! What reading has cost.

use std::fmt;
use std::ops::Sub;

use duramen_index::NodeStats;
use duramen_store::observed::Counts;

/// What a connection has cost since it was opened; the difference of two is the cost between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// GETs: objects and stretches of objects that were asked for, absent ones included.
    pub gets: u64,
    /// Listings.
    pub lists: u64,
    /// Bytes that came back.
    pub bytes: u64,
    /// Nodes that were in memory, or on their way already.
    pub node_hits: u64,
    /// Nodes that were in the disk cache.
    pub node_disk_hits: u64,
    /// Nodes that were fetched.
    pub node_loads: u64,
}

impl Stats {
    pub(crate) const fn new(counts: Counts, nodes: NodeStats) -> Self {
        Self {
            gets: counts.reads(),
            lists: counts.lists,
            bytes: counts.bytes_read,
            node_hits: nodes.hits + nodes.joined,
            node_disk_hits: nodes.disk_hits,
            node_loads: nodes.loads,
        }
    }
}

/// Never below zero.
impl Sub for Stats {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            gets: self.gets.saturating_sub(earlier.gets),
            lists: self.lists.saturating_sub(earlier.lists),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            node_hits: self.node_hits.saturating_sub(earlier.node_hits),
            node_disk_hits: self.node_disk_hits.saturating_sub(earlier.node_disk_hits),
            node_loads: self.node_loads.saturating_sub(earlier.node_loads),
        }
    }
}

/// As in `3 GETs, 1 listing, 41.2 KiB, 5 of 7 nodes from the cache`.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GET{}", self.gets, plural(self.gets))?;
        if self.lists > 0 {
            write!(f, ", {} listing{}", self.lists, plural(self.lists))?;
        }
        write!(f, ", {:.1} KiB", self.bytes as f64 / 1024.0)?;
        let nodes = self.node_hits + self.node_disk_hits + self.node_loads;
        if nodes > 0 {
            write!(f, ", {} of {nodes} node{} from the cache", self.node_hits, plural(nodes))?;
        }
        if self.node_disk_hits > 0 {
            write!(f, ", {} from the disk", self.node_disk_hits)?;
        }
        Ok(())
    }
}

const fn plural(number: u64) -> &'static str {
    if number == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_reads_like_a_sentence() {
        let before = Stats { gets: 4, bytes: 1000, ..Stats::default() };
        let after = Stats { gets: 5, lists: 1, bytes: 2536, node_hits: 5, node_loads: 2, ..before };
        let cost = (after - before).to_string();
        assert_eq!(cost, "1 GET, 1 listing, 1.5 KiB, 5 of 7 nodes from the cache");
        let cost = Stats { node_disk_hits: 3, ..after - before }.to_string();
        let expected = "1 GET, 1 listing, 1.5 KiB, 5 of 10 nodes from the cache, 3 from the disk";
        assert_eq!(cost, expected);
        assert_eq!((before - after).to_string(), "0 GETs, 0.0 KiB");
    }
}
