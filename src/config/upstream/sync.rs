//! `[upstream.sync]`: whether the list of all that an upstream has is kept known.

use std::time::Duration;

use toml::de::DeValue;

use crate::config::document::Section;
use crate::config::error::ConfigError;
use crate::config::value::{Value, quoted, text};

pub(in crate::config) const KEYS: &[&str] = &["metadata", "every"];

/// Whether the list of all that an upstream has is kept known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncConfig {
    /// What is learnt of its packages.
    pub metadata: SyncMetadata,
    /// How long after the end of a sync the next one is due; never zero.
    pub every: Duration,
}

/// What is learnt of an upstream's packages without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMetadata {
    /// Nothing.
    None,
    /// The latest release and the latest version of each id.
    Latest,
    /// All versions.
    All,
}

impl SyncConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            metadata: section.read("metadata", SyncMetadata::None)?,
            every: section.read_if("every", Duration::from_secs(24 * 3600), |every| {
                (*every < Duration::from_secs(60)).then(|| "must be a minute or longer".to_owned())
            })?,
        })
    }
}

impl Value for SyncMetadata {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match text(value)? {
            "none" => Ok(Self::None),
            "latest" => Ok(Self::Latest),
            "all" => Ok(Self::All),
            other => Err(format!("must be \"none\", \"latest\" or \"all\", not {other:?}")),
        }
    }

    fn show(&self) -> String {
        quoted(match self {
            Self::None => "none",
            Self::Latest => "latest",
            Self::All => "all",
        })
    }
}
