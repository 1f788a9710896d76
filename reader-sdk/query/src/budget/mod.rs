//! How far a query may go: limits, and what keeps to them.
//!
//! Nothing here reads a clock of its own: the application lends one, or a token to cancel with.

mod cancel;
mod clock;
mod limits;
mod meter;

pub use cancel::CancelToken;
pub use clock::Clock;
pub use limits::{Budget, Limits};
pub(crate) use meter::{CHECK_EVERY, Fetched, Meter};
