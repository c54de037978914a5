//! Which version is meant. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::nuget::{NuGetVersion, PackageId, VersionRange};

/// A package that is wanted, as an administrator writes it: `git`, `git@2.40.0` for that very version, `git@[2.40,3.0)` for the
/// highest one in a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Its id.
    pub id: PackageId,
    /// Which version.
    pub(super) wish: Wish,
}

/// A text that names no package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' names no package ({reason}); write git, git@2.40.0 or git@[2.40,3.0)")]
pub struct WantError {
    text: String,
    reason: String,
}

/// Which version of a package is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// The latest release.
    Latest,
    /// This one, listed or not.
    Exactly(NuGetVersion),
    /// The highest one in a range.
    Within(VersionRange),
    /// One that another package needs; any version where it names no range.
    Needed(Option<VersionRange>),
}

/// Which of the versions that satisfy a dependency is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DependencyVersion {
    /// The highest one: what choco installs (`NugetService` resolves with `DependencyBehavior.Highest`).
    #[default]
    Highest,
    /// The lowest one: what nuget.exe and dotnet install.
    Lowest,
}

/// A version that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate<'a> {
    pub(super) version: &'a NuGetVersion,
    pub(super) is_listed: bool,
}

/// Chooses a version.
///
/// Listed ones are preferred; dependencies and exact versions may be unlisted, as for clients. One with labels is only taken
/// where a range names one, or where a dependency leaves nothing else.
#[must_use]
pub(super) fn choose<'a>(
    candidates: &[Candidate<'a>],
    wish: &Wish,
    dependencies: DependencyVersion,
) -> Option<&'a NuGetVersion> {
    let range = match wish {
        Wish::Exactly(version) => {
            let found = candidates.iter().find(|candidate| candidate.version == version);
            return found.map(|candidate| candidate.version);
        }
        Wish::Latest => None,
        Wish::Within(range) => Some(range),
        Wish::Needed(range) => range.as_ref(),
    };
    let names_labels = range.is_some_and(|range| {
        let bounds = [range.minimum(), range.maximum()].into_iter().flatten();
        bounds.into_iter().any(|bound| bound.version.is_prerelease())
    });
    let is_needed = matches!(wish, Wish::Needed(_));
    // The best kind there is any of.
    let kinds: &[(bool, bool)] = if is_needed {
        &[(true, false), (false, false), (true, true), (false, true)]
    } else {
        &[(true, false)]
    };
    for (listed, labelled) in kinds {
        let fits = |candidate: &&Candidate<'a>| {
            range.is_none_or(|range| range.satisfies(candidate.version))
                && candidate.is_listed >= *listed
                && (names_labels || *labelled || !candidate.version.is_prerelease())
        };
        let fitting = candidates.iter().filter(fits).map(|candidate| candidate.version);
        let chosen = if is_needed && dependencies == DependencyVersion::Lowest {
            fitting.min()
        } else {
            fitting.max()
        };
        if chosen.is_some() {
            return chosen;
        }
    }
    None
}

impl FromStr for Want {
    type Err = WantError;

    fn from_str(text: &str) -> Result<Self, WantError> {
        let failed = |reason: String| WantError {
            text: text.to_owned(),
            reason,
        };
        let (id, versions) = match text.trim().split_once('@') {
            Some((id, versions)) => (id, Some(versions.trim())),
            None => (text.trim(), None),
        };
        let id: PackageId = id.trim().parse().map_err(|error| failed(format!("{error}")))?;
        let wish = match versions {
            None => Wish::Latest,
            Some(range) if range.starts_with(['[', '(']) => {
                Wish::Within(range.parse().map_err(|error| failed(format!("{error}")))?)
            }
            Some(version) => Wish::Exactly(version.parse().map_err(|error| failed(format!("{error}")))?),
        };
        Ok(Self { id, wish })
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        match &self.wish {
            Wish::Latest | Wish::Needed(None) => Ok(()),
            Wish::Exactly(version) => write!(f, "@{version}"),
            Wish::Within(range) => write!(f, "@{}", range.as_str()),
            Wish::Needed(Some(range)) => write!(f, "@{}", range.normalized()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wants_are_read_and_shown() {
        for (text, shown) in [
            ("git", Some("git")),
            (" Git ", Some("Git")),
            ("git@2.40", Some("git@2.40")),
            ("git@[1.0, 2.0)", Some("git@[1.0, 2.0)")),
            ("git@(,2.0]", Some("git@(,2.0]")),
            ("git@", None),
            ("git@x", None),
            ("git@[1.0", None),
            ("git@1.*", None),
            ("a/b", None),
            ("", None),
        ] {
            let want: Option<Want> = text.parse().ok();
            assert_eq!(want.map(|want| want.to_string()).as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn versions_are_chosen_as_clients_do() {
        // `!` is not listed.
        let there = ["1.0", "1.1", "2.0", "!2.1", "3.0-beta"];
        let parsed: Vec<(NuGetVersion, bool)> = there
            .iter()
            .map(|text| (text.trim_start_matches('!').parse().unwrap(), !text.starts_with('!')))
            .collect();
        let candidates: Vec<Candidate<'_>> = parsed
            .iter()
            .map(|(version, is_listed)| Candidate {
                version,
                is_listed: *is_listed,
            })
            .collect();
        let want = |text: &str| text.parse::<Want>().unwrap().wish;
        let need = |range: &str| Wish::Needed((!range.is_empty()).then(|| range.parse().unwrap()));
        for (wish, highest, lowest) in [
            (want("x"), Some("2.0"), Some("2.0")),
            (want("x@2.1"), Some("2.1"), Some("2.1")),
            (want("x@1.1.0.0"), Some("1.1"), Some("1.1")),
            (want("x@9.0"), None, None),
            (want("x@[1.0,2.0)"), Some("1.1"), Some("1.1")),
            (want("x@[2.1,3.0)"), None, None),
            (want("x@[1.0,3.0-z]"), Some("3.0-beta"), Some("3.0-beta")),
            (need(""), Some("2.0"), Some("1.0")),
            (need("1.1"), Some("2.0"), Some("1.1")),
            (need("[1.0]"), Some("1.0"), Some("1.0")),
            (need("[2.1]"), Some("2.1"), Some("2.1")),
            (need("(2.1, )"), Some("3.0-beta"), Some("3.0-beta")),
            (need("[4.0, )"), None, None),
        ] {
            for (which, expected) in [
                (DependencyVersion::Highest, highest),
                (DependencyVersion::Lowest, lowest),
            ] {
                let chosen = choose(&candidates, &wish, which).map(NuGetVersion::as_str);
                assert_eq!(chosen, expected, "{wish:?} {which:?}");
            }
        }
        let labelled: NuGetVersion = "1.0-beta".parse().unwrap();
        let only = [Candidate {
            version: &labelled,
            is_listed: true,
        }];
        assert_eq!(choose(&only, &Wish::Latest, DependencyVersion::Highest), None);
        assert_eq!(choose(&only, &need(""), DependencyVersion::Highest), Some(&labelled));
    }
}
