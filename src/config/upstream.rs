//! `[[upstream]]`: a feed to mirror. What concerns one side of it lies in a file of its own below.

mod access;
mod kind;
mod sync;

use toml::de::DeValue;

use self::access::HostName;
use super::document::Section;
use super::error::ConfigError;
use super::timing::{self, Freshness, Timeouts};
use super::value::Value;
use crate::catalog::SourceName;

pub use self::access::UserAgent;
pub use self::kind::{UpstreamKind, UrlTemplate};
pub(super) use self::sync::KEYS as SYNC_KEYS;
pub use self::sync::{SyncConfig, SyncMetadata};

pub(super) const KEYS: &[&str] = &[
    "name",
    "kind",
    "url",
    "user_agent",
    "internal_hosts",
    "attempts",
    "freshness",
    "timeouts",
    "sync",
];

/// A feed to mirror.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Names the upstream, and its directory.
    pub name: SourceName,
    /// What it speaks, and where.
    pub kind: UpstreamKind,
    /// What larder calls itself there; absent: larder and its version.
    pub user_agent: Option<UserAgent>,
    /// Hosts beside that of its address, names or addresses, that its links may lead to although they are internal ones.
    pub internal_hosts: Vec<String>,
    /// How often one thing is asked for in all, where it fails for the moment.
    pub attempts: u32,
    /// How long its answers count as fresh.
    pub freshness: Freshness,
    /// How long it is waited for.
    pub timeouts: Timeouts,
    /// Whether its list is kept known.
    pub sync: SyncConfig,
}

impl UpstreamConfig {
    /// Reads the section; what it leaves out is as for all upstreams.
    pub(super) fn read(
        section: &mut Section<'_>,
        freshness: &Freshness,
        timeouts: &Timeouts,
    ) -> Result<Self, ConfigError> {
        let name: SourceName = section.require("name", "\"community\"")?;
        section.call("upstream", name.as_str());
        let kind = UpstreamKind::read(section)?;
        let user_agent = section.optional("user_agent", "larder and its version")?;
        let hosts: Vec<HostName> = section.read("internal_hosts", Vec::new())?;
        let attempts = section.read::<Attempts>("attempts", Attempts(3))?.0;
        let mut below = section.below("freshness", timing::FRESHNESS_KEYS)?;
        let freshness = Freshness::read(&mut below, freshness)?;
        section.absorb(below);
        let mut below = section.below("timeouts", timing::TIMEOUT_KEYS)?;
        let timeouts = Timeouts::read(&mut below, timeouts)?;
        section.absorb(below);
        let mut below = section.below("sync", SYNC_KEYS)?;
        let sync = SyncConfig::read(&mut below)?;
        section.absorb(below);
        Ok(Self {
            name,
            kind,
            user_agent,
            internal_hosts: hosts.into_iter().map(HostName::into_text).collect(),
            attempts,
            freshness,
            timeouts,
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
