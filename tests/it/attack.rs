//! What hostile or unlucky clients do, and what must come of it.

use crate::support::app::{KEY, TestApp, send};
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
