//! Whom a request within a batch asks. Pure.

use std::borrow::Cow;

use axum::http::Uri;
use axum::http::uri::Authority;

use crate::http::mount::below;

/// The feed that a batch was sent to, under every name by which its clients may know it.
#[derive(Debug, Clone)]
pub(super) struct Service<'a> {
    /// Hosts, with or without a port.
    hosts: Vec<&'a str>,
    /// The raw paths of the feed's root, without a slash at their ends; the one that the batch came by is the last.
    paths: Vec<&'a str>,
}

/// What is asked below a feed's root, still percent-encoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Below<'a> {
    /// The path, with its slash where there is one.
    pub(super) path: Cow<'a, str>,
    /// The query string.
    pub(super) query: &'a str,
}

impl<'a> Service<'a> {
    /// Takes the feed's root as links have it, and what the batch's own request says of it: a proxy in front, or a
    /// `public_url`, can make the two differ. `rest` is the part of the URI behind the root.
    pub(super) fn new(root: &'a str, uri: &'a Uri, host: Option<&'a str>, rest: &str) -> Self {
        let without_scheme = root.split_once("://").map_or(root, |(_, rest)| rest);
        let (public_host, public_path) = split_host(without_scheme);
        let asked_path = uri.path().strip_suffix(rest).unwrap_or(uri.path());
        let hosts = [Some(public_host), uri.authority().map(Authority::as_str), host];
        Self {
            hosts: hosts.into_iter().flatten().collect(),
            paths: vec![public_path, asked_path],
        }
    }

    /// Finds what a request asks. Its target is a URL, an absolute path with or without a `Host`, or relative to the
    /// service's root (OData 2.0, "Batch Processing"). `None` where it asks another host or another feed.
    pub(super) fn find<'t>(&self, target: &'t str, host: Option<&'t str>) -> Option<Below<'t>> {
        let target = target.split('#').next().unwrap_or_default();
        let url = target.split_once("://");
        let url = url.filter(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let (host, target) = match url {
            Some((_, rest)) => {
                let (host, target) = split_host(rest);
                (Some(host), target)
            }
            None => (host, target),
        };
        if !host.is_none_or(|host| self.hosts.iter().any(|ours| is_same_host(ours, host))) {
            return None;
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = if url.is_some() || path.starts_with('/') {
            Cow::Borrowed(self.paths.iter().find_map(|root| below(path, root))?)
        } else {
            Cow::Owned(format!("/{path}"))
        };
        Some(Below { path, query })
    }
}

impl Below<'_> {
    /// Returns the URI of a request for it alone; `None` where it has what no URI has.
    pub(super) fn uri(&self, service: &Service<'_>) -> Option<Uri> {
        let root = service.paths.last()?;
        format!("{root}{}?{}", self.path, self.query).parse().ok()
    }
}

/// Splits a URL without its scheme where the host ends.
fn split_host(url: &str) -> (&str, &str) {
    url.split_at(url.find(['/', '?']).unwrap_or(url.len()))
}

/// Compares hosts without the ports that URLs leave out; which protocol a proxy in front speaks does not matter here.
fn is_same_host(ours: &str, theirs: &str) -> bool {
    without_port(ours).eq_ignore_ascii_case(without_port(theirs))
}

fn without_port(host: &str) -> &str {
    let usual = [":80", ":443", ":"].iter().find_map(|port| host.strip_suffix(port));
    usual.unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_the_same_feed_are_found_and_no_others() {
        let uri = Uri::from_static("/api/v2/$batch");
        let root = "https://packages.example.com/nuget/api/v2";
        let service = Service::new(root, &uri, Some("inside:8624"), "/$batch");
        for (target, host, expected) in [
            (
                "http://inside:8624/api/v2/Packages()?$top=1",
                None,
                Some(("/Packages()", "$top=1")),
            ),
            (
                "https://packages.example.com/nuget/api/v2/Search()",
                None,
                Some(("/Search()", "")),
            ),
            (
                "HTTP://PACKAGES.EXAMPLE.COM:443/NuGet/API/v2/Search()?a?b",
                None,
                Some(("/Search()", "a?b")),
            ),
            ("http://inside:8624/api/v2", None, Some(("", ""))),
            ("http://inside:8624/api/v2?x=1#y", None, Some(("", "x=1"))),
            ("/api/v2/Packages()", None, Some(("/Packages()", ""))),
            ("/api/v2//Packages()", Some("inside:8624"), Some(("//Packages()", ""))),
            (
                "/nuget/api/v2/Packages()",
                Some("packages.example.com"),
                Some(("/Packages()", "")),
            ),
            (
                "Packages()?$filter=Id%20eq%20'http://x'",
                None,
                Some(("/Packages()", "$filter=Id%20eq%20'http://x'")),
            ),
            (
                "FindPackagesById()?id='a'",
                Some("inside:8624"),
                Some(("/FindPackagesById()", "id='a'")),
            ),
            ("?x", None, Some(("/", "x"))),
            ("http://elsewhere/api/v2/Packages()", None, None),
            ("http://inside/api/v2/Packages()", None, None),
            ("http://inside:8624@elsewhere/api/v2/Packages()", None, None),
            ("http://user@inside:8624/api/v2/Packages()", None, None),
            ("http://inside:8624", None, None),
            ("http://inside:8624?x", None, None),
            ("http:///api/v2/Packages()", None, None),
            ("http://inside:8624/feeds/other/api/v2/Packages()", None, None),
            ("http://inside:8624/api/v20/Packages()", None, None),
            ("file:///etc/passwd", None, None),
            ("/etc/passwd", None, None),
            ("//elsewhere/api/v2/Packages()", None, None),
            ("/api/v2/Packages()", Some("elsewhere"), None),
            ("Packages()", Some("elsewhere"), None),
            ("/", None, None),
        ] {
            let found = service.find(target, host);
            let found = found.as_ref().map(|below| (below.path.as_ref(), below.query));
            assert_eq!(found, expected, "{target} {host:?}");
        }
    }
}
