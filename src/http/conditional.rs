//! Whether a client has an answer already: the preconditions of RFC 9110 section 13 on GET and HEAD. Pure: it knows headers, not
//! what they are about.
//!
//! What cannot be parsed counts as absent, as RFC 9110 demands of dates; a list of tags that cannot be read names none.

use std::fmt::Write as _;

use axum::http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::SubsecRound as _;

use super::date::parse_date;
use crate::catalog::Instant;
use crate::nuget::digest::Sha512;

/// An entity tag, quotes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// Makes the tag of a nupkg, a strong one: the first 16 hex digits of its SHA-512, as in its file name.
    #[must_use]
    pub fn of(digest: &Sha512) -> Self {
        let digits: String = digest.hex().chars().take(16).collect();
        Self(format!("\"{digits}\""))
    }

    /// Makes a weak tag: what has it says the same, and need not be the same bytes (RFC 9110 section 8.8.1).
    #[must_use]
    pub fn weak(mark: u64) -> Self {
        let mut text = String::with_capacity(20);
        // Writing into a string does not fail.
        let _ = write!(text, "W/\"{mark:016x}\"");
        Self(text)
    }

    /// Returns the tag as it stands in a header.
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

    fn is_weak(&self) -> bool {
        self.0.starts_with("W/")
    }

    fn opaque(&self) -> &str {
        self.0.trim_start_matches("W/").trim_matches('"')
    }
}

/// What tells one state of something from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// Its tag.
    pub etag: ETag,
    /// When it last changed, where that can be told to the second.
    pub last_modified: Option<Instant>,
}

/// What a request's preconditions come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// There are none, or all hold: answer.
    Holds,
    /// The client has this very state: 304.
    NotModified,
    /// It asks for a state that is no more: 412.
    Failed,
}

/// Evaluates the preconditions of a GET or HEAD, in the order of RFC 9110 section 13.2.2.
#[must_use]
pub fn evaluate(headers: &HeaderMap, current: &Validators) -> Precondition {
    // Dates in HTTP have whole seconds.
    let modified = current.last_modified.map(|at| at.trunc_subsecs(0));
    let is_newer_than = |name: &HeaderName| {
        let date = single(headers, name).and_then(parse_date);
        modified.zip(date).map(|(modified, date)| modified > date)
    };
    let is_as_wanted = if headers.contains_key(IF_MATCH) {
        names_tag(headers, &IF_MATCH, |is_weak, opaque| {
            !is_weak && !current.etag.is_weak() && opaque == current.etag.opaque()
        })
    } else {
        is_newer_than(&IF_UNMODIFIED_SINCE) != Some(true)
    };
    if !is_as_wanted {
        return Precondition::Failed;
    }
    let is_known = if headers.contains_key(IF_NONE_MATCH) {
        // Weak comparison (RFC 9110 section 8.8.3.2).
        names_tag(headers, &IF_NONE_MATCH, |_, opaque| opaque == current.etag.opaque())
    } else {
        is_newer_than(&IF_MODIFIED_SINCE) == Some(false)
    };
    if is_known {
        Precondition::NotModified
    } else {
        Precondition::Holds
    }
}

/// Returns whether a header's list has a tag that `is_it`, called with whether it is weak and what stands in its quotes; `*` is
/// every tag.
fn names_tag(headers: &HeaderMap, name: &HeaderName, is_it: impl Fn(bool, &str) -> bool) -> bool {
    headers.get_all(name).iter().any(|line| {
        line.to_str()
            .is_ok_and(|line| line.trim() == "*" || tags(line).any(|(is_weak, opaque)| is_it(is_weak, opaque)))
    })
}

/// Returns the tags of a list up to where it can no longer be read.
fn tags(line: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let strong = rest.strip_prefix("W/");
        let (opaque, after) = strong.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        rest = after;
        Some((strong.is_some(), opaque))
    })
}

/// Returns the value of a header that stands exactly once.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map(str::trim).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nuget::digest::Sha512Hasher;

    const TAG: &str = "\"ddaf35a193617aba\"";
    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn strong() -> Validators {
        let mut hasher = Sha512Hasher::default();
        hasher.update(b"abc");
        let modified = parse_date(MODIFIED).unwrap() + chrono::Duration::milliseconds(900);
        Validators {
            etag: ETag::of(&hasher.finish()),
            last_modified: Some(modified),
        }
    }

    fn weak() -> Validators {
        Validators {
            etag: ETag::weak(0xddaf_35a1_9361_7aba),
            last_modified: None,
        }
    }

    #[test]
    fn tags_are_quoted() {
        assert_eq!(strong().etag.as_str(), TAG);
        assert_eq!(strong().etag.header(), TAG);
        assert_eq!(weak().etag.as_str(), format!("W/{TAG}"));
        assert_eq!(ETag::weak(10).as_str(), "W/\"000000000000000a\"");
    }

    #[test]
    fn preconditions() {
        for (lines, of_strong, of_weak) in [
            (String::new(), "Holds", "Holds"),
            (format!("if-none-match: {TAG}"), "NotModified", "NotModified"),
            (format!("if-none-match: W/{TAG}"), "NotModified", "NotModified"),
            (
                format!("if-none-match: \"a,b\", W/\"c\" ,{TAG}"),
                "NotModified",
                "NotModified",
            ),
            (
                format!("if-none-match: \"a\"\nif-none-match: {TAG}"),
                "NotModified",
                "NotModified",
            ),
            ("if-none-match: *".to_owned(), "NotModified", "NotModified"),
            ("if-none-match: \"a\"".to_owned(), "Holds", "Holds"),
            ("if-none-match: ddaf35a193617aba".to_owned(), "Holds", "Holds"),
            ("if-none-match: \"ddaf35a193617aba".to_owned(), "Holds", "Holds"),
            ("if-none-match: ".to_owned(), "Holds", "Holds"),
            (format!("if-modified-since: {MODIFIED}"), "NotModified", "Holds"),
            (format!("if-modified-since: {LATER}"), "NotModified", "Holds"),
            (format!("if-modified-since: {EARLIER}"), "Holds", "Holds"),
            ("if-modified-since: yesterday".to_owned(), "Holds", "Holds"),
            (
                format!("if-modified-since: {LATER}\nif-modified-since: {LATER}"),
                "Holds",
                "Holds",
            ),
            // The tag has precedence, whichever way it goes.
            (
                format!("if-none-match: \"a\"\nif-modified-since: {LATER}"),
                "Holds",
                "Holds",
            ),
            (
                format!("if-none-match: {TAG}\nif-modified-since: {EARLIER}"),
                "NotModified",
                "NotModified",
            ),
            // Strong comparison: a weak tag is never the same.
            (format!("if-match: {TAG}"), "Holds", "Failed"),
            (format!("if-match: \"a\", {TAG}"), "Holds", "Failed"),
            (format!("if-match: W/{TAG}"), "Failed", "Failed"),
            ("if-match: *".to_owned(), "Holds", "Holds"),
            ("if-match: \"a\"".to_owned(), "Failed", "Failed"),
            ("if-match: a".to_owned(), "Failed", "Failed"),
            (format!("if-unmodified-since: {MODIFIED}"), "Holds", "Holds"),
            (format!("if-unmodified-since: {EARLIER}"), "Failed", "Holds"),
            ("if-unmodified-since: x".to_owned(), "Holds", "Holds"),
            (
                format!("if-match: {TAG}\nif-unmodified-since: {EARLIER}"),
                "Holds",
                "Failed",
            ),
            (format!("if-match: \"a\"\nif-none-match: {TAG}"), "Failed", "Failed"),
            (
                format!("if-match: *\nif-none-match: {TAG}"),
                "NotModified",
                "NotModified",
            ),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines.lines().filter_map(|line| line.split_once(": ")) {
                let name = HeaderName::try_from(name).unwrap();
                headers.append(name, HeaderValue::from_str(value).unwrap());
            }
            let found = [strong(), weak()].map(|current| format!("{:?}", evaluate(&headers, &current)));
            assert_eq!(found, [of_strong, of_weak], "{lines}");
        }
    }
}
