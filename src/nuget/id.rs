//! Package ids: compared ignoring case, shown as they were spelled.

use crate::limits::{MAX_ID_CHARS, MAX_ID_ENCODED_BYTES};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

/// A package id. Equality, order and hash ignore case; [`PackageId::as_str`] keeps the spelling.
///
/// ```
/// use larder::nuget::PackageId;
/// let id: PackageId = "Git.Install".parse().unwrap();
/// assert_eq!(id, "git.install".parse().unwrap());
/// assert_eq!(id.as_str(), "Git.Install");
/// assert_eq!(id.lower(), "git.install");
/// ```
#[derive(Clone)]
pub struct PackageId {
    spelling: Arc<str>,
    lower: Arc<str>,
}

/// Why a text is no package id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageIdError {
    /// The text is empty.
    #[error("a package id must not be empty")]
    Empty,
    /// The text is longer than [`MAX_ID_CHARS`].
    #[error("the package id is {chars} characters long; at most {MAX_ID_CHARS} are allowed")]
    TooLong {
        /// Length in characters.
        chars: usize,
    },
    /// The text is no name that a file system takes once its characters outside ASCII are percent-encoded.
    #[error(
        "the package id is too long for what it has of other characters than ASCII ones; at most {MAX_ID_ENCODED_BYTES} bytes are allowed, three for each of theirs"
    )]
    TooLongEncoded,
    /// The text has a character or an order of separators that ids do not have.
    #[error(
        "'{id}' is not a package id: letters, digits and '_', in parts separated by single '.' or '-', are allowed"
    )]
    Malformed {
        /// The text, cut to 128 characters.
        id: String,
    },
}

impl PackageId {
    /// Returns the id as it was spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.spelling
    }

    /// Returns the id in lower case: the form that identifies it.
    #[must_use]
    pub fn lower(&self) -> &str {
        &self.lower
    }
}

impl FromStr for PackageId {
    type Err = PackageIdError;

    /// Parses `^\w+([.-]\w+)*$`, NuGetGallery's rule, with Unicode word characters for old packages.
    fn from_str(text: &str) -> Result<Self, PackageIdError> {
        if text.is_empty() {
            return Err(PackageIdError::Empty);
        }
        let chars = text.chars().count();
        if chars > MAX_ID_CHARS {
            return Err(PackageIdError::TooLong { chars });
        }
        let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !text.split(['.', '-']).all(is_word) {
            return Err(PackageIdError::Malformed { id: text.to_owned() });
        }
        let spelling: Arc<str> = text.into();
        let folded = text.to_lowercase();
        let lower = if folded == text {
            Arc::clone(&spelling)
        } else {
            folded.into()
        };
        let encoded_bytes: usize = lower.bytes().map(|byte| if byte.is_ascii() { 1 } else { 3 }).sum();
        if encoded_bytes > MAX_ID_ENCODED_BYTES {
            return Err(PackageIdError::TooLongEncoded);
        }
        Ok(Self { spelling, lower })
    }
}

impl PartialEq for PackageId {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for PackageId {}

impl Hash for PackageId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.lower.hash(state);
    }
}

impl PartialOrd for PackageId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PackageId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.lower.cmp(&other.lower)
    }
}

/// Maps keyed by id can be asked with a lower-cased text.
impl Borrow<str> for PackageId {
    fn borrow(&self) -> &str {
        &self.lower
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

impl fmt::Debug for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackageId({})", self.spelling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_galleries_accept() {
        for id in ["git", "7zip.install", "KB2999226", "a_b-c.d", "Ünicode", "_x"] {
            assert_eq!(id.parse::<PackageId>().unwrap().as_str(), id);
        }
    }

    #[test]
    fn refuses_what_could_leave_its_folder_or_its_quotes() {
        for id in [
            "", ".", "..", "a..b", "a/b", "a\\b", "-a", "a-", "a b", "a'b", "a%2Fb", "a\0", "$id$",
        ] {
            assert!(id.parse::<PackageId>().is_err(), "{id:?}");
        }
        assert_eq!(
            "a".repeat(129).parse::<PackageId>(),
            Err(PackageIdError::TooLong { chars: 129 })
        );
        assert!("ü".repeat(42).parse::<PackageId>().is_ok());
        for id in [
            "ü".repeat(43),
            "漢".repeat(29),
            format!("{}{}", "a".repeat(80), "ü".repeat(30)),
        ] {
            assert!(id.parse::<PackageId>().is_err(), "{id}");
        }
    }

    #[test]
    fn identity_ignores_case() {
        let (one, two): (PackageId, PackageId) = ("NuGet.Core".parse().unwrap(), "nuget.CORE".parse().unwrap());
        assert_eq!(one, two);
        assert_eq!(one.cmp(&two), Ordering::Equal);
        let set: std::collections::BTreeSet<_> = [one].into();
        assert!(set.contains("nuget.core"));
    }
}
