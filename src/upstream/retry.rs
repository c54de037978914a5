//! Whether what failed is asked again, and after what wait. Pure: time and chance are arguments.

use std::time::Duration;

use super::error::{Outage, UpstreamError};

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

/// A tenth of what is asked may be asked again, and this many beyond it at once.
const RETRY_SHARE: f64 = 0.1;
const RETRY_BURST: f64 = 10.0;

/// An attempt that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed<'e> {
    /// Which one it was, from 1.
    pub(super) attempt: u32,
    /// How long ago the first one began.
    pub(super) elapsed: Duration,
    /// What came of it.
    pub(super) failure: &'e UpstreamError,
    /// How long the host is left alone from now on.
    pub(super) pause: Duration,
}

/// How many retries one upstream can be given.
#[derive(Debug)]
pub(super) struct RetryBudget {
    retries: f64,
}

impl RetryBudget {
    pub(super) fn new() -> Self {
        Self { retries: RETRY_BURST }
    }

    /// Takes note of a request.
    pub(super) fn asked(&mut self) {
        self.retries = (self.retries + RETRY_SHARE).min(RETRY_BURST);
    }

    /// Says after what wait a failed request may be tried again; `chance` is from 0 to 1. `None`: not at all.
    pub(super) fn retry(&mut self, settings: &RetrySettings, failed: Failed<'_>, chance: f64) -> Option<Duration> {
        if failed.attempt >= settings.attempts || !is_worth_retrying(failed.failure) || self.retries < 1.0 {
            return None;
        }
        let doubled = settings
            .wait
            .saturating_mul(1_u32.checked_shl(failed.attempt - 1).unwrap_or(u32::MAX));
        let jittered = doubled.min(settings.wait_at_most).mul_f64(chance.clamp(0.0, 1.0));
        let wait = jittered.max(failed.pause);
        if failed.elapsed.saturating_add(wait) > settings.within {
            return None;
        }
        self.retries -= 1.0;
        Some(wait)
    }
}

/// Failures of the moment. Where an answer did not even begin in time, that was patience enough.
fn is_worth_retrying(failure: &UpstreamError) -> bool {
    match failure {
        UpstreamError::Unavailable { outage, .. } => matches!(
            outage,
            Outage::Connect { .. } | Outage::Lost { .. } | Outage::Status(_) | Outage::BodyTimeout(_)
        ),
        // What broke off in the middle may come whole another time.
        UpstreamError::BadAnswer { .. } => failure.is_cut_off(),
        UpstreamError::NotFound { .. } | UpstreamError::Refused { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn failure(outage: Outage) -> UpstreamError {
        UpstreamError::Unavailable {
            url: "http://g.test/".to_owned(),
            outage,
            retry_after: None,
        }
    }

    #[test]
    fn failures_of_the_moment_are_tried_again() {
        let settings = RetrySettings::default();
        let mut budget = RetryBudget::new();
        let lost = failure(Outage::Status(502));
        let mut wait = |attempt, elapsed, pause, chance| {
            let failed = Failed {
                attempt,
                elapsed,
                failure: &lost,
                pause,
            };
            budget.retry(&settings, failed, chance)
        };
        let none = Duration::ZERO;
        assert_eq!(wait(1, none, none, 1.0), Some(settings.wait));
        assert_eq!(wait(2, none, none, 0.5), Some(settings.wait));
        assert_eq!(wait(1, none, none, 0.0), Some(none));
        assert_eq!(wait(3, none, none, 0.0), None, "three attempts are all");
        assert_eq!(wait(1, 21 * SECOND, none, 0.0), None, "somebody is waiting");
        assert_eq!(wait(1, none, 2 * SECOND, 0.1), Some(2 * SECOND));
        assert_eq!(wait(1, none, 30 * SECOND, 0.1), None);
        for hopeless in [
            failure(Outage::HeaderTimeout(SECOND)),
            failure(Outage::Banned),
            failure(Outage::Paused(SECOND)),
            UpstreamError::NotFound {
                url: String::new(),
                status: 404,
            },
            UpstreamError::Refused {
                url: String::new(),
                status: 403,
            },
        ] {
            let failed = Failed {
                attempt: 1,
                elapsed: none,
                failure: &hopeless,
                pause: none,
            };
            assert_eq!(RetryBudget::new().retry(&settings, failed, 0.0), None, "{hopeless:?}");
        }
    }

    #[test]
    fn retries_are_a_tenth_of_requests() {
        let (settings, lost) = (RetrySettings::default(), failure(Outage::Status(502)));
        let mut budget = RetryBudget::new();
        let mut retries = 0;
        for n in 0..1000 {
            budget.asked();
            if n % 3 == 0 {
                let failed = Failed {
                    attempt: 1,
                    elapsed: Duration::ZERO,
                    failure: &lost,
                    pause: Duration::ZERO,
                };
                retries += usize::from(budget.retry(&settings, failed, 0.0).is_some());
            }
        }
        assert!((100..=110).contains(&retries), "{retries}");
    }
}
