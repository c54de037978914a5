//! Log lines on standard error: which are written, and whether in colour. It knows nothing of what is logged.
//!
//! `LARDER_LOG` filters by level and module, as in `LARDER_LOG=warn` or `LARDER_LOG=info,larder::upstream=debug`;
//! without it the command decides: `serve` writes everything from `info` up, the others what is wrong.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

const VARIABLE: &str = "LARDER_LOG";

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `LARDER_LOG` does not read as a filter.
    #[error(
        "LARDER_LOG={filter:?} is no log filter; use a level (error, warn, info, debug, trace) or module=level pairs"
    )]
    Filter {
        /// What the variable holds.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Another part of the process already logs.
    #[error("logging is already set up in this process")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// What is written where `LARDER_LOG` does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// What changes, and what is wrong.
    Changes,
    /// What is wrong.
    Problems,
}

/// Starts logging for the whole process.
pub fn init(verbosity: Verbosity) -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt as _;

    let filter = filter(std::env::var_os(VARIABLE).as_deref(), verbosity)?;
    let colour = wants_colour(std::env::var_os("NO_COLOR").as_deref(), io::stderr().is_terminal());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colour)
        .finish()
        .try_init()
        .map_err(TelemetryError::Twice)
}

fn filter(variable: Option<&OsStr>, verbosity: Verbosity) -> Result<EnvFilter, TelemetryError> {
    let text = variable.map(OsStr::to_string_lossy).unwrap_or_default();
    let text = match (text.trim(), verbosity) {
        ("", Verbosity::Changes) => "info",
        ("", Verbosity::Problems) => "warn",
        (text, _) => text,
    };
    EnvFilter::builder()
        .parse(text)
        .map_err(|source| TelemetryError::Filter {
            filter: text.to_owned(),
            source,
        })
}

/// See <https://no-color.org>: any value but the empty one turns colour off.
fn wants_colour(no_color: Option<&OsStr>, terminal: bool) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        for (variable, expected) in [
            (None, Some("info")),
            (Some(""), Some("info")),
            (Some(" debug "), Some("debug")),
            (Some("warn,larder=trace"), Some("larder=trace,warn")),
            (Some("larder=loud"), None),
        ] {
            let read = filter(variable.map(OsStr::new), Verbosity::Changes);
            assert_eq!(
                read.as_ref().ok().map(ToString::to_string).as_deref(),
                expected,
                "{variable:?}"
            );
            if let Err(error) = read {
                assert!(error.to_string().contains("larder=loud"), "{error}");
            }
        }
        let quiet = filter(None, Verbosity::Problems);
        assert_eq!(quiet.ok().map(|filter| filter.to_string()).as_deref(), Some("warn"));
    }

    #[test]
    fn colour_only_where_wanted() {
        for (no_color, terminal, expected) in [
            (None, true, true),
            (None, false, false),
            (Some(""), true, true),
            (Some("1"), true, false),
        ] {
            assert_eq!(
                wants_colour(no_color.map(OsStr::new), terminal),
                expected,
                "{no_color:?} {terminal}"
            );
        }
    }
}
