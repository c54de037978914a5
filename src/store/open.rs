//! Opening the data folder: one process at a time, an empty spool, and an index that agrees with the files.
//!
//! An index that was closed in order is taken as it is. After a crash every record of it is read and compared with the
//! files. One that is damaged is set aside under a dated name and rebuilt; it never costs a package.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use futures::stream::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::index::{Index as _, IndexError, RowChange};
use super::packages::{Packages, PackagesError};
use super::rebuild::{Rebuild, RebuildError, Report, Strays};
use super::sled_index::SledIndex;
use crate::clock::Clock;
use crate::nuget::nupkg::NupkgLimits;

/// How a data folder is opened.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// The data folder.
    pub data: PathBuf,
    /// About how much memory the index may cache in, in bytes.
    pub index_cache_bytes: u64,
    /// What a nupkg may hold.
    pub nupkg_limits: NupkgLimits,
}

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
    #[error("cannot {action} {path}: {source}")]
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

/// What opening had to do.
#[derive(Debug)]
pub enum Opening {
    /// The index was closed in order and is taken as it is.
    Clean,
    /// The last process ended without closing the index: it was read through and compared with the files.
    Checked(Report),
    /// The index was new, or damaged, and was filled from the files.
    Rebuilt {
        /// Where the damaged one lies now; `None` where there was none.
        set_aside: Option<PathBuf>,
        /// Why it was set aside.
        reason: Option<String>,
        /// What the rebuild did.
        report: Report,
    },
}

/// An open data folder. It stays locked until this is dropped.
pub struct Store {
    /// The package files.
    pub packages: Packages,
    /// The index.
    pub index: SledIndex,
    /// The folder for bodies in flight.
    pub spool: PathBuf,
    /// The folder for plain state.
    pub state: PathBuf,
    settings: StoreSettings,
    _lock: File,
}

impl Store {
    /// Opens the data folder and returns every row in it.
    ///
    /// # Errors
    /// [`OpenError::InUse`] where another process has it open.
    pub async fn open(settings: StoreSettings, clock: &Clock) -> Result<(Self, Vec<RowChange>, Opening), OpenError> {
        let (packages, lock) = prepare(&settings)?;
        // sled writes to its files as soon as it is opened: look before.
        let close = last_close(&settings);
        let folder = settings.data.join("index");
        let mut reason = None;
        let mut opened = None;
        match open_index(&settings).await.map_err(|error| (error, None)) {
            Ok(index) => match check(&index, &packages, &settings, clock, close).await {
                Ok(done) => opened = Some((index, done)),
                Err(CheckError::Damaged(error)) => reason = Some((error, Some(index))),
                Err(CheckError::Files(error)) => return Err(error.into()),
            },
            Err(error) => reason = Some(error),
        }
        let (index, rows, opening) = match (opened, reason) {
            (Some((index, (rows, opening))), _) => (index, rows, opening),
            (None, reason) => {
                let (error, index) = reason.map_or((None, None), |(error, index)| (Some(error), index));
                // Dropping a damaged sled may panic or wait for ever; its files are no longer ours.
                std::mem::forget(index);
                let set_aside = set_aside(&folder, clock)?;
                let failed = |source| OpenError::Index {
                    path: folder.clone(),
                    source,
                };
                let index = open_index(&settings).await.map_err(failed)?;
                let report = fill(&index, &packages, &settings, clock).await?;
                let rows = index.rows(0).try_collect().await.map_err(failed)?;
                let reason = error.map(|error| error.to_string());
                (
                    index,
                    rows,
                    Opening::Rebuilt {
                        set_aside,
                        reason,
                        report,
                    },
                )
            }
        };
        let (spool, state) = (settings.data.join("spool"), settings.data.join("state"));
        Ok((
            Self {
                packages,
                index,
                spool,
                state,
                settings,
                _lock: lock,
            },
            rows,
            opening,
        ))
    }

    /// Makes a new index from the files, in place of whatever is there.
    ///
    /// # Errors
    /// [`OpenError::InUse`] where another process has the folder open.
    pub async fn reindex(
        settings: StoreSettings,
        clock: &Clock,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Report, OpenError> {
        let (packages, _lock) = prepare(&settings)?;
        packages.sweep_staged().await?;
        let folder = settings.data.join("index");
        forget_clean_close(&settings)?;
        remove_dir(&folder)?;
        let failed = |source| OpenError::Index {
            path: folder.clone(),
            source,
        };
        let index = open_index(&settings).await.map_err(failed)?;
        let rebuild = Rebuild {
            index: &index,
            packages: &packages,
            limits: &settings.nupkg_limits,
            clock,
        };
        let report = rebuild.everything(Strays::TakeUp, progress).await?;
        index.mark_complete().await.map_err(failed)?;
        close_index(index, &settings).await?;
        Ok(report)
    }

    /// Closes the index in order, so that the next start need not read it through.
    ///
    /// # Errors
    /// Where the last changes cannot be brought to disk.
    pub async fn close(self) -> Result<(), OpenError> {
        close_index(self.index, &self.settings).await
    }
}

/// Why an opened index could not be used.
enum CheckError {
    /// It is damaged: another one may do better.
    Damaged(IndexError),
    /// The files it is made from cannot be used.
    Files(PackagesError),
}

impl From<IndexError> for CheckError {
    fn from(error: IndexError) -> Self {
        Self::Damaged(error)
    }
}

impl From<PackagesError> for CheckError {
    fn from(error: PackagesError) -> Self {
        Self::Files(error)
    }
}

impl From<RebuildError> for CheckError {
    fn from(error: RebuildError) -> Self {
        match error {
            RebuildError::Index(error) => Self::Damaged(error),
            RebuildError::Packages(error) => Self::Files(error),
        }
    }
}

/// Makes the folders, takes the lock and empties the spool.
fn prepare(settings: &StoreSettings) -> Result<(Packages, File), OpenError> {
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

async fn open_index(settings: &StoreSettings) -> Result<SledIndex, IndexError> {
    let (folder, cache) = (settings.data.join("index"), settings.index_cache_bytes);
    tokio::task::spawn_blocking(move || SledIndex::open(&folder, cache))
        .await
        .unwrap_or_else(|failed| Err(IndexError::Panicked(failed.to_string())))
}

/// Fills a new index, or makes sure that an old one is whole.
async fn check(
    index: &SledIndex,
    packages: &Packages,
    settings: &StoreSettings,
    clock: &Clock,
    close: LastClose,
) -> Result<(Vec<RowChange>, Opening), CheckError> {
    let opening = if !index.is_complete().await? {
        let report = fill(index, packages, settings, clock).await?;
        Opening::Rebuilt {
            set_aside: None,
            reason: None,
            report,
        }
    } else if close == LastClose::Clean {
        Opening::Clean
    } else {
        packages.sweep_staged().await?;
        let held = index.check_records().await?;
        let rebuild = Rebuild {
            index,
            packages,
            limits: &settings.nupkg_limits,
            clock,
        };
        Opening::Checked(rebuild.differences(held).await?)
    };
    let rows = index.rows(0).try_collect().await?;
    Ok((rows, opening))
}

async fn fill(
    index: &SledIndex,
    packages: &Packages,
    settings: &StoreSettings,
    clock: &Clock,
) -> Result<Report, RebuildError> {
    packages.sweep_staged().await?;
    let rebuild = Rebuild {
        index,
        packages,
        limits: &settings.nupkg_limits,
        clock,
    };
    let report = rebuild.everything(Strays::Leave, &|_| ()).await?;
    index.mark_complete().await?;
    Ok(report)
}

/// Names a damaged index after today and leaves it for whoever wants to look at it.
fn set_aside(folder: &Path, clock: &Clock) -> Result<Option<PathBuf>, OpenError> {
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

/// The lengths and times of the index's files when it was closed: nobody else has written to them while they are the same.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CleanClose {
    files: BTreeMap<String, (u64, u128)>,
}

impl CleanClose {
    fn of(folder: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else {
                    let modified = metadata
                        .modified()?
                        .duration_since(std::time::UNIX_EPOCH)
                        .unwrap_or_default();
                    // As seen from the folder: the data may move, or be named in another way.
                    let path = entry.path();
                    let name = path.strip_prefix(folder).unwrap_or(&path);
                    files.insert(
                        name.to_string_lossy().into_owned(),
                        (metadata.len(), modified.as_nanos()),
                    );
                }
            }
        }
        Ok(Self { files })
    }
}

fn clean_close_path(settings: &StoreSettings) -> PathBuf {
    settings.data.join("state").join("index-closed.json")
}

/// How the last process left the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastClose {
    /// Closed in order, and untouched since.
    Clean,
    /// Neither is known.
    Unknown,
}

/// Tells how the index was left, and forgets it: from now on only an orderly close says so again.
fn last_close(settings: &StoreSettings) -> LastClose {
    let path = clean_close_path(settings);
    // A note that cannot be read costs a longer start, no more.
    let noted = std::fs::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<CleanClose>(&bytes).ok());
    let removed = std::fs::remove_file(&path);
    let is_clean = noted.is_some() && noted == CleanClose::of(&settings.data.join("index")).ok();
    if is_clean && removed.is_ok() {
        LastClose::Clean
    } else {
        LastClose::Unknown
    }
}

fn forget_clean_close(settings: &StoreSettings) -> Result<(), OpenError> {
    let path = clean_close_path(settings);
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(OpenError::Io {
            action: "remove",
            path,
            source,
        }),
        _ => Ok(()),
    }
}

async fn close_index(index: SledIndex, settings: &StoreSettings) -> Result<(), OpenError> {
    let folder = settings.data.join("index");
    let failed = |source| OpenError::Index {
        path: folder.clone(),
        source,
    };
    index.flush().await.map_err(failed)?;
    if index.close() {
        let path = clean_close_path(settings);
        let note = CleanClose::of(&folder)
            .and_then(|note| std::fs::write(&path, serde_json::to_vec(&note).map_err(io::Error::other)?));
        note.map_err(|source| OpenError::Io {
            action: "write",
            path,
            source,
        })?;
    }
    Ok(())
}

fn create_dir(folder: &Path) -> Result<(), OpenError> {
    std::fs::create_dir_all(folder).map_err(|source| OpenError::Io {
        action: "create",
        path: folder.to_owned(),
        source,
    })
}

fn remove_dir(folder: &Path) -> Result<(), OpenError> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(OpenError::Io {
            action: "empty",
            path: folder.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}
