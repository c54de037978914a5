//! The functions that expressions call: names, parameters, results.

mod clock;
mod text;

use self::clock::Part;
use super::Expression;
use super::number::{Rounding, rounded};
use super::value::Value;
use crate::catalog::columns::Columns;
use crate::catalog::expression::Kind;

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
    Days,
    Hours,
    Minutes,
    Seconds,
    Round,
    Floor,
    Ceiling,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parameter {
    Text,
    Integer,
    Number,
    Instant,
    /// An instant or a duration.
    Clock,
    Duration,
}

impl Parameter {
    fn takes(self, kind: Kind) -> bool {
        kind == Kind::Null
            || match self {
                Self::Text => kind.is_text(),
                Self::Integer => kind.is_integer(),
                Self::Number => kind.is_number(),
                Self::Instant => kind.is_instant(),
                Self::Clock => kind.is_instant() || kind == Kind::Time,
                Self::Duration => kind == Kind::Time,
            }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "Edm.String",
            Self::Integer => "Edm.Int32",
            Self::Number => "Edm.Double or Edm.Decimal",
            Self::Instant => "Edm.DateTime",
            Self::Clock => "Edm.DateTime or Edm.Time",
            Self::Duration => "Edm.Time",
        }
    }
}

const TEXT: &[Parameter] = &[Parameter::Text];
const TWO_TEXTS: &[Parameter] = &[Parameter::Text, Parameter::Text];

/// Functions with their names, the types of their parameters and their results.
const FUNCTIONS: &[(Function, &str, &[Parameter], Kind)] = &[
    (Function::SubstringOf, "substringof", TWO_TEXTS, Kind::Boolean),
    (Function::StartsWith, "startswith", TWO_TEXTS, Kind::Boolean),
    (Function::EndsWith, "endswith", TWO_TEXTS, Kind::Boolean),
    (Function::IndexOf, "indexof", TWO_TEXTS, Kind::Int32),
    (Function::Length, "length", TEXT, Kind::Int32),
    (Function::Concat, "concat", TWO_TEXTS, Kind::Text),
    (
        Function::Substring,
        "substring",
        &[Parameter::Text, Parameter::Integer, Parameter::Integer],
        Kind::Text,
    ),
    (
        Function::Replace,
        "replace",
        &[Parameter::Text, Parameter::Text, Parameter::Text],
        Kind::Text,
    ),
    (Function::ToLower, "tolower", TEXT, Kind::Text),
    (Function::ToUpper, "toupper", TEXT, Kind::Text),
    (Function::Trim, "trim", TEXT, Kind::Text),
    (Function::Year, "year", &[Parameter::Instant], Kind::Int32),
    (Function::Month, "month", &[Parameter::Instant], Kind::Int32),
    (Function::Day, "day", &[Parameter::Instant], Kind::Int32),
    (Function::Hour, "hour", &[Parameter::Clock], Kind::Int32),
    (Function::Minute, "minute", &[Parameter::Clock], Kind::Int32),
    (Function::Second, "second", &[Parameter::Clock], Kind::Int32),
    (Function::Days, "days", &[Parameter::Duration], Kind::Int32),
    (Function::Hours, "hours", &[Parameter::Duration], Kind::Int32),
    (Function::Minutes, "minutes", &[Parameter::Duration], Kind::Int32),
    (Function::Seconds, "seconds", &[Parameter::Duration], Kind::Int32),
    (Function::Round, "round", &[Parameter::Number], Kind::Double),
    (Function::Floor, "floor", &[Parameter::Number], Kind::Double),
    (Function::Ceiling, "ceiling", &[Parameter::Number], Kind::Double),
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

    /// Returns the names of all functions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FUNCTIONS.iter().map(|(_, name, ..)| *name)
    }

    fn entry(self) -> (&'static str, &'static [Parameter], Kind) {
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

    /// Returns the fewest and the most arguments it takes.
    #[must_use]
    pub fn arity(self) -> (usize, usize) {
        let most = self.entry().1.len();
        // substring(text, from) and substring(text, from, length)
        (most - usize::from(self == Self::Substring), most)
    }

    /// Returns the first argument, counted from 1, that has a type it does not take, and what it takes there.
    pub(super) fn misfit(self, kinds: impl Iterator<Item = Kind>) -> Option<(usize, &'static str)> {
        self.entry()
            .1
            .iter()
            .zip(kinds)
            .zip(1..)
            .find(|((parameter, kind), _)| !parameter.takes(*kind))
            .map(|((parameter, _), position)| (position, parameter.name()))
    }

    /// Returns the type of the result. A decimal is rounded to a decimal, every other number to a double.
    #[must_use]
    pub fn result(self, first: Option<Kind>) -> Kind {
        match self {
            Self::Round | Self::Floor | Self::Ceiling if first == Some(Kind::Decimal) => Kind::Decimal,
            _ => self.entry().2,
        }
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
            Self::SubstringOf => text::substring_of(arguments.first(), argument(1), columns),
            Self::StartsWith => text::look(argument(0), argument(1), columns, |text, prefix| {
                Value::Boolean(text.starts_with(prefix))
            }),
            Self::EndsWith => text::look(argument(0), argument(1), columns, |text, suffix| {
                Value::Boolean(text.ends_with(suffix))
            }),
            Self::IndexOf => text::look(argument(0), argument(1), columns, text::index_of),
            Self::Length => text::length(argument(0), columns),
            Self::Concat => text::concat(argument(0), argument(1), columns),
            Self::Substring => {
                let length = (arguments.len() > 2).then(|| argument(2));
                text::substring(argument(0), &argument(1), length.as_ref(), columns)
            }
            Self::Replace => text::replace(argument(0), &argument(1), &argument(2), columns),
            Self::ToLower => text::to_lower(argument(0), columns),
            Self::ToUpper => text::to_upper(argument(0), columns),
            Self::Trim => text::trim(argument(0), columns),
            Self::Year => Part::Year.of(argument(0)),
            Self::Month => Part::Month.of(argument(0)),
            Self::Day | Self::Days => Part::Day.of(argument(0)),
            Self::Hour | Self::Hours => Part::Hour.of(argument(0)),
            Self::Minute | Self::Minutes => Part::Minute.of(argument(0)),
            Self::Second | Self::Seconds => Part::Second.of(argument(0)),
            Self::Round => rounded(argument(0), Rounding::Nearest),
            Self::Floor => rounded(argument(0), Rounding::Down),
            Self::Ceiling => rounded(argument(0), Rounding::Up),
        }
    }
}
