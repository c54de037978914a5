//! How larder comes to an upstream: what it calls itself there, what it shows at the door, through which proxy it goes, whose
//! certificates it believes, and where it may be led.

mod credentials;
mod proxy;

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use crate::config::document::Section;
use crate::config::error::ConfigError;
use crate::config::value::{Value, quoted, text};

pub use self::credentials::{Credentials, HeaderName};
pub use self::proxy::ProxyConfig;

/// How larder comes to an upstream.
#[derive(Clone, Debug)]
pub struct Access {
    /// What larder calls itself there; absent: larder and its version.
    pub user_agent: Option<UserAgent>,
    /// What it shows at the door.
    pub credentials: Credentials,
    /// The proxy it goes through; absent: as the environment says.
    pub proxy: Option<ProxyConfig>,
    /// A file with certificates of authorities that are believed there besides the system's; a relative path was joined to the
    /// configuration file's directory.
    pub ca: Option<PathBuf>,
    /// Hosts beside that of its address, names or addresses, that its links may lead to although they are internal ones.
    pub internal_hosts: Vec<String>,
}

impl Access {
    pub(super) fn read(section: &mut Section<'_>, base_dir: &Path, address: Login) -> Result<Self, ConfigError> {
        let user_agent = section.optional("user_agent", "larder and its version")?;
        let credentials = Credentials::read(section, base_dir, address)?;
        let proxy: Option<ProxyConfig> = section.optional("proxy", "as the environment says")?;
        let ca: Option<PathBuf> = section.optional("ca", "the system's alone")?;
        let hosts: Vec<HostName> = section.read("internal_hosts", Vec::new())?;
        Ok(Self {
            user_agent,
            credentials,
            proxy: proxy.map(|proxy| proxy.below(base_dir)),
            ca: ca.map(|path| base_dir.join(path)),
            internal_hosts: hosts.into_iter().map(|host| host.0).collect(),
        })
    }
}

/// Whether an address has a user or a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    InAddress,
    None,
}

/// A name for the User-Agent header: printable ASCII, 1 to 256 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAgent(String);

impl UserAgent {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for UserAgent {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let printable = text.bytes().all(|c| c.is_ascii_graphic() || c == b' ');
        if !printable || text.trim().is_empty() || text.len() > 256 {
            return Err("must be printable ASCII, 1 to 256 characters".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// A name or an address, without scheme, port or path.
struct HostName(String);

impl Value for HostName {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let bare = text.trim_matches(['[', ']']);
        let is_host = url::Host::parse(text).is_ok() || bare.parse::<std::net::IpAddr>().is_ok();
        if is_host {
            Ok(Self(bare.to_lowercase()))
        } else {
            Err("must be a host's name or address alone, such as \"cdn.example.com\": no scheme, no port".to_owned())
        }
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn garbage_does_not_panic(text in any::<String>()) {
            let value = DeValue::String(text.into());
            let _ = UserAgent::read(&value);
            let _ = HostName::read(&value);
        }
    }
}
