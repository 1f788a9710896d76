//! Generated queries over generated databases, answered by the engine and by a naive evaluator.
//!
//! A seed and two numbers make a case: a world (two databases with schemas of their own, their
//! pasts, how each is split between checkpoint, runs, segments and tail, what is speculated on top,
//! and a plain relation) and a query. Reading order: [`attributes`] and [`world`] (data), [`bucket`]
//! (how it is stored), [`views`] (what a view shows), [`language`] and [`rules`] (queries),
//! [`generate`] (which ones), [`naive`] (what clauses mean: nested loops over facts, one rule for
//! each kind), [`functions`] (what calls give), [`answer`] (what is made of the rows), [`case`] (asking both),
//! [`shrink`](mod@shrink) (making a failing case small).

mod answer;
mod attributes;
mod bucket;
pub(crate) mod case;
mod functions;
mod generate;
mod language;
mod naive;
mod nested;
mod random;
mod rules;
mod shrink;
mod views;
mod world;
