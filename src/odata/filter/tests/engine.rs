//! The cases of the galleries' OData engine, restated over packages (OData/WebApi, branch maintenance-V3, `FilterBinderTests`): its
//! `ProductName` is the title here, which can be null as well; its other properties stand for constants.

use std::sync::Arc;

use super::super::*;
use crate::catalog::columns::Columns;
use crate::catalog::expression::Verdict;
use crate::catalog::testing::{row, text};

/// Says whether a filter holds for a package of a title.
fn holds(filter: &str, title: Option<&str>) -> bool {
    let mut row = row("product", "1.0");
    row.title = title.map(|title| Arc::clone(&text(title)));
    let columns = Columns {
        row: &row,
        is_latest: true,
        is_absolute_latest: true,
        record: None,
        work: None,
    };
    let expression = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    expression.verdict(&columns) == Verdict::True
}

/// Filters over a title, with the titles for which they hold and those for which they do not.
type Titled = (
    &'static str,
    &'static [Option<&'static str>],
    &'static [Option<&'static str>],
);

const TITLED: &[Titled] = &[
    ("Title eq null", &[None], &[Some(""), Some("Doritos")]),
    ("Title eq 'Doritos'", &[Some("Doritos")], &[None, Some("")]),
    ("Title ne 'Doritos'", &[None, Some("")], &[Some("Doritos")]),
    ("Title gt 'Middle'", &[Some("Middles")], &[Some("Middle"), None]),
    ("Title ge 'Middle'", &[Some("Middle")], &[Some("Middl"), None]),
    ("Title lt 'Middle'", &[Some("Middl")], &[Some("Middle"), None]),
    ("Title le 'Middle'", &[Some("Middle")], &[Some("Middles"), None]),
    ("Title ge Title", &[Some("")], &[None]),
    ("null gt Title", &[], &[Some(""), None]),
    ("'Middle' gt Title", &[Some("A")], &[Some("Middle")]),
    ("'a' lt 'b'", &[None], &[]),
    (
        "((Title ne 'Doritos') or (null lt 5.00m))",
        &[None, Some("not doritos")],
        &[Some("Doritos")],
    ),
    ("substring(Title, -1) eq 'Abcd'", &[Some("Abcd")], &[None]),
    ("substring(Title, 0) eq 'Abcd'", &[Some("Abcd")], &[]),
    ("substring(Title, 1) eq 'bcd'", &[Some("Abcd")], &[]),
    ("substring(Title, 3) eq 'd'", &[Some("Abcd")], &[]),
    ("substring(Title, 4) eq ''", &[Some("Abcd")], &[]),
    ("substring(Title, 5) eq ''", &[Some("Abcd")], &[]),
    ("substring(Title, -1, 4) eq 'Abcd'", &[Some("Abcd")], &[]),
    ("substring(Title, -1, 3) eq 'Abc'", &[Some("Abcd")], &[]),
    ("substring(Title, 0, 1) eq 'A'", &[Some("Abcd")], &[]),
    ("substring(Title, 0, 4) eq 'Abcd'", &[Some("Abcd")], &[]),
    ("substring(Title, 0, 3) eq 'Abc'", &[Some("Abcd")], &[]),
    ("substring(Title, 0, 5) eq 'Abcd'", &[Some("Abcd")], &[]),
    ("substring(Title, 1, 3) eq 'bcd'", &[Some("Abcd")], &[]),
    ("substring(Title, 1, 5) eq 'bcd'", &[Some("Abcd")], &[]),
    ("substring(Title, 2, 1) eq 'c'", &[Some("Abcd")], &[]),
    ("substring(Title, 3, 1) eq 'd'", &[Some("Abcd")], &[]),
    ("substring(Title, 4, 1) eq ''", &[Some("Abcd")], &[]),
    ("substring(Title, 0, -1) eq ''", &[Some("Abcd")], &[]),
    ("substring(Title, 5, -1) eq ''", &[Some("Abcd")], &[]),
    (
        "substring(Title, 3) eq 'uctName'",
        &[Some("123uctName")],
        &[Some("1234Abc"), None],
    ),
    ("substring(Title, 3, 4) eq 'uctN'", &[Some("123uctName")], &[None]),
    ("substringof('Abc', Title)", &[Some("Abcd")], &[Some("Abd"), None]),
    (
        "substringof(Title, 'Abc')",
        &[Some("b"), Some("")],
        &[Some("Abd"), None],
    ),
    ("substringof(null, Tags)", &[], &[None, Some("")]),
    ("startswith(Title, 'Abc')", &[Some("Abcd")], &[Some("Abd"), None]),
    ("endswith(Title, 'Abc')", &[Some("AAbc")], &[Some("Abcd"), None]),
    ("length(Title) gt 0", &[Some("AAbc")], &[Some(""), None]),
    (
        "indexof(Title, 'Abc') eq 5",
        &[Some("12345Abc")],
        &[Some("1234Abc"), None],
    ),
    ("indexof('hello', Title) gt 12", &[], &[None, Some("o")]),
    (
        "tolower(Title) eq 'tasty treats'",
        &[Some("Tasty Treats")],
        &[Some("Tasty Treatss"), None],
    ),
    (
        "toupper(Title) eq 'TASTY TREATS'",
        &[Some("Tasty Treats")],
        &[Some("Tasty Treatss"), None],
    ),
    (
        "trim(Title) eq 'Tasty Treats'",
        &[Some(" Tasty Treats "), Some("Tasty Treats")],
        &[Some("Tasty Treatss"), None],
    ),
    ("concat('Food', 'Bar') eq 'FoodBar'", &[None], &[]),
];

#[test]
fn texts_are_what_they_are_to_the_galleries_engine() {
    for (filter, yes, no) in TITLED {
        for title in *yes {
            assert!(holds(filter, *title), "{filter}: {title:?}");
        }
        for title in *no {
            assert!(!holds(filter, *title), "{filter}: {title:?}");
        }
    }
}

/// Conditions over constants. `null` stands for a property that is null.
const CONSTANT: &[(&str, bool)] = &[
    ("null gt 5.00m", false),
    ("5.01m gt 5.00m", true),
    ("4.99m gt 5.00m", false),
    ("null ge 5.00m", false),
    ("5.0m ge 5.00m", true),
    ("4.99m ge 5.00m", false),
    ("null lt 5.00m", false),
    ("4.99m lt 5.00m", true),
    ("5.01m lt 5.00m", false),
    ("null le 5.00m", false),
    ("5.0m le 5.00m", true),
    ("5.01m le 5.00m", false),
    ("-5.01m le -5.00m", true),
    ("null eq 5.00m or 0 eq 0", true),
    ("5.00m eq 5.00m or 1 eq 0", true),
    ("null eq 5.00m or null eq 0", false),
    ("null eq 5.00m or 1 eq 0", false),
    ("5.0m eq 5.00m and 10 eq 10.00m", true),
    ("null eq 5.00m and 1 eq 10.00m", false),
    ("not (5.0m eq 5.00m)", false),
    ("not (5.5m eq 5.00m)", true),
    ("not (null eq 5.00m)", true),
    ("not true", false),
    ("not false", true),
    ("not (not(not    (false)))", true),
    ("true eq true", true),
    ("null sub 1.00m lt 5.00m", false),
    ("5.0m sub 1.00m lt 5.00m", true),
    ("15.01m sub 1.00m lt 5.00m", false),
    ("3.99m add 1.00m lt 5.00m", true),
    ("5.00m mul 1.00m lt 5.00m", false),
    ("4.00m div 1.00m lt 5.00m", true),
    ("7.00m mod 1.00m lt 5.00m", true),
    ("null eq null", true),
    ("null ne null", false),
    ("null gt null", false),
    ("null ge null", false),
    ("null lt null", false),
    ("null le null", false),
    ("1 eq null", false),
    ("1 ne null", true),
    ("1 eq 1", true),
    // A null of arithmetic equals a null, as without null propagation.
    ("(null add null) eq null", true),
    ("(null mod 1) eq null", true),
    ("(1 add null) eq 1", false),
    ("floor(floor(123.9m)) eq 123m", true),
    ("floor(floor(null)) eq 123m", false),
    ("round(null) gt 5.00m", false),
    ("round(5.9m) gt 5.00m", true),
    ("round(5.4m) gt 5.00m", false),
    ("floor(5.4m) eq 5", true),
    ("floor(4.4m) eq 5", false),
    ("ceiling(4.1m) eq 5", true),
    ("ceiling(5.9m) eq 5", false),
    ("round(5.9d) gt 5d", true),
    ("round(5.4d) gt 5d", false),
    ("floor(5.4d) eq 5", true),
    ("floor(4.4d) eq 5", false),
    ("ceiling(4.1d) eq 5", true),
    ("ceiling(5.9d) eq 5", false),
    ("round(5.9f) gt 5f", true),
    ("round(5.4f) gt 5f", false),
    ("floor(5.4f) eq 5", true),
    ("floor(4.4f) eq 5", false),
    ("ceiling(4.1f) eq 5", true),
    ("ceiling(5.9f) eq 5", false),
    ("day(datetime'2000-10-08T00:00:00') eq 8", true),
    ("day(null) eq 8", false),
    ("month(datetime'2000-08-01T00:00:00') eq 8", true),
    ("year(datetime'1974-08-01T00:00:00') eq 1974", true),
    ("hour(datetime'1974-08-01T08:12:33') eq 8", true),
    ("minute(datetime'1974-08-01T08:12:33') eq 12", true),
    ("second(datetime'1974-08-01T08:12:33') eq 33", true),
    (
        "guid'0EFDAECF-A9F0-42F3-A384-1295917AF95E' eq GuiD'0efdaecf-a9f0-42f3-a384-1295917af95e'",
        true,
    ),
    ("datetime'2000-12-12T12:00:00' eq datetime'2000-12-12T12:00:00'", true),
    ("datetime'2000-12-12T11:59:59' lt datetime'2000-12-12T12:00:00'", true),
    ("datetime'2000-12-12T12:00:00' ge datetime'2000-12-12T12:00'", true),
    ("123456790L lt 987654321L and 123456790L gt 123456789l", true),
    ("-123456790L lt 987654321L and -123456788L gt -123456789l", true),
    ("2000f lt 4321.56F and 2000f gt 1234.56f", true),
    ("2000m lt 4321.56M and 2000m gt 1234.56m", true),
    ("12 eq 12L", true),
    ("binary'23ABFF' eq binary'23ABFF'", true),
    ("binary'23ABFF' eq X'23abff'", true),
    ("binary'23ABFF' ne binary'23ABFF'", false),
    ("null ne binary'23ABFF'", true),
    ("null eq binary'23ABFF'", false),
];

#[test]
fn numbers_and_nulls_are_what_they_are_to_the_galleries_engine() {
    for (filter, expected) in CONSTANT {
        assert_eq!(holds(filter, None), *expected, "{filter}");
    }
}

/// Where the engine fails or follows .NET's `String.Compare`, and larder answers: galleries hand these to a database.
const ANSWERED_HERE: &[(&str, bool)] = &[
    // String.Compare("", null) > 0.
    ("'' gt null", false),
    // ODataLib reads no such literals.
    (
        "datetimeoffset'2002-10-10T17:00:00Z' eq datetimeoffset'2002-10-10T10:00:00-07:00'",
        true,
    ),
    (
        "datetimeoffset'2002-10-10T17:00:00Z' ge datetimeoffset'2002-10-10T17:00:00Z'",
        true,
    ),
    (
        "datetimeoffset'2002-10-10T17:00:00Z' le datetimeoffset'2002-10-10T17:00:00-07:00'",
        true,
    ),
    (
        "datetimeoffset'2002-10-10T23:00:00Z' eq datetimeoffset'2002-10-10T17:00:00-0600'",
        true,
    ),
    (
        "datetimeoffset'2002-10-10T17:00:00Z' lt datetimeoffset'2002-10-10T17:00:00-05'",
        true,
    ),
    (
        "datetimeoffset'2002-10-10T17:00:00Z' ne datetimeoffset'2002-10-10T17:00:00+09:30'",
        true,
    ),
    (
        "datetimeoffset'2002-10-10T17:00:00Z' gt datetimeoffset'2002-10-10T17:00:00 0545'",
        true,
    ),
    (
        "datetimeoffset'2002-10-10T19:00:00+02:00' eq datetime'2002-10-10T17:00:00'",
        true,
    ),
    ("hour(datetimeoffset'2002-10-10T19:00:00+02:00') eq 19", true),
    ("days(time'P2DT25H') eq 3 and hours(time'P2DT25H') eq 1", true),
    ("minutes(time'PT61M') eq 1 and seconds(time'PT61S') eq 1", true),
    ("hour(time'-PT5H') eq -5 and minute(time'PT5H') eq 0", true),
    ("time'PT60M' eq time'PT1H' and time'PT59M' lt time'PT1H'", true),
];

#[test]
fn some_questions_are_answered_where_the_galleries_engine_fails() {
    for (filter, expected) in ANSWERED_HERE {
        assert_eq!(holds(filter, None), *expected, "{filter}");
    }
}

#[test]
fn what_the_galleries_engine_refuses_is_refused() {
    for filter in [
        "length(123) eq 12",
        "binary'23ABFF' ge binary'23ABFF'",
        "binary'23ABFF' le binary'23ABFF'",
        "binary'23ABFF' lt binary'23ABFF'",
        "binary'23ABFF' gt binary'23ABFF'",
        "binary'23ABFF' add binary'23ABFF'",
        "binary'23ABFF' sub binary'23ABFF'",
        "binary'23ABFF' mul binary'23ABFF'",
        "binary'23ABFF' div binary'23ABFF'",
        "true gt false",
        "guid'00000000-0000-0000-0000-000000000000' gt guid'00000000-0000-0000-0000-000000000000'",
        "time'PT1H' eq datetime'2000-01-01T00:00:00'",
        "Title eq 123",
        "NoSuchProperty eq 1",
        "Edm.Int32 eq 123",
        "Title/Edm.String eq 123",
        "Edm.NonExistentType eq 123",
        "cast(NoSuchProperty,Edm.Int32) ne null",
        "cast(Edm.Boolean) eq null",
        "cast(null,Edm.Boolean) eq null",
        "cast('Edm.Boolean') eq null",
        "cast('23','Edm.Int32') eq 23",
        "cast(DownloadCount,'Edm.String') eq '23'",
        "isof(Edm.Int32)",
        "isof('Edm.Int32')",
        "isof(null,'Edm.Int32')",
        "isof(DownloadCount,'Edm.Int32')",
        "Tags/any(t: t eq 'x')",
        "Tags/all(t: t eq 'x')",
        "Tags/any()",
        "years(time'P1Y') eq 1",
        "months(time'P1M') eq 1",
        "days(Published) eq 1",
        "day(time'P1D') eq 1",
    ] {
        assert!(parse(filter).is_err(), "{filter}");
    }
}

#[test]
fn literals_are_quoted_as_for_the_galleries_engine() {
    for (literal, title) in [
        ("'hello,world'", "hello,world"),
        ("'''hello,world'", "'hello,world"),
        ("'hello,world'''", "hello,world'"),
        ("'hello,''wor''ld'", "hello,'wor'ld"),
        ("'hello,''''''world'", "hello,'''world"),
        ("'\"hello,world\"'", "\"hello,world\""),
        ("'\"hello,world'", "\"hello,world"),
        ("'hello,world\"'", "hello,world\""),
        ("'hello,\"world'", "hello,\"world"),
        ("'México D.F.'", "México D.F."),
        ("'æææøøøååå'", "æææøøøååå"),
        ("'いくつかのテキスト'", "いくつかのテキスト"),
    ] {
        assert!(holds(&format!("Title eq {literal}"), Some(title)), "{literal}");
    }
    for c in "$&+,/:;=?@ <>#%{}|\\^~[]`".chars() {
        assert!(holds(&format!("Title eq '{c}'"), Some(&c.to_string())), "{c}");
    }
}

/// `NuGetGallery` rewrites an equality of `Version` with a constant, on either side, to one of normal forms
/// (`NormalizeVersionInterceptorFacts`); larder compares versions everywhere.
#[test]
fn versions_are_compared_in_their_normal_form() {
    for (filter, expected) in [
        ("Version eq '01.00.00'", true),
        ("'01.00.00' eq Version", true),
        ("'01.00.02' eq Version", false),
        ("NormalizedVersion eq '1.0.0.0'", true),
        ("'1' eq NormalizedVersion", true),
        ("Version ne '01.00'", false),
        ("substring('1.0.00',0,3) eq Version", true),
        ("Version eq 'a' or Version eq '' or Version eq ' '", false),
        ("Version eq null", false),
        ("Id eq '01.00.00'", false),
        ("substringof(Id,'MyProduct') and Id eq 'product'", true),
    ] {
        assert_eq!(holds(filter, None), expected, "{filter}");
    }
}
