//! From a query to the versions that answer it, in order.
//!
//! A plan only narrows which groups and members are looked at; the whole filter is evaluated on every candidate, so an
//! answer is exact whatever the plan. What rows cannot tell is left to the caller, who has the records.
//!
//! A scan stops where the page is full and nobody wants the total, if it goes in the order of the answer; in other orders it
//! keeps no more than the page needs.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::FeedView;
use super::best::Best;
use super::judge::{Judge, takes_part};
use super::page::{Cut, Side};
use crate::catalog::expression::Verdict;
use crate::catalog::order::{Position, SortBy, SortKey, SortValue};
use crate::catalog::query::Direction;
use crate::catalog::search::Rank;
use crate::catalog::{Columns, Group, Member, Query, Record, SourceName};

/// One version that answers, or may answer, a query.
#[derive(Debug, Clone)]
pub struct Hit {
    pub(super) group: Arc<Group>,
    pub(super) at: usize,
    pub(super) rank: Rank,
    /// Whether the record must say if it answers at all.
    pub is_deferred: bool,
    /// Where it lies.
    pub side: Side,
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

    /// Returns the place right behind this version in the order of the answer.
    #[must_use]
    pub fn position(&self, query: &Query) -> Position {
        let columns = Columns::of(self.member(), query.level);
        Position::behind(&query.total_order(), &columns, self.rank)
    }
}

impl FeedView {
    /// Returns the page that a query asks for, where rows alone can answer it: where its filter needs no record.
    #[must_use]
    pub fn page(&self, query: &Query) -> Cut<Hit> {
        let groups = self.looked_at(query);
        let scan = Scan::new(&groups, query);
        let cut = if scan.is_natural {
            scan.cut_in_order()
        } else {
            scan.cut_the_best()
        };
        cut.map(|candidate| scan.hit(candidate))
    }

    /// Returns the versions that answer a query unless their record says otherwise ([`Hit::settle`]), in the order of the
    /// answer. Those before the page are among them where the total is wanted.
    #[must_use]
    pub fn candidates(&self, query: &Query) -> Vec<Hit> {
        let groups = self.looked_at(query);
        let scan = Scan::new(&groups, query);
        let mut found = Vec::new();
        scan.each(|candidate| {
            if query.page.wants_total || candidate.side == Side::Behind {
                found.push(candidate);
            }
            true
        });
        if !scan.is_natural {
            found.sort_unstable_by(|one, two| scan.compare(one, two));
        }
        found.into_iter().map(|candidate| scan.hit(candidate)).collect()
    }

    /// Returns how many versions answer, or may answer, a query on all its pages, by the source that answers for them.
    #[must_use]
    pub fn tally(&self, query: &Query) -> HashMap<SourceName, u64> {
        let groups = self.looked_at(query);
        let scan = Scan::new(&groups, query);
        let mut tally: HashMap<SourceName, u64> = HashMap::new();
        scan.each_of(0, |candidate| {
            let Some(member) = scan.member(&candidate) else {
                return true;
            };
            match tally.get_mut(&member.source) {
                Some(count) => *count += 1,
                None => {
                    tally.insert(member.source.clone(), 1);
                }
            }
            true
        });
        tally
    }

    fn looked_at(&self, query: &Query) -> Arc<[Arc<Group>]> {
        let Some(ids) = &query.ids else {
            return self.groups();
        };
        let mut groups: Vec<_> = ids.iter().filter_map(|id| self.group(id)).collect();
        groups.sort_by(|a, b| a.id().cmp(&b.id()));
        groups.dedup_by(|a, b| Arc::ptr_eq(a, b));
        groups.into()
    }
}

/// A version that answers, while it is only one of many.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// What the first keys of the order have, as far as it fits: no lesser one is behind a greater one.
    prefix: u64,
    group: u32,
    at: u32,
    rank: Rank,
    is_deferred: bool,
    side: Side,
}

/// One query over some groups, which come in the order of their ids.
struct Scan<'a> {
    groups: &'a [Arc<Group>],
    query: &'a Query,
    order: Vec<SortKey>,
    /// Whether the groups and their members come in the order of the answer.
    is_natural: bool,
    /// Whether the first key is a column of whole numbers.
    is_by_number: bool,
}

impl<'a> Scan<'a> {
    fn new(groups: &'a [Arc<Group>], query: &'a Query) -> Self {
        let order = query.total_order();
        let is_natural = matches!(
            order.as_slice(),
            [
                SortKey {
                    by: SortBy::Id,
                    direction: Direction::Ascending
                },
                SortKey {
                    by: SortBy::Version,
                    direction: Direction::Descending
                }
            ]
        );
        let is_number = |key: &SortKey| {
            groups
                .first()
                .and_then(|group| key.number(&group.members().first()?.row))
                .is_some()
        };
        Self {
            groups,
            query,
            is_by_number: order.first().is_some_and(is_number),
            order,
            is_natural,
        }
    }

    /// Cuts the page out of groups that come in the order of the answer.
    fn cut_in_order(&self) -> Cut<Candidate> {
        let mut cut = Cut::new(&self.query.page);
        self.each(|candidate| {
            cut.add(candidate, candidate.side);
            !cut.is_done()
        });
        cut
    }

    /// Cuts the page out of groups that come in another order.
    fn cut_the_best(&self) -> Cut<Candidate> {
        let mut cut = Cut::new(&self.query.page);
        let compare = |one: &Candidate, two: &Candidate| self.compare(one, two);
        let mut best = Best::new(cut.reach());
        let mut found = 0;
        self.each(|candidate| {
            found += 1;
            if candidate.side == Side::Behind {
                best.add(candidate, &compare);
            }
            true
        });
        for candidate in best.finish(&compare) {
            cut.add(candidate, candidate.side);
        }
        cut.total = found;
        cut
    }

    /// Hands over every version that answers, or may answer, until it is told to stop; without those before the page where
    /// they need not be looked at.
    fn each(&self, take: impl FnMut(Candidate) -> bool) {
        let page = &self.query.page;
        let begins_at = match page.after.as_ref().map(Position::values) {
            Some([SortValue::Text(id), ..]) if self.is_natural && !page.wants_total => self
                .groups
                .partition_point(|group| group.id().is_some_and(|known| known.lower() < id.as_ref())),
            _ => 0,
        };
        self.each_of(begins_at, take);
    }

    fn each_of(&self, begins_at: usize, mut take: impl FnMut(Candidate) -> bool) {
        let mut judge = Judge::new(self.query);
        for (number, group) in self.groups.iter().enumerate().skip(begins_at) {
            if self.query.work.is_spent() {
                break;
            }
            // At most one version of a group is the latest.
            let looked_at = match self.query.latest {
                Some(latest) => group.latest_at(latest, self.query.level).map_or(0..0, |at| at..at + 1),
                None => 0..group.members().len(),
            };
            let first = looked_at.start;
            let members = group.members().get(looked_at).unwrap_or_default();
            let updates = self.query.updates.as_ref();
            let updates = updates.map(|updates| updates.among(group, |member| takes_part(self.query, member)));
            for (at, member) in members.iter().enumerate() {
                if updates.as_ref().is_some_and(|updates| !updates.contains(&(first + at))) {
                    continue;
                }
                let Some(answering) = judge.judge(member) else { continue };
                let (Ok(number), Ok(at)) = (u32::try_from(number), u32::try_from(first + at)) else {
                    continue;
                };
                let candidate = Candidate {
                    prefix: if self.is_natural {
                        0
                    } else {
                        self.prefix(member, number, answering.rank)
                    },
                    group: number,
                    at,
                    rank: answering.rank,
                    is_deferred: answering.is_deferred,
                    side: self.side(member, answering.rank),
                };
                if !take(candidate) {
                    return;
                }
            }
        }
    }

    fn side(&self, member: &Member, rank: Rank) -> Side {
        match &self.query.page.after {
            Some(after) if !after.is_before(&self.order, &self.columns(member), rank) => Side::Before,
            _ => Side::Behind,
        }
    }

    fn prefix(&self, member: &Member, number: u32, rank: Rank) -> u64 {
        let Some(key) = self.order.first() else { return 0 };
        let prefix = match key.by {
            SortBy::Value(_) if self.is_by_number => key.number(&member.row).unwrap_or_default(),
            // Of the most relevant ones the most downloaded come first.
            SortBy::Rank => return ((rank as u64) << 56) | (!member.row.download_count >> 8),
            SortBy::Id => u64::from(number),
            _ => key.value(&self.columns(member), rank).prefix(),
        };
        match key.direction {
            Direction::Ascending => prefix,
            Direction::Descending => !prefix,
        }
    }

    /// Compares two versions as the answer has them.
    fn compare(&self, one: &Candidate, two: &Candidate) -> Ordering {
        let by_prefix = one.prefix.cmp(&two.prefix);
        if by_prefix.is_ne() || self.is_natural {
            return by_prefix.then_with(|| (one.group, one.at).cmp(&(two.group, two.at)));
        }
        // A number is its own prefix: those that have the same are told apart by the keys behind it.
        for key in self.order.iter().skip(usize::from(self.is_by_number)) {
            let ordering = match key.by {
                SortBy::Id => one.group.cmp(&two.group),
                // Within a group the highest version stands first.
                SortBy::Version if one.group == two.group => two.at.cmp(&one.at),
                _ => self.value(key, one).cmp(&self.value(key, two)),
            };
            if ordering.is_ne() {
                return key.direction.apply(ordering);
            }
        }
        Ordering::Equal
    }

    fn value(&self, key: &SortKey, candidate: &Candidate) -> SortValue<'a> {
        self.member(candidate).map_or(SortValue::Null, |member| {
            key.value(&self.columns(member), candidate.rank)
        })
    }

    fn columns(&self, member: &'a Member) -> Columns<'a> {
        Columns::of(member, self.query.level)
    }

    fn hit(&self, candidate: Candidate) -> Hit {
        let Candidate {
            group,
            at,
            rank,
            is_deferred,
            side,
            ..
        } = candidate;
        #[expect(clippy::indexing_slicing, reason = "made from these groups' own positions")]
        Hit {
            group: Arc::clone(&self.groups[group as usize]),
            at: at as usize,
            rank,
            is_deferred,
            side,
        }
    }

    fn member(&self, candidate: &Candidate) -> Option<&'a Member> {
        let group = self.groups.get(candidate.group as usize)?;
        group.members().get(candidate.at as usize)
    }
}
