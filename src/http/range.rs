//! Which bytes of a file are wanted: the range requests of RFC 9110 section 14 on files that never change. It knows headers and
//! lengths, not the file.
//!
//! One range is served; of several the whole file is (RFC 9110 section 14.2 allows a server to ignore the field). What cannot
//! be parsed counts as absent, as RFC 9110 demands of each of these fields.

use std::ops::Range;

use axum::http::header::{IF_RANGE, RANGE};
use axum::http::{HeaderMap, Method};
use chrono::SubsecRound as _;

use super::conditional::{Precondition, Validators, evaluate, single};
use super::date::parse_date;

/// The file that a request names, as far as the decision needs it.
#[derive(Debug, Clone)]
pub struct Representation {
    /// What tells it from another; its tag is a strong one.
    pub validators: Validators,
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
    /// 412: it is not the file that the request is about.
    PreconditionFailed,
    /// 416: the file ends before the range begins.
    NotSatisfiable,
}

/// Decides what a GET or HEAD is answered with, in the order of RFC 9110 section 13.2.2.
#[must_use]
pub fn decide(method: &Method, headers: &HeaderMap, file: &Representation) -> Reply {
    match evaluate(headers, &file.validators) {
        Precondition::Holds => {}
        Precondition::NotModified => return Reply::NotModified,
        Precondition::Failed => return Reply::PreconditionFailed,
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

/// Returns whether the range applies: the client's part is of this very file, or it does not ask for that to be sure.
fn if_range_holds(headers: &HeaderMap, file: &Representation) -> bool {
    if !headers.contains_key(IF_RANGE) {
        return true;
    }
    // A weak tag never holds (RFC 9110 section 13.1.5), nor does a date that is not exactly the one that was sent.
    let Validators { etag, last_modified } = &file.validators;
    let modified = last_modified.map(|at| at.trunc_subsecs(0));
    single(headers, &IF_RANGE)
        .is_some_and(|value| value == etag.as_str() || modified.is_some() && parse_date(value) == modified)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use axum::http::header::{HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH};

    use super::*;
    use crate::http::conditional::ETag;
    use crate::nuget::digest::Sha512Hasher;

    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn file(size: u64) -> Representation {
        let mut hasher = Sha512Hasher::default();
        hasher.update(b"abc");
        let last_modified = parse_date(MODIFIED).unwrap() + chrono::Duration::milliseconds(900);
        Representation {
            validators: Validators {
                etag: ETag::of(&hasher.finish()),
                last_modified: Some(last_modified),
            },
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
            (format!("range: bytes=0-1\nif-none-match: {tag}"), "NotModified"),
            ("range: bytes=0-1\nif-none-match: \"a\"".to_owned(), "bytes 0-1/10"),
            (
                format!("range: bytes=99-\nif-modified-since: {MODIFIED}"),
                "NotModified",
            ),
            ("range: bytes=0-1\nif-match: \"a\"".to_owned(), "PreconditionFailed"),
            (format!("range: bytes=0-1\nif-match: {tag}"), "bytes 0-1/10"),
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

    proptest! {
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
        fn any_header_is_read(name in prop::sample::select(vec![IF_MATCH, IF_NONE_MATCH, IF_RANGE, IF_MODIFIED_SINCE]), value in any::<Vec<u8>>()) {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static("bytes=0-1"));
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.insert(name, value);
            }
            let _ = decide(&Method::GET, &headers, &file(10));
        }
    }
}
