//! Filters as trees, and what they mean, evaluated node by node.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike as _, TimeZone as _, Timelike as _, Utc};

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
    Date(DateTime<Utc>),
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
    Date(DateTime<Utc>),
    Text(Text),
}

/// A text and what it comes from.
#[derive(Debug, Clone)]
pub(super) struct Text {
    text: String,
    case: Case,
    /// Whether it is a version property itself.
    is_version: bool,
}

/// Where upper and lower case make no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Case {
    /// They do everywhere.
    Counts,
    /// In functions that search and in orders: titles, descriptions, tags.
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
        Expression::Date(date) => Value::Date(*date),
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
    Value::Text(Text { text, case, is_version })
}

fn property(name: &str, shown: &Shown) -> Value {
    let package = &shown.package;
    let searched = |text: &Option<String>| {
        text.clone()
            .map_or(Value::Null, |text| cased(text, Case::IgnoredBySearches))
    };
    let stored = |text: &Option<String>| text.clone().map_or(Value::Null, plain);
    let date = |date: Option<DateTime<Utc>>| date.map_or(Value::Null, Value::Date);
    let version = |text: String| {
        Value::Text(Text {
            text,
            case: Case::Counts,
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
        "ReleaseNotes" => stored(&package.release_notes),
        "Copyright" => stored(&package.copyright),
        "IsLatestVersion" => Value::Boolean(shown.is_latest),
        "IsAbsoluteLatestVersion" => Value::Boolean(shown.is_absolute_latest),
        "IsPrerelease" => Value::Boolean(package.version().is_prerelease()),
        "Listed" => Value::Boolean(package.is_listed),
        "IsApproved" => Value::Boolean(package.is_approved),
        "RequireLicenseAcceptance" => package.needs_acceptance.map_or(Value::Null, Value::Boolean),
        "Created" => Value::Date(package.created),
        "Published" => Value::Date(published(shown)),
        "LastUpdated" => Value::Date(package.last_updated),
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
        _ => double(left).partial_cmp(&double(right)),
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
    if left.is_version || right.is_version {
        if let (Some(left), Some(right)) = (Version::read(&left.text), Version::read(&right.text)) {
            return left.compare(&right);
        }
    }
    if left.case == Case::Ignored || right.case == Case::Ignored {
        return lower(&left.text).cmp(&lower(&right.text));
    }
    left.text.cmp(&right.text)
}

/// Compares two values of an order key: null comes first, case makes no difference in texts that people read.
pub(super) fn compare_keys(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Text(one), Value::Text(two)) if one.case != Case::Counts && two.case != Case::Counts => {
            lower(&one.text).cmp(&lower(&two.text))
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
        other => panic!("no number: {other:?}"),
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
            (Value::Text(one), Value::Text(two)) => cased(format!("{}{}", one.text, two.text), one.case.min(two.case)),
            (Value::Text(one), _) | (_, Value::Text(one)) => Value::Text(one.clone()),
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
    // The text that is searched decides whether case counts.
    let pair = |searched: usize, sought: usize| {
        let (searched, sought) = (text(searched), text(sought));
        if searched.case == Case::Counts {
            (searched.text, sought.text)
        } else {
            (lower(&searched.text), lower(&sought.text))
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
        "length" => Value::Integer(length(&text(0).text)),
        "tolower" => cased(lower(&text(0).text), text(0).case),
        "toupper" => cased(upper(&text(0).text), text(0).case),
        "trim" => cased(text(0).text.trim().to_owned(), text(0).case),
        "replace" => {
            let (within, old, new) = (text(0).text, text(1).text, text(2).text);
            plain(if old.is_empty() {
                within
            } else {
                within.replace(&old, &new)
            })
        }
        "substring" => {
            let within = text(0);
            let most = if arguments.len() > 2 { integer(2) } else { i64::MAX };
            match usize::try_from(integer(1)) {
                Err(_) => plain(String::new()),
                Ok(from) => {
                    let most = usize::try_from(most).unwrap_or(0);
                    cased(within.text.chars().skip(from).take(most).collect(), within.case)
                }
            }
        }
        "year" => Value::Integer(i64::from(date().year())),
        "month" => Value::Integer(i64::from(date().month())),
        "day" => Value::Integer(i64::from(date().day())),
        "hour" => Value::Integer(i64::from(date().hour())),
        "minute" => Value::Integer(i64::from(date().minute())),
        "second" => Value::Integer(i64::from(date().second())),
        "floor" => Value::Double(double(&arguments[0]).floor()),
        "ceiling" => Value::Double(double(&arguments[0]).ceil()),
        "round" => Value::Double(round(double(&arguments[0]))),
        other => panic!("no function {other} is generated"),
    }
}

/// Halves go to the even neighbour.
fn round(number: f64) -> f64 {
    let below = number.floor();
    let is_odd = below.rem_euclid(2.0) > 0.5;
    if number - below > 0.5 || (number - below >= 0.5 && is_odd) {
        below + 1.0
    } else {
        below
    }
}
