use super::*;
use crate::catalog::testing::{described, instant, record, row, text};
use crate::catalog::{Property, Row};

fn columns(row: &Row) -> Columns<'_> {
    Columns {
        row,
        is_latest: true,
        is_absolute_latest: false,
        record: None,
        work: None,
    }
}

fn of(column: Column) -> Expression {
    column.into()
}

fn quoted(text: &str) -> Expression {
    Literal::text(text).into()
}

fn null() -> Expression {
    Literal::Null.into()
}

fn number(number: i64) -> Expression {
    Literal::Int64(number).into()
}

fn compare(operator: Comparison, left: Expression, right: Expression) -> Expression {
    Expression::compare(operator, left, right).unwrap()
}

fn equal(left: Expression, right: Expression) -> Expression {
    compare(Comparison::Equal, left, right)
}

fn call<const N: usize>(function: Function, arguments: [Expression; N]) -> Expression {
    Expression::call(function, arguments.into()).unwrap()
}

const HASH: Column = Column::Stored {
    name: "PackageHash",
    kind: Kind::Text,
};

#[test]
fn nulls_are_three_valued_below_comparisons() {
    let row = row("git", "1.0");
    let columns = columns(&row);
    let title = || of(Column::Title);
    let contains = || call(Function::SubstringOf, [quoted("x"), title()]);
    for (expression, verdict) in [
        (equal(title(), null()), Verdict::True),
        (compare(Comparison::NotEqual, title(), null()), Verdict::False),
        (compare(Comparison::NotEqual, title(), quoted("x")), Verdict::True),
        (equal(title(), quoted("x")), Verdict::False),
        (equal(title(), quoted("x")).negate().unwrap(), Verdict::True),
        (compare(Comparison::GreaterOrEqual, title(), null()), Verdict::False),
        (contains(), Verdict::False),
        (contains().negate().unwrap(), Verdict::False),
        (Expression::or(contains(), of(Column::Listed)).unwrap(), Verdict::True),
        (Expression::and(contains(), of(Column::Listed)).unwrap(), Verdict::False),
        (
            Expression::and(contains(), of(Column::Listed))
                .unwrap()
                .negate()
                .unwrap(),
            Verdict::False,
        ),
        (
            Expression::and(contains(), of(Column::IsPrerelease))
                .unwrap()
                .negate()
                .unwrap(),
            Verdict::True,
        ),
        (null().condition("$filter").unwrap(), Verdict::False),
    ] {
        assert_eq!(expression.verdict(&columns), verdict, "{expression:?}");
    }
}

#[test]
fn what_a_row_lacks_is_deferred_unless_the_rest_decides() {
    let row = row("git", "1.0");
    let known = record(
        row.clone(),
        vec![
            Property::text("PackageHash", Some("abc")),
            Property::typed("RequireLicenseAcceptance", "Edm.Boolean", "true".to_owned()),
            Property::typed(
                "PackageScanResultDate",
                "Edm.DateTime",
                "2020-01-01T00:00:00".to_owned(),
            ),
        ],
    );
    let hash = || equal(of(HASH), quoted("abc"));
    let (yes, no) = (|| of(Column::Listed), || of(Column::IsPrerelease));
    let contains = || call(Function::SubstringOf, [quoted("x"), of(Column::Title)]);
    for (expression, on_row, on_record) in [
        (hash(), Verdict::Deferred, Verdict::True),
        (hash().negate().unwrap(), Verdict::Deferred, Verdict::False),
        (
            Expression::and(hash(), yes()).unwrap(),
            Verdict::Deferred,
            Verdict::True,
        ),
        (Expression::and(hash(), no()).unwrap(), Verdict::False, Verdict::False),
        (Expression::and(no(), hash()).unwrap(), Verdict::False, Verdict::False),
        (Expression::or(hash(), yes()).unwrap(), Verdict::True, Verdict::True),
        (Expression::or(hash(), no()).unwrap(), Verdict::Deferred, Verdict::True),
        (
            Expression::and(contains(), hash()).unwrap(),
            Verdict::Deferred,
            Verdict::False,
        ),
        (
            equal(of(Column::named("Language").unwrap()), null()),
            Verdict::Deferred,
            Verdict::True,
        ),
        (
            of(Column::named("requirelicenseacceptance").unwrap()),
            Verdict::Deferred,
            Verdict::True,
        ),
        (
            compare(
                Comparison::Less,
                of(Column::named("PackageScanResultDate").unwrap()),
                Literal::DateTime(instant("2020-01-02")).into(),
            ),
            Verdict::Deferred,
            Verdict::True,
        ),
    ] {
        assert!(expression.needs_record());
        assert_eq!(expression.verdict(&columns(&row)), on_row, "{expression:?}");
        assert_eq!(
            expression.verdict(&columns(&row).with_record(&known)),
            on_record,
            "{expression:?}"
        );
    }
}

#[test]
fn texts_compare_as_galleries_compare_them() {
    let mut row = described("Git.Install", "9.00.01-Beta", "Fast VCS", "Vcs");
    row.title = Some(text("Git"));
    let columns = columns(&row);
    let lower = |column: Column| call(Function::ToLower, [of(column)]);
    for (expression, is_true) in [
        (equal(of(Column::Id), quoted("GIT.install")), true),
        (equal(quoted("git.install"), lower(Column::Id)), true),
        (equal(of(Column::Id), quoted("git")), false),
        (call(Function::StartsWith, [of(Column::Id), quoted("GIT")]), true),
        (call(Function::EndsWith, [of(Column::Id), quoted("install")]), true),
        (call(Function::SubstringOf, [quoted("T.i"), of(Column::Id)]), true),
        (
            call(Function::SubstringOf, [quoted("vcs"), lower(Column::Description)]),
            true,
        ),
        (
            call(Function::SubstringOf, [quoted("vcs"), of(Column::Description)]),
            true,
        ),
        (
            call(Function::SubstringOf, [quoted(" VCS "), lower(Column::Tags)]),
            true,
        ),
        (
            call(Function::SubstringOf, [quoted(" vc "), lower(Column::Tags)]),
            false,
        ),
        (equal(of(Column::Title), quoted("git")), false),
        (equal(lower(Column::Title), quoted("git")), true),
        (equal(of(Column::Version), quoted("9.0.1-beta")), true),
        (equal(of(Column::NormalizedVersion), quoted("9.0.1.0-BETA+x")), true),
        (equal(of(Column::Version), of(Column::NormalizedVersion)), true),
        (compare(Comparison::Less, of(Column::Version), quoted("10.0")), true),
        (
            compare(Comparison::Greater, quoted("10.0"), of(Column::NormalizedVersion)),
            true,
        ),
        (
            compare(Comparison::NotEqual, of(Column::Version), quoted("nonsense")),
            true,
        ),
        (call(Function::SubstringOf, [quoted("00"), of(Column::Version)]), true),
        (
            call(Function::SubstringOf, [quoted("00"), of(Column::NormalizedVersion)]),
            false,
        ),
        (equal(quoted("1.0"), quoted("1.0.0")), false),
    ] {
        let verdict = if is_true { Verdict::True } else { Verdict::False };
        assert_eq!(expression.verdict(&columns), verdict, "{expression:?}");
    }
}

#[test]
fn functions_and_arithmetic_yield_what_odata_says() {
    let mut row = described("Git", "1.0", " Grüße ", "");
    row.published = instant("2020-02-03T04:05:06.7");
    let columns = columns(&row);
    let description = || of(Column::Description);
    let calculate = |operator, left, right| Expression::calculate(operator, number(left), number(right)).unwrap();
    let as_text = |text: &str| Value::Text(TextValue::plain(text.to_owned()));
    for (expression, value) in [
        (call(Function::Length, [description()]), Value::Integer(7)),
        (
            call(Function::IndexOf, [description(), quoted("SSE")]),
            Value::Integer(-1),
        ),
        (
            call(Function::IndexOf, [description(), quoted("ße")]),
            Value::Integer(4),
        ),
        (call(Function::Substring, [quoted("Grüße"), number(2)]), as_text("üße")),
        (
            call(Function::Substring, [quoted("Grüße"), number(2), number(1)]),
            as_text("ü"),
        ),
        (call(Function::Substring, [quoted("x"), number(9)]), as_text("")),
        (call(Function::Substring, [quoted("x"), number(-1)]), as_text("x")),
        (
            call(Function::Substring, [quoted("x"), number(0), number(-1)]),
            as_text(""),
        ),
        (
            call(Function::Replace, [quoted("aXbX"), quoted("X"), quoted("--")]),
            as_text("a--b--"),
        ),
        (call(Function::Trim, [quoted(" x ")]), as_text("x")),
        (call(Function::ToUpper, [quoted("x")]), as_text("X")),
        (call(Function::Year, [of(Column::Published)]), Value::Integer(2020)),
        (call(Function::Second, [of(Column::Published)]), Value::Integer(6)),
        (call(Function::Round, [Literal::Double(2.5).into()]), Value::Double(2.0)),
        (call(Function::Ceiling, [number(2)]), Value::Double(2.0)),
        (call(Function::Length, [of(Column::Title)]), Value::Null),
        (calculate(Arithmetic::Add, 1, 2), Value::Integer(3)),
        (calculate(Arithmetic::Divide, 7, 2), Value::Integer(3)),
        (calculate(Arithmetic::Modulo, 7, 0), Value::Null),
        (calculate(Arithmetic::Multiply, i64::MAX, 2), Value::Null),
        (of(Column::DownloadCount).minus().unwrap(), Value::Integer(-100)),
    ] {
        assert_eq!(expression.evaluate(&columns), value, "{expression:?}");
    }
    let name = call(Function::Concat, [of(Column::Title), of(Column::Id)]);
    assert!(matches!(name.evaluate(&columns), Value::Text(text) if text.as_str() == "Git"));
}

#[test]
fn a_text_that_grows_without_end_spends_the_budget() {
    let row = row("a", "1.0");
    let mut grown = quoted("aaaaaaaa");
    for _ in 0..20 {
        grown = call(Function::Replace, [grown, quoted("a"), quoted("aaaaaaaa")]);
    }
    let work = Work::new(u64::MAX);
    assert_eq!(grown.evaluate(&columns(&row).with_work(&work)), Value::Null);
    assert!(work.is_spent());
}

#[test]
fn work_is_counted_by_the_text_that_is_read_and_made() {
    let row = described("Git", "1.0", &"Lorem ipsum ".repeat(100), "");
    let spent = |expression: Expression| {
        let steps = 1_000_000;
        let work = Work::new(steps);
        let _ = expression
            .condition("$filter")
            .unwrap()
            .verdict(&columns(&row).with_work(&work));
        (0..steps).take_while(|_| work.charge(1)).count()
    };
    let description = || of(Column::Description);
    let left_of = |expression| 1_000_000 - spent(expression);
    let searched = left_of(call(Function::SubstringOf, [quoted("dolor"), description()]));
    assert!((100..400).contains(&searched), "{searched}");
    let made = left_of(equal(
        call(Function::Replace, [description(), quoted("o"), quoted("oo")]),
        quoted("x"),
    ));
    assert!((5_000..10_000).contains(&made), "{made}");
    let flag = left_of(of(Column::Listed));
    assert!(flag < 20, "{flag}");
}

#[test]
fn values_stay_small() {
    assert!(size_of::<TextValue<'_>>() <= 64);
    assert!(size_of::<Value<'_>>() <= 72);
    assert!(size_of::<Expression>() <= 40);
}

#[test]
fn wrong_types_are_refused_with_the_column() {
    let error = |result: Result<Expression, TypeError>| result.unwrap_err().to_string();
    for (message, expected) in [
        (
            error(Expression::compare(
                Comparison::Greater,
                of(Column::Published),
                quoted("x"),
            )),
            "'gt' cannot compare Published (Edm.DateTime) with 'x' (Edm.String): both sides need the same type",
        ),
        (
            error(Expression::compare(
                Comparison::Less,
                of(Column::Listed),
                Literal::Boolean(true).into(),
            )),
            "'lt' cannot order Listed (Edm.Boolean) and Edm.Boolean: use eq or ne",
        ),
        (
            error(of(Column::Id).negate()),
            "'not' needs a condition, not Id (Edm.String): compare it with something, in parentheses",
        ),
        (
            error(Expression::calculate(Arithmetic::Add, of(Column::Id), number(1))),
            "'add' needs two numbers, not Id (Edm.String) and Edm.Int64",
        ),
        (
            error(Expression::call(Function::ToLower, vec![of(Column::Listed)])),
            "argument 1 of tolower must be Edm.String, not Listed (Edm.Boolean)",
        ),
        (
            error(Expression::call(Function::Trim, vec![])),
            "trim takes 1 argument, not 0",
        ),
    ] {
        assert_eq!(message, expected);
    }
}

#[test]
fn a_version_joined_with_nothing_is_a_text() {
    let row = row("git", "1.0");
    for operands in [
        [of(Column::NormalizedVersion), null()],
        [null(), of(Column::NormalizedVersion)],
        [of(Column::NormalizedVersion), of(Column::Title)],
    ] {
        let joined = call(Function::Concat, operands);
        for (text, verdict) in [("1.0.0", Verdict::True), ("1.0", Verdict::False)] {
            let is_equal = equal(joined.clone(), quoted(text));
            assert_eq!(is_equal.verdict(&columns(&row)), verdict, "{text}");
        }
    }
}
