//! Where feeds lie below the server's root. Pure.

use crate::catalog::SourceName;
use crate::odata::protocol::Protocol;

/// The default feed's addresses: the galleries' own, and those of the servers that people come from (`NuGet.Server`,
/// Chocolatey Simple Server). Version 1 lies where NuGetGallery has it (`NuGetODataV1FeedConfig`, `Routes`), longer paths
/// first.
const DEFAULT_MOUNTS: [(&str, Protocol); 7] = [
    ("/api/v2", Protocol::V2),
    ("/nuget", Protocol::V2),
    ("/chocolatey", Protocol::V2),
    ("/api/v1/FeedService.svc", Protocol::V1),
    ("/api/v1", Protocol::V1),
    ("/v1/FeedService.svc", Protocol::V1),
    ("/v1", Protocol::V1),
];

/// Each feed's own addresses, below its name.
const FEED_MOUNTS: [(&str, Protocol); 3] = [
    ("/api/v2", Protocol::V2),
    ("/api/v1/FeedService.svc", Protocol::V1),
    ("/api/v1", Protocol::V1),
];

/// A feed that a path lies in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount<'a> {
    /// The feed; `None` for the default one.
    pub(super) feed: Option<SourceName>,
    /// The version of the protocol that is spoken there.
    pub(super) protocol: Protocol,
    /// The path of the feed's root, without a trailing slash, as the client spelled it.
    pub(super) path: &'a str,
    /// What comes after it, still percent-encoded.
    pub(super) rest: &'a str,
}

impl Mount<'_> {
    /// Returns the path of the root where the same feed speaks version 2.
    pub(super) fn current(&self) -> String {
        match &self.feed {
            None => "/api/v2".to_owned(),
            Some(name) => format!("/feeds/{name}/api/v2"),
        }
    }
}

/// Finds the feed that a raw path lies in; `None` where it lies in none.
#[must_use]
pub(super) fn find(raw_path: &str) -> Option<Mount<'_>> {
    if let Some((length, protocol, rest)) = first(raw_path, &DEFAULT_MOUNTS) {
        return Some(Mount {
            feed: None,
            protocol,
            path: raw_path.get(..length)?,
            rest,
        });
    }
    let named = below(raw_path, "/feeds")?.strip_prefix('/')?;
    let (name, _) = named.split_once('/')?;
    let root = "/feeds/".len() + name.len();
    let (length, protocol, rest) = first(raw_path.get(root..)?, &FEED_MOUNTS)?;
    Some(Mount {
        feed: Some(name.to_ascii_lowercase().parse().ok()?),
        protocol,
        path: raw_path.get(..root + length)?,
        rest,
    })
}

/// Finds the first of some mounts that a path lies in: its length, its version of the protocol, and what follows.
fn first<'a>(path: &'a str, mounts: &[(&str, Protocol)]) -> Option<(usize, Protocol, &'a str)> {
    mounts
        .iter()
        .find_map(|(mount, protocol)| below(path, mount).map(|rest| (mount.len(), *protocol, rest)))
}

/// Returns what follows a folder's path in a path, ignoring case, slash and all.
pub(super) fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let (start, rest) = path.split_at_checked(folder.len())?;
    (start.eq_ignore_ascii_case(folder) && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_lie_where_clients_look() {
        for (path, expected) in [
            ("/api/v2", Some((None, "/api/v2", ""))),
            ("/api/v2/", Some((None, "/api/v2", "/"))),
            ("/API/v2//Search()", Some((None, "/API/v2", "//Search()"))),
            (
                "/nuget/Packages(Id='a%2Fb',Version='1')",
                Some((None, "/nuget", "/Packages(Id='a%2Fb',Version='1')")),
            ),
            ("/chocolatey/package/git", Some((None, "/chocolatey", "/package/git"))),
            (
                "/feeds/ours/api/v2/Packages",
                Some((Some("ours"), "/feeds/ours/api/v2", "/Packages")),
            ),
            ("/feeds/Ours/API/V2", Some((Some("ours"), "/feeds/Ours/API/V2", ""))),
            (
                "/api/v1/FeedService.svc/Packages",
                Some((None, "/api/v1/FeedService.svc", "/Packages")),
            ),
            ("/API/v1/packages()", Some((None, "/API/v1", "/packages()"))),
            ("/v1/feedservice.svc/", Some((None, "/v1/feedservice.svc", "/"))),
            (
                "/v1/Package/Download/git/1.0",
                Some((None, "/v1", "/Package/Download/git/1.0")),
            ),
            ("/feeds/ours/api/v1/", Some((Some("ours"), "/feeds/ours/api/v1", "/"))),
            ("/feeds/ours/v1/", None),
            ("/feeds/ours/api/v3", None),
            ("/feeds/../api/v2/", None),
            ("/feeds/ours", None),
            ("/api/v20", None),
            ("/nugetty", None),
            ("/", None),
            ("", None),
        ] {
            let found = find(path);
            let is_first = |mount: &Mount<'_>| mount.protocol == Protocol::V1;
            let has_first = |mount: &Mount<'_>| mount.path.to_ascii_lowercase().contains("v1");
            assert_eq!(found.as_ref().map(is_first), found.as_ref().map(has_first), "{path}");
            let found = found
                .as_ref()
                .map(|mount| (mount.feed.as_ref().map(SourceName::as_str), mount.path, mount.rest));
            assert_eq!(found, expected, "{path}");
        }
    }
}
