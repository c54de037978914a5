//! Times as HTTP writes and reads them. Pure.

use chrono::NaiveDateTime;

use crate::catalog::Instant;

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

    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

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
    }
}
