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

/// Returns a line on standard error that moves while nobody knows how far it is; one that nobody sees where that is no terminal.
pub(super) fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(std::time::Duration::from_millis(200));
    spinner
}
