//! Working without upstreams: none hears a word, and what is here is served.

use std::time::Duration;

use larder::nuget::PackageId;
use larder::upstream::{ClientSettings, Limits, Uplink, Upstream as _, Urgency, V2Settings, V2Upstream};

use crate::support::app::{TestApp, find};
use crate::support::gallery::{find_target, upstream};
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
        let (answer, ()) = tokio::join!(client.versions(&id, &urgency), cut);
        assert!(answer.expect_err("no answer").is_offline());
        let (requests, connections) = (gallery.requests().len(), gallery.connections());
        let again = client.versions(&id, &urgency).await;
        assert!(again.expect_err("no answer").is_offline());
        assert_eq!(
            (gallery.requests().len(), gallery.connections()),
            (requests, connections)
        );
        uplink.mend();
        gallery.on(&find_target("git"), empty());
        let mended = client.versions(&id, &urgency).await;
        assert_eq!(mended.expect("an answer").len(), 0);
    }
}
