//! From a query to the versions that answer it, in order.
//!
//! A plan only narrows which groups and members are looked at; the whole filter is evaluated on every candidate, so an
//! answer is exact whatever the plan. What rows cannot tell is left to the caller, who has the records.

use std::cmp::Ordering;
use std::sync::Arc;

use super::FeedView;
use crate::catalog::expression::{Verdict, order};
use crate::catalog::query::{Direction, Listing, OrderKey, Page, Prerelease, SearchTerms};
use crate::catalog::{Columns, Group, Member, Query, Record, Row};

/// One version that answers, or may answer, a query.
#[derive(Debug, Clone)]
pub struct Hit {
    group: Arc<Group>,
    at: usize,
    /// Whether the record must say if it answers at all.
    pub is_deferred: bool,
}

impl Hit {
    /// Returns the version.
    #[must_use]
    pub fn member(&self) -> &Member {
        #[expect(
            clippy::indexing_slicing,
            reason = "made from this group's own positions; a group never changes"
        )]
        &self.group.members()[self.at]
    }

    /// Lets the record of a deferred version say whether it answers. A version whose record has gone meanwhile does not.
    #[must_use]
    pub fn settle(self, query: &Query, record: Option<&Record>) -> Option<Self> {
        let columns = Columns::of(self.member(), query.level).with_work(&query.work);
        let (record, filter) = record.zip(query.filter.as_ref())?;
        let answers = filter.verdict(&columns.with_record(record)) == Verdict::True;
        answers.then_some(Self {
            is_deferred: false,
            ..self
        })
    }
}

/// The versions that answer a query, unless their record says otherwise ([`Hit::settle`]); by id, highest version first.
#[derive(Debug)]
pub struct Candidates {
    /// The versions.
    pub hits: Vec<Hit>,
    /// Whether an order key asks for what only records know.
    pub order_needs_records: bool,
}

impl FeedView {
    /// Returns the candidates of a query.
    #[must_use]
    pub fn candidates(&self, query: &Query) -> Candidates {
        let groups = match &query.ids {
            Some(ids) => {
                let mut groups: Vec<_> = ids.iter().filter_map(|id| self.group(id)).collect();
                groups.sort_by(|a, b| a.id().cmp(&b.id()));
                groups.dedup_by(|a, b| Arc::ptr_eq(a, b));
                groups
            }
            None => self.groups(),
        };
        let mut hits = Vec::new();
        for group in groups {
            if query.work.is_spent() {
                break;
            }
            // At most one version of a group is the latest, and it stands among the first.
            let looked_at = match query.latest {
                Some(latest) => group.latest_at(latest, query.level).map_or(0..0, |at| at..at + 1),
                None => 0..group.members().len(),
            };
            for (at, member) in group
                .members()
                .iter()
                .enumerate()
                .take(looked_at.end)
                .skip(looked_at.start)
            {
                let verdict = verdict(query, member);
                if verdict != Verdict::False {
                    let is_deferred = verdict == Verdict::Deferred;
                    hits.push(Hit {
                        group: Arc::clone(&group),
                        at,
                        is_deferred,
                    });
                }
            }
        }
        let order_needs_records = query.order.iter().any(|key| key.by.needs_record());
        Candidates {
            hits,
            order_needs_records,
        }
    }
}

impl Candidates {
    /// Puts the versions in the asked order and cuts the page out. `records` are those of the hits, in their order, where the
    /// order needs them.
    #[must_use]
    pub fn page(self, query: &Query, records: &[Option<Record>]) -> (Vec<Hit>, u64) {
        let with_record = |(at, hit)| (hit, records.get(at).and_then(Option::as_ref));
        let mut answers: Vec<(Hit, Option<&Record>)> = self.hits.into_iter().enumerate().map(with_record).collect();
        if !query.order.is_empty() {
            // Stable: ties keep the order by id and version that the candidates come in.
            answers.sort_by(|a, b| compare(query, a, b));
        }
        let total = answers.len() as u64;
        let Page { skip, top, size } = query.page;
        let take = top.map_or(size, |top| top.min(size));
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let take = usize::try_from(take).unwrap_or(usize::MAX);
        (
            answers.into_iter().skip(skip).take(take).map(|(hit, _)| hit).collect(),
            total,
        )
    }
}

/// Judges a version by its row.
fn verdict(query: &Query, member: &Member) -> Verdict {
    let row = &member.row;
    let is_out = row.level > query.level
        || (query.listing == Listing::ListedOnly && !row.listed)
        || (query.prerelease == Prerelease::Exclude && row.version.is_prerelease())
        || !matches_terms(&query.terms, row);
    match &query.filter {
        _ if is_out => Verdict::False,
        None => Verdict::True,
        Some(filter) => filter.verdict(&Columns::of(member, query.level).with_work(&query.work)),
    }
}

fn matches_terms(terms: &SearchTerms, row: &Row) -> bool {
    let texts = [&row.title, &row.tags, &row.summary, &row.authors, &row.description];
    terms.words.iter().all(|word| {
        let contains = |text: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
        contains(row.id.lower()) || texts.into_iter().flatten().any(|text| contains(text.lower()))
    })
}

fn compare(query: &Query, one: &(Hit, Option<&Record>), two: &(Hit, Option<&Record>)) -> Ordering {
    let (one, two) = (columns(query, one), columns(query, two));
    for OrderKey { by, direction } in &query.order {
        let ordering = order(&by.evaluate(&one), &by.evaluate(&two));
        let ordering = if *direction == Direction::Descending {
            ordering.reverse()
        } else {
            ordering
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

fn columns<'a>(query: &Query, (hit, record): &'a (Hit, Option<&'a Record>)) -> Columns<'a> {
    Columns {
        record: *record,
        ..Columns::of(hit.member(), query.level)
    }
}
