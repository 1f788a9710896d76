//! An index: a list of runs in one order, read as one.
