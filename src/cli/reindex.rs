//! `larder reindex`: a new index from the package files, and a place for those that were copied in by hand.

use std::process::ExitCode;

use super::{assemble, progress, running};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{OpenError, Store};

/// Rebuilds the index. Exit code 1 where a file could not be used.
pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let settings = assemble::store_settings(config);
    let state = settings.data.join("state");
    let bar = progress::bar("reindexing");
    let advance = |total: u64| if total > 0 { bar.set_length(total) } else { bar.inc(1) };
    let report = match Store::reindex(settings, &Clock::system(), &advance).await {
        Err(OpenError::InUse { .. }) => anyhow::bail!("{}", running::in_use(&state)),
        done => done?,
    };
    bar.finish_and_clear();
    println!("indexed {} packages", report.indexed);
    if report.taken_up > 0 {
        println!(
            "of them {} lay there without a sidecar and were taken up",
            report.taken_up
        );
    }
    for refusal in &report.refusals {
        eprintln!("refused {}: {}", refusal.path.display(), refusal.reason);
    }
    Ok(if report.refusals.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
