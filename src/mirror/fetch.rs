//! Fetching a package from its upstream.
//!
//! A fetch is a task of its own, one for a package however many want it. Its bytes go to the spool, readers follow, and
//! only what was verified enters the store. After a crash a fetch never was.

use std::sync::Arc;

use futures::stream::TryStreamExt as _;
use tokio::time::timeout;

use super::coalesce::{Ending, Flights, Joined, Lead};
use super::counters::Event;
use super::evict::Held;
use super::follow::{Arrival, Arriving, REACH};
use super::locate::{HeldPackage, Located};
use super::spool::{Parts, SpoolError, SpoolWriter, Spooled};
use super::{Mirror, MirrorError};
use crate::catalog::change::contradicts;
use crate::catalog::{Change, Content, Instant, Origin, Record, SourceName};
use crate::nuget::digest::{Agreement, AnnouncedHash};
use crate::nuget::{Inspected, NuGetVersion, PackageId};
use crate::store::packages::Place;
use crate::store::sidecar::Assembly;
use crate::store::{Committed, PackagesError, Sidecar};
use crate::upstream::{BodyEnd, ContentStream, ErrorKind, Priority, UpstreamError};
use crate::via;

/// How many may follow one fetch. Each holds up to about 100 KiB of the package while its connection is slow.
const MOST_FOLLOWERS: usize = 4096;

/// The fetches that run now.
pub(super) type Fetches = Flights<Errand, Arrival>;

pub(super) type FetchKey = (SourceName, PackageId, NuGetVersion);

/// What one fetch is for. Of a version that nobody announced, each spelling is a file of its own.
pub(super) type Errand = (FetchKey, Option<String>);

impl Mirror {
    /// Joins the fetch of a version, or begins it; returns as soon as its bytes may be passed on.
    pub(super) async fn arrive(
        &self,
        source: &SourceName,
        id: &PackageId,
        version: &NuGetVersion,
        known: Option<Record>,
        priority: Priority,
    ) -> Result<Located, MirrorError> {
        let spelling = known.is_none().then(|| format!("{id} {version}"));
        let key = (source.clone(), id.clone(), version.clone());
        let sha512 = known.as_ref().and_then(announced_sha512);
        let errand = (key.clone(), spelling);
        let arrival = || Arrival::new(REACH, priority);
        let arrival = match self.inner.fetches.join(errand, MOST_FOLLOWERS, arrival) {
            Joined::Follows(arrival) => {
                arrival.urgency.raise(priority);
                self.tally(source).count(Event::PackageCollapsed);
                arrival
            }
            Joined::Leads(lead, arrival) => {
                self.tally(source).count(Event::PackageMiss);
                // A task of its own: it goes on when those who wait for it have gone.
                tokio::spawn(via::carried(self.clone().lead(lead, key, known)));
                arrival
            }
            Joined::Crowded => return Err(MirrorError::Crowded),
        };
        let patience = self.inner.limits.patience;
        let begun = Arriving::begin(arrival, sha512);
        let begun = if priority == Priority::Client {
            timeout(patience, begun).await
        } else {
            // Nobody waits.
            Ok(begun.await)
        };
        let Ok(begun) = begun else {
            let what = format!("{id} {version}");
            return Err(MirrorError::Slow { what, patience });
        };
        match begun? {
            arriving if arriving.is_streaming() => Ok(Located::Arriving(arriving)),
            arriving => Ok(Located::Held(Box::new(arriving.finished().await?))),
        }
    }

    /// Fetches and keeps a package, and tells how it ended.
    async fn lead(self, lead: Lead<Errand, Arrival>, key: FetchKey, known: Option<Record>) {
        let outcome = self.fetch(&key, known, lead.flight()).await;
        let (source, id, version) = &key;
        match &outcome {
            Ok(_) => self.inner.undelivered.forget(&key),
            Err(MirrorError::NotFound { .. }) => {
                tracing::debug!(upstream.name = %source, package.id = %id, package.version = %version, "the upstream has no such package");
            }
            Err(error) => {
                if matches!(error, MirrorError::Upstream { .. } | MirrorError::Rejected { .. }) {
                    self.inner.undelivered.remember(key.clone(), self.inner.clock.now());
                }
                self.tally(source).count(match error {
                    MirrorError::Rejected { .. } => Event::PackageRejected,
                    _ => Event::UpstreamError,
                });
                tracing::warn!(upstream.name = %source, package.id = %id, package.version = %version, %error, "a package could not be mirrored");
            }
        }
        lead.land(|arrival| {
            arrival.end(match outcome {
                Ok(held) => Ending::Kept(Box::new(held)),
                // The disk, and not the package: it was verified if it came so far.
                Err(error @ (MirrorError::Packages(_) | MirrorError::Index(_))) => Ending::Unkept(error),
                Err(error) => Ending::Failed(error),
            });
        });
    }

    async fn fetch(
        &self,
        key: &FetchKey,
        known: Option<Record>,
        arrival: &Arrival,
    ) -> Result<HeldPackage, MirrorError> {
        let (source, id, version) = key;
        let what = || format!("{id} {version}");
        let failed = |error: UpstreamError| match error.kind() {
            ErrorKind::NotFound if known.is_none() => MirrorError::NotFound { what: what() },
            _ => MirrorError::upstream(source, what(), error),
        };
        let Some(upstream) = self.inner.upstreams.get(source) else {
            return Err(MirrorError::NotFound { what: what() });
        };
        // A fetch that ended since somebody found the package missing, or damaged, has brought it.
        if let Some(held) = self.held(key).await? {
            return Ok(held);
        }
        let content_url = known.as_ref().and_then(|record| match &record.origin {
            Origin::Mirrored { content_url } => content_url.as_deref(),
            Origin::Pushed { .. } | Origin::Imported => None,
        });
        let announced = announced_hash(known.as_ref());
        let limit_bytes = self.inner.limits.package_bytes;
        // The disk is ready by the time that the upstream answers.
        let (opened, writer) = tokio::join!(
            upstream.open(id, version, content_url, &arrival.urgency),
            self.inner.spool.create(limit_bytes, &announced)
        );
        let opened = opened.map_err(&failed)?;
        if opened.length.is_some_and(|length| length > limit_bytes) {
            return Err(spool_failed(key, SpoolError::TooLarge { limit_bytes }));
        }
        let writer = writer.map_err(|error| spool_failed(key, error))?;
        let promised = Promised {
            length: opened.length,
            end: opened.end,
        };
        // Only what can be verified at the end may be passed on before it.
        if let Some(length) = opened.length.filter(|_| announced != AnnouncedHash::Other) {
            arrival.promise(writer.file(), length);
        }
        let spooled = self.spool_content(key, opened, writer, &failed, arrival).await?;
        let inspected = self.verify(key, known.as_ref(), promised, &spooled).await?;
        arrival.verify(Arc::clone(&spooled.file));
        self.keep_mirrored(source, known, spooled, &inspected).await
    }

    /// Writes what comes to the spool, and passes on what may be passed on.
    async fn spool_content(
        &self,
        key: &FetchKey,
        mut opened: ContentStream,
        mut writer: SpoolWriter,
        failed: impl Fn(UpstreamError) -> MirrorError,
        arrival: &Arrival,
    ) -> Result<Spooled, MirrorError> {
        let spool_failed = |error| spool_failed(key, error);
        let mut parts = Parts::default();
        while let Some(mut bytes) = opened.stream.try_next().await.map_err(&failed)? {
            self.tally(&key.0).add(Event::ByteFetched, bytes.len() as u64);
            while !bytes.is_empty() {
                let part = parts.cut(&mut bytes);
                // Readers wait neither for the disk nor for the hash.
                arrival.add(part.clone());
                writer.write(part).await.map_err(spool_failed)?;
                arrival.written(writer.written());
            }
        }
        let spooled = writer.finish().await.map_err(spool_failed)?;
        arrival.written(spooled.content.size);
        Ok(spooled)
    }

    /// Returns the package if it is in the store and its file is there.
    async fn held(&self, (source, id, version): &FetchKey) -> Result<Option<HeldPackage>, MirrorError> {
        let Some(record) = self.record_in(source, id, version).await? else {
            return Ok(None);
        };
        let Some(content) = record.content.clone() else {
            return Ok(None);
        };
        let Held::Here(using) = self.hold(&record, &content) else {
            return Ok(None);
        };
        let place = Place { source, id, version };
        match self.inner.packages.open_nupkg(place, &content, None).await {
            Ok(_) => Ok(Some(HeldPackage::new(record, content, using))),
            Err(PackagesError::Missing { .. } | PackagesError::Length { .. }) => Ok(None),
            Err(error) => Err(MirrorError::packages(error)),
        }
    }

    /// Compares what came with what was promised.
    async fn verify(
        &self,
        key: &FetchKey,
        known: Option<&Record>,
        promised: Promised,
        spooled: &Spooled,
    ) -> Result<Inspected, MirrorError> {
        let (_, id, version) = key;
        let rejected = |reason: String| rejected(key, reason);
        let size = spooled.content.size;
        if let Some(promised) = promised.length.filter(|promised| *promised != size) {
            return Err(rejected(format!("it ended after {size} of {promised} bytes")));
        }
        if spooled.agreement == Agreement::Differs {
            return Err(rejected(
                "its hash is not the one that the upstream announced".to_owned(),
            ));
        }
        if spooled.agreement == Agreement::Unannounced && promised.end == BodyEnd::Untold {
            return Err(rejected(
                "with neither a length nor a hash, nobody can tell whether it is whole".to_owned(),
            ));
        }
        let announced = known.map_or(0, |record| record.row.package_size);
        if spooled.agreement == Agreement::Unannounced && announced != 0 && announced != size {
            return Err(rejected(format!(
                "it is {size} bytes long, the upstream announced {announced}"
            )));
        }
        let held = known.and_then(|record| record.content.as_ref());
        if held.is_some_and(|held| *held != spooled.content) {
            return Err(rejected("it is not the package that was mirrored before".to_owned()));
        }
        let inspected = self
            .inspect(spooled)
            .await?
            .map_err(|error| rejected(error.to_string()))?;
        let nuspec = &inspected.nuspec;
        if nuspec.id != *id || nuspec.version != *version {
            return Err(rejected(format!("it is {} {}", nuspec.id, nuspec.version)));
        }
        Ok(inspected)
    }

    async fn keep_mirrored(
        &self,
        source: &SourceName,
        known: Option<Record>,
        spooled: Spooled,
        inspected: &Inspected,
    ) -> Result<HeldPackage, MirrorError> {
        let (id, version) = (&inspected.nuspec.id, &inspected.nuspec.version);
        let _lock = self.inner.writes.lock((source.clone(), id.clone())).await;
        let now = self.inner.clock.now();
        let content = spooled.content.clone();
        // What the upstream has said meanwhile, unless it is said of other bytes.
        let current = self.record_in(source, id, version).await?;
        let known = current
            .filter(|current| !contradicts(Some(&content), current))
            .or(known);
        let sidecar = match &known {
            Some(record) => mirrored_sidecar(record, &content, now),
            None => Sidecar::new(id, version, &content, Origin::Mirrored { content_url: None }, now),
        };
        let place = Place { source, id, version };
        self.inner
            .packages
            .put(place, spooled.file.path(), &sidecar)
            .await
            .map_err(MirrorError::packages)?;
        let assembly = Assembly {
            source,
            inspected: Some(inspected),
            committed: self.inner.clock.now(),
        };
        let record = sidecar
            .record(&assembly)
            .map_err(|error| MirrorError::Internal(error.to_string()))?;
        let committed = self
            .commit(source, id, Change::Mirror(Box::new(record.clone())))
            .await?;
        if !matches!(committed, Committed::Done { .. }) {
            return Err(MirrorError::Rejected {
                upstream: source.clone(),
                what: format!("{id} {version}"),
                reason: "other bytes of this version are held already".to_owned(),
            });
        }
        self.inner.index.flush().await.map_err(MirrorError::index)?;
        tracing::info!(upstream.name = %source, package.id = %id, package.version = %version, bytes = content.size, "mirrored a package");
        let using = self.fetched(&record, &content);
        Ok(HeldPackage::new(record, content, using))
    }
}

/// What the upstream's answer says of the body.
#[derive(Clone, Copy)]
struct Promised {
    length: Option<u64>,
    end: BodyEnd,
}

fn spool_failed(key: &FetchKey, error: SpoolError) -> MirrorError {
    match error {
        SpoolError::TooLarge { .. } => rejected(key, error.to_string()),
        error => MirrorError::spool(error),
    }
}

fn rejected((source, id, version): &FetchKey, reason: String) -> MirrorError {
    MirrorError::Rejected {
        upstream: source.clone(),
        what: format!("{id} {version}"),
        reason,
    }
}

/// Makes the sidecar of a mirrored package: what its upstream says of it, verbatim.
pub(super) fn mirrored_sidecar(record: &Record, content: &Content, now: Instant) -> Sidecar {
    let row = &record.row;
    Sidecar {
        listed: row.listed,
        published: row.published,
        last_edited: row.last_edited,
        last_updated: row.last_updated,
        entry: Some(crate::catalog::manifest::entry(record)),
        ..Sidecar::new(
            &row.id,
            &row.version,
            content,
            record.origin.clone(),
            now.min(row.created),
        )
    }
}

pub(super) fn announced_hash(known: Option<&Record>) -> AnnouncedHash {
    AnnouncedHash::parse(
        known.and_then(|record| record.property("PackageHash")),
        known.and_then(|record| record.property("PackageHashAlgorithm")),
    )
}

fn announced_sha512(record: &Record) -> Option<String> {
    match announced_hash(Some(record)) {
        AnnouncedHash::Sha512(digest) => Some(digest.base64()),
        AnnouncedHash::Sha256(_) | AnnouncedHash::Other => None,
    }
}
