//! Where feeds lie below the server's root. Pure.

use crate::catalog::SourceName;

/// The default feed's addresses: the galleries' own, and those of the servers that people come from (`NuGet.Server`,
/// Chocolatey Simple Server).
const DEFAULT_MOUNTS: [&str; 3] = ["/api/v2", "/nuget", "/chocolatey"];

/// A feed that a path lies in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount<'a> {
    /// The feed; `None` for the default one.
    pub(super) feed: Option<SourceName>,
    /// The path of the feed's root, without a trailing slash, as the client spelled it.
    pub(super) path: &'a str,
    /// What comes after it, still percent-encoded.
    pub(super) rest: &'a str,
}

/// Finds the feed that a raw path lies in; `None` where it lies in none.
#[must_use]
pub(super) fn find(raw_path: &str) -> Option<Mount<'_>> {
    for mount in DEFAULT_MOUNTS {
        if let Some(rest) = below(raw_path, mount) {
            let path = raw_path.get(..mount.len())?;
            return Some(Mount { feed: None, path, rest });
        }
    }
    let named = below(raw_path, "/feeds")?.strip_prefix('/')?;
    let (name, _) = named.split_once('/')?;
    let root = "/feeds/".len() + name.len();
    let rest = below(raw_path.get(root..)?, "/api/v2")?;
    let path = raw_path.get(..root + "/api/v2".len())?;
    Some(Mount {
        feed: Some(name.to_ascii_lowercase().parse().ok()?),
        path,
        rest,
    })
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
            ("/feeds/ours/api/v3", None),
            ("/feeds/../api/v2/", None),
            ("/feeds/ours", None),
            ("/api/v20", None),
            ("/nugetty", None),
            ("/", None),
            ("", None),
        ] {
            let found = find(path);
            let found = found
                .as_ref()
                .map(|mount| (mount.feed.as_ref().map(SourceName::as_str), mount.path, mount.rest));
            assert_eq!(found, expected, "{path}");
        }
    }
}
