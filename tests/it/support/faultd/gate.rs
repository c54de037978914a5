//! A place in an answer where it waits until the test lets it go on, so that tests wait for events and never for time.

use std::sync::Arc;

use tokio::sync::watch;

/// A gate, closed at first. Clones are the same gate.
#[derive(Clone)]
pub(crate) struct Gate {
    /// How many may pass in all.
    admitted: Arc<watch::Sender<usize>>,
    arrivals: Arc<watch::Sender<usize>>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            admitted: Arc::new(watch::Sender::new(0)),
            arrivals: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Lets everyone pass, now and later.
    pub(crate) fn open(&self) {
        self.admitted.send_replace(usize::MAX);
    }

    /// Lets so many more pass, in the order in which they came, and closes behind them.
    pub(crate) fn admit(&self, count: usize) {
        self.admitted
            .send_modify(|admitted| *admitted = admitted.saturating_add(count));
    }

    /// Waits until `count` answers have come this far, those that have passed included.
    pub(crate) async fn reached_by(&self, count: usize) {
        let mut arrivals = self.arrivals.subscribe();
        let arrived = arrivals.wait_for(|arrived| *arrived >= count).await;
        arrived.expect("the gate keeps its sender");
    }

    /// Returns how many answers have come this far.
    pub(crate) fn arrivals(&self) -> usize {
        *self.arrivals.borrow()
    }

    pub(in crate::support) async fn pass(&self) {
        let mut place = 0;
        self.arrivals.send_modify(|arrived| {
            *arrived += 1;
            place = *arrived;
        });
        let mut admitted = self.admitted.subscribe();
        let admitted = admitted.wait_for(|admitted| *admitted >= place).await;
        admitted.expect("the gate keeps its sender");
    }
}
