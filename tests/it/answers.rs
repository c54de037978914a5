//! What is rendered once and sent often is always what is so now, for whoever asks.

use crate::support::app::{OLD, TestApp, send};
use crate::support::gallery::{find_target, upstream};
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{Reply, ScriptedUpstream, atom_feed};

const KEY_FORM: &str = "/api/v2/Packages(Id='git',Version='1.0.0')";
const LIST: &str = "/api/v2/FindPackagesById()?id='git'";

const LATEST: &str = "<d:IsLatestVersion m:type=\"Edm.Boolean\">true</d:IsLatestVersion>";

#[tokio::test]
async fn entries_follow_every_change() {
    let app = TestApp::start("").await;
    let texts = async || {
        let (entry, list) = (app.get(KEY_FORM).await.text(), app.get(LIST).await.text());
        assert_eq!(entry, app.get(KEY_FORM).await.text());
        let body = entry
            .split_once("<id>")
            .expect("an entry")
            .1
            .trim_end_matches("</entry>");
        assert!(list.contains(body), "{list}\ndoes not have\n{body}");
        (entry, list)
    };
    app.push(&Nupkg::new("git", "1.0.0").pack()).await.expect_status(201);
    let (entry, _) = texts().await;
    assert!(entry.contains(LATEST));

    app.push(&Nupkg::new("git", "2.0.0").pack()).await.expect_status(201);
    let (entry, list) = texts().await;
    assert!(!entry.contains(LATEST) && list.contains(LATEST));
    assert_eq!(list.matches("<entry>").count(), 2);

    app.manage("DELETE", "/api/v2/package/git/2.0.0")
        .await
        .expect_status(204);
    let (entry, list) = texts().await;
    assert!(entry.contains(LATEST));
    assert!(list.contains("<d:Listed m:type=\"Edm.Boolean\">false</d:Listed>"));

    app.manage("POST", "/api/v2/package/git/2.0.0").await.expect_status(200);
    let (entry, list) = texts().await;
    assert!(!entry.contains(LATEST));
    assert!(!list.contains("<d:Listed m:type=\"Edm.Boolean\">false</d:Listed>"));
}

#[tokio::test]
async fn entries_follow_what_an_upstream_says_beside_the_row() {
    let gallery = ScriptedUpstream::start().await;
    let git = Nupkg::new("git", "1.0.0").pack();
    let says = |home: &str| {
        let property = format!("<d:ProjectUrl>https://{home}.example.com</d:ProjectUrl>");
        let entry = gallery.entry(&git, &property);
        gallery.on(&find_target("git"), Reply::feed(atom_feed(&[entry], None)));
    };
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    for home in ["one", "two", "two", "three"] {
        says(home);
        app.clock.advance(OLD);
        for target in [KEY_FORM, LIST, KEY_FORM] {
            let text = app.get(target).await.expect_status(200).text();
            assert!(text.contains(&format!("https://{home}.example.com")), "{text}");
        }
    }
}

#[tokio::test]
async fn links_lead_where_the_client_is() {
    let app = TestApp::start("server.trusted_proxies = [\"127.0.0.1\"]\n").await;
    app.push(&Nupkg::new("git", "1.0.0").pack()).await.expect_status(201);
    for host in ["one.example.com", "two.example.com:8443", "three"] {
        for (target, prefix) in [(KEY_FORM, ""), (LIST, ""), (KEY_FORM, "/a&b")] {
            let request = app.request("GET", target).header("X-Forwarded-Host", host);
            let request = request.header("X-Forwarded-Prefix", prefix);
            let text = send(request).await.expect("an answer").expect_status(200).text();
            let root = format!("http://{host}{}/api/v2", prefix.replace('&', "&amp;"));
            let links = [
                format!(" xml:base=\"{root}/\""),
                format!("<id>{root}/Packages(Id='git',Version='1.0.0')</id>"),
                format!("href=\"{root}/Packages(Id='git',Version='1.0.0')\""),
                format!("href=\"{root}/Packages(Id='git',Version='1.0.0')/$value\""),
                format!("src=\"{root}/package/git/1.0.0\""),
            ];
            for link in links {
                assert!(text.contains(&link), "no {link} in {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_selection_does_not_change_what_others_get() {
    let app = TestApp::start("").await;
    app.push(&Nupkg::new("git", "1.0.0").pack()).await.expect_status(201);
    let whole = app.get(KEY_FORM).await.expect_status(200).text();
    let some = app
        .get(&format!("{KEY_FORM}?$select=Id"))
        .await
        .expect_status(200)
        .text();
    assert!(some.contains("<m:properties><d:Id>git</d:Id></m:properties>"), "{some}");
    assert_eq!(app.get(KEY_FORM).await.text(), whole);
}
