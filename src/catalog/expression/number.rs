//! Numbers: what two of them are promoted to, computed with and compared as.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::value::Value;

/// An operation on numbers. What cannot be computed (an overflow, a division by zero) is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is what it says")]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// How a number is rounded to a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    /// To the nearest, halves to even.
    Nearest,
    Down,
    Up,
}

/// Two numbers, promoted to one type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pair {
    Integers(i64, i64),
    Decimals(Decimal, Decimal),
    Singles(f32, f32),
    Doubles(f64, f64),
}

impl Pair {
    /// Promotes two numbers; `None` where either is none.
    #[expect(clippy::cast_precision_loss, reason = "promotion of Int64 to Single is defined so")]
    pub(super) fn of(left: &Value<'_>, right: &Value<'_>) -> Option<Self> {
        Some(match (left, right) {
            (Value::Integer(left), Value::Integer(right)) => Self::Integers(*left, *right),
            (Value::Decimal(left), Value::Decimal(right)) => Self::Decimals(*left, *right),
            (Value::Integer(left), Value::Decimal(right)) => Self::Decimals((*left).into(), *right),
            (Value::Decimal(left), Value::Integer(right)) => Self::Decimals(*left, (*right).into()),
            (Value::Single(left), Value::Single(right)) => Self::Singles(*left, *right),
            (Value::Integer(left), Value::Single(right)) => Self::Singles(*left as f32, *right),
            (Value::Single(left), Value::Integer(right)) => Self::Singles(*left, *right as f32),
            (left, right) => Self::Doubles(as_double(left)?, as_double(right)?),
        })
    }

    /// Compares the two; `None` where either is a NaN.
    pub(super) fn compare(self) -> Option<Ordering> {
        match self {
            Self::Integers(left, right) => Some(left.cmp(&right)),
            Self::Decimals(left, right) => Some(left.cmp(&right)),
            Self::Singles(left, right) => left.partial_cmp(&right),
            Self::Doubles(left, right) => left.partial_cmp(&right),
        }
    }

    fn calculate<'a>(self, operator: Arithmetic) -> Option<Value<'a>> {
        match self {
            Self::Integers(left, right) => match operator {
                Arithmetic::Add => left.checked_add(right),
                Arithmetic::Subtract => left.checked_sub(right),
                Arithmetic::Multiply => left.checked_mul(right),
                Arithmetic::Divide => left.checked_div(right),
                Arithmetic::Modulo => left.checked_rem(right),
            }
            .map(Value::Integer),
            Self::Decimals(left, right) => match operator {
                Arithmetic::Add => left.checked_add(right),
                Arithmetic::Subtract => left.checked_sub(right),
                Arithmetic::Multiply => left.checked_mul(right),
                Arithmetic::Divide => left.checked_div(right),
                Arithmetic::Modulo => left.checked_rem(right),
            }
            .map(Value::Decimal),
            Self::Singles(left, right) => Some(Value::Single(match operator {
                Arithmetic::Add => left + right,
                Arithmetic::Subtract => left - right,
                Arithmetic::Multiply => left * right,
                Arithmetic::Divide => left / right,
                Arithmetic::Modulo => left % right,
            })),
            Self::Doubles(left, right) => Some(Value::Double(match operator {
                Arithmetic::Add => left + right,
                Arithmetic::Subtract => left - right,
                Arithmetic::Multiply => left * right,
                Arithmetic::Divide => left / right,
                Arithmetic::Modulo => left % right,
            })),
        }
    }
}

impl Arithmetic {
    /// Computes; what is no number on either side is null, and what is deferred stays so.
    pub(super) fn apply<'a>(self, left: &Value<'a>, right: &Value<'a>) -> Value<'a> {
        match (left, right) {
            (Value::Null, _) | (_, Value::Null) => Value::Null,
            (Value::Deferred, _) | (_, Value::Deferred) => Value::Deferred,
            _ => Pair::of(left, right)
                .and_then(|pair| pair.calculate(self))
                .unwrap_or(Value::Null),
        }
    }
}

/// Turns the sign of a number; anything else passes.
pub(super) fn negated(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Integer(number) => number.checked_neg().map_or(Value::Null, Value::Integer),
        Value::Decimal(number) => Value::Decimal(-number),
        Value::Single(number) => Value::Single(-number),
        Value::Double(number) => Value::Double(-number),
        other => other,
    }
}

/// Rounds a number to a whole one: a decimal stays one, every other number becomes a double. Anything else passes.
pub(super) fn rounded(value: Value<'_>, rounding: Rounding) -> Value<'_> {
    if let Value::Decimal(number) = value {
        return Value::Decimal(match rounding {
            Rounding::Nearest => number.round(),
            Rounding::Down => number.floor(),
            Rounding::Up => number.ceil(),
        });
    }
    let Some(number) = as_double(&value) else {
        return value;
    };
    Value::Double(match rounding {
        // .NET's Math.Round, which the galleries' engine calls, rounds halves to even.
        Rounding::Nearest => number.round_ties_even(),
        Rounding::Down => number.floor(),
        Rounding::Up => number.ceil(),
    })
}

/// Returns a number as a double; integers beyond 2^53 are rounded, as in the galleries' engine.
#[expect(clippy::cast_precision_loss, reason = "promotion of Int64 to Double is defined so")]
fn as_double(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Decimal(decimal) => decimal.to_f64(),
        Value::Single(single) => Some(f64::from(*single)),
        Value::Double(double) => Some(*double),
        _ => None,
    }
}
