//! What is known of one upstream's state, and so whether and when it may be asked: its breaker, the pauses that it asked for,
//! and how many retries it can be given. Pure: time and chance are arguments.

use std::time::{Duration, Instant};

use super::breaker::{Breaker, BreakerSettings, State, Verdict};
use super::error::{BadAnswer, Outage, UpstreamError};

/// How failures are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySettings {
    /// How often one thing is asked for in all; 1 tries nothing again.
    pub attempts: u32,
    /// The longest wait before the second attempt; it doubles with each further one. Waits are anything from nothing to
    /// that (full jitter), so that many who failed together do not come back together.
    pub wait: Duration,
    /// The longest wait that doubling comes to.
    pub wait_at_most: Duration,
    /// No attempt begins later than this after the first one: a client is waiting.
    pub within: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: 3,
            wait: Duration::from_millis(400),
            wait_at_most: Duration::from_secs(5),
            within: Duration::from_secs(20),
        }
    }
}

/// The longest pause that an upstream's own word is taken for.
const PAUSE_AT_MOST: Duration = Duration::from_secs(600);

/// The pause after "too many requests" where the upstream names none.
const PAUSE_UNNAMED: Duration = Duration::from_secs(60);

/// The pause after Cloudflare's "error 1015": its bans last an hour and begin anew with each request.
const PAUSE_BANNED: Duration = Duration::from_secs(3600);

/// Pauses this short are waited for; for longer ones whoever asks is told.
const PAUSE_WAITED_FOR: Duration = Duration::from_secs(3);

/// A tenth of what is asked may be asked again, and this many beyond it at once.
const RETRY_SHARE: f64 = 0.1;
const RETRY_BURST: f64 = 10.0;

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Ask.
    Go,
    /// Ask after so long.
    After(Duration),
    /// Do not ask: it wants to be left alone for so long.
    Paused(Duration),
    /// Do not ask: it fails, and is tried again in so long.
    GivenUp(Duration),
}

/// The state of one upstream.
#[derive(Debug)]
pub(super) struct Condition {
    breaker: Breaker,
    paused_until: Option<Instant>,
    retries: f64,
}

impl Condition {
    pub(super) fn new(breaker: BreakerSettings) -> Self {
        Self {
            breaker: Breaker::new(breaker),
            paused_until: None,
            retries: RETRY_BURST,
        }
    }

    /// Says whether a request may go now.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        let pause = self.paused_until.map(|until| until.saturating_duration_since(now));
        match pause.filter(|pause| !pause.is_zero()) {
            Some(pause) if pause <= PAUSE_WAITED_FOR => return Admission::After(pause),
            Some(pause) => return Admission::Paused(pause),
            None => {}
        }
        match self.breaker.ask(now) {
            Verdict::Go | Verdict::Probe => {
                self.retries = (self.retries + RETRY_SHARE).min(RETRY_BURST);
                Admission::Go
            }
            Verdict::Wait(wait) => Admission::GivenUp(wait),
        }
    }

    /// Returns how the breaker stands, and how long the pause still lasts, if there is one.
    pub(super) fn state(&self, now: Instant) -> (State, Option<Duration>) {
        let pause = self.paused_until.map(|until| until.saturating_duration_since(now));
        (self.breaker.state(now), pause.filter(|pause| !pause.is_zero()))
    }

    /// Takes note of what came of a request.
    pub(super) fn note(&mut self, now: Instant, failure: Option<&UpstreamError>) -> Noted {
        let Some(UpstreamError::Unavailable {
            outage, retry_after, ..
        }) = failure
        else {
            self.breaker.answered(now);
            return Noted::Nothing;
        };
        let asked_for = match outage {
            Outage::Banned => Some(PAUSE_BANNED),
            Outage::Status(429) => Some(retry_after.unwrap_or(PAUSE_UNNAMED).min(PAUSE_AT_MOST)),
            _ => retry_after.map(|pause| pause.min(PAUSE_AT_MOST)),
        };
        if let Some(pause) = asked_for {
            self.paused_until = self.paused_until.max(Some(now + pause));
        }
        // Who says that it is asked too often is there.
        if matches!(outage, Outage::Status(429) | Outage::Banned) {
            self.breaker.answered(now);
            return Noted::Paused(asked_for.unwrap_or_default());
        }
        self.breaker.failed(now).map_or(Noted::Nothing, Noted::Opened)
    }

    /// Says after what wait a failed request may be tried again; `chance` is from 0 to 1. `None`: not at all.
    pub(super) fn retry(
        &mut self,
        settings: &RetrySettings,
        attempt: u32,
        elapsed: Duration,
        failure: &UpstreamError,
        chance: f64,
    ) -> Option<Duration> {
        if attempt >= settings.attempts || !is_worth_retrying(failure) || self.breaker.is_open() || self.retries < 1.0 {
            return None;
        }
        let doubled = settings
            .wait
            .saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        let jittered = doubled.min(settings.wait_at_most).mul_f64(chance.clamp(0.0, 1.0));
        let wait = jittered.max(failure.retry_after().unwrap_or_default());
        if elapsed.saturating_add(wait) > settings.within {
            return None;
        }
        self.retries -= 1.0;
        Some(wait)
    }
}

/// What changed by an outcome, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// Nothing.
    Nothing,
    /// The upstream is not asked for so long.
    Opened(Duration),
    /// The upstream asked for so long a pause.
    Paused(Duration),
}

/// Failures of the moment; a time limit that has run out was patience enough.
fn is_worth_retrying(failure: &UpstreamError) -> bool {
    match failure {
        UpstreamError::Unavailable { outage, .. } => match outage {
            Outage::Connect { .. } | Outage::Lost { .. } | Outage::Status(_) | Outage::BodyTimeout(_) => true,
            Outage::ConnectTimeout(_)
            | Outage::HeaderTimeout(_)
            | Outage::TooSlow(_)
            | Outage::Banned
            | Outage::Paused(_)
            | Outage::GivenUp(_)
            | Outage::Offline => false,
        },
        // What broke off in the middle may come whole another time.
        UpstreamError::BadAnswer { answer, .. } => matches!(answer, BadAnswer::CutOff { .. }),
        UpstreamError::NotFound { .. } | UpstreamError::Refused { .. } => false,
    }
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

    fn condition() -> Condition {
        Condition::new(BreakerSettings::default())
    }

    fn refusal(admission: &Admission) -> Option<u64> {
        match admission {
            Admission::Paused(wait) | Admission::GivenUp(wait) => Some(wait.as_secs()),
            Admission::Go | Admission::After(_) => None,
        }
    }

    #[test]
    fn pauses_are_kept_up_to_their_limits() {
        for (outage, named, pause) in [
            (Outage::Status(429), Some(120), Some(120)),
            (Outage::Status(429), Some(999_999), Some(600)),
            (Outage::Status(429), None, Some(60)),
            (Outage::Status(503), Some(30), Some(30)),
            (Outage::Status(503), None, None),
            (Outage::Banned, Some(5), Some(3600)),
        ] {
            let now = Instant::now();
            let mut condition = condition();
            condition.note(now, Some(&failure(outage.clone(), named)));
            assert_eq!(refusal(&condition.admit(now)), pause, "{outage:?} {named:?}");
            if let Some(pause) = pause {
                let shortly = now + Duration::from_secs(pause - 2);
                assert_eq!(condition.admit(shortly), Admission::After(2 * SECOND));
                assert_eq!(
                    condition.admit(shortly + 2 * SECOND),
                    Admission::Go,
                    "{outage:?} {named:?}"
                );
            }
        }
    }

    #[test]
    fn too_many_requests_do_not_open_the_breaker() {
        let mut now = Instant::now();
        let mut condition = condition();
        for _ in 0..10 {
            assert_eq!(
                condition.note(now, Some(&failure(Outage::Status(429), Some(1)))),
                Noted::Paused(SECOND)
            );
            now += 2 * SECOND;
            assert_eq!(condition.admit(now), Admission::Go);
        }
        for n in 0..5 {
            let noted = condition.note(now, Some(&failure(Outage::Status(500), None)));
            assert_eq!(noted == Noted::Opened(10 * SECOND), n == 4);
        }
        assert_eq!(refusal(&condition.admit(now)), Some(10));
        // An absent package is an answer.
        now += 10 * SECOND;
        assert_eq!(condition.admit(now), Admission::Go);
        let absent = UpstreamError::NotFound {
            url: String::new(),
            status: 404,
        };
        condition.note(now, Some(&absent));
        assert_eq!(condition.admit(now), Admission::Go);
    }

    #[test]
    fn failures_of_the_moment_are_tried_again() {
        let settings = RetrySettings::default();
        let mut condition = condition();
        let lost = failure(Outage::Status(502), None);
        let wait = |condition: &mut Condition, attempt, elapsed, failure: &UpstreamError, chance| {
            condition.retry(&settings, attempt, elapsed, failure, chance)
        };
        assert_eq!(wait(&mut condition, 1, Duration::ZERO, &lost, 1.0), Some(settings.wait));
        assert_eq!(wait(&mut condition, 2, Duration::ZERO, &lost, 0.5), Some(settings.wait));
        assert_eq!(
            wait(&mut condition, 1, Duration::ZERO, &lost, 0.0),
            Some(Duration::ZERO)
        );
        assert_eq!(
            wait(&mut condition, 3, Duration::ZERO, &lost, 0.0),
            None,
            "three attempts are all"
        );
        assert_eq!(
            wait(&mut condition, 1, 21 * SECOND, &lost, 0.0),
            None,
            "somebody is waiting"
        );
        let named = failure(Outage::Status(503), Some(2));
        assert_eq!(wait(&mut condition, 1, Duration::ZERO, &named, 0.1), Some(2 * SECOND));
        let named = failure(Outage::Status(503), Some(30));
        assert_eq!(wait(&mut condition, 1, Duration::ZERO, &named, 0.1), None);
        for hopeless in [
            failure(Outage::HeaderTimeout(SECOND), None),
            failure(Outage::Banned, None),
            UpstreamError::NotFound {
                url: String::new(),
                status: 404,
            },
            UpstreamError::Refused {
                url: String::new(),
                status: 403,
            },
        ] {
            assert_eq!(
                wait(&mut condition, 1, Duration::ZERO, &hopeless, 0.0),
                None,
                "{hopeless:?}"
            );
        }
    }

    #[test]
    fn retries_are_a_tenth_of_requests() {
        let (now, settings) = (Instant::now(), RetrySettings::default());
        let mut condition = condition();
        let lost = failure(Outage::Status(502), None);
        let mut retries = 0;
        for n in 0..1000 {
            assert_eq!(condition.admit(now), Admission::Go);
            if n % 3 == 0 {
                condition.note(now, Some(&lost));
                retries += usize::from(condition.retry(&settings, 1, Duration::ZERO, &lost, 0.0).is_some());
            } else {
                condition.note(now, None);
            }
        }
        assert!((100..=110).contains(&retries), "{retries}");
    }
}
