//! `[[upstream]]`: a feed to mirror. What concerns one side of it lies in a file of its own below.

mod access;
mod cache;
mod ids;
mod kind;
pub(super) mod limits;
mod search;
mod sync;

use std::path::Path;

use toml::de::DeValue;

use super::document::Section;
use super::error::ConfigError;
use super::timing::{self, Freshness, Timeouts};
use super::value::Value;
use crate::catalog::SourceName;

pub use self::access::{Access, Credentials, HeaderName, ProxyConfig, UserAgent};
pub use self::cache::CacheConfig;
pub use self::ids::IdRules;
pub use self::kind::{UpstreamKind, UrlTemplate};
pub use self::limits::UpstreamLimits;
pub use self::search::SearchMode;
pub(super) use self::sync::KEYS as SYNC_KEYS;
pub use self::sync::{SyncConfig, SyncMetadata};

pub(super) const KEYS: &[&str] = &[
    "name",
    "kind",
    "url",
    "allow",
    "deny",
    "user_agent",
    "username",
    "password",
    "api_key",
    "bearer",
    "headers",
    "proxy",
    "ca",
    "internal_hosts",
    "attempts",
    "max_bytes",
    "pinned",
    "search",
    "freshness",
    "timeouts",
    "limits",
    "sync",
];

/// A feed to mirror.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Names the upstream, and its directory.
    pub name: SourceName,
    /// What it speaks, and where.
    pub kind: UpstreamKind,
    /// Which ids it is asked about.
    pub ids: IdRules,
    /// How larder comes to it.
    pub access: Access,
    /// How often one thing is asked for in all, where it fails for the moment.
    pub attempts: u32,
    /// What its packages may take on disk.
    pub cache: CacheConfig,
    /// Who searches what it has.
    pub search: SearchMode,
    /// How long its answers count as fresh.
    pub freshness: Freshness,
    /// How long it is waited for.
    pub timeouts: Timeouts,
    /// How often and how much at once it is asked.
    pub limits: UpstreamLimits,
    /// Whether its list is kept known.
    pub sync: SyncConfig,
}

impl UpstreamConfig {
    /// Reads the section; what it leaves out is as for all upstreams.
    pub(super) fn read(
        section: &mut Section<'_>,
        base_dir: &Path,
        freshness: &Freshness,
        timeouts: &Timeouts,
    ) -> Result<Self, ConfigError> {
        let name: SourceName = section.require("name", "\"community\"")?;
        section.call("upstream", name.as_str());
        let kind = UpstreamKind::read(section)?;
        let ids = IdRules::read(section)?;
        let access = Access::read(section, base_dir, kind.login())?;
        let attempts = section.read::<Attempts>("attempts", Attempts(3))?.0;
        let cache = CacheConfig::read(section)?;
        let search = section.read("search", SearchMode::Relay)?;
        let mut below = section.below("freshness", timing::FRESHNESS_KEYS)?;
        let freshness = Freshness::read(&mut below, freshness)?;
        section.absorb(below);
        let mut below = section.below("timeouts", timing::TIMEOUT_KEYS)?;
        let timeouts = Timeouts::read(&mut below, timeouts)?;
        section.absorb(below);
        let mut below = section.below("limits", limits::KEYS)?;
        let limits = UpstreamLimits::read(&mut below, kind.host().as_deref())?;
        section.absorb(below);
        let mut below = section.below("sync", SYNC_KEYS)?;
        let sync = SyncConfig::read(&mut below)?;
        section.absorb(below);
        Ok(Self {
            name,
            kind,
            ids,
            access,
            attempts,
            cache,
            search,
            freshness,
            timeouts,
            limits,
            sync,
        })
    }
}

/// 1 to 10.
struct Attempts(u32);

impl Value for Attempts {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let number = u32::read(value)?;
        if (1..=10).contains(&number) {
            Ok(Self(number))
        } else {
            Err("must be from 1 to 10".to_owned())
        }
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}
