//! Answers that come byte by byte are given up, and hold up nobody else.

use std::time::Duration;

use futures::StreamExt as _;
use larder::upstream::{ErrorKind, Limits, Outage, Slowest, Timeouts, Upstream as _, UpstreamError, Urgency};

use super::is_full;
use crate::support::app::{TestApp, find};
use crate::support::faultd::{Pace, Reply, ScriptedUpstream};
use crate::support::gallery::{find_target, package_target, upstream};
use crate::support::nupkg::Nupkg;
use crate::support::random::Random;
use crate::upstream_v2::{client_with, patient};

fn dribble() -> Pace {
    Pace {
        bytes: 1,
        every: Duration::from_millis(if is_full() { 1000 } else { 20 }),
    }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_given_up() {
    let gallery = ScriptedUpstream::start().await;
    let package = Nupkg::new("git", "1.0")
        .file("x.bin", Random::from_seed(1).bytes(200_000))
        .pack();
    gallery.has(&[&package]);
    gallery.on(
        &find_target("slow"),
        Reply::feed("<feed/>")
            .header("X-Long", &"x".repeat(500))
            .slow_head(dribble()),
    );
    let limit = if is_full() { "20s" } else { "500ms" };
    let app = TestApp::start(&format!(
        "timeouts.headers = \"{limit}\"\n{}",
        upstream("gallery", &gallery)
    ))
    .await;
    let target = find("slow");
    let mut slow = std::pin::pin!(app.request("GET", &target).timeout(Duration::from_secs(60)).send());
    // Other packages come meanwhile.
    let others = async {
        app.get(&find("git")).await.expect_status(200);
        let got = app.get(&package_target("git", "1.0")).await.expect_status(200);
        assert!(got.body == package.bytes);
    };
    tokio::select! {
        biased;
        slow = &mut slow => panic!("it did not wait: {slow:?}"),
        () = others => {}
    }
    assert_eq!(slow.await.expect("an answer").status(), 504);
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_given_up() {
    let upstream = ScriptedUpstream::start().await;
    let mut body = Random::from_seed(13).bytes(100_000);
    body[..2].copy_from_slice(b"PK");
    upstream.on(
        "/api/v2/package/git/1.0",
        Reply::ok(body.clone()).slow(50_000, dribble()),
    );
    let timeouts = Timeouts {
        slowest: Slowest {
            bytes_per_second: 10_000,
            over: Duration::from_secs(if is_full() { 60 } else { 1 }),
        },
        ..patient()
    };
    let client = client_with(&upstream.url("/api/v2/"), timeouts, Limits::default());
    let (id, version) = ("git".parse().expect("an id"), "1.0".parse().expect("a version"));
    let opened = client.open(&id, &version, None, &Urgency::default()).await;
    let mut content = opened.expect("its beginning comes at once");
    let mut came = 0;
    let error = loop {
        match content.stream.next().await.expect("an error before the end") {
            Ok(chunk) => came += chunk.len(),
            Err(error) => break error,
        }
    };
    assert!((50_000..60_000).contains(&came), "{came}");
    let is_slow = matches!(
        &error,
        UpstreamError::Unavailable {
            outage: Outage::TooSlow(_),
            ..
        }
    );
    assert!(
        is_slow && error.is_timeout() && error.kind() == ErrorKind::Unavailable,
        "{error}"
    );
    assert_eq!(upstream.requests().len(), 1, "it is not asked for again");

    // A feed is no other.
    upstream.on(
        "/api/v2/FindPackagesById()",
        Reply::feed("<feed/>".to_owned() + &" ".repeat(5_000)).slow(7, dribble()),
    );
    let error = client
        .versions(&id, None, &Urgency::default())
        .await
        .expect_err("too slow");
    assert!(error.is_timeout(), "{error}");
}
