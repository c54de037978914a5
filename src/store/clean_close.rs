//! The note that the index was closed in order, by which the next start is spared reading it all.
//!
//! It names every file of the index with its length and time: nobody else has written to them while they are the same.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// The lengths and times of the index's files, by their paths in its folder.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CleanClose {
    files: BTreeMap<PathBuf, (u64, u128)>,
}

impl CleanClose {
    fn of(index: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(index.join(&folder))? {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                let metadata = entry.metadata()?;
                if metadata.is_dir() {
                    folders.push(path);
                } else {
                    let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
                    files.insert(path, (metadata.len(), modified.as_nanos()));
                }
            }
        }
        Ok(Self { files })
    }
}

/// How the last process left the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastClose {
    /// Closed in order, and untouched since.
    Clean,
    /// Neither is known.
    Unknown,
}

/// Returns where the note of a data folder lies.
pub(super) fn path(data: &Path) -> PathBuf {
    data.join("state").join("index-closed.json")
}

/// Tells how the index was left, and forgets it: from now on only an orderly close says so again.
///
/// # Errors
/// Where the note cannot be removed: it would speak for what comes now, too.
pub(super) fn take(data: &Path, index: &Path) -> io::Result<LastClose> {
    // A note that cannot be read, or files that cannot, cost a longer start, no more.
    let noted = std::fs::read(path(data))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<CleanClose>(&bytes).ok());
    forget(data)?;
    let is_clean = noted.is_some() && noted == CleanClose::of(index).ok();
    Ok(if is_clean { LastClose::Clean } else { LastClose::Unknown })
}

/// Removes the note, where there is one.
pub(super) fn forget(data: &Path) -> io::Result<()> {
    match std::fs::remove_file(path(data)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Notes that the index was closed in order just now.
pub(super) fn note(data: &Path, index: &Path) -> io::Result<()> {
    let note = serde_json::to_vec(&CleanClose::of(index)?).map_err(io::Error::other)?;
    std::fs::write(path(data), note)
}
