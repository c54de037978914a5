//! What is known of the hosts that are asked, and so whether and when each may be: its breaker, and the pause that it asked for.
//! Pure: the time is an argument.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use url::Url;

use super::breaker::{Breaker, BreakerSettings, State, Verdict};
use super::error::{Outage, UpstreamError};

/// The longest pause that a host's own word is taken for.
const PAUSE_AT_MOST: Duration = Duration::from_secs(600);

/// The pause after "too many requests" where the host names none.
const PAUSE_UNNAMED: Duration = Duration::from_secs(60);

/// The least pause after "too many requests", whatever the host names.
const PAUSE_AT_LEAST: Duration = Duration::from_secs(1);

/// The pause after Cloudflare's "error 1015": its bans last an hour and begin anew with each request.
const PAUSE_BANNED: Duration = Duration::from_secs(3600);

/// The most hosts of which something is known. There are few; redirects may lead to any number.
const MAX_HOSTS: usize = 256;

/// A host and its port, where that is not the scheme's own: what asks to be left alone, and what fails.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Host(String);

impl Host {
    /// Returns the host of an address.
    #[must_use]
    pub fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        Self(match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Why a host is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// It said so, with status 429 or `Retry-After`.
    Asked,
    /// It has barred this machine: Cloudflare's error 1015.
    Banned,
}

impl PauseReason {
    /// Returns the longest pause there can be for it.
    fn at_most(self) -> Duration {
        match self {
            Self::Asked => PAUSE_AT_MOST,
            Self::Banned => PAUSE_BANNED,
        }
    }
}

impl fmt::Display for PauseReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Asked => "it asked to be left alone",
            Self::Banned => "it has barred this machine for asking too often (error 1015)",
        })
    }
}

/// For how long a host is left alone yet, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) left: Duration,
    pub(super) reason: PauseReason,
}

/// Whether a host may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Ask.
    Go,
    /// Do not ask: it wants to be left alone for so long.
    Paused(Duration),
    /// Do not ask: it fails, and is tried again in so long.
    GivenUp(Duration),
}

/// The hosts of which something is known.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    hosts: HashMap<Host, Condition>,
}

/// The state of one host.
#[derive(Debug, Default)]
struct Condition {
    breaker: Option<Breaker>,
    paused_until: Option<(Instant, PauseReason)>,
}

impl Condition {
    fn pause(&self, now: Instant) -> Option<Pause> {
        let (until, reason) = self.paused_until?;
        let left = until.saturating_duration_since(now);
        (!left.is_zero()).then_some(Pause { left, reason })
    }

    fn is_worth_remembering(&self, now: Instant) -> bool {
        self.pause(now).is_some() || self.breaker.as_ref().is_some_and(Breaker::is_open)
    }
}

impl Conditions {
    /// Says whether a request may go now; changes nothing.
    pub(super) fn admission(&self, host: &Host, now: Instant) -> Admission {
        if let Some(pause) = self.pause(host, now) {
            return Admission::Paused(pause.left);
        }
        let breaker = self.hosts.get(host).and_then(|condition| condition.breaker.as_ref());
        match breaker.map(|breaker| breaker.look(now)) {
            Some(Verdict::Wait(wait)) => Admission::GivenUp(wait),
            Some(Verdict::Go | Verdict::Probe) | None => Admission::Go,
        }
    }

    /// Takes note that a request goes which may: it can be a probe, and then it is the only one.
    pub(super) fn goes(&mut self, host: &Host, now: Instant) {
        let breaker = self
            .hosts
            .get_mut(host)
            .and_then(|condition| condition.breaker.as_mut());
        if let Some(breaker) = breaker {
            breaker.ask(now);
        }
    }

    /// Takes note of what came of a request.
    pub(super) fn note(
        &mut self,
        host: &Host,
        breaker: BreakerSettings,
        now: Instant,
        failure: Option<&UpstreamError>,
    ) -> Noted {
        let condition = self.entry(host, now);
        let breaker = condition.breaker.get_or_insert_with(|| Breaker::new(breaker));
        let Some(UpstreamError::Unavailable {
            outage, retry_after, ..
        }) = failure
        else {
            breaker.answered(now);
            return Noted::Nothing;
        };
        let asked = |pause: Duration| (pause.min(PAUSE_AT_MOST), PauseReason::Asked);
        let pause = match outage {
            Outage::Banned => Some((PAUSE_BANNED, PauseReason::Banned)),
            Outage::Status(429) => Some(asked(retry_after.unwrap_or(PAUSE_UNNAMED).max(PAUSE_AT_LEAST))),
            _ => retry_after.map(asked),
        };
        // Who says that it is asked too often is there.
        let opened = if matches!(outage, Outage::Status(429) | Outage::Banned) {
            breaker.answered(now);
            None
        } else {
            breaker.failed(now)
        };
        let before = condition.pause(now).map(|pause| pause.left).unwrap_or_default();
        match pause {
            Some((pause, reason)) if pause > before => {
                condition.paused_until = Some((now + pause, reason));
                Noted::Paused(pause, reason)
            }
            _ => opened.map_or(Noted::Nothing, Noted::Opened),
        }
    }

    /// Leaves a host alone as an earlier run of larder was told to. No clock can make it longer than such a pause is.
    pub(super) fn resume(&mut self, host: &Host, pause: Pause, now: Instant) {
        let until = now + pause.left.min(pause.reason.at_most());
        self.entry(host, now).paused_until = Some((until, pause.reason));
    }

    /// Returns the pause that a host is left, if there is one.
    pub(super) fn pause(&self, host: &Host, now: Instant) -> Option<Pause> {
        self.hosts.get(host)?.pause(now)
    }

    /// Returns all pauses.
    pub(super) fn pauses(&self, now: Instant) -> Vec<(Host, Pause)> {
        let left_alone = |(host, condition): (&Host, &Condition)| Some((host.clone(), condition.pause(now)?));
        let mut pauses: Vec<_> = self.hosts.iter().filter_map(left_alone).collect();
        pauses.sort_by(|(one, _), (other, _)| one.cmp(other));
        pauses
    }

    /// Returns how a host's breaker stands.
    pub(super) fn breaker(&self, host: &Host, now: Instant) -> State {
        let breaker = self.hosts.get(host).and_then(|condition| condition.breaker.as_ref());
        breaker.map_or(State::Closed, |breaker| breaker.state(now))
    }

    fn entry(&mut self, host: &Host, now: Instant) -> &mut Condition {
        if self.hosts.len() >= MAX_HOSTS && !self.hosts.contains_key(host) {
            self.hosts.retain(|_, condition| condition.is_worth_remembering(now));
        }
        self.hosts.entry(host.clone()).or_default()
    }
}

/// What changed by an outcome, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// Nothing.
    Nothing,
    /// The host is not asked for so long.
    Opened(Duration),
    /// The host asked for so long a pause, longer than any that was known.
    Paused(Duration, PauseReason),
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn failure(outage: Outage, retry_after: Option<u64>) -> UpstreamError {
        UpstreamError::Unavailable {
            url: "http://g.test/".to_owned(),
            outage,
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    fn host(text: &str) -> Host {
        Host::of(&text.parse().unwrap())
    }

    fn note(conditions: &mut Conditions, now: Instant, failure: Option<&UpstreamError>) -> Noted {
        conditions.note(&host("http://g.test/"), BreakerSettings::default(), now, failure)
    }

    fn admission(conditions: &Conditions, now: Instant) -> Admission {
        conditions.admission(&host("https://g.test/api"), now)
    }

    #[test]
    fn a_host_is_the_same_by_every_path_and_scheme() {
        for (url, expected) in [
            ("https://g.test/api/v2/", "g.test"),
            ("http://G.test:80/", "g.test"),
            ("https://u:p@g.test:8443/x", "g.test:8443"),
            ("http://127.0.0.1:81/", "127.0.0.1:81"),
            ("http://[::1]/", "[::1]"),
        ] {
            assert_eq!(host(url).to_string(), expected, "{url}");
        }
    }

    #[test]
    fn pauses_are_kept_up_to_their_limits() {
        for (outage, named, pause) in [
            (Outage::Status(429), Some(120), Some(120)),
            (Outage::Status(429), Some(999_999), Some(600)),
            (Outage::Status(429), Some(u64::MAX), Some(600)),
            (Outage::Status(429), Some(0), Some(1)),
            (Outage::Status(429), None, Some(60)),
            (Outage::Status(503), Some(30), Some(30)),
            (Outage::Status(503), Some(0), None),
            (Outage::Status(503), None, None),
            (Outage::Banned, Some(5), Some(3600)),
        ] {
            let now = Instant::now();
            let mut conditions = Conditions::default();
            note(&mut conditions, now, Some(&failure(outage.clone(), named)));
            let expected = |wait| Admission::Paused(Duration::from_secs(wait));
            let Some(pause) = pause else {
                assert_eq!(admission(&conditions, now), Admission::Go);
                continue;
            };
            assert_eq!(admission(&conditions, now), expected(pause), "{outage:?} {named:?}");
            let last = now + Duration::from_secs(pause - 1);
            assert_eq!(admission(&conditions, last), expected(1));
            assert_eq!(admission(&conditions, last + SECOND), Admission::Go);
            // Others are not concerned.
            assert_eq!(conditions.admission(&host("http://g.test:81/"), now), Admission::Go);
        }
    }

    #[test]
    fn a_pause_is_never_cut_short() {
        let now = Instant::now();
        let mut conditions = Conditions::default();
        let mut ask = |outage, named, at| note(&mut conditions, at, Some(&failure(outage, named)));
        assert_eq!(
            ask(Outage::Banned, None, now),
            Noted::Paused(3600 * SECOND, PauseReason::Banned)
        );
        assert_eq!(ask(Outage::Status(429), Some(5), now), Noted::Nothing);
        assert_eq!(
            ask(Outage::Status(503), Some(600), now + 3100 * SECOND),
            Noted::Paused(600 * SECOND, PauseReason::Asked)
        );
    }

    #[test]
    fn a_pause_outlives_a_restart_but_no_clock_makes_it_longer() {
        let (now, host) = (Instant::now(), host("http://g.test/"));
        for (left, reason, expected) in [
            (100, PauseReason::Asked, 100),
            (u64::MAX, PauseReason::Asked, 600),
            (u64::MAX, PauseReason::Banned, 3600),
        ] {
            let mut conditions = Conditions::default();
            let left = Duration::from_secs(left);
            conditions.resume(&host, Pause { left, reason }, now);
            let left = Duration::from_secs(expected);
            assert_eq!(conditions.pauses(now), [(host.clone(), Pause { left, reason })]);
        }
    }

    #[test]
    fn too_many_requests_do_not_open_the_breaker() {
        let mut now = Instant::now();
        let mut conditions = Conditions::default();
        for _ in 0..10 {
            assert_eq!(
                note(&mut conditions, now, Some(&failure(Outage::Status(429), Some(1)))),
                Noted::Paused(SECOND, PauseReason::Asked)
            );
            now += 2 * SECOND;
            assert_eq!(admission(&conditions, now), Admission::Go);
        }
        for n in 0..5 {
            let noted = note(&mut conditions, now, Some(&failure(Outage::Status(500), None)));
            assert_eq!(noted == Noted::Opened(10 * SECOND), n == 4);
        }
        assert_eq!(admission(&conditions, now), Admission::GivenUp(10 * SECOND));
        // One request goes and decides, and looking is none.
        now += 10 * SECOND;
        for _ in 0..2 {
            assert_eq!(admission(&conditions, now), Admission::Go);
        }
        conditions.goes(&host("http://g.test/"), now);
        assert_eq!(admission(&conditions, now), Admission::GivenUp(10 * SECOND));
        // An absent package is an answer.
        let absent = UpstreamError::NotFound {
            url: String::new(),
            status: 404,
        };
        note(&mut conditions, now, Some(&absent));
        assert_eq!(admission(&conditions, now), Admission::Go);
    }

    #[test]
    fn hosts_without_end_are_forgotten_but_for_their_pauses() {
        let now = Instant::now();
        let mut conditions = Conditions::default();
        let busy = failure(Outage::Status(429), None);
        for n in 0..2000 {
            let host = host(&format!("http://h{n}.test/"));
            let failure = (n == 3).then_some(&busy);
            conditions.note(&host, BreakerSettings::default(), now, failure);
        }
        assert!(conditions.hosts.len() <= MAX_HOSTS);
        assert_eq!(conditions.pauses(now).len(), 1);
    }
}
