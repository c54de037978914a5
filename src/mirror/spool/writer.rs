//! Writing a body to the spool: it is hashed and written away from the runtime's threads, as fast as the disk takes it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{SpoolError, SpoolFile, Spooled};
use crate::catalog::Content;
use crate::nuget::digest::HashChecker;

/// How many bytes may wait for the disk; then whoever brings more waits too.
const MAX_QUEUED_BYTES: usize = 2 << 20;

/// In how many parts, at most.
const MAX_QUEUED_PARTS: usize = 512;

/// A body that is being spooled.
pub struct SpoolWriter {
    file: Arc<SpoolFile>,
    limit_bytes: u64,
    came: u64,
    written: u64,
    queue: Vec<Bytes>,
    queued_bytes: usize,
    state: State,
}

enum State {
    Idle(Box<HashChecker>),
    Writing(JoinHandle<(Box<HashChecker>, io::Result<u64>)>),
    /// The disk has failed.
    Failed,
}

impl SpoolWriter {
    pub(super) fn new(file: SpoolFile, limit_bytes: u64, hasher: HashChecker) -> Self {
        Self {
            file: Arc::new(file),
            limit_bytes,
            came: 0,
            written: 0,
            queue: Vec::new(),
            queued_bytes: 0,
            state: State::Idle(Box::new(hasher)),
        }
    }

    /// Returns the file, for those who read it while it grows.
    #[must_use]
    pub fn file(&self) -> Arc<SpoolFile> {
        Arc::clone(&self.file)
    }

    /// Returns how many bytes can be read from the file for certain.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Adds bytes. They are written soon; this waits only where too many wait already.
    ///
    /// # Errors
    /// [`SpoolError::TooLarge`] from the byte on that is too much. What the disk refuses shows here, later, or in
    /// [`Self::finish`].
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), SpoolError> {
        self.came = self.came.saturating_add(bytes.len() as u64);
        if self.came > self.limit_bytes {
            return Err(SpoolError::TooLarge {
                limit_bytes: self.limit_bytes,
            });
        }
        self.queued_bytes += bytes.len();
        self.queue.push(bytes);
        let is_full = self.queued_bytes > MAX_QUEUED_BYTES || self.queue.len() > MAX_QUEUED_PARTS;
        let is_busy = matches!(&self.state, State::Writing(work) if !work.is_finished());
        if is_full || !is_busy {
            self.settle().await?;
            self.begin();
        }
        Ok(())
    }

    /// Ends the body.
    pub async fn finish(mut self) -> Result<Spooled, SpoolError> {
        self.settle().await?;
        self.begin();
        self.settle().await?;
        let State::Idle(hasher) = std::mem::replace(&mut self.state, State::Failed) else {
            return Err(self.failed(io::Error::other("the file was given up before")));
        };
        let (digest, agreement) = hasher.finish();
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

    /// Begins to write what waits, if nothing is being written.
    fn begin(&mut self) {
        let hasher = match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(hasher) if !self.queue.is_empty() => hasher,
            state => {
                self.state = state;
                return;
            }
        };
        let (queue, file, from) = (std::mem::take(&mut self.queue), Arc::clone(&self.file), self.written);
        self.queued_bytes = 0;
        self.state = State::Writing(tokio::task::spawn_blocking(move || put(&file, from, &queue, hasher)));
    }

    /// Waits until nothing is being written.
    async fn settle(&mut self) -> Result<(), SpoolError> {
        let State::Writing(work) = &mut self.state else {
            return Ok(());
        };
        let done = work.await;
        self.state = State::Failed;
        let (hasher, outcome) = done.map_err(|failed| self.failed(io::Error::other(failed)))?;
        self.written = outcome.map_err(|source| self.failed(source))?;
        self.state = State::Idle(hasher);
        Ok(())
    }

    fn failed(&self, source: io::Error) -> SpoolError {
        SpoolError::Write {
            path: self.file.path().to_owned(),
            source,
        }
    }
}

/// Writes parts one behind the other, and hashes them. Returns where the last one ends.
fn put(
    file: &SpoolFile,
    from: u64,
    parts: &[Bytes],
    mut hasher: Box<HashChecker>,
) -> (Box<HashChecker>, io::Result<u64>) {
    let mut place = from;
    for part in parts {
        if let Err(error) = file.write(place, part) {
            return (hasher, Err(error));
        }
        hasher.update(part);
        place += part.len() as u64;
    }
    (hasher, Ok(place))
}
