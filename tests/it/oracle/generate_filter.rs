//! Strategies for filters: well-typed trees of every operator, function and literal.

use chrono::FixedOffset;
use proptest::prelude::*;
use proptest::sample::select;

use super::decimal::Decimal;
use super::expression::Expression;
use super::generate::{IDS, VERSIONS, WORDS, instant, words};

/// How deep operators and functions nest.
const DEPTH: u32 = 4;

const TEXTS: &[&str] = &[
    "Id",
    "Title",
    "Description",
    "Summary",
    "Tags",
    "Authors",
    "ReleaseNotes",
    "Copyright",
];
const VERSION_PROPERTIES: &[&str] = &["Version", "NormalizedVersion"];
const BOOLEANS: &[&str] = &[
    "IsLatestVersion",
    "IsAbsoluteLatestVersion",
    "IsPrerelease",
    "Listed",
    "IsApproved",
    "RequireLicenseAcceptance",
];
const DATES: &[&str] = &[
    "Created",
    "Published",
    "LastUpdated",
    "LastEdited",
    "PackageScanResultDate",
];
const NUMBERS: &[&str] = &["DownloadCount", "VersionDownloadCount", "PackageSize"];
const COMPARISONS: &[&str] = &["eq", "eq", "ne", "gt", "ge", "lt", "le"];
const EQUALITY: &[&str] = &["eq", "ne"];

fn property(names: &'static [&'static str]) -> BoxedStrategy<Expression> {
    select(names).prop_map(Expression::Property).boxed()
}

fn literal(text: &str) -> Expression {
    Expression::Text(text.to_owned())
}

#[expect(clippy::unnecessary_box_returns, reason = "operators hold their operands boxed")]
pub(super) fn pair(one: Expression, two: Expression) -> Box<[Expression; 2]> {
    Box::new([one, two])
}

/// A comparison, either operand first.
fn comparison(
    operators: &'static [&'static str],
    one: BoxedStrategy<Expression>,
    two: BoxedStrategy<Expression>,
) -> BoxedStrategy<Expression> {
    (select(operators), one, two, any::<bool>())
        .prop_map(|(operator, one, two, swaps)| {
            let operands = if swaps { pair(two, one) } else { pair(one, two) };
            Expression::Compare(operator, operands)
        })
        .boxed()
}

fn call(name: &'static str, arguments: Vec<Expression>) -> Expression {
    Expression::Call(name, arguments)
}

/// The text of an id, a version, some words, or nothing.
fn text_literal() -> BoxedStrategy<Expression> {
    prop_oneof![
        3 => select(WORDS).prop_map(literal),
        2 => select(IDS).prop_map(literal),
        2 => select(VERSIONS).prop_map(literal),
        1 => words().prop_map(Expression::Text),
        1 => select(&["", " ", "'", " git ", "GITK", "not a version"][..]).prop_map(literal),
    ]
    .boxed()
}

fn text(depth: u32) -> BoxedStrategy<Expression> {
    let leaf = prop_oneof![4 => property(TEXTS), 1 => property(VERSION_PROPERTIES), 3 => text_literal(), 1 => Just(Expression::Null)];
    if depth == 0 {
        return leaf.boxed();
    }
    let below = move || text(depth - 1);
    let one = (select(&["tolower", "toupper", "trim"][..]), below()).prop_map(|(name, text)| call(name, vec![text]));
    let two = (below(), below()).prop_map(|(one, two)| call("concat", vec![one, two]));
    let cut = (below(), integer(0), proptest::option::of(integer(0))).prop_map(|(text, from, length)| {
        let mut arguments = vec![text, from];
        arguments.extend(length);
        call("substring", arguments)
    });
    let replaced = (below(), below(), below()).prop_map(|(text, old, new)| call("replace", vec![text, old, new]));
    prop_oneof![6 => leaf, 3 => one, 1 => two, 1 => cut, 1 => replaced].boxed()
}

/// A whole number.
fn integer(depth: u32) -> BoxedStrategy<Expression> {
    let small = (-2..9_i64).prop_map(Expression::Integer);
    let large = select(&[i64::MAX, -i64::MAX, 1 << 53, 2_147_483_648][..]).prop_map(Expression::Integer);
    let leaf = prop_oneof![4 => property(NUMBERS), 6 => small, 1 => large, 1 => Just(Expression::Null)];
    if depth == 0 {
        return leaf.boxed();
    }
    let below = move || integer(depth - 1);
    let calculated = (select(&["add", "sub", "mul", "div", "mod"][..]), below(), below())
        .prop_map(|(operator, one, two)| Expression::Calculate(operator, pair(one, two)));
    let parts = &["year", "month", "day", "hour", "minute", "second"][..];
    let part = (select(parts), date()).prop_map(|(name, date)| call(name, vec![date]));
    let length = text(depth - 1).prop_map(|text| call("length", vec![text]));
    let at = (text(depth - 1), text(depth - 1)).prop_map(|(one, two)| call("indexof", vec![one, two]));
    let minus = below().prop_map(|number| Expression::Minus(number.into()));
    prop_oneof![6 => leaf, 2 => calculated, 2 => part, 1 => length, 1 => at, 1 => minus].boxed()
}

/// A number that can have a fraction. Halves and quarters are exact however numbers are kept.
fn double(depth: u32) -> BoxedStrategy<Expression> {
    let literal = (-8..40_i32).prop_map(|quarters| Expression::Double(f64::from(quarters) / 4.0));
    if depth == 0 {
        return literal.boxed();
    }
    let operand = move || prop_oneof![double(depth - 1), integer(depth - 1)];
    let calculated = (
        select(&["add", "sub", "mul", "div", "mod"][..]),
        double(depth - 1),
        operand(),
        any::<bool>(),
    )
        .prop_map(|(operator, one, two, swaps)| {
            let operands = if swaps { pair(two, one) } else { pair(one, two) };
            Expression::Calculate(operator, operands)
        });
    let rounded = (select(&["round", "floor", "ceiling"][..]), double(depth - 1))
        .prop_map(|(name, number)| call(name, vec![number]));
    prop_oneof![3 => literal, 2 => calculated, 2 => rounded].boxed()
}

/// A decimal. Divisions are left out: they have more places than the oracle's.
fn decimal(depth: u32) -> BoxedStrategy<Expression> {
    let literal = (-8..40_i64).prop_map(|quarters| Expression::Decimal(Decimal::quarters(quarters)));
    if depth == 0 {
        return literal.boxed();
    }
    let small = prop_oneof![property(NUMBERS), (-2..9_i64).prop_map(Expression::Integer)];
    let operand = prop_oneof![decimal(depth - 1), small];
    let operators = &["add", "sub", "mul", "mod"][..];
    let calculated =
        (select(operators), decimal(depth - 1), operand, any::<bool>()).prop_map(|(operator, one, two, swaps)| {
            let operands = if swaps { pair(two, one) } else { pair(one, two) };
            Expression::Calculate(operator, operands)
        });
    let rounded = (select(&["round", "floor", "ceiling"][..]), decimal(depth - 1))
        .prop_map(|(name, number)| call(name, vec![number]));
    prop_oneof![3 => literal, 2 => calculated, 2 => rounded].boxed()
}

fn date() -> BoxedStrategy<Expression> {
    let zoned = (instant(), -12..14_i32).prop_map(|(date, hours)| {
        let zone = FixedOffset::east_opt(hours * 3600 + 1800).expect("a zone");
        Expression::Offset(date.with_timezone(&zone))
    });
    prop_oneof![1 => zoned, 4 => property(DATES), 3 => instant().prop_map(Expression::Date), 1 => Just(Expression::Null)].boxed()
}

/// The filters that clients send most.
fn usual() -> BoxedStrategy<Expression> {
    let id = || Expression::Property("Id");
    let lowered = move || prop_oneof![Just(id()), Just(call("tolower", vec![id()]))];
    let of_id = comparison(&["eq"], lowered().boxed(), select(IDS).prop_map(literal).boxed());
    let of_version = comparison(
        EQUALITY,
        property(VERSION_PROPERTIES),
        select(VERSIONS).prop_map(literal).boxed(),
    );
    let found = (select(WORDS), property(TEXTS), any::<bool>()).prop_map(|(word, column, lowers)| {
        let searched = if lowers {
            call("tolower", vec![column.clone()])
        } else {
            column.clone()
        };
        let found = call("substringof", vec![literal(word), searched]);
        let guard = Expression::Compare("ne", pair(column, Expression::Null));
        Expression::And(pair(guard, found))
    });
    let chain = proptest::collection::vec(select(IDS), 1..12).prop_map(move |ids| {
        let of_id = |id: &str| {
            Expression::Compare(
                "eq",
                pair(call("tolower", vec![Expression::Property("Id")]), literal(id)),
            )
        };
        let mut chain = of_id(ids[0]);
        for id in &ids[1..] {
            chain = Expression::Or(pair(chain, of_id(id)));
        }
        chain
    });
    prop_oneof![3 => property(BOOLEANS), 2 => of_id, 1 => of_version, 2 => found, 1 => chain].boxed()
}

/// A condition without `and`, `or` and `not`.
fn plain_condition() -> BoxedStrategy<Expression> {
    let depth = 2;
    let searched = (
        select(&["substringof", "startswith", "endswith"][..]),
        text(depth),
        text(depth),
    )
        .prop_map(|(name, one, two)| call(name, vec![one, two]));
    let version_literal = select(VERSIONS).prop_map(literal).boxed();
    let of_null = prop_oneof![property(TEXTS), property(DATES), property(NUMBERS), property(BOOLEANS)].boxed();
    prop_oneof![
        3 => comparison(COMPARISONS, text(depth), text(depth)),
        2 => comparison(COMPARISONS, property(VERSION_PROPERTIES), version_literal),
        2 => comparison(COMPARISONS, integer(depth), integer(depth)),
        1 => comparison(COMPARISONS, double(depth), integer(depth)),
        1 => comparison(COMPARISONS, double(depth), double(depth)),
        1 => comparison(COMPARISONS, decimal(depth), prop_oneof![decimal(depth), integer(depth), double(depth)].boxed()),
        2 => comparison(COMPARISONS, date(), date()),
        1 => comparison(EQUALITY, of_null, Just(Expression::Null).boxed()),
        2 => searched,
        1 => any::<bool>().prop_map(Expression::Boolean),
        1 => Just(Expression::Null),
    ]
    .boxed()
}

/// A condition.
pub(super) fn condition() -> BoxedStrategy<Expression> {
    let leaf = prop_oneof![usual(), plain_condition()];
    let nested = leaf.prop_recursive(DEPTH, 12, 2, |below| {
        let two = (below.clone(), below.clone());
        prop_oneof![
            4 => two.clone().prop_map(|(one, two)| Expression::And(pair(one, two))),
            3 => two.prop_map(|(one, two)| Expression::Or(pair(one, two))),
            2 => below.clone().prop_map(|one| Expression::Not(one.into())),
            1 => comparison(EQUALITY, below, any::<bool>().prop_map(Expression::Boolean).boxed()),
        ]
    });
    nested.boxed()
}
