//! The nupkg: a zip archive with one nuspec at its root.
//!
//! Looks at the whole directory of the archive and inflates the nuspec alone, so the cost of an inspection depends on
//! the number of entries, not on what they hold. Never changes a byte: signatures cover the archive as it is. Whether
//! the entries inflate to what they promise is left to clients, who check it when they extract.

mod name;
mod oddity;

pub use name::NameFault;
pub use oddity::Oddities;

use std::collections::HashSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::read::{ArchiveOffset, Config, ZipFileEntry, ZipReadOptions};
use zip::result::ZipError;
// Outside the crate's promises on stability, but `ZipArchive` holds every entry in memory before it can be asked how many
// there are, and keeps one of two that share a name. To be revisited when either is stable.
use zip::unstable::read::ZipIterable;

use super::framework::Declared;
use super::nuspec::{Nuspec, NuspecError};
pub use crate::limits::NupkgLimits;
use crate::limits::RATIO_FLOOR_BYTES;

/// What an inspection found.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// What the package says of itself.
    pub nuspec: Nuspec,
    /// The frameworks that its files are made for; `None` for all.
    pub frameworks: Option<Declared>,
    /// How many entries the archive has, folders among them.
    pub entries: usize,
    /// How many bytes the entries say they inflate to.
    pub inflated_bytes: u64,
    /// What keeps it from being pushed, though it can be extracted.
    pub oddities: Oddities,
}

/// Why an archive is no package.
#[derive(Debug, thiserror::Error)]
pub enum NupkgError {
    /// The bytes could not be had; this says nothing of the package.
    #[error("reading the package failed")]
    Read(#[source] io::Error),
    /// The archive is damaged, cut, or no zip at all.
    #[error("the package is not a readable zip archive ({reason}): it was cut short, or is no nupkg")]
    Archive {
        /// What is wrong.
        reason: String,
    },
    /// There are more entries than the limit.
    #[error("the package has {entries} entries; at most {limit} are allowed")]
    TooManyEntries {
        /// How many.
        entries: usize,
        /// The limit.
        limit: usize,
    },
    /// The names of the entries are longer than the limit.
    #[error("the names of the package's entries are more than {limit} bytes long together")]
    NamesTooLong {
        /// The limit.
        limit: usize,
    },
    /// The entries would inflate to more than the limit.
    #[error("the package inflates to more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The entries would inflate to more than their archive can honestly hold.
    #[error("the package inflates to more than {limit} times its own length")]
    Ratio {
        /// The limit.
        limit: u64,
    },
    /// An entry's name could leave the folder that a client extracts to.
    #[error("the package's entry '{entry}' has a name that is refused: {fault}")]
    Name {
        /// The name, cut to 200 characters, escaped.
        entry: String,
        /// What is wrong with it.
        fault: NameFault,
    },
    /// Two entries are one file where case does not count.
    #[error("the package has the entry '{entry}' twice (case does not count)")]
    DuplicateName {
        /// The name, cut to 200 characters, escaped.
        entry: String,
    },
    /// An entry is a symbolic link.
    #[error("the package's entry '{entry}' is a symbolic link")]
    Symlink {
        /// The name, cut to 200 characters, escaped.
        entry: String,
    },
    /// An entry is encrypted.
    #[error("the package's entry '{entry}' is encrypted")]
    Encrypted {
        /// The name, cut to 200 characters, escaped.
        entry: String,
    },
    /// Entries share bytes, which no packer does and bombs do.
    #[error("entries of the package overlap")]
    Overlap,
    /// There is no nuspec at the root.
    #[error("the package has no .nuspec file at its root")]
    NoNuspec,
    /// There is more than one nuspec at the root.
    #[error("the package has more than one .nuspec file at its root: '{one}' and '{two}'")]
    SeveralNuspecs {
        /// The first one.
        one: String,
        /// The second one.
        two: String,
    },
    /// The nuspec is longer than the limit.
    #[error("the package's nuspec is longer than {limit} bytes")]
    NuspecTooLong {
        /// The limit.
        limit: usize,
    },
    /// The nuspec does not inflate to what the archive says of it.
    #[error("the package's nuspec is damaged: {reason}")]
    NuspecDamaged {
        /// What is wrong.
        reason: String,
    },
    /// The nuspec cannot be read.
    #[error("{0}")]
    Nuspec(NuspecError),
}

/// Inspects a package: its directory whole, its nuspec by content. Blocks while it reads.
pub fn inspect(reader: impl Read + Seek, limits: &NupkgLimits) -> Result<Inspected, NupkgError> {
    // The directory is walked with a seek for each entry, which empties the buffer: a small one loses little.
    let mut reader = BufReader::with_capacity(1024, reader);
    let length = reader.seek(SeekFrom::End(0)).map_err(NupkgError::Read)?;
    // As .NET's own reader, whom the clients use: nothing may stand before the archive.
    let config = Config {
        archive_offset: ArchiveOffset::Known(0),
    };
    let mut archive = ZipIterable::try_new(reader, config).map_err(archive_error)?;
    let entries = archive.len();
    if entries > limits.entries {
        return Err(NupkgError::TooManyEntries {
            entries,
            limit: limits.entries,
        });
    }
    let mut directory = Directory::new(limits);
    let files = archive.files().map_err(archive_error)?;
    while let Some(entry) = files.next() {
        let entry = entry.map_err(archive_error)?;
        let data_start = read_data_start(files.reader_mut(), entry.header_start())?;
        directory.add(entry, data_start)?;
    }
    let mut oddities = std::mem::take(&mut directory.oddities);
    let (nuspec, names, inflated_bytes) = directory.finish(length)?;
    let bytes = read_nuspec(nuspec, files.reader_mut(), limits.nuspec.bytes)?;
    let nuspec = Nuspec::decode(&bytes, &limits.nuspec).map_err(NupkgError::Nuspec)?;
    oddities.look_for_files(&nuspec, &names);
    let names = names.iter().map(String::as_str);
    let assemblies = nuspec.assembly_frameworks.iter().map(String::as_str);
    Ok(Inspected {
        frameworks: Declared::of(nuspec.id.as_str(), names, assemblies),
        nuspec,
        entries,
        inflated_bytes,
        oddities,
    })
}

/// What is gathered while the directory is walked.
struct Directory<'a> {
    limits: &'a NupkgLimits,
    names: HashSet<String>,
    name_bytes: usize,
    inflated_bytes: u64,
    ranges: Vec<(u64, u64)>,
    start: u64,
    nuspec: Option<(String, ZipFileEntry<'static>)>,
    oddities: Oddities,
}

impl<'a> Directory<'a> {
    fn new(limits: &'a NupkgLimits) -> Self {
        Self {
            limits,
            names: HashSet::new(),
            name_bytes: 0,
            inflated_bytes: 0,
            ranges: Vec::new(),
            start: u64::MAX,
            nuspec: None,
            oddities: Oddities::default(),
        }
    }

    fn add(&mut self, entry: ZipFileEntry<'static>, data_start: u64) -> Result<(), NupkgError> {
        let name = entry.name().map_err(archive_error)?.into_owned();
        let shown = || -> String { name.escape_default().take(200).collect() };
        self.name_bytes = self.name_bytes.saturating_add(name.len());
        if self.name_bytes > self.limits.name_bytes {
            return Err(NupkgError::NamesTooLong {
                limit: self.limits.name_bytes,
            });
        }
        if entry.encrypted() {
            return Err(NupkgError::Encrypted { entry: shown() });
        }
        if entry.is_symlink() {
            return Err(NupkgError::Symlink { entry: shown() });
        }
        let key = name::extracted(&name).map_err(|fault| NupkgError::Name { entry: shown(), fault })?;
        let is_nuspec = !key.contains('/') && key.ends_with(".nuspec");
        if !self.names.insert(key) {
            return Err(NupkgError::DuplicateName { entry: shown() });
        }
        self.oddities.add(&entry, &name);
        self.inflated_bytes = self.inflated_bytes.saturating_add(entry.size());
        self.start = self.start.min(entry.central_header_start());
        let end = data_start.saturating_add(entry.compressed_size());
        self.ranges.push((entry.header_start(), end));
        if is_nuspec {
            match &self.nuspec {
                None => self.nuspec = Some((name, entry)),
                Some((first, _)) => {
                    return Err(NupkgError::SeveralNuspecs {
                        one: first.clone(),
                        two: name,
                    });
                }
            }
        }
        Ok(())
    }

    /// Returns the nuspec, the names of all entries and how many bytes they inflate to.
    fn finish(mut self, length: u64) -> Result<(ZipFileEntry<'static>, HashSet<String>, u64), NupkgError> {
        let limit = self.limits.inflated_bytes;
        if self.inflated_bytes > limit {
            return Err(NupkgError::TooLarge { limit });
        }
        let limit = self.limits.ratio;
        if self.inflated_bytes > RATIO_FLOOR_BYTES.max(length.saturating_mul(limit)) {
            return Err(NupkgError::Ratio { limit });
        }
        self.ranges.sort_unstable();
        let ends = self.ranges.iter().map(|(_, end)| *end);
        let next_starts = self.ranges.iter().skip(1).map(|(start, _)| *start).chain([self.start]);
        if ends.zip(next_starts).any(|(end, next)| end > next) {
            return Err(NupkgError::Overlap);
        }
        let (_, nuspec) = self.nuspec.ok_or(NupkgError::NoNuspec)?;
        Ok((nuspec, self.names, self.inflated_bytes))
    }
}

/// Reads where an entry's bytes begin, from its local header (APPNOTE.TXT, 4.3.7).
fn read_data_start(reader: &mut (impl Read + Seek), header_start: u64) -> Result<u64, NupkgError> {
    let mut header = [0; 30];
    reader
        .seek(SeekFrom::Start(header_start))
        .and_then(|_| reader.read_exact(&mut header))
        .map_err(|error| archive_error(error.into()))?;
    let [b'P', b'K', 3, 4, .., n0, n1, x0, x1] = header else {
        return Err(NupkgError::Archive {
            reason: "an entry has no header where the directory says".to_owned(),
        });
    };
    let variable = u64::from(u16::from_le_bytes([n0, n1])) + u64::from(u16::from_le_bytes([x0, x1]));
    Ok(header_start.saturating_add(30 + variable))
}

fn read_nuspec(
    entry: ZipFileEntry<'static>,
    reader: &mut (impl Read + Seek),
    limit: usize,
) -> Result<Vec<u8>, NupkgError> {
    let too_long = NupkgError::NuspecTooLong { limit };
    let declared = usize::try_from(entry.size()).unwrap_or(usize::MAX);
    if declared > limit {
        return Err(too_long);
    }
    let damaged = |error: ZipError| match archive_error(error) {
        NupkgError::Archive { reason } => NupkgError::NuspecDamaged { reason },
        other => other,
    };
    let file = entry.with_reader(reader, ZipReadOptions::default()).map_err(damaged)?;
    let mut bytes = Vec::new();
    file.take(declared as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| damaged(error.into()))?;
    if bytes.len() != declared {
        return Err(NupkgError::NuspecDamaged {
            reason: format!("it is {} bytes long, not {declared}", bytes.len()),
        });
    }
    Ok(bytes)
}

/// Tells an archive that is wrong from bytes that could not be read.
fn archive_error(error: ZipError) -> NupkgError {
    match error {
        ZipError::Io(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Other => NupkgError::Archive {
                reason: error.to_string(),
            },
            _ => NupkgError::Read(error),
        },
        ZipError::InvalidArchive(reason) => NupkgError::Archive {
            reason: reason.into_owned(),
        },
        other => NupkgError::Archive {
            reason: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
