//! Rows: facts in memory, as columns that sort fast.

use std::cmp::Ordering;
use std::sync::Arc;

use duramen_model::{EntityId, Order, Value};

use super::attributes::Attributes;
use super::packed;

/// What sorting takes for each row beside the row, in bytes: keys while they are sorted, and
/// places in up to four orders.
const SORTING_BYTES: usize = 40;
/// One past the last byte that a row can point to.
const LONG_BYTES_MAX: usize = u32::MAX as usize;

/// A fact, as it is sorted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowRef<'a> {
    pub(crate) e: u64,
    /// The rank of the attribute.
    pub(crate) rank: u32,
    pub(crate) t: u32,
    pub(crate) word: u64,
    pub(crate) long: &'a [u8],
}

/// Facts in memory, in any order.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<Row>,
    long: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    e: u64,
    word: u64,
    rank: u32,
    t: u32,
    long_begin: u32,
    long_bytes: u32,
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// What the rows take in memory once they are sorted, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.len() * (size_of::<Row>() + SORTING_BYTES) + self.long.len()
    }

    /// Whether so many more bytes of values have room.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.long.len() + bytes <= LONG_BYTES_MAX
    }

    /// Adds a fact. There must be room for its value.
    pub(crate) fn push(&mut self, e: EntityId, rank: u32, t: u32, v: &Value) {
        let begin = self.long.len();
        let word = packed::pack(v, &mut self.long);
        self.rows.push(Row {
            e: e.get(),
            word,
            rank,
            t,
            long_begin: begin as u32,
            long_bytes: (self.long.len() - begin) as u32,
        });
    }

    pub(crate) fn get(&self, place: u32) -> RowRef<'_> {
        let Row { e, word, rank, t, long_begin, long_bytes } = self.rows[place as usize];
        let begin = long_begin as usize;
        RowRef { e, rank, t, word, long: &self.long[begin..begin + long_bytes as usize] }
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.long.clear();
    }
}

/// How rows are compared in one order.
#[derive(Debug, Clone)]
pub(crate) struct Sorting {
    pub(crate) order: Order,
    pub(crate) attributes: Arc<Attributes>,
}

impl Sorting {
    pub(crate) fn compare(&self, x: &RowRef<'_>, y: &RowRef<'_>) -> Ordering {
        match self.order {
            Order::Eavt => {
                (x.e, x.rank).cmp(&(y.e, y.rank)).then_with(|| self.compare_values(x, y))
            }
            Order::Aevt => {
                (x.rank, x.e).cmp(&(y.rank, y.e)).then_with(|| self.compare_values(x, y))
            }
            Order::Avet => (x.rank.cmp(&y.rank))
                .then_with(|| self.compare_values(x, y))
                .then_with(|| x.e.cmp(&y.e)),
            Order::Vaet => (x.word, x.rank, x.e).cmp(&(y.word, y.rank, y.e)),
        }
    }

    /// Compares the values of two rows that have the same attribute.
    pub(crate) fn compare_values(&self, x: &RowRef<'_>, y: &RowRef<'_>) -> Ordering {
        let value_type = self.attributes.value_type(x.rank);
        packed::compare(value_type, (x.word, x.long), (y.word, y.long))
    }
}

/// The places of rows in each order.
#[derive(Debug)]
pub(crate) struct Sorted([Vec<u32>; 4]);

impl Sorted {
    /// Sorts rows. One order is made out of the other: facts that are sorted by entity fall into
    /// their attributes by counting, and those of one attribute only have to be sorted by value.
    pub(crate) fn of(rows: &Rows, attributes: &Arc<Attributes>) -> Self {
        let eavt = by_entity(rows, attributes);
        let (aevt, ends) = by_attribute(rows, &eavt, attributes.iter().len());
        let of_attribute = |rank: usize| {
            let begin = rank.checked_sub(1).map_or(0, |before| ends[before]);
            &aevt[begin..ends[rank]]
        };
        let mut avet = Vec::new();
        let mut refs = Vec::new();
        for (rank, attribute) in attributes.iter().enumerate() {
            if attribute.in_avet() {
                by_value(rows, attributes, of_attribute(rank), &mut avet);
            }
            if attribute.in_vaet() {
                refs.extend(of_attribute(rank).iter().map(|place| keyed(rows, *place)));
            }
        }
        // Stable: those of one value stay sorted by attribute and entity.
        refs.sort_by_key(|(word, _)| *word);
        let vaet = refs.into_iter().map(|(_, place)| place).collect();
        Self([eavt, aevt, avet, vaet])
    }

    pub(crate) fn in_order(&self, order: Order) -> &[u32] {
        &self.0[order as usize]
    }

    pub(crate) fn take(&mut self, order: Order) -> Vec<u32> {
        std::mem::take(&mut self.0[order as usize])
    }
}

fn keyed(rows: &Rows, place: u32) -> (u64, u32) {
    (rows.rows[place as usize].word, place)
}

fn by_entity(rows: &Rows, attributes: &Arc<Attributes>) -> Vec<u32> {
    let sorting = Sorting { order: Order::Eavt, attributes: Arc::clone(attributes) };
    let first_user = EntityId::user(0).map_or(0, EntityId::get);
    let key = |(place, row): (u32, &Row)| (row.e, row.rank, place);
    let mut keys = Vec::with_capacity(rows.len());
    // Transactions and their instants stand between what they say. Apart from them, most input is
    // sorted by entity already, which the sort makes use of.
    keys.extend((0..).zip(&rows.rows).filter(|(_, row)| row.e < first_user).map(key));
    keys.extend((0..).zip(&rows.rows).filter(|(_, row)| row.e >= first_user).map(key));
    keys.sort_by(|x, y| {
        let places = (x.0, x.1).cmp(&(y.0, y.1));
        places.then_with(|| sorting.compare_values(&rows.get(x.2), &rows.get(y.2)))
    });
    keys.into_iter().map(|(_, _, place)| place).collect()
}

/// The places by attribute, and where each attribute ends among them.
fn by_attribute(rows: &Rows, eavt: &[u32], attributes: usize) -> (Vec<u32>, Vec<usize>) {
    let rank = |place: u32| rows.rows[place as usize].rank as usize;
    let mut ends = vec![0; attributes];
    eavt.iter().for_each(|place| ends[rank(*place)] += 1);
    let mut sum = 0;
    for end in &mut ends {
        let begin = sum;
        sum += *end;
        *end = begin;
    }
    let mut aevt = vec![0; eavt.len()];
    for place in eavt {
        let next = &mut ends[rank(*place)];
        aevt[*next] = *place;
        *next += 1;
    }
    (aevt, ends)
}

/// Sorts the rows of one attribute, which come by entity, by value.
fn by_value(rows: &Rows, attributes: &Arc<Attributes>, places: &[u32], sorted: &mut Vec<u32>) {
    let Some(first) = places.first() else { return };
    let value_type = attributes.value_type(rows.get(*first).rank);
    let mut keys: Vec<(u64, u32)> = places.iter().map(|place| keyed(rows, *place)).collect();
    match packed::Kind::of(value_type) {
        packed::Kind::Word => keys.sort_by_key(|(word, _)| *word),
        _ => keys.sort_by(|x, y| {
            let long = |place| rows.get(place).long;
            packed::compare(value_type, (x.0, long(x.1)), (y.0, long(y.1)))
        }),
    }
    sorted.extend(keys.into_iter().map(|(_, place)| place));
}
