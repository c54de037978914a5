//! What the author of a good package should know all the same.
//!
//! NuGetGallery warns of more: of packages without a readme, a licence or an embedded icon, and of addresses of licences and icons
//! where files in the package would do. Clients of version 2 show addresses alone, and what is packed for one's own machines has
//! no licence to name, so these are left out.

use super::Nuspec;
use super::rules::is_web_address;
use crate::nuget::dependencies;
use crate::nuget::version::SemVerLevel;

/// Something to know about a package that is taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Advice {
    /// Old clients do not see the version.
    #[error(
        "{version} needs clients that read SemVer 2 (NuGet 4.3, choco 2 and later); NuGet 2 and choco 1 will not find it"
    )]
    SemVer2 {
        /// The version.
        version: String,
    },
    /// Old clients do not see the version, because of one that it depends on.
    #[error(
        "a dependency's version needs clients that read SemVer 2 (NuGet 4.3, choco 2 and later); NuGet 2 and choco 1 will not find this package"
    )]
    SemVer2Dependency,
    /// The version is another one's spelling.
    #[error("the version '{version}' is the same as {normalized}, and most clients will call it so")]
    Spelling {
        /// The version, as it is spelled.
        version: String,
        /// The version, normalised.
        normalized: String,
    },
    /// A licence has to be accepted, but there is none.
    #[error(
        "<requireLicenseAcceptance> is true, but there is no <licenseUrl> to show; choco 1 and NuGet 2 show nothing to accept"
    )]
    NothingToAccept,
    /// Clients of version 2 show icons by address alone.
    #[error("the package has an <icon>, but no <iconUrl>; clients of this protocol will show no icon")]
    IconFile,
    /// An address that only Chocolatey knows is none.
    #[error("<{element}> is not an absolute address that begins with http:// or https://")]
    Url {
        /// The element.
        element: &'static str,
    },
}

impl Nuspec {
    /// Returns what the author should know.
    #[must_use]
    pub fn advice(&self) -> Vec<Advice> {
        let mut advice = Vec::new();
        let version = &self.version;
        if version.level() == SemVerLevel::Two {
            advice.push(Advice::SemVer2 {
                version: version.as_str().to_owned(),
            });
        } else if dependencies::level(&self.dependency_groups) == SemVerLevel::Two {
            advice.push(Advice::SemVer2Dependency);
        }
        let numbers = version.as_str().split(['-', '+']).next().unwrap_or_default();
        if numbers
            .split('.')
            .any(|number| number.len() > 1 && number.starts_with('0'))
        {
            advice.push(Advice::Spelling {
                version: version.as_str().to_owned(),
                normalized: version.normalized().to_owned(),
            });
        }
        if self.require_license_acceptance && self.license_url.is_none() {
            advice.push(Advice::NothingToAccept);
        }
        if self.icon.is_some() && self.icon_url.is_none() {
            advice.push(Advice::IconFile);
        }
        let own = &self.chocolatey;
        for (element, url) in [
            ("projectSourceUrl", &own.project_source_url),
            ("packageSourceUrl", &own.package_source_url),
            ("docsUrl", &own.docs_url),
            ("wikiUrl", &own.wiki_url),
            ("mailingListUrl", &own.mailing_list_url),
            ("bugTrackerUrl", &own.bug_tracker_url),
        ] {
            if url.as_deref().is_some_and(|url| !is_web_address(url)) {
                advice.push(Advice::Url { element });
            }
        }
        advice
    }
}
