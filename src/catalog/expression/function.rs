//! The functions that expressions call: names, parameters, results.

use std::borrow::Cow;

use chrono::{Datelike, Timelike};

use super::Expression;
use super::value::{TextValue, Value, as_double};
use crate::catalog::columns::{Columns, Kind};
use crate::limits::MAX_COMPUTED_BYTES;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is OData's function of that name")]
pub enum Function {
    SubstringOf,
    StartsWith,
    EndsWith,
    IndexOf,
    Length,
    Concat,
    Substring,
    Replace,
    ToLower,
    ToUpper,
    Trim,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Round,
    Floor,
    Ceiling,
}

/// Functions with their names and the types of their parameters.
const FUNCTIONS: &[(Function, &str, &[Kind], Kind)] = &[
    (
        Function::SubstringOf,
        "substringof",
        &[Kind::Text, Kind::Text],
        Kind::Boolean,
    ),
    (
        Function::StartsWith,
        "startswith",
        &[Kind::Text, Kind::Text],
        Kind::Boolean,
    ),
    (Function::EndsWith, "endswith", &[Kind::Text, Kind::Text], Kind::Boolean),
    (Function::IndexOf, "indexof", &[Kind::Text, Kind::Text], Kind::Integer),
    (Function::Length, "length", &[Kind::Text], Kind::Integer),
    (Function::Concat, "concat", &[Kind::Text, Kind::Text], Kind::Text),
    (
        Function::Substring,
        "substring",
        &[Kind::Text, Kind::Integer, Kind::Integer],
        Kind::Text,
    ),
    (
        Function::Replace,
        "replace",
        &[Kind::Text, Kind::Text, Kind::Text],
        Kind::Text,
    ),
    (Function::ToLower, "tolower", &[Kind::Text], Kind::Text),
    (Function::ToUpper, "toupper", &[Kind::Text], Kind::Text),
    (Function::Trim, "trim", &[Kind::Text], Kind::Text),
    (Function::Year, "year", &[Kind::DateTime], Kind::Integer),
    (Function::Month, "month", &[Kind::DateTime], Kind::Integer),
    (Function::Day, "day", &[Kind::DateTime], Kind::Integer),
    (Function::Hour, "hour", &[Kind::DateTime], Kind::Integer),
    (Function::Minute, "minute", &[Kind::DateTime], Kind::Integer),
    (Function::Second, "second", &[Kind::DateTime], Kind::Integer),
    (Function::Round, "round", &[Kind::Double], Kind::Double),
    (Function::Floor, "floor", &[Kind::Double], Kind::Double),
    (Function::Ceiling, "ceiling", &[Kind::Double], Kind::Double),
];

impl Function {
    /// Returns the function of a name, matched ignoring case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        FUNCTIONS
            .iter()
            .find(|(_, known, ..)| known.eq_ignore_ascii_case(name))
            .map(|(function, ..)| *function)
    }

    fn entry(self) -> (&'static str, &'static [Kind], Kind) {
        FUNCTIONS
            .iter()
            .find(|(function, ..)| *function == self)
            .map_or(("", &[], Kind::Null), |(_, name, parameters, result)| {
                (name, parameters, *result)
            })
    }

    /// Returns the name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// Returns the types of the parameters.
    #[must_use]
    pub fn parameters(self) -> &'static [Kind] {
        self.entry().1
    }

    /// Returns the fewest arguments it takes.
    #[must_use]
    pub fn required(self) -> usize {
        // substring(text, from) and substring(text, from, length)
        self.parameters().len() - usize::from(self == Self::Substring)
    }

    /// Returns the type of the result.
    #[must_use]
    pub fn result(self) -> Kind {
        self.entry().2
    }

    /// Calls the function. A null argument makes the result null, but for `concat`, where it is an empty text as in
    /// .NET's `String.Concat`, so that packages without a title have their place in `concat(Title,Id)`.
    pub(super) fn call<'a>(self, arguments: &'a [Expression], columns: &Columns<'a>) -> Value<'a> {
        let argument = |at: usize| {
            arguments
                .get(at)
                .map_or(Value::Null, |argument| argument.evaluate(columns))
        };
        match self {
            Self::SubstringOf => find(arguments.first(), argument(1), columns),
            Self::StartsWith => both(argument(0), argument(1), |text, prefix| {
                Value::Boolean(in_case(text, prefix, |text, prefix| text.starts_with(prefix)))
            }),
            Self::EndsWith => both(argument(0), argument(1), |text, suffix| {
                Value::Boolean(in_case(text, suffix, |text, suffix| text.ends_with(suffix)))
            }),
            Self::IndexOf => both(argument(0), argument(1), |text, part| {
                in_case(text, part, |text, part| {
                    let before = text.find(part).and_then(|at| text.get(..at));
                    Value::Integer(before.map_or(-1, chars))
                })
            }),
            Self::Concat => concat(argument(0), argument(1)),
            Self::Replace => replace(argument(0), argument(1), argument(2)),
            Self::Substring => {
                let length = (arguments.len() > 2).then(|| argument(2));
                substring(argument(0), &argument(1), length.as_ref())
            }
            Self::Length => one(argument(0), |text| Value::Integer(chars(text.as_str()))),
            Self::ToLower => one(argument(0), |text| Value::Text(text.into_lower())),
            Self::ToUpper => one(argument(0), |text| Value::Text(text.respelled(str::to_uppercase))),
            Self::Trim => one(argument(0), |text| {
                Value::Text(text.respelled(|text| text.trim().to_owned()))
            }),
            Self::Year | Self::Month | Self::Day | Self::Hour | Self::Minute | Self::Second => self.part(argument(0)),
            Self::Round | Self::Floor | Self::Ceiling => self.rounded(argument(0)),
        }
    }

    fn part(self, value: Value<'_>) -> Value<'_> {
        let Value::DateTime(instant) = value else {
            return value;
        };
        let part = match self {
            Self::Year => return Value::Integer(instant.year().into()),
            Self::Month => instant.month(),
            Self::Day => instant.day(),
            Self::Hour => instant.hour(),
            Self::Minute => instant.minute(),
            _ => instant.second(),
        };
        Value::Integer(part.into())
    }

    fn rounded(self, value: Value<'_>) -> Value<'_> {
        let Some(number) = as_double(&value) else {
            return value;
        };
        Value::Double(match self {
            // .NET's Math.Round, which the galleries' engine calls, rounds halves to even.
            Self::Round => number.round_ties_even(),
            Self::Floor => number.floor(),
            _ => number.ceil(),
        })
    }
}

fn chars(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// Applies a function to a text; nulls and what is deferred pass through.
fn one<'a>(value: Value<'a>, apply: impl FnOnce(TextValue<'a>) -> Value<'a>) -> Value<'a> {
    match value {
        Value::Text(text) => apply(text),
        Value::Deferred => Value::Deferred,
        _ => Value::Null,
    }
}

/// Applies a function to two texts; a null of either wins over what is deferred, because it is certain.
fn both<'a>(
    left: Value<'a>,
    right: Value<'a>,
    apply: impl FnOnce(&TextValue<'a>, &TextValue<'a>) -> Value<'a>,
) -> Value<'a> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => apply(&left, &right),
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Deferred, _) | (_, Value::Deferred) => Value::Deferred,
        _ => Value::Null,
    }
}

/// Looks at both texts as they are, or at both in lower case where the searched one ignores case.
fn in_case<T>(text: &TextValue<'_>, part: &TextValue<'_>, look: impl FnOnce(&str, &str) -> T) -> T {
    if text.ignores_case_in_search() {
        look(&text.lower(), &part.lower())
    } else {
        look(text.as_str(), part.as_str())
    }
}

fn find<'a>(needle: Option<&'a Expression>, text: Value<'a>, columns: &Columns<'a>) -> Value<'a> {
    if let (Some(Expression::Literal(super::Literal::Text(needle))), Value::Text(text)) = (needle, &text) {
        return Value::Boolean(needle.occurs_in(text));
    }
    let needle = needle.map_or(Value::Null, |needle| needle.evaluate(columns));
    both(text, needle, |text, needle| {
        Value::Boolean(in_case(text, needle, |text, needle| text.contains(needle)))
    })
}

fn concat<'a>(left: Value<'a>, right: Value<'a>) -> Value<'a> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            if left.as_str().len() + right.as_str().len() > MAX_COMPUTED_BYTES {
                return Value::Null;
            }
            Value::Text(left.followed_by(&right))
        }
        (Value::Deferred, _) | (_, Value::Deferred) => Value::Deferred,
        (Value::Text(text), _) | (_, Value::Text(text)) => Value::Text(text),
        _ => Value::Null,
    }
}

fn replace<'a>(text: Value<'a>, old: Value<'a>, new: Value<'a>) -> Value<'a> {
    let Value::Text(new) = new else {
        return both(text, old, |_, _| Value::Null);
    };
    both(text, old, |text, old| {
        let (text, old, new) = (text.as_str(), old.as_str(), new.as_str());
        if old.is_empty() {
            return Value::Text(TextValue::plain(text.to_owned()));
        }
        let grown = text.len() + text.matches(old).count() * new.len();
        if grown > MAX_COMPUTED_BYTES {
            return Value::Null;
        }
        Value::Text(TextValue::plain(text.replace(old, new)))
    })
}

/// Cuts a text. What lies outside of it is empty: the galleries' engine fails there with a server error.
fn substring<'a>(text: Value<'a>, from: &Value<'a>, length: Option<&Value<'a>>) -> Value<'a> {
    let from = match from {
        Value::Integer(from) => *from,
        Value::Deferred => return Value::Deferred,
        _ => return Value::Null,
    };
    let length = match length {
        None => usize::MAX,
        Some(Value::Integer(length)) => usize::try_from(*length).unwrap_or(0),
        Some(Value::Deferred) => return Value::Deferred,
        Some(_) => return Value::Null,
    };
    one(text, |text| {
        let Ok(from) = usize::try_from(from) else {
            return Value::Text(TextValue::plain(Cow::Borrowed("")));
        };
        Value::Text(text.respelled(|text| text.chars().skip(from).take(length).collect()))
    })
}
