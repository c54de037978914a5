//! Bodies in flight: files that are written once, hashed and counted meanwhile, and may be read while they grow.
//!
//! Nothing here survives a crash: the folder is emptied at start.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;

use crate::catalog::Content;
use crate::nuget::digest::{Agreement, AnnouncedHash, HashChecker};

/// How many bytes are gathered before they are hashed and written, away from the runtime's threads.
const PIECE_BYTES: usize = 256 * 1024;

/// The folder for bodies in flight.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
    next: Arc<AtomicU64>,
}

/// Why a body could not be spooled.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk failed, or is full.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The disk failed when the body was read again.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The body is larger than allowed.
    #[error("the package is larger than the {limit_bytes} bytes that are allowed")]
    TooLarge {
        /// The most that is allowed.
        limit_bytes: u64,
    },
}

impl SpoolError {
    /// Returns whether the body is larger than allowed.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge { .. })
    }

    /// Returns whether the disk has no room left.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Write { source, .. } if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}

/// A file in the spool; it goes with the last one who holds it.
#[derive(Debug)]
pub struct SpoolFile {
    path: PathBuf,
}

impl SpoolFile {
    /// Returns where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A body that was spooled whole.
#[derive(Debug, Clone)]
pub struct Spooled {
    /// The bytes.
    pub file: Arc<SpoolFile>,
    /// Their hash and number.
    pub content: Content,
    /// How the hash compares with the announced one.
    pub agreement: Agreement,
}

/// A body that is being spooled.
pub struct SpoolWriter {
    file: Arc<SpoolFile>,
    writer: tokio::fs::File,
    hasher: HashChecker,
    written: u64,
    limit_bytes: u64,
    piece: Vec<u8>,
}

impl Spool {
    /// Uses a folder, which must exist.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            next: Arc::default(),
        }
    }

    /// Begins a body of at most `limit_bytes`, whose hash may have been announced.
    pub async fn create(&self, limit_bytes: u64, announced: &AnnouncedHash) -> Result<SpoolWriter, SpoolError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{number}.part"));
        let created = tokio::fs::File::create_new(&path).await;
        let writer = created.map_err(|source| SpoolError::Write {
            path: path.clone(),
            source,
        })?;
        Ok(SpoolWriter {
            file: Arc::new(SpoolFile { path }),
            writer,
            hasher: announced.checker(),
            written: 0,
            limit_bytes,
            piece: Vec::new(),
        })
    }
}

impl SpoolWriter {
    /// Returns the file, for those who read it while it grows.
    #[must_use]
    pub fn file(&self) -> Arc<SpoolFile> {
        Arc::clone(&self.file)
    }

    /// Adds bytes. Returns how many of all bytes can be read from the file by now.
    ///
    /// # Errors
    /// [`SpoolError::TooLarge`] from the byte on that is too much.
    pub async fn write(&mut self, bytes: &Bytes) -> Result<u64, SpoolError> {
        let pending = (self.piece.len() + bytes.len()) as u64;
        if self.written.saturating_add(pending) > self.limit_bytes {
            return Err(SpoolError::TooLarge {
                limit_bytes: self.limit_bytes,
            });
        }
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.write_piece().await?;
        }
        Ok(self.written)
    }

    /// Ends the body.
    pub async fn finish(mut self) -> Result<Spooled, SpoolError> {
        self.write_piece().await?;
        self.writer.flush().await.map_err(|source| self.failed(source))?;
        let (digest, agreement) = self.hasher.finish();
        let content = Content {
            sha512: digest.base64(),
            size: self.written,
        };
        Ok(Spooled {
            file: self.file,
            content,
            agreement,
        })
    }

    async fn write_piece(&mut self) -> Result<(), SpoolError> {
        let piece = std::mem::take(&mut self.piece);
        if piece.is_empty() {
            return Ok(());
        }
        let mut hasher = std::mem::replace(&mut self.hasher, AnnouncedHash::Other.checker());
        let work = tokio::task::spawn_blocking(move || {
            hasher.update(&piece);
            (hasher, piece)
        });
        let (hasher, piece) = work.await.map_err(|failed| self.failed(io::Error::other(failed)))?;
        self.hasher = hasher;
        self.writer
            .write_all(&piece)
            .await
            .map_err(|source| self.failed(source))?;
        self.writer.flush().await.map_err(|source| self.failed(source))?;
        self.written += piece.len() as u64;
        self.piece = piece;
        self.piece.clear();
        Ok(())
    }

    fn failed(&self, source: io::Error) -> SpoolError {
        SpoolError::Write {
            path: self.file.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_are_counted_hashed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned());
        let mut writer = spool.create(1_000_000, &AnnouncedHash::Other).await.unwrap();
        let piece = Bytes::from(vec![7; 100_000]);
        let mut readable = 0;
        for _ in 0..5 {
            readable = writer.write(&piece).await.unwrap();
        }
        assert!((PIECE_BYTES as u64..=500_000).contains(&readable));
        let spooled = writer.finish().await.unwrap();
        let expected = crate::store::rebuild::hash(&vec![7; 500_000][..]).unwrap();
        assert_eq!(spooled.content, expected);
        assert_eq!(std::fs::read(spooled.file.path()).unwrap().len(), 500_000);
        drop(spooled);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_ends_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Spool::new(folder.path().to_owned())
            .create(10, &AnnouncedHash::Other)
            .await
            .unwrap();
        writer.write(&Bytes::from_static(b"12345")).await.unwrap();
        let refused = writer.write(&Bytes::from_static(b"678901")).await;
        assert!(matches!(refused, Err(SpoolError::TooLarge { limit_bytes: 10 })));
        drop(writer);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
