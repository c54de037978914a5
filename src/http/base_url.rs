//! The root URL under which clients see this server: every link in an answer begins with it. Knows the request and the
//! configuration, not the feeds.
//!
//! 1. A configured `public_url` is the root, whatever the request says.
//! 2. Where the peer is a trusted proxy, its headers say: `Forwarded` (RFC 7239) where there is one, else `X-Forwarded-Proto`
//!    and `X-Forwarded-Host`; `X-Forwarded-Prefix` with either. Each proxy adds at the right, so they are read from
//!    the right for as long as the address that a proxy names as its own peer (`for=`, `X-Forwarded-For`) is a trusted proxy too:
//!    the outermost trusted proxy's word counts, and nothing that stands left of it. Where fewer values than proxies are
//!    there (a proxy replaced the header instead of adding to it) the leftmost counts. A trusted proxy has to set or drop
//!    each of these headers; one that it passes through is believed.
//! 3. Else it is the host of the request: of an absolute request target, or of the Host header.
//! 4. Else, in an HTTP/1.0 request without Host, the address that the request came to.
//!
//! A host or prefix that is no part of a URL is an error and not passed over: the links would lead nowhere.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::header::{FORWARDED, HOST};
use axum::http::{HeaderMap, HeaderName, Uri, Version};
use ipnet::IpNet;

use crate::config::ServerConfig;
use crate::limits::{MAX_HOST_BYTES, MAX_PREFIX_BYTES};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// An absolute http or https URL without a slash at its end, without query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// Why a request has no root URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// HTTP/1.1 demands a Host header (RFC 9112 section 3.2).
    #[error("the request has no Host header")]
    NoHost,
    /// Several contradict each other.
    #[error("the request has more than one Host header")]
    ManyHosts,
    /// A header's value cannot stand in a URL.
    #[error("the request's {header} header is not {expected}")]
    Unusable {
        /// The header, or what stands in its place.
        header: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// What of a request tells its root URL.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The version of HTTP.
    pub version: Version,
    /// The request target.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The address that the request came from.
    pub peer: IpAddr,
    /// The address that the request came to.
    pub local: SocketAddr,
}

impl BaseUrl {
    /// Returns the root URL of a request.
    pub fn of(asked: &Asked<'_>, server: &ServerConfig) -> Result<Self, BaseUrlError> {
        if let Some(url) = &server.public_url {
            return Ok(Self(url.as_str().trim_end_matches('/').to_owned()));
        }
        let is_trusted = |address: IpAddr| contains(&server.trusted_proxies, address);
        let said = if is_trusted(asked.peer) {
            Said::by_proxies(asked.headers, is_trusted)
        } else {
            Said::default()
        };
        let scheme = match said.proto {
            None => "http",
            Some(proto) if proto.eq_ignore_ascii_case("http") => "http",
            Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
            Some(_) => return Err(unusable(said.proto_header, "http or https")),
        };
        let host = match said.host {
            Some(host) => parse_host(host, said.host_header)?,
            None => asked_host(asked)?,
        };
        let prefix = parse_prefix(said.prefix.unwrap_or_default())?;
        Ok(Self(format!("{scheme}://{host}{prefix}")))
    }

    /// Returns the URL of something below the root; slashes at either end of the path do not matter.
    ///
    /// ```
    /// # use larder::http::base_url::{Asked, BaseUrl};
    /// # let config = larder::config::Config::parse("server.public_url = \"https://example.com/nuget/\"", ".".as_ref()).unwrap();
    /// # let (uri, headers) = ("/".parse().unwrap(), Default::default());
    /// # let (peer, local) = ([127, 0, 0, 1].into(), ([127, 0, 0, 1], 80).into());
    /// # let asked = Asked { version: axum::http::Version::HTTP_11, uri: &uri, headers: &headers, peer, local };
    /// let base = BaseUrl::of(&asked, &config.server).unwrap();
    /// assert_eq!(base.as_str(), "https://example.com/nuget");
    /// assert_eq!(base.mount("/api/v2/").as_str(), "https://example.com/nuget/api/v2");
    /// assert_eq!(base.mount("/"), base);
    /// ```
    #[must_use]
    pub fn mount(&self, path: &str) -> Self {
        match path.trim_matches('/') {
            "" => self.clone(),
            path => Self(format!("{}/{path}", self.0)),
        }
    }

    /// Returns the URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn unusable(header: &'static str, expected: &'static str) -> BaseUrlError {
    BaseUrlError::Unusable { header, expected }
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    // A socket that takes both kinds of address shows the old kind inside the new one.
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// What trusted proxies say of the request as the outermost of them got it.
#[derive(Debug, Default)]
struct Said<'a> {
    proto: Option<&'a str>,
    proto_header: &'static str,
    host: Option<&'a str>,
    host_header: &'static str,
    prefix: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn by_proxies(headers: &'a HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Self {
        let addresses = elements(headers, &X_FORWARDED_FOR);
        let is_hop = |element: &&&str| parse_node(element).is_some_and(&is_trusted);
        let hops = addresses.iter().rev().take_while(is_hop).count();
        let outermost = |name: &HeaderName| {
            let values = elements(headers, name);
            let value = values.iter().rev().nth(hops).or(values.first());
            value.copied().filter(|value| !value.is_empty())
        };
        let mut said = Self {
            proto: outermost(&X_FORWARDED_PROTO),
            proto_header: "X-Forwarded-Proto",
            host: outermost(&X_FORWARDED_HOST),
            host_header: "X-Forwarded-Host",
            prefix: outermost(&X_FORWARDED_PREFIX),
        };
        if headers.contains_key(FORWARDED) {
            (said.proto, said.proto_header) = (None, "Forwarded");
            (said.host, said.host_header) = (None, "Forwarded");
            said.read_forwarded(headers, is_trusted);
        }
        said
    }

    fn read_forwarded(&mut self, headers: &'a HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) {
        for element in elements(headers, &FORWARDED).into_iter().rev() {
            let mut peer = None;
            for (name, value) in split_outside_quotes(element, ';').filter_map(|pair| pair.split_once('=')) {
                let value = unquote(value.trim());
                match name.trim() {
                    name if name.eq_ignore_ascii_case("proto") => self.proto = Some(value),
                    name if name.eq_ignore_ascii_case("host") => self.host = Some(value),
                    name if name.eq_ignore_ascii_case("for") => peer = parse_node(value),
                    _ => {}
                }
            }
            if !peer.is_some_and(&is_trusted) {
                return;
            }
        }
    }
}

/// Returns the elements of a header's list, those of all its lines in order. A line that is no text is one empty element.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let lines = headers
        .get_all(name)
        .iter()
        .map(|line| line.to_str().unwrap_or_default());
    lines
        .flat_map(|line| split_outside_quotes(line, ','))
        .map(str::trim)
        .collect()
}

fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |char| {
        is_quoted ^= char == '"';
        char == separator && !is_quoted
    })
}

/// Removes the quotes of a quoted string. Hosts and addresses need no escapes in it: one that has some is none.
fn unquote(text: &str) -> &str {
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}

/// Reads the address of a `for=` or `X-Forwarded-For`, with or without a port. Made-up names and `unknown` are none.
fn parse_node(text: &str) -> Option<IpAddr> {
    if let Some((address, _)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return address.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let whole = text.parse().ok();
    whole.or_else(|| text.split_once(':').and_then(|(address, _)| address.parse().ok()))
}

fn asked_host(asked: &Asked<'_>) -> Result<String, BaseUrlError> {
    // The host of an absolute target counts, whatever Host says (RFC 9112 section 3.2.2).
    if let Some(authority) = asked.uri.authority() {
        return parse_host(authority.as_str(), "request target, in place of the Host,");
    }
    let mut hosts = asked.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => parse_host(host.to_str().unwrap_or_default(), "Host"),
        (Some(_), Some(_)) => Err(BaseUrlError::ManyHosts),
        // NuGet 2 and choco 1 speak HTTP/1.0, yet send Host; older tools do not.
        (None, _) if asked.version < Version::HTTP_11 => Ok(asked.local.to_string()),
        (None, _) => Err(BaseUrlError::NoHost),
    }
}

/// Reads a host with or without a port, and returns it in lower case.
fn parse_host(text: &str, header: &'static str) -> Result<String, BaseUrlError> {
    let refused = unusable(header, "a host with or without a port");
    let text = text.trim();
    let bracket = text.rfind(']').map_or(0, |end| end + 1);
    let colon = text
        .get(bracket..)
        .and_then(|rest| rest.find(':'))
        .map(|at| bracket + at);
    let (host, port) = text.split_at(colon.unwrap_or(text.len()));
    let is_name_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_host = (host.starts_with('[') || host.bytes().all(is_name_char)) && url::Host::parse(host).is_ok();
    if host.len() > MAX_HOST_BYTES || !is_host {
        return Err(refused);
    }
    let host = host.to_ascii_lowercase();
    match port.trim_start_matches(':') {
        // A colon alone means the default port (RFC 3986 section 3.2.3).
        "" if port.len() <= 1 => Ok(host),
        digits if port.len() == digits.len() + 1 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let number: u16 = digits.parse().map_err(|_| refused)?;
            Ok(format!("{host}:{number}"))
        }
        _ => Err(refused),
    }
}

/// Reads the path that a proxy took away, and returns it without a slash at its end.
fn parse_prefix(text: &str) -> Result<&str, BaseUrlError> {
    let prefix = text.trim_end_matches('/');
    let is_path_char = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte);
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_path_char);
    let is_prefix = match prefix.strip_prefix('/') {
        Some(path) => path.split('/').all(is_segment) && path.len() < MAX_PREFIX_BYTES,
        None => prefix.is_empty(),
    };
    is_prefix
        .then_some(prefix)
        .ok_or_else(|| unusable("X-Forwarded-Prefix", "an absolute path"))
}

#[cfg(test)]
mod tests;
