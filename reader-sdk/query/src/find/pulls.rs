//! `(pull ?e pattern)` in `:find`.

use std::collections::HashMap;

use duramen_model::{Edn, EntityId, Form, Span, Symbol};

use super::Make;
use crate::ast::{self, PullPatternRef};
use crate::cell::Cell;
use crate::error::{QueryError, QueryErrorKind};
use crate::pull::{PullError, PullOptions, PullPattern, pull_many_with};
use crate::source::{Source, entity_of};

pub(super) fn pull_of(
    pull: &ast::Pull,
    sources: &[Symbol],
    patterns: &HashMap<Symbol, Form>,
) -> Result<Make, QueryError> {
    let (name, span) = match &pull.source {
        Some(source) => (source.name.text(), source.span),
        None => ("$", pull.span),
    };
    let source = sources.iter().position(|source| source.text() == name);
    let source =
        source.ok_or_else(|| QueryError::unbound(span, format!("no source {name} in :in")))?;
    let form = match &pull.pattern {
        PullPatternRef::Form(form) => form,
        PullPatternRef::Input(name) => patterns.get(&name.name).ok_or_else(|| {
            QueryError::unbound(name.span, format!("no pull pattern {} in :in", name.name))
        })?,
    };
    let pattern = PullPattern::from_form(form).map_err(|error| pull_failed(error, pull.span))?;
    Ok(Make::Pull { source, pattern })
}

fn pull_failed(error: PullError, span: Span) -> QueryError {
    let span = if error.span.end == 0 { span } else { error.span };
    QueryError::new(QueryErrorKind::Pull(error.kind), span, error.message.clone()).caused_by(error)
}

/// What is pulled of each entity; nil where a cell names none.
pub(super) async fn pulled(
    source: &Source,
    pattern: &PullPattern,
    cells: &[Cell],
    options: &PullOptions,
    span: Span,
) -> Result<Vec<Edn>, QueryError> {
    let Source::Db(db) = source else {
        return Err(QueryError::inputs(span, "pull looks into a database, not a plain relation"));
    };
    let mut entities: Vec<Option<EntityId>> = Vec::with_capacity(cells.len());
    for cell in cells {
        entities.push(entity_of(db, cell, span).await?);
    }
    let known: Vec<EntityId> = entities.iter().copied().flatten().collect();
    let trees = pull_many_with(db, pattern, &known, options).await;
    let mut trees = trees.map_err(|error| pull_failed(error, span))?.into_iter();
    let tree = |entity: Option<EntityId>| entity.and_then(|_| trees.next()).unwrap_or(Edn::Nil);
    Ok(entities.into_iter().map(tree).collect())
}
