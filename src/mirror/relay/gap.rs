//! What an answer may lack, as clients are told.

use std::fmt;

use crate::catalog::SourceName;

/// Why an answer may lack rows, or a number be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// An upstream takes no such filter and was searched for whole words.
    Words(SourceName),
    /// An upstream goes no further in one search than so many rows.
    Ceiling(SourceName, u64),
    /// An upstream's search is only known so far, in rows: a question asks for no more than some pages at a time.
    NotAll(SourceName, u64),
    /// An upstream is never asked for searches.
    NotAsked(SourceName),
    /// Galleries list what is listed; versions that are not are known where somebody asked for their id.
    Unlisted,
    /// The number of rows is made of what upstreams say, and of what is known.
    Estimate,
    /// The number of rows is that of those that are known.
    AtLeast,
}

impl Gap {
    /// Returns whether a later answer to the same question, with nothing changed, may be another one.
    #[must_use]
    pub(in super::super) fn may_close(&self) -> bool {
        !matches!(self, Self::Words(_) | Self::NotAsked(_) | Self::Unlisted)
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(upstream) => write!(
                f,
                "this may be incomplete: the upstream '{upstream}' does not take this filter and was searched for whole words"
            ),
            Self::Ceiling(upstream, rows) => write!(
                f,
                "this may be incomplete: the upstream '{upstream}' lists no more than {rows} rows of this search"
            ),
            Self::NotAll(upstream, rows) => write!(
                f,
                "this may be incomplete: only the first {rows} rows of the upstream '{upstream}' were looked through so far"
            ),
            Self::NotAsked(upstream) => write!(
                f,
                "this may be incomplete: the upstream '{upstream}' is not asked for searches, what is known of it was searched"
            ),
            Self::Unlisted => f.write_str(
                "this may be incomplete: unlisted versions are shown where somebody asked for their id before",
            ),
            Self::Estimate => f.write_str("the number of packages is an estimate: not all of them were looked at"),
            Self::AtLeast => f.write_str("the number of packages is that of the known ones: there may be more"),
        }
    }
}
