//! What comes back.

use duramen_model::{Value, ValueType};

use super::super::language::{Element, Find, Having, Shape, Term, Var};
use super::{Maker, NUMBERS};

impl Maker<'_> {
    pub(super) fn find(&mut self, vars: &[Var]) -> Find {
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
        self.shape(&mut find);
        self.hidden(&mut find, vars);
        if self.random.percent(20) {
            let keys = 1 + self.random.below(2);
            let elements: Vec<&Element> = find.elements.iter().chain(&find.hidden).collect();
            let places = elements.len();
            let keys = (0..keys).map(|_| (self.random.below(places), self.random.percent(40)));
            find.order = keys.filter(|(place, _)| !makes_many(elements[*place])).collect();
        }
        if self.random.percent(15) {
            find.limit = Some(self.random.below(8));
            find.offset = self.random.percent(40).then(|| self.random.below(5));
        }
        find.amounts_given = self.random.percent(40);
        find
    }

    /// An aggregate that is not shown, to choose or to order by.
    fn hidden(&mut self, find: &mut Find, vars: &[Var]) {
        if find.having.is_some() || !self.random.percent(12) {
            return;
        }
        let var = self.random.pick(vars);
        let name = self.random.pick(&["count", "count-distinct", "min", "max"]);
        find.hidden.push(Element::Aggregate(name, None, var));
        if self.random.percent(60) {
            let place = find.elements.len();
            let value = match name {
                "count" | "count-distinct" => {
                    Term::Constant(Value::Long(1 + self.random.below(3) as i64))
                }
                _ => self.constant(self.types[var]),
            };
            if let Term::Constant(value) = value {
                let name = self.random.pick(&["<", "<=", ">", ">=", "=", "not="]);
                find.having = Some(Having(name, place, value));
            }
        }
    }

    pub(super) fn shape(&mut self, find: &mut Find) {
        find.shape = match self.random.weighted(&[82, 8, 6, 4]) {
            0 => Shape::Relation,
            1 => Shape::Collection,
            2 => Shape::Tuple,
            _ => Shape::Scalar,
        };
        let maps = matches!(find.shape, Shape::Relation | Shape::Tuple);
        find.keys = maps && self.random.percent(10);
        if matches!(find.shape, Shape::Collection | Shape::Scalar) {
            find.elements.truncate(1);
            // What is left may be told apart by less.
            find.with.retain(|_| matches!(find.elements[0], Element::Aggregate(..)));
        }
        if self.random.percent(6) && find.having.is_none() {
            let place = self.random.below(find.elements.len());
            let constant = match &find.elements[place] {
                Element::Var(var) => self.constant(self.types[*var]),
                Element::Aggregate("count" | "count-distinct", ..) => {
                    Term::Constant(Value::Long(1 + self.random.below(3) as i64))
                }
                Element::Aggregate("min" | "max", None, var) => self.constant(self.types[*var]),
                Element::Aggregate(..) => Term::Blank,
            };
            if let Term::Constant(value) = constant {
                let name = self.random.pick(&["<", "<=", ">", "=", "not="]);
                find.having = Some(Having(name, place, value));
            }
        }
    }

    pub(super) fn aggregate(&mut self, find: &mut Find, vars: &[Var]) {
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
            let number = NUMBERS.contains(&self.types[var]) || self.types[var] == ValueType::Float;
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
    }
}

fn makes_many(element: &Element) -> bool {
    matches!(element, Element::Aggregate("distinct", ..) | Element::Aggregate(_, Some(_), _))
}
