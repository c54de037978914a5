//! What is known of an id is fresh for a while, then served while it is asked for again, then asked for first, and at last not
//! served any more.

use std::time::Duration;

use futures::future::join_all;

use crate::support::app::{OLD, TestApp, find, names, until};
use crate::support::gallery::{find_target, template, upstream};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{Gate, Reply, ScriptedUpstream, atom_feed};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Stale, but not so old that anybody waits.
const STALE: Duration = Duration::from_secs(1200);

/// A pause after which an upstream is asked again that could not be asked.
const FORBEARANCE: Duration = Duration::from_secs(10);

fn git(version: &str) -> Packed {
    Nupkg::new("git", version).pack()
}

/// A gallery with git 1.0, and a larder that knows so.
async fn known(more: &str) -> (ScriptedUpstream, TestApp) {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&git("1.0")]);
    let app = TestApp::start(&format!("{}{more}", upstream("gallery", &gallery))).await;
    assert_eq!(app.versions("git").await, ["git 1.0"]);
    (gallery, app)
}

#[tokio::test]
async fn what_is_stale_is_served_at_once_while_it_is_asked_for_once() {
    let (gallery, app) = known("").await;
    app.clock.advance(STALE);
    let gate = Gate::new();
    let both = [gallery.entry(&git("1.0"), ""), gallery.entry(&git("2.0"), "")];
    let page = atom_feed(&both, None);
    gallery.on(&find_target("git"), Reply::feed(page).head_gate(&gate));
    let answers = join_all((0..100).map(|_| app.get("/api/v2/FindPackagesById()?id='git'&semVerLevel=2.0.0"))).await;
    for answer in answers {
        let answer = answer.expect_status(200);
        assert_eq!(
            (names(&answer.feed()), answer.warning()),
            (vec!["git 1.0".to_owned()], None)
        );
        assert!(answer.header("etag").is_some(), "it is as good an answer as any");
    }
    gate.reached_by(1).await;
    // Who asks for what is not known waits for the same answer.
    let missing = app.get("/api/v2/Packages(Id='git',Version='2.0')");
    let (missing, ()) = tokio::join!(missing, async {
        assert_eq!(app.versions("git").await, ["git 1.0"]);
        gate.open();
    });
    missing.expect_status(200);
    assert_eq!(app.versions("git").await, ["git 2.0", "git 1.0"]);
    assert_eq!(gallery.asked("FindPackagesById"), 2, "{:?}", gallery.targets());
}

#[tokio::test]
async fn what_is_stale_becomes_fresh_without_anybody_waiting() {
    let (gallery, app) = known("").await;
    app.clock.advance(STALE);
    gallery.has(&[&git("2.0")]);
    assert_eq!(app.versions("git").await, ["git 1.0"]);
    app.versions_become("git", &["git 2.0"]).await;
    app.clock.advance(8 * MINUTE);
    app.versions("git").await;
    assert_eq!(gallery.asked("FindPackagesById"), 2);
}

#[tokio::test]
async fn what_is_old_is_asked_for_first_and_served_if_that_fails() {
    let (gallery, app) = known("").await;
    let held = Nupkg::new("held", "1.0").pack();
    gallery.has(&[&held]);
    app.get("/api/v2/package/held/1.0").await.expect_status(200);
    gallery.on(&find_target("git"), Reply::status(403));
    gallery.on(&find_target("held"), Reply::status(403));
    app.clock.advance(OLD);
    for day in 0..29 {
        let answer = app.get(&find("git")).await.expect_status(200);
        assert_eq!(names(&answer.feed()), ["git 1.0"], "day {day}");
        assert!(
            answer.warning().is_some_and(|warning| warning.contains("403")),
            "day {day}"
        );
        assert_eq!(answer.header("etag"), None, "day {day}");
        app.clock.advance(DAY);
    }
    app.clock.advance(2 * DAY);
    app.get(&find("git")).await.expect_status(502);
    app.get("/api/v2/Packages()?$filter=Id eq 'git'")
        .await
        .expect_status(502);
    // What was fetched stays, in lists too.
    let list = app.get(&find("held")).await.expect_status(200);
    assert_eq!(names(&list.feed()), ["held 1.0"]);
    assert!(list.warning().is_some());
    assert_eq!(
        app.get("/api/v2/package/held/1.0").await.expect_status(200).body,
        held.bytes
    );
    gallery.has(&[&git("2.0")]);
    app.clock.advance(FORBEARANCE);
    assert_eq!(app.versions("git").await, ["git 2.0"]);
}

#[tokio::test]
async fn an_upstream_that_cannot_answer_is_spared_while_there_is_something_to_serve() {
    let (gallery, app) = known("").await;
    gallery.on(&find_target("git"), Reply::status(403));
    for (age, asked) in [(STALE, 2), (OLD, 3)] {
        app.clock.advance(age);
        app.versions("git").await;
        until("it was asked", || gallery.asked("FindPackagesById") == asked).await;
        // The failure of what runs in the background comes to be known.
        let mut warning = None;
        while warning.is_none() {
            let answer = app.get(&find("git")).await.expect_status(200);
            assert_eq!(names(&answer.feed()), ["git 1.0"]);
            warning = answer.warning().map(str::to_owned);
        }
        for _ in 0..20 {
            assert!(app.get(&find("git")).await.warning().is_some());
        }
        assert_eq!(gallery.asked("FindPackagesById"), asked);
    }
    gallery.has(&[&git("1.0")]);
    app.clock.advance(FORBEARANCE);
    assert_eq!(app.get(&find("git")).await.expect_status(200).warning(), None);
    assert_eq!(gallery.asked("FindPackagesById"), 4);
}

#[tokio::test]
async fn no_more_is_asked_in_the_background_than_has_a_place() {
    let gallery = ScriptedUpstream::start().await;
    let ids: Vec<String> = (0..50).map(|number| format!("package{number}")).collect();
    for id in &ids {
        gallery.has(&[&Nupkg::new(id, "1.0").pack()]);
    }
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    for id in &ids {
        app.versions(id).await;
    }
    app.clock.advance(STALE);
    let gate = Gate::new();
    for id in &ids {
        let page = atom_feed(&[gallery.entry(&Nupkg::new(id, "1.0").pack(), "")], None);
        gallery.on(&find_target(id), Reply::feed(page).head_gate(&gate));
    }
    for id in &ids {
        assert_eq!(app.versions(id).await, [format!("{id} 1.0")]);
    }
    gate.open();
    let asked = || gallery.asked("FindPackagesById");
    until("all that had a place were asked for", || asked() >= 50 + 32).await;
    // A client does not need a place.
    for id in ["nobody1", "nobody2"] {
        app.get(&find(id)).await.expect_status(200);
    }
    until("nothing runs any more", || {
        let upstreams = app.mirror().upstreams();
        upstreams
            .values()
            .all(|upstream| upstream.running.revalidation + upstream.queued.revalidation == 0)
    })
    .await;
    assert_eq!(asked(), 50 + 32 + 2);
    // Those that had none are asked for when somebody needs them again.
    app.clock.advance(FORBEARANCE);
    app.versions("package49").await;
    until("the last one was asked for", || asked() == 50 + 32 + 3).await;
}

#[tokio::test]
async fn zero_asks_every_time() {
    let (gallery, app) = known("[upstream.freshness]\nmetadata = \"0s\"\n").await;
    for number in 2..6 {
        gallery.has(&[&git(&format!("{number}.0"))]);
        assert_eq!(app.versions("git").await, [format!("git {number}.0")]);
    }
    assert_eq!(gallery.asked("FindPackagesById"), 5);
    gallery.on(&find_target("git"), Reply::status(403));
    let answer = app.get(&find("git")).await.expect_status(200);
    assert!(answer.warning().is_some());
    gallery.has(&[&git("9.0")]);
    assert_eq!(app.versions("git").await, ["git 9.0"], "at once");
}

#[tokio::test]
async fn each_upstream_has_its_own_lifetimes() {
    let (first, second) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    first.has(&[&git("1.0")]);
    second.has(&[&git("2.0")]);
    let own = "[upstream.freshness]\nmetadata = \"1m\"\nstale_while_revalidate = \"0s\"\nstale_if_error = \"1h\"\n";
    let app = TestApp::start(&format!(
        "{}{}{own}",
        upstream("first", &first),
        upstream("second", &second)
    ))
    .await;
    app.versions("git").await;
    app.clock.advance(2 * MINUTE);
    second.has(&[&git("3.0")]);
    assert_eq!(app.versions("git").await, ["git 3.0", "git 1.0"]);
    assert_eq!((first.targets().len(), second.targets().len()), (1, 2));
    second.on(&find_target("git"), Reply::status(403));
    app.clock.advance(50 * MINUTE);
    app.get(&find("git")).await.expect_status(200);
    app.clock.advance(20 * MINUTE);
    app.get(&find("git")).await.expect_status(502);
}

#[tokio::test]
async fn absence_is_believed_twice_as_long_each_time() {
    let gallery = ScriptedUpstream::start().await;
    let files = ScriptedUpstream::start().await;
    let app = TestApp::start(&format!(
        "{}{}",
        upstream("gallery", &gallery),
        template("files", &files)
    ))
    .await;
    let mut asked = 0;
    for seconds in [60, 120, 240, 480, 600, 600] {
        app.get("/api/v2/package/git/1.0").await.expect_status(404);
        asked += 1;
        assert_eq!((gallery.targets().len(), files.targets().len()), (asked, asked));
        app.clock.advance(Duration::from_secs(seconds * 9 / 10));
        app.get("/api/v2/package/git/1.0").await.expect_status(404);
        assert!(app.versions("git").await.is_empty());
        assert_eq!((gallery.targets().len(), files.targets().len()), (asked, asked));
        app.clock.advance(Duration::from_secs(seconds / 10));
    }
    // It is there at last; when it goes, it is believed gone for a short while again.
    gallery.has(&[&git("1.0")]);
    assert_eq!(app.versions("git").await, ["git 1.0"]);
    gallery.on(&find_target("git"), Reply::status(410));
    app.clock.advance(OLD);
    assert!(app.versions("git").await.is_empty());
    gallery.has(&[&git("2.0")]);
    app.clock.advance(MINUTE);
    assert_eq!(app.versions("git").await, ["git 2.0"]);
}

#[tokio::test]
async fn only_what_says_so_is_absent() {
    let web_page = Reply::ok("<html><body>Sign in</body></html>").header("Content-Type", "text/html");
    let nameless = "<entry><id>x</id></entry>".to_owned();
    let replies = [
        (Reply::status(404), true),
        (Reply::status(410), true),
        (Reply::feed(atom_feed(&[], None)), true),
        (Reply::status(400), false),
        (Reply::status(401), false),
        (Reply::status(403), false),
        (Reply::status(407), false),
        (Reply::status(408), false),
        (Reply::status(429).header("Retry-After", "1"), false),
        (Reply::status(451), false),
        (Reply::status(500), false),
        (Reply::status(502), false),
        (Reply::status(503), false),
        (Reply::status(504), false),
        (Reply::hang_up(), false),
        (web_page, false),
        (Reply::ok("{}"), false),
        (Reply::feed(""), false),
        (Reply::feed(atom_feed(&[nameless], None)), false),
    ];
    for (number, (reply, is_absent)) in replies.into_iter().enumerate() {
        let gallery = ScriptedUpstream::start().await;
        gallery.on(&find_target("git"), reply);
        let app = TestApp::start(&upstream("gallery", &gallery)).await;
        let first = app.get("/api/v2/package/git/1.0").await;
        assert_eq!(first.status == 404, is_absent, "answer {number}: {}", first.reason);
        gallery.has(&[&git("1.0")]);
        // Longer than it is asked to be left alone, shorter than what is absent is absent.
        app.clock.advance(Duration::from_secs(5));
        let second = app.get("/api/v2/package/git/1.0").await;
        assert_eq!(
            second.status,
            if is_absent { 404 } else { 200 },
            "answer {number}: {}",
            second.reason
        );
    }
}

#[tokio::test]
async fn a_clock_that_is_set_changes_nothing_while_larder_runs() {
    let (gallery, mut app) = known("").await;
    for set in ["2026-03-02T12:00:00Z", "2016-03-01T12:00:00Z", "2026-03-01T11:00:00Z"] {
        app.clock.set(set.parse().expect("a time"));
        assert_eq!(app.versions("git").await, ["git 1.0"], "{set}");
    }
    assert_eq!(gallery.asked("FindPackagesById"), 1);
    // To the next process it seems to be of the future: it is served, and asked for again.
    app.clock.set("2026-02-01T12:00:00Z".parse().expect("a time"));
    app.restart().await;
    gallery.has(&[&git("2.0")]);
    assert_eq!(app.versions("git").await, ["git 1.0"]);
    app.versions_become("git", &["git 2.0"]).await;
    assert_eq!(gallery.asked("FindPackagesById"), 2);
}

#[tokio::test]
async fn what_another_address_said_is_not_fresh() {
    let (former, mut app) = known("").await;
    former.on(
        &find_target("git"),
        Reply::feed(atom_feed(&[former.entry(&git("1.0"), "")], None)).header("ETag", "\"1\""),
    );
    app.clock.advance(OLD);
    app.versions("git").await;
    let current = ScriptedUpstream::start().await;
    current.on(&find_target("git"), Reply::status(403));
    app.stop().await;
    app.reconfigure(&upstream("gallery", &current));
    app.open().await;
    let answer = app.get(&find("git")).await.expect_status(200);
    assert_eq!(names(&answer.feed()), ["git 1.0"]);
    assert!(answer.warning().is_some(), "nobody at the new address has said so");
    current.has(&[&git("2.0")]);
    app.clock.advance(FORBEARANCE);
    assert_eq!(
        app.versions("git").await,
        ["git 2.0"],
        "newer than what the former one said"
    );
    app.restart().await;
    assert_eq!(app.versions("git").await, ["git 2.0"]);
    assert_eq!(
        current.asked("FindPackagesById"),
        2,
        "what the current one said is fresh"
    );
    for request in current.requests() {
        assert_eq!(
            request.header("if-none-match"),
            None,
            "what the former one gave tells this one nothing"
        );
    }
    assert_eq!(former.asked("FindPackagesById"), 2);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let (gallery, mut app) = known("").await;
    let page = || Reply::feed(atom_feed(&[gallery.entry(&git("1.0"), "")], None)).header("ETag", "\"one\"");
    gallery.on(&find_target("git"), page());
    app.clock.advance(OLD);
    app.versions("git").await;
    let mut asked = 2;
    for _ in 0..2 {
        app.restart().await;
        gallery.on(&find_target("git"), Reply::status(304));
        app.clock.advance(OLD);
        assert_eq!(app.versions("git").await, ["git 1.0"]);
        asked += 1;
        let last = gallery.requests().pop().expect("a request");
        assert_eq!(last.header("if-none-match"), Some("\"one\""));
        app.clock.advance(5 * MINUTE);
        assert_eq!(app.versions("git").await, ["git 1.0"]);
        assert_eq!(gallery.asked("FindPackagesById"), asked, "it is fresh again");
    }
}
