//! What a query means: nested loops over sets of facts.

use std::collections::{BTreeMap, BTreeSet};

use duramen_model::Value;

use crate::language::{Clause, Generated, Term, Var, rules};

/// A fact `e a v t op`, or a row of a plain relation.
pub(crate) type Row = Vec<Value>;
type Bindings = BTreeMap<Var, Value>;

/// What queries are asked of.
pub(crate) struct Facts {
    /// The entities that idents name.
    pub(crate) names: BTreeMap<&'static str, Value>,
    pub(crate) sources: [Vec<Row>; 2],
}

struct Evaluator<'f> {
    facts: &'f Facts,
    /// The answers of the rules so far.
    relations: BTreeMap<&'static str, BTreeSet<Row>>,
}

/// The bindings of the query's variables that satisfy all of its clauses.
pub(crate) fn answer(facts: &Facts, query: &Generated) -> BTreeSet<Row> {
    let mut evaluator = Evaluator { facts, relations: BTreeMap::new() };
    evaluator.close();
    let mut start = vec![Bindings::new()];
    for (var, values) in &query.given {
        start = start
            .iter()
            .flat_map(|bindings| values.iter().filter_map(|value| extend(bindings, *var, value)))
            .collect();
    }
    let vars = query.vars();
    start
        .iter()
        .flat_map(|bindings| evaluator.all(&query.clauses, bindings))
        .map(|bindings| vars.iter().map(|var| bindings[var].clone()).collect())
        .collect()
}

fn extend(bindings: &Bindings, var: Var, value: &Value) -> Option<Bindings> {
    match bindings.get(&var) {
        Some(own) if own != value => None,
        Some(_) => Some(bindings.clone()),
        None => {
            let mut bindings = bindings.clone();
            bindings.insert(var, value.clone());
            Some(bindings)
        }
    }
}

/// What can bind comes first; tests and negations come last, when everything is bound.
fn rank(clause: &Clause) -> u8 {
    match clause {
        Clause::Pattern(..) | Clause::Rule(..) => 0,
        Clause::Or(_) | Clause::OrJoin(..) => 1,
        Clause::Function(..) => 2,
        Clause::Predicate(..) => 3,
        Clause::Not(_) | Clause::NotJoin(..) => 4,
    }
}

impl Evaluator<'_> {
    /// Computes all answers of all rules, by asking again until nothing is new.
    fn close(&mut self) {
        let rules = rules();
        // Negation comes last, over rules that are complete.
        let (negating, plain): (Vec<_>, Vec<_>) =
            rules.iter().partition(|rule| rule.name == "dead-end");
        for stratum in [plain, negating] {
            loop {
                let mut grown = false;
                for rule in &stratum {
                    for body in &rule.bodies {
                        for bindings in self.all(body, &Bindings::new()) {
                            let row = rule.head.iter().map(|var| bindings[var].clone()).collect();
                            grown |= self.relations.entry(rule.name).or_default().insert(row);
                        }
                    }
                }
                if !grown {
                    break;
                }
            }
        }
    }

    fn all(&self, clauses: &[Clause], bindings: &Bindings) -> Vec<Bindings> {
        let mut clauses: Vec<&Clause> = clauses.iter().collect();
        let mut found = vec![bindings.clone()];
        while !found.is_empty() && !clauses.is_empty() {
            let waits = |clause: &Clause| match clause {
                // One function may need what another gives.
                Clause::Function(_, terms, _) => self.values(terms, &found[0]).len() < terms.len(),
                _ => false,
            };
            let next = (0..clauses.len()).min_by_key(|&at| (waits(clauses[at]), rank(clauses[at])));
            let clause = clauses.remove(next.expect("there are clauses left"));
            found = found.iter().flat_map(|bindings| self.one(clause, bindings)).collect();
        }
        found
    }

    fn one(&self, clause: &Clause, bindings: &Bindings) -> Vec<Bindings> {
        match clause {
            Clause::Pattern(source, terms) => {
                let rows = &self.facts.sources[*source];
                rows.iter().filter_map(|row| self.unify(terms, row, bindings)).collect()
            }
            Clause::Rule(name, terms) => {
                let rows = self.relations.get(name).into_iter().flatten();
                rows.filter_map(|row| self.unify(terms, row, bindings)).collect()
            }
            Clause::Predicate(name, terms) => {
                let values: Vec<Value> = self.values(terms, bindings);
                if holds(name, &values) { vec![bindings.clone()] } else { Vec::new() }
            }
            Clause::Function(name, terms, var) => {
                let value = apply(name, &self.values(terms, bindings));
                value.and_then(|value| extend(bindings, *var, &value)).into_iter().collect()
            }
            Clause::Or(branches) => {
                branches.iter().flat_map(|branch| self.all(branch, bindings)).collect()
            }
            Clause::OrJoin(vars, branches) => {
                let inner = restricted(bindings, vars);
                let found = branches.iter().flat_map(|branch| self.all(branch, &inner));
                found.map(|found| merged(bindings, &found, vars)).collect()
            }
            Clause::Not(clauses) => self.unless(clauses, bindings, bindings),
            Clause::NotJoin(vars, clauses) => {
                self.unless(clauses, &restricted(bindings, vars), bindings)
            }
        }
    }

    fn unless(&self, clauses: &[Clause], inner: &Bindings, outer: &Bindings) -> Vec<Bindings> {
        if self.all(clauses, inner).is_empty() { vec![outer.clone()] } else { Vec::new() }
    }

    fn unify(&self, terms: &[Term], row: &Row, bindings: &Bindings) -> Option<Bindings> {
        if row.len() < terms.len() {
            return None;
        }
        terms.iter().zip(row).try_fold(bindings.clone(), |bindings, (term, value)| match term {
            Term::Blank => Some(bindings),
            Term::Var(var) => extend(&bindings, *var, value),
            other => (self.value(other, &bindings).as_ref() == Some(value)).then_some(bindings),
        })
    }

    fn value(&self, term: &Term, bindings: &Bindings) -> Option<Value> {
        match term {
            Term::Blank => None,
            Term::Var(var) => bindings.get(var).cloned(),
            Term::Constant(value) => Some(value.clone()),
            Term::Named(name) => self.facts.names.get(name).cloned(),
        }
    }

    fn values(&self, terms: &[Term], bindings: &Bindings) -> Vec<Value> {
        terms.iter().filter_map(|term| self.value(term, bindings)).collect()
    }
}

fn restricted(bindings: &Bindings, vars: &[Var]) -> Bindings {
    bindings.iter().filter(|(var, _)| vars.contains(var)).map(|(v, w)| (*v, w.clone())).collect()
}

fn merged(outer: &Bindings, inner: &Bindings, vars: &[Var]) -> Bindings {
    let mut merged = outer.clone();
    merged.extend(restricted(inner, vars));
    merged
}

fn holds(name: &str, values: &[Value]) -> bool {
    let [a, b] = values else { return false };
    match name {
        "=" => a == b,
        "not=" => a != b,
        "<" => a < b,
        ">=" => a >= b,
        other => unreachable!("no predicate {other}"),
    }
}

fn apply(name: &str, values: &[Value]) -> Option<Value> {
    match (name, values) {
        ("inc", [Value::Long(number)]) => Some(Value::Long(number + 1)),
        ("identity", [value]) => Some(value.clone()),
        _ => None,
    }
}
