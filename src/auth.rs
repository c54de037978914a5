//! Who may do what: keys, the accounts they belong to, and the answer to "may this request?". It knows no HTTP types and
//! no routes. Keys are compared as digests and in constant time; only digests are ever stored.

mod accounts;
mod key;

pub use self::accounts::{AccountsError, Administrator, administrator};
pub use self::key::{ApiKey, KeyDigest, KeyError};

/// The name that the administrator has in sidecars and logs.
pub const ADMINISTRATOR: &str = "administrator";

/// Someone whose key was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    name: &'static str,
}

impl Principal {
    /// Returns the administrator.
    #[must_use]
    pub fn administrator() -> Self {
        Self { name: ADMINISTRATOR }
    }

    /// Returns the name by which sidecars and logs call the principal.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }
}

/// Why a request is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The request has no key.
    #[error("this needs an API key; send it in the header X-NuGet-ApiKey, as clients do with their --api-key option")]
    Missing,
    /// The request has a key, but not one that is known.
    #[error("this API key is not known here; check it for typing mistakes or ask the administrator")]
    Wrong,
}
