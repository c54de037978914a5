//! `larder verify`: whether every package file is still what its sidecar says. It changes nothing and needs no index, so it
//! works beside a running server too; what comes or goes meanwhile is looked at again before it is reported.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::TryStreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};

use crate::catalog::Origin;
use crate::config::Config;
use crate::store::packages::Found;
use crate::store::rebuild;
use crate::store::{Packages, PackagesError, Sidecar};

/// The most files that are hashed at a time.
const MAX_READERS: usize = 8;

/// Compares all package files with their sidecars, and prints what is wrong and what to do about it. The exit code tells
/// whether any file is damaged or missing.
pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let data = &config.storage.data;
    let folder = config.storage.packages_dir();
    if !folder.is_dir() {
        anyhow::bail!(
            "there is no folder {}; check storage.data in the configuration, or start larder once to make it",
            folder.display()
        );
    }
    let mut out = io::stdout();
    if is_in_use(data)? {
        writeln!(
            out,
            "A larder is running on {}; that does not matter, its files are checked beside it.",
            data.display()
        )?;
    }
    let findings = verify(&Packages::open(data)?, &progress_bar()).await?;
    write!(out, "{findings}")?;
    Ok(if findings.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns whether a process holds the data folder's lock. The lock is not kept.
fn is_in_use(data: &Path) -> anyhow::Result<bool> {
    let path = data.join("lock");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(|| format!("cannot open {}", path.display())),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("verify {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// What is wrong with a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// The nupkg is not what the sidecar says, or cannot be read.
    Damaged,
    /// The nupkg is not there.
    Missing,
    /// The sidecar cannot be read.
    Sidecar,
    /// No sidecar names the nupkg.
    Unreferenced,
}

/// Where a package came from, as far as it matters for getting it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provenance {
    Hosted,
    Mirrored,
    Unknown,
}

/// A file that is not as it should be.
#[derive(Debug)]
struct Problem {
    fault: Fault,
    file: PathBuf,
    reason: String,
    provenance: Provenance,
}

/// What `verify` saw.
#[derive(Debug, Default)]
struct Findings {
    sidecars: u64,
    hashed_bytes: u64,
    problems: Vec<Problem>,
}

async fn verify(packages: &Packages, bar: &ProgressBar) -> anyhow::Result<Findings> {
    let (mut sidecars, mut nupkgs) = (Vec::new(), BTreeMap::new());
    let mut files = packages.list();
    while let Some(found) = files.try_next().await? {
        if found.is_sidecar() {
            sidecars.push(found);
        } else if found.is_nupkg() {
            nupkgs.insert(found.path.to_string(), found);
        }
    }
    sidecars.sort_by(|a, b| a.path.cmp(&b.path));
    bar.set_length(nupkgs.values().map(|found| found.size).sum());
    let mut findings = Findings {
        sidecars: sidecars.len() as u64,
        ..Findings::default()
    };
    let readers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_READERS);
    let mut checks = futures::stream::iter(&sidecars)
        .map(|found| check(packages, found))
        .buffered(readers);
    while let Some(checked) = checks.next().await {
        let Some(checked) = checked? else { continue };
        if let Some(nupkg) = &checked.nupkg {
            nupkgs.remove(nupkg);
        }
        findings.hashed_bytes += checked.hashed_bytes;
        findings.problems.extend(checked.problem);
        bar.inc(checked.hashed_bytes);
    }
    for nupkg in nupkgs.values() {
        findings.problems.extend(unreferenced(packages, nupkg).await?);
    }
    bar.finish_and_clear();
    findings
        .problems
        .sort_by(|a, b| (a.fault, &a.file).cmp(&(b.fault, &b.file)));
    Ok(findings)
}

/// What a sidecar and its nupkg show.
#[derive(Debug, Default)]
struct Checked {
    /// The path of the nupkg that the sidecar names.
    nupkg: Option<String>,
    hashed_bytes: u64,
    problem: Option<Problem>,
}

/// Checks a sidecar's nupkg; `None` where the package was removed meanwhile.
async fn check(packages: &Packages, found: &Found) -> anyhow::Result<Option<Checked>> {
    let sidecar = match read_sidecar(packages, found).await? {
        Read::Gone => return Ok(None),
        Read::Damaged(reason) => {
            let problem = Problem {
                fault: Fault::Sidecar,
                file: packages.file_path(&found.path),
                reason,
                provenance: Provenance::Unknown,
            };
            return Ok(Some(Checked {
                problem: Some(problem),
                ..Checked::default()
            }));
        }
        Read::Whole(sidecar) => sidecar,
    };
    let path = found.beside(&sidecar.file);
    let mut checked = Checked {
        nupkg: Some(path.to_string()),
        ..Checked::default()
    };
    let fault = match packages.open_seekable(&path).await {
        Ok(file) => {
            let hashed = tokio::task::spawn_blocking(move || rebuild::hash(file)).await?;
            checked.hashed_bytes = hashed.as_ref().map_or(0, |content| content.size);
            match hashed {
                Ok(content) if content == sidecar.content() => None,
                Ok(content) if content.size != sidecar.size => Some((
                    Fault::Damaged,
                    format!("it has {} bytes instead of {}", content.size, sidecar.size),
                )),
                Ok(_) => Some((Fault::Damaged, "its SHA-512 is another one".to_owned())),
                Err(error) => Some((Fault::Damaged, format!("it cannot be read: {error}"))),
            }
        }
        Err(PackagesError::Missing { .. }) => match read_sidecar(packages, found).await? {
            Read::Gone => return Ok(None),
            Read::Damaged(_) | Read::Whole(_) => Some((Fault::Missing, "it is not there".to_owned())),
        },
        Err(error @ PackagesError::NotAFile { .. }) => return Err(error.into()),
        Err(error) => Some((Fault::Damaged, error.to_string())),
    };
    checked.problem = fault.map(|(fault, reason)| Problem {
        fault,
        file: packages.file_path(&path),
        reason,
        provenance: match sidecar.origin {
            Origin::Pushed { .. } | Origin::Imported => Provenance::Hosted,
            Origin::Mirrored { .. } => Provenance::Mirrored,
        },
    });
    Ok(Some(checked))
}

/// A sidecar that was in the list.
enum Read {
    Whole(Box<Sidecar>),
    Damaged(String),
    Gone,
}

async fn read_sidecar(packages: &Packages, found: &Found) -> Result<Read, PackagesError> {
    match packages.read_sidecar(&found.path).await {
        Ok(sidecar) => Ok(Read::Whole(Box::new(sidecar))),
        Err(PackagesError::Missing { .. }) => Ok(Read::Gone),
        Err(error @ PackagesError::NotAFile { .. }) => Err(error),
        Err(error) => Ok(Read::Damaged(error.to_string())),
    }
}

/// Looks again at a nupkg that no sidecar of the list named: one that was being pushed is named by now, one that was being
/// removed is gone.
async fn unreferenced(packages: &Packages, nupkg: &Found) -> anyhow::Result<Option<Problem>> {
    let sidecar = Found {
        path: nupkg.beside(crate::store::packages::SIDECAR),
        ..nupkg.clone()
    };
    let is_named = match read_sidecar(packages, &sidecar).await? {
        Read::Whole(sidecar) => nupkg.path.filename() == Some(sidecar.file.as_str()),
        // Nobody knows what a damaged sidecar names; it is reported itself.
        Read::Damaged(_) => sidecar.is_sidecar(),
        Read::Gone => false,
    };
    let is_there = !matches!(
        packages.open_seekable(&nupkg.path).await,
        Err(PackagesError::Missing { .. })
    );
    Ok((is_there && !is_named).then(|| Problem {
        fault: Fault::Unreferenced,
        file: packages.file_path(&nupkg.path),
        reason: "no sidecar names it".to_owned(),
        provenance: Provenance::Unknown,
    }))
}

impl Findings {
    fn is_sound(&self) -> bool {
        self.problems.iter().all(|problem| problem.fault == Fault::Unreferenced)
    }

    fn count(&self, fault: Fault) -> usize {
        self.problems.iter().filter(|problem| problem.fault == fault).count()
    }
}

impl fmt::Display for Findings {
    /// Writes each problem and what to do about it, then the summary.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(out, "{problem}")?;
        }
        let megabytes = self.hashed_bytes / 1_000_000;
        writeln!(
            out,
            "{} packages verified, {megabytes} MB read: {} damaged, {} missing, {} sidecars damaged, {} files unreferenced",
            self.sidecars,
            self.count(Fault::Damaged),
            self.count(Fault::Missing),
            self.count(Fault::Sidecar),
            self.count(Fault::Unreferenced),
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.fault {
            Fault::Damaged => "damaged",
            Fault::Missing => "missing",
            Fault::Sidecar => "damaged sidecar",
            Fault::Unreferenced => "unreferenced",
        };
        writeln!(out, "{word}: {}: {}", self.file.display(), self.reason)?;
        write!(out, "  {}", self.advice())
    }
}

impl Problem {
    fn advice(&self) -> &'static str {
        match (self.fault, self.provenance) {
            (Fault::Damaged | Fault::Missing, Provenance::Mirrored) => {
                "stop larder, delete the folder that the file belongs in, and run `larder reindex`: the package is fetched again when it is asked for"
            }
            (Fault::Damaged | Fault::Missing, _) => {
                "put the file back from a backup; without one, stop larder, delete the folder that the file belongs in, run `larder reindex` and push the package again"
            }
            (Fault::Sidecar, _) => {
                "put it back from a backup; without one, stop larder, delete it and run `larder reindex`, which takes the nupkg beside it up as imported"
            }
            (Fault::Unreferenced, _) => {
                "clients do not see it: a push that was cut short, or a file that was copied in; stop larder and run `larder reindex` to take it up, or delete it"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::catalog::SourceName;
    use crate::nuget::{NuGetVersion, PackageId};
    use crate::store::packages::Place;

    struct Data {
        folder: tempfile::TempDir,
        packages: Packages,
    }

    impl Data {
        async fn with(packages: &[(&str, Origin)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let data = Self {
                packages: Packages::open(folder.path()).unwrap(),
                folder,
            };
            for (id, origin) in packages {
                data.put(id, origin.clone()).await;
            }
            data
        }

        async fn put(&self, id: &str, origin: Origin) {
            let file = self.folder.path().join("upload");
            fs::write(&file, id.repeat(1000)).unwrap();
            let content = rebuild::hash(File::open(&file).unwrap()).unwrap();
            let (source, id, version): (SourceName, PackageId, NuGetVersion) =
                ("choco".parse().unwrap(), id.parse().unwrap(), "1.0.0".parse().unwrap());
            let sidecar = Sidecar::new(&id, &version, &content, origin, "2024-05-06T07:08:09Z".parse().unwrap());
            let place = Place {
                source: &source,
                id: &id,
                version: &version,
            };
            self.packages.put(place, &file, &sidecar).await.unwrap();
        }

        /// Returns the folder of a package.
        fn of(&self, id: &str) -> PathBuf {
            self.folder.path().join("packages/choco").join(id).join("1.0.0")
        }

        fn nupkg(&self, id: &str) -> PathBuf {
            let mut files = fs::read_dir(self.of(id)).unwrap().map(|entry| entry.unwrap().path());
            files.find(|file| file.extension().unwrap() == "nupkg").unwrap()
        }

        async fn verify(&self) -> Findings {
            verify(&self.packages, &ProgressBar::hidden()).await.unwrap()
        }
    }

    fn pushed() -> Origin {
        Origin::Pushed { by: "admin".to_owned() }
    }

    #[tokio::test]
    async fn sound_packages() {
        let data = Data::with(&[("a", pushed()), ("b", Origin::Imported)]).await;
        fs::write(data.of("a").join("notes.txt"), "mine").unwrap();
        let findings = data.verify().await;
        assert_eq!(
            findings.to_string(),
            "2 packages verified, 0 MB read: 0 damaged, 0 missing, 0 sidecars damaged, 0 files unreferenced\n"
        );
        assert!(findings.is_sound());
        assert_eq!(findings.hashed_bytes, 2000);
    }

    #[tokio::test]
    async fn every_fault_is_named_with_what_to_do() {
        let mirrored = || Origin::Mirrored { content_url: None };
        let data = Data::with(&[
            ("flipped", pushed()),
            ("gone", mirrored()),
            ("short", mirrored()),
            ("sidecar", pushed()),
            ("sound", pushed()),
        ])
        .await;
        let mut bytes = fs::read(data.nupkg("flipped")).unwrap();
        bytes[17] ^= 1;
        fs::write(data.nupkg("flipped"), bytes).unwrap();
        fs::write(data.nupkg("short"), "short").unwrap();
        fs::remove_file(data.nupkg("gone")).unwrap();
        fs::write(data.of("sidecar").join("package.json"), "{").unwrap();
        fs::write(data.of("sound").join("other.nupkg"), "copied in").unwrap();
        fs::write(data.folder.path().join("packages/stray.nupkg"), "copied in").unwrap();

        let findings = data.verify().await;
        assert!(!findings.is_sound());
        let text = findings
            .to_string()
            .replace(&data.folder.path().display().to_string(), "DATA");
        insta::assert_snapshot!(text);
    }

    #[tokio::test]
    async fn unreferenced_files_are_no_failure() {
        let data = Data::with(&[("a", pushed())]).await;
        fs::remove_file(data.of("a").join("package.json")).unwrap();
        let findings = data.verify().await;
        assert!(findings.is_sound());
        assert_eq!(findings.count(Fault::Unreferenced), 1);
    }

    #[tokio::test]
    async fn no_packages_folder() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::for_testing(folder.path()).unwrap();
        let error = run(&config).await.unwrap_err().to_string();
        assert!(
            error.starts_with("there is no folder ") && error.contains("storage.data"),
            "{error}"
        );
        assert!(!config.storage.packages_dir().exists());
    }

    #[test]
    fn a_running_server_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_in_use(folder.path()).unwrap());
        let lock = File::create(folder.path().join("lock")).unwrap();
        assert!(!is_in_use(folder.path()).unwrap());
        lock.try_lock().unwrap();
        assert!(is_in_use(folder.path()).unwrap());
        lock.unlock().unwrap();
        assert!(!is_in_use(folder.path()).unwrap());
        lock.try_lock().unwrap();
    }
}
