//! Many want the same at the same time: every order of their turns that a scheduler thinks of must end well.
//!
//! The files of `src/mirror/coalesce` are compiled here once more, with the locks and tasks of shuttle, which runs a test
//! thousands of times, each time with other turns, and finds tasks that wait for ever. A failure prints the schedule that
//! `shuttle::replay` repeats.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, also where clippy does not see that it is one"
)]

#[path = "../../src/mirror/coalesce/board.rs"]
mod board;
#[path = "../../src/mirror/coalesce/coalescer.rs"]
mod coalescer;
#[path = "../../src/mirror/coalesce/flights.rs"]
mod flights;
mod one_for_all;
#[path = "../../src/mirror/coalesce/passage.rs"]
mod passage;
mod reading;

/// What those files need of threads and tasks.
mod sync {
    pub(crate) use shuttle::future::spawn;
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;

    use shuttle::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::futures::Notified;

    /// tokio's, of which each use may be another's turn first.
    #[derive(Debug, Default)]
    pub(crate) struct Notify {
        uses: AtomicUsize,
        notify: tokio::sync::Notify,
    }

    impl Notify {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn notified(&self) -> Notified<'_> {
            self.uses.fetch_add(1, Ordering::SeqCst);
            self.notify.notified()
        }

        pub(crate) fn notify_waiters(&self) {
            self.uses.fetch_add(1, Ordering::SeqCst);
            self.notify.notify_waiters();
        }
    }
}

/// How many schedules are tried of each test and kind.
const SCHEDULES: usize = 1500;

/// How many times a schedule takes the turn away from whoever is first in line: most faults need one or two.
const DEPTH: usize = 3;

/// Tries a test with turns by chance, and with turns by rank, which is taken away now and then.
fn try_all(test: impl Fn() + Send + Sync + Copy + 'static) {
    shuttle::check_random(test, SCHEDULES);
    shuttle::check_pct(test, SCHEDULES, DEPTH);
}
