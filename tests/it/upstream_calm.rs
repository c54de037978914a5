//! An upstream that fails, or asks to be left alone, is treated with care: it is tried again a little, then not at all for a
//! while, and whoever asks is told at once.

use std::time::Duration;

use larder::nuget::PackageId;
use larder::upstream::{
    BreakerSettings, BreakerStatus, ClientSettings, ErrorKind, Totals, Upstream as _, UpstreamError, Urgency,
    V2Upstream,
};

use crate::support::app::{OLD, TestApp, find, names};
use crate::support::gallery::{find_target, upstream};
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{ANYTHING, Reply, ScriptedUpstream, atom_feed};
use crate::upstream_v2::{announced, at_once, client_by, patient, settings};

/// Retries at once, so that no test waits for chance; its breaker is as it ships unless said otherwise.
fn calm(upstream: &ScriptedUpstream, attempts: u32, breaker: BreakerSettings) -> V2Upstream {
    client_by(
        &upstream.url("/api/v2/"),
        ClientSettings {
            retry: at_once(attempts),
            breaker,
            ..settings(patient())
        },
    )
}

async fn ask(client: &V2Upstream) -> Result<usize, UpstreamError> {
    let id: PackageId = "git".parse().expect("an id");
    let found = client.versions(&id, None, &Urgency::default()).await?;
    Ok(announced(found).len())
}

fn empty() -> Reply {
    Reply::feed(atom_feed(&[], None))
}

#[tokio::test]
async fn failures_of_the_moment_are_tried_again() {
    let upstream = ScriptedUpstream::start().await;
    let client = calm(&upstream, 3, BreakerSettings::default());
    for failures in [
        vec![Reply::status(503)],
        vec![Reply::status(500), Reply::hang_up()],
        vec![Reply::status(408), Reply::status(502)],
    ] {
        let before = upstream.requests().len();
        let expected = failures.len() + 1;
        upstream.script(ANYTHING, failures.into_iter().chain([empty()]));
        assert_eq!(ask(&client).await.map_err(|error| error.to_string()), Ok(0));
        assert_eq!(upstream.requests().len() - before, expected);
    }
    // So are pages that break off on their way.
    let client = calm(&upstream, 3, BreakerSettings::default());
    let feed = atom_feed(&[], None);
    let before = upstream.requests().len();
    let broken = [
        Reply::feed(feed.clone()).close(20),
        Reply::feed(feed).chunked().reset(30),
        empty(),
    ];
    upstream.script(ANYTHING, broken);
    assert_eq!(ask(&client).await.map_err(|error| error.to_string()), Ok(0));
    assert_eq!(upstream.requests().len() - before, 3);
    // Three attempts are all.
    upstream.on(ANYTHING, Reply::status(500));
    let before = upstream.requests().len();
    assert_eq!(ask(&client).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(upstream.requests().len() - before, 3);
    // What is an answer is not asked for again.
    for status in [400, 401, 403, 404, 410] {
        let client = calm(&upstream, 3, BreakerSettings::default());
        upstream.on(ANYTHING, Reply::status(status));
        let before = upstream.requests().len();
        let _ = ask(&client).await;
        assert_eq!(upstream.requests().len() - before, 1, "{status}");
    }
}

#[tokio::test]
async fn an_upstream_that_fails_is_not_asked_for_a_while() {
    let upstream = ScriptedUpstream::start().await;
    let client = calm(&upstream, 1, BreakerSettings::default());
    upstream.on(ANYTHING, Reply::status(500));
    for _ in 0..20 {
        assert_eq!(ask(&client).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert_eq!(upstream.requests().len(), 5);
    let error = ask(&client).await.unwrap_err();
    assert!(
        error.to_string().contains("it failed too often and is tried again in "),
        "{error}"
    );
    assert!(error.retry_after().is_some_and(|wait| wait <= Duration::from_secs(10)));

    // One probe, and all is well again.
    let short = BreakerSettings {
        open: Duration::ZERO,
        ..BreakerSettings::default()
    };
    let client = calm(&upstream, 1, short);
    for _ in 0..5 {
        assert!(ask(&client).await.is_err());
    }
    upstream.on(ANYTHING, empty());
    for _ in 0..3 {
        assert_eq!(ask(&client).await.map_err(|error| error.to_string()), Ok(0));
    }
}

#[tokio::test]
async fn an_upstream_that_asks_to_be_left_alone_is() {
    for (reply, at_most) in [
        (Reply::status(429), 60),
        (Reply::status(429).header("Retry-After", "120"), 120),
        (Reply::status(429).header("Retry-After", "999999"), 600),
        (Reply::status(503).header("Retry-After", "30"), 30),
        (Reply::status(429).body("error code: 1015"), 3600),
        (
            Reply::status(429).body("<h1><span>Error</span> <span>1015</span></h1>"),
            3600,
        ),
        (Reply::status(429).body("<p>Ray ID: 8f21015c4d</p>"), 60),
    ] {
        let upstream = ScriptedUpstream::start().await;
        let client = calm(&upstream, 3, BreakerSettings::default());
        upstream.on(ANYTHING, reply);
        for _ in 0..3 {
            assert_eq!(ask(&client).await.unwrap_err().kind(), ErrorKind::Unavailable);
        }
        assert_eq!(upstream.requests().len(), 1);
        let wait = ask(&client)
            .await
            .unwrap_err()
            .retry_after()
            .expect("a time to wait")
            .as_secs();
        assert!((at_most - 20..=at_most).contains(&wait), "{wait} of {at_most}");
    }
}

#[tokio::test]
async fn how_it_does_can_be_seen() {
    let upstream = ScriptedUpstream::start().await;
    let client = calm(&upstream, 2, BreakerSettings::default());
    let empty = empty();
    let down = Reply::status(500);
    upstream.script(ANYTHING, [empty.clone(), down, empty, Reply::status(429)]);
    assert_eq!(client.status().totals, Totals::default());
    for _ in 0..2 {
        assert_eq!(ask(&client).await.map_err(|error| error.to_string()), Ok(0));
    }
    let status = client.status();
    assert_eq!(status.home, upstream.url("/api/v2/"));
    assert_eq!((status.breaker, &status.pause), (BreakerStatus::Closed, &None));
    assert_eq!((status.totals.requests, status.totals.retries), (3, 1));
    assert_eq!(status.totals.bytes, 2 * atom_feed(&[], None).len() as u64);
    assert_eq!(status.totals.failures.unavailable, 1);
    assert!(status.last_errors[0].error.contains("status 500"), "{status:?}");

    for _ in 0..2 {
        assert!(ask(&client).await.is_err());
    }
    let status = client.status();
    assert!(status.pause.is_some(), "{status:?}");
    assert_eq!(status.totals.requests, 4);
    assert!(status.totals.turned_away > 0, "{status:?}");
    assert_eq!(status.totals.failures.throttled, 1);

    let client = calm(&upstream, 1, BreakerSettings::default());
    upstream.on(ANYTHING, Reply::hang_up());
    for _ in 0..5 {
        assert!(ask(&client).await.is_err());
    }
    let status = client.status();
    assert!(matches!(status.breaker, BreakerStatus::Open { .. }), "{status:?}");
    assert_eq!(status.totals.failures.unreachable, 5);
}

#[tokio::test]
async fn a_short_pause_is_waited_for() {
    let upstream = ScriptedUpstream::start().await;
    let client = calm(&upstream, 3, BreakerSettings::default());
    let busy = Reply::status(429).header("Retry-After", "1");
    upstream.script(ANYTHING, [busy, empty()]);
    assert_eq!(ask(&client).await.map_err(|error| error.to_string()), Ok(0));
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn clients_are_told_to_come_back_and_served_what_is_known() {
    let gallery = ScriptedUpstream::start().await;
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let git = Nupkg::new("git", "1.0").pack();
    gallery.has(&[&git]);
    app.get(&find("git")).await.expect_status(200);
    app.clock.advance(OLD);
    gallery.on(&find_target("git"), Reply::status(429).header("Retry-After", "300"));
    let stale = app.get(&find("git")).await.expect_status(200);
    assert_eq!(names(&stale.feed()), ["git 1.0"]);
    let asked = gallery.requests().len();
    assert!(stale.warning().is_some(), "{:?}", gallery.targets());
    let unknown = app.get(&find("vlc")).await.expect_status(503);
    let wait: u64 = unknown
        .header("retry-after")
        .and_then(|wait| wait.parse().ok())
        .expect("seconds");
    assert!((280..=300).contains(&wait), "{wait}");
    assert!(unknown.reason.contains("gallery"), "{}", unknown.reason);
    assert_eq!(gallery.asked(&find_target("vlc")), 0);
    assert_eq!(gallery.requests().len(), asked);
}
