//! `kill -9` while packages come from an upstream: nothing that was cut is ever served, and what is kept is whole.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;

use crate::support::download::{Download, Ended};
use crate::support::gallery::upstream;
use crate::support::larder::LarderProcess;
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::random::Random;
use crate::support::upstream::{Pace, Reply, ScriptedUpstream};

const READERS: usize = 6;
const LATEST_KILL_MS: usize = 800;
/// How many packages a round reads for the first time, if it lives long enough.
const FRESH: usize = 18;

fn packages(round: usize, random: &mut Random) -> Vec<Packed> {
    let make = |number: usize| {
        let bytes = 20_000 + random.below(if number.is_multiple_of(3) { 3_000_000 } else { 200_000 });
        Nupkg::new(&format!("cold.{round}.{number}"), "1.0")
            .file("tools/data.bin", random.bytes(bytes))
            .pack()
    };
    (0..FRESH).map(make).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_2_kills_during_misses() {
    let rounds = super::times(10, 200);
    let mut random = Random::seeded();
    let gallery = ScriptedUpstream::start().await;
    let mut larder = LarderProcess::prepare(&upstream("gallery", &gallery), crate::support::larder::ADMIN_KEY);
    let mut known: Vec<(Packed, Bytes)> = Vec::new();
    let mut whole = 0;
    for round in 0..rounds {
        let fresh: Vec<_> = packages(round, &mut random)
            .into_iter()
            .map(|package| {
                gallery.has(&[&package]);
                let body = Bytes::from(package.bytes.clone());
                let every = Duration::from_millis(2);
                let pace = Pace { bytes: 50_000, every };
                gallery.serves(&package, Reply::ok(body.clone()).slow(0, pace));
                (package, body)
            })
            .collect();
        larder = started(larder).await;
        assert_nothing_in_flight(&larder.data_dir());
        // What was kept before, and what was cut, in the same turn as what nobody has read yet.
        let again = (0..FRESH.min(known.len())).map(|_| random.pick(&known).clone());
        let asked: Vec<_> = again.chain(fresh.iter().cloned()).collect();
        let moment = Duration::from_millis(random.below(LATEST_KILL_MS) as u64);
        let (next, authority) = (AtomicUsize::new(0), larder.authority().to_owned());
        let readers = join_all((0..READERS).map(|_| async {
            let mut whole = 0;
            while let Some((package, body)) = asked.get(next.fetch_add(1, Ordering::Relaxed)) {
                match Download::start(&authority, &target(package), body, None).await {
                    // Each byte that comes is compared; only an end may be missing.
                    Some(download) => {
                        assert_eq!(download.status, 200, "{}", package.id);
                        whole += usize::from(download.finish().await == Ended::Whole);
                    }
                    None => break,
                }
            }
            whole
        }));
        let (counts, ()) = tokio::join!(readers, async {
            tokio::time::sleep(moment).await;
            larder.kill();
        });
        whole += counts.into_iter().sum::<usize>();
        known.extend(fresh);
    }
    assert!(whole > 0, "nothing was ever answered");
    larder = started(larder).await;
    let authority = larder.authority().to_owned();
    for (package, body) in &known {
        let download = Download::start(&authority, &target(package), body, None).await;
        let download = download.expect("an answer");
        assert_eq!(
            (download.status, download.finish().await),
            (200, Ended::Whole),
            "{}",
            package.id
        );
    }
    let verified = tokio::task::spawn_blocking(move || {
        larder.stop();
        larder
            .command::<&Path>("verify", &[])
            .expect_success()
            .expect_output(" 0 damaged, 0 missing, 0 sidecars damaged");
        larder.log()
    });
    let log = verified.await.expect("a larder");
    assert!(!log.contains("panicked") && !log.contains("set_aside"), "{log}");
}

fn target(package: &Packed) -> String {
    format!("/api/v2/package/{}/{}", package.id, package.version)
}

async fn started(mut larder: LarderProcess) -> LarderProcess {
    let started = tokio::task::spawn_blocking(move || {
        larder.restart();
        larder
    });
    started.await.expect("a larder that starts")
}

fn assert_nothing_in_flight(data: &Path) {
    let spooled: Vec<_> = std::fs::read_dir(data.join("spool")).expect("a spool").collect();
    assert!(spooled.is_empty(), "{spooled:?}");
}
