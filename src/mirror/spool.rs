//! Bodies in flight: files that are written once, hashed and counted meanwhile, and may be read while they grow.
//!
//! Nothing here survives a crash: the folder is emptied at start.

mod file;
mod parts;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) use file::SpoolFile;
pub(super) use parts::Parts;
pub use writer::SpoolWriter;

use crate::catalog::Content;
use crate::nuget::digest::{Agreement, AnnouncedHash};

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
        let created = tokio::task::spawn_blocking({
            let path = path.clone();
            move || SpoolFile::create(path)
        });
        let file = created.await.unwrap_or_else(|failed| {
            let source = io::Error::other(failed);
            Err(SpoolError::Write { path, source })
        })?;
        Ok(SpoolWriter::new(file, limit_bytes, announced.checker()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test]
    async fn bodies_are_counted_hashed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned());
        let mut writer = spool.create(10_000_000, &AnnouncedHash::Other).await.unwrap();
        let piece = Bytes::from(vec![7; 100_000]);
        for _ in 0..100 {
            writer.write(piece.clone()).await.unwrap();
        }
        let written = writer.written();
        assert!(
            (1..=10_000_000).contains(&written),
            "no more than a bounded rest waits: {written}"
        );
        let spooled = writer.finish().await.unwrap();
        let expected = crate::store::rebuild::hash(&vec![7; 10_000_000][..]).unwrap();
        assert_eq!(spooled.content, expected);
        assert_eq!(std::fs::read(spooled.file.path()).unwrap().len(), 10_000_000);
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
        let refused = writer.write(Bytes::from_static(b"12345678901")).await;
        assert!(matches!(refused, Err(SpoolError::TooLarge { limit_bytes: 10 })));
        drop(writer);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
