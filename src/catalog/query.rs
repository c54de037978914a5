//! A question about packages, free of any wire format: which rows, in which order, which page of them.

use std::cmp::Ordering;
use std::sync::Arc;

use super::columns::Column;
use super::expression::{Expression, Work};
use super::order::Position;
use super::{SearchTerms, Updates};
use crate::limits::MAX_QUICK_WORK;
use crate::nuget::framework::Targets;
use crate::nuget::{PackageId, SemVerLevel};

/// Which versions take part before any filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listing {
    /// Listed and unlisted ones: sets, `FindPackagesById` and the key form.
    All,
    /// Listed ones alone: searches.
    ListedOnly,
}

/// Whether versions with labels take part before any filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prerelease {
    /// All versions.
    Include,
    /// Releases alone.
    Exclude,
}

/// One of the two latest flags, where the whole filter can only be true for rows that carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Latest {
    /// `IsLatestVersion`: the highest listed release.
    Stable,
    /// `IsAbsoluteLatestVersion`: the highest listed version.
    Absolute,
}

/// Rising or falling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Lowest first.
    Ascending,
    /// Highest first.
    Descending,
}

impl Direction {
    /// Turns an ordering round where this falls.
    #[must_use]
    pub const fn apply(self, ordering: Ordering) -> Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

/// One key of an asked order; [`Query::total_order`] makes it total.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderKey {
    /// What is compared; a row alone tells it.
    pub by: Expression,
    /// Which way.
    pub direction: Direction,
}

/// The part of an answer that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The place in the order behind which the part begins; `None` for the beginning.
    pub after: Option<Position>,
    /// Rows to pass over from there.
    pub skip: u64,
    /// The most rows that are wanted in all (`$top`); `None` for all of them.
    pub top: Option<u64>,
    /// The most rows of one answer; what lies beyond is reached by a next link.
    pub size: u64,
    /// Whether the number of rows on all pages is wanted: they must all be looked at then.
    pub wants_total: bool,
}

impl Page {
    /// Returns the part that is the first few rows.
    #[must_use]
    pub fn first(rows: u64) -> Self {
        Self {
            after: None,
            skip: 0,
            top: Some(rows),
            size: rows,
            wants_total: false,
        }
    }

    /// Returns the most rows that this part can have.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.top.map_or(self.size, |top| top.min(self.size))
    }
}

/// A question about the packages of one feed.
#[derive(Debug, Clone)]
pub struct Query {
    /// The only ids that can answer, where the question fixes them; each once.
    pub ids: Option<Vec<PackageId>>,
    /// The level that the client reads; higher versions do not exist for it.
    pub level: SemVerLevel,
    /// Which versions take part.
    pub listing: Listing,
    /// Which versions take part.
    pub prerelease: Prerelease,
    /// The flag that every answering row carries, where the filter implies one.
    pub latest: Option<Latest>,
    /// What a search looks for.
    pub terms: SearchTerms,
    /// The frameworks that a version must be usable for.
    pub targets: Targets,
    /// What is installed, where updates of it alone answer.
    pub updates: Option<Updates>,
    /// The whole filter, evaluated on every candidate.
    pub filter: Option<Expression>,
    /// The asked order; empty for the usual one.
    pub order: Vec<OrderKey>,
    /// The asked page.
    pub page: Page,
    /// What evaluating the filter is charged to; clones of a question share it. Once it is spent, nothing that was found
    /// is an answer.
    pub work: Arc<Work>,
}

impl Query {
    /// Returns whether this is answered in a moment: it fixes ids, and evaluating what else it asks takes little. Anything
    /// else is work for another thread.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        /// More than most ids have versions.
        const VERSIONS: u64 = 64;
        let steps = self.filter.as_ref().map_or(1, Expression::expected_steps);
        let rows = self.ids.as_ref().map(|ids| VERSIONS.saturating_mul(ids.len() as u64));
        rows.is_some_and(|rows| rows.saturating_mul(steps) <= MAX_QUICK_WORK)
    }

    /// Returns the question how many versions answer this one on all its pages, and none of them.
    #[must_use]
    pub fn counted(&self) -> Self {
        let by_id = OrderKey {
            by: Column::Id.into(),
            direction: Direction::Ascending,
        };
        Self {
            order: vec![by_id],
            page: Page {
                wants_total: true,
                ..Page::first(0)
            },
            ..self.clone()
        }
    }
}
