//! `proxy`: through which proxy an upstream is asked.

use std::path::Path;

use toml::de::DeValue;

use crate::config::secret::Secret;
use crate::config::value::{Value, quoted};
use crate::config::web_url;
use crate::redact;

/// Through which proxy an upstream is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyConfig {
    /// Through none, whatever the environment says.
    None,
    /// Through the one at this URL, which may hold a user and password.
    At(Secret),
}

impl ProxyConfig {
    pub(super) fn below(self, base_dir: &Path) -> Self {
        match self {
            Self::None => Self::None,
            Self::At(url) => Self::At(url.below(base_dir)),
        }
    }
}

impl Value for ProxyConfig {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        if value.as_str() == Some("none") {
            return Ok(Self::None);
        }
        let url = Secret::read(value)?;
        if let Secret::Literal(text) = &url {
            let url = web_url::web(text)?;
            if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
                return Err(
                    "must be the scheme, host and port of a proxy alone, without a path, or \"none\"".to_owned(),
                );
            }
        }
        Ok(Self::At(url))
    }

    fn show(&self) -> String {
        match self {
            Self::None => quoted("none"),
            Self::At(Secret::Literal(url)) => quoted(&redact::url_text(url).to_string()),
            Self::At(elsewhere) => elsewhere.show(),
        }
    }
}
