//! Whether what a list says of an id is enough, or all of the id's versions must be asked for. Pure.

use super::SyncMode;
use crate::catalog::query::Latest;
use crate::catalog::{Record, Row};
use crate::nuget::SemVerLevel;

/// What a list says of an id, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    /// The version that the list has.
    pub(super) row: &'a Row,
    /// Which list it is.
    pub(super) latest: Latest,
    /// All that is known of the id at the upstream.
    pub(super) known: &'a [Record],
    /// Whether all versions of the id were ever asked for.
    pub(super) was_looked_up: bool,
}

/// Returns whether all versions of the id are needed.
#[must_use]
pub(super) fn needs_all(said: &Said<'_>, mode: SyncMode) -> bool {
    let known = said.known.iter().find(|known| known.row.version == said.row.version);
    // A higher one that is known here was unlisted there, or went.
    let outranks = |other: &Record| {
        let takes_part = other.row.listed && (said.latest == Latest::Absolute || !other.row.version.is_prerelease());
        takes_part && other.row.version > said.row.version
    };
    if said.known.iter().any(outranks) {
        return true;
    }
    let is_news = known.is_none_or(|known| {
        (known.row.published, known.row.listed) != (said.row.published, said.row.listed) || !said.was_looked_up
    });
    match mode {
        SyncMode::All => is_news,
        // Older clients do not see it: what the latest is for them, this list does not tell.
        SyncMode::Latest => is_news && said.row.level == SemVerLevel::Two,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{instant, record, row};

    #[test]
    fn all_versions_are_asked_for_where_the_list_does_not_tell_enough() {
        let (both, none) = ((true, true), (false, false));
        for (known, was_looked_up, said, latest, expected) in [
            ("", false, "1.0", Latest::Stable, (false, true)),
            ("1.0", true, "1.0", Latest::Stable, none),
            ("1.0", false, "1.0", Latest::Stable, (false, true)),
            ("1.0", true, "1.1", Latest::Stable, (false, true)),
            ("1.0 1.1", true, "1.0", Latest::Stable, both),
            ("1.0 1.1-beta", true, "1.0", Latest::Stable, none),
            ("1.0 1.1-beta", true, "1.0", Latest::Absolute, both),
            ("1.0 !1.1", true, "1.0", Latest::Stable, none),
            ("!1.0", true, "1.0", Latest::Stable, (false, true)),
            ("", false, "1.0+meta", Latest::Stable, both),
            ("1.0+meta", true, "1.0+meta", Latest::Stable, none),
        ] {
            let known: Vec<Record> = known
                .split_whitespace()
                .map(|text| {
                    let mut row = row("git", text.trim_start_matches('!'));
                    row.listed = !text.starts_with('!');
                    record(row, Vec::new())
                })
                .collect();
            let row = row("git", said);
            let said_of_it = Said {
                row: &row,
                latest,
                known: &known,
                was_looked_up,
            };
            let needs = [SyncMode::Latest, SyncMode::All].map(|mode| needs_all(&said_of_it, mode));
            assert_eq!((needs[0], needs[1]), expected, "{said} of {known:?}");
        }
    }

    #[test]
    fn a_version_that_was_published_again_is_news() {
        let mut row = row("git", "1.0");
        let known = [record(row.clone(), Vec::new())];
        row.published = instant("2026-03-02");
        let said = Said {
            row: &row,
            latest: Latest::Stable,
            known: &known,
            was_looked_up: true,
        };
        assert!(needs_all(&said, SyncMode::All));
        assert!(!needs_all(&said, SyncMode::Latest));
    }
}
