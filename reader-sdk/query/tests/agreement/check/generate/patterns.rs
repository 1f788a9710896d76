//! Patterns: against databases and the relation, and calls of rules.

use duramen_model::{Keyword, Value, ValueType};

use super::super::attributes::{
    ATTRIBUTES, Attribute, ENTITIES, SIZE, id, next, own_number, tuple, value, written,
};
use super::super::language::{Clause, Term};
use super::super::rules;
use super::{Maker, NUMBERS, VALUE_TYPES};

impl Maker<'_> {
    pub(super) fn data(&mut self) -> Clause {
        match self.random.weighted(&[62, 22, 8, 8]) {
            0 => self.pattern(0),
            1 => self.pattern(1),
            2 => self.pattern(3),
            _ => self.row_pattern(),
        }
    }

    /// Now and then one of the other databases.
    pub(super) fn other_source(&mut self, percent: usize) -> usize {
        match self.random.percent(percent) {
            true => self.random.pick(&[1, 1, 3]),
            false => 0,
        }
    }

    pub(super) fn entity(&mut self) -> Term {
        match self.random.weighted(&[88, 5, 4, 3]) {
            0 => Term::Var(self.var_of(ValueType::Ref)),
            1 => Term::Named(self.random.pick(&ENTITIES)),
            2 => Term::Constant(self.lookup()),
            _ => Term::Blank,
        }
    }

    /// A lookup ref; some name nothing.
    pub(super) fn lookup(&mut self) -> Value {
        let (e, v) = (self.random.below(SIZE), self.random.below(3));
        let of = self.random.pick(&[ValueType::Long, ValueType::BigDec]);
        let (attribute, value) = match self.random.weighted(&[50, 25, 15, 10]) {
            0 => ("a/id", id(e, v)),
            1 => ("a/number", own_number(of, e, v)),
            2 => ("a/next", Value::Keyword(Keyword::new(ENTITIES[next(e)]))),
            _ => ("a/next", lookup_ref("a/id", id(e, v))),
        };
        lookup_ref(attribute, value)
    }

    /// A constant that suits a type; rarely a number of another type.
    pub(super) fn constant(&mut self, of: ValueType) -> Term {
        let of = match NUMBERS.contains(&of) && self.random.percent(15) {
            true => self.random.pick(&NUMBERS),
            false => of,
        };
        match of {
            ValueType::Ref if self.random.percent(30) => Term::Constant(self.lookup()),
            ValueType::Ref => Term::Named(self.random.pick(&ENTITIES)),
            ValueType::Tuple => {
                let name = self.random.pick(&["a/pair", "a/pair", "a/row", "a/both", "a/step"]);
                Term::Constant(tuple(name, self.random.below(SIZE)))
            }
            // A symbol would be the name of something.
            ValueType::Symbol => Term::Constant(value(ValueType::String, 1)),
            of => Term::Constant(written(of, self.random.below(SIZE))),
        }
    }

    pub(super) fn value_of(&mut self, of: ValueType) -> Term {
        let suits = self.types[..self.vars].contains(&of) || self.random.percent(4);
        match self.random.weighted(&[76, 14, 10]) {
            0 if suits => Term::Var(self.var_of(of)),
            1 if of == ValueType::Symbol => Term::Constant(value(of, self.random.below(SIZE))),
            1 => self.constant(of),
            _ => Term::Blank,
        }
    }

    pub(super) fn attribute(&mut self) -> &'static Attribute {
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

    pub(super) fn type_of(&self, attribute: &Attribute, source: usize) -> ValueType {
        attribute.types[self.databases[source]]
    }

    pub(super) fn fact(&mut self, source: usize, attribute: &'static Attribute) -> Clause {
        let of = self.type_of(attribute, source);
        let e = self.entity();
        let v = self.value_of(of);
        Clause::Pattern(source, vec![e, Term::Named(attribute.name), v])
    }

    pub(super) fn pattern(&mut self, source: usize) -> Clause {
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

    pub(super) fn row_pattern(&mut self) -> Clause {
        let mut place = || match self.random.weighted(&[70, 15, 15]) {
            0 => Term::Var(self.random.below(self.vars)),
            1 => {
                let of = match self.random.percent(70) {
                    true => ValueType::Long,
                    false => self.random.pick(&VALUE_TYPES),
                };
                Term::Constant(written(of, self.random.below(SIZE)))
            }
            _ => Term::Blank,
        };
        let terms = [place(), place(), place()];
        let count = 1 + self.random.below(3);
        Clause::Pattern(2, terms.into_iter().take(count).collect())
    }

    /// Links that come back to where they began, over three or four variables.
    pub(super) fn cycle(&mut self) -> Vec<Clause> {
        let length = 3 + self.random.below(2);
        self.vars = self.vars.max(length);
        let link = |at: usize, source: usize| {
            let (from, to) = (Term::Var(at), Term::Var((at + 1) % length));
            Clause::Pattern(source, vec![from, Term::Named("a/ref"), to])
        };
        (0..length).map(|at| link(at, self.other_source(20))).collect()
    }

    pub(super) fn rule(&mut self) -> Clause {
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
                1 => self.constant(ValueType::Ref),
                _ => Term::Blank,
            });
        }
        Clause::Rule(self.random.weighted(&[72, 18, 10]), name, terms)
    }
}

fn lookup_ref(attribute: &'static str, value: Value) -> Value {
    Value::Tuple([Some(Value::Keyword(Keyword::new(attribute))), Some(value)].into())
}
