//! From forms to text.
