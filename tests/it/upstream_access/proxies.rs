//! A proxy of an upstream's own; and what it may not be led to.

use crate::support::app::TestApp;
use crate::support::gallery::{find_target, upstream, upstream_at};
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{Reply, ScriptedUpstream, atom_entry, atom_feed};

#[tokio::test]
async fn an_upstream_is_reached_through_its_proxy() {
    let proxy = ScriptedUpstream::start().await;
    let git = Nupkg::new("git", "1.0").pack();
    // To a proxy, a request's target is the whole address.
    let base = "http://gallery.test/api/v2/";
    let entry = atom_entry("git", "1.0", "http://gallery.test/api/v2/package/git/1.0", "");
    let find = format!("http://gallery.test{}", find_target("git"));
    proxy.on(&find, Reply::feed(atom_feed(&[entry], None)));
    proxy.on(
        "http://gallery.test/api/v2/package/git/1.0",
        Reply::ok(git.bytes.clone()),
    );
    let through = format!("proxy = \"http://ann:p%40ss@{}\"\n", proxy.address());
    let app = TestApp::start(&format!("{}{through}", upstream_at("gallery", base))).await;
    let answer = app.get("/api/v2/package/git/1.0").await.expect_status(200);
    assert_eq!(answer.body, git.bytes);
    assert_eq!(proxy.requests().len(), 2);
    for request in proxy.requests() {
        assert_eq!(request.header("proxy-authorization"), Some("Basic YW5uOnBAc3M="));
        assert_eq!(request.header("authorization"), None);
    }
}

#[tokio::test]
async fn only_the_upstream_that_names_it_goes_through_a_proxy() {
    let (proxy, gallery) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    let through = format!("proxy = \"http://{}\"\n", proxy.address());
    let app = TestApp::start(&format!(
        "{}{through}{}proxy = \"none\"\n",
        upstream_at("far", "http://far.test/"),
        upstream("near", &gallery)
    ))
    .await;
    app.get("/api/v2/FindPackagesById()?id='git'").await;
    let asked = |upstream: &ScriptedUpstream| upstream.targets();
    assert_eq!(asked(&proxy).len(), 1);
    assert!(asked(&proxy)[0].starts_with("http://far.test/"), "{:?}", asked(&proxy));
    assert_eq!(asked(&gallery), [find_target("git")]);
}

/// A proxy looks names up itself and connects to whatever it is told: what must not be reached is not asked of it.
#[tokio::test]
async fn a_proxy_is_not_asked_for_internal_addresses() {
    for place in [
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:1/",
        "http://[::1]:1/",
        "http://10.0.0.1/",
    ] {
        let proxy = ScriptedUpstream::start().await;
        let git = Nupkg::new("git", "1.0").pack();
        let find = format!("http://gallery.test{}", find_target("git"));
        proxy.on(
            &find,
            Reply::feed(atom_feed(&[atom_entry("git", "1.0", place, "")], None)),
        );
        let moved = format!("http://gallery.test{}", find_target("moved"));
        proxy.on(&moved, Reply::status(302).header("Location", place));
        proxy.on("*", Reply::ok(git.bytes.clone()));
        let through = format!("proxy = \"http://{}\"\n", proxy.address());
        let app = TestApp::start(&format!(
            "{}{through}",
            upstream_at("gallery", "http://gallery.test/api/v2/")
        ))
        .await;
        let answer = app.get("/api/v2/package/git/1.0").await.expect_status(502);
        assert!(
            answer.text().contains("no address of the public internet"),
            "{}",
            answer.text()
        );
        app.get("/api/v2/FindPackagesById()?id='moved'")
            .await
            .expect_status(502);
        assert_eq!(proxy.targets(), [find, moved], "{place}");
    }
}
