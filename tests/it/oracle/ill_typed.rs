//! Strategies for filters that have no type: one wrong part somewhere in a filter that is right elsewhere.

use proptest::prelude::*;
use proptest::sample::select;

use super::expression::Expression;
use super::generate_filter::{self, pair};

/// A value whose type is known, and the type.
fn typed() -> impl Strategy<Value = (&'static str, Expression)> {
    let date = super::generate::instant().prop_map(|date| ("date", Expression::Date(date)));
    let property = |kind: &'static str, name: &'static str| Just((kind, Expression::Property(name)));
    prop_oneof![
        select(&["git", "1.0", "2020-01-01T00:00:00", "true", "7", ""][..])
            .prop_map(|text| ("text", Expression::Text(text.to_owned()))),
        property("text", "Id"),
        property("text", "Version"),
        property("text", "Copyright"),
        property("boolean", "Listed"),
        property("boolean", "RequireLicenseAcceptance"),
        any::<bool>().prop_map(|is_true| ("boolean", Expression::Boolean(is_true))),
        property("number", "DownloadCount"),
        (-3..9_i64).prop_map(|number| ("number", Expression::Integer(number))),
        Just(("number", Expression::Double(1.5))),
        date,
        property("date", "Published"),
        property("date", "LastEdited"),
    ]
}

/// A part that no type fits.
fn wrong() -> impl Strategy<Value = Expression> {
    const COMPARISONS: &[&str] = &["eq", "ne", "gt", "ge", "lt", "le"];
    let compared = (select(COMPARISONS), typed(), typed()).prop_filter_map("the same type", |(operator, one, two)| {
        (one.0 != two.0).then(|| Expression::Compare(operator, pair(one.1, two.1)))
    });
    let ordered = (select(&COMPARISONS[2..]), any::<bool>()).prop_map(|(operator, is_true)| {
        Expression::Compare(
            operator,
            pair(Expression::Property("Listed"), Expression::Boolean(is_true)),
        )
    });
    let no_number = || {
        typed()
            .prop_filter("a number", |(kind, _)| *kind != "number")
            .prop_map(|(_, part)| part)
    };
    let calculated = (
        select(&["add", "sub", "mul", "div", "mod"][..]),
        no_number(),
        any::<bool>(),
    )
        .prop_map(|(operator, part, swaps)| {
            let one = Expression::Integer(1);
            let operands = if swaps { pair(one, part) } else { pair(part, one) };
            Expression::Compare(
                "eq",
                pair(Expression::Calculate(operator, operands), Expression::Integer(2)),
            )
        });
    let minus = no_number()
        .prop_map(|part| Expression::Compare("eq", pair(Expression::Minus(part.into()), Expression::Integer(2))));
    let no_condition = typed()
        .prop_filter("a condition", |(kind, _)| *kind != "boolean")
        .prop_map(|(_, part)| part);
    let no_text = || {
        typed()
            .prop_filter("a text", |(kind, _)| *kind != "text")
            .prop_map(|(_, part)| part)
    };
    let no_date = typed()
        .prop_filter("a date", |(kind, _)| *kind != "date")
        .prop_map(|(_, part)| part);
    let id = || Expression::Property("Id");
    let searched = (
        select(&["substringof", "startswith", "endswith"][..]),
        no_text(),
        any::<bool>(),
    )
        .prop_map(move |(name, part, swaps)| {
            Expression::Call(name, if swaps { vec![id(), part] } else { vec![part, id()] })
        });
    let of_text = (select(&["tolower", "toupper", "trim", "length"][..]), no_text())
        .prop_map(|(name, part)| Expression::Compare("ne", pair(Expression::Call(name, vec![part]), Expression::Null)));
    let of_date = (
        select(&["year", "month", "day", "hour", "minute", "second"][..]),
        no_date,
    )
        .prop_map(|(name, part)| Expression::Compare("ne", pair(Expression::Call(name, vec![part]), Expression::Null)));
    let of_number = (select(&["round", "floor", "ceiling"][..]), no_number())
        .prop_map(|(name, part)| Expression::Compare("ne", pair(Expression::Call(name, vec![part]), Expression::Null)));
    let counts = (
        select(
            &[
                "substringof",
                "tolower",
                "concat",
                "substring",
                "replace",
                "year",
                "round",
            ][..],
        ),
        0..5_usize,
    )
        .prop_filter_map("the right number of arguments", move |(name, count)| {
            let is_right = match name {
                "substringof" | "concat" => count == 2,
                "substring" => count == 2 || count == 3,
                "replace" => count == 3,
                _ => count == 1,
            };
            (!is_right).then(|| Expression::Call(name, vec![Expression::Null; count]))
        });
    let unknown = select(&["Idd", "Nuspec", "x"][..]).prop_map(Expression::Property);
    let no_function =
        select(&["substring_of", "isof", "now"][..]).prop_map(move |name| Expression::Call(name, vec![id()]));
    prop_oneof![
        3 => compared, 1 => ordered, 1 => calculated, 1 => minus, 1 => no_condition, 2 => searched, 1 => of_text,
        1 => of_date, 1 => of_number, 1 => counts, 1 => unknown, 1 => no_function,
    ]
}

/// A filter with a wrong part.
pub(super) fn condition() -> impl Strategy<Value = Expression> {
    let shape = select(&["bare", "and", "or", "not"][..]);
    (shape, wrong(), generate_filter::condition(), any::<bool>()).prop_map(|(shape, wrong, right, swaps)| {
        let operands = if swaps {
            pair(right, wrong.clone())
        } else {
            pair(wrong.clone(), right)
        };
        match shape {
            "and" => Expression::And(operands),
            "or" => Expression::Or(operands),
            "not" => Expression::Not(wrong.into()),
            _ => wrong,
        }
    })
}
