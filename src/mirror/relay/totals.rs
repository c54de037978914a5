//! How many rows an answer has on all its pages, where not all of them have been looked at.

use std::sync::Arc;

use super::join::{Run, RunLane};
use super::list::Total;
use super::{Gap, Mirror, MirrorError};
use crate::catalog::query::Listing;
use crate::catalog::{Expression, Query, Relayed};
use crate::mirror::query::scan;
use crate::upstream::v2::SEARCH_PAGE;
use crate::view::FeedView;

impl Mirror {
    /// Counts the rows of an answer. All that a search finds is looked at, for clients page as far as the count says, and of
    /// everything that an upstream has as much as a request may ask for; beyond that it is believed what it says of itself.
    pub(super) async fn total(
        &self,
        view: &Arc<FeedView>,
        query: &Query,
        relayed: &Relayed,
        run: &mut Run,
    ) -> Result<Total, MirrorError> {
        let is_search = relayed.shown().any(|terms| !terms.is_empty());
        loop {
            let mut going_on = Vec::new();
            for lane in &mut run.lanes {
                if lane.can_go_on() && (is_search || self.is_in_reach(lane).await) {
                    going_on.push(lane);
                }
            }
            if !self.advance_all(going_on, view, query, relayed).await? {
                break;
            }
        }
        let heard = run.lanes.iter().map(|lane| lane.lane.stream().progress().rows).sum();
        let of = (view.edition(None).mark, heard);
        if let Some(total) = run.walk.list().total.clone().filter(|total| total.of == of) {
            return Ok(total);
        }
        let (rows, gap) = self.count(view, query, run, is_search).await?;
        let total = Total { of, rows, gap };
        run.walk.list().total = Some(total.clone());
        Ok(total)
    }

    /// Returns whether the rest of an upstream's rows are few enough to be asked for.
    async fn is_in_reach(&self, run: &RunLane) -> bool {
        let (pages, rows) = {
            let stream = run.lane.stream();
            let progress = stream.progress();
            (progress.pages, progress.rows)
        };
        if pages == 0 {
            return true;
        }
        let told = self.told(&run.lane).await;
        told.is_none_or(|told| told.saturating_sub(rows) <= run.budget.saturating_mul(SEARCH_PAGE))
    }

    async fn count(
        &self,
        view: &Arc<FeedView>,
        query: &Query,
        run: &Run,
        is_search: bool,
    ) -> Result<(u64, Option<Gap>), MirrorError> {
        let counted = Query {
            work: Arc::default(),
            ..query.counted()
        };
        let open = run
            .lanes
            .iter()
            .filter(|lane| lane.failure.is_none() && lane.lane.is_open());
        // A row alone does not tell who of these answers, and of an upstream's rows not which of them are known.
        let needs_record = query.filter.as_ref().is_some_and(Expression::needs_record);
        let mut tally = if needs_record {
            let known = self.cut(view, &counted).await?;
            [(view.shape().name.clone(), known.total)].into()
        } else {
            scan(view, &counted, FeedView::tally).await?
        };
        let mut gap = None;
        for lane in open {
            let Some(told) = self.told(&lane.lane).await else {
                gap = Some(Gap::AtLeast);
                continue;
            };
            gap = gap.or(Some(Gap::Estimate));
            let unheard = told.saturating_sub(lane.lane.stream().progress().rows);
            let known = tally.entry(lane.lane.source.clone()).or_default();
            // What an upstream lists when it is asked for everything is what is known of it, and more of the same; where it
            // searches in another way, or does not list all, they may be different rows.
            let lists_the_same =
                !is_search && !needs_record && (query.listing == Listing::ListedOnly || query.latest.is_some());
            *known = if lists_the_same {
                told.max(*known)
            } else {
                known.saturating_add(unheard)
            };
        }
        Ok((tally.values().sum(), gap))
    }
}
