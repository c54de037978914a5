//! JSON for those who ask for it, and Atom for all others.

use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp, send};
use crate::support::nupkg::Nupkg;

const JSON: &str = "application/json;odata=verbose;charset=utf-8";

async fn app() -> TestApp {
    let app = TestApp::start("server.page_size = 2").await;
    for version in ["1.0", "1.1", "2.0"] {
        app.push(&Nupkg::new("Git", version).pack()).await.expect_status(201);
    }
    app
}

async fn accepting(app: &TestApp, target: &str, accept: &str) -> Answer {
    let request = app.request("GET", target).header("Accept", accept);
    send(request).await.expect("a whole answer")
}

fn read(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some(JSON), "{}", answer.url);
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[tokio::test]
async fn json_is_asked_for_in_several_ways() {
    let app = app().await;
    let lists = [
        ("/api/v2/Packages()", 3),
        ("/api/v2/Search()?$filter=IsLatestVersion", 1),
        ("/api/v2/FindPackagesById()?id='git'&$orderby=Version", 3),
    ];
    for (list, total) in lists {
        let separator = if list.contains('?') { '&' } else { '?' };
        for (options, accept) in [
            ("$format=json", "*/*"),
            ("%24format=verbosejson", "application/atom+xml"),
            ("$format=application/json;odata%3Dverbose", ""),
            ("x=1", "application/json;odata=verbose"),
            ("x=1", "application/json"),
        ] {
            let target = format!("{list}{separator}$inlinecount=allpages&{options}");
            let answer = accepting(&app, &target, accept).await.expect_status(200);
            assert_eq!(answer.header("dataserviceversion"), Some("2.0;"));
            let page = read(&answer);
            assert_eq!(page["d"]["__count"], total.to_string(), "{target}");
            let shown = page["d"]["results"].as_array().expect("rows").len();
            assert_eq!(shown, total.min(2), "{target}");
            assert_eq!(page["d"]["__next"].is_string(), total > 2, "{target}");
        }
    }
}

#[tokio::test]
async fn json_pages_lead_to_the_end() {
    let app = app().await;
    let mut versions = Vec::new();
    let mut next = Some("/api/v2/Packages()?$format=json&$orderby=Version".to_owned());
    while let Some(target) = next {
        let page = read(&app.get(&target).await.expect_status(200));
        for row in page["d"]["results"].as_array().expect("rows") {
            versions.push(row["Version"].as_str().expect("a text").to_owned());
        }
        next = page["d"]["__next"].as_str().map(|url| url.replace(&app.url(""), ""));
        assert!(versions.len() <= 3, "{versions:?}");
    }
    assert_eq!(versions, ["1.0", "1.1", "2.0"]);
}

#[tokio::test]
async fn everything_has_a_json_form() {
    let app = app().await;
    let base = app.url("/api/v2");
    let entry = accepting(&app, "/api/v2/Packages(Id='git',Version='2.0')", "application/json").await;
    let entry = read(&entry.expect_status(200));
    assert_eq!(
        entry["d"]["__metadata"],
        json!({
            "uri": format!("{base}/Packages(Id='Git',Version='2.0.0')"),
            "type": "NuGetGallery.OData.V2FeedPackage",
            "edit_media": format!("{base}/Packages(Id='Git',Version='2.0.0')/$value"),
            "media_src": format!("{base}/package/Git/2.0.0"),
            "content_type": "application/zip",
        })
    );
    assert_eq!(entry["d"]["Published"], "/Date(1772366400000)/");
    assert_eq!(entry["d"]["IsLatestVersion"], true);
    for (target, expected) in [
        ("/api/v2?$format=json", json!({"d": {"EntitySets": ["Packages"]}})),
        (
            "/api/v2/Packages(Id='git',Version='2.0')/Id?$format=json",
            json!({"d": {"Id": "Git"}}),
        ),
        (
            "/api/v2/Packages(Id='git',Version='2.0')/DownloadCount?$format=json",
            json!({"d": {"DownloadCount": 0}}),
        ),
        (
            "/api/v1/Packages(Id='git',Version='2.0')/DownloadCount?$format=json",
            json!({"d": {"DownloadCount": "0"}}),
        ),
        (
            "/api/v2/FindPackagesById()?id='none'&$format=json",
            json!({"d": {"results": []}}),
        ),
    ] {
        assert_eq!(read(&app.get(target).await.expect_status(200)), expected, "{target}");
    }
    let first = app.get("/api/v1/Packages()?$format=json&$select=Version&$top=1").await;
    assert_eq!(first.header("dataserviceversion"), Some("1.0;"));
    assert_eq!(read(&first)["d"][0]["Version"], "2.0");
    let counted = app.get("/api/v1/Packages()?$format=json&$inlinecount=allpages").await;
    assert_eq!(counted.header("dataserviceversion"), Some("2.0;"));
    assert_eq!(read(&counted)["d"]["__count"], "3");
}

#[tokio::test]
async fn failures_are_told_in_json_too() {
    let app = app().await;
    for (target, status, message) in [
        (
            "/api/v2/Packages(Id='git',Version='9.0')",
            404,
            "There is no package 'git 9.0' here.",
        ),
        (
            "/api/v2/Packages()?$nonsense=1",
            400,
            "Query parameter $nonsense is not supported.",
        ),
        (
            "/api/v2/Packages('git')",
            400,
            "'Packages('git')' is not a key: write (Id='git',Version='2.40.0').",
        ),
    ] {
        let answer = accepting(&app, target, "application/json").await.expect_status(status);
        let error = read(&answer);
        assert_eq!(error["error"]["message"], json!({"lang": "en-US", "value": message}));
    }
}

#[tokio::test]
async fn atom_is_for_all_others() {
    let app = app().await;
    for (target, accept) in [
        ("/api/v2/Packages()", ""),
        ("/api/v2/Packages()", "*/*"),
        ("/api/v2/Packages()", "application/atom+xml, application/xml"),
        ("/api/v2/Packages()", "image/png"),
        ("/api/v2/Packages()", "application/json;q=0.4, application/atom+xml"),
        ("/api/v2/Packages()", "application/json;odata=minimalmetadata"),
        ("/api/v2/Packages()?$format=atom", "application/json"),
        ("/api/v2/Packages()?$format=application/atom%2Bxml", "application/json"),
    ] {
        let answer = accepting(&app, target, accept).await.expect_status(200);
        assert_eq!(
            answer.header("content-type"),
            Some("application/atom+xml;type=feed;charset=utf-8"),
            "{target} {accept}"
        );
    }
    for (target, accept, expected) in [
        ("/api/v2/", "*/*", "application/xml;charset=utf-8"),
        (
            "/api/v2/",
            "application/atomsvc+xml",
            "application/atomsvc+xml;charset=utf-8",
        ),
        ("/api/v2/$metadata", "application/json", "application/xml;charset=utf-8"),
        (
            "/api/v2/Packages/$count",
            "application/json",
            "text/plain;charset=utf-8",
        ),
    ] {
        let answer = accepting(&app, target, accept).await.expect_status(200);
        assert_eq!(answer.header("content-type"), Some(expected), "{target} {accept}");
    }
    for target in [
        "/api/v2/?$format=csv",
        "/api/v2/Packages()?$format=csv",
        "/api/v2/Packages(Id='git',Version='2.0')?$format=csv",
        "/api/v2/Packages()?$callback=f&$format=json",
    ] {
        app.get(target).await.expect_status(400);
    }
}
