//! The bytes of a file for as many readers as there are: what each holds shrinks as they become more.
//!
//! A reader whose connection is slow holds on to a few chunks, and hyper takes up to sixteen pieces from it in advance.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{Stream, try_unfold};

/// How much the chunks of all readers hold together, in bytes, unless each is the smallest. Each reader holds up to three.
const ALL_CHUNKS_BYTES: u64 = 16 << 20;

/// The largest chunk, in bytes: few readers are served with few reads.
const LARGEST_BYTES: u64 = 256 * 1024;

/// The smallest chunk, in bytes.
const SMALLEST_BYTES: u64 = 16 * 1024;

/// In how many pieces a chunk is handed on.
const PIECES: u64 = 8;

/// All who read: each holds one.
pub(super) type Readers = Arc<()>;

struct Reading {
    /// `None` after a failure.
    file: Option<File>,
    left: Range<u64>,
    /// What was read and not handed on yet.
    chunk: Bytes,
    readers: Readers,
}

/// Returns a range of a file, which lies within it.
pub(super) fn send(
    file: File,
    range: Range<u64>,
    readers: &Readers,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let reading = Reading {
        file: Some(file),
        left: range,
        chunk: Bytes::new(),
        readers: Arc::clone(readers),
    };
    try_unfold(reading, Reading::next)
}

impl Reading {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        // One is the store's own.
        let chunk_bytes = chunk_bytes(Arc::strong_count(&self.readers).saturating_sub(1));
        if self.chunk.is_empty() {
            if self.left.is_empty() {
                return Ok(None);
            }
            self.read(chunk_bytes).await?;
        }
        let piece = usize::try_from(chunk_bytes / PIECES).unwrap_or(usize::MAX);
        let piece = self.chunk.split_to(self.chunk.len().min(piece));
        Ok(Some((piece, self)))
    }

    async fn read(&mut self, chunk_bytes: u64) -> io::Result<()> {
        let mut file = self.file.take().ok_or_else(|| io::Error::other("a read has failed"))?;
        let start = self.left.start;
        let length = chunk_bytes.min(self.left.end - start);
        let read = tokio::task::spawn_blocking(move || -> io::Result<(File, Vec<u8>)> {
            let mut chunk = vec![0; usize::try_from(length).unwrap_or_default()];
            file.seek(io::SeekFrom::Start(start))?;
            file.read_exact(&mut chunk)?;
            Ok((file, chunk))
        });
        let (file, chunk) = read.await.unwrap_or_else(|failed| Err(io::Error::other(failed)))?;
        self.file = Some(file);
        self.chunk = chunk.into();
        self.left.start += length;
        Ok(())
    }
}

/// Returns how much one of so many readers reads at a time.
fn chunk_bytes(readers: usize) -> u64 {
    (ALL_CHUNKS_BYTES / (readers as u64).max(1)).clamp(SMALLEST_BYTES, LARGEST_BYTES)
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use std::io::Write as _;

    use super::*;

    #[test]
    fn many_readers_read_less_at_a_time() {
        for (readers, expected) in [
            (0, LARGEST_BYTES),
            (1, LARGEST_BYTES),
            (64, LARGEST_BYTES),
            (128, LARGEST_BYTES / 2),
            (1000, 16_777),
            (100_000, SMALLEST_BYTES),
        ] {
            assert_eq!(chunk_bytes(readers), expected, "{readers}");
        }
    }

    #[tokio::test]
    async fn ranges_come_exact_and_in_pieces() {
        let bytes: Vec<u8> = (0..=250).cycle().take(1_000_000).collect();
        let readers = Readers::default();
        for range in [0..1_000_000, 0..0, 1..2, 300_000..999_999] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let pieces: Vec<Bytes> = send(file, range.clone(), &readers).try_collect().await.unwrap();
            assert!(pieces.iter().all(|piece| piece.len() as u64 <= LARGEST_BYTES / PIECES));
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            assert!(pieces.concat() == bytes[range]);
        }
        assert_eq!(Arc::strong_count(&readers), 1, "who has read is none any more");
    }

    #[tokio::test]
    async fn a_file_that_is_cut_meanwhile_is_a_failure() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"short").unwrap();
        let read: io::Result<Vec<Bytes>> = send(file, 0..10, &Readers::default()).try_collect().await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
