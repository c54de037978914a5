//! Makes an announced version of the parts of an entry: where its id and version are found, which parts are kept.

use url::Url;

use super::{SkipReason, Skipped};
use crate::catalog::{Announced, Entry, Instant};
use crate::nuget::{NuGetVersion, PackageId};

/// What has been read of an entry.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) entry: Entry,
    pub(super) title: String,
    pub(super) atom_id: String,
    pub(super) authors: Vec<String>,
    pub(super) base: Option<Url>,
}

impl Draft {
    /// Returns the version that the entry announces, or why it announces none.
    pub(super) fn finish(mut self) -> Result<Announced, Skipped> {
        let name = match self.atom_id.trim() {
            "" => self.title.trim(),
            id => id,
        };
        let skip = |reason| Skipped {
            entry: name.chars().take(200).collect(),
            reason,
        };
        let key = parse_key(self.atom_id.trim());
        let id = self.id(key).map_err(skip)?;
        let version = self.version(key).map_err(skip)?;
        if self.entry.property("Summary").is_some() {
            self.entry.summary = None;
        }
        self.entry.summary = self.entry.summary.take().filter(|summary| !summary.is_empty());
        if self.entry.property("LastUpdated").is_some() {
            self.entry.updated = None;
        }
        if self.entry.property("Authors").is_none() {
            self.authors.retain(|author| !author.trim().is_empty());
            self.entry.authors = (!self.authors.is_empty()).then(|| self.authors.join(", "));
        }
        Ok(Announced {
            id,
            version,
            entry: self.entry,
        })
    }

    /// `d:Id`; WCF feeds (the Chocolatey community repository) map it to the title and have none. The key in the
    /// Atom id says the same and is asked first: a title may be a display title.
    fn id(&self, key: Option<(&str, &str)>) -> Result<PackageId, SkipReason> {
        if let Some(id) = self.entry.property("Id").filter(|id| !id.trim().is_empty()) {
            return Ok(id.trim().parse()?);
        }
        if let Some(Ok(id)) = key.map(|(id, _)| id.parse()) {
            return Ok(id);
        }
        match self.title.trim() {
            "" => Err(SkipReason::NoId),
            title => Ok(title.parse()?),
        }
    }

    fn version(&self, key: Option<(&str, &str)>) -> Result<NuGetVersion, SkipReason> {
        let version = ["Version", "NormalizedVersion"]
            .iter()
            .find_map(|name| self.entry.property(name).filter(|version| !version.trim().is_empty()))
            .or(key.map(|(_, version)| version))
            .ok_or(SkipReason::NoVersion)?;
        Ok(version.trim().parse()?)
    }
}

/// Takes id and version from `…/Packages(Id='x',Version='1.0')`.
fn parse_key(atom_id: &str) -> Option<(&str, &str)> {
    let (_, key) = atom_id.rsplit_once("(Id='")?;
    let key = key.strip_suffix("')")?;
    key.split_once("',Version='")
}

/// Reads an instant with a zone, or without one in UTC; `None` where the text is no instant: galleries print it for people.
pub(super) fn parse_instant(text: &str) -> Option<Instant> {
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.to_utc())
        .or_else(|_| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|local| local.and_utc()))
        .ok()
}
