//! How far an answer is settled by what upstreams have told so far, in the order in which they were asked. Pure.

use super::stream::Edge;
use crate::catalog::order::{SortBy, SortKey};
use crate::catalog::query::{Direction, Latest};
use crate::catalog::{Column, Expression, Row};
use crate::nuget::PackageId;

/// How the order of an answer agrees with the one that upstreams are asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    /// By id, the same on both sides.
    ById,
    /// By downloads and then by id.
    ByDownloads,
    /// The answer's order is one that no upstream is asked in.
    None,
}

impl Agreement {
    pub(super) fn of(order: &[SortKey]) -> Self {
        let is_id = |key: Option<&SortKey>| {
            key.is_some_and(|key| key.by == SortBy::Id && key.direction == Direction::Ascending)
        };
        let is_downloads = |key: &SortKey| {
            key.by == SortBy::Value(Expression::Column(Column::DownloadCount)) && key.direction == Direction::Descending
        };
        match order.first() {
            first if is_id(first) => Self::ById,
            Some(first) if is_downloads(first) && is_id(order.get(1)) => Self::ByDownloads,
            _ => Self::None,
        }
    }

    /// Returns whether no row that comes behind the edge of a search belongs before this one. Of an id that is shown with all its
    /// versions others may follow.
    pub(super) fn settles(self, edge: &Edge, row: &Row, latest: Option<Latest>) -> bool {
        let is_up_to = |id: &PackageId| id < &edge.id || (latest.is_some() && *id == edge.id);
        match self {
            Self::ById => is_up_to(&row.id),
            Self::ByDownloads => {
                row.download_count > edge.downloads || (row.download_count == edge.downloads && is_up_to(&row.id))
            }
            Self::None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::row;

    #[test]
    fn orders_agree_by_their_first_keys() {
        use Direction::{Ascending, Descending};
        let downloads = || SortBy::Value(Column::DownloadCount.into());
        for (order, expected) in [
            (
                vec![(SortBy::Id, Ascending), (SortBy::Version, Descending)],
                Agreement::ById,
            ),
            (
                vec![(SortBy::Id, Ascending), (SortBy::Version, Ascending)],
                Agreement::ById,
            ),
            (
                vec![(downloads(), Descending), (SortBy::Id, Ascending)],
                Agreement::ByDownloads,
            ),
            (
                vec![(downloads(), Descending), (SortBy::Version, Ascending)],
                Agreement::None,
            ),
            (vec![(downloads(), Ascending), (SortBy::Id, Ascending)], Agreement::None),
            (vec![(SortBy::Id, Descending)], Agreement::None),
            (
                vec![(SortBy::Rank, Ascending), (downloads(), Descending)],
                Agreement::None,
            ),
        ] {
            let keys = order.into_iter().map(|(by, direction)| SortKey { by, direction });
            let keys: Vec<SortKey> = keys.collect();
            assert_eq!(Agreement::of(&keys), expected, "{keys:?}");
        }
    }

    #[test]
    fn rows_up_to_the_edge_are_settled() {
        let edge = Edge {
            id: "git".parse().unwrap(),
            downloads: 10,
        };
        let with = |id: &str, download_count| Row {
            download_count,
            ..row(id, "1.0")
        };
        for (id, downloads, by_id, by_downloads) in [
            ("a", 10, true, true),
            ("a", 9, true, false),
            ("git", 10, true, true),
            ("z", 10, false, false),
            ("z", 11, false, true),
        ] {
            let row = with(id, downloads);
            let settles = |agreement: Agreement| agreement.settles(&edge, &row, Some(Latest::Stable));
            assert_eq!(settles(Agreement::ById), by_id, "{id} {downloads}");
            assert_eq!(settles(Agreement::ByDownloads), by_downloads, "{id} {downloads}");
            assert!(!settles(Agreement::None));
        }
        let same = with("GIT", 10);
        assert!(
            !Agreement::ById.settles(&edge, &same, None),
            "other versions may follow"
        );
    }
}
