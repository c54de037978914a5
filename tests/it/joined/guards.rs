//! Upstreams whose pages never end, repeat, or end too early: what they have is shown, and that it may not be all.

use super::{TAIL, assert_each_once, by_links, by_skip, count, mirror, rows};
use crate::support::app::names;
use crate::support::searched::{Filters, SearchGallery};

fn search(order: &str) -> String {
    format!("Search()?$filter=IsLatestVersion&searchTerm='tool'&$orderby={order}{TAIL}")
}

#[tokio::test]
async fn a_ceiling_ends_a_list_as_partial() {
    let gallery = SearchGallery::start(rows("tool.", 200), Filters::Taken).await;
    gallery.change(|gallery| gallery.ceiling = 120);
    let app = mirror("server.page_size = 30\n", &[("gallery", &gallery)]).await;
    for order in ["Id", "DownloadCount desc,Id", "Title"] {
        let list = search(order);
        for _ in 0..2 {
            let (found, answer) = by_links(&app, &list, async |_| {}).await;
            assert_each_once(&found, &list);
            assert!(found.len() >= 120, "{list}: {}", found.len());
            assert!(
                answer
                    .warning()
                    .is_some_and(|warning| warning.contains("no more than 120 rows")),
                "{list}"
            );
            let (skipped, answer) = by_skip(&app, &list, async |_| {}).await;
            assert_eq!(skipped.len(), found.len(), "{list}");
            assert!(
                answer.warning().is_some(),
                "{list}: what is partial is said to be so each time"
            );
            let (counted, warning) = count(&app, &list).await;
            assert!(counted >= found.len() && warning.is_some(), "{list}");
        }
    }
    let first = app.get(&format!("/api/v2/{}", search("Id"))).await;
    assert_eq!(first.warning(), None, "the first page is whole");
}

#[tokio::test]
async fn pages_that_repeat_are_left() {
    let gallery = SearchGallery::start(rows("tool.", 200), Filters::Taken).await;
    gallery.change(|gallery| gallery.ignores_skip = true);
    let app = mirror("server.page_size = 30\n", &[("gallery", &gallery)]).await;
    let list = search("Id");
    for _ in 0..2 {
        let (found, answer) = by_links(&app, &list, async |_| {}).await;
        assert_eq!(found.len(), 40);
        assert_each_once(&found, &list);
        assert!(
            answer
                .warning()
                .is_some_and(|warning| warning.contains("no more than 40 rows"))
        );
    }
    assert_eq!(
        gallery.asked_for("Search()?"),
        2,
        "the page after the first is asked for once"
    );
}

#[tokio::test]
async fn one_question_asks_for_no_more_than_some_pages() {
    let gallery = SearchGallery::start(rows("tool.", 990), Filters::Taken).await;
    // Pages of one row: an upstream that never seems to end.
    gallery.change(|gallery| gallery.page = 1);
    let app = mirror("", &[("gallery", &gallery)]).await;
    let list = search("Id");
    let before = gallery.asked().len();
    let answer = app.get(&format!("/api/v2/{list}")).await.expect_status(200);
    let asked = gallery.asked().len() - before;
    assert!(asked <= 100, "{asked}");
    // Pages that are not full are the last ones.
    assert_eq!(names(&answer.feed()).len(), 1);
    gallery.change(|gallery| gallery.page = 40);
    let needle = "Packages()?$filter=IsLatestVersion and indexof(Id,'989') ge 0&$orderby=Id";
    let before = gallery.asked().len();
    let answer = app.get(&format!("/api/v2/{needle}")).await.expect_status(200);
    assert_eq!(names(&answer.feed()), ["tool.989 1.0"]);
    assert_eq!(gallery.asked().len() - before, 25);
    gallery.change(|gallery| gallery.packages = rows("item.", 1_000).into_iter().chain(rows("tool.", 40)).collect());
    let haystack = "Packages()?$filter=IsLatestVersion and indexof(Id,'tool.03') ge 0&$orderby=Id,Version";
    app.clock.advance(std::time::Duration::from_secs(300));
    let before = gallery.asked().len();
    let answer = app.get(&format!("/api/v2/{haystack}")).await.expect_status(200);
    assert!(gallery.asked().len() - before <= 25);
    assert!(
        answer
            .warning()
            .is_some_and(|warning| warning.contains("first 1000 rows")),
        "{:?}",
        answer.warning()
    );
    let answer = app.get(&format!("/api/v2/{haystack}")).await.expect_status(200);
    assert_eq!(names(&answer.feed()).len(), 10, "who asks again gets further");
    assert_eq!(answer.warning(), None);
}

#[tokio::test]
async fn what_cannot_be_looked_through_is_counted_as_the_upstream_says() {
    let gallery = SearchGallery::start(
        rows("tool.", 1_000).into_iter().chain(rows("x.", 500)).collect(),
        Filters::Taken,
    )
    .await;
    let app = mirror("", &[("gallery", &gallery)]).await;
    let all = format!("Search()?$filter=IsLatestVersion&searchTerm=''&$orderby=Id{TAIL}");
    let (counted, warning) = count(&app, &all).await;
    assert_eq!(counted, 1_500);
    assert!(warning.is_some_and(|warning| warning.contains("estimate")));
    assert_eq!(gallery.asked().len(), 2, "a page and the number");
    let (found, answer) = by_links(&app, &all, async |_| {}).await;
    assert_eq!((found.len(), answer.warning()), (1_500, None));
    assert_eq!(count(&app, &all).await, (1_500, None), "all are known now");
    // What it does not say is at least what is known.
    gallery.change(|gallery| gallery.counts = false);
    app.clock.advance(std::time::Duration::from_secs(300));
    let (counted, warning) = count(&app, &all).await;
    assert_eq!(counted, 1_500);
    assert!(warning.is_some_and(|warning| warning.contains("known ones")));
}

#[tokio::test]
async fn an_upstream_that_fails_half_way_leaves_what_is_known() {
    let (one, two) = (
        SearchGallery::start(rows("m.tool.", 100), Filters::Taken).await,
        SearchGallery::start(rows("n.tool.", 100), Filters::Taken).await,
    );
    let app = mirror("server.page_size = 30\n", &[("one", &one), ("two", &two)]).await;
    let list = search("Id");
    let (found, answer) = by_links(&app, &list, async |page| {
        if page == 1 {
            one.change(|gallery| gallery.down = Some(503));
        }
    })
    .await;
    assert_each_once(&found, &list);
    assert!(
        answer.warning().is_some_and(|warning| warning.contains("one")),
        "{:?}",
        answer.warning()
    );
    assert_eq!(found.len(), 140);
    one.change(|gallery| gallery.down = None);
    app.clock.advance(std::time::Duration::from_secs(3600));
    let (found, answer) = by_links(&app, &list, async |_| {}).await;
    assert_eq!((found.len(), answer.warning()), (200, None));
    assert!(found.is_sorted());
}
