//! Values that expressions compute, and how two of them compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use memchr::memmem::Finder;

use crate::catalog::{Instant, Text};
use crate::nuget::NuGetVersion;

/// What an expression yields for one version.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// Not known from the row alone: evaluate again with the record.
    Deferred,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Double(f64),
    /// An instant.
    DateTime(Instant),
    /// A text, a version among them.
    Text(TextValue<'a>),
}

/// Where the case of a text counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    /// Everywhere.
    Counts,
    /// In comparisons, but not in `substringof`, `startswith`, `endswith`, `indexof` and orders: galleries leave these
    /// to a database that ignores case.
    IgnoredInSearch,
    /// Nowhere: package ids.
    Ignored,
}

/// A text with what is already known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TextValue<'a> {
    raw: Cow<'a, str>,
    lower: Option<Cow<'a, str>>,
    version: Reading<'a>,
    case: Case,
}

/// What is known of a text as a version.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reading<'a> {
    /// It is a version column's.
    Column(&'a NuGetVersion),
    /// It is a text that reads as a version.
    Version(&'a NuGetVersion),
    /// It is a text that does not.
    NoVersion,
    /// It has not been read as one.
    Untried,
}

impl<'a> TextValue<'a> {
    /// Makes the value of an interned text.
    #[must_use]
    pub fn of(text: &'a Text, case: Case) -> Self {
        Self::folded(text.as_str(), text.lower(), case)
    }

    /// Makes the value of a text whose lower-cased form is at hand.
    #[must_use]
    pub fn folded(raw: &'a str, lower: &'a str, case: Case) -> Self {
        Self {
            raw: Cow::Borrowed(raw),
            lower: Some(Cow::Borrowed(lower)),
            version: Reading::Untried,
            case,
        }
    }

    /// Makes the value of a text whose case counts.
    #[must_use]
    pub fn plain(raw: impl Into<Cow<'a, str>>) -> Self {
        Self {
            raw: raw.into(),
            lower: None,
            version: Reading::Untried,
            case: Case::Counts,
        }
    }

    /// Makes the value of a version column that spells its version as `raw`.
    #[must_use]
    pub fn version(version: &'a NuGetVersion, raw: &'a str) -> Self {
        Self {
            version: Reading::Column(version),
            ..Self::plain(raw)
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// Returns the text in lower case.
    #[must_use]
    pub fn lower(&self) -> Cow<'_, str> {
        match &self.lower {
            Some(lower) => Cow::Borrowed(lower),
            None => Cow::Owned(self.raw.to_lowercase()),
        }
    }

    /// Returns whether searching in this text ignores case.
    pub(super) fn ignores_case_in_search(&self) -> bool {
        self.case >= Case::IgnoredInSearch
    }

    /// Returns the lower-cased text, searched as this one is.
    pub(super) fn into_lower(self) -> Self {
        let case = self.case;
        let lower = self.lower.unwrap_or_else(|| Cow::Owned(self.raw.to_lowercase()));
        Self {
            case,
            lower: Some(lower.clone()),
            ..Self::plain(lower)
        }
    }

    /// Returns another spelling of this text (upper-cased, trimmed), searched as this one is.
    pub(super) fn respelled(self, respell: impl Fn(&str) -> String) -> Self {
        Self {
            case: self.case,
            ..Self::plain(respell(&self.raw))
        }
    }

    /// Returns this text followed by another. Case is ignored where both ignore it.
    pub(super) fn followed_by(&self, other: &Self) -> Self {
        let lower = match (&self.lower, &other.lower) {
            (Some(one), Some(two)) => Some(Cow::Owned(format!("{one}{two}"))),
            _ => None,
        };
        Self {
            lower,
            case: self.case.min(other.case),
            ..Self::plain(format!("{}{}", self.raw, other.raw))
        }
    }

    /// Compares as filters do: as versions where either is a version column and both are versions, ignoring case where either is
    /// an id, else by code points.
    fn compare(&self, other: &Self) -> Ordering {
        if (self.is_version_column() || other.is_version_column())
            && let (Some(one), Some(two)) = (self.as_version(), other.as_version())
        {
            return one.cmp(&two);
        }
        if self.case == Case::Ignored || other.case == Case::Ignored {
            return self.lower().cmp(&other.lower());
        }
        self.raw.cmp(&other.raw)
    }

    fn as_version(&self) -> Option<Cow<'_, NuGetVersion>> {
        match self.version {
            Reading::Column(version) | Reading::Version(version) => Some(Cow::Borrowed(version)),
            Reading::NoVersion => None,
            Reading::Untried => self.raw.parse().ok().map(Cow::Owned),
        }
    }

    fn is_version_column(&self) -> bool {
        matches!(self.version, Reading::Column(_))
    }
}

/// Compares two values as filters do; `None` where they have no order (a null, a NaN, different types).
#[must_use]
pub(super) fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        (Value::DateTime(left), Value::DateTime(right)) => Some(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => Some(left.compare(right)),
        (Value::Integer(_) | Value::Double(_), Value::Integer(_) | Value::Double(_)) => {
            as_double(left)?.partial_cmp(&as_double(right)?)
        }
        _ => None,
    }
}

/// Compares two values as orders do, totally: what has no value comes first; texts that ignore case in searches ignore it here.
#[must_use]
pub fn order(left: &Value<'_>, right: &Value<'_>) -> Ordering {
    if let (Value::Text(one), Value::Text(two)) = (left, right)
        && one.ignores_case_in_search()
        && two.ignores_case_in_search()
    {
        return one.lower().cmp(&two.lower());
    }
    let has_value = |value: &Value<'_>| !matches!(value, Value::Null | Value::Deferred);
    compare(left, right).unwrap_or_else(|| has_value(left).cmp(&has_value(right)))
}

/// Returns a number as a double; integers beyond 2^53 are rounded, as in the galleries' engine.
#[expect(clippy::cast_precision_loss, reason = "promotion of Int64 to Double is defined so")]
pub(super) fn as_double(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Double(double) => Some(*double),
        _ => None,
    }
}

/// A text that stands in a filter, prepared for being compared with and looked for in many rows.
#[derive(Debug, Clone)]
pub struct TextLiteral {
    text: Text,
    version: Option<NuGetVersion>,
    finder: Finder<'static>,
    lower_finder: Finder<'static>,
}

impl TextLiteral {
    /// Prepares a text.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let text = Text::new(raw);
        Self {
            version: raw.parse().ok(),
            finder: Finder::new(raw).into_owned(),
            lower_finder: Finder::new(text.lower()).into_owned(),
            text,
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// Returns the text in lower case.
    #[must_use]
    pub fn lower(&self) -> &str {
        self.text.lower()
    }

    /// Returns whether it occurs in a text.
    pub(super) fn occurs_in(&self, text: &TextValue<'_>) -> bool {
        if text.ignores_case_in_search() {
            self.lower_finder.find(text.lower().as_bytes()).is_some()
        } else {
            self.finder.find(text.as_str().as_bytes()).is_some()
        }
    }

    pub(super) fn value(&self) -> TextValue<'_> {
        TextValue {
            version: self.version.as_ref().map_or(Reading::NoVersion, Reading::Version),
            ..TextValue::of(&self.text, Case::Counts)
        }
    }
}

impl PartialEq for TextLiteral {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
