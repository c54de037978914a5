//! Searches: what is found, and in which order, as people and clients see it.

use crate::support::app::{TestApp, names};
use crate::support::nupkg::Nupkg;

/// A feed in which `git` stands in every place.
async fn feed() -> TestApp {
    let app = TestApp::start("").await;
    for package in [
        Nupkg::new("zz.described", "1.0").description("Needs GIT to work"),
        Nupkg::new("yy.tagged", "1.0").tags("git-tools vcs"),
        Nupkg::new("xx.titled", "1.0").element("title", "My Git"),
        Nupkg::new("legit", "1.0"),
        Nupkg::new("posh-git", "1.0").tags("vcs PowerShell"),
        Nupkg::new("TortoiseGit", "1.0"),
        Nupkg::new("git.install", "1.0"),
        Nupkg::new("Git", "1.0"),
        Nupkg::new("Git", "2.0"),
        Nupkg::new("Git", "3.0-beta"),
        Nupkg::new("WebPages", "1.0").authors("The Web Team"),
        Nupkg::new("Unlisted.Git", "1.0"),
    ] {
        app.push(&package.pack()).await.expect_status(201);
    }
    app.manage("DELETE", "/api/v2/package/Unlisted.Git/1.0")
        .await
        .expect_status(204);
    app
}

async fn found(app: &TestApp, query: &str) -> String {
    names(&app.feed(&format!("/api/v2/Search()?{query}")).await).join(", ")
}

#[tokio::test]
async fn the_most_relevant_package_comes_first() {
    let app = feed().await;
    let by_relevance = "Git 2.0, git.install 1.0, posh-git 1.0, TortoiseGit 1.0, legit 1.0, xx.titled 1.0, yy.tagged 1.0, zz.described 1.0";
    for query in [
        "$filter=IsLatestVersion&searchTerm='git'",
        "$filter=IsLatestVersion&searchTerm=GIT&targetFramework=''&includePrerelease=false",
        "$filter=IsLatestVersion&$orderby=&searchTerm='git*'&$skip=0&$top=40",
    ] {
        assert_eq!(found(&app, query).await, by_relevance, "{query}");
    }
    assert_eq!(
        found(
            &app,
            "$filter=IsAbsoluteLatestVersion&searchTerm='id:git'&includePrerelease=true"
        )
        .await,
        "Git 3.0-beta, git.install 1.0, posh-git 1.0, TortoiseGit 1.0, legit 1.0"
    );
    // Where an order is asked, or nothing is looked for, nothing is more relevant than another.
    assert_eq!(
        found(&app, "$filter=IsLatestVersion&$orderby=Id&searchTerm='git'&$top=3").await,
        "Git 2.0, git.install 1.0, legit 1.0"
    );
    assert_eq!(
        found(&app, "$filter=IsLatestVersion&searchTerm=''&$top=3").await,
        "Git 2.0, git.install 1.0, legit 1.0"
    );
    // Without a latest flag all versions of an id stand together.
    assert_eq!(
        found(&app, "searchTerm='git'&$top=3").await,
        "Git 2.0, Git 1.0, git.install 1.0"
    );
}

#[tokio::test]
async fn terms_are_found_where_they_say() {
    let app = feed().await;
    for (term, expected) in [
        ("packageid:GIT", "Git 2.0"),
        ("packageid:legit git", "legit 1.0"),
        ("tag:vcs", "posh-git 1.0, yy.tagged 1.0"),
        ("tag:vcs tag:powershell", "posh-git 1.0"),
        ("tag:git", ""),
        ("tag:git*", "yy.tagged 1.0"),
        ("title:git", "xx.titled 1.0"),
        ("description:\"to work\"", "zz.described 1.0"),
        ("author:\"web team\"", "WebPages 1.0"),
        ("Web Pages", "WebPages 1.0"),
        ("web team", "WebPages 1.0"),
        ("git vcs", "posh-git 1.0, yy.tagged 1.0"),
        ("git nothing", ""),
        ("nonsense:git", ""),
    ] {
        let query = format!("$filter=IsLatestVersion&searchTerm='{term}'");
        assert_eq!(found(&app, &query).await, expected, "{term}");
        let count = app.get(&format!("/api/v2/Search()/$count?{query}")).await.text();
        let entries = expected.split(", ").filter(|entry| !entry.is_empty()).count();
        assert_eq!(count, entries.to_string(), "{term}");
    }
}

#[tokio::test]
async fn a_search_has_so_many_terms() {
    let app = TestApp::start("").await;
    let terms = |count: usize| (0..count).map(|n| format!("tag:x{n}")).collect::<Vec<_>>().join(" ");
    app.get(&format!("/api/v2/Search()?searchTerm='{}'", terms(100)))
        .await
        .expect_status(200);
    let refused = app.get(&format!("/api/v2/Search()?searchTerm='{}'", terms(101))).await;
    assert!(
        refused
            .expect_status(400)
            .text()
            .contains("(searchTerm) has more than 100 terms")
    );
}
