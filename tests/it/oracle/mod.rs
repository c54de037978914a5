//! The engine against a naive one: generated feeds and queries, answered by a larder and by a walk over the whole list.
//!
//! Nothing here uses code of what it tests: versions, case, nulls, latest flags, orders and pages are computed in the plainest
//! way, and filters are made as trees and only printed. `LARDER_ORACLE_CASES` is the number of queries; where it is set they are
//! others in every run, else always the same.

mod answer;
mod decimal;
mod expression;
mod fold;
mod generate;
mod generate_filter;
mod ill_typed;
mod package;
mod print;
mod query;
mod search;
mod server;
mod updates;
mod version;

use proptest::collection::vec;
use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};

use self::answer::Page;
use self::expression::published;
use self::package::{Shown, time};
use self::query::{Expected, Query};
use self::server::Server;
use crate::support::random::number_from;

/// How many queries one feed is asked.
const QUERIES_A_FEED: usize = 75;

#[test]
fn answers_are_those_of_a_walk_over_the_whole_list() {
    let queries = number_from("LARDER_ORACLE_CASES", 3_000);
    // Queries first: a failing case shrinks to one of them before its feed shrinks.
    let cases = (vec(generate::query(), 1..=QUERIES_A_FEED * 2), generate::feed());
    run(queries.div_ceil(QUERIES_A_FEED), cases, async |(queries, feed)| {
        let server = Server::start(&feed).await;
        for query in &queries {
            check(&server, query)
                .await
                .map_err(|wrong| format!("{query:?}\n{wrong}\n{feed:#?}"))?;
        }
        Ok(())
    });
}

#[test]
fn filters_of_wrong_types_are_refused() {
    let queries = number_from("LARDER_ORACLE_CASES", 3_000) / 4;
    let cases = vec((ill_typed::condition(), generate::query()), 1..=QUERIES_A_FEED * 2);
    run(
        queries.div_ceil(QUERIES_A_FEED),
        (generate::feed(), cases),
        async |(feed, cases)| {
            let server = Server::start(&feed).await;
            for (filter, query) in cases {
                let filter = Some(filter);
                let query = Query { filter, ..query };
                for path in [query.path(), query.path().trim_end_matches('/').to_owned() + "/$count"] {
                    let answer = server.app.get(&format!("/api/v2{path}?{}", query.options())).await;
                    if answer.status != 400 {
                        return Err(format!("{query:?}\n{path}: {} {}", answer.status, answer.text()));
                    }
                }
            }
            Ok(())
        },
    );
}

/// Runs cases until one fails, and then looks for a smaller one.
fn run<S: Strategy>(cases: usize, strategy: S, test: impl AsyncFn(S::Value) -> Result<(), String>) {
    let config = Config {
        cases: u32::try_from(cases).expect("a number of cases"),
        max_shrink_iters: 1_500,
        max_shrink_time: 60_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut runner = if std::env::var_os("LARDER_ORACLE_CASES").is_some() {
        TestRunner::new(config)
    } else {
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let outcome = runner.run(&strategy, |case| {
        runtime.block_on(test(case)).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, _) | TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// Asks one question in all ways: page by page, and for the number alone.
async fn check(server: &Server, query: &Query) -> Result<(), String> {
    let expected = query.expected(&server.feed);
    let options = query.options();
    let mut target = format!("/api/v2{}?{options}", query.path());
    let mut found = Vec::new();
    for page_number in 0.. {
        let answer = server.app.get(&target).await;
        if answer.status != 200 {
            return Err(format!("{target}: {} {}", answer.status, answer.text()));
        }
        let page = Page::read(&answer.text());
        check_page(&page, page_number, found.len(), server.feed.page_size, query, &expected)
            .map_err(|wrong| format!("{target}: {wrong}"))?;
        found.extend(page.entries);
        let Some(next) = page.next else { break };
        let path = next.strip_prefix(&server.app.url("")).map(str::to_owned);
        target = path.ok_or_else(|| format!("a next link to elsewhere: {next}"))?;
    }
    if found.len() != expected.rows.len() {
        return Err(format!("{} rows, not {}", found.len(), expected.rows.len()));
    }
    let path = query.path();
    let counted = server
        .app
        .get(&format!("/api/v2{}/$count?{options}", path.trim_end_matches('/')))
        .await;
    if counted.status != 200 || counted.text() != expected.rows.len().to_string() {
        return Err(format!(
            "$count: {} {}, not {}",
            counted.status,
            counted.text(),
            expected.rows.len()
        ));
    }
    Ok(())
}

/// Checks one page, which begins after `before` rows of the answer.
fn check_page(
    page: &Page,
    number: usize,
    before: usize,
    size: usize,
    query: &Query,
    expected: &Expected,
) -> Result<(), String> {
    let rest = expected.rows.get(before..).unwrap_or_default();
    let rows = &rest[..rest.len().min(size)];
    let names = |rows: &[Shown]| {
        rows.iter()
            .map(|row| format!("{} {}", row.package.id, row.package.version))
            .collect::<Vec<_>>()
    };
    let property =
        |entry: &std::collections::BTreeMap<String, String>, name: &str| entry.get(name).cloned().unwrap_or_default();
    let found: Vec<String> = page
        .entries
        .iter()
        .map(|entry| format!("{} {}", property(entry, "Id"), property(entry, "Version")))
        .collect();
    if found != names(rows) {
        return Err(format!("{found:?}\nand not {:?}", names(rows)));
    }
    for (entry, row) in page.entries.iter().zip(rows) {
        for (name, expected) in values(row) {
            if property(entry, name) != expected {
                return Err(format!(
                    "{name} of {}: {:?}, not {expected:?}",
                    row.package.id,
                    property(entry, name)
                ));
            }
        }
    }
    let count = (query.wants_count && number == 0).then_some(expected.total);
    if page.count != count && number == 0 {
        return Err(format!("counted {:?}, not {count:?}", page.count));
    }
    if page.next.is_some() != (rest.len() > size) {
        return Err(format!(
            "next link {:?} after {} of {}",
            page.next,
            rows.len(),
            rest.len()
        ));
    }
    Ok(())
}

/// What an entry must show.
fn values(row: &Shown) -> [(&'static str, String); 10] {
    let package = &row.package;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        ("NormalizedVersion", package.version().normalised()),
        ("IsLatestVersion", row.is_latest.to_string()),
        ("IsAbsoluteLatestVersion", row.is_absolute_latest.to_string()),
        ("IsPrerelease", package.version().is_prerelease().to_string()),
        ("Published", short(&published(row))),
        ("LastUpdated", short(&package.last_updated)),
        ("Title", text(&package.title)),
        ("Tags", text(&package.tags)),
        ("DownloadCount", package.downloads.to_string()),
        ("PackageSize", package.size.to_string()),
    ]
}

/// An instant without zeros at the end of its fraction.
fn short(at: &chrono::DateTime<chrono::Utc>) -> String {
    let text = time(at);
    if text.contains('.') {
        text.trim_end_matches('0').to_owned()
    } else {
        text
    }
}
