//! Queries: which clauses, over which variables.
//!
//! Each variable prefers values of one type, so that joins find something; now and then a clause
//! uses one of another type all the same.

mod calls;
mod finds;
mod inputs;
mod patterns;

use duramen_model::ValueType;

use super::attributes::ATTRIBUTES;
use super::language::{Clause, Find, Query, SOURCE_COUNT, Term, VARS, Var};
use super::random::Random;
use super::views::View;

/// What a query is generated with.
struct Maker<'r> {
    random: &'r mut Random,
    /// The types that variables prefer.
    types: [ValueType; VARS],
    /// How many of the variables are used.
    vars: usize,
    /// The database behind each source; the relation has none.
    databases: [usize; SOURCE_COUNT],
    /// Whether `get-else` and the like know what the first value is.
    history: [bool; SOURCE_COUNT],
    /// Queries within queries that are being made.
    depth: usize,
}

const VALUE_TYPES: [ValueType; 17] = [
    ValueType::Long,
    ValueType::Long,
    ValueType::Long,
    ValueType::Long,
    ValueType::String,
    ValueType::String,
    ValueType::Double,
    ValueType::Keyword,
    ValueType::Instant,
    ValueType::BigInt,
    ValueType::BigDec,
    ValueType::Float,
    ValueType::Uuid,
    ValueType::Uri,
    ValueType::Symbol,
    ValueType::Bytes,
    ValueType::Tuple,
];

/// Queries within queries within queries.
const DEPTH_MAX: usize = 3;

/// A query over some views.
pub(crate) fn any_query(random: &mut Random, views: &[View]) -> Query {
    let any = |random: &mut Random| {
        let first = if random.percent(50) { 0 } else { random.below(views.len()) };
        [first, random.below(views.len()), random.below(views.len())]
    };
    let asked: Vec<[usize; 3]> = match random.percent(15) {
        true => (0..3).map(|_| any(random)).collect(),
        false => vec![any(random)],
    };
    let types = std::array::from_fn(|at| match at {
        0..3 => ValueType::Ref,
        _ => random.pick(&VALUE_TYPES),
    });
    let [first, second, third] = asked[0].map(|view| views[view]);
    let first = [first, second, View::default(), third];
    let mut maker = Maker {
        vars: 3 + random.below(4),
        random,
        types,
        databases: first.map(|view| view.database),
        history: first.map(|view| view.history),
        depth: 0,
    };
    let clauses = maker.clauses();
    let given = maker.given(&clauses);
    let rule_sets = 1 + maker.random.below(2);
    let mut query = Query { find: Find::default(), given, clauses, rule_sets, views: asked };
    let vars = query.vars();
    query.find = maker.find(&vars);
    query
}

impl Maker<'_> {
    fn clauses(&mut self) -> Vec<Clause> {
        let mut clauses = match self.random.percent(12) {
            true => self.cycle(),
            false => vec![self.data()],
        };
        for _ in 0..self.random.below(5).min(self.random.below(6)) {
            let more = self.clause(&clauses);
            clauses.extend(more);
        }
        clauses
    }

    fn clause(&mut self, before: &[Clause]) -> Vec<Clause> {
        match self.random.weighted(&[50, 10, 6, 6, 14, 7, 5, 9, 3]) {
            0 => vec![self.data()],
            1 => vec![self.rule()],
            2 => vec![self.or()],
            3 => vec![self.or_join(before)],
            4 => self.test(before),
            5 => vec![self.function(before)],
            6 => vec![self.get(before)],
            7 => vec![self.negation(before)],
            _ => vec![self.nested(before)],
        }
    }

    fn any_var(&mut self) -> Var {
        self.random.below(self.vars)
    }

    fn var_of(&mut self, of: ValueType) -> Var {
        let own: Vec<Var> = (0..self.vars).filter(|var| self.types[*var] == of).collect();
        if own.is_empty() || self.random.percent(4) {
            return self.any_var();
        }
        self.random.pick(&own)
    }

    /// A variable that is bound by other clauses.
    fn bound(&mut self, before: &[Clause]) -> Var {
        let mut vars = Vec::new();
        before.iter().for_each(|clause| clause.binds(&mut vars));
        if vars.is_empty() || self.random.percent(3) {
            return self.any_var();
        }
        self.random.pick(&vars)
    }

    /// Branches that use the same variables: one pattern with its attribute exchanged.
    fn or(&mut self) -> Clause {
        let (e, of) = (self.var_of(ValueType::Ref), self.random.pick(&VALUE_TYPES));
        let of = if self.random.percent(50) { ValueType::Ref } else { of };
        let v = self.var_of(of);
        let count = 1 + self.random.below(3);
        let branches = (0..count).map(|_| {
            let attribute = self.attribute();
            let source = self.other_source(20);
            let (e, v) = (Term::Var(e), Term::Var(v));
            let mut branch = match self.random.percent(12) {
                true => vec![Clause::Rule(source, "right", vec![e, v])],
                false => vec![Clause::Pattern(source, vec![e, Term::Named(attribute.name), v])],
            };
            if self.random.percent(20) {
                branch.extend(self.test(&branch.clone()));
            }
            branch
        });
        Clause::Or(branches.collect())
    }

    fn or_join(&mut self, before: &[Clause]) -> Clause {
        let first = self.any_var();
        let needed = match self.random.percent(25) {
            true => vec![self.bound(before)],
            false => Vec::new(),
        };
        let mut vars = vec![first];
        if self.random.percent(60) {
            vars.push(self.any_var());
        }
        vars.retain(|var| !needed.contains(var));
        vars.dedup();
        if vars.is_empty() {
            return self.or();
        }
        let count = 1 + self.random.below(3);
        let branches = (0..count).map(|_| self.branch(&needed, &vars)).collect();
        Clause::OrJoin(needed, vars, branches)
    }

    /// Clauses that bind all of these variables.
    fn branch(&mut self, needed: &[Var], vars: &[Var]) -> Vec<Clause> {
        let mut branch = vec![self.data()];
        for var in vars {
            let attribute = match self.types[*var] {
                ValueType::Ref => &ATTRIBUTES[self.random.below(2)],
                of => ATTRIBUTES.iter().find(|own| own.types[0] == of).unwrap_or(&ATTRIBUTES[2]),
            };
            let e = self.entity();
            let pattern = vec![e, Term::Named(attribute.name), Term::Var(*var)];
            branch.push(Clause::Pattern(self.other_source(20), pattern));
        }
        if self.random.percent(30) {
            branch.extend(self.test(&branch.clone()));
        }
        if let [needed] = needed {
            let other = self.bound(&branch.clone());
            let name = self.random.pick(&["=", "not=", "<", ">="]);
            branch.push(Clause::Predicate(name, vec![Term::Var(*needed), Term::Var(other)]));
        }
        branch
    }

    fn negation(&mut self, before: &[Clause]) -> Clause {
        let mut inner = vec![self.data()];
        match self.random.below(6) {
            0 => inner.push(self.data()),
            1 => inner.push(self.rule()),
            2 => inner.extend(self.test(&inner.clone())),
            3 => inner.push(Clause::Not(vec![self.data()])),
            4 => inner = vec![self.rule()],
            _ => {}
        }
        match self.random.percent(60) {
            true => Clause::Not(inner),
            false => {
                let mut vars = vec![self.bound(before)];
                if self.random.percent(50) {
                    vars.push(self.bound(before));
                }
                vars.sort_unstable();
                vars.dedup();
                Clause::NotJoin(vars, inner)
            }
        }
    }
}

/// The types of numbers that the text of a query has.
const NUMBERS: [ValueType; 4] =
    [ValueType::Long, ValueType::Double, ValueType::BigInt, ValueType::BigDec];
