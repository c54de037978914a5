//! The index over sled 0.34: one tree, one batch a commit.
//!
//! After a crash everything flushed is there, and each commit is there whole or not at all: sled writes a batch as one.
//! sled panics on damage that it did not expect; every call here turns such a panic into [`IndexError::Panicked`].
//!
//! Keys (`0` is a zero byte): `r source 0 id 0 version` a record, `w source 0 id 0 version` its row, `t source 0 id 0 digest` a
//! long text of the id's rows, `u source 0 id 0 digest` one of its records (apart, so that a start reads rows and their texts
//! and nothing else), `i source 0 id` the id's last commit, `s commit` the id that it changed, `n subject` a note, `m name`
//! facts about the index itself. Ids are in lower case, versions normalised and in lower case, numbers big-endian.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::iter::Peekable;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sled::{Batch, Db};

use super::index::{Committed, Index, IndexError, Note, RecordKey, RowChange, Seq};
use crate::catalog::change::{Outcome, apply};
use crate::catalog::codec::{self, TextKey, Texts};
use crate::catalog::{Change, Instant, Record, SourceName};
use crate::nuget::{NuGetVersion, PackageId};

const RECORD: u8 = b'r';
const ROW: u8 = b'w';
const ROW_TEXT: u8 = b't';
const RECORD_TEXT: u8 = b'u';
const ID: u8 = b'i';
const SEQ: u8 = b's';
const NOTE: u8 = b'n';
const COMPLETE: &[u8] = b"mcomplete";

/// How many ids' rows are read in one go, between looks at whether anybody still wants them.
const IDS_AHEAD: usize = 256;

/// An [`Index`] in a folder of its own.
#[derive(Clone)]
pub struct SledIndex {
    tree: Arc<Tree>,
}

struct Tree {
    db: Db,
    /// Commits read, decide and write under this lock; readers and flushes do not take it.
    writer: Mutex<Seq>,
}

impl SledIndex {
    /// Opens or makes the index in `folder`, with about `cache_bytes` of cache. Blocks.
    ///
    /// # Errors
    /// [`IndexError::Database`] or [`IndexError::Panicked`] where the folder's files are damaged.
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, IndexError> {
        let open = || -> Result<Self, IndexError> {
            let db = sled::Config::new()
                .path(folder)
                .cache_capacity(cache_bytes)
                .open()
                .map_err(IndexError::Database)?;
            let last = db
                .scan_prefix([SEQ])
                .keys()
                .next_back()
                .transpose()
                .map_err(IndexError::Database)?;
            let last = last.map_or(Ok(0), |key| {
                key.get(1..).and_then(read_seq).ok_or(IndexError::DamagedKey)
            })?;
            Ok(Self {
                tree: Arc::new(Tree {
                    db,
                    writer: Mutex::new(last),
                }),
            })
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(open))
            .unwrap_or_else(|panic| Err(IndexError::Panicked(panic_text(&*panic))))
    }

    /// Returns whether the index was once filled from the files completely; a new one was not.
    pub async fn is_complete(&self) -> Result<bool, IndexError> {
        self.run(|tree| tree.db.contains_key(COMPLETE).map_err(IndexError::Database))
            .await
    }

    /// Marks the index as filled.
    pub async fn mark_complete(&self) -> Result<(), IndexError> {
        self.run(|tree| {
            tree.db.insert(COMPLETE, &[codec::FORM]).map_err(IndexError::Database)?;
            tree.db.flush().map_err(IndexError::Database)?;
            Ok(())
        })
        .await
    }

    /// Reads every record, so that damage anywhere shows now, and returns their keys with what is held of them.
    pub async fn scan_records(&self) -> Result<Vec<Record>, IndexError> {
        self.run(|tree| {
            let mut records = Vec::new();
            let mut current: Option<(Vec<u8>, Texts)> = None;
            for item in tree.db.scan_prefix([RECORD]) {
                let (key, value) = item.map_err(IndexError::Database)?;
                let (source, id_prefix) = split_key(&key)?;
                if current.as_ref().is_none_or(|(prefix, _)| *prefix != id_prefix) {
                    let texts = tree.texts(RECORD_TEXT, &id_prefix)?;
                    current = Some((id_prefix, texts));
                }
                if let Some((_, texts)) = current.as_mut() {
                    records.push(codec::decode_record(&source, &value, texts).map_err(IndexError::Damaged)?);
                }
            }
            Ok(records)
        })
        .await
    }

    /// Reads every record through, so that damage anywhere shows now, and returns where the packages lie that are held, below
    /// `packages/`, and when the record of each was last written.
    pub async fn check_records(&self) -> Result<HashMap<String, Instant>, IndexError> {
        let checks = self.by_ids(Tree::check_records_of);
        checks
            .try_fold(HashMap::new(), async |mut all, held| {
                all.extend(held);
                Ok(all)
            })
            .await
    }

    /// Returns the bytes of every record once, decoding nothing: what any start at least costs that reads them all.
    pub async fn scan_bytes(&self) -> Result<u64, IndexError> {
        self.run(|tree| {
            let mut bytes = 0;
            for item in tree.db.scan_prefix([RECORD]) {
                bytes += item.map_err(IndexError::Database)?.1.len() as u64;
            }
            Ok(bytes)
        })
        .await
    }

    /// Reads all ids, [`IDS_AHEAD`] at a time, as many readers side by side as there are processors.
    fn by_ids<T: Send + 'static>(
        &self,
        read: fn(&Tree, &Ids) -> Result<T, IndexError>,
    ) -> BoxStream<'static, Result<T, IndexError>> {
        let (index, readers) = (self.clone(), self.clone());
        let parallel = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        futures::stream::once(async move { index.run(Tree::ids).await })
            .map_ok(move |all| {
                let index = readers.clone();
                let reads = all.into_iter().map(move |ids| {
                    let index = index.clone();
                    async move { index.run(move |tree| read(tree, &ids)).await }
                });
                futures::stream::iter(reads).buffered(parallel)
            })
            .try_flatten()
            .boxed()
    }

    /// Closes the index, if this is its last handle; returns whether it was. Blocks. sled writes its last bytes now.
    #[must_use]
    pub fn close(self) -> bool {
        Arc::try_unwrap(self.tree).map(drop).is_ok()
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tree) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let tree = Arc::clone(&self.tree);
        match tokio::task::spawn_blocking(move || work(&tree)).await {
            Ok(result) => result,
            Err(failed) => Err(IndexError::Panicked(match failed.try_into_panic() {
                Ok(panic) => panic_text(&*panic),
                Err(_) => "the runtime is shutting down".to_owned(),
            })),
        }
    }
}

impl Tree {
    fn texts(&self, kind: u8, id_prefix: &[u8]) -> Result<Texts, IndexError> {
        let mut texts = Texts::default();
        for item in self.db.scan_prefix(keyed(kind, id_prefix, &[])) {
            let (key, value) = item.map_err(IndexError::Database)?;
            insert_text(&mut texts, &key, &value)?;
        }
        Ok(texts)
    }

    fn records(&self, source: &SourceName, id: &PackageId) -> Result<Vec<Record>, IndexError> {
        let id_prefix = id_prefix(source, id);
        let mut texts = self.texts(RECORD_TEXT, &id_prefix)?;
        let mut records = Vec::new();
        for item in self.db.scan_prefix(keyed(RECORD, &id_prefix, &[])) {
            let (_, value) = item.map_err(IndexError::Database)?;
            records.push(codec::decode_record(source, &value, &mut texts).map_err(IndexError::Damaged)?);
        }
        Ok(records)
    }

    fn lookup(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, IndexError> {
        // An id may have thousands of texts, a record has ten: they are fetched one by one, those that are shared once.
        let mut texts_of: HashMap<Vec<u8>, Texts> = HashMap::new();
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            let id_prefix = id_prefix(&key.source, &key.id);
            let bytes = self
                .db
                .get(record_key(RECORD, &id_prefix, &key.version))
                .map_err(IndexError::Database)?;
            let Some(bytes) = bytes else {
                records.push(None);
                continue;
            };
            let texts = texts_of.entry(id_prefix.clone()).or_default();
            for digest in codec::record_text_keys(&bytes).map_err(IndexError::Damaged)? {
                if texts.contains(&digest) {
                    continue;
                }
                let text_key = keyed(RECORD_TEXT, &id_prefix, &digest);
                if let Some(text) = self.db.get(&text_key).map_err(IndexError::Database)? {
                    insert_text(texts, &text_key, &text)?;
                }
            }
            let record = codec::decode_record(&key.source, &bytes, texts).map_err(IndexError::Damaged)?;
            records.push(Some(record));
        }
        Ok(records)
    }

    fn commit(&self, source: &SourceName, id: &PackageId, change: Change) -> Result<Committed, IndexError> {
        let mut last = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let existing = self.records(source, id)?;
        let (put, remove) = match apply(&existing, change) {
            Outcome::Conflict => return Ok(Committed::Conflict),
            Outcome::Missing => return Ok(Committed::Missing),
            Outcome::Write { put, remove } => (put, remove),
        };
        let id_prefix = id_prefix(source, id);
        let known = self.db.get(keyed(ID, &id_prefix, &[])).map_err(IndexError::Database)?;
        let known = known
            .map(|bytes| read_seq(&bytes).ok_or(IndexError::DamagedKey))
            .transpose()?;
        if put.is_empty() && remove.is_empty() {
            let rows = existing.into_iter().map(|record| record.row).collect();
            return Ok(Committed::Done {
                seq: known.unwrap_or(*last),
                rows,
            });
        }
        let seq = *last + 1;
        let mut batch = Batch::default();
        write_records(&mut batch, &id_prefix, &put, &remove);
        let replaces = |record: &Record| {
            put.iter().any(|new| new.row.version == record.row.version) || remove.contains(&record.row.version)
        };
        let (replaced, mut remaining): (Vec<Record>, Vec<Record>) = existing.into_iter().partition(replaces);
        remaining.extend(put);
        if !replaced.is_empty() {
            drop_unused_texts(&mut batch, &id_prefix, &replaced, &remaining);
        }
        if let Some(known) = known {
            batch.remove(seq_key(known));
        }
        batch.insert(keyed(ID, &id_prefix, &[]), &seq.to_be_bytes());
        batch.insert(seq_key(seq), id_prefix);
        self.db.apply_batch(batch).map_err(IndexError::Database)?;
        *last = seq;
        Ok(Committed::Done {
            seq,
            rows: remaining.into_iter().map(|record| record.row).collect(),
        })
    }

    fn row_change(&self, id_prefix: &[u8], seq: Seq) -> Result<RowChange, IndexError> {
        let (source, id) = read_id_prefix(id_prefix)?;
        let mut texts = self.texts(ROW_TEXT, id_prefix)?;
        let mut rows = Vec::new();
        for item in self.db.scan_prefix(keyed(ROW, id_prefix, &[])) {
            let (_, value) = item.map_err(IndexError::Database)?;
            rows.push(Arc::new(
                codec::decode_row(&value, &mut texts).map_err(IndexError::Damaged)?,
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

    /// Returns all ids in their order, in runs of [`IDS_AHEAD`].
    fn ids(&self) -> Result<Vec<Ids>, IndexError> {
        let mut starts = vec![vec![ID]];
        for (at, key) in self.db.scan_prefix([ID]).keys().enumerate().skip(1) {
            let key = key.map_err(IndexError::Database)?;
            if at % IDS_AHEAD == 0 {
                starts.push(key.to_vec());
            }
        }
        let ends = starts.iter().skip(1).cloned().chain([vec![ID + 1]]);
        Ok(starts
            .iter()
            .cloned()
            .zip(ends)
            .map(|(from, until)| Ids { from, until })
            .collect())
    }

    /// Returns the rows of a run of ids.
    ///
    /// Ids, rows and texts have the same order: three scans side by side cost a tenth of two scans for each id.
    fn rows_of(&self, ids: &Ids) -> Result<Vec<RowChange>, IndexError> {
        let (mut rows, mut texts) = (self.follow(ROW, ids), self.follow(ROW_TEXT, ids));
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
            texts.each(id_prefix, |key, value| insert_text(&mut texts_of_id, key, value))?;
            rows.each(id_prefix, |_, value| {
                let row = codec::decode_row(value, &mut texts_of_id).map_err(IndexError::Damaged)?;
                change.rows.push(Arc::new(row));
                Ok(())
            })?;
            changes.push(change);
        }
        Ok(changes)
    }

    /// Reads the records of a run of ids and returns those that are held.
    fn check_records_of(&self, ids: &Ids) -> Result<Vec<(String, Instant)>, IndexError> {
        let (mut records, mut texts) = (self.follow(RECORD, ids), self.follow(RECORD_TEXT, ids));
        let mut held = Vec::new();
        for item in self.db.range(ids.of(ID)).keys() {
            let key = item.map_err(IndexError::Database)?;
            let id_prefix = key.get(1..).ok_or(IndexError::DamagedKey)?;
            read_id_prefix(id_prefix)?;
            let mut text_keys = HashSet::new();
            texts.each(id_prefix, |key, value| {
                let (digest, _) = read_text(key, value)?;
                text_keys.insert(digest);
                Ok(())
            })?;
            records.each(id_prefix, |key, value| {
                if let Some(committed) = codec::check_record(value, &text_keys).map_err(IndexError::Damaged)? {
                    let folder = key.get(1..).map(std::str::from_utf8);
                    let Some(Ok(folder)) = folder else {
                        return Err(IndexError::DamagedKey);
                    };
                    held.push((folder.replace('\0', "/"), committed));
                }
                Ok(())
            })?;
        }
        Ok(held)
    }

    fn follow(&self, kind: u8, ids: &Ids) -> Follower {
        Follower {
            kind,
            items: self.db.range(ids.of(kind)).peekable(),
        }
    }
}

/// A run of ids: the keys of the first and of the one after the last.
struct Ids {
    from: Vec<u8>,
    until: Vec<u8>,
}

impl Ids {
    /// Returns the run's keys of a kind.
    fn of(&self, kind: u8) -> std::ops::Range<Vec<u8>> {
        let rest = |key: &[u8]| key.get(1..).map(<[u8]>::to_vec).unwrap_or_default();
        let from = [vec![kind], rest(&self.from)].concat();
        // The last run ends with the kind.
        let until = match self.until.as_slice() {
            [end] if *end > ID => vec![kind + 1],
            key => [vec![kind], rest(key)].concat(),
        };
        from..until
    }
}

/// What an id has of one kind, read in step with the ids.
struct Follower {
    kind: u8,
    items: Peekable<sled::Iter>,
}

impl Follower {
    /// Hands over all items of the next id.
    fn each(
        &mut self,
        id_prefix: &[u8],
        mut take: impl FnMut(&[u8], &[u8]) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        let prefix = keyed(self.kind, id_prefix, &[]);
        let belongs = |item: &sled::Result<_>| {
            item.as_ref()
                .map_or(true, |(key, _): &(sled::IVec, _)| key.starts_with(&prefix))
        };
        while let Some(item) = self.items.next_if(belongs) {
            let (key, value) = item.map_err(IndexError::Database)?;
            take(&key, &value)?;
        }
        Ok(())
    }
}

fn read_text<'a>(key: &[u8], value: &'a [u8]) -> Result<(TextKey, &'a str), IndexError> {
    match (key.last_chunk(), std::str::from_utf8(value)) {
        (Some(digest), Ok(text)) => Ok((*digest, text)),
        _ => Err(IndexError::DamagedKey),
    }
}

fn insert_text(texts: &mut Texts, key: &[u8], value: &[u8]) -> Result<(), IndexError> {
    let (digest, text) = read_text(key, value)?;
    texts.insert(digest, text);
    Ok(())
}

fn write_records(batch: &mut Batch, id_prefix: &[u8], put: &[Record], remove: &[NuGetVersion]) {
    let (mut row_texts, mut record_texts) = (Texts::default(), Texts::default());
    for record in put {
        let version = &record.row.version;
        batch.insert(
            record_key(RECORD, id_prefix, version),
            codec::encode_record(record, &mut record_texts),
        );
        batch.insert(
            record_key(ROW, id_prefix, version),
            codec::encode_row(&record.row, &mut row_texts),
        );
    }
    for (kind, texts) in [(ROW_TEXT, row_texts), (RECORD_TEXT, record_texts)] {
        for (digest, text) in texts.iter() {
            batch.insert(keyed(kind, id_prefix, digest), text.as_bytes());
        }
    }
    for version in remove {
        batch.remove(record_key(RECORD, id_prefix, version));
        batch.remove(record_key(ROW, id_prefix, version));
    }
}

/// Removes the texts that only `replaced` records referred to.
fn drop_unused_texts(batch: &mut Batch, id_prefix: &[u8], replaced: &[Record], remaining: &[Record]) {
    let digests = |records: &[Record]| {
        let (mut row_texts, mut record_texts) = (Texts::default(), Texts::default());
        for record in records {
            drop(codec::encode_row(&record.row, &mut row_texts));
            drop(codec::encode_record(record, &mut record_texts));
        }
        let of_rows = row_texts
            .iter()
            .map(|(digest, _)| (ROW_TEXT, *digest))
            .collect::<Vec<_>>();
        let of_records = record_texts.iter().map(|(digest, _)| (RECORD_TEXT, *digest));
        of_records.chain(of_rows).collect::<BTreeSet<_>>()
    };
    for (kind, digest) in digests(replaced).difference(&digests(remaining)) {
        batch.remove(keyed(*kind, id_prefix, digest));
    }
}

fn id_prefix(source: &SourceName, id: &PackageId) -> Vec<u8> {
    [source.as_str().as_bytes(), &[0], id.lower().as_bytes()].concat()
}

fn keyed(kind: u8, id_prefix: &[u8], rest: &[u8]) -> Vec<u8> {
    if kind == ID {
        [&[kind], id_prefix].concat()
    } else {
        [&[kind], id_prefix, &[0], rest].concat()
    }
}

fn record_key(kind: u8, id_prefix: &[u8], version: &NuGetVersion) -> Vec<u8> {
    keyed(kind, id_prefix, version.key().as_bytes())
}

fn seq_key(seq: Seq) -> Vec<u8> {
    [&[SEQ][..], &seq.to_be_bytes()].concat()
}

fn read_seq(bytes: &[u8]) -> Option<Seq> {
    bytes.try_into().ok().map(Seq::from_be_bytes)
}

fn read_id_prefix(id_prefix: &[u8]) -> Result<(SourceName, PackageId), IndexError> {
    let text = std::str::from_utf8(id_prefix).map_err(|_| IndexError::DamagedKey)?;
    let (source, id) = text.split_once('\0').ok_or(IndexError::DamagedKey)?;
    match (source.parse(), id.parse()) {
        (Ok(source), Ok(id)) => Ok((source, id)),
        _ => Err(IndexError::DamagedKey),
    }
}

/// Splits a record's key into its source and its id's prefix.
fn split_key(key: &[u8]) -> Result<(SourceName, Vec<u8>), IndexError> {
    let end = memchr::memrchr(0, key).ok_or(IndexError::DamagedKey)?;
    let id_prefix = key.get(1..end).ok_or(IndexError::DamagedKey)?;
    let (source, _) = read_id_prefix(id_prefix)?;
    Ok((source, id_prefix.to_vec()))
}

fn note_key(subject: &str) -> Vec<u8> {
    [&[NOTE], subject.as_bytes()].concat()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

impl Index for SledIndex {
    fn lookup(&self, keys: Vec<RecordKey>) -> BoxFuture<'_, Result<Vec<Option<Record>>, IndexError>> {
        Box::pin(self.run(move |tree| tree.lookup(&keys)))
    }

    fn records<'a>(
        &'a self,
        source: &'a SourceName,
        id: &'a PackageId,
    ) -> BoxFuture<'a, Result<Vec<Record>, IndexError>> {
        let (source, id) = (source.clone(), id.clone());
        Box::pin(self.run(move |tree| tree.records(&source, &id)))
    }

    fn commit<'a>(
        &'a self,
        source: &'a SourceName,
        id: &'a PackageId,
        change: Change,
    ) -> BoxFuture<'a, Result<Committed, IndexError>> {
        let (source, id) = (source.clone(), id.clone());
        Box::pin(self.run(move |tree| tree.commit(&source, &id, change)))
    }

    fn rows(&self, after: Seq) -> BoxStream<'static, Result<RowChange, IndexError>> {
        let chunks = if after == 0 {
            self.by_ids(Tree::rows_of)
        } else {
            let index = self.clone();
            let chunks = futures::stream::try_unfold(Some(after), move |after| {
                let index = index.clone();
                async move {
                    let Some(after) = after else { return Ok(None) };
                    index.run(move |tree| tree.rows_after(after)).await.map(Some)
                }
            });
            chunks.boxed()
        };
        chunks
            .flat_map(|chunk: Result<Vec<RowChange>, IndexError>| match chunk {
                Ok(changes) => futures::stream::iter(changes.into_iter().map(Ok).collect::<Vec<_>>()),
                Err(error) => futures::stream::iter(vec![Err(error)]),
            })
            .boxed()
    }

    fn note<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<Option<Note>, IndexError>> {
        let key = note_key(subject);
        Box::pin(self.run(move |tree| {
            let bytes = tree.db.get(key).map_err(IndexError::Database)?;
            let decode = |bytes: sled::IVec| {
                postcard::from_bytes(&bytes).map_err(|error| IndexError::Damaged(codec::CodecError::Damaged(error)))
            };
            bytes.map(decode).transpose()
        }))
    }

    fn put_note<'a>(&'a self, subject: &'a str, note: Option<Note>) -> BoxFuture<'a, Result<(), IndexError>> {
        let key = note_key(subject);
        Box::pin(self.run(move |tree| {
            match note {
                Some(note) => {
                    let bytes = postcard::to_stdvec(&note)
                        .map_err(|error| IndexError::Damaged(codec::CodecError::Damaged(error)))?;
                    tree.db.insert(key, bytes).map_err(IndexError::Database)?;
                }
                None => {
                    tree.db.remove(key).map_err(IndexError::Database)?;
                }
            }
            Ok(())
        }))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), IndexError>> {
        Box::pin(self.run(|tree| tree.db.flush().map(|_| ()).map_err(IndexError::Database)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::{Bench, conformance};

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }
    }

    impl Bench for Folder {
        type Index = SledIndex;

        fn open(&mut self) -> SledIndex {
            SledIndex::open(self.0.path(), 4 << 20).unwrap()
        }
    }

    conformance!(Folder::new());

    #[tokio::test]
    async fn texts_that_nobody_needs_are_removed() {
        use crate::catalog::Property;
        use crate::catalog::testing::{described, record};

        let index = Folder::new().open();
        let long = "A description that is too long to be kept in its own place in every row.";
        let with = |text: &str| {
            let notes = format!("{text} Told at length in the notes of the release.");
            record(
                described("git", "1.0", text, ""),
                vec![Property::text("ReleaseNotes", Some(&notes))],
            )
        };
        let (source, id): (SourceName, PackageId) = ("test".parse().unwrap(), "git".parse().unwrap());
        let counts = || [ROW_TEXT, RECORD_TEXT].map(|kind| index.tree.db.scan_prefix([kind]).count());
        let commit = async |change| drop(index.commit(&source, &id, change).await.unwrap());
        commit(Change::Restore(vec![with(long)])).await;
        assert_eq!(counts(), [1, 2]);
        commit(Change::Restore(vec![with("short")])).await;
        assert_eq!(counts(), [0, 1]);
        commit(Change::Remove("1.0".parse().unwrap())).await;
        assert_eq!(counts(), [0, 0]);
        assert_eq!(index.tree.db.scan_prefix([RECORD]).count(), 0);
        assert_eq!(index.tree.db.scan_prefix([ROW]).count(), 0);
        assert_eq!(index.tree.db.scan_prefix([SEQ]).count(), 1);
    }
}
