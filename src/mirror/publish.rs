//! Taking packages in, and out: push, import, unlist, relist, delete. Only what is hosted here can be changed.
//!
//! Files first, index second, acknowledged third: a crash before the end leaves a package whole or not at all.

use std::sync::Arc;

use super::spool::Spooled;
use super::{Mirror, MirrorError, Purge, PurgedIds};
use crate::catalog::{Change, Content, Listed, Origin, Record, SourceName};
use crate::nuget::nupkg::{self, Inspected, NupkgError};
use crate::nuget::nuspec::{Advice, PushRefusal, Scrutiny};
use crate::nuget::{NuGetVersion, PackageId};
use crate::store::packages::Place;
use crate::store::sidecar::Assembly;
use crate::store::{Committed, Sidecar};

/// A package that was taken in.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its id.
    pub id: PackageId,
    /// Its version.
    pub version: NuGetVersion,
    /// What whoever pushed it should know.
    pub advice: Vec<Advice>,
    /// An upstream whose versions of the id the feed no longer shows.
    pub hidden: Option<SourceName>,
}

/// Why a package was not taken in or changed.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The package is not one.
    #[error("the package was refused: {0}")]
    Invalid(#[source] NupkgError),
    /// It is one, but not one that may be published.
    #[error("the package was refused: {0}")]
    Refused(#[source] PushRefusal),
    /// The version is there already.
    #[error("A package with id '{id}' and version '{version}' already exists and cannot be modified.")]
    Exists {
        /// The id.
        id: PackageId,
        /// The version, normalised.
        version: String,
        /// The bytes that are there.
        held: Option<Content>,
    },
    /// The version is not hosted here.
    #[error("there is no package '{id} {version}' hosted in this feed")]
    NotHosted {
        /// The id.
        id: PackageId,
        /// The version.
        version: NuGetVersion,
    },
    /// The mirror failed.
    #[error(transparent)]
    Failed(#[from] MirrorError),
}

impl Mirror {
    /// Takes a package into a feed. It is on disk, and every route shows it, when this returns.
    ///
    /// # Errors
    /// [`PublishError::Exists`] where the feed hosts the same normalised version, whatever its bytes.
    ///
    /// # Cancel safety
    /// Dropped half-way the package may or may not be there, but never in part.
    pub async fn publish(
        &self,
        feed: &SourceName,
        spooled: Spooled,
        origin: Origin,
    ) -> Result<Published, PublishError> {
        let view = self.view(feed)?;
        let inspected = self.inspect(&spooled).await?.map_err(PublishError::Invalid)?;
        let scrutiny = match &origin {
            Origin::Imported | Origin::Mirrored { .. } => Scrutiny::Known,
            Origin::Pushed { .. } if view.hosts(&inspected.nuspec.id) => Scrutiny::Version,
            Origin::Pushed { .. } => Scrutiny::Id,
        };
        inspected
            .validate_for_push(scrutiny, self.inner.clock.now())
            .map_err(PublishError::Refused)?;
        let mirror = self.clone();
        let feed = feed.clone();
        to_its_end(async move { mirror.keep_published(&feed, spooled, inspected, origin).await }).await
    }

    async fn keep_published(
        &self,
        feed: &SourceName,
        spooled: Spooled,
        inspected: Inspected,
        origin: Origin,
    ) -> Result<Published, PublishError> {
        let nuspec = &inspected.nuspec;
        let (id, version) = (nuspec.id.clone(), nuspec.version.clone());
        let _lock = self.inner.writes.lock((feed.clone(), id.clone())).await;
        let hidden = self.shown_upstream(feed, &id)?;
        let advice = match &origin {
            Origin::Pushed { .. } => nuspec.advice(),
            Origin::Imported | Origin::Mirrored { .. } => Vec::new(),
        };
        let exists = |held: Option<Content>| PublishError::Exists {
            id: id.clone(),
            version: version.normalized().to_owned(),
            held,
        };
        if let Some(record) = self.record_in(feed, &id, &version).await? {
            return Err(exists(record.content));
        }
        let sidecar = Sidecar::new(&id, &version, &spooled.content, origin, self.inner.clock.now());
        let place = Place {
            source: feed,
            id: &id,
            version: &version,
        };
        self.inner
            .packages
            .put(place, spooled.file.path(), &sidecar)
            .await
            .map_err(MirrorError::packages)?;
        let assembly = Assembly {
            source: feed,
            inspected: Some(&inspected),
            committed: self.inner.clock.now(),
        };
        let record = sidecar
            .record(&assembly)
            .map_err(|error| MirrorError::Internal(error.to_string()))?;
        match self.commit(feed, &id, Change::Push(Box::new(record))).await? {
            Committed::Done { .. } => {}
            Committed::Conflict | Committed::Missing => return Err(exists(None)),
        }
        self.inner.index.flush().await.map_err(MirrorError::index)?;
        self.forget_upstreams_word(&id).await;
        tracing::info!(feed.name = %feed, package.id = %id, package.version = %version, "published a package");
        Ok(Published {
            id,
            version,
            advice,
            hidden,
        })
    }

    /// What upstreams said of an id before it was pushed here is not to be believed where they come to be asked again. The package
    /// is in, whatever comes of this.
    async fn forget_upstreams_word(&self, id: &PackageId) {
        let ids = PurgedIds::One(id.clone());
        if let Err(error) = self.purge(&Purge { upstream: None, ids }).await {
            tracing::warn!(package.id = %id, %error, "what upstreams said of a pushed id could not be forgotten");
        }
    }

    /// Returns an upstream of which the feed shows versions of the id, because none is hosted.
    fn shown_upstream(&self, feed: &SourceName, id: &PackageId) -> Result<Option<SourceName>, MirrorError> {
        let group = self.view(feed)?.group(id);
        let highest = group.as_ref().and_then(|group| group.members().first());
        let source = highest.map(|member| member.source.clone());
        let shape = self.view(feed)?.shape();
        Ok(source.filter(|source| shape.hides_ids() && !shape.hosts_of(source)))
    }

    /// Lists or unlists a hosted version. Unlisted, it stays there for whoever asks for that very version.
    ///
    /// # Cancel safety
    /// Dropped half-way it is done all the same.
    pub async fn set_listed(
        &self,
        feed: &SourceName,
        id: &PackageId,
        version: &NuGetVersion,
        listed: Listed,
    ) -> Result<(), PublishError> {
        let (mirror, feed, id, version) = (self.clone(), feed.clone(), id.clone(), version.clone());
        to_its_end(async move { mirror.change_listing(&feed, &id, &version, listed).await }).await
    }

    async fn change_listing(
        &self,
        feed: &SourceName,
        id: &PackageId,
        version: &NuGetVersion,
        listed: Listed,
    ) -> Result<(), PublishError> {
        let _lock = self.inner.writes.lock((feed.clone(), id.clone())).await;
        let record = self.hosted(feed, id, version).await?;
        let version = &record.row.version;
        let place = Place {
            source: feed,
            id,
            version,
        };
        let sidecar = self
            .inner
            .packages
            .sidecar(place)
            .await
            .map_err(MirrorError::packages)?;
        // The index knows the package: what is missing was lost, and must not look like what never was.
        let sidecar = sidecar.ok_or_else(|| {
            MirrorError::Internal(format!(
                "the package.json of {id} {version} is missing; bring it back from a backup, or run `larder reindex`"
            ))
        })?;
        let is_listed = listed == Listed::Yes;
        if sidecar.listed == is_listed && record.row.listed == is_listed {
            // Nothing about it is updated (NuGetGallery, PackageUpdateService.MarkPackageUnlistedAsync).
            return Ok(());
        }
        let at = self.inner.clock.now();
        let sidecar = Sidecar {
            listed: is_listed,
            last_edited: Some(at),
            last_updated: at,
            ..sidecar
        };
        self.inner
            .packages
            .put_sidecar(place, &sidecar)
            .await
            .map_err(MirrorError::packages)?;
        let change = Change::List {
            version: version.clone(),
            listed,
            at,
            committed: self.inner.clock.now().max(at),
        };
        self.commit(feed, id, change).await?;
        self.inner.index.flush().await.map_err(MirrorError::index)?;
        tracing::info!(feed.name = %feed, package.id = %id, package.version = %version, listed = ?listed, "changed a listing");
        Ok(())
    }

    /// Removes a hosted version for good.
    ///
    /// # Cancel safety
    /// Dropped half-way it is done all the same.
    pub async fn remove(&self, feed: &SourceName, id: &PackageId, version: &NuGetVersion) -> Result<(), PublishError> {
        let (mirror, feed, id, version) = (self.clone(), feed.clone(), id.clone(), version.clone());
        to_its_end(async move { mirror.take_away(&feed, &id, &version).await }).await
    }

    async fn take_away(&self, feed: &SourceName, id: &PackageId, version: &NuGetVersion) -> Result<(), PublishError> {
        let _lock = self.inner.writes.lock((feed.clone(), id.clone())).await;
        let record = self.hosted(feed, id, version).await?;
        let version = &record.row.version;
        let place = Place {
            source: feed,
            id,
            version,
        };
        // Without its sidecar the package is gone, also for a rebuild; then the index, then the bytes.
        self.inner
            .packages
            .remove_sidecar(place)
            .await
            .map_err(MirrorError::packages)?;
        self.commit(feed, id, Change::Remove(version.clone())).await?;
        self.inner.index.flush().await.map_err(MirrorError::index)?;
        if let Some(content) = &record.content {
            self.inner
                .packages
                .remove_nupkg(place, content)
                .await
                .map_err(MirrorError::packages)?;
        }
        tracing::info!(feed.name = %feed, package.id = %id, package.version = %version, "removed a package");
        Ok(())
    }

    /// Returns the record of a version that is hosted in the feed.
    async fn hosted(&self, feed: &SourceName, id: &PackageId, version: &NuGetVersion) -> Result<Record, PublishError> {
        let record = self.record_in(feed, id, version).await?;
        record.ok_or_else(|| PublishError::NotHosted {
            id: id.clone(),
            version: version.clone(),
        })
    }

    /// Looks into a spooled package, away from the runtime's threads.
    pub(super) async fn inspect(&self, spooled: &Spooled) -> Result<Result<Inspected, NupkgError>, MirrorError> {
        let (file, limits) = (Arc::clone(&spooled.file), self.inner.limits.nupkg.clone());
        let inspect = move || -> Result<Result<Inspected, NupkgError>, std::io::Error> {
            let reader = std::io::BufReader::new(std::fs::File::open(file.path())?);
            Ok(nupkg::inspect(reader, &limits))
        };
        let outcome = tokio::task::spawn_blocking(inspect)
            .await
            .map_err(|failed| MirrorError::Internal(failed.to_string()))?;
        outcome.map_err(|source| {
            MirrorError::spool(super::SpoolError::Read {
                path: spooled.file.path().to_owned(),
                source,
            })
        })
    }
}

/// Runs work in a task of its own: a client that hangs up does not cut its steps apart.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, PublishError>> + Send + 'static,
) -> Result<T, PublishError> {
    tokio::spawn(work)
        .await
        .map_err(|failed| MirrorError::Internal(failed.to_string()))?
}
