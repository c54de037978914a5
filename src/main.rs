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
    eprint!("{}", complaint(error));
}

/// Returns the error and its causes, without those that the lines before tell already: some errors name their cause.
fn complaint(error: &anyhow::Error) -> String {
    let mut text = format!("larder: {error}\n");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}  because: {cause}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_told_once() {
        let cause = || anyhow::anyhow!("permission denied");
        for (error, expected) in [
            (cause(), "larder: permission denied\n"),
            (
                cause().context("cannot read a.toml"),
                "larder: cannot read a.toml\n  because: permission denied\n",
            ),
            (
                cause().context("cannot create data: permission denied"),
                "larder: cannot create data: permission denied\n",
            ),
            (
                cause()
                    .context("the parser failed")
                    .context("the parser failed")
                    .context("no filter"),
                "larder: no filter\n  because: the parser failed\n  because: permission denied\n",
            ),
        ] {
            assert_eq!(complaint(&error), expected);
        }
    }
}
