//! Walking a whole feed through a mirror, page by page; and the page for people, which names the feeds.

use std::collections::BTreeSet;

use crate::support::app::TestApp;
use crate::support::gallery::upstream_at;
use crate::support::nupkg::Nupkg;

/// More than three pages of what upstreams are asked for at a time.
const PACKAGES: usize = 130;

#[tokio::test]
async fn next_links_lead_to_the_end_of_the_upstream() {
    let origin = TestApp::start("").await;
    let mut ids = BTreeSet::new();
    for number in 0..PACKAGES {
        let id = format!("walk.{number:03}");
        origin.push(&Nupkg::new(&id, "1.0").pack()).await.expect_status(201);
        ids.insert(id);
    }
    // Pages as long as those of the upstream: where the known rows end, a page ends too.
    for size in [40, 100] {
        let mirror = format!(
            "server.page_size = {size}\n{}",
            upstream_at("origin", &origin.url("/api/v2/"))
        );
        let mirror = TestApp::start(&mirror).await;
        for list in [
            "Packages()?$filter=IsLatestVersion",
            "Search()?$filter=IsLatestVersion&searchTerm='walk'",
        ] {
            let mut found = Vec::new();
            let mut next = Some(mirror.url(&format!("/api/v2/{list}")));
            while let Some(url) = next {
                let page = mirror.feed(&url.replace(&mirror.url(""), "")).await;
                found.extend(page.entries.iter().map(|entry| entry.id.as_str().to_owned()));
                next = page.next;
                assert!(found.len() <= PACKAGES, "{list}: too many rows");
            }
            assert_eq!(found.len(), PACKAGES, "{list}, pages of {size}");
            assert_eq!(
                found.into_iter().collect::<BTreeSet<_>>(),
                ids,
                "{list}, pages of {size}"
            );
        }
    }
}

#[tokio::test]
async fn the_front_page_names_the_address_of_each_feed() {
    let feeds = "[[feed]]\nname = \"main\"\ndefault = true\n[[feed]]\nname = \"second\"\n";
    for (server, base) in [
        ("", None),
        (
            "server.public_url = \"https://packages.example.com/larder/\"\n",
            Some("https://packages.example.com/larder"),
        ),
    ] {
        let app = TestApp::start(&format!("{server}{feeds}")).await;
        let base = base.map_or_else(|| format!("http://{}", app.authority()), str::to_owned);
        let page = app.get("/").await.expect_status(200).text();
        for line in [
            format!("feed main: {base}/api/v2/\n"),
            format!("feed second: {base}/feeds/second/api/v2/\n"),
            format!("--source {base}/api/v2/\n"),
        ] {
            assert!(page.contains(&line), "no {line:?} in {page}");
        }
    }
}
