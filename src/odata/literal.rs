//! The literals of OData v2 that are neither names nor texts: numbers with their suffixes, instants, durations, guids, bytes.
//!
//! Knows their spellings; refuses to know where in a filter they stand.

use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;

use crate::catalog::columns::parse_instant;
use crate::catalog::expression::{Duration, Literal};

/// Reads a number with its sign: `12` (Int32, or Int64 where that is too narrow, or else Double), `12L`, `1.5M`, `1.5f`, `1.5`,
/// `1e-3`, `2d`.
pub(super) fn number(text: &str) -> Option<Literal> {
    let (digits, suffix) = match text.char_indices().next_back()? {
        (at, suffix) if suffix.is_ascii_alphabetic() => (text.get(..at)?, suffix.to_ascii_lowercase()),
        _ => (text, ' '),
    };
    let is_whole = digits.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit());
    if !is_plain(digits) {
        return None;
    }
    match suffix {
        'l' if is_whole => digits.parse().ok().map(Literal::Int64),
        'm' => decimal(digits).map(Literal::Decimal),
        'f' => digits.parse().ok().map(Literal::Single),
        ' ' if is_whole => whole(digits),
        'd' | ' ' => digits.parse().ok().map(Literal::Double),
        _ => None,
    }
}

fn whole(digits: &str) -> Option<Literal> {
    let narrow = digits.parse().map(Literal::Int32);
    let wide = || digits.parse().map(Literal::Int64);
    narrow
        .or_else(|_| wide())
        .ok()
        .or_else(|| digits.parse().ok().map(Literal::Double))
}

/// Whether a text is digits, with a point among or before them and an exponent perhaps.
fn is_plain(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    is_digits(exponent) && is_digits(after) && (before.is_empty() != is_digits(before)) && !mantissa.is_empty()
}

/// Reads a decimal; digits beyond the 28th are rounded, as .NET does.
fn decimal(digits: &str) -> Option<Decimal> {
    if digits.contains(['e', 'E']) {
        return Decimal::from_scientific(digits).ok();
    }
    digits.parse().ok()
}

/// Reads an instant with its zone: `2013-01-31T10:00:00-07:00`. The zone is `Z`, `-07:00`, `-0700`, `-07`, or none, which is
/// UTC; its `+` may have become a blank on the way, as query strings have it.
pub(super) fn instant(text: &str) -> Option<DateTime<FixedOffset>> {
    let text = text.trim();
    let time = text.find(['T', 't', ' '])?;
    let zone = text.get(time + 1..)?.find(['+', '-', ' ', 'Z', 'z']);
    let Some(zone) = zone.map(|zone| time + 1 + zone) else {
        return parse_instant(text).map(|instant| instant.fixed_offset());
    };
    let offset = offset(text.get(zone..)?)?;
    let local = parse_instant(text.get(..zone)?)?.naive_utc();
    local.and_local_timezone(offset).single()
}

fn offset(zone: &str) -> Option<FixedOffset> {
    if zone.eq_ignore_ascii_case("z") {
        return FixedOffset::east_opt(0);
    }
    let is_west = zone.starts_with('-');
    let digits = zone.get(1..)?.trim_start();
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let two_digits = |text: &str| {
        let is_two = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i32>().ok().filter(|_| is_two)
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    // .NET's DateTimeOffset takes no more than 14 hours.
    let seconds = (hours * 60 + minutes) * 60;
    if minutes > 59 || seconds > 14 * 3600 {
        return None;
    }
    FixedOffset::east_opt(if is_west { -seconds } else { seconds })
}

/// Reads a duration of XML Schema, `P1DT2H3M4.5S`; a year is 365 days and a month 30, as in .NET.
pub(super) fn duration(text: &str) -> Option<Duration> {
    const SECOND: i64 = 10_000_000;
    const UNITS: [(char, bool, i64); 6] = [
        ('Y', false, 365 * 86_400),
        ('M', false, 30 * 86_400),
        ('D', false, 86_400),
        ('H', true, 3_600),
        ('M', true, 60),
        ('S', true, 1),
    ];
    let text = text.trim();
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.strip_prefix('P')?),
        None => (false, text.strip_prefix('P')?),
    };
    let mut units = UNITS.iter();
    let (mut ticks, mut is_time, mut is_empty) = (0_i64, false, true);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            if is_time || time.is_empty() {
                return None;
            }
            (is_time, rest) = (true, time);
            continue;
        }
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, unit) = (rest.get(..end)?, rest.get(end..)?.chars().next()?);
        let (.., seconds) = units.find(|(name, of_time, _)| *name == unit && *of_time == is_time)?;
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) if unit == 'S' && !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (number, "0"),
        };
        let whole = whole.parse::<i64>().ok()?.checked_mul(seconds.checked_mul(SECOND)?)?;
        ticks = ticks.checked_add(whole)?.checked_add(ticks_of(fraction)?)?;
        is_empty = false;
        rest = rest.get(end + 1..)?;
    }
    let ticks = if is_negative { ticks.checked_neg()? } else { ticks };
    (!is_empty).then_some(Duration(ticks))
}

/// Reads a second's fraction as ticks; digits beyond the seventh are cut.
fn ticks_of(fraction: &str) -> Option<i64> {
    let padded = format!("{fraction:0<7}");
    let digits = padded.get(..7)?;
    digits
        .parse()
        .ok()
        .filter(|_| fraction.bytes().all(|b| b.is_ascii_digit()))
}

/// Reads a guid, `0efdaecf-a9f0-42f3-a384-1295917af95e`, in either case, with or without its dashes.
pub(super) fn guid(text: &str) -> Option<[u8; 16]> {
    let text = text.trim();
    let is_dashed = text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text.as_bytes().get(*at) == Some(&b'-'));
    let hex = if is_dashed {
        text.replace('-', "")
    } else {
        text.to_owned()
    };
    bytes(&hex)?.try_into().ok()
}

/// Reads bytes, two hexadecimal digits each.
pub(super) fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_type_of_their_suffix() {
        let decimal = |text: &str| Some(Literal::Decimal(text.parse().unwrap()));
        for (text, expected) in [
            ("12", Some(Literal::Int32(12))),
            ("-2147483648", Some(Literal::Int32(i32::MIN))),
            ("2147483648", Some(Literal::Int64(2_147_483_648))),
            ("12L", Some(Literal::Int64(12))),
            ("-9223372036854775808l", Some(Literal::Int64(i64::MIN))),
            (
                "9223372036854775808",
                Some(Literal::Double(9_223_372_036_854_775_808.0)),
            ),
            ("1.5", Some(Literal::Double(1.5))),
            (".5", Some(Literal::Double(0.5))),
            ("1e3", Some(Literal::Double(1000.0))),
            ("1.5E-3", Some(Literal::Double(0.0015))),
            ("2d", Some(Literal::Double(2.0))),
            ("2.5D", Some(Literal::Double(2.5))),
            ("2f", Some(Literal::Single(2.0))),
            ("0.1F", Some(Literal::Single(0.1))),
            ("12m", decimal("12")),
            ("-0.1M", decimal("-0.1")),
            ("1.5e2M", decimal("150")),
            (
                "79228162514264337593543950335M",
                decimal("79228162514264337593543950335"),
            ),
            ("79228162514264337593543950336M", None),
            ("9223372036854775808L", None),
            ("1.5L", None),
            ("1e3L", None),
            ("12LL", None),
            ("12x", None),
            ("1.2.3", None),
            ("1.", None),
            (".", None),
            ("1e", None),
            ("e1", None),
            ("-", None),
            ("", None),
            ("m", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn zones_are_read_in_every_spelling() {
        for (text, expected) in [
            ("2002-10-10T17:00:00Z", "2002-10-10T17:00:00+00:00"),
            ("2002-10-10T17:00:00z", "2002-10-10T17:00:00+00:00"),
            ("2002-10-10T17:00:00-07:00", "2002-10-10T17:00:00-07:00"),
            ("2002-10-10T17:00:00-0600", "2002-10-10T17:00:00-06:00"),
            ("2002-10-10T17:00:00-05", "2002-10-10T17:00:00-05:00"),
            ("2002-10-10T17:00:00+09:30", "2002-10-10T17:00:00+09:30"),
            ("2002-10-10T17:00:00 09:30", "2002-10-10T17:00:00+09:30"),
            ("2002-10-10T17:00:00 0545", "2002-10-10T17:00:00+05:45"),
            (
                "2002-10-10T17:00:00.1234567+0545",
                "2002-10-10T17:00:00.123456700+05:45",
            ),
            ("2002-10-10T17:00+01", "2002-10-10T17:00:00+01:00"),
            ("2002-10-10T17:00", "2002-10-10T17:00:00+00:00"),
        ] {
            assert_eq!(instant(text).unwrap().to_rfc3339(), expected, "{text}");
        }
        for text in [
            "2002-10-10T17:00:00+15:00",
            "2002-10-10T17:00:00+1",
            "2002-10-10T17:00:00+01:60",
            "2002-10-10T17:00:00+x1",
            "2002-10-10T25:00:00Z",
            "2002-10-10T17:00:00Zx",
            "x",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_xml_schemas() {
        for (text, ticks) in [
            ("PT1H", 36_000_000_000),
            ("PT1H30M", 54_000_000_000),
            ("P1DT2H3M4.5S", 937_845_000_000),
            ("-PT0.0000001S", -1),
            ("PT0.00000019S", 1),
            ("P1Y2M", (365 + 60) * 864_000_000_000),
            ("PT36H", 1_296_000_000_000),
        ] {
            assert_eq!(duration(text), Some(Duration(ticks)), "{text}");
        }
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "1H",
            "PT1H1H",
            "PT1M1H",
            "P1H",
            "PT1D",
            "PT1.5H",
            "PT.S",
            "PT1",
            "--PT1H",
            "PT1S ü",
            "P99999999999999D",
            "PT1.S",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn guids_and_bytes_are_hexadecimal() {
        let expected = [
            14, 253, 174, 207, 169, 240, 66, 243, 163, 132, 18, 149, 145, 122, 249, 94,
        ];
        for text in [
            "0EFDAECF-A9F0-42F3-A384-1295917AF95E",
            "0efdaecf-a9f0-42f3-a384-1295917af95e",
            "0efdaecfa9f042f3a3841295917af95e",
        ] {
            assert_eq!(guid(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "0efd",
            "0efdaecf-a9f0-42f3-a384-1295917af95",
            "gefdaecf-a9f0-42f3-a384-1295917af95e",
        ] {
            assert_eq!(guid(text), None, "{text}");
        }
        assert_eq!(bytes("23abFF"), Some(vec![0x23, 0xAB, 0xFF]));
        assert_eq!(
            (bytes(""), bytes("2"), bytes("zz"), bytes("ü")),
            (Some(vec![]), None, None, None)
        );
    }
}
