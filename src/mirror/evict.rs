//! Making room: what an upstream's packages may take on disk, and which go when they take more.
//!
//! Only what an upstream can give again goes, and only while nobody reads it. A package goes in this order: out of the ledger,
//! so that nobody new comes to read it; out of the index, and the index to disk; then its sidecar; then its bytes. A crash
//! between leaves a package that is there as before, or a file that no sidecar names. It is never in the way of a hit: whoever
//! asks meanwhile for what is going waits until it is gone, and fetches it again.

mod going;
mod held;
mod plan;
mod uses;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{Mutex, Notify};

pub(super) use self::held::{Held, Told};

use self::plan::Water;
use super::Mirror;
use super::ledger::Ledger;
use crate::catalog::SourceName;
use crate::config::IdPattern;

/// How often it is written down what was asked for when.
const SAVED_EVERY: Duration = Duration::from_secs(300);

/// What one upstream's packages may take.
#[derive(Debug, Clone, Default)]
pub struct CacheLimits {
    /// The most bytes; `None` for any number.
    pub max_bytes: Option<u64>,
    /// The packages that stay, whatever is needed.
    pub pinned: Vec<IdPattern>,
}

/// How much of an upstream is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSize {
    /// How many packages.
    pub packages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many bytes there may be; `None` for any number.
    pub max_bytes: Option<u64>,
    /// Whether all was counted that lay here at the start.
    pub is_counted: bool,
}

/// What making room needs.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) ledger: Ledger,
    limits: HashMap<SourceName, CacheLimits>,
    /// Where it is written down what was asked for when.
    state: PathBuf,
    /// Somebody kept something, and now there is too much.
    crowded: Notify,
    /// Held while packages go: who ends the program waits for it, and says so.
    going: Mutex<Going>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Going {
    On,
    Over,
}

impl Room {
    pub(super) fn new(
        upstreams: impl Iterator<Item = SourceName>,
        limits: HashMap<SourceName, CacheLimits>,
        state: PathBuf,
    ) -> Self {
        Self {
            ledger: Ledger::new(upstreams),
            limits,
            state,
            crowded: Notify::new(),
            going: Mutex::new(Going::On),
        }
    }

    fn water(&self, source: &SourceName) -> Option<Water> {
        self.limits.get(source)?.max_bytes.map(Water::of)
    }

    fn pinned(&self, source: &SourceName) -> &[IdPattern] {
        self.limits.get(source).map_or(&[], |limits| &limits.pinned)
    }
}

impl Mirror {
    /// Does what is to be done beside answering, for as long as it is polled: counts what is here, makes room, and writes down
    /// what was asked for when.
    ///
    /// # Cancel safety
    /// May be dropped at any time; [`Self::settle`] first leaves nothing half done.
    pub async fn tend(self) {
        if let Err(error) = self.count_held().await {
            tracing::error!(%error, "the packages could not be counted; none makes room for others until the next start");
            return;
        }
        let mut save = tokio::time::interval(SAVED_EVERY);
        loop {
            tokio::select! {
                () = self.inner.room.crowded.notified() => {}
                _ = save.tick() => self.save_uses().await,
            }
            // Also what could not go the last time may go now.
            self.make_room().await;
        }
    }

    /// Waits for what is half done, begins nothing more, and writes down what was asked for when.
    pub async fn settle(&self) {
        *self.inner.room.going.lock().await = Going::Over;
        self.save_uses().await;
    }

    /// Returns how much is held of an upstream; `None` where it is no upstream.
    #[must_use]
    pub fn cache_size(&self, source: &SourceName) -> Option<CacheSize> {
        let room = &self.inner.room;
        let stock = room.ledger.stock(source)?;
        Some(CacheSize {
            packages: stock.count(),
            bytes: stock.bytes(),
            max_bytes: room.limits.get(source).and_then(|limits| limits.max_bytes),
            is_counted: stock.is_counted(),
        })
    }
}
