//! How the mirror can fail, by what it means for whoever asked. Absent, failed and forbidden stay apart.

use std::sync::Arc;
use std::time::Duration;

use super::spool::SpoolError;
use crate::catalog::SourceName;
use crate::store::{IndexError, PackagesError};
use crate::upstream::{ErrorKind, UpstreamError};

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
    /// The filter takes too long to evaluate.
    #[error(
        "$filter is too costly for this many packages: narrow it by Id eq 'x' or IsLatestVersion, or take replace and concat away"
    )]
    TooCostly,
    /// An upstream that may know could not be asked.
    #[error("the upstream '{upstream}' could not be asked for '{what}': {source}")]
    Upstream {
        /// The upstream.
        upstream: SourceName,
        /// Id, or id and version, or the search's words.
        what: String,
        /// What is wrong with it.
        trouble: Trouble,
        /// Why.
        #[source]
        source: Box<UpstreamError>,
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
    /// It is coming, but not soon enough for whoever waits.
    #[error("'{what}' is still on its way from its upstream after {} seconds; ask again for it", patience.as_secs())]
    Slow {
        /// Id and version.
        what: String,
        /// How long was waited.
        patience: Duration,
    },
    /// Too many wait for the same.
    #[error("too many clients wait for the same already; ask again later")]
    Crowded,
    /// The index failed.
    #[error(transparent)]
    Index(Arc<IndexError>),
    /// A package's files failed.
    #[error(transparent)]
    Packages(Arc<PackagesError>),
    /// A body could not be spooled.
    #[error(transparent)]
    Spool(Arc<SpoolError>),
    /// Something that must not happen did: a task panicked, or a file that was kept is not what it was.
    #[error("{0}")]
    Internal(String),
}

/// What is wrong with an upstream that could not be asked, for whoever must say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, or says that it cannot answer now.
    Unavailable {
        /// When to ask again, where it says so.
        retry_after: Option<Duration>,
    },
    /// It is not asked, for larder is offline.
    Offline,
    /// It did not answer in time.
    Overdue,
    /// It asks whoever asks it.
    Loop,
    /// It answered, but with a refusal or with something that is no answer.
    Useless,
}

impl Trouble {
    pub(super) fn of(error: &UpstreamError) -> Self {
        match error.kind() {
            ErrorKind::Unavailable if error.is_offline() => Self::Offline,
            ErrorKind::Unavailable if error.is_timeout() => Self::Overdue,
            ErrorKind::Unavailable => Self::Unavailable {
                retry_after: error.retry_after(),
            },
            ErrorKind::BadAnswer if error.is_loop() => Self::Loop,
            ErrorKind::Refused | ErrorKind::BadAnswer | ErrorKind::NotFound => Self::Useless,
        }
    }
}

impl From<SpoolError> for MirrorError {
    fn from(error: SpoolError) -> Self {
        Self::Spool(Arc::new(error))
    }
}

impl MirrorError {
    pub(super) fn upstream(upstream: &SourceName, what: impl Into<String>, source: UpstreamError) -> Self {
        Self::Upstream {
            upstream: upstream.clone(),
            what: what.into(),
            trouble: Trouble::of(&source),
            source: Box::new(source),
        }
    }

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
