//! Lists in pages: what is asked is what comes, next links lead through all of it, and nothing that happens meanwhile makes a
//! client see a row twice or miss one that stayed.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::app::{TestApp, names};
use crate::support::nupkg::Nupkg;
use crate::support::random::Random;

/// Queries in all the orders that clients ask for, each with more rows than a page.
const WALKS: &[&str] = &[
    "Packages()?",
    "Packages?semVerLevel=2.0.0",
    "Packages()?$filter=IsAbsoluteLatestVersion",
    "Packages()?$orderby=Id desc",
    "Packages()?$orderby=Id,Version desc",
    "Packages()?$orderby=Version",
    "Packages()?$orderby=DownloadCount desc,Id",
    "Packages()?$orderby=Published desc&$select=Id,Version",
    "Packages()?$orderby=Title,Id&$inlinecount=allpages",
    "Packages()?$orderby=concat(Title,Id),NormalizedVersion desc",
    "Packages()?$orderby=Listed desc,LastEdited,Tags",
    "Packages()?$filter=RequireLicenseAcceptance eq false",
    "Search()?$filter=IsLatestVersion&searchTerm='walk'&targetFramework=''&includePrerelease=false",
    "Search()?searchTerm='walk'&includePrerelease=true",
    "Search()?searchTerm=''&includePrerelease=true&%24orderby=Id+desc",
];

fn package(number: usize, version: &str) -> Nupkg {
    let title = ["Zed", "alpha", "Alpha", "ü"][number % 4];
    Nupkg::new(&format!("walk.{number:02}"), version)
        .element("title", title)
        .tags(["a b", "B", ""][number % 3])
}

async fn push_all(app: &TestApp, numbers: std::ops::Range<usize>) {
    for number in numbers {
        for version in ["1.0", "1.10", "1.9-beta"] {
            app.push(&package(number, version).pack()).await.expect_status(201);
        }
    }
}

/// Returns the target of a URL of this larder.
fn target(app: &TestApp, url: &str) -> String {
    let base = app.url("");
    url.strip_prefix(&base)
        .unwrap_or_else(|| panic!("{url} does not begin with {base}"))
        .to_owned()
}

/// Follows next links to their end; `between` happens between two pages.
async fn walk(app: &TestApp, list: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
    let mut found = Vec::new();
    let mut links = BTreeSet::new();
    let mut next = Some(format!("/api/v2/{list}"));
    while let Some(list) = next {
        let page = app.feed(&list).await;
        assert!(!page.entries.is_empty(), "{list}: an empty page");
        found.extend(names(&page));
        next = page.next.map(|url| target(app, &url));
        if let Some(next) = &next {
            assert!(links.insert(next.clone()), "{next} came before");
            between(links.len()).await;
        }
    }
    found
}

#[tokio::test]
async fn next_links_lead_through_every_list() {
    let app = TestApp::start("server.page_size = 7").await;
    push_all(&app, 0..10).await;
    for list in WALKS {
        let whole = names(&app.feed(&format!("/api/v2/{list}&$top=7")).await);
        let found = walk(&app, list, async |_| {}).await;
        assert_eq!(found[..7], whole, "{list}");
        let count = app
            .get(&format!("/api/v2/{}", list.replacen('?', "/$count?", 1)))
            .await
            .text();
        assert_eq!(found.len().to_string(), count, "{list}");
        assert_eq!(
            found.iter().collect::<BTreeSet<_>>().len(),
            found.len(),
            "{list}: {found:?}"
        );
        // By counting, as choco and PSResourceGet page, it is the same list in the same order.
        let mut counted = Vec::new();
        loop {
            let page = app
                .feed(&format!("/api/v2/{list}&$skip={}&$top=4", counted.len()))
                .await;
            assert_eq!(page.next, None, "{list}: $top was served");
            let rows = names(&page);
            if rows.is_empty() {
                break;
            }
            counted.extend(rows);
        }
        assert_eq!(counted, found, "{list}");
        // A larger $top is served by next links, to its end and no further.
        let most = found.len() - 2;
        assert_eq!(
            walk(&app, &format!("{list}&$top={most}"), async |_| {}).await,
            found[..most],
            "{list}"
        );
        assert_eq!(
            walk(&app, &format!("{list}&$skip=3&$top=6000"), async |_| {}).await,
            found[3..],
            "{list}"
        );
    }
}

#[tokio::test]
async fn what_changes_between_pages_disturbs_nobody() {
    let app = TestApp::start("server.page_size = 3\n[[feed]]\nname = \"f\"\ndelete = \"remove\"\n").await;
    push_all(&app, 0..8).await;
    let mut random = Random::from_seed(4711);
    for (round, list) in WALKS.iter().enumerate() {
        let before: BTreeSet<String> = walk(&app, list, async |_| {}).await.into_iter().collect();
        let app = &app;
        let mut fresh = 10 * (round + 1);
        let found = walk(app, list, async |pages| {
            if pages > 5 {
                return;
            }
            for _ in 0..random.below(3) {
                fresh += 1;
                let package = package(random.below(12), &format!("0.{fresh}"));
                app.push(&package.pack()).await.expect_status(201);
            }
            for _ in 0..random.below(3) {
                // What is not there, or no more, is not deleted.
                let version = *random.pick(&["1.0", "1.9-beta", "0.11", "0.21", "0.31"]);
                let target = format!("/api/v2/package/walk.{:02}/{version}", random.below(12));
                app.manage("DELETE", &target).await;
            }
        })
        .await;
        let after: BTreeSet<String> = walk(app, list, async |_| {}).await.into_iter().collect();
        let mut seen = BTreeMap::new();
        for row in &found {
            *seen.entry(row).or_insert(0) += 1;
        }
        let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "{list}: {twice:?}");
        for stayed in before.intersection(&after) {
            assert!(seen.contains_key(stayed), "{list}: {stayed} was missed; seen {found:?}");
        }
    }
}

#[tokio::test]
async fn next_links_carry_every_parameter() {
    let app = TestApp::start("server.page_size = 2").await;
    push_all(&app, 0..3).await;
    for (list, expected) in [
        (
            "/api/v2//Search()?$filter=IsAbsoluteLatestVersion&$orderby=Id&searchTerm=%27walk%27&targetFramework=%27%27&includePrerelease=true&$skip=0&$top=30&semVerLevel=2.0.0",
            "/api/v2/Search()?$filter=IsAbsoluteLatestVersion&$orderby=Id&searchTerm=%27walk%27&targetFramework=%27%27&includePrerelease=true&$top=28&semVerLevel=2.0.0&$skiptoken='walk.01','1.10'",
        ),
        (
            "/api/v2/FindPackagesById()?id=%27walk.00%27&%24inlinecount=allpages&%24skip=0&x=%26",
            "/api/v2/FindPackagesById()?id=%27walk.00%27&%24inlinecount=allpages&x=%26&$skiptoken='walk.00','1.9-beta'",
        ),
        (
            "/api/v2/Packages()?$orderby=DownloadCount%20desc,Id",
            "/api/v2/Packages()?$orderby=DownloadCount%20desc,Id&$skiptoken=0,'walk.00','1.9-beta'",
        ),
    ] {
        let page = app.feed(list).await;
        assert_eq!(
            page.next.map(|url| target(&app, &url)).as_deref(),
            Some(expected),
            "{list}"
        );
    }
}

#[tokio::test]
async fn tokens_are_taken_in_every_form() {
    let app = TestApp::start("").await;
    push_all(&app, 0..3).await;
    let rest = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
    let (last, two) = (
        rest(&["walk.02 1.0"]),
        rest(&["walk.02 1.10", "walk.02 1.9-beta", "walk.02 1.0"]),
    );
    for (query, expected) in [
        ("$skiptoken='walk.02','1.9-beta'", &last),
        ("%24skiptoken=%27WALK.02%27%2C%271.9.0-beta%27", &last),
        ("$SkipToken='walk.02','1.9-beta',100", &last),
        // Where the row would stand that was never there.
        ("$skiptoken='walk.02','1.5'", &last),
        ("$skiptoken='walk.01x','0'", &two),
        ("$skiptoken='walk.01','0.1'&$top=3", &two),
        ("$skiptoken='walk.02','1.10'&$skip=1", &last),
        ("$orderby=DownloadCount desc&$skiptoken='x','1.0',8", &last),
        (
            "$orderby=DownloadCount desc,Id&$skiptoken=0,'walk.02','1.9-beta'",
            &last,
        ),
        (
            "$orderby=Id,Version&$skiptoken='walk.02','1.9-beta'",
            &rest(&["walk.02 1.10"]),
        ),
        ("$skiptoken='zzz','1.0'", &Vec::new()),
    ] {
        assert_eq!(
            &names(&app.feed(&format!("/api/v2/Packages()?{query}")).await),
            expected,
            "{query}"
        );
    }
    // The total is that of all pages, and a count is not of the rest.
    let page = app
        .get("/api/v2/Packages()?$inlinecount=allpages&$skiptoken='walk.02','1.9-beta'")
        .await;
    assert_eq!(page.feed().count, Some(9));
    let counted = app
        .get("/api/v2/Packages()/$count?$skiptoken='walk.02','1.9-beta'")
        .await;
    assert_eq!(counted.text(), "9");
    for (query, reason) in [
        ("$skiptoken=", "$skiptoken cannot be read"),
        ("$skiptoken=walk.02", "$skiptoken cannot be read"),
        ("$skiptoken='walk.02'", "this order needs 2 (Id, Version)"),
        ("$skiptoken='walk.02','latest'", "a value of Version"),
        (
            "$orderby=Title&$skiptoken='walk.02','1.0'",
            "this order needs 3 (Title, Id, Version)",
        ),
        ("$skiptoken='a','1.0'&%24skiptoken='b','1.0'", "more than once"),
    ] {
        for list in ["Packages()", "Packages()/$count"] {
            let refused = app.get(&format!("/api/v2/{list}?{query}")).await.expect_status(400);
            assert!(refused.text().contains(reason), "{query}: {}", refused.text());
        }
    }
}

#[tokio::test]
async fn a_page_is_as_long_as_it_is_asked_to_be() {
    let app = TestApp::start("server.page_size = 5").await;
    push_all(&app, 0..3).await;
    let all = walk(&app, "Packages()?", async |_| {}).await;
    for skip in 0..11 {
        for top in 0..7 {
            let page = app
                .get(&format!(
                    "/api/v2/Packages()?$inlinecount=allpages&$skip={skip}&$top={top}"
                ))
                .await;
            let page = page.expect_status(200).feed();
            let expected: Vec<_> = all.iter().skip(skip).take(top.min(5)).cloned().collect();
            assert_eq!(names(&page), expected, "$skip={skip}&$top={top}");
            assert_eq!(page.count, Some(9), "$skip={skip}&$top={top}");
            let is_more = top > 5 && skip + 5 < all.len();
            assert_eq!(page.next.is_some(), is_more, "$skip={skip}&$top={top}");
        }
    }
}

#[tokio::test]
async fn a_search_is_walked_through_a_mirror_by_its_links() {
    use crate::support::gallery::upstream_at;
    let origin = TestApp::start("").await;
    for number in 0..90 {
        let tags = if number % 2 == 0 { "walk" } else { "" };
        let id = format!("p{number:02}{}", if number % 2 == 0 { "" } else { ".walk" });
        origin
            .push(&Nupkg::new(&id, "1.0").tags(tags).pack())
            .await
            .expect_status(201);
    }
    let mirror = format!(
        "server.page_size = 20\n{}",
        upstream_at("origin", &origin.url("/api/v2/"))
    );
    let mirror = TestApp::start(&mirror).await;
    for list in [
        "Search()?$filter=IsLatestVersion&$orderby=Id&searchTerm='walk'&targetFramework=''&includePrerelease=false",
        "Packages()?$filter=IsLatestVersion&$orderby=Id",
        "Search()?$filter=IsLatestVersion&$orderby=Id&searchTerm='walk'&$top=75",
    ] {
        let found = walk(&mirror, list, async |_| {}).await;
        let expected = if list.contains("$top=75") { 75 } else { 90 };
        assert_eq!(found.len(), expected, "{list}");
        assert!(found.is_sorted(), "{list}: {found:?}");
    }
}
