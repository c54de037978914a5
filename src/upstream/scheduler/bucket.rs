//! How often something may be asked: a token bucket. Pure: the time is an argument.
//!
//! It is the generic cell rate algorithm, which remembers one moment alone: when the bucket will be full again. No crate's
//! bucket is used, for here one request takes from several buckets or from none of them, those who can wait leave some for those
//! who cannot, and whoever waits is told for how long: each needs to look into a bucket without taking from it.

use std::time::{Duration, Instant};

/// A limit, and how much of it is left.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    per_minute: u32,
    /// What may go at once after a time of quiet.
    burst: u32,
    /// The time that one token takes to come back.
    interval: Duration,
    /// When it is, or was, full.
    full_at: Instant,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Bucket {
    /// Makes a bucket that lets no more than `per_minute` through in any one minute, whenever that begins: what may go at once is
    /// a fourth of it, and the rest comes back in the course of the minute. At first there is one token in it, so that larders that
    /// are started again and again do not ask more than one that runs. `per_minute` is at least 1.
    pub(super) fn new(per_minute: u32, now: Instant) -> Self {
        let per_minute = per_minute.max(1);
        let burst = (per_minute / 4).max(1);
        let rate = (per_minute - burst).max(1);
        // Rounded up: a token a minute is one later than after a minute.
        let interval = MINUTE / rate + Duration::from_nanos(1);
        let full_at = now + interval * (burst - 1);
        Self {
            per_minute,
            burst,
            interval,
            full_at,
        }
    }

    pub(super) fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Returns how many tokens there are.
    pub(super) fn left(&self, now: Instant) -> u32 {
        let missing = self.full_at.saturating_duration_since(now);
        let missing = missing.as_nanos().div_ceil(self.interval.as_nanos());
        u32::try_from(missing).map_or(0, |missing| self.burst.saturating_sub(missing))
    }

    /// Returns how many tokens are left for the most urgent requests by those that are less so by `steps`. It may be more than
    /// there can be: then it takes a time of quiet until those may go.
    pub(super) fn reserve(&self, steps: u32) -> u32 {
        if steps == 0 { 0 } else { (self.burst * steps / 4).max(1) }
    }

    /// Returns how long it takes until `count` tokens, one at least, can be taken one after the other and `reserve` are still there.
    pub(super) fn wait(&self, now: Instant, count: u32, reserve: u32) -> Duration {
        let wait = |full_at: Instant, tokens: u32| match tokens.checked_sub(self.burst) {
            Some(beyond) => (full_at + self.interval * beyond).saturating_duration_since(now),
            None => (full_at).saturating_duration_since(now + self.interval * (self.burst - tokens)),
        };
        // Full is full: but for the reserve, a longer quiet gives no more.
        wait(self.full_at.max(now), count).max(wait(self.full_at, count.saturating_add(reserve)))
    }

    /// Takes a token, one that is not there yet too; returns how long it takes until it is.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        let wait = self.wait(now, 1, 0);
        self.full_at = self.full_at.max(now) + self.interval;
        wait
    }

    /// Puts a token back that was not used.
    pub(super) fn put_back(&mut self) {
        self.full_at = self.full_at.checked_sub(self.interval).unwrap_or(self.full_at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_bucket_fills_in_the_course_of_a_minute() {
        let start = Instant::now();
        let mut bucket = Bucket::new(20, start);
        // Five at once, fifteen a minute.
        assert_eq!((bucket.left(start), bucket.take(start)), (1, Duration::ZERO));
        assert_eq!(bucket.left(start), 0);
        assert_eq!(bucket.wait(start, 1, 0).as_secs(), 4);
        assert_eq!(bucket.wait(start, 3, 0).as_secs(), 12);
        let full = start + 21 * SECOND;
        assert_eq!(bucket.left(full), 5);
        assert_eq!(bucket.left(full + MINUTE), 5);
        assert_eq!(bucket.wait(full + MINUTE, 5, 0), Duration::ZERO);
        assert_eq!(bucket.wait(full + MINUTE, 6, 0).as_secs(), 4);
        for _ in 0..5 {
            assert_eq!(bucket.take(full), Duration::ZERO);
        }
        assert_eq!(bucket.left(full), 0);
        bucket.put_back();
        assert_eq!(bucket.left(full), 1);
        assert_eq!(bucket.take(full), Duration::ZERO);
        // Taken before they are there, one after the other.
        assert_eq!(bucket.take(full).as_secs(), 4);
        assert_eq!(bucket.take(full).as_secs(), 8);
        assert_eq!(bucket.left(full + 8 * SECOND), 0);
    }

    #[test]
    fn what_can_wait_leaves_some() {
        let start = Instant::now();
        let full = start + MINUTE;
        let mut bucket = Bucket::new(16, start);
        assert_eq!([0, 1, 2, 3].map(|steps| bucket.reserve(steps)), [0, 1, 2, 3]);
        assert_eq!(bucket.wait(full, 1, 3), Duration::ZERO);
        bucket.take(full);
        assert_eq!(bucket.wait(full, 1, 3).as_secs(), 5);
        assert_eq!(bucket.wait(full, 1, 2), Duration::ZERO);
        // Where there is but one token, it must have been there for a while.
        let mut bucket = Bucket::new(4, start);
        assert_eq!(bucket.reserve(3), 1);
        bucket.take(start);
        assert_eq!(bucket.wait(start, 1, 0).as_secs(), 20);
        assert_eq!(bucket.wait(start, 1, 1).as_secs(), 40);
        assert_eq!(bucket.wait(start + MINUTE, 1, 1), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_its_limit(
            per_minute in 1_u32..60,
            arrivals in prop::collection::vec((0_u64..20_000, any::<bool>()), 1..400),
        ) {
            let start = Instant::now();
            let mut now = start;
            let mut bucket = Bucket::new(per_minute, start);
            let mut gone: Vec<Instant> = Vec::new();
            for (pause, patient) in arrivals {
                now += Duration::from_millis(pause / 10);
                let wait = bucket.wait(now, 1, 0);
                prop_assert_eq!(wait.is_zero(), bucket.left(now) > 0);
                if wait.is_zero() || patient {
                    // Who waits for a token that is not there yet goes when it is.
                    prop_assert_eq!(bucket.take(now), wait);
                    gone.push(now + wait);
                }
            }
            for (first, at) in gone.iter().enumerate() {
                let within = gone[first..].iter().take_while(|then| **then <= *at + MINUTE).count();
                prop_assert!(within <= per_minute as usize, "{within} of {per_minute}");
            }
        }

        #[test]
        fn nobody_waits_longer_than_said(
            per_minute in 1_u32..60,
            taken in 0_u32..40,
            count in 1_u32..40,
            reserve in 0_u32..20,
        ) {
            let start = Instant::now();
            let mut bucket = Bucket::new(per_minute, start);
            for _ in 0..taken {
                bucket.take(start);
            }
            let wait = bucket.wait(start, count, reserve);
            let then = start + wait;
            prop_assert_eq!(bucket.wait(then, count.min(bucket.burst), reserve), Duration::ZERO);
            if let Some(before) = then.checked_sub(Duration::from_millis(1))
                && wait > Duration::from_millis(1)
            {
                prop_assert!(!bucket.wait(before, count, reserve).is_zero());
            }
        }
    }
}
