//! What survives a restart: package files with their sidecars, which are the truth, and the index, which is a cache of them.

mod clean_close;
#[cfg(test)]
pub(crate) mod conformance;
mod folder;
pub mod index;
#[cfg(test)]
pub(crate) mod memory;
pub mod open;
pub mod packages;
pub mod rebuild;
pub mod sidecar;
pub mod sled_index;

pub use index::{Committed, Index, IndexError, Note, NoteText, RecordKey, RowChange, Seq};
pub use open::{OpenError, Opening, Store, StoreSettings};
pub use packages::{Packages, PackagesError};
pub use sidecar::Sidecar;
pub use sled_index::SledIndex;
