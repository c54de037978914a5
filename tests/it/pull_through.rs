//! What a mirror makes of its upstreams, through the real router.

mod chains;
mod downloads;
mod freshness;
mod lookups;
mod purging;
mod restarts;
mod searches;
mod templates;
