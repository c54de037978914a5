//! Which ids a walk has come by: what is known here and is not among them at its end may be gone.
//!
//! Ids are told apart by 64 bits of a hash, so that a hundred thousand of them take a megabyte. Of two that share one - it takes
//! billions of ids to expect that - the one that is gone stays known. They lie in `state/sync/<upstream>.seen` too, appended page by page, so
//! that a walk that is cut off goes on; a page that is appended twice does no harm, nor does half a hash at the end.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::Path;

use crate::nuget::PackageId;
use crate::nuget::digest::Sha512Hasher;

/// More ids than any gallery has; none beyond them is remembered, and then nothing is taken for gone.
const CAPACITY: usize = 4_000_000;

/// The ids of a walk.
#[derive(Debug)]
pub(super) struct Seen {
    hashes: HashSet<u64>,
    file: std::fs::File,
}

impl Seen {
    /// Begins without any id.
    pub(super) fn begin(file: &Path) -> io::Result<Self> {
        let file = std::fs::File::create(file)?;
        Ok(Self {
            hashes: HashSet::new(),
            file,
        })
    }

    /// Goes on where the last process ended.
    pub(super) fn resume(file: &Path) -> io::Result<Self> {
        let bytes = std::fs::read(file)?;
        let (whole, _) = bytes.as_chunks::<8>();
        let hashes: HashSet<u64> = whole.iter().map(|hash| u64::from_le_bytes(*hash)).collect();
        let mut file = std::fs::File::options().append(true).open(file)?;
        file.set_len(whole.len() as u64 * 8)?;
        file.flush()?;
        Ok(Self { hashes, file })
    }

    /// Adds the ids of a page, on disk too. Returns how many are new.
    pub(super) fn add<'a>(&mut self, ids: impl Iterator<Item = &'a PackageId>) -> io::Result<u64> {
        let mut bytes = Vec::new();
        let mut new = 0;
        for id in ids {
            let hash = hash(id);
            if self.hashes.len() < CAPACITY && self.hashes.insert(hash) {
                bytes.extend_from_slice(&hash.to_le_bytes());
                new += 1;
            }
        }
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        Ok(new)
    }

    /// Returns whether an id was come by; `true` also where that is not known.
    pub(super) fn may_contain(&self, id: &PackageId) -> bool {
        self.hashes.len() >= CAPACITY || self.hashes.contains(&hash(id))
    }
}

/// The same in every process and every build.
fn hash(id: &PackageId) -> u64 {
    let mut hasher = Sha512Hasher::default();
    hasher.update(id.lower().as_bytes());
    let digest = hasher.finish().hex();
    let first = digest.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok());
    first.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_remembered_across_a_cut() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gallery.seen");
        let ids: Vec<PackageId> = (0..100).map(|number| format!("Id{number}").parse().unwrap()).collect();
        let mut seen = Seen::begin(&file).unwrap();
        assert_eq!(seen.add(ids.iter().take(60)).unwrap(), 60);
        assert_eq!(seen.add(ids.iter().take(70)).unwrap(), 10);
        drop(seen);
        let mut torn = std::fs::read(&file).unwrap();
        assert_eq!(torn.len(), 70 * 8);
        torn.extend_from_slice(&[1, 2, 3]);
        std::fs::write(&file, torn).unwrap();
        let mut seen = Seen::resume(&file).unwrap();
        assert_eq!(seen.add(ids.iter().skip(65).take(10)).unwrap(), 5);
        drop(seen);
        let seen = Seen::resume(&file).unwrap();
        let found = ids.iter().filter(|id| seen.may_contain(id));
        assert_eq!(found.count(), 75);
        assert!(seen.may_contain(&"ID3".parse().unwrap()));
        assert!(Seen::begin(&file).is_ok_and(|seen| !seen.may_contain(&ids[0])));
    }
}
