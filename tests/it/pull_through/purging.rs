//! What upstreams said is forgotten by an administrator's order, and when a package is pushed.

use larder::mirror::{Purge, Purged, PurgedIds};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::gallery::{find_target, template, upstream};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{Gate, Reply, ScriptedUpstream, atom_feed};

fn pack(id: &str, version: &str) -> Packed {
    Nupkg::new(id, version).pack()
}

async fn purge(app: &TestApp, upstream: Option<&str>, ids: PurgedIds) -> Purged {
    let upstream = upstream.map(|name| name.parse().expect("a name"));
    let purged = app.mirror().purge(&Purge { upstream, ids }).await;
    purged.expect("an index that works")
}

fn all_of(pattern: &str) -> PurgedIds {
    PurgedIds::Matching(pattern.parse().expect("a pattern"))
}

#[tokio::test]
async fn what_is_purged_is_asked_for_again() {
    let (gallery, files) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    for id in ["git", "git.install", "vlc"] {
        gallery.has(&[&pack(id, "1.0")]);
    }
    let app = TestApp::start(&format!(
        "{}{}",
        upstream("gallery", &gallery),
        template("files", &files)
    ))
    .await;
    for (upstream, ids, expected, renewed) in [
        (
            None,
            PurgedIds::One("GIT".parse().expect("an id")),
            (1, 0),
            &["git"][..],
        ),
        (
            Some("gallery"),
            all_of("git*"),
            (2, 1),
            &["git", "git.install", "gitlab"],
        ),
        (None, all_of("*lab"), (0, 2), &["gitlab"]),
        (Some("files"), PurgedIds::All, (0, 1), &[]),
        (Some("nobody"), PurgedIds::All, (0, 0), &[]),
        (
            Some("gallery"),
            PurgedIds::All,
            (3, 1),
            &["git", "git.install", "vlc", "gitlab"],
        ),
        (None, PurgedIds::All, (3, 2), &["git", "git.install", "vlc", "gitlab"]),
    ] {
        for id in ["git", "git.install", "vlc"] {
            assert_eq!(app.versions(id).await, [format!("{id} 1.0")]);
        }
        app.get("/api/v2/package/gitlab/1.0").await.expect_status(404);
        let before = gallery.targets().len();
        let purged = purge(&app, upstream, ids.clone()).await;
        assert_eq!((purged.present, purged.absent), expected, "{upstream:?} {ids:?}");
        for id in ["git", "git.install", "vlc", "gitlab"] {
            app.versions(id).await;
        }
        let asked = gallery.targets().split_off(before);
        let expected: Vec<String> = renewed.iter().map(|id| find_target(id)).collect();
        assert_eq!(asked, expected, "{upstream:?} {ids:?}");
    }
}

#[tokio::test]
async fn administrators_purge_over_http() {
    let gallery = ScriptedUpstream::start().await;
    for id in ["git", "vlc"] {
        gallery.has(&[&pack(id, "1.0")]);
    }
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    for (order, status, counts) in [
        (json!({ "ids": "Git" }), 200, Some((1, 0))),
        (json!({ "ids": "*" }), 200, Some((2, 1))),
        (json!({ "ids": "v*", "upstream": "gallery" }), 200, Some((1, 0))),
        (json!({ "upstream": "gallery" }), 200, Some((2, 1))),
        (json!({}), 200, Some((2, 1))),
        (json!({ "upstream": "nobody" }), 400, None),
        (json!({ "ids": "" }), 400, None),
        (json!({ "id": "git" }), 400, None),
    ] {
        for id in ["git", "vlc", "absent"] {
            app.versions(id).await;
        }
        let answer = app.order("/admin/purge", &order).await.expect_status(status);
        if let Some((present, absent)) = counts {
            let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
            assert_eq!(told, json!({ "present": present, "absent": absent }), "{order}");
        }
    }
    app.request("POST", "/admin/purge").body("{}").send().await.map_or_else(
        |error| panic!("{error}"),
        |answer| assert_eq!(answer.status().as_u16(), 401),
    );
    app.manage("GET", "/admin/purge").await.expect_status(405);
}

#[tokio::test]
async fn a_purged_search_is_handed_on_anew() {
    let gallery = ScriptedUpstream::start().await;
    gallery.on(
        "/api/v2/Search()",
        Reply::feed(atom_feed(&[gallery.entry(&pack("git", "1.0"), "")], None)),
    );
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let mut asked = Vec::new();
    for ids in [None, Some(all_of("git*")), Some(PurgedIds::All)] {
        if let Some(ids) = ids {
            purge(&app, Some("gallery"), ids).await;
        }
        app.feed("/api/v2/Search()?searchTerm='git'&$top=1").await;
        asked.push(gallery.asked("Search()"));
    }
    assert!(asked[0] > 0 && asked[1] == asked[0] && asked[2] > asked[1], "{asked:?}");
}

#[tokio::test]
async fn what_is_purged_stays_known_and_held() {
    let gallery = ScriptedUpstream::start().await;
    let git = pack("git", "1.0");
    gallery.has(&[&git]);
    let mut app = TestApp::start(&upstream("gallery", &gallery)).await;
    app.get("/api/v2/package/git/1.0").await.expect_status(200);
    purge(&app, None, PurgedIds::All).await;
    app.restart().await;
    gallery.on(&find_target("git"), Reply::status(403));
    let answer = app.get("/api/v2/FindPackagesById()?id='git'").await.expect_status(200);
    assert!(answer.warning().is_some());
    assert_eq!(
        app.get("/api/v2/package/git/1.0").await.expect_status(200).body,
        git.bytes
    );
}

#[tokio::test]
async fn an_answer_that_was_on_its_way_when_it_was_purged_is_not_fresh() {
    let gallery = ScriptedUpstream::start().await;
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let gate = Gate::new();
    let page = atom_feed(&[gallery.entry(&pack("git", "1.0"), "")], None);
    gallery.on(&find_target("git"), Reply::feed(page).head_gate(&gate));
    let (versions, ()) = tokio::join!(app.versions("git"), async {
        gate.reached_by(1).await;
        purge(&app, None, PurgedIds::All).await;
        gallery.has(&[&pack("git", "2.0")]);
        gate.open();
    });
    assert_eq!(versions, ["git 1.0"]);
    assert_eq!(app.versions("git").await, ["git 2.0"]);
}

#[tokio::test]
async fn a_push_makes_what_upstreams_said_of_the_id_old() {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&pack("git", "1.0")]);
    let configuration = format!(
        "{}[[feed]]\nname = \"default\"\nupstreams = [\"gallery\"]\ndelete = \"remove\"\n",
        upstream("gallery", &gallery)
    );
    let app = TestApp::start(&configuration).await;
    // One that is there, and one that is not.
    assert_eq!(app.versions("git").await, ["git 1.0"]);
    assert!(app.versions("tool").await.is_empty());
    for id in ["git", "tool"] {
        gallery.has(&[&pack(id, "3.0")]);
        app.push(&pack(id, "2.0")).await.expect_status(201);
        assert_eq!(app.versions(id).await, [format!("{id} 2.0")]);
        app.manage("DELETE", &format!("/api/v2/package/{id}/2.0"))
            .await
            .expect_status(204);
        assert_eq!(app.versions(id).await, [format!("{id} 3.0")], "it is asked at once");
    }
    assert_eq!(gallery.targets().len(), 4);
}
