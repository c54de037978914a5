//! Prints larder's figures: how it stands at a quarter of a million versions, and how fast it serves beside nginx.
//!
//! Knows how to make the data, start the program, ask it and print tables; decides nothing by a time and never fails for one.

mod client;
mod data_folder;
mod larder;
mod nginx;
mod nupkg;
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
    /// Start, memory, queries and the cost of reading the index once
    Scale(scale::Settings),
    /// Packages that `reindex` takes in each second
    Reindex(reindex::Settings),
    /// Entries and downloads each second, as a ratio to nginx
    Serve(serve::Settings),
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
        Some(Part::Reindex(settings)) => reindex::run(&settings),
        Some(Part::Serve(settings)) => serve::run(&settings),
        Some(Part::Scan { data }) => runtime.block_on(scale::scan(&data)),
        None => {
            runtime.block_on(scale::run(&scale::Settings::default()))?;
            reindex::run(&reindex::Settings::default())?;
            serve::run(&serve::Settings::default())
        }
    }
}
