use proptest::prelude::*;

use super::super::pace::PaceSettings;
use super::*;
use crate::upstream::{BreakerSettings, Outage, UpstreamError};

const PRIORITIES: [Priority; 4] = [
    Priority::Client,
    Priority::Revalidation,
    Priority::Prefetch,
    Priority::Sync,
];

const SECOND: Duration = Duration::from_secs(1);

/// A queue whose requests have names, and an upstream that does with them what the test says.
struct Model {
    now: Instant,
    pace: Pace,
    hosts: Conditions,
    queue: Queue<&'static str>,
    /// What was decided and not looked at yet.
    told: Vec<(&'static str, Verdict)>,
}

impl Model {
    fn new(settings: &PaceSettings) -> Self {
        let now = Instant::now();
        Self {
            now,
            pace: Pace::new(settings, now),
            hosts: Conditions::default(),
            queue: Queue::new(settings.longest_wait),
            told: Vec::new(),
        }
    }

    fn ask(&mut self, name: &'static str, share: Share, priority: Priority) -> Urgency {
        let urgency = Urgency::new(priority);
        let request = Request {
            host: host(),
            share,
            urgency: urgency.clone(),
        };
        self.queue.join(request, name);
        self.decide();
        urgency
    }

    fn decide(&mut self) {
        let decided = self.queue.decide(&mut self.pace, &mut self.hosts, self.now);
        let told = decided.into_iter().map(|(_, name, verdict)| (name, verdict));
        self.told.extend(told);
    }

    fn wait(&mut self, wait: Duration) {
        self.now += wait;
        self.decide();
    }

    fn end(&mut self, share: Share, priority: Priority) {
        self.pace.end(share, priority);
        self.decide();
    }

    fn fails(&mut self, outage: Outage, retry_after: Option<Duration>) {
        let failure = UpstreamError::Unavailable {
            url: String::new(),
            outage,
            retry_after,
        };
        let breaker = BreakerSettings::default();
        self.hosts.note(&host(), breaker, self.now, Some(&failure));
        self.decide();
    }

    /// Returns who goes since this was last asked.
    fn gone(&mut self) -> Vec<&'static str> {
        let told = std::mem::take(&mut self.told);
        let gone = told.into_iter().map(|(name, verdict)| match verdict {
            Verdict::Go(_) => name,
            Verdict::Refused(refusal) => panic!("{name} is refused: {refusal:?}"),
        });
        gone.collect()
    }

    /// Returns who is refused since this was last asked.
    fn refused(&mut self) -> Vec<(&'static str, Refusal)> {
        let told = std::mem::take(&mut self.told);
        let refused = told.into_iter().map(|(name, verdict)| match verdict {
            Verdict::Go(_) => panic!("{name} goes"),
            Verdict::Refused(refusal) => (name, refusal),
        });
        refused.collect()
    }
}

fn host() -> Host {
    Host::of(&"http://g.test/".parse().unwrap())
}

fn one_at_a_time() -> PaceSettings {
    PaceSettings {
        concurrency: 1,
        ..PaceSettings::default()
    }
}

#[test]
fn the_more_urgent_go_first_and_among_equals_who_came_first() {
    let mut model = Model::new(&one_at_a_time());
    model.ask("running", Share::Feed, Priority::Sync);
    model.ask("sync", Share::Feed, Priority::Sync);
    model.ask("prefetch", Share::Feed, Priority::Prefetch);
    let rising = model.ask("rising", Share::Feed, Priority::Prefetch);
    model.ask("revalidation", Share::Feed, Priority::Revalidation);
    model.ask("client 1", Share::Feed, Priority::Client);
    model.ask("client 2", Share::Feed, Priority::Client);
    assert_eq!(model.gone(), ["running"]);
    let queued = model.queue.queued();
    assert_eq!(
        (queued.client, queued.revalidation, queued.prefetch, queued.sync),
        (2, 1, 2, 1)
    );
    model.end(Share::Feed, Priority::Sync);
    assert_eq!(model.gone(), ["client 1"]);
    // It has come before the second client.
    rising.raise(Priority::Client);
    for (ended, next) in [
        (Priority::Client, "rising"),
        (Priority::Client, "client 2"),
        (Priority::Client, "revalidation"),
        (Priority::Revalidation, "prefetch"),
        (Priority::Prefetch, "sync"),
    ] {
        model.end(Share::Feed, ended);
        assert_eq!(model.gone(), [next]);
    }
    model.end(Share::Feed, Priority::Sync);
    assert_eq!((model.pace.running(), model.gone().len()), (PerPriority::default(), 0));
}

#[test]
fn nobody_waits_for_a_limit_that_does_not_concern_them() {
    let settings = PaceSettings {
        downloads_per_minute: 20,
        packages: vec![("chocolatey".parse().unwrap(), 5)],
        ..PaceSettings::default()
    };
    let mut model = Model::new(&settings);
    model.ask("choco 1", Share::Package(0), Priority::Client);
    model.ask("choco 2", Share::Package(0), Priority::Client);
    model.ask("git 1", Share::Download, Priority::Client);
    model.ask("git 2", Share::Download, Priority::Client);
    model.ask("feed", Share::Feed, Priority::Client);
    assert_eq!(model.gone(), ["choco 1", "git 1", "feed"]);
    assert_eq!(model.queue.wakes_at().map(|at| (at - model.now).as_secs()), Some(4));
    model.wait(5 * SECOND);
    assert_eq!(model.gone(), ["git 2"]);
    assert_eq!(model.queue.wakes_at().map(|at| (at - model.now).as_secs()), Some(10));
    model.wait(11 * SECOND);
    assert_eq!(model.gone(), ["choco 2"]);
    assert_eq!(model.queue.wakes_at(), None);
}

#[test]
fn a_client_that_would_wait_too_long_is_told_at_once() {
    let settings = PaceSettings {
        downloads_per_minute: 20,
        concurrency: 100,
        ..PaceSettings::default()
    };
    let mut model = Model::new(&settings);
    for name in ["0 s", "4 s", "8 s", "12 s", "16 s"] {
        model.ask(name, Share::Download, Priority::Client);
    }
    model.ask("patient", Share::Download, Priority::Prefetch);
    assert_eq!(model.gone(), ["0 s"]);
    model.ask("20 s", Share::Download, Priority::Client);
    let [("20 s", Refusal::Limited(limit, wait))] = &model.refused()[..] else {
        panic!("one is refused")
    };
    assert_eq!(
        (limit.name.as_str(), limit.per_minute, wait.as_secs()),
        ("downloads", 20, 20)
    );
    // Nobody who was let wait is sent away later, and the patient wait on.
    for name in ["4 s", "8 s", "12 s", "16 s"] {
        model.wait(4 * SECOND + Duration::from_millis(50));
        assert_eq!(model.gone(), [name]);
    }
    for _ in 0..10 {
        model.wait(4 * SECOND);
    }
    assert_eq!(model.gone(), ["patient"]);
}

#[test]
fn a_client_does_not_wait_for_ever_for_a_place() {
    let mut model = Model::new(&one_at_a_time());
    model.ask("running", Share::Download, Priority::Client);
    model.ask("waiting", Share::Feed, Priority::Client);
    let joined = model.ask("joined", Share::Feed, Priority::Prefetch);
    assert_eq!(model.gone(), ["running"]);
    model.wait(20 * SECOND);
    assert!(model.told.is_empty());
    joined.raise(Priority::Client);
    let wakes_at = model.queue.wakes_at().expect("a time");
    model.wait(wakes_at - model.now);
    assert_eq!(model.refused(), [("waiting", Refusal::Busy(1))]);
    // Who joined later has its own time.
    model.wait(19 * SECOND);
    assert!(model.told.is_empty());
    model.wait(2 * SECOND);
    assert_eq!(model.refused(), [("joined", Refusal::Busy(1))]);
}

#[test]
fn what_is_served_meanwhile_is_given_up_in_the_end() {
    let mut model = Model::new(&one_at_a_time());
    model.ask("running", Share::Feed, Priority::Client);
    model.ask("revalidation", Share::Feed, Priority::Revalidation);
    model.ask("sync", Share::Feed, Priority::Sync);
    assert_eq!(model.gone(), ["running"]);
    model.wait(44 * SECOND);
    assert!(model.told.is_empty());
    let wakes_at = model.queue.wakes_at().expect("a time");
    model.wait(wakes_at - model.now);
    assert_eq!(model.refused(), [("revalidation", Refusal::Busy(1))]);
    assert_eq!(model.queue.wakes_at(), None);
    model.wait(3600 * SECOND);
    model.end(Share::Feed, Priority::Client);
    assert_eq!(model.gone(), ["sync"]);
}

#[test]
fn a_pause_is_waited_for_by_those_who_have_the_time() {
    let mut model = Model::new(&PaceSettings::default());
    model.fails(Outage::Status(429), Some(120 * SECOND));
    for (name, priority) in [
        ("client", Priority::Client),
        ("revalidation", Priority::Revalidation),
        ("prefetch", Priority::Prefetch),
        ("sync", Priority::Sync),
    ] {
        model.ask(name, Share::Feed, priority);
    }
    let paused = Refusal::Paused(120 * SECOND);
    assert_eq!(model.refused(), [("client", paused.clone()), ("revalidation", paused)]);
    model.wait(101 * SECOND);
    model.ask("soon enough", Share::Feed, Priority::Client);
    assert!(model.told.is_empty());
    assert_eq!(model.queue.wakes_at(), Some(model.now + 19 * SECOND));
    model.wait(19 * SECOND);
    assert_eq!(model.gone(), ["soon enough", "prefetch", "sync"]);
    // A pause that begins meanwhile is told to whoever waits.
    let mut model = Model::new(&one_at_a_time());
    model.ask("running", Share::Feed, Priority::Client);
    model.ask("waiting", Share::Feed, Priority::Client);
    assert_eq!(model.gone(), ["running"]);
    model.fails(Outage::Banned, None);
    assert_eq!(model.refused(), [("waiting", Refusal::Paused(3600 * SECOND))]);
}

#[test]
fn what_stays_away_is_given_up_by_those_who_have_time() {
    let mut model = Model::new(&PaceSettings::default());
    for _ in 0..5 {
        model.fails(Outage::Status(500), None);
    }
    model.ask("prefetch 1", Share::Feed, Priority::Prefetch);
    model.ask("prefetch 2", Share::Feed, Priority::Prefetch);
    model.wait(10 * SECOND);
    assert_eq!(model.gone(), ["prefetch 1"]);
    // It still fails, and is left alone for twice as long.
    model.fails(Outage::Status(500), None);
    assert_eq!(model.refused(), [("prefetch 2", Refusal::GivenUp(20 * SECOND))]);
}

#[test]
fn what_fails_is_given_up_by_those_who_have_something_else() {
    let mut model = Model::new(&PaceSettings::default());
    for _ in 0..5 {
        model.fails(Outage::Status(500), None);
    }
    for (name, priority) in [("client", Priority::Client), ("revalidation", Priority::Revalidation)] {
        model.ask(name, Share::Feed, priority);
        assert_eq!(model.refused(), [(name, Refusal::GivenUp(10 * SECOND))]);
    }
    model.ask("sync 1", Share::Feed, Priority::Sync);
    model.ask("sync 2", Share::Feed, Priority::Sync);
    assert!(model.told.is_empty());
    // One goes to see, and the other waits for what comes of it.
    model.wait(10 * SECOND);
    assert_eq!(model.gone(), ["sync 1"]);
    model.hosts.note(&host(), BreakerSettings::default(), model.now, None);
    model.decide();
    assert_eq!(model.gone(), ["sync 2"]);
}

#[test]
fn those_who_can_wait_leave_tokens_to_clients() {
    let settings = PaceSettings {
        requests_per_minute: 16,
        concurrency: 100,
        ..PaceSettings::default()
    };
    let mut model = Model::new(&settings);
    model.wait(60 * SECOND);
    for _ in 0..4 {
        model.ask("sync", Share::Feed, Priority::Sync);
    }
    assert_eq!(model.gone(), ["sync"]);
    for _ in 0..4 {
        model.ask("revalidation", Share::Feed, Priority::Revalidation);
    }
    assert_eq!(model.gone(), ["revalidation"; 2]);
    model.ask("client", Share::Feed, Priority::Client);
    assert_eq!(model.gone(), ["client"]);
}

#[test]
fn a_crowd_is_turned_away() {
    let mut model = Model::new(&one_at_a_time());
    model.ask("running", Share::Feed, Priority::Client);
    let request = || Request {
        host: host(),
        share: Share::Feed,
        urgency: Urgency::new(Priority::Sync),
    };
    for _ in 0..MAX_PATIENT {
        model.queue.join(request(), "waiting");
    }
    model.decide();
    assert_eq!(model.gone(), ["running"]);
    model.ask("too many", Share::Feed, Priority::Prefetch);
    assert_eq!(model.refused().len(), 1);
    model.ask("client", Share::Feed, Priority::Client);
    assert!(model.told.is_empty());
}

proptest! {
    /// Whatever comes, whenever, no minute has more requests than its limits, no more run at once than may, and in the end
    /// everybody was told something.
    #[test]
    fn no_limit_is_ever_exceeded(
        requests_per_minute in 0_u32..40,
        downloads_per_minute in 0_u32..20,
        chocolatey in 0_u32..6,
        concurrency in 1_u32..6,
        arrivals in prop::collection::vec((0_u64..3_000, 0_u8..3, 0_u8..4, 0_u64..10_000), 1..120),
    ) {
        let settings = PaceSettings {
            requests_per_minute,
            downloads_per_minute,
            packages: vec![("chocolatey".parse().unwrap(), chocolatey)],
            concurrency,
            longest_wait: 20 * SECOND,
        };
        let start = Instant::now();
        let (mut pace, mut hosts) = (Pace::new(&settings, start), Conditions::default());
        let mut queue = Queue::new(settings.longest_wait);
        let (mut now, mut told) = (start, 0);
        let mut running: Vec<(Instant, Share, Priority)> = Vec::new();
        let mut gone: Vec<(Instant, Share)> = Vec::new();
        let mut arrivals_left = arrivals.iter();
        let mut next_arrival = start;
        let mut next = arrivals_left.next();
        while next.is_some() || told < arrivals.len() {
            let first_end = running.iter().map(|(end, ..)| *end).min();
            let events = [next.map(|_| next_arrival), first_end, queue.wakes_at()];
            let event = events.into_iter().flatten().min();
            prop_assert!(event.is_some(), "{} of {} wait for nothing", arrivals.len() - told, arrivals.len());
            now = event.unwrap().max(now);
            while let Some(place) = running.iter().position(|(end, ..)| *end <= now) {
                let (_, share, priority) = running.swap_remove(place);
                pace.end(share, priority);
            }
            if let Some((pause, share, priority, length)) = next
                && next_arrival <= now
            {
                let share = [Share::Feed, Share::Download, Share::Package(0)][usize::from(*share)];
                let urgency = Urgency::new(PRIORITIES[usize::from(*priority)]);
                queue.join(Request { host: host(), share, urgency }, (share, *length));
                next_arrival += Duration::from_millis(*pause);
                next = arrivals_left.next();
            }
            for (_, (share, length), verdict) in queue.decide(&mut pace, &mut hosts, now) {
                told += 1;
                if let Verdict::Go(priority) = verdict {
                    gone.push((now, share));
                    running.push((now + Duration::from_millis(length), share, priority));
                }
            }
            prop_assert!(running.len() <= concurrency as usize);
        }
        let within = |limit: u32, of: &dyn Fn(Share) -> bool| {
            let times: Vec<_> = gone.iter().filter(|(_, share)| of(*share)).map(|(at, _)| *at).collect();
            limit == 0 || times.iter().enumerate().all(|(first, at)| {
                let minute = times[first..].iter().take_while(|then| **then <= *at + 60 * SECOND);
                minute.count() <= limit as usize
            })
        };
        prop_assert!(within(requests_per_minute, &|_| true));
        prop_assert!(within(downloads_per_minute, &|share| share == Share::Download));
        prop_assert!(within(chocolatey, &|share| share == Share::Package(0)));
    }
}
