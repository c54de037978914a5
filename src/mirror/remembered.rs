//! What is remembered for a while, in memory, up to a bounded number: the least recently used goes first.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use super::fetch::FetchKey;
use crate::catalog::{Instant, SourceName};
use crate::nuget::PackageId;
use crate::store::Note;

/// How many things of a kind are remembered.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(50_000).unwrap();

/// Something that an upstream was found to lack.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Absence {
    /// Any version of an id.
    Id(SourceName, PackageId),
    /// A version, at an upstream that does not say which versions it has. As it was asked for: files may be called
    /// `Git.1.0.nupkg` and not `git.1.0.0.nupkg`.
    Version(SourceName, String),
}

/// When an upstream last failed to deliver a version that it announces.
pub(super) type Undelivered = Remembered<FetchKey, Instant>;

/// What was learnt last, by key.
#[derive(Debug)]
pub(super) struct Remembered<K: Hash + Eq, V> {
    entries: Mutex<LruCache<K, V>>,
}

/// When absences were found.
pub(super) type Absences = Remembered<Absence, Instant>;

/// What the index has noted of ids at upstreams; `None` where it was looked up and there is nothing.
pub(super) type Notes = Remembered<(SourceName, PackageId), Option<Note>>;

impl<K: Hash + Eq, V: Clone> Remembered<K, V> {
    pub(super) fn remember(&self, key: K, value: V) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(key, value);
    }

    /// Remembers a value unless one is remembered already.
    pub(super) fn remember_first(&self, key: K, value: V) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(key, || value);
    }

    pub(super) fn forget(&self, key: &K) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).pop(key);
    }

    pub(super) fn recall(&self, key: &K) -> Option<V> {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }
}

impl<K: Hash + Eq, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self {
            entries: Mutex::new(LruCache::new(CAPACITY)),
        }
    }
}
