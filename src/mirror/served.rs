//! How fresh an answer is, for whoever must say so. Pure.
//!
//! An answer is put together of what several upstreams said at several times: it is as fresh as the least fresh of these.

use std::time::Duration;

use super::MirrorError;

/// How what upstreams say came into an answer. The later ones are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// No upstream has a say in it.
    Local,
    /// It was known and fresh.
    Fresh,
    /// It was known and stale: the upstream was asked first, and said what is current.
    Renewed,
    /// Nothing was known: the upstream was asked.
    Missed,
    /// It was known and stale; it is served while the upstream is asked again, or soon will be.
    Stale,
    /// It was known and stale, or not known at all, and an upstream could not be asked.
    Failed,
}

/// How fresh an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// How it came to be.
    pub standing: Standing,
    /// How long ago the upstreams said it, the longest of all; `None` where nobody has said anything.
    pub age: Option<Duration>,
    /// For how many seconds more it is fresh, the least of all; negative where it has been stale for so long. `None` where it
    /// does not come to be stale, or where nobody has said anything.
    pub ttl_seconds: Option<i64>,
}

impl Served {
    /// What no upstream has a say in.
    pub const LOCAL: Self = Self::undated(Standing::Local);

    pub(super) const fn undated(standing: Standing) -> Self {
        Self {
            standing,
            age: None,
            ttl_seconds: None,
        }
    }

    /// What was said so long ago, and is fresh for so long in all.
    pub(super) fn aged(standing: Standing, age: Duration, lifetime: Duration) -> Self {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Self {
            standing,
            age: Some(age),
            ttl_seconds: Some(seconds(lifetime).saturating_sub(seconds(age))),
        }
    }

    /// Returns how fresh an answer is that is made of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let least = [self.ttl_seconds, other.ttl_seconds].into_iter().flatten().min();
        Self {
            standing: self.standing.max(other.standing),
            age: self.age.max(other.age),
            ttl_seconds: least,
        }
    }
}

/// What came of asking upstreams for what an answer needs.
#[derive(Debug, Clone)]
pub(super) struct Learnt {
    /// How fresh what is known is.
    pub(super) served: Served,
    /// The upstreams that could not be asked, once for each thing that they could not be asked for.
    pub(super) failures: Vec<MirrorError>,
    /// Why what is known must not be served: it is too old, and nobody could be asked.
    pub(super) refusal: Option<MirrorError>,
}

impl From<Served> for Learnt {
    fn from(served: Served) -> Self {
        Self {
            served,
            failures: Vec::new(),
            refusal: None,
        }
    }
}

impl Learnt {
    pub(super) fn nothing() -> Self {
        Served::LOCAL.into()
    }

    pub(super) fn failed(failure: MirrorError) -> Self {
        Self {
            served: Served::undated(Standing::Failed),
            failures: vec![failure],
            refusal: None,
        }
    }

    pub(super) fn refused(failure: MirrorError) -> Self {
        Self {
            refusal: Some(failure.clone()),
            ..Self::failed(failure)
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.served = self.served.and(other.served);
        self.failures.extend(other.failures);
        self.refusal = self.refusal.take().or(other.refusal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_fresh_as_its_least_fresh_part() {
        let seconds = Duration::from_secs;
        let fresh = Served::aged(Standing::Fresh, seconds(10), seconds(600));
        let stale = Served::aged(Standing::Stale, seconds(700), seconds(600));
        let failed = Served::undated(Standing::Failed);
        for (left, right, standing, age, ttl) in [
            (Served::LOCAL, Served::LOCAL, Standing::Local, None, None),
            (Served::LOCAL, fresh, Standing::Fresh, Some(10), Some(590)),
            (fresh, stale, Standing::Stale, Some(700), Some(-100)),
            (failed, fresh, Standing::Failed, Some(10), Some(590)),
            (failed, stale, Standing::Failed, Some(700), Some(-100)),
        ] {
            let expected = Served {
                standing,
                age: age.map(seconds),
                ttl_seconds: ttl,
            };
            assert_eq!(left.and(right), expected, "{left:?} and {right:?}");
            assert_eq!(right.and(left), expected, "{right:?} and {left:?}");
        }
    }
}
