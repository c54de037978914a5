//! What a mirror makes of its upstreams, through the real router.

mod chains;
mod downloads;
mod lookups;
mod restarts;
mod searches;
mod templates;
