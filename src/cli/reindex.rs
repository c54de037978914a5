//! `larder reindex`: a new index from the package files, and a place for those that were copied in by hand.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

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
    for folder in unconfigured(config)? {
        eprintln!(
            "note: {} belongs to no feed or upstream of the configuration; clients do not see its packages",
            folder.display()
        );
    }
    Ok(if report.refusals.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Finds the package folders that neither a feed nor an upstream has: one that a name was misspelled for, or that is no
/// longer configured.
fn unconfigured(config: &Config) -> anyhow::Result<Vec<PathBuf>> {
    let packages = config.storage.data.join("packages");
    let context = || format!("cannot read {}", packages.display());
    let feeds = config.feeds().iter().map(|feed| feed.name.as_str());
    let names: Vec<&str> = feeds
        .chain(config.upstreams().iter().map(|upstream| upstream.name.as_str()))
        .collect();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&packages).with_context(context)? {
        let entry = entry.with_context(context)?;
        let is_known = entry.file_name().to_str().is_some_and(|name| names.contains(&name));
        if entry.file_type().with_context(context)?.is_dir() && !is_known {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
