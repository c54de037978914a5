//! How urgently something is wanted from an upstream: where not everything can be asked at once, what somebody waits for goes first.

use std::sync::Arc;

use tokio::sync::watch;

/// What a question to an upstream is for; the later ones give way to the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A client waits for the answer.
    Client,
    /// What is known is served meanwhile, and is to be renewed.
    Revalidation,
    /// It may be asked for later.
    Prefetch,
    /// The upstream's list of packages is walked.
    Sync,
}

/// The priority of one piece of work. Clones are handles to the same: it rises when somebody joins the work who has less time.
#[derive(Debug, Clone)]
pub struct Urgency(Arc<watch::Sender<Priority>>);

impl Urgency {
    /// Begins with a priority.
    #[must_use]
    pub fn new(priority: Priority) -> Self {
        Self(Arc::new(watch::Sender::new(priority)))
    }

    /// Makes the work at least so urgent.
    pub fn raise(&self, priority: Priority) {
        self.0.send_if_modified(|now| {
            let rises = priority < *now;
            *now = priority.min(*now);
            rises
        });
    }

    /// Returns how urgent the work is by now.
    #[must_use]
    pub fn get(&self) -> Priority {
        *self.0.borrow()
    }

    /// Tells of every rise from now on.
    pub(super) fn watch(&self) -> watch::Receiver<Priority> {
        self.0.subscribe()
    }
}

impl Default for Urgency {
    /// Somebody waits.
    fn default() -> Self {
        Self::new(Priority::Client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgency_only_rises() {
        let urgency = Urgency::new(Priority::Sync);
        let handle = urgency.clone();
        for (raised, expected) in [
            (Priority::Sync, Priority::Sync),
            (Priority::Revalidation, Priority::Revalidation),
            (Priority::Prefetch, Priority::Revalidation),
            (Priority::Client, Priority::Client),
            (Priority::Sync, Priority::Client),
        ] {
            handle.raise(raised);
            assert_eq!(urgency.get(), expected);
        }
        assert_eq!(Urgency::new(Priority::Prefetch).get(), Priority::Prefetch);
    }
}
