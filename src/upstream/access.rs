//! How an upstream is come to: what is shown at its door, through which proxy, and whose certificates are believed there.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, ClientBuilder, Proxy};
use url::Url;

use super::client::SetupError;
use super::guard::proxies_of_environment;
use crate::redact;

/// How an upstream is come to.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AccessSettings {
    /// User and password, besides those in the upstream's address.
    pub login: Option<(String, String)>,
    /// A bearer token.
    pub bearer: Option<String>,
    /// The value of `X-NuGet-ApiKey`.
    pub api_key: Option<String>,
    /// Further headers: names and values.
    pub headers: Vec<(String, String)>,
    /// The proxy.
    pub proxy: ProxySettings,
    /// Certificates, in PEM, of authorities that are believed besides those of the system.
    pub authorities: Option<Vec<u8>>,
}

/// Through which proxy an upstream is asked.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ProxySettings {
    /// Through the ones that the environment names.
    #[default]
    Environment,
    /// Through none.
    None,
    /// Through the one at this URL, which may hold a user and password.
    At(String),
}

/// Shows no secret, nor which there are.
impl fmt::Debug for AccessSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AccessSettings")
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => out.write_str("Environment"),
            Self::None => out.write_str("None"),
            Self::At(url) => write!(out, "At({})", redact::url_text(url)),
        }
    }
}

impl AccessSettings {
    /// Returns the headers that show who asks: for the upstream's own origin alone.
    pub(super) fn credentials(&self, home: &Url) -> Result<HeaderMap, SetupError> {
        let mut headers = HeaderMap::new();
        if let Some((user, password)) = self.login.clone().or_else(|| login_of(home)) {
            let login = STANDARD.encode(format!("{user}:{password}"));
            headers.insert(AUTHORIZATION, value("username", &format!("Basic {login}"))?);
        }
        if let Some(token) = &self.bearer {
            headers.insert(AUTHORIZATION, value("bearer", &format!("Bearer {token}"))?);
        }
        if let Some(key) = &self.api_key {
            headers.insert(HeaderName::from_static("x-nuget-apikey"), value("api_key", key)?);
        }
        for (name, text) in &self.headers {
            let parsed = HeaderName::try_from(name).map_err(|_| SetupError::Header { key: name.clone() })?;
            headers.insert(parsed, value(name, text)?);
        }
        Ok(headers)
    }

    /// Lets a client go through the proxy and believe the authorities.
    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, SetupError> {
        let builder = match &self.proxy {
            ProxySettings::Environment => builder,
            ProxySettings::None => builder.no_proxy(),
            ProxySettings::At(_) => {
                let url = self.proxy_url()?;
                let proxy = url.and_then(|url| Proxy::all(url).ok()).ok_or(SetupError::Proxy)?;
                builder.no_proxy().proxy(proxy)
            }
        };
        let Some(pem) = &self.authorities else {
            return Ok(builder);
        };
        let certificates = Certificate::from_pem_bundle(pem).map_err(SetupError::Authorities)?;
        if certificates.is_empty() {
            return Err(SetupError::NoAuthorities);
        }
        Ok(builder.tls_certs_merge(certificates))
    }

    /// Returns the hosts of the proxies that requests may go through.
    pub(super) fn proxies(&self) -> Vec<String> {
        match &self.proxy {
            ProxySettings::Environment => proxies_of_environment(),
            ProxySettings::None => Vec::new(),
            ProxySettings::At(_) => {
                let url = self.proxy_url().ok().flatten();
                url.iter().filter_map(Url::host_str).map(str::to_owned).collect()
            }
        }
    }

    fn proxy_url(&self) -> Result<Option<Url>, SetupError> {
        let ProxySettings::At(url) = &self.proxy else {
            return Ok(None);
        };
        let url = Url::parse(url).map_err(|_| SetupError::Proxy)?;
        let is_proxy = matches!(url.scheme(), "http" | "https") && url.has_host();
        if is_proxy {
            Ok(Some(url))
        } else {
            Err(SetupError::Proxy)
        }
    }
}

/// Returns user and password of an address, decoded.
fn login_of(home: &Url) -> Option<(String, String)> {
    let has_login = !home.username().is_empty() || home.password().is_some();
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    has_login.then(|| (decoded(home.username()), decoded(home.password().unwrap_or_default())))
}

/// Makes a header's value that is not shown where headers are.
fn value(key: &str, text: &str) -> Result<HeaderValue, SetupError> {
    // Beyond ASCII a header has no agreed meaning (RFC 9110, 5.5).
    let printable = text.bytes().all(|c| c.is_ascii_graphic() || c == b' ');
    let parsed = HeaderValue::from_str(text).ok().filter(|_| printable);
    let mut value = parsed.ok_or_else(|| SetupError::Header { key: key.to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    #[test]
    fn credentials_become_headers() {
        let settings = AccessSettings {
            login: Some(("ann".to_owned(), "pässword:x".to_owned())),
            api_key: Some("k3y".to_owned()),
            headers: vec![("X-Team".to_owned(), "blue team".to_owned())],
            ..AccessSettings::default()
        };
        let headers = settings.credentials(&home("https://g.test/")).unwrap();
        assert_eq!(headers["authorization"], "Basic YW5uOnDDpHNzd29yZDp4");
        assert_eq!(
            (&headers["x-nuget-apikey"], &headers["x-team"]),
            (&"k3y".parse().unwrap(), &"blue team".parse().unwrap())
        );
        assert!(headers.values().all(HeaderValue::is_sensitive));
        assert!(!format!("{headers:?} {settings:?}").contains("k3y"));

        let bearer = AccessSettings {
            bearer: Some("t0ken".to_owned()),
            ..AccessSettings::default()
        };
        let headers = bearer.credentials(&home("https://g.test/")).unwrap();
        assert_eq!(headers["authorization"], "Bearer t0ken");
        let of_address = AccessSettings::default();
        let headers = of_address.credentials(&home("https://a%40b:c%3Ad@g.test/")).unwrap();
        assert_eq!(headers["authorization"], "Basic YUBiOmM6ZA==");
        assert!(of_address.credentials(&home("https://g.test/")).unwrap().is_empty());
    }

    #[test]
    fn what_no_header_can_carry_is_named_and_not_shown() {
        for settings in [
            AccessSettings {
                bearer: Some("s3cret\n".to_owned()),
                ..AccessSettings::default()
            },
            AccessSettings {
                api_key: Some("s3cret\u{fc}".to_owned()),
                ..AccessSettings::default()
            },
            AccessSettings {
                headers: vec![("a b".to_owned(), "s3cret".to_owned())],
                ..AccessSettings::default()
            },
        ] {
            let refusal = settings.credentials(&home("https://g.test/")).unwrap_err().to_string();
            assert!(!refusal.contains("s3cret"), "{refusal}");
        }
    }

    #[test]
    fn a_proxy_is_a_web_address() {
        for (url, host) in [
            ("http://u:s3cret@proxy.corp:3128", Some("proxy.corp")),
            ("https://proxy.corp", Some("proxy.corp")),
            ("proxy.corp:3128", None),
            ("socks5://proxy.corp", None),
            ("", None),
        ] {
            let settings = AccessSettings {
                proxy: ProxySettings::At(url.to_owned()),
                ..AccessSettings::default()
            };
            assert_eq!(
                settings.proxies(),
                host.map(str::to_owned).into_iter().collect::<Vec<_>>(),
                "{url}"
            );
            let applied = settings.apply(reqwest::Client::builder());
            assert_eq!(applied.is_ok(), host.is_some(), "{url}");
            assert!(!format!("{settings:?}").contains("s3cret"));
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for pem in [
            "",
            "no certificate",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        ] {
            let settings = AccessSettings {
                authorities: Some(pem.as_bytes().to_vec()),
                ..AccessSettings::default()
            };
            assert!(settings.apply(reqwest::Client::builder()).is_err(), "{pem}");
        }
    }
}
