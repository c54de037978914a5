//! `$skiptoken`: where the page before ended, as next links say it.
//!
//! It is a list of literals as WCF Data Services writes them: the values that the keys of the order have for the last row. In
//! the usual order that is `'Id','Version'`, with `$orderby=DownloadCount desc,Id` it is `1000,'Id','Version'`. The row need not be
//! there any more, nor ever have been: the list goes on where it would stand.
//!
//! Tokens of other galleries are read too, for a client may hold one when its source is moved here:
//! `'Id','Version'` under a search that asks for no order continues in the order by id, as those galleries have it; and
//! `'Id','Version',100`, which the Chocolatey community repository and old nuget.org write, goes on behind id and version in the usual
//! order, and behind a hundred rows in any other. A token that does not go with the order is refused.
//!
//! `$skip` beside a token counts from the token's place on (OData's order of options: first the token, then `$skip`, then
//! `$top`); next links have no `$skip`, for what it asked for is done. `$inlinecount` and `$count` count all rows, whatever the
//! token.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::address::unquote;
use crate::catalog::Expression;
use crate::catalog::columns::{Column, format_instant, parse_instant};
use crate::catalog::order::{Position, SortBy, SortKey, SortValue};

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Behind a place in the asked order.
    Behind(Position),
    /// Behind a place in the order by id and version, which is not the asked one.
    BehindById(Position),
    /// Behind so many rows.
    Rows(u64),
}

/// Why a token cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SkipTokenError {
    /// What begins here is no literal.
    #[error("$skiptoken cannot be read from \"{0}\" on: it is a list of literals, as in 'Id','Version'")]
    Literal(String),
    /// It has too many or too few values.
    #[error("$skiptoken has {given} values, and this order needs {expected}")]
    Values {
        /// How many there are.
        given: usize,
        /// How many there should be, and of what.
        expected: String,
    },
    /// A value is not of its key's type.
    #[error("$skiptoken has {value} where this order needs a value of {key}")]
    Type {
        /// The value.
        value: String,
        /// What is ordered by.
        key: String,
    },
}

/// Writes the token of a place.
///
/// ```
/// use larder::catalog::order::{Position, SortValue};
/// let place = Position::new(vec![SortValue::Integer(7), SortValue::text("O'Neill")]);
/// assert_eq!(larder::odata::skiptoken::write(&place), "7,'o''neill'");
/// ```
#[must_use]
pub fn write(position: &Position) -> String {
    let mut token = String::new();
    for value in position.values() {
        if !token.is_empty() {
            token.push(',');
        }
        // Writing to a text does not fail.
        let _ = match value {
            SortValue::Null => token.write_str("null"),
            SortValue::Boolean(is_true) => write!(token, "{is_true}"),
            SortValue::Integer(number) => write!(token, "{number}"),
            SortValue::DateTime(instant) => write!(token, "datetime'{}'", format_instant(*instant)),
            SortValue::Text(text) => write!(token, "'{}'", text.replace('\'', "''")),
            SortValue::Version(version) => write!(token, "'{version}'"),
        };
    }
    token
}

/// Reads a token for a list in an order.
pub fn read(token: &str, order: &[SortKey]) -> Result<Start, SkipTokenError> {
    let values = literals(token)?;
    // What fits the order is larder's own, whatever it looks like: 'Title','Id',100 is a place too.
    let own = position(values.clone(), order).map(Start::Behind);
    if own.is_ok() {
        return own;
    }
    match values.as_slice() {
        [
            id @ SortValue::Text(_),
            version @ SortValue::Text(_),
            SortValue::Integer(rows),
        ] => {
            if is_by_id(order) {
                return position(vec![id.clone(), version.clone()], order).map(Start::Behind);
            }
            let rows = u64::try_from(*rows).map_err(|_| SkipTokenError::Literal(rows.to_string()))?;
            Ok(Start::Rows(rows))
        }
        [SortValue::Text(_), SortValue::Text(_)] if order.iter().any(|key| key.by == SortBy::Rank) => {
            let by_id: Vec<SortKey> = order.iter().filter(|key| is_tie_break(key)).cloned().collect();
            position(values, &by_id).map(Start::BehindById)
        }
        _ => own,
    }
}

fn is_by_id(order: &[SortKey]) -> bool {
    order.iter().map(|key| &key.by).eq([&SortBy::Id, &SortBy::Version])
}

fn is_tie_break(key: &SortKey) -> bool {
    matches!(key.by, SortBy::Id | SortBy::Version)
}

fn position(values: Vec<SortValue<'static>>, order: &[SortKey]) -> Result<Position, SkipTokenError> {
    if values.len() != order.len() {
        let names: Vec<String> = order.iter().map(name).collect();
        return Err(SkipTokenError::Values {
            given: values.len(),
            expected: format!("{} ({})", order.len(), names.join(", ")),
        });
    }
    let values = order.iter().zip(values).map(|(key, value)| fitting(key, value));
    Ok(Position::new(values.collect::<Result<_, _>>()?))
}

/// Returns a value as what its key compares.
fn fitting(key: &SortKey, value: SortValue<'static>) -> Result<SortValue<'static>, SkipTokenError> {
    let refuse = |value: SortValue<'static>| SkipTokenError::Type {
        value: write(&Position::new(vec![value])),
        key: name(key),
    };
    let fits = match (&key.by, &value) {
        (SortBy::Rank, SortValue::Integer(_)) | (SortBy::Id, SortValue::Text(_)) => true,
        (SortBy::Rank | SortBy::Id, _) => false,
        (SortBy::Version | SortBy::Value(Expression::Column(Column::NormalizedVersion)), value) => {
            let SortValue::Text(text) = value else {
                return Err(refuse(value.clone()));
            };
            return match text.parse() {
                Ok(version) => Ok(SortValue::Version(Cow::Owned(version))),
                Err(_) => Err(refuse(value.clone())),
            };
        }
        (SortBy::Value(_), SortValue::Null) => true,
        (SortBy::Value(by), value) => is_text(by) == matches!(value, SortValue::Text(_)),
    };
    if fits { Ok(value) } else { Err(refuse(value)) }
}

fn is_text(by: &Expression) -> bool {
    matches!(
        by,
        Expression::Call(..)
            | Expression::Column(
                Column::Title
                    | Column::TitleOrId
                    | Column::Description
                    | Column::Summary
                    | Column::Tags
                    | Column::Authors
            )
    )
}

fn name(key: &SortKey) -> String {
    match &key.by {
        SortBy::Rank => "relevance".to_owned(),
        SortBy::Id => "Id".to_owned(),
        SortBy::Version => "Version".to_owned(),
        SortBy::Value(Expression::Column(column)) => column.name().to_owned(),
        SortBy::Value(_) => "concat".to_owned(),
    }
}

fn literals(token: &str) -> Result<Vec<SortValue<'static>>, SkipTokenError> {
    let mut values = Vec::new();
    let mut rest = token.trim();
    loop {
        let malformed = || SkipTokenError::Literal(rest.chars().take(40).collect());
        let (value, after) = literal(rest).ok_or_else(malformed)?;
        values.push(value);
        let after = after.trim_start();
        if after.is_empty() {
            return Ok(values);
        }
        rest = after.strip_prefix(',').ok_or_else(malformed)?.trim_start();
    }
}

/// Reads a literal; returns what follows too.
fn literal(text: &str) -> Option<(SortValue<'static>, &str)> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let (value, after) = unquote(quoted)?;
        return Some((SortValue::text(&value), after));
    }
    if let Some((prefix, quoted)) = text.split_once('\'')
        && prefix.eq_ignore_ascii_case("datetime")
    {
        let (value, after) = unquote(quoted)?;
        return Some((SortValue::DateTime(parse_instant(&value)?), after));
    }
    let (word, after) = text.split_at(text.find(',').unwrap_or(text.len()));
    let value = match word.trim().to_ascii_lowercase().as_str() {
        "null" => SortValue::Null,
        "true" => SortValue::Boolean(true),
        "false" => SortValue::Boolean(false),
        // WCF writes an L behind an Int64.
        number => SortValue::Integer(number.strip_suffix('l').unwrap_or(number).parse().ok()?),
    };
    Some((value, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata::address::Collection;
    use crate::odata::{options, plan};
    use proptest::prelude::*;

    fn order(query: &str) -> Vec<SortKey> {
        let options = options::parse(query).unwrap();
        plan::list(&Collection::Search, &options, 100)
            .unwrap()
            .query
            .total_order()
    }

    fn version(text: &str) -> SortValue<'static> {
        SortValue::Version(Cow::Owned(text.parse().unwrap()))
    }

    fn place(values: &[SortValue<'static>]) -> Position {
        Position::new(values.to_vec())
    }

    #[test]
    fn tokens_go_with_their_order() {
        let git = [SortValue::text("git"), version("2.0.1")];
        for (query, token, expected) in [
            ("", "'Git','2.0.1'", Start::Behind(place(&git))),
            ("", " 'git' , '2.0.1.0' ", Start::Behind(place(&git))),
            ("$orderby=Id,Version desc", "'Git','2.0.1'", Start::Behind(place(&git))),
            ("$orderby=Id desc", "'Git','2.0.1'", Start::Behind(place(&git))),
            ("", "'Git','2.0.1',100", Start::Behind(place(&git))),
            (
                "$orderby=Version",
                "'2.0.1','Git'",
                Start::Behind(place(&[git[1].clone(), git[0].clone()])),
            ),
            // Not a hundred rows, though it has the shape of another gallery's token.
            (
                "$orderby=Version,Id,DownloadCount",
                "'2.0.1','Git',100",
                Start::Behind(place(&[git[1].clone(), git[0].clone(), SortValue::Integer(100)])),
            ),
            ("searchTerm='x'", "'Git','2.0.1'", Start::BehindById(place(&git))),
            ("searchTerm='x'", "'Git','2.0.1',100", Start::Rows(100)),
            ("$orderby=DownloadCount desc", "'Git','2.0.1',100", Start::Rows(100)),
            (
                "$orderby=DownloadCount desc,Id",
                "1000L,'Git','2.0.1'",
                Start::Behind(place(&[SortValue::Integer(1000), git[0].clone(), git[1].clone()])),
            ),
            (
                "searchTerm='x'",
                "1,-5,'it''s','1.0-a'",
                Start::Behind(place(&[
                    SortValue::Integer(1),
                    SortValue::Integer(-5),
                    SortValue::text("it's"),
                    version("1.0-a"),
                ])),
            ),
            (
                "$orderby=concat(Title,Id),Listed",
                "'a,b',true,'git','2.0.1'",
                Start::Behind(place(&[
                    SortValue::text("a,b"),
                    SortValue::Boolean(true),
                    git[0].clone(),
                    git[1].clone(),
                ])),
            ),
            (
                "$orderby=LastEdited",
                "null,'git','2.0.1'",
                Start::Behind(place(&[SortValue::Null, git[0].clone(), git[1].clone()])),
            ),
        ] {
            assert_eq!(read(token, &order(query)), Ok(expected), "{query} {token}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_token_is_said() {
        for (query, token, message) in [
            (
                "",
                "",
                "$skiptoken cannot be read from \"\" on: it is a list of literals, as in 'Id','Version'",
            ),
            (
                "",
                "git",
                "$skiptoken cannot be read from \"git\" on: it is a list of literals, as in 'Id','Version'",
            ),
            (
                "",
                "'git','1.0",
                "$skiptoken cannot be read from \"'1.0\" on: it is a list of literals, as in 'Id','Version'",
            ),
            (
                "",
                "'git'x,'1.0'",
                "$skiptoken cannot be read from \"'git'x,'1.0'\" on: it is a list of literals, as in 'Id','Version'",
            ),
            (
                "",
                "'git','1.0',",
                "$skiptoken cannot be read from \"\" on: it is a list of literals, as in 'Id','Version'",
            ),
            (
                "",
                "'git'",
                "$skiptoken has 1 values, and this order needs 2 (Id, Version)",
            ),
            (
                "",
                "'git','latest'",
                "$skiptoken has 'latest' where this order needs a value of Version",
            ),
            ("", "1,'1.0'", "$skiptoken has 1 where this order needs a value of Id"),
            (
                "$orderby=Version",
                "'git','1.0',-1",
                "$skiptoken cannot be read from \"-1\" on: it is a list of literals, as in 'Id','Version'",
            ),
            (
                "$orderby=Title",
                "'git','1.0'",
                "$skiptoken has 2 values, and this order needs 3 (Title, Id, Version)",
            ),
            (
                "$orderby=Created",
                "datetime'x','git','1.0'",
                "$skiptoken cannot be read from \"datetime'x','git','1.0'\" on: it is a list of literals, as in 'Id','Version'",
            ),
            (
                "$orderby=Created",
                "'x','git','1.0'",
                "$skiptoken has 'x' where this order needs a value of Created",
            ),
            (
                "$orderby=Title",
                "1,'git','1.0'",
                "$skiptoken has 1 where this order needs a value of Title",
            ),
            (
                "searchTerm='x'",
                "'a',1,'git','1.0'",
                "$skiptoken has 'a' where this order needs a value of relevance",
            ),
        ] {
            let error = read(token, &order(query)).unwrap_err();
            assert_eq!(error.to_string(), message, "{query} {token}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(token in "['a1,LN]{0,12}|\\PC{0,20}") {
            let _ = read(&token, &order("$orderby=DownloadCount"));
        }

        #[test]
        fn what_is_written_is_read(count in any::<i64>(), id in "\\PC{0,300}", at in 0_i64..4_000_000_000) {
            let instant = chrono::DateTime::from_timestamp(at, 1_234_500).unwrap();
            let order = order("$orderby=DownloadCount,Created desc");
            let place = place(&[SortValue::Integer(count), SortValue::DateTime(instant), SortValue::text(&id), version("1.0-b+c")]);
            prop_assert_eq!(read(&write(&place), &order), Ok(Start::Behind(place)));
        }
    }
}
