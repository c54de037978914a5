//! The parts of instants and durations.

use chrono::{Datelike, Timelike};

use crate::catalog::expression::Value;
use crate::catalog::expression::value::Duration;

const TICKS_PER_SECOND: i64 = 10_000_000;
const TICKS_PER_MINUTE: i64 = 60 * TICKS_PER_SECOND;
const TICKS_PER_HOUR: i64 = 60 * TICKS_PER_MINUTE;
const TICKS_PER_DAY: i64 = 24 * TICKS_PER_HOUR;

/// A part of an instant, or of a duration.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

impl Part {
    /// Returns the part of a value: of an instant in a zone as that zone shows it. What is neither passes.
    pub(super) fn of(self, value: Value<'_>) -> Value<'_> {
        match value {
            Value::DateTime(instant) => Value::Integer(self.of_instant(&instant)),
            Value::DateTimeOffset(instant) => Value::Integer(self.of_instant(&instant)),
            Value::Time(duration) => self.of_duration(duration).map_or(Value::Null, Value::Integer),
            other => other,
        }
    }

    fn of_instant(self, instant: &(impl Datelike + Timelike)) -> i64 {
        match self {
            Self::Year => instant.year().into(),
            Self::Month => instant.month().into(),
            Self::Day => instant.day().into(),
            Self::Hour => instant.hour().into(),
            Self::Minute => instant.minute().into(),
            Self::Second => instant.second().into(),
        }
    }

    /// .NET's `TimeSpan.Days` to `TimeSpan.Seconds`; a duration has no years and months.
    fn of_duration(self, Duration(ticks): Duration) -> Option<i64> {
        match self {
            Self::Year | Self::Month => None,
            Self::Day => Some(ticks / TICKS_PER_DAY),
            Self::Hour => Some(ticks / TICKS_PER_HOUR % 24),
            Self::Minute => Some(ticks / TICKS_PER_MINUTE % 60),
            Self::Second => Some(ticks / TICKS_PER_SECOND % 60),
        }
    }
}
