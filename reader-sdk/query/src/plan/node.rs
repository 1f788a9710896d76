//! Nodes: clauses with their names resolved, not ordered yet.

use std::ops::Bound;

use duramen_model::{Attribute, AttributeId, Cardinality, EntityId, Span, Symbol, T, Value};

use super::Var;
use crate::cell::Cell;
use crate::functions::Function;

/// A place of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Slot<C> {
    Any,
    Constant(C),
    Var(Var),
}

/// An argument of a function.
#[derive(Debug, Clone)]
pub(crate) enum Argument {
    Constant(Cell),
    Var(Var),
    /// For a nested query: a source.
    Source(usize),
    /// For a nested query: the rules.
    Rules,
}

/// What the parts of a result are called.
#[derive(Debug, Clone)]
pub(crate) enum Bind {
    Ignore,
    Scalar(Var),
    Tuple(Vec<Bind>),
    Collection(Box<Bind>),
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Given { input: usize, vars: Vec<Var>, rows: usize },
    Match(Box<MatchNode>),
    Compute(ComputeNode),
    Either(EitherNode),
    Without(WithoutNode),
    Invoke(InvokeNode),
}

#[derive(Debug, Clone)]
pub(crate) struct MatchNode {
    /// Unique within the plan.
    pub(crate) id: usize,
    pub(crate) source: usize,
    pub(crate) terms: Vec<Slot<Cell>>,
    pub(crate) spans: Vec<Span>,
    /// What the constants mean to the source; `None` for a plain relation.
    pub(crate) facts: Option<Facts>,
    /// How many facts or rows the constants leave.
    pub(crate) count: u64,
    pub(crate) span: Span,
}

/// What the constants of a pattern mean to a database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    pub(crate) e: Option<EntityId>,
    pub(crate) a: Option<AttributeId>,
    pub(crate) v: Option<Value>,
    pub(crate) t: Option<T>,
    pub(crate) added: Option<bool>,
    /// The definition of the attribute, where it is a constant.
    pub(crate) attribute: Option<Attribute>,
    /// Whether facts of the attribute are found by their value.
    pub(crate) finds_values: bool,
    /// How many facts the attribute has, or the database.
    pub(crate) attribute_count: u64,
    /// About how many entities have facts of the attribute, where each may have several.
    pub(crate) entities: u64,
    /// Where predicates say that the value lies.
    pub(crate) bounds: (Bound<Value>, Bound<Value>),
    /// Whether a constant names nothing, so that nothing matches.
    pub(crate) never: bool,
    /// Whether the view shows retractions too.
    pub(crate) history: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct ComputeNode {
    pub(crate) name: Symbol,
    pub(crate) function: Function,
    pub(crate) source: Option<usize>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) bind: Option<Bind>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) struct EitherNode {
    pub(crate) branches: Vec<Vec<Node>>,
    /// The variables that the branches bind for what is outside.
    pub(crate) outputs: Vec<Var>,
    /// Every variable that may join with what is outside.
    pub(crate) mentioned: Vec<Var>,
    /// The variables that must be bound before.
    pub(crate) needs: Vec<Var>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) struct WithoutNode {
    pub(crate) nodes: Vec<Node>,
    /// Every variable that may join with what is outside.
    pub(crate) mentioned: Vec<Var>,
    /// Whether all of those must be bound outside: `not-join` lists them.
    pub(crate) listed: bool,
    pub(crate) needs: Vec<Var>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) struct InvokeNode {
    pub(crate) predicate: usize,
    pub(crate) arguments: Vec<Slot<Cell>>,
    pub(crate) span: Span,
}

/// A rule against a default source.
#[derive(Debug, Clone)]
pub(crate) struct Predicate {
    pub(crate) name: Symbol,
    pub(crate) params: Vec<Var>,
    /// The parameters that must be bound by the caller.
    pub(crate) needs: Vec<Var>,
    pub(crate) bodies: Vec<Vec<Node>>,
    /// Rules with the same number depend on each other.
    pub(crate) component: usize,
    pub(crate) span: Span,
}

impl<C> Slot<C> {
    pub(crate) const fn var(&self) -> Option<Var> {
        match self {
            Self::Var(var) => Some(*var),
            Self::Any | Self::Constant(_) => None,
        }
    }
}

impl Bind {
    pub(crate) fn vars(&self) -> Vec<Var> {
        match self {
            Self::Ignore => Vec::new(),
            Self::Scalar(var) => vec![*var],
            Self::Tuple(parts) => parts.iter().flat_map(Self::vars).collect(),
            Self::Collection(part) => part.vars(),
        }
    }

    /// Whether there is at most one row for each result.
    pub(crate) fn is_single(&self) -> bool {
        match self {
            Self::Ignore | Self::Scalar(_) => true,
            Self::Tuple(parts) => parts.iter().all(Self::is_single),
            Self::Collection(_) => false,
        }
    }
}

impl Facts {
    /// Whether an entity has at most one of them.
    pub(crate) fn is_single(&self) -> bool {
        let one = |attribute: &Attribute| attribute.cardinality == Cardinality::One;
        !self.history && self.attribute.as_ref().is_some_and(one)
    }
}

impl MatchNode {
    pub(crate) fn vars(&self) -> Vec<Var> {
        self.terms.iter().filter_map(Slot::var).collect()
    }

    /// The variable at a place, if there is one.
    pub(crate) fn var(&self, place: usize) -> Option<Var> {
        self.terms.get(place).and_then(Slot::var)
    }
}

impl Node {
    pub(crate) const fn span(&self) -> Span {
        match self {
            Self::Given { .. } => Span { start: 0, end: 0 },
            Self::Match(node) => node.span,
            Self::Compute(node) => node.span,
            Self::Either(node) => node.span,
            Self::Without(node) => node.span,
            Self::Invoke(node) => node.span,
        }
    }

    /// The variables that are bound once the node has run.
    pub(crate) fn produces(&self) -> Vec<Var> {
        match self {
            Self::Given { vars, .. } => vars.clone(),
            Self::Match(node) => node.vars(),
            Self::Compute(node) => node.bind.as_ref().map(Bind::vars).unwrap_or_default(),
            Self::Either(node) => node.outputs.clone(),
            Self::Without(_) => Vec::new(),
            Self::Invoke(node) => node.arguments.iter().filter_map(Slot::var).collect(),
        }
    }

    /// Every variable of the node that may join with its neighbours.
    pub(crate) fn mentions(&self) -> Vec<Var> {
        match self {
            Self::Compute(node) => {
                let mut vars = node.arguments();
                vars.extend(node.bind.as_ref().map(Bind::vars).unwrap_or_default());
                vars
            }
            Self::Either(node) => node.mentioned.clone(),
            Self::Without(node) => node.mentioned.clone(),
            _ => self.produces(),
        }
    }

    /// The variables that must be bound before the node can run.
    pub(crate) fn needs(&self, predicates: &[Predicate]) -> Vec<Var> {
        match self {
            Self::Given { .. } | Self::Match(_) => Vec::new(),
            Self::Compute(node) => node.arguments(),
            Self::Either(node) => node.needs.clone(),
            Self::Without(node) => node.needs.clone(),
            Self::Invoke(node) => node.needs(&predicates[node.predicate]),
        }
    }
}

impl ComputeNode {
    pub(crate) fn arguments(&self) -> Vec<Var> {
        let var = |argument: &Argument| match argument {
            Argument::Var(var) => Some(*var),
            Argument::Constant(_) | Argument::Source(_) | Argument::Rules => None,
        };
        self.arguments.iter().filter_map(var).collect()
    }
}

impl InvokeNode {
    fn needs(&self, predicate: &Predicate) -> Vec<Var> {
        let needed = |(slot, param): (&Slot<Cell>, &Var)| {
            slot.var().filter(|_| predicate.needs.contains(param))
        };
        self.arguments.iter().zip(&predicate.params).filter_map(needed).collect()
    }
}
