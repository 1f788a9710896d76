//! From clauses to nodes: names become variables, sources, functions and predicates.

use std::collections::{BTreeSet, HashMap, HashSet};

use duramen_model::{Span, Symbol};

use super::Var;
use super::node::{
    Argument, Bind, ComputeNode, EitherNode, InvokeNode, MatchNode, Node, Predicate, Slot,
    WithoutNode,
};
use crate::ast::{self, Clause, Query, Rules, Term};
use crate::cell::{Cell, Pattern};
use crate::error::{QueryError, QueryErrorKind};
use crate::find::FindPlan;
use crate::functions::{Function, takes_pattern};
use crate::registry::Registry;

/// What a query means, apart from the order of its steps.
#[derive(Debug, Clone)]
pub(crate) struct Lowered {
    pub(crate) names: Vec<Symbol>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) predicates: Vec<Predicate>,
    /// The variables that the inputs bind.
    pub(crate) inputs: BTreeSet<Var>,
    /// The variables of the query itself.
    pub(crate) scope: HashMap<Symbol, Var>,
}

/// An input that binds variables: their names and the number of rows.
#[derive(Debug, Clone)]
pub(crate) struct GivenInput {
    pub(crate) names: Vec<Symbol>,
    pub(crate) rows: usize,
}

/// Lowers a query and the rules that it uses.
pub(crate) fn lower(
    query: &Query,
    rules: &Rules,
    sources: &[Symbol],
    given: &[GivenInput],
    registry: &Registry,
) -> Result<Lowered, QueryError> {
    lower_within(query, rules, sources, given, registry, &mut Nesting::default())
}

/// Queries within queries: those that are being lowered, and those that were.
#[derive(Default)]
struct Nesting {
    open: Vec<usize>,
    done: HashSet<usize>,
}

fn lower_within(
    query: &Query,
    rules: &Rules,
    sources: &[Symbol],
    given: &[GivenInput],
    registry: &Registry,
    nesting: &mut Nesting,
) -> Result<Lowered, QueryError> {
    let mut lowering = Lowering {
        rules,
        sources,
        registry,
        nesting,
        names: Vec::new(),
        matches: 0,
        predicates: Vec::new(),
        known: HashMap::new(),
    };
    let default = sources.iter().position(|source| source.text() == "$");
    let mut scope = Scope { vars: HashMap::new(), default };
    let mut nodes = Vec::new();
    for (input, given) in given.iter().enumerate() {
        let vars = given.names.iter().map(|name| lowering.var(name, &mut scope)).collect();
        nodes.push(Node::Given { input, vars, rows: given.rows });
    }
    let inputs = scope.vars.values().copied().collect();
    nodes.extend(lowering.clauses(&query.parts.clauses, &mut scope)?);
    lowering.bodies()?;
    let Lowering { names, predicates, .. } = lowering;
    Ok(Lowered { names, nodes, predicates, inputs, scope: scope.vars })
}

impl Lowered {
    /// Sets how many rows the inputs have.
    pub(crate) fn set_given(&mut self, given_rows: &[usize]) {
        for node in &mut self.nodes {
            if let Node::Given { input, rows, .. } = node {
                *rows = given_rows.get(*input).copied().unwrap_or(*rows);
            }
        }
    }
}

struct Lowering<'a> {
    rules: &'a Rules,
    sources: &'a [Symbol],
    registry: &'a Registry,
    nesting: &'a mut Nesting,
    names: Vec<Symbol>,
    matches: usize,
    predicates: Vec<Predicate>,
    /// The predicates by the rule and the default source that they stand for.
    known: HashMap<(Symbol, Option<usize>), usize>,
}

#[derive(Clone)]
struct Scope {
    vars: HashMap<Symbol, Var>,
    /// The source of clauses that name none.
    default: Option<usize>,
}

impl Lowering<'_> {
    fn var(&mut self, name: &Symbol, scope: &mut Scope) -> Var {
        *scope.vars.entry(name.clone()).or_insert_with(|| {
            self.names.push(name.clone());
            Var(self.names.len() - 1)
        })
    }

    fn source(&self, name: &ast::SourceName) -> Result<usize, QueryError> {
        let found = self.sources.iter().position(|source| *source == name.name);
        found.ok_or_else(|| {
            QueryError::unbound(name.span, format!("no source {} in :in", name.name))
        })
    }

    fn source_or_default(
        &self,
        name: Option<&ast::SourceName>,
        scope: &Scope,
        span: Span,
    ) -> Result<usize, QueryError> {
        match name {
            Some(name) => self.source(name),
            None => scope.default.ok_or_else(|| {
                QueryError::unbound(span, "no source: $ is not in :in and none is named")
            }),
        }
    }

    /// The scope of clauses within one that may name a source.
    fn inner(&self, name: Option<&ast::SourceName>, scope: &Scope) -> Result<Scope, QueryError> {
        let default = match name {
            Some(name) => Some(self.source(name)?),
            None => scope.default,
        };
        Ok(Scope { vars: scope.vars.clone(), default })
    }

    fn clauses(&mut self, clauses: &[Clause], scope: &mut Scope) -> Result<Vec<Node>, QueryError> {
        clauses.iter().map(|clause| self.clause(clause, scope)).collect()
    }

    fn clause(&mut self, clause: &Clause, scope: &mut Scope) -> Result<Node, QueryError> {
        match clause {
            Clause::Pattern(pattern) => {
                self.pattern(pattern, scope).map(|node| Node::Match(Box::new(node)))
            }
            Clause::Call(call) => self.call(call, scope).map(Node::Compute),
            Clause::Or(or) => self.or(or, scope).map(Node::Either),
            Clause::Not(not) => self.not(not, scope).map(Node::Without),
            Clause::Rule(call) => self.rule_call(call, scope).map(Node::Invoke),
        }
    }

    fn slot(&mut self, term: &Term, scope: &mut Scope) -> Slot<Cell> {
        match term {
            Term::Blank => Slot::Any,
            Term::Variable(variable) => Slot::Var(self.var(&variable.name, scope)),
            Term::Constant(form) => Slot::Constant(Cell::from_edn(&form.edn)),
        }
    }

    fn pattern(
        &mut self,
        pattern: &ast::Pattern,
        scope: &mut Scope,
    ) -> Result<MatchNode, QueryError> {
        let source = self.source_or_default(pattern.source.as_ref(), scope, pattern.span)?;
        let spans = pattern.terms.iter().map(|term| term.span().unwrap_or(pattern.span)).collect();
        let terms = pattern.terms.iter().map(|term| self.slot(term, scope)).collect();
        self.matches += 1;
        Ok(MatchNode {
            id: self.matches,
            source,
            terms,
            spans,
            facts: None,
            count: 0,
            span: pattern.span,
        })
    }

    fn call(&mut self, call: &ast::Call, scope: &mut Scope) -> Result<ComputeNode, QueryError> {
        if let Some(query) = &call.query {
            return self.nested(query, call, scope);
        }
        let function = Function::named(&call.function, self.registry).ok_or_else(|| {
            let message = format!("no function {}", call.function);
            QueryError::new(QueryErrorKind::UnknownFunction, call.span, message)
        })?;
        let (source, arguments) = self.call_source(&function, call)?;
        if !function.takes(arguments.len()) {
            return Err(wrong_arity(call, &function, arguments.len()));
        }
        let mut cells = Vec::with_capacity(arguments.len());
        for (place, argument) in arguments.iter().enumerate() {
            cells.push(match argument {
                ast::Argument::Variable(variable) => Argument::Var(self.var(&variable.name, scope)),
                ast::Argument::Source(source) => {
                    let message = format!("{} takes no source", call.function);
                    return Err(QueryError::malformed(source.span, message));
                }
                ast::Argument::Rules(span) => {
                    let message = format!("{} takes no rules", call.function);
                    return Err(QueryError::malformed(*span, message));
                }
                ast::Argument::Constant(form) => {
                    Argument::Constant(constant(call, place, Cell::from_edn(&form.edn))?)
                }
            });
        }
        let bind = call.binding.as_ref().map(|binding| self.bind(binding, scope));
        Ok(ComputeNode {
            name: call.function.clone(),
            function,
            source,
            arguments: cells,
            bind,
            span: call.span,
        })
    }

    /// A `q`: its arguments are the inputs of the query within.
    fn nested(
        &mut self,
        query: &Query,
        call: &ast::Call,
        scope: &mut Scope,
    ) -> Result<ComputeNode, QueryError> {
        let function = Function::Query(query.clone());
        if !function.takes(call.arguments.len()) {
            return Err(wrong_arity(call, &function, call.arguments.len()));
        }
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for (place, argument) in query.parts.inputs.iter().zip(&call.arguments) {
            arguments.push(self.nested_input(place, argument, scope)?);
        }
        self.check_nested(query, call.span)?;
        let bind = call.binding.as_ref().map(|binding| self.bind(binding, scope));
        let name = call.function.clone();
        Ok(ComputeNode { name, function, source: None, arguments, bind, span: call.span })
    }

    /// Refuses a nested query before anything runs, as far as it does not hang on its sources.
    fn check_nested(&mut self, query: &Query, span: Span) -> Result<(), QueryError> {
        let id = std::sync::Arc::as_ptr(&query.parts) as usize;
        if self.nesting.open.contains(&id) {
            let message = "a rule depends on itself through a query within it";
            return Err(QueryError::new(QueryErrorKind::Unstratified, span, message));
        }
        if !self.nesting.done.insert(id) {
            return Ok(());
        }
        self.nesting.open.push(id);
        let none = Rules::default();
        let rules = if query.takes_rules() { self.rules } else { &none };
        let sources = query.source_names();
        let given = query.given_inputs();
        let (registry, nesting) = (self.registry, &mut *self.nesting);
        let mut lowered = lower_within(query, rules, &sources, &given, registry, nesting)?;
        super::check(&mut lowered)?;
        FindPlan::new(query, &lowered, &sources, &HashMap::new(), registry)?;
        self.nesting.open.pop();
        Ok(())
    }

    fn nested_input(
        &mut self,
        place: &ast::InputBinding,
        argument: &ast::Argument,
        scope: &mut Scope,
    ) -> Result<Argument, QueryError> {
        match (place, argument) {
            (ast::InputBinding::Source(_), ast::Argument::Source(source)) => {
                self.source(source).map(Argument::Source)
            }
            (ast::InputBinding::Rules(_), ast::Argument::Rules(_)) => Ok(Argument::Rules),
            (_, ast::Argument::Source(found)) => {
                Err(QueryError::inputs(found.span, "a source given for a value"))
            }
            (ast::InputBinding::Rules(name), _) => {
                Err(QueryError::inputs(name.span, "a query within a query is given rules as %"))
            }
            (_, ast::Argument::Rules(span)) => {
                Err(QueryError::inputs(*span, "rules given for a value"))
            }
            (_, ast::Argument::Variable(variable)) => {
                Ok(Argument::Var(self.var(&variable.name, scope)))
            }
            (_, ast::Argument::Constant(form)) => Ok(Argument::Constant(Cell::from_edn(&form.edn))),
        }
    }

    fn call_source<'c>(
        &self,
        function: &Function,
        call: &'c ast::Call,
    ) -> Result<(Option<usize>, &'c [ast::Argument]), QueryError> {
        match (function.takes_source(), call.arguments.split_first()) {
            (true, Some((ast::Argument::Source(source), rest))) => {
                Ok((Some(self.source(source)?), rest))
            }
            (true, _) => {
                let message = format!("{} takes a source first: ({0} $ …)", call.function);
                Err(QueryError::malformed(call.span, message))
            }
            (false, _) => Ok((None, &call.arguments)),
        }
    }

    pub(crate) fn bind(&mut self, binding: &ast::Binding, scope: &mut Scope) -> Bind {
        match binding {
            ast::Binding::Ignore => Bind::Ignore,
            ast::Binding::Scalar(variable) => Bind::Scalar(self.var(&variable.name, scope)),
            ast::Binding::Tuple(parts) => {
                Bind::Tuple(parts.iter().map(|part| self.bind(part, scope)).collect())
            }
            ast::Binding::Collection(part) => Bind::Collection(Box::new(self.bind(part, scope))),
        }
    }

    fn or(&mut self, or: &ast::Or, scope: &mut Scope) -> Result<EitherNode, QueryError> {
        let mut branches = Vec::with_capacity(or.branches.len());
        let Some(join) = &or.join else {
            for branch in &or.branches {
                let mut inner = self.inner(or.source.as_ref(), scope)?;
                branches.push(self.clauses(branch, &mut inner)?);
                scope.vars = inner.vars;
            }
            let outputs = united(branches.iter().flatten().map(Node::produces_or_uses));
            let mentioned = united(branches.iter().flatten().map(Node::mentions));
            return Ok(EitherNode {
                branches,
                outputs,
                mentioned,
                needs: Vec::new(),
                span: or.span,
            });
        };
        let vars: Vec<Var> = join.all().map(|v| self.var(&v.name, scope)).collect();
        for branch in &or.branches {
            let mut inner = self.inner(or.source.as_ref(), scope)?;
            let listed = |name: &Symbol| join.all().any(|v| v.name == *name);
            inner.vars.retain(|name, _| listed(name));
            branches.push(self.clauses(branch, &mut inner)?);
        }
        let needs = vars[..join.required.len()].to_vec();
        Ok(EitherNode { branches, outputs: vars.clone(), mentioned: vars, needs, span: or.span })
    }

    fn not(&mut self, not: &ast::Not, scope: &mut Scope) -> Result<WithoutNode, QueryError> {
        let mut inner = self.inner(not.source.as_ref(), scope)?;
        let Some(join) = &not.join else {
            let nodes = self.clauses(&not.clauses, &mut inner)?;
            scope.vars = inner.vars;
            let mentioned = united(nodes.iter().map(Node::mentions));
            return Ok(WithoutNode {
                nodes,
                mentioned,
                listed: false,
                needs: Vec::new(),
                span: not.span,
            });
        };
        let mentioned: Vec<Var> = join.iter().map(|v| self.var(&v.name, scope)).collect();
        inner.vars = join.iter().map(|v| v.name.clone()).zip(mentioned.iter().copied()).collect();
        let nodes = self.clauses(&not.clauses, &mut inner)?;
        Ok(WithoutNode { nodes, mentioned, listed: true, needs: Vec::new(), span: not.span })
    }

    fn rule_call(
        &mut self,
        call: &ast::RuleCall,
        scope: &mut Scope,
    ) -> Result<InvokeNode, QueryError> {
        let rule = self.rules.named(&call.name).ok_or_else(|| {
            let message = format!("no rule {} among the rules given for %", call.name);
            QueryError::new(QueryErrorKind::UnknownRule, call.span, message)
        })?;
        let arity = rule.bodies[0].head.len();
        if arity != call.arguments.len() {
            let message = format!(
                "the rule {} takes {arity} arguments and is called with {}",
                call.name,
                call.arguments.len()
            );
            return Err(QueryError::new(QueryErrorKind::RuleArity, call.span, message));
        }
        let source = match &call.source {
            Some(source) => Some(self.source(source)?),
            None => scope.default,
        };
        let predicate = self.predicate(rule, source);
        let arguments = call.arguments.iter().map(|term| self.slot(term, scope)).collect();
        Ok(InvokeNode { predicate, arguments, span: call.span })
    }

    /// The predicate for a rule against a default source. Its bodies are lowered later, so that
    /// rules may call each other in a circle.
    fn predicate(&mut self, rule: &ast::Rule, source: Option<usize>) -> usize {
        if let Some(&known) = self.known.get(&(rule.name.clone(), source)) {
            return known;
        }
        let head = &rule.bodies[0].head;
        let params: Vec<Var> = head
            .all()
            .map(|variable| {
                self.names.push(variable.name.clone());
                Var(self.names.len() - 1)
            })
            .collect();
        let needs = params[..head.required.len()].to_vec();
        let span = rule.bodies[0].span;
        let name = rule.name.clone();
        self.predicates.push(Predicate {
            name,
            params,
            needs,
            bodies: Vec::new(),
            component: 0,
            span,
        });
        let predicate = self.predicates.len() - 1;
        self.known.insert((rule.name.clone(), source), predicate);
        predicate
    }

    /// Lowers the bodies of all predicates in use, and of those that they turn out to use.
    fn bodies(&mut self) -> Result<(), QueryError> {
        let mut next = 0;
        while next < self.predicates.len() {
            let found = self.known.iter().find(|(_, predicate)| **predicate == next);
            let ((name, default), _) = found.expect("every predicate is known by its rule");
            let (name, default) = (name.clone(), *default);
            let rule = self.rules.named(&name).expect("the predicate was made from the rule");
            for body in &rule.bodies {
                let params = self.predicates[next].params.clone();
                let names = body.head.all().map(|variable| variable.name.clone());
                let mut scope = Scope { vars: names.zip(params).collect(), default };
                let nodes = self.clauses(&body.clauses, &mut scope)?;
                self.predicates[next].bodies.push(nodes);
            }
            next += 1;
        }
        Ok(())
    }
}

impl Node {
    /// What a branch of an `or` shares with what is outside: all but what stands within a `not`.
    fn produces_or_uses(&self) -> Vec<Var> {
        match self {
            Self::Without(_) => Vec::new(),
            Self::Either(node) => node.outputs.clone(),
            other => other.mentions(),
        }
    }
}

impl Term {
    const fn span(&self) -> Option<Span> {
        match self {
            Self::Blank => None,
            Self::Variable(variable) => Some(variable.span),
            Self::Constant(form) => Some(form.span),
        }
    }
}

fn united(vars: impl Iterator<Item = Vec<Var>>) -> Vec<Var> {
    vars.flatten().collect::<BTreeSet<Var>>().into_iter().collect()
}

/// A constant argument; the text of a regular expression is compiled once, here.
fn constant(call: &ast::Call, place: usize, cell: Cell) -> Result<Cell, QueryError> {
    match &cell {
        Cell::Value(duramen_model::Value::String(text))
            if place == 0 && takes_pattern(call.function.text()) =>
        {
            let pattern = Pattern::new(text).map_err(|message| {
                QueryError::new(QueryErrorKind::FunctionError, call.span, message)
            })?;
            Ok(Cell::Pattern(std::sync::Arc::new(pattern)))
        }
        Cell::Nil if call.function.text() == "get-else" && place == 2 => {
            let message = "the default of get-else is nil, which is no value";
            Err(QueryError::new(QueryErrorKind::FunctionError, call.span, message))
        }
        _ => Ok(cell),
    }
}

impl Query {
    /// The names of the sources in `:in`.
    pub(crate) fn source_names(&self) -> Vec<Symbol> {
        let name = |input: &ast::InputBinding| match input {
            ast::InputBinding::Source(name) => Some(name.name.clone()),
            _ => None,
        };
        self.parts.inputs.iter().filter_map(name).collect()
    }

    /// Whether `:in` takes rules.
    pub(crate) fn takes_rules(&self) -> bool {
        let rules = |input: &ast::InputBinding| matches!(input, ast::InputBinding::Rules(_));
        self.parts.inputs.iter().any(rules)
    }

    /// The inputs that bind variables, each with one row.
    pub(crate) fn given_inputs(&self) -> Vec<GivenInput> {
        let names = |input: &ast::InputBinding| match input {
            ast::InputBinding::Value(binding, _) => {
                let mut names = Vec::new();
                binding.names(&mut names);
                Some(GivenInput { names, rows: 1 })
            }
            _ => None,
        };
        self.parts.inputs.iter().filter_map(names).collect()
    }
}

impl ast::Binding {
    /// The names in the order in which they stand.
    fn names(&self, names: &mut Vec<Symbol>) {
        match self {
            Self::Ignore => {}
            Self::Scalar(variable) => names.push(variable.name.clone()),
            Self::Tuple(parts) => parts.iter().for_each(|part| part.names(names)),
            Self::Collection(part) => part.names(names),
        }
    }
}

fn wrong_arity(call: &ast::Call, function: &Function, found: usize) -> QueryError {
    let expected = match function.arity() {
        (min, max) if min == max => format!("{min}"),
        (min, usize::MAX) => format!("at least {min}"),
        (min, max) => format!("{min} to {max}"),
    };
    let message = format!("{} takes {expected} arguments, not {found}", call.function);
    QueryError::new(QueryErrorKind::FunctionArity, call.span, message)
}
