//! Handing a search on to the upstreams, so that what they find becomes known here.
//!
//! A query that fixes no id is answered from the view; before that, each upstream's own `Search()` is asked as far as the
//! asked page needs, or as far as it goes where the answers to a text are counted, and its rows join the view. What was
//! asked a short while ago is not asked again.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt as _;

use super::coalesce::Coalescer;
use super::lookup::in_time;
use super::query::scan;
use super::remembered::Remembered;
use super::served::Learnt;
use super::{Mirror, MirrorError, policy};
use crate::catalog::order::SortBy;
use crate::catalog::query::{Direction, Latest, Prerelease};
use crate::catalog::{Announced, Change, Column, Expression, Instant, Query, SearchTerms, SourceName};
use crate::nuget::{PackageId, SemVerLevel};
use crate::upstream::v2::SEARCH_PAGE;
use crate::upstream::{SearchOrder, UpstreamSearch, Urgency};
use crate::via;
use crate::view::FeedView;

/// How many pages of one upstream's search one request may ask for.
const PAGES_AT_A_TIME: u64 = 25;

/// One page of one upstream's search, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SearchKey {
    upstream: SourceName,
    terms: SearchTerms,
    order: SearchOrder,
    includes_prerelease: bool,
    latest: Option<Latest>,
    level: SemVerLevel,
    skip: u64,
}

/// What is searched for now, and what was a short while ago.
#[derive(Debug, Default)]
pub(super) struct Relays {
    running: Coalescer<SearchKey, Result<Option<u64>, MirrorError>>,
    done: Remembered<SearchKey, Done>,
}

#[derive(Debug, Clone, Copy)]
struct Done {
    at: Instant,
    next_skip: Option<u64>,
}

impl Mirror {
    /// Lets the feed's upstreams search for what a query needs. Returns the upstreams that could not.
    pub(super) async fn relay(
        &self,
        view: &Arc<FeedView>,
        query: &Query,
        hint: &SearchTerms,
    ) -> Result<Vec<MirrorError>, MirrorError> {
        let mut failures = Vec::new();
        for source in policy::upstreams_for_search(view, hint) {
            match self.relay_to(source, view, query, hint).await {
                Ok(()) => {}
                Err(failure @ MirrorError::Upstream { .. }) => failures.push(failure),
                Err(broken) => return Err(broken),
            }
        }
        Ok(failures)
    }

    async fn relay_to(
        &self,
        source: &SourceName,
        view: &Arc<FeedView>,
        query: &Query,
        hint: &SearchTerms,
    ) -> Result<(), MirrorError> {
        if !self.announces(source) {
            return Ok(());
        }
        // How far the pages before this one went is told by what is known to answer before it.
        let passed = if query.page.after.is_some() {
            scan(view, query, FeedView::passed).await?
        } else {
            0
        };
        // Clients page as far as the count says, so all that a search finds is counted; not all that the upstream has.
        let wanted = if query.page.wants_total && !hint.is_empty() {
            u64::MAX
        } else {
            passed
                .saturating_add(query.page.skip)
                .saturating_add(query.page.length())
        };
        let (mut skip, mut pages) = (Some(0), 0);
        while let Some(from) = skip.filter(|_| pages < PAGES_AT_A_TIME) {
            // One row more than wanted: a page that ends where the known rows end would look like the last one. What the
            // upstream finds need not answer the whole question, so far enough is where enough is known to answer.
            if from > wanted && self.count_known(view, query).await? > wanted {
                break;
            }
            let key = SearchKey {
                upstream: source.clone(),
                terms: hint.clone(),
                order: order_of(query),
                includes_prerelease: query.prerelease == Prerelease::Include,
                latest: query.latest,
                level: query.level,
                skip: from,
            };
            skip = if let Some(done) = self.searched(&key) {
                done.next_skip
            } else {
                pages += 1;
                let (mirror, asked) = (self.clone(), key.clone());
                let work = move || {
                    via::carried(async move {
                        // A search that ended since somebody found none has brought it.
                        match mirror.searched(&asked) {
                            Some(done) => Ok(done.next_skip),
                            None => mirror.search(asked).await,
                        }
                    })
                    .boxed()
                };
                self.inner
                    .relays
                    .running
                    .run(key, work, |lost| Err(lost.into()))
                    .await?
            };
        }
        Ok(())
    }

    /// Counts what is known to answer a query, on all its pages.
    async fn count_known(&self, view: &Arc<FeedView>, query: &Query) -> Result<u64, MirrorError> {
        let known = self.answer(view, &query.counted(), Learnt::nothing()).await?;
        Ok(known.total)
    }

    /// Returns what a page led to that was asked for a short while ago.
    fn searched(&self, key: &SearchKey) -> Option<Done> {
        let done = self.inner.relays.done.recall(key);
        done.filter(|done| self.is_recent(done.at, self.lifetimes(&key.upstream).search))
    }

    /// Asks for one page and keeps its rows. Returns where the next page begins.
    async fn search(&self, key: SearchKey) -> Result<Option<u64>, MirrorError> {
        let source = &key.upstream;
        let Some(upstream) = self.inner.upstreams.get(source) else {
            return Ok(None);
        };
        let search = UpstreamSearch {
            terms: key.terms.clone(),
            order: key.order,
            prerelease: if key.includes_prerelease {
                Prerelease::Include
            } else {
                Prerelease::Exclude
            },
            latest: key.latest,
            level: key.level,
            skip: key.skip,
            top: SEARCH_PAGE,
        };
        let answer = in_time(source, upstream.search(&search, &Urgency::default())).await;
        self.heard(source, &answer);
        let found = answer.map_err(|error| MirrorError::upstream(source, key.terms.to_string(), error))?;
        let count = found.items.len();
        let mut by_id: HashMap<PackageId, Vec<Announced>> = HashMap::new();
        for announced in found.items {
            by_id.entry(announced.id.clone()).or_default().push(announced);
        }
        for (id, mentioned) in by_id {
            self.keep_announced(source, &id, &mentioned, Change::Mention).await?;
        }
        tracing::debug!(upstream.name = %source, found = count, skip = key.skip, "searched at the upstream");
        let next_skip = found.next_skip;
        self.inner.relays.done.remember(
            key,
            Done {
                at: self.inner.clock.now(),
                next_skip,
            },
        );
        Ok(next_skip)
    }
}

/// Returns in which of the orders that galleries agree on an upstream tells first what the answer shows first. Where the most
/// relevant versions come first that is the most downloaded ones: what galleries themselves find relevant has pages that
/// shift (chocolatey/choco#1004).
fn order_of(query: &Query) -> SearchOrder {
    let order = query.total_order();
    let Some(first) = order.first() else {
        return SearchOrder::Id;
    };
    match &first.by {
        SortBy::Rank => SearchOrder::Downloads,
        SortBy::Value(Expression::Column(Column::DownloadCount)) if first.direction == Direction::Descending => {
            SearchOrder::Downloads
        }
        _ => SearchOrder::Id,
    }
}
