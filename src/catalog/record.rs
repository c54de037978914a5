//! All that larder knows of one version of one id in one source.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Instant, Row};

/// The name of a source: of an upstream, or of the feed whose hosted packages it holds. Also a folder name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(Arc<str>);

/// A text that is no source name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a name: use 1 to 64 lower-case letters, digits, '.', '_' and '-', starting with a letter or digit"
)]
pub struct SourceNameError(String);

impl SourceName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourceName {
    type Err = SourceNameError;

    fn from_str(text: &str) -> Result<Self, SourceNameError> {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let starts_well = text.bytes().next().is_some_and(is_plain);
        let is_name =
            starts_well && text.len() <= 64 && text.bytes().all(|b| is_plain(b) || matches!(b, b'.' | b'_' | b'-'));
        if is_name {
            Ok(Self(text.into()))
        } else {
            Err(SourceNameError(text.to_owned()))
        }
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One `d:` property of an entry, as the source wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// The local name, in its own case.
    pub name: String,
    /// `Edm.Boolean`, `Edm.Int32` ...; `None` for a string.
    #[serde(rename = "type", default)]
    pub edm_type: Option<String>,
    /// The text; `None` for `m:null`.
    #[serde(default)]
    pub value: Option<String>,
}

impl Property {
    /// Makes a string property.
    #[must_use]
    pub fn text(name: &str, value: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            edm_type: None,
            value: value.map(str::to_owned),
        }
    }

    /// Makes a property of an EDM type such as `Edm.Int64`.
    #[must_use]
    pub fn typed(name: &str, edm_type: &str, value: String) -> Self {
        Self {
            name: name.to_owned(),
            edm_type: Some(edm_type.to_owned()),
            value: Some(value),
        }
    }
}

/// The bytes of a package that larder holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// SHA-512 of the nupkg, base64: NuGet's `PackageHash`.
    pub sha512: String,
    /// Length of the nupkg in bytes.
    pub size: u64,
}

/// Where a record came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Origin {
    /// Pushed over HTTP.
    Pushed {
        /// Who pushed it: the name of the key's principal.
        by: String,
    },
    /// Imported from a file by the administrator, or found in the packages folder by `reindex`.
    Imported,
    /// Mirrored from an upstream.
    Mirrored {
        /// Where the upstream says that the nupkg lies; `None` where the URL template says so.
        content_url: Option<String>,
    },
}

/// All that is known of one (source, id, version).
#[derive(Debug, Clone)]
pub struct Record {
    /// The source that it belongs to.
    pub source: SourceName,
    /// What queries need.
    pub row: Arc<Row>,
    /// The entry's properties in the order they are printed, without those that depend on the feed
    /// (`IsLatestVersion`, `IsAbsoluteLatestVersion`) or on the row (`Published`, `Listed`, `Tags` ...: `odata::entry` says which).
    pub properties: Vec<Property>,
    /// The nupkg, where it is held here.
    pub content: Option<Content>,
    /// Where it came from.
    pub origin: Origin,
    /// When this record was last written.
    pub committed: Instant,
}

impl Record {
    /// Returns the value of a property, its name matched ignoring case; `None` where it is absent or null.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|property| property.name.eq_ignore_ascii_case(name))
            .and_then(|property| property.value.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::SourceName;

    #[test]
    fn names_are_safe_folder_names() {
        for name in ["choco", "a", "0.x-y_z"] {
            assert!(name.parse::<SourceName>().is_ok(), "{name}");
        }
        for name in ["", ".", "..", ".hidden", "A", "a/b", "a\\b", "a b", &"a".repeat(65)] {
            assert!(name.parse::<SourceName>().is_err(), "{name}");
        }
    }
}
