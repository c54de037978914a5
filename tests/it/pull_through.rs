//! What a mirror makes of its upstreams, through the real router.

mod lookups;
mod restarts;
mod searches;
mod templates;
