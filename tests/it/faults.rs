//! What upstreams, networks, disks and crowds of clients do when they fail, and that nobody notices more of it than must be.
//!
//! Each test takes a fault through its full procedure with small numbers; `LARDER_FAULTS=full` takes the full ones.

mod astray;
mod broken_bodies;
mod crowds;
mod heavy_feeds;
mod kills;
mod resumed;
mod scheduling;
mod slow;
mod streaming;
mod unreachable;
mod wrong_answers;

/// Returns how often something is done, or how much of it: `few`, or as much as it takes to be sure.
pub(crate) fn times(few: usize, full: usize) -> usize {
    if is_full() { full } else { few }
}

/// Returns whether the faults are to be taken in full.
pub(crate) fn is_full() -> bool {
    std::env::var("LARDER_FAULTS").is_ok_and(|value| value == "full")
}
