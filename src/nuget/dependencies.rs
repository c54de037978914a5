//! Dependencies, and the text that feeds put them into: `id:range:framework|id:range:framework`
//! (NuGetGallery, `PackageHelper`; read as NuGet.Client's `V2FeedParser` does).

use std::collections::HashMap;

use super::framework::short_name;
use super::id::PackageId;
use super::range::VersionRange;
use super::version::SemVerLevel;

/// The dependencies for one target framework.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyGroup {
    /// The framework as written; `None` for all.
    pub framework: Option<String>,
    /// What is needed; may be empty, which says that nothing is.
    pub dependencies: Vec<Dependency>,
}

/// Another package that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its id.
    pub id: PackageId,
    /// The versions that will do; `None` for any.
    pub range: Option<VersionRange>,
}

/// Writes the text of the `Dependencies` property: ranges in their long form, frameworks by short name, a group without
/// dependencies as `::framework`. No dependencies give an empty text.
///
/// ```
/// use larder::nuget::dependencies;
/// let groups = dependencies::parse("a:1.0:.NETFramework4.5|b::|::netstandard2.0");
/// assert_eq!(dependencies::format(&groups), "a:[1.0.0, ):net45|b::|::netstandard2.0");
/// ```
#[must_use]
pub fn format(groups: &[DependencyGroup]) -> String {
    let mut parts = Vec::new();
    for group in groups {
        // What is no framework is passed through, but must not look like the text's own separators.
        let framework = group.framework.as_deref().map(short_name).unwrap_or_default();
        let framework = framework.replace(['|', ':'], "");
        let framework = present(&framework).unwrap_or_default();
        if group.dependencies.is_empty() && !framework.is_empty() {
            parts.push(format!("::{framework}"));
        }
        for dependency in &group.dependencies {
            let range = dependency
                .range
                .as_ref()
                .map(VersionRange::normalized)
                .unwrap_or_default();
            parts.push(format!("{}:{range}:{framework}", dependency.id));
        }
    }
    parts.join("|")
}

/// Parses the text of a `Dependencies` property. Parts may be absent, empty or the word `null` (Nexus writes it); an id
/// that is none is passed over, a range that is none is taken for any version.
#[must_use]
pub fn parse(text: &str) -> Vec<DependencyGroup> {
    let mut groups: Vec<DependencyGroup> = Vec::new();
    let mut places = HashMap::new();
    for part in text.split('|') {
        let mut fields = part.splitn(3, ':').map(present);
        let id = fields.next().flatten();
        let range = fields.next().flatten();
        let framework = fields.next().flatten();
        if id.is_none() && framework.is_none() {
            continue;
        }
        let place = *places.entry(framework).or_insert(groups.len());
        if place == groups.len() {
            groups.push(DependencyGroup {
                framework: framework.map(str::to_owned),
                dependencies: Vec::new(),
            });
        }
        if let (Some(group), Some(Ok(id))) = (groups.get_mut(place), id.map(str::parse)) {
            group.dependencies.push(Dependency {
                id,
                range: range.and_then(|range| range.parse().ok()),
            });
        }
    }
    groups
}

fn present(field: &str) -> Option<&str> {
    let field = field.trim();
    (!field.is_empty() && !field.eq_ignore_ascii_case("null")).then_some(field)
}

/// Returns the level that a client must read to understand all ranges (NuGetGallery, `SemVerLevelKey.ForPackage`).
#[must_use]
pub fn level(groups: &[DependencyGroup]) -> SemVerLevel {
    groups
        .iter()
        .flat_map(|group| &group.dependencies)
        .filter_map(|dependency| dependency.range.as_ref())
        .map(VersionRange::level)
        .max()
        .unwrap_or(SemVerLevel::One)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_of_all_galleries_are_read() {
        for (text, normal) in [
            ("", ""),
            ("chocolatey:0.10.5:", "chocolatey:[0.10.5, ):"),
            ("kb2919355::", "kb2919355::"),
            ("a", "a::"),
            ("a:1.0", "a:[1.0.0, ):"),
            (
                "a:[1.0.0, 2.0.0):net45|b:[1.0]:net45",
                "a:[1.0.0, 2.0.0):net45|b:[1.0.0, 1.0.0]:net45",
            ),
            ("::net40", "::net40"),
            ("a::net45|::net40|b::net45", "a::net45|b::net45|::net40"),
            ("a:null:null|b:1:null", "a::|b:[1.0.0, ):"),
            ("not an id::null:", ""),
            ("null:null:null", ""),
            (
                "Microsoft.CSharp:4.5.0:.NETStandard2.0",
                "Microsoft.CSharp:[4.5.0, ):netstandard2.0",
            ),
            ("||::|:1.0:|", ""),
            ("a:not a range:net45", "a::net45"),
            ("not an id:1.0:net45", "::net45"),
            ("a:1.0:x:y|z", "a:[1.0.0, ):xy|z::"),
        ] {
            assert_eq!(format(&parse(text)), normal, "{text}");
        }
    }

    #[test]
    fn the_level_is_that_of_the_highest_range() {
        for (text, expected) in [
            ("", SemVerLevel::One),
            ("a::|b:1.0-beta:", SemVerLevel::One),
            ("a:1.0:|b:[1.0,2.0-a.1):net45", SemVerLevel::Two),
            ("a:1.0+x:", SemVerLevel::Two),
        ] {
            assert_eq!(level(&parse(text)), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,60}|[a:|1.\\[\\]), ]{0,40}") {
            // Once more than once: frameworks that differ by spelling alone are one group only when they are read again.
            let normal = format(&parse(&format(&parse(&text))));
            prop_assert_eq!(format(&parse(&normal)), normal);
        }
    }
}
