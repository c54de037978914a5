//! The index over sled 0.34: one tree, one batch a commit.
//!
//! After a crash everything flushed is there, and each commit is there whole or not at all: sled writes a batch as one.
//! sled panics on damage that it did not expect; every call here turns such a panic into [`IndexError::Panicked`].
//!
//! Keys (`0` is a zero byte): `r source 0 id 0 version` a record, `w source 0 id 0 version` its row, `t source 0 id 0 digest` a
//! long text of the id's rows, `u source 0 id 0 digest` one of its records (apart, so that a start reads rows and their texts
//! and nothing else), `i source 0 id` the id's last commit, `s commit` the id that it changed, `n subject` a note, `m name`
//! facts about the index itself. Ids are in lower case, versions normalised and in lower case, numbers big-endian.

mod audit;
mod keys;
mod rows;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sled::{Batch, Db};

pub use self::audit::Held;
use self::keys::{
    COMPLETE, ID, RECORD, RECORD_TEXT, ROW, ROW_TEXT, SEQ, id_prefix, keyed, note_key, note_subject, read_seq,
    record_key, seq_key, split_record_key,
};
use super::index::{Committed, Index, IndexError, Note, RecordKey, RowChange, Seq};
use crate::catalog::change::{Outcome, apply};
use crate::catalog::codec::{self, Texts};
use crate::catalog::{Change, Record, SourceName};
use crate::nuget::{NuGetVersion, PackageId};

/// An [`Index`] in a folder of its own.
#[derive(Clone)]
pub struct SledIndex {
    tree: Arc<Tree>,
}

struct Tree {
    db: Db,
    /// Commits read, decide and write under this lock; readers and flushes do not take it.
    writer: Mutex<Seq>,
    /// Set once anything failed: whoever opens the index next must look at all of it.
    has_failed: AtomicBool,
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
                    has_failed: AtomicBool::new(false),
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

    /// Returns whether the index holds no id.
    pub async fn is_empty(&self) -> Result<bool, IndexError> {
        self.run(|tree| match tree.db.scan_prefix([ID]).next() {
            None => Ok(true),
            Some(Ok(_)) => Ok(false),
            Some(Err(error)) => Err(IndexError::Database(error)),
        })
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

    /// Reads every record once and decodes it; returns how many there are.
    pub async fn scan_records(&self) -> Result<usize, IndexError> {
        self.run(|tree| {
            let mut records = 0;
            let mut current: Option<(Vec<u8>, Texts)> = None;
            for item in tree.db.scan_prefix([RECORD]) {
                let (key, value) = item.map_err(IndexError::Database)?;
                let (source, id_prefix) = split_record_key(&key)?;
                if current.as_ref().is_none_or(|(prefix, _)| *prefix != id_prefix) {
                    let texts = tree.texts(RECORD_TEXT, &id_prefix)?;
                    current = Some((id_prefix, texts));
                }
                if let Some((_, texts)) = current.as_mut() {
                    codec::decode_record(&source, &value, texts).map_err(IndexError::from)?;
                    records += 1;
                }
            }
            Ok(records)
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

    /// Changes the database behind the index's back.
    #[cfg(test)]
    pub(crate) fn tamper(&self, change: impl FnOnce(&Db)) {
        change(&self.tree.db);
    }

    /// Returns whether any call has failed since the index was opened: damage, mostly.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.tree.has_failed.load(Ordering::Relaxed)
    }

    /// Closes the index, if this is its last handle and it never failed; returns whether it was closed in order. Blocks. sled
    /// writes its last bytes now.
    #[must_use]
    pub fn close(self) -> bool {
        if self.has_failed() {
            // Dropping a damaged sled may panic or wait for ever.
            std::mem::forget(self);
            return false;
        }
        Arc::try_unwrap(self.tree).map(drop).is_ok()
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tree) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let tree = Arc::clone(&self.tree);
        let result = match tokio::task::spawn_blocking(move || work(&tree)).await {
            Ok(result) => result,
            Err(failed) => Err(IndexError::Panicked(match failed.try_into_panic() {
                Ok(panic) => panic_text(&*panic),
                Err(_) => "the runtime is shutting down".to_owned(),
            })),
        };
        if result.is_err() {
            self.tree.has_failed.store(true, Ordering::Relaxed);
        }
        result
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
            records.push(codec::decode_record(source, &value, &mut texts).map_err(IndexError::from)?);
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
            for digest in codec::record_text_keys(&bytes).map_err(IndexError::from)? {
                if texts.contains(&digest) {
                    continue;
                }
                let text_key = keyed(RECORD_TEXT, &id_prefix, &digest);
                if let Some(text) = self.db.get(&text_key).map_err(IndexError::Database)? {
                    insert_text(texts, &text_key, &text)?;
                }
            }
            let record = codec::decode_record(&key.source, &bytes, texts).map_err(IndexError::from)?;
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
        let (obsolete, mut remaining): (Vec<Record>, Vec<Record>) = existing.into_iter().partition(replaces);
        remaining.extend(put);
        if !obsolete.is_empty() {
            drop_unused_texts(&mut batch, &id_prefix, &obsolete, &remaining);
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
}

fn insert_text(texts: &mut Texts, key: &[u8], value: &[u8]) -> Result<(), IndexError> {
    let (Some(digest), Ok(text)) = (key.last_chunk(), std::str::from_utf8(value)) else {
        return Err(IndexError::DamagedKey);
    };
    texts.insert(*digest, text);
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
            self.rows_after(after)
        };
        chunks
            .map_ok(|changes| futures::stream::iter(changes.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    fn note<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<Option<Note>, IndexError>> {
        let key = note_key(subject);
        Box::pin(self.run(move |tree| {
            let bytes = tree.db.get(key).map_err(IndexError::Database)?;
            Ok(bytes.map(|bytes| Note::decode(&bytes)).transpose()?)
        }))
    }

    fn put_note<'a>(&'a self, subject: &'a str, note: Option<Note>) -> BoxFuture<'a, Result<(), IndexError>> {
        let key = note_key(subject);
        Box::pin(self.run(move |tree| {
            match note {
                Some(note) => {
                    tree.db.insert(key, note.encode()?).map_err(IndexError::Database)?;
                }
                None => {
                    tree.db.remove(key).map_err(IndexError::Database)?;
                }
            }
            Ok(())
        }))
    }

    fn noted<'a>(&'a self, beginning: &'a str) -> BoxFuture<'a, Result<Vec<String>, IndexError>> {
        let prefix = note_key(beginning);
        Box::pin(self.run(move |tree| {
            let keys = tree.db.scan_prefix(prefix).keys();
            keys.map(|key| note_subject(&key.map_err(IndexError::Database)?))
                .collect()
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

    #[tokio::test]
    async fn parts_that_do_not_belong_together_are_found() {
        use crate::catalog::testing::{described, record};

        let long =
            |number: u8| format!("A description {number} that is too long to be kept in its own place in a row.");
        let filled = async || {
            let index = Folder::new().open();
            for (name, version) in [("git", "1.0"), ("git", "2.0"), ("hg", "1.0"), ("zip", "1.0")] {
                let text = long(version.as_bytes()[0]);
                let record = record(described(name, version, &text, "tag"), Vec::new());
                let restore = Change::Restore(vec![record]);
                index
                    .commit(&"test".parse().unwrap(), &name.parse().unwrap(), restore)
                    .await
                    .unwrap();
            }
            index
        };
        assert!(filled().await.audit().await.unwrap().is_empty(), "nothing is held");
        let first_of = |db: &Db, kind: u8| db.scan_prefix([kind]).next().unwrap().unwrap();
        for kind in [RECORD, ROW, ROW_TEXT, RECORD_TEXT, ID, SEQ] {
            for is_last in [false, true] {
                let index = filled().await;
                index.tamper(|db| {
                    let mut keys = db.scan_prefix([kind]).keys();
                    let key = if is_last { keys.next_back() } else { keys.next() };
                    db.remove(key.unwrap().unwrap()).unwrap();
                });
                assert!(index.audit().await.is_err(), "{} lost", char::from(kind));
            }
            if kind == RECORD_TEXT {
                continue; // A text that nobody needs does no harm.
            }
            let index = filled().await;
            index.tamper(|db| drop(db.insert([&[kind], &b"test\0aaa\x001.0"[..]].concat(), b"x").unwrap()));
            assert!(index.audit().await.is_err(), "{} too many", char::from(kind));
        }
        let index = filled().await;
        index.tamper(|db| {
            let (key, value) = first_of(db, ID);
            let older = read_seq(&value).unwrap() + 1;
            db.insert(key, &older.to_be_bytes()).unwrap();
        });
        assert!(matches!(index.audit().await, Err(IndexError::Inconsistent)));
        // A row in an older state than its record.
        let index = filled().await;
        index.tamper(|db| {
            let (key, value) = first_of(db, ROW);
            let (key_2, _) = db.scan_prefix([ROW]).nth(1).unwrap().unwrap();
            assert_ne!(key, key_2);
            db.insert(key_2, value).unwrap();
        });
        assert!(index.audit().await.is_err());
    }
}
