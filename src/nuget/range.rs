//! Version ranges in interval notation (NuGet.Client, `VersionRangeFactory`).
//!
//! Floating ranges (`1.0.*`) are a project file's, never a package's: they are refused by name, but where a project asks
//! ([`VersionRange::parse_floating`]).

mod floating;

use std::fmt;
use std::str::FromStr;

use super::version::{NuGetVersion, SemVerLevel, VersionError};
use crate::limits::MAX_RANGE_BYTES;

/// A set of versions between two bounds, either of which may be absent. The spelling is kept.
///
/// ```
/// use larder::nuget::VersionRange;
/// let range: VersionRange = "[1.0,2.0)".parse().unwrap();
/// assert_eq!(range.normalized(), "[1.0.0, 2.0.0)");
/// assert!(range.satisfies(&"1.9.3".parse().unwrap()));
/// assert!(!range.satisfies(&"2.0".parse().unwrap()));
/// assert_eq!("1.0".parse::<VersionRange>().unwrap().normalized(), "[1.0.0, )");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    minimum: Option<Bound>,
    maximum: Option<Bound>,
    spelling: String,
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The version at the end.
    pub version: NuGetVersion,
    /// Whether the version itself belongs to the range.
    pub edge: Edge,
}

/// Whether a bound belongs to its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// `[` or `]`.
    Inclusive,
    /// `(` or `)`.
    Exclusive,
}

/// Why a text is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// The text is empty.
    #[error("a version range must not be empty")]
    Empty,
    /// The text is longer than [`MAX_RANGE_BYTES`].
    #[error("the version range is {bytes} bytes long; at most {MAX_RANGE_BYTES} are allowed")]
    TooLong {
        /// Length in bytes.
        bytes: usize,
    },
    /// The text has a `*`.
    #[error("'{range}' is a floating range; packages need fixed bounds such as [1.0,2.0)")]
    Floating {
        /// The text.
        range: String,
    },
    /// The brackets or commas do not make an interval.
    #[error("'{range}' is not a version range: write 1.0, [1.0], [1.0,2.0), (,2.0] or the like")]
    Shape {
        /// The text.
        range: String,
    },
    /// The bounds leave no version, or contradict each other.
    #[error("the version range '{range}' has its lower bound above its upper one, or both equal with unlike brackets")]
    Order {
        /// The text.
        range: String,
    },
    /// A bound is no version.
    #[error("the version range '{range}' has a wrong bound: {reason}")]
    Bound {
        /// The text.
        range: String,
        /// What is wrong with the bound.
        reason: VersionError,
    },
}

/// Whether the lower bound may float.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Floating {
    Allowed,
    Refused,
}

impl VersionRange {
    /// Parses a range whose lower bound may float. It begins at the lowest version that the bound stands for, and holds all
    /// that lies above: which of these is preferred, the star tells, what satisfies the range, it does not (NuGet.Client,
    /// `VersionRangeBase.Satisfies`).
    ///
    /// ```
    /// use larder::nuget::VersionRange;
    /// assert_eq!(VersionRange::parse_floating("1.2.*").unwrap().normalized(), "[1.2.0, )");
    /// assert_eq!(VersionRange::parse_floating("[1.*,3.0)").unwrap().normalized(), "[1.0.0, 3.0.0)");
    /// ```
    pub fn parse_floating(text: &str) -> Result<Self, RangeError> {
        Self::parse(text, Floating::Allowed)
    }

    fn parse(text: &str, floating: Floating) -> Result<Self, RangeError> {
        if text.len() > MAX_RANGE_BYTES {
            return Err(RangeError::TooLong { bytes: text.len() });
        }
        let spelling = text.trim();
        if spelling.is_empty() {
            return Err(RangeError::Empty);
        }
        if spelling.contains('*') && floating == Floating::Refused {
            return Err(RangeError::Floating {
                range: spelling.to_owned(),
            });
        }
        let (minimum, maximum) = parse_bounds(spelling)?;
        if let (Some(low), Some(high)) = (&minimum, &maximum) {
            let is_contradiction = low.version == high.version && low.edge != high.edge;
            if low.version > high.version || is_contradiction {
                return Err(RangeError::Order {
                    range: spelling.to_owned(),
                });
            }
        }
        Ok(Self {
            minimum,
            maximum,
            spelling: spelling.to_owned(),
        })
    }

    /// Returns the range as it was spelled, without blanks around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.spelling
    }

    /// Returns the lower bound.
    #[must_use]
    pub fn minimum(&self) -> Option<&Bound> {
        self.minimum.as_ref()
    }

    /// Returns the upper bound.
    #[must_use]
    pub fn maximum(&self) -> Option<&Bound> {
        self.maximum.as_ref()
    }

    /// Returns whether a version lies in the range. A prerelease counts as any other version.
    #[must_use]
    pub fn satisfies(&self, version: &NuGetVersion) -> bool {
        let is_above = self.minimum.as_ref().is_none_or(|bound| match bound.edge {
            Edge::Inclusive => *version >= bound.version,
            Edge::Exclusive => *version > bound.version,
        });
        let is_below = self.maximum.as_ref().is_none_or(|bound| match bound.edge {
            Edge::Inclusive => *version <= bound.version,
            Edge::Exclusive => *version < bound.version,
        });
        is_above && is_below
    }

    /// Returns the long form with normalised versions, `[1.0.0, )` (NuGet.Client, `VersionRangeFormatter`, format `N`).
    #[must_use]
    pub fn normalized(&self) -> String {
        let mut text = String::from(match &self.minimum {
            Some(bound) if bound.edge == Edge::Inclusive => "[",
            _ => "(",
        });
        if let Some(bound) = &self.minimum {
            text.push_str(bound.version.normalized());
        }
        text.push_str(", ");
        if let Some(bound) = &self.maximum {
            text.push_str(bound.version.normalized());
        }
        text.push(match &self.maximum {
            Some(bound) if bound.edge == Edge::Inclusive => ']',
            _ => ')',
        });
        text
    }

    /// Returns the level that a client must read to understand the range: the higher one of its bounds.
    #[must_use]
    pub fn level(&self) -> SemVerLevel {
        [&self.minimum, &self.maximum]
            .into_iter()
            .flatten()
            .map(|bound| bound.version.level())
            .max()
            .unwrap_or(SemVerLevel::One)
    }
}

impl FromStr for VersionRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        Self::parse(text, Floating::Refused)
    }
}

fn parse_bounds(spelling: &str) -> Result<(Option<Bound>, Option<Bound>), RangeError> {
    let shape = || RangeError::Shape {
        range: spelling.to_owned(),
    };
    let Some((low_edge, rest)) = strip_edge(spelling, '[', '(', str::strip_prefix) else {
        return Ok((parse_minimum(spelling, spelling, Edge::Inclusive)?, None));
    };
    let (high_edge, inner) = strip_edge(rest, ']', ')', str::strip_suffix).ok_or_else(shape)?;
    let mut parts = inner.split(',');
    let (low, high) = match (parts.next(), parts.next(), parts.next()) {
        (Some(low), Some(high), None) => (low, high),
        // A single version must be in square brackets: `(1.0)` and `[1.0)` say nothing.
        (Some(only), None, None) if low_edge == Edge::Inclusive && high_edge == Edge::Inclusive => (only, only),
        _ => return Err(shape()),
    };
    // `(,)` is refused, `(, )` is taken for all versions: NuGet.Client tests for emptiness before it trims.
    if low.is_empty() && high.is_empty() {
        return Err(shape());
    }
    Ok((
        parse_minimum(spelling, low, low_edge)?,
        parse_bound(spelling, high, high_edge)?,
    ))
}

fn strip_edge(
    text: &str,
    inclusive: char,
    exclusive: char,
    strip: for<'a> fn(&'a str, char) -> Option<&'a str>,
) -> Option<(Edge, &str)> {
    strip(text, inclusive)
        .map(|rest| (Edge::Inclusive, rest))
        .or_else(|| strip(text, exclusive).map(|rest| (Edge::Exclusive, rest)))
}

/// Parses a lower bound, which floats where it has a star.
fn parse_minimum(range: &str, text: &str, edge: Edge) -> Result<Option<Bound>, RangeError> {
    let floor = text.contains('*').then(|| floating::floor(text)).flatten();
    parse_bound(range, floor.as_deref().unwrap_or(text), edge)
}

fn parse_bound(range: &str, text: &str, edge: Edge) -> Result<Option<Bound>, RangeError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let version = text.parse().map_err(|reason| RangeError::Bound {
        range: range.to_owned(),
        reason,
    })?;
    Ok(Some(Bound { version, edge }))
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(text: &str) -> VersionRange {
        text.parse().unwrap()
    }

    #[test]
    fn normalises_as_nuget_does() {
        for (text, normalized) in [
            ("1.0", "[1.0.0, )"),
            (" 1.0-beta ", "[1.0.0-beta, )"),
            ("[1.0]", "[1.0.0, 1.0.0]"),
            ("[ 1.0 ]", "[1.0.0, 1.0.0]"),
            ("(1.0,)", "(1.0.0, )"),
            ("[1.0,)", "[1.0.0, )"),
            ("[1.0, ]", "[1.0.0, )"),
            ("(,2.0]", "(, 2.0.0]"),
            ("[,2.0)", "(, 2.0.0)"),
            ("[18.7.2,19.0.0)", "[18.7.2, 19.0.0)"),
            ("(1.0, 1.0)", "(1.0.0, 1.0.0)"),
            ("(, )", "(, )"),
            ("[0,1]", "[0.0.0, 1.0.0]"),
            ("2010.03.20100831", "[2010.3.20100831, )"),
        ] {
            assert_eq!(range(text).normalized(), normalized, "{text:?}");
            assert_eq!(range(text).as_str(), text.trim());
        }
    }

    #[test]
    fn refuses_what_nuget_refuses() {
        for text in [
            "",
            "  ",
            "(1.0)",
            "[1.0)",
            "(1.0]",
            "(,)",
            "[,]",
            "[]",
            "()",
            "[",
            "(",
            "[1.0",
            "1.0]",
            "[1,2,3]",
            "[2.0,1.0]",
            "[1.0,1.0)",
            "(1.0,1.0]",
            "1.*",
            "*",
            "[1.0,*)",
            "x",
            "[a,b]",
            "]1.0[",
            "1.0,2.0",
        ] {
            assert!(text.parse::<VersionRange>().is_err(), "{text:?}");
        }
        assert_eq!(
            "1".repeat(257).parse::<VersionRange>(),
            Err(RangeError::TooLong { bytes: 257 })
        );
    }

    #[test]
    fn floats_from_the_floor() {
        for (text, normalized) in [
            ("*", "[0.0.0, )"),
            ("*-*", "[0.0.0-0, )"),
            ("1.*", "[1.0.0, )"),
            (" 1.2.* ", "[1.2.0, )"),
            ("1.2.3.*", "[1.2.3, )"),
            ("1*", "[10.0.0, )"),
            ("1.0.0-*", "[1.0.0-0, )"),
            ("1.0.0-rc*", "[1.0.0-rc, )"),
            ("1.0.0-rc.*", "[1.0.0-rc.0, )"),
            ("1.0.0-rc-*", "[1.0.0-rc-, )"),
            ("1.*-*", "[1.0.0-0, )"),
            ("1.2.*-rc.*", "[1.2.0-rc.0, )"),
            ("[1.*,2.0)", "[1.0.0, 2.0.0)"),
            ("( 1.* , 2.0]", ""),
            ("( 1.*, 2.0]", "(1.0.0, 2.0.0]"),
            ("[*,2.0)", "[0.0.0, 2.0.0)"),
            ("1.0", "[1.0.0, )"),
            ("[1.*]", ""),
            ("[1.0,*)", ""),
            ("[1.0,2.*)", ""),
            ("[3.*,2.0)", ""),
            ("1.*.2", ""),
            ("**", ""),
            ("1.**", ""),
            ("1.0.0-**", ""),
            ("1.*-rc", ""),
            ("1.0-*.1", ""),
            ("1.0.0+*", ""),
            ("1.*+x", ""),
            ("1.2.3.4.*", ""),
            ("x*", ""),
        ] {
            let read = VersionRange::parse_floating(text).map(|range| range.normalized());
            assert_eq!(read.unwrap_or_default(), normalized, "{text:?}");
        }
        let floating = VersionRange::parse_floating("1.*").unwrap();
        assert!(floating.satisfies(&"2.5-a".parse().unwrap()) && !floating.satisfies(&"1.0-a".parse().unwrap()));
        assert_eq!(floating.as_str(), "1.*");
    }

    #[test]
    fn holds_what_lies_between() {
        for (text, inside, outside) in [
            ("1.0", &["1.0", "1.0.0.1", "9.9-a"][..], &["0.9", "1.0-beta"][..]),
            ("[1.0]", &["1", "1.0.0.0+x"], &["1.0.1", "1.0-a"]),
            ("(1.0,2.0]", &["1.0.1", "2.0", "2.0-a"], &["1.0", "2.0.0.1"]),
            ("(,2.0)", &["0", "2.0-a", "1.99"], &["2.0", "3"]),
            ("(, )", &["0", "1-a"], &[]),
            ("(1.0, 1.0)", &[], &["1.0"]),
        ] {
            for version in inside {
                assert!(range(text).satisfies(&version.parse().unwrap()), "{text} {version}");
            }
            for version in outside {
                assert!(!range(text).satisfies(&version.parse().unwrap()), "{text} {version}");
            }
        }
    }

    #[test]
    fn tells_the_level() {
        for (text, level) in [
            ("1.0", SemVerLevel::One),
            ("[1.0-a,2.0)", SemVerLevel::One),
            ("1.0-a.1", SemVerLevel::Two),
            ("(,2.0+x]", SemVerLevel::Two),
            ("(, )", SemVerLevel::One),
        ] {
            assert_eq!(range(text).level(), level, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,40}|[\\[(]?[0-9.,a* \\-]{0,20}[\\])]?") {
            let _ = text.parse::<VersionRange>();
            let _ = VersionRange::parse_floating(&text);
        }

        #[test]
        fn normal_form_means_the_same(
            low in "([0-9]{1,2}(\\.[0-9]{1,2}){0,3})?",
            high in "([0-9]{1,2}(\\.[0-9]{1,2}){0,3})?",
            open in "[\\[(]",
            close in "[\\])]",
            probe in "[0-9]{1,2}(\\.[0-9]{1,2}){0,3}",
        ) {
            if let Ok(one) = format!("{open}{low},{high}{close}").parse::<VersionRange>() {
                let again = range(&one.normalized());
                let probe = probe.parse().unwrap();
                prop_assert_eq!(again.normalized(), one.normalized());
                prop_assert_eq!(again.satisfies(&probe), one.satisfies(&probe));
            }
        }
    }
}
