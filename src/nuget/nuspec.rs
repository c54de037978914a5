//! The nuspec: what a package says of itself (NuGet.Packaging, `NuspecReader`; Chocolatey's own elements from its
//! fork of `nuspec.xsd`).
//!
//! Elements are found by local name, whatever the namespace: seven are in use, and none at all. Reading is as lenient as
//! clients are, so that what a gallery once took stays readable; [`Nuspec::validate_for_push`] says what a new package
//! must not do. Elements for building and installing (`files`, `contentFiles`, `references`) are passed over.

mod advice;
mod flaw;
mod rules;
mod xml;

pub use crate::limits::NuspecLimits;
pub use advice::Advice;
pub use flaw::{Flaw, PushRefusal};
pub use rules::Scrutiny;
pub use xml::XmlError;

use super::dependencies::{Dependency, DependencyGroup};
use super::framework::ANY;
use super::id::{PackageId, PackageIdError};
use super::version::{NuGetVersion, VersionError};
use xml::Element;

/// Why a nuspec cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NuspecError {
    /// It is no XML that is read here.
    #[error("the nuspec cannot be read as XML: {0}")]
    Xml(XmlError),
    /// An element that nothing works without is absent or empty.
    #[error("the nuspec has no <{element}>, or an empty one")]
    Missing {
        /// The element.
        element: &'static str,
    },
    /// `<id>` is no package id.
    #[error("the nuspec's <id> is wrong: {0}")]
    Id(PackageIdError),
    /// `<version>` is no version.
    #[error("the nuspec's <version> is wrong: {0}")]
    Version(VersionError),
}

/// What a package says of itself. Texts are trimmed; an empty element is an absent one.
#[derive(Debug, Clone)]
pub struct Nuspec {
    /// `id`.
    pub id: PackageId,
    /// `version`.
    pub version: NuGetVersion,
    /// `title`.
    pub title: Option<String>,
    /// `authors`, separated by commas.
    pub authors: Option<String>,
    /// `owners`, separated by commas.
    pub owners: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `summary`.
    pub summary: Option<String>,
    /// `releaseNotes`.
    pub release_notes: Option<String>,
    /// `copyright`.
    pub copyright: Option<String>,
    /// `language`.
    pub language: Option<String>,
    /// `tags`, separated by blanks.
    pub tags: Option<String>,
    /// `projectUrl`.
    pub project_url: Option<String>,
    /// `iconUrl`.
    pub icon_url: Option<String>,
    /// `icon`: a path in the package.
    pub icon: Option<String>,
    /// `readme`: a path in the package.
    pub readme: Option<String>,
    /// `licenseUrl`.
    pub license_url: Option<String>,
    /// `license`.
    pub license: Option<License>,
    /// `requireLicenseAcceptance`.
    pub require_license_acceptance: bool,
    /// `developmentDependency`.
    pub development_dependency: bool,
    /// `metadata/@minClientVersion`.
    pub min_client_version: Option<String>,
    /// `repository`.
    pub repository: Option<Repository>,
    /// `packageTypes/packageType`.
    pub package_types: Vec<PackageType>,
    /// `dependencies`, flat ones first, as a group without a framework.
    pub dependency_groups: Vec<DependencyGroup>,
    /// The frameworks of `frameworkAssemblies`, as written, each [`ANY`] where an assembly names none.
    pub assembly_frameworks: Vec<String>,
    /// Chocolatey's own elements.
    pub chocolatey: ChocolateyMetadata,
    flaws: Vec<Flaw>,
}

/// A licence that is not named by URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum License {
    /// An SPDX expression.
    Expression(String),
    /// A path in the package.
    File(String),
}

/// Where the source lies, all as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repository {
    /// `git`, say.
    pub kind: Option<String>,
    /// The repository's URL.
    pub url: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The commit.
    pub commit: Option<String>,
}

/// What a package is for: `Dependency` where none is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageType {
    /// `DotnetTool`, `SymbolsPackage` ...
    pub name: String,
    /// The type's own version.
    pub version: Option<String>,
}

/// The elements that Chocolatey adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChocolateyMetadata {
    /// `projectSourceUrl`.
    pub project_source_url: Option<String>,
    /// `packageSourceUrl`.
    pub package_source_url: Option<String>,
    /// `docsUrl`.
    pub docs_url: Option<String>,
    /// `wikiUrl`.
    pub wiki_url: Option<String>,
    /// `mailingListUrl`.
    pub mailing_list_url: Option<String>,
    /// `bugTrackerUrl`.
    pub bug_tracker_url: Option<String>,
    /// `replaces`.
    pub replaces: Option<String>,
    /// `provides`.
    pub provides: Option<String>,
    /// `conflicts`.
    pub conflicts: Option<String>,
    /// `softwareDisplayName`.
    pub software_display_name: Option<String>,
    /// `softwareDisplayVersion`.
    pub software_display_version: Option<String>,
}

impl Nuspec {
    /// Decodes a nuspec: UTF-8 or UTF-16.
    pub fn decode(bytes: &[u8], limits: &NuspecLimits) -> Result<Self, NuspecError> {
        let root = xml::decode(bytes, limits).map_err(NuspecError::Xml)?;
        let metadata = root
            .child("metadata")
            .ok_or(NuspecError::Missing { element: "metadata" })?;
        let mut flaws = flaw::duplicates(metadata);
        let text = |element: &str| metadata.child(element).and_then(Element::text);
        let required = |element: &'static str| text(element).ok_or(NuspecError::Missing { element });
        Ok(Self {
            id: required("id")?.parse().map_err(NuspecError::Id)?,
            version: required("version")?.parse().map_err(NuspecError::Version)?,
            title: text("title"),
            authors: text("authors"),
            owners: text("owners"),
            description: text("description"),
            summary: text("summary"),
            release_notes: text("releaseNotes"),
            copyright: text("copyright"),
            language: text("language"),
            tags: text("tags"),
            project_url: text("projectUrl"),
            icon_url: text("iconUrl"),
            icon: text("icon"),
            readme: text("readme"),
            license_url: text("licenseUrl"),
            license: metadata
                .child("license")
                .and_then(|license| read_license(license, &mut flaws)),
            require_license_acceptance: read_flag(metadata, "requireLicenseAcceptance", &mut flaws),
            development_dependency: read_flag(metadata, "developmentDependency", &mut flaws),
            min_client_version: metadata.attribute("minClientVersion").map(str::to_owned),
            repository: metadata.child("repository").map(read_repository),
            package_types: metadata
                .child("packageTypes")
                .map(read_package_types)
                .unwrap_or_default(),
            dependency_groups: metadata
                .child("dependencies")
                .map(|dependencies| read_groups(dependencies, &mut flaws))
                .unwrap_or_default(),
            assembly_frameworks: metadata
                .child("frameworkAssemblies")
                .map(read_assembly_frameworks)
                .unwrap_or_default(),
            chocolatey: ChocolateyMetadata {
                project_source_url: text("projectSourceUrl"),
                package_source_url: text("packageSourceUrl"),
                docs_url: text("docsUrl"),
                wiki_url: text("wikiUrl"),
                mailing_list_url: text("mailingListUrl"),
                bug_tracker_url: text("bugTrackerUrl"),
                replaces: text("replaces"),
                provides: text("provides"),
                conflicts: text("conflicts"),
                software_display_name: text("softwareDisplayName"),
                software_display_version: text("softwareDisplayVersion"),
            },
            flaws,
        })
    }
}

fn read_license(license: &Element, flaws: &mut Vec<Flaw>) -> Option<License> {
    let value = license.text()?;
    match license.attribute("type") {
        Some(kind) if kind.eq_ignore_ascii_case("expression") => Some(License::Expression(value)),
        Some(kind) if kind.eq_ignore_ascii_case("file") => Some(License::File(value)),
        kind => {
            flaws.push(Flaw::LicenseType {
                kind: kind.unwrap_or_default().to_owned(),
            });
            None
        }
    }
}

fn read_flag(metadata: &Element, element: &'static str, flaws: &mut Vec<Flaw>) -> bool {
    let Some(value) = metadata.child(element).and_then(Element::text) else {
        return false;
    };
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => true,
        "false" | "0" => false,
        _ => {
            flaws.push(Flaw::NotBoolean { element, value });
            false
        }
    }
}

fn read_repository(repository: &Element) -> Repository {
    let attribute = |name| repository.attribute(name).map(str::to_owned);
    Repository {
        kind: attribute("type"),
        url: attribute("url"),
        branch: attribute("branch"),
        commit: attribute("commit"),
    }
}

fn read_package_types(types: &Element) -> Vec<PackageType> {
    types
        .children_named("packageType")
        .filter_map(|kind| {
            Some(PackageType {
                name: kind.attribute("name")?.to_owned(),
                version: kind.attribute("version").map(str::to_owned),
            })
        })
        .collect()
}

/// An assembly may be of several frameworks, separated by commas (NuGet.Packaging,
/// `NuspecReader.GetFrameworkAssemblyGroups`).
fn read_assembly_frameworks(assemblies: &Element) -> Vec<String> {
    let mut frameworks = Vec::new();
    for assembly in assemblies.children_named("frameworkAssembly") {
        match assembly.attribute("targetFramework").unwrap_or_default() {
            "" => frameworks.push(ANY.to_owned()),
            list => frameworks.extend(list.split(',').map(|name| name.trim().to_owned())),
        }
    }
    frameworks.retain(|name| !name.is_empty());
    frameworks
}

fn read_groups(dependencies: &Element, flaws: &mut Vec<Flaw>) -> Vec<DependencyGroup> {
    let flat = DependencyGroup {
        framework: None,
        dependencies: read_dependencies(dependencies, flaws),
    };
    let mut groups = Vec::new();
    if !flat.dependencies.is_empty() {
        groups.push(flat);
    }
    for group in dependencies.children_named("group") {
        groups.push(DependencyGroup {
            framework: group.attribute("targetFramework").map(str::to_owned),
            dependencies: read_dependencies(group, flaws),
        });
    }
    groups
}

/// Reads the dependencies of a group. An id or a range that is none becomes a flaw: NuGet.Client too reads such a package,
/// with the range taken for any version.
fn read_dependencies(group: &Element, flaws: &mut Vec<Flaw>) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    for dependency in group.children_named("dependency") {
        let id = match dependency.attribute("id").unwrap_or_default().parse::<PackageId>() {
            Ok(id) => id,
            Err(reason) => {
                flaws.push(Flaw::DependencyId { reason });
                continue;
            }
        };
        let range = dependency.attribute("version").map(str::parse).transpose();
        let range = range.unwrap_or_else(|reason| {
            flaws.push(Flaw::DependencyRange { id: id.clone(), reason });
            None
        });
        dependencies.push(Dependency { id, range });
    }
    dependencies
}

#[cfg(test)]
mod tests;
