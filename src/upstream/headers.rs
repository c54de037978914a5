//! What the headers of an upstream's answer say beside its body: where else to look, and when to come again.

use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode};
use url::Url;

use super::address;

/// Returns whether an answer says that the thing is elsewhere.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Returns where a redirect leads, from the page at `url`, or what is wrong with it.
pub(super) fn redirect_target(response: &Response, url: &Url) -> Result<Url, &'static str> {
    let location = response
        .headers()
        .get(header::LOCATION)
        .ok_or("without saying where to")?;
    let target = std::str::from_utf8(location.as_bytes())
        .ok()
        .and_then(|to| url.join(to).ok());
    let target = target.and_then(|target| address::parse(target.as_str()));
    let target = address::without_credentials(target.ok_or("to what is no http or https address")?);
    if url.scheme() == "https" && target.scheme() == "http" {
        return Err("from https down to http");
    }
    Ok(target)
}

/// Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or a date, which is compared with the answer's own date, so that no
/// clock of ours needs to be right.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &header::HeaderValue| value.to_str().ok())
    };
    let value = text(header::RETRY_AFTER)?.trim();
    if !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit()) {
        // More than any number holds is long, too.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = |text| chrono::DateTime::parse_from_rfc2822(text).ok();
    let wait = date(value)? - date(text(header::DATE)?)?;
    Some(wait.to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_on_the_web_and_never_down_to_http() {
        for (from, to, expected) in [
            ("https://g.test/a/b", "c?d=e", Ok("https://g.test/a/c?d=e")),
            ("https://g.test/a", "https://u:p@h.test/x", Ok("https://h.test/x")),
            ("http://g.test/a", "https://g.test/a", Ok("https://g.test/a")),
            ("http://g.test/a", "http://h.test/a", Ok("http://h.test/a")),
            ("https://g.test/a", "http://g.test/a", Err("from https down to http")),
            (
                "https://g.test/a",
                "http://g.test:443/a",
                Err("from https down to http"),
            ),
            ("https://g.test/a", "//h.test/a", Ok("https://h.test/a")),
            (
                "https://g.test/a",
                "file:///etc/passwd",
                Err("to what is no http or https address"),
            ),
            (
                "https://g.test/a",
                "http://[",
                Err("to what is no http or https address"),
            ),
        ] {
            let response = hyper::Response::builder().header("Location", to).body("").unwrap();
            let found = redirect_target(&response.into(), &from.parse().unwrap());
            assert_eq!(
                found.as_ref().map(Url::as_str),
                expected.as_ref().map(|to| *to),
                "{from} {to}"
            );
        }
        let response = hyper::Response::new("");
        assert!(redirect_target(&response.into(), &"https://g.test/".parse().unwrap()).is_err());
    }

    #[test]
    fn reads_how_long_to_wait() {
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        for (retry, date, seconds) in [
            ("120", None, Some(120)),
            (" 0 ", None, Some(0)),
            ("Wed, 21 Oct 2015 07:29:30 GMT", Some(date), Some(90)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(date), Some(0)),
            ("Wed, 21 Oct 2015 07:29:30 GMT", None, None),
            ("soon", Some(date), None),
            ("-5", None, None),
            ("99999999999999999999999", None, Some(u64::MAX)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, retry.parse().unwrap());
            if let Some(date) = date {
                headers.insert(header::DATE, date.parse().unwrap());
            }
            assert_eq!(retry_after(&headers), seconds.map(Duration::from_secs), "{retry}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
