//! Inflates a body while it comes, and stops where that comes to too much: a small one can be made to fill any memory.
//!
//! Pure: bytes in, bytes out.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

/// The most bytes that one packed byte may come to. Feeds repeat themselves, and pack about twenty to one.
const MAX_RATIO: u64 = 200;

/// Bodies up to this size are not judged by the ratio.
const UNJUDGED_BYTES: u64 = 1 << 20;

/// A body that is read, packed or not.
pub(super) enum Inflating {
    Plain(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
}

/// What came out so far, and the most that may.
pub(super) struct Capped {
    out: Vec<u8>,
    limit_bytes: u64,
    /// The most that what went in may come to.
    allowed: u64,
    refused: Option<InflateError>,
}

/// Why a body is not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InflateError {
    /// It comes to more bytes than are read.
    TooLarge,
    /// It comes to more bytes than anything honest.
    Ratio,
    /// It is not packed as it says, or ends too early.
    Garbled,
}

impl Inflating {
    /// Begins a body that comes to at most `limit_bytes`.
    pub(super) fn plain(limit_bytes: u64) -> Self {
        Self::Plain(Capped::new(limit_bytes, u64::MAX))
    }

    /// Begins a body in gzip (RFC 1952) that comes to at most `limit_bytes`.
    pub(super) fn gzip(limit_bytes: u64) -> Self {
        Self::Gzip(Box::new(MultiGzDecoder::new(Capped::new(limit_bytes, UNJUDGED_BYTES))))
    }

    /// Adds bytes as they came.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), InflateError> {
        let written = match self {
            Self::Plain(capped) => capped.write_all(bytes),
            Self::Gzip(decoder) => {
                let more = (bytes.len() as u64).saturating_mul(MAX_RATIO);
                let capped = decoder.get_mut();
                capped.allowed = capped.allowed.saturating_add(more);
                decoder.write_all(bytes)
            }
        };
        written.map_err(|_| self.error())
    }

    /// Ends the body.
    pub(super) fn finish(self) -> Result<Vec<u8>, InflateError> {
        match self {
            Self::Plain(capped) => Ok(capped.out),
            Self::Gzip(mut decoder) => {
                if decoder.try_finish().is_err() {
                    return Err(Self::Gzip(decoder).error());
                }
                Ok(std::mem::take(&mut decoder.get_mut().out))
            }
        }
    }

    fn error(&self) -> InflateError {
        let capped = match self {
            Self::Plain(capped) => capped,
            Self::Gzip(decoder) => decoder.get_ref(),
        };
        capped.refused.unwrap_or(InflateError::Garbled)
    }
}

impl Capped {
    fn new(limit_bytes: u64, allowed: u64) -> Self {
        Self {
            out: Vec::new(),
            limit_bytes,
            allowed,
            refused: None,
        }
    }
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = (self.out.len() as u64).saturating_add(bytes.len() as u64);
        let refused = match size {
            _ if size > self.limit_bytes => InflateError::TooLarge,
            _ if size > self.allowed => InflateError::Ratio,
            _ => {
                self.out.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
        };
        self.refused = Some(refused);
        Err(io::Error::from(io::ErrorKind::FileTooLarge))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn inflate(body: &[u8], piece: usize, limit_bytes: u64) -> Result<Vec<u8>, InflateError> {
        let mut inflating = Inflating::gzip(limit_bytes);
        for piece in body.chunks(piece) {
            inflating.push(piece)?;
        }
        inflating.finish()
    }

    /// Text that packs about as well as feeds do.
    fn text(bytes: usize) -> Vec<u8> {
        let lines = (0..).flat_map(|n| {
            format!(
                "<entry><id>{n}</id><title>package {}</title></entry>",
                n * 7919 % 10_007
            )
            .into_bytes()
        });
        lines.take(bytes).collect()
    }

    #[test]
    fn bodies_are_inflated_in_pieces_of_any_size() {
        for body in [text(0), text(1), text(100_000), text(3_000_000)] {
            for piece in [1_000, 65_536] {
                assert!(inflate(&gzip(&body), piece, 10 << 20).unwrap() == body);
            }
            let members = [gzip(&body), gzip(b"more")].concat();
            assert!(inflate(&members, 65_536, 10 << 20).unwrap() == [&body[..], b"more"].concat());
        }
        let mut plain = Inflating::plain(5);
        assert_eq!(plain.push(b"12345"), Ok(()));
        assert_eq!(plain.push(b"6"), Err(InflateError::TooLarge));
    }

    #[test]
    fn what_comes_to_too_much_is_not_read_to_its_end() {
        let bomb = gzip(&vec![0; 50 << 20]);
        assert!(bomb.len() < 100_000);
        for piece in [100, 65_536, bomb.len()] {
            let refused = inflate(&bomb, piece, 10 << 20);
            assert!(
                matches!(refused, Err(InflateError::TooLarge | InflateError::Ratio)),
                "{piece}"
            );
        }
        assert_eq!(inflate(&bomb, 100, 10 << 20), Err(InflateError::Ratio));
        assert_eq!(
            inflate(&gzip(&text(3_000_000)), 65_536, 2_999_999),
            Err(InflateError::TooLarge)
        );
        // A small body may be of one letter.
        assert_eq!(
            inflate(&gzip(&vec![b'x'; 1 << 20]), 65_536, 10 << 20).map(|body| body.len()),
            Ok(1 << 20)
        );
    }

    #[test]
    fn what_is_cut_or_garbled_is_refused() {
        let body = gzip(&text(100_000));
        let mut flipped = body.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0xff;
        for broken in [
            &body[..body.len() / 2],
            &body[..body.len() - 1],
            &body[..5],
            b"no gzip at all",
            &flipped,
        ] {
            assert_eq!(
                inflate(broken, 65_536, 10 << 20),
                Err(InflateError::Garbled),
                "{}",
                broken.len()
            );
        }
    }
}
