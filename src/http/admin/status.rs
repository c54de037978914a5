//! `GET /admin/status`: how the server, its feeds and its upstreams are. For people through `larder status`, and for programs.

use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{Order, json};
use crate::catalog::Instant;
use crate::http::error::ApiError;
use crate::mirror::{self, CacheSize, Event, Tally};

/// The document. What reads it takes keys that it does not know in its stride.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// When the server was started.
    pub started: Instant,
    /// How long ago that is, in seconds.
    pub uptime_seconds: u64,
    /// Whether no upstream is asked.
    pub offline: bool,
    /// The feeds, in the configuration's order.
    pub feeds: Vec<FeedStatus>,
    /// The upstreams, in the configuration's order.
    pub upstreams: Vec<UpstreamStatus>,
}

/// What was counted of a source since the server was started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Packages that were asked for and are held.
    pub package_hits: u64,
    /// Packages that were asked for and had to be fetched.
    pub package_misses: u64,
    /// Packages that were asked for while they were being fetched.
    pub package_collapsed: u64,
    /// Packages that came and were refused: they are not what was announced, or no packages.
    pub packages_rejected: u64,
    /// How often the upstream announced another hash for a package that is held; what is held stays.
    pub packages_contradicted: u64,
    /// Ids that were known and fresh when they were needed.
    pub metadata_hits: u64,
    /// Ids that were known and stale, and were served so.
    pub metadata_stale: u64,
    /// Ids that the upstream was asked for first.
    pub metadata_misses: u64,
    /// Ids that were needed while the upstream was being asked for them.
    pub metadata_collapsed: u64,
    /// Ids that the upstream is known not to have.
    pub negative_hits: u64,
    /// Questions to the upstream without an answer that can be used.
    pub upstream_errors: u64,
    /// Bytes of packages that were sent to clients.
    pub bytes_served: u64,
    /// Bytes of packages that came from the upstream.
    pub bytes_fetched: u64,
    /// Package files that were removed to make room.
    pub evictions: u64,
}

impl Counts {
    fn of(tally: &Tally) -> Self {
        Self {
            package_hits: tally.get(Event::PackageHit),
            package_misses: tally.get(Event::PackageMiss),
            package_collapsed: tally.get(Event::PackageCollapsed),
            packages_rejected: tally.get(Event::PackageRejected),
            packages_contradicted: tally.get(Event::PackageContradicted),
            metadata_hits: tally.get(Event::MetadataHit),
            metadata_stale: tally.get(Event::MetadataStale),
            metadata_misses: tally.get(Event::MetadataMiss),
            metadata_collapsed: tally.get(Event::MetadataCollapsed),
            negative_hits: tally.get(Event::NegativeHit),
            upstream_errors: tally.get(Event::UpstreamError),
            bytes_served: tally.get(Event::ByteServed),
            bytes_fetched: tally.get(Event::ByteFetched),
            evictions: tally.get(Event::Eviction),
        }
    }
}

/// How a feed is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// Its name.
    pub name: String,
    /// Whether it is the default feed.
    pub default: bool,
    /// The names of its upstreams, in the order in which they are asked.
    pub upstreams: Vec<String>,
    /// What was counted of the packages that are hosted in it.
    pub counts: Counts,
}

/// How an upstream is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
    /// Whether and how it is asked, and how that went.
    #[serde(flatten)]
    pub condition: mirror::UpstreamStatus,
    /// When its list was last walked to the end; absent where it never was.
    pub synced: Option<Instant>,
    /// What is held of it.
    pub cache: CacheStatus,
    /// What was counted of it.
    pub counts: Counts,
}

/// What is held of an upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CacheStatus {
    /// How many packages.
    pub packages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many bytes there may be; `None` for any number.
    pub max_bytes: Option<u64>,
    /// Whether all was counted that lay here at the start.
    pub is_counted: bool,
}

impl CacheStatus {
    fn of(size: CacheSize) -> Self {
        let CacheSize {
            packages,
            bytes,
            max_bytes,
            is_counted,
        } = size;
        Self {
            packages,
            bytes,
            max_bytes,
            is_counted,
        }
    }
}

/// Answers with the document.
pub(super) async fn show(order: &Order<'_>) -> Result<Response, ApiError> {
    let app = order.app;
    let uptime = (app.clock.now() - app.started).to_std().unwrap_or_default();
    let feeds = app.feeds.iter().map(|feed| FeedStatus {
        name: feed.name.to_string(),
        default: feed.is_default,
        upstreams: feed.upstreams.iter().map(ToString::to_string).collect(),
        counts: Counts::of(app.mirror.tally(&feed.name)),
    });
    let mut conditions = app.mirror.upstreams();
    let mut upstreams = Vec::new();
    for name in &app.upstreams {
        let (Some(condition), Some(size)) = (conditions.remove(name), app.mirror.cache_size(name)) else {
            continue;
        };
        let last_sync = app.mirror.last_sync(name).await?;
        upstreams.push(UpstreamStatus {
            name: name.to_string(),
            condition,
            synced: last_sync.map(|last| last.finished),
            cache: CacheStatus::of(size),
            counts: Counts::of(app.mirror.tally(name)),
        });
    }
    json(&Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: app.started,
        uptime_seconds: uptime.as_secs(),
        offline: app.mirror.offline().is_offline(),
        feeds: feeds.collect(),
        upstreams,
    })
}
