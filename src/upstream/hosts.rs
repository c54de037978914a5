//! The hosts that all upstreams of the process ask, in common: two upstreams, or a redirect, may lead to the same one.
//!
//! What a host asked for is handed on to be kept, so that it holds after a restart too; how it is kept is for others.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::breaker::BreakerSettings;
use super::condition::{Conditions, Host, Noted, Pause, PauseReason};
use super::error::UpstreamError;
use super::status::after;
use crate::clock::Clock;

/// A pause, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPause {
    /// Who is left alone.
    pub host: Host,
    /// Until when, by the clock on the wall: no other outlives the process.
    pub until: DateTime<Utc>,
    /// Why.
    pub reason: PauseReason,
}

/// Keeps all pauses there are, in place of those that were kept before. It is called where a pause begins, and must not block.
pub type KeepPauses = Box<dyn Fn(Vec<KeptPause>) + Send + Sync>;

/// What is known of all hosts. Clones are handles to the same.
#[derive(Clone)]
pub struct Hosts(Arc<Inner>);

struct Inner {
    conditions: Mutex<Conditions>,
    clock: Clock,
    keep: KeepPauses,
}

impl Hosts {
    /// Begins with the pauses that an earlier run kept; those that are over count no more.
    #[must_use]
    pub fn new(clock: Clock, kept: Vec<KeptPause>, keep: KeepPauses) -> Self {
        let mut conditions = Conditions::default();
        let (now, moment) = (clock.now(), clock.monotonic());
        for KeptPause { host, until, reason } in kept {
            let Ok(left) = (until - now).to_std() else { continue };
            tracing::info!(%host, seconds = left.as_secs(), "a host is left alone as it asked before the restart");
            conditions.resume(&host, Pause { left, reason }, moment);
        }
        Self(Arc::new(Inner {
            conditions: Mutex::new(conditions),
            clock,
            keep,
        }))
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Conditions> {
        self.0.conditions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what came of a request.
    pub(super) fn note(&self, host: &Host, breaker: BreakerSettings, failure: Option<&UpstreamError>) {
        let now = self.0.clock.monotonic();
        let mut conditions = self.lock();
        let noted = conditions.note(host, breaker, now, failure);
        let pauses = matches!(noted, Noted::Paused(..)).then(|| conditions.pauses(now));
        drop(conditions);
        match noted {
            Noted::Nothing => {}
            Noted::Opened(open) => {
                tracing::warn!(%host, seconds = open.as_secs(), "a host fails too often: it is not asked for a while");
            }
            Noted::Paused(pause, reason) => {
                tracing::warn!(%host, seconds = pause.as_secs(), %reason, "a host is left alone");
            }
        }
        if let Some(pauses) = pauses {
            let at = self.0.clock.now();
            let kept = pauses.into_iter().map(|(host, pause)| KeptPause {
                host,
                until: after(at, pause.left),
                reason: pause.reason,
            });
            (self.0.keep)(kept.collect());
        }
    }
}

impl Default for Hosts {
    /// Knows nothing, and keeps nothing.
    fn default() -> Self {
        Self::new(Clock::system(), Vec::new(), Box::new(|_| {}))
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Hosts").field(&*self.lock()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;
    use crate::upstream::Outage;
    use crate::upstream::condition::Admission;

    fn busy(retry_after: u64) -> UpstreamError {
        UpstreamError::Unavailable {
            url: String::new(),
            outage: Outage::Status(429),
            retry_after: Some(Duration::from_secs(retry_after)),
        }
    }

    fn hosts(clock: &ManualClock, kept: &Arc<Mutex<Vec<KeptPause>>>) -> Hosts {
        let (before, kept) = (kept.lock().unwrap().clone(), Arc::clone(kept));
        Hosts::new(
            clock.clock(),
            before,
            Box::new(move |pauses| *kept.lock().unwrap() = pauses),
        )
    }

    fn left(hosts: &Hosts, host: &Host) -> Option<u64> {
        let now = hosts.clock().monotonic();
        match hosts.lock().admission(host, now) {
            Admission::Paused(left) => Some((left + Duration::from_millis(500)).as_secs()),
            _ => None,
        }
    }

    #[test]
    fn pauses_outlive_the_process() {
        let clock = ManualClock::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let kept = Arc::default();
        let [one, other] = ["http://one.test/", "http://other.test/"].map(|url| Host::of(&url.parse().unwrap()));
        let first = hosts(&clock, &kept);
        first.note(&one, BreakerSettings::default(), Some(&busy(300)));
        first.note(&other, BreakerSettings::default(), Some(&busy(60)));
        clock.advance(Duration::from_secs(100));
        let second = hosts(&clock, &kept);
        assert_eq!((left(&second, &one), left(&second, &other)), (Some(200), None));
        // A clock that was set back does not make it longer than such a pause is, one that was set on ends it.
        clock.set(DateTime::from_timestamp(1_000_000_000, 0).unwrap());
        assert_eq!(left(&hosts(&clock, &kept), &one), Some(600));
        clock.set(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        assert_eq!(left(&hosts(&clock, &kept), &one), None);
        // Within one process no clock matters.
        assert_eq!(left(&second, &one), Some(200));
    }
}
