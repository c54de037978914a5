//! What hostile or unlucky clients do, and what must come of it.

use crate::support::app::{KEY, TestApp, find, send};
use crate::support::nupkg::Nupkg;
use crate::support::raw_http::Connection;

#[tokio::test]
async fn a_push_to_the_front_page_is_not_answered_as_if_it_were_taken() {
    let app = TestApp::start("").await;
    for method in ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"] {
        let answer = send(app.request(method, "/").header("X-NuGet-ApiKey", KEY))
            .await
            .unwrap();
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method}");
    }
    app.get("/").await.expect_status(200);
}

#[tokio::test]
async fn a_refused_method_is_told_all_that_are_not() {
    let app = TestApp::start("").await;
    for (target, allowed) in [
        ("/api/v2/Packages()", "GET, HEAD, POST"),
        ("/api/v2/Search()/$count", "GET, HEAD, POST"),
        ("/api/v2/$metadata", "GET, HEAD"),
    ] {
        let answer = send(app.request("DELETE", target)).await.unwrap().expect_status(405);
        assert_eq!(answer.header("allow"), Some(allowed), "{target}");
        assert!(answer.text().contains(&format!("what is: {allowed}.")), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_push_that_waits_for_leave_is_refused_at_once() {
    let app = TestApp::start("").await;
    for (headers, status) in [
        ("Content-Length: 300000000", 401),
        ("Content-Length: 300000000\r\nX-NuGet-ApiKey: wrong", 403),
        ("Transfer-Encoding: chunked", 401),
        ("Content-Length: 900000000\r\nX-NuGet-ApiKey: test-key", 413),
    ] {
        let mut connection = Connection::open(&app.authority());
        let head = format!("PUT /api/v2/package HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\n{headers}\r\n\r\n");
        connection.send(head.as_bytes());
        assert_eq!(connection.answer("PUT").status, status, "{headers}");
    }
    let package = Nupkg::new("waits", "1.0").pack();
    let mut connection = Connection::open(&app.authority());
    let length = package.bytes.len();
    let head = format!(
        "PUT /api/v2/package HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nX-NuGet-ApiKey: {KEY}\r\nContent-Length: {length}\r\n\r\n"
    );
    connection.send(head.as_bytes());
    assert_eq!(connection.answer("HEAD").status, 100);
    connection.send(&package.bytes);
    assert_eq!(connection.answer("PUT").status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_whose_client_hangs_up_is_done_whole_or_not_at_all() {
    for policy in ["unlist", "remove"] {
        let feed = format!("[[feed]]\nname = \"ours\"\ndefault = true\ndelete = \"{policy}\"\n");
        let mut app = TestApp::start(&feed).await;
        let versions: Vec<String> = (0..25).map(|minor| format!("1.{minor}.0")).collect();
        for version in &versions {
            app.push(&Nupkg::new("hung.up", version).pack())
                .await
                .expect_status(201);
        }
        for (at, version) in versions.iter().enumerate() {
            let mut connection = Connection::open(&app.authority());
            let head = format!(
                "DELETE /api/v2/package/hung.up/{version} HTTP/1.1\r\nHost: x\r\nX-NuGet-ApiKey: {KEY}\r\n\r\n"
            );
            connection.send(head.as_bytes());
            tokio::time::sleep(std::time::Duration::from_micros(200 * at as u64)).await;
        }
        // A change of the same package waits for those that are under way.
        app.push(&Nupkg::new("hung.up", "2.0").pack()).await.expect_status(201);
        let shown = listed(&app).await;
        app.stop().await;
        std::fs::remove_dir_all(app.data().join("index")).unwrap();
        app.open().await;
        assert_eq!(shown, listed(&app).await, "{policy}");
    }
}

/// Returns the versions that are there, each with whether it is listed.
async fn listed(app: &TestApp) -> Vec<(String, Option<String>)> {
    let page = app.feed(&find("hung.up")).await;
    let entries = page.entries.iter();
    entries
        .map(|announced| {
            let listed = announced.entry.property("Listed").map(str::to_owned);
            (announced.version.to_string(), listed)
        })
        .collect()
}

#[tokio::test]
async fn an_id_too_long_for_a_folder_is_refused_with_the_reason() {
    let app = TestApp::start("").await;
    let answer = app.push(&Nupkg::new(&"漢".repeat(64), "1.0").pack()).await;
    assert_eq!(answer.status, 400);
    assert!(answer.reason.contains("too long"), "{}", answer.reason);
}

#[tokio::test]
async fn records_are_asked_about_a_few_at_a_time_and_all_of_them() {
    const PACKAGES: usize = 130;
    let app = TestApp::start("").await;
    for number in 0..PACKAGES {
        let package = Nupkg::new(&format!("many.{number:04}"), "1.0");
        let package = if number % 3 == 0 {
            package.depends_on("wanted", "[1.0]")
        } else {
            package
        };
        app.push(&package.pack()).await.expect_status(201);
    }
    let page = app
        .feed("/api/v2/Packages()?$filter=substringof('wanted',Dependencies)")
        .await;
    let found: Vec<_> = page.entries.iter().map(|entry| entry.id.to_string()).collect();
    let expected: Vec<_> = (0..PACKAGES)
        .step_by(3)
        .map(|number| format!("many.{number:04}"))
        .collect();
    assert_eq!(found, expected);
}
