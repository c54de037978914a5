//! One larder mirrors another: what the one writes, the other reads.

use crate::support::app::{TestApp, find, names};
use crate::support::gallery::upstream_at;
use crate::support::nupkg::{Nupkg, Packed};

const SEARCH: &str = "/api/v2/Search()?searchTerm='git'&$filter=IsLatestVersion&$orderby=Id&semVerLevel=2.0.0";

#[tokio::test]
async fn a_mirror_of_a_larder_shows_what_it_shows() {
    let mut origin = TestApp::start("server.page_size = 2\n").await;
    let packages: Vec<Packed> = ["0.9", "1.0.0", "01.02.03", "2.0.0-beta", "2.0.0-rc.1", "3.0.0+build.5"]
        .iter()
        .map(|version| {
            Nupkg::new("Git", version)
                .tags("vcs git")
                .depends_on("zlib", "[1.0,2.0)")
                .pack()
        })
        .collect();
    for package in &packages {
        origin.push(package).await.expect_status(201);
        origin.clock.advance(std::time::Duration::from_secs(1));
    }
    origin
        .push(&Nupkg::new("git.install", "1.0").pack())
        .await
        .expect_status(201);
    origin
        .manage("DELETE", "/api/v2/package/git/1.0.0")
        .await
        .expect_status(204);
    let mut mirror = TestApp::start(&upstream_at("origin", &origin.url("/api/v2/"))).await;
    let found = mirror.feed(SEARCH).await;
    assert_eq!(names(&found), ["Git 3.0.0+build.5", "git.install 1.0"]);

    let shown = mirror.feed(&find("git")).await;
    let mut next = Some(find("git"));
    let mut expected = Vec::new();
    while let Some(target) = next {
        let page = origin.feed(&target).await;
        next = page
            .next
            .as_deref()
            .and_then(|next| next.strip_prefix(&origin.url("")))
            .map(str::to_owned);
        expected.extend(page.entries);
    }
    assert_eq!(shown.entries.len(), 6);
    for (shown, expected) in shown.entries.iter().zip(&expected) {
        assert_eq!(shown.entry.properties, expected.entry.properties);
        assert_eq!((&shown.id, &shown.version), (&expected.id, &expected.version));
    }
    for package in &packages {
        let target = format!("/api/v2/package/Git/{}", package.version.replace('+', "%2B"));
        assert!(
            mirror.get(&target).await.expect_status(200).body == package.bytes,
            "{target}"
        );
    }
    origin.stop().await;
    mirror.restart().await;
    for package in &packages {
        let target = format!("/api/v2/package/git/{}", package.version.replace('+', "%2B"));
        assert!(
            mirror.get(&target).await.expect_status(200).body == package.bytes,
            "{target}"
        );
    }
    let again = mirror.feed(&find("git")).await;
    for (again, shown) in again.entries.iter().zip(&shown.entries) {
        assert_eq!(again.entry.properties, shown.entry.properties);
    }
    mirror.get("/api/v2/package/git.install/1.0").await.expect_status(503);
}

#[tokio::test]
async fn a_mirror_finds_what_stands_behind_versions_that_are_not_asked_for() {
    let origin = TestApp::start("").await;
    for version in ["1.0.0", "2.0.0-beta", "3.0.0+build.5"] {
        let package = Nupkg::new("git", version).tags("vcs").pack();
        origin.push(&package).await.expect_status(201);
    }
    // For SemVer 2 the latest is 3.0.0; who does not ask for that level may not read it, and has 1.0.0.
    let release = "/api/v2/Search()?searchTerm='vcs'&$filter=IsLatestVersion";
    let version = "/api/v2/Packages()?$filter=IsAbsoluteLatestVersion and substringof('vcs',Tags)";
    for (target, expected) in [
        (release, "git 1.0.0"),
        (version, "git 2.0.0-beta"),
        ("/api/v1/Search()?searchTerm='vcs'&$filter=IsLatestVersion", "git 1.0.0"),
    ] {
        let mirror = TestApp::start(&upstream_at("origin", &origin.url("/api/v2/"))).await;
        for app in [&origin, &mirror] {
            assert_eq!(names(&app.feed(target).await), [expected], "{target}");
        }
        let second = format!("{release}&semVerLevel=2.0.0");
        assert_eq!(
            names(&mirror.feed(&second).await),
            ["git 3.0.0+build.5"],
            "after {target}"
        );
        assert_eq!(names(&mirror.feed(target).await), [expected], "{target} again");
    }
}
