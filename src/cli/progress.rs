//! A progress bar, where somebody looks.

use indicatif::{ProgressBar, ProgressStyle};

/// Returns a bar on standard error; one that nobody sees where that is no terminal.
pub(super) fn bar(verb: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar.with_message(verb)
}
