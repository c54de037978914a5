//! How one upstream does, to be shown: plain figures and words, no secrets.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::{Outage, UpstreamError};

/// How one upstream does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct UpstreamStatus {
    /// The upstream's address, without secrets.
    pub home: String,
    /// Whether its host is asked at all.
    pub breaker: BreakerStatus,
    /// Until when its host is left alone, and why, if it is.
    pub pause: Option<PauseStatus>,
    /// What may be asked now, by limit; empty where nothing is limited.
    pub buckets: Vec<BucketStatus>,
    /// The most requests that run at once.
    pub concurrency: u32,
    /// The requests that run now; a download runs until its last byte.
    pub running: PerPriority,
    /// The requests that wait for their turn.
    pub queued: PerPriority,
    /// What was asked since larder was started.
    pub totals: Totals,
    /// The last failures, the latest first.
    pub last_errors: Vec<SeenError>,
}

/// Whether an upstream's host is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum BreakerStatus {
    /// It is.
    Closed,
    /// It failed too often, and nobody asks it until then.
    Open {
        /// When one request is let through to see how it does.
        until: DateTime<Utc>,
    },
    /// One request is under way to see how it does.
    Probing,
}

/// A pause that a host asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct PauseStatus {
    /// When it ends.
    pub until: DateTime<Utc>,
    /// What the host said.
    pub reason: String,
}

/// How much of one limit is left.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct BucketStatus {
    /// `requests`, `downloads`, or the id that has a limit of its own.
    pub name: String,
    /// How many requests any one minute may have.
    pub per_minute: u32,
    /// How many may go at this moment.
    pub left: u32,
}

/// A number for each class of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct PerPriority {
    /// A client waits.
    pub client: u32,
    /// What is known is served meanwhile.
    pub revalidation: u32,
    /// It may be asked for later.
    pub prefetch: u32,
    /// The upstream's list is walked.
    pub sync: u32,
}

/// What was asked of an upstream, and what came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Totals {
    /// Requests that were sent, retries too; redirects are none of their own.
    pub requests: u64,
    /// Those of them that were sent because one before had failed.
    pub retries: u64,
    /// Bytes of bodies that were read, compressed ones once inflated.
    pub bytes: u64,
    /// Questions that were not sent at all: the upstream was left alone, or the wait would have been too long.
    pub turned_away: u64,
    /// Those that failed, by kind.
    pub failures: FailureCounts,
}

/// Failed requests, by what went wrong. That something does not exist is an answer and no failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct FailureCounts {
    /// No connection, or it was lost.
    pub unreachable: u64,
    /// No connection or answer in time.
    pub overdue: u64,
    /// The upstream said that it cannot answer: 408 or 5xx.
    pub unavailable: u64,
    /// The upstream said that it was asked too often: 429.
    pub throttled: u64,
    /// The upstream does not let us: 401, 403, 407 or 451.
    pub refused: u64,
    /// What came was no answer to the question.
    pub unusable: u64,
}

/// A failure and when it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct SeenError {
    /// When.
    pub at: DateTime<Utc>,
    /// What, without secrets.
    pub error: String,
}

/// The most failures that are remembered.
const SEEN_ERRORS: usize = 5;

/// Keeps count. It knows no time of its own.
#[derive(Debug, Default)]
pub(super) struct Tally {
    totals: Totals,
    errors: VecDeque<SeenError>,
}

impl Tally {
    /// Counts a request that is sent, for the first time or as a retry.
    pub(super) fn sent(&mut self, attempt: u32) {
        self.totals.requests += 1;
        self.totals.retries += u64::from(attempt > 1);
    }

    /// Counts a piece of a body.
    pub(super) fn read(&mut self, bytes: usize) {
        self.totals.bytes += bytes as u64;
    }

    /// Counts a question that is not sent.
    pub(super) fn turned_away(&mut self) {
        self.totals.turned_away += 1;
    }

    /// Counts a failure, if it is one.
    pub(super) fn failed(&mut self, at: DateTime<Utc>, error: &UpstreamError) {
        let failures = &mut self.totals.failures;
        let count = match error {
            UpstreamError::NotFound { .. } => return,
            UpstreamError::Refused { .. } => &mut failures.refused,
            UpstreamError::BadAnswer { .. } => &mut failures.unusable,
            UpstreamError::Unavailable { outage, .. } => match outage {
                Outage::Connect { .. } | Outage::Lost { .. } => &mut failures.unreachable,
                Outage::ConnectTimeout(_) | Outage::HeaderTimeout(_) | Outage::BodyTimeout(_) => &mut failures.overdue,
                Outage::Status(429) | Outage::Banned => &mut failures.throttled,
                Outage::Status(_) => &mut failures.unavailable,
                // Nothing was sent.
                _ => return,
            },
        };
        *count += 1;
        self.errors.truncate(SEEN_ERRORS - 1);
        let error = error.to_string();
        self.errors.push_front(SeenError { at, error });
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    pub(super) fn last_errors(&self) -> Vec<SeenError> {
        self.errors.iter().cloned().collect()
    }
}

/// Returns the moment that is so long from `now`; the calendar's last one where it ends before.
pub(super) fn after(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    let wait = chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::MAX);
    now.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unavailable(outage: Outage) -> UpstreamError {
        let url = "http://g.test/".to_owned();
        UpstreamError::Unavailable {
            url,
            outage,
            retry_after: None,
        }
    }

    #[test]
    fn failures_are_counted_by_kind_and_the_last_ones_kept() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let second = Duration::from_secs(1);
        let mut tally = Tally::default();
        let url = String::new;
        for error in [
            unavailable(Outage::Status(503)),
            unavailable(Outage::Status(429)),
            unavailable(Outage::Banned),
            unavailable(Outage::HeaderTimeout(second)),
            unavailable(Outage::GivenUp(second)),
            UpstreamError::NotFound {
                url: url(),
                status: 404,
            },
            UpstreamError::Refused {
                url: url(),
                status: 403,
            },
            unavailable(Outage::Status(500)),
        ] {
            tally.failed(at, &error);
        }
        let totals = tally.totals();
        assert_eq!(
            totals.failures,
            FailureCounts {
                unreachable: 0,
                overdue: 1,
                unavailable: 2,
                throttled: 2,
                refused: 1,
                unusable: 0,
            }
        );
        let errors = tally.last_errors();
        assert_eq!(errors.len(), SEEN_ERRORS);
        assert!(errors[0].error.contains("status 500"), "{errors:?}");
        assert!(errors[4].error.contains("status 429"), "{errors:?}");
    }

    #[test]
    fn the_calendar_ends_somewhere() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(after(now, Duration::from_secs(5)).timestamp(), 1_700_000_005);
        assert_eq!(after(now, Duration::MAX), DateTime::<Utc>::MAX_UTC);
    }
}
