//! The clauses of `:where` and of rule bodies.

use std::collections::HashSet;

use duramen_model::{Edn, Form, Span, Symbol};

use super::binding::parse_binding;
use super::term::{
    as_rules, as_source, as_variable, constant, expected, is_blank, is_symbol, term, variable,
};
use crate::ast::{
    Argument, Binding, Call, Clause, InputBinding, JoinVariables, Not, Or, Pattern, Query,
    RuleCall, SourceName, Term,
};
use crate::error::QueryError;

/// Reads a clause; an `and` adds all of its own.
pub(super) fn parse_into(
    form: &Form,
    depth: usize,
    clauses: &mut Vec<Clause>,
) -> Result<(), QueryError> {
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| QueryError::malformed(form.span, "clauses are nested too deeply"))?;
    match &form.edn {
        Edn::Vector(parts) => clauses.push(vector_clause(parts, form.span, depth)?),
        Edn::List(parts) => list_clause(parts, form.span, depth, clauses)?,
        _ => return Err(expected("a clause: a vector or a list", form)),
    }
    Ok(())
}

fn vector_clause(parts: &[Form], span: Span, depth: usize) -> Result<Clause, QueryError> {
    match parts.split_first() {
        None => Err(QueryError::malformed(span, "an empty pattern")),
        Some((Form { edn: Edn::List(call), .. }, rest)) => {
            function_call(call, rest, span, depth).map(Clause::Call)
        }
        Some(_) => pattern(parts, span).map(Clause::Pattern),
    }
}

fn pattern(parts: &[Form], span: Span) -> Result<Pattern, QueryError> {
    let source = as_source(&parts[0]);
    let terms = if source.is_some() { &parts[1..] } else { parts };
    if terms.is_empty() {
        return Err(QueryError::malformed(span, "a pattern with a source alone"));
    }
    let terms = terms.iter().map(term).collect::<Result<_, _>>()?;
    Ok(Pattern { source, terms, span })
}

fn function_call(
    call: &[Form],
    rest: &[Form],
    span: Span,
    depth: usize,
) -> Result<Call, QueryError> {
    let Some((head, arguments)) = call.split_first() else {
        return Err(QueryError::malformed(span, "a call without a function"));
    };
    let function = head
        .as_symbol()
        .filter(|_| as_variable(head).is_none() && as_source(head).is_none())
        .ok_or_else(|| expected("the name of a function", head))?;
    let binding = match rest {
        [] => None,
        [binding] => Some(parse_binding(binding)?),
        [_, second, ..] => return Err(expected("one binding after the call", second)),
    };
    let (query, arguments) = match function.text() {
        "q" => nested_query(arguments, span, depth)?,
        _ => (None, arguments),
    };
    let arguments = arguments.iter().map(argument).collect::<Result<_, _>>()?;
    Ok(Call { function: function.clone(), query, arguments, binding, span })
}

/// The query that a `q` begins with, and the rest of its arguments. It may be quoted, as a host
/// language would have it.
fn nested_query(
    arguments: &[Form],
    span: Span,
    depth: usize,
) -> Result<(Option<Query>, &[Form]), QueryError> {
    let Some((form, rest)) = arguments.split_first() else {
        return Err(QueryError::malformed(span, "q takes a query and its inputs"));
    };
    let form = match &form.edn {
        Edn::List(parts) => match parts.as_slice() {
            [quote, form] if is_symbol(quote, "quote") => form,
            _ => return Err(expected("a query", form)),
        },
        _ => form,
    };
    let query = Query::nested(form, depth)?;
    if query.parts.timeout.is_some() {
        return Err(QueryError::malformed(form.span, "a query within a query has no :timeout"));
    }
    Ok((Some(query), rest))
}

fn argument(form: &Form) -> Result<Argument, QueryError> {
    if let Some(variable) = as_variable(form) {
        return Ok(Argument::Variable(variable));
    }
    if let Some(source) = as_source(form) {
        return Ok(Argument::Source(source));
    }
    if let Some(rules) = as_rules(form) {
        return Ok(Argument::Rules(rules.span));
    }
    if let Edn::Nil = form.edn {
        return Ok(Argument::Constant(form.clone()));
    }
    if let Edn::List(_) = form.edn {
        let message = "calls do not nest: bind the inner one to a variable first";
        return Err(QueryError::malformed(form.span, message));
    }
    if form.as_symbol().is_some() {
        return Err(expected("a variable, a source or a constant", form));
    }
    constant(form).map(Argument::Constant)
}

fn list_clause(
    parts: &[Form],
    span: Span,
    depth: usize,
    clauses: &mut Vec<Clause>,
) -> Result<(), QueryError> {
    let (source, parts) = match parts.split_first() {
        Some((first, rest)) if as_source(first).is_some() => (as_source(first), rest),
        _ => (None, parts),
    };
    let Some((head, rest)) = parts.split_first() else {
        return Err(QueryError::malformed(span, "an empty clause"));
    };
    let name = head.as_symbol().ok_or_else(|| expected("not, or, and, or a rule's name", head))?;
    let clause = match name.text() {
        "and" => return and(source, rest, span, depth, clauses),
        "or" => Clause::Or(or(source, None, rest, span, depth)?),
        "or-join" => {
            let (join, rest) = join_variables(rest, span)?;
            Clause::Or(or(source, Some(join), rest, span, depth)?)
        }
        "not" => Clause::Not(not(source, None, rest, span, depth)?),
        "not-join" => {
            let (join, rest) = join_variables(rest, span)?;
            if let Some(required) = join.required.first() {
                let message = "not-join takes no inner brackets: it needs all of its variables";
                return Err(QueryError::malformed(required.span, message));
            }
            Clause::Not(not(source, Some(join.free), rest, span, depth)?)
        }
        _ => Clause::Rule(rule_call(source, head, name, rest, span)?),
    };
    clauses.push(clause);
    Ok(())
}

fn and(
    source: Option<SourceName>,
    rest: &[Form],
    span: Span,
    depth: usize,
    clauses: &mut Vec<Clause>,
) -> Result<(), QueryError> {
    let inner = conjunction(rest, span, depth)?;
    match source {
        None => clauses.extend(inner),
        // An or of one branch carries the source to the clauses within.
        Some(_) => {
            clauses.push(Clause::Or(Or { source, join: None, branches: vec![inner], span }));
        }
    }
    Ok(())
}

fn conjunction(forms: &[Form], span: Span, depth: usize) -> Result<Vec<Clause>, QueryError> {
    if forms.is_empty() {
        return Err(QueryError::malformed(span, "a clause without clauses in it"));
    }
    let mut clauses = Vec::with_capacity(forms.len());
    for form in forms {
        parse_into(form, depth, &mut clauses)?;
    }
    Ok(clauses)
}

fn or(
    source: Option<SourceName>,
    join: Option<JoinVariables>,
    rest: &[Form],
    span: Span,
    depth: usize,
) -> Result<Or, QueryError> {
    if rest.is_empty() {
        return Err(QueryError::malformed(span, "an or without branches"));
    }
    let mut branches = Vec::with_capacity(rest.len());
    for form in rest {
        let mut branch = Vec::new();
        parse_into(form, depth, &mut branch)?;
        branches.push(branch);
    }
    let or = Or { source, join, branches, span };
    check_branches(&or)?;
    Ok(or)
}

fn not(
    source: Option<SourceName>,
    join: Option<Vec<crate::ast::Variable>>,
    rest: &[Form],
    span: Span,
    depth: usize,
) -> Result<Not, QueryError> {
    Ok(Not { source, join, clauses: conjunction(rest, span, depth)?, span })
}

fn join_variables(rest: &[Form], span: Span) -> Result<(JoinVariables, &[Form]), QueryError> {
    let Some((Form { edn: Edn::Vector(variables), span: at }, rest)) = rest.split_first() else {
        return Err(QueryError::malformed(span, "expected a vector of variables to join on"));
    };
    let join = head_variables(variables)?;
    if join.len() == 0 {
        return Err(QueryError::malformed(*at, "a join on no variable"));
    }
    Ok((join, rest))
}

/// `[required…] free…`, each variable once.
pub(super) fn head_variables(forms: &[Form]) -> Result<JoinVariables, QueryError> {
    let (required, free) = match forms.split_first() {
        Some((Form { edn: Edn::Vector(required), .. }, free)) => (required.as_slice(), free),
        _ => (&[][..], forms),
    };
    let variables = JoinVariables {
        required: required.iter().map(variable).collect::<Result<_, _>>()?,
        free: free.iter().map(variable).collect::<Result<_, _>>()?,
    };
    let mut seen = HashSet::new();
    for variable in variables.all() {
        if !seen.insert(&variable.name) {
            let message = format!("{} stands twice among the variables", variable.name);
            return Err(QueryError::malformed(variable.span, message));
        }
    }
    Ok(variables)
}

fn rule_call(
    source: Option<SourceName>,
    head: &Form,
    name: &Symbol,
    rest: &[Form],
    span: Span,
) -> Result<RuleCall, QueryError> {
    if as_variable(head).is_some() || is_blank(head) || as_rules(head).is_some() {
        return Err(expected("the name of a rule", head));
    }
    if rest.is_empty() {
        let message = format!("the rule {name} is called without arguments");
        return Err(QueryError::malformed(span, message));
    }
    let arguments = rest.iter().map(term).collect::<Result<_, _>>()?;
    Ok(RuleCall { source, name: name.clone(), arguments, span })
}

/// All branches of an `or` use the same variables; those of an `or-join` use all that it lists as
/// free.
fn check_branches(or: &Or) -> Result<(), QueryError> {
    let branches: Vec<HashSet<Symbol>> = or
        .branches
        .iter()
        .map(|branch| {
            let mut variables = HashSet::new();
            branch.iter().for_each(|clause| collect(clause, &mut variables));
            variables
        })
        .collect();
    let refuse = |name: &Symbol| {
        let message = format!("{name} is in some branches of the or and not in others");
        Err(QueryError::new(crate::QueryErrorKind::OrVariables, or.span, message))
    };
    match &or.join {
        Some(join) => {
            let missing = |v: &&crate::ast::Variable| branches.iter().any(|b| !b.contains(&v.name));
            join.free.iter().find(missing).map_or(Ok(()), |variable| refuse(&variable.name))
        }
        None => {
            let all: HashSet<&Symbol> = branches.iter().flatten().collect();
            let missing = |name: &&Symbol| branches.iter().any(|branch| !branch.contains(*name));
            all.into_iter().filter(missing).min().map_or(Ok(()), refuse)
        }
    }
}

/// The variables that clauses and inputs could bind.
pub(super) fn variables_of(clauses: &[Clause], inputs: &[InputBinding]) -> HashSet<Symbol> {
    let mut variables = HashSet::new();
    clauses.iter().for_each(|clause| collect(clause, &mut variables));
    for input in inputs {
        if let InputBinding::Value(binding, _) = input {
            binding.collect(&mut variables);
        }
    }
    variables
}

/// Collects the variables that a clause shares with its neighbours; those that stand only within
/// a `not` are its own affair.
fn collect(clause: &Clause, variables: &mut HashSet<Symbol>) {
    let mut terms = |terms: &[Term]| {
        for term in terms {
            if let Term::Variable(variable) = term {
                variables.insert(variable.name.clone());
            }
        }
    };
    match clause {
        Clause::Pattern(pattern) => terms(&pattern.terms),
        Clause::Rule(call) => terms(&call.arguments),
        Clause::Call(call) => {
            for argument in &call.arguments {
                if let Argument::Variable(variable) = argument {
                    variables.insert(variable.name.clone());
                }
            }
            if let Some(binding) = &call.binding {
                binding.collect(variables);
            }
        }
        Clause::Or(Or { join: Some(join), .. }) => {
            variables.extend(join.all().map(|variable| variable.name.clone()));
        }
        Clause::Or(or) => {
            or.branches.iter().flatten().for_each(|clause| collect(clause, variables));
        }
        Clause::Not(_) => {}
    }
}

impl Binding {
    pub(crate) fn collect(&self, variables: &mut HashSet<Symbol>) {
        match self {
            Self::Ignore => {}
            Self::Scalar(variable) => {
                variables.insert(variable.name.clone());
            }
            Self::Tuple(parts) => parts.iter().for_each(|part| part.collect(variables)),
            Self::Collection(part) => part.collect(variables),
        }
    }
}
