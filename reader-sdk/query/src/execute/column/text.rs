//! Columns of text that stays where it was read.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use duramen_db::{Texts, ValueColumn};
use duramen_model::{Value, ValueType};
use foldhash::fast::FixedState;

use super::Members;
use super::hash::hash_text;
use crate::budget::Meter;
use crate::error::QueryError;

/// Strings, keywords, symbols or URIs: for each row a place in one of the columns of the leaves
/// that they were read from.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextColumn {
    parts: Arc<Vec<Texts>>,
    rows: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    part: u32,
    index: u32,
}

/// Tests between two looks at the clock: texts may be long.
const CHECK_TESTS_EVERY: usize = 64;
/// One text in so many is but a few.
const FEW: usize = 16;

/// How texts of a part are told apart.
#[derive(Debug, Clone, Copy)]
enum Dictionary<'p> {
    /// By their places among the distinct texts.
    Places(&'p [u32]),
    /// Each may be another, but stands in several rows.
    Each,
}

impl Dictionary<'_> {
    fn place(self, index: u32) -> usize {
        match self {
            Self::Places(places) => places[index as usize] as usize,
            Self::Each => index as usize,
        }
    }
}

/// What was found out about the texts of each part: about one in a dictionary, once.
struct Known<'p, T> {
    parts: Vec<(Option<Dictionary<'p>>, Vec<Option<T>>)>,
}

impl<T: Copy> Known<'_, T> {
    fn get(&mut self, Place { part, index }: Place, find: impl FnOnce() -> T) -> T {
        let (dictionary, known) = &mut self.parts[part as usize];
        let Some(dictionary) = dictionary else { return find() };
        let place = dictionary.place(index);
        if known.len() <= place {
            known.resize(place + 1, None);
        }
        *known[place].get_or_insert_with(find)
    }
}

impl TextColumn {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// One text in so many rows, if the value is one.
    pub(super) fn repeated(value: &Value, rows: usize) -> Option<Self> {
        let ValueColumn::Text(texts) = std::iter::once(value).collect() else { return None };
        Some(Self { parts: Arc::new(vec![texts]), rows: vec![Place { part: 0, index: 0 }; rows] })
    }

    /// The string in every row, if it is known at a glance that there is but one.
    pub(crate) fn constant_string(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [only] if only.len() == 1 && self.are_strings() => Some(only.get(0)),
            _ => None,
        }
    }

    /// The text of a row, and what it is.
    pub(crate) fn text(&self, row: usize) -> (ValueType, &str) {
        let Place { part, index } = self.rows[row];
        let part = &self.parts[part as usize];
        (part.value_type(), part.get(index as usize))
    }

    pub(crate) fn value(&self, row: usize) -> Value {
        let Place { part, index } = self.rows[row];
        self.parts[part as usize].value(index as usize)
    }

    /// Adds members of a column.
    pub(crate) fn extend(&mut self, texts: &Texts, members: Members<'_>) {
        if members.len() == 0 {
            return;
        }
        // Both fit: a column has fewer than 2^32 members, and each part at least one row.
        let part = self.parts.len() as u32;
        Arc::make_mut(&mut self.parts).push(texts.clone());
        let place = |index: usize| Place { part, index: index as u32 };
        match members {
            Members::All(len) => self.rows.extend((0..len).map(place)),
            Members::Some(places) => self.rows.extend(places.iter().map(|&index| place(index))),
        }
    }

    pub(crate) fn append(&mut self, other: &Self) {
        if Arc::ptr_eq(&self.parts, &other.parts) {
            self.rows.extend_from_slice(&other.rows);
            return;
        }
        let before = self.parts.len() as u32;
        Arc::make_mut(&mut self.parts).extend(other.parts.iter().cloned());
        let moved = |place: &Place| Place { part: place.part + before, ..*place };
        self.rows.extend(other.rows.iter().map(moved));
    }

    pub(crate) fn gather(&self, rows: &[usize]) -> Self {
        let rows = rows.iter().map(|&row| self.rows[row]).collect();
        Self { parts: Arc::clone(&self.parts), rows }
    }

    pub(crate) fn slice(&self, rows: Range<usize>) -> Self {
        Self { parts: Arc::clone(&self.parts), rows: self.rows[rows].to_vec() }
    }

    /// The same texts, without the columns of which they are but a few: those are copied.
    pub(crate) fn without_leaves(self) -> Self {
        let held: usize = self.parts.iter().map(Texts::len).sum();
        if self.rows.len() * FEW > held {
            return self;
        }
        let mut wanted: Vec<Vec<usize>> = vec![Vec::new(); self.parts.len()];
        let mut rows = self.rows;
        for Place { part, index } in &mut rows {
            let wanted = &mut wanted[*part as usize];
            wanted.push(*index as usize);
            *index = (wanted.len() - 1) as u32;
        }
        let parts = self.parts.iter().zip(wanted).map(|(part, wanted)| part.gather(&wanted));
        Self { parts: Arc::new(parts.collect()), rows }
    }

    /// Which of two rows comes first, in the order of values: keywords and symbols go by their
    /// namespaces first.
    pub(crate) fn compare(&self, row: usize, other: usize) -> Ordering {
        match (self.text(row), self.text(other)) {
            ((ValueType::String, own), (ValueType::String, other)) => own.cmp(other),
            _ => self.value(row).cmp(&self.value(other)),
        }
    }

    /// Whether two rows hold the same text of the same kind.
    pub(crate) fn equal(&self, row: usize, other: &Self, other_row: usize) -> bool {
        let (own, theirs) = (self.rows[row], other.rows[other_row]);
        if own.part == theirs.part && Arc::ptr_eq(&self.parts, &other.parts) {
            let part = &self.parts[own.part as usize];
            if let Some(places) = part.places() {
                return places[own.index as usize] == places[theirs.index as usize];
            }
        }
        self.text(row) == other.text(other_row)
    }

    /// A number for each row, the same for the same text of the same kind, if all were read from
    /// dictionaries, or each text stands in several rows.
    pub(super) fn codes(&self) -> Option<Vec<i64>> {
        let mut known = self.known();
        let mut numbers: HashMap<(ValueType, &str), i64, FixedState> = HashMap::default();
        let mut codes = Vec::with_capacity(self.rows.len());
        for (row, place) in self.rows.iter().enumerate() {
            known.parts[place.part as usize].0?;
            let next = numbers.len() as i64;
            codes.push(known.get(*place, || *numbers.entry(self.text(row)).or_insert(next)));
        }
        Some(codes)
    }

    /// Gives the hash of each row. That of a text in a dictionary is computed once.
    pub(super) fn each_hash(&self, mut visit: impl FnMut(usize, u64)) {
        let mut known = self.known();
        for (row, place) in self.rows.iter().enumerate() {
            let hash = || {
                let (value_type, text) = self.text(row);
                hash_text(value_type, text)
            };
            visit(row, known.get(*place, hash));
        }
    }

    /// Whether all are strings.
    pub(crate) fn are_strings(&self) -> bool {
        self.parts.iter().all(|part| part.value_type() == ValueType::String)
    }

    /// Those of some rows whose text passes a test. A text in a dictionary is tested once.
    pub(crate) fn passed(
        &self,
        rows: Range<usize>,
        test: impl Fn(&str) -> bool,
        meter: &Meter,
    ) -> Result<Vec<usize>, QueryError> {
        let mut known = self.known();
        let mut passed = Vec::new();
        for row in rows {
            if row.is_multiple_of(CHECK_TESTS_EVERY) {
                meter.check()?;
            }
            if known.get(self.rows[row], || test(self.text(row).1)) {
                passed.push(row);
            }
        }
        Ok(passed)
    }

    /// Nothing yet, and how the texts of each part are told apart without a look at them, if that
    /// pays.
    fn known<T>(&self) -> Known<'_, T> {
        let held: usize = self.parts.iter().map(Texts::len).sum();
        let repeats = self.rows.len() >= held.saturating_mul(2);
        let of_part = |part| match Texts::places(part) {
            Some(places) => Some(Dictionary::Places(places)),
            None => repeats.then_some(Dictionary::Each),
        };
        Known { parts: self.parts.iter().map(|part| (of_part(part), Vec::new())).collect() }
    }

    pub(super) fn cell_bytes(&self) -> usize {
        size_of::<Place>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[String]) -> TextColumn {
        let values: Vec<Value> = values.iter().map(Value::string).collect();
        let ValueColumn::Text(texts) = values.iter().collect() else { panic!("text") };
        let mut column = TextColumn::default();
        column.extend(&texts, Members::All(values.len()));
        column
    }

    #[test]
    fn texts_that_stand_in_many_rows_have_numbers() {
        let mut few = column(&["b".into(), "a".into()]);
        few.append(&column(&["c".into(), "b".into()]));
        let rows: Vec<usize> = (0..12).map(|row| row % 4).collect();
        let codes = few.gather(&rows).codes().expect("each stands in three rows");
        assert_eq!(codes[..5], [0, 1, 2, 0, 0]);
        let (mut seen, mut expected) = (Vec::new(), Vec::new());
        few.gather(&rows).each_hash(|_, hash| seen.push(hash));
        rows.iter().for_each(|&row| expected.push(hash_text(ValueType::String, few.text(row).1)));
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_few_texts_of_many_are_copied_and_stay_what_they_are() {
        let numbers: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        let (mut all, rest) = (column(&numbers[..100]), column(&numbers[100..]));
        all.append(&rest);
        for rows in [vec![150, 3, 3, 199], (0..200).collect(), Vec::new()] {
            let some = all.gather(&rows);
            let kept = some.clone().without_leaves();
            let held: usize = kept.parts.iter().map(Texts::len).sum();
            assert_eq!(held, if rows.len() > 10 { 200 } else { rows.len() });
            assert!((0..rows.len()).all(|row| kept.text(row) == some.text(row)));
            assert_eq!(kept.len(), rows.len());
        }
    }
}
