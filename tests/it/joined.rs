//! Searches over several upstreams and what is hosted here: one list, whole, without repeats, and honest where it cannot be.

mod guards;
mod passed_on;
mod standing;
mod union;

use crate::support::app::{Answer, TestApp, names};
use crate::support::gallery::upstream_at;
use crate::support::nupkg::Nupkg;
use crate::support::searched::{Listed, SearchGallery};

/// The tail of a search of choco's.
const TAIL: &str = "&targetFramework=''&includePrerelease=false";

async fn mirror(server: &str, galleries: &[(&str, &SearchGallery)]) -> TestApp {
    let upstreams = galleries
        .iter()
        .map(|(name, gallery)| upstream_at(name, &gallery.url()));
    let upstreams: Vec<String> = upstreams.collect();
    TestApp::start(&format!("{server}{}", upstreams.concat())).await
}

async fn host(app: &TestApp, row: &Listed) {
    let package = Nupkg::new(&row.id, &row.version).tags(&row.tags).pack();
    app.push(&package).await.expect_status(201);
}

/// Returns so many rows that are called one after the other.
fn rows(name: &str, count: usize) -> Vec<Listed> {
    let row = |number: usize| Listed::new(&format!("{name}{number:03}"), "tool", (number as u64 * 7919) % 1000);
    (0..count).map(row).collect()
}

fn ids(names: Vec<String>) -> Vec<String> {
    let id = |name: String| name.split(' ').next().unwrap_or_default().to_owned();
    names.into_iter().map(id).collect()
}

/// Follows next links to their end. Returns the ids, and the last answer.
async fn by_links(app: &TestApp, list: &str, mut between: impl AsyncFnMut(usize)) -> (Vec<String>, Answer) {
    let mut found = Vec::new();
    let mut next = format!("/api/v2/{list}");
    for page in 1.. {
        let answer = app.get(&next).await.expect_status(200);
        let feed = answer.feed();
        found.extend(ids(names(&feed)));
        let Some(link) = feed.next else {
            return (found, answer);
        };
        next = link
            .strip_prefix(&app.url(""))
            .expect("a link to where it came from")
            .to_owned();
        assert!(page < 500, "{list}: it does not end");
        between(page).await;
    }
    unreachable!("pages are counted to the end")
}

/// Pages as choco does: as long as pages are full. Returns the ids, and the last answer.
async fn by_skip(app: &TestApp, list: &str, mut between: impl AsyncFnMut(usize)) -> (Vec<String>, Answer) {
    let mut found = Vec::new();
    for page in 1.. {
        let target = format!("/api/v2/{list}&$skip={}&$top=30", found.len());
        let answer = app.get(&target).await.expect_status(200);
        let rows = ids(names(&answer.feed()));
        let is_last = rows.len() < 30;
        found.extend(rows);
        if is_last {
            return (found, answer);
        }
        assert!(page < 500, "{list}: it does not end");
        between(page).await;
    }
    unreachable!("pages are counted to the end")
}

async fn count(app: &TestApp, list: &str) -> (usize, Option<String>) {
    let (set, query) = list.split_once('?').expect("a query");
    let answer = app
        .get(&format!("/api/v2/{set}/$count?{query}"))
        .await
        .expect_status(200);
    (
        answer.text().parse().expect("a number"),
        answer.warning().map(str::to_owned),
    )
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[track_caller]
fn assert_each_once(found: &[String], what: &str) {
    let mut seen = std::collections::BTreeSet::new();
    for id in found {
        assert!(seen.insert(id), "{what}: {id} comes twice");
    }
}
