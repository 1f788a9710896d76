//! The database: transactions folded into an immutable value that is read at any time.
//!
//! This crate knows what a database is: roots, checkpoints and segments in a bucket, the
//! transactions since, and the views of them. It refuses to know who writes (there is no clock,
//! randomness or network service here) and how queries are answered.
//!
//! Reading order: [`tx_record`] (what happened), [`db`] (the value), [`selection`] (what is asked
//! of it), [`resolve`] (how a transaction comes to be what happened); then how it is kept:
//! [`root`], [`segment`], [`log`], [`checkpoint`] and [`pack_list`], [`claim`] and [`head`]; and how it is
//! opened: [`catalog`], [`snapshot`]; how it is kept small: [`merge`](mod@merge); and how it is
//! proved to be whole: [`verify`](mod@verify).

pub mod catalog;
pub mod checkpoint;
pub mod checkpoint_run;
pub mod claim;
pub mod column_cursor;
pub mod columns;
pub mod cursor;
pub mod db;
pub mod entity_ref;
pub mod error;
pub mod head;
pub mod limits;
pub mod log;
pub mod logged_tx;
pub mod merge;
pub mod next_ids;
pub mod pack_list;
pub mod resolve;
pub mod root;
pub mod segment;
pub mod selection;
pub mod snapshot;
pub mod source;
pub mod tx_record;
pub mod verify;

mod facts;
mod malformed;
mod reads;
mod recent;
#[cfg(test)]
mod tests;
mod together;
mod value_codec;
mod window;

pub use catalog::{Catalog, NumberedClaim};
pub use checkpoint::{Checkpoint, UnpublishedCheckpoint};
pub use checkpoint_run::{CheckpointRun, RunId};
pub use claim::Claim;
pub use column_cursor::ColumnCursor;
pub use columns::{Columns, Part, Texts, ValueColumn, ValueRef};
pub use cursor::DatomCursor;
pub use db::{Db, DbIdentity};
// What is read is said in their terms.
pub use duramen_index::{KeyRange, Keys};
pub use entity_ref::{AttributeRef, EntityRef};
pub use error::DbError;
pub use log::{LogCursor, LogIndex, LogIndexRef};
pub use logged_tx::{LogSum, LoggedTx};
pub use merge::{
    CheckpointOptions, MergeInput, MergePlan, MergePolicy, Merged, merge, write_checkpoint,
};
pub use next_ids::NextIds;
pub use pack_list::{PackList, PackUse, RunPacksRef};
pub use root::{CheckpointRef, Floor, OpenedRoot, RequestWindow, Root, RootPlace, Writer};
pub use segment::{SegmentRef, UnpublishedSegment};
pub use selection::{Selection, Values};
pub use snapshot::Snapshot;
pub use source::Location;
pub use tx_record::{Change, TxRecord};
pub use verify::verify;
