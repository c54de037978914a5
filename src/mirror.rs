//! What larder does: answer from what is known, ask upstreams for what is not, keep what they give, take what is pushed.
//!
//! Knows no wire format and no status code: it is handed a `catalog::Query` and answers with records and bytes.

mod background;
mod coalesce;
mod completion;
mod counters;
mod deliver;
mod error;
mod evict;
mod fetch;
mod findings;
mod follow;
mod freshness;
mod learn;
mod ledger;
mod locate;
mod lookup;
mod offline;
mod outages;
mod policy;
mod prefetch;
mod publish;
mod purge;
mod query;
mod relay;
mod remembered;
mod schedule;
mod served;
mod spool;
mod sync;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::catalog::{Change, Instant, Record, SourceName};
use crate::clock::Clock;
use crate::nuget::nupkg::NupkgLimits;
use crate::nuget::{NuGetVersion, PackageId};
use crate::store::{Committed, Index, Packages, RecordKey, RowChange};
use crate::upstream::{Upstream, UpstreamError};
use crate::via::Pseudonym;
use crate::view::{Commit, FeedShape, FeedView, Views};

pub use counters::{Event, Tally};
pub use error::{MirrorError, Trouble};
pub use evict::{CacheLimits, CacheSize};
pub use follow::Arriving;
pub use freshness::Lifetimes;
pub use locate::{Delivery, HeldPackage, Located};
pub use offline::{Configured, Offline, OfflineError};
pub use prefetch::{DependencyVersion, Missed, Prefetch, PrefetchProgress, Want, WantError};
pub use publish::{PublishError, Published};
pub use purge::{Purge, Purged, PurgedIds};
pub use query::{Answer, Answered, Prepared};
pub use relay::Gap;
pub use served::{Served, Standing};
pub use spool::{Spool, SpoolError, SpoolWriter, Spooled};
pub use sync::{Finished, Incomplete, SyncCounts, SyncEnd, SyncMode, SyncProgress, SyncRefusal, SyncSettings};

pub use crate::upstream::{BreakerStatus, PerPriority, UpstreamStatus};
pub use crate::view::Edition;

/// The bounds of what the mirror does for one request.
#[derive(Debug, Clone)]
pub struct MirrorLimits {
    /// The largest nupkg, in bytes.
    pub package_bytes: u64,
    /// What a nupkg may hold.
    pub nupkg: NupkgLimits,
    /// How long somebody waits for the first byte of a package that is being fetched.
    pub patience: Duration,
}

/// What a mirror is made of.
pub struct MirrorParts {
    /// The index.
    pub index: Arc<dyn Index>,
    /// The package files.
    pub packages: Packages,
    /// The folder for bodies in flight.
    pub spool: Spool,
    /// The upstreams, by name.
    pub upstreams: HashMap<SourceName, Arc<dyn Upstream>>,
    /// How long what each upstream says is believed; as [`Lifetimes::default`] says for those that are left out.
    pub lifetimes: HashMap<SourceName, Lifetimes>,
    /// The upstreams that are never asked for searches.
    pub unsearched: HashSet<SourceName>,
    /// The feeds.
    pub feeds: Vec<FeedShape>,
    /// The bounds.
    pub limits: MirrorLimits,
    /// Whether upstreams are asked.
    pub offline: Offline,
    /// What the packages of each upstream may take; any number of bytes for those that are left out.
    pub caches: HashMap<SourceName, CacheLimits>,
    /// What this larder calls itself to others.
    pub pseudonym: Pseudonym,
    /// The folder for what is remembered beside the index.
    pub state: PathBuf,
    /// How the lists of upstreams are kept known; as [`SyncSettings::default`] says for those that are left out.
    pub syncs: HashMap<SourceName, SyncSettings>,
    /// The time.
    pub clock: Clock,
}

/// The feeds of one data folder. Clones are handles to the same.
#[derive(Clone)]
pub struct Mirror {
    inner: Arc<Inner>,
}

struct Inner {
    index: Arc<dyn Index>,
    packages: Packages,
    spool: Spool,
    upstreams: HashMap<SourceName, Arc<dyn Upstream>>,
    lifetimes: HashMap<SourceName, Lifetimes>,
    unsearched: HashSet<SourceName>,
    views: Views,
    limits: MirrorLimits,
    offline: Offline,
    pseudonym: Pseudonym,
    syncs: sync::Syncs,
    background: background::Background,
    clock: Clock,
    lookups: lookup::Lookups,
    fetches: fetch::Fetches,
    relays: relay::Relays,
    findings: findings::Findings,
    purges: purge::Purges,
    revalidations: learn::Revalidations,
    /// The upstreams' addresses, without secrets.
    addresses: HashMap<SourceName, String>,
    undelivered: remembered::Undelivered,
    outages: outages::Outages,
    counters: counters::Counters,
    room: evict::Room,
    /// Files and index change together, one change of a package at a time.
    writes: KeyedLocks<(SourceName, PackageId)>,
}

impl Mirror {
    /// Makes a mirror that knows `rows`.
    #[must_use]
    pub fn new(parts: MirrorParts, rows: Vec<RowChange>) -> Self {
        let MirrorParts {
            index,
            packages,
            spool,
            upstreams,
            lifetimes,
            unsearched,
            feeds,
            limits,
            offline,
            caches,
            pseudonym,
            state,
            syncs,
            clock,
        } = parts;
        let at = clock.now();
        let room = evict::Room::new(upstreams.keys().cloned(), caches, state.clone());
        let hosted = feeds.iter().map(|feed| feed.name.clone());
        let counters = counters::Counters::new(upstreams.keys().cloned().chain(hosted));
        let revalidations = learn::Revalidations::new(upstreams.keys());
        let address = |(name, upstream): (&SourceName, &Arc<dyn Upstream>)| (name.clone(), upstream.status().home);
        let addresses = upstreams.iter().map(address).collect();
        let views = Views::new(feeds, at);
        for RowChange { seq, source, id, rows } in rows {
            let (source, id) = (&source, &id);
            views.apply(&Commit { source, id, seq, at }, rows);
        }
        Self {
            inner: Arc::new(Inner {
                index,
                packages,
                spool,
                upstreams,
                lifetimes,
                unsearched,
                views,
                limits,
                offline,
                pseudonym,
                syncs: sync::Syncs::new(state, syncs),
                background: background::Background::default(),
                clock,
                lookups: lookup::Lookups::default(),
                fetches: fetch::Fetches::default(),
                relays: relay::Relays::default(),
                findings: findings::Findings::default(),
                purges: purge::Purges::default(),
                revalidations,
                addresses,
                undelivered: remembered::Undelivered::default(),
                outages: outages::Outages::default(),
                counters,
                room,
                writes: KeyedLocks::default(),
            }),
        }
    }

    /// Returns the folder for bodies in flight.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.inner.spool
    }

    /// Returns what this larder calls itself to others.
    #[must_use]
    pub fn pseudonym(&self) -> &Pseudonym {
        &self.inner.pseudonym
    }

    /// Returns the bounds.
    #[must_use]
    pub fn limits(&self) -> &MirrorLimits {
        &self.inner.limits
    }

    /// Returns how long what an upstream says is believed.
    #[must_use]
    pub fn lifetimes(&self, upstream: &SourceName) -> Lifetimes {
        self.inner.lifetimes.get(upstream).copied().unwrap_or_default()
    }

    /// Ends what runs by itself, and waits until it has ended.
    pub async fn stop(&self) {
        self.inner.background.stop().await;
    }

    /// Returns whether upstreams are asked, and the way to change it.
    #[must_use]
    pub fn offline(&self) -> &Offline {
        &self.inner.offline
    }

    /// Returns how each upstream does, by name.
    #[must_use]
    pub fn upstreams(&self) -> BTreeMap<SourceName, UpstreamStatus> {
        let upstreams = self.inner.upstreams.iter();
        upstreams
            .map(|(name, upstream)| (name.clone(), upstream.status()))
            .collect()
    }

    /// Returns what was counted of a source since the start.
    #[must_use]
    pub fn tally(&self, source: &SourceName) -> &Tally {
        self.inner.counters.of(source)
    }

    fn view(&self, feed: &SourceName) -> Result<&Arc<FeedView>, MirrorError> {
        self.inner
            .views
            .feed(feed)
            .ok_or_else(|| MirrorError::NoSuchFeed { feed: feed.clone() })
    }

    /// Returns what a source has of a version.
    async fn record_in(
        &self,
        source: &SourceName,
        id: &PackageId,
        version: &NuGetVersion,
    ) -> Result<Option<Record>, MirrorError> {
        let key = RecordKey {
            source: source.clone(),
            id: id.clone(),
            version: version.clone(),
        };
        let found = self.inner.index.lookup(vec![key]).await.map_err(MirrorError::index)?;
        Ok(found.into_iter().next().flatten())
    }

    /// Returns whether an instant is no longer ago than a lifetime; one in the future is not, for the clock was set back.
    fn is_recent(&self, at: Instant, lifetime: Duration) -> bool {
        let age = (self.inner.clock.now() - at).to_std();
        age.is_ok_and(|age| age < lifetime)
    }

    /// Returns whether an upstream says which versions it has. All upstreams of feeds are there: the configuration sees to it.
    fn announces(&self, source: &SourceName) -> bool {
        self.inner
            .upstreams
            .get(source)
            .is_some_and(|upstream| upstream.announces())
    }

    /// Takes note of how a question to an upstream ended.
    fn heard<T>(&self, upstream: &SourceName, answer: &Result<T, UpstreamError>) {
        self.inner.outages.note(upstream, answer);
        if answer.is_err() {
            self.tally(upstream).count(Event::UpstreamError);
        }
    }

    /// Commits a change and lets the views see it.
    async fn commit(&self, source: &SourceName, id: &PackageId, change: Change) -> Result<Committed, MirrorError> {
        let committed = self
            .inner
            .index
            .commit(source, id, change)
            .await
            .map_err(MirrorError::index)?;
        if let Committed::Done { seq, rows } = &committed {
            let (seq, at) = (*seq, self.inner.clock.now());
            self.inner.views.apply(&Commit { source, id, seq, at }, rows.clone());
        }
        Ok(committed)
    }
}

/// Locks by key; a key costs nothing while nobody holds it.
#[derive(Debug)]
struct KeyedLocks<K> {
    locks: Mutex<HashMap<K, Weak<tokio::sync::Mutex<()>>>>,
}

impl<K> Default for KeyedLocks<K> {
    fn default() -> Self {
        Self {
            locks: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash> KeyedLocks<K> {
    async fn lock(&self, key: K) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| lock.strong_count() > 0);
            let held = locks.get(&key).and_then(Weak::upgrade);
            let lock = held.unwrap_or_default();
            locks.insert(key, Arc::downgrade(&lock));
            lock
        };
        lock.lock_owned().await
    }
}
