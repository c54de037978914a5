//! Every way in which clients spell an address, by every method that galleries take.

use crate::support::app::{TestApp, send};
use crate::support::nupkg::Nupkg;

/// Roots of the default feed.
const ROOTS: [&str; 5] = ["/api/v2", "/nuget", "/chocolatey", "/API/V2", "/feeds/main/api/v2"];

const FEED: &str = "[[feed]]\nname = \"main\"\ndefault = true\n";

async fn app() -> TestApp {
    let app = TestApp::start(FEED).await;
    for version in ["1.0", "2.0-beta"] {
        app.push(&Nupkg::new("Git", version).pack()).await.expect_status(201);
    }
    app
}

async fn status(app: &TestApp, method: &str, target: &str) -> (u16, Option<String>) {
    // The client takes the length of a coded answer away.
    let request = app.request(method, target).header("Accept-Encoding", "identity");
    let answer = send(request).await.expect("a whole answer");
    let length = answer.header("content-length").map(str::to_owned);
    (answer.status, length)
}

#[tokio::test]
async fn lists_are_found_in_every_spelling() {
    let app = app().await;
    for root in ROOTS {
        for (list, total) in [
            ("Packages", 2),
            ("Packages()", 2),
            ("Packages/", 2),
            ("Packages()/", 2),
            ("/Packages()", 2),
            ("packages%28%29", 2),
            ("api/v2/Packages()", 2),
            ("Search", 1),
            ("Search()", 1),
            ("/Search()?searchTerm='git'", 1),
            ("search%28%29/?searchTerm=%27git%27&includePrerelease=true", 2),
            ("FindPackagesById()?id='git'", 2),
            ("FindPackagesById?id=git", 2),
            ("FindPackagesById()/?Id=%27GIT%27", 2),
            ("FindPackagesById(id='git')", 2),
            ("FindPackagesById(Id=%27git%27)", 2),
            ("findpackagebyid()?id='git'", 2),
            ("FindPackagesById()?id='none'", 0),
            ("FindPackagesById()", 0),
        ] {
            let target = format!("{root}/{list}");
            let shown = app.feed(&target).await.entries.len();
            assert_eq!(shown, total, "{target}");
            let (posted, _) = status(&app, "POST", &target).await;
            let (asked, length) = status(&app, "HEAD", &target).await;
            assert_eq!((posted, asked), (200, 200), "{target}");
            assert!(length.is_some_and(|length| length != "0"), "{target}");
            assert_eq!(status(&app, "PUT", &target).await.0, 405, "{target}");

            let (path, query) = list.split_once('?').unwrap_or((list, ""));
            for count in ["$count", "%24count", "$COUNT/"] {
                let target = format!("{root}/{path}/{count}?{query}");
                let counted = app.get(&target).await.expect_status(200).text();
                assert_eq!(counted, total.to_string(), "{target}");
                assert_eq!(status(&app, "POST", &target).await.0, 200, "{target}");
                assert_eq!(
                    status(&app, "HEAD", &target).await,
                    (200, Some("1".to_owned())),
                    "{target}"
                );
            }
        }
    }
}

#[tokio::test]
async fn versions_are_found_in_every_spelling() {
    let app = app().await;
    let keys = [
        "(Id='git',Version='1.0')",
        "(Version='1.0',Id='git')",
        "(Id='GIT', Version='1.0.0')",
        "(Id=%27git%27,Version=%271.0%27)",
        "%28Id%3d%27git%27%2cVersion%3D%271.0%27%29",
        "(Id=git,Version=1)",
        "(Id='git',Version='01.0.0.0')",
    ];
    for root in ROOTS {
        for key in keys {
            for name in ["Packages", "packages", "/Packages"] {
                let target = format!("{root}/{name}{key}");
                for tail in ["", "/", "?$select=Id&hijack=false"] {
                    let target = format!("{target}{tail}");
                    assert_eq!(app.feed(&target).await.entries.len(), 1, "{target}");
                    assert_eq!(status(&app, "HEAD", &target).await.0, 200, "{target}");
                }
                for tail in ["/Download", "/download/", "/$value", "/%24value"] {
                    let target = format!("{target}{tail}");
                    let file = app.get(&target).await.expect_status(200);
                    assert_eq!(file.header("content-type"), Some("application/zip"), "{target}");
                }
                for (tail, expected) in [("/Version/$value", "1.0"), ("//Id/%24value/", "Git")] {
                    let target = format!("{target}{tail}");
                    assert_eq!(app.get(&target).await.expect_status(200).text(), expected, "{target}");
                }
            }
        }
        for document in ["", "/", "//", "/$metadata", "/%24metadata/", "//$METADATA"] {
            let target = format!("{root}{document}");
            assert!(app.get(&target).await.expect_status(200).text().starts_with("<?xml"));
            assert_eq!(status(&app, "HEAD", &target).await.0, 200, "{target}");
        }
        for file in ["package/git", "package/git/1.0", "/package//GIT/1.0.0/", "git/1.0"] {
            let target = format!("{root}/{file}");
            assert_eq!(status(&app, "HEAD", &target).await.0, 200, "{target}");
            app.get(&target).await.expect_status(200);
        }
    }
}
