//! The smallest parts: variables, sources, constants.

use duramen_model::{Edn, Form, Symbol, Value};

use crate::ast::{SourceName, Term, Variable};
use crate::error::QueryError;

pub(super) fn is_variable(symbol: &Symbol) -> bool {
    symbol.text().starts_with('?')
}

pub(super) fn is_source(symbol: &Symbol) -> bool {
    symbol.text().starts_with('$')
}

fn is_rules(symbol: &Symbol) -> bool {
    symbol.text().starts_with('%')
}

pub(super) fn is_blank(form: &Form) -> bool {
    is_symbol(form, "_")
}

pub(super) fn is_symbol(form: &Form, text: &str) -> bool {
    form.as_symbol().is_some_and(|symbol| symbol.text() == text)
}

/// The form as a variable, or an error that says what stands there instead.
pub(super) fn variable(form: &Form) -> Result<Variable, QueryError> {
    as_variable(form).ok_or_else(|| expected("a variable such as ?x", form))
}

pub(super) fn as_variable(form: &Form) -> Option<Variable> {
    form.as_symbol().filter(|symbol| is_variable(symbol)).map(|name| named(name, form))
}

pub(super) fn as_source(form: &Form) -> Option<SourceName> {
    form.as_symbol().filter(|symbol| is_source(symbol)).map(|name| named(name, form))
}

/// `%`, or another name of a set of rules.
pub(super) fn as_rules(form: &Form) -> Option<Variable> {
    form.as_symbol().filter(|symbol| is_rules(symbol)).map(|name| named(name, form))
}

fn named(name: &Symbol, form: &Form) -> Variable {
    Variable { name: name.clone(), span: form.span }
}

/// A place of a pattern or of a rule call.
pub(super) fn term(form: &Form) -> Result<Term, QueryError> {
    if is_blank(form) {
        return Ok(Term::Blank);
    }
    if let Some(variable) = as_variable(form) {
        return Ok(Term::Variable(variable));
    }
    constant(form).map(Term::Constant)
}

/// A form that stands for itself. Nil is no value, a list would be a call, and sources and `%`
/// have no place within a clause.
pub(super) fn constant(form: &Form) -> Result<Form, QueryError> {
    let constant = match &form.edn {
        Edn::Nil | Edn::List(_) => false,
        Edn::Value(Value::Symbol(symbol)) => !is_source(symbol) && !is_rules(symbol),
        _ => true,
    };
    if constant { Ok(form.clone()) } else { Err(expected("a variable, _ or a constant", form)) }
}

pub(super) fn expected(what: &str, form: &Form) -> QueryError {
    let found = match &form.edn {
        Edn::Value(Value::Symbol(symbol)) => symbol.text(),
        other => other.kind(),
    };
    QueryError::malformed(form.span, format!("expected {what}, found {found}"))
}
