//! What NuGet packages are: ids, versions, ranges, manifests and archives.
//!
//! Pure: bytes and text in, facts out. Knows nothing of feeds, HTTP, files or time; limits are arguments.

#[cfg(test)]
pub(crate) mod corpus;
pub mod dependencies;
pub mod digest;
pub mod framework;
pub mod id;
pub mod nupkg;
pub mod nuspec;
pub mod range;
pub mod version;

pub use dependencies::{Dependency, DependencyGroup};
pub use digest::{AnnouncedHash, Sha512, Sha512Hasher};
pub use id::{PackageId, PackageIdError};
pub use nupkg::{Inspected, NupkgError, NupkgLimits};
pub use nuspec::{Nuspec, NuspecError, NuspecLimits};
pub use range::{RangeError, VersionRange};
pub use version::{NuGetVersion, SemVerLevel, VersionError};
