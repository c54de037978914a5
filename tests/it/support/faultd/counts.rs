//! What an upstream counts: how often and how much it was asked.

use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Default)]
pub(super) struct Counts {
    connections: AtomicUsize,
    open: Gauge,
    answering: Gauge,
    sent: AtomicUsize,
    received: AtomicUsize,
}

/// A number that rises and falls, and the highest that it was.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    fn up(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn down(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What was counted until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Connections that were made.
    pub(crate) connections: usize,
    /// Connections that are open.
    pub(crate) open: usize,
    /// The most connections that were open at a time.
    pub(crate) most_open: usize,
    /// The most requests that were being answered at a time.
    pub(crate) most_answering: usize,
    /// Bytes sent, heads included.
    pub(crate) sent: usize,
    /// Bytes received.
    pub(crate) received: usize,
}

impl Counts {
    /// Returns the connection's number.
    pub(super) fn opened(&self) -> usize {
        self.open.up();
        self.connections.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(super) fn closed(&self) {
        self.open.down();
    }

    pub(super) fn began(&self) {
        self.answering.up();
    }

    pub(super) fn ended(&self) {
        self.answering.down();
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes, Ordering::SeqCst);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes, Ordering::SeqCst);
    }

    pub(super) fn read(&self) -> Counted {
        Counted {
            connections: self.connections.load(Ordering::SeqCst),
            open: self.open.now.load(Ordering::SeqCst),
            most_open: self.open.most.load(Ordering::SeqCst),
            most_answering: self.answering.most.load(Ordering::SeqCst),
            sent: self.sent.load(Ordering::SeqCst),
            received: self.received.load(Ordering::SeqCst),
        }
    }
}
