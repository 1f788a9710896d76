//! Sorted facts: records, nodes, runs, cursors, merge.
//!
//! This crate knows how facts are kept sorted, in memory and as trees of nodes in packs. It
//! refuses to know the network (bytes come through a [`duramen_store::ReadStore`]), transactions
//! and time: what a tree is for is decided above.
//!
//! Reading order: [`record`] (what is kept), [`range`](mod@range) (what is asked for), [`run`]
//! (where it is kept), [`index`] (several runs as one), [`cursor`] (how they are read), [`node`]
//! (what a tree is made of), [`nodes`] (where nodes come from), [`pack`] (where they go),
//! [`merge`](mod@merge) (how runs become one).

mod at_hand;
pub mod audit;
mod blobs;
mod branch;
pub mod builder;
pub mod cache;
pub mod census;
mod chunk;
mod count;
pub mod cursor;
pub mod error;
mod fences;
mod fetch;
pub mod fetching;
pub mod index;
mod inlined;
mod input;
mod ints;
mod key;
mod keys;
pub mod large;
pub mod leaf;
mod leaving;
pub mod live;
mod load;
pub mod memory;
pub mod merge;
pub mod node;
pub mod nodes;
pub mod options;
pub mod pack;
mod pending_values;
mod picks;
mod pieces;
pub mod pointer;
pub mod range;
pub mod record;
pub mod run;
mod separator;
mod slice;
mod sought;
mod stretch;
mod table;
#[cfg(test)]
mod tests;
pub mod times;
pub mod tops;
pub mod unsorted;
mod v1;
pub mod value_ref;
pub mod values;
mod walk;
mod wire;

pub use at_hand::AtHand;
pub use builder::TreeBuilder;
pub use cache::NodeCache;
pub use census::for_each_node;
pub use cursor::Cursor;
pub use error::IndexError;
pub use fetching::Fetching;
pub use index::Index;
pub use large::StoredValue;
pub use leaf::Leaf;
pub use live::LiveBytes;
pub use memory::MemoryRun;
pub use merge::{MergedRun, merge};
pub use nodes::{NodeCaches, NodeStats, Nodes};
pub use options::NodeOptions;
pub use pack::{Pack, PackWriter};
pub use picks::Picks;
pub use pointer::{NodeHash, Pointer, Tree};
pub use range::KeyRange;
pub use record::{Layer, Record, State};
pub use run::{Run, TreeRun};
pub use slice::Slice;
pub use sought::Keys;
pub use stretch::Stretch;
pub use times::Times;
pub use tops::highest_nodes;
pub use unsorted::UnsortedCursor;
pub use value_ref::ValueRef;
pub use values::{Values, check_storable};
