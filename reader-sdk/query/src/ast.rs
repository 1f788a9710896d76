//! The checked query: what the parser makes of EDN.
//!
//! Every part remembers where it stood, so that whatever refuses it later can say so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use duramen_model::{Edn, Form, Span, Symbol};

use crate::query::Memo;

/// A query that follows the grammar. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Query {
    pub(crate) parts: Arc<QueryParts>,
}

impl Query {
    /// How long the query gives itself.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.parts.timeout
    }
}

/// What a query says.
#[derive(Debug)]
pub(crate) struct QueryParts {
    /// What the query was read from: equal queries are told by it.
    pub(crate) text: Arc<str>,
    /// How it was answered last.
    pub(crate) memo: Memo,
    pub(crate) find: Find,
    pub(crate) with: Vec<Variable>,
    pub(crate) inputs: Vec<InputBinding>,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) having: Vec<Having>,
    pub(crate) order: Vec<OrderKey>,
    pub(crate) limit: Option<Amount>,
    pub(crate) offset: Option<Amount>,
    pub(crate) timeout: Option<Duration>,
}

/// A predicate over a row of the answer: `[(< 5 (count ?x))]`.
#[derive(Debug, Clone)]
pub(crate) struct Having {
    pub(crate) function: Symbol,
    pub(crate) arguments: Vec<HavingArgument>,
    pub(crate) span: Span,
}

/// An argument of a predicate over a row of the answer.
#[derive(Debug, Clone)]
pub(crate) enum HavingArgument {
    Variable(Variable),
    Aggregate(Aggregate),
    Constant(Form),
}

/// One key of `:order-by`.
#[derive(Debug, Clone)]
pub(crate) struct OrderKey {
    pub(crate) by: OrderBy,
    pub(crate) descending: bool,
    pub(crate) span: Span,
}

/// What rows are ordered by.
#[derive(Debug, Clone)]
pub(crate) enum OrderBy {
    Variable(Variable),
    Aggregate(Aggregate),
    /// The element of `:find` at this position, from 0.
    Position(usize),
}

/// How many rows: `:limit`, `:offset`.
#[derive(Debug, Clone)]
pub(crate) enum Amount {
    Number(usize),
    /// As many as an input of this name says.
    Input(Variable),
    /// All there are: `-1`.
    All,
}

/// A variable and where it was named.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) name: Symbol,
    pub(crate) span: Span,
}

/// What the query returns.
#[derive(Debug, Clone)]
pub(crate) struct Find {
    pub(crate) shape: Shape,
    pub(crate) elements: Vec<Element>,
    /// The keys of return maps, one for each element.
    pub(crate) keys: Option<Vec<Edn>>,
}

/// The container that comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `?a ?b`: a set of rows.
    Relation,
    /// `[?a ...]`: the values of one column.
    Collection,
    /// `[?a ?b]`: one row.
    Tuple,
    /// `?a .`: one value.
    Scalar,
}

/// One column of the result.
#[derive(Debug, Clone)]
pub(crate) enum Element {
    Variable(Variable),
    Aggregate(Aggregate),
    Pull(Pull),
}

/// `(sum ?x)`, `(min 3 ?x)`.
#[derive(Debug, Clone)]
pub(crate) struct Aggregate {
    pub(crate) function: Symbol,
    /// The constants before the variable.
    pub(crate) arguments: Vec<Form>,
    pub(crate) variable: Variable,
    pub(crate) span: Span,
}

/// `(pull $source ?entity pattern)`.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) source: Option<SourceName>,
    pub(crate) variable: Variable,
    pub(crate) pattern: PullPatternRef,
    pub(crate) span: Span,
}

/// Where a pull pattern comes from.
#[derive(Debug, Clone)]
pub(crate) enum PullPatternRef {
    /// It stands in the query.
    Form(Form),
    /// It is the input of this name.
    Input(Variable),
}

/// The name of a source: `$`, `$shop`.
pub(crate) type SourceName = Variable;

/// One place of `:in`.
#[derive(Debug, Clone)]
pub(crate) enum InputBinding {
    Source(SourceName),
    /// `%`, or another name that begins so: all sets of rules count together.
    Rules(Variable),
    /// A plain symbol: a pull pattern.
    Pattern(Variable),
    Value(Binding, Span),
}

/// What the parts of a value are called.
#[derive(Debug, Clone)]
pub(crate) enum Binding {
    /// `_`
    Ignore,
    /// `?x`
    Scalar(Variable),
    /// `[a b c]`
    Tuple(Vec<Binding>),
    /// `[a ...]`, and `[[a b c]]` as a collection of tuples.
    Collection(Box<Binding>),
}

/// One clause of `:where`.
#[derive(Debug, Clone)]
pub(crate) enum Clause {
    Pattern(Pattern),
    Call(Call),
    Or(Or),
    Not(Not),
    Rule(RuleCall),
}

impl Clause {
    pub(crate) const fn span(&self) -> Span {
        match self {
            Self::Pattern(pattern) => pattern.span,
            Self::Call(call) => call.span,
            Self::Or(or) => or.span,
            Self::Not(not) => not.span,
            Self::Rule(call) => call.span,
        }
    }
}

/// `[$source ?e :attribute ?v ?t ?op]`; against a plain relation any number of terms.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) source: Option<SourceName>,
    pub(crate) terms: Vec<Term>,
    pub(crate) span: Span,
}

/// One place of a pattern, a call or a rule call.
#[derive(Debug, Clone)]
pub(crate) enum Term {
    /// `_`
    Blank,
    Variable(Variable),
    Constant(Form),
}

/// `[(function argument…) binding]`; without a binding a predicate.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) function: Symbol,
    /// The query that a `q` asks; its inputs are the arguments.
    pub(crate) query: Option<Query>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) binding: Option<Binding>,
    pub(crate) span: Span,
}

/// An argument of a function.
#[derive(Debug, Clone)]
pub(crate) enum Argument {
    Variable(Variable),
    Source(SourceName),
    /// `%`, for a nested query.
    Rules(Span),
    Constant(Form),
}

/// `(or …)`, `(or-join [[required…] free…] …)`.
#[derive(Debug, Clone)]
pub(crate) struct Or {
    pub(crate) source: Option<SourceName>,
    /// The variables that join with what is outside; `None` for `or`, where all do.
    pub(crate) join: Option<JoinVariables>,
    pub(crate) branches: Vec<Vec<Clause>>,
    pub(crate) span: Span,
}

/// `[[required…] free…]`: the head of an `or-join` or of a rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct JoinVariables {
    pub(crate) required: Vec<Variable>,
    pub(crate) free: Vec<Variable>,
}

impl JoinVariables {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Variable> {
        self.required.iter().chain(&self.free)
    }

    pub(crate) fn len(&self) -> usize {
        self.required.len() + self.free.len()
    }
}

/// `(not …)`, `(not-join […] …)`.
#[derive(Debug, Clone)]
pub(crate) struct Not {
    pub(crate) source: Option<SourceName>,
    /// The variables that join with what is outside; `None` for `not`, where all do.
    pub(crate) join: Option<Vec<Variable>>,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) span: Span,
}

/// `($source rule argument…)`.
#[derive(Debug, Clone)]
pub(crate) struct RuleCall {
    pub(crate) source: Option<SourceName>,
    pub(crate) name: Symbol,
    pub(crate) arguments: Vec<Term>,
    pub(crate) span: Span,
}

/// All rules that a query was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    places: HashMap<Symbol, usize>,
}

/// `[(name [required…] free…) clause…]`, with the other bodies of that name.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) name: Symbol,
    pub(crate) bodies: Vec<RuleBody>,
}

/// One alternative of a rule.
#[derive(Debug, Clone)]
pub(crate) struct RuleBody {
    pub(crate) head: JoinVariables,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) span: Span,
}

impl Rules {
    pub(crate) fn named(&self, name: &Symbol) -> Option<&Rule> {
        self.places.get(name).map(|place| &self.rules[*place])
    }

    pub(crate) fn named_mut(&mut self, name: &Symbol) -> Option<&mut Rule> {
        self.places.get(name).map(|place| &mut self.rules[*place])
    }

    /// Adds a rule of another name.
    pub(crate) fn push(&mut self, rule: Rule) {
        self.places.insert(rule.name.clone(), self.rules.len());
        self.rules.push(rule);
    }

    /// How many clauses the bodies have, those within clauses counted too.
    pub(crate) fn clauses(&self) -> usize {
        let bodies = self.rules.iter().flat_map(|rule| &rule.bodies);
        bodies.map(|body| count(&body.clauses)).sum()
    }
}

/// How many clauses there are, those within clauses counted too.
pub(crate) fn count(clauses: &[Clause]) -> usize {
    let own = |clause: &Clause| match clause {
        Clause::Pattern(_) | Clause::Rule(_) => 1,
        Clause::Call(call) => {
            1 + call.query.as_ref().map_or(0, |query| count(&query.parts.clauses))
        }
        Clause::Or(or) => 1 + or.branches.iter().map(|branch| count(branch)).sum::<usize>(),
        Clause::Not(not) => 1 + count(&not.clauses),
    };
    clauses.iter().map(own).sum()
}
