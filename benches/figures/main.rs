//! Prints larder's figures: how it stands at a quarter of a million versions, and how fast it serves beside nginx.
//!
//! Knows how to make the data, start the program, ask it and print tables; decides nothing by a time and never fails for one.

mod client;
mod data_folder;
mod gallery;
mod larder;
mod misses;
mod nginx;
mod nupkg;
mod passes;
mod queries;
mod reindex;
mod scale;
mod serve;
mod synthetic;
mod table;
mod wrk;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Figures {
    #[command(subcommand)]
    part: Option<Part>,
    /// `cargo bench` adds it
    #[arg(long, global = true, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Start, memory and the cost of reading the index once
    Scale(scale::Settings),
    /// Questions each second, as ratios to nginx and to bare passes over the same texts and rows
    Queries(queries::Settings),
    /// Packages that `reindex` takes in each second
    Reindex(reindex::Settings),
    /// Entries and downloads each second, as a ratio to nginx
    Serve(serve::Settings),
    /// Packages that come from an upstream, as ratios to asking it directly, and hits while it is down
    Misses(misses::Settings),
    /// Reads an index through and prints how long it took; `scale` runs it in a process of its own
    #[command(hide = true)]
    Scan {
        /// The data folder
        data: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Figures::parse().part {
        Some(Part::Scale(settings)) => runtime.block_on(scale::run(&settings)),
        Some(Part::Queries(settings)) => runtime.block_on(queries::run(&settings)),
        Some(Part::Reindex(settings)) => reindex::run(&settings),
        Some(Part::Serve(settings)) => serve::run(&settings),
        Some(Part::Misses(settings)) => misses::run(&settings),
        Some(Part::Scan { data }) => runtime.block_on(scale::scan(&data)),
        None => {
            let folder = tempfile::tempdir()?;
            runtime.block_on(scale::run(&scale::Settings::within(folder.path())))?;
            runtime.block_on(queries::run(&queries::Settings::within(folder.path())))?;
            reindex::run(&reindex::Settings::default())?;
            serve::run(&serve::Settings::default())?;
            misses::run(&misses::Settings::default())
        }
    }
}
