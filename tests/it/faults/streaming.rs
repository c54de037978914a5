//! A package that is passed on while it comes: what a client sees of it, and when.

use bytes::Bytes;
use futures::future::join_all;

use crate::support::app::TestApp;
use crate::support::download::{Download, Ended};
use crate::support::gallery::{hash_properties, package_target, upstream};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::random::Random;
use crate::support::upstream::{Gate, Reply, ScriptedUpstream};

const GIT: &str = "/api/v2/package/git/1.0";
const HOLD_BACK: usize = 64 * 1024;

/// A package of about `bytes` bytes.
pub(super) fn package(id: &str, bytes: usize) -> Packed {
    let noise = Random::from_seed(bytes as u64).bytes(bytes);
    Nupkg::new(id, "1.0").file("tools/data.bin", noise).pack()
}

async fn with(package: &Packed, reply: Reply, settings: &str) -> (ScriptedUpstream, TestApp) {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[package]);
    gallery.serves(package, reply);
    let app = TestApp::start(&format!("{settings}\n{}", upstream("gallery", &gallery))).await;
    (gallery, app)
}

async fn download(app: &TestApp, body: &Bytes) -> Download {
    let started = Download::start(&app.authority(), GIT, body, None).await;
    started.expect("an answer")
}

#[tokio::test]
async fn the_first_bytes_are_passed_on_at_once() {
    let package = package("git", 3_000_000);
    let body = Bytes::from(package.bytes.clone());
    for first in [2, 1000, 40_000] {
        let gate = Gate::new();
        let (gallery, app) = with(&package, Reply::ok(body.clone()).gate(first, &gate), "").await;
        let mut client = download(&app, &body).await;
        while client.received < first {
            client.read(first).await.expect("bytes while the upstream waits");
        }
        // Whoever comes now follows.
        let mut follower = download(&app, &body).await;
        assert!(follower.read(first).await.is_some());
        gate.open();
        let ended = (client.finish().await, follower.finish().await);
        assert_eq!(ended, (Ended::Whole, Ended::Whole));
        assert_eq!(gallery.asked("/package/"), 1);
    }
}

#[tokio::test]
async fn the_end_of_what_is_not_the_package_never_comes() {
    let package = package("git", 3_000_000);
    let mut wrong = package.bytes.clone();
    wrong[2_000_000] ^= 1;
    let wrong = Bytes::from(wrong);
    let (_gallery, app) = with(&package, Reply::ok(wrong.clone()), "").await;
    for _ in 0..3 {
        let mut client = download(&app, &wrong).await;
        assert_eq!(client.status, 200);
        while client.read(1 << 20).await.is_some() {}
        assert!(client.received <= wrong.len() - HOLD_BACK, "{} came", client.received);
    }
    app.spool_empties().await;
    assert!(app.package_files().is_empty());
}

#[tokio::test]
async fn who_waits_too_long_is_told_so_and_starts_no_second_fetch() {
    for bytes in [1000, 3_000_000] {
        let (package, gate) = (package("git", bytes), Gate::new());
        let reply = Reply::ok(package.bytes.clone()).head_gate(&gate);
        let (gallery, app) = with(&package, reply, "limits.max_wait = \"200ms\"").await;
        for answer in join_all((0..5).map(|_| app.get(GIT))).await {
            let answer = answer.expect_status(503);
            assert!(answer.header("retry-after").is_some());
            assert!(answer.text().contains("still on its way"), "{}", answer.text());
        }
        app.get(GIT).await.expect_status(503);
        assert_eq!(gallery.asked("/package/"), 1);
        gate.open();
        app.spool_empties().await;
        crate::support::app::until("it is kept", || app.package_files().len() == 2).await;
        assert!(app.get(GIT).await.expect_status(200).body == package.bytes);
        assert_eq!(gallery.asked("/package/"), 1);
    }
}

#[tokio::test]
async fn fault_27_a_fetch_outlives_its_clients() {
    let package = package("git", 5_000_000);
    let body = Bytes::from(package.bytes.clone());
    for all_go in [false, true] {
        let gate = Gate::new();
        let reply = Reply::ok(body.clone()).gate(body.len() / 10, &gate);
        let (gallery, app) = with(&package, reply, "").await;
        let mut leader = download(&app, &body).await;
        leader.read(1000).await.expect("the first bytes");
        let others = join_all((0..super::times(20, 200)).map(|_| download(&app, &body))).await;
        drop(leader);
        let staying = if all_go { Vec::new() } else { others };
        gate.open();
        for ended in join_all(staying.into_iter().map(Download::finish)).await {
            assert_eq!(ended, Ended::Whole);
        }
        crate::support::app::until("it is kept", || app.package_files().len() == 2).await;
        assert_eq!(download(&app, &body).await.finish().await, Ended::Whole);
        assert_eq!(gallery.asked("/package/"), 1);
    }
}

#[tokio::test]
async fn fault_28_what_breaks_off_goes_on_or_breaks_off_for_all() {
    let package = package("git", 5_000_000);
    let body = Bytes::from(package.bytes.clone());
    let half = body.len() / 2;
    for can_resume in [true, false] {
        let gate = Gate::new();
        let whole = || {
            let reply = Reply::ok(body.clone());
            if can_resume { reply.resumable("\"v1\"") } else { reply }
        };
        let gallery = ScriptedUpstream::start().await;
        gallery.has(&[&package]);
        let twice = upstream("gallery", &gallery).replace("attempts = 1", "attempts = 2");
        let app = TestApp::start(&twice).await;
        let first = whole().gate(half, &gate).reset(half);
        let then = if can_resume { whole() } else { Reply::status(500) };
        gallery.script(&package_target("git", "1.0"), [first, then]);
        let mut leader = download(&app, &body).await;
        leader.read(1000).await.expect("the first bytes");
        let clients = join_all((0..super::times(20, 1000)).map(|_| download(&app, &body))).await;
        gate.open();
        let expected = if can_resume { Ended::Whole } else { Ended::Cut };
        assert_eq!(leader.finish().await, expected);
        for ended in join_all(clients.into_iter().map(Download::finish)).await {
            assert_eq!(ended, expected);
        }
        let asked = gallery.asked("/package/");
        assert!((1..=2).contains(&asked), "{asked}");
        app.spool_empties().await;
        assert_eq!(app.package_files().len(), if can_resume { 2 } else { 0 });
        // Nothing of it is in the way of the next one.
        gallery.serves(&package, whole());
        assert_eq!(download(&app, &body).await.finish().await, Ended::Whole);
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_passed_on_all_the_same() {
    for bytes in [1000, 3_000_000] {
        let package = package("git", bytes);
        let body = Bytes::from(package.bytes.clone());
        let (gallery, app) = with(&package, Reply::ok(body.clone()), "").await;
        // Where its folder would be there is a file.
        let place = app.data().join("packages").join("gallery");
        std::fs::write(&place, b"").expect("a file");
        for asked in 1..=2 {
            let answers = join_all((0..5).map(|_| app.get(GIT))).await;
            for answer in answers {
                assert!(answer.expect_status(200).body == body);
            }
            assert!(gallery.asked("/package/") >= asked, "it was not kept");
        }
        app.spool_empties().await;
        std::fs::remove_file(&place).expect("the file");
        assert!(app.get(GIT).await.expect_status(200).body == body);
        crate::support::app::until("it is kept", || app.package_files().len() == 2).await;
    }
}

#[tokio::test]
async fn what_a_crash_leaves_in_flight_is_in_nobodys_way() {
    let package = package("git", 3_000_000);
    let body = Bytes::from(package.bytes.clone());
    let gate = Gate::new();
    let reply = Reply::ok(body.clone()).gate(1_000_000, &gate);
    let (gallery, mut app) = with(&package, reply, "").await;
    let mut client = download(&app, &body).await;
    client.read(1000).await.expect("the first bytes");
    drop(client);
    let left = app.data().join("packages/gallery/git/1.0.0");
    std::fs::create_dir_all(&left).expect("a folder");
    std::fs::write(left.join("0123456789abcdef.nupkg#1"), b"PK").expect("a file that a crash left");
    std::fs::write(app.data().join("spool/7.part"), b"PK").expect("a file that a crash left");
    app.crash().await;
    assert!(app.spool_files().is_empty());
    gallery.serves(&package, Reply::ok(body.clone()));
    assert_eq!(download(&app, &body).await.finish().await, Ended::Whole);
    app.spool_empties().await;
    assert_eq!(app.package_files().len(), 2, "{:?}", app.package_files());
}

#[tokio::test]
async fn a_look_up_that_all_have_left_is_in_nobodys_way() {
    let package = package("git", 1000);
    let gallery = ScriptedUpstream::start().await;
    let gate = Gate::new();
    let entry = gallery.entry_without_hash(&package, &hash_properties(&package.bytes));
    let feed = crate::support::upstream::atom_feed(&[entry], None);
    gallery.on(
        &crate::support::gallery::find_target("git"),
        Reply::feed(feed).head_gate(&gate),
    );
    gallery.serves(&package, Reply::ok(package.bytes.clone()));
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    {
        let mut leaving = std::pin::pin!(app.get(GIT));
        tokio::select! {
            _ = &mut leaving => panic!("nothing was answered yet"),
            () = gate.reached_by(1) => {}
        }
    }
    let mut next = std::pin::pin!(app.get(GIT));
    // The next one comes before there is an answer, and waits for the same.
    assert!(futures::poll!(&mut next).is_pending());
    gate.open();
    assert!(next.await.expect_status(200).body == package.bytes);
    assert_eq!(gallery.asked("FindPackagesById"), 1);
}
