//! The program: reads the command line, starts the log, does what is asked, and says why when it cannot.

use std::process::ExitCode;

use clap::Parser as _;
use larder::cli::{self, Cli};
use larder::telemetry;

fn main() -> ExitCode {
    let command_line = Cli::parse();
    let done = telemetry::init(command_line.verbosity())
        .map_err(anyhow::Error::from)
        .and_then(|()| cli::run(command_line));
    done.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

/// Prints the error and its causes, each on a line of its own.
fn complain(error: &anyhow::Error) {
    eprintln!("larder: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}
