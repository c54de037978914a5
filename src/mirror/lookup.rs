//! Asking upstreams for all versions of an id, and keeping what they say.

use std::time::Duration;

use futures::FutureExt as _;
use futures::stream::{StreamExt as _, iter};
use tokio::time::timeout;

use super::coalesce::Coalescer;
use super::counters::Event;
use super::fetch::mirrored_sidecar;
use super::freshness::{self, Finding, Freshness};
use super::remembered::Absence;
use super::served::{Learnt, Served, Standing};
use super::{Mirror, MirrorError, policy};
use crate::catalog::change::{contradicts, merge_announced};
use crate::catalog::manifest::{announced_properties, announced_row};
use crate::catalog::{Announced, Change, Instant, Interner, Origin, Record, Row, SourceName};
use crate::nuget::PackageId;
use crate::store::Note;
use crate::store::packages::Place;
use crate::upstream::{Outage, Priority, UpstreamError, Urgency, Versions};
use crate::via;
use crate::view::FeedView;

/// The look-ups that run now.
pub(super) type Lookups = Coalescer<(SourceName, PackageId), Result<(), MirrorError>>;

/// How many look-ups one request may have under way at a time.
const LOOKUPS_AT_A_TIME: usize = 8;

/// The longest that all pages of one look-up, or one page of a search, may take: bytes that only trickle in are no answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);

impl Mirror {
    /// Makes sure that what the feed's upstreams say of the ids is known and fresh. Returns what could not be learnt; what
    /// was known before stays known.
    pub(super) async fn learn(&self, view: &FeedView, ids: &[PackageId]) -> Result<Learnt, MirrorError> {
        let mut needs: Vec<(SourceName, PackageId)> = Vec::new();
        let mut learnt = Learnt::nothing();
        for id in ids {
            let upstreams = policy::upstreams_for(view, id);
            for upstream in upstreams.filter(|upstream| self.announces(upstream)) {
                // Most of what is asked for was asked for a short while ago.
                match self.remembered_fresh(upstream, id) {
                    Some(served) => learnt.served = learnt.served.and(served),
                    None => needs.push((upstream.clone(), id.clone())),
                }
            }
        }
        let outcomes: Vec<_> = iter(needs)
            .map(|(upstream, id)| async move { self.learn_one(&upstream, &id).await })
            .buffer_unordered(LOOKUPS_AT_A_TIME)
            .collect()
            .await;
        for outcome in outcomes {
            match outcome {
                Ok(()) => learnt.served = learnt.served.and(Served::undated(Standing::Renewed)),
                Err(failure @ MirrorError::Upstream { .. }) => learnt.add(Learnt::failed(failure)),
                Err(broken) => return Err(broken),
            }
        }
        Ok(learnt)
    }

    async fn learn_one(&self, source: &SourceName, id: &PackageId) -> Result<(), MirrorError> {
        if self.is_fresh(source, id).await? {
            return Ok(());
        }
        let (mirror, upstream, asked) = (self.clone(), source.clone(), id.clone());
        let work = move || {
            via::carried(async move {
                // A look-up that ended since somebody found nothing fresh has brought it.
                if mirror.is_fresh(&upstream, &asked).await? {
                    return Ok(());
                }
                mirror.look_up(&upstream, &asked, &Urgency::default()).await
            })
            .boxed()
        };
        let key = (source.clone(), id.clone());
        self.inner.lookups.run(key, work, |lost| Err(lost.into())).await
    }

    async fn is_fresh(&self, source: &SourceName, id: &PackageId) -> Result<bool, MirrorError> {
        let note = self.note(source, id).await?;
        Ok(self.is_fresh_by(note.as_ref(), source, id))
    }

    /// As [`Self::is_fresh`], by what is in memory alone: `None` also where that does not tell.
    fn remembered_fresh(&self, source: &SourceName, id: &PackageId) -> Option<Served> {
        let note = self.inner.notes.recall(&(source.clone(), id.clone()))?;
        if !self.is_fresh_by(note.as_ref(), source, id) {
            return None;
        }
        let Some(note) = note else {
            return Some(Served::undated(Standing::Fresh));
        };
        let age = (self.inner.clock.now() - note.at).to_std().unwrap_or_default();
        Some(Served::aged(Standing::Fresh, age, self.lifetimes(source).present))
    }

    /// What an upstream has is noted durably; what it lacks is only remembered, and never more than a bounded number of
    /// times: anybody can ask for names that nobody has.
    fn is_fresh_by(&self, note: Option<&Note>, source: &SourceName, id: &PackageId) -> bool {
        let absent = || {
            let absence = Absence::Id(source.clone(), id.clone());
            self.inner.absences.recall(&absence).map(Finding::Absent)
        };
        let finding = note.map(|note| Finding::Present(note.at)).or_else(absent);
        let freshness = freshness::decide(finding, self.inner.clock.now(), self.lifetimes(source));
        freshness == Freshness::Fresh
    }

    /// As [`Self::learn`] for one upstream, however fresh what is known is, and joined with whoever asks the same.
    pub(super) async fn look_up_now(
        &self,
        source: &SourceName,
        id: &PackageId,
        priority: Priority,
    ) -> Result<(), MirrorError> {
        let (mirror, upstream, asked) = (self.clone(), source.clone(), id.clone());
        let work = move || async move { mirror.look_up(&upstream, &asked, &Urgency::new(priority)).await }.boxed();
        let key = (source.clone(), id.clone());
        self.inner.lookups.run(key, work, |lost| Err(lost.into())).await
    }

    /// Asks one upstream for an id, if it may be asked, and keeps what it says, with the time.
    async fn look_up(&self, source: &SourceName, id: &PackageId, urgency: &Urgency) -> Result<(), MirrorError> {
        let Some(upstream) = self.inner.upstreams.get(source) else {
            return Ok(());
        };
        if !policy::may_ask(&self.inner.views, source, id) {
            return Ok(());
        }
        let failed = |error| MirrorError::upstream(source, id.to_string(), error);
        let answer = upstream.versions(id, None, urgency);
        let answer = match urgency.get() {
            Priority::Client | Priority::Revalidation => in_time(source, answer).await,
            // It waits for its turn, however long that takes.
            Priority::Prefetch | Priority::Sync => answer.await,
        };
        self.heard(source, &answer);
        let announced = match answer.map_err(failed)? {
            Versions::Announced { versions, .. } => versions,
            Versions::Unchanged => {
                let at = self.inner.clock.now();
                return self.put_note(source, id, Some(Note { at })).await;
            }
        };
        self.keep_announced(source, id, &announced, Change::Announce).await?;
        let at = self.inner.clock.now();
        let note = (!announced.is_empty()).then_some(Note { at });
        if note.is_none() {
            self.inner
                .absences
                .remember(Absence::Id(source.clone(), id.clone()), at);
        }
        self.put_note(source, id, note).await?;
        tracing::debug!(upstream.name = %source, package.id = %id, versions = announced.len(), "asked the upstream for an id");
        Ok(())
    }

    /// Returns what the index has noted of an id at an upstream. Memory answers where it can: notes change here alone.
    pub(super) async fn note(&self, source: &SourceName, id: &PackageId) -> Result<Option<Note>, MirrorError> {
        let key = (source.clone(), id.clone());
        if let Some(note) = self.inner.notes.recall(&key) {
            return Ok(note);
        }
        let noted = self.inner.index.note(&subject(source, id)).await;
        let note = noted.map_err(MirrorError::index)?;
        // A look-up that ended meanwhile has remembered what is newer.
        self.inner.notes.remember_first(key, note.clone());
        Ok(note)
    }

    async fn put_note(&self, source: &SourceName, id: &PackageId, note: Option<Note>) -> Result<(), MirrorError> {
        let key = (source.clone(), id.clone());
        let put = self.inner.index.put_note(&subject(source, id), note.clone()).await;
        match put {
            Ok(()) => self.inner.notes.remember(key, note),
            // It may have been written all the same.
            Err(_) => self.inner.notes.forget(&key),
        }
        put.map_err(MirrorError::index)
    }

    /// Keeps what an upstream says of versions of an id. For those whose bytes are held it goes into the sidecars too: an
    /// index can be rebuilt when the upstream is gone. An id that the upstream may not supply is passed over.
    pub(super) async fn keep_announced(
        &self,
        source: &SourceName,
        id: &PackageId,
        announced: &[Announced],
        change: fn(Vec<Record>) -> Change,
    ) -> Result<(), MirrorError> {
        if !self.inner.views.admits(source, id) {
            return Ok(());
        }
        let _lock = self.inner.writes.lock((source.clone(), id.clone())).await;
        let known = self.inner.index.records(source, id).await;
        let known = known.map_err(MirrorError::index)?;
        let now = self.inner.clock.now();
        // Versions that share a text share it in memory, too.
        let (mut records, mut interner) = (Vec::new(), Interner::default());
        for announced in announced {
            let before = known.iter().find(|known| known.row.version == announced.version);
            let record = announced_record(source, announced, before, now, &mut interner);
            if let Some(before) = before
                && contradicts(before.content.as_ref(), &record)
            {
                self.raise_alarm(before);
            }
            if let Some(before) = before
                && let Some(merged) = merge_announced(&known, record.clone())
            {
                self.keep_saying(before, &merged, now).await?;
            }
            records.push(record);
        }
        self.commit(source, id, change(records)).await?;
        Ok(())
    }

    /// Says that an upstream would have other bytes for a version than those that are held and go on being served.
    fn raise_alarm(&self, held: &Record) {
        self.tally(&held.source).count(Event::PackageContradicted);
        let (id, version) = (&held.row.id, &held.row.version);
        tracing::error!(upstream.name = %held.source, package.id = %id, package.version = %version, "the upstream announces another hash for a package that is held: one of the two was tampered with; what is held stays");
    }

    /// Writes what is said of a held version into its sidecar. Counts alone, which rise all the time, are not worth it.
    async fn keep_saying(&self, before: &Record, merged: &Record, now: Instant) -> Result<(), MirrorError> {
        let counts_apart = Row {
            download_count: before.row.download_count,
            version_download_count: before.row.version_download_count,
            ..(*merged.row).clone()
        };
        let is_news =
            counts_apart != *before.row || merged.properties != before.properties || merged.origin != before.origin;
        let Some(content) = merged.content.as_ref().filter(|_| is_news) else {
            return Ok(());
        };
        let place = Place {
            source: &merged.source,
            id: &merged.row.id,
            version: &merged.row.version,
        };
        let sidecar = mirrored_sidecar(merged, content, now);
        let written = self.inner.packages.put_sidecar(place, &sidecar).await;
        written.map_err(MirrorError::packages)
    }
}

/// Waits for an upstream's answer, but not for ever.
pub(super) async fn in_time<T>(
    source: &SourceName,
    answer: impl Future<Output = Result<T, UpstreamError>>,
) -> Result<T, UpstreamError> {
    timeout(ANSWER_DEADLINE, answer).await.unwrap_or_else(|_| {
        Err(UpstreamError::Unavailable {
            url: source.to_string(),
            outage: Outage::HeaderTimeout(ANSWER_DEADLINE),
            retry_after: None,
        })
    })
}

/// Makes the record of what is announced. Times that the upstream does not tell stay as they were first seen.
fn announced_record(
    source: &SourceName,
    announced: &Announced,
    before: Option<&Record>,
    now: Instant,
    interner: &mut Interner,
) -> Record {
    let seen = before.map_or(now, |before| before.row.created);
    Record {
        source: source.clone(),
        row: announced_row(announced, seen, interner).into(),
        properties: announced_properties(announced),
        content: None,
        origin: Origin::Mirrored {
            content_url: announced.entry.content_url.clone(),
        },
        committed: now,
    }
}

/// Names what a note about an id at an upstream is about.
fn subject(source: &SourceName, id: &PackageId) -> String {
    format!("id {source} {}", id.lower())
}
