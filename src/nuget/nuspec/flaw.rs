//! What a readable nuspec must not do when its package is pushed (NuGetGallery, `ManifestValidator` and
//! `PackageMetadataValidationService`, without the rules that serve its site alone).

use std::fmt;

use super::Nuspec;
use super::xml::Element;
use crate::nuget::id::{PackageId, PackageIdError};
use crate::nuget::range::RangeError;

/// One thing that is wrong with a nuspec, though it can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The package holds symbols, which have an endpoint of their own.
    #[error("this is a symbols package, which a package feed does not take")]
    SymbolsPackage,
    /// A required element is absent or empty.
    #[error("<{element}> is missing or empty")]
    Missing {
        /// The element.
        element: &'static str,
    },
    /// An element occurs more than once, and readers differ on which one counts.
    #[error("<{element}> occurs more than once")]
    Duplicate {
        /// The element.
        element: String,
    },
    /// An element is neither true nor false.
    #[error("<{element}> is '{value}'; write true or false")]
    NotBoolean {
        /// The element.
        element: &'static str,
        /// Its text.
        value: String,
    },
    /// `license/@type` is unknown.
    #[error("<license> has the type '{kind}'; write expression or file")]
    LicenseType {
        /// The type.
        kind: String,
    },
    /// A dependency's id is none.
    #[error("a <dependency> has a wrong id: {reason}")]
    DependencyId {
        /// What is wrong.
        reason: PackageIdError,
    },
    /// A dependency's range is none.
    #[error("the <dependency> on {id} has a wrong version: {reason}")]
    DependencyRange {
        /// The dependency.
        id: PackageId,
        /// What is wrong.
        reason: RangeError,
    },
}

/// All that keeps a package from being pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRefusal {
    /// What is wrong; never empty.
    pub flaws: Vec<Flaw>,
}

impl fmt::Display for PushRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the nuspec is refused: ")?;
        for (index, flaw) in self.flaws.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{flaw}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PushRefusal {}

impl Nuspec {
    /// Returns whether the package says that it is one of symbols.
    #[must_use]
    pub fn is_symbols_package(&self) -> bool {
        self.package_types
            .iter()
            .any(|kind| kind.name.eq_ignore_ascii_case("SymbolsPackage"))
    }

    /// Checks what a package must keep to when it is pushed or imported; a mirrored one need not.
    pub fn validate_for_push(&self) -> Result<(), PushRefusal> {
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
        if flaws.is_empty() {
            Ok(())
        } else {
            Err(PushRefusal { flaws })
        }
    }
}

/// Returns a flaw for each name that occurs more than once below `metadata`.
pub(super) fn duplicates(metadata: &Element) -> Vec<Flaw> {
    let mut names: Vec<&str> = metadata.children().map(Element::name).collect();
    names.sort_unstable();
    let mut flaws = Vec::new();
    for run in names.chunk_by(|one, two| one == two) {
        if let [name, _, ..] = run {
            flaws.push(Flaw::Duplicate {
                element: (*name).to_owned(),
            });
        }
    }
    flaws
}
