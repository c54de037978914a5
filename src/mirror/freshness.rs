//! Whether what is known of an id at an upstream may be used as it is. Pure.
//!
//! A finding is fresh for a time, then stale: an upstream is asked again, and while it cannot answer the stale finding is
//! served. "Absent" is fresh for a shorter time, because a package that was just published is looked for at once. Times run by
//! the wall clock, since findings outlive the process; a clock set back makes a finding stale, never fresh for ever.

use std::time::Duration;

use chrono::TimeDelta;

use crate::catalog::Instant;

/// What an upstream said of an id, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// It has versions of it: they are in the index.
    Present(Instant),
    /// It has none.
    Absent(Instant),
}

/// How long what an upstream says is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// How long "it has versions of it" is fresh. Zero: it is asked every time, and waited for.
    pub present: Duration,
    /// How much longer it is served while the upstream is asked again.
    pub stale_while_revalidate: Duration,
    /// How much longer than fresh it is served where the upstream cannot be asked.
    pub stale_if_error: Duration,
    /// How long "it has none" is fresh, when it is said for the first time.
    pub absent: Duration,
    /// What that rises to, doubled each time that it is said again.
    pub absent_longest: Duration,
    /// How long a page of a search is not asked for again.
    pub search: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            present: Duration::from_secs(600),
            stale_while_revalidate: Duration::from_secs(3600),
            stale_if_error: Duration::from_secs(30 * 86_400),
            absent: Duration::from_secs(60),
            absent_longest: Duration::from_secs(600),
            search: Duration::from_secs(300),
        }
    }
}

/// What a finding is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// The upstream was asked a short while ago.
    Fresh,
    /// It was asked, but long ago.
    Stale,
    /// It was never asked.
    Miss,
}

/// Decides what a finding is worth at an instant.
#[must_use]
pub(super) fn decide(finding: Option<Finding>, now: Instant, lifetimes: Lifetimes) -> Freshness {
    let (at, lifetime) = match finding {
        None => return Freshness::Miss,
        Some(Finding::Present(at)) => (at, lifetimes.present),
        Some(Finding::Absent(at)) => (at, lifetimes.absent),
    };
    let age = now - at;
    let is_fresh = age >= TimeDelta::zero() && age.to_std().is_ok_and(|age| age < lifetime);
    if is_fresh { Freshness::Fresh } else { Freshness::Stale }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_age() {
        let at = Instant::from_timestamp(1_000_000, 0).unwrap();
        let lifetimes = Lifetimes {
            present: Duration::from_secs(600),
            absent: Duration::from_secs(60),
            ..Lifetimes::default()
        };
        let (present, absent) = (Some(Finding::Present(at)), Some(Finding::Absent(at)));
        for (finding, seconds, expected) in [
            (None, 0, Freshness::Miss),
            (present, 0, Freshness::Fresh),
            (present, 599, Freshness::Fresh),
            (present, 600, Freshness::Stale),
            (absent, 59, Freshness::Fresh),
            (absent, 60, Freshness::Stale),
            (present, -1, Freshness::Stale),
            (present, 400_000_000, Freshness::Stale),
        ] {
            let now = at + TimeDelta::seconds(seconds);
            assert_eq!(
                decide(finding, now, lifetimes),
                expected,
                "{finding:?} after {seconds} s"
            );
        }
    }
}
