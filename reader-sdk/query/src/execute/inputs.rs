//! The inputs of a query, sorted by what they are for.

use std::collections::HashMap;
use std::sync::Arc;

use duramen_model::{Edn, Form, Span, Symbol, Value, edn};

use super::bind::{BindError, relation_of, rows_of};
use super::relation::Relation;
use crate::ast::{Binding, InputBinding, Query, Rules};
use crate::budget::Meter;
use crate::cell::Cell;
use crate::error::{QueryError, span_of_rules};
use crate::functions::checked_decimal;
use crate::parse::parse_rules;
use crate::plan::{Bind, GivenInput, Var};
use crate::query::{Input, Scalars};
use crate::source::Source;

/// The inputs of a query.
pub(crate) struct Inputs {
    pub(crate) sources: Vec<(Symbol, Source)>,
    pub(crate) given: Vec<Given>,
    /// The sets of rules, not read yet, with where they are named.
    pub(crate) rules: Vec<(Form, Span)>,
    /// The pull patterns, by their names.
    pub(crate) patterns: HashMap<Symbol, Form>,
    /// What was given for each plain `?x`.
    pub(crate) scalars: Scalars,
}

/// What an input binds: rows over names.
pub(crate) struct Given {
    names: Vec<Symbol>,
    rows: Vec<Vec<Cell>>,
}

impl Given {
    /// Takes a cell apart as a binding says.
    pub(super) fn of(
        binding: &Binding,
        cell: &Cell,
        span: Span,
        meter: &Meter,
    ) -> Result<Self, QueryError> {
        let mut names = Vec::new();
        let bind = bind_of(binding, &mut names);
        refuse_unfit(&bind, cell, span)?;
        let rows = rows_of(&bind, cell, meter).map_err(|error| match error {
            BindError::Shape(message) => QueryError::inputs(span, message),
            BindError::Over(error) => error,
        })?;
        Ok(Self { names, rows })
    }

    pub(crate) fn relation(self, scope: &HashMap<Symbol, Var>) -> Relation {
        let vars: Vec<Var> = self.names.iter().map(|name| scope[name]).collect();
        relation_of(&vars, self.rows).0.distinct()
    }
}

impl Given {
    /// How many rows were given.
    pub(crate) const fn rows(&self) -> usize {
        self.rows.len()
    }
}

impl From<&Given> for GivenInput {
    fn from(given: &Given) -> Self {
        Self { names: given.names.clone(), rows: given.rows.len() }
    }
}

/// Takes the inputs for the places of `:in`.
pub(crate) fn take_inputs(
    query: &Query,
    inputs: Vec<Input>,
    meter: &Meter,
) -> Result<Inputs, QueryError> {
    let places = query.parts.inputs.len();
    if places != inputs.len() {
        let message = format!(":in has {places} places, given are {} inputs", inputs.len());
        return Err(QueryError::inputs(Span::default(), message));
    }
    let mut taken = Inputs {
        sources: Vec::new(),
        given: Vec::new(),
        rules: Vec::new(),
        patterns: HashMap::new(),
        scalars: Scalars::new(),
    };
    for (place, input) in query.parts.inputs.iter().zip(inputs) {
        match place {
            InputBinding::Source(name) => {
                taken.sources.push((name.name.clone(), source(input, name.span)?));
            }
            InputBinding::Rules(name) => {
                taken.rules.push((rules(input, name.span)?, name.span));
            }
            InputBinding::Pattern(name) => {
                let form = Form::from(value(input, name.span)?);
                taken.patterns.insert(name.name.clone(), form);
            }
            InputBinding::Value(binding, span) => {
                meter.at(*span);
                let cell = Cell::from_edn(&value(input, *span)?);
                if let Binding::Scalar(variable) = binding {
                    taken.scalars.insert(variable.name.clone(), cell.clone());
                }
                taken.given.push(Given::of(binding, &cell, *span, meter)?);
            }
        }
    }
    Ok(taken)
}

fn source(input: Input, span: Span) -> Result<Source, QueryError> {
    let cells = |row: &Vec<Edn>| row.iter().map(Cell::from_edn).collect();
    match input {
        Input::Db(db) => Ok(Source::Db(Box::new(db))),
        Input::Relation(rows) => Ok(Source::Rows(Arc::new(rows.iter().map(cells).collect()))),
        Input::Value(edn) => rows_source(&Cell::from_edn(&edn), span),
        Input::Rules(_) => Err(QueryError::inputs(span, "rules given for a source")),
    }
}

/// A plain relation as a source: a collection of vectors.
pub(super) fn rows_source(cell: &Cell, span: Span) -> Result<Source, QueryError> {
    let rows = match cell {
        Cell::Vector(_) | Cell::Set(_) => cell.members().unwrap_or_default(),
        other => {
            let message = format!("a source is a database or a relation, not {}", other.kind());
            return Err(QueryError::inputs(span, message));
        }
    };
    let row = |row: &Cell| match row {
        Cell::Vector(cells) => Ok(cells.to_vec()),
        other => {
            let message = format!("a row of a source is a vector, not {}", other.kind());
            Err(QueryError::inputs(span, message))
        }
    };
    let rows = rows.iter().map(row).collect::<Result<_, _>>()?;
    Ok(Source::Rows(Arc::new(rows)))
}

/// Reads all sets of rules into one.
pub(crate) fn read_rules(sets: &[(Form, Span)]) -> Result<Rules, QueryError> {
    let mut rules = Rules::default();
    for (form, span) in sets {
        match form.as_str() {
            Some(text) => {
                let form = edn::read(text)
                    .map_err(|error| QueryError::malformed(*span, error.to_string()))?;
                parse_rules(&placed(&form), &mut rules)?;
            }
            None => parse_rules(&placed(form), &mut rules)?,
        }
    }
    Ok(rules)
}

/// The form with its places known as those of rules.
fn placed(form: &Form) -> Form {
    let all = |forms: &[Form]| forms.iter().map(placed).collect();
    let edn = match &form.edn {
        Edn::List(forms) => Edn::List(all(forms)),
        Edn::Vector(forms) => Edn::Vector(all(forms)),
        Edn::Set(forms) => Edn::Set(all(forms)),
        Edn::Map(entries) => {
            Edn::Map(entries.iter().map(|(key, value)| (placed(key), placed(value))).collect())
        }
        Edn::Tagged(tag, form) => Edn::Tagged(tag.clone(), Box::new(placed(form))),
        Edn::Nil | Edn::Value(_) | Edn::Character(_) => form.edn.clone(),
    };
    Form { edn, span: span_of_rules(form.span) }
}

fn rules(input: Input, span: Span) -> Result<Form, QueryError> {
    match input {
        Input::Rules(form) => Ok(form),
        Input::Value(edn) => Ok(Form::from(edn)),
        Input::Db(_) | Input::Relation(_) => {
            Err(QueryError::inputs(span, "% takes rules: [[(name ?a) clause…] …]"))
        }
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

/// A nil would drop rows without a word, and a decimal far beyond what can be read as EDN would be
/// written out in full.
fn refuse_unfit(bind: &Bind, cell: &Cell, span: Span) -> Result<(), QueryError> {
    match (bind, cell) {
        (Bind::Ignore, _) => Ok(()),
        (_, Cell::Nil) => Err(QueryError::inputs(span, "nil is no value to bind")),
        (_, Cell::Value(Value::BigDec(number))) => match checked_decimal((**number).clone()) {
            Ok(_) => Ok(()),
            Err(message) => Err(QueryError::inputs(span, message)),
        },
        (Bind::Tuple(parts), Cell::Vector(cells)) => parts
            .iter()
            .zip(cells.iter())
            .try_for_each(|(part, cell)| refuse_unfit(part, cell, span)),
        (Bind::Collection(part), cell) => cell
            .members()
            .unwrap_or_default()
            .iter()
            .try_for_each(|member| refuse_unfit(part, member, span)),
        _ => Ok(()),
    }
}
