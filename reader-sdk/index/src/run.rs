//! A run: one sorted sequence of records in one order, in memory or as a tree.
