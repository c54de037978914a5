//! A page of an answer: what is known, and what upstreams find as far as the page needs it, in one order.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use futures::future::join_all;

use super::agreement::Agreement;
use super::list::Begin;
use super::stream::End;
use super::walk::{Lane, Narrow, Walk};
use super::{Gap, Joined, Mirror, MirrorError, PAGES_AT_A_TIME};
use crate::catalog::query::{Latest, Page};
use crate::catalog::{Query, Relayed};
use crate::view::{Cut, Edition, FeedView, Hit};

/// What one request asks of upstreams for an answer.
pub(super) struct Run {
    pub(super) walk: Arc<Walk>,
    pub(super) lanes: Vec<RunLane>,
}

/// What one request asks of one upstream.
pub(super) struct RunLane {
    pub(super) lane: Arc<Lane>,
    /// How many pages may be asked for yet.
    pub(super) budget: u64,
    pub(super) failure: Option<MirrorError>,
}

impl RunLane {
    /// Returns whether the upstream may have more, and may be asked for it.
    pub(super) fn can_go_on(&self) -> bool {
        self.failure.is_none() && self.budget > 0 && self.lane.is_open()
    }

    fn is_unheard(&self) -> bool {
        self.can_go_on() && self.lane.stream().progress().pages == 0
    }

    /// Returns whether no row that this upstream has yet belongs before `hit`, the first of `wanted` rows being there.
    fn settles(&self, agreement: Agreement, hit: &Hit, latest: Option<Latest>, wanted: usize) -> bool {
        if !self.can_go_on() {
            return true;
        }
        let stream = self.lane.stream();
        let progress = stream.progress();
        if agreement == Agreement::None {
            // No order tells: as many rows as are shown are looked at of each upstream.
            return progress.rows >= wanted as u64;
        }
        let row = &hit.member().row;
        progress
            .edge
            .as_ref()
            .is_some_and(|edge| agreement.settles(edge, row, latest))
    }
}

impl Run {
    pub(super) fn new(walk: &Arc<Walk>) -> Self {
        let lanes = walk.lanes.iter().map(|lane| RunLane {
            lane: Arc::clone(lane),
            budget: PAGES_AT_A_TIME,
            failure: None,
        });
        Self {
            lanes: lanes.collect(),
            walk: Arc::clone(walk),
        }
    }

    /// Returns how far each upstream's search has come, whoever asked for it.
    fn heard(&self) -> Vec<(u64, Result<u64, End>)> {
        let heard = |lane: &RunLane| {
            let stream = lane.lane.stream();
            let progress = stream.progress();
            (progress.pages, progress.next)
        };
        self.lanes.iter().map(heard).collect()
    }

    /// Returns what an answer may lack, where a page is all that is told of it.
    pub(super) fn gaps(&self, cut: &Cut<Hit>, query: &Query) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for RunLane { lane, failure, .. } in &self.lanes {
            let source = || lane.source.clone();
            if lane.narrow() == Narrow::Words {
                gaps.push(Gap::Words(source()));
            }
            let stream = lane.stream();
            let progress = stream.progress();
            let is_short = (cut.rows.len() as u64) < query.page.length();
            let reaches_end = !cut.is_more || query.page.wants_total;
            match progress.next {
                Err(End::Cut) if reaches_end => gaps.push(Gap::Ceiling(source(), progress.rows)),
                Ok(_) if is_short && failure.is_none() => gaps.push(Gap::NotAll(source(), progress.rows)),
                _ => {}
            }
        }
        gaps
    }

    pub(super) fn into_failures(self) -> Vec<MirrorError> {
        self.lanes.into_iter().filter_map(|lane| lane.failure).collect()
    }
}

/// Returns the question for the first few rows of an answer.
pub(super) fn first_rows(query: &Query, count: usize) -> Query {
    Query {
        page: Page::first(count as u64),
        // Each look has the whole budget.
        work: Arc::default(),
        ..query.clone()
    }
}

impl Mirror {
    /// Makes the page that a query asks for.
    pub(super) async fn join(
        &self,
        view: &Arc<FeedView>,
        query: &Query,
        relayed: &Relayed,
        run: &mut Run,
    ) -> Result<Joined, MirrorError> {
        let length = usize::try_from(query.page.length()).unwrap_or(usize::MAX);
        let walk = Arc::clone(&run.walk);
        // Where an upstream could not be asked, what follows is tried again; and once at most in a request.
        let mut is_full_enough = !walk.is_troubled();
        loop {
            let edition = view.edition(None);
            let (begin, shown, is_whole) = {
                let list = walk.list();
                (list.begin(query), list.len(), list.whole_in == Some(edition.mark))
            };
            let (from, end) = match begin {
                Begin::At(from) => (from, from.saturating_add(length)),
                Begin::Beyond => (shown, shown.saturating_add(length)),
            };
            let has_page = begin == Begin::At(from) && shown > end;
            if is_full_enough && (has_page || is_whole) {
                match self.shown(view, query, &walk, (from, length), edition).await? {
                    Some(joined) => return Ok(joined),
                    None => continue,
                }
            }
            is_full_enough = true;
            let unheard = run.lanes.iter_mut().filter(|lane| lane.is_unheard()).collect();
            if self.advance_all(unheard, view, query, relayed).await? {
                continue;
            }
            let is_open = run.lanes.iter().any(|lane| lane.lane.is_open());
            let may_go_on = run
                .lanes
                .iter()
                .any(|lane| lane.failure.is_none() && lane.lane.is_open());
            let is_done = self.extend(view, query, relayed, run, (shown, end)).await?;
            if is_done {
                if !is_open {
                    walk.list().whole_in = Some(edition.mark);
                }
                loop {
                    let from = match walk.list().begin(query) {
                        Begin::At(from) => from,
                        Begin::Beyond => usize::MAX,
                    };
                    let joined = self.shown(view, query, &walk, (from, length), edition).await?;
                    let Some(mut joined) = joined else { continue };
                    joined.cut.is_more |= !joined.cut.rows.is_empty() && may_go_on;
                    return Ok(joined);
                }
            }
        }
    }

    /// Puts further rows behind those that an answer has, up to one more than the page needs; asks upstreams for more where they
    /// may have what belongs before. Returns whether nobody can tell any more.
    async fn extend(
        &self,
        view: &Arc<FeedView>,
        query: &Query,
        relayed: &Relayed,
        run: &mut Run,
        (shown, end): (usize, usize),
    ) -> Result<bool, MirrorError> {
        let walk = Arc::clone(&run.walk);
        let need = end.saturating_add(1).saturating_sub(shown);
        let heard = run.heard();
        let known = self.cut(view, &first_rows(query, shown.saturating_add(need))).await?;
        let blocking: Vec<bool> = {
            let mut list = walk.list();
            // Others read the same answer: what they have brought or shown meanwhile is not in what was looked at.
            if list.len() != shown || run.heard() != heard {
                return Ok(false);
            }
            let mut fresh: Vec<Hit> = known.rows.into_iter().filter(|hit| !list.has(hit)).take(need).collect();
            let agreement = Agreement::of(&query.total_order());
            let is_settled = |lane: &RunLane, hit: &Hit| lane.settles(agreement, hit, query.latest, end);
            let is_ready = |hit: &Hit| run.lanes.iter().all(|lane| is_settled(lane, hit));
            let ready = fresh.iter().take_while(|hit| is_ready(hit)).count();
            let unsettled = fresh.split_off(ready);
            list.push(fresh);
            if ready == need {
                return Ok(false);
            }
            // One more row than the page has is only to know that there is one: those who stand before it wait for no other.
            let blocks =
                |lane: &RunLane| lane.can_go_on() && unsettled.first().is_none_or(|hit| !is_settled(lane, hit));
            let blocking: Vec<bool> = run.lanes.iter().map(blocks).collect();
            if !blocking.contains(&true) {
                let is_enough = unsettled.len() + ready == need;
                list.push(unsettled);
                return Ok(!is_enough);
            }
            blocking
        };
        let lanes = run.lanes.iter_mut().zip(blocking);
        let lanes = lanes.filter_map(|(lane, blocks)| blocks.then_some(lane)).collect();
        self.advance_all(lanes, view, query, relayed).await?;
        Ok(false)
    }

    /// Asks upstreams for their next pages, all at once. Returns whether there were any to ask.
    pub(super) async fn advance_all(
        &self,
        lanes: Vec<&mut RunLane>,
        view: &Arc<FeedView>,
        query: &Query,
        relayed: &Relayed,
    ) -> Result<bool, MirrorError> {
        let has_any = !lanes.is_empty();
        let asked = lanes.into_iter().map(|run| async move {
            run.budget -= 1;
            match self.advance(&run.lane, view, query, relayed).await {
                Ok(()) => Ok(()),
                Err(failure @ MirrorError::Upstream { .. }) => {
                    run.failure = Some(failure);
                    Ok(())
                }
                Err(broken) => Err(broken),
            }
        });
        for asked in join_all(asked).await {
            asked?;
        }
        Ok(has_any)
    }

    /// Returns the page as it is shown; `None` where rows of it went meanwhile, so that others take their places.
    async fn shown(
        &self,
        view: &Arc<FeedView>,
        query: &Query,
        walk: &Walk,
        (from, length): (usize, usize),
        edition: Edition,
    ) -> Result<Option<Joined>, MirrorError> {
        let (hits, shifts) = walk.list().rows(from, length);
        let now_hits = self.settle_each(view.revisit(query, &hits), query).await?;
        let mut list = walk.list();
        if !list.renew((from, shifts), now_hits) {
            return Ok(None);
        }
        let end = from.saturating_add(length);
        list.show(end, self.inner.clock.now());
        let mut cut = Cut::new(&query.page);
        (cut.rows, _) = list.rows(from, length);
        cut.is_more = list.len() > end;
        cut.total = list.len() as u64;
        // The same rows of the same feed are the same page, whoever has read how far.
        let mut mark = DefaultHasher::new();
        (edition.mark, cut.is_more).hash(&mut mark);
        for hit in &cut.rows {
            (hit.id(), &hit.member().row.version).hash(&mut mark);
        }
        let edition = Edition {
            mark: mark.finish(),
            changed: edition.changed.max(walk.begun),
        };
        Ok(Some(Joined { cut, edition }))
    }
}
