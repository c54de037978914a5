//! A query that fixes no id is handed on to the upstreams' own search, and its rows join what is known here.

use std::time::Duration;

use crate::support::app::{TestApp, names};
use crate::support::gallery::{upstream, upstream_at};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{ANYTHING, Reply, ScriptedUpstream, atom_feed, refusing_address};

const SEARCH: &str = "/api/v2/Search()";

fn package(id: &str) -> Packed {
    Nupkg::new(id, "1.0").tags("vcs").pack()
}

fn row(gallery: &ScriptedUpstream, id: &str) -> String {
    gallery.entry(
        &package(id),
        "<d:Tags> vcs </d:Tags><d:Description>A version control system</d:Description>",
    )
}

async fn gallery_finding(ids: &[&str]) -> ScriptedUpstream {
    let gallery = ScriptedUpstream::start().await;
    let rows: Vec<String> = ids.iter().map(|id| row(&gallery, id)).collect();
    gallery.on(SEARCH, Reply::feed(atom_feed(&rows, None)));
    gallery
}

#[tokio::test]
async fn a_search_is_asked_upstream_in_its_own_shape() {
    let gallery = gallery_finding(&["git", "git.install"]).await;
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let rest = "&targetFramework=%27%27&includePrerelease";
    for (asked, expected) in [
        (
            "/api/v2/Search()?$filter=IsLatestVersion&$orderby=Id&searchTerm='Git'&targetFramework=''&includePrerelease=false&$skip=0&$top=30&semVerLevel=2.0.0",
            format!(
                "$filter=IsLatestVersion&$orderby=Id&searchTerm=%27git%27{rest}=false&$skip=0&$top=40&semVerLevel=2.0.0"
            ),
        ),
        (
            "/api/v2/Search()?$filter=IsAbsoluteLatestVersion&searchTerm='version control'&includePrerelease=true",
            format!(
                "$filter=IsAbsoluteLatestVersion&$orderby=DownloadCount%20desc,Id&searchTerm=%27version%20control%27{rest}=true&$skip=0&$top=40"
            ),
        ),
        (
            "/api/v2/Search()?searchTerm='o''reilly'",
            format!("$orderby=DownloadCount%20desc,Id&searchTerm=%27o%27%27reilly%27{rest}=false&$skip=0&$top=40"),
        ),
        (
            "/api/v2/Search()?$orderby=Id desc&searchTerm='Tags:VCS \"Version  Control\" id:git*'",
            format!(
                "$orderby=Id&searchTerm=%27tag%3Avcs%20%22version%20control%22%20id%3Agit%27{rest}=false&$skip=0&$top=40"
            ),
        ),
        (
            "/api/v2/Search()?$filter=IsLatestVersion&$orderby=DownloadCount desc,Id&searchTerm='pest*'&includePrerelease=false",
            format!(
                "$filter=IsLatestVersion&$orderby=DownloadCount%20desc,Id&searchTerm=%27pest%27{rest}=false&$skip=0&$top=40"
            ),
        ),
        (
            "/api/v2/Packages()?$filter=IsLatestVersion and substringof('vcs',tolower(Tags))",
            format!(
                "$filter=(substringof(%27vcs%27,tolower(Tags)))%20and%20IsLatestVersion&$orderby=Id&searchTerm=%27%27{rest}=true&$skip=0&$top=40"
            ),
        ),
        (
            "/api/v2/Packages()?$filter=IsLatestVersion",
            format!("$filter=IsLatestVersion&$orderby=Id&searchTerm=%27%27{rest}=true&$skip=0&$top=40"),
        ),
    ] {
        let before = gallery.targets().len();
        app.get(asked).await.expect_status(200);
        let targets = gallery.targets().split_off(before);
        assert_eq!(targets, [format!("{SEARCH}?{expected}")], "{asked}");
    }
}

#[tokio::test]
async fn found_rows_join_the_view_and_are_not_asked_for_twice() {
    let gallery = gallery_finding(&["git", "git.install"]).await;
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    app.push(&package("gitlocal")).await.expect_status(201);
    let search = "/api/v2/Search()?$filter=IsLatestVersion&searchTerm='git'&includePrerelease=false";
    assert_eq!(
        names(&app.feed(search).await),
        ["git 1.0", "git.install 1.0", "gitlocal 1.0"]
    );
    assert_eq!(
        app.get("/api/v2/Search()/$count?$filter=IsLatestVersion&searchTerm='git'&includePrerelease=false")
            .await
            .text(),
        "3"
    );
    assert_eq!(gallery.asked(SEARCH), 1);
    app.clock.advance(Duration::from_secs(299));
    app.feed(search).await;
    assert_eq!(gallery.asked(SEARCH), 1);
    app.clock.advance(Duration::from_secs(1));
    app.feed(search).await;
    assert_eq!(gallery.asked(SEARCH), 2);
}

#[tokio::test]
async fn a_found_row_does_not_stand_for_all_versions_of_its_id() {
    let gallery = gallery_finding(&["git"]).await;
    let (old, new) = (Nupkg::new("git", "0.9").pack(), package("git"));
    gallery.has(&[&old, &new]);
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    app.feed("/api/v2/Search()?searchTerm='git'").await;
    assert_eq!(app.versions("git").await, ["git 1.0", "git 0.9"]);
    assert_eq!(
        app.get("/api/v2/package/git/1.0").await.expect_status(200).body,
        new.bytes
    );
}

#[tokio::test]
async fn while_the_upstream_is_down_what_is_known_is_found() {
    let gallery = gallery_finding(&["git"]).await;
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let search = "/api/v2/Search()?$filter=IsLatestVersion&searchTerm='git'";
    assert_eq!(app.get(search).await.expect_status(200).warning(), None);
    for (reply, status) in [
        (Reply::status(503), 503),
        (Reply::status(404), 502),
        (Reply::ok("<html></html>"), 502),
        (Reply::hang_up(), 503),
    ] {
        gallery.on(ANYTHING, reply.clone());
        gallery.on(SEARCH, reply);
        app.clock.advance(Duration::from_secs(3600));
        let answer = app.get(search).await.expect_status(200);
        assert_eq!(names(&answer.feed()), ["git 1.0"]);
        assert!(answer.warning().unwrap().contains("gallery"));
        for unknown in [
            "/api/v2/Search()?searchTerm='nothing'",
            "/api/v2/Search()/$count?searchTerm='nothing'",
            "/api/v2/Packages()?$filter=substringof('nothing',Id)",
        ] {
            app.get(unknown).await.expect_status(status);
        }
    }
    let down = upstream_at("down", &format!("http://{}/api/v2/", refusing_address().await));
    let app = TestApp::start(&down).await;
    for list in ["/api/v2/Packages()", "/api/v2/Packages()/$count", "/api/v2/Search()"] {
        app.get(list).await.expect_status(503);
    }
    app.push(&package("ours")).await.expect_status(201);
    let answer = app.get("/api/v2/Packages()").await.expect_status(200);
    assert!(answer.warning().is_some());
    assert_eq!(names(&answer.feed()), ["ours 1.0"]);
}

#[tokio::test]
async fn a_search_goes_on_upstream_as_far_as_the_page_needs() {
    let gallery = ScriptedUpstream::start().await;
    let ids: Vec<String> = (0..90).map(|number| format!("git{number:02}")).collect();
    for skip in [0, 40, 80] {
        let rows: Vec<String> = ids.iter().skip(skip).take(40).map(|id| row(&gallery, id)).collect();
        let target = format!(
            "{SEARCH}?$orderby=DownloadCount%20desc,Id&searchTerm=%27git%27&targetFramework=%27%27&includePrerelease=false&$skip={skip}&$top=40"
        );
        gallery.on(&target, Reply::feed(atom_feed(&rows, None)));
    }
    let app = TestApp::start(&format!("server.page_size = 50\n{}", upstream("gallery", &gallery))).await;
    let first = app.feed("/api/v2/Search()?searchTerm='git'").await;
    assert_eq!(first.entries.len(), 50);
    assert_eq!(gallery.asked(SEARCH), 2);
    let next = first.next.unwrap();
    let second = app.feed(next.strip_prefix(&app.url("")).unwrap()).await;
    assert_eq!(gallery.asked(SEARCH), 3);
    let all: Vec<String> = first
        .entries
        .iter()
        .chain(&second.entries)
        .map(|entry| entry.id.to_string())
        .collect();
    assert_eq!(all, ids);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn all_that_a_search_finds_upstream_is_counted() {
    let origin = TestApp::start("").await;
    for number in 0..90 {
        let package = package(&format!("git{number:02}"));
        origin.push(&package).await.expect_status(201);
    }
    for (target, count) in [
        ("/api/v2/Search()/$count?searchTerm='git'&$filter=IsLatestVersion", "90"),
        ("/api/v2/Search()/$count?searchTerm='git'&$top=70", "70"),
        (
            "/api/v2/Search()?searchTerm='git'&$inlinecount=allpages&$top=1",
            "<m:count>90</m:count>",
        ),
    ] {
        // A page that needs no more than some of them makes no smaller number.
        let page = "server.page_size = 10\n";
        let mirror = TestApp::start(&format!("{page}{}", upstream_at("origin", &origin.url("/api/v2/")))).await;
        let answer = mirror.get(target).await.expect_status(200).text();
        assert!(answer.contains(count), "{target}: {answer}");
    }
}

#[tokio::test]
async fn of_two_upstreams_one_may_be_down() {
    let (up, down) = (gallery_finding(&["git"]).await, ScriptedUpstream::start().await);
    down.on(ANYTHING, Reply::status(500));
    let app = TestApp::start(&format!("{}{}", upstream("down", &down), upstream("up", &up))).await;
    let answer = app.get("/api/v2/Search()?searchTerm='git'").await.expect_status(200);
    assert_eq!(names(&answer.feed()), ["git 1.0"]);
    assert!(answer.warning().unwrap().contains("down"));
}
