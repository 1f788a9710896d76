//! The engine and a naive evaluator agree on generated data and queries, in memory and stored.

mod check;

use check::case::{Tally, ask_world};

/// Always the same ones; the `agreement` program of the tests goes on with others.
const SEED: u64 = 1;

/// Asks so many queries of each of some worlds.
fn agree(worlds: std::ops::Range<u64>, queries: u64) -> Tally {
    let mut tally = Tally::default();
    for world in worlds {
        let difference = ask_world(SEED, world, 0..queries, &mut tally);
        assert!(difference.is_none(), "{}", difference.unwrap_or_default());
    }
    tally
}

#[test]
fn the_engine_agrees_with_the_naive_evaluator() {
    let tally = agree(0..40, 15);
    let asked = tally.agreed + tally.refused + tally.too_large;
    assert!(tally.agreed * 2 > asked, "{tally}");
    assert!(tally.with_rows * 4 > tally.agreed, "{tally}");
}
