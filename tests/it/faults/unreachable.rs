//! Upstreams that cannot be reached: what is held is served as ever, and what is not fails soon, as what it is.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use larder::upstream::{
    ClientSettings, ErrorKind, Limits, Names, Timeouts, Upstream as _, Urgency, V2Settings, V2Upstream,
};

use super::{is_full, times};
use crate::support::app::{TestApp, find};
use crate::support::chaos::{ChaosProxy, Weather};
use crate::support::faultd::ScriptedUpstream;
use crate::support::gallery::{package_target, upstream_at};
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{Reply, atom_feed};
use crate::upstream_v2::{announced, patient, settings};

/// Returns how long the slowest hundredth of some hits takes at least, in the best of some rounds: the machine has other things
/// to do, too.
async fn slowest_hits(app: &TestApp, target: &str) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..times(1, 8) {
        let mut taken = Vec::new();
        for _ in 0..times(50, 200) {
            let begun = Instant::now();
            app.get(target).await.expect_status(200);
            taken.push(begun.elapsed());
        }
        taken.sort();
        best = best.min(taken[taken.len() * 99 / 100]);
    }
    best
}

#[tokio::test]
async fn what_is_held_is_served_as_ever_and_what_is_not_fails_soon() {
    let gallery = ScriptedUpstream::start().await;
    let package = Nupkg::new("git", "1.0").pack();
    let link = package_target("git", "1.0");
    let properties = crate::support::gallery::hash_properties(&package.bytes);
    let entry = crate::support::upstream::atom_entry("git", "1.0", &link, &properties);
    gallery.announces(&package, &[entry]);
    gallery.serves(&package, Reply::ok(package.bytes.clone()));
    for weather in [Weather::Refused, Weather::BlackHole, Weather::Silent] {
        let mut proxy = ChaosProxy::start(gallery.address()).await;
        // A silent upstream may take 20 s, five times over: here it is given less.
        let limits = if is_full() {
            "timeouts.headers = \"1s\"\n"
        } else {
            "timeouts.connect = \"300ms\"\ntimeouts.headers = \"300ms\"\n"
        };
        let app = TestApp::start(&format!("{limits}{}", upstream_at("gallery", &proxy.url("/api/v2/")))).await;
        assert!(app.get(&link).await.expect_status(200).body == package.bytes);
        let healthy = slowest_hits(&app, &link).await;

        let is_silent = matches!(weather, Weather::Silent);
        proxy.turn(weather).await;
        let begun = Instant::now();
        let first = app.get(&find("unknown0")).await;
        let taken = begun.elapsed();
        assert!(matches!(first.status, 503 | 504), "{} {}", first.status, first.reason);
        // After so many failures in a row nothing more is sent, and whoever asks is told at once.
        for n in 1..5 {
            let answer = app.get(&find(&format!("unknown{n}"))).await;
            assert!(
                matches!(answer.status, 503 | 504),
                "{} {}",
                answer.status,
                answer.reason
            );
        }
        let connections = proxy.connections();
        let mut told_within = Duration::MAX;
        for _ in 0..times(1, 8) {
            let begun = Instant::now();
            let told = app.get(&find("unknown5")).await.expect_status(503);
            told_within = told_within.min(begun.elapsed());
            assert!(told.header("retry-after").is_some(), "{:?}", told.headers);
        }
        assert_eq!(proxy.connections(), connections);
        let troubled = slowest_hits(&app, &link).await;
        eprintln!("hits {healthy:?} healthy, {troubled:?} troubled; first miss {taken:?}, next {told_within:?}");
        if is_full() {
            assert!(is_silent || taken <= Duration::from_secs(4), "{taken:?}");
            assert!(told_within <= Duration::from_millis(5), "{told_within:?}");
            assert!(
                troubled <= healthy.mul_f64(1.2) + Duration::from_millis(1),
                "{troubled:?} {healthy:?}"
            );
        }
        // It recovers by itself: the breaker lets one through when its time is over.
        proxy.turn(Weather::Fair).await;
        gallery.on("*", Reply::feed(atom_feed(&[], None)));
        app.clock.advance(Duration::from_secs(60));
        app.get(&find("unknown6")).await.expect_status(200);
    }
}

fn with_names(names: Names, connect: Duration) -> V2Upstream {
    V2Upstream::new(V2Settings {
        name: "gallery".parse().expect("a name"),
        base: "http://gallery.test:1/api/v2/".parse().expect("a URL"),
        client: ClientSettings {
            names,
            ..settings(Timeouts { connect, ..patient() })
        },
        limits: Limits::default(),
    })
    .expect("a client")
}

#[tokio::test]
async fn a_name_that_is_not_known_is_no_package_that_is_not_there() {
    let refuse = |text: &'static str| {
        Names::by(move |_| async move { Err::<Vec<SocketAddr>, _>(io::Error::other(text)) }.boxed())
    };
    let id = "git".parse().expect("an id");
    let version = "1.0".parse().expect("a version");
    let urgency = Urgency::default();
    for (trouble, names, is_timeout) in [
        ("NXDOMAIN", refuse("Name or service not known"), false),
        ("SERVFAIL", refuse("Temporary failure in name resolution"), false),
        ("no addresses", Names::by(|_| async { Ok(Vec::new()) }.boxed()), false),
        ("no answer", Names::by(|_| futures::future::pending().boxed()), true),
    ] {
        let client = with_names(names, Duration::from_millis(300));
        let asked = client.versions(&id, None, &urgency).await.map(announced);
        let opened = client.open(&id, &version, None, &urgency).await.map(drop);
        for error in [asked.map(drop), opened] {
            let error = error.expect_err(trouble);
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{trouble}: {error}");
            assert_eq!(error.is_timeout(), is_timeout, "{trouble}: {error}");
        }
    }
    // The system's own resolver: this name can never be known (RFC 6761).
    let app = TestApp::start(&upstream_at("gallery", "http://gallery.invalid/api/v2/")).await;
    for target in [find("git"), package_target("git", "1.0")] {
        let answer = app.get(&target).await;
        assert!(
            matches!(answer.status, 503 | 504),
            "{} {}",
            answer.status,
            answer.reason
        );
    }
}
