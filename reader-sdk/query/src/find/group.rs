//! Groups: the rows of which a row of the answer is made.

use std::borrow::Cow;

use super::aggregate::Aggregate;
use super::plan::failed;
use super::random::Random;
use super::{FindColumn, FindPlan, Make};
use crate::budget::Meter;
use crate::cell::Cell;
use crate::error::QueryError;
use crate::execute::{Column, Dense, Relation, RowIndex, hashes, rows_equal};
use crate::plan::Var;

/// Which rows make up each row of the answer.
pub(super) enum Groups {
    /// Every row is one.
    Rows(usize),
    /// With aggregates: those that agree in everything that is not aggregated.
    Of(Grouping),
}

/// Rows told apart by what is not aggregated. No group is empty.
pub(super) struct Grouping {
    /// The group of each row.
    pub(super) of: Vec<usize>,
    /// The first row of each group.
    pub(super) first: Vec<usize>,
}

impl Groups {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => *rows,
            Self::Of(grouping) => grouping.len(),
        }
    }
}

impl Grouping {
    /// Groups rows by some columns.
    fn by(columns: &[&Column], rows: usize, meter: &Meter) -> Result<Self, QueryError> {
        if columns.is_empty() {
            return Ok(Self { of: vec![0; rows], first: (0..rows.min(1)).collect() });
        }
        let told_apart: Vec<Cow<'_, Column>> = columns.iter().map(|own| own.told_apart()).collect();
        let columns: &[&Column] = &told_apart.iter().map(|own| &**own).collect::<Vec<_>>();
        if let [Column::Longs(longs)] = columns
            && let Some(dense) = Dense::of(longs)
        {
            return Ok(Self::by_dense(longs, dense));
        }
        let mut index = RowIndex::default();
        let mut grouping = Self { of: Vec::with_capacity(rows), first: Vec::new() };
        let hashes = hashes(columns, rows);
        for (row, &hash) in hashes.iter().enumerate() {
            meter.tick(row)?;
            // Facts often come sorted by what they are grouped by.
            if row > 0 && hash == hashes[row - 1] && rows_equal(columns, row, columns, row - 1) {
                grouping.of.push(grouping.of[row - 1]);
                continue;
            }
            let own = |group: &usize| rows_equal(columns, row, columns, grouping.first[*group]);
            let group = index.candidates(hash).find(own).unwrap_or(grouping.first.len());
            if group == grouping.first.len() {
                index.push(hash);
                grouping.first.push(row);
            }
            grouping.of.push(group);
        }
        Ok(grouping)
    }

    /// Groups numbers that are close together.
    fn by_dense(longs: &[i64], dense: Dense) -> Self {
        let mut grouping = Self { of: Vec::with_capacity(longs.len()), first: Vec::new() };
        let mut groups = vec![usize::MAX; dense.len()];
        for (row, long) in longs.iter().enumerate() {
            let group = &mut groups[dense.place(*long)];
            if *group == usize::MAX {
                *group = grouping.first.len();
                grouping.first.push(row);
            }
            grouping.of.push(*group);
        }
        grouping
    }

    pub(super) const fn len(&self) -> usize {
        self.first.len()
    }

    /// How many rows each group has.
    pub(super) fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.len()];
        self.of.iter().for_each(|&group| sizes[group] += 1);
        sizes
    }

    /// The rows, group by group, and where each group ends.
    fn members(&self) -> (Vec<usize>, Vec<usize>) {
        // Where the next row of each group goes; at last, where the group ends.
        let mut ends = self.sizes();
        let mut start = 0;
        for end in &mut ends {
            (*end, start) = (start, start + *end);
        }
        let mut rows = vec![0; self.of.len()];
        for (row, &group) in self.of.iter().enumerate() {
            rows[ends[group]] = row;
            ends[group] += 1;
        }
        (rows, ends)
    }
}

impl FindPlan {
    pub(super) fn groups(&self, rows: &Relation, meter: &Meter) -> Result<Groups, QueryError> {
        if !self.has_aggregates() {
            return Ok(Groups::Rows(rows.len()));
        }
        let columns = rows.columns_of(&self.grouped_by());
        Grouping::by(&columns, rows.len(), meter).map(Groups::Of)
    }

    fn grouped_by(&self) -> Vec<Var> {
        let plain = |column: &&FindColumn| !matches!(column.make, Make::Aggregate(..));
        self.columns.iter().filter(plain).map(|column| column.var).collect()
    }

    /// A cell for each group.
    pub(super) fn column(
        &self,
        column: &FindColumn,
        rows: &Relation,
        groups: &Grouping,
        random: Option<Random>,
        meter: &Meter,
    ) -> Result<Column, QueryError> {
        let cells = rows.columns_of(&[column.var])[0];
        let Make::Aggregate(aggregate, name) = &column.make else {
            return Ok(cells.gather(&groups.first));
        };
        meter.at(column.span);
        meter.check()?;
        let failed = |message: String| failed(name, column.span, message);
        let whole = match aggregate {
            Aggregate::Fold(fold) => return fold.of_groups(cells, groups, meter, &failed),
            Aggregate::Whole(whole) => whole,
        };
        let key = rows.columns_of(&self.grouped_by());
        let mut made = Column::default();
        let (members, ends) = groups.members();
        let (mut start, mut bytes) = (0, 0_usize);
        for (group, &end) in ends.iter().enumerate() {
            meter.tick(group)?;
            meter.check_bytes(bytes)?;
            let of_group = members[start..end].iter().map(|&row| cells.get(row)).collect();
            let random = random.as_ref().map(|random| {
                let key: Vec<Cell> = key.iter().map(|key| key.get(groups.first[group])).collect();
                random.of_group(key)
            });
            let cell = whole.of_cells(of_group, random).map_err(failed)?;
            bytes = bytes.saturating_add(cell.bytes());
            made.push(cell);
            start = end;
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_grouped_whatever_their_order() {
        let (meter, mut column) = (Meter::default(), Column::default());
        [7, 7, 8, 7, 9, 8].into_iter().for_each(|number| column.push(Cell::long(number)));
        let spread = Column::Longs(column.longs().unwrap().iter().map(|own| own << 40).collect());
        for column in [column, spread] {
            let grouping = Grouping::by(&[&column], 6, &meter).unwrap();
            assert_eq!(grouping.of, [0, 0, 1, 0, 2, 1]);
            assert_eq!(grouping.first, [0, 2, 4]);
            assert_eq!(grouping.sizes(), [3, 2, 1]);
            assert_eq!(grouping.members(), (vec![0, 1, 3, 2, 5, 4], vec![3, 5, 6]));
        }
        assert_eq!(Grouping::by(&[], 3, &meter).unwrap().of, [0, 0, 0]);
        assert_eq!(Grouping::by(&[], 0, &meter).unwrap().len(), 0);
    }
}
