//! How the mirror can fail, by what it means for whoever asked. Absent, failed and forbidden stay apart.

use std::sync::Arc;

use super::spool::SpoolError;
use crate::catalog::SourceName;
use crate::store::{IndexError, PackagesError};
use crate::upstream::UpstreamError;

/// Why there is no answer. Cheap to clone: those who waited for the same work get the same error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MirrorError {
    /// There is no such feed.
    #[error("there is no feed '{feed}'")]
    NoSuchFeed {
        /// The name that was asked for.
        feed: SourceName,
    },
    /// There is no such package, as far as everybody who may know was asked and answered.
    #[error("there is no package '{what}' here")]
    NotFound {
        /// Id, or id and version.
        what: String,
    },
    /// An upstream that may know could not be asked.
    #[error("the upstream '{upstream}' could not be asked for '{what}': {source}")]
    Upstream {
        /// The upstream.
        upstream: SourceName,
        /// Id, or id and version, or the search's words.
        what: String,
        /// Why.
        #[source]
        source: UpstreamError,
    },
    /// What an upstream sent is not what it announced, or no package.
    #[error("what the upstream '{upstream}' sent for '{what}' was refused: {reason}")]
    Rejected {
        /// The upstream.
        upstream: SourceName,
        /// Id and version.
        what: String,
        /// Why.
        reason: String,
    },
    /// The index failed.
    #[error(transparent)]
    Index(Arc<IndexError>),
    /// A package's files failed.
    #[error(transparent)]
    Packages(Arc<PackagesError>),
    /// A body could not be spooled.
    #[error(transparent)]
    Spool(Arc<SpoolError>),
    /// A task ended in a way that it should not.
    #[error("an internal task failed: {0}")]
    Internal(String),
}

impl From<SpoolError> for MirrorError {
    fn from(error: SpoolError) -> Self {
        Self::Spool(Arc::new(error))
    }
}

impl MirrorError {
    pub(super) fn index(error: IndexError) -> Self {
        Self::Index(Arc::new(error))
    }

    pub(super) fn packages(error: PackagesError) -> Self {
        Self::Packages(Arc::new(error))
    }

    pub(super) fn spool(error: SpoolError) -> Self {
        Self::Spool(Arc::new(error))
    }
}
