//! What upstreams, networks, disks and crowds of clients do when they fail, and that nobody notices more of it than must be.
//!
//! Each test takes a fault through its full procedure with small numbers; `LARDER_FAULTS=full` takes the full ones.

mod crowds;
mod kills;
mod resumed;
mod streaming;

/// Returns how often something is done, or how much of it: `few`, or as much as it takes to be sure.
pub(crate) fn times(few: usize, full: usize) -> usize {
    if std::env::var("LARDER_FAULTS").is_ok_and(|value| value == "full") {
        full
    } else {
        few
    }
}
