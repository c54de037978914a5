//! What upstreams and networks do when they fail, and that nobody notices more of it than must be.
//!
//! Each test takes a fault through its full procedure with small numbers; `LARDER_FAULTS=full` takes the full ones.

mod resumed;
mod scheduling;

/// Returns how often something is done: `few` times, or as often as it takes to be sure.
pub(crate) fn times(few: usize, full: usize) -> usize {
    if std::env::var("LARDER_FAULTS").is_ok_and(|value| value == "full") {
        full
    } else {
        few
    }
}
