//! URLs fit to be shown: credentials and the secrets of a query are hidden. It knows which query parameters are harmless
//! and hides every other value, so a parameter nobody thought of is not shown. It does not know what a URL is for.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

const HIDDEN: &str = "***";

/// Query parameters whose values are questions, not secrets. Names that start with `$` are OData's own and shown too.
const HARMLESS: [&str; 11] = [
    "feed",
    "id",
    "includedelisted",
    "includeprerelease",
    "packageids",
    "prerelease",
    "searchterm",
    "semverlevel",
    "targetframework",
    "version",
    "versions",
];

/// Values that a URL template has for its placeholders.
const PLACEHOLDERS: [&str; 2] = ["@ID", "@VERSION"];

/// Shows a URL without its secrets: `https://***@host/path?sig=***&$top=1`.
#[must_use]
pub fn url(url: &Url) -> Redacted<'_> {
    Redacted(url.as_str())
}

/// Shows text that is a URL, or something like one, without its secrets.
#[must_use]
pub fn url_text(text: &str) -> Redacted<'_> {
    Redacted(text)
}

/// Shows the raw path of a request without the keys that NuGet 1.x put into it: `PackageFiles/KEY/nupkg` and
/// `Packages/KEY/ID/VERSION`.
#[must_use]
pub fn path(path: &str) -> RequestPath<'_> {
    RequestPath(path)
}

/// A path whose `Display` hides keys.
#[derive(Debug, Clone, Copy)]
pub struct RequestPath<'a>(&'a str);

impl fmt::Display for RequestPath<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut follows_verb = false;
        for (index, segment) in self.0.split('/').enumerate() {
            if index > 0 {
                out.write_str("/")?;
            }
            if segment.is_empty() {
                continue;
            }
            let name = percent_decode_str(segment).decode_utf8_lossy();
            let is_own = name.eq_ignore_ascii_case("$count");
            out.write_str(if follows_verb && !is_own { HIDDEN } else { segment })?;
            follows_verb = ["packagefiles", "packages"].contains(&name.to_ascii_lowercase().as_str());
        }
        Ok(())
    }
}

/// A URL whose `Display` hides credentials and query secrets.
#[derive(Clone, Copy)]
pub struct Redacted<'a>(&'a str);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, fragment) = split(self.0, '#');
        let (address, query) = split(text, '?');
        write_address(out, address)?;
        if let Some(query) = query {
            out.write_str("?")?;
            write_query(out, query)?;
        }
        if fragment.is_some() {
            write!(out, "#{HIDDEN}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn write_address(out: &mut fmt::Formatter<'_>, address: &str) -> fmt::Result {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    if !scheme.is_empty() {
        write!(out, "{scheme}://")?;
    }
    let authority_end = rest.find(['/', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((_, host)) => write!(out, "{HIDDEN}@{host}{path}"),
        None => write!(out, "{authority}{path}"),
    }
}

fn write_query(out: &mut fmt::Formatter<'_>, query: &str) -> fmt::Result {
    for (index, pair) in query.split('&').enumerate() {
        if index > 0 {
            out.write_str("&")?;
        }
        match pair.split_once('=') {
            Some((name, value)) if is_harmless(name) || PLACEHOLDERS.contains(&value) => write!(out, "{name}={value}")?,
            Some((name, _)) => write!(out, "{name}={HIDDEN}")?,
            // Without a name there is no telling what it is.
            None if pair.is_empty() => {}
            None => out.write_str(HIDDEN)?,
        }
    }
    Ok(())
}

fn is_harmless(name: &str) -> bool {
    name.starts_with('$') || name.starts_with("%24") || HARMLESS.contains(&name.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hides_secrets_and_nothing_else() {
        for (given, expected) in [
            ("https://example.com/api/v2/", "https://example.com/api/v2/"),
            ("https://anna:s3cret@example.com/", "https://***@example.com/"),
            ("https://anna@example.com:8443/a@b", "https://***@example.com:8443/a@b"),
            ("https://a:p@ss@example.com/", "https://***@example.com/"),
            ("http://h/p?sig=abc&$top=3&id='x'", "http://h/p?sig=***&$top=3&id='x'"),
            (
                "http://h/p?%24filter=Id%20eq%201&searchTerm=a",
                "http://h/p?%24filter=Id%20eq%201&searchTerm=a",
            ),
            ("http://h/p?s3cret", "http://h/p?***"),
            ("http://h/p?", "http://h/p?"),
            ("http://h/p?a=1=2#s3cret", "http://h/p?a=***#***"),
            (
                "https://u:p@h/@ID/@VERSION?f=@ID&sig=x",
                "https://***@h/@ID/@VERSION?f=@ID&sig=***",
            ),
            ("anna:s3cret@example.com", "***@example.com"),
            ("", ""),
        ] {
            assert_eq!(url_text(given).to_string(), expected, "{given}");
        }
    }

    #[test]
    fn hides_keys_in_paths() {
        for (given, expected) in [
            ("/v1/PackageFiles/0a1b/nupkg", "/v1/PackageFiles/***/nupkg"),
            ("/api/v1//packagefiles//0a1b/nupkg", "/api/v1//packagefiles//***/nupkg"),
            ("/api/v1/%50ackages/0a1b/git/1.0", "/api/v1/%50ackages/***/git/1.0"),
            ("/v1/Packages/packages/git/1.0", "/v1/Packages/***/***/1.0"),
            ("/v1/Packages/0a1b", "/v1/Packages/***"),
            ("/api/v2/Packages/$count", "/api/v2/Packages/$count"),
            ("/api/v2/Packages()/%24count", "/api/v2/Packages()/%24count"),
            ("/api/v2/package/git/1.0", "/api/v2/package/git/1.0"),
            ("/", "/"),
        ] {
            assert_eq!(path(given).to_string(), expected, "{given}");
        }
    }

    proptest! {
        #[test]
        fn never_shows_a_password(password in "[a-z0-9:@!$&'()*+,;=-]{8,40}", path in "[a-z/]{0,20}") {
            let shown = url_text(&format!("https://user:{password}@host/{path}")).to_string();
            prop_assert_eq!(shown, format!("https://***@host/{path}"));
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = url_text(&text).to_string();
        }
    }
}
