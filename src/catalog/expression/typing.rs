//! Types of expressions, and the constructors that refuse what has none.

use std::fmt;

use super::number::Arithmetic;
use super::{Comparison, Expression, Function, Kind, Literal};
use crate::catalog::columns::Column;

/// An operator or function is given what it does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// Two values cannot be compared.
    #[error("'{operator}' cannot compare {left} with {right}: both sides need the same type")]
    Compare {
        /// The operator.
        operator: &'static str,
        /// The left operand.
        left: String,
        /// The right operand.
        right: String,
    },
    /// Booleans, guids and binaries have no order.
    #[error("'{operator}' cannot order {left} and {right}: use eq or ne")]
    Unordered {
        /// The operator.
        operator: &'static str,
        /// The left operand.
        left: String,
        /// The right operand.
        right: String,
    },
    /// A condition is needed.
    #[error("'{operator}' needs a condition, not {operand}: compare it with something, in parentheses")]
    NoCondition {
        /// The operator.
        operator: &'static str,
        /// The operand.
        operand: String,
    },
    /// Two numbers are needed.
    #[error("'{operator}' needs two numbers, not {left} and {right}")]
    NoNumbers {
        /// The operator.
        operator: &'static str,
        /// The left operand.
        left: String,
        /// The right operand.
        right: String,
    },
    /// A number is needed.
    #[error("'{operator}' needs a number, not {operand}")]
    NoNumber {
        /// The operator.
        operator: &'static str,
        /// The operand.
        operand: String,
    },
    /// An argument has the wrong type.
    #[error("argument {position} of {function} must be {expected}, not {operand}")]
    Argument {
        /// The function.
        function: &'static str,
        /// The argument, counted from 1.
        position: usize,
        /// The types that it takes.
        expected: &'static str,
        /// What was given.
        operand: String,
    },
    /// There are too few or too many arguments.
    #[error("{function} takes {} {}, not {given}", Arity(*arity), if *arity == (1, 1) { "argument" } else { "arguments" })]
    ArgumentCount {
        /// The function.
        function: &'static str,
        /// The fewest and the most that it takes.
        arity: (usize, usize),
        /// How many were given.
        given: usize,
    },
}

/// `2`, or `2 to 3`.
struct Arity((usize, usize));

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            (fewest, most) if fewest == most => write!(f, "{most}"),
            (fewest, most) => write!(f, "{fewest} to {most}"),
        }
    }
}

impl Comparison {
    /// Returns the name, as filters spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }
}

impl Arithmetic {
    /// Returns the name, as filters spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Subtract => "sub",
            Self::Multiply => "mul",
            Self::Divide => "div",
            Self::Modulo => "mod",
        }
    }
}

impl Expression {
    /// Returns the type of its value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Literal(literal) => literal.kind(),
            Self::Column(column) => column.kind(),
            Self::Not(_) | Self::All(_) | Self::Any(_) | Self::Compare(..) => Kind::Boolean,
            Self::Calculate(_, operands) => {
                let [left, right] = operands.as_ref();
                left.kind().promoted(right.kind()).unwrap_or(Kind::Null)
            }
            Self::Negate(operand) => operand.kind(),
            Self::Call(function, arguments) => function.result(arguments.first().map(Self::kind)),
        }
    }

    /// Makes a comparison.
    pub fn compare(operator: Comparison, left: Self, right: Self) -> Result<Self, TypeError> {
        let (one, two) = (left.kind(), right.kind());
        let name = operator.name();
        if !one.compares_with(two) {
            return Err(TypeError::Compare {
                operator: name,
                left: left.describe(),
                right: right.describe(),
            });
        }
        let has_order = one.has_order() && two.has_order();
        if !has_order && !matches!(operator, Comparison::Equal | Comparison::NotEqual) {
            return Err(TypeError::Unordered {
                operator: name,
                left: left.describe(),
                right: right.describe(),
            });
        }
        Ok(Self::Compare(operator, Box::new([left, right])))
    }

    /// Makes a condition that is true where both are.
    pub fn and(left: Self, right: Self) -> Result<Self, TypeError> {
        let mut operands = Vec::new();
        for operand in [left.condition("and")?, right.condition("and")?] {
            match operand {
                Self::All(more) => append(&mut operands, more),
                one => operands.push(one),
            }
        }
        Ok(Self::All(operands))
    }

    /// Makes a condition that is true where either is.
    pub fn or(left: Self, right: Self) -> Result<Self, TypeError> {
        let mut operands = Vec::new();
        for operand in [left.condition("or")?, right.condition("or")?] {
            match operand {
                Self::Any(more) => append(&mut operands, more),
                one => operands.push(one),
            }
        }
        Ok(Self::Any(operands))
    }

    /// Makes the opposite of a condition.
    pub fn negate(self) -> Result<Self, TypeError> {
        Ok(Self::Not(Box::new(self.condition("not")?)))
    }

    /// Turns the sign of a number; that of a constant at once.
    pub fn minus(self) -> Result<Self, TypeError> {
        let turned = match &self {
            Self::Literal(Literal::Int32(number)) => number.checked_neg().map(Literal::Int32),
            Self::Literal(Literal::Int64(number)) => number.checked_neg().map(Literal::Int64),
            Self::Literal(Literal::Decimal(number)) => Some(Literal::Decimal(-number)),
            Self::Literal(Literal::Single(number)) => Some(Literal::Single(-number)),
            Self::Literal(Literal::Double(number)) => Some(Literal::Double(-number)),
            _ => None,
        };
        if let Some(turned) = turned {
            return Ok(turned.into());
        }
        if self.kind().is_number() {
            return Ok(Self::Negate(Box::new(self)));
        }
        let operand = self.describe();
        Err(TypeError::NoNumber { operator: "-", operand })
    }

    /// Makes a calculation.
    pub fn calculate(operator: Arithmetic, left: Self, right: Self) -> Result<Self, TypeError> {
        if left.kind().promoted(right.kind()).is_none() {
            return Err(TypeError::NoNumbers {
                operator: operator.name(),
                left: left.describe(),
                right: right.describe(),
            });
        }
        Ok(Self::Calculate(operator, Box::new([left, right])))
    }

    /// Makes a call.
    pub fn call(function: Function, arguments: Vec<Self>) -> Result<Self, TypeError> {
        let (arity, given) = (function.arity(), arguments.len());
        if given < arity.0 || given > arity.1 {
            return Err(TypeError::ArgumentCount {
                function: function.name(),
                arity,
                given,
            });
        }
        if let Some((position, expected)) = function.misfit(arguments.iter().map(Self::kind)) {
            return Err(TypeError::Argument {
                function: function.name(),
                position,
                expected,
                operand: arguments.get(position - 1).map(Self::describe).unwrap_or_default(),
            });
        }
        Ok(Self::Call(function, arguments))
    }

    /// Passes a condition.
    pub fn condition(self, operator: &'static str) -> Result<Self, TypeError> {
        if matches!(self.kind(), Kind::Boolean | Kind::Null) {
            return Ok(self);
        }
        let operand = self.describe();
        Err(TypeError::NoCondition { operator, operand })
    }

    /// Names an operand and its type: `tolower(Id) (Edm.String)`.
    fn describe(&self) -> String {
        let kind = self.kind();
        match self.sketch() {
            Some(sketch) => format!("{sketch} ({kind})"),
            None => kind.to_string(),
        }
    }

    /// Says in short what an operand is, where that is not long: a column, a text, or a function of these.
    fn sketch(&self) -> Option<String> {
        /// The characters of a text literal that are shown.
        const SHOWN: usize = 40;
        match self {
            Self::Column(column) => Some(column.name().to_owned()),
            Self::Literal(Literal::Text(text)) => {
                let text = text.as_str();
                Some(match text.char_indices().nth(SHOWN) {
                    Some((end, _)) => format!("'{}...'", text.get(..end).unwrap_or("")),
                    None => format!("'{text}'"),
                })
            }
            Self::Call(function, arguments) => {
                let inner = match arguments.as_slice() {
                    [Self::Column(column)] => column.name(),
                    _ => "...",
                };
                Some(format!("{}({inner})", function.name()))
            }
            Self::Calculate(operator, operands) => match operands.as_ref() {
                [Self::Column(column), _] => Some(format!("{} {} ...", column.name(), operator.name())),
                _ => None,
            },
            Self::Compare(operator, operands) => match operands.as_ref() {
                [Self::Column(column), _] => Some(format!("{} {} ...", column.name(), operator.name())),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Moves operands behind others, without copying them where the list is still empty.
fn append(operands: &mut Vec<Expression>, more: Vec<Expression>) {
    if operands.is_empty() {
        *operands = more;
    } else {
        operands.extend(more);
    }
}

impl Literal {
    fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Boolean(_) => Kind::Boolean,
            Self::Int32(_) => Kind::Int32,
            Self::Int64(_) => Kind::Int64,
            Self::Decimal(_) => Kind::Decimal,
            Self::Single(_) => Kind::Single,
            Self::Double(_) => Kind::Double,
            Self::DateTime(_) => Kind::DateTime,
            Self::DateTimeOffset(_) => Kind::DateTimeOffset,
            Self::Time(_) => Kind::Time,
            Self::Guid(_) => Kind::Guid,
            Self::Binary(_) => Kind::Binary,
            Self::Text(_) => Kind::Text,
        }
    }
}

impl From<Column> for Expression {
    fn from(column: Column) -> Self {
        Self::Column(column)
    }
}

impl From<Literal> for Expression {
    fn from(literal: Literal) -> Self {
        Self::Literal(literal)
    }
}
