//! A v2 upstream is asked in its own shapes, and its answers are believed only where they are whole.

use std::time::Duration;

use futures::StreamExt as _;
use larder::catalog::query::{Latest, Prerelease};
use larder::catalog::{Announced, SearchTerms, Validators};
use larder::nuget::{PackageId, SemVerLevel};
use larder::upstream::{
    BadAnswer, BreakerSettings, ClientSettings, ErrorKind, Limits, Outage, RetrySettings, SearchOrder, Timeouts,
    Upstream as _, UpstreamError, UpstreamSearch, Urgency, V2Settings, V2Upstream, Versions,
};

use crate::support::upstream::{ANYTHING, Reply, ScriptedUpstream, atom_entry, atom_feed, refusing_address};

const FIND: &str = "/api/v2/FindPackagesById()";

/// Waits shortly for an answer to begin, so that a test that waits for nothing is short.
pub(crate) fn impatient_for_headers() -> Timeouts {
    Timeouts {
        header: Duration::from_millis(300),
        ..patient()
    }
}

/// Waits shortly for an answer to go on.
pub(crate) fn impatient_for_bodies() -> Timeouts {
    Timeouts {
        body: Duration::from_millis(300),
        ..patient()
    }
}

/// Long, so that no test fails because the machine is busy.
pub(crate) fn patient() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(30),
        header: Duration::from_secs(30),
        body: Duration::from_secs(30),
        ..Timeouts::default()
    }
}

pub(crate) fn client_with(base: &str, timeouts: Timeouts, limits: Limits) -> V2Upstream {
    made(base, settings(timeouts), limits)
}

pub(crate) fn client_by(base: &str, client: ClientSettings) -> V2Upstream {
    made(base, client, Limits::default())
}

fn made(base: &str, client: ClientSettings, limits: Limits) -> V2Upstream {
    V2Upstream::new(V2Settings {
        name: "gallery".parse().expect("a name"),
        base: base.parse().expect("a URL"),
        client,
        limits,
    })
    .expect("a client")
}

/// Tries again at once, so many times in all: no test waits for chance.
pub(crate) fn at_once(attempts: u32) -> RetrySettings {
    RetrySettings {
        attempts,
        wait: Duration::ZERO,
        ..RetrySettings::default()
    }
}

/// An upstream that may lead to other scripted ones, all of which lie on loopback.
pub(crate) fn settings(timeouts: Timeouts) -> ClientSettings {
    ClientSettings {
        timeouts,
        user_agent: "larder/0.0-test".to_owned(),
        internal_hosts: vec!["127.0.0.1".to_owned()],
        // Each request is one that the test made.
        retry: RetrySettings {
            attempts: 1,
            ..RetrySettings::default()
        },
        breaker: BreakerSettings {
            in_a_row: u32::MAX,
            at_least: usize::MAX,
            ..BreakerSettings::default()
        },
        ..ClientSettings::default()
    }
}

pub(crate) fn client(upstream: &ScriptedUpstream) -> V2Upstream {
    client_with(&upstream.url("/api/v2/"), patient(), Limits::default())
}

fn id(text: &str) -> PackageId {
    text.parse().expect("an id")
}

fn entry(version: &str) -> String {
    atom_entry("Git", version, "package/Git/1", "")
}

/// Returns what an answer announces; panics where it says that nothing has changed.
pub(crate) fn announced(versions: Versions) -> Vec<Announced> {
    match versions {
        Versions::Announced { versions, .. } => versions,
        Versions::Unchanged => panic!("unchanged"),
    }
}

async fn versions(client: &V2Upstream) -> Result<Vec<String>, UpstreamError> {
    let found = announced(client.versions(&id("git"), None, &Urgency::default()).await?);
    Ok(found.iter().map(|one| one.version.to_string()).collect())
}

fn kind<T>(result: &Result<T, UpstreamError>) -> Option<ErrorKind> {
    result.as_ref().err().map(UpstreamError::kind)
}

#[tokio::test]
async fn versions_are_asked_for_in_one_shape() {
    let upstream = ScriptedUpstream::start().await;
    let other = atom_entry("Git.Install", "9.0", "package/x/9", "");
    let own = atom_entry(
        "Git",
        "1.0",
        "package/Git/1.0",
        "<d:Custom m:type='Edm.Int32'>7</d:Custom>",
    );
    upstream.on(
        FIND,
        Reply::feed(atom_feed(&[other, own, entry("1.0.0"), entry("2.0-b.1+x")], None)),
    );
    let client = client(&upstream);

    let found = announced(client.versions(&id("GIT"), None, &Urgency::default()).await.unwrap());
    let names: Vec<_> = found.iter().map(|one| format!("{} {}", one.id, one.version)).collect();
    assert_eq!(
        names,
        ["Git 1.0", "Git 2.0-b.1+x"],
        "other ids and repeated versions are dropped"
    );
    assert_eq!(found[0].entry.property("Custom"), Some("7"));
    let url = upstream.url("/api/v2/package/Git/1.0");
    assert_eq!(found[0].entry.content_url.as_ref(), Some(&url));

    let request = &upstream.requests()[0];
    assert_eq!(request.method, "GET");
    assert_eq!(
        request.target,
        "/api/v2/FindPackagesById()?id=%27GIT%27&semVerLevel=2.0.0"
    );
    assert_eq!(request.header("User-Agent"), Some("larder/0.0-test"));
    assert_eq!(request.header("Accept"), Some("application/atom+xml, application/xml"));
    assert_eq!(request.header("Accept-Encoding"), Some("gzip"));
    assert_eq!(request.header("Cookie").or(request.header("Authorization")), None);
}

#[tokio::test]
async fn pages_are_followed_on_one_connection() {
    let upstream = ScriptedUpstream::start().await;
    let relative = "FindPackagesById?id='git'&$skiptoken='Git','1.0'";
    let absolute = upstream.url("/api/v2/FindPackagesById?id='git'&$skiptoken='Git','2.0'");
    upstream.on(FIND, Reply::feed(atom_feed(&[entry("1.0")], Some(relative))));
    let second = "/api/v2/FindPackagesById?id=%27git%27&$skiptoken=%27Git%27,%271.0%27";
    upstream.on(second, Reply::feed(atom_feed(&[entry("2.0")], Some(&absolute))));
    let third = "/api/v2/FindPackagesById?id=%27git%27&$skiptoken=%27Git%27,%272.0%27";
    upstream.on(third, Reply::feed(atom_feed(&[], None)));
    assert_eq!(versions(&client(&upstream)).await.unwrap(), ["1.0", "2.0"]);
    assert_eq!(upstream.targets()[1..], [second, third]);
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn absent_ids_have_no_versions() {
    let upstream = ScriptedUpstream::start().await;
    for reply in [
        Reply::status(404),
        Reply::status(410),
        Reply::feed(atom_feed(&[], None)),
    ] {
        upstream.on(FIND, reply);
        assert_eq!(versions(&client(&upstream)).await.unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn statuses_have_their_meaning() {
    let upstream = ScriptedUpstream::start().await;
    for (status, expected) in [
        (401, ErrorKind::Refused),
        (403, ErrorKind::Refused),
        (407, ErrorKind::Refused),
        (408, ErrorKind::Unavailable),
        (429, ErrorKind::Unavailable),
        (500, ErrorKind::Unavailable),
        (502, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (504, ErrorKind::Unavailable),
        (204, ErrorKind::BadAnswer),
        (206, ErrorKind::BadAnswer),
        (304, ErrorKind::BadAnswer),
        (400, ErrorKind::BadAnswer),
        (406, ErrorKind::BadAnswer),
    ] {
        upstream.on(ANYTHING, Reply::status(status));
        // A new one each time, which knows of no pause that the upstream asked for.
        let client = client(&upstream);
        assert_eq!(kind(&versions(&client).await), Some(expected), "{status}");
        assert_eq!(
            kind(&client.search(&search(), &Urgency::default()).await),
            Some(expected),
            "{status}"
        );
        let opened = client
            .open(&id("git"), &"1.0".parse().unwrap(), None, &Urgency::default())
            .await;
        assert_eq!(kind(&opened), Some(expected), "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_told() {
    let upstream = ScriptedUpstream::start().await;
    for (status, headers, seconds) in [
        (429, &[("Retry-After", "3600")][..], Some(3600)),
        (503, &[("Retry-After", "5")], Some(5)),
        (503, &[], None),
        (
            503,
            &[
                ("Date", "Wed, 21 Oct 2015 07:28:00 GMT"),
                ("Retry-After", "Wed, 21 Oct 2015 07:29:00 GMT"),
            ],
            Some(60),
        ),
    ] {
        let reply = headers
            .iter()
            .fold(Reply::status(status), |reply, (name, value)| reply.header(name, value));
        upstream.on(FIND, reply);
        let error = versions(&client(&upstream)).await.unwrap_err();
        assert_eq!(error.retry_after(), seconds.map(Duration::from_secs), "{error}");
    }
}

#[tokio::test]
async fn nobody_there_is_an_outage() {
    let base = format!("http://user:secret@{}/api/v2/", refusing_address().await);
    let error = versions(&client_with(&base, patient(), Limits::default()))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.is_timeout()), (ErrorKind::Unavailable, false));
    let message = error.to_string();
    assert!(message.contains("no connection (Connection refused"), "{message}");
    assert!(!message.contains("secret") && !message.contains("user"), "{message}");
}

#[tokio::test]
async fn a_black_hole_is_a_timeout() {
    // A backlog that is full drops what knocks.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let knock = || tokio::time::timeout(Duration::from_millis(200), tokio::net::TcpStream::connect(address));
    while let Ok(Ok(stream)) = knock().await {
        waiting.push(stream);
        assert!(waiting.len() < 100, "the backlog never fills");
    }
    let base = format!("http://{address}/api/v2/");
    let timeouts = Timeouts {
        connect: Duration::from_millis(100),
        ..patient()
    };
    let error = versions(&client_with(&base, timeouts, Limits::default()))
        .await
        .unwrap_err();
    let is_connect = matches!(
        error,
        UpstreamError::Unavailable {
            outage: Outage::ConnectTimeout(_),
            ..
        }
    );
    assert!(is_connect && error.is_timeout(), "{error}");
}

#[tokio::test]
async fn slow_answers_are_timeouts() {
    let upstream = ScriptedUpstream::start().await;
    let feed = atom_feed(&[entry("1.0")], None);
    let (header, body) = ("no answer within 0.3 s", "its answer stalled for 0.3 s");
    for (reply, timeouts, expected) in [
        (Reply::feed(feed.clone()).silent(), impatient_for_headers(), header),
        (Reply::feed(feed.clone()).stall(0), impatient_for_bodies(), body),
        (Reply::feed(feed.clone()).stall(20), impatient_for_bodies(), body),
        (Reply::feed(feed).chunked().stall(20), impatient_for_bodies(), body),
    ] {
        upstream.on(FIND, reply);
        let client = client_with(&upstream.url("/api/v2/"), timeouts, Limits::default());
        let error = versions(&client).await.unwrap_err();
        assert!(error.is_timeout() && error.kind() == ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn cut_answers_are_no_answers() {
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream);
    let feed = atom_feed(&[entry("1.0"), entry("2.0")], None);
    let half = feed.len() / 2;
    for (reply, expected) in [
        (Reply::feed(feed.clone()).reset(half), ErrorKind::BadAnswer),
        (Reply::feed(feed.clone()).close(half), ErrorKind::BadAnswer),
        (Reply::feed(feed.clone()).chunked().close(half), ErrorKind::BadAnswer),
        // Whole XML, but its last chunk never came.
        (
            Reply::feed(feed.clone()).chunked().close(feed.len()),
            ErrorKind::BadAnswer,
        ),
        (Reply::feed(feed.clone()).length(feed.len() + 1), ErrorKind::BadAnswer),
        // The length is met, so only the XML tells.
        (Reply::feed(feed.clone()).length(half), ErrorKind::BadAnswer),
        (
            Reply::feed(feed.clone()).until_close().close(half),
            ErrorKind::BadAnswer,
        ),
        (Reply::hang_up(), ErrorKind::Unavailable),
        (Reply::raw("SSH-2.0-OpenSSH\r\n\r\n"), ErrorKind::BadAnswer),
    ] {
        upstream.on(FIND, reply);
        assert_eq!(kind(&versions(&client).await), Some(expected));
    }
    upstream.on(FIND, Reply::feed(feed).until_close());
    assert_eq!(versions(&client).await.unwrap(), ["1.0", "2.0"]);
}

#[tokio::test]
async fn other_documents_are_no_feeds() {
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream);
    let error = "<m:error xmlns:m='x'><m:message>Boom</m:message></m:error>";
    for (body, expected) in [
        ("<!DOCTYPE html><html><body>Log in", "a 'html' document"),
        ("{\"statusCode\":429}", "JSON"),
        ("", "empty"),
        ("<rss/>", "a 'rss' document"),
        (
            "<feed></entry>",
            "not well-formed XML at byte 6: ill-formed document: expected `</feed>`",
        ),
        (error, "the upstream reports an error: Boom"),
        (
            &atom_feed(&[entry("1.0"), error.to_owned()], None),
            "the upstream reports an error: Boom",
        ),
    ] {
        upstream.on(ANYTHING, Reply::ok(body.to_owned()).header("Content-Type", "text/html"));
        for error in [
            versions(&client).await.err(),
            client.search(&search(), &Urgency::default()).await.err(),
        ] {
            let error = error.unwrap();
            assert!(matches!(
                error,
                UpstreamError::BadAnswer {
                    answer: BadAnswer::Feed(_),
                    ..
                }
            ));
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}

#[tokio::test]
async fn size_is_limited_also_when_compressed() {
    let upstream = ScriptedUpstream::start().await;
    let limits = Limits {
        page_bytes: 4000,
        answer_bytes: 6000,
        ..Limits::default()
    };
    let client = client_with(&upstream.url("/api/v2/"), patient(), limits);
    let padded =
        |bytes: usize, next: Option<&str>| atom_feed(&[entry("1.0"), format!("<!--{}-->", "x".repeat(bytes))], next);

    upstream.on(FIND, Reply::feed(padded(2000, None)));
    assert!(versions(&client).await.is_ok());
    let is_too_large = |error: &UpstreamError, limit: u64| matches!(error, UpstreamError::BadAnswer { answer: BadAnswer::TooLarge { limit_bytes }, .. } if *limit_bytes == limit);
    for reply in [
        Reply::feed(padded(4000, None)),
        Reply::feed(padded(4000, None)).chunked(),
        Reply::feed(gzip_of_zeros()).header("Content-Encoding", "gzip"),
    ] {
        upstream.on(FIND, reply);
        let error = versions(&client).await.unwrap_err();
        assert!(is_too_large(&error, 4000), "{error}");
    }
    upstream.on(FIND, Reply::feed(padded(2800, Some("/more"))));
    let more = atom_feed(&[entry("2.0"), format!("<!--{}-->", "x".repeat(2800))], None);
    upstream.on("/more", Reply::feed(more));
    let error = versions(&client).await.unwrap_err();
    assert!(is_too_large(&error, 6000), "{error}");
}

/// A gzip member of 10,000 zeros, as Python's `gzip.compress(bytes(10000), mtime=0)` writes it.
fn gzip_of_zeros() -> Vec<u8> {
    vec![
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 1, 13, 0, 0, 0, 194, 160, 247, 79, 109, 14, 55, 160, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 224, 223, 0, 46, 202, 59, 77, 16, 39, 0, 0,
    ]
}

#[tokio::test]
async fn paging_in_circles_ends() {
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream);
    let first = upstream.url("/api/v2/FindPackagesById()?id='git'&semVerLevel=2.0.0");
    let first = first.as_str();

    // A page that links to itself; one that links back; rows that repeat under new addresses; nothing but links.
    for (pages, expected) in [
        (vec![(entry("1.0"), first)], "a page links back"),
        (vec![(entry("1.0"), "/p1"), (entry("2.0"), "/p1")], "a page links back"),
        (vec![(entry("1.0"), "/p1"), (entry("2.0"), first)], "a page links back"),
        (vec![(entry("1.0"), "/p1"), (entry("1.0"), "/p2")], "no new version"),
        (vec![(String::new(), "/p1")], "no new version"),
        (vec![(atom_entry("other", "1.0", "x", ""), "/p1")], "no new version"),
    ] {
        for (at, (body, next)) in pages.iter().enumerate() {
            let target = if at == 0 { FIND.to_owned() } else { format!("/p{at}") };
            upstream.on(&target, Reply::feed(atom_feed(std::slice::from_ref(body), Some(next))));
        }
        let error = versions(&client).await.unwrap_err();
        assert!(matches!(
            error,
            UpstreamError::BadAnswer {
                answer: BadAnswer::Paging(_),
                ..
            }
        ));
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn pages_are_counted() {
    let upstream = ScriptedUpstream::start().await;
    let limits = Limits {
        pages: 3,
        ..Limits::default()
    };
    let client = client_with(&upstream.url("/api/v2/"), patient(), limits);
    let page = |at: usize, next: bool| {
        let next = next.then(|| format!("/p{}", at + 1));
        Reply::feed(atom_feed(&[entry(&format!("{at}.0"))], next.as_deref()))
    };
    upstream.on(FIND, page(0, true));
    upstream.on("/p1", page(1, true));
    upstream.on("/p2", page(2, false));
    assert_eq!(versions(&client).await.unwrap(), ["0.0", "1.0", "2.0"]);
    upstream.on("/p2", page(2, true));
    let error = versions(&client).await.unwrap_err();
    assert!(error.to_string().contains("more than is allowed"), "{error}");
    assert_eq!(upstream.requests().len(), 6, "the fourth page is never asked for");
}

#[tokio::test]
async fn pages_elsewhere_are_not_followed() {
    let upstream = ScriptedUpstream::start().await;
    let canary = ScriptedUpstream::start().await;
    let client = client(&upstream);
    for link in [
        &canary.url("/steal?key=secret"),
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://[",
    ] {
        upstream.on(FIND, Reply::feed(atom_feed(&[entry("1.0")], Some(link))));
        let error = versions(&client).await.unwrap_err();
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
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn a_lost_page_is_not_the_end() {
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream);
    upstream.on(FIND, Reply::feed(atom_feed(&[entry("1.0")], Some("/p1"))));
    for (reply, expected) in [
        (Reply::status(404), ErrorKind::BadAnswer),
        (Reply::status(410), ErrorKind::BadAnswer),
        (Reply::status(503), ErrorKind::Unavailable),
        (Reply::status(403), ErrorKind::Refused),
        (Reply::ok("<html/>"), ErrorKind::BadAnswer),
    ] {
        upstream.on("/p1", reply);
        assert_eq!(kind(&versions(&client).await), Some(expected));
    }
}

fn search() -> UpstreamSearch {
    UpstreamSearch {
        terms: SearchTerms::parse("git"),
        filter: None,
        order: SearchOrder::Id,
        prerelease: Prerelease::Exclude,
        latest: Some(Latest::Stable),
        level: SemVerLevel::Two,
        skip: 0,
        top: 40,
    }
}

#[tokio::test]
async fn searches_go_page_by_page() {
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream);
    let rows: Vec<_> = (0..40)
        .map(|at| atom_entry(&format!("p{at}"), "1.0", "x", ""))
        .collect();
    let count = |total: u64| format!("<m:count>{total}</m:count>");
    let bad = "<entry><title>no version</title></entry>".to_owned();
    for (name, entries, next, expected) in [
        ("a full page", rows.clone(), None, (40, None, Some(40))),
        ("a short page is the last", rows[..3].to_vec(), None, (3, None, None)),
        (
            "a short page with a next link",
            rows[..3].to_vec(),
            Some("x"),
            (3, None, Some(3)),
        ),
        (
            "skipped rows count",
            [rows[..3].to_vec(), vec![bad]].concat(),
            Some("x"),
            (3, None, Some(4)),
        ),
        ("an empty page is the last", vec![], Some("x"), (0, None, None)),
        (
            "the count decides",
            [vec![count(40)], rows.clone()].concat(),
            None,
            (40, Some(40), None),
        ),
        (
            "the count goes on",
            [vec![count(99)], rows[..3].to_vec()].concat(),
            None,
            (3, Some(99), Some(3)),
        ),
    ] {
        upstream.on("/api/v2/Search()", Reply::feed(atom_feed(&entries, next)));
        let page = client.search(&search(), &Urgency::default()).await.unwrap();
        assert_eq!((page.items.len(), page.total, page.next_skip), expected, "{name}");
    }
    let target = "/api/v2/Search()?$filter=IsLatestVersion&$orderby=Id&searchTerm=%27git%27&targetFramework=%27%27\
                  &includePrerelease=false&$skip=0&$top=40&semVerLevel=2.0.0";
    assert_eq!(upstream.targets()[0], target);
}

#[tokio::test]
async fn a_gallery_without_a_search_answers_badly() {
    let upstream = ScriptedUpstream::start().await;
    for status in [404, 410] {
        upstream.on("/api/v2/Search()", Reply::status(status));
        let found = client(&upstream).search(&search(), &Urgency::default()).await;
        assert_eq!(kind(&found), Some(ErrorKind::BadAnswer));
    }
}

#[tokio::test]
async fn credentials_go_home_alone() {
    let upstream = ScriptedUpstream::start().await;
    let elsewhere = ScriptedUpstream::start().await;
    let base = format!("http://an%20na:s%3Acret@{}/api/v2", upstream.address());
    let client = client_with(&base, patient(), Limits::default());
    let version = "1.0".parse().unwrap();
    upstream.on("/api/v2/package/git/1.0", Reply::redirect(&elsewhere.url("/git.nupkg")));
    elsewhere.on("/git.nupkg", Reply::redirect(&upstream.url("/back")));
    upstream.on("/back", Reply::ok("PK..."));
    let mut content = client
        .open(&id("git"), &version, None, &Urgency::default())
        .await
        .unwrap();
    assert_eq!(content.stream.next().await.unwrap().unwrap(), "PK...");
    let basic = Some("Basic YW4gbmE6czpjcmV0");
    let sent: Vec<_> = upstream
        .requests()
        .iter()
        .map(|r| r.header("Authorization").map(str::to_owned))
        .collect();
    assert_eq!(sent, [basic.map(str::to_owned), basic.map(str::to_owned)]);
    assert_eq!(elsewhere.requests()[0].header("Authorization"), None);

    // A link that brings credentials of its own does not get to use them.
    let link = format!("http://x:y@{}/git.nupkg", elsewhere.address());
    elsewhere.on("/git.nupkg", Reply::ok("PK..."));
    client
        .open(&id("git"), &version, Some(&link), &Urgency::default())
        .await
        .unwrap();
    assert_eq!(elsewhere.requests()[1].header("Authorization"), None);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream);
    let (etag, modified) = ("W/\"1\"", "Wed, 21 Oct 2015 07:28:00 GMT");
    let page = |next| Reply::feed(atom_feed(&[entry("1.0")], next));
    let ask = async |known: Option<&Validators>| client.versions(&id("git"), known, &Urgency::default()).await;
    let given = |versions: Versions| match versions {
        Versions::Announced { validators, .. } => validators,
        Versions::Unchanged => panic!("unchanged"),
    };
    upstream.on(FIND, page(None).header("ETag", etag).header("Last-Modified", modified));
    let known = given(ask(None).await.unwrap()).unwrap();
    assert_eq!(
        (known.etag.as_deref(), known.last_modified.as_deref()),
        (Some(etag), Some(modified))
    );

    upstream.on(FIND, Reply::status(304));
    let unchanged = ask(Some(&known)).await;
    assert!(matches!(unchanged, Ok(Versions::Unchanged)));
    let last = upstream.requests().pop().unwrap();
    assert_eq!(
        (last.header("If-None-Match"), last.header("If-Modified-Since")),
        (Some(etag), Some(modified))
    );

    // Nobody asked: it says nothing, least of all that there is nothing.
    assert_eq!(kind(&ask(None).await), Some(ErrorKind::BadAnswer));
    // What another gallery gave means nothing here; nor what this one gave before it moved.
    let foreign = Validators {
        upstream: "https://elsewhere.test/api/v2/".to_owned(),
        ..known.clone()
    };
    assert_eq!(kind(&ask(Some(&foreign)).await), Some(ErrorKind::BadAnswer));
    let last = upstream.requests().pop().unwrap();
    assert_eq!(last.header("If-None-Match").or(last.header("If-Modified-Since")), None);

    // It has changed.
    upstream.on(FIND, page(None).header("ETag", "\"2\""));
    let changed = given(ask(Some(&known)).await.unwrap()).unwrap();
    assert_eq!((changed.etag.as_deref(), changed.last_modified), (Some("\"2\""), None));

    // A page tells nothing of the pages after it.
    let second = "/api/v2/second";
    upstream.on(FIND, page(Some(second)).header("ETag", etag));
    upstream.on(
        second,
        Reply::feed(atom_feed(&[entry("2.0")], None)).header("ETag", "\"3\""),
    );
    assert_eq!(given(ask(Some(&known)).await.unwrap()), None);
    let conditions: Vec<_> = upstream
        .requests()
        .iter()
        .rev()
        .take(2)
        .map(|request| request.header("If-None-Match").is_some())
        .collect();
    assert_eq!(conditions, [false, true]);
}
