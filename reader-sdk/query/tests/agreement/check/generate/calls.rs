//! Tests, functions, looks into a source, and queries within.

use duramen_model::{Value, ValueType};

use super::super::attributes::{ATTRIBUTES, SIZE, written};
use super::super::language::{Bind, Clause, Element, Find, Given, Query, Shape, Term, Var};
use super::{DEPTH_MAX, Maker};

impl Maker<'_> {
    /// A comparison with a constant of the type that the variable prefers, or with another
    /// variable; some with the pattern that binds the variable.
    pub(super) fn test(&mut self, before: &[Clause]) -> Vec<Clause> {
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

    pub(super) fn property(&mut self, var: Var) -> Clause {
        let names: &[&'static str] = match self.types[var] {
            ValueType::Long => &["even?", "pos?", "zero?", "number?", "identity"],
            ValueType::Double | ValueType::BigInt | ValueType::Float | ValueType::BigDec => {
                &["pos?", "zero?", "number?", "decimal?"]
            }
            ValueType::String => {
                let name =
                    self.random.pick(&["clojure.string/starts-with?", "clojure.string/includes?"]);
                let text = Term::Constant(Value::string(self.random.pick(&["t", "1", "", "é"])));
                return Clause::Predicate(name, vec![Term::Var(var), text]);
            }
            _ => &["string?", "keyword?", "true?", "false?", "identity", "uuid?", "vector?"],
        };
        Clause::Predicate(self.random.pick(names), vec![Term::Var(var)])
    }

    pub(super) fn function(&mut self, before: &[Clause]) -> Clause {
        let argument = self.bound(before);
        let of = self.types[argument];
        let arguments = vec![Term::Var(argument)];
        match self.random.below(9) {
            0 => Clause::Function("identity", arguments, Bind::Scalar(self.var_of(of))),
            1 => {
                let name = self.of_one(of);
                Clause::Function(name, arguments, Bind::Scalar(self.any_var()))
            }
            2 => {
                let second = Term::Var(self.bound(before));
                let name = self.random.pick(&["+", "*", "compare", "=", "min", "max"]);
                let bind = Bind::Scalar(self.any_var());
                Clause::Function(name, vec![Term::Var(argument), second], bind)
            }
            3 | 4 => self.tuple_made(argument, before),
            5 => {
                let var = self.any_var();
                let own = self.types[var];
                let members = (0..3).map(|_| self.constant(own)).collect();
                Clause::Function("vector", members, Bind::Collection(var))
            }
            6 => self.ground(),
            _ => {
                let var = self.any_var();
                let constant = match self.types[var] {
                    ValueType::Ref => Term::Constant(Value::Boolean(false)),
                    of => self.constant(of),
                };
                let name = self.random.pick(&["identity", "ground"]);
                Clause::Function(name, vec![constant], Bind::Scalar(var))
            }
        }
    }

    /// A function of one argument of a type.
    pub(super) fn of_one(&mut self, of: ValueType) -> &'static str {
        match of {
            ValueType::String => {
                self.random.pick(&["count", "clojure.string/upper-case", "keyword"])
            }
            ValueType::Keyword => self.random.pick(&["name", "str"]),
            ValueType::Long => self.random.pick(&["inc", "inc", "str"]),
            ValueType::Tuple => self.random.pick(&["count", "first"]),
            ValueType::Bytes => "count",
            _ => "inc",
        }
    }

    /// A tuple put together, and taken apart again or not.
    pub(super) fn tuple_made(&mut self, argument: Var, before: &[Clause]) -> Clause {
        let vars = vec![self.any_var(), self.any_var()];
        if self.types[argument] == ValueType::Tuple {
            return Clause::Function("untuple", vec![Term::Var(argument)], Bind::Tuple(vars));
        }
        let arguments = vec![Term::Var(argument), Term::Var(self.bound(before))];
        let name = self.random.pick(&["vector", "tuple"]);
        match self.random.percent(60) {
            true => Clause::Function(name, arguments, Bind::Tuple(vars)),
            false => {
                let var = self.var_of(ValueType::Tuple);
                Clause::Function(name, arguments, Bind::Scalar(var))
            }
        }
    }

    /// Constants, one after the other or in rows.
    pub(super) fn ground(&mut self) -> Clause {
        let vars = [self.any_var(), self.any_var()];
        let count = 1 + self.random.below(3);
        let mut constant = |var: Var| match self.types[var] {
            ValueType::Ref => Some(Value::Long(self.random.below(SIZE) as i64)),
            of => match self.constant(of) {
                Term::Constant(value) => Some(value),
                _ => None,
            },
        };
        let mut vector = |vars: &[Var]| Value::Tuple(vars.iter().map(|v| constant(*v)).collect());
        let (members, bind) = match vars[0] == vars[1] {
            true => (vector(&vec![vars[0]; count]), Bind::Collection(vars[0])),
            false => {
                let rows = (0..count).map(|_| Some(vector(&vars)));
                (Value::Tuple(rows.collect()), Bind::Relation(vars.to_vec()))
            }
        };
        Clause::Function("ground", vec![Term::Constant(members)], bind)
    }

    pub(super) fn get(&mut self, before: &[Clause]) -> Clause {
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
            false => self.constant(ValueType::Ref),
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
                    ValueType::Ref | ValueType::Symbol => Value::Boolean(false),
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

    pub(super) fn nested(&mut self, before: &[Clause]) -> Clause {
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
        self.depth += 1;
        if self.depth < DEPTH_MAX && self.random.percent(30) {
            let deeper = self.nested(&clauses.clone());
            clauses.push(deeper);
        }
        self.depth -= 1;
        let given = vec![Given::One(argument, Term::Blank)];
        let find = Find::default();
        let mut query = Query { find, given, clauses, rule_sets: 1, views: Vec::new() };
        let (find, bind) = self.within(&query.vars());
        query.find = find;
        Clause::Nested(Box::new(query), vec![Term::Var(argument)], bind)
    }

    /// What a query within gives, and what that is bound to.
    pub(super) fn within(&mut self, vars: &[Var]) -> (Find, Bind) {
        let (first, second) = (self.random.pick(vars), self.random.pick(vars));
        let aggregate = |maker: &mut Self, var| {
            Element::Aggregate(maker.random.pick(&["count", "max"]), None, var)
        };
        let outer = vec![self.any_var(), self.any_var()];
        let (shape, elements, bind) = match self.random.below(6) {
            0 => (Shape::Scalar, vec![aggregate(self, first)], Bind::Scalar(outer[0])),
            1 => {
                let elements = vec![aggregate(self, first), aggregate(self, second)];
                (Shape::Tuple, elements, Bind::Tuple(outer))
            }
            2 => (Shape::Collection, vec![Element::Var(first)], Bind::Collection(outer[0])),
            _ => {
                let elements = vec![Element::Var(first), Element::Var(second)];
                (Shape::Relation, elements, Bind::Relation(outer))
            }
        };
        (Find { elements, shape, ..Find::default() }, bind)
    }
}
