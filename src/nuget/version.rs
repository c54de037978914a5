//! Versions as NuGet reads them: one to four numbers, labels, metadata (NuGet.Client, `NuGetVersionFactory`).

use crate::limits::MAX_VERSION_BYTES;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

/// A package version. Equality, order and hash are semantic and ignore metadata; the spelling is kept.
///
/// ```
/// use larder::nuget::NuGetVersion;
/// let version: NuGetVersion = "4.6.00081".parse().unwrap();
/// assert_eq!(version.as_str(), "4.6.00081");
/// assert_eq!(version.normalized(), "4.6.81");
/// assert_eq!(version, "4.6.81.0".parse().unwrap());
/// assert!(version < "10.0".parse().unwrap());
/// ```
#[derive(Clone)]
pub struct NuGetVersion {
    numbers: [u32; 4],
    spelling: Arc<str>,
    normalized: Arc<str>,
    /// Where the labels (after `-`) lie in `normalized`; `None` for a release.
    labels_at: Option<u16>,
    metadata: bool,
}

/// The SemVer level a client asks for, or a version needs (NuGetGallery, `SemVerLevelKey`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SemVerLevel {
    /// Versions with at most one label and no metadata: what old clients can read.
    One,
    /// Everything.
    Two,
}

/// Why a text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The text or its normalised form is longer than [`MAX_VERSION_BYTES`]: what feeds print must be readable again.
    #[error("the version is {bytes} bytes long; at most {MAX_VERSION_BYTES} are allowed")]
    TooLong {
        /// Length in bytes.
        bytes: usize,
    },
    /// The numbers are not one to four runs of digits, each at most 2147483647.
    #[error("'{version}' is not a version: it needs one to four numbers up to 2147483647, separated by dots")]
    Numbers {
        /// The text.
        version: String,
    },
    /// A label is empty, has other characters than letters, digits and `-`, or is a number with leading zeros.
    #[error(
        "'{version}' is not a version: the part after '-' needs letters, digits and '-' in parts separated by dots"
    )]
    Labels {
        /// The text.
        version: String,
    },
    /// Metadata is empty or has other characters than letters, digits and `-`.
    #[error(
        "'{version}' is not a version: the part after '+' needs letters, digits and '-' in parts separated by dots"
    )]
    Metadata {
        /// The text.
        version: String,
    },
}

impl NuGetVersion {
    /// Returns the version as it was spelled, without blanks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.spelling
    }

    /// Returns the normalised form: three numbers, a fourth when it is not zero, labels; no metadata.
    #[must_use]
    pub fn normalized(&self) -> &str {
        &self.normalized
    }

    /// Returns the normalised form in lower case: the form that identifies a version of a package.
    #[must_use]
    pub fn key(&self) -> String {
        self.normalized.to_ascii_lowercase()
    }

    /// Returns whether the version has labels.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        self.labels_at.is_some()
    }

    /// Returns the four numbers; absent ones are zero.
    #[must_use]
    pub fn numbers(&self) -> [u32; 4] {
        self.numbers
    }

    /// Returns the labels with their dots, without the leading `-`; empty for a release.
    #[must_use]
    pub fn labels(&self) -> &str {
        self.labels_at
            .and_then(|at| self.normalized.get(usize::from(at)..))
            .unwrap_or("")
    }

    /// Returns the level that a client must ask for to see this version: more than one label or metadata needs SemVer 2.
    #[must_use]
    pub fn level(&self) -> SemVerLevel {
        if self.metadata || self.labels().contains('.') {
            SemVerLevel::Two
        } else {
            SemVerLevel::One
        }
    }
}

impl FromStr for NuGetVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_VERSION_BYTES {
            return Err(VersionError::TooLong { bytes: text.len() });
        }
        // Blanks around the whole and around the numbers are nothing; in labels and metadata they are a mistake.
        let trimmed = text.trim();
        let (rest, metadata) = match trimmed.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (trimmed, None),
        };
        let (core, labels) = match rest.split_once('-') {
            Some((core, labels)) => (core, Some(labels)),
            None => (rest, None),
        };
        let numbers = parse_numbers(text, core)?;
        if labels.is_some_and(|labels| !labels.split('.').all(is_label)) {
            return Err(VersionError::Labels {
                version: text.to_owned(),
            });
        }
        if metadata.is_some_and(|metadata| !metadata.split('.').all(is_identifier)) {
            return Err(VersionError::Metadata {
                version: text.to_owned(),
            });
        }
        let spelling: Cow<'_, str> = if trimmed.contains(char::is_whitespace) {
            trimmed.chars().filter(|c| !c.is_whitespace()).collect()
        } else {
            trimmed.into()
        };
        let [major, minor, patch, revision] = numbers;
        let mut normalized = format!("{major}.{minor}.{patch}");
        if revision > 0 {
            let _ = write!(normalized, ".{revision}");
        }
        let mut labels_at = None;
        if let Some(labels) = labels {
            normalized.push('-');
            labels_at = u16::try_from(normalized.len()).ok();
            normalized.push_str(labels);
        }
        if normalized.len() > MAX_VERSION_BYTES {
            return Err(VersionError::TooLong {
                bytes: normalized.len(),
            });
        }
        let has_metadata = metadata.is_some();
        let spelling: Arc<str> = spelling.into();
        let normalized = if *spelling == *normalized {
            Arc::clone(&spelling)
        } else {
            normalized.into()
        };
        Ok(Self {
            numbers,
            spelling,
            normalized,
            labels_at,
            metadata: has_metadata,
        })
    }
}

/// Parses one to four numbers. White space *around* a number is tolerated by NuGet, inside it is not.
fn parse_numbers(text: &str, core: &str) -> Result<[u32; 4], VersionError> {
    let refuse = || VersionError::Numbers {
        version: text.to_owned(),
    };
    let mut numbers = [0; 4];
    let mut parts = core.split('.');
    let mut slots = numbers.iter_mut();
    for part in parts.by_ref() {
        let slot = slots.next().ok_or_else(refuse)?;
        let part = part.trim();
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refuse());
        }
        *slot = part
            .parse::<u32>()
            .ok()
            .filter(|n| i32::try_from(*n).is_ok())
            .ok_or_else(refuse)?;
    }
    Ok(numbers)
}

fn is_identifier(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A label that is all digits must not have a leading zero.
fn is_label(part: &str) -> bool {
    let is_padded_number = part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit());
    is_identifier(part) && !is_padded_number
}

/// Returns a label as a number, if NuGet takes it for one: a sign may lead, and beyond the range of an Int32 it is a word
/// (NuGet.Client, `VersionComparer`).
fn number(label: &str) -> Option<i32> {
    label.parse().ok()
}

/// Compares label lists: numbers below words, numbers by value, words ignoring case, a shorter list first.
fn compare_labels(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut lefts, mut rights) = (left.split('.'), right.split('.'));
    loop {
        let (one, two) = match (lefts.next(), rights.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(two)) => (one, two),
        };
        let order = match (number(one), number(two)) {
            // `-5` and `-05` are the same number and two labels.
            (Some(low), Some(high)) => low.cmp(&high).then_with(|| one.cmp(two)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => {
                let fold = |text: &str| text.bytes().map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>();
                fold(one).cmp(&fold(two))
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

impl Ord for NuGetVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| compare_labels(self.labels(), other.labels()))
    }
}

impl PartialOrd for NuGetVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for NuGetVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for NuGetVersion {}

impl Hash for NuGetVersion {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for NuGetVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

impl fmt::Debug for NuGetVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NuGetVersion({})", self.spelling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(text: &str) -> NuGetVersion {
        text.parse().unwrap()
    }

    #[test]
    fn normalises_as_nuget_does() {
        for (text, normalized) in [
            ("1", "1.0.0"),
            ("1.0", "1.0.0"),
            ("01.002.3", "1.2.3"),
            ("1.2.3.0", "1.2.3"),
            ("1.2.3.4", "1.2.3.4"),
            ("9.00.01", "9.0.1"),
            ("004.0.01.0", "4.0.1"),
            ("1.0-Beta1", "1.0.0-Beta1"),
            ("1.0.0-a.1+git.5", "1.0.0-a.1"),
            ("1.0.0+x", "1.0.0"),
            (" 1 . 2 ", "1.2.0"),
            (" 1.2 -beta ", "1.2.0-beta"),
            ("1.2 +x", "1.2.0"),
            ("6.3-c", "6.3.0-c"),
            ("2147483647.0", "2147483647.0.0"),
        ] {
            assert_eq!(version(text).normalized(), normalized, "{text:?}");
        }
        assert_eq!(version(" 1 . 2 ").as_str(), "1.2");
    }

    #[test]
    fn refuses_what_nuget_refuses() {
        for text in [
            "",
            ".",
            "1.",
            ".1",
            "1..2",
            "1.2.3.4.5",
            "-1",
            "1.0-",
            "1.0+",
            "1.0-beta+",
            "1.0-01",
            "1.0-a..b",
            "1.0-a_b",
            "2147483648",
            "1.0-é",
            "v1.0",
            "1 2",
            "1.0.0.0-be ta",
            "1.0- beta",
            "1.0-beta +x",
            "1.0.0.0+a b",
            "1.0.0.0.-a",
            "1.0+a..b",
            "1.0+a+b",
        ] {
            assert!(text.parse::<NuGetVersion>().is_err(), "{text:?}");
        }
        assert!("1".repeat(65).parse::<NuGetVersion>().is_err());
        let long_when_normalized = format!("1-{}", "a".repeat(59));
        assert_eq!(
            long_when_normalized.parse::<NuGetVersion>(),
            Err(VersionError::TooLong { bytes: 65 })
        );
    }

    #[test]
    fn orders_as_nuget_does() {
        let ascending = [
            "0.9",
            // Two dashes: the label is a number below zero.
            "1.0--5",
            "1.0-0",
            "1.0-2147483647",
            "1.0--a",
            "1.0-2147483648",
            "1.0-alpha",
            "1.0-ALPHA.1",
            "1.0-alpha.2",
            "1.0-alpha.10",
            "1.0-alpha.x",
            "1.0-alpha10",
            "1.0-alpha2",
            "1.0",
            "1.0.0.1",
            "1.9",
            "1.11",
            "2.0-0",
            "2.0-1",
            "2.0-a",
            "2.0",
            "10.0",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        assert_eq!(version("1.0"), version("1.00.0.0+meta"));
        assert_eq!(version("1.0-BETA"), version("1.0.0-beta"));
    }

    #[test]
    fn tells_the_level() {
        for (text, level) in [
            ("1.0", SemVerLevel::One),
            ("1.0-beta1", SemVerLevel::One),
            ("1.0-beta.1", SemVerLevel::Two),
            ("1.0+x", SemVerLevel::Two),
        ] {
            assert_eq!(version(text).level(), level, "{text}");
        }
    }

    fn any_version() -> impl Strategy<Value = String> {
        (
            "[0-9]{1,3}(\\.0{0,2}[0-9]{1,4}){0,3}",
            "(-[a-z-][a-z0-9]{0,3}(\\.[1-9a-z-][0-9]{0,2}){0,2})?",
            "(\\+[a-z0-9]{1,4})?",
        )
            .prop_map(|(core, labels, metadata)| core + &labels + &metadata)
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,70}") {
            let _ = text.parse::<NuGetVersion>();
        }

        #[test]
        fn normalising_keeps_identity(text in any_version()) {
            let one = version(&text);
            let again = version(one.normalized());
            prop_assert_eq!(&one, &again);
            prop_assert_eq!(one.normalized(), again.normalized());
            prop_assert_eq!(one.key(), again.key());
        }

        #[test]
        fn order_is_total_and_agrees_with_keys(a in any_version(), b in any_version(), c in any_version()) {
            let (a, b, c) = (version(&a), version(&b), version(&c));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.key() == b.key());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }
    }
}
