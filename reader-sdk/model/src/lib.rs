//! The domain values of Duramen: datom, value, entity, attribute, schema, EDN.
//!
//! This crate knows what a fact is and how it is written down. It refuses to know where facts are
//! kept: there is no I/O here, no async, no clock and no randomness.
//!
//! Reading order: [`entity`] (who), [`value`] (what), [`datom`] (the fact), [`attribute`] and
//! [`schema`] (what a fact may say), [`edn`] (how all of it is written), [`builtin`] (what every
//! database is born with).

pub mod attribute;
pub mod builtin;
pub mod datom;
pub mod edn;
pub mod entity;
pub mod instant;
pub mod schema;
pub mod symbol;
pub mod value;

pub use attribute::{Attribute, Cardinality, Unique};
pub use datom::{Datom, Order};
pub use edn::{Edn, Form, Span};
pub use entity::{AttributeId, EntityId, T};
pub use instant::Instant;
pub use schema::Schema;
pub use symbol::{Keyword, Symbol};
pub use value::{Value, ValueType};
