//! `[storage]`: where the data lie.

use std::path::{Path, PathBuf};

use super::document::Section;
use super::error::ConfigError;
use super::units::ByteSize;

pub(super) const KEYS: &[&str] = &["data", "index_cache"];

const SMALLEST_CACHE: ByteSize = ByteSize::from_mib(1);

/// Where the data lie.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// The directory of packages, index, state and spool; a relative one was joined to the file's directory.
    pub data: PathBuf,
    /// Memory for the index's cache.
    pub index_cache: ByteSize,
}

impl StorageConfig {
    pub(super) fn read(section: &mut Section<'_>, base_dir: &Path) -> Result<Self, ConfigError> {
        Ok(Self {
            data: base_dir.join(section.read("data", PathBuf::from("data"))?),
            index_cache: section.read_if("index_cache", ByteSize::from_mib(128), |size| {
                (*size < SMALLEST_CACHE).then(|| format!("must be {SMALLEST_CACHE} or more, not {size}"))
            })?,
        })
    }

    /// Returns the directory of nupkgs and sidecars.
    #[must_use]
    pub fn packages_dir(&self) -> PathBuf {
        self.data.join("packages")
    }

    /// Returns the directory of the index, which can be rebuilt.
    #[must_use]
    pub fn index_dir(&self) -> PathBuf {
        self.data.join("index")
    }

    /// Returns the directory of accounts and logs.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.data.join("state")
    }

    /// Returns the directory of bodies in flight, emptied at start.
    #[must_use]
    pub fn spool_dir(&self) -> PathBuf {
        self.data.join("spool")
    }
}
