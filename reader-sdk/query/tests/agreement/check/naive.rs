//! What clauses mean: nested loops over facts, one rule for each kind of clause.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use duramen_model::{EntityId, Keyword, T, Value, ValueType};

use super::functions::{Fails, apply, as_type, holds};
use super::language::{Bind, Clause, Query, SOURCE_COUNT, Term, VARS, Var};
use super::nested::nested;
use super::rules::{Rule, rules};
use super::views::{Row, Source, long};

/// The question is too large, or nothing that can be answered here.
#[derive(Debug)]
pub(crate) struct GivesUp;

pub(crate) type Outcome<T> = Result<T, GivesUp>;

/// A value for each variable.
pub(crate) type Bindings = Vec<Option<Value>>;

type Relation = Rc<BTreeSet<Row>>;

/// The answers of the rules.
pub(crate) type Relations = BTreeMap<&'static str, Relation>;

/// Bindings that are looked at for one query.
const BINDINGS_MAX: usize = 40_000;

pub(crate) struct Evaluator<'w> {
    pub(crate) sources: [&'w Source; SOURCE_COUNT],
    /// What variables that inputs bind were given: these name entities and take other types.
    pub(crate) given: [bool; VARS],
    /// What the rules have given so far, while their answers are computed.
    partial: Option<&'w RefCell<Relations>>,
    looked_at: Rc<Cell<usize>>,
}

impl<'w> Evaluator<'w> {
    pub(crate) fn new(sources: [&'w Source; SOURCE_COUNT]) -> Self {
        Self { sources, given: [false; VARS], partial: None, looked_at: Rc::default() }
    }

    /// The same for a query within: variables are its own.
    pub(crate) fn inner(&self) -> Self {
        Self {
            sources: self.sources,
            given: [false; VARS],
            partial: self.partial,
            looked_at: Rc::clone(&self.looked_at),
        }
    }

    /// The same within a clause that shares some variables with what is outside: others are its own,
    /// whatever inputs bind under their names.
    fn within(&self, shared: &[Var]) -> Self {
        let mut given = [false; VARS];
        shared.iter().for_each(|var| given[*var] = self.given[*var]);
        Self { given, ..self.inner() }
    }

    /// The bindings with which all clauses hold.
    pub(crate) fn all(&self, clauses: &[Clause], bindings: &Bindings) -> Outcome<Vec<Bindings>> {
        let mut clauses: Vec<&Clause> = clauses.iter().collect();
        let mut found = vec![bindings.clone()];
        while !found.is_empty() && !clauses.is_empty() {
            let ranked =
                clauses.iter().enumerate().map(|(at, clause)| (rank(clause, &found[0]), at));
            let (rank, next) = ranked.min().expect("there are clauses left");
            if rank == usize::MAX {
                return Err(GivesUp);
            }
            let clause = clauses.remove(next);
            let mut after = Vec::new();
            for bindings in &found {
                after.extend(self.one(clause, bindings)?);
                self.looked_at.set(self.looked_at.get() + 1);
                if after.len() + self.looked_at.get() > BINDINGS_MAX {
                    return Err(GivesUp);
                }
            }
            found = after;
        }
        Ok(found)
    }

    fn one(&self, clause: &Clause, bindings: &Bindings) -> Outcome<Vec<Bindings>> {
        match clause {
            Clause::Pattern(source, terms) => self.pattern(*source, terms, bindings),
            Clause::Rule(source, name, terms) => self.rule(*source, name, terms, bindings),
            Clause::Predicate(name, terms) => match holds(name, &values(terms, bindings)) {
                Ok(true) => Ok(vec![bindings.clone()]),
                Ok(false) | Err(Fails::Error) => Ok(Vec::new()),
                Err(Fails::Unknown) => Err(GivesUp),
            },
            Clause::Function(name, terms, bind) => match apply(name, &values(terms, bindings)) {
                Ok(value) => match taken_apart(bind, &value) {
                    Some(rows) => Ok(bound(bind, rows, bindings)),
                    None => Err(GivesUp),
                },
                Err(Fails::Error) => Ok(Vec::new()),
                Err(Fails::Unknown) => Err(GivesUp),
            },
            Clause::Get(name, source, entity, attributes, default, bind) => {
                let found = self.looked_up(*source, entity, attributes, bindings)?;
                Ok(got(name, found, default.as_ref(), bind.as_ref(), bindings))
            }
            Clause::Or(branches) => self.branches(branches, bindings),
            Clause::OrJoin(needed, vars, branches) => {
                let vars: Vec<Var> = needed.iter().chain(vars).copied().collect();
                let inner = self.within(&vars);
                let found = inner.branches(branches, &restricted(bindings, &vars))?;
                Ok(found.iter().map(|found| merged(bindings, found, &vars)).collect())
            }
            Clause::Not(clauses) => self.unless(clauses, bindings, bindings),
            Clause::NotJoin(vars, clauses) => {
                self.within(vars).unless(clauses, &restricted(bindings, vars), bindings)
            }
            Clause::Nested(query, arguments, bind) => {
                let rows = nested(self, query, &values(arguments, bindings), bind)?;
                Ok(bound(bind, rows, bindings))
            }
        }
    }

    fn branches(&self, branches: &[Vec<Clause>], bindings: &Bindings) -> Outcome<Vec<Bindings>> {
        let mut found = Vec::new();
        for branch in branches {
            found.extend(self.all(branch, bindings)?);
        }
        Ok(found)
    }

    fn unless(
        &self,
        clauses: &[Clause],
        inner: &Bindings,
        outer: &Bindings,
    ) -> Outcome<Vec<Bindings>> {
        let found = self.all(clauses, inner)?;
        Ok(if found.is_empty() { vec![outer.clone()] } else { Vec::new() })
    }

    fn pattern(&self, at: usize, terms: &[Term], bindings: &Bindings) -> Outcome<Vec<Bindings>> {
        let source = self.sources[at];
        let attribute = match terms.get(1) {
            Some(Term::Named(name)) if source.is_database => Some(source.names[name]),
            _ => None,
        };
        // What is given for two places, one of them of an unknown type or of the transaction, is two
        // things: a number is a value and names a transaction.
        let given = |at: usize| terms[at].var().filter(|var| self.given[*var]);
        let again =
            |at: usize| (0..at).any(|other| given(at).is_some() && given(at) == given(other));
        let unknown = (0..terms.len()).filter(|place| attribute.is_none() || *place == 3);
        if unknown.into_iter().any(again) {
            return Err(GivesUp);
        }
        let rows = source.rows_of(attribute);
        let found = rows.filter_map(|row| {
            if row.len() < terms.len() {
                return None;
            }
            let places = terms.iter().zip(row).enumerate();
            places.into_iter().try_fold(bindings.clone(), |bindings, (place, (term, value))| {
                self.unify(source, attribute, place, term, value, bindings)
            })
        });
        Ok(found.collect())
    }

    /// The bindings if what stands in a place of a pattern agrees with the fact.
    fn unify(
        &self,
        source: &Source,
        attribute: Option<i64>,
        place: usize,
        term: &Term,
        value: &Value,
        mut bindings: Bindings,
    ) -> Option<Bindings> {
        let named = |own: &Value| means(source, attribute, place, own).as_ref() == Some(value);
        let agrees = match term {
            Term::Blank => true,
            Term::Var(var) => match &bindings[*var] {
                None => {
                    bindings[*var] = Some(value.clone());
                    true
                }
                Some(own) if self.given[*var] => named(own),
                Some(own) => own == value,
            },
            Term::Constant(own) => named(own),
            Term::Named(name) => named(&Value::Keyword(Keyword::new(*name))),
        };
        agrees.then_some(bindings)
    }

    fn rule(
        &self,
        source: usize,
        name: &'static str,
        terms: &[Term],
        bindings: &Bindings,
    ) -> Outcome<Vec<Bindings>> {
        let rows = self.relation(source, name)?;
        let unified = |row: &Row| {
            terms.iter().zip(row).try_fold(bindings.clone(), |mut bindings, (term, value)| {
                let agrees = match term {
                    Term::Blank => true,
                    Term::Constant(own) => {
                        argument(self.sources[source], own) == Some(value.clone())
                    }
                    Term::Named(name) => {
                        let name = Value::Keyword(Keyword::new(*name));
                        argument(self.sources[source], &name) == Some(value.clone())
                    }
                    Term::Var(var) => match &bindings[*var] {
                        Some(own) => own == value,
                        None => {
                            bindings[*var] = Some(value.clone());
                            true
                        }
                    },
                };
                agrees.then_some(bindings)
            })
        };
        Ok(rows.iter().filter_map(unified).collect())
    }

    fn relation(&self, source: usize, name: &'static str) -> Outcome<Relation> {
        match self.partial {
            Some(partial) => Ok(Rc::clone(&partial.borrow()[name])),
            None => self.sources[source]
                .relations
                .get_or_init(|| closed(self.sources[source]))
                .as_ref()
                .map(|relations| Rc::clone(&relations[name]))
                .ok_or(GivesUp),
        }
    }

    /// For each attribute the first value that the entity has.
    fn looked_up(
        &self,
        source: usize,
        entity: &Term,
        attributes: &[&'static str],
        bindings: &Bindings,
    ) -> Outcome<Vec<(&'static str, Value)>> {
        let source = self.sources[source];
        if !source.is_database || source.history {
            return Err(GivesUp);
        }
        let entity = match entity {
            Term::Var(var) => bindings[*var].clone().and_then(|value| an_entity(source, &value)),
            Term::Named(name) => Some(source.names[name]),
            Term::Constant(value) => an_entity(source, value),
            Term::Blank => return Err(GivesUp),
        };
        let Some(entity) = entity else { return Ok(Vec::new()) };
        let first = |name: &&'static str| {
            let rows = source.rows_of(Some(source.names[name]));
            let values = rows.filter(|row| row[0] == Value::Long(entity)).map(|row| &row[2]);
            Some((*name, values.min()?.clone()))
        };
        Ok(attributes.iter().filter_map(first).collect())
    }
}

/// All answers of all rules over a source, by asking each stratum again until nothing is new.
fn closed(source: &Source) -> Option<Relations> {
    let rules = rules();
    let empty = rules.iter().map(|rule| (rule.name, Relation::default()));
    let partial = RefCell::new(empty.collect::<Relations>());
    for stratum in 0..2 {
        let stratum: Vec<&Rule> = rules.iter().filter(|rule| rule.stratum == stratum).collect();
        while round(source, &partial, &stratum).ok()? {}
    }
    Some(partial.into_inner())
}

/// Asks rules once more; whether they know more now.
fn round(source: &Source, partial: &RefCell<Relations>, rules: &[&Rule]) -> Outcome<bool> {
    let mut grown = false;
    for rule in rules {
        let evaluator =
            Evaluator { partial: Some(partial), ..Evaluator::new([source; SOURCE_COUNT]) };
        let mut rows = BTreeSet::new();
        for body in &rule.bodies {
            for bindings in evaluator.all(body, &vec![None; VARS])? {
                let cell = |var: &Var| bindings[*var].clone().ok_or(GivesUp);
                rows.insert(rule.head.iter().map(cell).collect::<Outcome<Row>>()?);
            }
        }
        let mut partial = partial.borrow_mut();
        let before = partial.insert(rule.name, Rc::new(rows));
        grown |= before.map(|before| before.len()) != Some(partial[rule.name].len());
    }
    Ok(grown)
}

/// What `get-else`, `get-some` and `missing?` make of the values that there are.
fn got(
    name: &str,
    found: Vec<(&'static str, Value)>,
    default: Option<&Value>,
    bind: Option<&Bind>,
    bindings: &Bindings,
) -> Vec<Bindings> {
    let first = found.into_iter().next();
    match (name, bind) {
        ("missing?", _) if first.is_none() => vec![bindings.clone()],
        ("get-else", Some(bind)) => {
            let value = first.map(|(_, value)| value).or(default.cloned());
            bound(bind, value.into_iter().map(|value| vec![value]).collect(), bindings)
        }
        ("get-some", Some(bind)) => {
            let row = |(name, value)| vec![Value::Keyword(Keyword::new(name)), value];
            bound(bind, first.into_iter().map(row).collect(), bindings)
        }
        _ => Vec::new(),
    }
}

/// In which order clauses are taken: what binds little first, negations last; those that wait for
/// other variables not at all.
fn rank(clause: &Clause, bindings: &Bindings) -> usize {
    let unbound = |terms: &[Term]| {
        terms.iter().filter_map(Term::var).filter(|var| bindings[*var].is_none()).count()
    };
    let when_bound = |terms: &[Term], rank| if unbound(terms) == 0 { rank } else { usize::MAX };
    match clause {
        Clause::Predicate(_, terms) => when_bound(terms, 0),
        Clause::Function(_, terms, _) => when_bound(terms, 1),
        Clause::Get(_, _, entity, ..) => when_bound(std::slice::from_ref(entity), 1),
        Clause::Pattern(_, terms) | Clause::Rule(_, _, terms) => 10 + unbound(terms),
        Clause::Or(_) => 20,
        Clause::OrJoin(needed, ..) => {
            let needed: Vec<Term> = needed.iter().copied().map(Term::Var).collect();
            when_bound(&needed, 21)
        }
        Clause::Nested(_, arguments, _) => when_bound(arguments, 22),
        Clause::Not(_) | Clause::NotJoin(..) => 30,
    }
}

/// The value that a constant, or what an input gave, stands for in a place of a pattern.
fn means(source: &Source, attribute: Option<i64>, place: usize, own: &Value) -> Option<Value> {
    if !source.is_database {
        return Some(own.clone());
    }
    match (place, attribute) {
        (0 | 1, _) => an_entity(source, own).map(Value::Long),
        // What is no attribute has no values.
        (2, Some(attribute)) => match source.types.get(&attribute)?.0 {
            ValueType::Ref => an_entity(source, own).map(Value::Long),
            ValueType::Tuple => as_tuple(own, source.members[&attribute]),
            of => as_type(own, of),
        },
        (3, _) => transaction(own).map(|t| Value::Long(long(t.entity()))),
        _ => Some(own.clone()),
    }
}

fn an_entity(source: &Source, value: &Value) -> Option<i64> {
    match value {
        Value::Long(id) => EntityId::new(u64::try_from(*id).ok()?).map(long),
        Value::Keyword(ident) => source.names.get(ident.to_string().get(1..)?).copied(),
        Value::Tuple(parts) => match &**parts {
            [Some(attribute), Some(value)] => looked_up(source, attribute, value),
            _ => None,
        },
        _ => None,
    }
}

/// The entity that a lookup ref names: in a history the last to have the value.
fn looked_up(source: &Source, attribute: &Value, value: &Value) -> Option<i64> {
    let attribute = an_entity(source, attribute)?;
    let value = means(source, Some(attribute), 2, value)?;
    let own = source.rows_of(Some(attribute)).filter(|row| row[2] == value);
    let last = own.max_by_key(|row| (&row[3], &row[4]))?;
    match last[0] {
        Value::Long(entity) => Some(entity),
        _ => None,
    }
}

/// The tuple of these types that a tuple equals.
fn as_tuple(own: &Value, types: &[ValueType]) -> Option<Value> {
    let Value::Tuple(members) = own else { return None };
    let member = |(at, member): (usize, &Option<Value>)| match (member, types.get(at)) {
        (None, _) => Some(None),
        // Entities are told by their ids alone.
        (Some(member @ Value::Long(_)), Some(ValueType::Ref)) => Some(Some(member.clone())),
        (Some(member), Some(of)) => as_type(member, *of).map(Some),
        (Some(member), None) => Some(Some(member.clone())),
    };
    members.iter().enumerate().map(member).collect::<Option<_>>().map(Value::Tuple)
}

/// What a constant that a rule is called with stands for, where the rule takes it for an entity
/// unless it is a number.
fn argument(source: &Source, own: &Value) -> Option<Value> {
    match own {
        Value::Keyword(_) | Value::Tuple(_) if source.is_database => {
            an_entity(source, own).map(Value::Long)
        }
        other => Some(other.clone()),
    }
}

fn transaction(value: &Value) -> Option<T> {
    let Value::Long(number) = value else { return None };
    let entity = EntityId::new(u64::try_from(*number).ok()?)?;
    entity.t().or_else(|| T::new(entity.get()))
}

pub(crate) fn values(terms: &[Term], bindings: &Bindings) -> Vec<Value> {
    let value = |term: &Term| match term {
        Term::Blank => None,
        Term::Var(var) => bindings[*var].clone(),
        Term::Constant(value) => Some(value.clone()),
        Term::Named(name) => Some(Value::Keyword(Keyword::new(*name))),
    };
    terms.iter().filter_map(value).collect()
}

/// The rows that a value gives; `None` when it does not have the shape of the binding. Nil is no
/// value.
fn taken_apart(bind: &Bind, value: &Value) -> Option<Vec<Vec<Value>>> {
    let members = |value: &Value| match value {
        Value::Tuple(members) => Some(members.to_vec()),
        _ => None,
    };
    let row = |members: Vec<Option<Value>>, count: usize| {
        (members.len() >= count)
            .then(|| members.into_iter().take(count).collect::<Option<Vec<_>>>())
    };
    match bind {
        Bind::Scalar(_) => Some(vec![vec![value.clone()]]),
        Bind::Tuple(vars) => Some(row(members(value)?, vars.len())?.into_iter().collect()),
        Bind::Collection(_) => {
            Some(members(value)?.into_iter().flatten().map(|member| vec![member]).collect())
        }
        Bind::Relation(vars) => {
            let rows = members(value)?.into_iter().map(|own| row(members(&own?)?, vars.len()));
            Some(rows.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        }
    }
}

/// The bindings with what a result binds; those that disagree are left out.
fn bound(bind: &Bind, rows: Vec<Vec<Value>>, bindings: &Bindings) -> Vec<Bindings> {
    let vars = bind.vars();
    let with = |row: Vec<Value>| {
        if row.len() < vars.len() {
            return None;
        }
        vars.iter().zip(row).try_fold(bindings.clone(), |mut bindings, (var, value)| {
            match &bindings[*var] {
                Some(own) if *own != value => return None,
                _ => bindings[*var] = Some(value),
            }
            Some(bindings)
        })
    };
    rows.into_iter().filter_map(with).collect()
}

fn restricted(bindings: &Bindings, vars: &[Var]) -> Bindings {
    let own = |(var, value): (Var, &Option<Value>)| value.clone().filter(|_| vars.contains(&var));
    bindings.iter().enumerate().map(own).collect()
}

fn merged(outer: &Bindings, inner: &Bindings, vars: &[Var]) -> Bindings {
    let mut merged = outer.clone();
    vars.iter().for_each(|var| merged[*var].clone_from(&inner[*var]));
    merged
}

/// The bindings of the query's variables that satisfy all of its clauses.
pub(crate) fn bindings_of(
    evaluator: &Evaluator<'_>,
    query: &Query,
    start: Vec<Bindings>,
) -> Outcome<Vec<Bindings>> {
    let mut found = Vec::new();
    for bindings in &start {
        found.extend(evaluator.all(&query.clauses, bindings)?);
    }
    Ok(found)
}
