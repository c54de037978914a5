//! Filters at random: nothing panics, and what holds of all of them.

use proptest::prelude::*;

use super::super::*;
use crate::catalog::columns::Columns;
use crate::catalog::expression::{Value, Verdict, Work};
use crate::catalog::testing::described;

/// Conditions with needless parentheses and blanks at random, and the same without them.
fn condition() -> impl Strategy<Value = (String, String)> {
    let leaf = prop_oneof![
        Just("IsLatestVersion"),
        Just("Id eq 'it''s'"),
        Just("substringof('x',tolower(Id))"),
        Just("NormalizedVersion ge '1.0'"),
        Just("DownloadCount add 1 gt -2.5"),
        Just("Published lt datetime'2020-01-01T00:00:00'"),
    ];
    let leaf = leaf.prop_map(|text| (format!("( {text})"), format!("({text})")));
    leaf.prop_recursive(5, 40, 2, |inner| {
        let pair = (inner.clone(), inner.clone(), prop_oneof![Just("and"), Just("or")]);
        prop_oneof![
            pair.prop_map(|((a, b), (c, d), operator)| {
                (format!("(\t({a} {operator}  ({c})))"), format!("({b} {operator} {d})"))
            }),
            inner.prop_map(|(a, b)| (format!("not(( {a} ))"), format!("not {b}"))),
        ]
    })
}

fn word() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "(",
        ")",
        ",",
        "Id",
        "'x'",
        "eq",
        "and",
        "or",
        "not",
        "-",
        "1",
        "tolower",
        "substringof",
        "null",
        "true",
        "add",
        "gt",
        "1.5M",
        "-INF",
        "X'00'",
        "time'PT1S'",
        "'",
        "day",
        "mod",
    ])
}

fn comparison() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["eq", "ne", "gt", "ge", "lt", "le"])
}

/// Literals and columns of every type, and what operators and functions make of them; most of it is refused.
fn operand_text(depth: u32) -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "null",
        "true",
        "0",
        "-1",
        "7",
        "2147483647",
        "-9223372036854775808L",
        "9223372036854775807",
        "0.1M",
        "79228162514264337593543950335M",
        "1e999999999M",
        "1e-28M",
        "0f",
        "3.5f",
        "1e308",
        "-0.0",
        "NaN",
        "INF",
        "-INFf",
        "''",
        "'ß'",
        "'1.0'",
        "datetime'0001-01-01T00:00:00'",
        "datetimeoffset'9999-12-31T23:59:59.9999999-14:00'",
        "time'-P1DT1S'",
        "guid'00000000-0000-0000-0000-000000000000'",
        "X'00FF'",
        "Id",
        "Version",
        "Title",
        "Description",
        "DownloadCount",
        "PackageSize",
        "Published",
        "LastEdited",
        "Listed",
    ]);
    let names = [
        "tolower", "toupper", "trim", "length", "year", "hour", "days", "round", "floor", "ceiling", "-", "not ",
    ];
    let pairs = [
        "substringof",
        "startswith",
        "endswith",
        "indexof",
        "concat",
        "substring",
    ];
    leaf.prop_map(str::to_owned).prop_recursive(depth, 16, 3, move |inner| {
        let triple = (inner.clone(), inner.clone(), inner.clone());
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (proptest::sample::select(names.to_vec()), inner).prop_map(|(name, one)| format!("{name}({one})")),
            (proptest::sample::select(pairs.to_vec()), pair.clone())
                .prop_map(|(name, (a, b))| format!("{name}({a},{b})")),
            (proptest::sample::select(vec!["substring", "replace"]), triple)
                .prop_map(|(name, (a, b, c))| format!("{name}({a},{b},{c})")),
            (proptest::sample::select(vec!["add", "sub", "mul", "div", "mod"]), pair)
                .prop_map(|(name, (a, b))| format!("({a} {name} {b})")),
        ]
    })
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,60}") {
        let _ = parse_expression(&text);
    }

    #[test]
    fn never_panics_on_words(words in proptest::collection::vec(word(), 0..30)) {
        let _ = parse(&words.join(" "));
    }

    #[test]
    fn what_can_be_read_can_be_evaluated(one in operand_text(3), operator in comparison(), other in operand_text(3)) {
        let filter = format!("{one} {operator} {other}");
        let row = described("Git", "1.0", "Grüße", "");
        let work = Work::new(10_000_000);
        let columns = Columns { row: &row, is_latest: true, is_absolute_latest: true, record: None, work: Some(&work) };
        if let Ok(expression) = parse(&filter) {
            let opposite = parse(&format!("not ({filter})")).unwrap();
            let is_both = [&expression, &opposite].iter().all(|filter| filter.verdict(&columns) == Verdict::True);
            prop_assert!(!is_both, "{}", filter);
            // A comparison is never null.
            prop_assert!(work.is_spent() || expression.evaluate(&columns) != Value::Null, "{}", filter);
        }
    }

    #[test]
    fn parentheses_and_blanks_change_nothing((loose, tight) in condition()) {
        prop_assert_eq!(parse(&loose), parse(&tight));
        prop_assert!(parse(&tight).is_ok());
    }
}
