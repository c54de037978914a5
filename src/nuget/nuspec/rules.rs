//! What a nuspec must keep to when its package is pushed (NuGetGallery, `ManifestValidator`, `PackageHelper` and
//! `PackageMetadataValidationService`, without the rules that serve its site alone).

use std::collections::HashSet;

use url::Url;

use super::{Flaw, License, Nuspec, PushRefusal};
use crate::limits::{
    MAX_DEPENDENCIES_CHARS, MAX_IDENTITY_CHARS, MAX_LANGUAGE_CHARS, MAX_LICENSE_CHARS, MAX_NEW_ID_CHARS,
    MAX_RELEASE_NOTES_CHARS, MAX_REPOSITORY_TYPE_CHARS, MAX_TEXT_CHARS, MAX_TITLE_CHARS,
};
use crate::nuget::dependencies;
use crate::nuget::version::{NuGetVersion, SemVerLevel};

/// How closely a package is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scrutiny {
    /// As one that some feed has taken before: what nobody can read is refused.
    Known,
    /// As a new version of an id that is here.
    Version,
    /// As the first version of a new id.
    Id,
}

impl Nuspec {
    /// Returns whether the package says that it is one of symbols.
    #[must_use]
    pub fn is_symbols_package(&self) -> bool {
        self.package_types
            .iter()
            .any(|kind| kind.name.eq_ignore_ascii_case("SymbolsPackage"))
    }

    /// Checks what a package must keep to when it is pushed or imported; a mirrored one need not.
    pub fn validate_for_push(&self, scrutiny: Scrutiny) -> Result<(), PushRefusal> {
        PushRefusal::unless_empty(self.flaws(scrutiny))
    }

    /// Returns all that is wrong.
    pub(crate) fn flaws(&self, scrutiny: Scrutiny) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        if self.is_symbols_package() {
            flaws.push(Flaw::SymbolsPackage);
        }
        for (element, value) in [("authors", &self.authors), ("description", &self.description)] {
            if value.is_none() {
                flaws.push(Flaw::Missing { element });
            }
        }
        flaws.extend_from_slice(&self.flaws);
        if scrutiny == Scrutiny::Known {
            return flaws;
        }
        if scrutiny == Scrutiny::Id && !self.id.as_str().is_ascii() {
            flaws.push(Flaw::NewId { id: self.id.clone() });
        }
        self.check_lengths(scrutiny, &mut flaws);
        self.check_version(&mut flaws);
        self.check_urls(&mut flaws);
        self.check_dependencies(&mut flaws);
        self.check_files(&mut flaws);
        flaws
    }

    fn check_lengths(&self, scrutiny: Scrutiny, flaws: &mut Vec<Flaw>) {
        let id = self.id.as_str();
        let mut check = |what: &'static str, text: &str, limit: usize| {
            let chars = text.chars().count();
            if chars > limit {
                flaws.push(Flaw::TooLong { what, chars, limit });
            }
        };
        if scrutiny == Scrutiny::Id {
            check("<id>", id, MAX_NEW_ID_CHARS);
        }
        let identity = format!("{id}{}", self.version.normalized());
        check("<id> with <version>", &identity, MAX_IDENTITY_CHARS);
        let license = self.license.as_ref().map(|license| match license {
            License::Expression(text) | License::File(text) => text,
        });
        let repository = self.repository.as_ref().and_then(|repository| repository.kind.as_ref());
        for (what, text, limit) in [
            ("<title>", self.title.as_ref(), MAX_TITLE_CHARS),
            ("<language>", self.language.as_ref(), MAX_LANGUAGE_CHARS),
            ("<authors>", self.authors.as_ref(), MAX_TEXT_CHARS),
            ("<copyright>", self.copyright.as_ref(), MAX_TEXT_CHARS),
            ("<description>", self.description.as_ref(), MAX_TEXT_CHARS),
            ("<summary>", self.summary.as_ref(), MAX_TEXT_CHARS),
            ("<tags>", self.tags.as_ref(), MAX_TEXT_CHARS),
            ("<projectUrl>", self.project_url.as_ref(), MAX_TEXT_CHARS),
            ("<iconUrl>", self.icon_url.as_ref(), MAX_TEXT_CHARS),
            ("<licenseUrl>", self.license_url.as_ref(), MAX_TEXT_CHARS),
            ("<license>", license, MAX_LICENSE_CHARS),
            ("<releaseNotes>", self.release_notes.as_ref(), MAX_RELEASE_NOTES_CHARS),
            ("the type of <repository>", repository, MAX_REPOSITORY_TYPE_CHARS),
        ] {
            check(what, text.map_or("", String::as_str), limit);
        }
        let flattened = dependencies::format(&self.dependency_groups);
        check("the list of dependencies", &flattened, MAX_DEPENDENCIES_CHARS);
    }

    /// NuGet 2 reads one label that begins with a letter; a version that it never gets to see may have others.
    fn check_version(&self, flaws: &mut Vec<Flaw>) {
        let labels = self.version.labels();
        let starts_well = labels.starts_with(|c: char| c.is_ascii_alphabetic());
        if self.version.is_prerelease() && self.version.level() == SemVerLevel::One && !starts_well {
            let version = self.version.normalized();
            let numbers = version.strip_suffix(labels).unwrap_or(version);
            flaws.push(Flaw::Label {
                version: self.version.as_str().to_owned(),
                version_with_letter: format!("{numbers}pre{}", labels.trim_start_matches('-')),
            });
        }
        if let Some(value) = &self.min_client_version
            && value.parse::<NuGetVersion>().is_err()
        {
            flaws.push(Flaw::MinClientVersion { value: excerpt(value) });
        }
    }

    fn check_urls(&self, flaws: &mut Vec<Flaw>) {
        for (element, url) in [
            ("projectUrl", &self.project_url),
            ("iconUrl", &self.icon_url),
            ("licenseUrl", &self.license_url),
        ] {
            if let Some(url) = url
                && !is_web_address(url)
            {
                let value = excerpt(url);
                flaws.push(Flaw::Url { element, value });
            }
        }
    }

    fn check_dependencies(&self, flaws: &mut Vec<Flaw>) {
        let mut frameworks = HashSet::new();
        for group in &self.dependency_groups {
            let framework = group.framework.as_deref().unwrap_or("any framework");
            if !frameworks.insert(framework.to_ascii_lowercase()) {
                let framework = excerpt(framework);
                flaws.push(Flaw::GroupTwice { framework });
            }
            let mut ids = HashSet::new();
            for dependency in &group.dependencies {
                let id = &dependency.id;
                if !ids.insert(id) {
                    flaws.push(Flaw::DependencyTwice { id: id.clone() });
                }
                if let Some(range) = &dependency.range
                    && range.as_str().contains('+')
                {
                    let range = range.as_str().to_owned();
                    flaws.push(Flaw::DependencyMetadata { id: id.clone(), range });
                }
            }
        }
    }

    /// Checks the endings of the files that clients show; whether they are there only the archive tells.
    fn check_files(&self, flaws: &mut Vec<Flaw>) {
        for (element, path) in self.named_files() {
            let (allowed, endings): (&[&str], _) = match element {
                "icon" => (&["jpg", "jpeg", "png"], ".jpg, .jpeg, .png"),
                "readme" => (&["md"], ".md"),
                _ => (&["", "txt", "md"], ".txt, .md, or none"),
            };
            let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
            let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
            if !allowed.iter().any(|allowed| ending.eq_ignore_ascii_case(allowed)) {
                let path = excerpt(path);
                flaws.push(Flaw::FileKind { element, path, endings });
            }
        }
    }

    /// Returns the files of the package that its nuspec names, with the elements that do.
    pub(crate) fn named_files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let license = match &self.license {
            Some(License::File(path)) => Some(path),
            Some(License::Expression(_)) | None => None,
        };
        [
            ("icon", self.icon.as_ref()),
            ("readme", self.readme.as_ref()),
            ("license", license),
        ]
        .into_iter()
        .filter_map(|(element, path)| Some((element, path?.as_str())))
    }
}

/// Returns whether a text is an address that a browser may be sent to.
pub(super) fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Cuts a text that an author wrote to what fits in a message.
fn excerpt(text: &str) -> String {
    text.chars().take(100).collect()
}
