//! What clients were shown of the answer to a question, so that what they are shown next neither repeats nor leaves out a row.
//!
//! An answer that is joined from several places is not all there at once, and what is learnt meanwhile would shift rows from one
//! page to the next. So the rows keep the places at which they were shown, and others come behind them. Whoever begins anew
//! gets a new list where the old one is too old, or where something was pushed or deleted here. No IO; nothing survives the process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::gap::Gap;
use super::stream::{Edge, Stream};
use crate::catalog::order::{SortBy, SortKey, SortValue};
use crate::catalog::query::{Direction, Latest, Listing, OrderKey, Prerelease};
use crate::catalog::{Column, Expression, Instant, Query, Row, SearchTerms, SourceName};
use crate::nuget::framework::Targets;
use crate::nuget::{NuGetVersion, PackageId, SemVerLevel};
use crate::view::Hit;

/// A question without its page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    feed: SourceName,
    terms: SearchTerms,
    filter: Option<Expression>,
    order: Vec<OrderKey>,
    targets: Targets,
    listing: Listing,
    prerelease: Prerelease,
    latest: Option<Latest>,
    level: SemVerLevel,
}

impl Question {
    pub(super) fn of(feed: &SourceName, query: &Query) -> Self {
        Self {
            feed: feed.clone(),
            terms: query.terms.clone(),
            filter: query.filter.clone(),
            order: query.order.clone(),
            targets: query.targets.clone(),
            listing: query.listing,
            prerelease: query.prerelease,
            latest: query.latest,
            level: query.level,
        }
    }
}

/// One upstream's part in an answer.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) source: SourceName,
    search: Mutex<(Arc<Stream>, Narrow)>,
}

/// Whether an upstream's search may find less than the question does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Narrow {
    No,
    /// It is searched for whole words, the question is for parts of them.
    Words,
    /// As `Words`, and because the filter found nothing, which may mean that it is not understood.
    Doubt,
}

impl Lane {
    pub(super) fn new(source: SourceName, stream: Arc<Stream>, narrow: Narrow) -> Self {
        Self {
            source,
            search: Mutex::new((stream, narrow)),
        }
    }

    pub(super) fn stream(&self) -> Arc<Stream> {
        Arc::clone(&self.search().0)
    }

    pub(super) fn narrow(&self) -> Narrow {
        self.search().1
    }

    /// Goes on with another search, in place of `before`.
    pub(super) fn turn(&self, before: &Arc<Stream>, stream: Arc<Stream>, narrow: Narrow) {
        let mut search = self.search();
        if Arc::ptr_eq(&search.0, before) {
            *search = (stream, narrow);
        }
    }

    /// Says what came of a doubt.
    pub(super) fn settle_doubt(&self, narrow: Narrow) {
        self.search().1 = narrow;
    }

    pub(super) fn is_open(&self) -> bool {
        self.stream().progress().next.is_ok()
    }

    fn search(&self) -> MutexGuard<'_, (Arc<Stream>, Narrow)> {
        self.search.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the order of an answer agrees with the one that upstreams are asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    /// By id, the same on both sides.
    ById,
    /// By downloads and then by id.
    ByDownloads,
    /// The answer's order is one that no upstream is asked in.
    None,
}

impl Agreement {
    pub(super) fn of(order: &[SortKey]) -> Self {
        let is_id = |key: Option<&SortKey>| {
            key.is_some_and(|key| key.by == SortBy::Id && key.direction == Direction::Ascending)
        };
        let is_downloads = |key: &SortKey| {
            key.by == SortBy::Value(Expression::Column(Column::DownloadCount)) && key.direction == Direction::Descending
        };
        match order.first() {
            first if is_id(first) => Self::ById,
            Some(first) if is_downloads(first) && is_id(order.get(1)) => Self::ByDownloads,
            _ => Self::None,
        }
    }

    /// Returns whether no row that comes behind the edge of a search belongs before this one. Of an id that is shown with all its
    /// versions others may follow.
    pub(super) fn settles(self, edge: &Edge, row: &Row, latest: Option<Latest>) -> bool {
        let is_up_to = |id: &PackageId| id < &edge.id || (latest.is_some() && *id == edge.id);
        match self {
            Self::ById => is_up_to(&row.id),
            Self::ByDownloads => {
                row.download_count > edge.downloads || (row.download_count == edge.downloads && is_up_to(&row.id))
            }
            Self::None => false,
        }
    }
}

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
    used: Instant,
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
    fn new(now: Instant, latest: Option<Latest>, kept: Arc<AtomicUsize>) -> Self {
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
    fn goes_on(&self, query: &Query) -> bool {
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

/// One answer as it is shown page by page.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) begun: Instant,
    /// How often what is hosted in the feed had changed before.
    pub(super) hosted_changes: u64,
    pub(super) lanes: Vec<Arc<Lane>>,
    list: Mutex<List>,
}

impl Walk {
    pub(super) fn new(
        now: Instant,
        hosted_changes: u64,
        lanes: Vec<Arc<Lane>>,
        latest: Option<Latest>,
        kept: &Arc<AtomicUsize>,
    ) -> Self {
        Self {
            begun: now,
            hosted_changes,
            lanes,
            list: Mutex::new(List::new(now, latest, Arc::clone(kept))),
        }
    }

    pub(super) fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether an upstream could not be asked when it last should have been.
    pub(super) fn is_troubled(&self) -> bool {
        self.lanes.iter().any(|lane| lane.stream().progress().has_failed)
    }
}

/// The answers to one question that somebody may be reading, the newest last.
#[derive(Debug, Default)]
pub(super) struct Walks(Mutex<Vec<Arc<Walk>>>);

/// How many answers to one question are kept.
const KEPT_WALKS: usize = 4;

impl Walks {
    /// Returns the newest answer of which a query can ask for a further page.
    pub(super) fn going_on(&self, query: &Query, is_recent: impl Fn(Instant) -> bool) -> Option<Arc<Walk>> {
        let walks = self.lock();
        let goes_on = |walk: &&Arc<Walk>| {
            let list = walk.list();
            is_recent(list.used) && list.goes_on(query)
        };
        walks.iter().rev().find(goes_on).cloned()
    }

    /// Returns the newest answer if it may be shown to whoever begins, or makes another one.
    pub(super) fn newest(&self, may_be_shown: impl Fn(&Walk) -> bool, another: impl FnOnce() -> Walk) -> Arc<Walk> {
        let mut walks = self.lock();
        if let Some(walk) = walks.last().filter(|walk| may_be_shown(walk)) {
            return Arc::clone(walk);
        }
        let made = Arc::new(another());
        walks.push(Arc::clone(&made));
        if walks.len() > KEPT_WALKS {
            walks.remove(0);
        }
        made
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Walk>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
