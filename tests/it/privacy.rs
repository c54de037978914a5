//! A private id is answered from here alone, on every route, and no upstream hears of it.

mod routes;

use crate::support::app::{TestApp, names};
use crate::support::gallery::{template, upstream};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{ANYTHING, Reply, ScriptedUpstream, atom_feed};

const PRIVATE: &str = "Acme.Secret";
const SEARCH: &str = "/api/v2/Search()";

fn secret(version: &str) -> Packed {
    Nupkg::new(PRIVATE, version).tags("acme").pack()
}

/// An upstream that answers every question with a higher version of the private id.
async fn canary() -> ScriptedUpstream {
    let canary = ScriptedUpstream::start().await;
    let theirs = secret("99.0");
    let rows = [
        canary.entry(&theirs, "<d:Tags> acme </d:Tags>"),
        canary.entry(&Nupkg::new("acme.public", "5.0").pack(), "<d:Tags> acme </d:Tags>"),
    ];
    canary.on(ANYTHING, Reply::feed(atom_feed(&rows, None)));
    canary.on("/api/v2/package/Acme.Secret/99.0", Reply::ok(theirs.bytes.clone()));
    canary.on("/files/Acme.Secret/Acme.Secret.99.0.nupkg", Reply::ok(theirs.bytes));
    canary
}

fn assert_unheard(canary: &ScriptedUpstream, id: &str) {
    for target in canary.targets() {
        assert!(!target.to_lowercase().contains(&id.to_lowercase()), "{target}");
    }
}

/// Questions about the private id alone, in all the shapes in which clients ask.
fn lists() -> Vec<String> {
    let filters = [
        "Id eq 'Acme.Secret'",
        "'acme.secret' eq tolower(Id)",
        "(tolower(Id) eq 'acme.secret') and IsLatestVersion",
        "toupper(Id) eq 'ACME.SECRET' and IsAbsoluteLatestVersion",
        "Id eq 'Acme.Secret' or Id eq 'ACME.SECRET'",
        "Id eq 'Acme.Secret' and NormalizedVersion ge '0'",
        "(Id eq 'Acme.Secret') eq true",
        "substringof('acme.secret',tolower(Id))",
        "substringof('acme.secret',tolower(Id)) eq true and IsLatestVersion",
        "startswith(tolower(Id),'acme.secret')",
        "endswith(Id,'Secret')",
        "indexof(tolower(Id),'acme.secret') ge 0",
        "(substringof('acme.secret',tolower(Id)) or substringof('acme.secret',tolower(Description))) and IsLatestVersion",
        "Id ge 'Acme.Secret' and Id le 'Acme.Secret'",
        "not (Id ne 'Acme.Secret')",
    ];
    let mut lists: Vec<String> = filters
        .iter()
        .map(|filter| format!("Packages()?$filter={filter}"))
        .collect();
    lists.extend(
        filters
            .iter()
            .map(|filter| format!("Search()?includePrerelease=true&$filter={filter}")),
    );
    lists.extend(
        filters
            .iter()
            .map(|filter| format!("Packages?$filter={filter}&semVerLevel=2.0.0&$orderby=Version desc")),
    );
    for term in [
        "'Acme.Secret'",
        "acme.secret",
        "'acme.secret acme'",
        "'id:acme.secret'",
        "'\"acme.secret\"'",
        "'*acme.secret*'",
        "'acme.secret,'",
        "'(acme.secret)'",
        "'acme.secret.'",
        "'acme.secret.1.0'",
        "'Acme.Secret-2.0.0.nupkg'",
        "'PackageId:Acme.Secret tag:acme'",
        "'packageid:acme.secret'",
        "'packageid: \"Acme.Secret\"'",
        "'PackageId:acme.secret*'",
        "'id:\"acme.secret\"'",
        "'id: acme.secret'",
        "'acme.secret*'",
        "'*acme.secret'",
        "'\"see acme.secret for more\"'",
        "'title:acme.secret'",
        "'tag:acme.secret'",
        "'tags:\"a,acme.secret\"'",
        "'author:acme.secret'",
        "'owner:acme.secret'",
        "'description:\"acme.secret 1.0\"'",
        "'nonsense:acme.secret'",
        "'id:tag:acme.secret'",
        "'acme.secret;'",
        "'x|acme.secret|y'",
    ] {
        lists.push(format!("Search()?searchTerm={term}&includePrerelease=true"));
        lists.push(format!(
            "Search()?searchTerm={term}&$filter=IsLatestVersion&$orderby=Id&targetFramework=''"
        ));
    }
    lists.extend(
        [
            "FindPackagesById()?id='Acme.Secret'",
            "FindPackagesById?id=acme.secret",
            "FindPackagesById()?id='ACME.SECRET'&$filter=IsLatestVersion",
            "GetUpdates()?packageIds='Acme.Secret'&versions='0.1'&includePrerelease=true&includeAllVersions=true",
            "GetUpdates()?packageIds='ACME.SECRET%7Cacme.secret'&versions='0.1%7C0.2'&targetFrameworks='net45'",
            "GetUpdates?packageIds=acme.secret&versions=0.1&semVerLevel=2.0.0&versionConstraints='[0.1,100.0]'",
        ]
        .map(str::to_owned),
    );
    lists
}

/// Asks everything there is to ask about the private id; `hosted` are its versions here.
async fn ask_everything(app: &TestApp, hosted: &[&str]) {
    for list in lists() {
        let shown = names(&app.feed(&format!("/api/v2/{list}")).await);
        for shown in &shown {
            assert!(
                hosted.contains(&shown.as_str()) || shown == "acme.public 5.0",
                "{list}: {shown}"
            );
        }
        let (set, query) = list.split_once('?').expect("a query");
        let counted = app
            .get(&format!("/api/v2/{set}/$count?{query}"))
            .await
            .expect_status(200)
            .text();
        assert!(
            counted.parse::<usize>().expect("a number") <= hosted.len().max(1),
            "{list}: {counted}"
        );
        // Version 1 has fewer properties and no updates; what it answers, it answers by the same rules.
        let first = app.get(&format!("/api/v1/{list}")).await;
        let shown = match first.status {
            404 if list.starts_with("GetUpdates") => Vec::new(),
            400 => Vec::new(),
            _ => names(&first.expect_status(200).feed()),
        };
        for shown in &shown {
            assert!(
                hosted.contains(&shown.as_str()) || shown == "acme.public 5.0",
                "{list} in version 1: {shown}"
            );
        }
    }
    for completion in [
        "package-ids?partialId=acme.s",
        "package-ids?partialId=Acme.Secret&includePrerelease=true",
        "package-versions/Acme.Secret?includePrerelease=true",
    ] {
        let told = app
            .get(&format!("/api/v2/{completion}"))
            .await
            .expect_status(200)
            .text();
        assert!(!told.contains("99.0"), "{completion}: {told}");
    }
    for id in ["Acme.Secret", "acme.secret"] {
        app.get(&format!("/api/v2/Packages(Id='{id}',Version='99.0')"))
            .await
            .expect_status(404);
        for root in ["/api/v1", "/v1/FeedService.svc"] {
            app.get(&format!("{root}/Packages(Id='{id}',Version='99.0')"))
                .await
                .expect_status(404);
            app.get(&format!("{root}/package/{id}/99.0")).await.expect_status(404);
        }
        for property in ["Id", "Version/$value"] {
            app.get(&format!("/api/v2/Packages(Id='{id}',Version='99.0')/{property}"))
                .await
                .expect_status(404);
        }
        app.get(&format!("/api/v2/Packages(Id='{id}',Version='99.0')/Download"))
            .await
            .expect_status(404);
        for path in ["package/", "", "api/v2/package/"] {
            let target = format!("/api/v2/{path}{id}/99.0");
            assert_eq!(app.get(&target).await.status, 404, "{target}");
        }
    }
}

async fn ask_openly(app: &TestApp) {
    for open in [
        "Search()?searchTerm='acme'&includePrerelease=true",
        "Search()?searchTerm=''&$filter=IsAbsoluteLatestVersion&includePrerelease=true",
        "Packages()?$filter=IsAbsoluteLatestVersion",
        "Packages()?$filter=substringof('acme',Tags)",
        "Packages()?$orderby=Version desc",
    ] {
        let shown = names(&app.feed(&format!("/api/v2/{open}")).await);
        assert!(shown.contains(&"acme.public 5.0".to_owned()), "{open}: {shown:?}");
        assert!(shown.iter().all(|shown| !shown.contains("99.0")), "{open}: {shown:?}");
        let (set, query) = open.split_once('?').expect("a query");
        let counted = app.get(&format!("/api/v2/{set}/$count?{query}")).await.text();
        assert_eq!(counted, shown.len().to_string(), "{open}");
    }
}

#[tokio::test]
async fn a_hosted_id_is_never_asked_for_upstream() {
    for place in [upstream as fn(&str, &ScriptedUpstream) -> String, template] {
        let canary = canary().await;
        let app = TestApp::start(&place("canary", &canary)).await;
        let packages = [secret("1.0"), secret("1.1-beta")];
        for package in &packages {
            app.push(package).await.expect_status(201);
        }
        let hosted = ["Acme.Secret 1.0", "Acme.Secret 1.1-beta"];
        ask_everything(&app, &hosted).await;
        assert_unheard(&canary, PRIVATE);
        if canary.asked(SEARCH) > 0 {
            ask_openly(&app).await;
        }
        ask_everything(&app, &hosted).await;
        assert_eq!(
            app.get("/api/v2/package/Acme.Secret").await.expect_status(200).body,
            packages[0].bytes
        );

        // Unlisted, it is private all the same.
        for version in ["1.0", "1.1-beta"] {
            let target = format!("/api/v2/package/acme.secret/{version}");
            app.manage("DELETE", &target).await.expect_status(204);
        }
        ask_everything(&app, &hosted).await;
        app.get("/api/v2/package/Acme.Secret").await.expect_status(404);
        assert_eq!(
            app.get("/api/v2/package/Acme.Secret/1.0").await.expect_status(200).body,
            packages[0].bytes
        );
        assert_unheard(&canary, PRIVATE);
    }
}

#[tokio::test]
async fn a_reserved_id_is_never_asked_for_upstream() {
    let canary = canary().await;
    let both = format!("{}{}", upstream("canary", &canary), template("files", &canary));
    for pattern in ["acme.secret", "ACME.S*", "*.secret"] {
        let feed = format!(
            "{both}[[feed]]\nname = \"ours\"\nupstreams = [\"canary\", \"files\"]\nreserved = [\"{pattern}\"]\n"
        );
        let app = TestApp::start(&feed).await;
        ask_everything(&app, &[]).await;
        ask_openly(&app).await;
        ask_everything(&app, &[]).await;
        app.get("/api/v2/package/Acme.Secret").await.expect_status(404);
        assert_unheard(&canary, PRIVATE);
        app.push(&secret("1.0")).await.expect_status(201);
        ask_everything(&app, &["Acme.Secret 1.0"]).await;
        assert_unheard(&canary, PRIVATE);
    }
}

#[tokio::test]
async fn an_id_is_private_to_its_feed_alone() {
    let canary = canary().await;
    let feeds = "[[feed]]\nname = \"ours\"\ndefault = true\nupstreams = [\"canary\"]\n[[feed]]\nname = \"theirs\"\nupstreams = [\"canary\"]\n";
    let app = TestApp::start(&format!("{}{feeds}", upstream("canary", &canary))).await;
    app.push(&secret("1.0")).await.expect_status(201);
    // The other feed asks, and what it learns does not reach the feed that hosts the id.
    let other = app
        .feed("/feeds/theirs/api/v2/FindPackagesById()?id='Acme.Secret'")
        .await;
    assert_eq!(names(&other), ["Acme.Secret 99.0"]);
    app.get("/feeds/theirs/api/v2/package/Acme.Secret/99.0")
        .await
        .expect_status(200);
    ask_everything(&app, &["Acme.Secret 1.0"]).await;
    app.get("/feeds/theirs/api/v2/package/Acme.Secret/1.0")
        .await
        .expect_status(404);
}

#[tokio::test]
async fn an_id_whose_last_version_was_removed_is_an_ordinary_one() {
    let canary = canary().await;
    let feed = "[[feed]]\nname = \"ours\"\nupstreams = [\"canary\"]\ndelete = \"remove\"\n";
    let app = TestApp::start(&format!("{}{feed}", upstream("canary", &canary))).await;
    for version in ["1.0", "2.0"] {
        app.push(&secret(version)).await.expect_status(201);
    }
    app.manage("DELETE", "/api/v2/package/Acme.Secret/2.0")
        .await
        .expect_status(204);
    ask_everything(&app, &["Acme.Secret 1.0"]).await;
    app.manage("DELETE", "/api/v2/package/Acme.Secret/1.0")
        .await
        .expect_status(204);
    assert_eq!(app.versions(PRIVATE).await, ["Acme.Secret 99.0"]);
    app.get("/api/v2/package/Acme.Secret/99.0").await.expect_status(200);
    app.get("/api/v2/package/Acme.Secret/1.0").await.expect_status(404);
    // And private again once it is hosted again; what was mirrored meanwhile does not show.
    app.push(&secret("1.0")).await.expect_status(201);
    let asked = canary.targets().len();
    assert_eq!(app.versions(PRIVATE).await, ["Acme.Secret 1.0"]);
    app.get("/api/v2/package/Acme.Secret/99.0").await.expect_status(404);
    assert_eq!(canary.targets().len(), asked);
}
