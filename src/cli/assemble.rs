//! From the configuration to the parts of a running mirror. The tests put theirs together here too.

mod feeds;
mod pauses;
mod secrets;
mod upstreams;

use std::collections::{HashMap, HashSet};
use std::hash::RandomState;
use std::sync::Arc;

use anyhow::Context as _;

use crate::auth::{Administrator, KeyDigest};
use crate::catalog::SourceName;
use crate::clock::Clock;
use crate::config::{ByteSize, Config, SearchMode, SyncMetadata, UpstreamConfig, UpstreamKind};
use crate::http::rendered::Rendered;
use crate::http::state::{App, AppParts};
use crate::mirror::{
    CacheLimits, Configured, Lifetimes, Mirror, MirrorLimits, MirrorParts, Offline, Spool, SyncMode, SyncSettings,
};
use crate::nuget::NuspecLimits;
use crate::nuget::nupkg::NupkgLimits;
use crate::store::{Opening, RowChange, Store, StoreSettings};
use crate::upstream::{Hosts, Uplink, Upstream};
use crate::via::Pseudonym;

/// Whose keys may change things.
#[derive(Debug)]
pub struct Keys {
    /// The administrator's.
    pub administrator: Administrator,
    /// The digest of the key by which `larder import` comes in from the same machine.
    pub import_key: KeyDigest,
}

/// Returns how the data folder is opened.
#[must_use]
pub fn store_settings(config: &Config) -> StoreSettings {
    StoreSettings {
        data: config.storage.data.clone(),
        index_cache_bytes: config.storage.index_cache.bytes(),
        nupkg_limits: nupkg_limits(config),
    }
}

fn nupkg_limits(config: &Config) -> NupkgLimits {
    let limits = &config.limits;
    let default = NupkgLimits::default();
    NupkgLimits {
        entries: usize::try_from(limits.max_zip_entries).unwrap_or(usize::MAX),
        inflated_bytes: limits.max_inflated.bytes(),
        ratio: u64::from(limits.max_inflation_ratio),
        nuspec: NuspecLimits {
            bytes: limits.max_nuspec.as_usize(),
            ..default.nuspec
        },
        ..default
    }
}

/// Makes the mirror over an open store.
pub fn mirror(config: &Config, store: &Store, rows: Vec<RowChange>, clock: &Clock) -> anyhow::Result<Mirror> {
    let (uplink, pseudonym) = (Uplink::default(), Pseudonym::random());
    let mut upstreams: HashMap<SourceName, Arc<dyn Upstream>> = HashMap::new();
    let kept = pauses::read(&store.state);
    let hosts = Hosts::new(clock.clone(), kept, pauses::keeper(store.state.clone()));
    for upstream in config.upstreams() {
        let made = upstreams::make(config, upstream, (&uplink, &pseudonym), &hosts)
            .with_context(|| format!("the upstream '{}' cannot be set up", upstream.name))?;
        upstreams.insert(upstream.name.clone(), made);
    }
    let feeds = config.feeds().iter().map(|feed| feeds::shape(config, feed));
    let configured = if config.server.offline {
        Configured::Offline
    } else {
        Configured::Online
    };
    let parts = MirrorParts {
        index: Arc::new(store.index.clone()),
        packages: store.packages.clone(),
        spool: Spool::new(store.spool.clone()),
        upstreams,
        lifetimes: config.upstreams().iter().map(lifetimes).collect(),
        unsearched: unsearched(config),
        feeds: feeds.collect(),
        limits: MirrorLimits {
            package_bytes: config.limits.max_package.bytes(),
            nupkg: nupkg_limits(config),
            patience: config.limits.max_wait,
        },
        state: store.state.clone(),
        syncs: syncs(config),
        offline: Offline::open(&store.state, configured, uplink),
        caches: config.upstreams().iter().map(cache_limits).collect(),
        pseudonym,
        clock: clock.clone(),
    };
    Ok(Mirror::new(parts, rows))
}

fn cache_limits(upstream: &UpstreamConfig) -> (SourceName, CacheLimits) {
    let limits = CacheLimits {
        max_bytes: upstream.cache.max_bytes.map(ByteSize::bytes),
        pinned: upstream.cache.pinned.clone(),
    };
    (upstream.name.clone(), limits)
}

fn unsearched(config: &Config) -> HashSet<SourceName> {
    let upstreams = config.upstreams().iter();
    let known_only = upstreams.filter(|upstream| upstream.search == SearchMode::Known);
    known_only.map(|upstream| upstream.name.clone()).collect()
}

fn lifetimes(upstream: &UpstreamConfig) -> (SourceName, Lifetimes) {
    let freshness = &upstream.freshness;
    let lifetimes = Lifetimes {
        present: freshness.metadata,
        stale_while_revalidate: freshness.stale_while_revalidate,
        stale_if_error: freshness.stale_if_error,
        absent: freshness.negative,
        absent_longest: freshness.negative_longest,
        search: freshness.search,
    };
    (upstream.name.clone(), lifetimes)
}

/// Returns how the list of each upstream is kept known; those that have none are left out.
fn syncs(config: &Config) -> HashMap<SourceName, SyncSettings> {
    let has_list = |upstream: &&UpstreamConfig| matches!(upstream.kind, UpstreamKind::V2 { .. });
    let settings = |upstream: &UpstreamConfig| {
        let mode = match upstream.sync.metadata {
            SyncMetadata::None => None,
            SyncMetadata::Latest => Some(SyncMode::Latest),
            SyncMetadata::All => Some(SyncMode::All),
        };
        let every = upstream.sync.every;
        (upstream.name.clone(), SyncSettings { mode, every })
    };
    config.upstreams().iter().filter(has_list).map(settings).collect()
}

/// Makes what answers requests.
#[must_use]
pub fn app(config: &Config, mirror: Mirror, keys: Keys, clock: Clock) -> App {
    App::new(AppParts {
        mirror,
        administrator: keys.administrator,
        import_key: keys.import_key,
        server: config.server.clone(),
        feeds: config.feeds().to_vec(),
        upstreams: config
            .upstreams()
            .iter()
            .map(|upstream| upstream.name.clone())
            .collect(),
        started: clock.now(),
        max_url_bytes: config.limits.max_url.as_usize(),
        tags: RandomState::new(),
        rendered: Rendered::new(config.limits.max_rendered.as_usize()),
        clock,
    })
}

/// Says in the log what opening the data folder had to do.
pub fn log_opening(opening: &Opening) {
    let report = match opening {
        Opening::Clean => return,
        Opening::Checked(report) => {
            tracing::info!(
                indexed = report.indexed,
                dropped = report.dropped,
                "the last run did not end in order; the index was compared with the package files"
            );
            report
        }
        Opening::Rebuilt {
            set_aside: Some(aside),
            reason,
            report,
        } => {
            let reason = reason.as_deref().unwrap_or("unknown");
            tracing::warn!(
                reason,
                set_aside = %aside.display(),
                indexed = report.indexed,
                "the index could not be used: it was set aside and rebuilt from the package files; no package is lost"
            );
            report
        }
        Opening::Rebuilt {
            set_aside: None,
            report,
            ..
        } => {
            tracing::info!(indexed = report.indexed, "the index was made from the package files");
            report
        }
    };
    for refusal in &report.refusals {
        tracing::warn!(path = %refusal.path.display(), reason = refusal.reason, "a package file cannot be used");
    }
}
