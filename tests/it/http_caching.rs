//! What caches and clients are told of answers: how long, depending on what, in which coding, and whether anything is new.

use std::io::Read as _;
use std::time::Duration;

use crate::support::app::{Answer, OLD, TestApp, send};
use crate::support::gallery::{find_target, upstream};
use crate::support::nupkg::Nupkg;
use crate::support::raw_http::{self, Connection};
use crate::support::upstream::{Reply, ScriptedUpstream};

const ENTRY: &str = "/api/v2/Packages(Id='git',Version='1.0.0')";
const LIST: &str = "/api/v2/FindPackagesById()?id='git'";
const COUNT: &str = "/api/v2/Packages/$count";
const SERVICE: &str = "/api/v2/";
const METADATA: &str = "/api/v2/$metadata";
const NUPKG: &str = "/api/v2/package/git/1.0.0";

async fn git() -> TestApp {
    let app = TestApp::start("").await;
    app.push(&Nupkg::new("git", "1.0.0").pack()).await.expect_status(201);
    app
}

async fn ask(app: &TestApp, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    let request = app.request(method, target);
    // The client's own decoding would hide what was sent.
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    send(request).await.expect("a whole answer")
}

/// Sends a request byte by byte, and returns the answer as it came.
fn raw(app: &TestApp, request: &str) -> raw_http::Answer {
    let mut connection = Connection::open(&app.authority());
    connection.send(request.as_bytes());
    connection.answer(request.split(' ').next().expect("a method"))
}

fn inflated(body: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(body)
        .read_to_string(&mut text)
        .expect("gzip");
    text
}

/// A feed's `updated` is when the answer was made: all else must be the same.
fn without_updated(text: &str) -> String {
    match (text.find("<updated>"), text.find("</updated>")) {
        (Some(start), Some(end)) => format!("{}{}", &text[..start], &text[end..]),
        _ => text.to_owned(),
    }
}

#[tokio::test]
async fn texts_are_compressed_for_those_who_take_it() {
    let app = git().await;
    for target in [ENTRY, LIST, METADATA] {
        let plain = raw(&app, &format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).expect_status(200);
        assert_eq!(plain.header("content-encoding"), None);
        assert!(
            plain.header("vary").expect("Vary").contains("Accept-Encoding"),
            "{target}"
        );
        for version in ["1.1", "1.0"] {
            for method in ["GET", "HEAD"] {
                let head = format!(
                    "{method} {target} HTTP/{version}\r\nHost: a\r\nAccept-Encoding: deflate, gzip;q=0.9\r\n\r\n"
                );
                let packed = raw(&app, &head).expect_status(200);
                assert_eq!(packed.header("content-encoding"), Some("gzip"), "{head}");
                assert_eq!(packed.header("transfer-encoding"), None, "{head}");
                assert_eq!(packed.header("vary"), plain.header("vary"), "{head}");
                assert_eq!(packed.header("content-type"), plain.header("content-type"), "{head}");
                let length: usize = packed
                    .header("content-length")
                    .expect("a length")
                    .parse()
                    .expect("a number");
                assert!(
                    length * 2 < plain.body.len(),
                    "{head}: {length} of {}",
                    plain.body.len()
                );
                if method == "GET" {
                    assert_eq!(packed.body.len(), length);
                    assert_eq!(without_updated(&inflated(&packed.body)), without_updated(&plain.text()));
                }
            }
        }
    }
    for (target, accepted) in [
        (ENTRY, "gzip;q=0"),
        (ENTRY, "identity"),
        (COUNT, "gzip"),
        (NUPKG, "gzip"),
        (ENTRY, "br"),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accepted}\r\n\r\n");
        let answer = raw(&app, &head).expect_status(200);
        assert_eq!(answer.header("content-encoding"), None, "{head}");
    }
    let head = format!("GET {COUNT} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, identity;q=0\r\n\r\n");
    assert_eq!(inflated(&raw(&app, &head).expect_status(200).body), "1");
}

#[tokio::test]
async fn parts_of_nupkgs_are_never_compressed() {
    let app = git().await;
    let whole = app.get(NUPKG).await.expect_status(200);
    assert_eq!(whole.header("vary"), None);
    let headers = [("Accept-Encoding", "gzip, identity;q=0"), ("Range", "bytes=0-9")];
    let part = ask(&app, "GET", NUPKG, &headers).await.expect_status(206);
    assert_eq!(
        (part.header("content-encoding"), &part.body[..]),
        (None, &whole.body[..10])
    );
}

#[tokio::test]
async fn all_but_nupkgs_has_to_be_asked_about_again() {
    let app = git().await;
    for (target, status, vary) in [
        (SERVICE, 200, Some("Accept, Accept-Encoding")),
        (METADATA, 200, Some("Accept, Accept-Encoding")),
        (LIST, 200, Some("Accept, Accept-Encoding")),
        (ENTRY, 200, Some("Accept, Accept-Encoding")),
        (COUNT, 200, Some("Accept-Encoding")),
        ("/", 200, Some("Accept-Encoding")),
        (
            "/api/v2/Packages(Id='hg',Version='1.0')",
            404,
            Some("Accept, Accept-Encoding"),
        ),
        ("/api/v2/package/hg/1.0", 404, Some("Accept, Accept-Encoding")),
        ("/api/v2/package/git", 200, None),
        ("/nowhere", 404, Some("Accept, Accept-Encoding")),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&app, method, target, &[]).await.expect_status(status);
            assert_eq!(answer.header("cache-control"), Some("no-cache"), "{method} {target}");
            assert_eq!(answer.header("vary"), vary, "{method} {target}");
        }
    }
    let forever = Some("public, max-age=31536000, immutable");
    let nupkg = app.get(NUPKG).await.expect_status(200);
    assert_eq!(nupkg.header("cache-control"), forever);
    let tag = nupkg.header("etag").expect("a tag");
    let known = ask(&app, "GET", NUPKG, &[("If-None-Match", tag)])
        .await
        .expect_status(304);
    assert_eq!(
        (known.header("cache-control"), known.header("etag")),
        (forever, Some(tag))
    );
    let other = ask(&app, "GET", NUPKG, &[("If-Match", "\"other\"")]).await;
    other.expect_status(412);
}

#[tokio::test]
async fn what_trusted_proxies_say_is_named_where_it_is_heeded() {
    let forwarded = "Accept, Accept-Encoding, Forwarded, X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Prefix";
    let trusts = "server.trusted_proxies = [\"10.0.0.0/8\"]\n";
    for (server, expected) in [
        (trusts.to_owned(), forwarded),
        (
            format!("{trusts}server.public_url = \"https://x.example.com\"\n"),
            "Accept, Accept-Encoding",
        ),
    ] {
        let app = TestApp::start(&server).await;
        assert_eq!(app.get(SERVICE).await.header("vary"), Some(expected), "{server}");
    }
}

/// What a client keeps of an answer to ask about it later.
fn tag_of(answer: &Answer) -> String {
    let tag = answer.header("etag").expect("a tag");
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    tag.to_owned()
}

const ALL: [&str; 5] = [SERVICE, METADATA, LIST, ENTRY, COUNT];

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let app = git().await;
    for target in ALL {
        let first = app.get(target).await.expect_status(200);
        let tag = tag_of(&first);
        for known in [
            tag.clone(),
            tag.trim_start_matches("W/").to_owned(),
            format!("\"x\", {tag}"),
            "*".to_owned(),
        ] {
            for method in ["GET", "HEAD"] {
                let headers = [
                    ("If-None-Match", known.as_str()),
                    ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
                ];
                let answer = ask(&app, method, target, &headers).await.expect_status(304);
                assert_eq!(answer.header("etag"), Some(tag.as_str()), "{target}");
                for name in ["vary", "cache-control"] {
                    assert_eq!(answer.header(name), first.header(name), "{target}");
                }
                assert_eq!((answer.header("content-type"), answer.body.len()), (None, 0));
            }
        }
        let packed = [("Accept-Encoding", "gzip"), ("If-None-Match", tag.as_str())];
        ask(&app, "GET", target, &packed).await.expect_status(304);
        ask(&app, "GET", target, &[("If-None-Match", "\"x\"")])
            .await
            .expect_status(200);
        // A weak tag is never the very same bytes.
        ask(&app, "GET", target, &[("If-Match", tag.as_str())])
            .await
            .expect_status(412);
        ask(&app, "GET", target, &[("If-Match", "*")]).await.expect_status(200);
    }
    // What is not here is not known either.
    let absent = "/api/v2/Packages(Id='git',Version='9.0')";
    ask(&app, "GET", absent, &[("If-None-Match", "*")])
        .await
        .expect_status(404);
    // A POST asks for an answer, not for whether there is a new one.
    let tag = tag_of(&app.get(LIST).await);
    ask(&app, "POST", LIST, &[("If-None-Match", tag.as_str())])
        .await
        .expect_status(200);
}

#[tokio::test]
async fn a_change_is_seen_at_once_by_whoever_it_concerns() {
    let app = git().await;
    app.push(&Nupkg::new("hg", "1.0.0").pack()).await.expect_status(201);
    let hg = "/api/v2/FindPackagesById()?id='hg'";
    let both = "/api/v2/Packages()?$filter=Id eq 'git' or Id eq 'hg'";
    let search = "/api/v2/Search()?searchTerm='git'";
    let of_git = [LIST, ENTRY, COUNT, both, search];
    let changes = [("DELETE", 204), ("POST", 200)];
    for (method, status) in changes {
        let mut tags = Vec::new();
        for target in of_git.into_iter().chain([hg]) {
            tags.push((target, tag_of(&app.get(target).await.expect_status(200))));
        }
        app.manage(method, "/api/v2/package/git/1.0.0")
            .await
            .expect_status(status);
        for (target, tag) in tags {
            let now = ask(&app, "GET", target, &[("If-None-Match", &tag)]).await;
            let expected = if target == hg { 304 } else { 200 };
            assert_eq!(
                now.expect_status(expected).header("etag") == Some(&tag),
                target == hg,
                "{target}"
            );
        }
    }
    // An id that nobody had, and has now, and has no more.
    let svn = "/api/v2/FindPackagesById()?id='svn'";
    let none = tag_of(&app.get(svn).await);
    ask(&app, "GET", svn, &[("If-None-Match", &none)])
        .await
        .expect_status(304);
    app.push(&Nupkg::new("svn", "1.0.0").pack()).await.expect_status(201);
    let some = tag_of(
        &ask(&app, "GET", svn, &[("If-None-Match", &none)])
            .await
            .expect_status(200),
    );
    assert_ne!(none, some);
}

#[tokio::test]
async fn the_latest_package_is_told_by_its_tag_alone() {
    let app = git().await;
    app.clock.advance(Duration::from_secs(60));
    app.push(&Nupkg::new("git", "1.1.0").pack()).await.expect_status(201);
    app.clock.advance(Duration::from_secs(60));
    let latest = "/api/v2/package/git";
    let newer = app.get("/api/v2/package/git/1.1.0").await;
    let date = newer.header("last-modified").expect("a date").to_owned();
    let tag = app.get(latest).await.header("etag").expect("a tag").to_owned();
    ask(&app, "GET", latest, &[("If-None-Match", &tag)])
        .await
        .expect_status(304);
    // Now the latest is the older file: whoever has the newer one, and its date, does not have it.
    app.manage("DELETE", "/api/v2/package/git/1.1.0")
        .await
        .expect_status(204);
    let older = app.get(NUPKG).await.body;
    for header in [("If-Modified-Since", date.as_str()), ("If-None-Match", &tag)] {
        let answer = ask(&app, "GET", latest, &[header]).await.expect_status(200);
        assert!(answer.body == older, "{header:?}");
        assert_eq!(answer.header("last-modified"), None);
    }
}

#[tokio::test]
async fn answers_that_differ_have_other_tags() {
    let app = TestApp::start("server.trusted_proxies = [\"127.0.0.1\"]\n").await;
    app.push(&Nupkg::new("git", "1.0.0").pack()).await.expect_status(201);
    let mut tags = vec![
        tag_of(&app.get(LIST).await),
        tag_of(&app.get(&format!("{LIST}&$select=Id")).await),
        tag_of(&app.get(&format!("{LIST}&$top=0")).await),
        tag_of(&app.get("/nuget/FindPackagesById()?id='git'").await),
        tag_of(&ask(&app, "GET", LIST, &[("X-Forwarded-Host", "other")]).await),
        tag_of(&ask(&app, "GET", LIST, &[("Accept", "application/json;odata=verbose")]).await),
        tag_of(&app.get(SERVICE).await),
        tag_of(&ask(&app, "GET", SERVICE, &[("X-Forwarded-Host", "other")]).await),
        tag_of(&app.get(METADATA).await),
    ];
    let count = tags.len();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), count);
}

#[tokio::test]
async fn tags_do_not_outlive_the_process_that_counts_by_them() {
    let mut app = git().await;
    let tag = tag_of(&app.get(LIST).await);
    app.restart().await;
    let again = ask(&app, "GET", LIST, &[("If-None-Match", &tag)])
        .await
        .expect_status(200);
    assert_ne!(tag_of(&again), tag);
}

#[tokio::test]
async fn two_changes_in_one_second_are_two() {
    let app = git().await;
    for target in [LIST, ENTRY, "/api/v2/Packages"] {
        let now = app.get(target).await.expect_status(200);
        assert_eq!(now.header("last-modified"), None, "{target}: its second is not over");
    }
    app.clock.advance(Duration::from_secs(1));
    let dated = app.get(LIST).await.expect_status(200);
    let date = dated.header("last-modified").expect("a date");
    assert_eq!(date, "Sun, 01 Mar 2026 12:00:00 GMT");
    let since = [("If-Modified-Since", date)];
    let known = ask(&app, "GET", LIST, &since).await.expect_status(304);
    assert_eq!(known.header("last-modified"), Some(date));
    app.push(&Nupkg::new("git", "2.0.0").pack()).await.expect_status(201);
    let fresh = ask(&app, "GET", LIST, &since).await.expect_status(200);
    assert_eq!(fresh.header("last-modified"), None);
    // The clock is set back: what changes now is later all the same.
    app.clock.advance(Duration::from_secs(5));
    let date = app.get(LIST).await.header("last-modified").expect("a date").to_owned();
    app.clock.set("2026-03-01T11:59:00Z".parse().expect("a time"));
    app.push(&Nupkg::new("git", "3.0.0").pack()).await.expect_status(201);
    ask(&app, "GET", LIST, &[("If-Modified-Since", date.as_str())])
        .await
        .expect_status(200);
    app.clock.set("2026-03-01T12:00:30Z".parse().expect("a time"));
    ask(&app, "GET", LIST, &[("If-Modified-Since", date.as_str())])
        .await
        .expect_status(200);
}

#[tokio::test]
async fn an_answer_without_its_upstream_is_not_as_good_as_one_with_it() {
    let gallery = ScriptedUpstream::start().await;
    let git = Nupkg::new("git", "1.0.0").pack();
    gallery.has(&[&git]);
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let tag = tag_of(&app.get(LIST).await.expect_status(200));
    let asked = gallery.targets().len();
    ask(&app, "GET", LIST, &[("If-None-Match", &tag)])
        .await
        .expect_status(304);
    assert_eq!(gallery.targets().len(), asked, "fresh");
    // Stale: the upstream is asked, and says the same.
    app.clock.advance(OLD);
    ask(&app, "GET", LIST, &[("If-None-Match", &tag)])
        .await
        .expect_status(304);
    assert_eq!(gallery.targets().len(), asked + 1);
    // Stale, and the upstream cannot be asked.
    app.clock.advance(OLD);
    gallery.on(&find_target("git"), Reply::status(503));
    let stale = ask(&app, "GET", LIST, &[("If-None-Match", &tag)])
        .await
        .expect_status(200);
    assert!(stale.warning().is_some());
    assert_eq!((stale.header("etag"), stale.header("last-modified")), (None, None));
}
