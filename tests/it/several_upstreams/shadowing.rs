//! What a hosted version hides: its id, or itself alone.

use crate::support::app::{TestApp, find, names};
use crate::support::gallery::upstream;
use crate::support::nupkg::Nupkg;
use crate::support::upstream::ScriptedUpstream;

fn feed(keys: &str) -> String {
    format!("[[feed]]\nname = \"ours\"\nupstreams = [\"gallery\"]\n{keys}\n")
}

#[tokio::test]
async fn by_version_the_upstreams_higher_ones_show_and_ours_is_ours() {
    let gallery = ScriptedUpstream::start().await;
    let theirs = ["1.0", "2.0", "3.0"].map(|version| Nupkg::new("git", version).tags("theirs").pack());
    gallery.has(&[&theirs[0], &theirs[1], &theirs[2]]);
    let app = TestApp::start(&format!(
        "{}{}",
        upstream("gallery", &gallery),
        feed("shadow = \"version\"")
    ))
    .await;
    let ours = ["2.0", "2.5"].map(|version| Nupkg::new("git", version).tags("ours").pack());
    for package in &ours {
        app.push(package).await.expect_status(201);
    }
    assert_eq!(app.versions("git").await, ["git 3.0", "git 2.5", "git 2.0", "git 1.0"]);
    for (version, bytes) in [
        ("2.0", &ours[0].bytes),
        ("2.5", &ours[1].bytes),
        ("3.0", &theirs[2].bytes),
    ] {
        let answer = app.get(&format!("/api/v2/package/git/{version}")).await;
        assert_eq!(answer.expect_status(200).body, *bytes, "{version}");
    }
    let latest = app
        .feed("/api/v2/Packages()?$filter=Id eq 'git' and IsLatestVersion")
        .await;
    assert_eq!(names(&latest), ["git 3.0"]);
    let answer = app.push(&Nupkg::new("git", "2.7").pack()).await.expect_status(201);
    assert_eq!(answer.warning(), None, "nothing is hidden");
}

#[tokio::test]
async fn by_version_what_is_reserved_is_asked_of_nobody() {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&Nupkg::new("acme.secret", "9.0").pack()]);
    let keys = "shadow = \"version\"\nreserved = [\"acme.*\"]";
    let app = TestApp::start(&format!("{}{}", upstream("gallery", &gallery), feed(keys))).await;
    app.push(&Nupkg::new("acme.secret", "1.0").pack())
        .await
        .expect_status(201);
    assert_eq!(app.versions("acme.secret").await, ["acme.secret 1.0"]);
    app.get("/api/v2/Search()?searchTerm='acme.secret'")
        .await
        .expect_status(200);
    app.get("/api/v2/package/acme.secret/9.0").await.expect_status(404);
    assert!(gallery.targets().is_empty(), "{:?}", gallery.targets());
}

#[tokio::test]
async fn by_id_nothing_of_the_upstreams_shows() {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&Nupkg::new("git", "9.0").pack()]);
    let app = TestApp::start(&format!("{}{}", upstream("gallery", &gallery), feed("shadow = \"id\""))).await;
    assert_eq!(app.versions("git").await, ["git 9.0"]);
    let answer = app.push(&Nupkg::new("git", "1.0").pack()).await.expect_status(201);
    assert!(
        answer.warning().is_some_and(|warning| warning.contains("gallery")),
        "it hides what was shown"
    );
    assert_eq!(names(&app.feed(&find("git")).await), ["git 1.0"]);
}
