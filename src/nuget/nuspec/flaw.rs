//! What can be wrong with a package that can be read: the words for it.

use std::fmt;

use chrono::NaiveDateTime;

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
    /// A new id has characters that only old ones may have.
    #[error("the <id> '{id}' has other characters than A to Z, a to z, 0 to 9, '_', '.' and '-'; choose another id")]
    NewId {
        /// The id.
        id: PackageId,
    },
    /// A text is too long.
    #[error("{what} is {chars} characters long; at most {limit} are allowed")]
    TooLong {
        /// The element, in angle brackets, or what else it is.
        what: &'static str,
        /// Length in characters.
        chars: usize,
        /// The limit.
        limit: usize,
    },
    /// An address is none.
    #[error(
        "<{element}> is '{value}'; write an absolute address that begins with http:// or https://, or leave it out"
    )]
    Url {
        /// The element.
        element: &'static str,
        /// Its text, cut to 100 characters.
        value: String,
    },
    /// Clients of the NuGet 2 generation fail on the version.
    #[error(
        "the <version> '{version}' has a label that does not begin with a letter, which NuGet 2 and choco 1 cannot read; write {version_with_letter} or the like"
    )]
    Label {
        /// The version.
        version: String,
        /// One that they can read.
        version_with_letter: String,
    },
    /// `metadata/@minClientVersion` is no version.
    #[error("minClientVersion is '{value}', which is not a version; write 2.12 or the like")]
    MinClientVersion {
        /// The text, cut to 100 characters.
        value: String,
    },
    /// A dependency is named twice for one framework.
    #[error("the <dependency> on {id} stands twice in one group; keep one")]
    DependencyTwice {
        /// The dependency.
        id: PackageId,
    },
    /// Two groups are of one framework.
    #[error("there are two dependency groups for {framework}; make one of them")]
    GroupTwice {
        /// The framework, or words for none.
        framework: String,
    },
    /// A dependency's range has build metadata, which no comparison heeds.
    #[error("the <dependency> on {id} has the version '{range}'; take away what begins with '+'")]
    DependencyMetadata {
        /// The dependency.
        id: PackageId,
        /// Its range.
        range: String,
    },
    /// A file of the package is none of a kind that clients show.
    #[error("<{element}> names '{path}'; a file with one of these endings is needed: {endings}")]
    FileKind {
        /// The element.
        element: &'static str,
        /// The path, cut to 100 characters.
        path: String,
        /// The endings.
        endings: &'static str,
    },
    /// A file is named that the package does not have.
    #[error("<{element}> names '{path}', which is not in the package; add the file, or leave the element out")]
    FileAbsent {
        /// The element.
        element: &'static str,
        /// The path, cut to 100 characters.
        path: String,
    },
    /// An entry of the archive is of another day than today or before.
    #[error("the entry '{entry}' is dated {at}, in the future; set the clock and pack again")]
    FutureEntry {
        /// The entry.
        entry: String,
        /// Its time, in the packer's zone.
        at: NaiveDateTime,
    },
    /// An entry of the archive has two slashes in a row, which clients extract to different places.
    #[error("the name of the entry '{entry}' has two slashes in a row; pack again without them")]
    DoubledSlash {
        /// The entry.
        entry: String,
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

impl PushRefusal {
    /// Refuses where there is a flaw.
    pub(crate) fn unless_empty(flaws: Vec<Flaw>) -> Result<(), Self> {
        if flaws.is_empty() { Ok(()) } else { Err(Self { flaws }) }
    }
}

impl fmt::Display for PushRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, flaw) in self.flaws.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{flaw}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PushRefusal {}

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
