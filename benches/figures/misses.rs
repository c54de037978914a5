//! Misses beside the same upstream asked directly, hits while it is silent, and what it sees of a mixed load.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;

use super::client::Client;
use super::gallery::{Gallery, Line, download};
use super::larder::{self, Larder};
use super::nupkg::Nupkg;
use super::synthetic::Random;
use super::table::{self, median, ms, quantile};

/// How much is measured.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Packages of 5 MB that are fetched for their first byte
    #[arg(long, default_value_t = Self::default().packages)]
    packages: usize,
    /// Packages of 100 MB that are fetched at each speed of the line
    #[arg(long, default_value_t = Self::default().large)]
    large: usize,
    /// Rounds of hits
    #[arg(long, default_value_t = Self::default().rounds)]
    rounds: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            packages: 40,
            large: 5,
            rounds: 30,
        }
    }
}

const ID: &str = "figures.package";
const MB: usize = 1_000_000;
/// A gallery at the other end of a country.
const DELAY: Duration = Duration::from_millis(20);
/// A line of a gigabit a second.
const GIGABIT: u64 = 125_000_000;
/// Hits in each round.
const HITS: usize = 3000;
/// Requests of the mixed load, and the packages that they are for.
const MIXED: (usize, u64) = (3000, 100);

pub(crate) fn run(settings: &Settings) -> anyhow::Result<()> {
    let near = Line::default();
    let far = Line { delay: DELAY, speed: 0 };
    let gigabit = Line {
        delay: DELAY,
        speed: GIGABIT,
    };
    let mut rows = Vec::new();
    for (name, line, count, bytes) in [
        ("5 MB, 20 ms away", far, settings.packages, 5 * MB),
        ("5 MB, on this machine", near, settings.packages, 5 * MB),
        ("100 MB, 20 ms away, 1 Gbit/s", gigabit, settings.large, 100 * MB),
        ("100 MB, on this machine", near, settings.large, 100 * MB),
    ] {
        rows.push(misses(name, line, count, bytes)?);
    }
    table::print(
        "misses beside the upstream asked directly, medians",
        &[
            "package",
            "first byte: larder ms",
            "direct ms",
            "ratio",
            "MB/s: larder",
            "direct",
            "ratio",
        ],
        &rows,
    );
    hits(settings.rounds)?;
    mixed()
}

/// Fetches packages one after the other, each once directly and once through larder.
fn misses(name: &str, line: Line, count: usize, bytes: usize) -> anyhow::Result<Vec<String>> {
    let gallery = Gallery::start(line)?;
    let mut random = Random::new(7);
    let payload = random.bytes(bytes);
    let versions: Vec<String> = (0..count).map(|minor| format!("1.{minor}.0")).collect();
    let packages = versions.iter().map(|version| Nupkg::pack(ID, version, "x", &payload));
    gallery.add(packages.collect::<anyhow::Result<_>>()?)?;
    let folder = tempfile::tempdir()?;
    let larder = start(folder.path(), &gallery, "")?;
    let (mut through, mut direct) = (Client::connect(larder.address)?, Client::connect(gallery.address)?);
    through.get(&find(ID))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for version in &versions {
        let path = download(&ID, version);
        theirs.push(direct.time(&path)?);
        ours.push(through.time(&path)?);
        // What is still being written to the disk is not the next one's.
        settle(&mut through, &path)?;
    }
    anyhow::ensure!(
        gallery.requests() == 2 * count as u64 + 1,
        "the upstream saw {} requests",
        gallery.requests()
    );
    let of = |times: &[super::client::Times], pick: fn(&super::client::Times) -> Duration| {
        median(&times.iter().map(|times| ms(pick(times))).collect::<Vec<_>>())
    };
    let (first, first_direct) = (
        of(&ours, |times| times.first_byte),
        of(&theirs, |times| times.first_byte),
    );
    #[expect(clippy::cast_precision_loss, reason = "some millions")]
    let rate = |whole: f64| bytes as f64 / 1000.0 / whole;
    let (rate, rate_direct) = (
        rate(of(&ours, |times| times.whole)),
        rate(of(&theirs, |times| times.whole)),
    );
    larder.stop()?;
    Ok(vec![
        name.to_owned(),
        format!("{first:.2}"),
        format!("{first_direct:.2}"),
        format!("{:.2}", first / first_direct),
        format!("{rate:.0}"),
        format!("{rate_direct:.0}"),
        format!("{:.2}", rate / rate_direct),
    ])
}

/// Waits until a package that came is kept: a part of it is answered from the store alone.
fn settle(client: &mut Client, path: &str) -> anyhow::Result<()> {
    client.time(path).map(drop)
}

/// Hits of two larders in turns, the upstream of one of which says nothing, while others ask for what is not there.
fn hits(rounds: usize) -> anyhow::Result<()> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let mut sides = Vec::new();
    for folder in &folders {
        let gallery = Gallery::start(Line::default())?;
        let payload = Random::new(9).bytes(20_000);
        gallery.add(vec![Nupkg::pack(ID, "1.0.0", "x", &payload)?])?;
        // Short, so that what is held is asked about again and again.
        let larder = start(
            folder.path(),
            &gallery,
            "[freshness]\nmetadata = \"200ms\"\n[timeouts]\nheaders = \"1s\"\n",
        )?;
        let mut client = Client::connect(larder.address)?;
        for path in [find(ID), download(&ID, &"1.0.0")] {
            client.time(&path)?;
        }
        sides.push((gallery, larder, client, Vec::new(), Vec::new()));
    }
    if let Some((gallery, ..)) = sides.last() {
        gallery.fall_silent();
    }
    for round in 0..rounds {
        for (_, larder, client, lists, downloads) in &mut sides {
            let done = AtomicBool::new(false);
            let address = larder.address;
            std::thread::scope(|scope| -> anyhow::Result<()> {
                for asker in 0..4 {
                    let done = &done;
                    scope.spawn(move || {
                        let mut number = 0;
                        while !done.load(Ordering::Relaxed) {
                            number += 1;
                            // Absent or unavailable: the answer does not matter, nor does its status.
                            let path = find(&format!("absent.{round}.{asker}.{number}"));
                            drop(Client::connect(address).and_then(|mut client| client.time(&path)));
                            std::thread::sleep(Duration::from_millis(5));
                        }
                    });
                }
                let mut ask = |path: &str, times: &mut Vec<f64>| -> anyhow::Result<()> {
                    for _ in 0..HITS {
                        times.push(ms(client.time(path)?.whole));
                    }
                    Ok(())
                };
                let asked = ask(&find(ID), lists).and_then(|()| ask(&download(&ID, &"1.0.0"), downloads));
                done.store(true, Ordering::Relaxed);
                asked
            })?;
        }
    }
    let [
        (_, _, _, healthy_lists, healthy_downloads),
        (_, _, _, silent_lists, silent_downloads),
    ] = &sides[..]
    else {
        anyhow::bail!("there are two sides");
    };
    let row = |name: &str, healthy: &[f64], silent: &[f64]| {
        let (one, other) = (quantile(healthy, 0.99), quantile(silent, 0.99));
        vec![
            name.to_owned(),
            format!("{:.3} / {one:.3}", median(healthy)),
            format!("{:.3} / {other:.3}", median(silent)),
            format!("{:.2}", other / one),
        ]
    };
    table::print(
        "hits while the upstream is silent",
        &["what", "healthy p50/p99 ms", "silent p50/p99 ms", "ratio of p99"],
        &[
            row("list", healthy_lists, silent_lists),
            row("download of 20 KB", healthy_downloads, silent_downloads),
        ],
    );
    for (_, larder, ..) in sides {
        larder.kill()?;
    }
    Ok(())
}

/// Lists and downloads of packages of which a few are popular, by eight clients.
fn mixed() -> anyhow::Result<()> {
    let (requests, ids) = MIXED;
    let gallery = Gallery::start(Line { delay: DELAY, speed: 0 })?;
    let mut random = Random::new(11);
    for id in 0..ids {
        let payload = random.bytes(100_000);
        gallery.add(vec![Nupkg::pack(&format!("mixed.{id}"), "1.0.0", "x", &payload)?])?;
    }
    let folder = tempfile::tempdir()?;
    let larder = start(folder.path(), &gallery, "")?;
    let seen = Mutex::new(HashSet::new());
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|number| {
                let (address, seen) = (larder.address, &seen);
                scope.spawn(move || -> anyhow::Result<()> {
                    let (mut random, mut client) = (Random::new(100 + number), Client::connect(address)?);
                    for _ in 0..requests / 16 {
                        // The smaller of two numbers: what comes first is asked for most.
                        let id = format!("mixed.{}", random.below(ids).min(random.below(ids)));
                        if let Ok(mut seen) = seen.lock() {
                            seen.insert(id.clone());
                        }
                        client.time(&find(&id))?;
                        client.time(&download(&id, &"1.0.0"))?;
                    }
                    Ok(())
                })
            })
            .collect();
        for client in clients {
            client.join().map_err(|_| anyhow::anyhow!("a client failed"))??;
        }
        anyhow::Ok(())
    })?;
    let asked = requests / 16 * 16;
    let fewest = 2 * seen.into_inner().map_err(|_| anyhow::anyhow!("a client failed"))?.len();
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let share = gallery.requests() as f64 * 1000.0 / asked as f64;
    println!(
        "\nof {asked} requests by 8 clients the upstream saw {}: {share:.0} of a thousand; {fewest} are the fewest there can be",
        gallery.requests()
    );
    larder.stop()?;
    Ok(())
}

fn start(folder: &Path, gallery: &Gallery, settings: &str) -> anyhow::Result<Larder> {
    let sections = format!(
        "{settings}[[upstream]]\nname = \"gallery\"\nkind = \"v2\"\nurl = \"http://{}/api/v2/\"\n[[feed]]\nname = \"mirror\"\nupstreams = [\"gallery\"]\n",
        gallery.address
    );
    let config = larder::write_config_with(folder, &folder.join("data"), &sections)?;
    Larder::start(&config)
}

fn find(id: &str) -> String {
    format!("/api/v2/FindPackagesById()?id='{id}'")
}
