//! What somebody has installed, and which versions would be updates of it.

use super::fold::lower;
use super::package::Shown;
use super::version::Version;

/// A question for updates.
#[derive(Debug, Clone)]
pub(super) struct Installed {
    /// Ids, versions and constraints; a version may be none.
    pub(super) packages: Vec<(&'static str, &'static str, &'static Constraint)>,
    pub(super) wants_all: bool,
    pub(super) prerelease: Option<bool>,
}

/// A constraint as it is written, and its bounds with whether they belong to it.
#[derive(Debug)]
pub(super) struct Constraint {
    pub(super) text: &'static str,
    lowest: Option<(&'static str, bool)>,
    highest: Option<(&'static str, bool)>,
}

/// Constraints; what cannot be read is none.
pub(super) const CONSTRAINTS: &[Constraint] = &[
    Constraint {
        text: "",
        lowest: None,
        highest: None,
    },
    Constraint {
        text: "new",
        lowest: None,
        highest: None,
    },
    Constraint {
        text: "1.*",
        lowest: Some(("1.0", true)),
        highest: None,
    },
    Constraint {
        text: "1.2",
        lowest: Some(("1.2", true)),
        highest: None,
    },
    Constraint {
        text: "[1.0,2.0)",
        lowest: Some(("1.0", true)),
        highest: Some(("2.0", false)),
    },
    Constraint {
        text: "(1.0.0, 3.0]",
        lowest: Some(("1.0", false)),
        highest: Some(("3.0", true)),
    },
    Constraint {
        text: "(,2.0.0-alpha10]",
        lowest: None,
        highest: Some(("2.0.0-alpha10", true)),
    },
    Constraint {
        text: "[2.0]",
        lowest: Some(("2.0", true)),
        highest: Some(("2.0", true)),
    },
];

impl Constraint {
    fn allows(&self, version: &Version) -> bool {
        let read = |text: &str| Version::read(text).expect("a version of the table");
        let is_above = self.lowest.is_none_or(|(lowest, belongs)| {
            let order = version.compare(&read(lowest));
            order.is_gt() || (belongs && order.is_eq())
        });
        let is_below = self.highest.is_none_or(|(highest, belongs)| {
            let order = version.compare(&read(highest));
            order.is_lt() || (belongs && order.is_eq())
        });
        is_above && is_below
    }
}

impl Installed {
    /// Returns the parameters that ask for this.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let joined = |part: fn(&(&'static str, &'static str, &'static Constraint)) -> &'static str| {
            let parts: Vec<&str> = self.packages.iter().map(part).collect();
            format!("'{}'", parts.join("|"))
        };
        let mut parameters = vec![
            ("packageIds", joined(|(id, ..)| id)),
            ("versions", joined(|(_, version, _)| version)),
            ("versionConstraints", joined(|(.., constraint)| constraint.text)),
            ("targetFrameworks", "''".to_owned()),
            ("includeAllVersions", self.wants_all.to_string()),
        ];
        if let Some(includes) = self.prerelease {
            parameters.push(("includePrerelease", includes.to_string()));
        }
        parameters
    }

    /// Keeps the updates of a list that is sorted by id, highest version first.
    pub(super) fn keep_updates(&self, rows: &mut Vec<Shown>) {
        rows.retain(|row| {
            let version = row.package.version();
            let is_update = |(id, has, constraint): &(&str, &str, &'static Constraint)| {
                let has = Version::read(has);
                lower(id) == lower(&row.package.id)
                    && has.is_some_and(|has| version.compare(&has).is_gt())
                    && constraint.allows(&version)
            };
            row.package.is_listed
                && (self.prerelease == Some(true) || !version.is_prerelease())
                && self.packages.iter().any(is_update)
        });
        if !self.wants_all {
            rows.dedup_by(|lower_one, higher| lower(&lower_one.package.id) == lower(&higher.package.id));
        }
    }
}
