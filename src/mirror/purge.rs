//! Forgetting what upstreams said, so that they are asked again: by an administrator's order, and when a package is pushed.
//!
//! What is known of packages stays, and packages that are held stay: it is only that nothing of it counts as fresh any more, nor as
//! absent. A look-up that is under way meanwhile brings its answer, which does not count as fresh either.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::findings::{Subject, subject_text, subjects_of};
use super::{Mirror, MirrorError};
use crate::catalog::SourceName;
use crate::config::IdPattern;
use crate::nuget::PackageId;

/// What is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// What this upstream said; `None` for all.
    pub upstream: Option<SourceName>,
    /// What was said of these ids.
    pub ids: PurgedIds,
}

/// Ids of which something is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PurgedIds {
    /// All.
    All,
    /// One.
    One(PackageId),
    /// Those that match a pattern.
    Matching(IdPattern),
}

/// How much was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// How many times that an upstream has an id.
    pub present: usize,
    /// How many times that an upstream does not have an id or a version.
    pub absent: usize,
}

impl Purge {
    fn covers_source(&self, source: &SourceName) -> bool {
        self.upstream.as_ref().is_none_or(|upstream| upstream == source)
    }

    fn covers_id(&self, lower: &str) -> bool {
        match &self.ids {
            PurgedIds::All => true,
            PurgedIds::One(id) => id.lower() == lower,
            PurgedIds::Matching(pattern) => pattern.matches(lower),
        }
    }

    fn covers(&self, source: &SourceName, id: &PackageId) -> bool {
        self.covers_source(source) && self.covers_id(id.lower())
    }
}

/// How many purges are told apart. What was begun before so many may have been purged by any of them.
const REMEMBERED: usize = 64;

/// The purges of this process, so that what was begun before one is not taken for news after it.
#[derive(Debug, Default)]
pub(super) struct Purges {
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    count: u64,
    last: VecDeque<Purge>,
}

impl Purges {
    /// Returns a number that grows with each purge.
    pub(super) fn now(&self) -> u64 {
        self.lock().count
    }

    fn add(&self, purge: Purge) {
        let mut log = self.lock();
        log.count += 1;
        log.last.push_front(purge);
        log.last.truncate(REMEMBERED);
    }

    /// Returns whether what is said of a subject was, or may have been, purged since.
    pub(super) fn is_purged(&self, (source, id): &Subject, since: u64) -> bool {
        let log = self.lock();
        let news = usize::try_from(log.count - since).unwrap_or(usize::MAX);
        news > log.last.len() || log.last.iter().take(news).any(|purge| purge.covers(source, id))
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mirror {
    /// Forgets when upstreams said what they said of some ids, so that they are asked again as soon as somebody asks for these.
    ///
    /// # Cancel safety
    /// Dropped half-way, some of it is forgotten.
    pub async fn purge(&self, purge: &Purge) -> Result<Purged, MirrorError> {
        self.inner.purges.add(purge.clone());
        let mut present = 0;
        for source in self.inner.upstreams.keys().filter(|source| purge.covers_source(source)) {
            for text in self.noted(source, &purge.ids).await? {
                let is_meant = text
                    .strip_prefix(&subjects_of(source))
                    .is_some_and(|lower| purge.covers_id(lower));
                if is_meant {
                    let removed = self.inner.index.put_note(&text, None).await;
                    removed.map_err(MirrorError::index)?;
                    present += 1;
                }
            }
        }
        if purge.ids == PurgedIds::All {
            self.inner.relays.forget(|source| purge.covers_source(source));
        }
        let absent = self.forget_remembered(|source, id| purge.covers(source, id));
        Ok(Purged { present, absent })
    }

    /// Returns the notes of an upstream among which those that are meant are.
    async fn noted(&self, source: &SourceName, ids: &PurgedIds) -> Result<Vec<String>, MirrorError> {
        let index = &self.inner.index;
        let PurgedIds::One(id) = ids else {
            return index.noted(&subjects_of(source)).await.map_err(MirrorError::index);
        };
        let text = subject_text(&(source.clone(), id.clone()));
        let note = index.note(&text).await.map_err(MirrorError::index)?;
        Ok(note.map(|_| text).into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purge_covers_what_it_says() {
        let purges = Purges::default();
        let subject = |source: &str, id: &str| (source.parse().unwrap(), id.parse().unwrap());
        let git = subject("gallery", "Git");
        let start = purges.now();
        assert!(!purges.is_purged(&git, start));
        for (upstream, ids, covers) in [
            (Some("gallery"), PurgedIds::One("git".parse().unwrap()), true),
            (Some("other"), PurgedIds::All, false),
            (None, PurgedIds::One("gitlab".parse().unwrap()), false),
            (None, PurgedIds::Matching("gi*".parse().unwrap()), true),
            (None, PurgedIds::Matching("*lab".parse().unwrap()), false),
            (Some("gallery"), PurgedIds::All, true),
            (None, PurgedIds::All, true),
        ] {
            let upstream = upstream.map(|name| name.parse().unwrap());
            let before = purges.now();
            let purge = Purge { upstream, ids };
            purges.add(purge.clone());
            assert_eq!(purges.is_purged(&git, before), covers, "{purge:?}");
            assert!(!purges.is_purged(&git, purges.now()));
        }
        assert!(purges.is_purged(&git, start), "by any since");
        // Of what was long ago nothing is known any more.
        let before = purges.now();
        for _ in 0..=REMEMBERED {
            let ids = PurgedIds::One("vlc".parse().unwrap());
            purges.add(Purge { upstream: None, ids });
        }
        assert!(purges.is_purged(&git, before));
        assert!(!purges.is_purged(&git, before + 1));
    }
}
