//! Working without upstreams: none hears a word, and what is here is served.

use std::time::Duration;

use larder::nuget::PackageId;
use larder::upstream::{ClientSettings, Limits, Uplink, Upstream as _, Urgency, V2Settings, V2Upstream};
use serde_json::{Value, json};

use crate::support::app::{TestApp, find};
use crate::support::gallery::{find_target, upstream};
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{Gate, Reply, ScriptedUpstream, atom_feed};
use crate::upstream_v2::{patient, settings};

#[tokio::test]
async fn a_larder_configured_offline_asks_nobody() {
    let gallery = ScriptedUpstream::start().await;
    let app = TestApp::start(&format!("server.offline = true\n{}", upstream("gallery", &gallery))).await;
    for target in [
        find("git"),
        "/api/v2/package/git/1.0".to_owned(),
        "/api/v2/Search()?searchTerm='git'".to_owned(),
        "/api/v2/Packages(Id='git',Version='1.0')".to_owned(),
    ] {
        let answer = app.get(&target).await.expect_status(503);
        assert_eq!(answer.header("x-larder-cache"), Some("OFFLINE"));
        assert!(answer.reason.contains("This server is offline"), "{}", answer.reason);
        app.clock.advance(Duration::from_secs(3600));
    }
    assert_eq!(gallery.connections(), 0);
}

async fn switch(app: &TestApp, offline: bool) {
    let answer = app.order("/admin/offline", &json!({ "offline": offline })).await;
    let state: Value = serde_json::from_slice(&answer.expect_status(200).body).expect("JSON");
    assert_eq!(state, json!({ "offline": offline }));
}

#[tokio::test]
async fn what_is_known_and_held_is_served_however_old_it_is() {
    let gallery = ScriptedUpstream::start().await;
    let (git, vlc) = (Nupkg::new("git", "1.0").pack(), Nupkg::new("vlc", "2.0").pack());
    gallery.has(&[&git]);
    gallery.has(&[&vlc]);
    let mut app = TestApp::start(&upstream("gallery", &gallery)).await;
    app.get("/api/v2/package/git/1.0").await.expect_status(200);
    app.get(&find("vlc")).await.expect_status(200);
    let online = app.get(&find("git")).await.expect_status(200);
    assert_eq!(online.header("x-larder-cache"), None);
    switch(&app, true).await;
    let (requests, connections) = (gallery.requests().len(), gallery.connections());
    for restarted in [false, true] {
        if restarted {
            app.restart().await;
        }
        app.clock.advance(Duration::from_secs(400 * 24 * 3600));
        for (target, status) in [
            (find("git"), 200),
            (find("vlc"), 200),
            ("/api/v2/Packages(Id='git',Version='1.0')".to_owned(), 200),
            ("/api/v2/package/git/1.0".to_owned(), 200),
            ("/api/v2/package/git".to_owned(), 200),
            ("/api/v2/Search()?searchTerm='vlc'".to_owned(), 200),
            // Its entry is known, its bytes are not here.
            ("/api/v2/package/vlc/2.0".to_owned(), 503),
            (find("nowhere"), 503),
            ("/api/v2/package/git/9.9".to_owned(), 503),
            ("/api/v2/package/nowhere/1.0".to_owned(), 503),
        ] {
            let answer = app.get(&target).await.expect_status(status);
            assert_eq!(answer.header("x-larder-cache"), Some("OFFLINE"), "{target}");
            assert_eq!(
                answer.reason.contains("offline"),
                status == 503,
                "{target}: {}",
                answer.reason
            );
        }
        // Pushes are nobody else's business.
        let ours = Nupkg::new("ours", if restarted { "2.0" } else { "1.0" }).pack();
        app.push(&ours).await.expect_status(201);
    }
    assert_eq!(
        (gallery.requests().len(), gallery.connections()),
        (requests, connections)
    );
    switch(&app, false).await;
    app.get("/api/v2/package/vlc/2.0").await.expect_status(200);
    app.restart().await;
    assert_eq!(
        app.get(&find("git")).await.expect_status(200).header("x-larder-cache"),
        None
    );
}

#[tokio::test]
async fn the_configuration_cannot_be_overruled() {
    let app = TestApp::start("server.offline = true\n").await;
    let answer = app
        .order("/admin/offline", &json!({ "offline": false }))
        .await
        .expect_status(400);
    let text = answer.text();
    assert!(text.contains("onfiguration says offline = true"), "{text}");
    assert_eq!(
        app.manage("GET", "/admin/offline")
            .await
            .expect_status(200)
            .text()
            .replace([' ', '\n'], ""),
        "{\"offline\":true}"
    );
    app.manage("DELETE", "/admin/offline").await.expect_status(405);
    app.order("/admin/offline", &json!({ "online": true }))
        .await
        .expect_status(400);
}

#[tokio::test]
async fn what_is_under_way_ends_when_the_uplink_is_cut() {
    let gallery = ScriptedUpstream::start().await;
    let uplink = Uplink::default();
    let client = V2Upstream::new(V2Settings {
        name: "gallery".parse().expect("a name"),
        base: gallery.url("/api/v2/").parse().expect("a URL"),
        client: ClientSettings {
            uplink: uplink.clone(),
            ..settings(patient())
        },
        limits: Limits::default(),
    })
    .expect("a client");
    let id: PackageId = "git".parse().expect("an id");
    let empty = || Reply::feed(atom_feed(&[], None));
    let urgency = Urgency::default();
    // Before the answer's head, and within its body.
    for reply in [
        |gate: &Gate| Reply::feed(atom_feed(&[], None)).head_gate(gate),
        |gate: &Gate| Reply::feed(atom_feed(&[], None)).gate(10, gate),
    ] {
        let gate = Gate::new();
        gallery.on(&find_target("git"), reply(&gate));
        let cut = async {
            gate.reached_by(1).await;
            uplink.cut();
        };
        let (answer, ()) = tokio::join!(client.versions(&id, None, &urgency), cut);
        assert!(answer.expect_err("no answer").is_offline());
        let (requests, connections) = (gallery.requests().len(), gallery.connections());
        let again = client.versions(&id, None, &urgency).await;
        assert!(again.expect_err("no answer").is_offline());
        assert_eq!(
            (gallery.requests().len(), gallery.connections()),
            (requests, connections)
        );
        uplink.mend();
        gallery.on(&find_target("git"), empty());
        let mended = client.versions(&id, None, &urgency).await;
        assert!(crate::upstream_v2::announced(mended.expect("an answer")).is_empty());
    }
}
