//! `search`: who searches what an upstream has.

use toml::de::DeValue;

use crate::config::value::{Value, quoted, text};

/// Who searches what an upstream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchMode {
    /// The upstream: searches are handed on to it.
    Relay,
    /// Larder, among what it knows of it.
    Known,
}

impl Value for SearchMode {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match text(value)? {
            "relay" => Ok(Self::Relay),
            "known" => Ok(Self::Known),
            other => Err(format!("must be \"relay\" or \"known\", not {other:?}")),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Relay => quoted("relay"),
            Self::Known => quoted("known"),
        }
    }
}
