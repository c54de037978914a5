//! How a feed is made of sources. Pure.

use crate::catalog::{Shadow, SourceName};
use crate::config::{IdPattern, IdRules};
use crate::nuget::PackageId;

/// How a feed is made of sources.
#[derive(Debug, Clone)]
pub struct FeedShape {
    /// The feed's name, which is that of its own hosted source.
    pub name: SourceName,
    /// Where hosted packages come from, the first one first: the feed itself, then the feeds that it includes.
    pub hosted: Vec<HostedSource>,
    /// Where mirrored packages come from, after those: the first one first.
    pub upstreams: Vec<UpstreamSource>,
    /// Ids that no upstream may answer for.
    pub reserved: Vec<IdPattern>,
}

/// A source of hosted packages, as one feed sees it.
#[derive(Debug, Clone)]
pub struct HostedSource {
    /// The source.
    pub source: SourceName,
    /// What its packages hide of the upstreams.
    pub shadow: Shadow,
}

/// A source of mirrored packages.
#[derive(Debug, Clone)]
pub struct UpstreamSource {
    /// The source.
    pub source: SourceName,
    /// Which ids it is asked about, and supplies.
    pub ids: IdRules,
}

impl FeedShape {
    /// Returns a feed over some upstreams that may be asked about everything that is not hosted in it.
    #[must_use]
    pub fn plain(name: SourceName, upstreams: impl IntoIterator<Item = SourceName>) -> Self {
        let hosted = HostedSource {
            source: name.clone(),
            shadow: Shadow::Id,
        };
        let upstream = |source| UpstreamSource {
            source,
            ids: IdRules::default(),
        };
        Self {
            name,
            hosted: vec![hosted],
            upstreams: upstreams.into_iter().map(upstream).collect(),
            reserved: Vec::new(),
        }
    }

    /// Returns whether a source's packages may show in the feed.
    #[must_use]
    pub fn has(&self, source: &SourceName) -> bool {
        self.hosts_of(source) || self.upstreams.iter().any(|upstream| upstream.source == *source)
    }

    /// Returns whether a source is one of hosted packages.
    #[must_use]
    pub fn hosts_of(&self, source: &SourceName) -> bool {
        self.hosted.iter().any(|hosted| hosted.source == *source)
    }

    /// Returns whether a source is one of the feed's, and may supply an id.
    #[must_use]
    pub fn admits(&self, source: &SourceName, id: &PackageId) -> bool {
        let supplies = |upstream: &UpstreamSource| upstream.source == *source && upstream.ids.admit(id.lower());
        self.hosts_of(source) || self.upstreams.iter().any(supplies)
    }

    /// Returns whether what is hosted in the feed itself hides all versions of its id that upstreams have.
    #[must_use]
    pub fn hides_ids(&self) -> bool {
        self.hosted
            .iter()
            .any(|hosted| hosted.source == self.name && hosted.shadow == Shadow::Id)
    }

    /// Returns whether an id belongs to what is hosted here alone.
    #[must_use]
    pub fn reserves(&self, id: &str) -> bool {
        self.reserved.iter().any(|pattern| pattern.matches(id))
    }

    /// Returns whether an id that begins with a text can belong to what is hosted here alone.
    #[must_use]
    pub fn reserves_any_with(&self, prefix: &str) -> bool {
        self.reserved.iter().any(|pattern| pattern.can_match_with(prefix))
    }

    /// Returns the upstreams that may answer for an id as far as its name tells, the first one first.
    pub fn upstreams_for<'a>(&'a self, id: &'a PackageId) -> impl Iterator<Item = &'a SourceName> {
        let upstreams: &[UpstreamSource] = if self.reserves(id.lower()) {
            &[]
        } else {
            &self.upstreams
        };
        upstreams
            .iter()
            .filter(|upstream| upstream.ids.admit(id.lower()))
            .map(|upstream| &upstream.source)
    }
}
