use std::collections::BTreeMap;

use chrono::DateTime;
use futures::future::join_all;

use super::*;
use crate::clock::ManualClock;
use crate::upstream::ErrorKind;

const SECOND: Duration = Duration::from_secs(1);

/// How long anything may take that happens at once.
const DEADLINE: Duration = Duration::from_secs(20);

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn home() -> Url {
    url("http://g.test/api/v2/")
}

fn scheduler(pace: PaceSettings) -> (Scheduler, ManualClock) {
    let clock = ManualClock::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
    let settings = ClientSettings {
        pace,
        hosts: Hosts::new(clock.clock(), Vec::new(), Box::new(|_| {})),
        ..ClientSettings::default()
    };
    (Scheduler::new(&home(), &settings), clock)
}

fn places(concurrency: u32) -> PaceSettings {
    PaceSettings {
        concurrency,
        ..PaceSettings::default()
    }
}

impl Scheduler {
    async fn ask(&self, priority: Priority) -> Result<Permit, UpstreamError> {
        self.admit(&home(), Share::Feed, &Urgency::new(priority), 1).await
    }

    /// Waits until so many wait.
    async fn until_queued(&self, count: u32) {
        while self.status().queued.client + self.status().queued.sync < count {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_permit_that_ends_is_passed_on() {
    let (scheduler, _) = scheduler(places(2));
    let first = scheduler.ask(Priority::Client).await.unwrap();
    let second = scheduler.ask(Priority::Client).await.unwrap();
    let waiting = tokio::spawn({
        let scheduler = scheduler.clone();
        async move { scheduler.ask(Priority::Client).await.map(drop) }
    });
    scheduler.until_queued(1).await;
    assert_eq!(scheduler.status().running.client, 2);
    drop(first);
    waiting.await.unwrap().unwrap();
    drop(second);
    let status = scheduler.status();
    assert_eq!((status.running, status.queued), Default::default());
    assert_eq!(status.totals.requests, 3);
}

#[tokio::test]
async fn who_gives_up_waiting_leaves_nothing_behind() {
    let pace = PaceSettings {
        requests_per_minute: 1,
        longest_wait: 1000 * SECOND,
        ..PaceSettings::default()
    };
    let (scheduler, clock) = scheduler(pace);
    drop(scheduler.ask(Priority::Client).await.unwrap());
    let waiting = tokio::spawn({
        let scheduler = scheduler.clone();
        async move { scheduler.ask(Priority::Client).await.map(drop) }
    });
    scheduler.until_queued(1).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(scheduler.status().queued.client, 0);
    clock.advance(61 * SECOND);
    assert_eq!(scheduler.status().buckets[0].left, 1);

    // A permit that nobody takes up costs nothing.
    drop(scheduler.ask(Priority::Client).await.unwrap());
    let (home, urgency) = (home(), Urgency::default());
    let mut waiting = Box::pin(scheduler.wait(&home, Share::Feed, &urgency));
    assert!(futures::poll!(&mut waiting).is_pending());
    clock.advance(61 * SECOND);
    scheduler.decide();
    let status = scheduler.status();
    assert_eq!((status.buckets[0].left, status.running.client), (0, 1));
    drop(waiting);
    let status = scheduler.status();
    assert_eq!((status.buckets[0].left, status.running.client), (1, 0));
}

#[tokio::test]
async fn whoever_watches_the_clock_may_leave() {
    // One to begin with, and then one every 13 ms.
    let pace = PaceSettings {
        requests_per_minute: 6000,
        ..PaceSettings::default()
    };
    let (scheduler, _) = scheduler(pace);
    // The first of those who wait watch, and give up.
    let mut leavers: Vec<_> = (0..30).map(|_| Box::pin(scheduler.ask(Priority::Client))).collect();
    for leaver in &mut leavers {
        let _ = futures::poll!(leaver);
    }
    let stayers = join_all((0..30).map(|_| async { scheduler.ask(Priority::Client).await.map(drop) }));
    let leave = async { drop(leavers) };
    let (stayed, ()) = tokio::time::timeout(DEADLINE, async { tokio::join!(stayers, leave) })
        .await
        .expect("everybody has a turn");
    assert!(stayed.iter().all(Result::is_ok));
}

#[tokio::test]
async fn nobody_is_forgotten() {
    // Few places, rising urgency, and some who leave.
    let pace = PaceSettings {
        concurrency: 3,
        longest_wait: 100 * SECOND,
        ..PaceSettings::default()
    };
    let (scheduler, _) = scheduler(pace);
    let tasks = (0..300_u32).map(|n| {
        let scheduler = scheduler.clone();
        let priority = [
            Priority::Client,
            Priority::Revalidation,
            Priority::Prefetch,
            Priority::Sync,
        ][n as usize % 4];
        let urgency = Urgency::new(priority);
        if n % 7 == 0 {
            let urgency = urgency.clone();
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                urgency.raise(Priority::Client);
            });
        }
        let task = tokio::spawn(async move {
            let permit = scheduler.admit(&home(), Share::Feed, &urgency, 1).await;
            tokio::task::yield_now().await;
            permit.map(drop)
        });
        if n % 5 == 0 {
            task.abort();
        }
        task
    });
    let tasks: Vec<_> = tasks.collect();
    let ended = tokio::time::timeout(DEADLINE, join_all(tasks)).await;
    let mut ends = BTreeMap::new();
    for end in ended.expect("everybody has a turn") {
        let end = match end {
            Ok(Ok(())) => "went",
            Ok(Err(_)) => "refused",
            Err(_) => "left",
        };
        *ends.entry(end).or_insert(0) += 1;
    }
    assert_eq!(
        ends.get("went").copied().unwrap_or_default() + ends["left"],
        300,
        "{ends:?}"
    );
    let status = scheduler.status();
    assert_eq!((status.running, status.queued), Default::default());
}

#[tokio::test]
async fn a_rise_is_seen_by_those_who_wait() {
    let (scheduler, _) = scheduler(places(8));
    for _ in 0..5 {
        let down = UpstreamError::Unavailable {
            url: String::new(),
            outage: Outage::Status(500),
            retry_after: None,
        };
        scheduler.note(&home(), Some(&down));
    }
    let urgency = Urgency::new(Priority::Sync);
    let waiting = tokio::spawn({
        let (scheduler, urgency) = (scheduler.clone(), urgency.clone());
        async move { scheduler.admit(&home(), Share::Feed, &urgency, 1).await.map(drop) }
    });
    scheduler.until_queued(1).await;
    // A client has come for it, and is told.
    urgency.raise(Priority::Client);
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("it failed too often"), "{error}");
    assert_eq!(scheduler.status().totals.turned_away, 1);
}

#[tokio::test]
async fn the_reasons_say_what_is_waited_for() {
    let pace = PaceSettings {
        downloads_per_minute: 20,
        packages: vec![("chocolatey".parse().unwrap(), 2)],
        longest_wait: SECOND,
        ..PaceSettings::default()
    };
    let (scheduler, _) = scheduler(pace);
    let choco = scheduler.share_of(&"Chocolatey".parse().unwrap());
    let git = scheduler.share_of(&"git".parse().unwrap());
    for (share, words, seconds) in [
        (choco, "(chocolatey: 2 a minute), and has room again in", 60),
        (git, "(downloads: 20 a minute), and has room again in", 4),
    ] {
        let (home, urgency) = (home(), Urgency::default());
        let ask = || scheduler.admit(&home, share, &urgency, 1);
        drop(ask().await.unwrap());
        let error = ask().await.map(drop).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.is_own_limit());
        let wait = error.retry_after().unwrap();
        assert!(
            wait > (seconds - 1) * SECOND && wait <= (seconds + 1) * SECOND,
            "{wait:?}"
        );
    }
}

#[tokio::test]
async fn redirects_count_at_home_and_ask_the_other_host() {
    let pace = PaceSettings {
        requests_per_minute: 20,
        ..PaceSettings::default()
    };
    let (scheduler, clock) = scheduler(pace);
    clock.advance(60 * SECOND);
    let left = || scheduler.status().buckets[0].left;
    let permit = scheduler.ask(Priority::Client).await.unwrap();
    scheduler.go_on(&url("http://g.test/elsewhere")).await.unwrap();
    assert_eq!(left(), 3);
    scheduler.go_on(&url("http://cdn.test/x")).await.unwrap();
    assert_eq!(left(), 3);
    let busy = UpstreamError::Unavailable {
        url: String::new(),
        outage: Outage::Status(429),
        retry_after: Some(100 * SECOND),
    };
    scheduler.note(&url("http://cdn.test/x"), Some(&busy));
    let error = scheduler.go_on(&url("http://cdn.test/y")).await.unwrap_err();
    assert!(error.retry_after().is_some_and(|wait| wait > 90 * SECOND), "{error}");
    drop(permit);
    // The one that leads there is not concerned.
    assert_eq!(scheduler.status().pause, None);
    drop(scheduler.ask(Priority::Client).await.unwrap());
}
