//! What NuGet packages are: ids, versions, ranges, manifests and archives.
//!
//! Pure: bytes and text in, facts out. Knows nothing of feeds, HTTP, files or time; limits are arguments.

pub mod digest;
pub mod id;
pub mod range;
pub mod version;

pub use digest::{AnnouncedHash, Sha512, Sha512Hasher};
pub use id::{PackageId, PackageIdError};
pub use range::{RangeError, VersionRange};
pub use version::{NuGetVersion, SemVerLevel, VersionError};
