//! Walking the whole list of an upstream, so that what it has is known here: searches need not ask it, and go on without it.
//!
//! A sync runs by itself, one for an upstream however many want it, and whoever wants to follows how it goes on. It asks with the
//! lowest priority. A crash costs it one page: [`journal`] says where it was.

mod journal;
mod need;
mod run;
mod seen;
mod walk;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use self::journal::Finished;
use self::journal::Place;
pub use self::walk::Incomplete;
use super::{Mirror, MirrorError};
use crate::catalog::SourceName;
use crate::catalog::query::Latest;
use crate::store::Note;

/// What a sync is to learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncMode {
    /// The latest release and the latest version of each id.
    Latest,
    /// All versions of each id; those of an id whose latest is as it was are taken to be as they were.
    All,
}

/// How an upstream's list is kept known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncSettings {
    /// What is learnt without being asked for.
    pub mode: Option<SyncMode>,
    /// How long after the end of a sync the next one is due.
    pub every: Duration,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            mode: None,
            every: Duration::from_secs(24 * 3600),
        }
    }
}

/// What a sync did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncCounts {
    /// Ids that the list has.
    pub ids: u64,
    /// Versions that it showed, and those of ids that were asked for one by one.
    pub versions: u64,
    /// Questions that were asked, pages and ids; one of many versions may take several requests.
    pub requests: u64,
    /// Ids that were known here and are not in the list any more.
    pub gone: u64,
    /// Seconds that it ran, pauses of larder itself left out.
    pub seconds: u64,
}

/// How a sync goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncProgress {
    /// What it did so far.
    pub counts: SyncCounts,
    /// Whether it goes on where an earlier one was cut off.
    pub resumed: bool,
    /// For how many seconds it waits, where the upstream asks to be left alone.
    pub waits_seconds: Option<u64>,
    /// How it ended.
    pub end: Option<SyncEnd>,
}

/// How a sync ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncEnd {
    /// At the end of the list.
    Finished {
        /// The parts of the list that could not be walked to their ends.
        incomplete: Vec<Incomplete>,
    },
    /// Before; the next one goes on there.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// Why there is no sync.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncRefusal {
    /// There is no such upstream.
    #[error("there is no upstream '{0}'")]
    NoSuchUpstream(SourceName),
    /// It has no list.
    #[error("the upstream '{0}' does not say which packages it has")]
    NoList(SourceName),
}

/// All syncs.
#[derive(Debug)]
pub(super) struct Syncs {
    state: PathBuf,
    settings: HashMap<SourceName, SyncSettings>,
    running: Mutex<HashMap<SourceName, watch::Receiver<SyncProgress>>>,
    /// How the last one of each upstream ended, as far as it was asked.
    last: Mutex<HashMap<SourceName, Option<Arc<Finished>>>>,
}

impl Syncs {
    pub(super) fn new(state: PathBuf, settings: HashMap<SourceName, SyncSettings>) -> Self {
        Self {
            state,
            settings,
            running: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// Returns the upstreams that are synced without being asked for, and what is learnt of them.
    pub(super) fn scheduled(&self) -> Vec<(SourceName, SyncMode)> {
        let settings = self.settings.iter();
        settings
            .filter_map(|(source, settings)| Some((source.clone(), settings.mode?)))
            .collect()
    }

    pub(super) fn settings(&self, source: &SourceName) -> SyncSettings {
        self.settings.get(source).copied().unwrap_or_default()
    }

    fn put_last(&self, source: &SourceName, last: Option<Arc<Finished>>) {
        let mut all = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(source.clone(), last);
    }
}

impl Mirror {
    /// Begins to sync an upstream, or joins the sync that runs. It ended where the progress says so, or where its sender is gone.
    ///
    /// # Errors
    /// Where there is nothing to sync with.
    pub fn sync(&self, source: &SourceName, mode: SyncMode) -> Result<watch::Receiver<SyncProgress>, SyncRefusal> {
        let upstream = self.inner.upstreams.get(source);
        let upstream = upstream.ok_or_else(|| SyncRefusal::NoSuchUpstream(source.clone()))?;
        if !upstream.announces() {
            return Err(SyncRefusal::NoList(source.clone()));
        }
        let mut running = self.inner.syncs.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(progress) = running.get(source).filter(|progress| progress.has_changed().is_ok()) {
            return Ok(progress.clone());
        }
        let (sender, progress) = watch::channel(SyncProgress::default());
        running.insert(source.clone(), progress.clone());
        let (mirror, source) = (self.clone(), source.clone());
        self.inner
            .background
            .spawn(async move { mirror.run_sync(&source, mode, sender).await });
        Ok(progress)
    }

    /// Returns whether all that a question can find at an upstream is known here: a sync of it came to the end of its list, and not
    /// too long ago. While larder is offline it never is. `latest` is the flag that every answer to the question carries.
    pub(super) async fn is_synced(&self, source: &SourceName, latest: Option<Latest>) -> Result<bool, MirrorError> {
        let Some(last) = self.last_sync(source).await? else {
            return Ok(false);
        };
        let knows = last.incomplete.is_empty() && (last.mode == SyncMode::All || latest.is_some());
        // A quarter more: the next sync begins a little late, and takes its time.
        let lifetime = self.inner.syncs.settings(source).every.mul_f64(1.25);
        Ok(knows && (self.offline().is_offline() || self.is_recent(last.finished, lifetime)))
    }

    /// Returns how the last sync that came to the end of an upstream's list did.
    ///
    /// # Errors
    /// Where the index fails.
    pub async fn last_sync(&self, source: &SourceName) -> Result<Option<Arc<Finished>>, MirrorError> {
        let syncs = &self.inner.syncs;
        let known = syncs
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(source)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let Some(upstream) = self.inner.upstreams.get(source) else {
            return Ok(None);
        };
        let (place, home) = (Place::of(&syncs.state, source), upstream.status().home);
        let read = tokio::task::spawn_blocking(move || place.read(&home)).await;
        let journal = read.map_err(|failed| MirrorError::Internal(failed.to_string()))?;
        let noted = self.noted_sync(source, Stage::Ended).await?;
        let last = journal.last.filter(|last| noted == Some(last.started)).map(Arc::new);
        syncs.put_last(source, last.clone());
        Ok(last)
    }

    /// Returns when the sync began that the index knows of.
    async fn noted_sync(
        &self,
        source: &SourceName,
        stage: Stage,
    ) -> Result<Option<crate::catalog::Instant>, MirrorError> {
        let note = self.inner.index.note(&stage.subject(source)).await;
        Ok(note.map_err(MirrorError::index)?.map(|note| note.at))
    }

    /// Notes a sync in the index, which does not outlive the rows that it brought.
    async fn note_sync(
        &self,
        source: &SourceName,
        stage: Stage,
        started: crate::catalog::Instant,
    ) -> Result<(), MirrorError> {
        let note = Some(Note::at(started));
        let put = self.inner.index.put_note(&stage.subject(source), note).await;
        put.map_err(MirrorError::index)
    }
}

/// How far a sync is that the index knows of.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Begun,
    Ended,
}

impl Stage {
    fn subject(self, source: &SourceName) -> String {
        match self {
            Self::Begun => format!("sync {source} begun"),
            Self::Ended => format!("sync {source} ended"),
        }
    }
}
