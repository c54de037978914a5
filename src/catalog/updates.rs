//! Which versions are updates of what somebody has installed (NuGetGallery, `ODataV2FeedController.GetUpdates`).
//!
//! Knows installed versions and their constraints; which versions take part at all is said by the query.

use std::collections::HashMap;

use super::{Group, Member};
use crate::nuget::{NuGetVersion, PackageId, VersionRange};

/// A version that somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The version.
    pub version: NuGetVersion,
    /// The versions that it may be replaced by; `None` for any.
    pub constraint: Option<VersionRange>,
}

/// Which updates of an id are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// The highest one.
    #[default]
    Highest,
    /// All of them.
    All,
}

/// What somebody has, and which updates of it are wanted.
#[derive(Debug, Clone, Default)]
pub struct Updates {
    installed: HashMap<PackageId, Vec<Installed>>,
    extent: Extent,
}

impl Updates {
    /// Takes down what is installed; an id may be there more than once.
    #[must_use]
    pub fn new(extent: Extent, installed: impl IntoIterator<Item = (PackageId, Installed)>) -> Self {
        let mut updates = Self {
            extent,
            ..Self::default()
        };
        for (id, one) in installed {
            updates.installed.entry(id).or_default().push(one);
        }
        updates
    }

    /// Returns the ids of what is installed, each once, in no order.
    pub fn ids(&self) -> impl Iterator<Item = &PackageId> {
        self.installed.keys()
    }

    /// Returns where among a group's members the updates are, highest first. One that takes no part is passed over, so that
    /// the highest is the highest of those that do.
    #[must_use]
    pub fn among(&self, group: &Group, takes_part: impl Fn(&Member) -> bool) -> Vec<usize> {
        let installed = group.id().and_then(|id| self.installed.get(id));
        let installed = installed.map_or(&[][..], Vec::as_slice);
        let is_newer = |member: &Member| installed.iter().any(|one| one.is_updated_by(&member.row.version));
        let found = group
            .members()
            .iter()
            .enumerate()
            .filter(|(_, member)| is_newer(member) && takes_part(member))
            .map(|(at, _)| at);
        match self.extent {
            Extent::Highest => found.take(1).collect(),
            Extent::All => found.collect(),
        }
    }
}

impl Installed {
    fn is_updated_by(&self, version: &NuGetVersion) -> bool {
        let is_allowed = |constraint: &VersionRange| constraint.satisfies(version);
        *version > self.version && self.constraint.as_ref().is_none_or(is_allowed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalog::testing::row;
    use crate::catalog::{Contribution, Shadow, SourceName};

    fn group(versions: &str) -> Group {
        let source: SourceName = "test".parse().unwrap();
        let rows: Vec<_> = versions
            .split_whitespace()
            .map(|version| Arc::new(row("Git", version)))
            .collect();
        let hosted = Contribution {
            source: &source,
            rows: &rows,
        };
        Group::merge(&[hosted], &[], Shadow::Id).unwrap()
    }

    /// `git 1.0 [1.0,2.0)`: id, version and constraint of what is installed.
    fn updates(extent: Extent, installed: &[&str]) -> Updates {
        let parse = |text: &&str| {
            let mut parts = text.splitn(3, ' ');
            let id = parts.next().unwrap().parse().unwrap();
            let version = parts.next().unwrap().parse().unwrap();
            let constraint = parts.next().map(|range| range.parse().unwrap());
            (id, Installed { version, constraint })
        };
        Updates::new(extent, installed.iter().map(parse))
    }

    #[test]
    fn updates_are_higher_and_allowed() {
        let group = group("1.0 1.1 1.5-beta 1.5 2.0-beta 2.0 3.0");
        for (installed, all) in [
            (&["git 1.0"][..], "3.0 2.0 2.0-beta 1.5 1.5-beta 1.1"),
            (&["GIT 1.5"], "3.0 2.0 2.0-beta"),
            (&["git 3.0"], ""),
            (&["git 4.0"], ""),
            (&["vlc 1.0"], ""),
            (&[], ""),
            (&["git 1.0 [1.0,2.0)"], "2.0-beta 1.5 1.5-beta 1.1"),
            (&["git 1.1 [1.0,1.5]"], "1.5 1.5-beta"),
            (&["git 2.0", "git 1.5"], "3.0 2.0 2.0-beta"),
            (&["git 2.0", "git 1.0 [1.1]"], "3.0 1.1"),
            (&["git 1.5 [1.0,1.1]"], ""),
        ] {
            let shown = |extent: Extent| -> Vec<String> {
                let found = updates(extent, installed).among(&group, |_| true);
                let members = found.into_iter().map(|at| &group.members()[at]);
                members.map(|member| member.row.version.to_string()).collect()
            };
            let all: Vec<String> = all.split_whitespace().map(str::to_owned).collect();
            assert_eq!(shown(Extent::All), all, "{installed:?}");
            assert_eq!(
                shown(Extent::Highest),
                all.get(..1).unwrap_or_default(),
                "{installed:?}"
            );
        }
    }

    #[test]
    fn the_highest_is_the_highest_of_those_that_take_part() {
        let group = group("1.0 2.0 3.0-beta");
        let updates = updates(Extent::Highest, &["git 1.0"]);
        let found = updates.among(&group, |member| !member.row.version.is_prerelease());
        assert_eq!(found, [1]);
    }
}
