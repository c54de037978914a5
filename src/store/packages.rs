//! Package files and their sidecars, over an object store.
//!
//! Knows where a package lies (`packages/<source>/<id>/<version>/<digest>.nupkg`) and how it gets there; knows nothing of the
//! index. A file that is there is whole: it is written beside its place, synced, renamed, and its folder synced. What a
//! crash leaves is at most a file that no sidecar names.

mod error;
mod sending;
mod staged;

use std::io;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt as _, WriteMultipart};
use percent_encoding::percent_decode_str;
use tokio::io::AsyncReadExt as _;

pub use self::error::PackagesError;
use super::sidecar::Sidecar;
use crate::catalog::{Content, SourceName};
use crate::nuget::{NuGetVersion, PackageId};

/// The name of every sidecar.
pub const SIDECAR: &str = "package.json";

/// How much of a file is read at a time to be written, in bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// The most that a sidecar may hold, in bytes: an upstream's entry is in it.
const MAX_SIDECAR_BYTES: u64 = 4 * 1024 * 1024;

/// Names the files of one version of one package of one source.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The source.
    pub source: &'a SourceName,
    /// The id.
    pub id: &'a PackageId,
    /// The version.
    pub version: &'a NuGetVersion,
}

impl Place<'_> {
    /// Returns the folder, below `packages/`: source, id and version.
    #[must_use]
    pub fn folder(&self) -> String {
        [self.source.as_str(), self.id.lower(), self.version.key().as_str()].join("/")
    }
}

/// A file under `packages/`.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its path, as the store names it.
    pub path: Path,
    /// When it was last written.
    pub modified: crate::catalog::Instant,
    /// Its length in bytes.
    pub size: u64,
}

impl Found {
    /// Returns the folder under `packages/` that the file lies in: its source. `None` where it lies in none.
    #[must_use]
    pub fn source(&self) -> Option<SourceName> {
        if self.path.parts_count() < 3 {
            return None;
        }
        self.path.parts().nth(1).and_then(|part| part.as_ref().parse().ok())
    }

    /// Returns the folder that the file lies in, below `packages/`: source, id and version. The store percent-encodes what
    /// lies outside ASCII; this is as [`Place::folder`] writes it.
    #[must_use]
    pub fn folder(&self) -> String {
        let parts: Vec<_> = self
            .path
            .parts()
            .skip(1)
            .take(3)
            .map(|part| part.as_ref().to_owned())
            .collect();
        percent_decode_str(&parts.join("/")).decode_utf8_lossy().into_owned()
    }

    /// Returns the id and version that a folder stands for, as [`Found::folder`] returns it; both as they are compared, not as the
    /// package spells them. `None` where it stands for none.
    #[must_use]
    pub fn package_of(folder: &str) -> Option<(PackageId, NuGetVersion)> {
        let mut parts = folder.split('/').skip(1);
        let (id, version) = (parts.next()?, parts.next()?);
        Some((id.parse().ok()?, version.parse().ok()?))
    }

    /// Returns whether the file is a sidecar where sidecars lie.
    #[must_use]
    pub fn is_sidecar(&self) -> bool {
        self.path.filename() == Some(SIDECAR) && self.path.parts_count() == 5
    }

    /// Returns whether the file is called a nupkg.
    #[must_use]
    pub fn is_nupkg(&self) -> bool {
        self.path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("nupkg"))
    }

    /// Returns the path of the nupkg that a sidecar lying here names.
    #[must_use]
    pub fn beside(&self, name: &str) -> Path {
        self.path.parent().unwrap_or_default().join(name)
    }
}

/// The bytes of a nupkg, or a range of them.
pub type NupkgStream = BoxStream<'static, Result<Bytes, PackagesError>>;

/// The package files below one folder (or, later, in one bucket).
#[derive(Clone)]
pub struct Packages {
    store: Arc<dyn ObjectStore>,
    /// The folder, where the store is one.
    root: PathBuf,
    readers: sending::Readers,
}

impl Packages {
    /// Opens the files below `data`, making the folder where it is absent. Blocks.
    ///
    /// # Errors
    /// Where the folder cannot be made or read.
    pub fn open(data: &FilePath) -> Result<Self, PackagesError> {
        let root = data.join("packages");
        std_create_dir_all(&root)?;
        let store = LocalFileSystem::new_with_prefix(data).map_err(|source| PackagesError::Store {
            action: "open",
            path: data.display().to_string(),
            source,
        })?;
        Ok(Self {
            store: Arc::new(store.with_fsync(true)),
            root,
            readers: sending::Readers::default(),
        })
    }

    /// Keeps a package: the nupkg lying at `file`, then its sidecar. Both are on disk when this returns.
    ///
    /// # Cancel safety
    /// Dropped before the sidecar is written, at most a file is left that no sidecar names.
    pub async fn put(&self, place: Place<'_>, file: &FilePath, sidecar: &Sidecar) -> Result<(), PackagesError> {
        let path = folder(place).join(sidecar.file.as_str());
        let failed = |source| PackagesError::Io {
            action: "read",
            path: file.display().to_string(),
            source,
        };
        let mut reader = open_file(file).await.map_err(failed)?;
        let upload = self
            .store
            .put_multipart(&path)
            .await
            .map_err(store_error("write", &path))?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, 1024 * 1024);
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let read = reader.read(&mut buffer).await.map_err(failed)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            writer.wait_for_capacity(2).await.map_err(store_error("write", &path))?;
            writer.write(bytes);
        }
        writer.finish().await.map_err(store_error("write", &path))?;
        self.put_sidecar(place, sidecar).await
    }

    /// Replaces a package's sidecar.
    pub async fn put_sidecar(&self, place: Place<'_>, sidecar: &Sidecar) -> Result<(), PackagesError> {
        let path = folder(place).join(SIDECAR);
        self.store
            .put(&path, sidecar.encode().into())
            .await
            .map_err(store_error("write", &path))?;
        Ok(())
    }

    /// Reads a package's sidecar; `None` where there is none.
    pub async fn sidecar(&self, place: Place<'_>) -> Result<Option<Sidecar>, PackagesError> {
        match self.read_sidecar(&folder(place).join(SIDECAR)).await {
            Ok(sidecar) => Ok(Some(sidecar)),
            Err(PackagesError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the sidecar at a path.
    pub async fn read_sidecar(&self, path: &Path) -> Result<Sidecar, PackagesError> {
        let result = self.store.get(path).await.map_err(store_error("read", path))?;
        if result.meta.size > MAX_SIDECAR_BYTES {
            return Err(PackagesError::HugeSidecar {
                path: path.to_string(),
                bytes: result.meta.size,
            });
        }
        let bytes = result.bytes().await.map_err(store_error("read", path))?;
        Sidecar::decode(&bytes).map_err(|source| PackagesError::Sidecar {
            path: path.to_string(),
            source,
        })
    }

    /// Opens the nupkg of a package, or a range of its bytes.
    ///
    /// # Errors
    /// [`PackagesError::Missing`] and [`PackagesError::Length`] where the file is not what was put there.
    pub async fn open_nupkg(
        &self,
        place: Place<'_>,
        content: &Content,
        range: Option<Range<u64>>,
    ) -> Result<NupkgStream, PackagesError> {
        let path = folder(place).join(nupkg_name(content));
        let options = GetOptions {
            range: range.map(Into::into),
            ..GetOptions::default()
        };
        let result = match self.store.get_opts(&path, options).await {
            Ok(result) => result,
            Err(error) => {
                // A range that lies beyond the end of a file that was cut fails in no particular way.
                let meta = self.store.head(&path).await.map_err(store_error("read", &path))?;
                check_length(&path, &meta, content)?;
                return Err(store_error("read", &path)(error));
            }
        };
        check_length(&path, &result.meta, content)?;
        let range = result.range.clone();
        let named = path.to_string();
        let stream = match result.payload {
            GetResultPayload::File(file, _) => {
                let failed = move |source| PackagesError::Io {
                    action: "read",
                    path: named.clone(),
                    source,
                };
                sending::send(file, range, &self.readers).map_err(failed).boxed()
            }
            GetResultPayload::Stream(stream) => stream
                .map_err(move |source| PackagesError::Store {
                    action: "read",
                    path: named.clone(),
                    source,
                })
                .boxed(),
        };
        Ok(stream)
    }

    /// Opens a nupkg for reading at any place.
    ///
    /// # Errors
    /// [`PackagesError::NotAFile`] where the store does not keep files.
    pub async fn open_seekable(&self, path: &Path) -> Result<std::fs::File, PackagesError> {
        let result = self.store.get(path).await.map_err(store_error("read", path))?;
        match result.payload {
            GetResultPayload::File(file, _) => Ok(file),
            GetResultPayload::Stream(_) => Err(PackagesError::NotAFile { path: path.to_string() }),
        }
    }

    /// Removes a package's sidecar: from then on the package is not there, also after a crash.
    pub async fn remove_sidecar(&self, place: Place<'_>) -> Result<(), PackagesError> {
        let path = folder(place).join(SIDECAR);
        self.remove(&path).await?;
        // object_store does not sync the folder after a delete.
        let folder = self.file_path(&path);
        run_blocking("sync", &path, move || match folder.parent() {
            Some(parent) => std_sync_dir(parent),
            None => Ok(()),
        })
        .await
    }

    /// Removes the nupkg of a package.
    pub async fn remove_nupkg(&self, place: Place<'_>, content: &Content) -> Result<(), PackagesError> {
        self.remove(&folder(place).join(nupkg_name(content))).await
    }

    /// Removes a file; one that is not there is no error.
    pub async fn remove(&self, path: &Path) -> Result<(), PackagesError> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(PackagesError::Store {
                action: "remove",
                path: path.to_string(),
                source,
            }),
        }
    }

    /// Lists every file below `packages/`, in no particular order.
    #[must_use]
    pub fn list(&self) -> BoxStream<'static, Result<Found, PackagesError>> {
        self.list_below(&Path::from("packages"))
    }

    /// Lists every file of a source, in no particular order.
    #[must_use]
    pub fn list_source(&self, source: &SourceName) -> BoxStream<'static, Result<Found, PackagesError>> {
        self.list_below(&Path::from_iter(["packages", source.as_str()]))
    }

    fn list_below(&self, prefix: &Path) -> BoxStream<'static, Result<Found, PackagesError>> {
        self.store
            .list(Some(prefix))
            .map_ok(
                |ObjectMeta {
                     location,
                     last_modified,
                     size,
                     ..
                 }| Found {
                    path: location,
                    modified: last_modified,
                    size,
                },
            )
            .map_err(|source| PackagesError::Store {
                action: "list",
                path: "packages".to_owned(),
                source,
            })
            .boxed()
    }

    /// Returns where a path of the store lies in the file system.
    #[must_use]
    pub fn file_path(&self, path: &Path) -> PathBuf {
        let below = path.parts().skip(1).map(|part| part.as_ref().to_owned());
        below.fold(self.root.clone(), |folder, part| folder.join(part))
    }

    /// Removes what a crash left of files that were being written: names that end in `#` and a number. Returns how many.
    pub async fn sweep_staged(&self) -> Result<u64, PackagesError> {
        let root = self.root.clone();
        run_blocking("sweep", &Path::from("packages"), move || staged::sweep(&root)).await
    }
}

/// Returns the name of a nupkg file: the first 16 hex digits of its SHA-512.
#[must_use]
pub fn nupkg_name(content: &Content) -> String {
    use base64::Engine as _;
    use std::fmt::Write as _;
    let digest = base64::engine::general_purpose::STANDARD
        .decode(&content.sha512)
        .unwrap_or_default();
    let mut name = String::with_capacity(22);
    for byte in digest.iter().take(8) {
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".nupkg");
    name
}

fn folder(place: Place<'_>) -> Path {
    Path::from_iter([
        "packages",
        place.source.as_str(),
        place.id.lower(),
        place.version.key().as_str(),
    ])
}

fn store_error(action: &'static str, path: &Path) -> impl Fn(object_store::Error) -> PackagesError {
    let path = path.to_string();
    move |source| match source {
        object_store::Error::NotFound { .. } if action == "read" => PackagesError::Missing { path: path.clone() },
        source => PackagesError::Store {
            action,
            path: path.clone(),
            source,
        },
    }
}

fn check_length(path: &Path, meta: &ObjectMeta, content: &Content) -> Result<(), PackagesError> {
    if meta.size == content.size {
        return Ok(());
    }
    Err(PackagesError::Length {
        path: path.to_string(),
        found: meta.size,
        expected: content.size,
    })
}

async fn open_file(file: &FilePath) -> io::Result<tokio::fs::File> {
    tokio::fs::File::open(file).await
}

async fn run_blocking<T: Send + 'static>(
    action: &'static str,
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, PackagesError> {
    let outcome = tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|failed| Err(io::Error::other(failed)));
    outcome.map_err(|source| PackagesError::Io {
        action,
        path: path.to_string(),
        source,
    })
}

fn std_create_dir_all(folder: &FilePath) -> Result<(), PackagesError> {
    std::fs::create_dir_all(folder).map_err(|source| PackagesError::Io {
        action: "create",
        path: folder.display().to_string(),
        source,
    })
}

fn std_sync_dir(folder: &FilePath) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
