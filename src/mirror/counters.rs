//! What was answered, asked and kept since the start, counted by source. Counting takes no lock and is never in anybody's way.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::catalog::SourceName;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A package was asked for, and is held.
    PackageHit,
    /// A package was asked for, and is fetched.
    PackageMiss,
    /// A package was asked for while it was being fetched.
    PackageCollapsed,
    /// What the upstream says of an id was needed, and is known and fresh.
    MetadataHit,
    /// It was needed, and is known and stale; it was served as it is.
    MetadataStale,
    /// It was needed, and the upstream was asked first.
    MetadataMiss,
    /// It was needed while the upstream was being asked for it.
    MetadataCollapsed,
    /// It was needed, and the upstream is known not to have it.
    NegativeHit,
    /// The upstream was asked, and gave no answer that can be used.
    UpstreamError,
    /// A package came that is not the one that was announced, or none at all; it was dropped.
    PackageRejected,
    /// The upstream announces another hash for a package that is held; what is held stays.
    PackageContradicted,
    /// A byte of a package was sent to a client.
    ByteServed,
    /// A byte of a package came from the upstream.
    ByteFetched,
    /// A package's file was removed to make room.
    Eviction,
}

/// How many kinds of events there are.
const EVENTS: usize = Event::Eviction as usize + 1;

/// The counters of one source. Clones are handles to the same.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    counts: Arc<[AtomicU64; EVENTS]>,
}

impl Tally {
    /// Counts one.
    pub fn count(&self, event: Event) {
        self.add(event, 1);
    }

    /// Counts so many at once.
    pub fn add(&self, event: Event, many: u64) {
        if let Some(count) = self.counts.get(event as usize) {
            count.fetch_add(many, Ordering::Relaxed);
        }
    }

    /// Returns how many there were.
    #[must_use]
    pub fn get(&self, event: Event) -> u64 {
        self.counts
            .get(event as usize)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

/// The counters of all sources.
#[derive(Debug, Default)]
pub(super) struct Counters {
    by_source: HashMap<SourceName, Tally>,
    /// For what is of no configured source: records of an upstream that is configured no more.
    others: Tally,
}

impl Counters {
    /// Makes counters of nothing yet.
    pub(super) fn new(sources: impl Iterator<Item = SourceName>) -> Self {
        Self {
            by_source: sources.map(|source| (source, Tally::default())).collect(),
            others: Tally::default(),
        }
    }

    /// Returns the counters of a source.
    pub(super) fn of(&self, source: &SourceName) -> &Tally {
        self.by_source.get(source).unwrap_or(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_and_event_counts_for_itself() {
        let [one, two, other] = ["one", "two", "other"].map(|name| name.parse::<SourceName>().unwrap());
        let counters = Counters::new([one.clone(), two.clone()].into_iter());
        counters.of(&one).count(Event::PackageHit);
        counters.of(&one).count(Event::PackageHit);
        counters.of(&one).add(Event::Eviction, 7);
        counters.of(&other).count(Event::PackageHit);
        for (source, hits, evictions) in [(&one, 2, 7), (&two, 0, 0), (&other, 1, 0)] {
            let tally = counters.of(source);
            assert_eq!(
                (tally.get(Event::PackageHit), tally.get(Event::Eviction)),
                (hits, evictions),
                "{source}"
            );
            assert_eq!(tally.get(Event::PackageMiss), 0);
        }
    }
}
