//! A question about packages, free of any wire format: which rows, in which order, which page of them.

use std::sync::Arc;

use crate::catalog::expression::{Expression, Work};
use crate::nuget::{PackageId, SemVerLevel};

/// Which versions take part before any filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Listed and unlisted ones: sets, `FindPackagesById` and the key form.
    All,
    /// Listed ones alone: searches.
    ListedOnly,
}

/// Whether versions with labels take part before any filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// One key of an order. Ties of all keys are broken by id ignoring case, then by version, highest first.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderKey {
    /// What is compared, with [`order`](crate::catalog::expression::order); a row alone tells it.
    pub by: Expression,
    /// Which way.
    pub direction: Direction,
}

/// Words that all must occur in a package's id, title, tags, description, summary or authors, ignoring case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchTerms {
    /// The words, lower-cased, none empty.
    pub words: Vec<String>,
}

impl SearchTerms {
    /// Splits a search text at white space; a trailing `*` of a word is dropped (`OneGet` sends one).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let words = text
            .split_whitespace()
            .map(|word| word.trim_end_matches('*').to_lowercase())
            .filter(|word| !word.is_empty())
            .collect();
        Self { words }
    }
}

/// The part of an answer that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Rows to pass over.
    pub skip: u64,
    /// The most rows that are wanted in all (`$top`); `None` for all of them.
    pub top: Option<u64>,
    /// The most rows of one answer; what lies beyond is reached by a next link.
    pub size: u64,
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
    /// The search text's words.
    pub terms: SearchTerms,
    /// The whole filter, evaluated on every candidate.
    pub filter: Option<Expression>,
    /// The asked order.
    pub order: Vec<OrderKey>,
    /// The asked page.
    pub page: Page,
    /// What evaluating the filter is charged to; clones of a question share it. Once it is spent, nothing that was found
    /// is an answer.
    pub work: Arc<Work>,
}
