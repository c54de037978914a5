//! The two versions of the protocol that galleries speak, and what their metadata declares.
//!
//! Version 1 knows stable SemVer 1 packages and fewer properties; nuget.org and Chocolatey speak version 2. Knows names and
//! types; refuses to know values.

use crate::catalog::columns::{EdmType, PROPERTIES};

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// NuGet 1.0 to 1.5.
    V1,
    /// Everything since.
    V2,
}

/// A property as the metadata of one of the versions declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// The name.
    pub name: &'static str,
    /// The EDM type, `Edm.Int64`.
    pub edm: &'static str,
    /// Whether it can be null.
    pub nullable: bool,
}

const fn nullable(name: &'static str, edm: &'static str) -> Declared {
    Declared {
        name,
        edm,
        nullable: true,
    }
}

const fn required(name: &'static str, edm: &'static str) -> Declared {
    Declared {
        name,
        edm,
        nullable: false,
    }
}

const STRING: &str = EdmType::String.name();
const INT64: &str = EdmType::Int64.name();
const BOOLEAN: &str = EdmType::Boolean.name();
const DATE_TIME: &str = EdmType::DateTime.name();

/// The properties of version 1 that can be set (NuGetGallery, `V1FeedPackage`): its metadata leaves out the constants of the
/// days of ratings and prices.
const V1: &[Declared] = &[
    required("Id", STRING),
    required("Version", STRING),
    nullable("Authors", STRING),
    nullable("Copyright", STRING),
    required("Created", DATE_TIME),
    nullable("Dependencies", STRING),
    nullable("Description", STRING),
    required("DownloadCount", INT64),
    nullable("ExternalPackageUrl", STRING),
    nullable("GalleryDetailsUrl", STRING),
    nullable("IconUrl", STRING),
    required("IsLatestVersion", BOOLEAN),
    nullable("Language", STRING),
    required("LastUpdated", DATE_TIME),
    nullable("LicenseUrl", STRING),
    nullable("PackageHash", STRING),
    nullable("PackageHashAlgorithm", STRING),
    required("PackageSize", INT64),
    nullable("ProjectUrl", STRING),
    nullable("Published", DATE_TIME),
    nullable("ReportAbuseUrl", STRING),
    required("RequireLicenseAcceptance", BOOLEAN),
    nullable("ReleaseNotes", STRING),
    nullable("Summary", STRING),
    nullable("Tags", STRING),
    nullable("Title", STRING),
    required("VersionDownloadCount", INT64),
    required("Rating", "Edm.Double"),
];

impl Protocol {
    /// Returns the name of the entity type, without its namespace.
    #[must_use]
    pub const fn entity(self) -> &'static str {
        match self {
            Self::V1 => "V1FeedPackage",
            Self::V2 => "V2FeedPackage",
        }
    }

    /// Returns the name of the entity type with its namespace, as entries and the metadata have it.
    #[must_use]
    pub const fn qualified_entity(self) -> &'static str {
        match self {
            Self::V1 => "NuGetGallery.OData.V1FeedPackage",
            Self::V2 => "NuGetGallery.OData.V2FeedPackage",
        }
    }

    /// Returns the properties that the metadata declares, in its order.
    pub fn properties(self) -> impl Iterator<Item = Declared> {
        let (first, second) = match self {
            Self::V1 => (V1, &[][..]),
            Self::V2 => (&[][..], PROPERTIES),
        };
        let second = second.iter().map(|definition| Declared {
            name: definition.name,
            edm: definition.edm.name(),
            nullable: definition.nullable,
        });
        first.iter().copied().chain(second)
    }

    /// Returns what is declared of a property, its name matched ignoring case.
    #[must_use]
    pub fn declared(self, name: &str) -> Option<Declared> {
        self.properties()
            .find(|declared| declared.name.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_one_has_fewer_properties_of_the_same_names() {
        for declared in Protocol::V1.properties() {
            let of_v2 = Protocol::V2.declared(declared.name).map(|declared| declared.name);
            let is_of_v1_alone = matches!(declared.name, "Rating" | "ExternalPackageUrl");
            assert_eq!(of_v2, (!is_of_v1_alone).then_some(declared.name), "{}", declared.name);
        }
        for name in ["IsAbsoluteLatestVersion", "isprerelease", "Listed", "NormalizedVersion"] {
            assert_eq!(Protocol::V1.declared(name), None, "{name}");
            assert!(Protocol::V2.declared(name).is_some(), "{name}");
        }
    }
}
