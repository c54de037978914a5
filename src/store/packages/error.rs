//! Why a package file could not be read or written.

use std::io;

use super::MAX_SIDECAR_BYTES;

/// Why a package file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// The file is not there.
    #[error("{path} is missing")]
    Missing {
        /// Where it should be.
        path: String,
    },
    /// The file is not the package: it was cut, or lengthened.
    #[error("{path} is {found} bytes long, not {expected}")]
    Length {
        /// The file.
        path: String,
        /// Its length.
        found: u64,
        /// The package's length.
        expected: u64,
    },
    /// The store does not keep files that can be read at any place.
    #[error("{path} does not lie in the file system; only a local store can be reindexed and verified")]
    NotAFile {
        /// The object.
        path: String,
    },
    /// The store failed.
    #[error("cannot {action} {path}: {source}")]
    Store {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// Why it failed.
        #[source]
        source: object_store::Error,
    },
    /// Reading or writing failed on the way.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The sidecar is none.
    #[error("{path} is no sidecar: {source}")]
    Sidecar {
        /// The sidecar.
        path: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The sidecar is larger than any that is written here.
    #[error("{path} is no sidecar: it is {bytes} bytes long, more than {MAX_SIDECAR_BYTES}")]
    HugeSidecar {
        /// The sidecar.
        path: String,
        /// Its length.
        bytes: u64,
    },
}
