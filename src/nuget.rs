//! What NuGet packages are: ids, versions, ranges, manifests and archives.
//!
//! Pure: bytes and text in, facts out. Knows nothing of feeds, HTTP, files or time; limits are arguments.

pub mod id;
pub mod version;

pub use id::{PackageId, PackageIdError};
pub use version::{NuGetVersion, SemVerLevel, VersionError};
