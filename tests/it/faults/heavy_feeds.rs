//! Feeds that are meant to fill memory or to take for ever: they are cut where it is enough.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::is_full;
use crate::support::faultd::{Reply, ScriptedUpstream};
use crate::support::gallery::{find_target, upstream};
use crate::support::larder::LarderProcess;
use crate::support::raw_http;

const ATOM: &str = "<feed xmlns=\"http://www.w3.org/2005/Atom\">";

/// Packs so many MiB of nothing, about a thousand to one.
fn bomb(mebibytes: usize) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(ATOM.as_bytes()).expect("memory");
    let nothing = vec![b' '; 1 << 20];
    for _ in 0..mebibytes {
        encoder.write_all(&nothing).expect("memory");
    }
    encoder.finish().expect("memory").into()
}

/// Has a larder of its own ask for an id that is answered so; returns by how many KiB its memory rose, and the processor
/// time that it took.
async fn taken_by(reply: Reply, shown: &str) -> (u64, Duration) {
    let gallery = ScriptedUpstream::start().await;
    gallery.on(&find_target("git"), Reply::feed(format!("{ATOM}</feed>")));
    gallery.on(&find_target("heavy"), reply);
    let configuration = upstream("gallery", &gallery);
    let shown = shown.to_owned();
    tokio::task::spawn_blocking(move || {
        let larder = LarderProcess::start(&configuration);
        let get = |id: &str| {
            let target = format!("/api/v2/FindPackagesById()?id='{id}'&semVerLevel=2.0.0");
            raw_http::get(larder.authority(), &target)
        };
        for _ in 0..3 {
            get("git").expect_status(200);
        }
        larder.forget_peak();
        let (before, begun) = (larder.memory_kib().0, larder.processor_time());
        let answer = get("heavy").expect_status(502);
        let taken = larder.processor_time().saturating_sub(begun);
        let rise = larder.memory_kib().1.saturating_sub(before);
        eprintln!("{shown}: {rise} KiB, {taken:?}: {}", answer.reason);
        get("git").expect_status(200);
        (rise, taken)
    })
    .await
    .expect("a larder that answers")
}

#[tokio::test]
async fn a_bomb_is_cut_where_it_is_enough() {
    let packed = bomb(if is_full() { 10 << 10 } else { 512 });
    let feed = |body: &Bytes| Reply::feed(body.clone());
    for (shown, reply) in [
        ("gzip", feed(&packed).header("Content-Encoding", "gzip")),
        (
            "gzip in chunks",
            feed(&packed).header("Content-Encoding", "gzip").chunked(),
        ),
        // What is inside is not looked at.
        ("brotli", feed(&packed).header("Content-Encoding", "br")),
        ("gzip in gzip", feed(&packed).header("Content-Encoding", "gzip, gzip")),
    ] {
        let (rise, taken) = taken_by(reply, shown).await;
        assert!(rise <= 32 << 10, "{shown}: {rise} KiB");
        assert!(taken <= Duration::from_secs(1), "{shown}: {taken:?}");
    }
}

#[tokio::test]
async fn feeds_of_every_excess_are_refused_within_bounds() {
    let repeated = |text: &str, bytes: usize| text.repeat(bytes / text.len());
    let ten = 10 << 20;
    let property = |value: &str| {
        format!("{ATOM}<entry><title>heavy</title><m:properties xmlns:m=\"m\" xmlns:d=\"d\"><d:X>{value}</d:X>")
    };
    let mut bodies = vec![
        (
            "entries without end",
            ATOM.to_owned() + &repeated("<entry/>", ten - 1000) + "</feed>",
        ),
        (
            "elements without end",
            ATOM.to_owned() + &repeated("<a/>", ten - 1000) + "</feed>",
        ),
        (
            "an attribute of 10 MB",
            format!("{ATOM}<link rel=\"{}\"/></feed>", "x".repeat(ten - 1000)),
        ),
        (
            "attributes without end",
            format!("{ATOM}<link {}/></feed>", repeated("a=\"b\" ", ten - 1000)),
        ),
        ("a text of 10 MB", property(&"x".repeat(ten - 1000))),
        ("100,000 levels", ATOM.to_owned() + &"<a>".repeat(100_000)),
        (
            "100,000 levels of entries",
            ATOM.to_owned() + &"<entry>".repeat(100_000),
        ),
        ("a name of 10 MB", format!("<{}/>", "x".repeat(ten - 1000))),
        ("a comment of 10 MB", format!("<!--{}-->", "x".repeat(ten - 1000))),
        ("references without end", property(&repeated("&#120;", ten - 1000))),
        ("20 MB", ATOM.to_owned() + &repeated("<entry/>", 20 << 20)),
    ];
    if is_full() {
        bodies.push(("100 MB", ATOM.to_owned() + &repeated("<entry/>", 100 << 20)));
    }
    for (shown, body) in bodies {
        let (rise, _) = taken_by(Reply::feed(body), shown).await;
        assert!(rise <= 64 << 10, "{shown}: {rise} KiB");
    }
}
