//! `:find`, and the keys of return maps.

use duramen_model::{Edn, Form, Keyword, Span, Symbol};

use super::term::{as_source, as_variable, expected, is_symbol, variable};
use crate::ast::{Aggregate, Element, Find, Pull, PullPatternRef, Shape, Variable};
use crate::error::QueryError;

pub(super) fn parse_find(span: Span, forms: &[&Form]) -> Result<Find, QueryError> {
    let (shape, elements) = match forms {
        [] => return Err(QueryError::malformed(span, ":find names nothing")),
        [one, dot] if is_symbol(dot, ".") => (Shape::Scalar, vec![element(one)?]),
        [Form { edn: Edn::Vector(parts), span }] => bracketed(parts, *span)?,
        many => (Shape::Relation, many.iter().map(|f| element(f)).collect::<Result<_, _>>()?),
    };
    Ok(Find { shape, elements, keys: None })
}

fn bracketed(parts: &[Form], span: Span) -> Result<(Shape, Vec<Element>), QueryError> {
    match parts {
        [] => Err(QueryError::malformed(span, ":find names nothing")),
        [one, dots] if is_symbol(dots, "...") => Ok((Shape::Collection, vec![element(one)?])),
        many => Ok((Shape::Tuple, many.iter().map(element).collect::<Result<_, _>>()?)),
    }
}

fn element(form: &Form) -> Result<Element, QueryError> {
    if let Some(variable) = as_variable(form) {
        return Ok(Element::Variable(variable));
    }
    let Edn::List(parts) = &form.edn else {
        return Err(expected("a variable, an aggregate or a pull", form));
    };
    let (function, rest) = match parts.split_first() {
        Some((head, rest)) => match head.as_symbol() {
            Some(symbol) => (symbol, rest),
            None => return Err(expected("the name of an aggregate", head)),
        },
        None => return Err(QueryError::malformed(form.span, "an empty list in :find")),
    };
    match function.text() {
        "pull" => pull(rest, form.span).map(Element::Pull),
        _ => aggregate(function, rest, form.span).map(Element::Aggregate),
    }
}

/// `(sum ?x)` as a form of its own.
pub(super) fn as_aggregate(form: &Form) -> Result<Aggregate, QueryError> {
    match element(form)? {
        Element::Aggregate(aggregate) => Ok(aggregate),
        Element::Variable(_) | Element::Pull(_) => Err(expected("an aggregate", form)),
    }
}

fn aggregate(function: &Symbol, rest: &[Form], span: Span) -> Result<Aggregate, QueryError> {
    let Some((last, arguments)) = rest.split_last() else {
        let message = format!("({function}) aggregates nothing: name a variable");
        return Err(QueryError::malformed(span, message));
    };
    for argument in arguments {
        if argument.as_symbol().is_some() || matches!(argument.edn, Edn::List(_) | Edn::Nil) {
            return Err(expected("a constant: only the last argument is a variable", argument));
        }
    }
    Ok(Aggregate {
        function: function.clone(),
        arguments: arguments.to_vec(),
        variable: variable(last)?,
        span,
    })
}

fn pull(rest: &[Form], span: Span) -> Result<Pull, QueryError> {
    let (source, rest) = match rest.split_first() {
        Some((first, rest)) if as_source(first).is_some() => (as_source(first), rest),
        _ => (None, rest),
    };
    let [entity, pattern] = rest else {
        let message = "pull takes a variable and a pattern: (pull ?e [:some/attribute])";
        return Err(QueryError::malformed(span, message));
    };
    let pattern = match pattern.as_symbol() {
        Some(name) if as_variable(pattern).is_none() => {
            PullPatternRef::Input(Variable { name: name.clone(), span: pattern.span })
        }
        Some(_) => return Err(expected("a pull pattern or the plain name of one", pattern)),
        None => PullPatternRef::Form(pattern.clone()),
    };
    Ok(Pull { source, variable: variable(entity)?, pattern, span })
}

/// `:keys a b`: the keys of return maps.
pub(super) fn parse_keys(
    section: &str,
    span: Span,
    forms: &[&Form],
    find: &Find,
) -> Result<Vec<Edn>, QueryError> {
    if !matches!(find.shape, Shape::Relation | Shape::Tuple) {
        let message = format!(":{section} goes with rows, not with a single value");
        return Err(QueryError::malformed(span, message));
    }
    if forms.len() != find.elements.len() {
        let message = format!(
            ":{section} names {} keys for the {} elements of :find",
            forms.len(),
            find.elements.len()
        );
        return Err(QueryError::malformed(span, message));
    }
    let key = |form: &&Form| {
        let symbol = form.as_symbol().ok_or_else(|| expected("a plain symbol", form))?;
        Ok(match section {
            "keys" => Edn::from(Keyword::new(symbol.text())),
            "strs" => Edn::from(symbol.text()),
            _ => Edn::from(symbol.clone()),
        })
    };
    let keys = forms.iter().map(key).collect::<Result<Vec<Edn>, QueryError>>()?;
    for (at, key) in keys.iter().enumerate() {
        if keys[..at].contains(key) {
            return Err(QueryError::malformed(forms[at].span, "the same key twice"));
        }
    }
    Ok(keys)
}

impl Element {
    /// The variable that the column is made of.
    pub(crate) const fn variable(&self) -> &Variable {
        match self {
            Self::Variable(variable) => variable,
            Self::Aggregate(aggregate) => &aggregate.variable,
            Self::Pull(pull) => &pull.variable,
        }
    }
}
