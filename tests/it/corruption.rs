//! Damage on disk: package files that are not what they were, and an index in every state of ruin.
//!
//! `LARDER_CORRUPTION_SEEDS` (20) sets how many ruined indexes are tried, `LARDER_SEED` repeats a run.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::folder;
use crate::support::larder::{ADMIN_KEY, LarderProcess};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::random::{Random, number_from};
use crate::support::raw_http::{self, Answer};

const FEED: &str = "[[feed]]\nname = \"feed\"\ndefault = true\n";
const PAGE_BYTES: usize = 4096;

/// What a client may ask of the feed that [`fill`] makes.
const QUERIES: [&str; 20] = [
    "/api/v2/",
    "/api/v2/$metadata",
    "/api/v2/Packages()",
    "/api/v2/Packages()/$count",
    "/api/v2/Packages()?$filter=IsLatestVersion",
    "/api/v2/Packages()?$filter=IsAbsoluteLatestVersion&$orderby=Id%20desc&$top=7",
    "/api/v2/Packages()?$skip=40&$top=20&$inlinecount=allpages",
    "/api/v2/Packages()?$filter=tolower(Id)%20eq%20'ruin.7'",
    "/api/v2/Packages()?$filter=substringof('word3',Description)",
    "/api/v2/Packages()?$orderby=LastUpdated,Version&$top=30",
    "/api/v2/Packages(Id='Ruin.3',Version='1.2.0')",
    "/api/v2/Packages(Id='Ruin.4',Version='1.0.0')",
    "/api/v2/Packages(Id='Ruin.1',Version='9.9.9')",
    "/api/v2/FindPackagesById()?id='ruin.5'",
    "/api/v2/FindPackagesById()?id='Ruin.5'&semVerLevel=2.0.0",
    "/api/v2/FindPackagesById()?id='nobody'",
    "/api/v2/Search()?searchTerm='word1'&includePrerelease=true&$top=10",
    "/api/v2/Search()/$count?searchTerm='ruin'",
    "/api/v2/package/Ruin.2/1.1.0",
    "/api/v2/package/Ruin.6",
];

fn package(id: &str, version: &str, random: &mut Random) -> Packed {
    let words: Vec<String> = (0..150).map(|_| format!("word{}", random.below(10_000))).collect();
    Nupkg::new(id, version)
        .description(&words.join(" "))
        .tags("ruin test")
        .file("tools/content.bin", random.bytes(2000))
        .pack()
}

/// Imports packages, unlists one, removes none.
fn fill(larder: &LarderProcess, random: &mut Random) -> Vec<Packed> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut packages = Vec::new();
    for number in 0..30 {
        for version in ["1.0.0", "1.1.0", "1.2.0", "2.0.0-beta", "2.0.0-rc.1+meta"] {
            let package = package(&format!("Ruin.{number}"), version, random);
            package.write_to(folder.path());
            packages.push(package);
        }
    }
    larder.import(&[folder.path()]).expect_success();
    packages
}

fn unlist(larder: &LarderProcess, target: &str) {
    let authority = larder.authority();
    let mut connection = raw_http::Connection::open(authority);
    let request = format!(
        "DELETE {target} HTTP/1.1\r\nHost: {authority}\r\nX-NuGet-ApiKey: {ADMIN_KEY}\r\nContent-Length: 0\r\n\r\n"
    );
    connection.send(request.as_bytes());
    let answer = connection.answer("DELETE");
    assert!(matches!(answer.status, 200 | 204), "{}", answer.text());
}

/// Returns what the feed answers, without what may differ: the port and the time of the answer itself.
fn answers(larder: &LarderProcess) -> Vec<(u16, Vec<u8>)> {
    let ask = |target: &&str| {
        let answer = raw_http::get(larder.authority(), target);
        if answer
            .header("Content-Type")
            .is_some_and(|kind| kind.contains("zip") || kind.contains("octet"))
        {
            return (answer.status, answer.body);
        }
        let text = answer.text().replace(larder.authority(), "HOST");
        (answer.status, without_feed_time(&text).into_bytes())
    };
    QUERIES.iter().map(ask).collect()
}

fn without_feed_time(text: &str) -> String {
    let first_entry = text.find("<entry").unwrap_or(text.len());
    let (head, entries) = text.split_at(first_entry);
    let (Some(start), Some(end)) = (head.find("<updated>"), head.find("</updated>")) else {
        return text.to_owned();
    };
    // The single entry of the key form has no feed around it: its time is the package's.
    format!("{}{}{entries}", &head[..start], &head[end..])
}

fn nupkgs(data: &Path) -> Vec<PathBuf> {
    let mut files = folder::files(&data.join("packages"));
    files.retain(|file| file.extension().is_some_and(|extension| extension == "nupkg"));
    files
}

#[test]
fn verify_names_every_flipped_byte() {
    let mut random = Random::seeded();
    let larder = LarderProcess::prepare(FEED, ADMIN_KEY);
    fill(&larder, &mut random);
    larder
        .command::<&Path>("verify", &[])
        .expect_success()
        .expect_output("150 packages verified");
    let files = nupkgs(&larder.data_dir());
    let mut flipped: Vec<&PathBuf> = Vec::new();
    while flipped.len() < 40 {
        let file = random.pick(&files);
        if flipped.contains(&file) {
            continue;
        }
        let mut bytes = fs::read(file).expect("a nupkg");
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        fs::write(file, bytes).expect("a nupkg");
        flipped.push(file);
    }
    let ran = larder.command::<&Path>("verify", &[]);
    assert_eq!(ran.code, Some(1), "{ran}");
    let named = ran.output.lines().filter(|line| line.starts_with("damaged: ")).count();
    assert_eq!(named, flipped.len(), "{ran}");
    for file in flipped {
        assert!(
            ran.output.contains(&format!("damaged: {}: ", file.display())),
            "{}",
            file.display()
        );
    }
    ran.expect_output("40 damaged, 0 missing");
}

#[test]
fn hosted_files_that_are_damaged_are_a_failure_and_never_an_absence() {
    let mut random = Random::seeded();
    let larder = LarderProcess::start(FEED);
    let packages = ["gone", "short", "empty", "whole"].map(|id| package(id, "1.0.0", &mut random));
    let folder = tempfile::tempdir().expect("a temporary folder");
    for package in &packages {
        package.write_to(folder.path());
    }
    larder.import(&[folder.path()]).expect_success();
    damage_files(&larder, "feed");
    for id in ["gone", "short", "empty"] {
        for (method, range) in [
            ("GET", ""),
            ("HEAD", ""),
            ("GET", "Range: bytes=5-9\r\n"),
            ("GET", "Range: bytes=900-\r\n"),
        ] {
            let answer = download(&larder, method, id, range);
            assert_eq!(answer.status, 500, "{method} {id} {range}");
        }
        let entry = raw_http::get(
            larder.authority(),
            &format!("/api/v2/Packages(Id='{id}',Version='1.0.0')"),
        );
        entry.expect_status(200);
    }
    assert!(download(&larder, "GET", "whole", "").body == packages[3].bytes);
}

#[test]
fn mirrored_files_that_are_damaged_are_fetched_again() {
    let mut random = Random::seeded();
    let packages = ["gone", "short", "empty", "whole"].map(|id| package(id, "1.0.0", &mut random));
    let folder = tempfile::tempdir().expect("a temporary folder");
    for package in &packages {
        package.write_to(folder.path());
    }
    let origin = LarderProcess::start(FEED);
    origin.import(&[folder.path()]).expect_success();
    let mirror = LarderProcess::start(&format!(
        "[[upstream]]\nname = \"up\"\nkind = \"v2\"\nurl = \"{}\"\n[[feed]]\nname = \"feed\"\ndefault = true\nupstreams = [\"up\"]\n",
        origin.feed_url()
    ));
    for package in &packages {
        assert!(download(&mirror, "GET", &package.id, "").body == package.bytes);
    }
    for range in ["", "Range: bytes=900-1899\r\n", "Range: bytes=-100\r\n"] {
        damage_files(&mirror, "up");
        for package in &packages {
            let answer = download(&mirror, "GET", &package.id, range);
            let expected = match range {
                "" => (200, &package.bytes[..]),
                "Range: bytes=-100\r\n" => (206, &package.bytes[package.bytes.len() - 100..]),
                _ => (206, &package.bytes[900..1900]),
            };
            assert_eq!(answer.status, expected.0, "{} {range}: {}", package.id, answer.text());
            assert!(answer.body == expected.1, "{} {range}", package.id);
        }
        mirror.command::<&Path>("verify", &[]).expect_success();
    }
}

/// Deletes the file of `gone`, cuts that of `short`, empties that of `empty`.
fn damage_files(larder: &LarderProcess, source: &str) {
    for file in nupkgs(&larder.data_dir()) {
        let path = file.to_string_lossy().into_owned();
        assert!(path.contains(&format!("/packages/{source}/")), "{path}");
        let open = || fs::File::options().write(true).open(&file).expect("a nupkg");
        if path.contains("/gone/") {
            fs::remove_file(&file).expect("a nupkg");
        } else if path.contains("/short/") {
            open().set_len(500).expect("a nupkg");
        } else if path.contains("/empty/") {
            open().set_len(0).expect("a nupkg");
        }
    }
}

fn download(larder: &LarderProcess, method: &str, id: &str, headers: &str) -> Answer {
    let authority = larder.authority();
    let mut connection = raw_http::Connection::open(authority);
    let request = format!("{method} /api/v2/package/{id}/1.0.0 HTTP/1.1\r\nHost: {authority}\r\n{headers}\r\n");
    connection.send(request.as_bytes());
    connection.answer(method)
}

/// A way to ruin an index.
#[derive(Debug, Clone, Copy)]
enum Ruin {
    /// Pages of zeros: what a file system may leave.
    ZeroPages,
    /// Pages of anything.
    GarbagePages,
    FlipBits,
    /// The database ends somewhere.
    Truncate,
    EmptyDatabase,
    GarbageSnapshot,
    EmptySnapshot,
    NoSnapshot,
    GarbageConf,
    EmptyConf,
    NoConf,
    NoDatabase,
    NoIndex,
    /// A file lies where the folder was.
    NoFolder,
}

const RUINS: [Ruin; 14] = [
    Ruin::ZeroPages,
    Ruin::Truncate,
    Ruin::GarbageSnapshot,
    Ruin::GarbageConf,
    Ruin::GarbagePages,
    Ruin::NoIndex,
    Ruin::FlipBits,
    Ruin::EmptyDatabase,
    Ruin::EmptySnapshot,
    Ruin::NoSnapshot,
    Ruin::EmptyConf,
    Ruin::NoConf,
    Ruin::NoDatabase,
    Ruin::NoFolder,
];

impl Ruin {
    fn apply(self, index: &Path, random: &mut Random) {
        let database = index.join("db");
        let conf = index.join("conf");
        let snapshots = || {
            let files = folder::files(index).into_iter();
            files.filter(|file| {
                file.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("snap."))
            })
        };
        let garbage = |file: &Path, random: &mut Random| {
            let length = fs::read(file).expect("a file").len();
            fs::write(file, random.bytes(length)).expect("a file");
        };
        match self {
            Self::ZeroPages => {
                let count = 1 + random.below(8);
                overwrite_pages(&database, count, random, |page, _| page.fill(0));
            }
            Self::GarbagePages => {
                let count = 1 + random.below(8);
                overwrite_pages(&database, count, random, |page, random| {
                    let bytes = random.bytes(page.len());
                    page.copy_from_slice(&bytes);
                });
            }
            Self::FlipBits => overwrite_pages(&database, 12, random, |page, random| {
                let at = random.below(page.len());
                page[at] ^= 1 << random.below(8);
            }),
            Self::Truncate => {
                let length = used_pages(&database).len() * PAGE_BYTES;
                let file = fs::File::options().write(true).open(&database).expect("a database");
                file.set_len(random.below(length) as u64).expect("a database");
            }
            Self::EmptyDatabase => fs::write(&database, "").expect("a database"),
            Self::GarbageSnapshot => snapshots().for_each(|file| garbage(&file, random)),
            Self::EmptySnapshot => snapshots().for_each(|file| fs::write(file, "").expect("a snapshot")),
            Self::NoSnapshot => snapshots().for_each(|file| fs::remove_file(file).expect("a snapshot")),
            Self::GarbageConf => garbage(&conf, random),
            Self::EmptyConf => fs::write(&conf, "").expect("a configuration"),
            Self::NoConf => fs::remove_file(&conf).expect("a configuration"),
            Self::NoDatabase => fs::remove_file(&database).expect("a database"),
            Self::NoIndex => fs::remove_dir_all(index).expect("an index"),
            Self::NoFolder => {
                fs::remove_dir_all(index).expect("an index");
                fs::write(index, "a file").expect("a file");
            }
        }
    }
}

/// The pages that hold anything: to ruin others would prove nothing.
fn used_pages(database: &Path) -> Vec<usize> {
    let bytes = fs::read(database).expect("a database");
    let pages = bytes.chunks(PAGE_BYTES).zip(0_usize..);
    pages
        .filter(|(page, _)| page.iter().any(|byte| *byte != 0))
        .map(|(_, number)| number)
        .collect()
}

fn overwrite_pages(database: &Path, count: usize, random: &mut Random, change: impl Fn(&mut [u8], &mut Random)) {
    let used = used_pages(database);
    let mut file = fs::File::options()
        .read(true)
        .write(true)
        .open(database)
        .expect("a database");
    for _ in 0..count {
        let at = SeekFrom::Start((random.pick(&used) * PAGE_BYTES) as u64);
        let mut page = Vec::new();
        file.seek(at).expect("a page");
        (&file).take(PAGE_BYTES as u64).read_to_end(&mut page).expect("a page");
        change(&mut page, random);
        file.seek(at).expect("a page");
        file.write_all(&page).expect("a page");
    }
}

#[test]
fn a_ruined_index_costs_nothing() {
    let seeds = number_from("LARDER_CORRUPTION_SEEDS", 20);
    let mut random = Random::seeded();
    let mut larder = LarderProcess::prepare(FEED, ADMIN_KEY);
    fill(&larder, &mut random);
    larder.restart();
    unlist(&larder, "/api/v2/package/Ruin.4/1.0.0");
    unlist(&larder, "/api/v2/package/Ruin.9/1.2.0");
    let expected = answers(&larder);
    assert!(expected.iter().filter(|(status, _)| *status == 200).count() >= 19);

    let saved = tempfile::tempdir().expect("a temporary folder");
    let (killed, stopped) = (saved.path().join("killed"), saved.path().join("stopped"));
    larder.kill();
    folder::copy(&larder.data_dir(), &killed);
    larder.restart();
    larder.stop();
    folder::copy(&larder.data_dir(), &stopped);

    let mut set_aside = 0_usize;
    for seed in 0..seeds {
        let ruin = RUINS[seed % RUINS.len()];
        for saved in [&stopped, &killed] {
            let mut larder = LarderProcess::prepare(FEED, ADMIN_KEY);
            folder::copy(saved, &larder.data_dir());
            ruin.apply(&larder.data_dir().join("index"), &mut random);
            let context = format!("{ruin:?} of {}", saved.display());
            eprintln!("{context}");
            larder.restart();
            assert_answers(&larder, &expected, &context);
            set_aside += usize::from(was_set_aside(&larder, &context));
            // And it stays so: what was made of the ruin closes and opens like any other.
            larder.restart();
            assert_answers(&larder, &expected, &context);
            assert!(
                !larder.log().contains("did not end in order")
                    || larder.log().matches("did not end in order").count() == 1
            );
        }
    }
    eprintln!("{set_aside} of {} were set aside", seeds * 2);
    assert!(set_aside > 0);
}

#[test]
fn a_start_that_is_killed_begins_again() {
    let mut random = Random::seeded();
    let mut larder = LarderProcess::prepare(FEED, ADMIN_KEY);
    fill(&larder, &mut random);
    larder.restart();
    let expected = answers(&larder);
    larder.stop();
    for ruin in [Ruin::NoIndex, Ruin::GarbageConf, Ruin::ZeroPages, Ruin::NoIndex] {
        ruin.apply(&larder.data_dir().join("index"), &mut random);
        for _ in 0..8 {
            larder.start_and_kill(Duration::from_millis(random.below(150) as u64));
        }
        larder.restart();
        assert_answers(&larder, &expected, &format!("{ruin:?}"));
        larder.stop();
    }
}

fn assert_answers(larder: &LarderProcess, expected: &[(u16, Vec<u8>)], context: &str) {
    for ((found, expected), query) in answers(larder).iter().zip(expected).zip(QUERIES) {
        assert!(
            found == expected,
            "{context}: {query} was answered {} with {}, was {} with {}",
            found.0,
            String::from_utf8_lossy(&found.1),
            expected.0,
            String::from_utf8_lossy(&expected.1)
        );
    }
}

/// Whether larder set the index aside; its log and the folder must agree.
fn was_set_aside(larder: &LarderProcess, context: &str) -> bool {
    let folders = fs::read_dir(larder.data_dir()).expect("a data folder");
    let aside: Vec<String> = folders
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("index.damaged-20"))
        .collect();
    let log = larder.log();
    let is_told = log.contains("the index could not be used: it was set aside");
    assert_eq!(aside.len(), usize::from(is_told), "{context}: {aside:?} and {log}");
    for name in &aside {
        assert!(log.contains(name), "{context}: {name} is not named in {log}");
    }
    is_told
}
