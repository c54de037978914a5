//! Entries and downloads: what larder answers each second beside nginx, which sends the same bytes from a file.

use std::path::Path;

use clap::Args;

use super::client::Client;
use super::larder::{self, Larder};
use super::nginx::Nginx;
use super::synthetic::Random;
use super::table::{self, median};
use super::wrk::{self, Load};
use super::{data_folder, nupkg};

/// How long it is measured.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Rounds, in which larder and nginx take turns
    #[arg(long, default_value_t = Self::default().rounds)]
    rounds: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = Self::default().seconds)]
    seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rounds: 5, seconds: 3 }
    }
}

const CONNECTIONS: [u32; 2] = [1, 32];
const VERSIONS: u32 = 30;
const MIB: usize = 1 << 20;

/// One thing that both serve: its name, where larder has it, and its file in nginx's folder.
const CASES: [(&str, &str, &str); 3] = [
    (
        "entry",
        "/api/v2/Packages(Id='small.package',Version='1.7.0')",
        "entry.xml",
    ),
    (
        "FindPackagesById, 30 versions",
        "/api/v2/FindPackagesById()?id='small.package'",
        "list.xml",
    ),
    (
        "download of 1 MiB",
        "/api/v2/package/large.package/1.0.0",
        "large.nupkg",
    ),
];

pub(crate) fn run(settings: &Settings) -> anyhow::Result<()> {
    if !wrk::is_here() {
        println!("\nwrk is not installed: requests per second are not measured");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let config = fill(folder.path())?;
    let larder = Larder::start(&config)?;
    let root = folder.path().join("root");
    std::fs::create_dir(&root)?;
    let mut client = Client::connect(larder.address)?;
    let mut lengths = Vec::new();
    for (_, path, file) in CASES {
        let body = client.get(path)?;
        lengths.push(body.len());
        std::fs::write(root.join(file), body)?;
    }
    let nginx = Nginx::start(folder.path())?;
    if nginx.is_none() {
        println!("\nnginx is not installed: there is nothing to compare with");
    }
    let mut rows = Vec::new();
    for ((name, path, file), length) in CASES.into_iter().zip(lengths) {
        for connections in CONNECTIONS {
            let mut found = Rounds::default();
            let (ours, theirs) = ([path.to_owned()], [format!("/{file}")]);
            for _ in 0..settings.rounds {
                let load = |server, paths| wrk::load(folder.path(), server, paths, connections, settings.seconds);
                found.ours.push(load(larder.address, &ours)?);
                if let Some(nginx) = &nginx {
                    found.theirs.push(load(nginx.address, &theirs)?);
                }
            }
            rows.push(found.row(&format!("{name} ({length} bytes)"), connections));
        }
    }
    table::print(
        &format!("served each second, medians of {} rounds", settings.rounds),
        &[
            "what",
            "connections",
            "larder/s",
            "nginx/s",
            "ratio",
            "larder p50/p99 ms",
            "nginx p50/p99 ms",
        ],
        &rows,
    );
    larder.stop()?;
    Ok(())
}

/// Imports some small packages and one of a mebibyte.
fn fill(folder: &Path) -> anyhow::Result<std::path::PathBuf> {
    let config = larder::write_config(folder, &folder.join("data"))?;
    let packages = folder.join("packages");
    std::fs::create_dir(&packages)?;
    let mut random = Random::new(3);
    let description = (0..150).map(|_| random.word()).collect::<Vec<_>>().join(" ");
    let mut write = |id: &str, version: &str, length: usize| -> anyhow::Result<()> {
        let package = nupkg::Nupkg::pack(id, version, &description, &random.bytes(length))?;
        std::fs::write(packages.join(format!("{id}.{version}.nupkg")), package.bytes)?;
        Ok(())
    };
    for minor in 0..VERSIONS {
        write("small.package", &format!("1.{minor}.0"), 4096)?;
    }
    write("large.package", "1.0.0", MIB)?;
    let source = packages.display().to_string();
    larder::run(&config, &["import", "--feed", data_folder::FEED, &source])?;
    Ok(config)
}

#[derive(Default)]
struct Rounds {
    ours: Vec<Load>,
    theirs: Vec<Load>,
}

impl Rounds {
    fn row(&self, name: &str, connections: u32) -> Vec<String> {
        let of = |loads: &[Load], pick: fn(&Load) -> f64| median(&loads.iter().map(pick).collect::<Vec<_>>());
        let ratios: Vec<f64> = self
            .ours
            .iter()
            .zip(&self.theirs)
            .map(|(ours, theirs)| ours.rate / theirs.rate)
            .collect();
        let rate = |loads: &[Load]| format!("{:.0}", of(loads, |load| load.rate));
        let times = |loads: &[Load]| format!("{:.2} / {:.2}", of(loads, |load| load.p50), of(loads, |load| load.p99));
        let mut row = vec![name.to_owned(), connections.to_string(), rate(&self.ours)];
        if self.theirs.is_empty() {
            row.extend(["-".to_owned(), "-".to_owned(), times(&self.ours), "-".to_owned()]);
        } else {
            row.extend([
                rate(&self.theirs),
                format!("{:.2}", median(&ratios)),
                times(&self.ours),
                times(&self.theirs),
            ]);
        }
        row
    }
}
