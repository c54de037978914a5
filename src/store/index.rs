//! The index: durable and dumb. It keeps records, hands out rows, and never answers a query.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::catalog::codec::CodecError;
use crate::catalog::{Change, Instant, Record, Row, SourceName, Validators};
use crate::nuget::{NuGetVersion, PackageId};

/// The number of a commit: later commits have higher ones. 0 is before all.
pub type Seq = u64;

/// What a commit came to.
#[derive(Debug, Clone)]
pub enum Committed {
    /// Written (or nothing needed writing): the id's rows in the source as they are now, and the commit that made them so.
    Done {
        /// The commit's number.
        seq: Seq,
        /// All rows of the id in the source.
        rows: Vec<Arc<Row>>,
    },
    /// The version is there already; nothing was written.
    Conflict,
    /// The version is not there; nothing was written.
    Missing,
}

/// All rows of one id in one source, as of a commit. No rows: the id is gone from the source.
#[derive(Debug, Clone)]
pub struct RowChange {
    /// The commit.
    pub seq: Seq,
    /// The source.
    pub source: SourceName,
    /// The id.
    pub id: PackageId,
    /// Its rows.
    pub rows: Vec<Arc<Row>>,
}

/// Names one record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordKey {
    /// The source.
    pub source: SourceName,
    /// The id.
    pub id: PackageId,
    /// The version.
    pub version: NuGetVersion,
}

/// What is remembered of a subject beside its records: when an upstream last listed an id's versions, say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When it was learnt.
    pub at: Instant,
    /// What else is noted.
    pub said: NoteText,
}

/// What is noted beside the time. Notes of before it was noted have nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteText {
    /// The address of the upstream that said it, without secrets.
    pub address: Option<String>,
    /// What the upstream's answer can be compared with.
    pub validators: Option<Validators>,
}

impl Note {
    /// Notes a time alone.
    #[must_use]
    pub fn at(at: Instant) -> Self {
        Self {
            at,
            said: NoteText::default(),
        }
    }

    /// Writes the note: the time, and behind it the rest.
    pub(super) fn encode(&self) -> Result<Vec<u8>, CodecError> {
        postcard::to_stdvec(&(self.at, &self.said)).map_err(CodecError::Damaged)
    }

    /// Reads a note; one that ends behind the time is of before there was a rest.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let (at, rest) = postcard::take_from_bytes(bytes).map_err(CodecError::Damaged)?;
        let said = if rest.is_empty() {
            NoteText::default()
        } else {
            postcard::from_bytes(rest).map_err(CodecError::Damaged)?
        };
        Ok(Self { at, said })
    }
}

/// Why the index could not answer. None of these means "not there".
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The database failed.
    #[error("the index failed: {0}")]
    Database(#[source] sled::Error),
    /// A value in it cannot be read.
    #[error("the index is damaged; it is set aside and rebuilt from the package files at the next start")]
    Damaged(#[source] CodecError),
    /// It was written by another larder.
    #[error(
        "the index is of form {0}, which this larder does not read; it is set aside and rebuilt from the package files"
    )]
    OtherForm(u8),
    /// A key in it is no key of this program.
    #[error(
        "the index is damaged (a key cannot be read); it is set aside and rebuilt from the package files at the next start"
    )]
    DamagedKey,
    /// Its values can be read and do not belong together.
    #[error("the index is damaged (parts of it are missing or out of date)")]
    Inconsistent,
    /// The database library does not come to an end.
    #[error("the index is damaged (it did not open within {} s)", .0.as_secs())]
    Hangs(std::time::Duration),
    /// The database library panicked: it does so on damage that it did not expect.
    #[error("the index is damaged ({0}); it is set aside and rebuilt from the package files at the next start")]
    Panicked(String),
}

impl From<CodecError> for IndexError {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Form(form) => Self::OtherForm(form),
            error => Self::Damaged(error),
        }
    }
}

/// Keeps records durably. Implementations run the conformance suite in `store/conformance.rs`.
pub trait Index: Send + Sync {
    /// Returns the record of each key, in the keys' order; `None` where there is none.
    fn lookup(&self, keys: Vec<RecordKey>) -> BoxFuture<'_, Result<Vec<Option<Record>>, IndexError>>;

    /// Returns all records of an id in a source, in no particular order; none where the id is not there.
    fn records<'a>(
        &'a self,
        source: &'a SourceName,
        id: &'a PackageId,
    ) -> BoxFuture<'a, Result<Vec<Record>, IndexError>>;

    /// Applies a change to the records of an id in a source: reads them, asks `catalog::change::apply`, and writes the
    /// outcome, all or nothing, as if no other commit of that id ran meanwhile. Durable only after [`Index::flush`].
    ///
    /// # Cancel safety
    /// Dropping the future does not stop a commit that has begun; it is then written whole or not at all.
    fn commit<'a>(
        &'a self,
        source: &'a SourceName,
        id: &'a PackageId,
        change: Change,
    ) -> BoxFuture<'a, Result<Committed, IndexError>>;

    /// Returns the rows of every id that changed after a commit, ids in no particular order; `rows(0)` is everything.
    /// An id that changes meanwhile may come in its old or its new state, with the commit's number that made it so.
    fn rows(&self, after: Seq) -> BoxStream<'static, Result<RowChange, IndexError>>;

    /// Returns what was last noted of a subject.
    fn note<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<Option<Note>, IndexError>>;

    /// Notes what was learnt of a subject; `None` forgets it. Need not survive a crash.
    fn put_note<'a>(&'a self, subject: &'a str, note: Option<Note>) -> BoxFuture<'a, Result<(), IndexError>>;

    /// Returns the subjects of all notes that begin with a text, in no particular order.
    fn noted<'a>(&'a self, beginning: &'a str) -> BoxFuture<'a, Result<Vec<String>, IndexError>>;

    /// Returns when every commit that ended before the call is on disk.
    fn flush(&self) -> BoxFuture<'_, Result<(), IndexError>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::instant;

    #[test]
    fn notes_of_before_are_read() {
        let at = instant("2026-03-01T12:00:00");
        let old = postcard::to_stdvec(&at).unwrap();
        assert_eq!(Note::decode(&old).unwrap(), Note::at(at));
        let note = Note {
            at,
            said: NoteText {
                address: Some("http://gallery.test/".to_owned()),
                validators: Some(Validators {
                    upstream: "http://gallery.test/".to_owned(),
                    etag: Some("\"1\"".to_owned()),
                    last_modified: None,
                }),
            },
        };
        let new = note.encode().unwrap();
        assert_eq!(Note::decode(&new).unwrap(), note);
        // A larder of before reads the time and stops there.
        assert_eq!(postcard::from_bytes::<Instant>(&new).unwrap(), at);
        for end in 1..new.len() {
            let cut = Note::decode(&new[..end]);
            assert!(cut.is_err() || end == old.len(), "{end}: {cut:?}");
        }
    }
}
