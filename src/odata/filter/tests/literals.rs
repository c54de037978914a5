//! Numbers, instants and texts as they stand in filters: what is promoted to what, and what is exact.

use super::super::*;
use crate::catalog::columns::Columns;
use crate::catalog::expression::{Kind, Verdict};
use crate::catalog::testing::row;

fn verdict(filter: &str) -> Verdict {
    let mut row = row("Git.Install", "1.2.3-Beta");
    row.download_count = 3_000_000_000;
    let columns = Columns {
        row: &row,
        is_latest: true,
        is_absolute_latest: true,
        record: None,
        work: None,
    };
    let expression = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    expression.verdict(&columns)
}

#[test]
fn conditions_that_hold() {
    for filter in [
        // Decimals are exact, doubles are not.
        "0.1M add 0.2M eq 0.3M",
        "0.1 add 0.2 ne 0.3",
        "1M div 3M mul 3M lt 1M",
        "79228162514264337593543950335M add 1M eq null",
        "10M mod 3M eq 1M and -10M mod 3M eq -1M",
        "1.50M eq 1.5M and 1.5M eq 1.5 and 1.5M eq 1.5f",
        // Singles are narrower than doubles.
        "0.1f ne 0.1d and 0.5f eq 0.5d",
        "0.1f eq 0.1f",
        "16777217 eq 16777216f",
        // Integers.
        "2147483647 add 1 eq 2147483648",
        "9223372036854775807 add 1 eq null",
        "-9223372036854775808L sub 1 eq null",
        "9223372036854775807 add 1.0 gt 9e18",
        "7 div 2 eq 3 and -7 div 2 eq -3 and 7 div 2M eq 3.5M and 7 div 2.0 eq 3.5",
        "7 mod -2 eq 1 and -7 mod 2 eq -1",
        "1 div 0 eq null and 1 mod 0 eq null and 1M div 0M eq null",
        "9223372036854775808 gt 9223372036854774784L",
        // Doubles without digits.
        "1.0 div 0 eq INF and -1.0 div 0 eq -INF and -1f div 0 eq -INFf",
        "NaN ne NaN and not (NaN eq NaN) and not (NaN lt 1) and not (NaN ge 1)",
        "INF gt 1e308 and -INF lt 0 and nan ne inf",
        "1e3 eq 1000 and 1.5E-3 eq 0.0015 and 1e+2 eq 100 and .5 eq 0.5",
        // Rounding keeps decimals and rounds halves to even.
        "round(2.5M) eq 2M and round(3.5) eq 4 and round(-2.5) eq -2",
        "floor(-1.5M) eq -2 and ceiling(-1.5) eq -1 and round(7) eq 7",
        "round(1.5M) mul 0.1M eq 0.2M",
        // Signs.
        "-5 lt -4 and - 5 eq -5 and -(-5) eq 5 and --5 eq 5",
        "-DownloadCount lt 0 and -PackageSize eq -1000",
        "DownloadCount eq 3000000000",
        // Versions, on either side.
        "Version eq '1.02.3.0-BETA+x' and '1.2.3-beta' eq NormalizedVersion",
        "Version lt '1.2.3' and '1.2' lt Version and Version ge '1.2.3-alpha.9'",
        "Version ne 'nonsense' and not (Version eq 'nonsense')",
        "tolower(Version) eq '1.2.3-beta' and tolower(Version) ne '1.2.3.0-beta'",
        "substringof('BETA', Version) and startswith(NormalizedVersion, '1.2.')",
        "Version eq NormalizedVersion and length(Version) eq 10",
        "concat(null,Version) ne '1.2.3.0-beta' and concat(Version,Title) ne '1.02.3-Beta'",
        // Ids.
        "Id eq 'GIT.INSTALL' and Id ge 'git.install' and Id le 'GIT.install' and not (Id gt 'git.INSTALL')",
        "Id lt 'h' and Id gt 'Git' and 'GIT.INSTALL' eq Id and Id ne 'git'",
        "toupper(Id) eq 'git.install' and trim(Id) eq 'GIT.INSTALL' and substring(Id,4) eq 'INSTALL'",
        "replace(Id,'.','-') eq 'GIT-INSTALL' and indexof(Id,'INSTALL') eq 4",
        "substringof(Id,'my git.install too') and startswith('GIT.INSTALLER',Id)",
        "concat(Id,'x') ne 'git.installx' and concat(Id,'x') eq 'Git.Installx'",
        "not substringof('b','ABC') and substringof('B','ABC')",
        // Instants.
        "Created eq datetime'2020-01-02T03:04:05' and Created lt DATETIME'2020-01-02T03:04:05.0000001'",
        "Created eq datetime'2020-01-02T03:04:05Z' and Created eq datetime'2020-01-02T05:04:05+02:00'",
        "Created eq datetimeoffset'2020-01-02T05:04:05+02:00' and Created gt datetime'2020-01-02T03:04'",
        "year(Created) eq 2020 and month(Created) eq 1 and day(Created) eq 2 and hour(Created) eq 3",
        "minute(Created) eq 4 and second(Created) eq 5 and LastEdited eq null",
        // Null goes with every type.
        "not (null eq true) and null eq null and (Title eq null) eq true and Title ne 'x'",
        "(substringof('x',Title) eq true) eq false and substringof('x',Title) ne false",
    ] {
        assert_eq!(verdict(filter), Verdict::True, "{filter}");
    }
}

#[test]
fn conditions_that_are_null_exclude_in_either_sense() {
    for filter in [
        "null",
        "not null",
        "substringof('x',Title)",
        "not substringof('x',Title)",
        "startswith(null,'x') or endswith(Id,null)",
        "not (startswith(Title,'x') and Listed)",
        "(null and Listed) or null",
    ] {
        assert_eq!(verdict(filter), Verdict::False, "{filter}");
    }
    for filter in ["null or Listed", "not (null and not Listed)", "not (Title eq 'x')"] {
        assert_eq!(verdict(filter), Verdict::True, "{filter}");
    }
}

#[test]
fn expressions_have_the_type_of_the_wider_operand() {
    for (text, kind) in [
        ("1", Kind::Int32),
        ("1 add 1", Kind::Int32),
        ("1 add 1L", Kind::Int64),
        ("2147483648", Kind::Int64),
        ("DownloadCount add 1", Kind::Int32),
        ("PackageSize mul 2", Kind::Int64),
        ("PackageSize mul 2M", Kind::Decimal),
        ("1 sub 1f", Kind::Single),
        ("1M sub 1f", Kind::Double),
        ("1 div 1.0", Kind::Double),
        ("1 add null", Kind::Int32),
        ("-1.5M", Kind::Decimal),
        ("round(1.5M)", Kind::Decimal),
        ("round(1.5f)", Kind::Double),
        ("ceiling(DownloadCount)", Kind::Double),
        ("length(Id)", Kind::Int32),
        ("time'PT1S'", Kind::Time),
        ("substring(Version,0)", Kind::Text),
        ("Version", Kind::Version),
        ("LastEdited", Kind::DateTime),
        ("Title eq null", Kind::Boolean),
    ] {
        assert_eq!(parse_expression(text).unwrap().kind(), kind, "{text}");
    }
}

#[test]
fn a_thousand_ids_fit_in_32_kilobytes() {
    let ids: Vec<_> = (0..1_000).map(|n| format!("(tolower(Id)+eq+'p{n}')")).collect();
    let query = format!("$filter=IsLatestVersion+and+({})", ids.join("+or+"));
    assert!(query.len() <= 32 * 1024, "{}", query.len());
    let filter = query.trim_start_matches("$filter=").replace('+', " ");
    let Ok(Expression::All(conditions)) = parse(&filter) else {
        panic!("two conditions");
    };
    assert!(matches!(conditions.as_slice(), [_, Expression::Any(ids)] if ids.len() == 1_000));
}
