//! `[[feed]]`: what clients see, and what may be done to it.

use toml::de::DeValue;

use super::document::Section;
use super::error::ConfigError;
use super::pattern::IdPattern;
use super::value::{Value, quoted, text};
use crate::catalog::SourceName;

pub(super) const KEYS: &[&str] = &["name", "default", "upstreams", "reserved", "delete"];

/// A feed: what is hosted under its name, then its upstreams.
#[derive(Clone, Debug)]
pub struct FeedConfig {
    /// Names the feed, its address and the directory of what it hosts.
    pub name: SourceName,
    /// Whether this is the one feed that is served at the short addresses too.
    pub is_default: bool,
    /// The upstreams, in the order in which they are looked at; each is configured.
    pub upstreams: Vec<SourceName>,
    /// Ids that no upstream is asked about.
    pub reserved: Vec<IdPattern>,
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
            upstreams: section.read_if("upstreams", upstreams, |names| {
                let twice = names
                    .iter()
                    .enumerate()
                    .find(|(index, name)| names.iter().take(*index).any(|n| n == *name));
                twice.map(|(_, name)| format!("names {name} twice"))
            })?,
            reserved: section.read("reserved", Vec::new())?,
            delete: section.read("delete", DeletePolicy::Unlist)?,
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
