//! Reading a package while it arrives.
//!
//! Readers follow the writer through the spool file, each at its own speed. The last bytes are held back until the whole was
//! verified: a package that fails then ends as a transfer that is cut off, never as one that looks whole.

use std::io::SeekFrom;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _, try_unfold};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::sync::watch;

use super::MirrorError;
use super::locate::HeldPackage;
use super::spool::{SpoolError, SpoolFile};

/// How many bytes at the end wait for the verification.
const HOLD_BACK_BYTES: u64 = 64 * 1024;

/// How much is read at a time, in bytes.
const CHUNK_BYTES: u64 = 128 * 1024;

/// How far a fetch is.
#[derive(Debug, Clone)]
pub(super) enum Progress {
    /// Nothing may be passed on yet.
    Waiting,
    /// The first bytes may be passed on.
    Filling {
        /// Where they are.
        file: Arc<SpoolFile>,
        /// How many there are.
        readable: u64,
        /// How many there will be.
        length: u64,
    },
    /// The package was verified and is in the store.
    Kept(Box<HeldPackage>),
    /// There will be no package.
    Failed(MirrorError),
}

/// A fetch, as those see it who wait for it.
#[derive(Debug)]
pub(super) struct Arrival {
    progress: watch::Receiver<Progress>,
    sha512: Option<String>,
}

impl Arrival {
    /// Makes a fetch's two ends. `sha512` is the announced hash, base64.
    pub(super) fn new(sha512: Option<String>) -> (watch::Sender<Progress>, Self) {
        let (sender, progress) = watch::channel(Progress::Waiting);
        (sender, Self { progress, sha512 })
    }
}

/// A package on its way.
pub struct Arriving {
    progress: watch::Receiver<Progress>,
    sha512: Option<String>,
    /// What was being written when this began: a fetch that ends meanwhile does not take it away.
    incoming: Option<Incoming>,
}

/// A package that is being written.
#[derive(Clone)]
struct Incoming {
    file: Arc<SpoolFile>,
    length: u64,
}

impl Arriving {
    /// Waits until bytes may be passed on, or all is over.
    pub(super) async fn begin(arrival: Arc<Arrival>) -> Result<Self, MirrorError> {
        let mut progress = arrival.progress.clone();
        let begun = progress
            .wait_for(|progress| !matches!(progress, Progress::Waiting))
            .await;
        let incoming = match begun.map(|progress| progress.clone()) {
            Ok(Progress::Failed(error)) => return Err(error),
            Ok(Progress::Filling { file, length, .. }) => Some(Incoming { file, length }),
            Ok(Progress::Kept(_) | Progress::Waiting) => None,
            Err(closed) => return Err(MirrorError::Internal(closed.to_string())),
        };
        Ok(Self {
            progress,
            sha512: arrival.sha512.clone(),
            incoming,
        })
    }

    /// Returns whether its bytes can be passed on; if not, it is in the store already.
    pub(super) fn is_streaming(&self) -> bool {
        self.incoming.is_some()
    }

    pub(super) fn held(&self) -> Result<HeldPackage, MirrorError> {
        match &*self.progress.borrow() {
            Progress::Kept(held) => Ok((**held).clone()),
            Progress::Failed(error) => Err(error.clone()),
            Progress::Waiting | Progress::Filling { .. } => {
                Err(MirrorError::Internal("a fetch is not over".to_owned()))
            }
        }
    }

    /// Returns the package's SHA-512, base64, as the upstream announced it.
    #[must_use]
    pub fn sha512(&self) -> Option<&str> {
        self.sha512.as_deref()
    }

    /// Returns the package's length in bytes, as the upstream promised it.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.incoming.as_ref().map(|incoming| incoming.length)
    }

    /// Waits for the end.
    pub async fn wait(mut self) -> Result<(), MirrorError> {
        self.finished().await.map(drop)
    }

    /// Waits for the end, and returns the package in the store.
    pub async fn finished(&mut self) -> Result<HeldPackage, MirrorError> {
        let is_over = |progress: &Progress| matches!(progress, Progress::Kept(_) | Progress::Failed(_));
        let over = self.progress.wait_for(is_over).await.map(|progress| progress.clone());
        match over {
            Ok(Progress::Kept(held)) => Ok(*held),
            Ok(Progress::Failed(error)) => Err(error),
            Ok(Progress::Waiting | Progress::Filling { .. }) => {
                Err(MirrorError::Internal("a fetch that is over is not over".to_owned()))
            }
            Err(closed) => Err(MirrorError::Internal(closed.to_string())),
        }
    }

    /// Returns the bytes as they come. The stream fails where the package does.
    pub async fn stream(self) -> Result<BoxStream<'static, Result<Bytes, MirrorError>>, MirrorError> {
        let Some(Incoming { file, length }) = self.incoming else {
            return Err(MirrorError::Internal(
                "the package is in the store, not on its way".to_owned(),
            ));
        };
        let opened = tokio::fs::File::open(file.path()).await;
        let reader = opened.map_err(|source| read_error(&file, source))?;
        let follower = Follower {
            progress: self.progress,
            reader,
            file,
            position: 0,
            length,
        };
        Ok(try_unfold(follower, Follower::next).boxed())
    }
}

struct Follower {
    progress: watch::Receiver<Progress>,
    reader: tokio::fs::File,
    /// Keeps the file until the last reader is done.
    file: Arc<SpoolFile>,
    position: u64,
    length: u64,
}

impl Follower {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, MirrorError> {
        if self.position == self.length {
            return Ok(None);
        }
        let (position, length) = (self.position, self.length);
        let may_go_on = move |progress: &Progress| match progress {
            Progress::Filling { readable, .. } => passable(*readable, length) > position,
            Progress::Waiting => false,
            Progress::Kept(_) | Progress::Failed(_) => true,
        };
        let progress = self.progress.wait_for(may_go_on).await.map(|progress| progress.clone());
        let limit = match progress {
            Ok(Progress::Filling { readable, .. }) => passable(readable, length),
            Ok(Progress::Kept(_)) => length,
            Ok(Progress::Failed(error)) => return Err(error),
            Ok(Progress::Waiting) => position,
            Err(closed) => return Err(MirrorError::Internal(closed.to_string())),
        };
        let wanted = usize::try_from((limit - position).min(CHUNK_BYTES)).unwrap_or(usize::MAX);
        let mut chunk = vec![0; wanted];
        self.reader
            .seek(SeekFrom::Start(position))
            .await
            .map_err(|source| read_error(&self.file, source))?;
        self.reader
            .read_exact(&mut chunk)
            .await
            .map_err(|source| read_error(&self.file, source))?;
        self.position += wanted as u64;
        Ok(Some((chunk.into(), self)))
    }
}

/// Returns how many of the first `readable` bytes may be passed on before the whole is verified.
pub(super) fn passable(readable: u64, length: u64) -> u64 {
    readable.min(length.saturating_sub(HOLD_BACK_BYTES))
}

fn read_error(file: &SpoolFile, source: std::io::Error) -> MirrorError {
    MirrorError::spool(SpoolError::Read {
        path: file.path().to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;
    use crate::catalog::testing::{record, row};
    use crate::mirror::Spool;
    use crate::nuget::AnnouncedHash;

    #[tokio::test]
    async fn a_fetch_that_ends_between_beginning_and_reading_takes_nothing_away() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned());
        let mut writer = spool.create(1_000_000, &AnnouncedHash::Other).await.unwrap();
        let body = Bytes::from(vec![7; 300_000]);
        let readable = writer.write(&body).await.unwrap();
        let (sender, arrival) = Arrival::new(None);
        let (file, length) = (writer.file(), body.len() as u64);
        sender.send_replace(Progress::Filling { file, readable, length });
        let arriving = Arriving::begin(Arc::new(arrival)).await.unwrap();

        let spooled = writer.finish().await.unwrap();
        let kept = HeldPackage::new(record(row("git", "1.0"), Vec::new()), spooled.content.clone(), None);
        sender.send_replace(Progress::Kept(Box::new(kept)));
        drop((spooled, sender));
        assert!(arriving.is_streaming());
        assert_eq!(arriving.length(), Some(length));
        let pieces: Vec<Bytes> = arriving.stream().await.unwrap().try_collect().await.unwrap();
        assert!(pieces.concat() == body);
        drop(pieces);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
