//! What is remembered of an upstream's syncs: how the last one ended, and where the one under way has come to.
//!
//! `state/sync/<upstream>.json`, replaced whole, synced and renamed after each page: a crash leaves it as it was before or after
//! the page. The rows themselves are in the index, which can be lost and made anew without them; the index has a note of each
//! sync, and one that it does not know never was.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::seen::Seen;
use super::walk::{Incomplete, Walk};
use super::{SyncCounts, SyncMode};
use crate::catalog::{Instant, SourceName};
use crate::mirror::offline::write;
use crate::upstream::ListShape;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// The upstream's address, without secrets: another gallery's list is another one.
    pub(super) home: String,
    /// The sync that is under way.
    pub(super) run: Option<Run>,
    /// The last one that came to its end.
    pub(super) last: Option<Finished>,
    /// Questions that the upstream did not take the last time.
    pub(super) refused: Vec<ListShape>,
}

/// A sync that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    /// When it began; also its name.
    pub(super) started: Instant,
    /// What it is to learn.
    pub(super) mode: SyncMode,
    /// Where it has come to.
    pub(super) walk: Walk,
    /// What it did so far.
    pub(super) counts: SyncCounts,
}

/// A sync that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// When it began.
    pub started: Instant,
    /// When it ended.
    pub finished: Instant,
    /// What it was to learn.
    pub mode: SyncMode,
    /// What it did.
    pub counts: SyncCounts,
    /// The parts of the list that could not be walked to their ends.
    pub incomplete: Vec<Incomplete>,
}

/// Where an upstream's journal lies.
#[derive(Debug, Clone)]
pub(super) struct Place {
    journal: PathBuf,
    seen: PathBuf,
}

impl Place {
    pub(super) fn of(state: &Path, upstream: &SourceName) -> Self {
        let folder = state.join("sync");
        Self {
            journal: folder.join(format!("{upstream}.json")),
            seen: folder.join(format!("{upstream}.seen")),
        }
    }

    /// Reads the journal; an empty one where there is none, or none that can be read: it costs a walk, no more.
    pub(super) fn read(&self, home: &str) -> Journal {
        let read = std::fs::read(&self.journal).ok();
        let journal = read.and_then(|bytes| serde_json::from_slice::<Journal>(&bytes).ok());
        journal
            .filter(|journal| journal.home == home)
            .unwrap_or_else(|| Journal {
                home: home.to_owned(),
                ..Journal::default()
            })
    }

    /// Writes the journal.
    pub(super) fn write(&self, journal: &Journal) -> io::Result<()> {
        if let Some(folder) = self.journal.parent() {
            std::fs::create_dir_all(folder)?;
        }
        write(&self.journal, &serde_json::to_vec(journal).map_err(io::Error::other)?)
    }

    /// Opens the ids that a run has come by.
    pub(super) fn seen(&self, run: Resumed) -> io::Result<Seen> {
        if let Some(folder) = self.seen.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match run {
            Resumed::Yes => Seen::resume(&self.seen),
            Resumed::No => Seen::begin(&self.seen),
        }
    }
}

/// Whether a run goes on where another process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resumed {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::instant;

    #[test]
    fn a_journal_is_of_one_address() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(folder.path(), &"gallery".parse().unwrap());
        assert_eq!(place.read("https://a/").run, None);
        let journal = Journal {
            home: "https://a/".to_owned(),
            run: Some(Run {
                started: instant("2026-03-01"),
                mode: SyncMode::All,
                walk: Walk::begin(vec![ListShape::Set]),
                counts: SyncCounts::default(),
            }),
            ..Journal::default()
        };
        place.write(&journal).unwrap();
        assert_eq!(place.read("https://a/"), journal);
        assert_eq!(place.read("https://b/").run, None);
        std::fs::write(folder.path().join("sync/gallery.json"), "{").unwrap();
        assert_eq!(place.read("https://a/").run, None);
    }
}
