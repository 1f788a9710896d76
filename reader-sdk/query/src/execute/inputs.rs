//! The inputs of a query, sorted by what they are for.

use std::collections::HashMap;

use duramen_model::{Edn, Form, Span, Symbol, edn};

use super::bind::{relation_of, rows_of};
use super::relation::Relation;
use crate::ast::{Binding, InputBinding, Query, Rules};
use crate::cell::Cell;
use crate::error::QueryError;
use crate::parse::parse_rules;
use crate::plan::{Bind, GivenInput, Var};
use crate::query::Input;
use crate::source::Source;

/// The inputs of a query.
pub(crate) struct Inputs {
    pub(crate) sources: Vec<(Symbol, Source)>,
    pub(crate) given: Vec<Given>,
    pub(crate) rules: Rules,
    /// The pull patterns, by their names.
    pub(crate) patterns: HashMap<Symbol, Form>,
}

/// What an input binds: rows over names.
pub(crate) struct Given {
    names: Vec<Symbol>,
    rows: Vec<Vec<Cell>>,
}

impl Given {
    pub(crate) fn relation(self, scope: &HashMap<Symbol, Var>) -> Relation {
        let vars: Vec<Var> = self.names.iter().map(|name| scope[name]).collect();
        relation_of(&vars, self.rows).0.distinct()
    }
}

impl From<&Given> for GivenInput {
    fn from(given: &Given) -> Self {
        Self { names: given.names.clone(), rows: given.rows.len() }
    }
}

/// Takes the inputs for the places of `:in`.
pub(crate) fn take_inputs(query: &Query, inputs: Vec<Input>) -> Result<Inputs, QueryError> {
    if query.inputs.len() != inputs.len() {
        let message =
            format!(":in has {} places, given are {} inputs", query.inputs.len(), inputs.len());
        return Err(QueryError::inputs(Span::default(), message));
    }
    let mut taken = Inputs {
        sources: Vec::new(),
        given: Vec::new(),
        rules: Rules::default(),
        patterns: HashMap::new(),
    };
    for (place, input) in query.inputs.iter().zip(inputs) {
        match place {
            InputBinding::Source(name) => {
                taken.sources.push((name.name.clone(), source(input, name.span)?));
            }
            InputBinding::Rules(span) => taken.rules = rules(input, *span)?,
            InputBinding::Pattern(name) => {
                let form = Form::from(value(input, name.span)?);
                taken.patterns.insert(name.name.clone(), form);
            }
            InputBinding::Value(binding, span) => {
                taken.given.push(given(binding, &value(input, *span)?, *span)?);
            }
        }
    }
    Ok(taken)
}

fn source(input: Input, span: Span) -> Result<Source, QueryError> {
    let cells = |row: &Vec<Edn>| row.iter().map(Cell::from_edn).collect();
    match input {
        Input::Db(db) => Ok(Source::Db(Box::new(db))),
        Input::Relation(rows) => Ok(Source::Rows(rows.iter().map(cells).collect())),
        Input::Value(Edn::Vector(rows) | Edn::List(rows) | Edn::Set(rows)) => {
            let row = |form: &Form| match Cell::from_edn(&form.edn) {
                Cell::Vector(cells) => Ok(cells.to_vec()),
                other => {
                    let message = format!("a row of a source is a vector, not {}", other.kind());
                    Err(QueryError::inputs(span, message))
                }
            };
            rows.iter().map(row).collect::<Result<_, _>>().map(Source::Rows)
        }
        Input::Value(other) => {
            let message = format!("a source is a database or a relation, not {}", other.kind());
            Err(QueryError::inputs(span, message))
        }
        Input::Rules(_) => Err(QueryError::inputs(span, "rules given for a source")),
    }
}

fn rules(input: Input, span: Span) -> Result<Rules, QueryError> {
    let form = match input {
        Input::Rules(form) => form,
        Input::Value(edn) => Form::from(edn),
        Input::Db(_) | Input::Relation(_) => {
            return Err(QueryError::inputs(span, "% takes rules: [[(name ?a) clause…] …]"));
        }
    };
    match form.as_str() {
        Some(text) => {
            let form =
                edn::read(text).map_err(|error| QueryError::malformed(span, error.to_string()))?;
            parse_rules(&form)
        }
        None => parse_rules(&form),
    }
}

fn value(input: Input, span: Span) -> Result<Edn, QueryError> {
    match input {
        Input::Value(edn) => Ok(edn),
        Input::Relation(rows) => {
            let row = |row: Vec<Edn>| Edn::Vector(row.into_iter().map(Form::from).collect());
            Ok(Edn::Vector(rows.into_iter().map(|cells| Form::from(row(cells))).collect()))
        }
        Input::Db(_) => Err(QueryError::inputs(span, "a database given for a value")),
        Input::Rules(form) => Ok(form.edn),
    }
}

fn given(binding: &Binding, edn: &Edn, span: Span) -> Result<Given, QueryError> {
    let mut names = Vec::new();
    let bind = bind_of(binding, &mut names);
    let cell = Cell::from_edn(edn);
    refuse_nil(&bind, &cell, span)?;
    let rows = rows_of(&bind, &cell).map_err(|message| QueryError::inputs(span, message))?;
    Ok(Given { names, rows })
}

/// The binding with its names numbered.
fn bind_of(binding: &Binding, names: &mut Vec<Symbol>) -> Bind {
    match binding {
        Binding::Ignore => Bind::Ignore,
        Binding::Scalar(variable) => {
            names.push(variable.name.clone());
            Bind::Scalar(Var(names.len() - 1))
        }
        Binding::Tuple(parts) => {
            Bind::Tuple(parts.iter().map(|part| bind_of(part, names)).collect())
        }
        Binding::Collection(part) => Bind::Collection(Box::new(bind_of(part, names))),
    }
}

/// A nil would drop rows without a word.
fn refuse_nil(bind: &Bind, cell: &Cell, span: Span) -> Result<(), QueryError> {
    match (bind, cell) {
        (Bind::Ignore, _) => Ok(()),
        (_, Cell::Nil) => Err(QueryError::inputs(span, "nil is no value to bind")),
        (Bind::Tuple(parts), Cell::Vector(cells)) => {
            parts.iter().zip(cells.iter()).try_for_each(|(part, cell)| refuse_nil(part, cell, span))
        }
        (Bind::Collection(part), cell) => cell
            .members()
            .unwrap_or_default()
            .iter()
            .try_for_each(|member| refuse_nil(part, member, span)),
        _ => Ok(()),
    }
}
