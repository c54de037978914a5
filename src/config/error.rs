//! What can be wrong with a configuration, said for the person who wrote it: where, what, and what to do.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A line of the configuration file; shown as `mirror.toml:12`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file.display(), self.line)
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error(
        "there is no configuration file {}; name one with --config FILE, or write one to start from with \
         `larder check-config --print-default > mirror.toml`",
        file.display()
    )]
    Absent {
        /// The file that was looked for.
        file: PathBuf,
    },
    /// The file is there but cannot be read.
    #[error("cannot read {}; it must be a UTF-8 text file that larder's user may read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is too large to be a configuration.
    #[error("{} is larger than {limit_bytes} bytes; is it the right file?", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The largest that is read.
        limit_bytes: u64,
    },
    /// The file is not TOML.
    #[error("{place}: this is not TOML: {problem}")]
    Syntax {
        /// Where reading stopped.
        place: Place,
        /// What the TOML parser says.
        problem: String,
    },
    /// A key or section that larder does not have.
    #[error("{place}: unknown key {key:?} in {section}; the nearest known key is {nearest:?}")]
    UnknownKey {
        /// Where the key stands.
        place: Place,
        /// The key as written.
        key: String,
        /// The section it stands in.
        section: String,
        /// The known key that looks most like it.
        nearest: &'static str,
    },
    /// A key without which the section means nothing.
    #[error("{place}: {section} needs the key {key:?}; add {key} = {example}")]
    MissingKey {
        /// Where the section starts.
        place: Place,
        /// The section.
        section: String,
        /// The key that is missing.
        key: &'static str,
        /// What a value looks like.
        example: &'static str,
    },
    /// A value that does not fit its key.
    #[error("{place}: {key} {problem}")]
    Value {
        /// Where the key stands.
        place: Place,
        /// The key with its section: `server.listen`.
        key: String,
        /// What it must be and is not.
        problem: String,
    },
}
