//! `[freshness]` and `[timeouts]`: how long answers of upstreams are believed and waited for. Below an `[[upstream]]` the same
//! keys hold for that one alone.

use std::time::Duration;

use super::document::Section;
use super::error::ConfigError;

pub(super) const FRESHNESS_KEYS: &[&str] = &["metadata", "negative", "search"];
pub(super) const TIMEOUT_KEYS: &[&str] = &["connect", "headers", "between_bytes"];

/// How long answers of upstreams count as fresh; zero asks every time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// What an upstream says of a package.
    pub metadata: Duration,
    /// That there is no such package.
    pub negative: Duration,
    /// The rows of a search.
    pub search: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            metadata: Duration::from_secs(600),
            negative: Duration::from_secs(60),
            search: Duration::from_secs(300),
        }
    }
}

impl Freshness {
    /// Reads the keys; those that are left out are as in `default`.
    pub(super) fn read(section: &mut Section<'_>, default: &Self) -> Result<Self, ConfigError> {
        Ok(Self {
            metadata: section.read("metadata", default.metadata)?,
            negative: section.read("negative", default.negative)?,
            search: section.read("search", default.search)?,
        })
    }
}

/// How long an upstream is waited for; never zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name resolution, connection and TLS.
    pub connect: Duration,
    /// From the request to the end of the answer's headers.
    pub headers: Duration,
    /// Between two pieces of the answer.
    pub between_bytes: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(3_500),
            headers: Duration::from_secs(20),
            between_bytes: Duration::from_secs(15),
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
        })
    }
}

fn wait(section: &mut Section<'_>, key: &'static str, default: Duration) -> Result<Duration, ConfigError> {
    section.read_if(key, default, |wait| {
        wait.is_zero().then(|| "must be longer than nothing".to_owned())
    })
}
