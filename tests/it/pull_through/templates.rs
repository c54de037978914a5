//! A place with nupkgs that announces nothing: an exact version is tried, and lists show what was fetched.

use std::time::Duration;

use crate::support::app::{TestApp, find, names};
use crate::support::gallery::template;
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{ANYTHING, Gate, Reply, ScriptedUpstream};

fn file(id: &str, version: &str) -> String {
    format!("/files/{id}/{id}.{version}.nupkg")
}

async fn place_with(packages: &[&Packed]) -> (ScriptedUpstream, TestApp) {
    let files = ScriptedUpstream::start().await;
    for package in packages {
        files.on(&file(&package.id, &package.version), Reply::ok(package.bytes.clone()));
    }
    let app = TestApp::start(&template("files", &files)).await;
    (files, app)
}

#[tokio::test]
async fn an_exact_version_needs_no_metadata() {
    let (old, new) = (
        Nupkg::new("git", "1.0").tags("vcs").pack(),
        Nupkg::new("git", "2.0-beta").pack(),
    );
    let (files, app) = place_with(&[&old, &new]).await;
    assert!(app.versions("git").await.is_empty(), "nothing is known yet");
    assert!(files.targets().is_empty());

    let entry = app.feed("/api/v2/Packages(Id='git',Version='1.0')").await;
    assert_eq!(names(&entry), ["git 1.0"]);
    assert_eq!(entry.entries[0].entry.property("Tags"), Some(" vcs "));
    assert_eq!(
        app.get("/api/v2/package/git/1.0").await.expect_status(200).body,
        old.bytes
    );
    assert_eq!(files.targets(), [file("git", "1.0")], "the key form has fetched it");

    assert_eq!(
        app.get("/api/v2/package/git/2.0-beta").await.expect_status(200).body,
        new.bytes
    );
    assert_eq!(app.versions("git").await, ["git 2.0-beta", "git 1.0"]);
    for (flag, latest) in [
        ("IsLatestVersion", "git 1.0"),
        ("IsAbsoluteLatestVersion", "git 2.0-beta"),
    ] {
        let page = app
            .feed(&format!("/api/v2/Packages()?$filter=Id eq 'git' and {flag}"))
            .await;
        assert_eq!(names(&page), [latest]);
    }
    let found = app
        .feed("/api/v2/Search()?searchTerm='git'&$filter=IsLatestVersion")
        .await;
    assert_eq!(names(&found), ["git 1.0"]);
    assert_eq!(app.get("/api/v2/package/git").await.expect_status(200).body, old.bytes);
    assert_eq!(files.targets().len(), 2);
}

#[tokio::test]
async fn an_absent_version_is_404_and_remembered() {
    let (files, app) = place_with(&[]).await;
    for route in ["/api/v2/Packages(Id='git',Version='1.0')", "/api/v2/package/git/1.0"] {
        app.get(route).await.expect_status(404);
        app.get(route).await.expect_status(404);
    }
    assert_eq!(files.targets(), [file("git", "1.0")]);
    let git = Nupkg::new("git", "1.0").pack();
    files.on(&file("git", "1.0"), Reply::ok(git.bytes.clone()));
    app.clock.advance(Duration::from_secs(50));
    app.get("/api/v2/package/git/1.0").await.expect_status(404);
    app.clock.advance(Duration::from_secs(10));
    app.get("/api/v2/package/git/1.0").await.expect_status(200);
    app.get("/api/v2/package/git").await.expect_status(200);
    app.get("/api/v2/package/nothing").await.expect_status(404);
}

#[tokio::test]
async fn a_place_that_fails_has_not_said_no() {
    let (files, app) = place_with(&[]).await;
    let other = Nupkg::new("other", "1.0").pack();
    for (reply, status) in [
        (Reply::status(500), 503),
        (Reply::hang_up(), 503),
        (Reply::status(403), 502),
        (Reply::ok("<html></html>"), 502),
        (Reply::ok(other.bytes.clone()), 502),
    ] {
        files.on(ANYTHING, reply);
        app.get("/api/v2/Packages(Id='git',Version='1.0')")
            .await
            .expect_status(status);
        app.get("/api/v2/package/git/1.0").await.expect_status(status);
    }
    assert!(app.package_files().is_empty());
    let git = Nupkg::new("git", "1.0").pack();
    files.on(ANYTHING, Reply::ok(git.bytes.clone()));
    app.get("/api/v2/package/git/1.0").await.expect_status(200);
    files.on(ANYTHING, Reply::status(500));
    let answer = app.get(&find("git")).await.expect_status(200);
    assert_eq!(
        (names(&answer.feed()).as_slice(), answer.warning()),
        (&["git 1.0".to_owned()][..], None)
    );
}

#[tokio::test]
async fn two_places_are_tried_in_order() {
    let (first, second) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    let git = Nupkg::new("git", "1.0").pack();
    second.on(&file("git", "1.0"), Reply::ok(git.bytes.clone()));
    let app = TestApp::start(&format!("{}{}", template("first", &first), template("second", &second))).await;
    app.get("/api/v2/Packages(Id='git',Version='1.0')")
        .await
        .expect_status(200);
    assert_eq!((first.targets().len(), second.targets().len()), (1, 1));
    first.on(ANYTHING, Reply::status(500));
    app.get("/api/v2/package/git/1.0").await.expect_status(200);
    app.get("/api/v2/package/git/3.0").await.expect_status(503);
}

#[tokio::test]
async fn an_address_that_is_absent_says_nothing_of_another_spelling() {
    let git = Nupkg::new("Git", "1.0").pack();
    let (files, app) = place_with(&[&git]).await;
    for absent in ["git/1.0", "Git/1.0.0", "git/1.0"] {
        app.get(&format!("/api/v2/package/{absent}")).await.expect_status(404);
    }
    assert_eq!(files.targets().len(), 2, "{:?}", files.targets());
    app.get("/api/v2/package/Git/1.0").await.expect_status(200);
    app.get("/api/v2/package/git/1.0.0").await.expect_status(200);
    assert_eq!(files.targets().len(), 3);
}

#[tokio::test]
async fn two_spellings_at_the_same_time_are_two_files() {
    let git = Nupkg::new("Git", "1.0").pack();
    let (files, app) = place_with(&[&git]).await;
    let gate = Gate::new();
    files.on(&file("git", "1.0.0"), Reply::status(404).head_gate(&gate));
    let absent = app.get("/api/v2/package/git/1.0.0");
    let present = async {
        gate.reached_by(1).await;
        let found = app.get("/api/v2/package/Git/1.0").await;
        gate.open();
        found
    };
    let (absent, present) = tokio::join!(absent, present);
    assert_eq!((absent.status, present.status), (404, 200));
}
