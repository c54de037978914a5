//! What time it is: the only place that reads the system's clock. It knows nothing of what the time is used for; code
//! that decides by time is handed a `DateTime` or a [`Clock`], so that tests can set it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

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

    /// Returns the present time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Hand::System => Utc::now(),
            Hand::Manual(manual) => manual.read(),
        }
    }
}

/// Sets the time that the clocks made from it tell; it stands still otherwise. For tests.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<DateTime<Utc>>>);

impl ManualClock {
    /// Starts a clock that stands at `now`.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Returns a clock that tells this one's time.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock(Hand::Manual(self.clone()))
    }

    /// Sets the time, forwards or backwards.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves the time forwards; stays where it is when the calendar ends before.
    pub fn advance(&self, by: std::time::Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let later = chrono::Duration::from_std(by)
            .ok()
            .and_then(|by| now.checked_add_signed(by));
        *now = later.unwrap_or(*now);
    }

    fn read(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
    fn the_system_clock_runs() {
        let clock = Clock::system();
        let first = clock.now();
        assert!(first.timestamp() > 1_700_000_000);
        assert!(clock.now() >= first);
    }
}
