//! A state that many wait for.

use super::sync::{Mutex, MutexGuard, Notify, PoisonError};

/// A state, and those who wait for it to become another.
#[derive(Debug, Default)]
pub(crate) struct Board<S> {
    state: Mutex<S>,
    changed: Notify,
}

impl<S> Board<S> {
    /// Shows a state.
    pub(crate) fn new(state: S) -> Self {
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Looks at the state, or changes what nobody waits for.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut S) -> T) -> T {
        look(&mut self.lock())
    }

    /// Changes the state; all who wait look again.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let outcome = change(&mut self.lock());
        self.changed.notify_waiters();
        outcome
    }

    /// Waits until `find` finds something in the state. No change is missed.
    ///
    /// # Cancel safety
    /// Dropped, it has changed nothing.
    pub(crate) async fn until<T>(&self, find: impl Fn(&S) -> Option<T>) -> T {
        if let Some(found) = find(&self.lock()) {
            return found;
        }
        loop {
            // From here on a change wakes this; then it is time to look.
            let changed = self.changed.notified();
            if let Some(found) = find(&self.lock()) {
                return found;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
