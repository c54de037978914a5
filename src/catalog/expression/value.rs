//! Values that expressions compute, and how two of them compare.

use std::cmp::Ordering;

use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;

use super::number::Pair;
use super::text::TextValue;
use crate::catalog::Instant;

/// What an expression yields for one version.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// Not known from the row alone: evaluate again with the record.
    Deferred,
    /// True or false.
    Boolean(bool),
    /// A whole number, of either width.
    Integer(i64),
    /// A number of 28 decimal digits.
    Decimal(Decimal),
    /// A number of 32 bits.
    Single(f32),
    /// A number of 64 bits.
    Double(f64),
    /// An instant.
    DateTime(Instant),
    /// An instant in a zone.
    DateTimeOffset(DateTime<FixedOffset>),
    /// A duration.
    Time(Duration),
    /// A globally unique id, its bytes in the order in which it is written.
    Guid([u8; 16]),
    /// Bytes.
    Binary(&'a [u8]),
    /// A text, a version among them.
    Text(TextValue<'a>),
}

/// A duration in .NET's ticks of 100 nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub i64);

/// Compares two values as filters do; `None` where they have no order (a null, a NaN, different types).
#[must_use]
pub(super) fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.compare(right)),
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        (Value::DateTime(left), Value::DateTime(right)) => Some(left.cmp(right)),
        (Value::DateTimeOffset(left), Value::DateTimeOffset(right)) => Some(left.cmp(right)),
        (Value::DateTime(left), Value::DateTimeOffset(right)) => left.partial_cmp(right),
        (Value::DateTimeOffset(left), Value::DateTime(right)) => left.partial_cmp(right),
        (Value::Time(left), Value::Time(right)) => Some(left.cmp(right)),
        (Value::Guid(left), Value::Guid(right)) => Some(left.cmp(right)),
        (Value::Binary(left), Value::Binary(right)) => Some(left.cmp(right)),
        (left, right) => Pair::of(left, right)?.compare(),
    }
}
