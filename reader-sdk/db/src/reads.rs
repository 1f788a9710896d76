//! Reading facts: one after the other, as columns, by what is known of them.

use duramen_index::{Cursor, KeyRange, Layer};
use duramen_model::Datom;
use futures_util::future;

use crate::column_cursor::ColumnCursor;
use crate::columns::Keys;
use crate::cursor::DatomCursor;
use crate::selection::Plan;
use crate::{Db, DbError, Selection, Values, together, window};

#[cfg(not(target_arch = "wasm32"))]
type BoxFuture<'a, T> = future::BoxFuture<'a, T>;
#[cfg(target_arch = "wasm32")]
type BoxFuture<'a, T> = future::LocalBoxFuture<'a, T>;

/// Reads.
impl Db {
    /// The datoms in a stretch of an order, sorted in that order; those of one `(e a v)` by `t`.
    ///
    /// AVET has only the attributes that are unique or indexed; [`Self::select`] knows which.
    ///
    /// # Errors
    /// When the store fails, or an object in it is damaged.
    pub async fn datoms(&self, range: &KeyRange) -> Result<Vec<Datom>, DbError> {
        match self.datoms_at_hand(range, None)? {
            Some(datoms) => Ok(datoms),
            None => self.fetch_boxed(range).await,
        }
    }

    /// Boxed, so that what is at hand does not pay for its room.
    fn fetch_boxed<'a>(
        &'a self,
        range: &'a KeyRange,
    ) -> BoxFuture<'a, Result<Vec<Datom>, DbError>> {
        Box::pin(self.fetch_datoms(range))
    }

    async fn fetch_datoms(&self, range: &KeyRange) -> Result<Vec<Datom>, DbError> {
        let open = self.layer(range, Layer::Current);
        if !self.sees_history() {
            return open.await;
        }
        let (open, closed) = future::try_join(open, self.layer(range, Layer::History)).await?;
        Ok(window::merge(range.order, open, closed))
    }

    /// The datoms in a range, or those of them that have one of some keys, if everything that
    /// holds them is in memory, and they are not too many.
    fn datoms_at_hand(
        &self,
        range: &KeyRange,
        keys: Option<&Keys>,
    ) -> Result<Option<Vec<Datom>>, DbError> {
        let layer = |layer| {
            let (index, times) = (self.facts.index(range.order, layer), self.window.times(layer));
            let sought = (range, keys.cloned());
            let Some(at_hand) = index.at_hand(self.facts.nodes(), sought, times)? else {
                return Ok(None);
            };
            let mut datoms = Vec::with_capacity(at_hand.facts_max());
            at_hand.visit(|record| self.window.see(record, &mut datoms))?;
            Ok::<_, DbError>(Some(datoms))
        };
        if !self.sees_history() {
            return layer(Layer::Current);
        }
        let Some(open) = layer(Layer::Current)? else { return Ok(None) };
        let Some(mut closed) = layer(Layer::History)? else { return Ok(None) };
        if window::is_by_time(range.order) {
            window::sort(range.order, &mut closed);
        }
        Ok(Some(window::merge(range.order, open, closed)))
    }

    /// The same as [`Self::datoms`], batch by batch with bounded memory, for long stretches.
    #[must_use]
    pub fn cursor(&self, range: &KeyRange) -> DatomCursor {
        let (open, closed) = self.cursors(range);
        DatomCursor::new(range.order, self.window, open, closed)
    }

    /// The same as [`Self::datoms`], as typed columns, batch by batch with bounded memory: for
    /// whoever looks at very many.
    #[must_use]
    pub fn columns(&self, range: &KeyRange) -> ColumnCursor {
        let (open, closed) = self.cursors(range);
        ColumnCursor::new(range.order, self.window, open, closed)
    }

    /// The same as [`Self::columns`], of those datoms of a range that have one of some keys: an
    /// entity in EAVT and in AEVT of one attribute, a value in AVET of one attribute, an entity that
    /// is referred to in VAET (see [`Keys`]). The keys ascend and are distinct.
    ///
    /// No leaf is read but those that can hold a key, and all of these are fetched in the rounds of
    /// one. Where keys stand close to each other, datoms with other keys come in between: pass over
    /// them, as they may be out of date. Where the keys do not suit the order, all of the range comes.
    #[must_use]
    pub fn columns_among(&self, range: &KeyRange, keys: Keys) -> ColumnCursor {
        let (open, closed) = self.cursors_among(range, &keys, false);
        ColumnCursor::new(range.order, self.window, open, closed)
    }

    /// The same as [`Self::columns`], or with keys as [`Self::columns_among`], in no order: facts
    /// that were merged at different times do not have to be merged for the reader.
    #[must_use]
    pub fn columns_unsorted(&self, range: &KeyRange, keys: Option<Keys>) -> ColumnCursor {
        let times = |layer| self.window.times(layer);
        let current = self.facts.index(range.order, Layer::Current);
        let nodes = self.facts.nodes();
        let open = current.cursor_unsorted(nodes, range, keys.clone(), times(Layer::Current));
        let history = self.facts.index(range.order, Layer::History);
        let closed = self
            .sees_history()
            .then(|| history.cursor_unsorted(nodes, range, keys, times(Layer::History)));
        ColumnCursor::unsorted(self.window, open, closed)
    }

    /// The datoms of a range that have one of some keys, as for [`Self::columns_among`], and no
    /// others.
    ///
    /// # Errors
    /// As for [`Self::datoms`].
    pub async fn datoms_among(&self, range: &KeyRange, keys: Keys) -> Result<Vec<Datom>, DbError> {
        match self.datoms_at_hand(range, Some(&keys))? {
            Some(datoms) => Ok(datoms),
            None => self.fetch_among_boxed(range, keys).await,
        }
    }

    fn fetch_among_boxed<'a>(
        &'a self,
        range: &'a KeyRange,
        keys: Keys,
    ) -> BoxFuture<'a, Result<Vec<Datom>, DbError>> {
        Box::pin(self.fetch_among(range, keys))
    }

    async fn fetch_among(&self, range: &KeyRange, keys: Keys) -> Result<Vec<Datom>, DbError> {
        let (open, closed) = self.cursors_among(range, &keys, true);
        let mut cursor = DatomCursor::new(range.order, self.window, open, closed);
        let mut datoms = cursor.next_batch().await?.unwrap_or_default();
        while let Some(batch) = cursor.next_batch().await? {
            datoms.extend(batch);
        }
        Ok(datoms)
    }

    fn cursors_among(
        &self,
        range: &KeyRange,
        keys: &Keys,
        is_exact: bool,
    ) -> (Cursor, Option<Cursor>) {
        let layer = |layer| {
            let (index, times) = (self.facts.index(range.order, layer), self.window.times(layer));
            index.cursor_among(self.facts.nodes(), range, keys.clone(), is_exact, times)
        };
        (layer(Layer::Current), self.sees_history().then(|| layer(Layer::History)))
    }

    /// Cursors over open facts, and over closed ones if they matter.
    fn cursors(&self, range: &KeyRange) -> (Cursor, Option<Cursor>) {
        let layer = |layer| {
            let (index, times) = (self.facts.index(range.order, layer), self.window.times(layer));
            index.cursor_within(self.facts.nodes(), range, times)
        };
        (layer(Layer::Current), self.sees_history().then(|| layer(Layer::History)))
    }

    async fn layer(&self, range: &KeyRange, layer: Layer) -> Result<Vec<Datom>, DbError> {
        let (index, times) = (self.facts.index(range.order, layer), self.window.times(layer));
        let records = index.scan_within(self.facts.nodes(), range, times).await?;
        let mut datoms = self.window.datoms(records);
        if layer == Layer::History && window::is_by_time(range.order) {
            window::sort(range.order, &mut datoms);
        }
        Ok(datoms)
    }

    /// The datoms that fit what is known of them, sorted in the order that found them.
    ///
    /// # Errors
    /// As for [`Self::datoms`].
    pub async fn select(&self, selection: &Selection) -> Result<Vec<Datom>, DbError> {
        self.find(&self.plan(selection)).await
    }

    async fn find(&self, plan: &Plan) -> Result<Vec<Datom>, DbError> {
        let mut datoms = self.datoms(&plan.range).await?;
        plan.filter(&mut datoms);
        Ok(datoms)
    }

    /// The stretch in which the facts of a selection lie, and what of their values the stretch says
    /// nothing about: for whoever reads it as columns.
    #[must_use]
    pub fn stretch_of(&self, selection: &Selection) -> (KeyRange, Values) {
        let Plan { range, residual } = self.plan(selection);
        (range, residual)
    }

    /// The answers to several selections, looked up at the same time: those of one attribute that
    /// differ in the entity alone, or in the value alone, with one walk.
    ///
    /// # Errors
    /// As for [`Self::datoms`].
    pub async fn select_many(&self, selections: &[Selection]) -> Result<Vec<Vec<Datom>>, DbError> {
        let plans: Vec<Plan> = selections.iter().map(|selection| self.plan(selection)).collect();
        let (groups, alone) = together::group(&plans);
        let walks: Vec<_> = groups
            .iter()
            .map(|group| self.datoms_among(&group.range, group.keys.clone()))
            .collect();
        let selects: Vec<_> = alone.iter().map(|number| self.find(&plans[*number])).collect();
        let (walked, selected) =
            future::try_join(future::try_join_all(walks), future::try_join_all(selects)).await?;
        let mut answers = vec![Vec::new(); selections.len()];
        for (group, found) in groups.iter().zip(&walked) {
            for number in &group.members {
                answers[*number] = together::answer(&plans[*number], found);
            }
        }
        for (number, found) in alone.into_iter().zip(selected) {
            answers[number] = found;
        }
        Ok(answers)
    }

    /// How many datoms fit, cheaply: exact for the present when an order answers by itself, and
    /// never too low otherwise. Reads the leaves at the ends of a stretch.
    ///
    /// # Errors
    /// As for [`Self::datoms`].
    pub async fn count(&self, selection: &Selection) -> Result<u64, DbError> {
        self.size(selection, true).await
    }

    /// About how many datoms fit, without reading leaves: for comparing plans.
    ///
    /// # Errors
    /// As for [`Self::datoms`].
    pub async fn estimate(&self, selection: &Selection) -> Result<u64, DbError> {
        self.size(selection, false).await
    }

    async fn size(&self, selection: &Selection, is_exact: bool) -> Result<u64, DbError> {
        let (nodes, range) = (self.facts.nodes(), self.plan(selection).range);
        let facts = async |layer| {
            let index = self.facts.index(range.order, layer);
            match is_exact {
                true => index.count(nodes, &range).await,
                false => index.estimate(nodes, &range).await,
            }
        };
        if !self.sees_history() {
            return Ok(facts(Layer::Current).await?);
        }
        let (open, closed) = future::try_join(facts(Layer::Current), facts(Layer::History)).await?;
        // In a history, a closed fact is an assertion and a retraction.
        let datoms = if self.window.history { 2 } else { 1 };
        Ok(open.saturating_add(closed.saturating_mul(datoms)))
    }

    fn sees_history(&self) -> bool {
        self.window.needs_history(self.facts.basis)
    }

    fn plan(&self, selection: &Selection) -> Plan {
        selection.plan(|a| self.facts.avet_has(a))
    }
}
