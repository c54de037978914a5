//! Filters and orders as trees of typed operators over an entry's columns, and what they yield for one version.
//!
//! Knows types, three-valued logic and how galleries compare; refuses to know any syntax. An expression can be evaluated
//! over a row alone: what only the record knows is *deferred*, and a verdict that depends on it is too.
//!
//! The model is the OData engine of NuGetGallery and NuGet.Server (OData/WebApi, branch maintenance-V3, `FilterBinder`, and
//! the `ODataLib` 5 under it) over NuGetGallery's database. Where these fail with a server error, disagree, or are silent,
//! larder answers as follows.
//!
//! # Nulls
//!
//! - `x eq null` is true where x is null, `x ne null` where it is not; of two nulls `eq` is true and `ne` is false.
//! - Any other comparison with one null or two is false; `ne` with exactly one null is true. So no comparison is null.
//! - A function with a null argument is null, and so is arithmetic; `concat` alone takes a null for an empty text, and is
//!   null where both are. `not null` is null; `and` and `or` are three-valued; a filter that is null excludes.
//!
//! # Numbers
//!
//! - Two operands are promoted: Int32, then Int64, then Decimal; Int32, Int64, Single, then Double. A Decimal with a Single or
//!   a Double becomes a Double (`ODataLib` refuses these two). An integer with a Single becomes a Single.
//! - Integers are computed in 64 bits whichever of the two types they have, decimals with .NET's 96 bits and 28 digits.
//! - What has no value is null: an overflow, and a division by zero of integers and decimals. A division of two integers cuts
//!   towards zero, `mod` has the sign of its left operand. Singles and doubles follow IEEE 754; `NaN` is equal to nothing, `ne`
//!   to everything, and neither more nor less.
//! - `round` rounds halves to even (.NET's `Math.Round`). `round`, `floor` and `ceiling` of a Decimal are Decimals, of every
//!   other number Doubles.
//! - The download counts are Int32 as feeds declare them, but compare with the true count where that is more.
//!
//! # Instants, durations, guids, bytes
//!
//! - A `DateTimeOffset` compares by its instant, with a `DateTime` too, which is in UTC (`ODataLib` has no such promotion, and
//!   galleries refuse these literals). `year` to `second` of one are those that its own zone shows.
//! - An `Edm.Time` is a duration; it has `hour`, `minute`, `second` and the engine's `days`, `hours`, `minutes`, `seconds`: its
//!   parts (the hours of `PT25H` are 1, its days 1), negative for a negative duration. Durations have an order.
//! - Booleans, guids and binaries have `eq` and `ne` alone.
//!
//! # Texts
//!
//! - `Version` and `NormalizedVersion` compare as versions, in all six comparisons and in orders, with each other and with
//!   any text that is a version, on either side. With a text that is none, code points compare. What a function makes of a
//!   version (`tolower(Version)`) is a text like any other.
//! - `Id`, also through `tolower`, `toupper`, `trim`, `substring` and `replace`, compares ignoring case, with whatever stands on
//!   the other side. All other texts compare by code points.
//! - `substringof`, `startswith`, `endswith` and `indexof` ignore case where the text that is searched is a column, or made of one by
//!   those five functions, or where what is looked for is the id; `concat` ignores case where both its parts do. A literal is
//!   searched as it stands. NuGetGallery leaves these to a database that ignores case.
//! - `replace` finds what it replaces by code points; it replaces nothing where that is empty.
//! - Characters are Unicode's: `length`, `indexof` and `substring` count code points, from 0. `indexof` is -1 where there is none.
//! - `substring` takes a negative start for 0 and what lies behind the end, and a negative length, for empty: the engine's
//!   own safe variant (`ClrSafeFunctions`), for its usual one fails with a server error.
//! - Tags are separated and padded by single blanks.
//! - Orders put nulls first and ignore the case of every text column.
//!
//! # Types
//!
//! - Both sides of a comparison need one type, or two numbers, or two instants; null goes with every type. `and`, `or` and
//!   `not` need conditions, arithmetic needs numbers. Anything else is a [`TypeError`].
//! - `cast`, `isof`, `any`, `all`, `years` and `months` are refused, as by the galleries' engine.
//!
//! # Work
//!
//! Evaluation is charged to a [`Work`] budget, a fixed number of steps a query (`limits::MAX_FILTER_WORK`), so that the same
//! question over the same packages is always either answered or refused. Once it is spent, every further function yields null and
//! whoever asked must throw the outcome away.

mod function;
mod identity;
mod kind;
mod number;
mod text;
mod typing;
mod value;
mod work;

use std::cmp::Ordering;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;

pub use self::function::Function;
pub use self::kind::Kind;
pub use self::number::Arithmetic;
pub use self::text::{Case, TextLiteral, TextValue};
pub use self::typing::TypeError;
pub use self::value::{Duration, Value};
pub use self::work::Work;

use self::number::negated;
use self::value::compare;
use super::Instant;
use super::columns::{Column, Columns};
use crate::limits::STEPS_PER_COMPARISON;

/// A filter, or what an order compares. Made with [`Expression::compare`] and its like, which check types.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expression {
    /// A constant.
    Literal(Literal),
    /// The value of a column.
    Column(Column),
    /// The opposite.
    Not(Box<Expression>),
    /// Whether all are true; at least two, none of them itself such a list.
    All(Vec<Expression>),
    /// Whether any is true; at least two, none of them itself such a list.
    Any(Vec<Expression>),
    /// How two values compare.
    Compare(Comparison, Box<[Expression; 2]>),
    /// A number of two numbers.
    Calculate(Arithmetic, Box<[Expression; 2]>),
    /// A number with its sign turned.
    Negate(Box<Expression>),
    /// What a function yields.
    Call(Function, Vec<Expression>),
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number of 32 bits.
    Int32(i32),
    /// A whole number of 64 bits.
    Int64(i64),
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
    Binary(Arc<[u8]>),
    /// A text.
    Text(Arc<TextLiteral>),
}

impl Literal {
    /// Makes a text constant.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::new(TextLiteral::new(text)))
    }
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is what it says")]
pub enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What a filter says of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It answers.
    True,
    /// It does not; a filter that is null says so too.
    False,
    /// Only the record tells.
    Deferred,
}

/// A condition's outcome, three-valued as in SQL, and deferred.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Null,
    Deferred,
}

impl From<bool> for Truth {
    fn from(is_true: bool) -> Self {
        if is_true { Self::True } else { Self::False }
    }
}

impl Expression {
    /// Returns what this says of a version when it stands as a filter.
    #[must_use]
    pub fn verdict(&self, columns: &Columns<'_>) -> Verdict {
        match self.truth(columns) {
            Truth::True => Verdict::True,
            Truth::False | Truth::Null => Verdict::False,
            Truth::Deferred => Verdict::Deferred,
        }
    }

    /// Returns the value of this for a version.
    #[must_use]
    pub fn evaluate<'a>(&'a self, columns: &Columns<'a>) -> Value<'a> {
        match self {
            Self::Literal(literal) => literal.value(),
            Self::Column(column) => columns.value(*column),
            Self::Calculate(operator, operands) => {
                let [left, right] = operands.as_ref();
                operator.apply(&left.evaluate(columns), &right.evaluate(columns))
            }
            Self::Negate(operand) => negated(operand.evaluate(columns)),
            Self::Call(function, arguments) => function.call(arguments, columns),
            Self::Not(_) | Self::All(_) | Self::Any(_) | Self::Compare(..) => match self.truth(columns) {
                Truth::True => Value::Boolean(true),
                Truth::False => Value::Boolean(false),
                Truth::Null => Value::Null,
                Truth::Deferred => Value::Deferred,
            },
        }
    }

    /// Returns whether a row alone cannot tell its value.
    #[must_use]
    pub fn needs_record(&self) -> bool {
        !self.all_columns(&|column| !matches!(column, Column::Stored { .. }))
    }

    /// Returns whether a test holds for every column that this looks at.
    #[must_use]
    pub fn all_columns(&self, test: &impl Fn(Column) -> bool) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Column(column) => test(*column),
            Self::Not(operand) | Self::Negate(operand) => operand.all_columns(test),
            Self::All(operands) | Self::Any(operands) | Self::Call(_, operands) => {
                operands.iter().all(|operand| operand.all_columns(test))
            }
            Self::Compare(_, operands) | Self::Calculate(_, operands) => {
                operands.iter().all(|operand| operand.all_columns(test))
            }
        }
    }

    fn truth(&self, columns: &Columns<'_>) -> Truth {
        match self {
            Self::Not(operand) => match operand.truth(columns) {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                other => other,
            },
            Self::All(operands) => fold(operands, columns, Truth::False, Truth::True),
            Self::Any(operands) => fold(operands, columns, Truth::True, Truth::False),
            Self::Compare(comparison, operands) => {
                columns.charge(STEPS_PER_COMPARISON);
                let [left, right] = operands.as_ref();
                comparison.apply(&left.evaluate(columns), &right.evaluate(columns))
            }
            Self::Literal(_) | Self::Column(_) | Self::Calculate(..) | Self::Negate(_) | Self::Call(..) => {
                columns.charge(STEPS_PER_COMPARISON);
                match self.evaluate(columns) {
                    Value::Boolean(is_true) => is_true.into(),
                    Value::Deferred => Truth::Deferred,
                    _ => Truth::Null,
                }
            }
        }
    }
}

/// Joins conditions: one `decisive` outcome decides, else what is deferred outweighs a null (it may still be decisive).
fn fold(operands: &[Expression], columns: &Columns<'_>, decisive: Truth, otherwise: Truth) -> Truth {
    let mut outcome = otherwise;
    for operand in operands {
        let truth = operand.truth(columns);
        if truth == decisive {
            return decisive;
        }
        if truth == Truth::Deferred || (truth == Truth::Null && outcome == otherwise) {
            outcome = truth;
        }
    }
    outcome
}

impl Literal {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(is_true) => Value::Boolean(*is_true),
            Self::Int32(number) => Value::Integer((*number).into()),
            Self::Int64(number) => Value::Integer(*number),
            Self::Decimal(number) => Value::Decimal(*number),
            Self::Single(number) => Value::Single(*number),
            Self::Double(number) => Value::Double(*number),
            Self::DateTime(instant) => Value::DateTime(*instant),
            Self::DateTimeOffset(instant) => Value::DateTimeOffset(*instant),
            Self::Time(duration) => Value::Time(*duration),
            Self::Guid(guid) => Value::Guid(*guid),
            Self::Binary(bytes) => Value::Binary(bytes),
            Self::Text(text) => Value::Text(text.value()),
        }
    }
}

impl Comparison {
    /// Returns the comparison that says the same with its operands swapped.
    #[must_use]
    pub const fn swapped(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }

    /// Compares. Null equals null alone; every other comparison with it is false, not null, as galleries answer.
    fn apply(self, left: &Value<'_>, right: &Value<'_>) -> Truth {
        if matches!(left, Value::Deferred) || matches!(right, Value::Deferred) {
            return Truth::Deferred;
        }
        let are_null = (matches!(left, Value::Null), matches!(right, Value::Null));
        if are_null != (false, false) {
            return match self {
                Self::Equal => are_null == (true, true),
                Self::NotEqual => are_null != (true, true),
                _ => false,
            }
            .into();
        }
        let order = compare(left, right);
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
        }
        .into()
    }
}

#[cfg(test)]
mod tests;
