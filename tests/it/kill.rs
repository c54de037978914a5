//! `kill -9` at any moment, again and again on the same data: nothing that was acknowledged is lost, nothing is there in part.
//!
//! `LARDER_KILL_ROUNDS` (30) sets how often, `LARDER_KILL_LARGE=1` adds packages of 20 MB, `LARDER_SEED` repeats a run's
//! moments and packages; what the machine makes of them it cannot repeat.

mod evictions;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::larder::{ADMIN_KEY, LarderProcess};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::random::{Random, number_from};
use crate::support::raw_http::try_request;

const PUSHERS: u64 = 8;
const READERS: u64 = 3;
/// How many packages of the origin each round reads for the first time.
const COLD_PER_ROUND: usize = 9;
/// How many acknowledged packages of earlier rounds are read again after each.
const LOOKED_AT_AGAIN: usize = 12;
const LATEST_KILL_MS: usize = 800;

/// What is known of a pushed package.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Its push was not answered: it may be there, but only whole.
    Unanswered,
    /// Its push was answered with 201.
    Acknowledged,
    /// So was its unlisting.
    Unlisted,
}

/// Packages by id: their numbers make them again, so that a long run need not keep them.
type Oracle = BTreeMap<String, (Recipe, Known)>;

/// All that a pushed package is made of.
#[derive(Clone, Copy)]
struct Recipe {
    seed: u64,
    bytes: usize,
}

impl Recipe {
    fn pack(self, id: &str) -> Packed {
        Nupkg::new(id, "1.0.0")
            .file("tools/content.bin", Random::from_seed(self.seed).bytes(self.bytes))
            .pack()
    }
}

#[test]
fn what_is_acknowledged_survives_kill_9() {
    let rounds = number_from("LARDER_KILL_ROUNDS", 30);
    let mut random = Random::seeded();
    let cold = cold_packages(rounds * COLD_PER_ROUND, &mut random);
    let (_origin, mut mirror) = origin_and_mirror(&cold, "");
    let mut oracle = Oracle::new();
    let mut touched: Vec<String> = Vec::new();
    for round in 0..=rounds {
        let started = Instant::now();
        mirror.restart();
        let ready = started.elapsed();
        assert_nothing_in_flight(&mirror.data_dir());
        let read = &cold[..(round * COLD_PER_ROUND).min(cold.len())];
        check(&mirror, &oracle, &touched, read, &mut random);
        if round == rounds {
            break;
        }
        let first = round * COLD_PER_ROUND;
        let fresh = &cold[first..first + COLD_PER_ROUND];
        let moment = Duration::from_millis(random.below(LATEST_KILL_MS) as u64);
        touched = load_and_kill(&mut mirror, moment, fresh, &mut oracle, random.next());
        let acknowledged = oracle.values().filter(|(_, known)| *known != Known::Unanswered).count();
        eprintln!("round {round}: ready after {ready:?}, killed after {moment:?}, {acknowledged} acknowledged so far");
    }
    check_everything(&mut mirror, &oracle, &cold);
}

fn cold_packages(count: usize, random: &mut Random) -> Vec<Packed> {
    let make = |number: usize| {
        let bytes = 20_000 + random.below(180_000);
        Nupkg::new(&format!("Cold.{}", number / 3), &format!("1.{}.0", number % 3))
            .file("tools/content.bin", random.bytes(bytes))
            .pack()
    };
    (0..count).map(make).collect()
}

/// Starts a larder that has packages, and prepares one that mirrors it; `keys` are further ones of its upstream.
fn origin_and_mirror(cold: &[Packed], keys: &str) -> (LarderProcess, LarderProcess) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for package in cold {
        package.write_to(folder.path());
    }
    let mut origin = LarderProcess::prepare("[[feed]]\nname = \"origin\"\ndefault = true\n", ADMIN_KEY);
    origin.import(&[folder.path()]).expect_success();
    origin.restart();
    let configuration = format!(
        "[[upstream]]\nname = \"origin\"\nkind = \"v2\"\nurl = \"{}\"\n{keys}\
         [[feed]]\nname = \"mirror\"\ndefault = true\nupstreams = [\"origin\"]\nreserved = [\"pushed.*\"]\n",
        origin.feed_url()
    );
    let mirror = LarderProcess::prepare(&configuration, ADMIN_KEY);
    (origin, mirror)
}

/// Pushes, unlists and reads until the larder is killed at `moment`; returns the ids that were touched.
fn load_and_kill(
    mirror: &mut LarderProcess,
    moment: Duration,
    fresh: &[Packed],
    oracle: &mut Oracle,
    seed: u64,
) -> Vec<String> {
    let authority = mirror.authority().to_owned();
    let known = Mutex::new(std::mem::take(oracle));
    let touched = Mutex::new(Vec::new());
    let next_cold = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for pusher in 0..PUSHERS {
            let (authority, known, touched) = (&authority, &known, &touched);
            let mut random = Random::from_seed(seed ^ (pusher + 1));
            scope.spawn(move || {
                for number in 0.. {
                    let id = format!("pushed.{seed:x}.{pusher}.{number}");
                    let recipe = recipe(&mut random);
                    let package = recipe.pack(&id);
                    touched.lock().expect("a list").push(id.clone());
                    let set = |state| known.lock().expect("an oracle").insert(id.clone(), (recipe, state));
                    set(Known::Unanswered);
                    match try_request(authority, "PUT", "/api/v2/package/", &package.bytes) {
                        Ok((201, _)) => set(Known::Acknowledged),
                        Ok((status, body)) => {
                            panic!("a push was answered {status}: {}", String::from_utf8_lossy(&body))
                        }
                        Err(_) => return,
                    };
                    if random.below(4) == 0 {
                        match try_request(authority, "DELETE", &format!("/api/v2/package/{id}/1.0.0"), b"") {
                            Ok((200 | 204, _)) => set(Known::Unlisted),
                            Ok((status, _)) => panic!("an unlisting was answered {status}"),
                            Err(_) => return,
                        };
                    }
                }
            });
        }
        for _ in 0..READERS {
            let (authority, next_cold) = (&authority, &next_cold);
            scope.spawn(move || {
                while let Some(package) = fresh.get(next_cold.fetch_add(1, Ordering::Relaxed)) {
                    match try_request(authority, "GET", &download(package), b"") {
                        // Each byte that came must be right; only an end may be missing, and that is an error.
                        Ok((200, body)) => assert!(body == package.bytes, "{} came wrong", package.file_name()),
                        Ok((status, body)) => {
                            panic!("a miss was answered {status}: {}", String::from_utf8_lossy(&body))
                        }
                        Err(_) => return,
                    }
                }
            });
        }
        std::thread::sleep(moment);
        mirror.kill();
    });
    *oracle = known.into_inner().expect("an oracle");
    touched.into_inner().expect("a list")
}

fn recipe(random: &mut Random) -> Recipe {
    let is_large = std::env::var_os("LARDER_KILL_LARGE").is_some() && random.below(8) == 0;
    let bytes = match random.below(4) {
        _ if is_large => 20_000_000,
        0 => 400_000 + random.below(1_600_000),
        _ => 20_000 + random.below(200_000),
    };
    Recipe {
        seed: random.next(),
        bytes,
    }
}

fn download(package: &Packed) -> String {
    format!("/api/v2/package/{}/{}", package.id, package.version)
}

/// Checks what the last round touched, and some of what earlier ones did.
fn check(mirror: &LarderProcess, oracle: &Oracle, touched: &[String], read: &[Packed], random: &mut Random) {
    let ids: Vec<&String> = oracle.keys().collect();
    let again = (0..LOOKED_AT_AGAIN.min(ids.len()))
        .map(|_| *random.pick(&ids))
        .collect::<Vec<_>>();
    for id in touched.iter().chain(again) {
        check_pushed(mirror, id, oracle[id]);
    }
    let last = read.len().saturating_sub(COLD_PER_ROUND);
    for package in &read[last..] {
        check_mirrored(mirror, package);
    }
}

fn check_pushed(mirror: &LarderProcess, id: &str, (recipe, known): (Recipe, Known)) {
    let ask = |target: &str| try_request(mirror.authority(), "GET", target, b"").expect("an answer");
    let (status, body) = ask(&format!("/api/v2/package/{id}/1.0.0"));
    let (shown, entry) = ask(&format!("/api/v2/Packages(Id='{id}',Version='1.0.0')"));
    let entry = String::from_utf8_lossy(&entry);
    assert_eq!(status, shown, "{id}: the list and the download disagree");
    match status {
        200 => assert!(body == recipe.pack(id).bytes, "{id} is not what was pushed"),
        404 => assert!(known == Known::Unanswered, "{id} was acknowledged and is gone"),
        _ => panic!("{id} is answered {status}: {}", String::from_utf8_lossy(&body)),
    }
    if known == Known::Unlisted {
        assert!(entry.contains("1900-01-01T00:00:00"), "{id} is listed again: {entry}");
    }
}

fn check_mirrored(mirror: &LarderProcess, package: &Packed) {
    let (status, body) = try_request(mirror.authority(), "GET", &download(package), b"").expect("an answer");
    assert_eq!(status, 200, "{}", package.file_name());
    assert!(body == package.bytes, "{} came wrong", package.file_name());
}

fn check_everything(mirror: &mut LarderProcess, oracle: &Oracle, cold: &[Packed]) {
    for (id, &known) in oracle {
        check_pushed(mirror, id, known);
    }
    for package in cold {
        check_mirrored(mirror, package);
    }
    mirror
        .command::<&Path>("verify", &[])
        .expect_success()
        .expect_output(" 0 damaged, 0 missing, 0 sidecars damaged");
    assert!(
        oracle.values().any(|(_, known)| *known != Known::Unanswered),
        "nothing was acknowledged"
    );
    let log = mirror.log();
    assert!(!log.contains("panicked") && !log.contains("set_aside"), "{log}");
}

/// Nothing of the killed process is left to be taken for a package.
fn assert_nothing_in_flight(data: &Path) {
    let spooled: Vec<_> = std::fs::read_dir(data.join("spool")).expect("a spool").collect();
    assert!(spooled.is_empty(), "{spooled:?}");
    let mut folders = vec![data.join("packages")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            assert!(!name.contains('#'), "{} was left", path.display());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
}
