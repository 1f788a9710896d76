//! Patterns where there is but one row so far: its facts are looked up, and joined with it, without
//! anything that finds rows for many.

use duramen_db::{Selection, Values};
use duramen_model::{Attribute, Datom, Span, ValueType};

use super::column::Column;
use super::relation::Relation;
use super::scan::{Residual, cell};
use super::{Run, lookup};
use crate::cell::long_entity;
use crate::error::QueryError;
use crate::plan::{Facts, Match, Var};
use crate::source::{Source, value_of};

impl Run<'_> {
    /// What the only row gets from a pattern: the rows over the variables that are new. `None` where
    /// there are more rows, or where its facts are not looked up.
    pub(super) async fn found_for_one(
        &mut self,
        matching: &Match,
        input: &Relation,
        span: Span,
    ) -> Result<Option<Relation>, QueryError> {
        let node = &matching.node;
        let (Source::Db(db), Some(facts)) = (&self.sources[node.source], &node.facts) else {
            return Ok(None);
        };
        let Some(attribute) = facts.attribute.as_ref().filter(|_| input.len() == 1) else {
            return Ok(None);
        };
        if !is_found_by_row(matching, facts, attribute, input) || self.scans(node, 1) {
            return Ok(None);
        }
        self.count_looked_up(node, 1);
        let new = new_places(matching, input);
        let Some(selection) = selection(matching, facts, attribute, input) else {
            return Ok(Some(relation(&new, &[])));
        };
        let datoms = db.select(&selection).await;
        let mut datoms = datoms.map_err(|error| QueryError::from_db(error, span))?;
        let residual = Residual::new(node, facts, facts.selection().v);
        datoms.retain(|datom| residual.passes(datom) && agrees(matching, input, datom));
        Ok(Some(relation(&new, &datoms)))
    }
}

/// Whether the row has by what its facts are found, and as it is to be asked for.
fn is_found_by_row(
    matching: &Match,
    facts: &Facts,
    attribute: &Attribute,
    input: &Relation,
) -> bool {
    let node = &matching.node;
    let column = |place: usize| input.column(node.var(place)?);
    let (entity, value) = (column(0), column(2));
    let by_value = value.is_some() && (facts.e.is_some() || facts.finds_values);
    let is_plain = |place: usize| {
        let Some(column) = column(place) else { return true };
        let flexible = node.var(place).is_some_and(|var| matching.flexible.contains(&var));
        !flexible || lookup::is_named(node, place, column)
    };
    // Tuples are compared part by part where rows meet.
    attribute.value_type != ValueType::Tuple
        && (entity.is_some() || by_value)
        && (0..node.terms.len()).all(is_plain)
}

/// The facts of the row; `None` if there can be none.
fn selection(
    matching: &Match,
    facts: &Facts,
    attribute: &Attribute,
    input: &Relation,
) -> Option<Selection> {
    let node = &matching.node;
    let cell = |place: usize| Some(input.column(node.var(place)?)?.get(0));
    let mut selection = facts.selection();
    if let Some(entity) = cell(0) {
        selection.e = Some(long_entity(entity.as_long()?)?);
    }
    if let Some(value) = cell(2) {
        selection.v = Values::Is(value_of(&value, attribute, false)?);
    }
    Some(selection)
}

/// Whether a fact has what the row has where the selection does not say so.
fn agrees(matching: &Match, input: &Relation, datom: &Datom) -> bool {
    let node = &matching.node;
    (3..node.terms.len()).all(|place| {
        let column = node.var(place).and_then(|var| input.column(var));
        column.is_none_or(|column| column.get(0) == cell(datom, place))
    })
}

/// The variables that the row does not have, each with the first place where it stands.
fn new_places(matching: &Match, input: &Relation) -> Vec<(usize, Var)> {
    let node = &matching.node;
    let mut new: Vec<(usize, Var)> = Vec::with_capacity(node.terms.len());
    for place in 0..node.terms.len() {
        if let Some(var) = node.var(place)
            && input.position(var).is_none()
            && !new.iter().any(|(_, own)| *own == var)
        {
            new.push((place, var));
        }
    }
    new
}

fn relation(new: &[(usize, Var)], datoms: &[Datom]) -> Relation {
    let column = |(place, _): &(usize, Var)| {
        let mut column = Column::default();
        datoms.iter().for_each(|datom| column.push(cell(datom, *place)));
        column
    };
    let vars = new.iter().map(|(_, var)| *var).collect();
    Relation::new(vars, new.iter().map(column).collect(), datoms.len())
}
