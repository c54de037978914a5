//! What an upstream's packages may take on disk: what nobody asked for the longest goes, and nothing else.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::app::{KEY, TestApp, names, send, until};
use crate::support::gallery::upstream;
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::random::Random;
use crate::support::upstream::ScriptedUpstream;

const MINUTE: Duration = Duration::from_secs(60);

/// A package of about 100 KB.
fn package(id: &str) -> Packed {
    let seed = id.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte));
    Nupkg::new(id, "1.0")
        .file("tools/data.bin", Random::from_seed(seed).bytes(100_000))
        .pack()
}

fn target(package: &Packed) -> String {
    format!("/api/v2/package/{}/{}", package.id, package.version)
}

/// Packages of about one size, and a gallery that has them.
async fn gallery_of(count: usize) -> (ScriptedUpstream, Vec<Packed>) {
    let gallery = ScriptedUpstream::start().await;
    let packages: Vec<Packed> = (0..count).map(|number| package(&format!("p{number:02}"))).collect();
    for package in &packages {
        gallery.has(&[package]);
    }
    (gallery, packages)
}

/// A configuration by which so many of the packages may be held.
fn at_most(gallery: &ScriptedUpstream, packages: &[Packed], count: usize) -> String {
    let largest = packages.iter().map(|package| package.bytes.len()).max();
    let bytes = largest.expect("packages") * count;
    format!("{}max_bytes = {bytes}\n", upstream("gallery", gallery))
}

/// Asks for packages, one after the other, a minute apart.
async fn ask(app: &TestApp, packages: &[Packed]) {
    for package in packages {
        app.clock.advance(MINUTE);
        let answer = app.get(&target(package)).await.expect_status(200);
        assert!(answer.body == package.bytes, "{}", package.id);
        // The last byte is passed on as soon as it was verified; only then the package is kept.
        app.spool_empties().await;
    }
}

/// Returns the ids of the upstream's packages whose files are here.
fn held(app: &TestApp) -> Vec<String> {
    let folder = app.data().join("packages/gallery");
    let files = app.package_files();
    let is_nupkg = |file: &&std::path::PathBuf| file.extension().is_some_and(|extension| extension == "nupkg");
    let below = files
        .iter()
        .filter(is_nupkg)
        .filter_map(|file| file.strip_prefix(&folder).ok());
    let id = |file: &std::path::Path| file.iter().next().expect("an id").to_string_lossy().into_owned();
    below.map(id).collect()
}

async fn comes_to_hold(app: &TestApp, expected: &[&str]) {
    until(&format!("{expected:?} are held"), || held(app) == expected).await;
    let folder = app.data().join("packages/gallery");
    let left = app
        .package_files()
        .iter()
        .filter(|file| file.starts_with(&folder))
        .count();
    assert_eq!(left, 2 * expected.len(), "each nupkg has its sidecar");
}

async fn status(app: &TestApp) -> serde_json::Value {
    let answer = app.manage("GET", "/admin/status").await.expect_status(200);
    serde_json::from_slice(&answer.body).expect("JSON")
}

async fn restart_with(app: &mut TestApp, configuration: &str) {
    app.stop().await;
    app.reconfigure(configuration);
    app.open().await;
}

/// Waits until all that lay there at the start is counted.
async fn counted(app: &TestApp) {
    while status(app).await["upstreams"][0]["cache"]["is_counted"] != true {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_nobody_asked_for_the_longest_goes() {
    let (gallery, packages) = gallery_of(11).await;
    let configuration = format!("{}pinned = [\"P01\", \"nothing*\"]\n", at_most(&gallery, &packages, 10));
    let app = TestApp::start(&configuration).await;
    let ours = package("ours");
    app.push(&ours).await.expect_status(201);
    counted(&app).await;
    ask(&app, &packages[..9]).await;
    // Nine tenths: still all there. The first one is asked for again.
    ask(&app, &packages[..1]).await;
    assert_eq!(held(&app).len(), 9);
    ask(&app, &packages[9..10]).await;
    // Of ten, two go, the oldest but for the first, which was asked for since, and the second, which is pinned.
    comes_to_hold(&app, &["p00", "p01", "p04", "p05", "p06", "p07", "p08", "p09"]).await;
    assert_eq!(gallery.asked("/package/"), 10);

    // It is still shown, hosted ones are untouched, and what went is fetched again when it is asked for.
    assert_eq!(app.versions("p02").await, ["p02 1.0"]);
    let shown = names(&app.feed("/api/v2/Packages()?$filter=IsLatestVersion&$top=40").await);
    assert_eq!(shown.len(), 11, "{shown:?}");
    let answer = app.get(&target(&ours)).await.expect_status(200);
    assert!(answer.body == ours.bytes);
    ask(&app, &packages[2..3]).await;
    assert_eq!(gallery.asked("/package/"), 11);
    let status = status(&app).await;
    let gallery = &status["upstreams"][0];
    assert_eq!(gallery["counts"]["evictions"], 2, "{gallery:#}");
    assert_eq!(gallery["cache"]["packages"], 9, "{gallery:#}");
    let held = packages
        .iter()
        .filter(|package| !["p03", "p10"].contains(&package.id.as_str()));
    let bytes: usize = held.map(|package| package.bytes.len()).sum();
    assert_eq!(gallery["cache"]["bytes"], bytes, "{gallery:#}");
}

/// Asks for a target over a connection that takes in little at a time.
async fn slow_reader(app: &TestApp, target: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(64 * 1024).expect("a small buffer");
    let address = app.authority().parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("a connection");
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    stream
}

#[tokio::test]
async fn what_is_being_read_stays_and_comes_whole() {
    let (gallery, packages) = gallery_of(12).await;
    // More than the sockets between server and client hold.
    let large = Nupkg::new("large", "1.0")
        .file("tools/data.bin", Random::from_seed(1).bytes(12_000_000))
        .pack();
    gallery.has(&[&large]);
    // It fits, and with it not even five of the others.
    let app = TestApp::start(&format!("{}max_bytes = \"13900KB\"\n", upstream("gallery", &gallery))).await;
    counted(&app).await;
    ask(&app, std::slice::from_ref(&large)).await;
    let mut reader = slow_reader(&app, &target(&large)).await;
    let mut got = vec![0; 100_000];
    reader.read_exact(&mut got).await.expect("a beginning");
    // It is the oldest, and others have to go in its place.
    ask(&app, &packages).await;
    until("others went", || !held(&app).contains(&"p00".to_owned())).await;
    assert_eq!(held(&app)[0], "large");
    reader.read_to_end(&mut got).await.expect("an end");
    assert!(got.ends_with(&large.bytes));
    // Nobody reads it any more.
    drop(reader);
    ask(&app, &packages).await;
    until("it went", || !held(&app).contains(&"large".to_owned())).await;
}

#[tokio::test]
async fn a_restart_does_not_forget_what_was_asked_for_when() {
    let (gallery, packages) = gallery_of(11).await;
    let configuration = at_most(&gallery, &packages, 10);
    let mut app = TestApp::start(&configuration).await;
    counted(&app).await;
    ask(&app, &packages[..9]).await;
    ask(&app, &packages[..4]).await;
    app.restart().await;
    counted(&app).await;
    ask(&app, &packages[9..10]).await;
    comes_to_hold(&app, &["p00", "p01", "p02", "p03", "p06", "p07", "p08", "p09"]).await;

    // Without what was written down they count as when they came, and the upstream is asked whether it still has them.
    app.stop().await;
    std::fs::remove_file(app.data().join("state/uses-gallery.json")).expect("it was written down");
    app.open().await;
    counted(&app).await;
    let asked = gallery.asked("FindPackagesById");
    ask(&app, &packages[4..6]).await;
    until("two went", || held(&app).len() == 8).await;
    assert!(gallery.asked("FindPackagesById") > asked);
}

#[tokio::test]
async fn a_smaller_cache_makes_room_at_the_start() {
    let (gallery, packages) = gallery_of(10).await;
    let mut app = TestApp::start(&upstream("gallery", &gallery)).await;
    ask(&app, &packages).await;
    restart_with(&mut app, &at_most(&gallery, &packages, 5)).await;
    comes_to_hold(&app, &["p06", "p07", "p08", "p09"]).await;
}

#[tokio::test]
async fn nothing_goes_while_larder_is_offline() {
    let (gallery, packages) = gallery_of(10).await;
    let mut app = TestApp::start(&upstream("gallery", &gallery)).await;
    ask(&app, &packages).await;
    let offline = app.request("POST", "/admin/offline").header("X-NuGet-ApiKey", KEY);
    send(offline.body("{\"offline\":true}"))
        .await
        .unwrap()
        .expect_status(200);
    restart_with(&mut app, &at_most(&gallery, &packages, 5)).await;
    counted(&app).await;
    ask(&app, &packages).await;
    assert_eq!(held(&app).len(), 10);
    let online = app.request("POST", "/admin/offline").header("X-NuGet-ApiKey", KEY);
    send(online.body("{\"offline\":false}"))
        .await
        .unwrap()
        .expect_status(200);
    app.restart().await;
    comes_to_hold(&app, &["p06", "p07", "p08", "p09"]).await;
}

#[tokio::test]
async fn what_no_upstream_has_any_more_stays() {
    let (gallery, packages) = gallery_of(10).await;
    let mut app = TestApp::start(&upstream("gallery", &gallery)).await;
    ask(&app, &packages).await;
    // p00: the upstream says no more of it. p01: it has other bytes by that name. p02: it cannot be asked about it.
    app.clock.advance(60 * MINUTE);
    gallery.announces(&packages[0], &[]);
    let other = Packed {
        bytes: package("other").bytes,
        ..packages[1].clone()
    };
    gallery.announces(&packages[1], &[gallery.entry(&other, "")]);
    gallery.on(
        &crate::support::gallery::find_target("p02"),
        crate::support::upstream::Reply::status(500),
    );
    app.stop().await;
    std::fs::remove_file(app.data().join("state/uses-gallery.json")).expect("it was written down");
    let mut configuration = at_most(&gallery, &packages, 5);
    configuration += "[[feed]]\nname = \"default\"\nupstreams = [\"gallery\"]\nreserved = [\"p03\"]\n";
    app.open().await;
    restart_with(&mut app, &configuration).await;
    comes_to_hold(&app, &["p00", "p01", "p02", "p03"]).await;
}

#[tokio::test]
async fn many_ask_while_packages_come_and_go() {
    let (gallery, packages) = gallery_of(12).await;
    let app = TestApp::start(&at_most(&gallery, &packages, 4)).await;
    counted(&app).await;
    let client = async |seed: u64| {
        let mut random = Random::from_seed(seed);
        for _ in 0..40 {
            let package = random.pick(&packages);
            app.clock.advance(Duration::from_millis(1));
            let answer = app.get(&target(package)).await.expect_status(200);
            assert!(answer.body == package.bytes, "{}", package.id);
        }
    };
    futures::future::join_all((0..6).map(client)).await;
    let is_whole = || app.package_files().len() == 2 * held(&app).len();
    until("there is room", || held(&app).len() <= 3 && is_whole()).await;
    let status = status(&app).await;
    assert!(
        status["upstreams"][0]["counts"]["evictions"].as_u64() > Some(8),
        "{status:#}"
    );
}
