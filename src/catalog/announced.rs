//! What an upstream says of one version: an entry of its feed, before anything of it is kept.

use serde::{Deserialize, Serialize};

use super::{Instant, Property};
use crate::nuget::{NuGetVersion, PackageId};

/// One version as an upstream announces it. Nothing in it has been verified.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The id, as the entry spells it.
    pub id: PackageId,
    /// The version, as the entry spells it.
    pub version: NuGetVersion,
    /// What the entry says beside id and version.
    pub entry: Entry,
}

/// The parts of an Atom entry that are kept verbatim: in the index, and in the sidecar of a mirrored package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// All `d:` properties, in their order, unknown ones too.
    pub properties: Vec<Property>,
    /// `atom:summary`, where the properties have no `Summary` (WCF feeds map it away).
    #[serde(default)]
    pub summary: Option<String>,
    /// `atom:author/name`, likewise; several are joined by `, `.
    #[serde(default)]
    pub authors: Option<String>,
    /// `atom:updated`, likewise for `LastUpdated`.
    #[serde(default)]
    pub updated: Option<Instant>,
    /// `content/@src`, absolute.
    #[serde(default)]
    pub content_url: Option<String>,
}

impl Entry {
    /// Returns the value of a property, its name matched ignoring case; `None` where it is absent or null.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|property| property.name.eq_ignore_ascii_case(name))
            .and_then(|property| property.value.as_deref())
    }
}
