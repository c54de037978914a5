//! Asking an upstream for all versions of an id, and keeping what it says.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::coalesce::{Board, Flight, Flights, Joined, Lost};
use super::counters::Event;
use super::error::Trouble;
use super::evict::Told;
use super::fetch::mirrored_sidecar;
use super::findings::Subject;
use super::freshness::{Finding, Freshness};
use super::{Mirror, MirrorError, policy};
use crate::catalog::change::{contradicts, merge_announced};
use crate::catalog::manifest::{announced_properties, announced_row};
use crate::catalog::{Announced, Change, Instant, Interner, Origin, Record, Row, SourceName};
use crate::nuget::PackageId;
use crate::store::packages::Place;
use crate::upstream::{Outage, Priority, UpstreamError, Urgency, Versions};
use crate::via;

/// The look-ups that run now.
pub(super) type Lookups = Flights<Subject, Lookup>;

/// The longest that all pages of one look-up, or one page of a search, may take: bytes that only trickle in are no answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);

/// How many may wait for one look-up.
const MOST_WAITERS: usize = 10_000;

/// A look-up that runs.
#[derive(Debug)]
pub(super) struct Lookup {
    urgency: Urgency,
    outcome: Board<Option<Result<(), MirrorError>>>,
}

impl Lookup {
    fn new(priority: Priority) -> Self {
        Self {
            urgency: Urgency::new(priority),
            outcome: Board::new(None),
        }
    }

    /// Sets the outcome; the first one stays.
    fn set(&self, outcome: Result<(), MirrorError>) {
        self.outcome.change(|known| {
            known.get_or_insert(outcome);
        });
    }
}

/// Why an id is asked for.
#[derive(Debug)]
pub(super) enum Occasion {
    /// Somebody waits for what is not known, or not fresh.
    Missing,
    /// What is stale is to be renewed. The place among those that nobody waits for is given back at the end.
    Stale(OwnedSemaphorePermit),
    /// All is asked for anew.
    Round,
}

impl Flight for Lookup {
    fn lose(&self) {
        self.set(Err(Lost::Dropped.into()));
    }
}

impl Mirror {
    /// Asks an upstream for an id, unless that has been done since, together with all who do so at the same time, and keeps what it
    /// says.
    pub(super) async fn ask_for_versions(&self, subject: &Subject) -> Result<(), MirrorError> {
        self.outcome(self.begin_to_ask(subject, Priority::Client, Occasion::Missing))
            .await
    }

    /// As [`Self::ask_for_versions`], however fresh what is known is.
    pub(super) async fn look_up_now(
        &self,
        source: &SourceName,
        id: &PackageId,
        priority: Priority,
    ) -> Result<(), MirrorError> {
        let subject = (source.clone(), id.clone());
        self.outcome(self.begin_to_ask(&subject, priority, Occasion::Round))
            .await
    }

    async fn outcome(&self, lookup: Option<Arc<Lookup>>) -> Result<(), MirrorError> {
        match lookup {
            Some(lookup) => lookup.outcome.until(Clone::clone).await,
            None => Err(Lost::Crowded.into()),
        }
    }

    /// Joins the look-up that runs for an id, and makes it as urgent, or begins it; it goes on when nobody waits for it. `None`: too
    /// many wait for it.
    pub(super) fn begin_to_ask(
        &self,
        subject: &Subject,
        priority: Priority,
        occasion: Occasion,
    ) -> Option<Arc<Lookup>> {
        let joined = self
            .inner
            .lookups
            .join(subject.clone(), MOST_WAITERS, || Lookup::new(priority));
        let (event, lookup) = match joined {
            Joined::Leads(lead, lookup) => {
                let (mirror, subject, urgency) = (self.clone(), subject.clone(), lookup.urgency.clone());
                tokio::spawn(via::carried(async move {
                    let outcome = mirror.look_up_on(&occasion, &subject, &urgency).await;
                    lead.land(|lookup| lookup.set(outcome));
                    // Only now there is room for another one.
                    if let Occasion::Stale(place) = occasion {
                        drop(place);
                    }
                }));
                (Event::MetadataMiss, lookup)
            }
            Joined::Follows(lookup) => {
                lookup.urgency.raise(priority);
                (Event::MetadataCollapsed, lookup)
            }
            Joined::Crowded => return None,
        };
        if priority == Priority::Client {
            self.tally(&subject.0).count(event);
        }
        Some(lookup)
    }

    async fn look_up_on(&self, occasion: &Occasion, subject: &Subject, urgency: &Urgency) -> Result<(), MirrorError> {
        let finding = self.finding(subject).await?;
        let is_known = matches!(self.judge(subject, &finding), Freshness::Fresh | Freshness::Absent);
        // A look-up that ended since somebody found nothing fresh has brought it.
        if is_known && !matches!(occasion, Occasion::Round) {
            return Ok(());
        }
        let outcome = self.look_up(subject, urgency).await;
        match &outcome {
            Err(MirrorError::Upstream { trouble, .. })
                if *trouble == Trouble::Offline || !matches!(finding, Finding::Present(..)) => {}
            _ => self.note_outcome(subject, &outcome),
        }
        outcome
    }

    /// Asks one upstream for an id, if it may be asked, and keeps what it says, with the time.
    async fn look_up(&self, subject: &Subject, urgency: &Urgency) -> Result<(), MirrorError> {
        let (source, id) = subject;
        let Some(upstream) = self.inner.upstreams.get(source) else {
            return Ok(());
        };
        if !policy::may_ask(&self.inner.views, source, id) {
            return Ok(());
        }
        let began = self.inner.purges.now();
        let known = self.validators(subject).await?;
        let answer = upstream.versions(id, known.as_ref(), urgency);
        let answer = match urgency.get() {
            Priority::Client | Priority::Revalidation => in_time(source, answer).await,
            // It waits for its turn, however long that takes.
            Priority::Prefetch | Priority::Sync => answer.await,
        };
        self.heard(source, &answer);
        let answer = answer.map_err(|error| MirrorError::upstream(source, id.to_string(), error))?;
        let validators = match answer {
            Versions::Unchanged => known,
            Versions::Announced { versions, validators } => {
                self.keep_announced(source, id, &versions, Change::Announce).await?;
                tracing::debug!(upstream.name = %source, package.id = %id, versions = versions.len(), "asked the upstream for an id");
                if versions.is_empty() {
                    return self.note_absent(subject).await;
                }
                validators
            }
        };
        // What was purged while it was on its way is to be asked for again.
        if self.inner.purges.is_purged(subject, began) {
            return Ok(());
        }
        self.note_present(subject, validators).await
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
        let change = change(records);
        match &change {
            Change::Announce(records) => self.hear_of(source, id, Told::All(records), &known),
            Change::Mention(records) => self.hear_of(source, id, Told::Some(records), &known),
            _ => {}
        }
        self.commit(source, id, change).await?;
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
