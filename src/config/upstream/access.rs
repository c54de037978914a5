//! How larder comes to an upstream: what it calls itself there, and where it may be led.

use toml::de::DeValue;

use crate::config::value::{Value, quoted, text};

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
pub(super) struct HostName(String);

impl HostName {
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

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
