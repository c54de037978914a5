//! What time it is: the only place that reads the system's clock. It knows nothing of what the time is used for; code
//! that decides by time is handed a `DateTime` or a [`Clock`], so that tests can set it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound as _, Utc};
use tokio::sync::Notify;

/// Tells the time. Clones are handles to the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Hand);

#[derive(Clone, Debug)]
enum Hand {
    System,
    Manual(ManualClock),
}

impl Clock {
    /// Returns the system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Hand::System)
    }

    /// Returns the present time, in whole microseconds: what the index keeps, so that a time reads the same before and after
    /// it was stored.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Hand::System => Utc::now().trunc_subsecs(6),
            Hand::Manual(manual) => manual.read().now,
        }
    }

    /// Waits until the monotonic time has gone on by so much.
    pub async fn sleep(&self, wait: Duration) {
        let Hand::Manual(manual) = &self.0 else {
            return tokio::time::sleep(wait).await;
        };
        let until = self.monotonic() + wait;
        loop {
            let moved = manual.0.moved.notified();
            let left = until.saturating_duration_since(self.monotonic());
            tokio::select! {
                () = moved => {}
                () = tokio::time::sleep(left) => return,
            }
        }
    }

    /// Returns the present moment of a time that only ever runs forwards, whatever is done to the system's clock: for how long
    /// things last. Within a tokio runtime whose time is paused, that time.
    #[must_use]
    pub fn monotonic(&self) -> Instant {
        let running = tokio::time::Instant::now().into_std();
        match &self.0 {
            Hand::System => running,
            Hand::Manual(manual) => running + manual.read().skipped,
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// Sets the time that the clocks made from it tell; it stands still otherwise. For tests.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Manual>);

#[derive(Debug)]
struct Manual {
    reading: Mutex<Reading>,
    /// Wakes those who sleep when the time is moved.
    moved: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    now: DateTime<Utc>,
    /// What the monotonic time was moved forwards by; it runs by itself too, for sleepers depend on it.
    skipped: Duration,
}

impl ManualClock {
    /// Starts a clock that stands at `now`.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        let skipped = Duration::ZERO;
        Self(Arc::new(Manual {
            reading: Mutex::new(Reading { now, skipped }),
            moved: Notify::new(),
        }))
    }

    /// Returns a clock that tells this one's time.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock(Hand::Manual(self.clone()))
    }

    /// Sets the time, forwards or backwards; the monotonic time does not care.
    pub fn set(&self, now: DateTime<Utc>) {
        self.lock().now = now;
    }

    /// Moves both times forwards; they stay where they are when the calendar ends before.
    pub fn advance(&self, by: Duration) {
        let mut reading = self.lock();
        let later = chrono::Duration::from_std(by)
            .ok()
            .and_then(|by| reading.now.checked_add_signed(by));
        if let Some(later) = later {
            reading.now = later;
            reading.skipped = reading.skipped.saturating_add(by);
        }
        drop(reading);
        self.0.moved.notify_waiters();
    }

    fn read(&self) -> Reading {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.0.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let manual = ManualClock::at(start);
        let clock = manual.clock();
        assert_eq!(clock.now(), start);

        manual.advance(Duration::from_mins(1));
        assert_eq!(clock.clone().now(), start + chrono::Duration::seconds(60));

        manual.set(start);
        assert_eq!(clock.now(), start);

        manual.advance(Duration::MAX);
        assert_eq!(clock.now(), start);
    }

    #[test]
    fn monotonic_time_is_moved_forwards_alone() {
        let manual = ManualClock::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let clock = manual.clock();
        let start = clock.monotonic();
        manual.set(DateTime::from_timestamp(0, 0).unwrap());
        assert!(clock.monotonic() >= start);
        manual.advance(Duration::from_secs(3600));
        let passed = clock.monotonic() - start;
        assert!(passed >= Duration::from_secs(3600), "{passed:?}");
        manual.advance(Duration::MAX);
        assert!(clock.monotonic() < start + Duration::from_secs(7200));
    }

    #[tokio::test]
    async fn sleepers_wake_when_the_time_is_moved() {
        let manual = ManualClock::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let clock = manual.clock();
        let start = clock.monotonic();
        let sleeper = tokio::spawn(async move { clock.sleep(Duration::from_secs(3600)).await });
        while !sleeper.is_finished() {
            manual.advance(Duration::from_secs(60));
            tokio::task::yield_now().await;
        }
        sleeper.await.unwrap();
        assert!(manual.clock().monotonic() - start >= Duration::from_secs(3600));
    }

    #[test]
    fn the_system_clock_runs() {
        let clock = Clock::system();
        let first = clock.now();
        assert!(first.timestamp() > 1_700_000_000);
        assert!(clock.now() >= first);
    }
}
