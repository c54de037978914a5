//! The held packages of one upstream.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::catalog::Instant;
use crate::nuget::{NuGetVersion, PackageId};

/// What the upstream last said of a version that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::mirror) enum Word {
    /// Nothing that is known here.
    Unknown,
    /// That it has it.
    Has,
    /// It did not name it, or it names another one by that name.
    HasNot,
}

/// The held packages of one upstream.
#[derive(Debug, Default)]
pub(in crate::mirror) struct Stock {
    packages: RwLock<HashMap<PackageId, Vec<Arc<Kept>>>>,
    bytes: AtomicU64,
    count: AtomicU64,
    is_counted: AtomicBool,
    is_changed: AtomicBool,
}

/// A package that is held.
#[derive(Debug)]
struct Kept {
    version: NuGetVersion,
    bytes: u64,
    /// In milliseconds since 1970.
    last_use: AtomicI64,
    word: AtomicU8,
}

/// Somebody reads a package, or is about to: while this lives it stays.
#[derive(Debug, Clone)]
pub(in crate::mirror) struct Using {
    _kept: Arc<Kept>,
}

/// What is known of a held package at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mirror) struct Seen {
    pub(in crate::mirror) id: PackageId,
    pub(in crate::mirror) version: NuGetVersion,
    pub(in crate::mirror) bytes: u64,
    /// In milliseconds since 1970.
    pub(in crate::mirror) last_use: i64,
    pub(in crate::mirror) word: Word,
    /// Whether somebody reads it.
    pub(in crate::mirror) is_used: bool,
}

impl Stock {
    /// Takes note that a package is asked for. `None` where it is not known to be held.
    pub(in crate::mirror) fn ask(&self, id: &PackageId, version: &NuGetVersion, now: Instant) -> Option<Using> {
        let packages = self.packages.read().unwrap_or_else(PoisonError::into_inner);
        let kept = packages.get(id)?.iter().find(|kept| kept.version == *version)?;
        kept.used(now.timestamp_millis());
        self.is_changed.store(true, Ordering::Relaxed);
        Some(Using {
            _kept: Arc::clone(kept),
        })
    }

    /// Adds a package that was asked for last at `last_use`; one that is there already is only asked for.
    pub(in crate::mirror) fn add(
        &self,
        id: &PackageId,
        version: &NuGetVersion,
        bytes: u64,
        last_use: Instant,
    ) -> Using {
        let last_use = last_use.timestamp_millis();
        self.is_changed.store(true, Ordering::Relaxed);
        let mut packages = self.packages.write().unwrap_or_else(PoisonError::into_inner);
        let versions = packages.entry(id.clone()).or_default();
        if let Some(kept) = versions.iter().find(|kept| kept.version == *version) {
            kept.used(last_use);
            return Using {
                _kept: Arc::clone(kept),
            };
        }
        let kept = Arc::new(Kept {
            version: version.clone(),
            bytes,
            last_use: AtomicI64::new(last_use),
            word: AtomicU8::new(Word::Unknown as u8),
        });
        versions.push(Arc::clone(&kept));
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        Using { _kept: kept }
    }

    /// Takes a package out, unless somebody uses it or has asked for it since `last_use`. Returns whether it did.
    pub(in crate::mirror) fn take(&self, id: &PackageId, version: &NuGetVersion, last_use: i64) -> bool {
        let mut packages = self.packages.write().unwrap_or_else(PoisonError::into_inner);
        let Some(versions) = packages.get_mut(id) else {
            return false;
        };
        // Under this lock nobody new can come to use it: who does so now holds one of the others.
        let is_idle = |kept: &Arc<Kept>| Arc::strong_count(kept) == 1 && kept.last_use() == last_use;
        let found = versions.iter().position(|kept| kept.version == *version);
        let Some(at) = found.filter(|at| versions.get(*at).is_some_and(is_idle)) else {
            return false;
        };
        let kept = versions.swap_remove(at);
        self.is_changed.store(true, Ordering::Relaxed);
        if versions.is_empty() {
            packages.remove(id);
        }
        self.bytes.fetch_sub(kept.bytes, Ordering::Relaxed);
        self.count.fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Takes note of what the upstream says of held versions of an id; `None` where it says nothing of one.
    pub(in crate::mirror) fn hear(&self, id: &PackageId, word: impl Fn(&NuGetVersion) -> Option<Word>) {
        let packages = self.packages.read().unwrap_or_else(PoisonError::into_inner);
        for kept in packages.get(id).into_iter().flatten() {
            if let Some(word) = word(&kept.version) {
                kept.word.store(word as u8, Ordering::Relaxed);
            }
        }
        self.is_changed.store(true, Ordering::Relaxed);
    }

    /// Returns whether anything is other than when this was asked last.
    pub(in crate::mirror) fn has_changed(&self) -> bool {
        self.is_changed.swap(false, Ordering::Relaxed)
    }

    /// Returns all packages as they are now, in no particular order.
    pub(in crate::mirror) fn seen(&self) -> Vec<Seen> {
        let packages = self.packages.read().unwrap_or_else(PoisonError::into_inner);
        let mut seen = Vec::with_capacity(packages.len());
        for (id, versions) in packages.iter() {
            seen.extend(versions.iter().map(|kept| kept.see(id)));
        }
        seen
    }

    /// Returns how many bytes all packages have.
    pub(in crate::mirror) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns how many packages there are.
    pub(in crate::mirror) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Returns whether all that lay here at the start has been counted.
    pub(in crate::mirror) fn is_counted(&self) -> bool {
        self.is_counted.load(Ordering::Acquire)
    }

    /// Takes note that all that lay here at the start has been counted.
    pub(in crate::mirror) fn set_counted(&self) {
        self.is_counted.store(true, Ordering::Release);
    }
}

impl Kept {
    fn used(&self, at: i64) {
        self.last_use.fetch_max(at, Ordering::Relaxed);
    }

    fn last_use(&self) -> i64 {
        self.last_use.load(Ordering::Relaxed)
    }

    fn see(self: &Arc<Self>, id: &PackageId) -> Seen {
        let word = match self.word.load(Ordering::Relaxed) {
            word if word == Word::Has as u8 => Word::Has,
            word if word == Word::HasNot as u8 => Word::HasNot,
            _ => Word::Unknown,
        };
        Seen {
            id: id.clone(),
            version: self.version.clone(),
            bytes: self.bytes,
            last_use: self.last_use(),
            word,
            is_used: Arc::strong_count(self) > 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::instant;

    fn git() -> (PackageId, NuGetVersion) {
        ("git".parse().unwrap(), "1.0".parse().unwrap())
    }

    #[test]
    fn sizes_follow_what_comes_and_goes() {
        let (id, version) = git();
        let (stock, at) = (Stock::default(), instant("2026-03-01"));
        drop(stock.add(&id, &version, 10, at));
        drop(stock.add(&"GIT".parse().unwrap(), &"1.0.0".parse().unwrap(), 10, at));
        drop(stock.add(&id, &"2.0".parse().unwrap(), 5, at));
        assert_eq!((stock.bytes(), stock.count()), (15, 2));
        assert!(stock.take(&id, &version, at.timestamp_millis()));
        assert!(!stock.take(&id, &version, at.timestamp_millis()));
        assert_eq!((stock.bytes(), stock.count()), (5, 1));
        assert_eq!(stock.ask(&id, &version, at).map(drop), None);
    }

    #[test]
    fn nothing_goes_while_it_is_used_or_once_it_was_asked_for_again() {
        let (id, version) = git();
        let (first, later) = (instant("2026-03-01"), instant("2026-03-02"));
        let stock = Stock::default();
        let fetching = stock.add(&id, &version, 10, first);
        let [seen] = &stock.seen()[..] else { panic!() };
        assert!(seen.is_used && !stock.take(&id, &version, seen.last_use));
        let reading = fetching.clone();
        drop(fetching);
        assert!(!stock.take(&id, &version, seen.last_use), "somebody reads it");
        drop(reading);
        drop(stock.ask(&id, &version, later));
        assert!(!stock.take(&id, &version, seen.last_use), "it was asked for meanwhile");
        drop(stock.ask(&id, &version, first));
        let [seen] = &stock.seen()[..] else { panic!() };
        assert_eq!(seen.last_use, later.timestamp_millis(), "a clock set back");
        assert!(!seen.is_used && stock.take(&id, &version, seen.last_use));
    }

    #[test]
    fn words_are_heard_of_what_is_held() {
        let (id, version) = git();
        let (stock, at) = (Stock::default(), instant("2026-03-01"));
        drop(stock.add(&id, &version, 10, at));
        let word = || stock.seen()[0].word;
        assert_eq!(word(), Word::Unknown);
        assert!(stock.has_changed() && !stock.has_changed());
        for told in [Word::Has, Word::HasNot, Word::Unknown] {
            stock.hear(&id, |_| Some(told));
            stock.hear(&id, |_| None);
            stock.hear(&"hg".parse().unwrap(), |_| Some(Word::Has));
            assert_eq!(word(), told);
        }
        assert!(stock.has_changed() && !stock.has_changed());
    }
}
