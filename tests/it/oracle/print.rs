//! Expressions and queries as clients might write them: with blanks, parentheses, case and percent-encoding by chance.

use std::fmt::{self, Write as _};

use super::decimal::Decimal;
use super::expression::Expression;
use super::package::time;
use crate::support::random::Random;

/// Chance that leaves everything plain where its seed is 0, which is what a failing case shrinks to.
pub(super) struct Noise(Option<Random>);

impl Noise {
    pub(super) fn from_seed(seed: u64) -> Self {
        Self((seed != 0).then(|| Random::from_seed(seed)))
    }

    /// Returns true in one of `of` cases.
    pub(super) fn happens(&mut self, of: usize) -> bool {
        self.0.as_mut().is_some_and(|random| random.below(of) == 0)
    }

    /// Returns one of several, by default the first.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        self.0.as_mut().map_or(from[0], |random| *random.pick(from))
    }

    /// Writes a word in any case.
    fn word(&mut self, word: &str) -> String {
        if !self.happens(8) {
            return word.to_owned();
        }
        let mut any_case = |c: char| {
            if self.happens(2) {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        };
        word.chars().map(&mut any_case).collect()
    }

    /// Writes the blank that must stand between two words.
    fn blank(&mut self) -> &'static str {
        self.pick(&[" ", " ", " ", " ", "  ", "\t", " \n "])
    }

    /// Writes a blank that need not be there.
    fn may_be_blank(&mut self) -> &'static str {
        self.pick(&["", "", "", "", " ", "  "])
    }
}

/// Writes an expression so that it is read as the same tree.
pub(super) fn print(expression: &Expression, noise: &mut Noise) -> String {
    at_least(expression, 0, noise)
}

/// Writes an operand; in parentheses where it binds less than what stands beside it, or where chance wants some.
fn at_least(expression: &Expression, binding: u8, noise: &mut Noise) -> String {
    let text = bare(expression, noise);
    if self::binding(expression) < binding || noise.happens(6) {
        return format!("({}{text}{})", noise.may_be_blank(), noise.may_be_blank());
    }
    text
}

/// How tightly the outermost operator binds.
fn binding(expression: &Expression) -> u8 {
    match expression {
        Expression::Or(_) => 1,
        Expression::And(_) => 2,
        Expression::Compare("eq" | "ne", _) => 3,
        Expression::Compare(..) => 4,
        Expression::Calculate("add" | "sub", _) => 5,
        Expression::Calculate(..) => 6,
        Expression::Not(_) | Expression::Minus(_) => 7,
        Expression::Integer(number) if *number < 0 => 7,
        Expression::Decimal(number) if *number < Decimal::of(0) => 7,
        Expression::Double(number) if *number < 0.0 => 7,
        _ => 8,
    }
}

fn bare(expression: &Expression, noise: &mut Noise) -> String {
    match expression {
        Expression::Null => "null".to_owned(),
        Expression::Boolean(is_true) => is_true.to_string(),
        Expression::Integer(number) => format!("{number}{}", noise.pick(&["", "", "L", "l"])),
        Expression::Double(number) => format!("{number:?}{}", noise.pick(&["", "", "d", "D"])),
        Expression::Decimal(number) => number.to_string(),
        Expression::Offset(date) => format!("{}'{}'", noise.word("datetimeoffset"), date.to_rfc3339()),
        Expression::Date(date) => format!("{}'{}'", noise.word("datetime"), time(date)),
        Expression::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Expression::Property(name) => noise.word(name),
        Expression::Not(operand) => prefix("not", operand, noise),
        Expression::Minus(operand) => format!("-{}", at_least(operand, 8, noise)),
        Expression::And(operands) => infix("and", 2, operands, noise),
        Expression::Or(operands) => infix("or", 1, operands, noise),
        Expression::Compare(operator, operands) => {
            let spelled = match *operator {
                "ne" => noise.pick(&["ne", "ne", "ne", "neq"]),
                "ge" => noise.pick(&["ge", "ge", "ge", "gte"]),
                "le" => noise.pick(&["le", "le", "le", "lte"]),
                other => other,
            };
            infix(spelled, binding(expression), operands, noise)
        }
        Expression::Calculate(operator, operands) => infix(operator, binding(expression), operands, noise),
        Expression::Call(name, arguments) => {
            let mut text = format!("{}({}", noise.word(name), noise.may_be_blank());
            for (at, argument) in arguments.iter().enumerate() {
                if at > 0 {
                    text += noise.may_be_blank();
                    text.push(',');
                    text += noise.may_be_blank();
                }
                text += &print(argument, noise);
            }
            text + ")"
        }
    }
}

fn prefix(operator: &str, operand: &Expression, noise: &mut Noise) -> String {
    format!("{operator}{}{}", noise.blank(), at_least(operand, 8, noise))
}

/// Operators join their left operand first, so that an equal one on the right needs parentheses.
fn infix(operator: &str, binding: u8, operands: &[Expression; 2], noise: &mut Noise) -> String {
    let left = at_least(&operands[0], binding, noise);
    let before = noise.blank();
    let operator = noise.word(operator);
    let after = noise.blank();
    format!(
        "{left}{before}{operator}{after}{}",
        at_least(&operands[1], binding + 1, noise)
    )
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self, &mut Noise::from_seed(0)))
    }
}

/// Encodes the value of a query parameter.
pub(super) fn encode(value: &str, noise: &mut Noise) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        let may_stand = matches!(byte, b'\'' | b'(' | b')' | b',' | b'/' | b':' | b'*' | b'$') && !noise.happens(3);
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || may_stand {
            encoded.push(char::from(byte));
        } else if byte == b' ' && noise.happens(2) {
            encoded.push('+');
        } else if noise.happens(3) {
            write!(encoded, "%{byte:02x}").expect("a string takes all");
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes all");
        }
    }
    encoded
}

/// Writes a parameter, the name of a system option in any spelling that galleries take.
pub(super) fn parameter(name: &str, value: &str, noise: &mut Noise) -> String {
    let name = match name.strip_prefix('$') {
        Some(name) => format!("{}{}", noise.pick(&["$", "$", "%24"]), noise.word(name)),
        None => name.to_owned(),
    };
    format!("{name}={}", encode(value, noise))
}
