//! `package-ids` and `package-versions`.

use crate::support::app::TestApp;
use crate::support::gallery::upstream;
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{ANYTHING, Reply, ScriptedUpstream, atom_feed};

async fn strings(app: &TestApp, target: &str) -> Vec<String> {
    let answer = app.get(&format!("/api/v2/{target}")).await.expect_status(200);
    assert_eq!(answer.header("content-type"), Some("application/json;charset=utf-8"));
    serde_json::from_slice(&answer.body).expect("an array of strings")
}

#[tokio::test]
async fn ids_are_completed() {
    let app = TestApp::start("").await;
    for (id, version) in [
        ("NewTool", "1.0"),
        ("newer", "1.0-pre"),
        ("newest", "1.0.0+build"),
        ("renew", "1.0"),
        ("New.Gone", "1.0"),
    ] {
        app.push(&Nupkg::new(id, version).pack()).await.expect_status(201);
    }
    app.manage("DELETE", "/api/v2/package/new.gone/1.0")
        .await
        .expect_status(204);
    for (target, expected) in [
        ("package-ids?partialId=new", &["NewTool"][..]),
        (
            "package-ids?partialId=NEW&includePrerelease=true",
            &["newer", "NewTool"],
        ),
        (
            "package-ids?partialId=new&includePrerelease=True&semVerLevel=2.0.0",
            &["newer", "newest", "NewTool"],
        ),
        (
            "package-ids?partialId='new'&includePrerelease=False&semVerLevel=2.0.0",
            &["newest", "NewTool"],
        ),
        ("package-ids?partialId=x", &[]),
        ("package-ids", &["NewTool", "renew"]),
        ("package-ids/?partialId=&includePrerelease=false", &["NewTool", "renew"]),
    ] {
        assert_eq!(strings(&app, target).await, expected, "{target}");
    }
    app.get("/api/v2/package-ids?includePrerelease=maybe")
        .await
        .expect_status(400);
}

#[tokio::test]
async fn no_more_than_thirty_ids_are_told() {
    let app = TestApp::start("").await;
    for number in 0..32 {
        let package = Nupkg::new(&format!("many.{number:02}"), "1.0").pack();
        app.push(&package).await.expect_status(201);
    }
    let told = strings(&app, "package-ids?partialId=many").await;
    assert_eq!((told.len(), told.last().map(String::as_str)), (30, Some("many.29")));
    assert_eq!(strings(&app, "package-ids").await.len(), 30);
}

#[tokio::test]
async fn versions_are_completed() {
    let app = TestApp::start("").await;
    for version in ["1.10", "1.9.0.0", "2.0-beta", "2.0.0+build", "0.1"] {
        app.push(&Nupkg::new("Git", version).pack()).await.expect_status(201);
    }
    app.manage("DELETE", "/api/v2/package/git/0.1").await.expect_status(204);
    for (target, expected) in [
        ("package-versions/git", &["1.9.0.0", "1.10"][..]),
        (
            "package-versions/GIT?includePrerelease=True",
            &["1.9.0.0", "1.10", "2.0-beta"],
        ),
        (
            "package-versions/git?includePrerelease=true&semVerLevel=2.0.0",
            &["1.9.0.0", "1.10", "2.0-beta", "2.0.0+build"],
        ),
        ("package-versions/unknown", &[]),
    ] {
        assert_eq!(strings(&app, target).await, expected, "{target}");
    }
}

#[tokio::test]
async fn what_upstreams_have_is_completed_too() {
    let gallery = ScriptedUpstream::start().await;
    let package = Nupkg::new("git", "2.40.0").pack();
    gallery.has(&[&package]);
    let rows = [gallery.entry(&package, "")];
    gallery.on(ANYTHING, Reply::feed(atom_feed(&rows, None)));
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    assert_eq!(strings(&app, "package-versions/git").await, ["2.40.0"]);
    assert_eq!(strings(&app, "package-ids?partialId=gi").await, ["git"]);
    assert_eq!(gallery.asked("(startswith(tolower(Id),%27gi%27))"), 1);
}

#[tokio::test]
async fn the_beginning_of_a_private_name_stays_here() {
    let gallery = ScriptedUpstream::start().await;
    gallery.on(ANYTHING, Reply::feed(atom_feed(&[], None)));
    let feed = "[[feed]]\nname = \"ours\"\nupstreams = [\"gallery\"]\nreserved = [\"contoso.*\"]\n";
    let app = TestApp::start(&format!("{}{feed}", upstream("gallery", &gallery))).await;
    app.push(&Nupkg::new("Acme.Secret", "1.0").pack())
        .await
        .expect_status(201);
    for partial in ["a", "Acme", "acme.secret", "c", "conto", "Contoso.Tools"] {
        strings(&app, &format!("package-ids?partialId={partial}")).await;
    }
    assert_eq!(
        strings(&app, "package-versions/acme.secret").await,
        ["1.0"],
        "known without anybody's help"
    );
    strings(&app, "package-versions/contoso.tools").await;
    assert_eq!(gallery.targets(), Vec::<String>::new());
    strings(&app, "package-ids?partialId=acme.x").await;
    let targets = gallery.targets();
    assert_eq!(targets.len(), 2, "nothing private begins so");
    assert!(targets.iter().all(|target| target.contains("acme.x")), "{targets:?}");
}
