//! The addresses of upstreams: how values are written into them, which links may be followed.
//!
//! Pure: nothing is looked up or connected to.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// All but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a link is not followed.
pub(crate) const NO_ADDRESS: &str = "which is no http or https address";
/// Why a link is not followed.
pub(crate) const DOWNGRADE: &str = "which gives up the encryption that the upstream is configured with";
/// Why a link is not followed.
pub(crate) const OTHER_HOST: &str = "which is on another host";

/// Writes a value percent-encoded: for a path segment or a parameter.
pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, ENCODED).to_string()
}

/// Writes an OData string literal (OData 2.0 URI conventions: a quote inside is doubled), percent-encoded but for its
/// own quotes.
pub(crate) fn literal(value: &str) -> String {
    format!("'{}'", encode(&value.replace('\'', "''")))
}

/// Parses an address that may be asked: http or https, with a host. Its fragment is dropped.
pub(crate) fn parse(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    url.set_fragment(None);
    (matches!(url.scheme(), "http" | "https") && url.host().is_some()).then_some(url)
}

/// Returns a URL without user and password.
pub(crate) fn without_credentials(mut url: Url) -> Url {
    // Both fail for URLs without a host alone, which have no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// Returns the address of a link that `page` gave, to be followed in its stead.
///
/// The Chocolatey community repository answers https with http links (renovate issue 45134): on the same host they are
/// followed encrypted. Elsewhere a step from https down to http is refused.
pub(crate) fn upgrade(link: &str, page: &Url) -> Result<Url, &'static str> {
    // Credentials are sent where they were configured for, never where a link says.
    let mut url = without_credentials(parse(link).ok_or(NO_ADDRESS)?);
    if page.scheme() == "https" && url.scheme() == "http" {
        if url.host() != page.host() || url.port().is_some_and(|port| Some(port) != page.port()) {
            return Err(DOWNGRADE);
        }
        let port = page.port();
        if url.set_scheme("https").is_err() || url.set_port(port).is_err() {
            return Err(DOWNGRADE);
        }
    }
    Ok(url)
}

/// Returns the address of the next page: [`upgrade`]d, and on the same host.
pub(crate) fn next_page(link: &str, page: &Url) -> Result<Url, &'static str> {
    let url = upgrade(link, page)?;
    let has_default_port = |url: &Url| url.port().is_none();
    let is_same_host = url.host() == page.host()
        && (url.port_or_known_default() == page.port_or_known_default()
            || (has_default_port(&url) && has_default_port(page)));
    if is_same_host { Ok(url) } else { Err(OTHER_HOST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn values_are_encoded_exactly() {
        for (value, encoded) in [
            ("git", "'git'"),
            ("o'neill", "'o%27%27neill'"),
            ("a b+c&d/e%f", "'a%20b%2Bc%26d%2Fe%25f'"),
            ("Ünï", "'%C3%9Cn%C3%AF'"),
            ("1.0.0-beta.1+git.5", "'1.0.0-beta.1%2Bgit.5'"),
            ("", "''"),
        ] {
            assert_eq!(literal(value), encoded);
        }
    }

    #[test]
    fn links_are_followed_or_refused() {
        for (page, link, expected) in [
            (
                "https://g.test/api/v2/F()",
                "https://g.test/n?a='b'",
                Ok("https://g.test/n?a=%27b%27"),
            ),
            (
                "https://g.test/api/v2/F()",
                "http://g.test/n?$skip=1",
                Ok("https://g.test/n?$skip=1"),
            ),
            ("https://g.test:8443/", "http://g.test/n", Ok("https://g.test:8443/n")),
            ("https://G.test/", "http://g.test:80/n", Ok("https://g.test/n")),
            ("https://g.test/", "http://g.test:8080/n", Err(DOWNGRADE)),
            ("https://g.test/", "http://h.test/n", Err(DOWNGRADE)),
            ("https://g.test/", "https://h.test/n", Err(OTHER_HOST)),
            ("https://g.test/", "https://g.test:8443/n", Err(OTHER_HOST)),
            (
                "http://g.test:8081/",
                "http://g.test:8081/n",
                Ok("http://g.test:8081/n"),
            ),
            ("http://g.test/", "https://g.test/n", Ok("https://g.test/n")),
            ("http://g.test/", "https://u:p@g.test/n#f", Ok("https://g.test/n")),
            ("https://g.test/", "file:///etc/passwd", Err(NO_ADDRESS)),
            ("https://g.test/", "n?$skip=1", Err(NO_ADDRESS)),
        ] {
            let found = next_page(link, &url(page));
            assert_eq!(
                found.as_ref().map(Url::as_str),
                expected.as_ref().map(|url| *url),
                "{page} {link}"
            );
        }
        let elsewhere = upgrade("https://cdn.test/x", &url("https://g.test/"));
        assert_eq!(elsewhere, Ok(url("https://cdn.test/x")));
    }
}
