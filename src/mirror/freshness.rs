//! Whether what is known of an id at an upstream may be used as it is. Pure.
//!
//! A finding is fresh for a time. Then it is stale: for a while it is served while the upstream is asked again, later the upstream
//! is asked first, and where it cannot answer the stale finding is served for long. "Absent" is fresh for a shorter time, because a
//! package that was just published is looked for at once, and is never served stale.
//!
//! Within a process findings age by a clock that nobody sets. Those that come from before it are as old as the wall clock says;
//! one that seems to be of the future is stale, for the clock was set back.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant as Moment};

use crate::catalog::{Instant, SourceName};
use crate::nuget::PackageId;

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

/// How far a lifetime is stretched or shrunk by chance: what was learnt together is not asked for again together.
const JITTER: f64 = 0.1;

/// When something was said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Said {
    /// When this process learnt of it.
    learnt: Moment,
    /// How old it was then.
    age: Duration,
    /// From 0 to 1.
    chance: f64,
}

impl Said {
    /// What is said now.
    pub(super) fn now(now: Moment, chance: f64) -> Self {
        Self {
            learnt: now,
            age: Duration::ZERO,
            chance,
        }
    }

    /// What was noted at an instant, by this process or one before it.
    pub(super) fn noted(at: Instant, wall: Instant, now: Moment, chance: f64, lifetimes: &Lifetimes) -> Self {
        Self {
            learnt: now,
            age: (wall - at)
                .to_std()
                .unwrap_or_else(|_| jittered(lifetimes.present, chance)),
            chance,
        }
    }

    pub(super) fn age(&self, now: Moment) -> Duration {
        self.age.saturating_add(now.saturating_duration_since(self.learnt))
    }
}

/// What an upstream said of an id.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Finding {
    /// Nothing, as far as is known.
    Nothing,
    /// It has versions of it: they are in the index.
    Present(Said, Address),
    /// It has none, and has said so for the so-manieth time.
    Absent(Said, u32),
}

/// Where something was learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    /// At the upstream's address.
    Current,
    /// At another address that the upstream had: what lies at the new one may be another gallery.
    Former,
}

/// Whether the upstream can be asked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    Online,
    /// The administrator wants no upstream to be asked.
    Offline,
}

/// What a finding is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It is served.
    Fresh,
    /// That there is nothing is served.
    Absent,
    /// It is served, and the upstream asked again meanwhile.
    Stale,
    /// It is served, and the upstream is not asked.
    Kept,
    /// The upstream is asked; it is served where that fails.
    Old,
    /// The upstream is asked; it is served no more.
    Expired,
    /// The upstream is asked; there is nothing to serve.
    Miss,
}

impl Finding {
    /// Returns how long the finding is fresh in all.
    pub(super) fn lifetime(&self, lifetimes: &Lifetimes) -> Duration {
        match self {
            Self::Nothing => Duration::ZERO,
            Self::Present(said, _) => jittered(lifetimes.present, said.chance),
            Self::Absent(_, times) => {
                let factor = 1_u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX);
                let longest = lifetimes.absent_longest.max(lifetimes.absent);
                lifetimes.absent.saturating_mul(factor).min(longest)
            }
        }
    }

    /// Returns how long ago it was said.
    pub(super) fn age(&self, now: Moment) -> Option<Duration> {
        match self {
            Self::Nothing => None,
            Self::Present(said, _) | Self::Absent(said, _) => Some(said.age(now)),
        }
    }

    /// Returns the finding of an upstream that says now, after this one, that it has nothing.
    pub(super) fn absent_again(&self, now: Moment) -> Self {
        let times = match self {
            Self::Absent(_, times) => times.saturating_add(1),
            Self::Nothing | Self::Present(..) => 1,
        };
        Self::Absent(Said::now(now, 0.0), times)
    }
}

/// Decides what a finding is worth at a moment.
#[must_use]
pub(super) fn decide(finding: &Finding, now: Moment, lifetimes: &Lifetimes, connection: Connection) -> Freshness {
    let fresh = finding.lifetime(lifetimes);
    let (said, address) = match finding {
        Finding::Absent(said, _) if said.age(now) < fresh => return Freshness::Absent,
        Finding::Nothing | Finding::Absent(..) => return Freshness::Miss,
        Finding::Present(said, address) => (said, *address),
    };
    let age = said.age(now);
    let served_until = |extra: Duration| age < fresh.saturating_add(extra);
    let may_be_served = address == Address::Current && !lifetimes.present.is_zero();
    if may_be_served && served_until(Duration::ZERO) {
        Freshness::Fresh
    } else if connection == Connection::Offline {
        Freshness::Kept
    } else if may_be_served && served_until(lifetimes.stale_while_revalidate) {
        Freshness::Stale
    } else if served_until(lifetimes.stale_if_error) {
        Freshness::Old
    } else {
        Freshness::Expired
    }
}

/// Returns the chance that stretches the lifetime of what was learnt of an id at an instant: the same for the same.
#[must_use]
pub(super) fn chance(source: &SourceName, id: &PackageId, at: Instant) -> f64 {
    let mut hasher = DefaultHasher::new();
    (source.as_str(), id.lower(), at.timestamp_micros()).hash(&mut hasher);
    let bits = u32::try_from(hasher.finish() >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

fn jittered(lifetime: Duration, chance: f64) -> Duration {
    let factor = 1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0);
    Duration::try_from_secs_f64(lifetime.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
