//! What `GetUpdates` is asked with, beside the options that all lists have.
//!
//! A question that makes no sense has no updates; it is not refused (NuGetGallery, `ODataV2FeedController.GetUpdates`).

use super::options::OptionsError;
use crate::catalog::Updates;
use crate::catalog::updates::{Extent, Installed};
use crate::limits::{MAX_TARGET_FRAMEWORKS, MAX_UPDATE_IDS};
use crate::nuget::framework::Targets;
use crate::nuget::{PackageId, VersionRange};

/// The parameters as they came; lists are separated by `|`.
#[derive(Debug, Clone, Default)]
pub struct UpdateParameters {
    package_ids: String,
    versions: String,
    version_constraints: String,
    target_frameworks: String,
    extent: Extent,
}

impl UpdateParameters {
    /// Takes down `packageIds`.
    pub(super) fn set_package_ids(&mut self, value: String) -> Result<(), OptionsError> {
        limited("packageIds", &value, MAX_UPDATE_IDS)?;
        self.package_ids = value;
        Ok(())
    }

    /// Takes down `versions`.
    pub(super) fn set_versions(&mut self, value: String) {
        self.versions = value;
    }

    /// Takes down `versionConstraints`.
    pub(super) fn set_version_constraints(&mut self, value: String) {
        self.version_constraints = value;
    }

    /// Takes down `targetFrameworks`.
    pub(super) fn set_target_frameworks(&mut self, value: String) -> Result<(), OptionsError> {
        limited("targetFrameworks", &value, MAX_TARGET_FRAMEWORKS)?;
        self.target_frameworks = value;
        Ok(())
    }

    /// Takes down `includeAllVersions`.
    pub(super) fn set_extent(&mut self, extent: Extent) {
        self.extent = extent;
    }

    /// Returns what is asked. Ids, versions and constraints stand in pairs: where their numbers differ nothing is asked, a
    /// pair whose id or version is none is passed over, and a constraint that is none allows everything; one that floats
    /// allows what lies above its floor. Without any constraints all is allowed.
    #[must_use]
    pub fn updates(&self) -> Updates {
        let ids = items(&self.package_ids);
        let versions = items(&self.versions);
        let constraints: Vec<&str> = match self.version_constraints.as_str() {
            "" => vec![""; ids.len()],
            constraints => constraints.split('|').collect(),
        };
        if ids.len() != versions.len() || ids.len() != constraints.len() {
            return Updates::default();
        }
        let pairs = ids.into_iter().zip(versions).zip(constraints);
        let read = |((id, version), constraint): ((&str, &str), &str)| {
            let id: PackageId = id.trim().parse().ok()?;
            let installed = Installed {
                version: version.parse().ok()?,
                constraint: VersionRange::parse_floating(constraint).ok(),
            };
            Some((id, installed))
        };
        Updates::new(self.extent, pairs.filter_map(read))
    }

    /// Returns the frameworks for which updates are asked.
    #[must_use]
    pub fn targets(&self) -> Targets {
        Targets::parse(&self.target_frameworks)
    }
}

/// Refuses lists that are longer than `limit`.
pub(super) fn limited(name: &'static str, value: &str, limit: usize) -> Result<(), OptionsError> {
    if value.split('|').count() > limit {
        return Err(OptionsError::TooManyValues { name, limit });
    }
    Ok(())
}

fn items(list: &str) -> Vec<&str> {
    list.trim().split('|').filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata::options;

    /// Returns the ids of what is installed, in order; `*` before them where all updates are wanted.
    fn shown(query: &str) -> String {
        let options = options::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let updates = options.updates.updates();
        let mut ids: Vec<&str> = updates.ids().map(PackageId::lower).collect();
        ids.sort_unstable();
        ids.join(" ")
    }

    #[test]
    fn ids_versions_and_constraints_stand_in_pairs() {
        for (query, expected) in [
            ("", ""),
            ("packageIds=''&versions=''", ""),
            ("packageIds='a'", ""),
            ("versions='1.0'", ""),
            ("packageIds='  '&versions='  '", ""),
            ("packageIds='|   '&versions='|   '", ""),
            ("packageIds='a%7CB'&versions='1.0%7C2.0'", "a b"),
            ("packageIds=a|b&versions=1.0|2.0", "a b"),
            ("PackageIds='|a||b|'&Versions='1.0||2.0|'", "a b"),
            ("packageIds='a|b'&versions='1.0'", ""),
            ("packageIds='a'&versions='1.0|2.0'", ""),
            ("packageIds='a|a|A'&versions='1.0|2.0|3.0'", "a"),
            ("packageIds='a|b'&versions='1.0|x'", "a"),
            ("packageIds='a|b c'&versions='1.0|1.0'", "a"),
            ("packageIds='a|b'&versions='1.0|2.0'&versionConstraints=''", "a b"),
            ("packageIds='a|b'&versions='1.0|2.0'&versionConstraints='|'", "a b"),
            (
                "packageIds='a|b'&versions='1.0|2.0'&versionConstraints='[1.0,2.0)|x'",
                "a b",
            ),
            ("packageIds='a|b'&versions='1.0|2.0'&versionConstraints='2.3'", ""),
            ("packageIds='a|b'&versions='1.0|2.0'&versionConstraints='1.0||2.0'", ""),
            ("packageIds='a|b'&versions='1.0|2.0'&versionConstraints='||'", ""),
            ("packageIds='a|b'&versions='1.0|2.0'&versionConstraints='|1.0|'", ""),
            ("packageIds='a'&versions='1.0'&versionConstraints='|'", ""),
        ] {
            assert_eq!(shown(query), expected, "{query}");
        }
    }

    #[test]
    fn lists_have_limits() {
        let ids = vec!["a"; MAX_UPDATE_IDS].join("|");
        let frameworks = vec!["net45"; MAX_TARGET_FRAMEWORKS].join("|");
        for (name, list) in [
            ("packageIds", &ids),
            ("targetFrameworks", &frameworks),
            ("targetFramework", &frameworks),
        ] {
            options::parse(&format!("{name}={list}")).unwrap();
            let error = options::parse(&format!("{name}='{list}|a'")).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
