//! `[server]`: where larder listens and what it calls itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;
use toml::de::DeValue;
use url::{Host, Url};

use super::document::Section;
use super::error::ConfigError;
use super::value::{Value, quoted, text};
use super::web_url;
use crate::redact;

pub(super) const KEYS: &[&str] = &["listen", "public_url", "trusted_proxies", "page_size", "offline"];

/// Where larder listens and what it calls itself.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address that clients use, ending in a slash; absent: as the request says.
    pub public_url: Option<Url>,
    /// Peers whose Forwarded headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Entries on one page: 1 to 1000.
    pub page_size: u32,
    /// Whether no upstream is ever asked.
    pub offline: bool,
}

impl ServerConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Result<Self, ConfigError> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 8624));
        Ok(Self {
            listen: section.read("listen", listen)?,
            public_url: section.read("public_url", PublicUrl(None))?.0,
            trusted_proxies: section.read("trusted_proxies", Vec::new())?,
            page_size: section.read_if("page_size", 100, |size| {
                (!(1..=1000).contains(size)).then(|| format!("must be from 1 to 1000, not {size}"))
            })?,
            offline: section.read("offline", false)?,
        })
    }

    /// Returns the key by which a URL leads to this server, as far as the configuration tells.
    pub(super) fn place_of(&self, url: &Url) -> Option<&'static str> {
        let is_public = |public: &Url| url.origin() == public.origin() && url.path().starts_with(public.path());
        if self.public_url.as_ref().is_some_and(is_public) {
            return Some("server.public_url");
        }
        let address = match url.host()? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain("localhost") => None,
            Host::Domain(_) => return None,
        };
        let here = self.listen.ip();
        let listens_here = here.is_loopback() || here.is_unspecified();
        let is_here = match address {
            Some(address) if address == here => true,
            Some(address) => here.is_unspecified() && (address.is_loopback() || address.is_unspecified()),
            None => listens_here,
        };
        let has_port = self.listen.port() != 0 && url.port_or_known_default() == Some(self.listen.port());
        (is_here && has_port).then_some("server.listen")
    }
}

struct PublicUrl(Option<Url>);

impl Value for PublicUrl {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        let url = web_url::directory(text)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user or password: it is in every answer".to_owned());
        }
        Ok(Self(Some(url)))
    }

    fn show(&self) -> String {
        quoted(
            &self
                .0
                .as_ref()
                .map(|url| redact::url(url).to_string())
                .unwrap_or_default(),
        )
    }
}
