//! What a pull shows, case by case.

mod parsing;
