//! Bulk load: a new database made right in the bucket, with no transactor in between.
//!
//! ```text
//! facts -> transactions -> segments of the log
//!       '-> rows in memory -> sorted in each order -> spills -> merged -> trees in packs
//!                                                    checkpoint, root 0, and last the claim
//! ```
//!
//! Everything is written under an id that no name means yet. The claim, which gives the database
//! its name, comes last: so after a crash there is no database, and what was written is garbage;
//! and nobody ever sees a part of it. What comes out is an ordinary database. Readers cannot tell
//! that no transactor made it, and one goes on from it.
//!
//! A load only asserts, and every fact once: the facts of an entity come with ids that are final,
//! and whatever has to look at what is there already is left to transactions. The rules that
//! transactions keep to are checked where facts that break them meet: in the sort.
//!
//! Reading order: [`load`] (what is done with facts), `schema` (what comes before them), `rows`,
//! `packed` and `attributes` (facts as they are sorted), `spill`, `spills` and `merging` (beyond
//! memory), `logging`, `trees`, `pack_list`, `checkpoint` (what is written),
//! [`finish`](mod@finish) (how it comes to be a database), [`savepoint`] (how another process goes
//! on).

mod attributes;
mod checkpoint;
pub mod error;
pub mod finish;
pub mod load;
mod logging;
mod merging;
pub mod options;
mod pack_list;
mod packed;
mod rows;
pub mod savepoint;
mod schema;
mod spill;
mod spills;
mod trees;

pub use error::BulkError;
pub use finish::{Loaded, NewDatabase};
pub use load::{BulkLoad, BulkSchema, Fact};
pub use options::{BulkOptions, Progress};
pub use savepoint::Savepoint;
