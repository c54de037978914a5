//! A mirror of a mirror. The one in the middle is killed and started again while machines and real clients ask the one in
//! front: what came before installs as ever, no answer is ever wrong, and what is new comes once the middle is back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::published::Published;
use super::{ORIGIN, Scenario, mirror_of};
use crate::support::clients::Clients;
use crate::support::corpus;
use crate::support::larder::LarderProcess;
use crate::support::nupkg::Packed;
use crate::support::random::Random;
use crate::support::raw_http;

/// Machines that download without end meanwhile.
const MACHINES: usize = 4;

/// How often the middle is killed.
const KILLS: usize = 3;

/// How long after the last kill everything may take to come: the front leaves a middle that fails alone for a while.
const DEADLINE: Duration = Duration::from_secs(120);

#[test]
fn the_middle_of_a_chain_is_killed_under_load() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let Some(folder) = corpus::folder("packages") else {
        return;
    };
    let published = Published::new(&folder);
    let origin = LarderProcess::start(ORIGIN);
    published.import_into(&origin);
    let mut middle = LarderProcess::start(&mirror_of(&origin.feed_url()));
    middle.keep_port();
    let front = LarderProcess::start(&mirror_of(&middle.feed_url()));
    let scenario = Scenario {
        clients: &clients,
        published: &published,
    };
    scenario.side_by_side(&front, Scenario::install_all);

    let is_over = AtomicBool::new(false);
    let is_private = |package: &Packed| {
        ["contoso.", "intranet."]
            .iter()
            .any(|start| package.id.starts_with(start))
    };
    let bytes_at = |package: &Packed| {
        (
            format!("/api/v2/package/{}/{}", package.id, package.version),
            package.bytes.clone(),
        )
    };
    let packages: BTreeMap<String, Vec<u8>> = published
        .accepted()
        .filter(|package| !is_private(package))
        .map(bytes_at)
        .collect();
    let targets: Vec<String> = packages.keys().cloned().collect();
    let wanted = Wanted {
        left: Mutex::new(targets.iter().cloned().collect()),
        packages,
    };
    thread::scope(|scope| {
        let mut random = Random::seeded();
        for _ in 0..MACHINES {
            let (wanted, is_over, targets) = (&wanted, &is_over, &targets);
            let mut random = Random::from_seed(random.next());
            let front = front.authority();
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    wanted.download(front, random.pick::<String>(targets));
                }
            });
        }
        let _over = Over(&is_over);
        for _ in 0..KILLS {
            let moment = Duration::from_millis(random.below(700) as u64);
            thread::sleep(moment);
            middle.kill();
            // What the front has, it gives without the middle.
            scenario.install(
                super::Client::Nuget4,
                &front.feed_url(),
                "calibre",
                None,
                &["calibre.9.13.0"],
            );
            middle.restart();
        }
        scenario.side_by_side(&front, Scenario::install_all);
        let started = Instant::now();
        while let Some(missing) = wanted.missing() {
            assert!(
                started.elapsed() < DEADLINE,
                "{missing} never came\nmiddle:\n{}",
                middle.log()
            );
            wanted.download(front.authority(), &missing);
        }
    });
    for larder in [&middle, &front] {
        larder.assert_nothing_panicked();
    }
}

/// Packages by the targets that they are downloaded from.
struct Wanted {
    packages: BTreeMap<String, Vec<u8>>,
    /// Those that did not come yet.
    left: Mutex<BTreeSet<String>>,
}

impl Wanted {
    fn missing(&self) -> Option<String> {
        self.left.lock().expect("no panic").first().cloned()
    }

    /// Downloads a package through the front; what comes whole is what was published.
    fn download(&self, front: &str, target: &str) {
        // An answer that broke off is told as that.
        let Ok((status, body)) = raw_http::try_request(front, "GET", target, b"") else {
            return;
        };
        match status {
            200 => {
                assert!(body == self.packages[target], "{target} came with other bytes");
                self.left.lock().expect("no panic").remove(target);
            }
            // "Not found" would be a lie: the middle could not be asked.
            502..=504 => {}
            _ => panic!("{target}: {status} {}", String::from_utf8_lossy(&body)),
        }
    }
}

/// Lets the machines stop however the test ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
