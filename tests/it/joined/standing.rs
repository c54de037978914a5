//! Pages stand still: what others ask meanwhile, and what upstreams come to have, makes nobody see a row twice or miss one.

use futures::future::join_all;

use super::{TAIL, assert_each_once, by_links, by_skip, count, host, mirror, rows, sorted};
use crate::support::app::{find, names};
use crate::support::gallery::upstream_at;
use crate::support::searched::{Filters, Listed, SearchGallery};

const ORDERS: &[&str] = &[
    "&$orderby=Id",
    "&$orderby=DownloadCount desc,Id",
    "&$orderby=Id desc",
    "&$orderby=Published desc",
    "",
];

#[tokio::test]
async fn what_is_learnt_between_two_pages_shifts_nothing() {
    for (number, order) in ORDERS.iter().enumerate() {
        for walks_by_links in [true, false] {
            let (mut first, second) = (rows("m.tool.", 130), rows("n.tool.", 90));
            first.extend(rows("a.other.", 60).into_iter().map(|row| Listed {
                tags: "hidden".to_owned(),
                ..row
            }));
            let one = SearchGallery::start(first, Filters::Taken).await;
            let two = SearchGallery::start(second, Filters::Taken).await;
            let app = mirror("server.page_size = 30\n", &[("one", &one), ("two", &two)]).await;
            host(&app, &Listed::new("k.tool", "tool", 0)).await;
            let list = format!("Search()?$filter=IsLatestVersion&searchTerm='tool'{TAIL}{order}");
            let between = async |page: usize| {
                // Others search for other things, look up ids that this search would find, and begin the same search.
                app.feed("/api/v2/Search()?searchTerm='other'&includePrerelease=true")
                    .await;
                let fresh = Listed::new(&format!("b.tool.new{page}"), "tool", 5000);
                one.change(|gallery| gallery.packages.insert(0, fresh.clone()));
                app.feed(&find(&fresh.id)).await;
                app.feed(&format!("/api/v2/{list}&$top=30")).await;
            };
            let (found, _) = if walks_by_links {
                by_links(&app, &list, between).await
            } else {
                by_skip(&app, &list, between).await
            };
            assert_each_once(&found, &list);
            let mut expected: Vec<String> = rows("m.tool.", 130)
                .into_iter()
                .chain(rows("n.tool.", 90))
                .map(|row| row.id)
                .collect();
            expected.push("k.tool".to_owned());
            let old = found.iter().filter(|id| !id.contains("new")).cloned();
            assert_eq!(sorted(old.collect()), sorted(expected), "{number} {list}");
        }
    }
}

#[tokio::test]
async fn the_answer_is_in_the_asked_order_though_later_rows_are_known() {
    let gallery = SearchGallery::start(rows("tool.", 190), Filters::Taken).await;
    let app = mirror("server.page_size = 30\n", &[("gallery", &gallery)]).await;
    // The end of the list is known before its middle is.
    for row in rows("tool.", 190).iter().skip(150).step_by(7) {
        app.feed(&find(&row.id)).await;
    }
    let list = format!("Search()?$filter=IsLatestVersion&searchTerm='tool'&$orderby=Id{TAIL}");
    let expected: Vec<String> = rows("tool.", 190).into_iter().map(|row| row.id).collect();
    let (found, answer) = by_skip(&app, &list, async |_| {}).await;
    assert_eq!(found, expected);
    assert_eq!(answer.warning(), None);
    assert_eq!(gallery.asked_for("Search()"), 5);
    let (found, _) = by_links(&app, &list, async |_| {}).await;
    assert_eq!(found, expected);
    assert_eq!(gallery.asked_for("Search()"), 5, "the second reader costs nothing");
}

#[tokio::test]
async fn a_push_is_seen_at_once_and_a_deleted_row_leaves_no_gap() {
    let gallery = SearchGallery::start(rows("tool.", 100), Filters::Taken).await;
    let feed = "[[feed]]\nname = \"f\"\nupstreams = [\"gallery\"]\ndelete = \"remove\"\n";
    let config = format!(
        "server.page_size = 30\n{}{feed}",
        upstream_at("gallery", &gallery.url())
    );
    let app = crate::support::app::TestApp::start(&config).await;
    let list = format!("Search()?$filter=IsLatestVersion&searchTerm='tool'&$orderby=Id{TAIL}");
    app.feed(&format!("/api/v2/{list}")).await;
    host(&app, &Listed::new("a.tool", "tool", 0)).await;
    host(&app, &Listed::new("tool.040", "tool", 0)).await;
    assert_eq!(
        names(&app.feed(&format!("/api/v2/{list}")).await)[..2],
        ["a.tool 1.0", "tool.000 1.0"]
    );
    let (found, _) = by_skip(&app, &list, async |page| {
        if page == 1 {
            // It is hosted and goes: what upstreams have of the id is no longer hidden.
            app.manage("DELETE", "/api/v2/package/tool.040/1.0")
                .await
                .expect_status(204);
        }
    })
    .await;
    assert_each_once(&found, &list);
    assert_eq!(found.len(), 101);
    app.manage("DELETE", "/api/v2/package/a.tool/1.0")
        .await
        .expect_status(204);
    assert_eq!(names(&app.feed(&format!("/api/v2/{list}")).await)[0], "tool.000 1.0");
}

#[tokio::test]
async fn fifty_clients_ask_once() {
    let (one, two) = (
        SearchGallery::start(rows("m.tool.", 90), Filters::Taken).await,
        SearchGallery::start(rows("n.tool.", 90), Filters::Taken).await,
    );
    let app = mirror("server.page_size = 30\n", &[("one", &one), ("two", &two)]).await;
    let list = format!("Search()?$filter=IsLatestVersion&searchTerm='tool'&$orderby=Id{TAIL}");
    one.close_gate();
    two.close_gate();
    let opener = async {
        // Neither waits for the other: both are asked before either has answered.
        while one.asked().is_empty() || two.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        one.open_gate();
        two.open_gate();
    };
    let clients = join_all((0..50).map(|_| by_links(&app, &list, async |_| {})));
    let (walks, ()) = futures::join!(clients, opener);
    for (found, _) in &walks {
        assert_eq!(*found, walks[0].0);
        assert_eq!(found.len(), 180);
    }
    assert_eq!((one.most_at_a_time(), two.most_at_a_time()), (1, 1));
    assert_eq!((one.asked().len(), two.asked().len()), (3, 3));
    assert_eq!(count(&app, &list).await, (180, None));
    assert_eq!((one.asked().len(), two.asked().len()), (3, 3));
}
