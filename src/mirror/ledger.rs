//! Which packages of each upstream are held here, how large they are, and when each was last asked for.
//!
//! It is in memory, made from the files at every start. A hit finds its package under a shared lock and allocates nothing.

mod stock;

use std::collections::HashMap;

use crate::catalog::SourceName;

pub(super) use stock::{Seen, Stock, Using, Word};

/// The held packages of all upstreams. What is hosted is none of its business: it never goes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    stocks: HashMap<SourceName, Stock>,
}

impl Ledger {
    /// Makes the ledger of these upstreams, empty.
    pub(super) fn new(upstreams: impl Iterator<Item = SourceName>) -> Self {
        Self {
            stocks: upstreams.map(|source| (source, Stock::default())).collect(),
        }
    }

    /// Returns the packages of an upstream; `None` where the source is no configured upstream.
    pub(super) fn stock(&self, source: &SourceName) -> Option<&Stock> {
        self.stocks.get(source)
    }

    /// Returns the upstreams and their packages.
    pub(super) fn stocks(&self) -> impl Iterator<Item = (&SourceName, &Stock)> {
        self.stocks.iter()
    }
}
