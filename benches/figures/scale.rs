//! A quarter of a million versions: how long a start takes beside one scan of the index, and how much memory it needs.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use larder::clock::Clock;
use larder::store::Store;

use super::data_folder;
use super::larder::{Larder, Memory};
use super::synthetic::{Size, packages};
use super::table::{self, median, ms};

/// How much there is, and how often it is measured.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Versions in all
    #[arg(long, default_value_t = Self::default().versions)]
    versions: u64,
    /// Package ids
    #[arg(long, default_value_t = Self::default().ids)]
    ids: u64,
    /// Rounds of start, stop, scan, start and kill
    #[arg(long, default_value_t = Self::default().rounds)]
    rounds: u64,
    /// Keep the data in this folder, and use what lies there
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            versions: 250_000,
            ids: 12_000,
            rounds: 3,
            folder: None,
        }
    }
}

impl Settings {
    /// Returns the usual settings, over data in a folder.
    pub(crate) fn within(folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
            ..Self::default()
        }
    }
}

pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = settings.folder.as_deref().unwrap_or(temporary.path());
    let size = Size {
        ids: settings.ids,
        versions: settings.versions,
    };
    let config = data_folder::prepare(folder, &packages(size)).await?;
    starts(settings, &config, &folder.join("data"))
}

/// What one round of starts found.
#[derive(Default)]
struct Starts {
    clean: Vec<f64>,
    killed: Vec<f64>,
    stop: Vec<f64>,
    clean_memory: Vec<Memory>,
    killed_memory: Vec<Memory>,
    open: Vec<f64>,
    bytes: Vec<f64>,
    records: Vec<f64>,
}

fn starts(settings: &Settings, config: &Path, data: &Path) -> anyhow::Result<()> {
    let mut found = Starts::default();
    // Whatever ended before may have left the index unclosed, and the files out of the system's cache.
    Larder::start(config)?.stop()?;
    for _ in 0..settings.rounds {
        let larder = Larder::start(config)?;
        found.clean.push(ms(larder.ready_after));
        found.clean_memory.extend(larder.memory());
        found.stop.push(ms(larder.stop()?));
        let scan = scan_apart(data)?;
        found.open.push(scan.open);
        found.bytes.push(scan.bytes);
        found.records.push(scan.records);
        Larder::start(config)?.kill()?;
        let larder = Larder::start(config)?;
        found.killed.push(ms(larder.ready_after));
        found.killed_memory.extend(larder.memory());
        larder.stop()?;
    }
    print_starts(settings, &found, data_folder::bytes_below(&data.join("index"))?);
    Ok(())
}

fn print_starts(settings: &Settings, found: &Starts, index_bytes: u64) {
    let bytes = median(&found.bytes);
    let records = median(&found.records);
    let row = |what: &str, values: &[f64], memory: &[Memory]| {
        let took = median(values);
        let of = |pick: fn(&Memory) -> f64| {
            if memory.is_empty() {
                return String::new();
            }
            format!("{:.0}", median(&memory.iter().map(pick).collect::<Vec<_>>()))
        };
        vec![
            what.to_owned(),
            format!("{took:.0}"),
            format!("{:.2}", took / bytes),
            format!("{:.2}", took / records),
            of(|memory| memory.resident),
            of(|memory| memory.peak),
        ]
    };
    table::print(
        &format!(
            "{} versions of {} ids, index {} MiB on disk, medians of {} rounds",
            settings.versions,
            settings.ids,
            index_bytes >> 20,
            settings.rounds
        ),
        &[
            "",
            "ms",
            "/ scan of bytes",
            "/ scan of records",
            "resident MiB",
            "peak MiB",
        ],
        &[
            row("start to ready, closed in order", &found.clean, &found.clean_memory),
            row("start to ready, after a kill", &found.killed, &found.killed_memory),
            row("stop", &found.stop, &[]),
            row("open the index alone, read its rows", &found.open, &[]),
            row("one scan of the records' bytes", &found.bytes, &[]),
            row("one scan of the records, decoded", &found.records, &[]),
        ],
    );
}

/// How long an opened index takes to be read, in milliseconds.
struct Scan {
    open: f64,
    bytes: f64,
    records: f64,
}

/// Scans in a process of its own, so that it stands as the server stands.
fn scan_apart(data: &Path) -> anyhow::Result<Scan> {
    let output = Command::new(std::env::current_exe()?).arg("scan").arg(data).output()?;
    anyhow::ensure!(output.status.success(), "the scan ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || anyhow::Ok(numbers.next().context("the scan printed too little")??);
    Ok(Scan {
        open: next()?,
        bytes: next()?,
        records: next()?,
    })
}

/// Prints how long it takes to open the index, to read the bytes of its records, and to decode them.
pub(crate) async fn scan(data: &Path) -> anyhow::Result<()> {
    let started = Instant::now();
    let (store, rows, _) = Store::open(data_folder::settings(data), &Clock::system()).await?;
    let open = ms(started.elapsed());
    drop(rows);
    let started = Instant::now();
    store.index.scan_bytes().await?;
    let bytes = ms(started.elapsed());
    let started = Instant::now();
    store.index.scan_records().await?;
    println!("{open} {bytes} {}", ms(started.elapsed()));
    store.close().await?;
    Ok(())
}
