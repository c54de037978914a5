//! The order of answers, which is total, and places in it, from which a list is continued.
//!
//! The asked keys come first, then the id ignoring case, then the version, highest first; a key that is asked is not
//! appended again. A search that asks for no order has the most relevant version first, then the most downloaded one.
//! A place is told by the values that the keys have there: whatever is added to a list or goes from it, the rest of the
//! list lies on the same side of the place as before.

use std::borrow::Cow;

use super::columns::{Column, Columns};
use super::expression::{Expression, Value};
use super::query::{Direction, Query};
use super::search::Rank;
use super::{Instant, Row, Text};
use crate::limits::MAX_SORT_TEXT_BYTES;
use crate::nuget::NuGetVersion;

/// What one key of an order compares.
#[derive(Debug, Clone, PartialEq)]
pub enum SortBy {
    /// How relevant a version is to the search.
    Rank,
    /// The id, ignoring case.
    Id,
    /// The version.
    Version,
    /// Something else that a row tells. Texts are compared ignoring case, by their first [`MAX_SORT_TEXT_BYTES`].
    Value(Expression),
}

/// One key of a total order.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    /// What is compared.
    pub by: SortBy,
    /// Which way.
    pub direction: Direction,
}

/// What a key has for one version. What has no value comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortValue<'a> {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// An instant.
    DateTime(Instant),
    /// A text, in lower case and cut.
    Text(Cow<'a, str>),
    /// A version.
    Version(Cow<'a, NuGetVersion>),
}

/// A place in an order: right behind a version that has these values, or would have them, in the order's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    values: Vec<SortValue<'static>>,
}

impl Query {
    /// Returns the keys of the order of the answer; of no two versions do all have the same values.
    #[must_use]
    pub fn total_order(&self) -> Vec<SortKey> {
        let mut keys: Vec<SortKey> = self.order.iter().map(SortKey::of).collect();
        if keys.is_empty() && !self.terms.is_empty() {
            keys.push(SortKey::new(SortBy::Rank, Direction::Ascending));
            keys.push(SortKey::new(
                SortBy::Value(Column::DownloadCount.into()),
                Direction::Descending,
            ));
        }
        for (by, direction) in [
            (SortBy::Id, Direction::Ascending),
            (SortBy::Version, Direction::Descending),
        ] {
            if keys.iter().all(|key| key.by != by) {
                keys.push(SortKey::new(by, direction));
            }
        }
        keys
    }
}

impl SortKey {
    fn new(by: SortBy, direction: Direction) -> Self {
        Self { by, direction }
    }

    fn of(key: &super::query::OrderKey) -> Self {
        let by = match &key.by {
            Expression::Column(Column::Id) => SortBy::Id,
            Expression::Column(Column::Version) => SortBy::Version,
            by => SortBy::Value(by.clone()),
        };
        Self::new(by, key.direction)
    }

    /// Returns what the key has for a version; `rank` is how relevant it is.
    #[must_use]
    pub fn value<'a>(&self, columns: &Columns<'a>, rank: Rank) -> SortValue<'a> {
        let row = columns.row;
        match &self.by {
            SortBy::Rank => SortValue::Integer(rank as i64),
            SortBy::Id => SortValue::Text(Cow::Borrowed(row.id.lower())),
            SortBy::Version => SortValue::Version(Cow::Borrowed(&row.version)),
            SortBy::Value(Expression::Column(column)) => column_value(*column, columns),
            SortBy::Value(expression) => plain_value(&expression.evaluate(columns)),
        }
    }
}

fn column_value<'a>(column: Column, columns: &Columns<'a>) -> SortValue<'a> {
    let row = columns.row;
    match column {
        Column::NormalizedVersion => SortValue::Version(Cow::Borrowed(&row.version)),
        Column::Title | Column::Description | Column::Summary | Column::Tags | Column::Authors => text_of(row, column)
            .map_or(SortValue::Null, |text| {
                SortValue::Text(Cow::Borrowed(cut(text.lower())))
            }),
        Column::TitleOrId if row.title.is_some() => column_value(Column::Title, columns),
        Column::TitleOrId => SortValue::Text(Cow::Borrowed(cut(row.id.lower()))),
        // All have the same.
        Column::Rating => SortValue::Integer(0),
        column => plain_value(&columns.value(column)),
    }
}

fn text_of(row: &Row, column: Column) -> Option<&Text> {
    match column {
        Column::Title => row.title.as_deref(),
        Column::Description => row.description.as_deref(),
        Column::Summary => row.summary.as_deref(),
        Column::Tags => row.tags.as_deref(),
        _ => row.authors.as_deref(),
    }
}

fn plain_value(value: &Value<'_>) -> SortValue<'static> {
    match value {
        Value::Boolean(is_true) => SortValue::Boolean(*is_true),
        Value::Integer(number) => SortValue::Integer(*number),
        Value::DateTime(instant) => SortValue::DateTime(*instant),
        Value::Text(text) => SortValue::text(text.as_str()),
        _ => SortValue::Null,
    }
}

impl SortValue<'_> {
    /// Makes the value of a text: in lower case, and cut where it is long.
    #[must_use]
    pub fn text(text: &str) -> SortValue<'static> {
        SortValue::Text(Cow::Owned(cut(&text.to_lowercase()).to_owned()))
    }

    /// Returns a number that is no less than that of any lesser value, and the same for equal ones.
    #[must_use]
    pub fn prefix(&self) -> u64 {
        const SIGN: u64 = 1 << 63;
        match self {
            Self::Null => 0,
            Self::Boolean(is_true) => 1 + u64::from(*is_true),
            Self::Integer(number) => number.cast_unsigned() ^ SIGN,
            Self::DateTime(instant) => instant.timestamp_micros().cast_unsigned() ^ SIGN,
            Self::Text(text) => {
                let mut first = [0; 8];
                first.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
                u64::from_be_bytes(first)
            }
            Self::Version(version) => {
                let [major, minor, ..] = version.numbers();
                (u64::from(major) << 32) | u64::from(minor)
            }
        }
    }

    fn into_owned(self) -> SortValue<'static> {
        match self {
            Self::Null => SortValue::Null,
            Self::Boolean(is_true) => SortValue::Boolean(is_true),
            Self::Integer(number) => SortValue::Integer(number),
            Self::DateTime(instant) => SortValue::DateTime(instant),
            Self::Text(text) => SortValue::Text(Cow::Owned(text.into_owned())),
            Self::Version(version) => SortValue::Version(Cow::Owned(version.into_owned())),
        }
    }
}

impl Position {
    /// Makes a place of the values of an order's keys, one each.
    #[must_use]
    pub fn new(values: Vec<SortValue<'static>>) -> Self {
        Self { values }
    }

    /// Returns the place right behind a version; `rank` is how relevant it is.
    #[must_use]
    pub fn behind(order: &[SortKey], columns: &Columns<'_>, rank: Rank) -> Self {
        let values = order.iter().map(|key| key.value(columns, rank).into_owned());
        Self::new(values.collect())
    }

    /// Returns the values of the order's keys.
    #[must_use]
    pub fn values(&self) -> &[SortValue<'static>] {
        &self.values
    }

    /// Returns whether a version comes behind this place; `rank` is how relevant it is.
    #[must_use]
    pub fn is_before(&self, order: &[SortKey], columns: &Columns<'_>, rank: Rank) -> bool {
        for (key, value) in order.iter().zip(&self.values) {
            let ordering = key.direction.apply(key.value(columns, rank).cmp(value));
            if ordering.is_ne() {
                return ordering.is_gt();
            }
        }
        false
    }
}

/// Cuts a text to what is compared of it.
fn cut(text: &str) -> &str {
    let longest = MAX_SORT_TEXT_BYTES.min(text.len());
    let kept = (0..=longest).rev().find_map(|end| text.get(..end));
    kept.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{instant, row, text};

    #[test]
    fn prefixes_never_contradict_the_order() {
        let version = |text: &str| SortValue::Version(Cow::Owned(text.parse().unwrap()));
        for ascending in [
            vec![SortValue::Null, SortValue::Boolean(false), SortValue::Boolean(true)],
            [i64::MIN, -1, 0, 1, 255, 256, i64::MAX]
                .map(SortValue::Integer)
                .to_vec(),
            [
                "1900-01-01",
                "1970-01-01",
                "2020-02-02T03:04:05.6",
                "2020-02-02T03:04:05.7",
            ]
            .map(|text| SortValue::DateTime(instant(text)))
            .to_vec(),
            ["", "a", "a b", "aaaaaaaaa", "aaaaaaaab", "b", "ü"]
                .map(SortValue::text)
                .to_vec(),
            ["0.1", "1.0-a", "1.0", "1.0.1", "1.9", "1.10", "10.0"]
                .map(version)
                .to_vec(),
        ] {
            for pair in ascending.windows(2) {
                assert!(pair[0] < pair[1], "{pair:?}");
                assert!(pair[0].prefix() <= pair[1].prefix(), "{pair:?}");
            }
        }
    }

    #[test]
    fn long_texts_are_compared_by_their_beginning() {
        let long = |end: &str| format!("{}{end}", "ü".repeat(MAX_SORT_TEXT_BYTES / 2 + 1));
        assert_eq!(SortValue::text(&long("a")), SortValue::text(&long("b")));
        let titled = |end: &str| Row {
            title: Some(text(&long(end))),
            ..row("a", "1.0")
        };
        let key = SortKey::new(SortBy::Value(Column::Title.into()), Direction::Ascending);
        let value = |row: &Row| {
            let columns = Columns {
                row,
                is_latest: false,
                is_absolute_latest: false,
                record: None,
                work: None,
            };
            key.value(&columns, Rank::Elsewhere).into_owned()
        };
        assert_eq!(value(&titled("a")), value(&titled("B")));
    }
}
