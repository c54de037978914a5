//! Reading a package while it arrives.
//!
//! Readers follow the writer, each at its own speed: those who keep up read what is in memory, the others the spool file.
//! The last bytes are held back until the whole was verified: a package that fails then ends as a transfer that is cut
//! off, never as one that looks whole.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _, try_unfold};

use super::MirrorError;
use super::coalesce::{Begun, Flight, Lost, Passage, Reach, Step};
use super::locate::HeldPackage;
use super::spool::SpoolFile;
use crate::upstream::{Priority, Urgency};

/// What is held back, and what is kept in memory of each package that arrives.
pub(super) const REACH: Reach = Reach {
    hold_back: 64 * 1024,
    tail: 1 << 20,
    tail_parts: 256,
};

/// How much is handed on at a time, in bytes. hyper takes up to sixteen pieces from whoever answers before it waits for the
/// client: a slow client holds no more of a package than these, and the blocks that they lie in.
const PIECE_BYTES: usize = 4 * 1024;

/// The bytes of a package on their way.
type Bodies = Passage<SpoolFile, Box<HeldPackage>, MirrorError>;

/// A package on its way, as the fetch sees it and those who wait for it.
#[derive(Debug)]
pub(super) struct Arrival {
    passage: Bodies,
    /// How urgent it is by now.
    pub(super) urgency: Urgency,
}

impl Arrival {
    /// Makes an arrival of which nothing is known yet.
    pub(super) fn new(reach: Reach, priority: Priority) -> Self {
        Self {
            passage: Passage::new(reach),
            urgency: Urgency::new(priority),
        }
    }
}

impl std::ops::Deref for Arrival {
    type Target = Bodies;

    fn deref(&self) -> &Bodies {
        &self.passage
    }
}

impl Flight for Arrival {
    fn lose(&self) {
        self.passage.lose();
    }
}

impl From<Lost> for MirrorError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Dropped => Self::Internal("what many waited for was given up in the middle".to_owned()),
            Lost::Crowded => Self::Crowded,
        }
    }
}

/// A package on its way.
pub struct Arriving {
    arrival: Arc<Arrival>,
    sha512: Option<String>,
    /// What was being written when this began: a fetch that ends meanwhile does not take it away.
    incoming: Option<Incoming>,
}

/// A package that is being written.
struct Incoming {
    file: Arc<SpoolFile>,
    length: u64,
}

impl Arriving {
    /// Waits until bytes may be passed on, or all is over. `sha512` is the announced hash, base64.
    pub(super) async fn begin(arrival: Arc<Arrival>, sha512: Option<String>) -> Result<Self, MirrorError> {
        let incoming = match arrival.begun().await? {
            Begun::Passing { file, length } => Some(Incoming { file, length }),
            Begun::Kept(_) => None,
        };
        Ok(Self {
            arrival,
            sha512,
            incoming,
        })
    }

    /// Returns whether its bytes can be passed on; if not, it is in the store already.
    pub(super) fn is_streaming(&self) -> bool {
        self.incoming.is_some()
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
    pub async fn wait(self) -> Result<(), MirrorError> {
        self.finished().await.map(drop)
    }

    /// Waits for the end, and returns the package in the store.
    pub async fn finished(&self) -> Result<HeldPackage, MirrorError> {
        self.arrival.kept().await.map(|held| *held)
    }

    /// Returns the bytes as they come. The stream fails where the package does.
    pub fn stream(self) -> Result<BoxStream<'static, Result<Bytes, MirrorError>>, MirrorError> {
        let Some(Incoming { file, .. }) = self.incoming else {
            return Err(MirrorError::Internal(
                "the package is in the store, not on its way".to_owned(),
            ));
        };
        let follower = Follower {
            arrival: self.arrival,
            file,
            place: 0,
            read: Bytes::new(),
        };
        Ok(try_unfold(follower, Follower::next).boxed())
    }
}

struct Follower {
    arrival: Arc<Arrival>,
    /// Keeps the file until the last reader is done.
    file: Arc<SpoolFile>,
    /// How far this has read.
    place: u64,
    /// What was read and not handed on yet.
    read: Bytes,
}

impl Follower {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, MirrorError> {
        if self.read.is_empty() {
            self.read = match self.arrival.step(self.place).await? {
                Step::End => return Ok(None),
                Step::Part(part) => part,
                Step::Written { until } => self.read_back(until).await?,
            };
            self.place += self.read.len() as u64;
        }
        let piece = self.read.split_to(self.read.len().min(PIECE_BYTES));
        Ok(Some((piece, self)))
    }

    /// Reads what is no longer in memory.
    async fn read_back(&self, until: u64) -> Result<Bytes, MirrorError> {
        let mut read = self.file.read(self.place, until).await.map_err(MirrorError::spool)?;
        // Another reader's block may go further.
        let most = usize::try_from(until.saturating_sub(self.place)).unwrap_or(usize::MAX);
        read.truncate(most);
        if read.is_empty() {
            return Err(MirrorError::Internal("a spool file ends too early".to_owned()));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::super::coalesce::Ending;
    use super::*;
    use crate::catalog::testing::{record, row};
    use crate::mirror::Spool;
    use crate::nuget::AnnouncedHash;

    #[tokio::test]
    async fn a_fetch_that_ends_between_beginning_and_reading_takes_nothing_away() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned());
        let mut writer = spool.create(10_000_000, &AnnouncedHash::Other).await.unwrap();
        let body = Bytes::from(vec![7; 3_000_000]);
        let arrival = Arc::new(Arrival::new(REACH, Priority::Client));
        arrival.promise(writer.file(), body.len() as u64);
        for from in (0..body.len()).step_by(30_000) {
            let part = body.slice(from..body.len().min(from + 30_000));
            arrival.add(part.clone());
            writer.write(part).await.unwrap();
            arrival.written(writer.written());
        }
        let arriving = Arriving::begin(Arc::clone(&arrival), None).await.unwrap();
        let spooled = writer.finish().await.unwrap();
        arrival.written(spooled.content.size);
        arrival.verify(Arc::clone(&spooled.file));
        let kept = HeldPackage::new(record(row("git", "1.0"), Vec::new()), spooled.content.clone(), None);
        arrival.end(Ending::Kept(Box::new(kept)));
        drop((spooled, arrival));
        assert_eq!(arriving.length(), Some(body.len() as u64));
        let pieces: Vec<Bytes> = arriving.stream().unwrap().try_collect().await.unwrap();
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE_BYTES));
        assert!(pieces.concat() == body);
        drop(pieces);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
