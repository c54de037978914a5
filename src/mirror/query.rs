//! Answering a query: what is known, after upstreams were asked for what the query needs.

use std::sync::Arc;

use super::learn::Need;
use super::relay::{Gap, Joined, Joining};
use super::served::{Learnt, Served, Standing};
use super::{Mirror, MirrorError};
use crate::catalog::expression::Work;
use crate::catalog::order::Position;
use crate::catalog::query::Latest;
use crate::catalog::{Expression, Member, Query, Record, Relayed, Row, SourceName};
use crate::nuget::SemVerLevel;
use crate::store::RecordKey;
use crate::view::{Cut, Edition, FeedView, Hit};

/// How many records are held at a time while they are asked whether their versions answer.
const RECORDS_AT_A_TIME: usize = 100;

/// One version that answers a query. What its row does not tell, [`Mirror::records`] does.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The source that answers for it.
    pub source: SourceName,
    /// Its row. Whatever changes of a version, also beside its row, makes a new one: the same row means the same record.
    pub row: Arc<Row>,
    /// Whether it is the latest release, for the level that the query reads.
    pub is_latest: bool,
    /// Whether it is the latest version, for the level that the query reads.
    pub is_absolute_latest: bool,
}

/// The answer to a query.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The asked page.
    pub page: Vec<Answered>,
    /// How many versions answer on all pages; where the query does not want to know, at least so many, and 0 only where there
    /// are none.
    pub total: u64,
    /// The place where the next page begins, where one follows.
    pub next: Option<Position>,
    /// Upstreams that could not be asked, so that the answer may be stale or lack what only they know.
    pub failures: Vec<MirrorError>,
    /// What it may lack although they could.
    pub gaps: Vec<Gap>,
    /// How fresh it is.
    pub served: Served,
}

/// A feed whose upstreams were asked for what a query needs: it can be answered from what is known.
#[derive(Debug)]
pub struct Prepared {
    view: Arc<FeedView>,
    learnt: Learnt,
    gaps: Vec<Gap>,
    /// The page, where upstreams have a part in it.
    cut: Option<Cut<Hit>>,
    edition: Edition,
}

impl Prepared {
    /// Returns the edition that the answer will at least show. `None` where an upstream could not be asked: nobody should take
    /// such an answer for as good as another.
    #[must_use]
    pub fn edition(&self) -> Option<Edition> {
        let is_settled = self.learnt.failures.is_empty() && !self.gaps.iter().any(Gap::may_close);
        is_settled.then_some(self.edition)
    }

    /// Returns how fresh the answer will be.
    #[must_use]
    pub fn served(&self) -> Served {
        self.learnt.served
    }
}

impl Mirror {
    /// Asks a feed's upstreams for what a query needs. `relayed` is what their own searches are asked with where the query fixes
    /// no id.
    ///
    /// # Errors
    /// [`MirrorError::Upstream`] where what is known is too old to be served, and the upstream could not be asked.
    pub async fn prepare(&self, feed: &SourceName, query: &Query, relayed: &Relayed) -> Result<Prepared, MirrorError> {
        let view = self.view(feed)?;
        let (learnt, gaps, joined) = match &query.ids {
            Some(ids) => (self.learn(view, ids, Need::Any).await?, Vec::new(), None),
            None => self.search_for(view, query, relayed).await?,
        };
        if let Some(refusal) = learnt.refusal {
            return Err(refusal);
        }
        let (cut, edition) = match joined {
            Some(Joined { cut, edition }) => (Some(cut), edition),
            None => (None, view.edition(query.ids.as_deref())),
        };
        Ok(Prepared {
            view: Arc::clone(view),
            learnt,
            gaps,
            cut,
            edition,
        })
    }

    /// Asks the upstreams for what a query needs that fixes no id.
    async fn search_for(
        &self,
        view: &Arc<FeedView>,
        query: &Query,
        relayed: &Relayed,
    ) -> Result<(Learnt, Vec<Gap>, Option<Joined>), MirrorError> {
        let Joining { joined, failures, gaps } = self.relay(view, query, relayed).await?;
        let standing = if failures.is_empty() {
            Standing::Fresh
        } else {
            Standing::Failed
        };
        let served = Served::undated(standing);
        let learnt = Learnt {
            failures,
            ..served.into()
        };
        Ok((learnt, gaps, joined))
    }

    /// Answers the query that a feed was prepared for, or the counting of it.
    ///
    /// # Errors
    /// [`MirrorError::Upstream`] where nothing is known that answers, and an upstream that may know could not be asked: such
    /// an answer would be a guess. That there are no updates of a known id is known well enough to be told.
    pub async fn answer_prepared(&self, prepared: Prepared, query: &Query) -> Result<Answer, MirrorError> {
        let Prepared {
            view,
            learnt,
            gaps,
            cut,
            ..
        } = prepared;
        let mut ids = query.ids.iter().flatten();
        let is_told = query.updates.is_some() && ids.any(|id| view.group(id).is_some());
        let cut = match cut {
            Some(cut) => cut,
            None => self.cut(&view, query).await?,
        };
        let answer = Answer {
            gaps,
            ..Answer::of(&cut, query, learnt)
        };
        if is_told { Ok(answer) } else { known(answer) }
    }

    /// Prepares a feed for a query, and answers it.
    ///
    /// # Errors
    /// As [`Self::answer_prepared`].
    pub async fn query(&self, feed: &SourceName, query: &Query, relayed: &Relayed) -> Result<Answer, MirrorError> {
        let prepared = self.prepare(feed, query, relayed).await?;
        self.answer_prepared(prepared, query).await
    }

    /// Returns the records of versions that answered, in their order. `None` where one went since.
    pub async fn records(&self, page: &[Answered]) -> Result<Vec<Option<Record>>, MirrorError> {
        let keys = page.iter().map(|answered| key(&answered.source, &answered.row));
        let records = self.look_up_all(keys.collect()).await?;
        // The row of the view decides, so that an entry never contradicts the query that found it.
        let as_seen = |(record, answered): (Option<Record>, &Answered)| {
            record.map(|record| Record {
                row: Arc::clone(&answered.row),
                ..record
            })
        };
        Ok(records.into_iter().zip(page).map(as_seen).collect())
    }

    /// Answers a query from what is known.
    pub(super) async fn answer(&self, view: &Arc<FeedView>, query: &Query) -> Result<Answer, MirrorError> {
        let cut = self.cut(view, query).await?;
        Ok(Answer::of(&cut, query, Learnt::nothing()))
    }

    /// Cuts the page that a query asks for out of what is known.
    pub(super) async fn cut(&self, view: &Arc<FeedView>, query: &Query) -> Result<Cut<Hit>, MirrorError> {
        let cut = if query.filter.as_ref().is_some_and(Expression::needs_record) {
            let candidates = scan(view, query, FeedView::candidates).await?;
            self.settled(candidates, query).await?
        } else {
            scan(view, query, FeedView::page).await?
        };
        if query.work.is_spent() {
            return Err(MirrorError::TooCostly);
        }
        Ok(cut)
    }

    /// Lets records say which of the deferred among some versions answer.
    pub(super) async fn settle_each(
        &self,
        hits: Vec<Option<Hit>>,
        query: &Query,
    ) -> Result<Vec<Option<Hit>>, MirrorError> {
        let is_deferred = |hit: &&Hit| hit.is_deferred;
        let deferred: Vec<Hit> = hits.iter().flatten().filter(is_deferred).cloned().collect();
        let mut records = self.records_of(&deferred).await?.into_iter();
        let mut settle = |hit: Hit| {
            if hit.is_deferred {
                hit.settle(query, records.next().flatten().as_ref())
            } else {
                Some(hit)
            }
        };
        Ok(hits.into_iter().map(|hit| hit.and_then(&mut settle)).collect())
    }

    /// Lets records say which of the deferred versions answer, a few at a time: all of them would fill the memory.
    async fn settled(&self, candidates: Vec<Hit>, query: &Query) -> Result<Cut<Hit>, MirrorError> {
        let mut cut = Cut::new(&query.page);
        for some in candidates.chunks(RECORDS_AT_A_TIME) {
            if query.work.is_spent() {
                break;
            }
            let deferred: Vec<Hit> = some.iter().filter(|hit| hit.is_deferred).cloned().collect();
            let mut records = self.records_of(&deferred).await?.into_iter();
            for hit in some.iter().cloned() {
                let side = hit.side;
                let settled = if hit.is_deferred {
                    hit.settle(query, records.next().flatten().as_ref())
                } else {
                    Some(hit)
                };
                if let Some(hit) = settled {
                    cut.add(hit, side);
                }
            }
            if cut.is_done() {
                break;
            }
        }
        Ok(cut)
    }

    async fn records_of(&self, hits: &[Hit]) -> Result<Vec<Option<Record>>, MirrorError> {
        let members = hits.iter().map(Hit::member);
        self.look_up_all(members.map(|member| key(&member.source, &member.row)).collect())
            .await
    }

    async fn look_up_all(&self, keys: Vec<RecordKey>) -> Result<Vec<Option<Record>>, MirrorError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.inner.index.lookup(keys).await.map_err(MirrorError::index)
    }
}

impl Answer {
    fn of(cut: &Cut<Hit>, query: &Query, learnt: Learnt) -> Self {
        let is_wanted = query.page.top.is_none_or(|top| (cut.rows.len() as u64) < top);
        let last = cut.rows.last().filter(|_| cut.is_more && is_wanted);
        let answered = |hit: &Hit| Answered::of(hit.member(), query.level);
        Self {
            next: last.map(|last| last.position(query)),
            page: cut.rows.iter().map(answered).collect(),
            total: cut.total,
            failures: learnt.failures,
            gaps: Vec::new(),
            served: learnt.served,
        }
    }
}

impl Answered {
    fn of(member: &Member, level: SemVerLevel) -> Self {
        Self {
            source: member.source.clone(),
            row: Arc::clone(&member.row),
            is_latest: member.is_latest(Latest::Stable, level),
            is_absolute_latest: member.is_latest(Latest::Absolute, level),
        }
    }
}

fn key(source: &SourceName, row: &Row) -> RecordKey {
    RecordKey {
        source: source.clone(),
        id: row.id.clone(),
        version: row.version.clone(),
    }
}

/// Answers a quick query at once, and any other on another thread, where it ends early once nobody waits for it any more.
pub(super) async fn scan<T: Send + 'static>(
    view: &Arc<FeedView>,
    query: &Query,
    ask: fn(&FeedView, &Query) -> T,
) -> Result<T, MirrorError> {
    if query.is_quick() {
        return Ok(ask(view, query));
    }
    let mut awaited = Awaited(Some(&query.work));
    let (view, query) = (Arc::clone(view), query.clone());
    let scan = tokio::task::spawn_blocking(move || ask(&view, &query));
    let answer = scan.await;
    awaited.0 = None;
    answer.map_err(|failed| MirrorError::Internal(failed.to_string()))
}

/// Stops the work where its answer is not awaited to the end.
struct Awaited<'a>(Option<&'a Work>);

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        if let Some(work) = self.0 {
            work.stop();
        }
    }
}

/// An answer that knows of nothing, where somebody who may know could not be asked, is none.
fn known(answer: Answer) -> Result<Answer, MirrorError> {
    match answer.failures.first() {
        Some(failure) if answer.total == 0 => Err(failure.clone()),
        _ => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::{Awaited, Work};

    #[test]
    fn work_that_nobody_waits_for_stops() {
        let (awaited, abandoned) = (Work::default(), Work::default());
        let mut guard = Awaited(Some(&awaited));
        guard.0 = None;
        drop(guard);
        drop(Awaited(Some(&abandoned)));
        assert!(!awaited.is_spent() && abandoned.is_spent());
    }
}
