//! What `:find` and what follows it ask for, checked.

use std::collections::HashMap;
use std::sync::Arc;

use duramen_model::{Edn, Form, Span, Symbol};

use super::aggregate::Aggregate;
use super::having::{Argument, Test};
use super::order::Key;
use super::pulls::pull_of;
use super::{FindColumn, FindPlan, Make};
use crate::ast::{self, Element, HavingArgument, OrderBy, Query, Variable};
use crate::cell::Cell;
use crate::error::{QueryError, QueryErrorKind};
use crate::functions::Function;
use crate::plan::{Lowered, Var};
use crate::registry::Registry;

impl FindPlan {
    /// Checks what the query asks for.
    pub(crate) fn new(
        query: &Query,
        lowered: &Lowered,
        sources: &[Symbol],
        patterns: &HashMap<Symbol, Form>,
        registry: &Registry,
    ) -> Result<Self, QueryError> {
        let parts = &*query.parts;
        let mut planning = Planning { query, lowered, registry, columns: Vec::new() };
        for element in &parts.find.elements {
            let column = match element {
                Element::Variable(variable) => planning.cells(variable)?,
                Element::Aggregate(aggregate) => planning.aggregate(aggregate)?,
                Element::Pull(pull) => FindColumn {
                    name: element.name(),
                    var: planning.var(&pull.variable)?,
                    make: pull_of(pull, sources, patterns)?,
                    span: pull.span,
                },
            };
            planning.columns.push(column);
        }
        let shown = planning.columns.len();
        let with = parts.with.iter().map(|v| planning.var(v)).collect::<Result<_, _>>()?;
        let tests = parts.having.iter().map(|h| planning.test(h)).collect::<Result<_, _>>()?;
        let order = parts.order.iter().map(|key| planning.key(key)).collect::<Result<_, _>>()?;
        for amount in [&parts.limit, &parts.offset].into_iter().flatten() {
            planning.check_amount(amount)?;
        }
        let names = column_names(parts.find.keys.as_deref(), &planning.columns[..shown]);
        Ok(Self {
            shape: parts.find.shape,
            keys: parts.find.keys.as_deref().map(Arc::from),
            names,
            columns: planning.columns,
            shown,
            with,
            tests,
            order,
            limit: parts.limit.clone(),
            offset: parts.offset.clone(),
        })
    }
}

/// The keys of return maps, or else what stands in `:find`.
fn column_names(keys: Option<&[Edn]>, columns: &[FindColumn]) -> Arc<[String]> {
    let key = |key: &Edn| match key.as_keyword() {
        Some(keyword) => keyword.text().to_owned(),
        None => key.as_str().map_or_else(|| key.to_string(), str::to_owned),
    };
    match keys {
        Some(keys) => keys.iter().map(key).collect(),
        None => columns.iter().map(|column| column.name.clone()).collect(),
    }
}

struct Planning<'a> {
    query: &'a Query,
    lowered: &'a Lowered,
    registry: &'a Registry,
    columns: Vec<FindColumn>,
}

impl Planning<'_> {
    fn var(&self, variable: &Variable) -> Result<Var, QueryError> {
        let var = self.lowered.scope.get(&variable.name).copied();
        let bound = var.filter(|var| self.lowered.binds(*var));
        bound.ok_or_else(|| crate::parse::unbound(variable))
    }

    fn cells(&self, variable: &Variable) -> Result<FindColumn, QueryError> {
        let var = self.var(variable)?;
        let name = variable.name.to_string();
        Ok(FindColumn { name, var, make: Make::Cells, span: variable.span })
    }

    fn aggregate(&self, aggregate: &ast::Aggregate) -> Result<FindColumn, QueryError> {
        let function = aggregate.function.clone();
        let make = Make::Aggregate(Aggregate::of(aggregate, self.registry)?, function);
        let var = self.var(&aggregate.variable)?;
        Ok(FindColumn { name: aggregate.name(), var, make, span: aggregate.span })
    }

    /// The column of an aggregate that tests or orders; the one in `:find` where it is the same.
    fn hidden_aggregate(&mut self, aggregate: &ast::Aggregate) -> Result<usize, QueryError> {
        let column = self.aggregate(aggregate)?;
        let same =
            |own: &FindColumn| matches!(own.make, Make::Aggregate(..)) && own.name == column.name;
        Ok(self.columns.iter().position(same).unwrap_or_else(|| self.hidden(column)))
    }

    fn hidden(&mut self, column: FindColumn) -> usize {
        self.columns.push(column);
        self.columns.len() - 1
    }

    /// The column of a variable that tests or orders: each row of the answer must have one value
    /// of it.
    fn hidden_variable(&mut self, variable: &Variable) -> Result<Option<usize>, QueryError> {
        let parts = &self.query.parts;
        let named = |element: &Element| matches!(element, Element::Variable(own) if own.name == variable.name);
        if let Some(column) = parts.find.elements.iter().position(named) {
            return Ok(Some(column));
        }
        let aggregated = parts.find.elements.iter().any(|e| matches!(e, Element::Aggregate(_)))
            || parts.having.iter().any(ast::Having::aggregates)
            || parts.order.iter().any(|key| matches!(key.by, OrderBy::Aggregate(_)));
        let pulled = |element: &Element| matches!(element, Element::Pull(pull) if pull.variable.name == variable.name);
        let with = !aggregated && parts.with.iter().any(|own| own.name == variable.name);
        if with || parts.find.elements.iter().any(pulled) {
            let column = self.cells(variable)?;
            return Ok(Some(self.hidden(column)));
        }
        Ok(None)
    }

    fn key(&mut self, key: &ast::OrderKey) -> Result<Key, QueryError> {
        let shown = self.query.parts.find.elements.len();
        let column = match &key.by {
            OrderBy::Variable(variable) => self.hidden_variable(variable)?.ok_or_else(|| {
                let message = format!(
                    "{} is no element of :find that rows could be ordered by",
                    variable.name
                );
                QueryError::unbound(variable.span, message)
            })?,
            OrderBy::Aggregate(aggregate) => self.hidden_aggregate(aggregate)?,
            OrderBy::Position(position) if *position < shown => *position,
            OrderBy::Position(position) => {
                let message =
                    format!("position {position} of the {shown} elements of :find, counted from 0");
                return Err(QueryError::malformed(key.span, message));
            }
        };
        if let Make::Pull { .. } = self.columns[column].make {
            let message = "rows are not ordered by what is pulled: order by a variable";
            return Err(QueryError::malformed(key.span, message));
        }
        Ok(Key { column, descending: key.descending })
    }

    fn test(&mut self, having: &ast::Having) -> Result<Test, QueryError> {
        let refuse = |kind, message| Err(QueryError::new(kind, having.span, message));
        let name = &having.function;
        let function = match Function::named(name, self.registry) {
            Some(function) if function.takes_source() => {
                let message = format!("{name} looks into a source, which :having does not");
                return refuse(QueryErrorKind::Malformed, message);
            }
            Some(function) => function,
            None => return refuse(QueryErrorKind::UnknownFunction, format!("no function {name}")),
        };
        if !function.takes(having.arguments.len()) {
            let message = format!("{name} does not take {} arguments", having.arguments.len());
            return refuse(QueryErrorKind::FunctionArity, message);
        }
        let mut arguments = Vec::with_capacity(having.arguments.len());
        for argument in &having.arguments {
            arguments.push(match argument {
                HavingArgument::Constant(form) => Argument::Constant(Cell::from_edn(&form.edn)),
                HavingArgument::Aggregate(aggregate) => {
                    Argument::Column(self.hidden_aggregate(aggregate)?)
                }
                HavingArgument::Variable(variable) => match self.hidden_variable(variable)? {
                    Some(column) => Argument::Column(column),
                    None => Argument::Input(self.input(variable)?),
                },
            });
        }
        Ok(Test { name: name.clone(), function, arguments, span: having.span })
    }

    fn input(&self, variable: &Variable) -> Result<Symbol, QueryError> {
        if self.query.has_scalar_input(&variable.name) {
            return Ok(variable.name.clone());
        }
        let message = format!("{} is neither an element of :find nor an input", variable.name);
        Err(QueryError::unbound(variable.span, message))
    }

    fn check_amount(&self, amount: &ast::Amount) -> Result<(), QueryError> {
        match amount {
            ast::Amount::Input(variable) => self.input(variable).map(drop),
            ast::Amount::Number(_) | ast::Amount::All => Ok(()),
        }
    }
}

impl Query {
    /// Whether `:in` has a plain `?x` of this name.
    fn has_scalar_input(&self, name: &Symbol) -> bool {
        self.parts.inputs.iter().any(|input| match input {
            ast::InputBinding::Value(ast::Binding::Scalar(own), _) => own.name == *name,
            _ => false,
        })
    }
}

impl ast::Having {
    fn aggregates(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument, HavingArgument::Aggregate(_)))
    }
}

impl ast::Aggregate {
    /// As it stands in the query.
    fn name(&self) -> String {
        let arguments: String = self.arguments.iter().map(|form| format!(" {form}")).collect();
        format!("({}{arguments} {})", self.function, self.variable.name)
    }
}

impl Element {
    /// What stands in `:find`.
    fn name(&self) -> String {
        match self {
            Self::Variable(variable) => variable.name.to_string(),
            Self::Aggregate(aggregate) => aggregate.name(),
            Self::Pull(pull) => format!("(pull {})", pull.variable.name),
        }
    }
}

/// Where something of the answer went wrong.
pub(super) fn failed(name: &Symbol, span: Span, message: impl std::fmt::Display) -> QueryError {
    let message = format!("{name}: {message}");
    QueryError::new(QueryErrorKind::FunctionError, span, message)
}
