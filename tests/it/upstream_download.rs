//! Packages are opened at v2 and template upstreams: their bytes stream, and what is no whole zip is never taken for one.

use bytes::Bytes;
use futures::StreamExt as _;
use larder::nuget::{NuGetVersion, PackageId};
use larder::upstream::{
    BadAnswer, ClientSettings, ContentStream, ErrorKind, Limits, TemplateSettings, TemplateUpstream, Timeouts,
    Upstream, UpstreamError, Urgency, V2Settings, V2Upstream,
};

use crate::support::upstream::{Gate, Reply, ScriptedUpstream, refusing_address};
use crate::upstream_v2::{
    announced, client, client_with, impatient_for_bodies, impatient_for_headers, patient, settings,
};

const PACKAGE: &str = "/api/v2/package/Git/1.0";

fn template(upstream: &ScriptedUpstream, timeouts: Timeouts) -> TemplateUpstream {
    TemplateUpstream::new(TemplateSettings {
        name: "vendor".parse().expect("a name"),
        template: upstream.url("/files/@ID/@ID.@VERSION.nupkg?key=secret"),
        client: settings(timeouts),
    })
    .expect("a client")
}

fn key() -> (PackageId, NuGetVersion) {
    ("Git".parse().expect("an id"), "1.0".parse().expect("a version"))
}

async fn open(upstream: &dyn Upstream) -> Result<ContentStream, UpstreamError> {
    let (id, version) = key();
    upstream.open(&id, &version, None, &Urgency::default()).await
}

/// Reads to the end: the bytes, and the error that it ended with.
async fn drain(mut content: ContentStream) -> (Vec<u8>, Option<UpstreamError>) {
    let mut bytes = Vec::new();
    while let Some(chunk) = content.stream.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(error) => {
                assert!(content.stream.next().await.is_none(), "nothing follows an error");
                return (bytes, Some(error));
            }
        }
    }
    (bytes, None)
}

fn package(bytes: usize) -> Bytes {
    let mut package = vec![b'x'; bytes];
    package[..4].copy_from_slice(b"PK\x03\x04");
    package.into()
}

#[tokio::test]
async fn packages_are_asked_for_by_address() {
    let upstream = ScriptedUpstream::start().await;
    let body = package(100_000);
    upstream.on("*", Reply::ok(body.clone()).header("Content-Type", "text/plain"));
    let (v2, template) = (client(&upstream), template(&upstream, patient()));
    let id: PackageId = "Ünï.x".parse().unwrap();
    let version: NuGetVersion = "1.0-b.1+c".parse().unwrap();
    let elsewhere = upstream.url("/cdn/a+b?x=1&y='2'");
    for (upstream, url) in [
        (&v2 as &dyn Upstream, None),
        (&v2, Some(elsewhere.as_str())),
        (&template, None),
        (&template, Some(elsewhere.as_str())),
    ] {
        let content = upstream.open(&id, &version, url, &Urgency::default()).await.unwrap();
        assert_eq!(content.length, Some(100_000));
        assert!(!content.url.contains("secret"), "{}", content.url);
        let (bytes, error) = drain(content).await;
        assert!(bytes == body && error.is_none());
    }
    let file = "/files/%C3%9Cn%C3%AF.x/%C3%9Cn%C3%AF.x.1.0-b.1%2Bc.nupkg?key=secret";
    let package = "/api/v2/package/%C3%9Cn%C3%AF.x/1.0-b.1%2Bc";
    assert_eq!(upstream.targets(), [package, "/cdn/a+b?x=1&y=%272%27", file, file]);
    for request in upstream.requests() {
        assert_eq!(request.header("Accept-Encoding"), Some("identity"));
        assert_eq!(request.header("User-Agent"), Some("larder/0.0-test"));
    }
}

#[tokio::test]
async fn bytes_come_before_the_upstream_has_sent_all() {
    let upstream = ScriptedUpstream::start().await;
    let (body, gate) = (package(10_000), Gate::new());
    for reply in [
        Reply::ok(body.clone()).head_gate(&gate).gate(1, &gate),
        Reply::ok(body.clone()).chunked().gate(5000, &gate),
    ] {
        upstream.on(PACKAGE, reply);
        let opening = tokio::spawn({
            let client = client(&upstream);
            async move { open(&client).await }
        });
        gate.reached_by(1).await;
        gate.open();
        let (bytes, error) = drain(opening.await.unwrap().unwrap()).await;
        assert!(
            bytes == body && error.is_none(),
            "a first piece of one byte is no reason to give up"
        );
    }
    let gate = Gate::new();
    upstream.on(PACKAGE, Reply::ok(body.clone()).gate(5000, &gate));
    let mut content = open(&client(&upstream)).await.unwrap();
    let first = content.stream.next().await.unwrap().unwrap();
    assert!(!first.is_empty() && first.len() <= 5000);
    gate.reached_by(1).await;
    gate.open();
    let (rest, error) = drain(content).await;
    assert!(first.len() + rest.len() == 10_000 && error.is_none());
}

#[tokio::test]
async fn a_package_that_is_not_there_is_not_found() {
    let upstream = ScriptedUpstream::start().await;
    let (v2, template) = (client(&upstream), template(&upstream, patient()));
    for status in [404, 410] {
        upstream.on("*", Reply::status(status));
        for upstream in [&v2 as &dyn Upstream, &template] {
            let error = open(upstream).await.err().unwrap();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_template_announces_nothing() {
    let upstream = ScriptedUpstream::start().await;
    let template = template(&upstream, patient());
    assert!(!template.announces() && client(&upstream).announces());
    let found = template.versions(&key().0, None, &Urgency::default()).await.unwrap();
    assert!(announced(found).is_empty());
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn what_is_no_zip_is_no_package() {
    let upstream = ScriptedUpstream::start().await;
    let (v2, template) = (client(&upstream), template(&upstream, patient()));
    for (reply, shown) in [
        (
            Reply::ok("<html>log in").header("Content-Type", "text/html"),
            "text/html",
        ),
        (
            Reply::ok("{}").header("Content-Type", "application/json"),
            "application/json",
        ),
        (Reply::ok("P"), "something of unknown type"),
        (
            Reply::ok("").header("Content-Type", "application/zip"),
            "application/zip",
        ),
        (Reply::ok("").chunked(), "something of unknown type"),
    ] {
        upstream.on("*", reply);
        for upstream in [&v2 as &dyn Upstream, &template] {
            let error = open(upstream).await.err().unwrap();
            assert!(matches!(
                error,
                UpstreamError::BadAnswer {
                    answer: BadAnswer::NotPackage { .. },
                    ..
                }
            ));
            assert!(
                error.to_string().ends_with(&format!("it is no nupkg, but {shown}")),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn cut_packages_end_in_an_error() {
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream);
    let body = package(50_000);
    for (name, reply) in [
        ("reset", Reply::ok(body.clone()).reset(20_000)),
        ("closed", Reply::ok(body.clone()).close(20_000)),
        ("chunked, closed", Reply::ok(body.clone()).chunked().close(20_000)),
        (
            "chunked, without its last chunk",
            Reply::ok(body.clone()).chunked().close(50_000),
        ),
        ("longer promised", Reply::ok(body.clone()).length(50_001)),
    ] {
        upstream.on(PACKAGE, reply);
        let (bytes, error) = drain(open(&client).await.unwrap()).await;
        let error = error.unwrap_or_else(|| panic!("{name} ended well after {} bytes", bytes.len()));
        assert!(
            matches!(
                error,
                UpstreamError::BadAnswer {
                    answer: BadAnswer::CutOff { .. },
                    ..
                }
            ),
            "{name}: {error}"
        );
    }
    // What comes after the promised length is not part of the answer, and poisons no later one.
    upstream.on(PACKAGE, Reply::ok(body.clone()).length(30_000));
    for _ in 0..2 {
        let content = open(&client).await.unwrap();
        assert_eq!(content.length, Some(30_000));
        let (bytes, error) = drain(content).await;
        assert!(bytes == body[..30_000] && error.is_none());
    }
    // Without a length the end of the connection is the end: only the archive itself can tell more.
    upstream.on(PACKAGE, Reply::ok(body.clone()).until_close().close(20_000));
    let content = open(&client).await.unwrap();
    assert_eq!(content.length, None);
    assert_eq!(drain(content).await.0.len(), 20_000);
}

#[tokio::test]
async fn a_stalled_package_is_a_timeout() {
    let upstream = ScriptedUpstream::start().await;
    let base = upstream.url("/api/v2/");
    upstream.on(PACKAGE, Reply::ok(package(50_000)).stall(20_000));
    let client = client_with(&base, impatient_for_bodies(), Limits::default());
    let (bytes, error) = drain(open(&client).await.unwrap()).await;
    let error = error.unwrap();
    assert!(bytes.len() == 20_000 && error.is_timeout(), "{} {error}", bytes.len());
    upstream.on("*", Reply::ok(package(50_000)).silent());
    let v2 = client_with(&base, impatient_for_headers(), Limits::default());
    let template = template(&upstream, impatient_for_headers());
    upstream.on(PACKAGE, Reply::ok(package(50_000)).silent());
    assert!(open(&v2).await.is_err_and(|error| error.is_timeout()));
    assert!(open(&template).await.is_err_and(|error| error.is_timeout()));
}

#[tokio::test]
async fn a_slow_reader_is_no_slow_upstream() {
    let upstream = ScriptedUpstream::start().await;
    let timeouts = impatient_for_bodies();
    let client = client_with(&upstream.url("/api/v2/"), timeouts, Limits::default());
    upstream.on(PACKAGE, Reply::ok(package(50_000)));
    let content = open(&client).await.unwrap();
    // Time that passes between reads is the reader's: the limit is passed with nobody reading.
    tokio::time::sleep(timeouts.body * 2).await;
    let (bytes, error) = drain(content).await;
    assert!(bytes.len() == 50_000 && error.is_none());
}

#[tokio::test]
async fn redirects_are_followed_five_times() {
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream);
    for hop in 0..6 {
        let to = format!("../hop{}?sig=secret", hop + 1);
        let target = if hop == 0 {
            PACKAGE.to_owned()
        } else {
            format!("/api/v2/package/hop{hop}")
        };
        upstream.on(&target, Reply::redirect(&to.replace("..", "/api/v2/package")));
    }
    upstream.on("/api/v2/package/hop5", Reply::ok(package(10)));
    let content = open(&client).await.unwrap();
    assert_eq!(content.url, upstream.url("/api/v2/package/hop5?sig=***"));
    upstream.on("/api/v2/package/hop5", Reply::redirect("hop6"));
    upstream.on("/api/v2/package/hop6", Reply::ok(package(10)));
    let error = open(&client).await.err().unwrap();
    assert!(error.to_string().ends_with("it redirects more than 5 times"), "{error}");
    assert!(!upstream.targets().iter().any(|target| target.contains("hop6")));
}

#[tokio::test]
async fn redirects_that_lead_astray_are_refused() {
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream);
    for (reply, expected) in [
        (Reply::redirect(PACKAGE), "it redirects more than 5 times"),
        (
            Reply::redirect("file:///etc/passwd"),
            "it redirects to what is no http or https address",
        ),
        (
            Reply::redirect("http://["),
            "it redirects to what is no http or https address",
        ),
        (Reply::status(302), "it redirects without saying where to"),
        (Reply::status(300), "status 300 is not expected"),
    ] {
        upstream.on(PACKAGE, reply);
        let error = open(&client).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::BadAnswer);
        assert!(error.to_string().ends_with(expected), "{error}");
    }
    upstream.on(
        PACKAGE,
        Reply::redirect(&format!("http://{}/", refusing_address().await)),
    );
    assert_eq!(open(&client).await.err().unwrap().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn encryption_is_not_given_up() {
    let canary = ScriptedUpstream::start().await;
    let client = client_with("https://127.0.0.1:1/api/v2/", patient(), Limits::default());
    let (id, version) = key();
    for link in [
        canary.url("/git.nupkg"),
        "http://gallery.test/git.nupkg".to_owned(),
        "git.nupkg".to_owned(),
    ] {
        let error = client
            .open(&id, &version, Some(&link), &Urgency::default())
            .await
            .err()
            .unwrap();
        assert!(
            matches!(
                error,
                UpstreamError::BadAnswer {
                    answer: BadAnswer::Link { .. },
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn an_upstream_that_stops_is_unavailable() {
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream);
    upstream.on(PACKAGE, Reply::ok(package(10)));
    assert!(open(&client).await.is_ok());
    upstream.stop().await;
    assert_eq!(open(&client).await.err().unwrap().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn links_lead_into_no_internal_network() {
    let upstream = ScriptedUpstream::start().await;
    let canary = ScriptedUpstream::start().await;
    let port = canary.address().port();
    let guarded = V2Upstream::new(V2Settings {
        name: "gallery".parse().expect("a name"),
        base: upstream.url("/api/v2/").parse().expect("a URL"),
        client: ClientSettings {
            internal_hosts: Vec::new(),
            ..settings(patient())
        },
        limits: Limits::default(),
    })
    .expect("a client");
    let (id, version) = key();
    // The canary at its address, in each disguise, and at a name that is looked up.
    let places = [
        format!("127.0.0.1:{port}"),
        format!("2130706433:{port}"),
        format!("0x7f.0.0.1:{port}"),
        format!("[::1]:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("localhost:{port}"),
        "169.254.169.254".to_owned(),
        "10.0.0.1".to_owned(),
    ];
    for place in places {
        let link = format!("http://{place}/git.nupkg");
        upstream.on(PACKAGE, Reply::redirect(&link));
        for content_url in [None, Some(link.as_str())] {
            let error = guarded
                .open(&id, &version, content_url, &Urgency::default())
                .await
                .err()
                .unwrap();
            assert_eq!(error.kind(), ErrorKind::BadAnswer, "{place}: {error}");
            let reason = "which is no address of the public internet";
            assert!(error.to_string().contains(reason), "{place}: {error}");
        }
    }
    assert_eq!(canary.connections(), 0);

    // Its own origin may be reached wherever it lies.
    upstream.on(PACKAGE, Reply::redirect(&upstream.url("/elsewhere")));
    upstream.on("/elsewhere", Reply::ok(package(10)));
    assert!(guarded.open(&id, &version, None, &Urgency::default()).await.is_ok());
}
