//! `kill -9` while packages make room for others: what is served is whole, and files, sidecars and index agree afterwards.

use std::path::Path;
use std::time::Duration;

use super::{LATEST_KILL_MS, READERS, check_mirrored, cold_packages, download, origin_and_mirror, try_request};
use crate::support::larder::LarderProcess;
use crate::support::nupkg::Packed;
use crate::support::random::{Random, number_from};

/// How many packages there are; a few of them fit.
const PACKAGES: usize = 24;
const MAX_BYTES: &str = "800KB";

#[test]
fn what_makes_room_when_larder_is_killed_is_whole_or_gone() {
    let rounds = number_from("LARDER_KILL_ROUNDS", 12);
    let mut random = Random::seeded();
    let packages = cold_packages(PACKAGES, &mut random);
    let (_origin, mut mirror) = origin_and_mirror(&packages, &format!("max_bytes = \"{MAX_BYTES}\"\n"));
    for _ in 0..rounds {
        mirror.restart();
        for _ in 0..3 {
            check_mirrored(&mirror, random.pick(&packages));
        }
        let moment = Duration::from_millis(random.below(LATEST_KILL_MS) as u64);
        read_and_kill(&mut mirror, moment, &packages, random.next());
    }
    mirror.restart();
    for package in &packages {
        check_mirrored(&mirror, package);
    }
    let verified = mirror.command::<&Path>("verify", &[]).expect_success();
    verified.expect_output(" 0 damaged, 0 missing, 0 sidecars damaged");
    let log = mirror.log();
    assert!(log.contains("made room"), "nothing had to go: {log}");
    assert!(!log.contains("panicked") && !log.contains("set_aside"), "{log}");
}

/// Reads packages, more than fit, until the larder is killed at `moment`.
fn read_and_kill(mirror: &mut LarderProcess, moment: Duration, packages: &[Packed], seed: u64) {
    let authority = mirror.authority().to_owned();
    std::thread::scope(|scope| {
        for reader in 0..READERS {
            let (authority, mut random) = (&authority, Random::from_seed(seed ^ (reader + 1)));
            scope.spawn(move || {
                loop {
                    let package = random.pick(packages);
                    match try_request(authority, "GET", &download(package), b"") {
                        Ok((200, body)) => assert!(body == package.bytes, "{} came wrong", package.file_name()),
                        Ok((status, body)) => {
                            panic!("a package was answered {status}: {}", String::from_utf8_lossy(&body))
                        }
                        Err(_) => return,
                    }
                }
            });
        }
        std::thread::sleep(moment);
        mirror.kill();
    });
}
