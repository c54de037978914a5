//! What functions do with texts. Every one of them is charged for the bytes that it reads and makes.

use std::borrow::Cow;

use crate::catalog::columns::Columns;
use crate::catalog::expression::text::{TextValue, in_case};
use crate::catalog::expression::{Expression, Literal, Value};
use crate::limits::{BYTES_FOUND_PER_STEP, MAX_COMPUTED_BYTES, STEPS_PER_CALL, STEPS_PER_MADE_BYTE, STEPS_PER_SEARCH};

/// The steps of making so many bytes of text.
const fn making(bytes: usize) -> u64 {
    STEPS_PER_CALL + STEPS_PER_MADE_BYTE.saturating_mul(bytes as u64)
}

/// The steps of reading so many bytes with a prepared search.
const fn scanning(bytes: usize) -> u64 {
    STEPS_PER_CALL + bytes as u64 / BYTES_FOUND_PER_STEP
}

/// The steps of having a text in lower case.
fn lowering(text: &TextValue<'_>) -> u64 {
    if text.has_no_lower() {
        making(text.as_str().len())
    } else {
        0
    }
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

/// Looks for one text in another.
pub(super) fn look<'a>(
    text: Value<'a>,
    part: Value<'a>,
    columns: &Columns<'a>,
    look: impl FnOnce(&str, &str) -> Value<'a>,
) -> Value<'a> {
    both(text, part, |text, part| {
        let read = text.as_str().len() + part.as_str().len();
        let steps = STEPS_PER_SEARCH + read as u64 + lowering(text) + lowering(part);
        if columns.charge(steps) {
            in_case(text, part, look)
        } else {
            Value::Null
        }
    })
}

/// Says whether a text contains another; one that stands in the filter has its search prepared.
pub(super) fn substring_of<'a>(part: Option<&'a Expression>, text: Value<'a>, columns: &Columns<'a>) -> Value<'a> {
    if let (Some(Expression::Literal(Literal::Text(part))), Value::Text(text)) = (part, &text) {
        if !columns.charge(scanning(text.as_str().len()) + lowering(text)) {
            return Value::Null;
        }
        return Value::Boolean(part.occurs_in(text));
    }
    let part = part.map_or(Value::Null, |part| part.evaluate(columns));
    look(text, part, columns, |text, part| Value::Boolean(text.contains(part)))
}

/// The character at which a text starts in another, -1 where it does not occur.
pub(super) fn index_of<'a>(text: &str, part: &str) -> Value<'a> {
    let before = text.find(part).and_then(|at| text.get(..at));
    Value::Integer(before.map_or(-1, chars))
}

fn chars(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

pub(super) fn length<'a>(text: Value<'a>, columns: &Columns<'a>) -> Value<'a> {
    one(text, |text| {
        if columns.charge(scanning(text.as_str().len())) {
            Value::Integer(chars(text.as_str()))
        } else {
            Value::Null
        }
    })
}

pub(super) fn to_lower<'a>(text: Value<'a>, columns: &Columns<'a>) -> Value<'a> {
    one(text, |text| {
        if columns.charge(STEPS_PER_CALL + lowering(&text)) {
            Value::Text(text.into_lower())
        } else {
            Value::Null
        }
    })
}

pub(super) fn to_upper<'a>(text: Value<'a>, columns: &Columns<'a>) -> Value<'a> {
    one(text, |text| {
        if columns.charge(making(text.as_str().len())) {
            Value::Text(text.respelled(|text| Cow::Owned(text.to_uppercase())))
        } else {
            Value::Null
        }
    })
}

pub(super) fn trim<'a>(text: Value<'a>, columns: &Columns<'a>) -> Value<'a> {
    one(text, |text| {
        if columns.charge(STEPS_PER_CALL + text.as_str().len() as u64) {
            Value::Text(text.respelled(|text| Cow::Borrowed(text.trim())))
        } else {
            Value::Null
        }
    })
}

pub(super) fn concat<'a>(left: Value<'a>, right: Value<'a>, columns: &Columns<'a>) -> Value<'a> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            if may_make(left.as_str().len() + right.as_str().len(), columns) {
                Value::Text(left.followed_by(&right))
            } else {
                Value::Null
            }
        }
        (Value::Deferred, _) | (_, Value::Deferred) => Value::Deferred,
        (Value::Text(text), _) | (_, Value::Text(text)) => Value::Text(text.without_version()),
        _ => Value::Null,
    }
}

pub(super) fn replace<'a>(text: Value<'a>, old: &Value<'a>, new: &Value<'a>, columns: &Columns<'a>) -> Value<'a> {
    let (Value::Text(new), Value::Text(old)) = (new, old) else {
        let is_null = [&text, old, new].into_iter().any(|value| *value == Value::Null);
        return if is_null { Value::Null } else { Value::Deferred };
    };
    let (old, new) = (old.as_str(), new.as_str());
    one(text, |text| {
        let length = text.as_str().len();
        if old.is_empty() {
            return Value::Text(text.respelled(|text| Cow::Borrowed(text)));
        }
        if !columns.charge(STEPS_PER_SEARCH + length as u64) {
            return Value::Null;
        }
        let grown = text.as_str().matches(old).count().saturating_mul(new.len());
        if !may_make(length.saturating_add(grown), columns) {
            return Value::Null;
        }
        Value::Text(text.respelled(|text| Cow::Owned(text.replace(old, new))))
    })
}

/// Charges for a text that is about to be made. One that is too long spends all that is left.
fn may_make(bytes: usize, columns: &Columns<'_>) -> bool {
    let is_short = bytes <= MAX_COMPUTED_BYTES;
    columns.charge(if is_short { making(bytes) } else { u64::MAX }) && is_short
}

/// Cuts a text. A start before it is its start, and what lies behind it is empty, as in the engine's own safe variant
/// (OData/WebApi, `ClrSafeFunctions`).
pub(super) fn substring<'a>(
    text: Value<'a>,
    from: &Value<'a>,
    length: Option<&Value<'a>>,
    columns: &Columns<'a>,
) -> Value<'a> {
    let numbers = [Some(from), length];
    if numbers.contains(&Some(&Value::Null)) || text == Value::Null {
        return Value::Null;
    }
    let number = |value: &Value<'a>| match value {
        Value::Integer(number) => Some(usize::try_from(*number).unwrap_or(0)),
        _ => None,
    };
    let (Some(from), Some(length)) = (number(from), length.map_or(Some(usize::MAX), number)) else {
        return Value::Deferred;
    };
    one(text, |text| {
        if !columns.charge(STEPS_PER_CALL + text.as_str().len() as u64) {
            return Value::Null;
        }
        Value::Text(text.respelled(|text| Cow::Borrowed(cut(text, from, length))))
    })
}

/// Returns at most `length` characters of a text, from the one at `from` on.
fn cut(text: &str, from: usize, length: usize) -> &str {
    let end = text.len();
    let at = |text: &str, chars: usize| text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    let rest = text.get(at(text, from)..end).unwrap_or("");
    rest.get(..at(rest, length)).unwrap_or(rest)
}
