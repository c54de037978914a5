//! What larder shows at an upstream's door: user and password, a bearer token, an API key, headers of one's own.

use std::path::Path;

use toml::de::DeValue;

use super::Login;
use crate::config::document::Section;
use crate::config::error::ConfigError;
use crate::config::secret::Secret;
use crate::config::value::{Value, quoted};

/// What larder shows at an upstream's door, besides what stands in its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// User and password, for `Authorization: Basic`.
    pub login: Option<(Secret, Secret)>,
    /// A token, for `Authorization: Bearer`.
    pub bearer: Option<Secret>,
    /// A key, for `X-NuGet-ApiKey`.
    pub api_key: Option<Secret>,
    /// Headers of one's own, each name once.
    pub headers: Vec<(HeaderName, Secret)>,
}

impl Credentials {
    pub(super) fn read(section: &mut Section<'_>, base_dir: &Path, address: Login) -> Result<Self, ConfigError> {
        let mut secret = |key| -> Result<Option<Secret>, ConfigError> {
            let secret: Option<Secret> = section.optional(key, "none")?;
            Ok(secret.map(|secret| secret.below(base_dir)))
        };
        let (username, password) = (secret("username")?, secret("password")?);
        let (api_key, bearer) = (secret("api_key")?, secret("bearer")?);
        let headers: Headers = section.read("headers", Headers(Vec::new()))?;
        let login = match (username, password) {
            (Some(username), Some(password)) => Some((username, password)),
            (None, None) => None,
            (Some(_), None) => return Err(section.refuse("username", "needs a password beside it".to_owned())),
            (None, Some(_)) => return Err(section.refuse("password", "needs a username beside it".to_owned())),
        };
        let is_in_address = address == Login::InAddress;
        if login.is_some() && is_in_address {
            let problem = "is one user too many: the address has a user or a password in it already";
            return Err(section.refuse("username", problem.to_owned()));
        }
        if bearer.is_some() && (login.is_some() || is_in_address) {
            let problem = "goes into the header that user and password go into; only one of the two can be";
            return Err(section.refuse("bearer", problem.to_owned()));
        }
        let has_login = login.is_some() || bearer.is_some() || is_in_address;
        for (name, _) in &headers.0 {
            let is_set = (name.is("authorization") && has_login) || (name.is("x-nuget-apikey") && api_key.is_some());
            if is_set {
                let problem = format!("sets {}, which another key sets already", name.as_str());
                return Err(section.refuse("headers", problem));
            }
        }
        let from_dir = |(name, secret): (HeaderName, Secret)| (name, secret.below(base_dir));
        Ok(Self {
            login,
            bearer,
            api_key,
            headers: headers.0.into_iter().map(from_dir).collect(),
        })
    }
}

/// The name of a header that may be added to requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName(String);

/// Headers that larder or HTTP itself sets: another value would make answers that cannot be understood.
const OWN: [&str; 16] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

impl HeaderName {
    /// Returns the name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }

    /// Reads a name (RFC 9110, 5.1 and 5.6.2).
    fn read(text: &str) -> Result<Self, String> {
        let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
        if text.is_empty() || text.len() > 256 || !text.bytes().all(is_token) {
            return Err(format!("has {text:?}, which is no name of a header"));
        }
        let lower = text.to_ascii_lowercase();
        if OWN.contains(&lower.as_str()) || lower.starts_with("if-") {
            return Err(format!("has {text}, which is for larder to set"));
        }
        Ok(Self(text.to_owned()))
    }
}

struct Headers(Vec<(HeaderName, Secret)>);

impl Value for Headers {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let table = value
            .as_table()
            .ok_or("must be headers with their values: { \"X-Name\" = \"value\" }")?;
        let mut headers: Vec<(HeaderName, Secret)> = Vec::new();
        for (name, value) in table {
            let name = HeaderName::read(name.get_ref())?;
            if headers.iter().any(|(other, _)| other.is(name.as_str())) {
                return Err(format!("has {} twice", name.as_str()));
            }
            let value = Secret::read(value.get_ref())
                .map_err(|problem| format!("has {}, whose value {problem}", name.as_str()))?;
            headers.push((name, value));
        }
        Ok(Self(headers))
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "{}".to_owned();
        }
        let shown: Vec<String> = self
            .0
            .iter()
            .map(|(name, secret)| format!("{} = {}", quoted(name.as_str()), secret.show()))
            .collect();
        format!("{{ {} }}", shown.join(", "))
    }
}
