//! The log in the bucket: where its segments are listed, and how it is read from the first
//! transaction on.
//!
//! A checkpoint lists the youngest segments itself. Full lists go out into *log indexes*, immutable
//! objects of references; full lists of these go out in the same way. So what a checkpoint says
//! of the log does not grow with it, and any transaction is found in a few reads.
//!
//! ```text
//! checkpoint   log indexes ──┬──> level 1 ──┬──> level 0 ──┬──> segment
//!                            │              └──> level 0   └──> segment
//!                            └──> level 0 ─────> …
//!              segments ───────> the youngest
//! ```

mod cursor;
mod fold;
mod index;
mod walk;

pub use cursor::LogCursor;
pub use fold::{ENTRIES_TARGET, fold};
pub use index::{LogIndex, LogIndexRef, UnpublishedLogIndex};

pub(crate) use index::after;
pub(crate) use walk::{LogWalk, Step};
