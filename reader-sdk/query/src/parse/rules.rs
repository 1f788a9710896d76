//! Rules: the argument for `%`.

use duramen_model::{Edn, Form};

use super::DEPTH_MAX;
use super::clause::{head_variables, parse_into};
use super::term::{as_rules, as_source, as_variable, expected, is_blank};
use crate::ast::{Rule, RuleBody, Rules};
use crate::error::{QueryError, QueryErrorKind};

const RESERVED: [&str; 5] = ["and", "or", "or-join", "not", "not-join"];

/// Reads `[[(name ?a ?b) clause…] …]` into rules; bodies of a name that is there already are more
/// bodies of it.
pub(crate) fn parse_rules(form: &Form, rules: &mut Rules) -> Result<(), QueryError> {
    let bodies = match &form.edn {
        Edn::Vector(forms) | Edn::List(forms) | Edn::Set(forms) => forms,
        _ => return Err(expected("a vector of rules", form)),
    };
    bodies.iter().try_for_each(|body| add(body, rules))
}

fn add(form: &Form, rules: &mut Rules) -> Result<(), QueryError> {
    let parts = form.as_sequence().ok_or_else(|| expected("a rule: [(name ?a) clause…]", form))?;
    let Some((head, clauses)) = parts.split_first() else {
        return Err(QueryError::malformed(form.span, "an empty rule"));
    };
    let Some((name_form, arguments)) = head.as_sequence().and_then(<[Form]>::split_first) else {
        return Err(expected("the head of a rule: (name ?a ?b)", head));
    };
    let name = name_form
        .as_symbol()
        .filter(|name| {
            as_variable(name_form).is_none()
                && as_source(name_form).is_none()
                && as_rules(name_form).is_none()
                && !is_blank(name_form)
                && !RESERVED.contains(&name.text())
        })
        .ok_or_else(|| expected("a name for the rule", name_form))?;
    let head = head_variables(arguments)?;
    if head.len() == 0 {
        let message = format!("the rule {name} has no variables in its head");
        return Err(QueryError::malformed(form.span, message));
    }
    if clauses.is_empty() {
        let message = format!("the rule {name} has a head and no clauses");
        return Err(QueryError::malformed(form.span, message));
    }
    let mut body = RuleBody { head, clauses: Vec::new(), span: form.span };
    for clause in clauses {
        parse_into(clause, DEPTH_MAX, &mut body.clauses)?;
    }
    match rules.named_mut(name) {
        Some(rule) => add_body(rule, body),
        None => {
            rules.push(Rule { name: name.clone(), bodies: vec![body] });
            Ok(())
        }
    }
}

fn add_body(rule: &mut Rule, body: RuleBody) -> Result<(), QueryError> {
    let first = &rule.bodies[0].head;
    if first.len() != body.head.len() || first.required.len() != body.head.required.len() {
        let message = format!("the heads of the rule {} differ in their arguments", rule.name);
        return Err(QueryError::new(QueryErrorKind::RuleArity, body.span, message));
    }
    rule.bodies.push(body);
    Ok(())
}
