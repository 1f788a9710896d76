//! What a query is given.

use duramen_model::ValueType;

use super::super::attributes::{SIZE, value};
use super::super::language::{Clause, Given, Term, Var};
use super::Maker;

impl Maker<'_> {
    /// Inputs. What a rule is called with must mean the same wherever the rule uses it.
    pub(super) fn given(&mut self, clauses: &[Clause]) -> Vec<Given> {
        let mut given = Vec::new();
        if self.random.percent(70) {
            return given;
        }
        for _ in 0..=self.random.below(2) {
            let var = self.any_var();
            let taken = given.iter().flat_map(Given::vars).any(|own| own == var);
            if taken {
                continue;
            }
            let plain = in_rules(clauses, var);
            given.push(match self.random.below(5) {
                0 => Given::One(var, self.input(var, plain)),
                1 => {
                    let count = self.random.below(5);
                    Given::Some(var, (0..count).map(|_| self.input(var, plain)).collect())
                }
                kind => {
                    let other = (var + 1) % self.vars;
                    let taken = given.iter().flat_map(Given::vars).any(|own| own == other);
                    if taken || in_rules(clauses, other) {
                        continue;
                    }
                    self.given_two(kind, [var, other], plain)
                }
            });
        }
        given
    }

    /// Two variables at once.
    pub(super) fn given_two(&mut self, kind: usize, vars: [Var; 2], plain: bool) -> Given {
        let count = self.random.below(5);
        let row = |maker: &mut Self| [maker.input(vars[0], plain), maker.input(vars[1], false)];
        match kind {
            2 => Given::Pair(vars, row(self)),
            3 => {
                let group = |_| {
                    let rest = (0..self.random.below(4)).map(|_| self.input(vars[1], false));
                    let rest = rest.collect();
                    (self.input(vars[0], plain), rest)
                };
                Given::Grouped(vars, (0..count).map(group).collect())
            }
            _ => Given::Rows(vars, (0..count).map(|_| row(self)).collect()),
        }
    }

    pub(super) fn input(&mut self, var: Var, plain: bool) -> Term {
        match self.types[var] {
            of @ (ValueType::Symbol | ValueType::Float) if !plain => {
                Term::Constant(value(of, self.random.below(SIZE)))
            }
            // As a number alone an id means the same everywhere.
            _ if plain => Term::Constant(value(ValueType::Long, self.random.below(SIZE))),
            of => self.constant(of),
        }
    }
}

/// Whether a rule is called with a variable, anywhere.
fn in_rules(clauses: &[Clause], var: Var) -> bool {
    let mut calls = |clause: &Clause| match clause {
        Clause::Rule(_, _, terms) => terms.iter().any(|term| term.var() == Some(var)),
        _ => false,
    };
    clauses.iter().any(|clause| clause.any(&mut calls))
}
