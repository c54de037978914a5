//! When to stop asking an upstream that does not answer, and when to try again. Pure: the time is an argument.
//!
//! A circuit breaker. Closed, it counts; after too many failures it opens, and whoever would ask is told at once. When its
//! time is over one request is let through as a probe: if that succeeds the breaker closes, if it fails it stays open twice as
//! long as before. Only what says that the upstream is not there counts: an answer that it has no such package is an answer.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// When the breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub in_a_row: u32,
    /// How far it looks back for the share of failures.
    pub window: Duration,
    /// The fewest requests within the window from which a share is taken; more than half of them failed opens it.
    pub at_least: usize,
    /// How long it stays open the first time.
    pub open: Duration,
    /// The longest that it stays open.
    pub open_at_most: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            in_a_row: 5,
            window: Duration::from_secs(30),
            at_least: 20,
            open: Duration::from_secs(10),
            open_at_most: Duration::from_secs(300),
        }
    }
}

/// What a breaker says of the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may go.
    Go,
    /// It may go, and decides how things go on.
    Probe,
    /// It must not; the next probe is due in so long.
    Wait(Duration),
}

/// How a breaker stands, for whoever looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Requests go.
    Closed,
    /// None goes; the next probe is due in so long.
    Open(Duration),
    /// A probe is under way.
    Probing,
}

/// The state of one upstream's breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    settings: BreakerSettings,
    state: Stand,
    failures_in_a_row: u32,
    outcomes: VecDeque<(Instant, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Closed,
    /// Nobody asks before `until`; it was opened for `open`.
    Open {
        until: Instant,
        open: Duration,
    },
    /// The probe that left at `since` has not come back.
    Probing {
        since: Instant,
        open: Duration,
    },
}

impl Breaker {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: Stand::Closed,
            failures_in_a_row: 0,
            outcomes: VecDeque::new(),
        }
    }

    /// Says whether a request may go now; if it is a probe, it is on its way with that.
    pub(super) fn ask(&mut self, now: Instant) -> Verdict {
        let verdict = self.look(now);
        if let (Verdict::Probe, Stand::Open { open, .. } | Stand::Probing { open, .. }) = (verdict, self.state) {
            self.state = Stand::Probing { since: now, open };
        }
        verdict
    }

    /// Says whether a request could go now.
    pub(super) fn look(&self, now: Instant) -> Verdict {
        let due = match self.state {
            Stand::Closed => return Verdict::Go,
            Stand::Open { until, .. } => until,
            // A probe that was given up by whoever sent it must not hold everybody for ever.
            Stand::Probing { since, open } => since + open,
        };
        match due.saturating_duration_since(now) {
            Duration::ZERO => Verdict::Probe,
            wait => Verdict::Wait(wait),
        }
    }

    /// Takes note of an answer, whatever it says.
    pub(super) fn answered(&mut self, now: Instant) {
        self.failures_in_a_row = 0;
        if self.state != Stand::Closed {
            self.state = Stand::Closed;
            self.outcomes.clear();
        }
        self.note(now, true);
    }

    /// Takes note of a failure. Returns how long the breaker is open if this opened it.
    pub(super) fn failed(&mut self, now: Instant) -> Option<Duration> {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.note(now, false);
        let open = match self.state {
            Stand::Closed if self.is_bad() => self.settings.open,
            Stand::Probing { open, .. } => (open * 2).min(self.settings.open_at_most),
            Stand::Closed | Stand::Open { .. } => return None,
        };
        self.state = Stand::Open {
            until: now + open,
            open,
        };
        Some(open)
    }

    /// Returns how it stands.
    pub(super) fn state(&self, now: Instant) -> State {
        match self.state {
            Stand::Closed => State::Closed,
            Stand::Open { until, .. } => State::Open(until.saturating_duration_since(now)),
            Stand::Probing { .. } => State::Probing,
        }
    }

    /// Returns whether requests are held back now.
    pub(super) fn is_open(&self) -> bool {
        self.state != Stand::Closed
    }

    fn note(&mut self, now: Instant, is_answer: bool) {
        self.outcomes.push_back((now, is_answer));
        while let Some((at, _)) = self.outcomes.front()
            && (now.saturating_duration_since(*at) > self.settings.window || self.outcomes.len() > MAX_OUTCOMES)
        {
            self.outcomes.pop_front();
        }
    }

    fn is_bad(&self) -> bool {
        let failures = self.outcomes.iter().filter(|(_, is_answer)| !is_answer).count();
        self.failures_in_a_row >= self.settings.in_a_row
            || (self.outcomes.len() >= self.settings.at_least && failures * 2 > self.outcomes.len())
    }
}

/// The most outcomes that are remembered, however many requests a window has.
const MAX_OUTCOMES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..4 {
            assert_eq!(breaker.failed(now), None);
        }
        assert_eq!(breaker.failed(now), Some(10 * SECOND));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_does_not() {
        let now = Instant::now();
        let mut breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..3 {
            for _ in 0..4 {
                assert_eq!(breaker.failed(now), None);
            }
            for _ in 0..6 {
                breaker.answered(now);
            }
        }
        assert_eq!(breaker.ask(now), Verdict::Go);
        let mut breaker = opened(now);
        assert_eq!(breaker.ask(now + 3 * SECOND), Verdict::Wait(7 * SECOND));
    }

    #[test]
    fn more_failures_than_answers_open_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(BreakerSettings::default());
        let mut opened = None;
        for n in 0..20 {
            if n % 3 == 0 {
                breaker.answered(now);
            } else {
                opened = opened.or(breaker.failed(now).map(|_| n));
            }
        }
        assert_eq!(opened, Some(19));
        // Those that are long ago do not count.
        let mut breaker = Breaker::new(BreakerSettings::default());
        for n in 0..40 {
            let at = now + n * 2 * SECOND;
            if n % 3 == 0 {
                breaker.answered(at);
            } else {
                assert_eq!(breaker.failed(at), None, "{n}");
            }
        }
    }

    #[test]
    fn one_probe_goes_and_decides() {
        let start = Instant::now();
        let mut breaker = opened(start);
        let due = start + 10 * SECOND;
        assert_eq!(breaker.ask(due), Verdict::Probe);
        assert_eq!(breaker.ask(due + SECOND), Verdict::Wait(9 * SECOND));
        assert_eq!(breaker.failed(due + 2 * SECOND), Some(20 * SECOND));
        assert_eq!(breaker.ask(due + 3 * SECOND), Verdict::Wait(19 * SECOND));
        assert_eq!(breaker.ask(due + 22 * SECOND), Verdict::Probe);
        breaker.answered(due + 23 * SECOND);
        assert!(!breaker.is_open());
        // Closed, it forgets: the next failures count from nothing.
        assert_eq!(breaker.failed(due + 23 * SECOND), None);
        assert_eq!(breaker.ask(due + 23 * SECOND), Verdict::Go);
    }

    #[test]
    fn it_opens_longer_up_to_a_limit() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        let mut lengths = Vec::new();
        for _ in 0..7 {
            now += 400 * SECOND;
            assert_eq!(breaker.ask(now), Verdict::Probe);
            lengths.extend(breaker.failed(now).map(|open| open.as_secs()));
        }
        assert_eq!(lengths, [20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn a_lost_probe_is_sent_again() {
        let start = Instant::now();
        let mut breaker = opened(start);
        assert_eq!(breaker.ask(start + 10 * SECOND), Verdict::Probe);
        assert_eq!(breaker.ask(start + 20 * SECOND), Verdict::Probe);
    }
}
