//! Redirects and links that lead where they must not: nothing is ever sent there, and secrets go nowhere but home.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use larder::upstream::{
    AccessSettings, ClientSettings, ContentStream, ErrorKind, Names, Upstream as _, UpstreamError, Urgency, V2Upstream,
};

use crate::support::faultd::{Reply, ScriptedUpstream};
use crate::upstream_v2::{client_by, patient, settings};

const PACKAGE: &str = "/api/v2/package/git/1.0";
const FIND: &str = "/api/v2/FindPackagesById()";
const SECRET: &str = "canary-secret";

/// Every kind of credential that is sent as it is.
fn credentials() -> AccessSettings {
    AccessSettings {
        bearer: Some(SECRET.to_owned()),
        api_key: Some(SECRET.to_owned()),
        headers: vec![("X-Canary".to_owned(), SECRET.to_owned())],
        ..AccessSettings::default()
    }
}

/// Nothing but its own origin may be reached within the machine; it has every kind of credential.
fn guarded(base: &str, names: Names) -> V2Upstream {
    client_by(
        base,
        ClientSettings {
            internal_hosts: Vec::new(),
            names,
            access: credentials(),
            ..settings(patient())
        },
    )
}

async fn open(client: &V2Upstream, link: Option<&str>) -> Result<ContentStream, UpstreamError> {
    let (id, version) = ("git".parse().expect("an id"), "1.0".parse().expect("a version"));
    client.open(&id, &version, link, &Urgency::default()).await
}

async fn ask(client: &V2Upstream) -> Result<(), UpstreamError> {
    let id = "git".parse().expect("an id");
    client.versions(&id, None, &Urgency::default()).await.map(drop)
}

/// Every name is at these addresses, the first one at the first question.
fn rebinding(addresses: [&'static str; 2]) -> (Names, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let names = Names::by(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let address: SocketAddr = addresses[number.min(1)].parse().expect("an address");
        async move { Ok(vec![address]) }.boxed()
    });
    (names, asked)
}

#[tokio::test]
async fn nothing_is_sent_into_the_network() {
    let gallery = ScriptedUpstream::start().await;
    let (canary, canary6) = (
        ScriptedUpstream::start().await,
        ScriptedUpstream::start_at("[::1]:0").await,
    );
    let (port, port6) = (canary.address().port(), canary6.address().port());
    let (names, asked) = rebinding(["127.0.0.1:0", "127.0.0.1:0"]);
    let client = guarded(&gallery.url("/api/v2/"), names);
    for place in [
        format!("127.0.0.1:{port}"),
        format!("127.1:{port}"),
        format!("2130706433:{port}"),
        format!("0x7f000001:{port}"),
        format!("0177.0.0.1:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::1]:{port6}"),
        format!("[::]:{port6}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("[64:ff9b::7f00:1]:{port}"),
        "[::ffff:10.0.0.1]".to_owned(),
        "169.254.169.254".to_owned(),
        "10.0.0.1".to_owned(),
        "100.64.0.1".to_owned(),
        "[fd00::1]".to_owned(),
        "[fe80::1]".to_owned(),
        format!("localhost:{port}"),
        format!("harmless.test:{port}"),
    ] {
        let link = format!("http://{place}/x.nupkg");
        for target in [PACKAGE, FIND] {
            gallery.on(target, Reply::redirect(&link));
        }
        for failed in [
            open(&client, None).await.map(drop),
            open(&client, Some(&link)).await.map(drop),
            ask(&client).await,
        ] {
            let error = failed.expect_err(&place);
            assert_eq!(error.kind(), ErrorKind::BadAnswer, "{place}: {error}");
            assert!(error.to_string().contains("public internet"), "{place}: {error}");
        }
    }
    for link in ["file:///etc/passwd", "gopher://127.0.0.1/", "data:,PK", "http://", "//"] {
        gallery.on(PACKAGE, Reply::redirect(link));
        assert_eq!(
            open(&client, None).await.map(drop).expect_err(link).kind(),
            ErrorKind::BadAnswer,
            "{link}"
        );
    }
    assert!(asked.load(Ordering::SeqCst) >= 2, "names are looked up");
    for canary in [&canary, &canary6] {
        assert_eq!((canary.counted().connections, canary.counted().received), (0, 0));
    }
}

#[tokio::test]
async fn a_name_that_moves_into_the_network_is_looked_at_each_time() {
    let gallery = ScriptedUpstream::start().await;
    let canary = ScriptedUpstream::start().await;
    // At first at an address of the documentation's network would be refused too, so it is one that nobody answers at.
    let (names, asked) = rebinding(["[2606:2800:ffff:ffff::1]:0", "127.0.0.1:0"]);
    let client = client_by(
        &gallery.url("/api/v2/"),
        ClientSettings {
            internal_hosts: Vec::new(),
            names,
            ..settings(larder::upstream::Timeouts {
                connect: std::time::Duration::from_millis(300),
                ..patient()
            })
        },
    );
    let link = format!("http://harmless.test:{}/x.nupkg", canary.address().port());
    gallery.on(PACKAGE, Reply::redirect(&link));
    // Public, though not there: the guard lets it pass.
    let first = open(&client, None).await.map(drop).expect_err("nobody is there");
    assert_eq!(first.kind(), ErrorKind::Unavailable, "{first}");
    let second = open(&client, None).await.map(drop).expect_err("it is internal now");
    assert!(second.to_string().contains("public internet"), "{second}");
    assert!(asked.load(Ordering::SeqCst) >= 2);
    assert_eq!(canary.counted().connections, 0);
}

#[tokio::test]
async fn redirects_end_after_five() {
    let gallery = ScriptedUpstream::start().await;
    let client = guarded(&gallery.url("/api/v2/"), Names::default());
    gallery.on(PACKAGE, Reply::redirect(PACKAGE));
    let error = open(&client, None).await.map(drop).expect_err("a loop");
    assert!(error.to_string().ends_with("it redirects more than 5 times"), "{error}");
    assert_eq!(gallery.asked(PACKAGE), 6);
    for hop in 0..6 {
        let from = if hop == 0 {
            PACKAGE.to_owned()
        } else {
            format!("/hop{hop}")
        };
        gallery.on(&from, Reply::redirect(&format!("/hop{}", hop + 1)));
    }
    gallery.on("/hop6", Reply::ok("PK"));
    assert!(open(&client, None).await.is_err());
    assert_eq!(gallery.asked("/hop6"), 0);
    gallery.on("/hop5", Reply::ok("PK"));
    assert!(open(&client, None).await.is_ok());
}

#[tokio::test]
async fn credentials_go_home_and_nowhere_else() {
    let gallery = ScriptedUpstream::start().await;
    // It may be reached, and still is somebody else: the same address, another port.
    let elsewhere = ScriptedUpstream::start().await;
    let client = client_by(
        &gallery.url("/api/v2/"),
        ClientSettings {
            access: credentials(),
            ..settings(patient())
        },
    );
    let link = elsewhere.url("/x.nupkg");
    elsewhere.on("/x.nupkg", Reply::ok("PK"));
    gallery.on(PACKAGE, Reply::redirect(&link));
    gallery.on(FIND, Reply::redirect(&elsewhere.url("/feed")));
    assert!(open(&client, None).await.is_ok());
    assert!(open(&client, Some(&link)).await.is_ok());
    let _ = ask(&client).await;
    assert_eq!(elsewhere.requests().len(), 3);
    for request in elsewhere.requests() {
        assert!(!request.head.contains(SECRET), "{}", request.head);
    }
    for request in gallery.requests() {
        assert_eq!(request.head.matches(SECRET).count(), 3, "{}", request.head);
    }
    // Back home from abroad they are shown again.
    elsewhere.on("/x.nupkg", Reply::redirect(&gallery.url("/home.nupkg")));
    gallery.on("/home.nupkg", Reply::ok("PK"));
    assert!(open(&client, None).await.is_ok());
    assert!(
        gallery
            .requests()
            .pop()
            .is_some_and(|request| request.head.contains(SECRET))
    );
}
