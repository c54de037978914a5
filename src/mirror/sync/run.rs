//! One sync, from its beginning or from where it was cut off to the end of the list.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use futures::stream::{StreamExt as _, TryStreamExt as _, iter};
use tokio::sync::watch;

use super::journal::{Finished, Journal, Place, Resumed, Run};
use super::need::{Said, needs_all};
use super::seen::Seen;
use super::walk::Walk;
use super::{Stage, SyncEnd, SyncMode, SyncProgress};
use crate::catalog::manifest::announced_row;
use crate::catalog::query::Latest;
use crate::catalog::{Announced, Change, Interner, SourceName};
use crate::mirror::{Mirror, MirrorError};
use crate::nuget::PackageId;
use crate::upstream::{ListPage, Listing, Priority, Upstream, UpstreamError, Urgency};

/// How many ids are asked for at a time.
const LOOKUPS_AT_A_TIME: usize = 4;

/// How often in a row an upstream is waited for that asks to be left alone, and how long at most.
const WAITS: u32 = 6;
const WAIT_AT_MOST: Duration = Duration::from_secs(3600);

/// Why a sync stops before the end of the list.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("larder is offline")]
    Offline,
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    #[error("cannot write what is remembered of the sync: {0}")]
    State(#[from] std::io::Error),
}

impl Mirror {
    /// Syncs, and tells how it goes on and how it ended.
    pub(super) async fn run_sync(&self, source: &SourceName, mode: SyncMode, progress: watch::Sender<SyncProgress>) {
        let end = match self.walk_to_the_end(source, mode, &progress).await {
            Ok(finished) => {
                let (ids, requests) = (finished.counts.ids, finished.counts.requests);
                let incomplete = finished.incomplete.clone();
                tracing::info!(upstream.name = %source, ids, requests, incomplete = incomplete.len(), "synced with an upstream");
                SyncEnd::Finished { incomplete }
            }
            Err(stopped) => {
                tracing::warn!(upstream.name = %source, reason = %stopped, "a sync stopped; the next one goes on there");
                let reason = stopped.to_string();
                SyncEnd::Stopped { reason }
            }
        };
        progress.send_modify(|progress| progress.end = Some(end));
    }

    async fn walk_to_the_end(
        &self,
        source: &SourceName,
        mode: SyncMode,
        progress: &watch::Sender<SyncProgress>,
    ) -> Result<Arc<Finished>, Stopped> {
        let Some(upstream) = self.inner.upstreams.get(source) else {
            return Err(Stopped::Offline);
        };
        let mut walker = Walker::open(self, source, Arc::clone(upstream), mode, progress).await?;
        walker.walk().await?;
        walker.look_for_the_gone().await?;
        walker.finish().await
    }
}

/// A sync under way.
struct Walker<'a> {
    mirror: &'a Mirror,
    source: &'a SourceName,
    upstream: Arc<dyn Upstream>,
    place: Place,
    journal: Journal,
    run: Run,
    seen: Seen,
    urgency: Urgency,
    progress: &'a watch::Sender<SyncProgress>,
    /// When this part of the run began, and how long it had run before.
    since: (Moment, u64),
}

impl<'a> Walker<'a> {
    /// Begins a sync, or takes up the one that was cut off.
    async fn open(
        mirror: &'a Mirror,
        source: &'a SourceName,
        upstream: Arc<dyn Upstream>,
        mode: SyncMode,
        progress: &'a watch::Sender<SyncProgress>,
    ) -> Result<Self, Stopped> {
        let (place, home) = (Place::of(&mirror.inner.syncs.state, source), upstream.status().home);
        let noted = mirror.noted_sync(source, Stage::Begun).await?;
        let now = mirror.inner.clock.now();
        let opening = move || {
            let mut journal = place.read(&home);
            let cut_off = journal
                .run
                .take()
                .filter(|run| noted == Some(run.started) && run.mode == mode);
            let resumed = cut_off.and_then(|run| Some((run, place.seen(Resumed::Yes).ok()?)));
            let is_resumed = resumed.is_some();
            let (run, seen) = match resumed {
                Some(resumed) => resumed,
                None => (Run::begin(now, mode, &journal), place.seen(Resumed::No)?),
            };
            Ok::<_, std::io::Error>((place, journal, run, seen, is_resumed))
        };
        let (place, journal, run, seen, resumed) = blocking(opening).await??;
        mirror.note_sync(source, Stage::Begun, run.started).await?;
        let since = (Moment::now(), run.counts.seconds);
        progress.send_modify(|progress| {
            progress.resumed = resumed;
            progress.counts = run.counts;
        });
        Ok(Self {
            mirror,
            source,
            upstream,
            place,
            journal,
            run,
            seen,
            urgency: Urgency::new(Priority::Sync),
            progress,
            since,
        })
    }

    async fn walk(&mut self) -> Result<(), Stopped> {
        while let Some(listing) = self.run.walk.ask() {
            match self.ask(&listing).await {
                Ok(page) => self.take_in(page).await?,
                Err(refusal) if refusal.is_refused_question() => self.run.walk.refuse(&refusal.to_string()),
                Err(UpstreamError::BadAnswer { url, answer }) => {
                    let reason = UpstreamError::BadAnswer { url, answer }.to_string();
                    self.run.walk.give_up_part(&reason);
                }
                Err(failure) if failure.is_offline() => return Err(Stopped::Offline),
                Err(failure) => return Err(failure.into()),
            }
            self.save().await?;
        }
        Ok(())
    }

    /// Asks for a page; an upstream that asks to be left alone is.
    async fn ask(&mut self, listing: &Listing) -> Result<ListPage, UpstreamError> {
        let mut waits = 0;
        loop {
            self.run.counts.requests += 1;
            let answer = self.upstream.list(listing, &self.urgency).await;
            if !answer.as_ref().is_err_and(UpstreamError::is_refused_question) {
                self.mirror.heard(self.source, &answer);
            }
            match answer.as_ref().err().and_then(UpstreamError::retry_after) {
                Some(wait) if waits < WAITS => self.wait(wait).await,
                _ => return answer,
            }
            waits += 1;
        }
    }

    async fn wait(&mut self, wait: Duration) {
        let wait = wait.clamp(Duration::from_secs(1), WAIT_AT_MOST);
        self.progress
            .send_modify(|progress| progress.waits_seconds = Some(wait.as_secs()));
        tokio::time::sleep(wait).await;
        self.progress.send_modify(|progress| progress.waits_seconds = None);
    }

    /// Keeps a page's rows, and asks for the ids of which it does not tell enough.
    async fn take_in(&mut self, page: ListPage) -> Result<(), Stopped> {
        let ids: Vec<PackageId> = page.items.iter().map(|announced| announced.id.clone()).collect();
        let mut by_id: BTreeMap<PackageId, Vec<Announced>> = BTreeMap::new();
        for announced in page.items {
            by_id.entry(announced.id.clone()).or_default().push(announced);
        }
        let (latest, mode) = (self.run.walk.latest(), self.run.mode);
        let mut needed = Vec::new();
        for (id, mentioned) in by_id {
            self.run.counts.versions += mentioned.len() as u64;
            if self.mirror.is_needed(self.source, &mentioned, latest, mode).await? {
                needed.push(id);
            } else {
                let kept = self
                    .mirror
                    .keep_announced(self.source, &id, &mentioned, Change::Mention);
                kept.await?;
            }
        }
        self.look_up(needed).await?;
        self.run.counts.ids += self.seen.add(ids.iter())?;
        self.run.walk.answered(&ids, page.next);
        Ok(())
    }

    /// Asks for all versions of ids.
    async fn look_up(&mut self, ids: Vec<PackageId>) -> Result<(), Stopped> {
        self.run.counts.requests += ids.len() as u64;
        let mut left = ids;
        for _ in 0..=WAITS {
            let (mirror, source) = (self.mirror, self.source);
            let outcomes: Vec<(PackageId, Result<(), MirrorError>)> = iter(left)
                .map(|id| async move {
                    let outcome = mirror.look_up_now(source, &id, Priority::Sync).await;
                    (id, outcome)
                })
                .buffer_unordered(LOOKUPS_AT_A_TIME)
                .collect()
                .await;
            let (mut again, mut failure, mut wait) = (Vec::new(), None, None);
            for (id, outcome) in outcomes {
                let Err(error) = outcome else { continue };
                let MirrorError::Upstream { source: cause, .. } = &error else {
                    return Err(error.into());
                };
                if cause.is_offline() {
                    return Err(Stopped::Offline);
                }
                wait = wait.max(cause.retry_after());
                failure = Some(error);
                again.push(id);
            }
            match (failure, wait) {
                (None, _) => return Ok(()),
                (Some(failure), None) => return Err(failure.into()),
                (Some(_), Some(wait)) => self.wait(wait).await,
            }
            left = again;
        }
        Err(Stopped::Upstream(UpstreamError::Unavailable {
            url: self.journal.home.clone(),
            outage: crate::upstream::Outage::Paused(WAIT_AT_MOST),
            retry_after: None,
        }))
    }

    /// Asks for the ids that are known here and are not in the list: only that tells whether they are gone.
    async fn look_for_the_gone(&mut self) -> Result<(), Stopped> {
        if !self.run.walk.incomplete().is_empty() {
            return Ok(());
        }
        let mut rows = self.mirror.inner.index.rows(0);
        let mut missing = Vec::new();
        while let Some(change) = rows.try_next().await.map_err(MirrorError::index)? {
            let is_listed = change.rows.iter().any(|row| row.listed);
            if change.source == *self.source && is_listed && !self.seen.may_contain(&change.id) {
                missing.push(change.id);
            }
        }
        drop(rows);
        self.run.counts.gone = missing.len() as u64;
        for some in missing.chunks(LOOKUPS_AT_A_TIME * 8) {
            self.look_up(some.to_vec()).await?;
        }
        Ok(())
    }

    /// Writes down where the walk is; what it brought is on disk before that.
    async fn save(&mut self) -> Result<(), Stopped> {
        self.run.counts.seconds = self.since.1 + self.since.0.elapsed().as_secs();
        let counts = self.run.counts;
        self.progress.send_modify(|progress| progress.counts = counts);
        self.mirror.inner.index.flush().await.map_err(MirrorError::index)?;
        self.journal.run = Some(self.run.clone());
        self.write().await
    }

    async fn finish(mut self) -> Result<Arc<Finished>, Stopped> {
        self.save().await?;
        let finished = Finished {
            started: self.run.started,
            finished: self.mirror.inner.clock.now(),
            mode: self.run.mode,
            counts: self.run.counts,
            incomplete: self.run.walk.incomplete().to_vec(),
        };
        let mirror = self.mirror;
        mirror.note_sync(self.source, Stage::Ended, finished.started).await?;
        mirror.inner.index.flush().await.map_err(MirrorError::index)?;
        self.journal.refused = self.run.walk.refused_shapes().to_vec();
        self.journal.run = None;
        self.journal.last = Some(finished.clone());
        self.write().await?;
        let finished = Arc::new(finished);
        mirror.inner.syncs.put_last(self.source, Some(Arc::clone(&finished)));
        Ok(finished)
    }

    async fn write(&self) -> Result<(), Stopped> {
        let (place, journal) = (self.place.clone(), self.journal.clone());
        Ok(blocking(move || place.write(&journal)).await??)
    }
}

impl Mirror {
    /// Returns whether all versions of an id are to be asked for, after a list has mentioned some.
    async fn is_needed(
        &self,
        source: &SourceName,
        mentioned: &[Announced],
        latest: Latest,
        mode: SyncMode,
    ) -> Result<bool, MirrorError> {
        let Some(announced) = mentioned.first() else {
            return Ok(false);
        };
        let known = self.inner.index.records(source, &announced.id).await;
        let known = known.map_err(MirrorError::index)?;
        let before = known.iter().find(|known| known.row.version == announced.version);
        let seen = before.map_or_else(|| self.inner.clock.now(), |before| before.row.created);
        let row = announced_row(announced, seen, &mut Interner::default());
        let said = Said {
            row: &row,
            latest,
            known: &known,
            was_looked_up: self.note(&(source.clone(), announced.id.clone())).await?.is_some(),
        };
        Ok(needs_all(&said, mode))
    }
}

impl Run {
    fn begin(now: crate::catalog::Instant, mode: SyncMode, journal: &Journal) -> Self {
        Self {
            started: now,
            mode,
            walk: Walk::begin(journal.refused.clone()),
            counts: super::SyncCounts::default(),
        }
    }
}

/// Runs what waits for the disk on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, MirrorError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|failed| MirrorError::Internal(failed.to_string()))
}
