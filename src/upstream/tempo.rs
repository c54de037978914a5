//! Whether an answer comes fast enough to be waited for any longer. Pure: times are arguments.
//!
//! There is no limit on a whole body: packages are large and lines are slow. But bytes that only trickle in would hold
//! a connection, and those who wait for it, for as long as it pleases an upstream.

use std::collections::VecDeque;
use std::time::Duration;

/// The slowest that an answer may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowest {
    /// Bytes a second; 0 for no limit.
    pub bytes_per_second: u64,
    /// How far back is looked. Whoever is slow for a shorter time is forgiven.
    pub over: Duration,
}

impl Default for Slowest {
    fn default() -> Self {
        Self {
            bytes_per_second: 10_000,
            over: Duration::from_secs(60),
        }
    }
}

/// In so many parts what is looked back on is kept.
const PARTS: u32 = 12;

/// How fast one answer came so far. Only the time counts in which it was waited for: a slow reader is no slow upstream.
#[derive(Debug)]
pub(super) struct Tempo {
    slowest: Slowest,
    waited: Duration,
    /// Bytes by the part of the time in which they came, the last ones only.
    parts: VecDeque<(u128, u64)>,
}

impl Tempo {
    pub(super) fn new(slowest: Slowest) -> Self {
        Self {
            slowest,
            waited: Duration::ZERO,
            parts: VecDeque::new(),
        }
    }

    pub(super) fn slowest(&self) -> Slowest {
        self.slowest
    }

    /// Takes note of bytes, and of how long they were waited for. Returns whether the answer is still fast enough.
    pub(super) fn note(&mut self, waited: Duration, bytes: usize) -> bool {
        let part = (self.slowest.over / PARTS).as_nanos().max(1);
        self.waited += waited;
        let now = self.waited.as_nanos();
        let current = now / part;
        match self.parts.back_mut() {
            Some((last, sum)) if *last == current => *sum += bytes as u64,
            _ => self.parts.push_back((current, bytes as u64)),
        }
        let first = (current + 1).saturating_sub(u128::from(PARTS));
        while self.parts.front().is_some_and(|(part, _)| *part < first) {
            self.parts.pop_front();
        }
        if self.waited < self.slowest.over {
            return true;
        }
        let came: u128 = self.parts.iter().map(|(_, bytes)| u128::from(*bytes)).sum();
        let looked_back = now - first * part;
        came * 1_000_000_000 >= u128::from(self.slowest.bytes_per_second) * looked_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Returns after how many seconds an answer is given up, each of which brings so many bytes.
    fn given_up(bytes: impl Fn(u64) -> usize) -> Option<u64> {
        let mut tempo = Tempo::new(Slowest::default());
        (1..=600).find(|second| !tempo.note(SECOND, bytes(*second)))
    }

    #[test]
    fn what_trickles_is_given_up() {
        for (name, expected, bytes) in [
            ("one byte a second", Some(60), (|_| 1) as fn(u64) -> usize),
            ("a little too slow", Some(60), |_| 9_500),
            ("just fast enough", None, |_| 10_000),
            ("in bursts", None, |second| if second % 20 == 0 { 200_000 } else { 0 }),
            ("a pause of less than a minute", None, |second| {
                if (100..150).contains(&second) { 0 } else { 100_000 }
            }),
            // What came before the last minute is no excuse.
            (
                "fast at first",
                Some(121),
                |second| if second <= 60 { 1_000_000 } else { 1 },
            ),
        ] {
            let found = given_up(bytes);
            let is_as_expected = match (found, expected) {
                (Some(found), Some(expected)) => found.abs_diff(expected) <= 6,
                (found, expected) => found == expected,
            };
            assert!(is_as_expected, "{name}: {found:?}, not {expected:?}");
        }
    }

    #[test]
    fn without_a_limit_anything_is_fast_enough() {
        let mut tempo = Tempo::new(Slowest {
            bytes_per_second: 0,
            ..Slowest::default()
        });
        assert!((0..10_000).all(|_| tempo.note(SECOND, 0)));
    }

    #[test]
    fn little_is_kept_of_the_past() {
        let mut tempo = Tempo::new(Slowest::default());
        for _ in 0..100_000 {
            tempo.note(Duration::from_millis(10), 1_000);
        }
        assert!(tempo.parts.len() <= PARTS as usize);
    }
}
