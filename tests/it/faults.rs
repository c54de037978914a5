//! What an upstream, a line, a disk and a crowd of clients can do, each with its procedure and its mark. The numbers are small
//! unless `LARDER_FAULTS=full` asks for those of the marks.

mod scheduling;

/// Returns one number for every day, and another where all is asked for.
fn number(everyday: usize, full: usize) -> usize {
    if is_full() { full } else { everyday }
}

fn is_full() -> bool {
    std::env::var("LARDER_FAULTS").is_ok_and(|value| value == "full")
}
