//! Answers with status 200 that are not what was asked for: another package, other bytes, a web page.

use std::time::Duration;

use serde_json::Value;

use crate::support::app::{TestApp, find, names, until};
use crate::support::faultd::{ANYTHING, Reply, ScriptedUpstream};
use crate::support::gallery::{find_target, hash_properties, package_target, sha512, upstream};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::random::Random;

const HOUR: Duration = Duration::from_secs(3600);

/// How many bytes at the end wait for the verification.
const HELD_BACK: usize = 64 * 1024;

fn large(id: &str, version: &str) -> Packed {
    let noise = Random::from_seed(18).bytes(500_000);
    Nupkg::new(id, version).file("tools/data.bin", noise).pack()
}

/// Returns a counter of the upstream `gallery`.
async fn counted(app: &TestApp, counter: &str) -> u64 {
    let answer = app.manage("GET", "/admin/status").await.expect_status(200);
    let status: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let found = find_number(&status, counter);
    found.unwrap_or_else(|| panic!("no {counter} in {status}"))
}

fn find_number(value: &Value, key: &str) -> Option<u64> {
    match value {
        Value::Object(fields) => {
            let own = fields.get(key).and_then(Value::as_u64);
            own.or_else(|| fields.values().filter_map(|value| find_number(value, key)).max())
        }
        Value::Array(values) => values.iter().filter_map(|value| find_number(value, key)).max(),
        _ => None,
    }
}

#[tokio::test]
async fn other_bytes_are_dropped_and_counted_and_never_come_whole() {
    let package = large("git", "1.0");
    let mut flipped = package.bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let other = large("other", "1.0");
    let target = package_target("git", "1.0");
    for (trouble, body, announced) in [
        ("another hash", flipped, &package),
        ("another package", other.bytes.clone(), &other),
    ] {
        let gallery = ScriptedUpstream::start().await;
        let properties = hash_properties(&announced.bytes);
        gallery.announces(&package, &[gallery.entry_without_hash(&package, &properties)]);
        gallery.serves(&package, Reply::ok(body));
        let app = TestApp::start(&upstream("gallery", &gallery)).await;
        let mut response = app.request("GET", &target).send().await.expect("a head");
        let mut came = 0;
        let end = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => came += chunk.len(),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        assert!(
            end.is_err() && came <= announced.bytes.len() - HELD_BACK,
            "{trouble}: {came}"
        );
        app.spool_empties().await;
        assert!(app.package_files().is_empty(), "{trouble}");
        assert_eq!(counted(&app, "packages_rejected").await, 1, "{trouble}");
    }
}

#[tokio::test]
async fn what_is_held_stays_when_its_upstream_says_another_hash() {
    let (package, forged) = (large("git", "1.0"), large("git", "1.0.0"));
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&package]);
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let target = package_target("git", "1.0");
    app.get(&target).await.expect_status(200);
    assert_eq!(counted(&app, "packages_contradicted").await, 0);

    let properties = format!("{}<d:Title>forged</d:Title>", hash_properties(&forged.bytes));
    gallery.announces(&package, &[gallery.entry_without_hash(&package, &properties)]);
    gallery.serves(&package, Reply::ok(forged.bytes.clone()));
    let asked = gallery.asked("FindPackagesById");
    app.clock.advance(48 * HOUR);
    app.feed(&find("git")).await;
    until("it is asked again", || gallery.asked("FindPackagesById") > asked).await;
    let page = app.feed(&find("git")).await;
    assert_eq!(
        page.entries[0].entry.property("PackageHash"),
        Some(sha512(&package.bytes).as_str())
    );
    assert_ne!(page.entries[0].entry.property("Title"), Some("forged"));
    assert!(app.get(&target).await.expect_status(200).body == package.bytes);
    assert_eq!(gallery.asked("/package/"), 1);
    assert!(counted(&app, "packages_contradicted").await >= 1);
}

#[tokio::test]
async fn pages_that_are_no_feed_are_the_upstreams_failure() {
    let gallery = ScriptedUpstream::start().await;
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let git = Nupkg::new("git", "1.0").pack();
    gallery.has(&[&git]);
    assert_eq!(app.versions("git").await, ["git 1.0"]);
    let utf16: Vec<u8> =
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-16\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"/>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
    for (n, (trouble, reply)) in [
        (
            "a login page",
            Reply::ok("<!DOCTYPE html><html>log in</html>").header("Content-Type", "text/html"),
        ),
        (
            "a login page that says it is a feed",
            Reply::feed("<html>log in</html>"),
        ),
        (
            "JSON",
            Reply::ok("{\"error\":\"no\"}").header("Content-Type", "application/json"),
        ),
        ("nothing", Reply::ok("").header("Content-Type", "application/atom+xml")),
        ("nothing in chunks", Reply::ok("").chunked()),
        ("RSS", Reply::ok("<rss version=\"2.0\"><channel/></rss>")),
        (
            "a service document",
            Reply::ok("<service xmlns=\"http://www.w3.org/2007/app\"/>"),
        ),
        ("UTF-16", Reply::ok(utf16)),
        (
            "half a feed",
            Reply::ok("<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry>"),
        ),
        (
            "a feed cut in the middle",
            Reply::feed("<feed xmlns=\"http://www.w3.org/2005/Atom\"/>").close(20),
        ),
        (
            "a feed in a coding that was not asked for",
            Reply::feed("x").header("Content-Encoding", "br"),
        ),
        (
            "a feed that is no gzip",
            Reply::feed("<feed/>").header("Content-Encoding", "gzip"),
        ),
        ("no content", Reply::status(204)),
        ("a part", Reply::status(206).body("<feed/>")),
        ("unchanged, which nobody asked", Reply::status(304)),
    ]
    .into_iter()
    .enumerate()
    {
        // Nothing is known of this one: that it is not there would be a lie.
        gallery.on(ANYTHING, reply.clone());
        let unknown = app.get(&find(&format!("unknown{n}"))).await;
        assert_eq!(unknown.status, 502, "{trouble}: {}", unknown.text());
        assert!(unknown.reason.contains("gallery"), "{trouble}: {}", unknown.reason);
        // What is known stays known.
        gallery.on(&find_target("git"), reply);
        app.clock.advance(48 * HOUR);
        let stale = app.get(&find("git")).await.expect_status(200);
        assert_eq!(names(&stale.feed()), ["git 1.0"], "{trouble}");
        assert!(stale.warning().is_some(), "{trouble}");
    }
}
