//! When the upstream that a version is shown of cannot deliver it, the next one that announces the same bytes does.

use crate::support::app::TestApp;
use crate::support::gallery::{package_target, template, upstream};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::random::Random;
use crate::support::upstream::{Reply, ScriptedUpstream};

const GIT: &str = "/api/v2/package/git/1.0";

async fn two() -> (ScriptedUpstream, ScriptedUpstream, TestApp) {
    let (first, second) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    let app = TestApp::start(&format!("{}{}", upstream("first", &first), upstream("second", &second))).await;
    (first, second, app)
}

fn git() -> Packed {
    Nupkg::new("git", "1.0").pack()
}

/// A package of more than is held back: bytes of chance do not shrink.
fn large() -> Packed {
    let mut random = Random::from_seed(4);
    let data: Vec<u8> = (0..40_000).flat_map(|_| random.next().to_le_bytes()).collect();
    Nupkg::new("git", "1.0").file("tools/data.bin", data).pack()
}

#[tokio::test]
async fn the_next_one_delivers_what_the_first_cannot() {
    let other = Nupkg::new("git", "1.0").tags("other").pack();
    for trouble in [
        Reply::status(404),
        Reply::status(403),
        Reply::status(500),
        Reply::hang_up(),
        Reply::ok(other.bytes),
        Reply::ok(b"<html>log in</html>".to_vec()),
    ] {
        let (first, second, app) = two().await;
        let package = git();
        first.has(&[&package]);
        second.has(&[&package]);
        first.serves(&package, trouble);
        let answer = app.get(GIT).await.expect_status(200);
        assert_eq!(answer.body, package.bytes);
        let target = package_target("git", "1.0");
        assert_eq!((first.asked(&target), second.asked(&target)), (1, 1));
        // Its file lies with the one that brought it, and is served from there.
        assert!(app.nupkg_of("second", "git").exists());
        assert_eq!(app.get(GIT).await.expect_status(200).body, package.bytes);
        assert_eq!((first.asked(&target), second.asked(&target)), (1, 1));
        // What is shown is what the first one says.
        assert_eq!(app.versions("git").await, ["git 1.0"]);
    }
}

#[tokio::test]
async fn the_first_one_delivers_what_both_have() {
    let (first, second, app) = two().await;
    let package = git();
    first.has(&[&package]);
    second.has(&[&package]);
    app.get(GIT).await.expect_status(200);
    assert_eq!(second.asked("/package/"), 0);
}

#[tokio::test]
async fn other_bytes_take_nobodys_place() {
    let (first, second, app) = two().await;
    first.has(&[&git()]);
    first.serves(&git(), Reply::status(404));
    second.has(&[&Nupkg::new("git", "1.0").tags("other").pack()]);
    let answer = app.get(GIT).await.expect_status(502);
    assert!(answer.text().contains("'first'"), "{}", answer.text());
    assert_eq!(second.asked("/package/"), 0);
}

#[tokio::test]
async fn what_comes_is_held_to_what_was_shown() {
    // The second one announces no hash, and has other bytes.
    let (first, second, app) = two().await;
    let (package, other) = (git(), Nupkg::new("git", "1.0").tags("other").pack());
    first.has(&[&package]);
    first.serves(&package, Reply::status(404));
    second.announces(&other, &[second.entry_without_hash(&other, "")]);
    second.serves(&other, Reply::ok(other.bytes.clone()));
    app.get(GIT).await.expect_status(502);
    assert_eq!(second.asked("/package/"), 1);
    assert!(app.package_files().is_empty());
    // The very bytes are taken.
    second.serves(&other, Reply::ok(package.bytes.clone()));
    assert_eq!(app.get(GIT).await.expect_status(200).body, package.bytes);
}

#[tokio::test]
async fn what_was_mirrored_before_stays_what_it_is() {
    let (first, second, app) = two().await;
    let (package, other) = (git(), Nupkg::new("git", "1.0").tags("other").pack());
    // The first one announces no hash, so that any bytes can be what it means.
    first.announces(&package, &[first.entry_without_hash(&package, "")]);
    first.serves(&package, Reply::status(503));
    second.has(&[&other]);
    assert_eq!(app.get(GIT).await.expect_status(200).body, other.bytes);
    first.serves(&package, Reply::ok(package.bytes.clone()));
    assert_eq!(app.get(GIT).await.expect_status(200).body, other.bytes);
}

#[tokio::test]
async fn one_that_broke_off_is_asked_last_the_next_time() {
    let (first, second, app) = two().await;
    let package = large();
    first.has(&[&package]);
    second.has(&[&package]);
    first.serves(&package, Reply::ok(package.bytes.clone()).close(200_000));
    // What was passed on cannot be taken back: this transfer breaks, and the next one comes from elsewhere.
    assert!(app.try_get(GIT).await.is_err());
    app.spool_empties().await;
    let target = package_target("git", "1.0");
    let asked = first.asked(&target);
    assert_eq!(app.get(GIT).await.expect_status(200).body, package.bytes);
    assert_eq!((first.asked(&target), second.asked(&target)), (asked, 1));
}

#[tokio::test]
async fn all_that_fail_are_told_as_a_failure() {
    let (first, second, app) = two().await;
    let package = git();
    first.has(&[&package]);
    second.has(&[&package]);
    first.serves(&package, Reply::status(404));
    second.serves(&package, Reply::status(503));
    let answer = app.get(GIT).await.expect_status(503);
    assert!(answer.text().contains("'second'"), "{}", answer.text());
}

#[tokio::test]
async fn a_template_is_asked_for_what_nobody_announces() {
    let (gallery, files) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    let app = TestApp::start(&format!(
        "{}{}",
        upstream("gallery", &gallery),
        template("files", &files)
    ))
    .await;
    let package = git();
    gallery.on("*", Reply::feed(crate::support::upstream::atom_feed(&[], None)));
    files.on("/files/git/git.1.0.nupkg", Reply::ok(package.bytes.clone()));
    assert_eq!(app.get(GIT).await.expect_status(200).body, package.bytes);
}
