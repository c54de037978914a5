//! What caches and clients are told of answers: how long, depending on what, in which coding, and whether anything is new.

use std::io::Read as _;

use crate::support::app::{Answer, TestApp, send};
use crate::support::nupkg::Nupkg;
use crate::support::raw_http::{self, Connection};

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
