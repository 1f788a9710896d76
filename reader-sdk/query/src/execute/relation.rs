//! Relations: rows over variables, column by column.

use std::ops::Range;

use super::column::{Column, hashes, rows_equal};
use super::distinct::distinct_rows;
use super::pair_set::PairSet;
use super::parallel::in_parts;
use super::row_index::RowIndex;
use crate::budget::{CHECK_EVERY, Meter};
use crate::cell::Cell;
use crate::error::QueryError;
use crate::plan::Var;

/// Rows over variables. With no variables it is either one empty row (true) or none (false).
#[derive(Debug, Clone, Default)]
pub(crate) struct Relation {
    pub(crate) vars: Vec<Var>,
    pub(crate) columns: Vec<Column>,
    rows: usize,
}

impl Relation {
    /// One row without variables: what a conjunction starts from.
    pub(crate) const fn unit() -> Self {
        Self { vars: Vec::new(), columns: Vec::new(), rows: 1 }
    }

    /// No rows.
    pub(crate) fn empty(vars: Vec<Var>) -> Self {
        let columns = vec![Column::default(); vars.len()];
        Self { vars, columns, rows: 0 }
    }

    /// Puts columns of one length together.
    pub(crate) fn new(vars: Vec<Var>, columns: Vec<Column>, rows: usize) -> Self {
        debug_assert!(columns.iter().all(|column| column.len() == rows));
        debug_assert_eq!(vars.len(), columns.len());
        Self { vars, columns, rows }
    }

    pub(crate) const fn len(&self) -> usize {
        self.rows
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(crate) fn position(&self, var: Var) -> Option<usize> {
        self.vars.iter().position(|own| *own == var)
    }

    pub(crate) fn column(&self, var: Var) -> Option<&Column> {
        self.position(var).map(|at| &self.columns[at])
    }

    /// The columns of variables that are all there.
    pub(crate) fn columns_of(&self, vars: &[Var]) -> Vec<&Column> {
        vars.iter().map(|var| self.column(*var).expect("the planner bound the variable")).collect()
    }

    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = Cell>) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell);
        }
        self.rows += 1;
    }

    /// The rows of these numbers, in their order.
    pub(crate) fn gather(&self, rows: &[usize]) -> Self {
        if rows.len() == self.rows && rows.iter().enumerate().all(|(at, row)| at == *row) {
            return self.clone();
        }
        let columns = self.columns.iter().map(|column| column.gather(rows)).collect();
        Self { vars: self.vars.clone(), columns, rows: rows.len() }
    }

    /// Adds the columns of another relation of as many rows.
    pub(crate) fn beside(mut self, other: Self) -> Self {
        debug_assert_eq!(self.rows, other.rows);
        self.vars.extend(other.vars);
        self.columns.extend(other.columns);
        self
    }

    /// The same rows under other names.
    pub(crate) fn renamed(mut self, names: &[(Var, Var)]) -> Self {
        for var in &mut self.vars {
            if let Some((_, name)) = names.iter().find(|(own, _)| own == var) {
                *var = *name;
            }
        }
        self
    }

    /// Makes room for more columns.
    pub(crate) fn reserve(&mut self, columns: usize) {
        self.vars.reserve(columns);
        self.columns.reserve(columns);
    }

    /// Adds a column.
    pub(crate) fn with(mut self, var: Var, column: Column) -> Self {
        debug_assert_eq!(column.len(), self.rows);
        self.vars.push(var);
        self.columns.push(column);
        self
    }

    /// Adds the rows of another relation over the same variables, in whatever order it has them.
    pub(crate) fn append(&mut self, other: &Self) {
        for (var, column) in self.vars.iter().zip(&mut self.columns) {
            column.append(other.column(*var).expect("both relations have the same variables"));
        }
        self.rows += other.rows;
    }

    /// The columns of some of the variables, in their order, with all rows.
    pub(crate) fn select(&self, vars: &[Var]) -> Self {
        let columns = self.columns_of(vars).into_iter().cloned().collect();
        Self { vars: vars.to_vec(), columns, rows: self.rows }
    }

    /// The same as [`Self::select`], of different variables, without the others.
    pub(crate) fn narrowed(mut self, vars: &[Var]) -> Self {
        let mut columns = Vec::with_capacity(vars.len());
        for var in vars {
            let at = self.position(*var).expect("the planner bound the variable");
            columns.push(std::mem::take(&mut self.columns[at]));
        }
        Self { vars: vars.to_vec(), columns, rows: self.rows }
    }

    /// The only row so many times.
    pub(crate) fn repeated(self, times: usize) -> Self {
        match times {
            1 => self,
            times => self.gather(&vec![0; times]),
        }
    }

    /// The distinct rows over some of the variables.
    pub(crate) fn project(&self, vars: &[Var]) -> Self {
        if self.rows <= 1 {
            return self.select(vars);
        }
        let columns = self.columns_of(vars);
        let first = distinct_rows(&columns, self.rows);
        if first.len() == self.rows {
            return self.select(vars);
        }
        let columns = columns.into_iter().map(|column| column.gather(&first)).collect();
        Self { vars: vars.to_vec(), columns, rows: first.len() }
    }

    /// About how many bytes a row takes.
    pub(crate) fn row_bytes(&self) -> usize {
        self.columns.iter().map(Column::cell_bytes).sum()
    }

    /// The distinct rows.
    pub(crate) fn distinct(self) -> Self {
        if self.rows <= 1 {
            return self;
        }
        let first = distinct_rows(&self.columns.iter().collect::<Vec<_>>(), self.rows);
        if first.len() == self.rows { self } else { self.gather(&first) }
    }
}

/// A relation that grows by rows it does not hold yet, indexed by some of its columns.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    relation: Relation,
    known: Known,
    key: Vec<Var>,
    keys: RowIndex,
}

/// The rows of a table.
#[derive(Debug, Clone)]
enum Known {
    /// While they are of one or two numbers.
    Pairs(PairSet),
    Rows(RowIndex),
}

impl Table {
    pub(crate) fn new(vars: Vec<Var>, key: Vec<Var>) -> Self {
        let relation = Relation::empty(vars);
        Self { relation, known: Known::Pairs(PairSet::default()), key, keys: RowIndex::default() }
    }

    pub(crate) const fn relation(&self) -> &Relation {
        &self.relation
    }

    pub(crate) fn into_relation(self) -> Relation {
        self.relation
    }

    /// Takes in the rows of a relation over the same variables and gives those that are new.
    pub(crate) fn insert(&mut self, relation: &Relation) -> Relation {
        let columns = relation.columns_of(&self.relation.vars);
        let rows = 0..relation.len();
        let new: Vec<usize> = match (&mut self.known, columns.as_slice()) {
            (Known::Pairs(pairs), [Column::Longs(a)]) => {
                rows.filter(|row| pairs.insert(0, a[*row])).collect()
            }
            (Known::Pairs(pairs), [Column::Longs(a), Column::Longs(b)]) => {
                rows.filter(|row| pairs.insert(a[*row], b[*row])).collect()
            }
            (_, columns) => self.new_rows(columns, relation.len()),
        };
        let columns = columns.iter().map(|column| column.gather(&new)).collect();
        let new = Relation::new(self.relation.vars.clone(), columns, new.len());
        if !self.key.is_empty() {
            let keys = hashes(&new.columns_of(&self.key), new.len());
            keys.into_iter().for_each(|hash| self.keys.push(hash));
        }
        self.relation.append(&new);
        new
    }

    /// Whether nothing but pairs of numbers was taken in, and no key finds them.
    pub(crate) fn is_of_pairs(&self) -> bool {
        let columns = self.relation.columns.as_slice();
        let are_longs = matches!(columns, [Column::Longs(_), Column::Longs(_)]);
        are_longs && self.key.is_empty() && matches!(self.known, Known::Pairs(_))
    }

    /// Takes in a pair of numbers where there is nothing else; whether it is new.
    pub(crate) fn insert_pair(&mut self, first: i64, second: i64) -> bool {
        let Known::Pairs(pairs) = &mut self.known else { return false };
        let is_new = pairs.insert(first, second);
        if is_new {
            self.relation.push([Cell::long(first), Cell::long(second)]);
        }
        is_new
    }

    /// The rows that are new, by their hashes.
    fn new_rows(&mut self, columns: &[&Column], rows: usize) -> Vec<usize> {
        let own: Vec<&Column> = self.relation.columns.iter().collect();
        if matches!(self.known, Known::Pairs(_)) {
            self.known = Known::Rows(RowIndex::of_hashes(&hashes(&own, self.relation.len())));
        }
        let Known::Rows(index) = &mut self.known else { return Vec::new() };
        let before = self.relation.len();
        let mut new: Vec<usize> = Vec::new();
        for (row, hash) in hashes(columns, rows).into_iter().enumerate() {
            let is_known = index.candidates(hash).any(|at| match at.checked_sub(before) {
                Some(at) => rows_equal(columns, row, columns, new[at]),
                None => rows_equal(columns, row, &own, at),
            });
            if !is_known {
                index.push(hash);
                new.push(row);
            }
        }
        new
    }

    /// The pairs of rows, of the probing columns and of the table, that agree in the key.
    pub(crate) fn probe(
        &self,
        columns: &[&Column],
        rows: usize,
        meter: &Meter,
    ) -> Result<Pairs, QueryError> {
        let own = self.relation.columns_of(&self.key);
        if own.is_empty() {
            return product(rows, self.relation.len(), meter);
        }
        probe(&self.keys, &own, columns, rows, meter)
    }
}

/// Pairs of rows: their numbers on the left, and on the right.
pub(crate) type Pairs = (Vec<usize>, Vec<usize>);

/// Pairs that are being found. There may be far more of them than rows, so they are counted as
/// they come.
pub(crate) struct Pairing<'m> {
    left: Vec<usize>,
    right: Vec<usize>,
    checked: usize,
    meter: &'m Meter,
}

/// So many rows that look for others are worth a thread.
const PROBES_MIN: usize = 1 << 18;
/// Bytes of a pair.
const PAIR_BYTES: usize = 2 * size_of::<usize>();

impl<'m> Pairing<'m> {
    pub(crate) fn with_capacity(rows: usize, meter: &'m Meter) -> Self {
        let (left, right) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        Self { left, right, checked: 0, meter }
    }

    pub(crate) fn push(&mut self, left: usize, right: usize) -> Result<(), QueryError> {
        self.left.push(left);
        self.right.push(right);
        self.check()
    }

    /// A row on the left with a stretch of rows on the right.
    pub(crate) fn push_all(&mut self, left: usize, right: Range<usize>) -> Result<(), QueryError> {
        // Most rows often meet none, or one.
        if right.is_empty() {
            return Ok(());
        }
        if right.len() == 1 {
            return self.push(left, right.start);
        }
        self.left.resize(self.left.len() + right.len(), left);
        self.right.extend(right);
        self.check()
    }

    fn check(&mut self) -> Result<(), QueryError> {
        if self.left.len() - self.checked < CHECK_EVERY {
            return Ok(());
        }
        self.checked = self.left.len();
        self.meter.check()?;
        self.meter.check_rows(self.left.len(), PAIR_BYTES)
    }

    pub(crate) fn finish(self) -> Pairs {
        (self.left, self.right)
    }
}

/// Every row with every row.
pub(crate) fn product(left: usize, right: usize, meter: &Meter) -> Result<Pairs, QueryError> {
    meter.check_rows(left.saturating_mul(right), PAIR_BYTES)?;
    let mut pairing = Pairing::with_capacity(left * right, meter);
    (0..left).try_for_each(|row| pairing.push_all(row, 0..right))?;
    Ok(pairing.finish())
}

/// The pairs of rows, of the probing columns and of the indexed ones, that agree.
pub(crate) fn probe(
    index: &RowIndex,
    indexed: &[&Column],
    columns: &[&Column],
    rows: usize,
    meter: &Meter,
) -> Result<Pairs, QueryError> {
    let hashes = hashes(columns, rows);
    paired(rows, meter, |row, pairing| {
        let equal = |at: &usize| rows_equal(columns, row, indexed, *at);
        index.candidates(hashes[row]).filter(equal).try_for_each(|at| pairing.push(row, at))
    })
}

/// The pairs that are found for each row, in the order of the rows.
pub(crate) fn paired(
    rows: usize,
    meter: &Meter,
    find: impl Fn(usize, &mut Pairing<'_>) -> Result<(), QueryError> + Sync,
) -> Result<Pairs, QueryError> {
    let found = |rows: Range<usize>| {
        let mut pairing = Pairing::with_capacity(rows.len(), meter);
        rows.into_iter().try_for_each(|row| find(row, &mut pairing))?;
        Ok(pairing.finish())
    };
    let mut parts = in_parts(rows, PROBES_MIN, meter, found).into_iter();
    let (mut left, mut right) = parts.next().transpose()?.unwrap_or_default();
    for part in parts {
        let (mut more_left, mut more_right) = part?;
        left.append(&mut more_left);
        right.append(&mut more_right);
        meter.check_rows(left.len(), PAIR_BYTES)?;
    }
    Ok((left, right))
}

/// Up to so many pairs of rows are compared one by one faster than by their hashes.
const PAIRS_FEW: usize = 16;

/// The pairs of rows of two lists of columns that agree; the shorter side is indexed.
pub(crate) fn join(
    left: &[&Column],
    left_rows: usize,
    right: &[&Column],
    right_rows: usize,
    meter: &Meter,
) -> Result<Pairs, QueryError> {
    if left.is_empty() {
        return product(left_rows, right_rows, meter);
    }
    if left_rows.saturating_mul(right_rows) <= PAIRS_FEW {
        let mut pairing = Pairing::with_capacity(left_rows.max(right_rows), meter);
        for row in 0..left_rows {
            for at in (0..right_rows).filter(|at| rows_equal(left, row, right, *at)) {
                pairing.push(row, at)?;
            }
        }
        return Ok(pairing.finish());
    }
    if left_rows < right_rows {
        let index = RowIndex::of_hashes(&hashes(left, left_rows));
        let (right, left) = probe(&index, left, right, right_rows, meter)?;
        Ok((left, right))
    } else {
        let index = RowIndex::of_hashes(&hashes(right, right_rows));
        probe(&index, right, left, left_rows, meter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(rows: &[[i64; 2]]) -> Relation {
        let mut relation = Relation::empty(vec![Var(0), Var(1)]);
        rows.iter().for_each(|row| relation.push(row.map(Cell::long)));
        relation
    }

    #[test]
    fn a_join_pairs_all_rows_that_agree() {
        let meter = Meter::default();
        let (a, b) = (relation(&[[1, 10], [2, 20], [2, 21]]), relation(&[[2, 7], [3, 8]]));
        let (left, right) = (a.columns_of(&[Var(0)]), b.columns_of(&[Var(0)]));
        let pairs = join(&left, a.len(), &right, b.len(), &meter);
        assert_eq!(pairs.expect("few"), (vec![1, 2], vec![0, 0]));
        let pairs = join(&right, b.len(), &left, a.len(), &meter);
        assert_eq!(pairs.expect("few"), (vec![0, 0], vec![1, 2]));
    }

    #[test]
    fn a_table_gives_back_only_what_is_new() {
        let mut table = Table::new(vec![Var(0), Var(1)], vec![Var(1)]);
        assert_eq!(table.insert(&relation(&[[1, 10], [1, 10], [2, 20]])).len(), 2);
        assert_eq!(table.insert(&relation(&[[2, 20], [3, 10]])).len(), 1);
        let probing = Column::Longs(vec![10, 20, 30]);
        let (rows, at) = table.probe(&[&probing], 3, &Meter::default()).expect("few");
        assert_eq!((rows, at), (vec![0, 0, 1], vec![2, 0, 1]));
    }

    #[test]
    fn projection_to_nothing_keeps_whether_there_was_a_row() {
        assert_eq!(relation(&[[1, 1], [2, 2]]).project(&[]).len(), 1);
        assert_eq!(relation(&[]).project(&[]).len(), 0);
    }
}
