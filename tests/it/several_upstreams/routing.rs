//! Which upstream may be asked about which ids.

use crate::support::app::{TestApp, names};
use crate::support::gallery::{find_target, template, upstream};
use crate::support::nupkg::Nupkg;
use crate::support::upstream::{ANYTHING, Reply, ScriptedUpstream, atom_feed};

const SEARCH: &str = "/api/v2/Search()";

#[tokio::test]
async fn ids_go_where_they_are_allowed() {
    let (public, vendor) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    for gallery in [&public, &vendor] {
        for id in ["git", "vendor.tool", "vendor.secret"] {
            gallery.has(&[&Nupkg::new(id, "1.0").pack()]);
        }
    }
    let app = TestApp::start(&format!(
        "{}deny = [\"vendor.*\"]\n{}allow = [\"VENDOR.*\"]\ndeny = [\"*.secret\"]\n",
        upstream("public", &public),
        upstream("vendor", &vendor)
    ))
    .await;
    for (id, versions) in [("git", 1), ("vendor.tool", 1), ("vendor.secret", 0)] {
        assert_eq!(app.versions(id).await.len(), versions, "{id}");
        let status = app.get(&format!("/api/v2/package/{id}/1.0")).await.status;
        assert_eq!(status, if versions == 1 { 200 } else { 404 }, "{id}");
    }
    assert!(
        public.targets().iter().all(|target| target.contains("git")),
        "{:?}",
        public.targets()
    );
    let asked = vendor.targets();
    assert!(asked.iter().all(|target| target.contains("vendor.tool")), "{asked:?}");
    assert_eq!((public.targets().len(), asked.len()), (2, 2));
}

#[tokio::test]
async fn a_template_is_asked_for_allowed_ids_alone() {
    let files = ScriptedUpstream::start().await;
    let app = TestApp::start(&format!("{}allow = [\"vendor.*\"]\n", template("files", &files))).await;
    for id in ["git", "vendor.tool"] {
        app.get(&format!("/api/v2/package/{id}/1.0")).await.expect_status(404);
        app.get(&format!("/api/v2/Packages(Id='{id}',Version='1.0')"))
            .await
            .expect_status(404);
    }
    assert!(
        files.asked("git") == 0 && files.asked("vendor.tool") > 0,
        "{:?}",
        files.targets()
    );
}

#[tokio::test]
async fn a_search_brings_allowed_rows_and_tells_allowed_words() {
    let gallery = ScriptedUpstream::start().await;
    let rows = ["acme.tool", "acme.secret", "acme"].map(|id| {
        let package = Nupkg::new(id, "1.0").pack();
        gallery.entry(&package, "<d:Tags> common </d:Tags>")
    });
    gallery.on(ANYTHING, Reply::feed(atom_feed(&rows, None)));
    for (keys, searches) in [
        (
            "deny = [\"acme.secret\", \"acme\"]\n",
            [
                ("common", "acme.tool 1.0", true),
                ("tool", "", true),
                ("acme.secret", "", false),
                ("id:ACME.SECRET common", "", false),
                ("common acme", "acme.tool 1.0", false),
                ("acme.tool", "acme.tool 1.0", true),
            ],
        ),
        (
            "allow = [\"acme.t*\"]\n",
            [
                ("git", "", false),
                ("common", "", false),
                ("acme.secret", "", false),
                ("acme.to", "acme.tool 1.0", true),
                ("acme.tool", "acme.tool 1.0", true),
                ("", "acme.tool 1.0", true),
            ],
        ),
    ] {
        for (term, expected, is_told) in searches {
            let app = TestApp::start(&format!("{}{keys}", upstream("gallery", &gallery))).await;
            let before = gallery.asked(SEARCH);
            let page = app.feed(&format!("/api/v2/Search()?searchTerm='{term}'")).await;
            assert_eq!(gallery.asked(SEARCH) > before, is_told, "{keys}{term}");
            if is_told && term != "tool" {
                assert_eq!(names(&page).join(" "), expected, "{keys}{term}");
            }
            let shown: Vec<String> = names(&app.feed("/api/v2/Packages()").await);
            assert!(
                shown.iter().all(|shown| shown == "acme.tool 1.0"),
                "{keys}{term}: {shown:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_denied_later_is_not_shown_any_more() {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&Nupkg::new("git", "1.0").pack()]);
    let mut app = TestApp::start(&upstream("gallery", &gallery)).await;
    app.get("/api/v2/package/git/1.0").await.expect_status(200);
    app.stop().await;
    app.reconfigure(&format!("{}deny = [\"git\"]\n", upstream("gallery", &gallery)));
    app.open().await;
    app.get("/api/v2/package/git/1.0").await.expect_status(404);
    assert!(app.versions("git").await.is_empty());
    assert_eq!(gallery.asked(&find_target("git")), 1);
}
