//! What is asked for a second time is answered from memory: the index is not even read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use larder::catalog::{Change, Record, Relayed, SourceName};
use larder::clock::Clock;
use larder::mirror::{Configured, Mirror, MirrorLimits, MirrorParts, Offline, Spool};
use larder::nuget::PackageId;
use larder::nuget::nupkg::NupkgLimits;
use larder::odata::address::Collection;
use larder::odata::{options, plan};
use larder::store::{Committed, Index, IndexError, Note, RecordKey, RowChange, Seq, SledIndex, Store, StoreSettings};
use larder::upstream::{Uplink, Upstream};
use larder::via::Pseudonym;
use larder::view::FeedShape;

use crate::support::gallery::find_target;
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{Reply, ScriptedUpstream, atom_feed};
use crate::upstream_v2::client;

/// An index that counts how often it is used.
struct Counting {
    index: SledIndex,
    uses: Arc<AtomicUsize>,
}

impl Counting {
    fn used(&self) -> &SledIndex {
        self.uses.fetch_add(1, Ordering::SeqCst);
        &self.index
    }
}

impl Index for Counting {
    fn lookup(&self, keys: Vec<RecordKey>) -> BoxFuture<'_, Result<Vec<Option<Record>>, IndexError>> {
        self.used().lookup(keys)
    }

    fn records<'a>(
        &'a self,
        source: &'a SourceName,
        id: &'a PackageId,
    ) -> BoxFuture<'a, Result<Vec<Record>, IndexError>> {
        self.used().records(source, id)
    }

    fn commit<'a>(
        &'a self,
        source: &'a SourceName,
        id: &'a PackageId,
        change: Change,
    ) -> BoxFuture<'a, Result<Committed, IndexError>> {
        self.used().commit(source, id, change)
    }

    fn rows(&self, after: Seq) -> BoxStream<'static, Result<RowChange, IndexError>> {
        self.used().rows(after)
    }

    fn note<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<Option<Note>, IndexError>> {
        self.used().note(subject)
    }

    fn noted<'a>(&'a self, beginning: &'a str) -> BoxFuture<'a, Result<Vec<String>, IndexError>> {
        self.used().noted(beginning)
    }

    fn put_note<'a>(&'a self, subject: &'a str, note: Option<Note>) -> BoxFuture<'a, Result<(), IndexError>> {
        self.used().put_note(subject, note)
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), IndexError>> {
        self.used().flush()
    }
}

#[tokio::test]
async fn a_warm_id_is_answered_without_the_index() {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&Nupkg::new("git", "1.0.0").pack(), &Nupkg::new("git", "2.0.0").pack()]);
    gallery.on(&find_target("absent"), Reply::feed(atom_feed(&[], None)));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = StoreSettings {
        data: folder.path().to_owned(),
        index_cache_bytes: 4 << 20,
        nupkg_limits: NupkgLimits::default(),
    };
    let clock = Clock::system();
    let (store, rows, _) = Store::open(settings, &clock).await.expect("a data folder that opens");
    let uses = Arc::new(AtomicUsize::new(0));
    let feed: SourceName = "choco".parse().expect("a name");
    let upstream: Arc<dyn Upstream> = Arc::new(client(&gallery));
    let parts = MirrorParts {
        index: Arc::new(Counting {
            index: store.index.clone(),
            uses: Arc::clone(&uses),
        }),
        packages: store.packages.clone(),
        spool: Spool::new(store.spool.clone()),
        feeds: vec![FeedShape::plain(feed.clone(), [upstream.name().clone()])],
        upstreams: [(upstream.name().clone(), upstream)].into(),
        lifetimes: std::collections::HashMap::new(),
        unsearched: std::collections::HashSet::new(),
        limits: MirrorLimits {
            patience: std::time::Duration::from_secs(60),
            package_bytes: 1 << 30,
            nupkg: NupkgLimits::default(),
        },
        state: store.state.clone(),
        syncs: std::collections::HashMap::new(),
        offline: Offline::open(&store.state, Configured::Online, Uplink::default()),
        caches: std::collections::HashMap::new(),
        pseudonym: Pseudonym::random(),
        clock,
    };
    let mirror = Mirror::new(parts, rows);
    let asked = "$filter=(tolower(Id)%20eq%20'git'%20or%20Id%20eq%20'absent')%20and%20IsLatestVersion";
    let options = options::parse(asked).expect("options");
    let plan = plan::list(&Collection::Packages, &options, 100).expect("a plan");
    let mut before = 0;
    for is_first in [true, false, false] {
        let answer = mirror
            .query(&feed, &plan.query, &Relayed::default())
            .await
            .expect("an answer");
        let found: Vec<String> = answer.page.iter().map(|found| found.row.version.to_string()).collect();
        assert_eq!(found, ["2.0.0"]);
        let now = uses.load(Ordering::SeqCst);
        assert_eq!(now > before, is_first, "{now} uses, {before} before");
        before = now;
    }
    assert_eq!(gallery.targets().len(), 2);
}
