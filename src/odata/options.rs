//! The query string: system options, function parameters, and the next link that repeats them.
//!
//! Knows names, literals and numbers; refuses to know what a list is asked for with them.

use std::cmp::Ordering;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::address::unquote;
use super::filter::{self, FilterError};
use super::negotiate::{self, Format};
use super::skiptoken::SkipTokenError;
use super::updates::{UpdateParameters, limited};
use crate::catalog::columns::Column;
use crate::catalog::expression::Function;
use crate::catalog::query::{Direction, OrderKey};
use crate::catalog::updates::Extent;
use crate::catalog::{Expression, SearchTerms};
use crate::limits::{MAX_ORDER_KEYS, MAX_PARAMETERS, MAX_QUERY_BYTES, MAX_SEARCH_TERMS, MAX_TARGET_FRAMEWORKS};
use crate::nuget::{NuGetVersion, SemVerLevel};

/// What a query string asks for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The pairs as they came, still encoded, in their order.
    pairs: Vec<Pair>,
    /// `$filter`.
    pub filter: Option<Expression>,
    /// `$orderby`.
    pub order: Vec<OrderKey>,
    /// `$top`, the rows that are wanted.
    pub top: Option<u64>,
    /// `$skip`, the rows to pass over.
    pub skip: u64,
    /// Whether `$inlinecount=allpages` asks for the number of all rows.
    pub wants_count: bool,
    /// The properties that `$select` asks for; `None` for all of them.
    pub select: Option<Vec<&'static str>>,
    /// `$skiptoken`, as it came: [`skiptoken`](super::skiptoken) reads it once the order is known.
    pub skip_token: Option<String>,
    /// The level that `semVerLevel` asks for.
    pub level: SemVerLevel,
    /// `id`.
    pub id: Option<String>,
    /// `partialId`, of which an id is the whole.
    pub partial_id: String,
    /// `searchTerm`.
    pub search_terms: SearchTerms,
    /// `targetFramework`.
    pub target_framework: String,
    /// `includePrerelease`.
    pub include_prerelease: bool,
    /// The parameters of `GetUpdates`.
    pub updates: UpdateParameters,
}

#[derive(Debug, Clone)]
struct Pair {
    raw: String,
    name: String,
}

/// Why a query string cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// The query string is too long.
    #[error("the query string is longer than {MAX_QUERY_BYTES} bytes; ask in several requests")]
    TooLong,
    /// There are too many parameters.
    #[error("the query string has more than {MAX_PARAMETERS} parameters")]
    TooMany,
    /// A value is no UTF-8 once it is decoded.
    #[error("the value of '{0}' is not UTF-8 once its percent-encoding is taken away")]
    Encoding(String),
    /// A system option that is not known; `NuGetGallery`'s words.
    #[error("Query parameter {0} is not supported.")]
    Unsupported(String),
    /// A system option is given more than once.
    #[error("query parameter {0} is given more than once")]
    Repeated(String),
    /// A number is none.
    #[error("{name} must be a number from 0 to 2147483647, not '{value}'")]
    Number {
        /// The option.
        name: &'static str,
        /// What it was given.
        value: String,
    },
    /// A choice is none of those that there are.
    #[error("{name} must be {expected}, not '{value}'")]
    Choice {
        /// The option.
        name: &'static str,
        /// What there is to choose from.
        expected: &'static str,
        /// What it was given.
        value: String,
    },
    /// A list of a parameter has too many values.
    #[error("{name} has more than {limit} values; ask in several requests")]
    TooManyValues {
        /// The parameter.
        name: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The filter cannot be read.
    #[error("$filter, {0}")]
    Filter(FilterError),
    /// The order cannot be read.
    #[error("$orderby, {0}")]
    Order(FilterError),
    /// The order has something that lists cannot be ordered by.
    #[error(
        "$orderby cannot order by '{0}': use Id, Version, Title, Description, Summary, Tags, Authors, Created, Published, LastUpdated, LastEdited, DownloadCount, VersionDownloadCount, PackageSize, a flag, or concat(Title,Id)"
    )]
    OrderKey(String),
    /// The order has too many keys.
    #[error("$orderby has more than {MAX_ORDER_KEYS} keys")]
    OrderKeys,
    /// A selected property does not exist.
    #[error("$select names '{0}', which is not a property of a package")]
    Select(String),
    /// The token does not tell where the list goes on.
    #[error(transparent)]
    SkipToken(#[from] SkipTokenError),
    /// The search text has too many terms.
    #[error("the search text (searchTerm) has more than {MAX_SEARCH_TERMS} terms")]
    SearchTerms,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pairs: Vec::new(),
            filter: None,
            order: Vec::new(),
            top: None,
            skip: 0,
            wants_count: false,
            select: None,
            skip_token: None,
            level: SemVerLevel::One,
            id: None,
            partial_id: String::new(),
            search_terms: SearchTerms::default(),
            target_framework: String::new(),
            include_prerelease: false,
            updates: UpdateParameters::default(),
        }
    }
}

/// Reads a raw query string, without its question mark.
pub fn parse(raw: &str) -> Result<Options, OptionsError> {
    if raw.len() > MAX_QUERY_BYTES {
        return Err(OptionsError::TooLong);
    }
    let mut options = Options::default();
    for part in raw.split('&').filter(|part| !part.is_empty()) {
        if options.pairs.len() == MAX_PARAMETERS {
            return Err(OptionsError::TooMany);
        }
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let shown = decode(name).unwrap_or_default();
        let name = shown.trim().to_ascii_lowercase();
        let is_repeated = options.pairs.iter().any(|pair| pair.name == name);
        // Of a function parameter that is given twice the first counts.
        if !is_repeated || name.starts_with('$') {
            let value = decode(value).ok_or_else(|| OptionsError::Encoding(shown.clone()))?;
            if is_repeated {
                return Err(OptionsError::Repeated(shown));
            }
            options.set(&name, &shown, &value)?;
        }
        let raw = part.to_owned();
        options.pairs.push(Pair { raw, name });
    }
    Ok(options)
}

/// Reads `$format` alone out of a raw query string, for what takes no other option.
pub fn format(raw: &str) -> Result<Option<Format>, OptionsError> {
    let mut pairs = raw.split('&').filter_map(|part| part.split_once('='));
    let is_format = |name: &str| decode(name).is_some_and(|name| name.trim().eq_ignore_ascii_case("$format"));
    let value = pairs.find(|(name, _)| is_format(name)).map_or("", |(_, value)| value);
    let value = decode(value).ok_or_else(|| OptionsError::Encoding("$format".to_owned()))?;
    negotiate::named(value.trim())
}

/// Decodes a name or value of a query string, in which `+` is a blank.
fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

impl Options {
    fn set(&mut self, name: &str, shown: &str, value: &str) -> Result<(), OptionsError> {
        let trimmed = value.trim();
        match name {
            "$filter" | "$expand" if trimmed.is_empty() => {}
            "$filter" => self.filter = Some(filter::parse(value).map_err(OptionsError::Filter)?),
            "$orderby" => self.order = order(value)?,
            "$top" => self.top = Some(number("$top", trimmed)?),
            "$skip" => self.skip = number("$skip", trimmed)?,
            "$inlinecount" => self.wants_count = inline_count(trimmed)?,
            "$select" => self.select = select(trimmed)?,
            "$skiptoken" => self.skip_token = Some(trimmed.to_owned()),
            "$format" => {
                // `format` reads it for all that can be asked.
                negotiate::named(trimmed)?;
            }
            "$expand" => {
                return Err(OptionsError::Choice {
                    name: "$expand",
                    expected: "empty: packages have nothing to expand",
                    value: trimmed.to_owned(),
                });
            }
            name if name.starts_with('$') => return Err(OptionsError::Unsupported(shown.trim().to_owned())),
            "semverlevel" => self.level = level(&literal(value)),
            "id" => self.id = Some(literal(value).trim().to_owned()),
            "partialid" => literal(value).trim().clone_into(&mut self.partial_id),
            "searchterm" => self.search_terms = search_terms(&literal(value))?,
            "targetframework" => {
                limited("targetFramework", value, MAX_TARGET_FRAMEWORKS)?;
                self.target_framework = literal(value);
            }
            "includeprerelease" => self.include_prerelease = boolean("includePrerelease", &literal(value))?,
            "packageids" => self.updates.set_package_ids(literal(value))?,
            "versions" => self.updates.set_versions(literal(value)),
            "versionconstraints" => self.updates.set_version_constraints(literal(value)),
            "targetframeworks" => self.updates.set_target_frameworks(literal(value))?,
            "includeallversions" if boolean("includeAllVersions", &literal(value))? => {
                self.updates.set_extent(Extent::All);
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the link to what follows the `served` rows of an answer, of which the last one stands right before the place that
    /// `token` tells: `path` (absolute, without a query string) with every parameter of this request in its order, `$top`
    /// lessened by what was served. What `$skip` asked for is done, so the link has none.
    #[must_use]
    pub fn next_link(&self, path: &str, token: &str, served: u64) -> String {
        let token = format!("$skiptoken={}", utf8_percent_encode(token, IN_TOKEN));
        let top = self.top.map(|top| format!("$top={}", top.saturating_sub(served)));
        let mut parts = Vec::new();
        for pair in &self.pairs {
            match pair.name.as_str() {
                "$skip" | "$skiptoken" => {}
                "$top" => parts.extend(top.as_deref()),
                _ => parts.push(&pair.raw),
            }
        }
        parts.push(&token);
        format!("{path}?{}", parts.join("&"))
    }
}

/// What is percent-encoded in a token: all but RFC 3986's unreserved characters, and the quotes and commas of its literals.
const IN_TOKEN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'\'')
    .remove(b',');

fn search_terms(text: &str) -> Result<SearchTerms, OptionsError> {
    let terms = SearchTerms::parse(text);
    if terms.len() > MAX_SEARCH_TERMS {
        return Err(OptionsError::SearchTerms);
    }
    Ok(terms)
}

/// Takes the quotes from a function parameter, where it has them; clients and people send both forms.
fn literal(value: &str) -> String {
    let trimmed = value.trim();
    match trimmed.strip_prefix('\'').and_then(unquote) {
        Some((text, "")) => text,
        _ => trimmed.to_owned(),
    }
}

fn number(name: &'static str, value: &str) -> Result<u64, OptionsError> {
    let is_plain = value.bytes().all(|b| b.is_ascii_digit());
    let number = value.parse::<i32>().ok().filter(|_| is_plain);
    number
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| OptionsError::Number {
            name,
            value: value.to_owned(),
        })
}

fn boolean(name: &'static str, value: &str) -> Result<bool, OptionsError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(OptionsError::Choice {
            name,
            expected: "true or false",
            value: value.to_owned(),
        }),
    }
}

fn inline_count(value: &str) -> Result<bool, OptionsError> {
    match value.to_ascii_lowercase().as_str() {
        "allpages" => Ok(true),
        "none" => Ok(false),
        _ => Err(OptionsError::Choice {
            name: "$inlinecount",
            expected: "allpages or none",
            value: value.to_owned(),
        }),
    }
}

/// `2.0.0` and above ask for everything (NuGetGallery, `SemVerLevelKey.ForSemVerLevel`).
fn level(value: &str) -> SemVerLevel {
    const TWO: [u32; 4] = [2, 0, 0, 0];
    let reads_all = |version: NuGetVersion| match version.numbers().cmp(&TWO) {
        Ordering::Greater => true,
        Ordering::Equal => !version.is_prerelease(),
        Ordering::Less => false,
    };
    if value.parse().is_ok_and(reads_all) {
        SemVerLevel::Two
    } else {
        SemVerLevel::One
    }
}

fn select(value: &str) -> Result<Option<Vec<&'static str>>, OptionsError> {
    let mut names = Vec::new();
    for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if name == "*" {
            return Ok(None);
        }
        let column = Column::named(name).ok_or_else(|| OptionsError::Select(name.to_owned()))?;
        names.push(column.name());
    }
    Ok((!names.is_empty()).then_some(names))
}

fn order(value: &str) -> Result<Vec<OrderKey>, OptionsError> {
    let mut keys = Vec::new();
    for part in split_keys(value) {
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        if keys.len() == MAX_ORDER_KEYS {
            return Err(OptionsError::OrderKeys);
        }
        keys.push(order_key(part)?);
    }
    Ok(keys)
}

/// Splits at the commas that stand in no parentheses.
fn split_keys(value: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    value.split(move |c| {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

fn order_key(part: &str) -> Result<OrderKey, OptionsError> {
    let (text, direction) = match part.rsplit_once(char::is_whitespace) {
        Some((text, word)) if word.eq_ignore_ascii_case("desc") => (text, Direction::Descending),
        Some((text, word)) if word.eq_ignore_ascii_case("asc") => (text, Direction::Ascending),
        _ => (part, Direction::Ascending),
    };
    let by = filter::parse_expression(text).map_err(OptionsError::Order)?;
    if is_orderable(&by) {
        Ok(OrderKey { by, direction })
    } else {
        Err(OptionsError::OrderKey(text.trim().to_owned()))
    }
}

/// Columns of a row, and `concat(Title,Id)`, by which Visual Studio 2010 to 2012 sort by name.
fn is_orderable(by: &Expression) -> bool {
    let is_row_column =
        |by: &Expression| matches!(by, Expression::Column(column) if !matches!(column, Column::Stored { .. }));
    match by {
        Expression::Call(Function::Concat, arguments) => arguments.iter().all(is_row_column),
        by => is_row_column(by),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column(column: Column, direction: Direction) -> OrderKey {
        OrderKey {
            by: column.into(),
            direction,
        }
    }

    #[test]
    fn options_are_read_in_every_spelling() {
        for raw in [
            "$filter=IsLatestVersion&$top=30&$skip=60&$inlinecount=allpages&$orderby=Id&searchTerm='o''reilly%20x'&includePrerelease=true&semVerLevel=2.0.0",
            "%24filter=IsLatestVersion&%24TOP=30&%24skip=60&%24inlinecount=AllPages&%24orderBy=Id+asc&searchTerm=%27o%27%27reilly+x%27&includePrerelease=True&semverlevel='2.0.0'",
            "&&$Filter=+IsLatestVersion+&$top=30&$skip=+60&$inlinecount=allpages&$orderby=Id&searchTerm=o'reilly+x&IncludePrerelease='true'&semVerLevel=3.0.0-alpha&%24expand=&$format=atom&foo=bar",
        ] {
            let options = parse(raw).unwrap_or_else(|error| panic!("{raw}: {error}"));
            assert_eq!(options.filter, Some(Column::IsLatestVersion.into()), "{raw}");
            assert_eq!(
                (options.top, options.skip, options.wants_count),
                (Some(30), 60, true),
                "{raw}"
            );
            assert_eq!(options.order, [column(Column::Id, Direction::Ascending)], "{raw}");
            assert_eq!(options.search_terms, SearchTerms::parse("o'reilly x"), "{raw}");
            assert_eq!(
                (options.include_prerelease, options.level),
                (true, SemVerLevel::Two),
                "{raw}"
            );
        }
        let none = parse("").unwrap();
        assert_eq!(
            (none.top, none.skip, none.wants_count, none.level),
            (None, 0, false, SemVerLevel::One)
        );
    }

    #[test]
    fn levels_below_two_read_what_old_clients_can() {
        for (value, expected) in [
            ("2.0.0", SemVerLevel::Two),
            ("2.0.1", SemVerLevel::Two),
            ("3.0.0", SemVerLevel::Two),
            ("2.0.0-alpha", SemVerLevel::One),
            ("1.0.0", SemVerLevel::One),
            ("x", SemVerLevel::One),
            ("", SemVerLevel::One),
        ] {
            assert_eq!(level(value), expected, "{value}");
        }
    }

    #[test]
    fn orders_are_lists_of_columns() {
        let (up, down) = (Direction::Ascending, Direction::Descending);
        for (value, expected) in [
            ("Id", vec![column(Column::Id, up)]),
            ("Id desc", vec![column(Column::Id, down)]),
            (
                "id,Version desc",
                vec![column(Column::Id, up), column(Column::Version, down)],
            ),
            (
                "DownloadCount  desc , Id, Version desc",
                vec![
                    column(Column::DownloadCount, down),
                    column(Column::Id, up),
                    column(Column::Version, down),
                ],
            ),
            ("", vec![]),
        ] {
            assert_eq!(order(value), Ok(expected), "{value}");
        }
        let keys = order("concat(Title,Id) desc,Version").unwrap();
        assert!(matches!(
            keys.as_slice(),
            [
                OrderKey {
                    by: Expression::Call(..),
                    direction: Direction::Descending
                },
                _
            ]
        ));
        for value in [
            "abc",
            "Id up",
            "Id desc desc",
            "PackageHash",
            "tolower(Id)",
            "'x'",
            "Id,,abc",
            "concat(Title,Id",
        ] {
            assert!(order(value).is_err(), "{value}");
        }
        assert_eq!(order("Id,Id,Id,Id,Id,Id"), Err(OptionsError::OrderKeys));
    }

    #[test]
    fn a_format_is_read_alone() {
        for (raw, expected) in [
            ("", None),
            ("x=1&$format=json", Some(Format::Json)),
            ("%24Format=application%2Fjson%3Bodata%3Dverbose", Some(Format::Json)),
            ("$format=+atom&$filter=(", Some(Format::Atom)),
            ("$format=", None),
            ("format=json", None),
        ] {
            assert_eq!(format(raw), Ok(expected), "{raw}");
        }
        assert!(format("$format=csv").is_err());
        assert!(format("$format=%FF").is_err());
    }

    #[test]
    fn selects_name_properties() {
        assert_eq!(
            parse("$select=version, Islatestversion,ProjectUrl").unwrap().select,
            Some(vec!["Version", "IsLatestVersion", "ProjectUrl"])
        );
        assert_eq!(parse("$select=*").unwrap().select, None);
        assert_eq!(
            parse("$select=Id,Nope").unwrap_err(),
            OptionsError::Select("Nope".to_owned())
        );
    }

    #[test]
    fn refusals_say_which_option() {
        for (raw, message) in [
            ("$top=", "$top must be a number from 0 to 2147483647, not ''"),
            ("$top=-1", "$top must be a number from 0 to 2147483647, not '-1'"),
            (
                "$skip=2147483648",
                "$skip must be a number from 0 to 2147483647, not '2147483648'",
            ),
            ("$skip=1.0", "$skip must be a number from 0 to 2147483647, not '1.0'"),
            ("$xyz=1", "Query parameter $xyz is not supported."),
            ("%24xyz=1", "Query parameter $xyz is not supported."),
            ("$inlinecount=some", "$inlinecount must be allpages or none, not 'some'"),
            ("$top=1&%24Top=2", "query parameter $Top is given more than once"),
            (
                "$expand=Owners",
                "$expand must be empty: packages have nothing to expand, not 'Owners'",
            ),
            (
                "$format=csv",
                "$format must be atom, xml, json or verbosejson, not 'csv'",
            ),
            ("$callback=f", "Query parameter $callback is not supported."),
            ("$filter=Nope", "$filter, character 1: packages have no property 'Nope'"),
            ("$orderby=abc", "$orderby, character 1: packages have no property 'abc'"),
            (
                "includePrerelease=maybe",
                "includePrerelease must be true or false, not 'maybe'",
            ),
            (
                "searchTerm=%FF",
                "the value of 'searchTerm' is not UTF-8 once its percent-encoding is taken away",
            ),
        ] {
            assert_eq!(parse(raw).unwrap_err().to_string(), message, "{raw}");
        }
        let long = format!("searchTerm={}", "x".repeat(MAX_QUERY_BYTES));
        assert_eq!(parse(&long).unwrap_err(), OptionsError::TooLong);
        assert_eq!(
            parse(&"x=1&".repeat(MAX_PARAMETERS + 1)).unwrap_err(),
            OptionsError::TooMany
        );
    }

    #[test]
    fn next_links_keep_every_parameter_in_its_order() {
        let path = "http://127.0.0.1/api/v2/Search()";
        for (raw, served, expected) in [
            (
                "$filter=IsLatestVersion&searchTerm='a%20b'&$skip=30&$top=250&semVerLevel=2.0.0",
                100,
                "$filter=IsLatestVersion&searchTerm='a%20b'&$top=150&semVerLevel=2.0.0&$skiptoken='x','1.0%2Ba'",
            ),
            ("id='git'&x=%26&x=2", 40, "id='git'&x=%26&x=2&$skiptoken='x','1.0%2Ba'"),
            ("%24skip=5&%24skiptoken='a','1.0'&y", 5, "y&$skiptoken='x','1.0%2Ba'"),
            ("", 1, "$skiptoken='x','1.0%2Ba'"),
        ] {
            let link = parse(raw).unwrap().next_link(path, "'x','1.0+a'", served);
            assert_eq!(link, format!("{path}?{expected}"), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(raw in "\\PC{0,80}") {
            let _ = parse(&raw);
        }

        #[test]
        fn next_links_say_all_once_more(skip in 0_u64..1000, served in 0_u64..1000, token in "\\PC{1,40}") {
            let options = parse(&format!("%24filter=Listed&$skip={skip}&$top=1000")).unwrap();
            let link = options.next_link("p", &token, served);
            let next = parse(link.trim_start_matches("p?")).unwrap();
            prop_assert_eq!((next.skip, next.top), (0, Some(1000 - served)));
            prop_assert_eq!(next.skip_token.as_deref(), Some(token.trim()));
            prop_assert_eq!(next.filter, options.filter);
        }
    }
}
