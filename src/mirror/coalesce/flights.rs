//! Who leads and who follows, by key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::sync::{Mutex, PoisonError};

/// Why those who wait get no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The work panicked, or was dropped before its end.
    Dropped,
    /// As many as may wait for it wait already.
    Crowded,
}

/// What is under way, as its followers see it.
pub(crate) trait Flight {
    /// Ends it, unless it has ended: nobody leads it any more.
    fn lose(&self);
}

/// All that is under way.
#[derive(Debug)]
pub(crate) struct Flights<K, F> {
    running: Running<K, F>,
}

type Running<K, F> = Arc<Mutex<HashMap<K, Arc<F>>>>;

/// How somebody takes part.
pub(crate) enum Joined<K: Eq + Hash, F: Flight> {
    /// As the one who does the work, and sees it like a follower.
    Leads(Lead<K, F>, Arc<F>),
    /// As one who waits.
    Follows(Arc<F>),
    /// Not at all: too many wait.
    Crowded,
}

/// The duty to end a flight. Dropped, also by a panic, it makes room for the next, and loses a flight that has not ended.
pub(crate) struct Lead<K: Eq + Hash, F: Flight> {
    running: Running<K, F>,
    key: K,
    flight: Arc<F>,
}

impl<K, F> Default for Flights<K, F> {
    fn default() -> Self {
        Self {
            running: Arc::default(),
        }
    }
}

impl<K: Clone + Eq + Hash, F: Flight> Flights<K, F> {
    /// Joins what is under way for `key`, if no more than `most` take part with this, or begins it.
    pub(crate) fn join(&self, key: K, most: usize, begin: impl FnOnce() -> F) -> Joined<K, F> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = running.get(&key) {
            // Whoever takes part holds it; so do this map and the lead.
            if Arc::strong_count(flight) >= most.saturating_add(2) {
                return Joined::Crowded;
            }
            return Joined::Follows(Arc::clone(flight));
        }
        let flight = Arc::new(begin());
        running.insert(key.clone(), Arc::clone(&flight));
        let lead = Lead {
            running: Arc::clone(&self.running),
            key,
            flight: Arc::clone(&flight),
        };
        Joined::Leads(lead, flight)
    }
}

impl<K: Eq + Hash, F: Flight> Lead<K, F> {
    /// Returns what is led.
    pub(crate) fn flight(&self) -> &F {
        &self.flight
    }

    /// Ends the flight. Whoever comes from now on begins the next one, so its work must be done.
    pub(crate) fn land(self, end: impl FnOnce(&F)) {
        self.make_room();
        end(&self.flight);
    }

    fn make_room(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // The next one may have begun.
        if running
            .get(&self.key)
            .is_some_and(|flight| Arc::ptr_eq(flight, &self.flight))
        {
            running.remove(&self.key);
        }
    }
}

impl<K: Eq + Hash, F: Flight> Drop for Lead<K, F> {
    fn drop(&mut self) {
        self.make_room();
        self.flight.lose();
    }
}
