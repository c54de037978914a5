//! Joining what upstreams' own searches find to what is known here.
//!
//! A query that fixes no id is answered from the view; before that, each upstream's own `Search()` is asked as far as the
//! asked page needs, and its rows join the view. Pages that were asked for a short while ago are not asked for again, whoever
//! asks. What was shown stays where it was shown ([`walk`]), so that paging neither repeats nor leaves out a row whatever is
//! learnt meanwhile. What the answer may lack it says ([`Gap`]).

mod agreement;
mod asking;
mod gap;
mod join;
mod list;
mod stream;
mod totals;
mod walk;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

pub use self::gap::Gap;

use self::join::Run;
use self::stream::{Page, SearchKey, Stream};
use self::walk::{Question, Walk, Walks};
use super::coalesce::Coalescer;
use super::remembered::Remembered;
use super::{Mirror, MirrorError, policy};
use crate::catalog::query::Listing;
use crate::catalog::{Instant, Query, Relayed, SourceName};
use crate::view::{Cut, Edition, FeedView, Hit};

/// How many pages of one upstream's search one request may ask for.
const PAGES_AT_A_TIME: u64 = 25;

/// A page that begins behind more rows than this is answered from what is known.
const MAX_JOINED_ROWS: u64 = 50_000;

/// How many searches at upstreams, and how many questions, are remembered.
const KEPT_SEARCHES: NonZeroUsize = NonZeroUsize::new(2_000).unwrap();

/// How many rows of all answers together are remembered: some 100 bytes each.
const KEPT_ROWS: usize = 400_000;

/// How long after a page the next one is still the next one of the same answer.
const WALK_IDLE: Duration = Duration::from_secs(600);

/// What is searched for now, and what was a short while ago.
#[derive(Debug)]
pub(super) struct Relays {
    asking: Coalescer<SearchKey, Result<Option<Arc<Page>>, MirrorError>>,
    counting: Coalescer<SearchKey, Result<Option<u64>, MirrorError>>,
    streams: Mutex<LruCache<SearchKey, Arc<Stream>>>,
    walks: Mutex<LruCache<Question, Arc<Walks>>>,
    /// Which upstreams do not take filters of which shape, and when they said so.
    refusals: Remembered<(SourceName, String), Instant>,
    kept_rows: Arc<AtomicUsize>,
}

impl Relays {
    /// Forgets what upstreams found: searches are handed to them anew, also those that are under way.
    pub(super) fn forget(&self, is_meant: impl Fn(&SourceName) -> bool) {
        let mut streams = self.streams();
        let meant = streams.iter().filter(|(key, _)| is_meant(&key.upstream));
        let meant: Vec<SearchKey> = meant.map(|(key, _)| key.clone()).collect();
        for key in &meant {
            streams.pop(key);
        }
        drop(streams);
        self.walks.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.refusals.forget_all(|(source, _), _| is_meant(source));
    }
}

impl Default for Relays {
    fn default() -> Self {
        Self {
            asking: Coalescer::default(),
            counting: Coalescer::default(),
            streams: Mutex::new(LruCache::new(KEPT_SEARCHES)),
            walks: Mutex::new(LruCache::new(KEPT_SEARCHES)),
            refusals: Remembered::default(),
            kept_rows: Arc::default(),
        }
    }
}

impl Relays {
    fn streams(&self) -> MutexGuard<'_, LruCache<SearchKey, Arc<Stream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the answers to a question that somebody may be reading. What has not been read for longest goes where there is
    /// too much.
    fn walks(&self, question: Question) -> Arc<Walks> {
        let mut walks = self.walks.lock().unwrap_or_else(PoisonError::into_inner);
        let found = Arc::clone(walks.get_or_insert(question, Arc::default));
        while self.kept_rows.load(Ordering::Relaxed) > KEPT_ROWS && walks.len() > 1 {
            walks.pop_lru();
        }
        found
    }
}

/// What came of asking the upstreams for a query that fixes no id.
#[derive(Debug, Default)]
pub(super) struct Joining {
    /// The page; `None` where no upstream is asked, so that what is known is the answer.
    pub(super) joined: Option<Joined>,
    /// Upstreams that could not be asked.
    pub(super) failures: Vec<MirrorError>,
    /// What the answer may lack.
    pub(super) gaps: Vec<Gap>,
}

/// A page of an answer that upstreams have a part in.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) cut: Cut<Hit>,
    pub(super) edition: Edition,
}

impl Mirror {
    /// Lets the feed's upstreams search for what a query needs, and joins what they find to what is known.
    pub(super) async fn relay(
        &self,
        view: &Arc<FeedView>,
        query: &Query,
        relayed: &Relayed,
    ) -> Result<Joining, MirrorError> {
        let mut joining = Joining::default();
        let mut asked = Vec::new();
        for source in policy::upstreams_for_search(view, relayed) {
            if !self.announces(source) {
                continue;
            }
            if self.inner.unsearched.contains(source) {
                joining.gaps.push(Gap::NotAsked(source.clone()));
            } else if !self.is_synced(source, query.latest).await? {
                asked.push(source.clone());
            }
        }
        if query.listing == Listing::All && query.latest.is_none() && !asked.is_empty() {
            joining.gaps.push(Gap::Unlisted);
        }
        let end = query.page.skip.saturating_add(query.page.length());
        if asked.is_empty() || end > MAX_JOINED_ROWS {
            return Ok(joining);
        }
        let walks = self.inner.relays.walks(Question::of(&view.shape().name, query));
        let walk = self.walk(&walks, view, query, relayed, &asked);
        let mut run = Run::new(&walk);
        let total = if query.page.wants_total {
            Some(self.total(view, query, relayed, &mut run).await?)
        } else {
            None
        };
        let mut joined = self.join(view, query, relayed, &mut run).await?;
        if let Some(total) = total {
            joined.cut.total = total.rows;
            joined.edition.mark ^= total.rows;
            joining.gaps.extend(total.gap);
        }
        joining.gaps.extend(run.gaps(&joined.cut, query));
        joining.failures = run.into_failures();
        joining.joined = Some(joined);
        Ok(joining)
    }

    /// Returns the answer of which a query asks for a page: one that is read already, or another one.
    fn walk(
        &self,
        walks: &Walks,
        view: &FeedView,
        query: &Query,
        relayed: &Relayed,
        asked: &[SourceName],
    ) -> Arc<Walk> {
        let has_same_lanes = |walk: &Walk| walk.lanes.iter().map(|lane| &lane.source).eq(asked);
        let is_first = query.page.after.is_none() && query.page.skip == 0;
        if !is_first
            && let Some(walk) = walks.going_on(query, |used| self.is_recent(used, WALK_IDLE))
            && has_same_lanes(&walk)
        {
            return walk;
        }
        let lifetimes = asked.iter().map(|source| self.lifetimes(source).search);
        let lifetime = lifetimes.min().unwrap_or_default();
        // What is pushed is to be found at once.
        let hosted_changes = view.hosted_changes();
        let may_be_shown = |walk: &Walk| {
            walk.hosted_changes == hosted_changes
                && has_same_lanes(walk)
                && !walk.is_troubled()
                && self.is_recent(walk.begun, lifetime)
        };
        walks.newest(may_be_shown, || {
            let lanes = asked.iter().map(|source| Arc::new(self.lane(source, query, relayed)));
            let kept_rows = &self.inner.relays.kept_rows;
            let now = self.inner.clock.now();
            Walk::new(now, hosted_changes, lanes.collect(), query.latest, kept_rows)
        })
    }
}
