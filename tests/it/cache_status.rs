//! `Cache-Status` and `Age`: each answer says how it came about.

use std::time::Duration;

use crate::support::app::{Answer, KEY, TestApp, find, send};
use crate::support::gallery::{find_target, upstream};
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{Reply, ScriptedUpstream};

const ENTRY: &str = "/api/v2/Packages(Id='git',Version='1.0')";
const NUPKG: &str = "/api/v2/package/git/1.0";

async fn told(app: &TestApp, target: &str) -> (String, Option<String>) {
    of(&app.get(target).await)
}

fn of(answer: &Answer) -> (String, Option<String>) {
    let status = answer.header("cache-status").expect("each answer has it");
    (status.to_owned(), answer.header("age").map(str::to_owned))
}

fn both(status: &str, age: Option<&str>) -> (String, Option<String>) {
    (status.to_owned(), age.map(str::to_owned))
}

#[tokio::test]
async fn what_is_made_here_is_a_hit() {
    let app = TestApp::start("").await;
    app.push(&Nupkg::new("git", "1.0").pack()).await.expect_status(201);
    for target in [
        ENTRY,
        NUPKG,
        &find("git"),
        "/api/v2/$metadata",
        "/api/v2/Packages/$count",
        "/",
    ] {
        assert_eq!(told(&app, target).await, both("larder; hit", None), "{target}");
    }
    let tag = app.get(&find("git")).await.header("etag").expect("a tag").to_owned();
    let again = app.request("GET", &find("git")).header("If-None-Match", tag);
    let again = send(again).await.expect("an answer").expect_status(304);
    assert_eq!(of(&again), both("larder; hit", None));
    assert_eq!(told(&app, "/api/v2/package/hg/1.0").await, both("larder", None));
}

#[tokio::test]
async fn what_an_upstream_says_is_a_miss_then_a_hit_then_stale() {
    let package = Nupkg::new("git", "1.0").pack();
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&package]);
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let (miss, _) = told(&app, &find("git")).await;
    assert_eq!(miss, "larder; fwd=uri-miss; stored");
    assert_eq!(told(&app, NUPKG).await, both("larder; fwd=uri-miss; stored", None));
    app.spool_empties().await;
    app.clock.advance(Duration::from_secs(60));
    let (status, age) = told(&app, ENTRY).await;
    let ttl: u64 = status
        .strip_prefix("larder; hit; ttl=")
        .expect("a hit")
        .parse()
        .expect("a number");
    // Ten minutes, give or take a tenth.
    assert!((480..=600).contains(&ttl), "{status}");
    assert_eq!(age.as_deref(), Some("60"));
    assert_eq!(told(&app, NUPKG).await, both("larder; hit", Some("60")));

    gallery.on(&find_target("git"), Reply::status(500));
    app.clock.advance(Duration::from_secs(3 * 3600));
    let (status, age) = told(&app, ENTRY).await;
    assert!(
        status.starts_with("larder; hit; ttl=-") && status.ends_with("; detail=upstream-failed"),
        "{status}"
    );
    assert_eq!(age.as_deref(), Some("10860"));
    let (status, _) = told(&app, "/api/v2/package/hg/1.0").await;
    assert!(status.starts_with("larder"), "{status}");

    let offline = app.request("POST", "/admin/offline").header("X-NuGet-ApiKey", KEY);
    send(offline.body("{\"offline\":true}"))
        .await
        .unwrap()
        .expect_status(200);
    let (status, _) = told(&app, ENTRY).await;
    assert!(
        status.starts_with("larder; hit; ttl=-") && status.ends_with("; detail=offline"),
        "{status}"
    );
    assert_eq!(told(&app, NUPKG).await.0, "larder; hit; detail=offline");
}
