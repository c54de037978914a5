//! Upstreams that fail in bursts, ask to be left alone, or are asked for too much at once.

use std::time::{Duration, Instant};

use futures::stream::{StreamExt as _, iter};

use super::times;
use crate::support::app::{TestApp, find, names};
use crate::support::faultd::{ANYTHING, Pace, Reply, ScriptedUpstream};
use crate::support::gallery::{package_target, upstream, upstream_at};
use crate::support::nupkg::Nupkg;
use crate::support::upstream::atom_feed;

const SECOND: Duration = Duration::from_secs(1);

fn download(id: &str) -> String {
    format!("/api/v2/package/{id}/1.0")
}

/// An upstream that answers each of 200 ids with 503 for a minute, in which 50 clients a second ask.
#[tokio::test]
async fn fault_19_a_burst_of_failures_is_met_with_few_requests() {
    let (keys, each_second) = (times(40, 200), times(10, 50));
    let gallery = ScriptedUpstream::start().await;
    for status in [500, 502, 503] {
        let config = upstream("gallery", &gallery).replace("attempts = 1\n", "");
        let app = TestApp::start(&config).await;
        gallery.on(ANYTHING, Reply::status(status));
        let before = gallery.requests().len();
        let mut asked = 0;
        for _ in 0..60 {
            for _ in 0..each_second {
                let key = asked % keys;
                app.get(&find(&format!("id{key}"))).await.expect_status(503);
                asked += 1;
            }
            app.clock.advance(SECOND);
        }
        let sent = gallery.requests().len() - before;
        let probes = 3;
        assert!(sent * 10 <= keys * 11 + probes * 10, "{sent} of {asked}");

        // It is well again, and found to be soon.
        gallery.on(ANYTHING, Reply::feed(atom_feed(&[], None)));
        let mut seconds = 0;
        while app.get(&find("id0")).await.status == 503 {
            seconds += 1;
            assert!(seconds <= 15, "it is not asked though it is well");
            app.clock.advance(SECOND);
        }
        for key in 1..keys {
            app.get(&find(&format!("id{key}"))).await.expect_status(200);
        }
    }
}

/// What asks to be left alone, and for how many seconds it is.
fn pauses() -> [(Reply, u64); 7] {
    let busy = || Reply::status(429);
    let at = |date: &str| {
        busy()
            .header("Date", "Wed, 21 Oct 2015 07:28:00 GMT")
            .header("Retry-After", date)
    };
    [
        (busy(), 60),
        (busy().header("Retry-After", "120"), 120),
        (at("Wed, 21 Oct 2015 07:31:00 GMT"), 180),
        (at("Fri, 31 Dec 9999 23:59:59 GMT"), 600),
        (busy().header("Retry-After", "99999999999999999999999"), 600),
        (busy().header("Retry-After", "soon"), 60),
        (busy().body("error code: 1015"), 3600),
    ]
}

#[tokio::test]
async fn fault_20_who_asks_to_be_left_alone_is_even_after_a_restart() {
    for (reply, pause) in pauses() {
        let gallery = ScriptedUpstream::start().await;
        // Another upstream on the same host is left alone, too.
        let other = upstream_at("other", &gallery.url("/other/api/v2/"));
        let feeds = "[[feed]]\nname = \"a\"\ndefault = true\nupstreams = [\"gallery\"]\n[[feed]]\nname = \"b\"\nupstreams = [\"other\"]\n";
        let mut app = TestApp::start(&format!("{}{other}{feeds}", upstream("gallery", &gallery))).await;
        let git = Nupkg::new("git", "1.0").pack();
        gallery.has(&[&git]);
        app.get(&find("git")).await.expect_status(200);
        app.clock.advance(Duration::from_secs(2 * 86_400));
        gallery.on(ANYTHING, reply);
        app.get(&find("vlc")).await.expect_status(503);
        let asked = gallery.requests().len();

        let mut left = pause;
        for step in [1, pause / 4, pause / 4] {
            app.clock.advance(Duration::from_secs(step));
            left -= step;
            let stale = app.get(&find("git")).await.expect_status(200);
            assert_eq!(names(&stale.feed()), ["git 1.0"]);
            assert!(stale.warning().is_some());
            for target in [
                find("vlc"),
                find("vlc").replace("/api/", "/feeds/b/api/"),
                download("git"),
            ] {
                let refused = app.get(&target).await.expect_status(503);
                let wait = refused.header("retry-after").and_then(|wait| wait.parse().ok());
                assert!(
                    wait.is_some_and(|wait: u64| wait <= left && wait + 10 > left),
                    "{wait:?} of {left}"
                );
                assert!(refused.reason.contains("left alone"), "{}", refused.reason);
            }
            if step > 1 {
                app.restart().await;
            }
        }
        assert_eq!(gallery.requests().len(), asked, "{pause}: {:?}", gallery.targets());

        // Then it is over.
        app.clock.advance(Duration::from_secs(left));
        gallery.on(ANYTHING, Reply::feed(atom_feed(&[], None)));
        app.get(&find("vlc")).await.expect_status(200);
        app.get(&download("git")).await.expect_status(200);
    }
}

#[tokio::test]
async fn fault_20_the_host_that_a_redirect_leads_to_is_left_alone() {
    let (gallery, files) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    let config = format!("{}internal_hosts = [\"127.0.0.1\"]\n", upstream("gallery", &gallery));
    let app = TestApp::start(&config).await;
    let ids = ["git", "vlc"];
    for id in ids {
        let package = Nupkg::new(id, "1.0").pack();
        gallery.has(&[&package]);
        gallery.serves(&package, Reply::redirect(&files.url(&package_target(id, "1.0"))));
        files.serves(&package, Reply::ok(package.bytes.clone()));
    }
    files.on(
        &package_target("git", "1.0"),
        Reply::status(429).header("Retry-After", "300"),
    );
    for id in ids {
        app.get(&find(id)).await.expect_status(200);
        for _ in 0..3 {
            let refused = app.get(&download(id)).await.expect_status(503);
            assert!(refused.header("retry-after").is_some());
        }
    }
    assert_eq!(files.requests().len(), 1);
    app.clock.advance(Duration::from_secs(301));
    app.get(&download("vlc")).await.expect_status(200);
}

/// 500 ids that 4 clients ask for, at an upstream that takes 200 ms for each.
#[tokio::test]
async fn fault_29_a_crowd_has_its_turns_in_order() {
    let (keys, latency) = (times(100, 500), times(20, 200));
    let gallery = ScriptedUpstream::start().await;
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let slow = Pace {
        bytes: 1 << 16,
        every: Duration::from_millis(latency as u64),
    };
    gallery.answer(ANYTHING, move |_| Reply::feed(atom_feed(&[], None)).slow_head(slow));
    let client = async || {
        let asks = iter(0..keys).map(async |key| {
            let began = Instant::now();
            app.get(&find(&format!("id{key}"))).await.expect_status(200);
            began.elapsed()
        });
        asks.buffer_unordered(50).collect::<Vec<_>>().await
    };
    let (one, two, three, four) = tokio::join!(client(), client(), client(), client());
    let counted = gallery.counted();
    assert_eq!(gallery.requests().len(), keys);
    assert!(counted.most_answering <= 8, "{counted:?}");
    // One that is idle may be passed over by a request that has just begun to open another.
    assert!(counted.connections <= 16, "{counted:?}");
    for waits in [one, two, three, four] {
        let longest = waits.iter().max().expect("a wait");
        let mean = waits.iter().sum::<Duration>() / u32::try_from(keys).expect("few");
        assert!(*longest <= 3 * mean, "{longest:?} of {mean:?}");
    }
}

#[tokio::test]
async fn limits_are_kept_and_clients_told_when_to_come_back() {
    let gallery = ScriptedUpstream::start().await;
    let limits = "limits = { downloads_per_minute = 2, packages = { vlc = 1 } }\n";
    let app = TestApp::start(&format!("{}{limits}", upstream("gallery", &gallery))).await;
    let ids = ["git", "curl", "vlc"];
    for id in ids {
        gallery.has(&[&Nupkg::new(id, "1.0").pack()]);
        app.get(&find(id)).await.expect_status(200);
    }
    app.get(&download("git")).await.expect_status(200);
    let refused = app.get(&download("curl")).await.expect_status(503);
    assert!(refused.reason.contains("downloads: 2 a minute"), "{}", refused.reason);
    let wait: u64 = refused
        .header("retry-after")
        .and_then(|wait| wait.parse().ok())
        .expect("seconds");
    assert!((50..=61).contains(&wait), "{wait}");
    assert_eq!(gallery.asked(&package_target("curl", "1.0")), 0);
    // The one with a limit of its own has that alone; what is here needs none.
    app.get(&download("vlc")).await.expect_status(200);
    app.get(&download("git")).await.expect_status(200);
    app.clock.advance(61 * SECOND);
    app.get(&download("curl")).await.expect_status(200);
}
