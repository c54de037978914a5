//! `GetUpdates`, and the target frameworks by which it and `Search` choose.

use crate::support::app::{TestApp, names, send};
use crate::support::corpus;
use crate::support::gallery::upstream;
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{Reply, ScriptedUpstream};

const UPDATES: &str = "/api/v2/GetUpdates()";

/// A package with nothing but a file for each of some frameworks.
fn library(id: &str, version: &str, frameworks: &[&str]) -> Packed {
    let empty = Nupkg::new(id, version).without_files();
    let folders = frameworks.iter().map(|framework| format!("lib/{framework}/a.dll"));
    folders.fold(empty, |package, name| package.file(&name, "x")).pack()
}

async fn has(app: &TestApp, packages: &[Packed]) {
    for package in packages {
        app.push(package).await.expect_status(201);
    }
}

async fn with_versions(id: &str, versions: &str) -> TestApp {
    let app = TestApp::start("").await;
    for version in versions.split_whitespace() {
        app.push(&Nupkg::new(id, version).pack()).await.expect_status(201);
    }
    app
}

/// Asks `GetUpdates` and its count, which must agree, and returns what it shows.
async fn updates(app: &TestApp, query: &str) -> Vec<String> {
    let shown = names(&app.feed(&format!("{UPDATES}?{query}")).await);
    let count = app.get(&format!("{UPDATES}/$count?{query}")).await.expect_status(200);
    assert_eq!(count.text(), shown.len().to_string(), "{query}");
    shown
}

#[tokio::test]
async fn updates_are_higher_listed_and_allowed() {
    let app = with_versions("git", "1.0 1.1 1.5-beta 2.0 2.1-rc.1 3.0").await;
    has(
        &app,
        &[Nupkg::new("7zip", "19.0").pack(), Nupkg::new("7zip", "20.1").pack()],
    )
    .await;
    app.manage("DELETE", "/api/v2/package/git/3.0").await.expect_status(204);
    for (query, expected) in [
        (
            "packageIds='git%7C7zip'&versions='1.0%7C19.0'&includePrerelease=false&includeAllVersions=false&targetFrameworks=''&versionConstraints='%7C'",
            &["7zip 20.1", "git 2.0"][..],
        ),
        ("packageIds='GIT'&versions='1.0'", &["git 2.0"]),
        ("packageIds=git&versions=1.0&includePrerelease=true", &["git 2.0"]),
        (
            "packageIds='git'&versions='1.0'&includePrerelease=true&semVerLevel=2.0.0",
            &["git 2.1-rc.1"],
        ),
        (
            "packageIds='git'&versions='1.0'&includePrerelease=false&semVerLevel=2.0.0",
            &["git 2.0"],
        ),
        (
            "packageIds='git'&versions='1.0'&includeAllVersions=true&includePrerelease=true",
            &["git 2.0", "git 1.5-beta", "git 1.1"],
        ),
        (
            "packageIds='git'&versions='1.0'&includeAllVersions=true",
            &["git 2.0", "git 1.1"],
        ),
        ("packageIds='git'&versions='2.0'", &[]),
        (
            "packageIds='git'&versions='1.0.0.0'&versionConstraints='[1.0,2.0)'",
            &["git 1.1"],
        ),
        (
            "packageIds='git'&versions='1.0'&versionConstraints='nonsense'",
            &["git 2.0"],
        ),
        ("packageIds='git'&versions='1.0'&versionConstraints='2.*'", &["git 2.0"]),
        (
            "packageIds='git'&versions='1.0'&versionConstraints='[1.*,2.0)'",
            &["git 1.1"],
        ),
        ("packageIds='git'&versions='1.0'&versionConstraints='3.*'", &[]),
        ("packageIds='git'&versions='1.0'&versionConstraints='3.0.0-*'", &[]),
        ("packageIds='git'&versions='1.0'&versionConstraints='*'", &["git 2.0"]),
        ("packageIds='git|git'&versions='2.0|1.1'", &["git 2.0"]),
        ("packageIds='git|7zip|vlc'&versions='nonsense|19.0|1.0'", &["7zip 20.1"]),
        ("packageIds='git|7zip'&versions='1.0'", &[]),
        ("packageIds='git'&versions='1.0'&versionConstraints='|'", &[]),
        ("packageIds=''&versions=''", &[]),
        ("", &[]),
    ] {
        assert_eq!(updates(&app, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn options_apply_to_the_updates() {
    let app = with_versions("git", "1.0 1.1 1.2 1.3 2.0-beta").await;
    has(&app, &[Nupkg::new("vlc", "3.0").tags("video").pack()]).await;
    let asked = "packageIds='git%7Cvlc'&versions='1.0%7C1.0'";
    for (options, expected) in [
        (
            "includeAllVersions=true&$orderby=Version desc",
            &["vlc 3.0", "git 1.3", "git 1.2", "git 1.1"][..],
        ),
        (
            "includeAllVersions=true&includePrerelease=true&$orderby=Version desc&$top=1",
            &["vlc 3.0"],
        ),
        (
            "includeAllVersions=true&$filter=Version le '1.2'",
            &["git 1.2", "git 1.1"],
        ),
        // The filter comes after the choice of the highest.
        ("$filter=Version le '1.2'", &[]),
        ("$filter=Id eq 'vlc'", &["vlc 3.0"]),
        ("$filter=Id eq 'nano'", &[]),
        ("$filter=IsLatestVersion", &["git 1.3", "vlc 3.0"]),
        ("includePrerelease=true&$filter=IsLatestVersion", &["vlc 3.0"]),
        (
            "includeAllVersions=true&$skip=1&$top=2&$select=Id,Version",
            &["git 1.2", "git 1.1"],
        ),
    ] {
        assert_eq!(
            updates(&app, &format!("{asked}&{options}")).await,
            expected,
            "{options}"
        );
    }
    let counted = app
        .get(&format!("{UPDATES}?{asked}&$inlinecount=allpages&$top=1"))
        .await;
    assert!(counted.text().contains("<m:count>2</m:count>"), "{}", counted.text());
    let first = app
        .get(&format!("{UPDATES}?packageIds='git'&versions='1.0'"))
        .await
        .text();
    let adjacent = "<d:Version>1.3</d:Version><d:NormalizedVersion>1.3.0</d:NormalizedVersion>";
    assert!(first.contains(adjacent), "{first}");
}

#[tokio::test]
async fn next_links_ask_for_the_same_updates() {
    let app = TestApp::start("server.page_size = 2\n").await;
    for version in ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"] {
        has(&app, &[Nupkg::new("it.s", version).pack()]).await;
    }
    let mut next = Some(app.url(&format!(
        "{UPDATES}?packageIds='it.s%7Cvlc'&versions='1.0%7C1.0'&includeAllVersions=true&targetFrameworks='portable-net45%2Bwin8'&versionConstraints='(,1.5)%7C'"
    )));
    let mut found = Vec::new();
    while let Some(url) = next {
        let page = app.feed(&url.replace(&app.url(""), "")).await;
        found.extend(names(&page));
        next = page.next;
        assert!(found.len() <= 4, "{found:?}");
    }
    assert_eq!(found, ["it.s 1.4", "it.s 1.3", "it.s 1.2", "it.s 1.1"]);
}

#[tokio::test]
async fn updates_are_asked_for_with_post_too() {
    let app = with_versions("git", "1.0 2.0").await;
    let target = format!("{UPDATES}?packageIds='git'&versions='1.0'");
    let answer = send(app.request("POST", &target)).await.expect("a whole answer");
    assert_eq!(names(&answer.expect_status(200).feed()), ["git 2.0"]);
    let count = app.request("POST", &target.replace('?', "/$count?"));
    assert_eq!(send(count).await.expect("a whole answer").text(), "1");
}

#[tokio::test]
async fn too_many_ids_are_refused() {
    let app = TestApp::start("").await;
    let ids = vec!["a"; 1001].join("%7C");
    let answer = app.get(&format!("{UPDATES}?packageIds='{ids}'&versions='1.0'")).await;
    assert!(
        answer
            .expect_status(400)
            .text()
            .contains("ackageIds has more than 1000 values")
    );
}

#[tokio::test]
async fn updates_are_usable_for_the_target_frameworks() {
    let app = TestApp::start("").await;
    has(
        &app,
        &[
            library("lib", "1.0", &["net20"]),
            library("lib", "1.1", &["net40", "sl4"]),
            library("lib", "1.2", &["net45", "netstandard1.0"]),
            library("lib", "1.3", &["portable-net45+win8"]),
            library("lib", "2.0", &["sl5", "winrt45"]),
            library("script", "2.0", &[]),
            library("odd", "2.0", &["net45", "nonsense"]),
        ],
    )
    .await;
    let asked = "packageIds='lib%7Cscript%7Codd'&versions='0.1%7C1.0%7C1.0'";
    for (frameworks, lib) in [
        ("", "lib 2.0"),
        ("net35", "lib 1.0"),
        ("net40", "lib 1.1"),
        ("net40-client", "lib 1.1"),
        ("net472", "lib 1.3"),
        ("netcoreapp2.0", "lib 1.2"),
        ("net40%7Csl5", "lib 2.0"),
        ("net45%7C", "lib 1.3"),
        ("portable-net45+win8", "lib 1.3"),
        ("portable-net45%2Bwin8", "lib 1.3"),
        (".NETFramework,Version=v4.0", "lib 1.1"),
        ("nonsense", "lib 2.0"),
    ] {
        let shown = updates(&app, &format!("{asked}&targetFrameworks='{frameworks}'")).await;
        assert_eq!(shown, [lib, "odd 2.0", "script 2.0"], "{frameworks}");
    }
    assert_eq!(
        updates(&app, "packageIds='lib'&versions='0.1'&targetFrameworks='native'").await,
        [""; 0]
    );
}

#[tokio::test]
async fn searches_choose_by_target_framework_where_packages_declare_any() {
    let app = TestApp::start("").await;
    has(
        &app,
        &[
            library("new.lib", "1.0", &["net472"]),
            library("old.lib", "1.0", &["net20"]),
            Nupkg::new("some.lib", "1.0").pack(),
        ],
    )
    .await;
    for (framework, expected) in [
        (
            "targetFramework=''",
            &["new.lib 1.0", "old.lib 1.0", "some.lib 1.0"][..],
        ),
        ("targetFramework='net45'", &["old.lib 1.0", "some.lib 1.0"]),
        ("targetFramework=net48", &["new.lib 1.0", "old.lib 1.0", "some.lib 1.0"]),
        (
            "targetFramework='net472%7Cnetstandard2.0'",
            &["new.lib 1.0", "old.lib 1.0", "some.lib 1.0"],
        ),
        ("targetFramework='netstandard2.0%7Cnet11'", &["some.lib 1.0"]),
        (
            "targetFramework='anything else'",
            &["new.lib 1.0", "old.lib 1.0", "some.lib 1.0"],
        ),
    ] {
        let query = format!("searchTerm='lib'&{framework}&includePrerelease=false&$orderby=Id");
        let shown = names(&app.feed(&format!("/api/v2/Search()?{query}")).await);
        assert_eq!(shown, expected, "{framework}");
        let count = app.get(&format!("/api/v2/Search()/$count?{query}")).await.text();
        assert_eq!(count, expected.len().to_string(), "{framework}");
    }
    // Sets have no such parameter.
    let set = names(&app.feed("/api/v2/Packages()?targetFramework='net11'").await);
    assert_eq!(set.len(), 3);
}

#[tokio::test]
async fn real_packages_declare_their_frameworks() {
    let Some(folder) = corpus::folder("nupkg") else { return };
    let app = TestApp::start("").await;
    for name in [
        "PackageWithGacReferences.1.0.nupkg",
        "PackageWithFrameworkFacadeReference.1.0.0.nupkg",
        "PackageWithNonExistentGacReferences.1.0.nupkg",
        "Test.0.0.1.nupkg",
    ] {
        let bytes = std::fs::read(folder.join(name)).expect("a package of the corpus");
        let package = Packed {
            id: String::new(),
            version: String::new(),
            bytes,
        };
        app.push(&package).await.expect_status(201);
    }
    let (facade, gac) = ("PackageWithFrameworkFacadeReference", "PackageWithGacReferences");
    for (framework, expected) in [
        ("net451", &[facade, gac][..]),
        ("net40-client", &[gac]),
        ("net35", &[]),
        ("sl3", &[gac]),
        ("wpa81", &[gac]),
        ("win8", &[]),
    ] {
        let shown = app
            .feed(&format!("/api/v2/Search()?targetFramework='{framework}'&$orderby=Id"))
            .await;
        let always = ["PackageWithNonExistentGacReferences", "Test"];
        let shown: Vec<&str> = shown.entries.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(shown, [expected, &always].concat(), "{framework}");
    }
}

/// What is known of a mirrored package's frameworks comes from its file: before it is here, and where it cannot be told,
/// the package counts as made for all.
#[tokio::test]
async fn mirrored_packages_declare_frameworks_once_they_are_here() {
    let scripted = ScriptedUpstream::start().await;
    let packages = [library("lib", "1.0", &["net40"]), library("lib", "2.0", &["net472"])];
    let dependencies = "<d:Dependencies>::net472</d:Dependencies>";
    let entries = packages.each_ref().map(|package| scripted.entry(package, dependencies));
    scripted.announces(&packages[0], &entries);
    for package in &packages {
        scripted.serves(package, Reply::ok(package.bytes.clone()));
    }
    let mut app = TestApp::start(&upstream("gallery", &scripted)).await;
    let asked = "packageIds='lib'&versions='0.1'&targetFrameworks='net45'";
    assert_eq!(updates(&app, asked).await, ["lib 2.0"]);
    assert_eq!(scripted.asked("FindPackagesById"), 1, "{:?}", scripted.targets());
    for version in ["1.0", "2.0"] {
        app.get(&format!("/api/v2/package/lib/{version}"))
            .await
            .expect_status(200);
    }
    assert_eq!(updates(&app, asked).await, ["lib 1.0"]);
    // The upstream says the same again: what the file tells stays.
    app.clock.advance(std::time::Duration::from_hours(24 * 365));
    assert_eq!(updates(&app, asked).await, ["lib 1.0"]);
    app.restart().await;
    assert_eq!(updates(&app, asked).await, ["lib 1.0"]);
    // An index that is made anew from the files says the same.
    app.stop().await;
    std::fs::remove_dir_all(app.data().join("index")).expect("the index");
    app.open().await;
    scripted.stop().await;
    assert_eq!(updates(&app, asked).await, ["lib 1.0"]);
}

#[tokio::test]
async fn updates_are_told_from_what_is_known_when_the_upstream_is_gone() {
    let scripted = ScriptedUpstream::start().await;
    scripted.has(&[&Nupkg::new("git", "1.0").pack(), &Nupkg::new("git", "2.0").pack()]);
    let app = TestApp::start(&upstream("gallery", &scripted)).await;
    assert_eq!(updates(&app, "packageIds='git'&versions='1.0'").await, ["git 2.0"]);
    scripted.stop().await;
    app.clock.advance(std::time::Duration::from_hours(24 * 20));
    for (query, expected) in [
        ("packageIds='git'&versions='1.0'", &["git 2.0"][..]),
        ("packageIds='git'&versions='2.0'", &[]),
        ("packageIds='git%7Cvlc'&versions='2.0%7C1.0'", &[]),
    ] {
        let answer = app.get(&format!("{UPDATES}?{query}")).await.expect_status(200);
        assert!(answer.warning().is_some(), "{query}");
        assert_eq!(names(&answer.feed()), expected, "{query}");
    }
    let unknown = app.get(&format!("{UPDATES}?packageIds='vlc'&versions='1.0'")).await;
    assert!(matches!(unknown.status, 502..=504), "{}", unknown.status);
}
