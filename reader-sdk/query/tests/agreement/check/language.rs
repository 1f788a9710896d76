//! The queries that are generated: a small language with all kinds of clauses, and its text.

use duramen_model::Value;
use duramen_model::edn::Edn;

/// A variable, `?v0` and so on.
pub(crate) type Var = usize;

/// How many variables a query may have.
pub(crate) const VARS: usize = 10;

/// What stands in one place of a clause.
#[derive(Debug, Clone)]
pub(crate) enum Term {
    Blank,
    Var(Var),
    /// A number, a string, a keyword: itself.
    Constant(Value),
    /// The entity with this ident; in the place of an attribute the attribute.
    Named(&'static str),
}

/// What a result is bound to.
#[derive(Debug, Clone)]
pub(crate) enum Bind {
    Scalar(Var),
    Tuple(Vec<Var>),
    Collection(Var),
    Relation(Vec<Var>),
}

#[derive(Debug, Clone)]
pub(crate) enum Clause {
    /// Against one of the sources.
    Pattern(usize, Vec<Term>),
    Predicate(&'static str, Vec<Term>),
    Function(&'static str, Vec<Term>, Bind),
    /// `get-else`, `get-some` and `missing?` of a source: entity, attributes, default, what it
    /// binds.
    Get(&'static str, usize, Term, Vec<&'static str>, Option<Value>, Option<Bind>),
    Or(Vec<Vec<Clause>>),
    /// With the variables that must be bound, and others.
    OrJoin(Vec<Var>, Vec<Var>, Vec<Vec<Clause>>),
    Not(Vec<Clause>),
    NotJoin(Vec<Var>, Vec<Clause>),
    /// Over the facts of a source.
    Rule(usize, &'static str, Vec<Term>),
    /// A query within, its arguments after the sources and rules, and what it binds.
    Nested(Box<Query>, Vec<Term>, Bind),
}

/// An element of `:find`.
#[derive(Debug, Clone)]
pub(crate) enum Element {
    Var(Var),
    Aggregate(&'static str, Option<usize>, Var),
}

/// What comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    #[default]
    Relation,
    Collection,
    Tuple,
    Scalar,
}

/// Which groups stay: those for which what is in this place compares so with a value.
#[derive(Debug, Clone)]
pub(crate) struct Having(pub(crate) &'static str, pub(crate) usize, pub(crate) Value);

/// What is made of the rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Find {
    pub(crate) elements: Vec<Element>,
    /// Aggregates that are not shown: `:having` and `:order-by` count on from the elements.
    pub(crate) hidden: Vec<Element>,
    /// Whether rows are maps.
    pub(crate) keys: bool,
    pub(crate) shape: Shape,
    pub(crate) with: Vec<Var>,
    pub(crate) having: Option<Having>,
    /// Places in the elements; whether descending.
    pub(crate) order: Vec<(usize, bool)>,
    pub(crate) limit: Option<usize>,
    pub(crate) offset: Option<usize>,
    /// Whether these amounts are given, and what `:having` compares with.
    pub(crate) amounts_given: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Given {
    /// `?x`
    One(Var, Term),
    /// `[?x ...]`
    Some(Var, Vec<Term>),
    /// `[[?x ?y]]`
    Rows([Var; 2], Vec<[Term; 2]>),
    /// `[?x ?y]`
    Pair([Var; 2], [Term; 2]),
    /// `[[?x [?y ...]]]`
    Grouped([Var; 2], Vec<(Term, Vec<Term>)>),
}

#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) find: Find,
    pub(crate) given: Vec<Given>,
    pub(crate) clauses: Vec<Clause>,
    /// In how many sets the rules are given.
    pub(crate) rule_sets: usize,
    /// The views that stand for the three databases; asked again with others of them, the
    /// query meets its plan.
    pub(crate) views: Vec<[usize; 3]>,
}

/// How sources are called: the third is a plain relation, the others are databases.
const SOURCES: [&str; SOURCE_COUNT] = ["$", "$b", "$c", "$d"];
pub(crate) const SOURCE_COUNT: usize = 4;

impl Given {
    pub(crate) fn vars(&self) -> Vec<Var> {
        match self {
            Self::One(var, _) | Self::Some(var, _) => vec![*var],
            Self::Rows(vars, _) | Self::Pair(vars, _) | Self::Grouped(vars, _) => vars.to_vec(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::One(var, _) => format!("?v{var}"),
            Self::Some(var, _) => format!("[?v{var} ...]"),
            Self::Rows([a, b], _) => format!("[[?v{a} ?v{b}]]"),
            Self::Pair([a, b], _) => format!("[?v{a} ?v{b}]"),
            Self::Grouped([a, b], _) => format!("[[?v{a} [?v{b} ...]]]"),
        }
    }
}

impl Bind {
    pub(crate) fn vars(&self) -> Vec<Var> {
        match self {
            Self::Scalar(var) | Self::Collection(var) => vec![*var],
            Self::Tuple(vars) | Self::Relation(vars) => vars.clone(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Scalar(var) => format!("?v{var}"),
            Self::Tuple(vars) => format!("[{}]", vars_text(vars)),
            Self::Collection(var) => format!("[?v{var} ...]"),
            Self::Relation(vars) => format!("[[{}]]", vars_text(vars)),
        }
    }
}

impl Element {
    pub(crate) const fn var(&self) -> Var {
        match self {
            Self::Var(var) | Self::Aggregate(_, _, var) => *var,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Var(var) => format!("?v{var}"),
            Self::Aggregate(name, None, var) => format!("({name} ?v{var})"),
            Self::Aggregate(name, Some(number), var) => format!("({name} {number} ?v{var})"),
        }
    }
}

impl Find {
    pub(crate) fn aggregates(&self) -> bool {
        self.all().any(|element| matches!(element, Element::Aggregate(..)))
    }

    /// What is shown, then what is not, as far as it is named.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Element> {
        let shown = self.elements.len();
        let named = self.having.iter().any(|Having(_, place, _)| *place >= shown)
            || self.order.iter().any(|(place, _)| *place >= shown);
        self.elements.iter().chain(self.hidden.iter().filter(move |_| named))
    }

    /// What stands in a place.
    pub(crate) fn element(&self, place: usize) -> &Element {
        self.all().nth(place).expect("a place in what is found")
    }

    /// The plain inputs that it takes: how they are called, and what they are.
    pub(crate) fn inputs(&self) -> Vec<(&'static str, Value)> {
        let amount = |amount: Option<usize>| amount.map(|amount| Value::Long(amount as i64));
        let wanted = self.having.as_ref().map(|Having(_, _, value)| value.clone());
        let all =
            [("?wanted", wanted), ("?limit", amount(self.limit)), ("?offset", amount(self.offset))];
        let given = all.into_iter().filter(|_| self.amounts_given);
        given.filter_map(|(name, value)| value.map(|value| (name, value))).collect()
    }

    /// The most rows that come back.
    pub(crate) fn rows_max(&self) -> usize {
        let limit = self.limit.unwrap_or(usize::MAX);
        match self.shape {
            Shape::Relation | Shape::Collection => limit,
            Shape::Tuple | Shape::Scalar => limit.min(1),
        }
    }

    /// What stands after `:find`, and what stands at the end of the query.
    fn text(&self) -> (String, String) {
        let mut head = joined(self.elements.iter().map(Element::text));
        match self.shape {
            Shape::Relation => {}
            Shape::Collection => head = format!("[{head} ...]"),
            Shape::Tuple => head = format!("[{head}]"),
            Shape::Scalar => head.push_str(" ."),
        }
        if self.keys {
            let key = |at: usize| format!("key{at}");
            head.push_str(&format!(" :keys {}", joined((0..self.elements.len()).map(key))));
        }
        if !self.with.is_empty() {
            head.push_str(&format!(" :with {}", vars_text(&self.with)));
        }
        let mut tail = String::new();
        if let Some(Having(name, place, value)) = &self.having {
            let value = match self.amounts_given {
                true => "?wanted".to_owned(),
                false => Edn::Value(value.clone()).to_string(),
            };
            let element = self.element(*place).text();
            tail.push_str(&format!(" :having [({name} {element} {value})]"));
        }
        if !self.order.is_empty() {
            let key = |(place, descending): &(usize, bool)| {
                // A place is named by its number or by what stands there.
                let by = match *place < self.elements.len() && !descending {
                    true => place.to_string(),
                    false => self.element(*place).text(),
                };
                format!("{by} {}", if *descending { ":desc" } else { ":asc" })
            };
            tail.push_str(&format!(" :order-by [{}]", joined(self.order.iter().map(key))));
        }
        for (name, amount) in [("limit", self.limit), ("offset", self.offset)] {
            if amount.is_some() && self.amounts_given {
                tail.push_str(&format!(" :{name} ?{name}"));
            } else if let Some(amount) = amount {
                tail.push_str(&format!(" :{name} {amount}"));
            }
        }
        (head, tail)
    }
}

impl Query {
    pub(crate) fn text(&self) -> String {
        let mut given: String =
            self.given.iter().map(|given| format!(" {}", given.text())).collect();
        self.find.inputs().iter().for_each(|(name, _)| given.push_str(&format!(" {name}")));
        let (head, tail) = self.find.text();
        let clauses = clauses_text(&self.clauses);
        let rules = if self.rule_sets > 1 { "% %more" } else { "%" };
        format!("[:find {head} :in $ $b $c $d {rules}{given} :where {clauses}{tail}]")
    }

    /// The variables that the query can return: all that stand outside of negations.
    pub(crate) fn vars(&self) -> Vec<Var> {
        let mut vars: Vec<Var> = self.given.iter().flat_map(Given::vars).collect();
        self.clauses.iter().for_each(|clause| clause.binds(&mut vars));
        vars.sort_unstable();
        vars.dedup();
        vars
    }

    /// Whether a clause somewhere in it is such a one.
    pub(crate) fn any(&self, wanted: &mut dyn FnMut(&Clause) -> bool) -> bool {
        self.clauses.iter().any(|clause| clause.any(wanted))
    }
}

impl Term {
    pub(crate) const fn var(&self) -> Option<Var> {
        match self {
            Self::Var(var) => Some(*var),
            Self::Blank | Self::Constant(_) | Self::Named(_) => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Blank => "_".to_owned(),
            Self::Var(var) => format!("?v{var}"),
            Self::Constant(value) => Edn::Value(value.clone()).to_string(),
            Self::Named(name) => format!(":{name}"),
        }
    }
}

impl Clause {
    /// The variables that the clause can bind.
    pub(crate) fn binds(&self, vars: &mut Vec<Var>) {
        match self {
            Self::Pattern(_, terms) | Self::Rule(_, _, terms) => {
                vars.extend(terms.iter().filter_map(Term::var));
            }
            Self::Function(_, _, bind) | Self::Nested(_, _, bind) => vars.extend(bind.vars()),
            Self::Get(.., bind) => vars.extend(bind.iter().flat_map(Bind::vars)),
            Self::Or(branches) => {
                branches.iter().flatten().for_each(|clause| clause.binds(vars));
            }
            Self::OrJoin(_, join, _) => vars.extend(join),
            Self::Predicate(..) | Self::Not(_) | Self::NotJoin(..) => {}
        }
    }

    pub(crate) fn any(&self, wanted: &mut dyn FnMut(&Self) -> bool) -> bool {
        if wanted(self) {
            return true;
        }
        match self {
            Self::Or(branches) | Self::OrJoin(_, _, branches) => {
                branches.iter().flatten().any(|clause| clause.any(wanted))
            }
            Self::Not(clauses) | Self::NotJoin(_, clauses) => {
                clauses.iter().any(|clause| clause.any(wanted))
            }
            Self::Nested(query, ..) => query.any(wanted),
            _ => false,
        }
    }

    fn text(&self) -> String {
        let sourced = |source: &usize| if *source == 0 { "" } else { SOURCES[*source] };
        match self {
            Self::Pattern(source, terms) => {
                format!("[{}]", joined([sourced(source).to_owned(), terms_text(terms)]))
            }
            Self::Predicate(name, terms) => format!("[({name} {})]", terms_text(terms)),
            Self::Function(name, terms, bind) => {
                format!("[({name} {}) {}]", terms_text(terms), bind.text())
            }
            Self::Get(name, source, entity, attributes, default, bind) => {
                let attributes = joined(attributes.iter().map(|name| format!(":{name}")));
                let default = default.iter().map(|value| Edn::Value(value.clone()).to_string());
                let arguments = [SOURCES[*source].to_owned(), entity.text(), attributes];
                let call = joined(arguments.into_iter().chain(default));
                format!("[({name} {call}) {}]", bind.as_ref().map(Bind::text).unwrap_or_default())
            }
            Self::Or(branches) => format!("(or {})", branches_text(branches)),
            Self::OrJoin(needed, vars, branches) => {
                let needed = match needed.as_slice() {
                    [] => String::new(),
                    needed => format!("[{}]", vars_text(needed)),
                };
                let vars = joined([needed, vars_text(vars)]);
                format!("(or-join [{vars}] {})", branches_text(branches))
            }
            Self::Not(clauses) => format!("(not {})", clauses_text(clauses)),
            Self::NotJoin(vars, clauses) => {
                format!("(not-join [{}] {})", vars_text(vars), clauses_text(clauses))
            }
            Self::Rule(source, name, terms) => {
                let parts = [sourced(source).to_owned(), (*name).to_owned(), terms_text(terms)];
                format!("({})", joined(parts))
            }
            Self::Nested(query, arguments, bind) => {
                let arguments = terms_text(arguments);
                format!("[(q {} $ $b $c $d % {arguments}) {}]", query.text(), bind.text())
            }
        }
    }
}

/// The parts that are not empty, with spaces between them.
fn joined(parts: impl IntoIterator<Item = String>) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

pub(crate) fn clauses_text(clauses: &[Clause]) -> String {
    joined(clauses.iter().map(Clause::text))
}

fn terms_text(terms: &[Term]) -> String {
    joined(terms.iter().map(Term::text))
}

pub(crate) fn vars_text(vars: &[Var]) -> String {
    joined(vars.iter().map(|var| format!("?v{var}")))
}

fn branches_text(branches: &[Vec<Clause>]) -> String {
    joined(branches.iter().map(|branch| match branch.as_slice() {
        [one] => one.text(),
        several => format!("(and {})", clauses_text(several)),
    }))
}
