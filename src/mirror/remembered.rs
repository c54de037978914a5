//! What is remembered for a while, in memory, up to a bounded number: the least recently used goes first.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use super::fetch::FetchKey;
use crate::catalog::Instant;

/// How many things of a kind are remembered where nothing else is said.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(50_000).unwrap();

/// When an upstream last failed to deliver a version that it announces.
pub(super) type Undelivered = Remembered<FetchKey, Instant>;

/// What was learnt last, by key.
#[derive(Debug)]
pub(super) struct Remembered<K: Hash + Eq, V> {
    entries: Mutex<LruCache<K, V>>,
}

impl<K: Hash + Eq, V: Clone> Remembered<K, V> {
    pub(super) fn of(capacity: NonZeroUsize) -> Self {
        Self {
            entries: Mutex::new(LruCache::new(capacity)),
        }
    }

    pub(super) fn remember(&self, key: K, value: V) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(key, value);
    }

    /// Remembers a value unless one is remembered already; returns the one that is remembered then.
    pub(super) fn remember_first(&self, key: K, value: V) -> V {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(key, || value)
            .clone()
    }

    pub(super) fn forget(&self, key: &K) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).pop(key);
    }

    /// Forgets all that `is_meant` says, and returns how many they were.
    pub(super) fn forget_all(&self, is_meant: impl Fn(&K, &V) -> bool) -> usize
    where
        K: Clone,
    {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let meant = entries.iter().filter(|(key, value)| is_meant(key, value));
        let meant: Vec<K> = meant.map(|(key, _)| key.clone()).collect();
        for key in &meant {
            entries.pop(key);
        }
        meant.len()
    }

    pub(super) fn recall(&self, key: &K) -> Option<V> {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }
}

impl<K: Hash + Eq, V: Clone> Default for Remembered<K, V> {
    fn default() -> Self {
        Self::of(CAPACITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let remembered = Remembered::of(NonZeroUsize::new(2).unwrap());
        remembered.remember("a", 1);
        remembered.remember("b", 2);
        assert_eq!(remembered.recall(&"a"), Some(1));
        remembered.remember("c", 3);
        assert_eq!((remembered.recall(&"a"), remembered.recall(&"b")), (Some(1), None));
        assert_eq!(remembered.remember_first("c", 9), 3);
        assert_eq!(remembered.forget_all(|_, value| *value == 3), 1);
        assert_eq!(remembered.remember_first("c", 9), 9);
        remembered.forget(&"a");
        assert_eq!(remembered.recall(&"a"), None);
    }
}
