//! `[freshness]` and `[timeouts]`: how long answers of upstreams are believed and waited for. Below an `[[upstream]]` the same
//! keys hold for that one alone.

use std::time::Duration;

use super::document::Section;
use super::error::ConfigError;
use super::units::ByteSize;

pub(super) const FRESHNESS_KEYS: &[&str] = &[
    "metadata",
    "stale_while_revalidate",
    "stale_if_error",
    "negative",
    "negative_longest",
    "search",
];
pub(super) const TIMEOUT_KEYS: &[&str] = &["connect", "headers", "between_bytes", "slowest"];

/// How long answers of upstreams are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// How long what an upstream says of a package is fresh; zero asks every time.
    pub metadata: Duration,
    /// How much longer it is served while the upstream is asked again.
    pub stale_while_revalidate: Duration,
    /// How much longer than fresh it is served where the upstream cannot be asked.
    pub stale_if_error: Duration,
    /// How long it is believed that there is no such package.
    pub negative: Duration,
    /// What that rises to, where the upstream says it again and again; no less than `negative`.
    pub negative_longest: Duration,
    /// How long the rows of a search are used again.
    pub search: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            metadata: Duration::from_secs(600),
            stale_while_revalidate: Duration::from_secs(3600),
            stale_if_error: Duration::from_secs(30 * 86_400),
            negative: Duration::from_secs(60),
            negative_longest: Duration::from_secs(600),
            search: Duration::from_secs(300),
        }
    }
}

impl Freshness {
    /// Reads the keys; those that are left out are as in `default`.
    pub(super) fn read(section: &mut Section<'_>, default: &Self) -> Result<Self, ConfigError> {
        let negative = section.read("negative", default.negative)?;
        // Where the shorter one is set above what holds for all, the longer one follows it.
        let longest = default.negative_longest.max(negative);
        Ok(Self {
            metadata: section.read("metadata", default.metadata)?,
            stale_while_revalidate: section.read("stale_while_revalidate", default.stale_while_revalidate)?,
            stale_if_error: section.read("stale_if_error", default.stale_if_error)?,
            negative,
            negative_longest: section.read_if("negative_longest", longest, |longest| {
                (*longest < negative).then(|| "must be no shorter than negative".to_owned())
            })?,
            search: section.read("search", default.search)?,
        })
    }
}

/// How long an upstream is waited for; no time is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name resolution, connection and TLS.
    pub connect: Duration,
    /// From the request to the end of the answer's headers.
    pub headers: Duration,
    /// Between two pieces of the answer.
    pub between_bytes: Duration,
    /// The fewest bytes of an answer in a second; zero for any.
    pub slowest: ByteSize,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(3_500),
            headers: Duration::from_secs(20),
            between_bytes: Duration::from_secs(15),
            slowest: ByteSize::from_bytes(10_000),
        }
    }
}

impl Timeouts {
    /// Reads the keys; those that are left out are as in `default`.
    pub(super) fn read(section: &mut Section<'_>, default: &Self) -> Result<Self, ConfigError> {
        Ok(Self {
            connect: wait(section, "connect", default.connect)?,
            headers: wait(section, "headers", default.headers)?,
            between_bytes: wait(section, "between_bytes", default.between_bytes)?,
            slowest: section.read("slowest", default.slowest)?,
        })
    }
}

fn wait(section: &mut Section<'_>, key: &'static str, default: Duration) -> Result<Duration, ConfigError> {
    section.read_if(key, default, |wait| {
        wait.is_zero().then(|| "must be longer than nothing".to_owned())
    })
}
