//! Which form an answer takes: Atom, or JSON for those who ask for it.
//!
//! Knows `$format` and `Accept`; refuses to know what is answered. Galleries speak Atom whatever they are asked for, and so
//! does larder where nothing it can write is accepted: an answer is worth more to a client than 406.

use super::options::OptionsError;

/// A form of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Atom and plain XML.
    Atom,
    /// The JSON of OData's first two versions, called verbose since the third.
    Json,
}

/// What a media range of `Accept` stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Range {
    Named(Format),
    Anything,
}

/// Returns the form that a value of `$format` names; an empty one names none.
///
/// # Errors
/// [`OptionsError::Choice`] for a form that is not written.
pub fn named(value: &str) -> Result<Option<Format>, OptionsError> {
    let compact: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    match compact.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "atom" | "xml" | "application/atom+xml" | "application/xml" => Ok(Some(Format::Atom)),
        "json" | "verbosejson" | "application/json" | "json;odata=verbose" | "application/json;odata=verbose" => {
            Ok(Some(Format::Json))
        }
        _ => Err(OptionsError::Choice {
            name: "$format",
            expected: "atom, xml, json or verbosejson",
            value: value.to_owned(),
        }),
    }
}

/// Returns the form that a request asks for. `$format` decides; without it the highest quality in `Accept` does, a range
/// that names a form before one that takes any, and Atom before JSON.
///
/// ```
/// use larder::odata::negotiate::{Format, accepted};
/// assert_eq!(accepted(None, "application/json;odata=verbose, */*;q=0.1"), Format::Json);
/// assert_eq!(accepted(Some(Format::Atom), "application/json"), Format::Atom);
/// ```
#[must_use]
pub fn accepted(named: Option<Format>, accept: &str) -> Format {
    named.unwrap_or_else(|| {
        let (mut best, mut format) = ((0, false, false), Format::Atom);
        for (range, quality) in accept.split(',').filter_map(media_range) {
            let (is_named, offered) = match range {
                Range::Named(format) => (true, format),
                Range::Anything => (false, Format::Atom),
            };
            let rank = (quality, is_named, offered == Format::Atom);
            if quality > 0 && rank > best {
                (best, format) = (rank, offered);
            }
        }
        format
    })
}

/// Reads a media range and its quality in thousandths; `None` for one that nothing here falls into.
fn media_range(text: &str) -> Option<(Range, u32)> {
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next()?.to_ascii_lowercase();
    let (mut quality, mut is_light) = (1000, false);
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        if name.eq_ignore_ascii_case("q") {
            quality = thousandths(value)?;
        } else if name.eq_ignore_ascii_case("odata") {
            // Version 3 has a JSON of its own, without what clients of version 2 look for.
            is_light = !value.eq_ignore_ascii_case("verbose");
        }
    }
    let range = match media_type.as_str() {
        "application/json" if is_light => return None,
        "application/json" => Range::Named(Format::Json),
        "application/atom+xml" | "application/xml" | "text/xml" | "application/atomsvc+xml" => {
            Range::Named(Format::Atom)
        }
        "*/*" | "application/*" => Range::Anything,
        _ => return None,
    };
    Some((range, quality))
}

/// Reads `0.8` as 800.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    let digits = fraction.get(..3).unwrap_or(fraction);
    let fraction: u32 = format!("{digits:0<3}").parse().ok()?;
    Some((whole * 1000 + fraction).min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_format_is_named_in_several_ways() {
        for (value, expected) in [
            ("", None),
            ("atom", Some(Format::Atom)),
            ("XML", Some(Format::Atom)),
            ("application/atom+xml", Some(Format::Atom)),
            ("json", Some(Format::Json)),
            ("VerboseJson", Some(Format::Json)),
            ("application/json; odata=verbose", Some(Format::Json)),
        ] {
            assert_eq!(named(value), Ok(expected), "{value}");
        }
        for value in ["csv", "jsonlight", "application/json;odata=light", "atom,json"] {
            assert!(named(value).is_err(), "{value}");
        }
    }

    #[test]
    fn what_is_accepted_most_is_answered() {
        for (accept, expected) in [
            ("", Format::Atom),
            ("*/*", Format::Atom),
            ("application/atom+xml, application/xml", Format::Atom),
            ("application/atom+xml,application/xml", Format::Atom),
            ("application/json", Format::Json),
            ("Application/JSON;OData=Verbose", Format::Json),
            ("application/json, text/plain, */*", Format::Json),
            ("application/json;odata=nometadata", Format::Atom),
            (
                "application/json;odata=minimalmetadata, application/json;odata=verbose;q=0.5",
                Format::Json,
            ),
            ("application/json;q=0.5, application/atom+xml;q=0.9", Format::Atom),
            ("application/atom+xml;q=0.5,application/json;q=0.51", Format::Json),
            ("application/json, application/xml", Format::Atom),
            ("application/json;q=0", Format::Atom),
            ("application/json;q=0, */*", Format::Atom),
            ("application/json;q=0.8, */*;q=0.9", Format::Atom),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Format::Atom,
            ),
            ("image/png", Format::Atom),
            ("application/json;q=x", Format::Atom),
        ] {
            assert_eq!(accepted(None, accept), expected, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(accept in "\\PC{0,60}", value in "\\PC{0,20}") {
            let _ = accepted(None, &accept);
            let _ = named(&value);
        }

        #[test]
        fn never_panics_on_qualities(quality in "[0-9.ü]{0,12}") {
            let _ = thousandths(&quality);
        }
    }
}
