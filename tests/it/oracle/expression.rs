//! Filters as trees, and what they mean, evaluated node by node.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike as _, FixedOffset, TimeZone as _, Timelike as _, Utc};

use super::decimal::Decimal;
use super::fold::{lower, upper};
use super::package::Shown;
use super::version::Version;

/// A filter or a part of one.
#[derive(Clone, PartialEq)]
pub(super) enum Expression {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Decimal(Decimal),
    Date(DateTime<Utc>),
    Offset(DateTime<FixedOffset>),
    Text(String),
    Property(&'static str),
    Not(Box<Expression>),
    And(Box<[Expression; 2]>),
    Or(Box<[Expression; 2]>),
    Compare(&'static str, Box<[Expression; 2]>),
    Calculate(&'static str, Box<[Expression; 2]>),
    Minus(Box<Expression>),
    Call(&'static str, Vec<Expression>),
}

/// A value, or none.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Decimal(Decimal),
    /// Compared by the instant; its parts are those of its zone.
    Date(DateTime<FixedOffset>),
    Text(Text),
}

/// A text and what it comes from.
#[derive(Debug, Clone)]
pub(super) struct Text {
    letters: String,
    case: Case,
    /// Whether it is a version property itself.
    is_version: bool,
}

/// Where upper and lower case make no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Case {
    /// They do everywhere.
    Counts,
    /// In functions that search and in orders: properties.
    IgnoredBySearches,
    /// Everywhere: ids.
    Ignored,
}

/// Returns whether a filter lets a version through.
pub(super) fn passes(filter: &Expression, shown: &Shown) -> bool {
    matches!(evaluate(filter, shown), Value::Boolean(true))
}

pub(super) fn evaluate(expression: &Expression, shown: &Shown) -> Value {
    let value = |expression: &Expression| evaluate(expression, shown);
    match expression {
        Expression::Null => Value::Null,
        Expression::Boolean(is_true) => Value::Boolean(*is_true),
        Expression::Integer(number) => Value::Integer(*number),
        Expression::Double(number) => Value::Double(*number),
        Expression::Decimal(number) => Value::Decimal(*number),
        Expression::Date(date) => Value::Date(date.fixed_offset()),
        Expression::Offset(date) => Value::Date(*date),
        Expression::Text(text) => plain(text.clone()),
        Expression::Property(name) => property(name, shown),
        Expression::Not(operand) => match value(operand) {
            Value::Boolean(is_true) => Value::Boolean(!is_true),
            _ => Value::Null,
        },
        Expression::And(operands) => match (condition(&value(&operands[0])), condition(&value(&operands[1]))) {
            (Some(false), _) | (_, Some(false)) => Value::Boolean(false),
            (Some(true), Some(true)) => Value::Boolean(true),
            _ => Value::Null,
        },
        Expression::Or(operands) => match (condition(&value(&operands[0])), condition(&value(&operands[1]))) {
            (Some(true), _) | (_, Some(true)) => Value::Boolean(true),
            (Some(false), Some(false)) => Value::Boolean(false),
            _ => Value::Null,
        },
        Expression::Compare(operator, operands) => {
            Value::Boolean(compare(operator, &value(&operands[0]), &value(&operands[1])))
        }
        Expression::Calculate(operator, operands) => calculate(operator, &value(&operands[0]), &value(&operands[1])),
        Expression::Minus(operand) => match value(operand) {
            Value::Integer(number) => number.checked_neg().map_or(Value::Null, Value::Integer),
            Value::Double(number) => Value::Double(-number),
            Value::Decimal(number) => Value::Decimal(number.negated()),
            _ => Value::Null,
        },
        Expression::Call(name, arguments) => call(name, &arguments.iter().map(value).collect::<Vec<_>>()),
    }
}

fn condition(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(is_true) => Some(*is_true),
        _ => None,
    }
}

fn plain(text: String) -> Value {
    cased(text, Case::Counts)
}

fn cased(text: String, case: Case) -> Value {
    let is_version = false;
    Value::Text(Text {
        letters: text,
        case,
        is_version,
    })
}

fn property(name: &str, shown: &Shown) -> Value {
    let package = &shown.package;
    let searched = |text: &Option<String>| {
        text.clone()
            .map_or(Value::Null, |text| cased(text, Case::IgnoredBySearches))
    };
    let date = |date: Option<DateTime<Utc>>| date.map_or(Value::Null, |date| Value::Date(date.fixed_offset()));
    let version = |text: String| {
        Value::Text(Text {
            letters: text,
            case: Case::IgnoredBySearches,
            is_version: true,
        })
    };
    match name {
        "Id" => cased(package.id.clone(), Case::Ignored),
        "Version" => version(package.version.clone()),
        "NormalizedVersion" => version(package.version().normalised()),
        "Title" => searched(&package.title),
        "Description" => searched(&package.description),
        "Summary" => searched(&package.summary),
        "Tags" => searched(&package.tags),
        "Authors" => searched(&package.authors),
        "ReleaseNotes" => searched(&package.release_notes),
        "Copyright" => searched(&package.copyright),
        "IsLatestVersion" => Value::Boolean(shown.is_latest),
        "IsAbsoluteLatestVersion" => Value::Boolean(shown.is_absolute_latest),
        "IsPrerelease" => Value::Boolean(package.version().is_prerelease()),
        "Listed" => Value::Boolean(package.is_listed),
        "IsApproved" => Value::Boolean(package.is_approved),
        "RequireLicenseAcceptance" => package.needs_acceptance.map_or(Value::Null, Value::Boolean),
        "Created" => date(Some(package.created)),
        "Published" => date(Some(published(shown))),
        "LastUpdated" => date(Some(package.last_updated)),
        "LastEdited" => date(package.last_edited),
        "PackageScanResultDate" => date(package.scanned),
        "DownloadCount" => Value::Integer(package.downloads),
        "VersionDownloadCount" => Value::Integer(package.version_downloads),
        "PackageSize" => Value::Integer(package.size),
        other => panic!("no property {other} is generated"),
    }
}

/// An unlisted version was published in 1900, for whoever asks.
pub(super) fn published(shown: &Shown) -> DateTime<Utc> {
    if shown.package.is_listed {
        shown.package.published
    } else {
        Utc.with_ymd_and_hms(1900, 1, 1, 0, 0, 0).single().expect("a date")
    }
}

/// Nothing but `eq` and `ne` is ever true of a null.
fn compare(operator: &str, left: &Value, right: &Value) -> bool {
    let are_null = [left, right].map(|value| matches!(value, Value::Null));
    if are_null.contains(&true) {
        return match operator {
            "eq" => are_null == [true, true],
            "ne" => are_null != [true, true],
            _ => false,
        };
    }
    let order = match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => Some(compare_texts(left, right)),
        _ => match decimals(left, right) {
            Some((left, right)) => Some(left.cmp(&right)),
            None => double(left).partial_cmp(&double(right)),
        },
    };
    match operator {
        "eq" => order == Some(Ordering::Equal),
        "ne" => order != Some(Ordering::Equal),
        "gt" => order == Some(Ordering::Greater),
        "ge" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        "lt" => order == Some(Ordering::Less),
        "le" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        other => panic!("no operator {other} is generated"),
    }
}

fn compare_texts(left: &Text, right: &Text) -> Ordering {
    if (left.is_version || right.is_version)
        && let (Some(left), Some(right)) = (Version::read(&left.letters), Version::read(&right.letters))
    {
        return left.compare(&right);
    }
    if left.case == Case::Ignored || right.case == Case::Ignored {
        return lower(&left.letters).cmp(&lower(&right.letters));
    }
    left.letters.cmp(&right.letters)
}

/// Compares two values of an order key: null comes first, case makes no difference in texts that people read.
pub(super) fn compare_keys(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Text(one), Value::Text(two)) if !one.is_version && one.case.min(two.case) != Case::Counts => {
            lower(&one.letters).cmp(&lower(&two.letters))
        }
        (Value::Text(one), Value::Text(two)) => compare_texts(one, two),
        (Value::Boolean(one), Value::Boolean(two)) => one.cmp(two),
        (Value::Integer(one), Value::Integer(two)) => one.cmp(two),
        (Value::Date(one), Value::Date(two)) => one.cmp(two),
        other => panic!("no property has such values: {other:?}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "what promotion to a double is")]
fn double(value: &Value) -> f64 {
    match value {
        Value::Integer(number) => *number as f64,
        Value::Double(number) => *number,
        Value::Decimal(number) => number.double(),
        other => panic!("no number: {other:?}"),
    }
}

/// Two numbers as decimals, where one is and the other is one or whole.
fn decimals(left: &Value, right: &Value) -> Option<(Decimal, Decimal)> {
    match (left, right) {
        (Value::Decimal(left), Value::Decimal(right)) => Some((*left, *right)),
        (Value::Integer(left), Value::Decimal(right)) => Some((Decimal::of(*left), *right)),
        (Value::Decimal(left), Value::Integer(right)) => Some((*left, Decimal::of(*right))),
        _ => None,
    }
}

fn calculate(operator: &str, left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Integer(left), Value::Integer(right)) => {
            let (left, right) = (i128::from(*left), i128::from(*right));
            let result = match operator {
                "add" => left + right,
                "sub" => left - right,
                "mul" => left * right,
                _ if right == 0 => return Value::Null,
                "div" => left / right,
                _ => left % right,
            };
            i64::try_from(result).map_or(Value::Null, Value::Integer)
        }
        _ => {
            if let Some((left, right)) = decimals(left, right) {
                return left.calculate(operator, right).map_or(Value::Null, Value::Decimal);
            }
            let (left, right) = (double(left), double(right));
            Value::Double(match operator {
                "add" => left + right,
                "sub" => left - right,
                "mul" => left * right,
                "div" => left / right,
                _ => left % right,
            })
        }
    }
}

/// What a function yields. Null makes null, but for `concat`, to which it is an empty text.
fn call(name: &str, arguments: &[Value]) -> Value {
    if name == "concat" {
        return match (&arguments[0], &arguments[1]) {
            (Value::Text(one), Value::Text(two)) => {
                cased(format!("{}{}", one.letters, two.letters), one.case.min(two.case))
            }
            (Value::Text(one), _) | (_, Value::Text(one)) => cased(one.letters.clone(), one.case),
            _ => Value::Null,
        };
    }
    if arguments.iter().any(|argument| matches!(argument, Value::Null)) {
        return Value::Null;
    }
    let text = |at: usize| match &arguments[at] {
        Value::Text(text) => text.clone(),
        other => panic!("no text: {other:?}"),
    };
    let integer = |at: usize| match &arguments[at] {
        Value::Integer(number) => *number,
        other => panic!("no integer: {other:?}"),
    };
    // The text that is searched decides whether case counts, unless an id is looked for.
    let pair = |searched: usize, sought: usize| {
        let (searched, sought) = (text(searched), text(sought));
        if searched.case == Case::Counts && sought.case != Case::Ignored {
            (searched.letters, sought.letters)
        } else {
            (lower(&searched.letters), lower(&sought.letters))
        }
    };
    let date = || match &arguments[0] {
        Value::Date(date) => *date,
        other => panic!("no date: {other:?}"),
    };
    let length = |text: &str| i64::try_from(text.chars().count()).expect("a short text");
    match name {
        "substringof" => {
            let (searched, sought) = pair(1, 0);
            Value::Boolean(searched.contains(&sought))
        }
        "startswith" => {
            let (searched, sought) = pair(0, 1);
            Value::Boolean(searched.starts_with(&sought))
        }
        "endswith" => {
            let (searched, sought) = pair(0, 1);
            Value::Boolean(searched.ends_with(&sought))
        }
        "indexof" => {
            let (searched, sought) = pair(0, 1);
            Value::Integer(searched.find(&sought).map_or(-1, |at| length(&searched[..at])))
        }
        "length" => Value::Integer(length(&text(0).letters)),
        "tolower" => cased(lower(&text(0).letters), text(0).case),
        "toupper" => cased(upper(&text(0).letters), text(0).case),
        "trim" => cased(text(0).letters.trim().to_owned(), text(0).case),
        "replace" => {
            let (within, old, new) = (text(0), text(1).letters, text(2).letters);
            let replaced = if old.is_empty() {
                within.letters
            } else {
                within.letters.replace(&old, &new)
            };
            cased(replaced, within.case)
        }
        "substring" => {
            // A start before the text is its start; a negative length is none.
            let number = |at: usize| usize::try_from(integer(at)).unwrap_or(0);
            let length = if arguments.len() > 2 { number(2) } else { usize::MAX };
            let within = text(0);
            cased(
                within.letters.chars().skip(number(1)).take(length).collect(),
                within.case,
            )
        }
        "year" => Value::Integer(i64::from(date().year())),
        "month" => Value::Integer(i64::from(date().month())),
        "day" => Value::Integer(i64::from(date().day())),
        "hour" => Value::Integer(i64::from(date().hour())),
        "minute" => Value::Integer(i64::from(date().minute())),
        "second" => Value::Integer(i64::from(date().second())),
        "floor" | "ceiling" | "round" => match &arguments[0] {
            Value::Decimal(number) => Value::Decimal(number.rounded(name)),
            number => Value::Double(rounded(name, double(number))),
        },
        other => panic!("no function {other} is generated"),
    }
}

fn rounded(name: &str, number: f64) -> f64 {
    let below = number.floor();
    // Halves go to the even neighbour.
    let is_odd = below.rem_euclid(2.0) > 0.5;
    let rest = number - below;
    match name {
        "floor" => below,
        "ceiling" => number.ceil(),
        // What rounds to zero from below is the negative zero, by which a division tells.
        _ if rest > 0.5 || (rest >= 0.5 && is_odd) => (below + 1.0).copysign(number),
        _ => below,
    }
}
