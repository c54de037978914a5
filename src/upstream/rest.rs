//! Asking for the rest of a body that broke off: when that is safe, and when an answer is that rest. Pure.

use chrono::{DateTime, TimeDelta};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};

/// By so much a body must be older than the answer for its date to tell it from others (RFC 7232, 2.2.2; RFC 9110, 8.8.2.2,
/// is content with a second).
const SETTLED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// The rest of a body: what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rest {
    /// The first byte that is wanted.
    pub(super) from: u64,
    /// What the body must still be for that to make sense.
    pub(super) validator: HeaderValue,
}

impl Rest {
    /// Returns the headers that ask for it (RFC 9110, 13.1.5 and 14.2).
    pub(super) fn headers(&self) -> Option<[(HeaderName, HeaderValue); 2]> {
        let range = HeaderValue::from_str(&format!("bytes={}-", self.from)).ok()?;
        Some([(header::RANGE, range), (header::IF_RANGE, self.validator.clone())])
    }
}

/// Returns the validator by which the rest of an answer's body can be asked for, if that is safe: a strong entity tag, or a
/// date that is well before the answer's own.
pub(super) fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let refuses = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"none");
    if headers.get(header::ACCEPT_RANGES).is_some_and(refuses) {
        return None;
    }
    if let Some(etag) = headers.get(header::ETAG) {
        return is_strong(etag).then(|| etag.clone());
    }
    let modified = headers.get(header::LAST_MODIFIED)?;
    let is_settled = date(headers.get(header::DATE)?)? - date(modified)? >= SETTLED_AFTER;
    is_settled.then(|| modified.clone())
}

/// Returns whether a 206 carries on a body at `from`, to its end, and is of the same body as far as it says.
pub(super) fn continues(headers: &HeaderMap, rest: &Rest, length: u64) -> bool {
    let expected = format!("bytes {}-{}/{length}", rest.from, length.saturating_sub(1));
    let is_expected = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(expected.as_bytes());
    headers.get(header::CONTENT_RANGE).is_some_and(is_expected) && !is_of_another(headers, &rest.validator)
}

/// Returns whether an answer's entity tag says that its body is another one than `validator` stands for.
pub(super) fn is_of_another(headers: &HeaderMap, validator: &HeaderValue) -> bool {
    let is_other = |etag: &HeaderValue| is_strong(validator) && etag != validator;
    headers.get(header::ETAG).is_some_and(is_other)
}

fn is_strong(etag: &HeaderValue) -> bool {
    etag.as_bytes().starts_with(b"\"")
}

fn date(value: &HeaderValue) -> Option<DateTime<chrono::FixedOffset>> {
    DateTime::parse_from_rfc2822(value.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> HeaderMap {
        let lines = text.split(" | ").filter(|line| !line.is_empty());
        let pair = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (
                name.parse::<HeaderName>().unwrap(),
                value.parse::<HeaderValue>().unwrap(),
            )
        };
        lines.map(pair).collect()
    }

    #[test]
    fn only_what_can_be_told_from_others_is_resumed() {
        const OLD: &str = "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT | Date: Wed, 21 Oct 2015 07:29:00 GMT";
        const NEW: &str = "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT | Date: Wed, 21 Oct 2015 07:28:59 GMT";
        let modified = Some("Wed, 21 Oct 2015 07:28:00 GMT");
        for (text, expected) in [
            ("", None),
            ("ETag: \"a\"", Some("\"a\"")),
            ("ETag: \"a\" | Accept-Ranges: bytes", Some("\"a\"")),
            ("ETag: \"a\" | Accept-Ranges: none", None),
            ("ETag: W/\"a\"", None),
            (OLD, modified),
            (NEW, None),
            ("Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT", None),
            ("Last-Modified: yesterday | Date: Wed, 21 Oct 2015 07:29:00 GMT", None),
        ] {
            let found = validator(&headers(text));
            assert_eq!(found.as_ref().map(|value| value.to_str().unwrap()), expected, "{text}");
        }
        // A date must not stand in for an entity tag that is too weak.
        assert_eq!(validator(&headers(&format!("{OLD} | ETag: W/\"a\""))), None);
        assert_eq!(validator(&headers(&format!("{OLD} | ETag: \"a\""))).unwrap(), "\"a\"");
    }

    #[test]
    fn a_rest_must_be_the_rest() {
        let rest = |validator: &str| Rest {
            from: 10,
            validator: validator.parse().unwrap(),
        };
        let asked = rest("\"a\"").headers().unwrap();
        assert!(asked[0].1 == "bytes=10-" && asked[1].1 == "\"a\"");
        for (text, expected) in [
            ("Content-Range: bytes 10-99/100", true),
            ("Content-Range: Bytes 10-99/100 | ETag: \"a\"", true),
            ("Content-Range: bytes 10-99/100 | ETag: \"b\"", false),
            ("Content-Range: bytes 10-99/100 | ETag: W/\"a\"", false),
            ("Content-Range: bytes 9-99/100", false),
            ("Content-Range: bytes 11-99/100", false),
            ("Content-Range: bytes 10-98/100", false),
            ("Content-Range: bytes 10-99/101", false),
            ("Content-Range: bytes 10-99/*", false),
            ("Content-Range: bytes */100", false),
            ("Content-Type: multipart/byteranges; boundary=x", false),
            ("", false),
        ] {
            assert_eq!(continues(&headers(text), &rest("\"a\""), 100), expected, "{text}");
        }
        // Where a date was asked by, an entity tag says nothing.
        let by_date = rest("Wed, 21 Oct 2015 07:28:00 GMT");
        assert!(continues(
            &headers("Content-Range: bytes 10-99/100 | ETag: \"b\""),
            &by_date,
            100
        ));
    }
}
