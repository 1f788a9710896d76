//! The transactor: the one process that writes to the databases of a store.
//!
//! Reading order: [`publish`] (how a root comes to be), [`requests`] (how a request is applied
//! once), [`settings`] (the numbers).

pub mod clock;
pub mod publish;
pub mod random;
pub mod requests;
pub mod settings;

#[cfg(test)]
mod flaky;
