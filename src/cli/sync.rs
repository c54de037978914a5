//! `larder sync`: walks the lists of upstreams, so that searches are answered here. Through the running server where there is one.

use std::process::ExitCode;

use anyhow::Context as _;

use super::work::Worker;
use super::{Metadata, progress};
use crate::catalog::SourceName;
use crate::config::{Config, SyncMetadata, UpstreamConfig, UpstreamKind};
use crate::http::admin::sync::SyncOrder;
use crate::mirror::{SyncEnd, SyncMode, SyncProgress};

/// Syncs one upstream, or those of which the configuration says that their lists be known, or all where it says so of none. Exit code 1 where any list was not walked to its end.
pub(super) async fn run(
    config: &Config,
    name: Option<SourceName>,
    metadata: Option<Metadata>,
) -> anyhow::Result<ExitCode> {
    let upstreams = chosen(config, name.as_ref())?;
    let worker = Worker::open(config).await?;
    let mut is_whole = true;
    for upstream in upstreams {
        let mode = mode(upstream, metadata);
        let outcome = sync(&worker, upstream, mode).await;
        is_whole &= match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                worker.close().await?;
                return Err(error);
            }
        };
    }
    worker.close().await?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn chosen<'c>(config: &'c Config, name: Option<&SourceName>) -> anyhow::Result<Vec<&'c UpstreamConfig>> {
    if let Some(name) = name {
        let upstream = config
            .upstream(name)
            .with_context(|| format!("there is no upstream '{name}' in the configuration"))?;
        return Ok(vec![upstream]);
    }
    let has_list = |upstream: &&UpstreamConfig| matches!(upstream.kind, UpstreamKind::V2 { .. });
    let all: Vec<_> = config.upstreams().iter().filter(has_list).collect();
    anyhow::ensure!(
        !all.is_empty(),
        "the configuration has no upstream that says which packages it has"
    );
    let wanted: Vec<_> = all
        .iter()
        .copied()
        .filter(|upstream| upstream.sync.metadata != SyncMetadata::None)
        .collect();
    Ok(if wanted.is_empty() { all } else { wanted })
}

/// What the command line says, or else the configuration; where that says nothing is kept known, the least that helps.
fn mode(upstream: &UpstreamConfig, metadata: Option<Metadata>) -> SyncMode {
    match (metadata, upstream.sync.metadata) {
        (Some(Metadata::All), _) | (None, SyncMetadata::All) => SyncMode::All,
        (Some(Metadata::Latest), _) | (None, SyncMetadata::Latest | SyncMetadata::None) => SyncMode::Latest,
    }
}

/// Syncs an upstream. Returns whether all of its list was walked.
async fn sync(worker: &Worker, upstream: &UpstreamConfig, mode: SyncMode) -> anyhow::Result<bool> {
    let name = &upstream.name;
    let bar = progress::spinner();
    let show = |progress: &SyncProgress| bar.set_message(told(name, progress));
    let last = match worker {
        Worker::Folder { mirror, .. } => {
            let mut progress = mirror.sync(name, mode)?;
            loop {
                let now = progress.borrow_and_update().clone();
                show(&now);
                if now.end.is_some() || progress.changed().await.is_err() {
                    break now;
                }
            }
        }
        Worker::Server(server) => {
            let order = SyncOrder {
                upstream: name.to_string(),
                metadata: mode,
            };
            server.follow("/admin/sync", &order, show).await?
        }
    };
    bar.finish_and_clear();
    let counts = last.counts;
    println!(
        "{name}: {} ids, {} versions, {} gone, {} requests, {} s{}",
        counts.ids,
        counts.versions,
        counts.gone,
        counts.requests,
        counts.seconds,
        if last.resumed {
            ", taken up where it was cut off"
        } else {
            ""
        }
    );
    match last.end {
        Some(SyncEnd::Finished { incomplete }) => {
            for part in &incomplete {
                let which = if part.prefix.is_empty() {
                    "all ids".to_owned()
                } else {
                    format!("ids that begin with '{}'", part.prefix)
                };
                eprintln!("incomplete {name}: {which}: {}", part.reason);
            }
            Ok(incomplete.is_empty())
        }
        Some(SyncEnd::Stopped { reason }) => {
            eprintln!("stopped {name}: {reason}; run this again to go on there");
            Ok(false)
        }
        None => {
            eprintln!("stopped {name}: larder was stopped; run this again to go on there");
            Ok(false)
        }
    }
}

fn told(name: &SourceName, progress: &SyncProgress) -> String {
    let counts = progress.counts;
    let wait = progress
        .waits_seconds
        .map(|seconds| format!(", waiting {seconds} s for the upstream"));
    format!(
        "{name}: {} ids, {} versions, {} requests{}",
        counts.ids,
        counts.versions,
        counts.requests,
        wait.unwrap_or_default()
    )
}
