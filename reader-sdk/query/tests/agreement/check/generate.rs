//! Queries: which clauses, over which variables.
//!
//! Each variable prefers values of one type, so that joins find something; now and then a clause
//! uses one of another type all the same.

use duramen_model::{Value, ValueType};

use super::attributes::{ATTRIBUTES, Attribute, ENTITIES, SIZE, value, written};
use super::language::{Bind, Clause, Element, Find, Given, Query, Term, VARS, Var};
use super::random::Random;
use super::rules;
use super::views::View;

/// What a query is generated with.
struct Maker<'r> {
    random: &'r mut Random,
    /// The types that variables prefer.
    types: [ValueType; VARS],
    /// How many of the variables are used.
    vars: usize,
    /// The database behind each of the first two sources.
    databases: [usize; 2],
    /// Whether `get-else` and the like know what the first value is.
    history: [bool; 2],
}

const VALUE_TYPES: [ValueType; 8] = [
    ValueType::Long,
    ValueType::Long,
    ValueType::Long,
    ValueType::String,
    ValueType::Double,
    ValueType::Keyword,
    ValueType::Instant,
    ValueType::BigInt,
];

/// A query over some views.
pub(crate) fn any_query(random: &mut Random, views: &[View]) -> Query {
    let pair = |random: &mut Random| match random.percent(50) {
        true => [0, random.below(views.len())],
        false => [random.below(views.len()), random.below(views.len())],
    };
    let asked: Vec<[usize; 2]> = match random.percent(15) {
        true => (0..3).map(|_| pair(random)).collect(),
        false => vec![pair(random)],
    };
    let types = std::array::from_fn(|at| match at {
        0..3 => ValueType::Ref,
        _ => random.pick(&VALUE_TYPES),
    });
    let first = asked[0].map(|view| views[view]);
    let mut maker = Maker {
        vars: 3 + random.below(4),
        random,
        types,
        databases: first.map(|view| view.database),
        history: first.map(|view| view.history),
    };
    let clauses = maker.clauses();
    let given = maker.given(&clauses);
    let mut query = Query { find: Find::default(), given, clauses, views: asked };
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

    fn data(&mut self) -> Clause {
        match self.random.weighted(&[65, 27, 8]) {
            0 => self.pattern(0),
            1 => self.pattern(1),
            _ => self.row_pattern(),
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

    fn entity(&mut self) -> Term {
        match self.random.weighted(&[90, 7, 3]) {
            0 => Term::Var(self.var_of(ValueType::Ref)),
            1 => Term::Named(self.random.pick(&ENTITIES)),
            _ => Term::Blank,
        }
    }

    /// A constant that suits a type; rarely a number of another type.
    fn constant(&mut self, of: ValueType) -> Term {
        let number = |of| matches!(of, ValueType::Long | ValueType::Double | ValueType::BigInt);
        let of = match number(of) && self.random.percent(15) {
            true => self.random.pick(&[ValueType::Long, ValueType::Double, ValueType::BigInt]),
            false => of,
        };
        match of {
            ValueType::Ref => Term::Named(self.random.pick(&ENTITIES)),
            of => Term::Constant(written(of, self.random.below(SIZE))),
        }
    }

    fn value_of(&mut self, of: ValueType) -> Term {
        let suits = self.types[..self.vars].contains(&of) || self.random.percent(4);
        match self.random.weighted(&[76, 14, 10]) {
            0 if suits => Term::Var(self.var_of(of)),
            1 => self.constant(of),
            _ => Term::Blank,
        }
    }

    fn attribute(&mut self) -> &'static Attribute {
        let at = match self.random.weighted(&[35, 45, 20]) {
            0 => self.random.below(4),
            1 => {
                let of = self.types[self.random.below(self.vars)];
                let own: Vec<usize> =
                    (0..ATTRIBUTES.len()).filter(|at| ATTRIBUTES[*at].types[0] == of).collect();
                self.random.pick(&own)
            }
            _ => self.random.below(ATTRIBUTES.len()),
        };
        &ATTRIBUTES[at]
    }

    fn type_of(&self, attribute: &Attribute, source: usize) -> ValueType {
        attribute.types[self.databases[source]]
    }

    fn fact(&mut self, source: usize, attribute: &'static Attribute) -> Clause {
        let of = self.type_of(attribute, source);
        let e = self.entity();
        let v = self.value_of(of);
        Clause::Pattern(source, vec![e, Term::Named(attribute.name), v])
    }

    fn pattern(&mut self, source: usize) -> Clause {
        let attribute = self.attribute();
        let Clause::Pattern(_, mut terms) = self.fact(source, attribute) else { unreachable!() };
        match self.random.weighted(&[80, 5, 5, 10]) {
            0 => {}
            1 => terms.truncate(2),
            2 => {
                terms[1] = Term::Var(self.any_var());
                if matches!(terms[2], Term::Named(_)) {
                    terms[2] = Term::Blank;
                }
            }
            _ => {
                let var = Term::Var(self.any_var());
                terms.push(if self.random.percent(70) { var } else { Term::Blank });
                if self.random.percent(50) {
                    let op = Term::Constant(Value::Boolean(self.random.percent(60)));
                    let var = Term::Var(self.any_var());
                    terms.push(if self.random.percent(50) { op } else { var });
                }
            }
        }
        Clause::Pattern(source, terms)
    }

    fn row_pattern(&mut self) -> Clause {
        let mut place = || match self.random.weighted(&[70, 15, 15]) {
            0 => Term::Var(self.random.below(self.vars)),
            1 => Term::Constant(value(ValueType::Long, self.random.below(SIZE))),
            _ => Term::Blank,
        };
        let terms = [place(), place(), place()];
        let count = 1 + self.random.below(3);
        Clause::Pattern(2, terms.into_iter().take(count).collect())
    }

    /// Links that come back to where they began, over three or four variables.
    fn cycle(&mut self) -> Vec<Clause> {
        let length = 3 + self.random.below(2);
        self.vars = self.vars.max(length);
        let link = |at: usize, source: usize| {
            let (from, to) = (Term::Var(at), Term::Var((at + 1) % length));
            Clause::Pattern(source, vec![from, Term::Named("a/ref"), to])
        };
        (0..length).map(|at| link(at, usize::from(self.random.percent(20)))).collect()
    }

    fn rule(&mut self) -> Clause {
        let (name, arity) = self.random.pick(&rules::NAMES);
        let number = matches!(name, "count-up" | "small");
        let mut terms = Vec::new();
        for place in 0..arity {
            let of = match (place, number) {
                (1, true) | (2, _) => ValueType::Long,
                _ => ValueType::Ref,
            };
            terms.push(match self.random.weighted(&[82, 9, 9]) {
                0 => Term::Var(self.var_of(of)),
                1 if of == ValueType::Long => Term::Constant(value(of, self.random.below(SIZE))),
                // With a variable for the attribute it is not known that the value is an entity.
                1 if (name, place) == ("linked", 1) => Term::Blank,
                1 => Term::Named(self.random.pick(&ENTITIES)),
                _ => Term::Blank,
            });
        }
        Clause::Rule(usize::from(self.random.percent(20)), name, terms)
    }

    /// Branches that use the same variables: one pattern with its attribute exchanged.
    fn or(&mut self) -> Clause {
        let (e, of) = (self.var_of(ValueType::Ref), self.random.pick(&VALUE_TYPES));
        let of = if self.random.percent(50) { ValueType::Ref } else { of };
        let v = self.var_of(of);
        let count = 1 + self.random.below(3);
        let branches = (0..count).map(|_| {
            let attribute = self.attribute();
            let source = usize::from(self.random.percent(20));
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
            branch.push(Clause::Pattern(usize::from(self.random.percent(20)), pattern));
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

    /// A comparison with a constant of the type that the variable prefers, or with another
    /// variable; some with the pattern that binds the variable.
    fn test(&mut self, before: &[Clause]) -> Vec<Clause> {
        const ORDERED: [&str; 6] = ["<", "<=", ">", ">=", "=", "not="];
        let mut clauses = Vec::new();
        let var = match self.random.percent(50) {
            true => self.bound(before),
            false => {
                let attribute = &ATTRIBUTES[2 + self.random.below(ATTRIBUTES.len() - 2)];
                let of = self.type_of(attribute, 0);
                let var = self.var_of(of);
                let e = self.entity();
                let pattern = vec![e, Term::Named(attribute.name), Term::Var(var)];
                clauses.push(Clause::Pattern(0, pattern));
                var
            }
        };
        let of = self.types[var];
        let constant = match of {
            ValueType::Ref => Term::Var(self.bound(before)),
            of => self.constant(of),
        };
        let name = self.random.pick(&ORDERED);
        clauses.push(match self.random.weighted(&[50, 15, 15, 8, 12]) {
            0 => Clause::Predicate(name, vec![Term::Var(var), constant]),
            1 => Clause::Predicate(name, vec![constant, Term::Var(var)]),
            2 => Clause::Predicate(name, vec![Term::Var(var), Term::Var(self.bound(before))]),
            3 => {
                let upper = self.constant(of);
                Clause::Predicate(name, vec![constant, Term::Var(var), upper])
            }
            _ => self.property(var),
        });
        clauses
    }

    fn property(&mut self, var: Var) -> Clause {
        let names: &[&'static str] = match self.types[var] {
            ValueType::Long => &["even?", "pos?", "zero?", "number?", "identity"],
            ValueType::Double | ValueType::BigInt => &["pos?", "zero?", "number?"],
            ValueType::String => {
                let name =
                    self.random.pick(&["clojure.string/starts-with?", "clojure.string/includes?"]);
                let text = Term::Constant(Value::string(self.random.pick(&["t", "1", "", "é"])));
                return Clause::Predicate(name, vec![Term::Var(var), text]);
            }
            _ => &["string?", "keyword?", "true?", "false?", "identity"],
        };
        Clause::Predicate(self.random.pick(names), vec![Term::Var(var)])
    }

    fn function(&mut self, before: &[Clause]) -> Clause {
        let argument = self.bound(before);
        let of = self.types[argument];
        let arguments = vec![Term::Var(argument)];
        let scalar = |var| Bind::Scalar(var);
        match self.random.below(7) {
            0 => Clause::Function("identity", arguments, scalar(self.var_of(of))),
            1 => {
                let name: &'static str = match of {
                    ValueType::String => {
                        self.random.pick(&["count", "clojure.string/upper-case", "keyword"])
                    }
                    ValueType::Keyword => "name",
                    _ => "inc",
                };
                Clause::Function(name, arguments, scalar(self.any_var()))
            }
            2 => {
                let second = Term::Var(self.bound(before));
                let name = self.random.pick(&["+", "*", "compare", "="]);
                Clause::Function(name, vec![Term::Var(argument), second], scalar(self.any_var()))
            }
            3 => {
                let second = Term::Var(self.bound(before));
                let vars = vec![self.any_var(), self.any_var()];
                Clause::Function("vector", vec![Term::Var(argument), second], Bind::Tuple(vars))
            }
            4 => {
                let terms = (0..3).map(|_| self.constant(ValueType::Long)).collect();
                let var = self.var_of(ValueType::Long);
                Clause::Function("vector", terms, Bind::Collection(var))
            }
            _ => {
                let var = self.any_var();
                let own = self.types[var];
                let constant = match own {
                    ValueType::Ref => Term::Constant(Value::Boolean(false)),
                    of => self.constant(of),
                };
                Clause::Function("identity", vec![constant], scalar(var))
            }
        }
    }

    fn get(&mut self, before: &[Clause]) -> Clause {
        let source = usize::from(self.random.percent(25));
        let source = if self.history[source] { 1 - source } else { source };
        let entity = match self.random.percent(85) {
            true => {
                let own: Vec<Var> = (0..3).collect();
                let mut vars = Vec::new();
                before.iter().for_each(|clause| clause.binds(&mut vars));
                vars.retain(|var| own.contains(var));
                Term::Var(vars.first().copied().unwrap_or_else(|| self.random.below(3)))
            }
            false => Term::Named(self.random.pick(&ENTITIES)),
        };
        let attribute = self.attribute();
        let one = match attribute.many {
            true => &ATTRIBUTES[9],
            false => attribute,
        };
        match self.random.below(3) {
            0 => Clause::Get("missing?", source, entity, vec![attribute.name], None, None),
            1 => {
                let of = self.type_of(one, source);
                let default = match of {
                    ValueType::Ref => Value::Boolean(false),
                    of => written(of, self.random.below(SIZE)),
                };
                let bind = Bind::Scalar(self.var_of(of));
                Clause::Get("get-else", source, entity, vec![one.name], Some(default), Some(bind))
            }
            _ => {
                let attributes = vec![one.name, self.attribute().name];
                let bind = Bind::Tuple(vec![self.any_var(), self.any_var()]);
                Clause::Get("get-some", source, entity, attributes, None, Some(bind))
            }
        }
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

    fn nested(&mut self, before: &[Clause]) -> Clause {
        let argument = self.bound(before);
        let mut clauses = vec![self.data()];
        if self.random.percent(60) {
            let of = self.types[argument];
            let attribute = ATTRIBUTES.iter().find(|own| own.types[0] == of);
            let attribute = attribute.unwrap_or(&ATTRIBUTES[0]);
            let e = self.entity();
            let pattern = vec![e, Term::Named(attribute.name), Term::Var(argument)];
            clauses.push(Clause::Pattern(0, pattern));
        }
        if self.random.percent(30) {
            clauses.extend(self.test(&clauses.clone()));
        }
        let given = vec![Given::One(argument, Term::Blank)];
        let mut query = Query { find: Find::default(), given, clauses, views: Vec::new() };
        let vars = query.vars();
        let (first, second) = (self.random.pick(&vars), self.random.pick(&vars));
        let bind = match self.random.below(3) {
            0 => {
                let name = self.random.pick(&["count", "max", "min"]);
                query.find.elements = vec![Element::Aggregate(name, None, first)];
                query.find.scalar = true;
                Bind::Scalar(self.any_var())
            }
            _ => {
                query.find.elements = vec![Element::Var(first), Element::Var(second)];
                Bind::Relation(vec![self.any_var(), self.any_var()])
            }
        };
        Clause::Nested(Box::new(query), vec![Term::Var(argument)], bind)
    }

    /// Inputs. What a rule is called with must mean the same wherever the rule uses it.
    fn given(&mut self, clauses: &[Clause]) -> Vec<Given> {
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
            given.push(match self.random.below(3) {
                0 => Given::One(var, self.input(var, plain)),
                1 => {
                    let count = self.random.below(5);
                    Given::Some(var, (0..count).map(|_| self.input(var, plain)).collect())
                }
                _ => {
                    let other = (var + 1) % self.vars;
                    let taken = given.iter().flat_map(Given::vars).any(|own| own == other);
                    if taken || in_rules(clauses, other) {
                        continue;
                    }
                    let count = self.random.below(5);
                    let row = |_| [self.input(var, plain), self.input(other, false)];
                    Given::Rows([var, other], (0..count).map(row).collect())
                }
            });
        }
        given
    }

    fn input(&mut self, var: Var, plain: bool) -> Term {
        match self.types[var] {
            // As a number alone an id means the same everywhere.
            _ if plain => Term::Constant(value(ValueType::Long, self.random.below(SIZE))),
            of => self.constant(of),
        }
    }

    fn find(&mut self, vars: &[Var]) -> Find {
        let mut find =
            Find { elements: vars.iter().copied().map(Element::Var).collect(), ..Find::default() };
        if vars.is_empty() {
            return find;
        }
        match self.random.weighted(&[55, 20, 25]) {
            0 => {}
            1 => {
                let count = 1 + self.random.below(vars.len());
                find.elements = (0..count).map(|_| Element::Var(self.random.pick(vars))).collect();
            }
            _ => self.aggregate(&mut find, vars),
        }
        if self.random.percent(20) {
            let keys = 1 + self.random.below(2);
            let places = find.elements.len();
            find.order =
                (0..keys).map(|_| (self.random.below(places), self.random.percent(40))).collect();
            find.order.retain(|(place, _)| !makes_many(&find.elements[*place]));
        }
        if self.random.percent(15) {
            find.limit = Some(self.random.below(8));
            find.offset = self.random.percent(40).then(|| self.random.below(5));
        }
        find
    }

    fn aggregate(&mut self, find: &mut Find, vars: &[Var]) {
        const NAMES: [&str; 10] = [
            "count",
            "count-distinct",
            "distinct",
            "sum",
            "avg",
            "median",
            "min",
            "max",
            "variance",
            "stddev",
        ];
        let mut elements = Vec::new();
        for _ in 0..self.random.below(3) {
            elements.push(Element::Var(self.random.pick(vars)));
        }
        for _ in 0..=self.random.below(2) {
            let var = self.random.pick(vars);
            let number = matches!(self.types[var], ValueType::Long | ValueType::Double);
            let names = if number {
                &NAMES[..]
            } else {
                &["count", "count-distinct", "distinct", "min", "max"]
            };
            let name = self.random.pick(names);
            let some = matches!(name, "min" | "max") && self.random.percent(40);
            elements.push(Element::Aggregate(name, some.then(|| 1 + self.random.below(3)), var));
        }
        find.elements = elements;
        if self.random.percent(50) {
            find.with = vec![self.random.pick(vars)];
        }
        if self.random.percent(15) {
            find.having = Some((find.elements[0].var(), 1 + self.random.below(3) as i64));
        }
    }
}

fn makes_many(element: &Element) -> bool {
    matches!(element, Element::Aggregate("distinct", ..) | Element::Aggregate(_, Some(_), _))
}

/// Whether a rule is called with a variable, anywhere.
fn in_rules(clauses: &[Clause], var: Var) -> bool {
    let mut calls = |clause: &Clause| match clause {
        Clause::Rule(_, _, terms) => terms.iter().any(|term| term.var() == Some(var)),
        _ => false,
    };
    clauses.iter().any(|clause| clause.any(&mut calls))
}
