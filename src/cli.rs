//! The command line: what can be asked of the program, and which function does it. Errors end here as text for people.

pub mod assemble;
mod check_config;
mod import;
mod local;
mod offline;
mod prefetch;
mod progress;
mod reindex;
mod running;
mod serve;
mod status;
mod sync;
mod verify;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::auth::ApiKey;
use crate::catalog::SourceName;
use crate::config::{Config, DEFAULT_FILE};
use crate::telemetry::Verbosity;

const ADMIN_KEY_VARIABLE: &str = "LARDER_ADMIN_KEY";

/// A pull-through mirror and private feed for NuGet v2 clients: choco, nuget, PowerShell.
#[derive(Debug, Parser)]
#[command(name = "larder", version, disable_help_subcommand = true)]
pub struct Cli {
    /// The configuration file; every key is explained in the one that larder comes with
    #[arg(long, global = true, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the feeds; what larder does without a command
    Serve,
    /// Read the configuration, and print every value in force and where it came from
    CheckConfig {
        /// Print the configuration file that larder comes with instead
        #[arg(long)]
        print_default: bool,
    },
    /// Take packages into a feed, as if each were pushed
    Import {
        /// The feed to import into; the default feed without this
        #[arg(long, value_name = "NAME")]
        feed: Option<SourceName>,
        /// nupkg files, or directories that hold some at any depth
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Learn all that upstreams have, so that searches need not ask them, and go on without them
    Sync {
        /// The upstream; without this, each that says which packages it has
        #[arg(long, value_name = "NAME")]
        upstream: Option<SourceName>,
        /// What is learnt; without this, what the configuration says, or else "latest"
        #[arg(long, value_name = "WHAT")]
        metadata: Option<Metadata>,
    },
    /// Show how the running server and its upstreams do: health, limits, cache, hits, last errors
    Status {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch packages with all that they need, before anybody asks for them
    Prefetch(prefetch::Arguments),
    /// Have a running server ask no upstream any more, or ask them again
    Offline {
        /// Whether it is to be offline; it stays so when it is started again
        switch: Switch,
    },
    /// Rebuild the index from the package files, and take up files that were copied in by hand
    Reindex,
    /// Hash every package file and compare with what was noted when it came
    Verify,
}

/// What a sync learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Metadata {
    /// The latest release and the latest version of each id
    Latest,
    /// All versions
    All,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Cli {
    /// Returns how much the command logs: a server says what changes, the other commands print it themselves.
    #[must_use]
    pub fn verbosity(&self) -> Verbosity {
        match self.command {
            None | Some(Command::Serve) => Verbosity::Changes,
            Some(_) => Verbosity::Problems,
        }
    }
}

/// Does what the command line asks.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command.unwrap_or(Command::Serve) {
        Command::CheckConfig { print_default: true } => check_config::print_default(std::io::stdout().lock()),
        Command::CheckConfig { print_default: false } => check_config::run(
            &Config::load(&cli.config)?,
            admin_key()?.as_ref(),
            std::io::stdout().lock(),
        ),
        Command::Serve => {
            let (config, key) = (Config::load(&cli.config)?, admin_key()?);
            block_on(serve::run(&config, key.as_ref()))
        }
        Command::Import { feed, paths } => block_on(import::run(&Config::load(&cli.config)?, feed, &paths)),
        Command::Sync { upstream, metadata } => block_on(sync::run(&Config::load(&cli.config)?, upstream, metadata)),
        Command::Status { json } => {
            let form = if json { status::Form::Json } else { status::Form::Table };
            block_on(status::run(&Config::load(&cli.config)?, form))
        }
        Command::Prefetch(arguments) => block_on(prefetch::run(&Config::load(&cli.config)?, arguments)),
        Command::Offline { switch } => block_on(offline::run(&Config::load(&cli.config)?, switch)),
        Command::Reindex => block_on(reindex::run(&Config::load(&cli.config)?)),
        Command::Verify => block_on(verify::run(&Config::load(&cli.config)?)),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(work)
}

/// Returns the administrator key that the environment sets.
fn admin_key() -> anyhow::Result<Option<ApiKey>> {
    read_admin_key(std::env::var_os(ADMIN_KEY_VARIABLE))
}

fn read_admin_key(variable: Option<std::ffi::OsString>) -> anyhow::Result<Option<ApiKey>> {
    let Some(value) = variable.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let key = ApiKey::parse(&value.to_string_lossy()).context("the variable LARDER_ADMIN_KEY holds no usable key")?;
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn command_lines() {
        for (line, expected) in [
            ("larder", Some("mirror.toml None")),
            ("larder serve --config a.toml", Some("a.toml Some(Serve)")),
            ("larder --config a.toml serve", Some("a.toml Some(Serve)")),
            (
                "larder check-config",
                Some("mirror.toml Some(CheckConfig { print_default: false })"),
            ),
            (
                "larder import --feed choco a b",
                Some("mirror.toml Some(Import { feed: Some(SourceName(\"choco\")), paths: [\"a\", \"b\"] })"),
            ),
            ("larder offline on", Some("mirror.toml Some(Offline { switch: On })")),
            ("larder status --json", Some("mirror.toml Some(Status { json: true })")),
            ("larder offline", None),
            ("larder reindex", Some("mirror.toml Some(Reindex)")),
            ("larder verify", Some("mirror.toml Some(Verify)")),
            ("larder import", None),
            ("larder import --feed ../x a", None),
            ("larder serv", None),
        ] {
            let parsed = Cli::try_parse_from(line.split(' '));
            let shown = parsed
                .ok()
                .map(|cli| format!("{} {:?}", cli.config.display(), cli.command));
            assert_eq!(shown.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn the_administrator_key_of_the_environment() {
        for (variable, expected) in [
            (None, Ok(false)),
            (Some(""), Ok(false)),
            (Some("k3y"), Ok(true)),
            (Some("a b"), Err(())),
        ] {
            let read = read_admin_key(variable.map(Into::into));
            assert_eq!(read.map(|key| key.is_some()).map_err(|_| ()), expected, "{variable:?}");
        }
    }
}
