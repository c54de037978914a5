//! A data folder that holds synthetic packages: sidecars and index as larder writes them, in place of each nupkg an empty file.

use std::path::{Path, PathBuf};
use std::time::Instant;

use larder::catalog::{Change, SourceName};
use larder::clock::Clock;
use larder::nuget::nupkg::NupkgLimits;
use larder::nuget::{NuGetVersion, PackageId};
use larder::store::sidecar::Assembly;
use larder::store::{Index as _, Sidecar, Store, StoreSettings};

use super::synthetic::Package;

/// The feed, and its hosted source.
pub(crate) const FEED: &str = "choco";

/// How the program opens a data folder when its configuration says nothing of it.
pub(crate) fn settings(data: &Path) -> StoreSettings {
    StoreSettings {
        data: data.to_owned(),
        index_cache_bytes: 128 << 20,
        nupkg_limits: NupkgLimits::default(),
    }
}

/// Writes a configuration into a folder, fills the data folder beside it unless it is there, and returns the configuration.
pub(crate) async fn prepare(folder: &Path, packages: &[Package]) -> anyhow::Result<PathBuf> {
    let data = folder.join("data");
    if !data.exists() {
        let versions: usize = packages.iter().map(|package| package.versions.len()).sum();
        eprintln!("making {versions} versions of {} ids ...", packages.len());
        let started = Instant::now();
        fill(&data, packages).await?;
        eprintln!("made in {:.0} s", started.elapsed().as_secs_f64());
    }
    super::larder::write_config(folder, &data)
}

/// Fills a new data folder and closes it in order.
async fn fill(data: &Path, packages: &[Package]) -> anyhow::Result<()> {
    let clock = Clock::system();
    let (store, _, _) = Store::open(settings(data), &clock).await?;
    let source: SourceName = FEED.parse()?;
    for package in packages {
        let id: PackageId = package.id.parse()?;
        let sidecars = package.sidecars();
        for sidecar in &sidecars {
            write_files(data, &id, sidecar)?;
        }
        let assembly = Assembly {
            source: &source,
            inspected: None,
            committed: clock.now(),
        };
        let mut records = Vec::with_capacity(sidecars.len());
        for sidecar in &sidecars {
            records.push(sidecar.record(&assembly)?);
        }
        store.index.commit(&source, &id, Change::Restore(records)).await?;
    }
    store.index.flush().await?;
    store.close().await?;
    Ok(())
}

/// Writes a sidecar and an empty nupkg without waiting for the disk: there are too many for that.
fn write_files(data: &Path, id: &PackageId, sidecar: &Sidecar) -> anyhow::Result<()> {
    let version: NuGetVersion = sidecar.version.parse()?;
    let folder = folder(data, id, &version);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(&sidecar.file), [])?;
    std::fs::write(folder.join(larder::store::packages::SIDECAR), sidecar.encode())?;
    Ok(())
}

/// Writes a nupkg with its sidecar, as if it had been imported.
pub(crate) fn write_package(data: &Path, nupkg: &super::nupkg::Nupkg) -> anyhow::Result<()> {
    let content = larder::store::rebuild::hash(nupkg.bytes.as_slice())?;
    let origin = larder::catalog::Origin::Imported;
    let sidecar = Sidecar::new(&nupkg.id, &nupkg.version, &content, origin, Clock::system().now());
    let folder = folder(data, &nupkg.id, &nupkg.version);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(&sidecar.file), &nupkg.bytes)?;
    std::fs::write(folder.join(larder::store::packages::SIDECAR), sidecar.encode())?;
    Ok(())
}

fn folder(data: &Path, id: &PackageId, version: &NuGetVersion) -> std::path::PathBuf {
    data.join("packages").join(FEED).join(id.lower()).join(version.key())
}

/// Returns the length of all files below a folder, in bytes.
pub(crate) fn bytes_below(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            bytes_below(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}
