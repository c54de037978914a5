//! What an upstream's packages may take on disk.

use crate::config::document::Section;
use crate::config::error::ConfigError;
use crate::config::pattern::IdPattern;
use crate::config::units::ByteSize;

/// What an upstream's packages may take on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheConfig {
    /// The most bytes; `None` for any number.
    pub max_bytes: Option<ByteSize>,
    /// Ids whose packages stay, whatever is needed.
    pub pinned: Vec<IdPattern>,
}

impl CacheConfig {
    /// Reads the keys `max_bytes` and `pinned` of an upstream.
    pub(super) fn read(section: &mut Section<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            max_bytes: section.optional("max_bytes", "no limit")?,
            pinned: section.read("pinned", Vec::new())?,
        })
    }
}
