//! The rows of an answer that clients were shown, at the places at which they were shown. No IO.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::gap::Gap;
use crate::catalog::order::{SortBy, SortValue};
use crate::catalog::query::Latest;
use crate::catalog::{Instant, Query};
use crate::nuget::{NuGetVersion, PackageId};
use crate::view::Hit;

/// The rows that an answer has so far, in the order in which they are shown.
#[derive(Debug)]
pub(super) struct List {
    hits: Vec<Hit>,
    places: HashMap<RowKey, usize>,
    /// The edition of the feed in which there was nothing to come behind them, with all searches at their ends.
    pub(super) whole_in: Option<u64>,
    /// How many rows clients were shown from the beginning.
    reached: usize,
    /// How often rows went, so that others have other places now.
    shifts: u64,
    /// How many rows there are in all: in which edition of the feed and after how many rows of upstreams it was counted.
    pub(super) total: Option<Total>,
    pub(super) used: Instant,
    latest: Option<Latest>,
    kept: Arc<AtomicUsize>,
}

/// How many rows there are in all.
#[derive(Debug, Clone)]
pub(super) struct Total {
    /// What it was counted from: the feed's edition, and how many rows upstreams gave.
    pub(super) of: (u64, u64),
    pub(super) rows: u64,
    pub(super) gap: Option<Gap>,
}

/// A version; of a list of latest versions, an id: another version may take the place of the one that was shown.
type RowKey = (PackageId, Option<NuGetVersion>);

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// Behind so many rows.
    At(usize),
    /// Behind a place that no row has come to so far.
    Beyond,
}

impl List {
    pub(super) fn new(now: Instant, latest: Option<Latest>, kept: Arc<AtomicUsize>) -> Self {
        Self {
            hits: Vec::new(),
            places: HashMap::new(),
            whole_in: None,
            reached: 0,
            shifts: 0,
            total: None,
            used: now,
            latest,
            kept,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.hits.len()
    }

    fn key(&self, hit: &Hit) -> RowKey {
        let version = &hit.member().row.version;
        (hit.id().clone(), self.latest.is_none().then(|| version.clone()))
    }

    pub(super) fn has(&self, hit: &Hit) -> bool {
        self.places.contains_key(&self.key(hit))
    }

    /// Puts rows behind the others, but for those that are there.
    pub(super) fn push(&mut self, hits: Vec<Hit>) {
        for hit in hits {
            let key = self.key(&hit);
            if self.places.contains_key(&key) {
                continue;
            }
            self.places.insert(key, self.hits.len());
            self.hits.push(hit);
            self.kept.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns where the page of a query begins.
    pub(super) fn begin(&self, query: &Query) -> Begin {
        let skip = usize::try_from(query.page.skip).unwrap_or(usize::MAX);
        let Some(place) = &query.page.after else {
            return Begin::At(skip);
        };
        let at = |at: usize| Begin::At(at.saturating_add(skip));
        if let Some(row) = self.place_of(query) {
            return at(row + 1);
        }
        // The row is not in this list: it goes on where it would stand.
        let behind = self.hits.iter().position(|hit| hit.is_behind(query, place));
        behind.map_or(Begin::Beyond, at)
    }

    /// Returns where the row is behind which the page of a query begins.
    fn place_of(&self, query: &Query) -> Option<usize> {
        let (mut id, mut version) = (None, None);
        for (key, value) in query.total_order().iter().zip(query.page.after.as_ref()?.values()) {
            match (&key.by, value) {
                (SortBy::Id, SortValue::Text(text)) => id = text.parse::<PackageId>().ok(),
                (SortBy::Version, SortValue::Version(found)) => {
                    version = Some(found.clone().into_owned());
                }
                _ => {}
            }
        }
        let version = version.filter(|_| self.latest.is_none());
        self.places.get(&(id?, version)).copied()
    }

    /// Returns rows by their places, and a mark that says whether they are still at these.
    pub(super) fn rows(&self, from: usize, count: usize) -> (Vec<Hit>, u64) {
        (self.hits.iter().skip(from).take(count).cloned().collect(), self.shifts)
    }

    /// Takes in what has become of the rows from a place on. Those that are no more go, and the others close up: whoever asks for
    /// them was shown those before them. Returns whether all are still there.
    pub(super) fn renew(&mut self, (from, shifts): (usize, u64), now_hits: Vec<Option<Hit>>) -> bool {
        if shifts != self.shifts {
            return false;
        }
        let is_whole = now_hits.iter().all(Option::is_some);
        if is_whole {
            for (hit, place) in now_hits.into_iter().flatten().zip(self.hits.iter_mut().skip(from)) {
                *place = hit;
            }
            return true;
        }
        let behind = from.saturating_add(now_hits.len());
        let mut kept: Vec<Hit> = self.hits.iter().take(from).cloned().collect();
        kept.extend(now_hits.into_iter().flatten());
        kept.extend(self.hits.iter().skip(behind).cloned());
        self.kept.fetch_sub(self.hits.len() - kept.len(), Ordering::Relaxed);
        self.hits = kept;
        self.places = self
            .hits
            .iter()
            .enumerate()
            .map(|(at, hit)| (self.key(hit), at))
            .collect();
        self.whole_in = None;
        self.shifts += 1;
        false
    }

    /// Takes note of what a client was shown.
    pub(super) fn show(&mut self, up_to: usize, now: Instant) {
        let up_to = up_to.min(self.hits.len());
        self.reached = self.reached.max(up_to);
        self.used = now;
    }

    /// Returns whether the page of a query goes on where somebody was shown the one before.
    pub(super) fn goes_on(&self, query: &Query) -> bool {
        if query.page.after.is_some() {
            return self.place_of(query).is_some();
        }
        usize::try_from(query.page.skip).is_ok_and(|skip| skip <= self.reached)
    }
}

impl Drop for List {
    fn drop(&mut self) {
        self.kept.fetch_sub(self.hits.len(), Ordering::Relaxed);
    }
}
