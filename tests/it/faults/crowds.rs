//! Many clients of one package, fast and slow ones, and the memory that they cost. The larder is the built one.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;

use super::streaming::package;
use crate::support::download::{Download, Ended};
use crate::support::gallery::upstream;
use crate::support::larder::LarderProcess;
use crate::support::nupkg::Packed;
use crate::support::upstream::{Pace, Reply, ScriptedUpstream};

const MB: usize = 1_000_000;
/// So that the system takes little of what a client has not read.
const SMALL_WINDOW: Option<u32> = Some(4096);

async fn serving(packages: &[&Packed]) -> (ScriptedUpstream, LarderProcess) {
    let gallery = ScriptedUpstream::start().await;
    for package in packages {
        gallery.has(&[package]);
    }
    let configuration = upstream("gallery", &gallery);
    let larder = tokio::task::spawn_blocking(move || LarderProcess::start(&configuration));
    (gallery, larder.await.expect("a larder"))
}

fn target(package: &Packed) -> String {
    format!("/api/v2/package/{}/{}", package.id, package.version)
}

/// Downloads a package, and returns how long its first byte took.
async fn fetch(authority: &str, package: &Packed, body: &Bytes) -> Duration {
    let started = Instant::now();
    let client = Download::start(authority, &target(package), body, None).await;
    let mut client = client.expect("an answer");
    client.read(64 * 1024).await.expect("a first byte");
    let first = started.elapsed();
    assert_eq!((client.status, client.finish().await), (200, Ended::Whole));
    first
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_26_a_thousand_clients_of_one_cold_package() {
    let (clients, bytes) = (super::times(100, 1000), super::times(5 * MB, 20 * MB));
    let (warm, cold) = (package("warm", bytes), package("cold", bytes));
    let (gallery, larder) = serving(&[&warm, &cold]).await;
    let (authority, body) = (larder.authority(), Bytes::from(cold.bytes.clone()));
    fetch(authority, &warm, &Bytes::from(warm.bytes.clone())).await;
    let (before, _) = larder.memory_kib();
    let mut first = join_all((0..clients).map(|_| fetch(authority, &cold, &body))).await;
    let (_, peak) = larder.memory_kib();
    assert_eq!(gallery.asked("/package/cold"), 1);
    first.sort();
    let p99 = first[first.len() * 99 / 100];
    let grown = peak.saturating_sub(before);
    eprintln!("{clients} clients, {bytes} bytes: p99 of the first byte {p99:?}, memory grew by {grown} KiB");
    assert!(grown <= 100 * 1024, "memory grew by {grown} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_30_slow_readers_cost_little_and_hold_nobody_up() {
    let (clients, bytes) = (super::times(100, 200), 20 * MB);
    let (warm, cold, alone) = (
        package("warm", bytes),
        package("cold", bytes + 1),
        package("alone", bytes + 2),
    );
    let (gallery, larder) = serving(&[&warm, &cold, &alone]).await;
    let authority = larder.authority();
    fetch(authority, &warm, &Bytes::from(warm.bytes.clone())).await;
    // As fast as a good line, for as long as the slow ones need to come.
    let pace = Pace {
        bytes: 200_000,
        every: Duration::from_millis(5),
    };
    for package in [&cold, &alone] {
        gallery.serves(package, Reply::ok(package.bytes.clone()).slow(MB, pace));
    }
    let started = Instant::now();
    fetch(authority, &alone, &Bytes::from(alone.bytes.clone())).await;
    let by_itself = started.elapsed();
    let (before, _) = larder.memory_kib();
    let body = Bytes::from(cold.bytes.clone());
    let started = Instant::now();
    let mut slow = Vec::new();
    for _ in 0..clients {
        let client = Download::start(authority, &target(&cold), &body, SMALL_WINDOW).await;
        slow.push(client.expect("an answer"));
    }
    fetch(authority, &cold, &body).await;
    let among_slow = started.elapsed();
    // They read on, a little at a time, until each has stopped somewhere.
    for _ in 0..super::times(20, 60) {
        for client in &mut slow {
            client.read(1000).await.expect("more of it");
        }
    }
    let (after, _) = larder.memory_kib();
    let each = after.saturating_sub(before) / clients as u64;
    eprintln!("{clients} slow clients: {each} KiB each; the fast one took {among_slow:?}, alone {by_itself:?}");
    assert!(each <= 128, "{each} KiB for each slow client");
    for client in slow.into_iter().take(5) {
        assert_eq!(client.finish().await, Ended::Whole);
    }
    assert_eq!(gallery.asked("/package/cold"), 1);
}
