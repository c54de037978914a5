//! `[[feed]]`: what clients see, and what may be done to it.

pub(super) mod includes;

use toml::de::DeValue;

use super::document::Section;
use super::error::ConfigError;
use super::pattern::IdPattern;
use super::value::{Value, quoted, text};
use crate::catalog::{Shadow, SourceName};

pub(super) const KEYS: &[&str] = &[
    "name",
    "default",
    "upstreams",
    "include",
    "reserved",
    "shadow",
    "delete",
];

/// A feed: what is hosted under its name, what is hosted in the feeds that it includes, then its upstreams, then theirs.
#[derive(Clone, Debug)]
pub struct FeedConfig {
    /// Names the feed, its address and the directory of what it hosts.
    pub name: SourceName,
    /// Whether this is the one feed that is served at the short addresses too.
    pub is_default: bool,
    /// The upstreams, in the order in which they are looked at; each is configured.
    pub upstreams: Vec<SourceName>,
    /// The feeds whose packages show in this one too, in the order in which they are looked at; each is configured, and none
    /// includes this one, in whatever steps.
    pub include: Vec<SourceName>,
    /// Ids that no upstream is asked about.
    pub reserved: Vec<IdPattern>,
    /// What a hosted package hides of the upstreams.
    pub shadow: Shadow,
    /// What a client's delete does.
    pub delete: DeletePolicy,
}

/// What a client's delete does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletePolicy {
    /// Hides the version; it can still be downloaded.
    Unlist,
    /// Deletes the version for good.
    Remove,
    /// Is refused.
    Off,
}

/// Whether the feed is the only one there is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Siblings {
    None,
    Some,
}

impl FeedConfig {
    /// Says whether the id matches a reserved pattern.
    #[must_use]
    pub fn reserves(&self, id: &str) -> bool {
        self.reserved.iter().any(|pattern| pattern.matches(id))
    }

    pub(super) fn read(section: &mut Section<'_>, siblings: Siblings) -> Result<Self, ConfigError> {
        let name: SourceName = section.require("name", "\"choco\"")?;
        Self::read_named(section, name, siblings, Vec::new())
    }

    /// Returns the feed there is when the file has none: `default`, over these upstreams.
    #[expect(clippy::expect_used, reason = "the name is a constant that a test reads")]
    pub(super) fn implied(section: &mut Section<'_>, upstreams: Vec<SourceName>) -> Result<Self, ConfigError> {
        let name = section.read("name", "default".parse().expect("default is a name"))?;
        Self::read_named(section, name, Siblings::None, upstreams)
    }

    fn read_named(
        section: &mut Section<'_>,
        name: SourceName,
        siblings: Siblings,
        upstreams: Vec<SourceName>,
    ) -> Result<Self, ConfigError> {
        section.call("feed", name.as_str());
        Ok(Self {
            name,
            is_default: section.read("default", siblings == Siblings::None)?,
            upstreams: section.read_if("upstreams", upstreams, twice)?,
            include: section.read_if("include", Vec::new(), twice)?,
            reserved: section.read("reserved", Vec::new())?,
            shadow: section.read("shadow", Shadow::Id)?,
            delete: section.read("delete", DeletePolicy::Unlist)?,
        })
    }
}

#[expect(clippy::ptr_arg, reason = "the type of what is read")]
fn twice(names: &Vec<SourceName>) -> Option<String> {
    let twice = names
        .iter()
        .enumerate()
        .find(|(index, name)| names.iter().take(*index).any(|n| n == *name));
    twice.map(|(_, name)| format!("names {name} twice"))
}

impl Value for Shadow {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match text(value)? {
            "id" => Ok(Self::Id),
            "version" => Ok(Self::Version),
            other => Err(format!("must be \"id\" or \"version\", not {other:?}")),
        }
    }

    fn show(&self) -> String {
        quoted(match self {
            Self::Id => "id",
            Self::Version => "version",
        })
    }
}

impl Value for DeletePolicy {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match text(value)? {
            "unlist" => Ok(Self::Unlist),
            "remove" => Ok(Self::Remove),
            "off" => Ok(Self::Off),
            other => Err(format!("must be \"unlist\", \"remove\" or \"off\", not {other:?}")),
        }
    }

    fn show(&self) -> String {
        quoted(match self {
            Self::Unlist => "unlist",
            Self::Remove => "remove",
            Self::Off => "off",
        })
    }
}
