//! Types of expressions, and the constructors that refuse what has none.

use std::fmt;

use super::{Arithmetic, Comparison, Expression, Function, Literal};
use crate::catalog::columns::{Column, Kind};

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
    /// True and false have no order.
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
        /// What it takes.
        expected: Kind,
        /// What was given.
        operand: String,
    },
    /// There are too few or too many arguments.
    #[error("{function} takes {expected} arguments, not {given}")]
    ArgumentCount {
        /// The function.
        function: &'static str,
        /// How many it takes.
        expected: usize,
        /// How many were given.
        given: usize,
    },
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "Edm.Boolean",
            Self::Integer => "Edm.Int64",
            Self::Double => "Edm.Double",
            Self::DateTime => "Edm.DateTime",
            Self::Text | Self::Version => "Edm.String",
        })
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

const fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Double | Kind::Null)
}

const fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Version | Kind::Null)
}

/// Returns whether a value of one type can stand where the other is asked.
fn fits(kind: Kind, asked: Kind) -> bool {
    kind == Kind::Null
        || kind == asked
        || (is_text(kind) && is_text(asked))
        || (asked == Kind::Double && kind == Kind::Integer)
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
                let is_double = operands.iter().any(|operand| operand.kind() == Kind::Double);
                if is_double { Kind::Double } else { Kind::Integer }
            }
            Self::Negate(operand) => operand.kind(),
            Self::Call(function, _) => function.result(),
        }
    }

    /// Makes a comparison.
    pub fn compare(operator: Comparison, left: Self, right: Self) -> Result<Self, TypeError> {
        let (one, two) = (left.kind(), right.kind());
        let name = operator.name();
        if !(fits(one, two) || fits(two, one)) {
            return Err(TypeError::Compare {
                operator: name,
                left: left.describe(),
                right: right.describe(),
            });
        }
        let has_order = one != Kind::Boolean && two != Kind::Boolean;
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
        match self {
            Self::Literal(Literal::Integer(number)) => Ok(Self::Literal(Literal::Integer(number.wrapping_neg()))),
            Self::Literal(Literal::Double(number)) => Ok(Self::Literal(Literal::Double(-number))),
            operand => Ok(Self::Negate(Box::new(operand.number("-")?))),
        }
    }

    /// Makes a calculation.
    pub fn calculate(operator: Arithmetic, left: Self, right: Self) -> Result<Self, TypeError> {
        let name = operator.name();
        let operands = [left.number(name)?, right.number(name)?];
        Ok(Self::Calculate(operator, Box::new(operands)))
    }

    /// Makes a call.
    pub fn call(function: Function, arguments: Vec<Self>) -> Result<Self, TypeError> {
        let parameters = function.parameters();
        let (name, given) = (function.name(), arguments.len());
        if given < function.required() || given > parameters.len() {
            let expected = function.required();
            return Err(TypeError::ArgumentCount {
                function: name,
                expected,
                given,
            });
        }
        for (at, (argument, expected)) in arguments.iter().zip(parameters).enumerate() {
            if !fits(argument.kind(), *expected) {
                return Err(TypeError::Argument {
                    function: name,
                    position: at + 1,
                    expected: *expected,
                    operand: argument.describe(),
                });
            }
        }
        Ok(Self::Call(function, arguments))
    }

    /// Passes a condition.
    pub fn condition(self, operator: &'static str) -> Result<Self, TypeError> {
        if fits(self.kind(), Kind::Boolean) {
            return Ok(self);
        }
        let operand = self.describe();
        Err(TypeError::NoCondition { operator, operand })
    }

    fn number(self, operator: &'static str) -> Result<Self, TypeError> {
        if is_number(self.kind()) {
            return Ok(self);
        }
        let operand = self.describe();
        Err(TypeError::NoNumber { operator, operand })
    }

    /// Names the type, and the column where it is one.
    fn describe(&self) -> String {
        let kind = self.kind();
        match self {
            Self::Column(column) => format!("{} ({kind})", column.name()),
            Self::Call(function, _) => format!("{}(...) ({kind})", function.name()),
            Self::Literal(Literal::Text(text)) => format!("'{}' ({kind})", text.as_str()),
            _ => format!("{kind}"),
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
            Self::Integer(_) => Kind::Integer,
            Self::Double(_) => Kind::Double,
            Self::DateTime(_) => Kind::DateTime,
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
