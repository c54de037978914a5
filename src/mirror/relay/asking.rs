//! What upstreams are asked, each question once for all who need it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;

use super::stream::{End, Page, SearchKey, Stream, Told};
use super::walk::{Lane, Narrow};
use super::{Mirror, MirrorError};
use crate::catalog::order::SortBy;
use crate::catalog::query::Direction;
use crate::catalog::{Announced, Change, Column, Expression, PassedFilter, Query, Relayed, SearchTerms, SourceName};
use crate::mirror::lookup::in_time;
use crate::nuget::PackageId;
use crate::upstream::v2::SEARCH_PAGE;
use crate::upstream::{BadAnswer, SearchOrder, UpstreamError, UpstreamSearch, Urgency};
use crate::via;
use crate::view::FeedView;

/// How long an upstream is not asked again with a filter of a shape that it has refused.
const REFUSAL_LIFETIME: Duration = Duration::from_secs(6 * 3600);

/// So many rows, none of which passes the filter that the upstream was asked with: it does not look at filters.
const IGNORANT_ROWS: u64 = 10;

impl Mirror {
    /// Returns how an upstream is asked for a query: with the filter where it may take that, else with words.
    pub(super) fn lane(&self, source: &SourceName, query: &Query, relayed: &Relayed) -> Lane {
        let is_taken = |filter: &&PassedFilter| {
            let refused = self
                .inner
                .relays
                .refusals
                .recall(&(source.clone(), filter.shape.clone()));
            refused.is_none_or(|at| !self.is_recent(at, REFUSAL_LIFETIME))
        };
        if let Some(filter) = relayed.filter.as_ref().filter(is_taken) {
            let stream = self.stream(source, query, &relayed.terms, Some(&filter.text));
            return Lane::new(source.clone(), stream, Narrow::No);
        }
        let (stream, narrow) = self.words(source, query, relayed);
        Lane::new(source.clone(), stream, narrow)
    }

    /// Returns the search for words, and whether it may find less than the query does.
    fn words(&self, source: &SourceName, query: &Query, relayed: &Relayed) -> (Arc<Stream>, Narrow) {
        let (terms, narrow) = if relayed.terms.is_empty() && !relayed.words.is_empty() {
            (&relayed.words, Narrow::Words)
        } else {
            (&relayed.terms, Narrow::No)
        };
        (self.stream(source, query, terms, None), narrow)
    }

    /// Returns a search at an upstream, which others may have begun a short while ago.
    fn stream(&self, source: &SourceName, query: &Query, terms: &SearchTerms, filter: Option<&str>) -> Arc<Stream> {
        let search = UpstreamSearch {
            terms: terms.clone(),
            filter: filter.map(str::to_owned),
            order: order_of(query),
            prerelease: query.prerelease,
            latest: query.latest,
            level: query.level,
            skip: 0,
            top: SEARCH_PAGE,
        };
        let upstream = source.clone();
        let key = SearchKey { upstream, search };
        let mut streams = self.inner.relays.streams();
        if let Some(stream) = streams.get(&key)
            && self.is_recent(stream.begun(), self.lifetimes(source).search)
        {
            return Arc::clone(stream);
        }
        let stream = Arc::new(Stream::new(key.clone(), self.inner.clock.now()));
        streams.put(key, Arc::clone(&stream));
        stream
    }

    /// Asks an upstream for the next page of its part in an answer, in another way where it does not take this one.
    pub(super) async fn advance(
        &self,
        lane: &Lane,
        view: &FeedView,
        query: &Query,
        relayed: &Relayed,
    ) -> Result<(), MirrorError> {
        let stream = lane.stream();
        self.reconsider(lane, &stream, view, query, relayed);
        let stream = lane.stream();
        self.next_page(&stream).await?;
        self.reconsider(lane, &stream, view, query, relayed);
        Ok(())
    }

    /// Turns to words where an upstream turns out not to take the filter.
    fn reconsider(&self, lane: &Lane, stream: &Arc<Stream>, view: &FeedView, query: &Query, relayed: &Relayed) {
        let Some(filter) = &relayed.filter else { return };
        let (next, pages, rows, first) = {
            let progress = stream.progress();
            (
                progress.next,
                progress.pages,
                progress.rows,
                Arc::clone(&progress.first),
            )
        };
        let finds_any = || view.finds(query, &first) > 0;
        let turn = |narrow: Option<Narrow>| {
            let (words, of_words) = self.words(&lane.source, query, relayed);
            lane.turn(stream, words, narrow.unwrap_or(of_words));
        };
        let has_filter = stream.key().search.filter.is_some();
        if has_filter && next == Err(End::Refused) {
            self.refuse(&lane.source, filter);
            turn(None);
        } else if has_filter && pages == 1 && rows == 0 {
            // Some find nothing where they do not understand.
            turn(Some(Narrow::Doubt));
        } else if has_filter && pages == 1 && rows >= IGNORANT_ROWS && !finds_any() {
            self.refuse(&lane.source, filter);
            turn(None);
        } else if !has_filter && pages > 0 && lane.narrow() == Narrow::Doubt {
            let is_misunderstood = finds_any();
            if is_misunderstood {
                self.refuse(&lane.source, filter);
            }
            let is_narrow = is_misunderstood && relayed.terms.is_empty() && !relayed.words.is_empty();
            lane.settle_doubt(if is_narrow { Narrow::Words } else { Narrow::No });
        }
    }

    fn refuse(&self, source: &SourceName, filter: &PassedFilter) {
        let key = (source.clone(), filter.shape.clone());
        tracing::info!(upstream.name = %source, shape = filter.shape, "the upstream does not take such filters; it is searched for words for a while");
        self.inner.relays.refusals.remember(key, self.inner.clock.now());
    }

    /// Asks for the next page of a search, once for all who need it.
    async fn next_page(&self, stream: &Arc<Stream>) -> Result<(), MirrorError> {
        while let Some(skip) = stream.next_skip() {
            let mut key = stream.key().clone();
            key.search.skip = skip;
            let (mirror, asked, taker) = (self.clone(), key.clone(), Arc::clone(stream));
            let work = move || {
                via::carried(async move {
                    // Somebody may have brought it since it was found missing.
                    if taker.next_skip() != Some(skip) {
                        return Ok(None);
                    }
                    let page = Arc::new(mirror.ask(&asked).await?);
                    taker.absorb(skip, &page);
                    Ok(Some(page))
                })
                .boxed()
            };
            let asking = &self.inner.relays.asking;
            match asking.run(key, work, |lost| Err(lost.into())).await {
                Ok(Some(page)) => {
                    stream.absorb(skip, &page);
                    return Ok(());
                }
                // It was brought for another search of the same, or for this one.
                Ok(None) => {
                    if stream.next_skip() != Some(skip) {
                        return Ok(());
                    }
                }
                Err(error) => {
                    stream.fail();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Asks for one page and keeps its rows.
    async fn ask(&self, key: &SearchKey) -> Result<Page, MirrorError> {
        let (source, search) = (&key.upstream, &key.search);
        let Some(upstream) = self.inner.upstreams.get(source) else {
            return Ok(Page::Refused);
        };
        let answer = in_time(source, upstream.search(search, &Urgency::default())).await;
        if let Err(error) = &answer
            && goes_no_further(search, error)
        {
            tracing::debug!(upstream.name = %source, skip = search.skip, %error, "the upstream does not take the question");
            return Ok(Page::Refused);
        }
        self.heard(source, &answer);
        let found = answer.map_err(|error| MirrorError::upstream(source, search.terms.to_string(), error))?;
        let rows: Vec<_> = found
            .items
            .iter()
            .map(|announced| (announced.id.clone(), announced.version.clone()))
            .collect();
        let downloads = found.items.last().map_or(0, downloads);
        let mut by_id: HashMap<PackageId, Vec<Announced>> = HashMap::new();
        for announced in found.items {
            by_id.entry(announced.id.clone()).or_default().push(announced);
        }
        for (id, mentioned) in by_id {
            self.keep_announced(source, &id, &mentioned, Change::Mention).await?;
        }
        tracing::debug!(upstream.name = %source, found = rows.len(), skip = search.skip, "searched at the upstream");
        Ok(Page::Rows {
            rows,
            downloads,
            next_skip: found.next_skip,
        })
    }

    /// Returns how many rows an upstream says that a search has; `None` where it does not say.
    pub(super) async fn told(&self, lane: &Lane) -> Option<u64> {
        let stream = lane.stream();
        let told = stream.progress().told;
        match told {
            Told::Rows(rows) => return Some(rows),
            Told::Nothing => return None,
            Told::Unasked => {}
        }
        let key = stream.key().clone();
        let (mirror, asked) = (self.clone(), key.clone());
        let work = move || via::carried(async move { mirror.ask_count(&asked).await }).boxed();
        let counting = &self.inner.relays.counting;
        let counted = counting.run(key, work, |lost| Err(lost.into())).await;
        match counted {
            Ok(counted) => {
                stream.progress().told = counted.map_or(Told::Nothing, Told::Rows);
                counted
            }
            Err(_) => None,
        }
    }

    async fn ask_count(&self, key: &SearchKey) -> Result<Option<u64>, MirrorError> {
        let (source, search) = (&key.upstream, &key.search);
        let Some(upstream) = self.inner.upstreams.get(source) else {
            return Ok(None);
        };
        match in_time(source, upstream.count(search, &Urgency::default())).await {
            Ok(count) => Ok(Some(count)),
            Err(error @ (UpstreamError::NotFound { .. } | UpstreamError::BadAnswer { .. })) => {
                tracing::debug!(upstream.name = %source, %error, "the upstream does not say how much there is");
                Ok(None)
            }
            Err(error) => Err(MirrorError::upstream(source, search.terms.to_string(), error)),
        }
    }
}

/// Returns whether an answer says that an upstream does not take a filter, or goes no further in a search.
fn goes_no_further(search: &UpstreamSearch, error: &UpstreamError) -> bool {
    let is_status = |error: &UpstreamError| {
        matches!(
            error,
            UpstreamError::BadAnswer {
                answer: BadAnswer::Status(_),
                ..
            }
        )
    };
    (search.filter.is_some() && error.is_refusal()) || (search.skip > 0 && (error.is_refusal() || is_status(error)))
}

fn downloads(announced: &Announced) -> u64 {
    let told = announced.entry.property("DownloadCount");
    told.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
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
