//! Opening the data folder: one process at a time, an empty spool, and an index that agrees with the files.
//!
//! An index that was closed in order is taken as it is. After a crash every record of it is read and compared with the
//! files. One that is damaged is set aside under a dated name and rebuilt; it never costs a package.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::stream::TryStreamExt as _;

use super::clean_close::{self, LastClose};
pub use super::folder::OpenError;
use super::folder::{prepare, remove_dir, set_aside};
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
        let folder = settings.data.join("index");
        let close =
            clean_close::take(&settings.data, &folder).map_err(|source| note_failed("remove", &settings, source))?;
        let mut reason = None;
        let mut opened = None;
        match open_index(&settings).await.map_err(|error| (error, None)) {
            Ok(index) => match check(&index, &packages, &settings, clock, close).await {
                Ok(done) => opened = Some((index, done)),
                Err(CheckError::Unfinished) => {
                    // It may hold what has no files any more. Nothing of it is worth a look: it goes.
                    drop(index);
                    remove_dir(&folder)?;
                }
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
        clean_close::forget(&settings.data).map_err(|source| note_failed("remove", &settings, source))?;
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
    /// A rebuild of it was cut short.
    Unfinished,
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

/// Opens the index, on a thread of its own: damage may make sled wait for ever, and a thread of the runtime's would then keep the
/// process from ending.
async fn open_index(settings: &StoreSettings) -> Result<SledIndex, IndexError> {
    let (folder, cache) = (settings.data.join("index"), settings.index_cache_bytes);
    let deadline = open_deadline(&folder);
    let open = move || SledIndex::open(&folder, cache);
    within(deadline, open).await
}

/// Runs blocking work on a thread of its own, and leaves it there past `deadline`.
async fn within<T: Send + 'static>(
    deadline: Duration,
    work: impl FnOnce() -> Result<T, IndexError> + Send + 'static,
) -> Result<T, IndexError> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let work = move || {
        // Past the deadline nobody receives any more.
        if let Err(Ok(late)) = sender.send(work()) {
            std::mem::forget(late);
        }
    };
    let spawned = std::thread::Builder::new().name("index-open".to_owned()).spawn(work);
    spawned.map_err(|error| IndexError::Database(sled::Error::Io(error)))?;
    match tokio::time::timeout(deadline, receiver).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(IndexError::Panicked("the thread that opens it ended".to_owned())),
        Err(_) => Err(IndexError::Hangs(deadline)),
    }
}

/// Returns how long sled may take to open an index: far more than any disk needs to read its files once.
fn open_deadline(folder: &Path) -> Duration {
    const SLOWEST_BYTES_PER_SECOND: u64 = 8 << 20;
    let database = std::fs::metadata(folder.join("db")).map_or(0, |metadata| metadata.len());
    Duration::from_secs(30 + database / SLOWEST_BYTES_PER_SECOND)
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
        if !index.is_empty().await? {
            return Err(CheckError::Unfinished);
        }
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
        let held = index.audit().await?;
        let rebuild = Rebuild {
            index,
            packages,
            limits: &settings.nupkg_limits,
            clock,
        };
        Opening::Checked(rebuild.differences(&held).await?)
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

async fn close_index(index: SledIndex, settings: &StoreSettings) -> Result<(), OpenError> {
    let folder = settings.data.join("index");
    if !index.has_failed() {
        index.flush().await.map_err(|source| OpenError::Index {
            path: folder.clone(),
            source,
        })?;
    }
    if index.close() {
        clean_close::note(&settings.data, &folder).map_err(|source| note_failed("write", settings, source))?;
    }
    Ok(())
}

fn note_failed(action: &'static str, settings: &StoreSettings, source: io::Error) -> OpenError {
    OpenError::Io {
        action,
        path: clean_close::path(&settings.data),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{record, row};
    use crate::catalog::{Change, Content, Record};

    fn settings(folder: &tempfile::TempDir) -> StoreSettings {
        StoreSettings {
            data: folder.path().to_owned(),
            index_cache_bytes: 4 << 20,
            nupkg_limits: NupkgLimits::default(),
        }
    }

    /// Commits a package that has no files.
    async fn commit(index: &SledIndex, id: &str) {
        let record = Record {
            content: Some(Content {
                sha512: "x".to_owned(),
                size: 1,
            }),
            ..record(row(id, "1.0"), Vec::new())
        };
        let restore = Change::Restore(vec![record]);
        index
            .commit(&"test".parse().unwrap(), &id.parse().unwrap(), restore)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn an_index_that_hangs_is_given_up() {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let work = move || {
            let _ = wait.recv();
            Ok(())
        };
        let outcome = within(Duration::from_millis(1), work).await;
        assert!(matches!(outcome, Err(IndexError::Hangs(_))));
        drop(release);
        assert!(matches!(within(Duration::from_mins(1), || Ok(7)).await, Ok(7)));
        let panics = within::<()>(Duration::from_mins(1), || panic!("as sled does"));
        assert!(matches!(panics.await, Err(IndexError::Panicked(_))));
    }

    #[tokio::test]
    async fn an_unfinished_rebuild_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (settings, clock) = (settings(&folder), Clock::system());
        std::fs::create_dir(folder.path().join("state")).unwrap();
        let index = open_index(&settings).await.unwrap();
        commit(&index, "git").await;
        close_index(index, &settings).await.unwrap();
        let (store, rows, opening) = Store::open(settings.clone(), &clock).await.unwrap();
        assert!(rows.is_empty(), "{rows:?}");
        assert!(
            matches!(opening, Opening::Rebuilt { set_aside: None, .. }),
            "{opening:?}"
        );
        store.close().await.unwrap();
        let (_, rows, opening) = Store::open(settings, &clock).await.unwrap();
        assert!(rows.is_empty() && matches!(opening, Opening::Clean), "{opening:?}");
    }

    #[tokio::test]
    async fn damage_that_shows_while_serving_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let (settings, clock) = (settings(&folder), Clock::system());
        let (store, ..) = Store::open(settings.clone(), &clock).await.unwrap();
        commit(&store.index, "git").await;
        store.index.tamper(|db| {
            let (key, _) = db.scan_prefix(b"r").next().unwrap().unwrap();
            db.insert(key, b"garbage").unwrap();
        });
        store.index.flush().await.unwrap();
        let read = store
            .index
            .records(&"test".parse().unwrap(), &"git".parse().unwrap())
            .await;
        assert!(read.is_err());
        store.close().await.unwrap();
        let (_, rows, opening) = Store::open(settings, &clock).await.unwrap();
        assert!(
            matches!(opening, Opening::Rebuilt { set_aside: Some(_), .. }),
            "{opening:?}"
        );
        assert!(rows.is_empty());
    }

    #[tokio::test]
    async fn an_index_of_an_older_form_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (settings, clock) = (settings(&folder), Clock::system());
        let (store, ..) = Store::open(settings.clone(), &clock).await.unwrap();
        commit(&store.index, "git").await;
        store.index.tamper(|db| {
            let rows_and_records = db.scan_prefix(b"w").chain(db.scan_prefix(b"r"));
            for (key, value) in rows_and_records.map(Result::unwrap) {
                let older = [&[1], &value[1..]].concat();
                db.insert(key, older).unwrap();
            }
        });
        store.close().await.unwrap();
        let (_, rows, opening) = Store::open(settings, &clock).await.unwrap();
        let Opening::Rebuilt {
            set_aside: Some(_),
            reason: Some(reason),
            ..
        } = opening
        else {
            panic!("{opening:?}");
        };
        assert!(reason.contains("of form 1"), "{reason}");
        assert!(rows.is_empty());
    }

    #[tokio::test]
    async fn a_folder_that_moves_was_still_closed_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let (settings, clock) = (settings(&folder), Clock::system());
        let old = StoreSettings {
            data: folder.path().join("old"),
            ..settings.clone()
        };
        let (store, ..) = Store::open(old, &clock).await.unwrap();
        store.close().await.unwrap();
        std::fs::rename(folder.path().join("old"), folder.path().join("new")).unwrap();
        let new = StoreSettings {
            data: folder.path().join("new"),
            ..settings
        };
        let (_, _, opening) = Store::open(new, &clock).await.unwrap();
        assert!(matches!(opening, Opening::Clean), "{opening:?}");
    }
}
