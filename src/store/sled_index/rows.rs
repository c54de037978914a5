//! Reading rows: of everything, for a start; after a commit, for whoever follows.

use std::num::NonZero;
use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};

use super::keys::{ID, ROW, ROW_TEXT, keyed, read_id_prefix, read_seq, seq_key};
use super::{SledIndex, Tree, insert_text};
use crate::catalog::codec::{self, Texts};
use crate::store::index::{IndexError, RowChange, Seq};

/// How many ids' rows are read in one go, between looks at whether anybody still wants them.
const IDS_AHEAD: usize = 256;

/// A run of ids: from the key of its first one to that of the one after its last.
pub(super) struct Ids {
    from: Vec<u8>,
    until: Option<Vec<u8>>,
}

impl Ids {
    /// Returns the run's keys of a kind. Ids, rows and texts have the same order.
    fn of(&self, kind: u8) -> std::ops::Range<Vec<u8>> {
        let from = [&[kind][..], &self.from].concat();
        let until = self
            .until
            .as_ref()
            .map_or(vec![kind + 1], |until| [&[kind][..], until].concat());
        from..until
    }
}

impl SledIndex {
    /// Reads all ids in their order, [`IDS_AHEAD`] at a time, with as many readers side by side as there are processors.
    pub(super) fn by_ids<T: Send + 'static>(
        &self,
        read: fn(&Tree, &Ids) -> Result<T, IndexError>,
    ) -> BoxStream<'static, Result<T, IndexError>> {
        let (index, readers) = (self.clone(), self.clone());
        let side_by_side = std::thread::available_parallelism().map_or(1, NonZero::get);
        futures::stream::once(async move { index.run(Tree::ids).await })
            .map_ok(move |runs| {
                let index = readers.clone();
                let reads = runs.into_iter().map(move |ids| {
                    let index = index.clone();
                    async move { index.run(move |tree| read(tree, &ids)).await }
                });
                futures::stream::iter(reads).buffered(side_by_side)
            })
            .try_flatten()
            .boxed()
    }

    /// Returns what changed after a commit, a commit at a time.
    pub(super) fn rows_after(&self, after: Seq) -> BoxStream<'static, Result<Vec<RowChange>, IndexError>> {
        let index = self.clone();
        futures::stream::try_unfold(Some(after), move |after| {
            let index = index.clone();
            async move {
                let Some(after) = after else { return Ok(None) };
                index.run(move |tree| tree.rows_after(after)).await.map(Some)
            }
        })
        .boxed()
    }
}

impl Tree {
    fn row_change(&self, id_prefix: &[u8], seq: Seq) -> Result<RowChange, IndexError> {
        let (source, id) = read_id_prefix(id_prefix)?;
        let mut texts = self.texts(ROW_TEXT, id_prefix)?;
        let mut rows = Vec::new();
        for item in self.db.scan_prefix(keyed(ROW, id_prefix, &[])) {
            let (_, value) = item.map_err(IndexError::Database)?;
            rows.push(Arc::new(
                codec::decode_row(&value, &mut texts).map_err(IndexError::from)?,
            ));
        }
        Ok(RowChange { seq, source, id, rows })
    }

    /// Returns up to [`IDS_AHEAD`] changes after the commit `after`, and the commit to go on from.
    fn rows_after(&self, after: Seq) -> Result<(Vec<RowChange>, Option<Seq>), IndexError> {
        let mut changes = Vec::with_capacity(IDS_AHEAD);
        for item in self.db.range(seq_key(after + 1)..=seq_key(Seq::MAX)).take(IDS_AHEAD) {
            let (key, id_prefix) = item.map_err(IndexError::Database)?;
            let seq = key.get(1..).and_then(read_seq).ok_or(IndexError::DamagedKey)?;
            changes.push(self.row_change(&id_prefix, seq)?);
        }
        let last = changes.last().map(|change| change.seq);
        let more = changes.len() == IDS_AHEAD;
        Ok((changes, last.filter(|_| more)))
    }

    /// Returns all ids, in runs of [`IDS_AHEAD`].
    fn ids(&self) -> Result<Vec<Ids>, IndexError> {
        let mut starts = vec![Vec::new()];
        for (at, key) in self.db.scan_prefix([ID]).keys().enumerate().skip(1) {
            let key = key.map_err(IndexError::Database)?;
            if at % IDS_AHEAD == 0 {
                starts.push(key.get(1..).ok_or(IndexError::DamagedKey)?.to_vec());
            }
        }
        let ends: Vec<_> = starts.iter().skip(1).cloned().map(Some).chain([None]).collect();
        Ok(starts
            .into_iter()
            .zip(ends)
            .map(|(from, until)| Ids { from, until })
            .collect())
    }

    /// Returns the rows of a run of ids: three scans side by side cost a tenth of two scans for each id.
    pub(super) fn rows_of(&self, ids: &Ids) -> Result<Vec<RowChange>, IndexError> {
        let mut rows = self.db.range(ids.of(ROW)).peekable();
        let mut texts = self.db.range(ids.of(ROW_TEXT)).peekable();
        let mut changes = Vec::with_capacity(IDS_AHEAD);
        for item in self.db.range(ids.of(ID)) {
            let (key, seq) = item.map_err(IndexError::Database)?;
            let id_prefix = key.get(1..).ok_or(IndexError::DamagedKey)?;
            let (source, id) = read_id_prefix(id_prefix)?;
            let mut change = RowChange {
                seq: read_seq(&seq).ok_or(IndexError::DamagedKey)?,
                source,
                id,
                rows: Vec::new(),
            };
            let mut texts_of_id = Texts::default();
            let is_text = |key: &[u8]| key.starts_with(&keyed(ROW_TEXT, id_prefix, &[]));
            while let Some(item) = texts.next_if(|item| item.as_ref().map_or(true, |(key, _)| is_text(key))) {
                let (key, value) = item.map_err(IndexError::Database)?;
                insert_text(&mut texts_of_id, &key, &value)?;
            }
            let is_row = |key: &[u8]| key.starts_with(&keyed(ROW, id_prefix, &[]));
            while let Some(item) = rows.next_if(|item| item.as_ref().map_or(true, |(key, _)| is_row(key))) {
                let (_, value) = item.map_err(IndexError::Database)?;
                let row = codec::decode_row(&value, &mut texts_of_id).map_err(IndexError::from)?;
                change.rows.push(Arc::new(row));
            }
            changes.push(change);
        }
        Ok(changes)
    }
}
