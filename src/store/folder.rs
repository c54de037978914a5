//! The data folder: its parts, its lock, and where a damaged index goes.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::index::IndexError;
use super::open::StoreSettings;
use super::packages::{Packages, PackagesError};
use super::rebuild::RebuildError;
use crate::clock::Clock;

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the data folder {data} is in use by another larder")]
    InUse {
        /// The folder.
        data: PathBuf,
    },
    /// A file or folder in it cannot be used.
    #[error("cannot {action} {path}: {source}; storage.data must name a folder in which larder's user may write")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The package files cannot be used.
    #[error(transparent)]
    Packages(#[from] PackagesError),
    /// The index failed again after it was rebuilt.
    #[error("the index in {path} cannot be used even after a rebuild: {source}")]
    Index {
        /// Where it lies.
        path: PathBuf,
        /// Why.
        #[source]
        source: IndexError,
    },
    /// The index could not be rebuilt.
    #[error("the index could not be rebuilt from the package files: {0}")]
    Rebuild(#[from] RebuildError),
}

/// Makes the folders, takes the lock and empties the spool.
pub(super) fn prepare(settings: &StoreSettings) -> Result<(Packages, File), OpenError> {
    let data = &settings.data;
    let spool = data.join("spool");
    for folder in [data, &data.join("state")] {
        create_dir(folder)?;
    }
    let lock = lock(data)?;
    remove_dir(&spool)?;
    create_dir(&spool)?;
    let packages = Packages::open(data)?;
    Ok((packages, lock))
}

fn lock(data: &Path) -> Result<File, OpenError> {
    let path = data.join("lock");
    let failed = |action, source| OpenError::Io {
        action,
        path: path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| failed("open", source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { data: data.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed("lock", source)),
    }
}

/// Names a damaged index after today and leaves it for whoever wants to look at it.
pub(super) fn set_aside(folder: &Path, clock: &Clock) -> Result<Option<PathBuf>, OpenError> {
    if !folder.exists() {
        return Ok(None);
    }
    let stamp = clock.now().format("%Y%m%d-%H%M%S");
    let mut aside = folder.with_file_name(format!("index.damaged-{stamp}"));
    let mut number = 1;
    while aside.exists() {
        number += 1;
        aside = folder.with_file_name(format!("index.damaged-{stamp}-{number}"));
    }
    std::fs::rename(folder, &aside).map_err(|source| OpenError::Io {
        action: "set aside",
        path: folder.to_owned(),
        source,
    })?;
    Ok(Some(aside))
}

fn create_dir(folder: &Path) -> Result<(), OpenError> {
    std::fs::create_dir_all(folder).map_err(|source| OpenError::Io {
        action: "create",
        path: folder.to_owned(),
        source,
    })
}

/// Removes a folder and all in it, or a file that lies in its place.
pub(super) fn remove_dir(folder: &Path) -> Result<(), OpenError> {
    let removed = match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => std::fs::remove_file(folder),
        removed => removed,
    };
    match removed {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(OpenError::Io {
            action: "empty",
            path: folder.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}
