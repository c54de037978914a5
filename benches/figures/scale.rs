//! A quarter of a million versions: how long a start takes beside one scan of the index, how much memory it needs, and how
//! long questions take.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use larder::clock::Clock;
use larder::store::Store;

use super::client::Client;
use super::data_folder;
use super::larder::{Larder, Memory, write_config};
use super::synthetic::{Package, Random, Size, packages};
use super::table::{self, median, ms, quantile};

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
    /// Seconds for each kind of question
    #[arg(long, default_value_t = Self::default().seconds)]
    seconds: u64,
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
            seconds: 5,
            folder: None,
        }
    }
}

pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = settings.folder.as_deref().unwrap_or(temporary.path());
    let data = folder.join("data");
    let config = write_config(folder, &data)?;
    let size = Size {
        ids: settings.ids,
        versions: settings.versions,
    };
    let packages = packages(size);
    if !data.exists() {
        eprintln!("making {} versions of {} ids ...", size.versions, size.ids);
        let started = Instant::now();
        data_folder::fill(&data, &packages).await?;
        eprintln!("made in {:.0} s", started.elapsed().as_secs_f64());
    }
    starts(settings, &config, &data)?;
    let larder = Larder::start(&config)?;
    questions(larder.address, &packages, Duration::from_secs(settings.seconds))?;
    if let Some(memory) = larder.memory() {
        println!("\nresident after the questions: {:.0} MiB", memory.resident);
    }
    larder.stop()?;
    Ok(())
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

/// A kind of question: its name, and how one of the kind is asked.
type Question = (&'static str, fn(&Package, &mut Random) -> String);

const QUESTIONS: &[Question] = &[
    ("key form", |package, random| {
        let version = random.pick(&package.versions).map_or("", String::as_str);
        format!("/api/v2/Packages(Id='{}',Version='{version}')", package.id)
    }),
    ("FindPackagesById", |package, _| {
        format!("/api/v2/FindPackagesById()?id='{}'", package.id)
    }),
    ("Packages, id and IsLatestVersion", |package, _| {
        let id = package.id.to_lowercase();
        format!("/api/v2/Packages()?$filter=(tolower(Id)%20eq%20'{id}')%20and%20IsLatestVersion")
    }),
    ("Search, a word, 30 rows", |_, random| {
        format!(
            "/api/v2/Search()?$filter=IsLatestVersion&$skip=0&$top=30&searchTerm='{}'&targetFramework=''&includePrerelease=false",
            random.word()
        )
    }),
    ("Search, a word that few have", |package, _| {
        let part = package.id.to_lowercase();
        format!(
            "/api/v2/Search()?$filter=IsLatestVersion&$skip=0&$top=30&searchTerm='{part}'&targetFramework=''&includePrerelease=false"
        )
    }),
    ("Packages, IsLatestVersion, 40 rows", |_, random| {
        format!(
            "/api/v2/Packages()?$filter=IsLatestVersion&$skip={}&$top=40",
            random.below(5000)
        )
    }),
    ("substringof over all descriptions", |_, random| {
        format!(
            "/api/v2/Packages()?$filter=substringof('{}%20{}',tolower(Description))&$top=30",
            random.word().to_lowercase(),
            random.word().to_lowercase()
        )
    }),
    ("Packages/$count", |_, _| "/api/v2/Packages/$count".to_owned()),
];

fn questions(address: SocketAddr, packages: &[Package], each: Duration) -> anyhow::Result<()> {
    let mut client = Client::connect(address)?;
    let mut rows = Vec::new();
    for (name, path) in QUESTIONS {
        let mut random = Random::new(7);
        let mut ask = |client: &mut Client| -> anyhow::Result<(usize, usize)> {
            let package = random.pick(packages).context("there are no packages")?;
            let body = client.get(&path(package, &mut random))?;
            Ok((body.len(), memchr::memmem::find_iter(body, "<m:properties>").count()))
        };
        for _ in 0..3 {
            ask(&mut client)?;
        }
        let (mut times, mut bytes, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        let until = Instant::now() + each;
        while Instant::now() < until {
            let started = Instant::now();
            let (length, count) = ask(&mut client)?;
            times.push(ms(started.elapsed()));
            #[expect(clippy::cast_precision_loss, reason = "lengths of answers")]
            {
                bytes.push(length as f64);
                entries.push(count as f64);
            }
        }
        rows.push(vec![
            (*name).to_owned(),
            times.len().to_string(),
            format!("{:.3}", quantile(&times, 0.5)),
            format!("{:.3}", quantile(&times, 0.99)),
            format!("{:.0}", median(&entries)),
            format!("{:.0}", median(&bytes)),
        ]);
    }
    table::print(
        "questions at one connection",
        &[
            "question",
            "asked",
            "p50 ms",
            "p99 ms",
            "entries (median)",
            "bytes (median)",
        ],
        &rows,
    );
    Ok(())
}
