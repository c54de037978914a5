//! Asking upstreams for all versions of an id, and keeping what they say.

use std::time::Duration;

use futures::FutureExt as _;
use futures::stream::{StreamExt as _, iter};

use super::coalesce::Coalescer;
use super::freshness::{self, Finding, Freshness};
use super::remembered::Absence;
use super::{Mirror, MirrorError, policy};
use crate::catalog::manifest::{announced_properties, announced_row};
use crate::catalog::{Announced, Change, Interner, Origin, Record, SourceName};
use crate::nuget::PackageId;
use crate::store::Note;
use crate::upstream::{Outage, UpstreamError};
use crate::view::FeedView;

/// The look-ups that run now.
pub(super) type Lookups = Coalescer<(SourceName, PackageId), Result<(), MirrorError>>;

/// How many look-ups one request may have under way at a time.
const LOOKUPS_AT_A_TIME: usize = 8;

/// The longest that all pages of one look-up may take.
const LOOKUP_DEADLINE: Duration = Duration::from_secs(60);

impl Mirror {
    /// Makes sure that what the feed's upstreams say of the ids is known and fresh. Returns what could not be learnt; what
    /// was known before stays known.
    pub(super) async fn learn(&self, view: &FeedView, ids: &[PackageId]) -> Result<Vec<MirrorError>, MirrorError> {
        let needs: Vec<(SourceName, PackageId)> = ids
            .iter()
            .flat_map(|id| {
                policy::upstreams_for(view, id)
                    .iter()
                    .map(|upstream| (upstream.clone(), id.clone()))
            })
            .collect();
        let outcomes: Vec<_> = iter(needs)
            .map(|(upstream, id)| async move { self.learn_one(&upstream, &id).await })
            .buffer_unordered(LOOKUPS_AT_A_TIME)
            .collect()
            .await;
        let mut failures = Vec::new();
        for outcome in outcomes {
            match outcome {
                Ok(()) => {}
                Err(failure @ MirrorError::Upstream { .. }) => failures.push(failure),
                Err(broken) => return Err(broken),
            }
        }
        Ok(failures)
    }

    async fn learn_one(&self, source: &SourceName, id: &PackageId) -> Result<(), MirrorError> {
        let announces = self
            .inner
            .upstreams
            .get(source)
            .is_some_and(|upstream| upstream.announces());
        if !announces {
            return Ok(());
        }
        let finding = self.finding(source, id).await?;
        match freshness::decide(finding, self.inner.clock.now(), self.inner.limits.lifetimes) {
            Freshness::Fresh => Ok(()),
            Freshness::Stale | Freshness::Miss => {
                let (mirror, upstream, asked) = (self.clone(), source.clone(), id.clone());
                let work = move || async move { mirror.look_up(&upstream, &asked).await }.boxed();
                let key = (source.clone(), id.clone());
                self.inner
                    .lookups
                    .run(key, work, |panic| Err(MirrorError::Internal(panic)))
                    .await
            }
        }
    }

    /// Asks one upstream for an id and keeps what it says, with the time.
    async fn look_up(&self, source: &SourceName, id: &PackageId) -> Result<(), MirrorError> {
        let Some(upstream) = self.inner.upstreams.get(source) else {
            return Ok(());
        };
        let failed = |error| MirrorError::upstream(source, id.to_string(), error);
        let Ok(announced) = tokio::time::timeout(LOOKUP_DEADLINE, upstream.versions(id)).await else {
            let (url, outage) = (source.to_string(), Outage::HeaderTimeout(LOOKUP_DEADLINE));
            return Err(failed(UpstreamError::Unavailable {
                url,
                outage,
                retry_after: None,
            }));
        };
        let announced = announced.map_err(failed)?;
        let records = announced
            .iter()
            .map(|announced| self.announced_record(source, announced))
            .collect();
        self.commit(source, id, Change::Announce(records)).await?;
        let at = self.inner.clock.now();
        let note = (!announced.is_empty()).then_some(Note { at });
        if note.is_none() {
            self.inner
                .absences
                .remember(Absence::Id(source.clone(), id.clone()), at);
        }
        self.inner
            .index
            .put_note(&subject(source, id), note)
            .await
            .map_err(MirrorError::index)?;
        tracing::debug!(upstream.name = %source, package.id = %id, versions = announced.len(), "asked the upstream for an id");
        Ok(())
    }

    /// What an upstream has is noted durably; what it lacks is only remembered, and never more than a bounded number of
    /// times: anybody can ask for names that nobody has.
    async fn finding(&self, source: &SourceName, id: &PackageId) -> Result<Option<Finding>, MirrorError> {
        let note = self
            .inner
            .index
            .note(&subject(source, id))
            .await
            .map_err(MirrorError::index)?;
        let present = note.map(|note| Finding::Present(note.at));
        let absent = || {
            self.inner
                .absences
                .recall(&Absence::Id(source.clone(), id.clone()))
                .map(Finding::Absent)
        };
        Ok(present.or_else(absent))
    }

    pub(super) fn announced_record(&self, source: &SourceName, announced: &Announced) -> Record {
        let now = self.inner.clock.now();
        Record {
            source: source.clone(),
            row: announced_row(announced, now, &mut Interner::default()).into(),
            properties: announced_properties(announced),
            content: None,
            origin: Origin::Mirrored {
                content_url: announced.entry.content_url.clone(),
            },
            committed: now,
        }
    }
}

/// Names what a note about an id at an upstream is about.
fn subject(source: &SourceName, id: &PackageId) -> String {
    format!("id {source} {}", id.lower())
}
