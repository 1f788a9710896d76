//! Columns of text and of byte strings.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use duramen_model::{Value, ValueType};

use crate::blobs::{self, Blobs};
use crate::slice::inner;
use crate::value_ref::ValueRef;
use crate::wire::DecodeError;

/// A column of text, in one piece: each distinct text once if the column has a dictionary. Cheap to
/// clone and to narrow.
#[derive(Clone)]
pub struct Texts {
    value_type: ValueType,
    shared: Arc<Shared>,
    /// Which of the shared texts each is; `None` where it is each in turn.
    places: Option<Arc<[u32]>>,
    range: Range<usize>,
}

/// A column keeps all the text that it was taken from unless it has fewer texts than one in so many.
const KEPT_FROM: usize = 16;

#[derive(Debug)]
struct Shared {
    text: String,
    ends: Vec<u32>,
    /// Whether the texts are distinct.
    is_dictionary: bool,
    /// The texts of a dictionary as values, once they were needed.
    values: OnceLock<Vec<Value>>,
}

impl Texts {
    /// The column that strings make up.
    pub(super) fn new(value_type: ValueType, blobs: Blobs) -> Result<Self, DecodeError> {
        let Blobs { bytes, ends, places } = blobs;
        let text = String::from_utf8(bytes)
            .map_err(|error| DecodeError::damaged("UTF-8", error.to_string()))?;
        if !ends.iter().all(|end| text.is_char_boundary(*end as usize)) {
            return Err(DecodeError::damaged("UTF-8", "a text that ends within a character"));
        }
        let range = 0..places.as_ref().map_or(ends.len(), Vec::len);
        let is_dictionary = places.is_some();
        let shared = Shared { text, ends, is_dictionary, values: OnceLock::new() };
        let places = places.map(Arc::from);
        Ok(Self { value_type, shared: Arc::new(shared), places, range })
    }

    /// What the texts are: strings, URIs, keywords or symbols.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// The text at a place.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn get(&self, index: usize) -> &str {
        &self.shared.text[blobs::place(&self.shared.ends, self.own(index))]
    }

    /// The text at a place as bytes, in whose sequence strings and URIs are sorted.
    pub(super) fn bytes(&self, index: usize) -> &[u8] {
        &self.shared.text.as_bytes()[blobs::place(&self.shared.ends, self.own(index))]
    }

    /// The place of each text among the distinct ones, which [`Self::distinct`] tells. `None` if
    /// the column has no dictionary.
    #[must_use]
    pub fn places(&self) -> Option<&[u32]> {
        let places = self.places.as_ref().filter(|_| self.shared.is_dictionary);
        places.map(|places| &places[self.range.clone()])
    }

    /// One of the distinct texts of the dictionary.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn distinct(&self, place: u32) -> &str {
        &self.shared.text[blobs::place(&self.shared.ends, place as usize)]
    }

    fn own(&self, index: usize) -> usize {
        assert!(index < self.range.len(), "text {index} of {}", self.range.len());
        let index = self.range.start + index;
        self.places.as_ref().map_or(index, |places| places[index] as usize)
    }

    /// How long all the distinct texts are together.
    pub(super) fn text_bytes(&self) -> usize {
        self.shared.text.len()
    }

    pub(super) fn value_ref(&self, index: usize) -> ValueRef<'_> {
        self.typed(self.get(index))
    }

    fn typed<'a>(&self, text: &'a str) -> ValueRef<'a> {
        match self.value_type {
            ValueType::Keyword => ValueRef::Keyword(text),
            ValueType::Symbol => ValueRef::Symbol(text),
            ValueType::Uri => ValueRef::Uri(text),
            _ => ValueRef::String(text),
        }
    }

    /// The text at a place as a value. That of a dictionary is shared.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn value(&self, index: usize) -> Value {
        if !self.shared.is_dictionary {
            return self.value_ref(index).to_value();
        }
        let distinct = 0..self.shared.ends.len() as u32;
        let values = self.shared.values.get_or_init(|| {
            distinct.map(|place| self.typed(self.distinct(place)).to_value()).collect()
        });
        values[self.own(index)].clone()
    }

    pub(super) fn narrow(&self, range: Range<usize>) -> Self {
        let range = inner(&self.range, range);
        Self { shared: Arc::clone(&self.shared), places: self.places.clone(), range, ..*self }
    }

    /// The texts at some places. If they are but a few of those that the column was taken from,
    /// they are copied, and the others are not held.
    ///
    /// # Panics
    /// When there is no such place.
    #[must_use]
    pub fn gather(&self, places: &[usize]) -> Self {
        if places.len().saturating_mul(KEPT_FROM) >= self.shared.ends.len() {
            let range = 0..places.len();
            let places = places.iter().map(|place| self.own(*place) as u32).collect();
            return Self { shared: Arc::clone(&self.shared), places: Some(places), range, ..*self };
        }
        let mut blobs = Blobs::default();
        places.iter().for_each(|place| blobs.push(self.get(*place).as_bytes()));
        Self::new(self.value_type, blobs).expect("whole texts one behind the other are text")
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.len()).map(|index| self.value_ref(index))).finish()
    }
}

/// A column of byte strings, in one piece: each distinct one once if the column has a dictionary.
/// Cheap to clone and to narrow.
#[derive(Debug, Clone)]
pub struct ByteStrings {
    blobs: Arc<Blobs>,
    range: Range<usize>,
}

impl ByteStrings {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// The byte string at a place.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn get(&self, index: usize) -> &[u8] {
        assert!(index < self.range.len(), "byte string {index} of {}", self.range.len());
        let index = self.range.start + index;
        let own = self.blobs.places.as_ref().map_or(index, |places| places[index] as usize);
        &self.blobs.bytes[blobs::place(&self.blobs.ends, own)]
    }

    pub(super) fn narrow(&self, range: Range<usize>) -> Self {
        Self { blobs: Arc::clone(&self.blobs), range: inner(&self.range, range) }
    }

    pub(super) fn gather(&self, places: &[usize]) -> Self {
        let mut blobs = Blobs::default();
        places.iter().for_each(|place| blobs.push(self.get(*place)));
        blobs.into()
    }
}

impl From<Blobs> for ByteStrings {
    fn from(blobs: Blobs) -> Self {
        let range = 0..blobs.places.as_ref().map_or(blobs.ends.len(), Vec::len);
        Self { blobs: Arc::new(blobs), range }
    }
}
