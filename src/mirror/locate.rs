//! Finding the bytes of a package: here, on their way, or at an upstream that may have them.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{StreamExt as _, TryStreamExt as _};

use super::counters::{Event, Tally};
use super::evict::Held;
use super::follow::Arriving;
use super::freshness::Freshness;
use super::learn::Need;
use super::ledger::Using;
use super::served::{Served, Standing};
use super::{Mirror, MirrorError, policy};
use crate::catalog::{Content, Instant, Origin, Record, SourceName};
use crate::nuget::{NuGetVersion, PackageId};
use crate::store::PackagesError;
use crate::store::packages::{NupkgStream, Place};
use crate::upstream::Priority;
use crate::view::FeedView;

/// A package whose bytes are here, and stay as long as this does.
#[derive(Debug, Clone)]
pub struct HeldPackage {
    record: Record,
    /// Its bytes.
    pub content: Content,
    using: Option<Using>,
}

impl HeldPackage {
    pub(super) fn new(record: Record, content: Content, using: Option<Using>) -> Self {
        Self { record, content, using }
    }

    pub(super) fn into_record(self) -> Record {
        self.record
    }

    /// Returns the id, as the package spells it.
    #[must_use]
    pub fn id(&self) -> &PackageId {
        &self.record.row.id
    }

    /// Returns the version.
    #[must_use]
    pub fn version(&self) -> &NuGetVersion {
        &self.record.row.version
    }

    /// Returns when the package was published.
    #[must_use]
    pub fn published(&self) -> Instant {
        self.record.row.published
    }
}

/// Where the bytes of a package are.
pub enum Located {
    /// In the store.
    Held(Box<HeldPackage>),
    /// On their way from an upstream, and already fit to be passed on.
    Arriving(Arriving),
}

/// A package's bytes, and how they came to be had.
pub struct Delivery {
    /// Where they are.
    pub located: Located,
    /// Whether they were here. Bytes never come to be stale: it is what tells that they exist that does.
    pub served: Served,
}

impl Delivery {
    pub(super) fn of(located: Located, standing: Standing) -> Self {
        Self {
            located,
            served: Served::undated(standing),
        }
    }
}

/// Somebody reads a package: it stays meanwhile, and what is read is counted.
struct Reading {
    tally: Tally,
    _using: Option<Using>,
}

impl Reading {
    fn passed(&self, bytes: &Bytes) {
        self.tally.add(Event::ByteServed, bytes.len() as u64);
    }
}

impl Mirror {
    /// Finds the bytes of a version, fetching them where they are not here.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`] where everybody who may have it was asked and has it not, [`MirrorError::Upstream`] where
    /// one of them could not be asked.
    pub async fn locate(
        &self,
        feed: &SourceName,
        id: &PackageId,
        version: &NuGetVersion,
    ) -> Result<Delivery, MirrorError> {
        let view = self.view(feed)?;
        if let Some(record) = self.record_of(view, id, version).await?
            && let Some(content) = record.content.clone()
        {
            return self.delivered(record, content).await;
        }
        let failures = self.learn(view, std::slice::from_ref(id), Need::Fresh).await?.failures;
        let located = match self.record_of(view, id, version).await? {
            Some(record) => match record.content.clone() {
                Some(content) => return self.delivered(record, content).await,
                None => return self.deliver(view, record, Priority::Client).await,
            },
            None => self.try_silent_upstreams(view, id, version, failures).await?,
        };
        Ok(Delivery::of(located, Standing::Missed))
    }

    /// What is here already.
    pub(super) async fn delivered(&self, record: Record, content: Content) -> Result<Delivery, MirrorError> {
        let using = match self.hold(&record, &content) {
            Held::Here(using) => using,
            Held::Going => return self.brought_back(record).await,
        };
        self.tally(&record.source).count(Event::PackageHit);
        let served = match record.origin {
            Origin::Mirrored { .. } => Served {
                standing: Standing::Fresh,
                age: Some((self.inner.clock.now() - record.committed).to_std().unwrap_or_default()),
                ttl_seconds: None,
            },
            Origin::Pushed { .. } | Origin::Imported => Served::LOCAL,
        };
        Ok(Delivery {
            located: Located::Held(Box::new(HeldPackage::new(record, content, using))),
            served,
        })
    }

    /// What makes room just now: once it has gone, it is fetched again.
    async fn brought_back(&self, record: Record) -> Result<Delivery, MirrorError> {
        let (source, id, version) = (record.source, &record.row.id, &record.row.version);
        drop(self.inner.writes.lock((source.clone(), id.clone())).await);
        let known = self.record_in(&source, id, version).await?;
        let located = self.arrive(&source, id, version, known, Priority::Client).await?;
        Ok(Delivery::of(located, Standing::Missed))
    }

    /// Makes sure that a version is known, wherever it is: by what upstreams announce, and by fetching it from those that announce
    /// nothing. Returns once its record is there; a version that nobody has is no error, one that may be somewhere is.
    pub async fn learn_version(
        &self,
        feed: &SourceName,
        id: &PackageId,
        version: &NuGetVersion,
    ) -> Result<(), MirrorError> {
        let view = self.view(feed)?;
        if is_shown(view, id, version) {
            return Ok(());
        }
        let failures = self.learn(view, std::slice::from_ref(id), Need::Fresh).await?.failures;
        if is_shown(view, id, version) {
            return Ok(());
        }
        match self.try_silent_upstreams(view, id, version, failures).await {
            Ok(Located::Held(_)) | Err(MirrorError::NotFound { .. }) => Ok(()),
            Ok(Located::Arriving(arriving)) => arriving.wait().await,
            Err(error) => Err(error),
        }
    }

    /// Opens a held package, or a range of its bytes. A mirrored one whose file is gone or cut is fetched again.
    pub async fn open_held(&self, held: &HeldPackage, range: Option<Range<u64>>) -> Result<NupkgStream, MirrorError> {
        let stream = self.open_or_fetch(held, range).await?;
        let reading = Reading {
            tally: self.tally(&held.record.source).clone(),
            _using: held.using.clone(),
        };
        Ok(stream.inspect_ok(move |bytes| reading.passed(bytes)).boxed())
    }

    async fn open_or_fetch(&self, held: &HeldPackage, range: Option<Range<u64>>) -> Result<NupkgStream, MirrorError> {
        let row = &held.record.row;
        let place = Place {
            source: &held.record.source,
            id: &row.id,
            version: &row.version,
        };
        let opened = self
            .inner
            .packages
            .open_nupkg(place, &held.content, range.clone())
            .await;
        let reason = match opened {
            Ok(stream) => return Ok(stream),
            Err(error @ (PackagesError::Missing { .. } | PackagesError::Length { .. })) => error.to_string(),
            Err(error) => return Err(MirrorError::packages(error)),
        };
        if !matches!(held.record.origin, Origin::Mirrored { .. }) {
            return Err(MirrorError::Internal(format!(
                "the file of {} {} is damaged ({reason}); bring it back from a backup, and run `larder verify` to see what else is",
                row.id, row.version
            )));
        }
        tracing::warn!(package.id = %row.id, package.version = %row.version, reason, "the file of a mirrored package is damaged; it is fetched again");
        let record = held.record.clone();
        let located = self
            .arrive(
                &held.record.source,
                &row.id,
                &row.version,
                Some(record),
                Priority::Client,
            )
            .await?;
        if let Located::Arriving(arriving) = located {
            arriving.wait().await?;
        }
        self.inner
            .packages
            .open_nupkg(place, &held.content, range)
            .await
            .map_err(MirrorError::packages)
    }

    /// Returns the record of a version as the feed sees it.
    pub(super) async fn record_of(
        &self,
        view: &FeedView,
        id: &PackageId,
        version: &NuGetVersion,
    ) -> Result<Option<Record>, MirrorError> {
        let Some(group) = view.group(id) else { return Ok(None) };
        let Some(member) = group.members().iter().find(|member| member.row.version == *version) else {
            return Ok(None);
        };
        self.record_in(&member.source, id, version).await
    }

    async fn try_silent_upstreams(
        &self,
        view: &FeedView,
        id: &PackageId,
        version: &NuGetVersion,
        mut failures: Vec<MirrorError>,
    ) -> Result<Located, MirrorError> {
        for source in policy::upstreams_for(view, id) {
            if self.announces(source) {
                continue;
            }
            let spelled = (source.clone(), id.clone(), format!("{id} {version}"));
            let finding = self.finding_of_version(&spelled);
            if self.judge(&(source.clone(), id.clone()), &finding) == Freshness::Absent {
                self.tally(source).count(Event::NegativeHit);
                continue;
            }
            match self.arrive(source, id, version, None, Priority::Client).await {
                Ok(located) => return Ok(located),
                Err(MirrorError::NotFound { .. }) => self.note_version_absent(spelled),
                Err(failure @ (MirrorError::Upstream { .. } | MirrorError::Rejected { .. })) => failures.push(failure),
                Err(broken) => return Err(broken),
            }
        }
        Err(failures.into_iter().next().unwrap_or_else(|| MirrorError::NotFound {
            what: format!("{id} {version}"),
        }))
    }
}

/// Returns whether a feed shows a version.
fn is_shown(view: &FeedView, id: &PackageId, version: &NuGetVersion) -> bool {
    let group = view.group(id);
    group.is_some_and(|group| group.members().iter().any(|member| member.row.version == *version))
}
