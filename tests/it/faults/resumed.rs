//! A body that breaks off is carried on where that is safe, and never otherwise.

use bytes::Bytes;
use futures::StreamExt as _;
use larder::nuget::{NuGetVersion, PackageId};
use larder::upstream::{
    BadAnswer, ClientSettings, ErrorKind, Timeouts, Upstream as _, UpstreamError, Urgency, V2Upstream,
};

use super::times;
use crate::support::faultd::{Reply, Request, ScriptedUpstream};
use crate::support::random::Random;
use crate::upstream_v2::{at_once, client_by, impatient_for_bodies, patient, settings};

const PACKAGE: &str = "/api/v2/package/git/1.0";
const ETAG: &str = "\"a\"";
const MODIFIED: &str = "Wed, 21 Oct 2015 07:28:00 GMT";

/// Tries again at once, so many times in all.
fn client(upstream: &ScriptedUpstream, attempts: u32, timeouts: Timeouts) -> V2Upstream {
    client_by(
        &upstream.url("/api/v2/"),
        ClientSettings {
            retry: at_once(attempts),
            ..settings(timeouts)
        },
    )
}

/// Reads a package to its end: the bytes, and the error that it ended with.
async fn read(client: &V2Upstream) -> (Vec<u8>, Option<UpstreamError>) {
    let id: PackageId = "git".parse().expect("an id");
    let version: NuGetVersion = "1.0".parse().expect("a version");
    let mut content = match client.open(&id, &version, None, &Urgency::default()).await {
        Ok(content) => content,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = content.stream.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(error) => return (bytes, Some(error)),
        }
    }
    (bytes, None)
}

fn package(random: &mut Random, bytes: usize) -> Bytes {
    let mut package = random.bytes(bytes);
    package[..4].copy_from_slice(b"PK\x03\x04");
    package.into()
}

fn shown(request: &Request) -> String {
    let header = |name| request.header(name).unwrap_or("-").to_owned();
    format!("{} {}", header("Range"), header("If-Range"))
}

#[tokio::test]
async fn a_body_that_breaks_off_anywhere_comes_whole_all_the_same() {
    let mut random = Random::seeded();
    let upstream = ScriptedUpstream::start().await;
    for run in 0..times(20, 200) {
        let body = package(&mut random, 300_000);
        let client = client(&upstream, 3, patient());
        let whole = || Reply::ok(body.clone());
        let breaks = [random.below(body.len()), random.below(body.len())];
        let reply = |at: usize| {
            if run % 2 == 0 {
                whole().reset(at)
            } else {
                whole().close(at)
            }
        };
        let replies: Vec<Reply> = match run % 4 {
            // The second break is within the rest that is left, or behind it.
            0 | 1 => {
                let resumable = |reply: Reply| reply.resumable(ETAG);
                vec![
                    resumable(reply(breaks[0])),
                    resumable(reply(breaks[1])),
                    resumable(whole()),
                ]
            }
            // Without a validator the whole is asked for again.
            2 => vec![reply(breaks[0]), reply(breaks[1]), whole()],
            _ => vec![
                reply(breaks[0]).chunked(),
                reply(breaks[1]).chunked(),
                whole().chunked(),
            ],
        };
        let before = upstream.requests().len();
        upstream.script(PACKAGE, replies);
        let (bytes, error) = read(&client).await;
        assert!(
            error.is_none() && bytes == body,
            "run {run} {breaks:?}: {error:?} after {}",
            bytes.len()
        );
        let requests = upstream.requests();
        assert!((2..=3).contains(&(requests.len() - before)), "run {run}");
        for again in &requests[before + 1..] {
            let has_range = again.range_start().is_some();
            assert_eq!(has_range, again.header("If-Range") == Some(ETAG), "{}", shown(again));
            assert!(run % 4 < 2 || !has_range, "{}", shown(again));
        }
    }
}

#[tokio::test]
async fn only_the_missing_bytes_are_sent_again() {
    let body = package(&mut Random::from_seed(1), 1_000_000);
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream, 3, patient());
    // A close in good order, so that all that was sent arrives.
    upstream.script(
        PACKAGE,
        [
            Reply::ok(body.clone()).resumable(ETAG).close(900_000),
            Reply::ok(body.clone()).resumable(ETAG),
        ],
    );
    assert!(read(&client).await.0 == body);
    let requests = upstream.requests();
    assert_eq!(
        requests.iter().map(shown).collect::<Vec<_>>(),
        ["- -", "bytes=900000- \"a\""]
    );
    assert!(upstream.counted().sent < 1_002_000, "{:?}", upstream.counted());
}

#[tokio::test]
async fn a_rest_is_asked_for_only_where_the_body_can_be_told_from_others() {
    let body = package(&mut Random::from_seed(2), 100_000);
    let upstream = ScriptedUpstream::start().await;
    for (headers, expected) in [
        (vec![("ETag", ETAG)], "bytes=50000- \"a\"".to_owned()),
        (vec![("ETag", ETAG), ("Accept-Ranges", "none")], "- -".to_owned()),
        (vec![("ETag", "W/\"a\"")], "- -".to_owned()),
        (
            vec![("Last-Modified", MODIFIED), ("Date", "Wed, 21 Oct 2015 07:29:00 GMT")],
            format!("bytes=50000- {MODIFIED}"),
        ),
        (
            vec![("Last-Modified", MODIFIED), ("Date", "Wed, 21 Oct 2015 07:28:30 GMT")],
            "- -".to_owned(),
        ),
        (vec![], "- -".to_owned()),
    ] {
        let with = |reply: Reply| {
            headers
                .iter()
                .fold(reply, |reply, (name, value)| reply.header(name, value))
        };
        upstream.script(
            PACKAGE,
            [
                with(Reply::ok(body.clone()).close(50_000)),
                with(Reply::ok(body.clone())),
            ],
        );
        // It sends the whole whatever is asked: what is known is compared, and passed over.
        let (bytes, error) = read(&client(&upstream, 2, patient())).await;
        assert!(error.is_none() && bytes == body, "{headers:?} {error:?}");
        assert_eq!(shown(&upstream.requests().pop().unwrap()), expected, "{headers:?}");
    }
}

#[tokio::test]
async fn what_is_not_the_rest_of_the_same_body_is_never_taken_for_it() {
    let mut random = Random::from_seed(3);
    let (body, other) = (package(&mut random, 100_000), package(&mut random, 100_000));
    let upstream = ScriptedUpstream::start().await;
    let first = || Reply::ok(body.clone()).header("ETag", ETAG).close(50_000);
    let rest = || Reply::status(206).body(body.slice(50_000..));
    let range = |text: &str| rest().header("Content-Range", text);
    for (name, second) in [
        ("another body", Reply::ok(other.clone())),
        ("another body of another length", Reply::ok(other.slice(..90_000))),
        (
            "the same bytes under another tag",
            Reply::ok(body.clone()).header("ETag", "\"b\""),
        ),
        ("a shorter one", Reply::ok(body.slice(..40_000)).chunked()),
        ("a web page", Reply::ok("<html>log in</html>")),
        ("nothing", Reply::ok("")),
        ("a part without its place", rest()),
        ("a part from elsewhere", range("bytes 49999-99999/100000")),
        ("a part too short", range("bytes 50000-99998/100000")),
        ("a part of another length", range("bytes 50000-99999/100001")),
        ("a part of nobody knows what", range("bytes 50000-99999/*")),
        (
            "a part under another tag",
            range("bytes 50000-99999/100000").header("ETag", "\"b\""),
        ),
        ("412", Reply::status(412)),
        ("416", Reply::status(416).header("Content-Range", "bytes */100000")),
        ("404", Reply::status(404)),
        ("403", Reply::status(403)),
        ("304", Reply::status(304)),
    ] {
        let before = upstream.requests().len();
        upstream.script(PACKAGE, [first(), second]);
        let (bytes, error) = read(&client(&upstream, 3, patient())).await;
        let error = error.unwrap_or_else(|| panic!("{name} ended well"));
        // It is told as what it is: a body that broke off, and not as a package that is not there.
        let is_cut = matches!(
            &error,
            UpstreamError::BadAnswer {
                answer: BadAnswer::CutOff { .. },
                ..
            }
        );
        assert!(is_cut && error.kind() != ErrorKind::NotFound, "{name}: {error}");
        assert!(bytes == body[..50_000], "{name}");
        assert_eq!(
            upstream.requests().len() - before,
            2,
            "{name}: nothing more is asked for"
        );
    }
}

#[tokio::test]
async fn only_so_many_attempts_are_made() {
    let body = package(&mut Random::from_seed(4), 100_000);
    let upstream = ScriptedUpstream::start().await;
    for attempts in [1, 2, 3] {
        let before = upstream.requests().len();
        upstream.on(PACKAGE, Reply::ok(body.clone()).resumable(ETAG).close(10_000));
        let (bytes, error) = read(&client(&upstream, attempts, patient())).await;
        assert!(error.is_some() && bytes.len() == 10_000 * attempts as usize);
        assert_eq!(upstream.requests().len() - before, attempts as usize);
    }
    // Those before the first byte count too, and those that bring no answer.
    let before = upstream.requests().len();
    let cut = Reply::ok(body.clone()).resumable(ETAG).close(10_000);
    upstream.script(PACKAGE, [Reply::status(503), cut.clone(), Reply::hang_up(), cut]);
    let (bytes, error) = read(&client(&upstream, 3, patient())).await;
    assert!(error.is_some() && bytes.len() == 10_000);
    assert_eq!(upstream.requests().len() - before, 3);
}

#[tokio::test]
async fn retries_of_bodies_are_no_more_than_a_share_of_all_requests() {
    let body = package(&mut Random::from_seed(5), 10_000);
    let upstream = ScriptedUpstream::start().await;
    let client = client(&upstream, 3, patient());
    upstream.on(PACKAGE, Reply::ok(body).resumable(ETAG).close(100));
    for _ in 0..40 {
        assert!(read(&client).await.1.is_some());
    }
    // Forty asked for, ten and a tenth of them tried again.
    let requests = upstream.requests().len();
    assert!((50..=56).contains(&requests), "{requests}");
}

#[tokio::test]
async fn a_body_that_stalls_is_carried_on_over_another_connection() {
    let body = package(&mut Random::from_seed(6), 100_000);
    let upstream = ScriptedUpstream::start().await;
    upstream.script(
        PACKAGE,
        [
            Reply::ok(body.clone()).resumable(ETAG).stall(60_000),
            Reply::ok(body.clone()).resumable(ETAG),
        ],
    );
    let (bytes, error) = read(&client(&upstream, 2, impatient_for_bodies())).await;
    assert!(error.is_none() && bytes == body, "{error:?}");
    assert_eq!(upstream.connections(), 2);
}
