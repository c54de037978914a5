//! Filters and orders as trees of typed operators over an entry's columns, and what they yield for one version.
//!
//! Knows types, three-valued logic and how galleries compare; refuses to know any syntax. An expression can be evaluated
//! over a row alone: what only the record knows is *deferred*, and a verdict that depends on it is too.

mod function;
mod typing;
mod value;

use std::cmp::Ordering;
use std::sync::Arc;

pub use self::function::Function;
pub use self::typing::TypeError;
pub use self::value::{Case, TextLiteral, TextValue, Value, order};

use self::value::{as_double, compare};
use super::Instant;
use super::columns::{Column, Columns};

/// A filter, or what an order compares. Made with [`Expression::compare`] and its like, which check types.
#[derive(Debug, Clone, PartialEq)]
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
    /// A whole number.
    Integer(i64),
    /// A number.
    Double(f64),
    /// An instant.
    DateTime(Instant),
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
            Self::Negate(operand) => match operand.evaluate(columns) {
                Value::Integer(number) => number.checked_neg().map_or(Value::Null, Value::Integer),
                Value::Double(number) => Value::Double(-number),
                other => other,
            },
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
        match self {
            Self::Literal(_) => false,
            Self::Column(column) => matches!(column, Column::Stored { .. }),
            Self::Not(operand) | Self::Negate(operand) => operand.needs_record(),
            Self::All(operands) | Self::Any(operands) | Self::Call(_, operands) => {
                operands.iter().any(Self::needs_record)
            }
            Self::Compare(_, operands) | Self::Calculate(_, operands) => operands.iter().any(Self::needs_record),
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
                let [left, right] = operands.as_ref();
                comparison.apply(&left.evaluate(columns), &right.evaluate(columns))
            }
            _ => match self.evaluate(columns) {
                Value::Boolean(is_true) => is_true.into(),
                Value::Deferred => Truth::Deferred,
                _ => Truth::Null,
            },
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
            Self::Integer(number) => Value::Integer(*number),
            Self::Double(number) => Value::Double(*number),
            Self::DateTime(instant) => Value::DateTime(*instant),
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

impl Arithmetic {
    fn apply<'a>(self, left: &Value<'a>, right: &Value<'a>) -> Value<'a> {
        match (left, right) {
            (Value::Null, _) | (_, Value::Null) => Value::Null,
            (Value::Deferred, _) | (_, Value::Deferred) => Value::Deferred,
            (Value::Integer(left), Value::Integer(right)) => match self {
                Self::Add => left.checked_add(*right),
                Self::Subtract => left.checked_sub(*right),
                Self::Multiply => left.checked_mul(*right),
                Self::Divide => left.checked_div(*right),
                Self::Modulo => left.checked_rem(*right),
            }
            .map_or(Value::Null, Value::Integer),
            _ => match (as_double(left), as_double(right)) {
                (Some(left), Some(right)) => Value::Double(match self {
                    Self::Add => left + right,
                    Self::Subtract => left - right,
                    Self::Multiply => left * right,
                    Self::Divide => left / right,
                    Self::Modulo => left % right,
                }),
                _ => Value::Null,
            },
        }
    }
}

#[cfg(test)]
mod tests;
