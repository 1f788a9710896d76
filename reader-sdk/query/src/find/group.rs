//! Groups: the rows of which a row of the answer is made.

use super::plan::failed;
use super::random::Random;
use super::{FindColumn, FindPlan, Make};
use crate::budget::Meter;
use crate::cell::Cell;
use crate::error::QueryError;
use crate::execute::{Column, Relation, RowIndex, hashes, rows_equal};
use crate::plan::Var;

/// Which rows make up each row of the answer.
pub(super) enum Groups {
    /// Every row is one.
    Rows(usize),
    /// With aggregates: those that agree in everything that is not aggregated.
    Of(Vec<Vec<usize>>),
}

impl Groups {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => *rows,
            Self::Of(groups) => groups.len(),
        }
    }
}

impl FindPlan {
    pub(super) fn groups(&self, rows: &Relation) -> Groups {
        if !self.has_aggregates() {
            return Groups::Rows(rows.len());
        }
        let plain = |column: &&FindColumn| !matches!(column.make, Make::Aggregate(..));
        let by: Vec<Var> = self.columns.iter().filter(plain).map(|column| column.var).collect();
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
        Groups::Of(groups)
    }

    /// A cell for each group.
    pub(super) fn column(
        &self,
        column: &FindColumn,
        rows: &Relation,
        groups: &Groups,
        random: Option<Random>,
        meter: &Meter,
    ) -> Result<Column, QueryError> {
        let cells = rows.columns_of(&[column.var])[0];
        let groups = match groups {
            Groups::Rows(_) => return Ok(cells.clone()),
            Groups::Of(groups) => groups,
        };
        let Make::Aggregate(aggregate, name) = &column.make else {
            return Ok(cells.gather(&groups.iter().map(|group| group[0]).collect::<Vec<_>>()));
        };
        meter.at(column.span);
        let mut made = Column::default();
        for (number, group) in groups.iter().enumerate() {
            meter.tick(number)?;
            let cells: Vec<Cell> = group.iter().map(|&row| cells.get(row)).collect();
            let random = random.as_ref().map(|random| random.of_group(self.key(rows, group[0])));
            let cell = aggregate.of_cells(cells, random);
            made.push(cell.map_err(|message| failed(name, column.span, message))?);
        }
        Ok(made)
    }

    /// What tells a group from the others.
    fn key(&self, rows: &Relation, row: usize) -> Vec<Cell> {
        let plain = |column: &&FindColumn| !matches!(column.make, Make::Aggregate(..));
        let by: Vec<Var> = self.columns.iter().filter(plain).map(|column| column.var).collect();
        rows.columns_of(&by).into_iter().map(|column| column.get(row)).collect()
    }
}
