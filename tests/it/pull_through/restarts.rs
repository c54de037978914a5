//! What is held is served after a restart, and after the index is gone, with no upstream at all.

use bytes::Bytes;

use crate::support::app::{OLD, TestApp};
use crate::support::gallery::upstream;
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{Gate, Reply, ScriptedUpstream};

const LISTS: [&str; 6] = [
    "/api/v2/FindPackagesById()?id='git'",
    "/api/v2/FindPackagesById()?id='git'&semVerLevel=2.0.0",
    "/api/v2/FindPackagesById()?id='ours'&semVerLevel=2.0.0",
    "/api/v2/Packages()?$filter=Id eq 'git' and IsLatestVersion",
    "/api/v2/Packages(Id='git',Version='1.0')",
    "/api/v2/Packages(Id='ours',Version='2.0.0-rc.1+build')",
];

struct Everything {
    lists: Vec<String>,
    packages: Vec<Bytes>,
}

async fn everything(app: &TestApp, packages: &[&Packed]) -> Everything {
    let mut lists = Vec::new();
    for list in LISTS {
        let text = app.get(list).await.expect_status(200).text();
        // The port changes with every start, and the first `updated` of a feed says when it was made.
        let text = text.replace(&app.authority(), "HOST");
        let (before, after) = text.split_once("<updated>").expect("a time");
        let (made, after) = after.split_once("</updated>").expect("its end");
        let is_feed = before.contains("<feed");
        lists.push(format!("{before}{}{after}", if is_feed { "" } else { made }));
    }
    let mut bytes = Vec::new();
    for package in packages {
        let target = format!("/api/v2/package/{}/{}", package.id, package.version.replace('+', "%2B"));
        bytes.push(app.get(&target).await.expect_status(200).body);
    }
    Everything { lists, packages: bytes }
}

#[tokio::test]
async fn everything_held_is_served_without_upstream_and_without_index() {
    let gallery = ScriptedUpstream::start().await;
    let packages = [
        Nupkg::new("git", "1.0").pack(),
        Nupkg::new("git", "2.0").depends_on("ours", "[1.0,2.0)").pack(),
        Nupkg::new("git", "3.0-beta.1").pack(),
    ];
    let properties = [
        r#"<d:Published m:type="Edm.DateTime">2020-01-02T03:04:05.123</d:Published><d:Odd m:type="Edm.Double">1.5</d:Odd><d:Null m:null="true"/>"#,
        r#"<d:Published m:type="Edm.DateTime">1900-01-01T00:00:00</d:Published><d:Created m:type="Edm.DateTime">2021-01-02T03:04:05</d:Created>"#,
        r#"<d:IsPrerelease m:type="Edm.Boolean">true</d:IsPrerelease><d:DownloadCount m:type="Edm.Int32">77</d:DownloadCount>"#,
    ];
    let entries: Vec<String> = packages
        .iter()
        .zip(properties)
        .map(|(one, more)| gallery.entry(one, more))
        .collect();
    gallery.announces(&packages[0], &entries);
    for package in &packages {
        gallery.serves(package, Reply::ok(package.bytes.clone()));
    }
    let mut app = TestApp::start(&upstream("gallery", &gallery)).await;
    let ours = [
        Nupkg::new("ours", "1.0").tags("a b").pack(),
        Nupkg::new("ours", "2.0.0-rc.1+build").pack(),
        Nupkg::new("ours", "1.5").pack(),
    ];
    for package in &ours {
        app.push(package).await.expect_status(201);
        app.clock.advance(std::time::Duration::from_millis(1_234));
    }
    app.manage("DELETE", "/api/v2/package/ours/1.5")
        .await
        .expect_status(204);
    let all: Vec<&Packed> = packages.iter().chain(&ours).collect();
    let announced = everything(&app, &all).await;
    for (package, got) in all.iter().zip(&announced.packages) {
        assert!(*got == package.bytes);
    }
    let before = everything(&app, &all).await;
    assert_eq!(before.lists, announced.lists, "what is held looks as it was announced");
    gallery.stop().await;

    app.restart().await;
    let after = everything(&app, &all).await;
    assert_eq!(after.lists, before.lists);
    assert_eq!(after.packages, before.packages);

    app.stop().await;
    std::fs::remove_dir_all(app.data().join("index")).unwrap();
    app.open().await;
    let rebuilt = everything(&app, &all).await;
    for (rebuilt, before) in rebuilt.lists.iter().zip(&before.lists) {
        assert_eq!(rebuilt, before);
    }
    assert_eq!(rebuilt.packages, before.packages);
    app.get("/api/v2/package/unknown/1.0").await.expect_status(503);
    app.get("/api/v2/FindPackagesById()?id='unknown'")
        .await
        .expect_status(503);
}

#[tokio::test]
async fn what_was_learnt_stays_fresh_over_a_restart() {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&Nupkg::new("git", "1.0").pack()]);
    let mut app = TestApp::start(&upstream("gallery", &gallery)).await;
    app.versions("git").await;
    app.restart().await;
    assert_eq!(app.versions("git").await, ["git 1.0"]);
    assert_eq!(gallery.targets().len(), 1);
}

#[tokio::test]
async fn what_the_upstream_says_later_of_a_held_version_outlives_the_index() {
    let gallery = ScriptedUpstream::start().await;
    let git = Nupkg::new("git", "1.0").pack();
    gallery.has(&[&git]);
    let mut app = TestApp::start(&upstream("gallery", &gallery)).await;
    app.get("/api/v2/package/git/1.0").await.expect_status(200);
    let properties = r#"<d:Published m:type="Edm.DateTime">1900-01-01T00:00:00</d:Published><d:PackageStatus>Rejected</d:PackageStatus>"#;
    gallery.announces(&git, &[gallery.entry(&git, properties)]);
    app.clock.advance(OLD);
    let told = |page: &larder::odata::atom_read::FeedPage| {
        ["Listed", "PackageStatus", "IsLatestVersion", "Created"]
            .map(|name| page.entries[0].entry.property(name).map(str::to_owned))
    };
    let before = told(&app.feed("/api/v2/FindPackagesById()?id='git'").await);
    assert_eq!(before[..2], [Some("false".to_owned()), Some("Rejected".to_owned())]);
    gallery.stop().await;
    app.stop().await;
    std::fs::remove_dir_all(app.data().join("index")).unwrap();
    app.open().await;
    assert_eq!(told(&app.feed("/api/v2/FindPackagesById()?id='git'").await), before);
    assert!(app.get("/api/v2/package/git/1.0").await.expect_status(200).body == git.bytes);
}

#[tokio::test]
async fn what_is_known_and_not_held_outlives_an_end_in_disorder() {
    let gallery = ScriptedUpstream::start().await;
    let (held, known) = (Nupkg::new("git", "1.0").pack(), Nupkg::new("git", "2.0").pack());
    gallery.has(&[&held, &known]);
    let mut app = TestApp::start(&upstream("gallery", &gallery)).await;
    let ours = Nupkg::new("ours", "1.0").pack();
    app.push(&ours).await.expect_status(201);
    app.manage("DELETE", "/api/v2/package/ours/1.0")
        .await
        .expect_status(204);
    app.get("/api/v2/package/git/1.0").await.expect_status(200);
    app.crash().await;
    assert_eq!(app.versions("git").await, ["git 2.0", "git 1.0"]);
    assert_eq!(gallery.asked("FindPackagesById"), 1);
    let entry = app.feed("/api/v2/Packages(Id='ours',Version='1.0')").await;
    assert_eq!(entry.entries[0].entry.property("Listed"), Some("false"));
    for package in [&held, &known, &ours] {
        let target = format!("/api/v2/package/{}/{}", package.id, package.version);
        assert!(app.get(&target).await.expect_status(200).body == package.bytes);
    }

    // A fetch that the end cut off has never been.
    let large = Nupkg::new("large", "1.0").file("data", vec![7; 100]).pack();
    gallery.has(&[&large]);
    let gate = Gate::new();
    gallery.serves(&large, Reply::ok(large.bytes.clone()).gate(100, &gate));
    let request = app.request("GET", "/api/v2/package/large/1.0");
    let client = tokio::spawn(async move { request.send().await.is_ok() });
    gate.reached_by(1).await;
    let files = app.package_files();
    client.abort();
    app.crash().await;
    assert_eq!(app.package_files(), files);
    assert!(app.spool_files().is_empty());
    gate.open();
    assert!(app.get("/api/v2/package/large/1.0").await.expect_status(200).body == large.bytes);
}

#[tokio::test]
async fn ids_outside_ascii_survive_a_crash_and_a_rebuild() {
    let package = Nupkg::new("Grün.Paket", "1.0").pack();
    let mut app = TestApp::start("").await;
    app.import(&package).await.expect_status(201);
    let target = "/api/v2/package/Gr%C3%BCn.Paket/1.0";
    let list = "/api/v2/FindPackagesById()?id='gr%C3%BCn.paket'";
    app.crash().await;
    assert_eq!(app.get(target).await.expect_status(200).body, package.bytes);
    assert_eq!(app.feed(list).await.entries.len(), 1);
    app.stop().await;
    std::fs::remove_dir_all(app.data().join("index")).expect("an index to lose");
    app.open().await;
    assert_eq!(app.get(target).await.expect_status(200).body, package.bytes);
    assert_eq!(app.feed(list).await.entries.len(), 1);
}
