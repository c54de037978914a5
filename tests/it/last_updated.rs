//! `LastUpdated` tells when the latest flags of a hosted version last changed, as galleries do, for clients that ask for what
//! was updated since they last asked.

use std::time::Duration;

use crate::support::app::{TestApp, find, names};
use crate::support::nupkg::Nupkg;

/// Pushes (`1.0`), unlists (`-1.0`) or relists (`+1.0`) a version, a second after what was before.
async fn change(app: &TestApp, change: &str) {
    app.clock.advance(Duration::from_secs(1));
    let (method, version) = match change.split_at(1) {
        ("-", version) => ("DELETE", version),
        ("+", version) => ("POST", version),
        _ => {
            app.push(&Nupkg::new("git", change).pack()).await.expect_status(201);
            return;
        }
    };
    let answer = app.manage(method, &format!("/api/v2/package/git/{version}")).await;
    assert!(answer.status < 300, "{}", answer.text());
}

/// Returns the versions, each with the second of its last update in all forms, which must agree.
async fn updates(app: &TestApp) -> String {
    let page = app.feed(&find("git")).await;
    let mut told = Vec::new();
    for entry in &page.entries {
        let version = &entry.version;
        let property = entry.entry.property("LastUpdated").expect("an instant").to_owned();
        let one = format!("/api/v2/Packages(Id='git',Version='{version}')");
        let single = app.get(&one).await.text();
        assert!(single.contains(&format!("<updated>{property}Z</updated>")), "{single}");
        assert!(single.contains(&format!(
            "<d:LastUpdated m:type=\"Edm.DateTime\">{property}</d:LastUpdated>"
        )));
        let value = app.get(&format!("{one}/LastUpdated/$value")).await.text();
        assert_eq!(value, property);
        let ticks = format!("{property}Z")
            .parse::<chrono::DateTime<chrono::Utc>>()
            .expect("an instant");
        let json = app.get(&format!("{one}?$format=json")).await.text();
        let date = format!("\"LastUpdated\":\"/Date({})/\"", ticks.timestamp_millis());
        assert!(json.contains(&date), "{json}");
        let same = format!("{}&$filter=LastUpdated eq datetime'{property}'", find("git"));
        assert!(names(&app.feed(&same).await).contains(&format!("git {version}")));
        let (_, second) = property.rsplit_once(':').expect("seconds");
        told.push(format!("{version}@{second}"));
    }
    told.join(" ")
}

#[tokio::test]
async fn versions_are_updated_when_their_latest_flags_change() {
    let mut app = TestApp::start("").await;
    for (what, expected) in [
        ("1.0", "1.0@01"),
        ("2.0", "2.0@02 1.0@02"),
        ("3.0", "3.0@03 2.0@03 1.0@02"),
        ("-3.0", "3.0@04 2.0@04 1.0@02"),
        // What is so already is not changed.
        ("-3.0", "3.0@04 2.0@04 1.0@02"),
        ("+3.0", "3.0@06 2.0@06 1.0@02"),
        ("+3.0", "3.0@06 2.0@06 1.0@02"),
        ("4.0-a", "4.0-a@08 3.0@08 2.0@06 1.0@02"),
        ("4.0-a.1", "4.0-a.1@09 4.0-a@09 3.0@08 2.0@06 1.0@02"),
        ("-2.0", "4.0-a.1@09 4.0-a@09 3.0@08 2.0@10 1.0@06"),
    ] {
        change(&app, what).await;
        assert_eq!(updates(&app).await, expected, "{what}");
    }
    let by_update = format!("{}&$orderby=LastUpdated desc", find("git"));
    let since = format!("{}&$filter=LastUpdated ge datetime'2026-03-01T12:00:08'", find("git"));
    let lists = [
        (
            by_update,
            &["git 2.0", "git 4.0-a.1", "git 4.0-a", "git 3.0", "git 1.0"][..],
        ),
        (since, &["git 4.0-a.1", "git 4.0-a", "git 3.0", "git 2.0"]),
    ];
    for (list, expected) in &lists {
        assert_eq!(names(&app.feed(list).await), *expected, "{list}");
    }
    let before = updates(&app).await;
    app.restart().await;
    assert_eq!(updates(&app).await, before);
    app.stop().await;
    std::fs::remove_dir_all(app.data().join("index")).expect("an index to lose");
    app.open().await;
    assert_eq!(updates(&app).await, before);
    for (list, expected) in &lists {
        assert_eq!(names(&app.feed(list).await), *expected, "{list}");
    }
}
