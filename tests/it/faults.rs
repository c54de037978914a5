//! What upstreams and networks do when they fail, and that nobody notices more of it than must be.
//!
//! Each test takes a fault through its full procedure with small numbers; `LARDER_FAULTS=full` takes the full ones.

mod astray;
mod broken_bodies;
mod heavy_feeds;
mod resumed;
mod slow;
mod unreachable;
mod wrong_answers;

/// Returns how often something is done: `few` times, or as often as it takes to be sure.
pub(crate) fn times(few: usize, full: usize) -> usize {
    if is_full() { full } else { few }
}

/// Returns whether the faults are to be taken in full.
pub(crate) fn is_full() -> bool {
    std::env::var("LARDER_FAULTS").is_ok_and(|value| value == "full")
}
