//! A file in the spool, as many read it while it grows.
//!
//! Readers share what they read: a thousand at one place cost one read, and memory for one.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;

use super::SpoolError;

/// How much is read at a time, in bytes. A reader that is slow to pass it on holds so much, and a little more.
const BLOCK_BYTES: u64 = 32 * 1024;

/// How many blocks are kept for the readers that come next.
const RECENT_BLOCKS: usize = 16;

/// A file in the spool; it goes with the last one who holds it.
#[derive(Debug)]
pub struct SpoolFile {
    path: PathBuf,
    file: File,
    blocks: Mutex<Blocks>,
    /// Readers take turns: the next one finds what this one has read.
    turn: tokio::sync::Mutex<()>,
}

/// What was read of a file and is in memory still, by place.
#[derive(Debug, Default)]
struct Blocks {
    held: HashMap<u64, Weak<Vec<u8>>>,
    recent: [Option<Arc<Vec<u8>>>; RECENT_BLOCKS],
    next: usize,
}

impl SpoolFile {
    /// Makes the file. Blocks.
    pub(super) fn create(path: PathBuf) -> Result<Self, SpoolError> {
        let created = File::options().read(true).write(true).create_new(true).open(&path);
        match created {
            Ok(file) => Ok(Self {
                path,
                file,
                blocks: Mutex::default(),
                turn: tokio::sync::Mutex::default(),
            }),
            Err(source) => Err(SpoolError::Write { path, source }),
        }
    }

    /// Returns where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes bytes at a place. Blocks.
    pub(super) fn write(&self, place: u64, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&self.file, bytes, place)
    }

    /// Reads some of the bytes from `from` on, of which those before `until` were written: at least one, unless there are none.
    pub(in crate::mirror) async fn read(self: &Arc<Self>, from: u64, until: u64) -> Result<Bytes, SpoolError> {
        if let Some(bytes) = self.blocks().find(from) {
            return Ok(bytes);
        }
        let _turn = self.turn.lock().await;
        if let Some(bytes) = self.blocks().find(from) {
            return Ok(bytes);
        }
        let start = from - from % BLOCK_BYTES;
        let end = until.min(start + BLOCK_BYTES);
        let file = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let mut block = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or_default()];
            read_exact_at(&file.file, &mut block, start).map(|()| block)
        });
        let read = read.await.unwrap_or_else(|failed| Err(io::Error::other(failed)));
        let block = read.map_err(|source| SpoolError::Read {
            path: self.path.clone(),
            source,
        })?;
        let mut blocks = self.blocks();
        blocks.keep(start, Arc::new(block));
        Ok(blocks.find(from).unwrap_or_default())
    }

    fn blocks(&self) -> std::sync::MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blocks {
    /// Returns the bytes from a place to the end of its block, where they are in memory.
    fn find(&self, from: u64) -> Option<Bytes> {
        let within = usize::try_from(from % BLOCK_BYTES).ok()?;
        let block = self.held.get(&(from - from % BLOCK_BYTES))?.upgrade()?;
        // A block may have been read while it was still being written.
        (within < block.len()).then(|| Bytes::from_owner(Shared(block)).slice(within..))
    }

    fn keep(&mut self, start: u64, block: Arc<Vec<u8>>) {
        self.held.insert(start, Arc::downgrade(&block));
        if let Some(place) = self.recent.get_mut(self.next) {
            *place = Some(block);
        }
        self.next = (self.next + 1) % RECENT_BLOCKS;
    }
}

struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], place: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, place)
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], place: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, place)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut place: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, place)?;
        let Some(rest) = bytes.get(written..).filter(|_| written > 0) else {
            return Err(io::ErrorKind::WriteZero.into());
        };
        (bytes, place) = (rest, place + written as u64);
    }
    Ok(())
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut place: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, place)?;
        let Some(rest) = bytes.get_mut(read..).filter(|_| read > 0) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        (bytes, place) = (rest, place + read as u64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: usize = 200_000;

    fn file(folder: &Path) -> (Arc<SpoolFile>, Vec<u8>) {
        let file = SpoolFile::create(folder.join("0.part")).unwrap();
        let bytes: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
        file.write(0, &bytes).unwrap();
        (Arc::new(file), bytes)
    }

    #[tokio::test]
    async fn readers_at_any_place_read_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (file, bytes) = file(folder.path());
        for start in [0, 1, 40_000, LENGTH - 1] {
            let mut place = start;
            while place < LENGTH {
                let read = file.read(place as u64, LENGTH as u64).await.unwrap();
                assert!(read == bytes[place..place + read.len()] && !read.is_empty(), "{place}");
                place += read.len();
            }
        }
    }

    #[tokio::test]
    async fn readers_share_what_is_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let (file, _) = file(folder.path());
        let all = LENGTH as u64;
        let first = file.read(0, all).await.unwrap();
        for block in 1..LENGTH as u64 / BLOCK_BYTES {
            file.read(block * BLOCK_BYTES, all).await.unwrap();
        }
        assert_eq!(file.read(0, all).await.unwrap().as_ptr(), first.as_ptr());
        for number in 0..RECENT_BLOCKS {
            file.blocks().keep(BLOCK_BYTES * (100 + number as u64), Arc::default());
        }
        assert_eq!(
            file.read(0, all).await.unwrap().as_ptr(),
            first.as_ptr(),
            "somebody holds it still"
        );
        drop(first);
        assert!(file.blocks().find(0).is_none(), "nobody holds it");
    }

    #[tokio::test]
    async fn a_block_that_grows_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (file, bytes) = file(folder.path());
        assert_eq!(file.read(5, 10).await.unwrap(), bytes[5..10]);
        assert_eq!(file.read(10, 12).await.unwrap(), bytes[10..12]);
        assert_eq!(file.read(12, 12).await.unwrap(), Bytes::new());
    }
}
