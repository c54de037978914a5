//! `larder prefetch`: fetches packages with all that they need. Through the running server where there is one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::progress;
use super::work::Worker;
use crate::catalog::SourceName;
use crate::config::Config;
use crate::http::admin::prefetch::PrefetchOrder;
use crate::mirror::{DependencyVersion, Prefetch, PrefetchProgress, Want};

/// What the command line asks for.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Packages: git, git@2.40.0 for that very version, git@[2.40,3.0) for the highest one in a range
    #[arg(value_name = "ID[@RANGE]", required_unless_present = "file")]
    packages: Vec<String>,
    /// A file with one package on each line; what follows a # is passed over
    #[arg(long, value_name = "LIST")]
    file: Option<PathBuf>,
    /// The feed whose packages are meant; the default feed without this
    #[arg(long, value_name = "NAME")]
    feed: Option<SourceName>,
    /// How many packages are worked on at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 4)]
    concurrency: usize,
    /// Which version of a dependency is taken: the highest one, as choco does, or the lowest one, as nuget does
    #[arg(long, value_name = "WHICH", default_value = "highest")]
    dependencies: Which,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    Highest,
    Lowest,
}

/// Fetches. Exit code 1 where anything could not be had.
pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let feed = match &arguments.feed {
        Some(name) => config
            .feed(name)
            .with_context(|| format!("there is no feed '{name}' in the configuration"))?,
        None => config.default_feed(),
    };
    let mut packages = arguments.packages;
    if let Some(file) = &arguments.file {
        packages.extend(read_list(file)?);
    }
    let wants: Vec<Want> = packages.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    anyhow::ensure!(!wants.is_empty(), "the list names no package");
    let dependencies = match arguments.dependencies {
        Which::Highest => DependencyVersion::Highest,
        Which::Lowest => DependencyVersion::Lowest,
    };
    let worker = Worker::open(config).await?;
    let bar = progress::bar("prefetching");
    let show = |progress: &PrefetchProgress| {
        bar.set_length(progress.needed);
        bar.set_position(progress.fetched + progress.present + progress.missed.len() as u64);
    };
    let last = match &worker {
        Worker::Folder { mirror, .. } => {
            let mut progress = mirror.prefetch(Prefetch {
                feed: feed.name.clone(),
                wants,
                dependencies,
                concurrency: arguments.concurrency,
            })?;
            loop {
                let now = progress.borrow_and_update().clone();
                show(&now);
                if now.ended || progress.changed().await.is_err() {
                    break Ok(now);
                }
            }
        }
        Worker::Server(server) => {
            let order = PrefetchOrder {
                feed: feed.name.to_string(),
                packages,
                dependencies,
                concurrency: arguments.concurrency,
            };
            server.follow("/admin/prefetch", &order, show).await
        }
    };
    bar.finish_and_clear();
    worker.close().await?;
    Ok(report(&last?))
}

fn read_list(file: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let names = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn report(last: &PrefetchProgress) -> ExitCode {
    println!(
        "prefetched {} packages, {} were here already, {} could not be had",
        last.fetched,
        last.present,
        last.missed.len()
    );
    for missed in &last.missed {
        let by = missed.needed_by.as_ref().map(|by| format!(" (needed by {by})"));
        eprintln!("missing {}{}: {}", missed.what, by.unwrap_or_default(), missed.reason);
    }
    if !last.ended {
        eprintln!("larder was stopped before all was fetched; run this again");
    }
    if last.missed.is_empty() && last.ended {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
