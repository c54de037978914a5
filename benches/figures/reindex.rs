//! How many packages `larder reindex` takes in each second, from small nupkgs on disk.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::synthetic::Random;
use super::{data_folder, larder, nupkg, table};

/// How much is reindexed.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Packages that lie in their places
    #[arg(long, default_value_t = Self::default().packages)]
    packages: u64,
    /// Packages that were copied in by hand: each is hashed, moved to its place and synced to disk
    #[arg(long, default_value_t = Self::default().strays)]
    strays: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            packages: 20_000,
            strays: 2_000,
        }
    }
}

const VERSIONS_OF_AN_ID: u64 = 10;

pub(crate) fn run(settings: &Settings) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let config = larder::write_config(folder.path(), &data)?;
    let mut random = Random::new(1);
    let mut bytes = 0;
    for number in 0..settings.packages {
        let package = make("kept", number, &mut random)?;
        bytes += package.bytes.len() as u64;
        data_folder::write_package(&data, &package)?;
    }
    let kept = larder::run(&config, &["reindex"])?;
    let strays = data.join("packages").join(data_folder::FEED).join("copied");
    std::fs::create_dir_all(&strays)?;
    for number in 0..settings.strays {
        write_stray(&strays, number, &mut random)?;
    }
    let all = larder::run(&config, &["reindex"])?;
    let copied = all.saturating_sub(kept);
    let row = |what: &str, count: u64, took: Duration| {
        vec![
            what.to_owned(),
            count.to_string(),
            format!("{:.1}", took.as_secs_f64()),
            format!("{:.0}", table::per_second(count, took)),
        ]
    };
    table::print(
        &format!("reindex, nupkgs of {} bytes each", bytes / settings.packages.max(1)),
        &["packages", "count", "seconds", "packages/s"],
        &[
            row("with a sidecar, in place", settings.packages, kept),
            row("copied in by hand (the rest of a second run)", settings.strays, copied),
        ],
    );
    Ok(())
}

fn make(prefix: &str, number: u64, random: &mut Random) -> anyhow::Result<nupkg::Nupkg> {
    let id = format!("{prefix}.package{}", number / VERSIONS_OF_AN_ID);
    let version = format!("1.{}.0", number % VERSIONS_OF_AN_ID);
    let description = (0..100).map(|_| random.word()).collect::<Vec<_>>().join(" ");
    nupkg::Nupkg::pack(&id, &version, &description, &random.bytes(4096))
}

fn write_stray(folder: &Path, number: u64, random: &mut Random) -> anyhow::Result<()> {
    let package = make("copied", number, random)?;
    std::fs::write(folder.join(format!("{number}.nupkg")), package.bytes)?;
    Ok(())
}
