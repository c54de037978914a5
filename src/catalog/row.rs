//! The compact part of a record: what queries filter, order and count by, held in memory for every version.

use std::sync::Arc;

use super::{Instant, Text};
use crate::nuget::framework::Declared;
use crate::nuget::{NuGetVersion, PackageId, SemVerLevel};

/// One version of one id in one source, as queries see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The id, in this version's own spelling.
    pub id: PackageId,
    /// The version.
    pub version: NuGetVersion,
    /// The level a client must ask for to see it: its version's, or that of a dependency's range.
    pub level: SemVerLevel,
    /// Whether lists, searches and latest flags take part in it.
    pub listed: bool,
    /// When the version first appeared in its source.
    pub created: Instant,
    /// When it was published; feeds show 1900-01-01 for an unlisted version, this stays the true instant.
    pub published: Instant,
    /// When it was last changed, where the source tells.
    pub last_edited: Option<Instant>,
    /// When anything about it last changed; the Atom `updated`.
    pub last_updated: Instant,
    /// Downloads of all versions of the id, as the source counts them.
    pub download_count: u64,
    /// Downloads of this version, as the source counts them.
    pub version_download_count: u64,
    /// Size of the nupkg in bytes; 0 where the source does not tell.
    pub package_size: u64,
    /// Whether the community repository approved it; true for what is hosted here.
    pub approved: bool,
    /// The frameworks that its files are made for, where they say so; `None` for all, and where the files are not here.
    pub frameworks: Option<Arc<Declared>>,
    /// The display title.
    pub title: Option<Arc<Text>>,
    /// The description.
    pub description: Option<Arc<Text>>,
    /// The summary.
    pub summary: Option<Arc<Text>>,
    /// The tags, separated and padded by single blanks (` git vcs `): the form the classic filters expect.
    pub tags: Option<Arc<Text>>,
    /// The authors, as one text.
    pub authors: Option<Arc<Text>>,
}

/// Returns tags separated and padded by single blanks; an empty text stays empty.
#[must_use]
pub fn pad_tags(tags: &str) -> String {
    let mut padded = String::with_capacity(tags.len() + 2);
    for tag in tags.split_whitespace() {
        padded.push(' ');
        padded.push_str(tag);
    }
    if !padded.is_empty() {
        padded.push(' ');
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::pad_tags;

    #[test]
    fn tags_are_padded_once() {
        for (tags, padded) in [("", ""), ("  ", ""), ("git", " git "), (" git\n vcs ", " git vcs ")] {
            assert_eq!(pad_tags(tags), padded);
        }
    }
}
