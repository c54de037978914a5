//! Credentials go to the configured scheme, host and port alone, and are shown nowhere.

use std::path::Path;

use larder::cli::assemble;
use larder::clock::Clock;
use larder::config::Config;
use larder::store::Store;

use crate::support::app::TestApp;
use crate::support::faultd::Request;
use crate::support::gallery::{find_target, package_target, upstream, upstream_at};
use crate::support::larder::LarderProcess;
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{Reply, ScriptedUpstream, atom_entry, atom_feed};

const CANARY: &str = "c4nary";

const HEADERS: [&str; 3] = ["authorization", "x-nuget-apikey", "x-team"];

fn shown(request: &Request) -> Vec<Option<&str>> {
    HEADERS.iter().map(|name| request.header(name)).collect()
}

#[tokio::test]
async fn all_kinds_are_shown_at_home() {
    let (git, user) = (Nupkg::new("git", "1.0").pack(), "\"c4nary-user\"");
    for (keys, expected) in [
        (
            format!("username = {user}\npassword = \"c4nary\"\napi_key = \"c4nary-key\"\n"),
            [Some("Basic YzRuYXJ5LXVzZXI6YzRuYXJ5"), Some("c4nary-key"), None],
        ),
        (
            "bearer = \"c4nary-token\"\nheaders = { X-Team = \"c4nary blue\" }\n".to_owned(),
            [Some("Bearer c4nary-token"), None, Some("c4nary blue")],
        ),
        (
            "headers = { Authorization = \"Custom c4nary\", x-nuget-apikey = \"c4nary\" }\n".to_owned(),
            [Some("Custom c4nary"), Some("c4nary"), None],
        ),
        (String::new(), [None, None, None]),
    ] {
        let gallery = ScriptedUpstream::start().await;
        gallery.has(&[&git]);
        let app = TestApp::start(&format!("{}{keys}", upstream("gallery", &gallery))).await;
        app.get("/api/v2/package/git/1.0").await.expect_status(200);
        let requests = gallery.requests();
        assert_eq!(requests.len(), 2);
        for request in &requests {
            assert_eq!(shown(request), expected, "{keys}");
        }
    }
}

#[tokio::test]
async fn no_other_host_or_port_sees_them() {
    let (home, elsewhere) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    let all = "bearer = \"c4nary\"\napi_key = \"c4nary\"\nheaders = { X-Team = \"c4nary\" }\ninternal_hosts = [\"127.0.0.1\"]\n";
    let app = TestApp::start(&format!("{}{all}", upstream("home", &home))).await;
    // A link of an entry, and a redirect; where a redirect comes back, it is home again.
    let linked = Nupkg::new("linked", "1.0").pack();
    let url = elsewhere.url("/cdn/linked");
    home.announces(&linked, &[atom_entry("linked", "1.0", &url, "")]);
    elsewhere.on("/cdn/linked", Reply::ok(linked.bytes.clone()));
    let moved = Nupkg::new("moved", "1.0").pack();
    home.announces(&moved, &[home.entry(&moved, "")]);
    let target = package_target("moved", "1.0");
    home.on(
        &target,
        Reply::status(302).header("Location", &elsewhere.url("/cdn/moved")),
    );
    elsewhere.on(
        "/cdn/moved",
        Reply::status(302).header("Location", &home.url("/back/moved")),
    );
    home.on("/back/moved", Reply::ok(moved.bytes.clone()));
    // A page that is said to follow, on another port.
    let paged = Nupkg::new("paged", "1.0").pack();
    let next = elsewhere.url("/api/v2/next");
    home.on(
        &find_target("paged"),
        Reply::feed(atom_feed(&[home.entry(&paged, "")], Some(&next))),
    );
    app.get("/api/v2/package/linked/1.0").await.expect_status(200);
    app.get("/api/v2/package/moved/1.0").await.expect_status(200);
    app.get("/api/v2/package/paged/1.0").await;
    let foreign = elsewhere.requests();
    assert_eq!(
        foreign.iter().filter(|asked| asked.target.starts_with("/cdn/")).count(),
        2
    );
    for request in &foreign {
        assert_eq!(shown(request), [None, None, None], "{}", request.target);
    }
    for request in home.requests() {
        let all = [Some("Bearer c4nary"), Some("c4nary"), Some("c4nary")];
        assert_eq!(shown(&request), all, "{}", request.target);
    }
}

#[tokio::test]
async fn one_upstreams_credentials_are_not_anothers() {
    let (first, second) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    let configuration = format!(
        "{}bearer = \"c4nary-1\"\n{}api_key = \"c4nary-2\"\n",
        upstream("first", &first),
        upstream("second", &second)
    );
    let app = TestApp::start(&configuration).await;
    app.get("/api/v2/FindPackagesById()?id='git'").await;
    let (of_first, of_second) = (first.requests(), second.requests());
    assert_eq!(shown(&of_first[0]), [Some("Bearer c4nary-1"), None, None]);
    assert_eq!(shown(&of_second[0]), [None, Some("c4nary-2"), None]);
}

#[tokio::test]
async fn secrets_of_files_are_read_at_start_or_missed_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("token"), "c4nary\r\n").expect("a file");
    std::fs::write(folder.path().join("empty"), "\n").expect("a file");
    std::fs::write(folder.path().join("ca.pem"), "c4nary").expect("a file");
    let clock = Clock::system();
    for (keys, expected) in [
        ("bearer = { file = \"token\" }", None),
        (
            "bearer = { file = \"empty\" }",
            Some("the upstream 'u' cannot be set up: bearer: the file "),
        ),
        ("api_key = { file = \"none\" }", Some("none cannot be read")),
        (
            "headers = { X-A = { env = \"LARDER_TEST_NOT_SET\" } }",
            Some("headers.X-A: the environment variable LARDER_TEST_NOT_SET is not set"),
        ),
        (
            "api_key = \"c4nary\u{fc}\"",
            Some("api_key: its value has characters that no header can carry"),
        ),
        (
            "proxy = { file = \"token\" }",
            Some("proxy: it must be a URL that starts with http:// or https://"),
        ),
        ("ca = \"none.pem\"", Some("none.pem cannot be read")),
        ("ca = \"ca.pem\"", Some("ca: the file holds no certificate")),
    ] {
        let text = format!("{}{keys}\n", upstream_at("u", "http://127.0.0.1:9/"));
        let config = Config::parse(&text, folder.path()).expect("a configuration");
        let settings = assemble::store_settings(&config);
        let (store, rows, _) = Store::open(settings, &clock).await.expect("a data folder that opens");
        let made = assemble::mirror(&config, &store, rows, &clock);
        match (made, expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => {
                let shown = format!("{error:#}");
                assert!(shown.contains(expected), "{keys}: {shown}");
                assert!(!shown.contains(CANARY), "{shown}");
            }
            (made, _) => panic!("{keys}: made: {}", made.is_ok()),
        }
        store.close().await.expect("an index that closes");
    }
}

/// Every kind of secret, in a larder that logs all it can and meets every kind of trouble.
#[tokio::test(flavor = "multi_thread")]
async fn no_log_and_no_command_shows_a_secret() {
    let gallery = ScriptedUpstream::start().await;
    let git = Nupkg::new("git", "1.0").pack();
    gallery.has(&[&git]);
    gallery.on(&find_target("refused"), Reply::status(403).body("c4nary"));
    gallery.on(
        &find_target("moved"),
        Reply::status(302).header("Location", "http://10.0.0.1/?k=c4nary"),
    );
    gallery.on(&find_target("garbage"), Reply::raw("garbage\r\n\r\n"));
    gallery.on(&find_target("gone"), Reply::hang_up());
    let port = gallery.address().port();
    let configuration = format!(
        "{}bearer = \"c4nary\"\napi_key = {{ file = \"key\" }}\nheaders = {{ X-Team = \"c4nary\" }}\n\
         {}{}proxy = \"http://c4nary:c4nary@127.0.0.1:{port}\"\n{}username = \"c4nary\"\npassword = {{ env = \"LARDER_ADMIN_KEY\" }}\n",
        upstream("gallery", &gallery),
        upstream_at("login", &format!("http://c4nary:c4nary@127.0.0.1:{port}/other/")),
        upstream_at("proxied", "http://proxied.test/api/v2/"),
        upstream_at("basic", &format!("http://127.0.0.1:{port}/basic/")),
    );
    let mut larder = LarderProcess::prepare(&configuration, "c4nary-administrator");
    let folder = larder.data_dir();
    let folder = folder.parent().unwrap_or(Path::new(""));
    std::fs::write(folder.join("key"), "c4nary-key\n").expect("a file");
    let checked = larder.command::<&str>("check-config", &[]).expect_success();
    for shown in [
        "upstream.gallery.bearer = \"***\"",
        "upstream.gallery.api_key = { file = \"key\" }",
        "upstream.gallery.headers = { \"X-Team\" = \"***\" }",
        "upstream.basic.password = { env = \"LARDER_ADMIN_KEY\" }",
        "upstream.proxied.proxy = \"http://***@127.0.0.1:",
    ] {
        assert!(checked.output.contains(shown), "{shown}\n{}", checked.output);
    }
    assert!(!checked.output.contains(CANARY), "{}", checked.output);

    larder.restart_logging("trace");
    let client = larder::upstream::client::local_client().expect("a client");
    for id in ["git", "refused", "moved", "garbage", "gone", "absent"] {
        for target in [
            format!("FindPackagesById()?id='{id}'"),
            format!("package/{id}/1.0"),
            format!("Search()?searchTerm='{id}'"),
        ] {
            let url = format!("{}{target}", larder.feed_url());
            let answer = client.get(url).send().await.expect("an answer");
            let head = format!("{:?}", answer.headers());
            let body = answer.text().await.unwrap_or_default();
            assert!(
                !head.contains(CANARY) && !body.contains(CANARY),
                "{target}: {head} {body}"
            );
        }
    }
    larder.stop();
    let asked = gallery.requests();
    let sees = |name: &str, value: &str| asked.iter().any(|request| request.header(name) == Some(value));
    assert!(sees("x-nuget-apikey", "c4nary-key") && sees("authorization", "Bearer c4nary"));
    assert!(
        sees("proxy-authorization", "Basic YzRuYXJ5OmM0bmFyeQ=="),
        "the proxy was asked"
    );
    let log = larder.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "{log}");
    assert!(!log.contains(CANARY), "{log}");
}
