//! Amounts with a unit: sizes such as `"350MiB"` and durations such as `"10m"`. Whole numbers only, and a duration
//! without a unit is refused, since nobody can tell seconds from minutes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use toml::de::DeValue;

use super::value::{Value, quoted, text, whole_number};

const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

const DURATION_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Ten years: long enough for every setting, short enough that no sum of times overflows.
const LONGEST: Duration = Duration::from_secs(3_650 * 86_400);

const SIZE_FORM: &str = "must be a size, such as \"350MiB\" or a number of bytes";
const DURATION_FORM: &str = "must be a duration with a unit, such as \"20s\", \"1500ms\", \"10m\", \"6h\" or \"30d\"";

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// Makes a size of so many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Makes a size of so many KiB (1,024 bytes), at most `u64::MAX` bytes.
    #[must_use]
    pub const fn from_kib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 10))
    }

    /// Makes a size of so many MiB (1,048,576 bytes), at most `u64::MAX` bytes.
    #[must_use]
    pub const fn from_mib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 20))
    }

    /// Returns the size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Returns the size in bytes as a length in memory, at most `usize::MAX`.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = largest_exact(&SIZE_UNITS, self.0).unwrap_or(("B", 1));
        write!(out, "{}{unit}", self.0 / factor)
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        amount(&SIZE_UNITS, text).map(Self).map_err(|error| match error {
            AmountError::Form => format!("{SIZE_FORM}, not {text:?}"),
            AmountError::TooLarge => format!("is too large: {text:?}"),
        })
    }
}

impl Value for ByteSize {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match value {
            DeValue::Integer(_) => whole_number(value).map(Self),
            DeValue::String(text) => text.parse(),
            _ => Err(SIZE_FORM.to_owned()),
        }
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for Duration {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        if matches!(value, DeValue::Integer(_)) {
            return Err(DURATION_FORM.to_owned());
        }
        let text = text(value)?;
        match amount(&DURATION_UNITS, text).map(Self::from_millis) {
            Ok(duration) if duration <= LONGEST => Ok(duration),
            Err(AmountError::Form) => Err(format!("{DURATION_FORM}, not {text:?}")),
            Ok(_) | Err(AmountError::TooLarge) => Err(format!("is too long: {text:?}; the longest is 3650d")),
        }
    }

    fn show(&self) -> String {
        let milliseconds = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        let (unit, factor) = largest_exact(&DURATION_UNITS, milliseconds).unwrap_or(("s", 1_000));
        quoted(&format!("{}{unit}", milliseconds / factor))
    }
}

enum AmountError {
    Form,
    TooLarge,
}

/// Reads digits and a unit.
fn amount(units: &[(&str, u64)], text: &str) -> Result<u64, AmountError> {
    let digits_end = text.find(|c: char| !c.is_ascii_digit()).ok_or(AmountError::Form)?;
    let (digits, unit) = text.split_at(digits_end);
    let unit = unit.trim_start_matches(' ');
    let (_, factor) = units.iter().find(|(name, _)| *name == unit).ok_or(AmountError::Form)?;
    if digits.is_empty() {
        return Err(AmountError::Form);
    }
    let number: u64 = digits.parse().map_err(|_| AmountError::TooLarge)?;
    number.checked_mul(*factor).ok_or(AmountError::TooLarge)
}

/// Returns the first unit that the amount is a whole number of; none for zero.
fn largest_exact(units: &[(&'static str, u64)], amount: u64) -> Option<(&'static str, u64)> {
    units
        .iter()
        .copied()
        .find(|(_, factor)| amount != 0 && amount.is_multiple_of(*factor))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read<T: Value>(toml: &str) -> Result<T, String> {
        T::read(DeValue::parse(toml).unwrap().get_ref())
    }

    #[test]
    fn sizes() {
        for (toml, expected) in [
            ("0", Some(0)),
            ("1_000", Some(1_000)),
            ("0x10", Some(16)),
            (r#""350MiB""#, Some(350 << 20)),
            (r#""350 MiB""#, Some(350 << 20)),
            (r#""4GiB""#, Some(4 << 30)),
            (r#""5MB""#, Some(5_000_000)),
            (r#""7B""#, Some(7)),
            (r#""350""#, None),
            (r#""MiB""#, None),
            (r#""-1MiB""#, None),
            (r#""1.5MiB""#, None),
            (r#""1mib""#, None),
            (r#""99999999999TiB""#, None),
            (r#""99999999999999999999999B""#, None),
            (r#""""#, None),
            ("-1", None),
            ("1.5", None),
            ("true", None),
        ] {
            assert_eq!(read::<ByteSize>(toml).ok().map(ByteSize::bytes), expected, "{toml}");
        }
    }

    #[test]
    fn durations() {
        for (toml, expected_ms) in [
            (r#""3500ms""#, Some(3_500)),
            (r#""20s""#, Some(20_000)),
            (r#""10m""#, Some(600_000)),
            (r#""6h""#, Some(21_600_000)),
            (r#""30 d""#, Some(2_592_000_000)),
            (r#""0s""#, Some(0)),
            (r#""3650d""#, Some(315_360_000_000)),
            (r#""3651d""#, None),
            (r#""99999999999999999999d""#, None),
            (r#""20""#, None),
            (r#""s""#, None),
            (r#""1m30s""#, None),
            (r#""-1s""#, None),
            ("20", None),
            ("[]", None),
        ] {
            assert_eq!(
                read::<Duration>(toml).ok().map(|d| d.as_millis()),
                expected_ms,
                "{toml}"
            );
        }
        assert!(read::<Duration>("20").unwrap_err().contains("with a unit"));
    }

    #[test]
    fn shows_the_largest_exact_unit() {
        assert_eq!(ByteSize::from_mib(128).to_string(), "128MiB");
        assert_eq!(ByteSize::from_bytes(0).to_string(), "0B");
        assert_eq!(ByteSize::from_bytes(1_025).to_string(), "1025B");
        assert_eq!(Duration::from_mins(10).show(), r#""10m""#);
        assert_eq!(Duration::from_millis(3_500).show(), r#""3500ms""#);
        assert_eq!(Duration::ZERO.show(), r#""0s""#);
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(bytes in any::<u64>(), milliseconds in 0..=315_360_000_000_u64) {
            let size = ByteSize::from_bytes(bytes);
            prop_assert_eq!(read::<ByteSize>(&size.show()), Ok(size));
            let duration = Duration::from_millis(milliseconds);
            prop_assert_eq!(read::<Duration>(&duration.show()), Ok(duration));
        }

        #[test]
        fn garbage_is_refused_without_panic(text in any::<String>()) {
            let value = DeValue::String(text.into());
            let _ = ByteSize::read(&value);
            let _ = Duration::read(&value);
        }
    }
}
