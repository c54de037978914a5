//! The sidecar of a package file: what the file itself cannot tell.
//!
//! It is written last, atomically: a package exists from the moment its sidecar does, and goes with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::packages::nupkg_name;
use crate::catalog::manifest::{self, Times};
use crate::catalog::{Announced, Content, Entry, Instant, Interner, Origin, Property, Record, Row, SourceName};
use crate::nuget::nuspec::Nuspec;
use crate::nuget::{Inspected, NuGetVersion, PackageId, PackageIdError, VersionError};

/// The form of sidecar that this program writes.
pub const SCHEMA: u32 = 1;

/// `package.json` beside a nupkg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// The form of this file: [`SCHEMA`].
    pub schema: u32,
    /// The package id, as the package spells it.
    pub id: String,
    /// The version, as the package spells it.
    pub version: String,
    /// The name of the nupkg, beside this file.
    pub file: String,
    /// SHA-512 of the nupkg, base64.
    pub sha512: String,
    /// Length of the nupkg in bytes.
    pub size: u64,
    /// Where the package came from.
    pub origin: Origin,
    /// Whether lists and searches show it.
    pub listed: bool,
    /// When it first appeared here.
    pub created: Instant,
    /// When it was published.
    pub published: Instant,
    /// When it was last changed, where that happened.
    #[serde(default)]
    pub last_edited: Option<Instant>,
    /// When anything about it last changed.
    pub last_updated: Instant,
    /// What the upstream said of it, verbatim; absent for what is hosted here or came from a URL template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
}

/// Why a sidecar makes no record.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// Its id is none.
    #[error("the sidecar's id: {0}")]
    Id(#[from] PackageIdError),
    /// Its version is none.
    #[error("the sidecar's version: {0}")]
    Version(#[from] VersionError),
}

/// What a record needs beside the sidecar.
#[derive(Debug, Clone, Copy)]
pub struct Assembly<'a> {
    /// The source that the package belongs to.
    pub source: &'a SourceName,
    /// What was found in the package. Where that is absent (the nupkg is damaged), the record holds what the sidecar tells.
    pub inspected: Option<&'a Inspected>,
    /// When the record is written.
    pub committed: Instant,
}

impl Sidecar {
    /// Makes the sidecar of a package that appears now, listed.
    #[must_use]
    pub fn new(id: &PackageId, version: &NuGetVersion, content: &Content, origin: Origin, now: Instant) -> Self {
        Self {
            schema: SCHEMA,
            id: id.as_str().to_owned(),
            version: version.as_str().to_owned(),
            file: nupkg_name(content),
            sha512: content.sha512.clone(),
            size: content.size,
            origin,
            listed: true,
            created: now,
            published: now,
            last_edited: None,
            last_updated: now,
            entry: None,
        }
    }

    /// Returns the package's bytes as the sidecar describes them.
    #[must_use]
    pub fn content(&self) -> Content {
        Content {
            sha512: self.sha512.clone(),
            size: self.size,
        }
    }

    /// Makes the index's record. The one way to it: pushed, mirrored, imported and rebuilt records are alike.
    ///
    /// # Errors
    /// Where id or version are none.
    pub fn record(&self, assembly: &Assembly<'_>) -> Result<Record, AssemblyError> {
        let (mut row, properties) = match (&self.entry, assembly.inspected) {
            (Some(entry), _) => self.announced(entry)?,
            (None, Some(inspected)) => self.described(&inspected.nuspec),
            (None, None) => self.bare()?,
        };
        let frameworks = assembly.inspected.and_then(|inspected| inspected.frameworks.clone());
        row.frameworks = frameworks.map(Arc::new);
        Ok(Record {
            source: assembly.source.clone(),
            row: Arc::new(row),
            properties,
            content: Some(self.content()),
            origin: self.origin.clone(),
            committed: assembly.committed,
        })
    }

    fn announced(&self, entry: &Entry) -> Result<(Row, Vec<Property>), AssemblyError> {
        let announced = Announced {
            id: self.id.parse()?,
            version: self.version.parse()?,
            entry: entry.clone(),
        };
        let mut row = manifest::announced_row(&announced, self.created, &mut Interner::default());
        row.listed = self.listed;
        row.package_size = self.size;
        Ok((row, manifest::announced_properties(&announced)))
    }

    fn described(&self, nuspec: &Nuspec) -> (Row, Vec<Property>) {
        let content = self.content();
        let row = manifest::row(nuspec, &content, &self.times(), self.listed, &mut Interner::default());
        (row, manifest::properties(nuspec, &content))
    }

    fn bare(&self) -> Result<(Row, Vec<Property>), AssemblyError> {
        let version: NuGetVersion = self.version.parse()?;
        let times = self.times();
        let row = Row {
            id: self.id.parse()?,
            level: version.level(),
            version,
            listed: self.listed,
            created: times.created,
            published: times.published,
            last_edited: times.last_edited,
            last_updated: times.last_updated,
            download_count: 0,
            version_download_count: 0,
            package_size: self.size,
            approved: true,
            frameworks: None,
            title: None,
            description: None,
            summary: None,
            tags: None,
            authors: None,
        };
        let properties = vec![
            Property::text("PackageHash", Some(&self.sha512)),
            Property::text("PackageHashAlgorithm", Some("SHA512")),
            Property::typed("PackageSize", "Edm.Int64", self.size.to_string()),
        ];
        Ok((row, properties))
    }

    fn times(&self) -> Times {
        Times {
            created: self.created,
            published: self.published,
            last_edited: self.last_edited,
            last_updated: self.last_updated,
        }
    }

    /// Encodes the sidecar as indented JSON, for people too.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it never does")]
    pub fn encode(&self) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "plain structs with text keys always encode")]
        serde_json::to_vec_pretty(self).expect("plain data always encodes")
    }

    /// Decodes a sidecar.
    ///
    /// # Errors
    /// Where the bytes are no JSON of this form.
    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let sidecar: Self = serde_json::from_slice(bytes)?;
        if sidecar.schema == SCHEMA {
            Ok(sidecar)
        } else {
            Err(serde::de::Error::custom(format!(
                "the sidecar has schema {}, this program reads schema {SCHEMA}",
                sidecar.schema
            )))
        }
    }
}
