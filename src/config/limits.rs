//! `[limits]`: how much of anything is accepted. Limits that nobody has a reason to change live in the modules that need
//! them.

use std::time::Duration;

use super::document::Section;
use super::error::ConfigError;
use super::units::ByteSize;

pub(super) const KEYS: &[&str] = &[
    "max_package",
    "max_zip_entries",
    "max_inflated",
    "max_inflation_ratio",
    "max_nuspec",
    "max_feed_page",
    "max_next_links",
    "max_url",
    "max_rendered",
    "max_wait",
];

/// How much of anything is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest nupkg.
    pub max_package: ByteSize,
    /// Files in one nupkg: 1 to 65533.
    pub max_zip_entries: u32,
    /// Bytes of all files of one nupkg, inflated.
    pub max_inflated: ByteSize,
    /// Inflated bytes for each packed one: 1 to 1032.
    pub max_inflation_ratio: u32,
    /// The largest nuspec, inflated.
    pub max_nuspec: ByteSize,
    /// The largest page of an upstream's feed, inflated.
    pub max_feed_page: ByteSize,
    /// Next links followed for one question to an upstream.
    pub max_next_links: u32,
    /// The longest request address.
    pub max_url: ByteSize,
    /// Memory for entries that are kept as answers show them.
    pub max_rendered: ByteSize,
    /// How long a client waits for the first byte of a package that is being fetched; never zero.
    pub max_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_package: ByteSize::from_mib(350),
            max_zip_entries: 65_533,
            max_inflated: ByteSize::from_mib(4 << 10),
            max_inflation_ratio: 200,
            max_nuspec: ByteSize::from_mib(3),
            max_feed_page: ByteSize::from_mib(10),
            max_next_links: 100,
            max_url: ByteSize::from_kib(32),
            max_rendered: ByteSize::from_mib(64),
            max_wait: Duration::from_secs(90),
        }
    }
}

impl Limits {
    pub(super) fn read(section: &mut Section<'_>) -> Result<Self, ConfigError> {
        let default = Self::default();
        Ok(Self {
            max_package: size(section, "max_package", default.max_package)?,
            max_zip_entries: count(section, "max_zip_entries", default.max_zip_entries, 65_533)?,
            max_inflated: size(section, "max_inflated", default.max_inflated)?,
            max_inflation_ratio: count(section, "max_inflation_ratio", default.max_inflation_ratio, 1_032)?,
            max_nuspec: size(section, "max_nuspec", default.max_nuspec)?,
            max_feed_page: size(section, "max_feed_page", default.max_feed_page)?,
            max_next_links: count(section, "max_next_links", default.max_next_links, 10_000)?,
            max_url: size(section, "max_url", default.max_url)?,
            max_rendered: size(section, "max_rendered", default.max_rendered)?,
            max_wait: section.read_if("max_wait", default.max_wait, |wait| {
                wait.is_zero().then(|| "must be longer than nothing".to_owned())
            })?,
        })
    }
}

/// Below this a limit stops everything: the least is 1 KiB.
fn size(section: &mut Section<'_>, key: &'static str, default: ByteSize) -> Result<ByteSize, ConfigError> {
    let least = ByteSize::from_kib(1);
    section.read_if(key, default, |size| {
        (*size < least).then(|| format!("must be {least} or more, not {size}"))
    })
}

fn count(section: &mut Section<'_>, key: &'static str, default: u32, most: u32) -> Result<u32, ConfigError> {
    section.read_if(key, default, |count| {
        (!(1..=most).contains(count)).then(|| format!("must be from 1 to {most}, not {count}"))
    })
}
