//! Which network addresses an upstream's links may lead to.
//!
//! An upstream chooses where its redirects and package links point, and whoever answers for a name chooses its addresses, each
//! time anew. So the check stands where a connection is made, after every redirect and every look-up of a name: what the
//! configuration names may lie anywhere, all else must be on the public internet. Knows addresses; does not connect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use futures::FutureExt as _;
use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::names::Names;

/// Why an address is not connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is at {address}, which is no address of the public internet: name the host in this upstream's internal_hosts if it may be reached"
)]
pub(crate) struct NotPublic {
    host: String,
    address: IpAddr,
}

/// What an upstream's configuration names: its own origin, and the hosts beside it that may be internal ones.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    home: Url,
    internal_hosts: Vec<String>,
}

impl Guard {
    /// Makes the guard of the upstream at `home`; the hosts are names or addresses, compared ignoring case.
    pub(crate) fn new(home: &Url, internal_hosts: &[String]) -> Self {
        Self {
            home: home.clone(),
            internal_hosts: internal_hosts.to_vec(),
        }
    }

    /// Returns whether the configuration names where a URL leads, so that it may lie at any address.
    pub(crate) fn is_configured(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_internal = |internal: &String| {
            internal
                .trim_matches(['[', ']'])
                .eq_ignore_ascii_case(host.trim_matches(['[', ']']))
        };
        url.origin() == self.home.origin() || self.internal_hosts.iter().any(is_internal)
    }

    /// Judges a URL whose host is an address: no name is looked up for it, so the resolver does not see it.
    pub(crate) fn admit(&self, url: &Url) -> Result<(), NotPublic> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        if self.is_configured(url) || is_public(address) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        Err(NotPublic { host, address })
    }

    /// Judges a URL whose host is a name that a proxy looks up in our stead. Of its addresses none may be internal, since the proxy
    /// takes any; where the name is not known here, the proxy alone can tell, and its own rules are all there is.
    pub(crate) async fn admit_name(&self, url: &Url, names: &Names) -> Result<(), NotPublic> {
        let Some(Host::Domain(host)) = url.host() else {
            return Ok(());
        };
        if self.is_configured(url) {
            return Ok(());
        }
        let Ok(found) = names.look_up(host).await else {
            return Ok(());
        };
        let mut found = found.into_iter().map(|found| found.ip());
        let internal = found.find(|address| !is_public(*address));
        internal.map_or(Ok(()), |address| {
            let host = host.to_owned();
            Err(NotPublic { host, address })
        })
    }
}

/// Looks names up and leaves out addresses that are not public.
#[derive(Debug)]
pub(crate) struct PublicResolver {
    names: Names,
    /// Names that may lie anywhere: the proxies that the environment names.
    exempt: Vec<String>,
}

impl PublicResolver {
    /// Makes the resolver. Proxies are looked up by it too, and most are internal.
    pub(crate) fn new(names: Names, exempt: Vec<String>) -> Self {
        Self { names, exempt }
    }
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let is_exempt = self.exempt.iter().any(|exempt| exempt.eq_ignore_ascii_case(&host));
        let names = self.names.clone();
        async move {
            let found = names.look_up(&host).await?;
            let admitted = if is_exempt { found } else { public_only(host, found)? };
            Ok(Box::new(admitted.into_iter()) as Addrs)
        }
        .boxed()
    }
}

/// Refuses a name all of whose addresses are internal; of a mixed one the public addresses are left.
fn public_only(host: String, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
    let first = found.first().map(SocketAddr::ip);
    let public: Vec<SocketAddr> = found.into_iter().filter(|found| is_public(found.ip())).collect();
    match first {
        Some(address) if public.is_empty() => Err(NotPublic { host, address }),
        _ => Ok(public),
    }
}

/// Returns whether an address is one of the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

const fn v4(a: u8, b: u8, c: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), prefix)
}

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

/// IPv4 networks that are not public (IANA's special-purpose registry, RFC 6890), and multicast.
const SPECIAL_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 8),
    v4(10, 0, 0, 8),
    v4(100, 64, 0, 10),
    v4(127, 0, 0, 8),
    v4(169, 254, 0, 16),
    v4(172, 16, 0, 12),
    v4(192, 0, 0, 24),
    v4(192, 0, 2, 24),
    v4(192, 88, 99, 24),
    v4(192, 168, 0, 16),
    v4(198, 18, 0, 15),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    v4(224, 0, 0, 4),
    v4(240, 0, 0, 4),
    v4(255, 255, 255, 24),
];

/// All of IPv6 that is given out, and what of it is not public: Teredo and protocols, and the documentation's networks.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);
const SPECIAL_V6: [Ipv6Net; 3] = [v6(0x2001, 0, 23), v6(0x2001, 0x0db8, 32), v6(0x3fff, 0, 20)];

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|special| special.contains(&address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match embedded_v4(address) {
        Some(embedded) => is_public_v4(embedded),
        None => GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|special| special.contains(&address)),
    }
}

/// Returns the IPv4 address to which an IPv6 address leads: mapped, translated (RFC 6052) or through 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(of(high, low))
        }
        _ => None,
    }
}

/// Returns the hosts of the proxies that the environment names, in the variables that the HTTP client reads.
pub(crate) fn proxies_of_environment() -> Vec<String> {
    let variables = [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ];
    let host = |variable| {
        let text = std::env::var(variable).ok()?;
        let url = if text.contains("://") {
            text
        } else {
            format!("http://{text}")
        };
        Some(Url::parse(&url).ok()?.host_str()?.to_owned())
    };
    variables.into_iter().filter_map(host).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_addresses_are_known_in_every_disguise() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "192.88.99.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "169.253.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn what_the_configuration_names_may_lie_anywhere() {
        let home = "http://127.0.0.1:8080/api/v2/".parse().unwrap();
        let guard = Guard::new(
            &home,
            &["cdn.corp".to_owned(), "10.0.0.7".to_owned(), "fd00::7".to_owned()],
        );
        for (url, is_admitted) in [
            ("http://127.0.0.1:8080/other", true),
            ("http://127.0.0.1:8081/", false),
            ("https://127.0.0.1:8080/", false),
            ("http://2130706433:8080/", true),
            ("http://0x7f.1/", false),
            ("http://169.254.169.254/latest", false),
            ("http://[::1]:8080/", false),
            ("http://[::ffff:10.0.0.1]/", false),
            ("http://10.0.0.7/x", true),
            ("http://[fd00::7]:99/x", true),
            ("https://1.1.1.1/x", true),
            // A name is for the resolver to judge.
            ("http://localhost/", true),
        ] {
            assert_eq!(guard.admit(&url.parse().unwrap()).is_ok(), is_admitted, "{url}");
        }
        assert!(guard.is_configured(&"https://CDN.corp:99/x".parse().unwrap()));
        assert!(!guard.is_configured(&"https://cdn.corp.evil.example/x".parse().unwrap()));
    }

    #[test]
    fn a_name_keeps_its_public_addresses_alone() {
        let at = |address: &str| SocketAddr::new(address.parse().unwrap(), 0);
        let name = || "x.example".to_owned();
        assert_eq!(
            public_only(name(), vec![at("10.0.0.1"), at("1.1.1.1")]),
            Ok(vec![at("1.1.1.1")])
        );
        assert_eq!(public_only(name(), Vec::new()), Ok(Vec::new()));
        let refused = public_only(name(), vec![at("127.0.0.1"), at("::1")]).unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("x.example is at 127.0.0.1, which is no address"),
            "{refused}"
        );
    }
}
