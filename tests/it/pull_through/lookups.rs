//! An id is asked for once, kept, and asked for again when it is stale; trouble upstream never reads as "not found".

use std::time::Duration;

use larder::odata::atom_read::FeedPage;

use crate::support::app::{OLD, TestApp, find, names};
use crate::support::gallery::{find_target, template, upstream, upstream_at};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{ANYTHING, Reply, ScriptedUpstream, atom_feed, refusing_address};

const ALL_ROUTES: [&str; 10] = [
    "/api/v2/FindPackagesById()?id='git'&semVerLevel=2.0.0",
    "/api/v2/FindPackagesById()/$count?id='git'",
    "/api/v2/Packages()?$filter=(tolower(Id) eq 'git') and IsLatestVersion",
    "/api/v2/Packages()?$filter=Id eq 'other' or Id eq 'git'",
    "/api/v2/Packages()/$count?$filter=Id eq 'git'",
    "/api/v2/Packages(Id='git',Version='1.0')",
    "/api/v2/Packages(Id='git',Version='1.0')/Download",
    "/api/v2/package/git/1.0",
    "/api/v2/git/1.0",
    "/api/v2/package/git",
];

fn git(version: &str) -> Packed {
    Nupkg::new("git", version).pack()
}

#[tokio::test]
async fn an_id_is_asked_for_once_while_it_is_fresh() {
    let gallery = ScriptedUpstream::start().await;
    let (old, new) = (git("1.0"), git("2.0"));
    let second = gallery.url("/api/v2/more?$skip=1");
    let pages = [
        atom_feed(&[gallery.entry(&old, "")], Some(&second)),
        atom_feed(&[gallery.entry(&new, "")], None),
    ];
    let [first, last] = pages.map(Reply::feed);
    gallery.on(&find_target("git"), first);
    gallery.on("/api/v2/more", last);
    let app = TestApp::start(&upstream("gallery", &gallery)).await;

    assert_eq!(app.versions("git").await, ["git 2.0", "git 1.0"]);
    assert_eq!(
        gallery.targets(),
        [find_target("git"), "/api/v2/more?$skip=1".to_owned()]
    );
    for route in ALL_ROUTES
        .iter()
        .filter(|route| !route.contains("other") && route.contains("ackages") && !route.contains("Download"))
    {
        app.get(route).await.expect_status(200);
    }
    app.clock.advance(Duration::from_secs(530));
    app.versions("GIT").await;
    assert_eq!(gallery.targets().len(), 2, "{:?}", gallery.targets());

    gallery.has(&[&git("3.0")]);
    app.clock.advance(OLD);
    assert_eq!(
        app.versions("git").await,
        ["git 3.0"],
        "what the upstream has no more is gone"
    );
    assert_eq!(gallery.targets().len(), 3);
}

#[tokio::test]
async fn many_who_ask_at_once_ask_once() {
    let gallery = ScriptedUpstream::start().await;
    let git = git("1.0");
    let gate = crate::support::upstream::Gate::new();
    let page = atom_feed(&[gallery.entry(&git, "")], None);
    gallery.on(&find_target("git"), Reply::feed(page).head_gate(&gate));
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let asked = futures::future::join_all((0..20).map(|_| app.versions("git")));
    let (answers, ()) = tokio::join!(asked, async {
        gate.reached_by(1).await;
        gate.open();
    });
    assert!(answers.iter().all(|versions| versions == &["git 1.0"]));
    assert_eq!(gallery.asked("FindPackagesById"), 1);
}

#[tokio::test]
async fn what_is_stale_is_served_with_a_warning_while_the_upstream_is_down() {
    let gallery = ScriptedUpstream::start().await;
    let git = git("1.0");
    gallery.has(&[&git]);
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    assert_eq!(app.get(&find("git")).await.warning(), None);
    for (trouble, reply) in [
        ("error", Reply::status(500)),
        ("hung up", Reply::hang_up()),
        ("refused", Reply::status(403)),
        (
            "web page",
            Reply::ok("<html><body>Sign in</body></html>").header("Content-Type", "text/html"),
        ),
        ("json", Reply::ok("{}")),
        ("empty", Reply::ok("")),
        (
            "cut off",
            Reply::feed(atom_feed(&[gallery.entry(&git, "")], None)).close(300),
        ),
        (
            "half a feed",
            Reply::feed(atom_feed(&[gallery.entry(&git, "")], None).split_off(100)),
        ),
        (
            "page gone",
            Reply::feed(atom_feed(&[gallery.entry(&git, "")], Some(&gallery.url("/gone")))),
        ),
        (
            "other host",
            Reply::feed(atom_feed(&[gallery.entry(&git, "")], Some("http://192.0.2.1/"))),
        ),
        (
            "circle",
            Reply::feed(atom_feed(
                &[gallery.entry(&git, "")],
                Some(&gallery.url(&find_target("git"))),
            )),
        ),
    ] {
        gallery.on(&find_target("git"), reply);
        app.clock.advance(OLD);
        let answer = app.get(&find("git")).await.expect_status(200);
        assert_eq!(names(&answer.feed()), ["git 1.0"], "{trouble}");
        let warning = answer.warning().unwrap_or_else(|| panic!("no warning: {trouble}"));
        assert!(warning.contains("gallery") && warning.contains("git"), "{warning}");
    }
    let known = app.get("/api/v2/Packages(Id='git',Version='1.0')").await;
    assert!(known.expect_status(200).warning().is_some());
    app.get("/api/v2/Packages(Id='git',Version='2.0')")
        .await
        .expect_status(502);
    gallery.has(&[&git]);
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(app.get(&find("git")).await.warning(), None, "it is asked again");
}

#[tokio::test]
async fn what_is_unknown_is_unavailable_while_the_upstream_is_down() {
    let gallery = ScriptedUpstream::start().await;
    let web_page = || Reply::ok("<html></html>").header("Content-Type", "text/html");
    let refusing = upstream_at("down", &format!("http://{}/api/v2/", refusing_address().await));
    let down = TestApp::start(&refusing).await;
    let app = TestApp::start(&format!(
        "timeouts.headers = \"200ms\"\n{}",
        upstream("gallery", &gallery)
    ))
    .await;
    for route in ALL_ROUTES {
        down.get(route).await.expect_status(503);
        for (reply, status) in [
            // Answers of no use stand between the outages, so that these do not come to be too many.
            (web_page(), 502),
            (Reply::status(503), 503),
            (web_page(), 502),
            (Reply::status(500), 503),
            (Reply::status(403), 502),
            (Reply::hang_up(), 503),
            (web_page(), 502),
        ] {
            gallery.on(ANYTHING, reply);
            let answer = app.get(route).await.expect_status(status);
            assert!(answer.reason.contains("gallery"), "{route}: {}", answer.reason);
        }
    }
    gallery.on(ANYTHING, Reply::ok("").silent());
    app.get(ALL_ROUTES[0]).await.expect_status(504);
    let busy = Reply::status(503).header("Retry-After", "7");
    gallery.on(ANYTHING, busy);
    assert_eq!(
        app.get(ALL_ROUTES[0]).await.expect_status(503).header("retry-after"),
        Some("7")
    );
    for (app, route) in [
        (&down, "/api/v2/"),
        (&down, "/api/v2"),
        (&down, "/api/v2/$metadata"),
        (&app, "/api/v2/$metadata"),
    ] {
        app.get(route).await.expect_status(200);
    }
}

#[tokio::test]
async fn what_nobody_has_is_absent_and_remembered() {
    let gallery = ScriptedUpstream::start().await;
    for reply in [Reply::feed(atom_feed(&[], None)), Reply::status(404)] {
        gallery.on(&find_target("git"), reply);
        let app = TestApp::start(&upstream("gallery", &gallery)).await;
        let before = gallery.targets().len();
        assert!(app.versions("git").await.is_empty());
        app.get("/api/v2/Packages(Id='git',Version='1.0')")
            .await
            .expect_status(404);
        app.get("/api/v2/package/git/1.0").await.expect_status(404);
        app.get("/api/v2/package/git").await.expect_status(404);
        assert_eq!(app.get("/api/v2/FindPackagesById()/$count?id='git'").await.text(), "0");
        assert_eq!(gallery.targets().len() - before, 1, "{:?}", gallery.targets());
        app.clock.advance(Duration::from_secs(50));
        app.versions("git").await;
        assert_eq!(gallery.targets().len() - before, 1);
        app.clock.advance(Duration::from_secs(10));
        gallery.has(&[&git("1.0")]);
        assert_eq!(app.versions("git").await, ["git 1.0"]);
    }
}

#[tokio::test]
async fn nothing_is_learnt_of_other_packages_than_those_asked_for() {
    let gallery = ScriptedUpstream::start().await;
    let other = Nupkg::new("other", "1.0").pack();
    gallery.announces(
        &git("1.0"),
        &[gallery.entry(&git("1.0"), ""), gallery.entry(&other, "")],
    );
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    assert_eq!(app.versions("git").await, ["git 1.0"]);
    assert!(app.versions("other").await.is_empty());
}

fn property<'a>(page: &'a FeedPage, name: &str) -> (Option<&'a str>, Option<&'a str>) {
    let properties = &page.entries[0].entry.properties;
    let found = properties.iter().find(|property| property.name == name);
    let found = found.unwrap_or_else(|| panic!("no {name}"));
    (found.edm_type.as_deref(), found.value.as_deref())
}

#[tokio::test]
async fn properties_pass_through_untouched() {
    let gallery = ScriptedUpstream::start().await;
    let git = git("1.0");
    let properties = r#"<d:CloudScore m:type="Edm.Double">4.75</d:CloudScore><d:Odd.Name_1>a &lt;b&gt; &amp; "c"
 d</d:Odd.Name_1><d:Nothing m:null="true"/><d:NoNumber m:type="Edm.Int32" m:null="true"></d:NoNumber><d:Empty></d:Empty><d:DownloadCount m:type="Edm.Int32">42</d:DownloadCount><d:PackageTestResultStatus>Passing</d:PackageTestResultStatus><d:IsLatestVersion m:type="Edm.Boolean">false</d:IsLatestVersion><d:Published m:type="Edm.DateTime">2020-02-03T04:05:06.789</d:Published>"#;
    gallery.announces(&git, &[gallery.entry(&git, properties)]);
    gallery.serves(&git, Reply::ok(git.bytes.clone()));
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let announced = app.feed(&find("git")).await;
    app.get("/api/v2/package/git/1.0").await.expect_status(200);
    let held = app.feed(&find("git")).await;
    for page in [&announced, &held] {
        for (name, expected) in [
            ("CloudScore", (Some("Edm.Double"), Some("4.75"))),
            ("Odd.Name_1", (None, Some("a <b> & \"c\"\n d"))),
            ("Nothing", (None, None)),
            ("NoNumber", (Some("Edm.Int32"), None)),
            ("Empty", (None, Some(""))),
            ("DownloadCount", (Some("Edm.Int32"), Some("42"))),
            ("PackageTestResultStatus", (None, Some("Passing"))),
            ("IsLatestVersion", (Some("Edm.Boolean"), Some("true"))),
            ("Published", (Some("Edm.DateTime"), Some("2020-02-03T04:05:06.789"))),
        ] {
            assert_eq!(property(page, name), expected, "{name}");
        }
    }
}

#[tokio::test]
async fn all_links_lead_here() {
    let gallery = ScriptedUpstream::start().await;
    let (old, new) = (git("1.0"), git("2.0"));
    let link = "http://elsewhere.test/api/v2/package/git/1.0";
    let old_entry = gallery
        .entry_without_hash(&old, "")
        .replace(&gallery.url("/api/v2/package/git/1.0"), link);
    gallery.announces(&old, &[old_entry, gallery.entry(&new, "")]);
    let app = TestApp::start(&format!("server.page_size = 1\n{}", upstream("gallery", &gallery))).await;
    for route in [
        "/api/v2/FindPackagesById()?id='git'",
        "/api/v2/FindPackagesById()?id='git'&$skip=1",
        "/api/v2/Packages()?$filter=Id eq 'git'",
        "/api/v2/Packages(Id='git',Version='1.0')",
        "/nuget/Packages(Id='git',Version='1.0')",
        "/feeds/default/api/v2/FindPackagesById()?id='git'",
    ] {
        let answer = app.get(route).await.expect_status(200);
        let text = answer.text();
        for strange in ["elsewhere.test", "gallery.test", &gallery.url("")] {
            assert!(!text.contains(strange), "{route}: {strange}\n{text}");
        }
        let mount = route.split_once("/api/v2").map_or("/nuget", |(before, _)| {
            if before.is_empty() {
                "/api/v2"
            } else {
                "/feeds/default/api/v2"
            }
        });
        let root = app.url(mount);
        assert!(text.contains(&format!("xml:base=\"{root}/\"")), "{route}\n{text}");
        let page = answer.feed();
        let entry = &page.entries[0];
        let content = entry.entry.content_url.as_deref().unwrap();
        assert_eq!(
            content,
            format!("{root}/package/git/{}", entry.version.normalized()),
            "{route}"
        );
        if route.ends_with("id='git'") {
            let next = page.next.unwrap_or_else(|| panic!("no next link: {route}"));
            assert!(next.starts_with(&root), "{next}");
            let next = next.strip_prefix(&app.url("")).unwrap();
            assert_eq!(names(&app.feed(next).await), ["git 1.0"]);
        }
    }
}

#[tokio::test]
async fn of_two_upstreams_the_earlier_one_wins_a_version() {
    let (first, second) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    let here = Nupkg::new("git", "1.0").description("of the first").pack();
    let there = Nupkg::new("git", "1.0").description("of the second").pack();
    let newer = git("2.0");
    first.has(&[&here]);
    second.has(&[&there, &newer]);
    let both = format!("{}{}", upstream("first", &first), upstream("second", &second));
    let app = TestApp::start(&both).await;
    assert_eq!(app.versions("git").await, ["git 2.0", "git 1.0"]);
    assert_eq!(
        app.get("/api/v2/package/git/1.0").await.expect_status(200).body,
        here.bytes
    );
    assert_eq!(
        app.get("/api/v2/package/git").await.expect_status(200).body,
        newer.bytes
    );
    assert_eq!(second.asked("/package/git/1.0"), 0);

    // One that is down: what the other has is served, with a warning; what neither is known to have is not "absent".
    second.on(ANYTHING, Reply::status(500));
    first.has(&[&Nupkg::new("only", "1.0").pack()]);
    let answer = app.get(&find("only")).await.expect_status(200);
    assert_eq!(names(&answer.feed()), ["only 1.0"]);
    assert!(answer.warning().unwrap().contains("second"));
    app.get(&find("nobody")).await.expect_status(503);
    app.get("/api/v2/package/nobody/1.0").await.expect_status(503);
    app.get("/api/v2/package/only/2.0").await.expect_status(503);
}

#[tokio::test]
async fn a_template_behind_a_gallery_that_is_down_is_tried() {
    let (gallery, files) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    gallery.on(ANYTHING, Reply::status(500));
    let git = git("1.0");
    files.on("/files/git/git.1.0.nupkg", Reply::ok(git.bytes.clone()));
    let app = TestApp::start(&format!(
        "{}{}",
        upstream("gallery", &gallery),
        template("files", &files)
    ))
    .await;
    assert_eq!(
        app.get("/api/v2/package/git/1.0").await.expect_status(200).body,
        git.bytes
    );
    app.get("/api/v2/package/git/2.0").await.expect_status(503);
    assert_eq!(
        files.targets(),
        ["/files/git/git.1.0.nupkg", "/files/git/git.2.0.nupkg"]
    );
}

#[tokio::test]
async fn times_that_the_upstream_does_not_tell_do_not_change() {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&git("1.0")]);
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let entry = "/api/v2/Packages(Id='git',Version='1.0')";
    let first = app.get(entry).await.expect_status(200).text();
    for step in ["announced", "held"] {
        app.clock.advance(OLD);
        assert_eq!(app.get(entry).await.expect_status(200).text(), first, "{step}");
        app.get("/api/v2/package/git/1.0").await.expect_status(200);
        assert_eq!(app.get(entry).await.expect_status(200).text(), first, "{step}");
    }
    gallery.on(
        "/api/v2/Search()",
        Reply::feed(atom_feed(&[gallery.entry(&git("1.0"), "")], None)),
    );
    app.feed("/api/v2/Search()?searchTerm='git'").await;
    assert_eq!(app.get(entry).await.expect_status(200).text(), first, "found again");
}
