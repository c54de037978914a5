//! What administrators ask for over HTTP.

use serde_json::Value;

use crate::support::app::{Answer, KEY, TestApp, send};
use crate::support::gallery::upstream;
use crate::support::larder::LarderProcess;
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{Reply, ScriptedUpstream};

const STATUS: &str = "/admin/status";

async fn ask(app: &TestApp, method: &str, target: &str, key: Option<(&str, &str)>) -> Answer {
    let mut request = app.request(method, target);
    if let Some((name, value)) = key {
        request = request.header(name, value);
    }
    send(request).await.expect("a whole answer")
}

fn document(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[tokio::test]
async fn only_who_has_the_key_gets_an_answer() {
    let app = TestApp::start("").await;
    let bearer = format!("Bearer {KEY}");
    for (key, status) in [
        (None, 401),
        (Some(("X-NuGet-ApiKey", "wrong")), 403),
        (Some(("Authorization", "Bearer wrong")), 403),
        (Some(("Authorization", "Basic dGVzdC1rZXk6")), 401),
        (Some(("X-NuGet-ApiKey", KEY)), 200),
        (Some(("X-NuGet-ApiKey", "test-import-key")), 200),
        (Some(("Authorization", bearer.as_str())), 200),
    ] {
        for target in [STATUS, "/Admin/Status/"] {
            let answer = ask(&app, "GET", target, key).await.expect_status(status);
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{key:?}");
            let content_type = answer.header("content-type");
            assert_eq!(content_type, Some("application/json;charset=utf-8"), "{key:?}");
            assert_eq!(document(&answer).get("error").is_some(), status != 200, "{key:?}");
        }
        // What there is, and what there is not, is told to nobody else.
        let nothing = ask(&app, "GET", "/admin/nothing", key).await;
        assert_eq!(nothing.status, if status == 200 { 404 } else { status }, "{key:?}");
    }
}

#[tokio::test]
async fn methods_and_bodies() {
    let app = TestApp::start("").await;
    let answer = app.manage("DELETE", STATUS).await.expect_status(405);
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    assert_eq!(document(&answer)["error"]["code"], "MethodNotAllowed");
    let answer = app.manage("HEAD", STATUS).await.expect_status(200);
    assert!(answer.body.is_empty());
    let long = app
        .request("GET", STATUS)
        .header("X-NuGet-ApiKey", KEY)
        .body(vec![b'x'; 300_000]);
    send(long).await.expect("a whole answer").expect_status(413);
}

#[tokio::test]
async fn the_status_names_feeds_and_upstreams() {
    let app = TestApp::start(
        "[[upstream]]\nname = \"community\"\nkind = \"v2\"\nurl = \"https://user:s3cret@localhost:1/api/v2/\"\n\
         [[feed]]\nname = \"choco\"\ndefault = true\nupstreams = [\"community\"]\n[[feed]]\nname = \"ours\"\n",
    )
    .await;
    app.clock.advance(std::time::Duration::from_secs(90));
    let answer = app.manage("GET", STATUS).await.expect_status(200);
    let status = document(&answer);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["started"], "2026-03-01T12:00:00Z");
    assert_eq!(status["uptime_seconds"], 90);
    let feeds = status["feeds"].as_array().expect("a list");
    let feeds = feeds
        .iter()
        .map(|feed| [&feed["name"], &feed["default"], &feed["upstreams"]]);
    let feeds: Vec<String> = feeds.map(|feed| serde_json::json!(feed).to_string()).collect();
    assert_eq!(feeds, ["[\"choco\",true,[\"community\"]]", "[\"ours\",false,[]]"]);
    let community = &status["upstreams"][0];
    assert_eq!(community["name"], "community");
    assert_eq!(community["home"], "https://localhost:1/api/v2/");
    assert_eq!(community["breaker"]["state"], "closed");
    assert!(!answer.text().contains("s3cret"), "{}", answer.text());
}

#[tokio::test]
async fn what_was_asked_for_is_counted_by_source() {
    let (good, other) = (Nupkg::new("git", "1.0").pack(), Nupkg::new("hg", "1.0").pack());
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&good]);
    gallery.has(&[&other]);
    gallery.serves(&good, Reply::ok(good.bytes.clone()));
    gallery.serves(&other, Reply::ok(good.bytes.clone()));
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    for _ in 0..3 {
        app.get("/api/v2/package/git/1.0").await.expect_status(200);
    }
    app.get("/api/v2/package/hg/1.0").await.expect_status(502);
    let ours = Nupkg::new("ours", "1.0").pack();
    app.push(&ours).await.expect_status(201);
    app.get("/api/v2/package/ours/1.0").await.expect_status(200);

    let status = document(&app.manage("GET", STATUS).await.expect_status(200));
    let counts = &status["upstreams"][0]["counts"];
    let length = good.bytes.len() as u64;
    for (name, expected) in [
        ("package_hits", 2),
        ("package_misses", 2),
        ("package_collapsed", 0),
        ("packages_rejected", 1),
        ("bytes_served", 3 * length),
        ("bytes_fetched", 2 * length),
    ] {
        assert_eq!(counts[name], expected, "{name}: {counts:#}");
    }
    let counts = &status["feeds"][0]["counts"];
    assert_eq!(counts["package_hits"], 1, "{counts:#}");
    assert_eq!(counts["bytes_served"], ours.bytes.len() as u64, "{counts:#}");
}

#[test]
fn the_status_is_shown_to_people_and_programs() {
    let larder = LarderProcess::start(
        "[[upstream]]\nname = \"community\"\nkind = \"v2\"\nurl = \"http://user:s3cret@127.0.0.1:1/api/v2/\"\nmax_bytes = \"1GiB\"\n",
    );
    let mut shown = larder.command::<&str>("status", &[]).expect_success();
    for part in [
        "upstream community: http://127.0.0.1:1/api/v2/",
        "0 B of 1.0 GiB",
        "asked as usual",
        "feed default",
    ] {
        shown = shown.expect_output(part);
    }
    let shown = larder.command("status", &["--json"]).expect_success();
    shown.expect_output("\"uptime_seconds\"");
}
