//! The switch between larder and all of its upstreams: while it is cut, none is asked for anything.
//!
//! It knows only whether, not why; who cuts it and for how long is for others to remember.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether upstreams may be asked. Clones are handles to the same switch.
#[derive(Debug, Clone)]
pub struct Uplink {
    is_cut: Arc<watch::Sender<bool>>,
}

impl Uplink {
    /// Forbids to ask: what waits for an upstream, or is under way from one, ends.
    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Allows to ask again.
    pub fn mend(&self) {
        self.is_cut.send_replace(false);
    }

    /// Returns whether upstreams must not be asked.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        *self.is_cut.borrow()
    }

    /// Returns as soon as upstreams must not be asked.
    pub async fn until_cut(&self) {
        let mut is_cut = self.is_cut.subscribe();
        // The sender lives as long as this does.
        let _ = is_cut.wait_for(|is_cut| *is_cut).await;
    }
}

impl Default for Uplink {
    fn default() -> Self {
        Self {
            is_cut: Arc::new(watch::Sender::new(false)),
        }
    }
}

impl PartialEq for Uplink {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.is_cut, &other.is_cut)
    }
}

impl Eq for Uplink {}
