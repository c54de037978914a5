//! Whether a version answers a query, by its row alone, and how relevant it is.
//!
//! A scan meets the same texts again and again: most versions of an id share their description. So what depends on texts alone
//! is looked at once for each run of versions that share theirs, and last; what costs little is looked at first.

use std::sync::Arc;

use crate::catalog::columns::Column;
use crate::catalog::expression::Verdict;
use crate::catalog::query::{Listing, Prerelease};
use crate::catalog::search::{Matcher, Rank};
use crate::catalog::{Columns, Expression, Member, Query, Row, Text};

/// A query that is ready to be asked of many versions.
pub(super) struct Judge<'q> {
    query: &'q Query,
    search: Option<Search<'q>>,
    /// The filter's conditions that must all hold, those over texts last.
    conditions: Vec<Condition<'q>>,
}

/// What a version that answers, or may answer, is to the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answering {
    pub(super) rank: Rank,
    /// Whether the record must say if it answers at all.
    pub(super) is_deferred: bool,
}

struct Search<'q> {
    matcher: Matcher<'q>,
    last: Option<(Texts, Option<Rank>)>,
}

struct Condition<'q> {
    expression: &'q Expression,
    is_over_texts: bool,
    last: Option<(Texts, Verdict)>,
}

/// The identity of all that searches look at; rows that share it differ in numbers, flags, instants and versions alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Texts {
    id: *const u8,
    texts: [*const Text; 5],
}

impl Texts {
    fn of(row: &Row) -> Self {
        let texts = [&row.title, &row.description, &row.summary, &row.tags, &row.authors];
        Self {
            id: row.id.as_str().as_ptr(),
            texts: texts.map(|text| text.as_ref().map_or(std::ptr::null(), Arc::as_ptr)),
        }
    }
}

impl<'q> Judge<'q> {
    pub(super) fn new(query: &'q Query) -> Self {
        let search = (!query.terms.is_empty()).then(|| Search {
            matcher: Matcher::new(&query.terms),
            last: None,
        });
        // A conjunction is false for a version as soon as one of its conditions is false or null.
        let conditions = match &query.filter {
            None => &[][..],
            Some(Expression::All(conditions)) => conditions,
            Some(condition) => std::slice::from_ref(condition),
        };
        let mut conditions: Vec<Condition<'q>> = conditions
            .iter()
            .map(|expression| Condition {
                expression,
                is_over_texts: expression.all_columns(&is_shared_text),
                last: None,
            })
            .collect();
        conditions.sort_by_key(|condition| condition.is_over_texts);
        Self {
            query,
            search,
            conditions,
        }
    }

    /// Judges a version; `None` where it does not answer.
    pub(super) fn judge(&mut self, member: &Member) -> Option<Answering> {
        let query = self.query;
        if !takes_part(query, member) {
            return None;
        }
        let mut is_deferred = false;
        for condition in &mut self.conditions {
            match condition.verdict(member, query) {
                Verdict::True => {}
                Verdict::False => return None,
                Verdict::Deferred => is_deferred = true,
            }
        }
        let rank = match &mut self.search {
            None => Rank::Elsewhere,
            Some(search) => search.rank(&member.row)?,
        };
        Some(Answering { rank, is_deferred })
    }
}

/// Returns whether a version takes part before any search or filter.
pub(super) fn takes_part(query: &Query, member: &Member) -> bool {
    member.level() <= query.level
        && (query.listing == Listing::All || member.is_listed())
        && (query.prerelease == Prerelease::Include || !member.is_prerelease())
        && (query.targets.is_empty() || query.targets.accept(member.row.frameworks.as_deref()))
}

impl Search<'_> {
    fn rank(&mut self, row: &Row) -> Option<Rank> {
        let texts = Texts::of(row);
        match self.last {
            Some((last, rank)) if last == texts => rank,
            _ => {
                let rank = self.matcher.rank(row);
                self.last = (!self.matcher.depends_on_version()).then_some((texts, rank));
                rank
            }
        }
    }
}

impl Condition<'_> {
    fn verdict(&mut self, member: &Member, query: &Query) -> Verdict {
        let judge = || {
            self.expression
                .verdict(&Columns::of(member, query.level).with_work(&query.work))
        };
        if !self.is_over_texts {
            return judge();
        }
        let texts = Texts::of(&member.row);
        match self.last {
            Some((last, verdict)) if last == texts => verdict,
            _ => {
                let verdict = judge();
                self.last = Some((texts, verdict));
                verdict
            }
        }
    }
}

/// Returns whether versions that share their texts share the column's value.
fn is_shared_text(column: Column) -> bool {
    matches!(
        column,
        Column::Id
            | Column::Title
            | Column::TitleOrId
            | Column::Description
            | Column::Summary
            | Column::Tags
            | Column::Authors
    )
}
