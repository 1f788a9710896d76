//! `:find`: from the rows of all clauses to the answer.

use std::collections::HashMap;

use duramen_model::{EntityId, Form, Span, Symbol};

use super::aggregate::Aggregate;
use super::column::{RowIndex, hashes, rows_equal};
use super::relation::Relation;
use crate::ast::{self, Element, PullPatternRef, Query, Variable};
use crate::cell::Cell;
use crate::error::{QueryError, QueryErrorKind};
use crate::plan::{Lowered, Var};
use crate::pull::{PullOptions, PullPattern, pull_many_with};
use crate::query::answer::{Answer, AnswerShape};
use crate::source::{Source, entity_of};

/// What is to be made of the rows.
pub(crate) struct FindPlan {
    shape: ast::Shape,
    keys: Option<Vec<duramen_model::Edn>>,
    columns: Vec<FindColumn>,
    with: Vec<Var>,
}

struct FindColumn {
    name: String,
    var: Var,
    make: Make,
    span: Span,
}

enum Make {
    /// The cells as they are.
    Cells,
    Aggregate(Aggregate, Symbol),
    Pull {
        source: usize,
        pattern: PullPattern,
    },
}

impl FindPlan {
    /// Checks what `:find` and `:with` ask for.
    pub(crate) fn new(
        query: &Query,
        lowered: &Lowered,
        sources: &[Symbol],
        patterns: &HashMap<Symbol, Form>,
    ) -> Result<Self, QueryError> {
        let bound = lowered.bound();
        let var = |variable: &Variable| {
            let var = lowered.scope.get(&variable.name).filter(|var| bound.contains(var));
            var.copied().ok_or_else(|| crate::parse::unbound(variable))
        };
        let mut columns = Vec::with_capacity(query.find.elements.len());
        for element in &query.find.elements {
            let (make, span) = match element {
                Element::Variable(variable) => (Make::Cells, variable.span),
                Element::Aggregate(aggregate) => {
                    let function = aggregate.function.clone();
                    (Make::Aggregate(Aggregate::of(aggregate)?, function), aggregate.span)
                }
                Element::Pull(pull) => (pull_of(pull, sources, patterns)?, pull.span),
            };
            columns.push(FindColumn {
                name: element.name(),
                var: var(element.variable())?,
                make,
                span,
            });
        }
        let with = query.with.iter().map(var).collect::<Result<_, _>>()?;
        Ok(Self { shape: query.find.shape, keys: query.find.keys.clone(), columns, with })
    }

    /// The variables that the answer is made of.
    pub(crate) fn vars(&self) -> Vec<Var> {
        let mut vars: Vec<Var> = self.columns.iter().map(|column| column.var).collect();
        vars.extend(&self.with);
        vars.sort_unstable();
        vars.dedup();
        vars
    }

    /// Makes the answer.
    pub(crate) async fn answer(
        &self,
        rows: Relation,
        sources: &[Source],
        options: &PullOptions,
    ) -> Result<Answer, QueryError> {
        let rows = if rows.is_empty() { Relation::empty(self.vars()) } else { rows };
        let rows = rows.project(&self.vars());
        let groups = self.groups(&rows);
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            columns.push(self.column(column, &rows, &groups, sources, options).await?);
        }
        let row = |at: usize| columns.iter().map(|column| column[at].clone()).collect();
        let count = match self.shape {
            ast::Shape::Relation | ast::Shape::Collection => groups.len(),
            ast::Shape::Tuple | ast::Shape::Scalar => groups.len().min(1),
        };
        let aggregates = self.has_aggregates();
        let pulls = self.columns.iter().any(|column| matches!(column.make, Make::Pull { .. }));
        Ok(Answer {
            shape: AnswerShape::from(self.shape),
            columns: self.column_names(),
            keys: self.keys.clone(),
            rows: (0..count).map(row).collect(),
            distinct: !pulls && (aggregates || self.with.is_empty()),
        })
    }

    fn has_aggregates(&self) -> bool {
        self.columns.iter().any(|column| matches!(column.make, Make::Aggregate(..)))
    }

    fn column_names(&self) -> Vec<String> {
        match &self.keys {
            Some(keys) => keys
                .iter()
                .map(|key| match key.as_keyword() {
                    Some(keyword) => keyword.text().to_owned(),
                    None => key.as_str().map_or_else(|| key.to_string(), str::to_owned),
                })
                .collect(),
            None => self.columns.iter().map(|column| column.name.clone()).collect(),
        }
    }

    /// The rows of each row of the answer: with aggregates, those that agree in everything that
    /// is not aggregated.
    fn groups(&self, rows: &Relation) -> Vec<Vec<usize>> {
        if !self.has_aggregates() {
            return (0..rows.len()).map(|row| vec![row]).collect();
        }
        let by: Vec<Var> = self
            .columns
            .iter()
            .filter(|column| !matches!(column.make, Make::Aggregate(..)))
            .map(|column| column.var)
            .collect();
        let columns = rows.columns_of(&by);
        let mut index = RowIndex::default();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (row, hash) in hashes(&columns, rows.len()).into_iter().enumerate() {
            let own = |group: &usize| rows_equal(&columns, row, &columns, groups[*group][0]);
            let known = index.candidates(hash).find(own);
            match known {
                Some(group) => groups[group].push(row),
                None => {
                    index.push(hash);
                    groups.push(vec![row]);
                }
            }
        }
        groups
    }

    async fn column(
        &self,
        column: &FindColumn,
        rows: &Relation,
        groups: &[Vec<usize>],
        sources: &[Source],
        options: &PullOptions,
    ) -> Result<Vec<duramen_model::Edn>, QueryError> {
        let cells = rows.columns_of(&[column.var])[0];
        let first = |group: &Vec<usize>| cells.get(group[0]);
        match &column.make {
            Make::Cells => Ok(groups.iter().map(|group| first(group).to_edn()).collect()),
            Make::Aggregate(aggregate, name) => groups
                .iter()
                .map(|group| {
                    let cells = group.iter().map(|&row| cells.get(row)).collect();
                    let made = aggregate.of_cells(cells).map_err(|message| {
                        let message = format!("{name}: {message}");
                        QueryError::new(QueryErrorKind::FunctionError, column.span, message)
                    })?;
                    Ok(made.to_edn())
                })
                .collect(),
            Make::Pull { source, pattern } => {
                let cells: Vec<Cell> = groups.iter().map(first).collect();
                pulled(&sources[*source], pattern, &cells, options, column.span).await
            }
        }
    }
}

fn pull_of(
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

fn pull_failed(error: crate::pull::PullError, span: Span) -> QueryError {
    let span = if error.span.end == 0 { span } else { error.span };
    QueryError::new(QueryErrorKind::Pull(error.kind), span, error.message.clone()).caused_by(error)
}

/// What is pulled of each entity; nil where a cell names none.
async fn pulled(
    source: &Source,
    pattern: &PullPattern,
    cells: &[Cell],
    options: &PullOptions,
    span: Span,
) -> Result<Vec<duramen_model::Edn>, QueryError> {
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
    let tree = |entity: Option<EntityId>| {
        entity.and_then(|_| trees.next()).unwrap_or(duramen_model::Edn::Nil)
    };
    Ok(entities.into_iter().map(tree).collect())
}

impl Element {
    /// What stands in `:find`.
    fn name(&self) -> String {
        match self {
            Self::Variable(variable) => variable.name.to_string(),
            Self::Aggregate(aggregate) => {
                let arguments: String =
                    aggregate.arguments.iter().map(|argument| format!(" {argument}")).collect();
                format!("({}{arguments} {})", aggregate.function, aggregate.variable.name)
            }
            Self::Pull(pull) => format!("(pull {})", pull.variable.name),
        }
    }
}
