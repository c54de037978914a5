//! What clients were shown of the answer to a question, so that what they are shown next neither repeats nor leaves out a row.
//!
//! An answer that is joined from several places is not all there at once, and what is learnt meanwhile would shift rows from one
//! page to the next. So the rows keep the places at which they were shown, and others come behind them. Whoever begins anew
//! gets a new list where the old one is too old, or where something was pushed or deleted here. No IO; nothing survives the process.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::list::List;
use super::stream::Stream;
use crate::catalog::query::{Latest, Listing, OrderKey, Prerelease};
use crate::catalog::{Expression, Instant, Query, SearchTerms, SourceName};
use crate::nuget::SemVerLevel;
use crate::nuget::framework::Targets;

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
