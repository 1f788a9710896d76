//! What is done with the rows of the answer: `:having`, `:order-by`, `:limit`, `:offset`,
//! `:timeout`.

use std::time::Duration;

use duramen_model::{Edn, Form, Span};

use super::find::as_aggregate;
use super::term::{as_rules, as_source, as_variable, constant, expected};
use crate::ast::{Amount, Having, HavingArgument, OrderBy, OrderKey};
use crate::error::QueryError;

/// `[?x :desc (count ?y) 0 :asc]`, with or without the brackets.
pub(super) fn parse_order(span: Span, forms: &[&Form]) -> Result<Vec<OrderKey>, QueryError> {
    let forms: Vec<&Form> = match forms {
        [Form { edn: Edn::Vector(inner), .. }] => inner.iter().collect(),
        forms => forms.to_vec(),
    };
    let mut keys: Vec<OrderKey> = Vec::with_capacity(forms.len());
    let mut directed = true;
    for form in forms {
        let direction = form.as_keyword().map(|keyword| keyword.text());
        match (direction, keys.last_mut()) {
            (Some(direction @ ("asc" | "desc")), Some(key)) if !directed => {
                key.descending = direction == "desc";
                directed = true;
            }
            _ => {
                keys.push(OrderKey { by: order_by(form)?, descending: false, span: form.span });
                directed = false;
            }
        }
    }
    if keys.is_empty() {
        return Err(QueryError::malformed(span, ":order-by names nothing"));
    }
    Ok(keys)
}

fn order_by(form: &Form) -> Result<OrderBy, QueryError> {
    if let Some(variable) = as_variable(form) {
        return Ok(OrderBy::Variable(variable));
    }
    match &form.edn {
        Edn::List(_) => as_aggregate(form).map(OrderBy::Aggregate),
        edn => {
            let position = edn.as_long().and_then(|position| usize::try_from(position).ok());
            position.map(OrderBy::Position).ok_or_else(|| {
                expected(
                    "a variable, an aggregate or a position in :find, then :asc or :desc",
                    form,
                )
            })
        }
    }
}

/// `:limit 10`, `:offset ?skip`; `-1` stands for no limit.
pub(super) fn parse_amount(
    section: &str,
    span: Span,
    forms: &[&Form],
) -> Result<Amount, QueryError> {
    let [form] = forms else {
        let message = format!(":{section} takes one number, or an input that gives it");
        return Err(QueryError::malformed(span, message));
    };
    if let Some(variable) = as_variable(form) {
        return Ok(Amount::Input(variable));
    }
    let wanted = "how many: an integer from 0 on, or -1 for all";
    let Some(number) = form.edn.as_long() else { return Err(expected(wanted, form)) };
    Amount::of_long(number).ok_or_else(|| {
        let message = format!("expected {wanted}, found {number}");
        QueryError::malformed(form.span, message)
    })
}

impl Amount {
    /// How many a number says; `None` when it says nothing.
    pub(crate) fn of_long(number: i64) -> Option<Self> {
        match number {
            -1 => Some(Self::All),
            number => usize::try_from(number).ok().map(Self::Number),
        }
    }
}

/// `:timeout 5000`, in milliseconds.
pub(super) fn parse_timeout(span: Span, forms: &[&Form]) -> Result<Duration, QueryError> {
    let millis = match forms {
        [form] => form.edn.as_long().and_then(|millis| u64::try_from(millis).ok()),
        _ => None,
    };
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| QueryError::malformed(span, ":timeout takes a number of milliseconds"))
}

/// `[(< 5 (count ?x))]`, any number of them.
pub(super) fn parse_having(forms: &[&Form]) -> Result<Vec<Having>, QueryError> {
    forms.iter().map(|form| having(form)).collect()
}

fn having(form: &Form) -> Result<Having, QueryError> {
    let call = match &form.edn {
        Edn::Vector(parts) => match parts.as_slice() {
            [Form { edn: Edn::List(call), .. }] => call,
            _ => return Err(expected("a predicate: [(< 5 (count ?x))]", form)),
        },
        _ => return Err(expected("a predicate: [(< 5 (count ?x))]", form)),
    };
    let (head, arguments) = call
        .split_first()
        .ok_or_else(|| QueryError::malformed(form.span, "a call without a predicate"))?;
    let function = head
        .as_symbol()
        .filter(|_| as_variable(head).is_none() && as_source(head).is_none())
        .ok_or_else(|| expected("the name of a predicate", head))?;
    let arguments = arguments.iter().map(argument).collect::<Result<_, _>>()?;
    Ok(Having { function: function.clone(), arguments, span: form.span })
}

fn argument(form: &Form) -> Result<HavingArgument, QueryError> {
    if let Some(variable) = as_variable(form) {
        return Ok(HavingArgument::Variable(variable));
    }
    match &form.edn {
        Edn::List(_) => as_aggregate(form).map(HavingArgument::Aggregate),
        Edn::Nil => Ok(HavingArgument::Constant(form.clone())),
        _ if form.as_symbol().is_some() || as_rules(form).is_some() => {
            Err(expected("a variable, an aggregate or a constant", form))
        }
        _ => constant(form).map(HavingArgument::Constant),
    }
}
