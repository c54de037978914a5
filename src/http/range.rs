//! Whether a client has a file already, and which bytes of it are wanted: the conditional and range requests of RFC 9110 on
//! files that never change. It knows headers and lengths, not the file.
//!
//! One range is served; of several the whole file is (RFC 9110 section 14.2 allows a server to ignore the field). What cannot
//! be parsed counts as absent, as RFC 9110 demands of each of these fields.

use std::ops::Range;

use axum::http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use chrono::{NaiveDateTime, SubsecRound as _};

use crate::catalog::Instant;
use crate::nuget::digest::Sha512;

/// A strong entity tag, quotes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// Makes the tag of a nupkg: the first 16 hex digits of its SHA-512, as in its file name.
    #[must_use]
    pub fn of(digest: &Sha512) -> Self {
        let digits: String = digest.hex().chars().take(16).collect();
        Self(format!("\"{digits}\""))
    }

    /// Returns the tag as it stands in a header, quotes included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tag as a header value.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "a tag is hex digits in quotes"
    )]
    pub fn header(&self) -> HeaderValue {
        HeaderValue::try_from(&self.0).expect("hex digits and quotes are a header value")
    }
}

/// The file that a request names, as far as the decision needs it.
#[derive(Debug, Clone)]
pub struct Representation {
    /// Its tag.
    pub etag: ETag,
    /// When it last changed.
    pub last_modified: Instant,
    /// Its length in bytes.
    pub size: u64,
}

/// What to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// 200 and the whole file.
    Whole,
    /// 206 and these bytes: at least one, all inside the file.
    Part(Range<u64>),
    /// 304 without a body.
    NotModified,
    /// 416: the file ends before the range begins.
    NotSatisfiable,
}

/// Decides what a GET or HEAD is answered with, in the order of RFC 9110 section 13.2.2.
#[must_use]
pub fn decide(method: &Method, headers: &HeaderMap, file: &Representation) -> Reply {
    if is_unchanged(headers, file) {
        return Reply::NotModified;
    }
    // Range is defined for GET alone (RFC 9110 section 14.2).
    if method == Method::GET && if_range_holds(headers, file) {
        wanted_range(headers, file.size)
    } else {
        Reply::Whole
    }
}

/// Returns the `Content-Range` of a 206.
#[must_use]
pub fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

/// Returns the `Content-Range` of a 416.
#[must_use]
pub fn unsatisfied_range(size: u64) -> String {
    format!("bytes */{size}")
}

fn is_unchanged(headers: &HeaderMap, file: &Representation) -> bool {
    if headers.contains_key(IF_NONE_MATCH) {
        let mut values = headers.get_all(IF_NONE_MATCH).iter();
        return values.any(|value| value.to_str().is_ok_and(|tags| names_tag(tags, &file.etag)));
    }
    let since = single(headers, &IF_MODIFIED_SINCE).and_then(parse_date);
    since.is_some_and(|since| file.last_modified.trunc_subsecs(0) <= since)
}

/// Returns whether a list of entity tags holds this one, by the weak comparison of RFC 9110 section 8.8.3.2.
fn names_tag(tags: &str, wanted: &ETag) -> bool {
    if tags.trim() == "*" {
        return true;
    }
    let mut rest = tags;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((tag, after)) = rest
            .strip_prefix("W/")
            .unwrap_or(rest)
            .strip_prefix('"')
            .and_then(|tag| tag.split_once('"'))
        else {
            return false;
        };
        if wanted.0.trim_matches('"') == tag {
            return true;
        }
        rest = after;
    }
}

/// Returns whether the range applies: the client's part is of this very file, or it does not ask for that to be sure.
fn if_range_holds(headers: &HeaderMap, file: &Representation) -> bool {
    if !headers.contains_key(IF_RANGE) {
        return true;
    }
    // A weak tag never holds (RFC 9110 section 13.1.5), nor does a date that is not exactly the one that was sent.
    single(headers, &IF_RANGE)
        .is_some_and(|value| value == file.etag.0 || parse_date(value) == Some(file.last_modified.trunc_subsecs(0)))
}

fn wanted_range(headers: &HeaderMap, size: u64) -> Reply {
    let range = single(headers, &RANGE).and_then(parse_range);
    match range {
        None => Reply::Whole,
        Some(Wanted::From { first, .. }) if first >= size => Reply::NotSatisfiable,
        Some(Wanted::From { first, last }) => Reply::Part(first..last.saturating_add(1).min(size)),
        Some(Wanted::Last(0)) => Reply::NotSatisfiable,
        // Of nothing there are no last bytes, yet all there is can be sent.
        Some(Wanted::Last(_)) if size == 0 => Reply::Whole,
        Some(Wanted::Last(count)) => Reply::Part(size.saturating_sub(count)..size),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// From `first` to `last`, both included.
    From { first: u64, last: u64 },
    /// So many bytes at the end.
    Last(u64),
}

/// Reads a `Range` of exactly one range of bytes (RFC 9110 section 14.1.2).
fn parse_range(value: &str) -> Option<Wanted> {
    let (unit, set) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", last) => Some(Wanted::Last(parse_position(last)?)),
        (first, "") => Some(Wanted::From {
            first: parse_position(first)?,
            last: u64::MAX,
        }),
        (first, last) => {
            let (first, last) = (parse_position(first)?, parse_position(last)?);
            (first <= last).then_some(Wanted::From { first, last })
        }
    }
}

/// Reads digits; a number past all files is the largest one.
fn parse_position(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Returns the value of a header that stands exactly once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map(str::trim).ok(),
        _ => None,
    }
}

/// Writes a time as HTTP does (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
#[must_use]
pub fn format_date(time: Instant) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads a time in any of the three forms of RFC 9110 section 5.6.7. Two digits of a year from 70 mean the last century.
#[must_use]
pub fn parse_date(text: &str) -> Option<Instant> {
    const FORMS: [&str; 3] = [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    ];
    let parsed = FORMS
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok());
    parsed.map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::nuget::digest::Sha512Hasher;

    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn file(size: u64) -> Representation {
        let mut hasher = Sha512Hasher::default();
        hasher.update(b"abc");
        let last_modified = parse_date(MODIFIED).unwrap() + chrono::Duration::milliseconds(900);
        Representation {
            etag: ETag::of(&hasher.finish()),
            last_modified,
            size,
        }
    }

    fn headers(lines: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(
                HeaderName::try_from(name).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        headers
    }

    fn answer(lines: &str, size: u64) -> String {
        match decide(&Method::GET, &headers(lines), &file(size)) {
            Reply::Part(range) => content_range(&range, size),
            Reply::NotSatisfiable => unsatisfied_range(size),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn tags() {
        assert_eq!(file(0).etag.as_str(), "\"ddaf35a193617aba\"");
        assert_eq!(file(0).etag.header(), "\"ddaf35a193617aba\"");
    }

    #[test]
    fn ranges() {
        for (range, expected) in [
            ("bytes=0-0", "bytes 0-0/10"),
            ("bytes=0-9", "bytes 0-9/10"),
            ("bytes=2-5", "bytes 2-5/10"),
            ("bytes=2-99", "bytes 2-9/10"),
            ("bytes=9-", "bytes 9-9/10"),
            ("bytes=0-", "bytes 0-9/10"),
            ("bytes=10-", "bytes */10"),
            ("bytes=10-12", "bytes */10"),
            ("bytes=99999999999999999999999-", "bytes */10"),
            ("bytes=5-99999999999999999999999", "bytes 5-9/10"),
            ("bytes=-3", "bytes 7-9/10"),
            ("bytes=-10", "bytes 0-9/10"),
            ("bytes=-99999999999999999999999", "bytes 0-9/10"),
            ("bytes=-0", "bytes */10"),
            ("Bytes = 2 - 5 ", "bytes 2-5/10"),
            ("bytes=0-1,4-5", "Whole"),
            ("bytes=0-1, -1", "Whole"),
            ("bytes=5-2", "Whole"),
            ("bytes=-", "Whole"),
            ("bytes=", "Whole"),
            ("bytes=a-b", "Whole"),
            ("bytes=+1-2", "Whole"),
            ("bytes=1--2", "Whole"),
            ("bytes", "Whole"),
            ("items=0-1", "Whole"),
        ] {
            assert_eq!(answer(&format!("range: {range}"), 10), expected, "{range}");
        }
        for (range, expected) in [
            ("bytes=0-", "bytes */0"),
            ("bytes=-5", "Whole"),
            ("bytes=-0", "bytes */0"),
        ] {
            assert_eq!(answer(&format!("range: {range}"), 0), expected, "{range} of nothing");
        }
        assert_eq!(answer("range: bytes=0-1\nrange: bytes=2-3", 10), "Whole");
        assert_eq!(
            decide(&Method::HEAD, &headers("range: bytes=0-1"), &file(10)),
            Reply::Whole
        );
    }

    #[test]
    fn conditions() {
        let (tag, later, earlier) = (
            "\"ddaf35a193617aba\"",
            "Sun, 06 Nov 1994 08:49:38 GMT",
            "Sun, 06 Nov 1994 08:49:36 GMT",
        );
        for (lines, expected) in [
            (format!("if-none-match: {tag}"), "NotModified"),
            (format!("if-none-match: W/{tag}"), "NotModified"),
            (format!("if-none-match: \"a,b\", W/\"c\" ,{tag}"), "NotModified"),
            (format!("if-none-match: \"a\"\nif-none-match: {tag}"), "NotModified"),
            ("if-none-match: *".to_owned(), "NotModified"),
            ("if-none-match: \"a\"".to_owned(), "Whole"),
            ("if-none-match: ddaf35a193617aba".to_owned(), "Whole"),
            ("if-none-match: \"ddaf35a193617aba".to_owned(), "Whole"),
            ("if-none-match: ".to_owned(), "Whole"),
            (format!("if-modified-since: {MODIFIED}"), "NotModified"),
            (format!("if-modified-since: {later}"), "NotModified"),
            (format!("if-modified-since: {earlier}"), "Whole"),
            ("if-modified-since: yesterday".to_owned(), "Whole"),
            (
                format!("if-modified-since: {later}\nif-modified-since: {later}"),
                "Whole",
            ),
            (format!("if-none-match: \"a\"\nif-modified-since: {later}"), "Whole"),
            (
                format!("if-none-match: {tag}\nif-modified-since: {earlier}\nrange: bytes=0-1"),
                "NotModified",
            ),
            (format!("range: bytes=0-1\nif-range: {tag}"), "bytes 0-1/10"),
            (format!("range: bytes=0-1\nif-range: {MODIFIED}"), "bytes 0-1/10"),
            (format!("range: bytes=0-1\nif-range: W/{tag}"), "Whole"),
            (format!("range: bytes=0-1\nif-range: {later}"), "Whole"),
            ("range: bytes=0-1\nif-range: \"a\"".to_owned(), "Whole"),
            ("range: bytes=0-1\nif-range: *".to_owned(), "Whole"),
            ("range: bytes=99-\nif-range: \"a\"".to_owned(), "Whole"),
            (format!("if-range: {tag}"), "Whole"),
        ] {
            assert_eq!(answer(&lines, 10), expected, "{lines}");
        }
    }

    #[test]
    fn dates() {
        for (text, expected) in [
            (MODIFIED, Some(MODIFIED)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(MODIFIED)),
            ("Sun Nov  6 08:49:37 1994", Some(MODIFIED)),
            ("Wed Nov 16 08:49:37 1994", Some("Wed, 16 Nov 1994 08:49:37 GMT")),
            ("Friday, 01-Jan-27 00:00:00 GMT", Some("Fri, 01 Jan 2027 00:00:00 GMT")),
            ("Sun, 06 Nov 1994 08:49:37 +0000", None),
            ("Mon, 06 Nov 1994 08:49:37 GMT", None),
            ("Sun, 31 Feb 1994 08:49:37 GMT", None),
            ("1994-11-06T08:49:37Z", None),
            ("", None),
        ] {
            assert_eq!(parse_date(text).map(format_date).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn dates_come_back(seconds in 0_i64..4_000_000_000) {
            let time = Instant::from_timestamp(seconds, 0).unwrap();
            prop_assert_eq!(parse_date(&format_date(time)), Some(time));
        }

        #[test]
        fn a_part_always_lies_in_the_file(range in "(bytes=)?[0-9]{0,22}-[0-9]{0,22}(,[0-9-]*)?|\\PC*", size in any::<u64>()) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(range.as_bytes()) {
                headers.insert(RANGE, value);
            }
            if let Reply::Part(part) = decide(&Method::GET, &headers, &file(size)) {
                prop_assert!(part.start < part.end && part.end <= size, "{part:?}");
            }
        }

        #[test]
        fn any_header_is_read(name in prop::sample::select(vec![IF_NONE_MATCH, IF_RANGE, IF_MODIFIED_SINCE]), value in any::<Vec<u8>>()) {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static("bytes=0-1"));
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.insert(name, value);
            }
            let _ = decide(&Method::GET, &headers, &file(10));
        }
    }
}
