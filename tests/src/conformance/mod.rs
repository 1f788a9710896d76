//! Conformance cases: small databases, queries and pulls with what they give, as EDN.
//!
//! `tests/conformance/README.md` says what a case is and how it is compared. Reading order:
//! [`case`] (what is read), [`place`] (where databases live), [`build`] (the databases of a case), [`run`] (the outcome),
//! [`compare`] (whether it is the expected one).

pub mod build;
pub mod case;
pub mod compare;
pub mod place;
pub mod run;
