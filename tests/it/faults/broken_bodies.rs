//! Bodies that break off, are longer or shorter than they say, or do not say where they end: what is not whole is never kept, and
//! never looks whole to a client.

use bytes::Bytes;

use super::times;
use crate::support::app::{Aborted, TestApp};
use crate::support::faultd::{Reply, ScriptedUpstream};
use crate::support::gallery::{package_target, upstream};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::random::Random;

/// How many bytes at the end wait for the verification.
const HELD_BACK: usize = 64 * 1024;

fn package(random: &mut Random, id: &str) -> Packed {
    Nupkg::new(id, "1.0")
        .file("tools/data.bin", random.bytes(300_000))
        .pack()
}

fn configuration(gallery: &ScriptedUpstream, attempts: usize) -> String {
    upstream("gallery", gallery).replace("attempts = 1", &format!("attempts = {attempts}"))
}

/// Gets a package: the status, the bytes that came, and whether that was a whole answer.
async fn bytes_until_the_end(app: &TestApp, target: &str) -> (u16, Vec<u8>, Result<(), Aborted>) {
    let Ok(mut response) = app.request("GET", target).send().await else {
        return (0, Vec::new(), Err(Aborted));
    };
    let status = response.status().as_u16();
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (status, bytes, Ok(())),
            Err(_) => return (status, bytes, Err(Aborted)),
        }
    }
}

#[tokio::test]
async fn a_reset_anywhere_leaves_nothing_behind() {
    let mut random = Random::seeded();
    let gallery = ScriptedUpstream::start().await;
    let app = TestApp::start(&configuration(&gallery, 1)).await;
    for run in 0..times(10, 200) {
        let package = package(&mut random, &format!("p{run}"));
        let whole = || Reply::ok(package.bytes.clone());
        let at = random.below(package.bytes.len());
        let target = package_target(&package.id, "1.0");
        gallery.has(&[&package]);
        gallery.serves(&package, whole().reset(at));
        let (status, bytes, end) = bytes_until_the_end(&app, &target).await;
        if end.is_ok() {
            // Before anything was passed on it can be told in words.
            assert!(matches!(status, 502 | 503), "{status} at {at}");
        } else {
            assert!(
                bytes.len() <= package.bytes.len() - HELD_BACK && package.bytes.starts_with(&bytes),
                "{at}"
            );
        }
        app.spool_empties().await;
        let kept = app.package_files().len();
        assert_eq!(kept, 2 * run, "nothing of it is kept, reset at {at}");
        gallery.serves(&package, whole());
        assert!(app.get(&target).await.expect_status(200).body == package.bytes, "{at}");
    }
}

#[tokio::test]
async fn a_reset_is_not_noticed_where_another_attempt_may_be_made() {
    let mut random = Random::seeded();
    for _ in 0..times(3, 20) {
        let gallery = ScriptedUpstream::start().await;
        let app = TestApp::start(&configuration(&gallery, 3)).await;
        for id in ["a", "b", "c"] {
            let package = package(&mut random, id);
            let whole = || Reply::ok(package.bytes.clone());
            gallery.has(&[&package]);
            let target = package_target(id, "1.0");
            let broken = whole().reset(random.below(package.bytes.len()));
            let replies = if id == "c" {
                [broken, whole()]
            } else {
                [broken.resumable("\"1\""), whole().resumable("\"1\"")]
            };
            gallery.script(&target, replies);
            assert!(app.get(&target).await.expect_status(200).body == package.bytes);
            assert_eq!(gallery.asked(&target), 2);
        }
    }
}

#[tokio::test]
async fn lengths_that_lie_deceive_nobody() {
    let mut random = Random::from_seed(15);
    let gallery = ScriptedUpstream::start().await;
    let app = TestApp::start(&configuration(&gallery, 1)).await;
    let package = package(&mut random, "git");
    gallery.has(&[&package]);
    let target = package_target("git", "1.0");
    let length = package.bytes.len();
    let whole = || Reply::ok(package.bytes.clone());
    // Where a length is promised, all but its end is passed on; without one, nothing is.
    for (trouble, promised, reply) in [
        ("longer than the body", length + 1, whole().length(length + 1)),
        ("much longer", 2 * length, whole().length(2 * length)),
        ("shorter than the body", length - 1, whole().length(length - 1)),
        ("much shorter", length / 2, whole().length(length / 2)),
        ("in chunks without a last one", 0, whole().chunked().close(length)),
        ("in chunks, one cut", 0, whole().chunked().close(length / 2)),
        (
            "until the end of the connection, too soon",
            0,
            whole().until_close().close(length - 1),
        ),
    ] {
        gallery.serves(&package, reply);
        let (status, bytes, end) = bytes_until_the_end(&app, &target).await;
        if end.is_ok() {
            assert!(promised == 0 && matches!(status, 502 | 503), "{trouble}: {status}");
        } else {
            let is_held_back = bytes.len() <= promised - HELD_BACK && package.bytes.starts_with(&bytes);
            assert!(is_held_back, "{trouble}: {}", bytes.len());
        }
        app.spool_empties().await;
        assert_eq!(app.package_files().len(), 0, "{trouble}");
    }
    gallery.serves(&package, whole());
    assert!(app.get(&target).await.expect_status(200).body == package.bytes);
}

#[tokio::test]
async fn what_follows_a_body_is_no_answer_to_anything() {
    let mut random = Random::from_seed(16);
    let gallery = ScriptedUpstream::start().await;
    let app = TestApp::start(&configuration(&gallery, 1)).await;
    let (git, vlc) = (package(&mut random, "git"), package(&mut random, "vlc"));
    gallery.has(&[&git]);
    gallery.has(&[&vlc]);
    // Behind the body stands an answer of its own, as in an attack on whoever asks next.
    let smuggled = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", git.bytes.len());
    let body = [&git.bytes[..], smuggled.as_bytes(), &git.bytes].concat();
    gallery.serves(&git, Reply::ok(Bytes::from(body)).length(git.bytes.len()));
    let asked = package_target("git", "1.0");
    assert!(app.get(&asked).await.expect_status(200).body == git.bytes);
    let next = package_target("vlc", "1.0");
    assert!(app.get(&next).await.expect_status(200).body == vlc.bytes);
    let over = |target: &str| {
        let requests = gallery.requests();
        let request = requests.iter().find(|request| request.target == target);
        request.expect("it was asked for").connection
    };
    assert_ne!(over(&asked), over(&next), "the connection is used again");
}

#[tokio::test]
async fn an_end_that_nobody_tells_needs_a_hash() {
    let mut random = Random::from_seed(17);
    let gallery = ScriptedUpstream::start().await;
    let package = package(&mut random, "git");
    let old = |body: &[u8]| {
        let head = b"HTTP/1.0 200 OK\r\nContent-Type: application/zip\r\n\r\n";
        Reply::raw([&head[..], body].concat())
    };
    let target = package_target("git", "1.0");
    gallery.announces(&package, &[gallery.entry_without_hash(&package, "")]);
    gallery.serves(&package, old(&package.bytes));
    let app = TestApp::start(&configuration(&gallery, 1)).await;
    let refused = app.get(&target).await.expect_status(502);
    assert!(refused.reason.contains("gallery"), "{}", refused.reason);
    assert!(app.package_files().is_empty());

    gallery.has(&[&package]);
    gallery.serves(&package, old(&package.bytes));
    let app = TestApp::start(&configuration(&gallery, 1)).await;
    assert!(app.get(&target).await.expect_status(200).body == package.bytes);
    assert_eq!(app.package_files().len(), 2);
}
