//! Making sure that what upstreams say of some ids is known, and fresh enough: whom to wait for, whom to ask meanwhile.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{StreamExt as _, iter};
use tokio::sync::Semaphore;

use super::counters::Event;
use super::findings::Subject;
use super::freshness::{Connection, Finding, Freshness, decide};
use super::lookup::Occasion;
use super::served::{Learnt, Served, Standing};
use super::{Mirror, MirrorError, policy};
use crate::catalog::SourceName;
use crate::nuget::PackageId;
use crate::upstream::{Outage, Priority, UpstreamError};
use crate::view::FeedView;

/// How many look-ups one request may have under way at a time.
const LOOKUPS_AT_A_TIME: usize = 8;

/// How many look-ups at one upstream may be under way that nobody waits for. Where there are more, what is stale is served as it is,
/// and whoever asks next tries again.
const REVALIDATIONS_AT_A_TIME: usize = 32;

/// The places for look-ups that nobody waits for, by upstream.
#[derive(Debug)]
pub(super) struct Revalidations(HashMap<SourceName, Arc<Semaphore>>);

impl Revalidations {
    pub(super) fn new<'a>(upstreams: impl Iterator<Item = &'a SourceName>) -> Self {
        let places = || Arc::new(Semaphore::new(REVALIDATIONS_AT_A_TIME));
        Self(upstreams.map(|upstream| (upstream.clone(), places())).collect())
    }
}

/// What an answer needs of what upstreams say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// What is known may answer, also where it is a little stale.
    Any,
    /// It does not answer, or somebody has to wait for the upstream in any case: what is stale is renewed first.
    Fresh,
}

impl Mirror {
    /// Makes sure that what the feed's upstreams say of the ids is known, and fresh or on its way to be. What was known before stays
    /// known where they cannot be asked.
    pub(super) async fn learn(&self, view: &FeedView, ids: &[PackageId], need: Need) -> Result<Learnt, MirrorError> {
        let mut needs: Vec<Subject> = Vec::new();
        let mut learnt = Learnt::nothing();
        for id in ids {
            let upstreams = policy::upstreams_for(view, id);
            for upstream in upstreams.filter(|upstream| self.announces(upstream)) {
                // Most of what is asked for was asked for a short while ago.
                let subject = (upstream.clone(), id.clone());
                let finding = self.remembered_finding(&subject);
                match finding.and_then(|finding| self.serve(&subject, &finding, need)) {
                    Some(part) => learnt.add(part),
                    None => needs.push(subject),
                }
            }
        }
        let outcomes: Vec<_> = iter(needs)
            .map(|subject| async move { self.learn_one(view, &subject, need).await })
            .buffer_unordered(LOOKUPS_AT_A_TIME)
            .collect()
            .await;
        for outcome in outcomes {
            learnt.add(outcome?);
        }
        Ok(learnt)
    }

    /// Returns what a finding is worth now.
    pub(super) fn judge(&self, (source, _): &Subject, finding: &Finding) -> Freshness {
        let connection = if self.inner.offline.is_offline() {
            Connection::Offline
        } else {
            Connection::Online
        };
        let now = self.inner.clock.monotonic();
        decide(finding, now, &self.lifetimes(source), connection)
    }

    /// Returns how fresh a finding is that is served without waiting, and sees to it that what is stale will be fresh. `None` where
    /// the upstream must be asked first.
    fn serve(&self, subject: &Subject, finding: &Finding, need: Need) -> Option<Learnt> {
        let tally = self.tally(&subject.0);
        match self.judge(subject, finding) {
            Freshness::Fresh => {
                tally.count(Event::MetadataHit);
                Some(self.dated(subject, finding, Standing::Fresh).into())
            }
            Freshness::Absent => {
                tally.count(Event::NegativeHit);
                Some(self.dated(subject, finding, Standing::Fresh).into())
            }
            Freshness::Kept => {
                tally.count(Event::MetadataStale);
                Some(self.served_in_spite_of(offline(subject), subject, finding))
            }
            Freshness::Stale if need == Need::Any => {
                tally.count(Event::MetadataStale);
                let failure = self.failure(subject);
                let now = self.inner.clock.monotonic();
                if !failure.as_ref().is_some_and(|failure| failure.is_recent(now)) {
                    self.revalidate(subject);
                }
                Some(match failure {
                    None => self.dated(subject, finding, Standing::Stale).into(),
                    Some(failure) => self.served_in_spite_of(failure.error, subject, finding),
                })
            }
            Freshness::Stale | Freshness::Old if !self.lifetimes(&subject.0).present.is_zero() => {
                let now = self.inner.clock.monotonic();
                let failure = self.failure(subject).filter(|failure| failure.is_recent(now))?;
                tally.count(Event::MetadataStale);
                Some(self.served_in_spite_of(failure.error, subject, finding))
            }
            Freshness::Stale | Freshness::Old | Freshness::Expired | Freshness::Miss => None,
        }
    }

    async fn learn_one(&self, view: &FeedView, subject: &Subject, need: Need) -> Result<Learnt, MirrorError> {
        let before = self.finding(subject).await?;
        if let Some(served) = self.serve(subject, &before, need) {
            return Ok(served);
        }
        let worth = self.judge(subject, &before);
        match self.ask_for_versions(subject).await {
            Ok(()) => {
                let standing = if worth == Freshness::Miss {
                    Standing::Missed
                } else {
                    Standing::Renewed
                };
                let now_known = self.remembered_finding(subject).unwrap_or(before);
                Ok(self.dated(subject, &now_known, standing).into())
            }
            Err(failure @ MirrorError::Upstream { .. }) => match worth {
                Freshness::Stale | Freshness::Old => {
                    self.tally(&subject.0).count(Event::MetadataStale);
                    Ok(self.served_in_spite_of(failure, subject, &before))
                }
                Freshness::Expired if self.shows_what_expired(view, subject).await? => Ok(Learnt::refused(failure)),
                _ => Ok(Learnt::failed(failure)),
            },
            Err(broken) => Err(broken),
        }
    }

    /// Asks for an id in the background, unless it is being asked for, or too much is already.
    fn revalidate(&self, subject: &Subject) {
        let places = self.inner.revalidations.0.get(&subject.0);
        let place = places.and_then(|places| Arc::clone(places).try_acquire_owned().ok());
        if let Some(place) = place {
            self.begin_to_ask(subject, Priority::Revalidation, Occasion::Stale(place));
        }
    }

    /// Returns whether an answer would show what an upstream said too long ago to be believed. Packages that are held are not
    /// believed but had.
    async fn shows_what_expired(&self, view: &FeedView, (source, id): &Subject) -> Result<bool, MirrorError> {
        let group = view.group(id);
        let is_shown = |group: &crate::catalog::Group| group.members().iter().any(|member| member.source == *source);
        if !group.is_some_and(|group| is_shown(&group)) {
            return Ok(false);
        }
        let known = self.inner.index.records(source, id).await;
        let known = known.map_err(MirrorError::index)?;
        Ok(known.iter().all(|record| record.content.is_none()))
    }

    fn dated(&self, (source, _): &Subject, finding: &Finding, standing: Standing) -> Served {
        match finding.age(self.inner.clock.monotonic()) {
            Some(age) => Served::aged(standing, age, finding.lifetime(&self.lifetimes(source))),
            None => Served::undated(standing),
        }
    }

    fn served_in_spite_of(&self, failure: MirrorError, subject: &Subject, finding: &Finding) -> Learnt {
        Learnt {
            served: self.dated(subject, finding, Standing::Failed),
            failures: vec![failure],
            refusal: None,
        }
    }
}

/// Why an upstream is not asked while larder is offline.
fn offline((source, id): &Subject) -> MirrorError {
    let error = UpstreamError::Unavailable {
        url: source.to_string(),
        outage: Outage::Offline,
        retry_after: None,
    };
    MirrorError::upstream(source, id.to_string(), error)
}
