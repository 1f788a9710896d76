//! `:in`, and the bindings of function results.

use std::collections::HashSet;

use duramen_model::{Edn, Form, Span, Symbol};

use super::DEPTH_MAX;
use super::term::{as_rules, as_source, as_variable, expected, is_blank, is_symbol};
use crate::ast::{Binding, InputBinding, Variable};
use crate::error::QueryError;

/// `:in $`, which stands for a missing `:in`.
pub(super) fn default_source() -> InputBinding {
    InputBinding::Source(Variable { name: Symbol::new("$"), span: Span::default() })
}

pub(super) fn parse_inputs(forms: &[&Form]) -> Result<Vec<InputBinding>, QueryError> {
    let mut inputs = Vec::with_capacity(forms.len());
    let mut seen = HashSet::new();
    for form in forms {
        let input = parse_input(form)?;
        if let InputBinding::Source(own) | InputBinding::Rules(own) = &input
            && !seen.insert(own.name.clone())
        {
            return Err(QueryError::malformed(form.span, format!("{form} stands twice in :in")));
        }
        inputs.push(input);
    }
    Ok(inputs)
}

fn parse_input(form: &Form) -> Result<InputBinding, QueryError> {
    if let Some(source) = as_source(form) {
        return Ok(InputBinding::Source(source));
    }
    if let Some(rules) = as_rules(form) {
        return Ok(InputBinding::Rules(rules));
    }
    match form.as_symbol() {
        Some(name) if as_variable(form).is_none() && !is_blank(form) && name.text() != "..." => {
            Ok(InputBinding::Pattern(Variable { name: name.clone(), span: form.span }))
        }
        _ => Ok(InputBinding::Value(parse_binding(form)?, form.span)),
    }
}

/// `_`, `?x`, `[?x ?y]`, `[?x ...]`, `[[?x ?y]]`.
pub(super) fn parse_binding(form: &Form) -> Result<Binding, QueryError> {
    nested(form, DEPTH_MAX)
}

fn nested(form: &Form, depth: usize) -> Result<Binding, QueryError> {
    if is_blank(form) {
        return Ok(Binding::Ignore);
    }
    if let Some(variable) = as_variable(form) {
        return Ok(Binding::Scalar(variable));
    }
    let Edn::Vector(parts) = &form.edn else {
        return Err(expected("a binding: ?x, [?x ?y], [?x ...] or [[?x ?y]]", form));
    };
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| QueryError::malformed(form.span, "bindings are nested too deeply"))?;
    match parts.as_slice() {
        [] => Err(QueryError::malformed(form.span, "a binding names at least one part")),
        [part, dots] if is_symbol(dots, "...") => {
            Ok(Binding::Collection(Box::new(nested(part, depth)?)))
        }
        [row @ Form { edn: Edn::Vector(inner), .. }]
            if !inner.last().is_some_and(|last| is_symbol(last, "...")) =>
        {
            Ok(Binding::Collection(Box::new(nested(row, depth)?)))
        }
        parts => {
            let parts = parts.iter().map(|part| nested(part, depth)).collect::<Result<_, _>>()?;
            Ok(Binding::Tuple(parts))
        }
    }
}
