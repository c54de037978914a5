//! Filling the index from the package files: all of it, or what a crash left different.
//!
//! Reads files and sidecars and commits what they tell. A file that cannot be read is reported and passed over; it never
//! stops the others. Interrupted, a rebuild starts again from the beginning, and comes to the same.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::PathBuf;

use futures::stream::{StreamExt as _, TryStreamExt as _};

use super::index::{Index, IndexError};
use super::packages::{Found, Packages, PackagesError, Place};
use super::sidecar::{Assembly, Sidecar};
use super::sled_index::Held;
use crate::catalog::{Change, Content, Origin, Record};
use crate::clock::Clock;
use crate::nuget::digest::Sha512Hasher;
use crate::nuget::nupkg::{self, Inspected, NupkgError, NupkgLimits};
use crate::nuget::{NuGetVersion, PackageId};

/// How many files are read at a time.
const READERS: usize = 8;

/// What becomes of nupkgs that no sidecar names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strays {
    /// They are taken up: moved to their place, given a sidecar, indexed. For an administrator's explicit wish.
    TakeUp,
    /// They stay where they are, unseen: a push that was cut short leaves such files.
    Leave,
}

/// A file that did not come into the index.
#[derive(Debug)]
pub struct Refusal {
    /// Where it lies.
    pub path: PathBuf,
    /// Why it was refused.
    pub reason: String,
}

/// What a rebuild did.
#[derive(Debug, Default)]
pub struct Report {
    /// Versions that were written to the index.
    pub indexed: u64,
    /// Of them: nupkgs that lay there without a sidecar.
    pub taken_up: u64,
    /// Versions that were removed from the index, because their files are gone.
    pub dropped: u64,
    /// Files that were passed over, or indexed without all that they should tell.
    pub refusals: Vec<Refusal>,
}

/// Why a rebuild stopped.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The files could not be listed.
    #[error(transparent)]
    Packages(#[from] PackagesError),
}

/// Fills an index from files.
pub struct Rebuild<'a> {
    /// The index.
    pub index: &'a dyn Index,
    /// The files.
    pub packages: &'a Packages,
    /// What a nupkg may hold.
    pub limits: &'a NupkgLimits,
    /// The time.
    pub clock: &'a Clock,
}

/// A file's package, ready for the index.
struct Restored {
    record: Record,
    problem: Option<Refusal>,
}

impl Rebuild<'_> {
    /// Brings every package on disk into the index. `progress` is called after each with how many there are in all.
    pub async fn everything(&self, strays: Strays, progress: &(dyn Fn(u64) + Sync)) -> Result<Report, RebuildError> {
        let (sidecars, nupkgs) = self.list().await?;
        progress((sidecars.len() + nupkgs.len()) as u64);
        let mut report = Report::default();
        let claimed = self.restore(&sidecars, &mut report, progress).await?;
        if strays == Strays::TakeUp {
            for nupkg in nupkgs.iter().filter(|nupkg| !claimed.contains(nupkg.path.as_ref())) {
                match self.take_up(nupkg).await? {
                    Ok(()) => {
                        report.indexed += 1;
                        report.taken_up += 1;
                    }
                    Err(reason) => report.refuse(self.packages, nupkg, reason),
                }
                progress(0);
            }
        }
        self.index.flush().await?;
        Ok(report)
    }

    /// Brings in what the files tell and `known`, the packages that the index holds, do not: after a crash the two may differ by what was
    /// under way, and by no more.
    pub async fn differences(&self, known: &[Held]) -> Result<Report, RebuildError> {
        let (sidecars, _) = self.list().await?;
        let mut held: HashMap<String, &Held> = HashMap::with_capacity(known.len());
        for package in known {
            let place = Place {
                source: &package.source,
                id: &package.id,
                version: &package.version,
            };
            held.insert(place.folder(), package);
        }
        let mut changed = Vec::new();
        for found in sidecars {
            match held.remove(&found.folder()) {
                Some(package) if package.committed >= found.modified => {}
                _ => changed.push(found),
            }
        }
        let mut report = Report::default();
        self.restore(&changed, &mut report, &|_| ()).await?;
        for package in held.into_values() {
            let remove = Change::Remove(package.version.clone());
            self.index.commit(&package.source, &package.id, remove).await?;
            report.dropped += 1;
        }
        self.index.flush().await?;
        Ok(report)
    }

    async fn list(&self) -> Result<(Vec<Found>, Vec<Found>), RebuildError> {
        let mut files = self.packages.list();
        let (mut sidecars, mut nupkgs) = (Vec::new(), Vec::new());
        while let Some(found) = files.try_next().await? {
            if found.is_sidecar() {
                sidecars.push(found);
            } else if found.is_nupkg() {
                nupkgs.push(found);
            }
        }
        // An id's versions lie side by side: sorted, they make one commit.
        sidecars.sort_by(|a, b| a.path.cmp(&b.path));
        nupkgs.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((sidecars, nupkgs))
    }

    /// Commits what sidecars tell, an id at a time; returns the nupkgs that they name.
    async fn restore(
        &self,
        sidecars: &[Found],
        report: &mut Report,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<HashSet<String>, RebuildError> {
        let mut claimed = HashSet::new();
        let mut pending: Vec<Record> = Vec::new();
        let mut reads = futures::stream::iter(sidecars)
            .map(|found| async move { (found, self.read(found).await) })
            .buffered(READERS);
        while let Some((found, read)) = reads.next().await {
            progress(0);
            let (nupkg, read) = match read {
                Ok(read) => read,
                Err(reason) => {
                    report.refuse(self.packages, found, reason);
                    continue;
                }
            };
            claimed.insert(nupkg);
            report.refusals.extend(read.problem);
            let is_same_id = |known: &Record| known.source == read.record.source && known.row.id == read.record.row.id;
            if !pending.first().is_none_or(is_same_id) {
                self.commit(std::mem::take(&mut pending), report).await?;
            }
            pending.push(read.record);
        }
        self.commit(pending, report).await?;
        Ok(claimed)
    }

    async fn commit(&self, records: Vec<Record>, report: &mut Report) -> Result<(), RebuildError> {
        let Some((source, id)) = records
            .first()
            .map(|record| (record.source.clone(), record.row.id.clone()))
        else {
            return Ok(());
        };
        report.indexed += records.len() as u64;
        self.index.commit(&source, &id, Change::Restore(records)).await?;
        Ok(())
    }

    /// Reads a sidecar, and looks into its nupkg.
    async fn read(&self, found: &Found) -> Result<(String, Restored), String> {
        let sidecar = self
            .packages
            .read_sidecar(&found.path)
            .await
            .map_err(|error| error.to_string())?;
        let nupkg = found.beside(&sidecar.file);
        let source = found.source().ok_or("the folder below packages/ is no source name")?;
        let mut problem = None;
        let mut inspected = None;
        match self.inspect(&nupkg).await {
            Ok(found) => inspected = Some(found),
            Err(reason) => {
                problem = Some(Refusal {
                    path: self.packages.file_path(&nupkg),
                    reason,
                });
            }
        }
        // The commit counts as later than the file that it follows, whatever the clocks say.
        let committed = self.clock.now().max(found.modified);
        let assembly = Assembly {
            source: &source,
            inspected: inspected.as_ref(),
            committed,
        };
        let record = sidecar.record(&assembly).map_err(|error| error.to_string())?;
        let place = Place {
            source: &source,
            id: &record.row.id,
            version: &record.row.version,
        };
        let lies_at = place.folder();
        if found.folder() != lies_at {
            return Err(format!("the sidecar is of {lies_at}, but lies elsewhere"));
        }
        Ok((nupkg.to_string(), Restored { record, problem }))
    }

    async fn inspect(&self, nupkg: &object_store::path::Path) -> Result<Inspected, String> {
        let file = self
            .packages
            .open_seekable(nupkg)
            .await
            .map_err(|error| error.to_string())?;
        let limits = self.limits.clone();
        let inspect = move || nupkg::inspect(std::io::BufReader::new(file), &limits);
        let inspected: Result<Inspected, NupkgError> = tokio::task::spawn_blocking(inspect)
            .await
            .map_err(|failed| failed.to_string())?;
        inspected.map_err(|error| error.to_string())
    }

    /// Moves a nupkg that no sidecar names to its place. The inner error is the reason for leaving it where it is.
    async fn take_up(&self, nupkg: &Found) -> Result<Result<(), String>, RebuildError> {
        let Some(source) = nupkg.source() else {
            return Ok(Err(
                "it lies in no source's folder; move it to data/packages/<feed name>/".to_owned(),
            ));
        };
        let inspected = match self.inspect(&nupkg.path).await {
            Ok(inspected) => inspected,
            Err(reason) => return Ok(Err(reason)),
        };
        let content = match self.digest(nupkg).await {
            Ok(content) => content,
            Err(reason) => return Ok(Err(reason)),
        };
        let (id, version): (PackageId, NuGetVersion) = (inspected.nuspec.id.clone(), inspected.nuspec.version.clone());
        let place = Place {
            source: &source,
            id: &id,
            version: &version,
        };
        if let Some(known) = self.packages.sidecar(place).await? {
            let same = if known.sha512 == content.sha512 {
                "the same bytes"
            } else {
                "other bytes"
            };
            return Ok(Err(format!("{id} {version} is there already, with {same}")));
        }
        let sidecar = Sidecar::new(&id, &version, &content, Origin::Imported, self.clock.now());
        let from = self.packages.file_path(&nupkg.path);
        let lies_in_place = nupkg.path.filename() == Some(sidecar.file.as_str())
            && nupkg.path.parts_count() == 5
            && nupkg.folder() == place.folder();
        if lies_in_place {
            self.packages.put_sidecar(place, &sidecar).await?;
        } else {
            self.packages.put(place, &from, &sidecar).await?;
        }
        let committed = self.clock.now();
        let assembly = Assembly {
            source: &source,
            inspected: Some(&inspected),
            committed,
        };
        let record = match sidecar.record(&assembly) {
            Ok(record) => record,
            Err(error) => return Ok(Err(error.to_string())),
        };
        self.index.commit(&source, &id, Change::Restore(vec![record])).await?;
        if !lies_in_place {
            self.packages.remove(&nupkg.path).await?;
        }
        Ok(Ok(()))
    }

    async fn digest(&self, nupkg: &Found) -> Result<Content, String> {
        let file = self
            .packages
            .open_seekable(&nupkg.path)
            .await
            .map_err(|error| error.to_string())?;
        let hashed = tokio::task::spawn_blocking(move || hash(file))
            .await
            .map_err(|failed| failed.to_string())?;
        hashed.map_err(|error| error.to_string())
    }
}

/// Hashes and counts a file. Blocks.
pub fn hash(mut file: impl Read) -> std::io::Result<Content> {
    let mut hasher = Sha512Hasher::default();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        hasher.update(bytes);
        size += read as u64;
    }
    Ok(Content {
        sha512: hasher.finish().base64(),
        size,
    })
}

impl Report {
    fn refuse(&mut self, packages: &Packages, found: &Found, reason: String) {
        self.refusals.push(Refusal {
            path: packages.file_path(&found.path),
            reason,
        });
    }
}
