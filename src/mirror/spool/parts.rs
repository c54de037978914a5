//! Cutting what comes into parts that are cheap to hold.
//!
//! A piece as it comes from a connection may hold on to a buffer many times its size, and there may be any number of tiny
//! ones. A reader that is slow to pass on a part holds on to no more than a block.

use bytes::{Buf as _, Bytes, BytesMut};

/// How large the blocks are, in bytes.
const BLOCK_BYTES: usize = 32 * 1024;

/// Makes parts. What has come makes a part at once: nobody waits until a block is full.
#[derive(Debug, Default)]
pub(in crate::mirror) struct Parts {
    block: BytesMut,
}

impl Parts {
    /// Takes the next part off `bytes`, which must not be empty.
    pub(in crate::mirror) fn cut(&mut self, bytes: &mut Bytes) -> Bytes {
        if self.block.capacity() == 0 {
            self.block = BytesMut::with_capacity(BLOCK_BYTES);
        }
        let length = bytes.len().min(self.block.capacity());
        self.block.extend_from_slice(bytes.get(..length).unwrap_or_default());
        bytes.advance(length);
        let part = self.block.split();
        if self.block.capacity() == 0 {
            self.block = BytesMut::new();
        }
        part.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_came_and_fit_into_blocks() {
        let mut parts = Parts::default();
        let body: Vec<u8> = (0..=250).cycle().take(300_000).collect();
        let (mut cut, mut from) = (Vec::new(), 0);
        for length in [1, 100, 70_000, 32_767, 1, 32_768, 5, 164_358] {
            let mut bytes = Bytes::copy_from_slice(&body[from..from + length]);
            while !bytes.is_empty() {
                cut.push(parts.cut(&mut bytes));
            }
            from += length;
        }
        assert!(cut.iter().all(|part| (1..=BLOCK_BYTES).contains(&part.len())));
        assert!(cut.concat() == body);
        assert_eq!((cut[0].len(), cut[1].len()), (1, 100));
        let next_to = |one: &Bytes, other: &Bytes| one.as_ptr().wrapping_add(one.len()) == other.as_ptr();
        assert!(next_to(&cut[0], &cut[1]), "small parts share a block");
    }
}
