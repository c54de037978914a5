//! `POST $batch`: questions as `NuGet` 2 sends them, and answers that its reader takes.

use std::net::TcpListener;

use crate::support::app::{Answer, TestApp, send};
use crate::support::nupkg::Nupkg;
use crate::support::raw_http::Connection;

const BOUNDARY: &str = "batch_4bdc8ea3-2f65-4d8e-9f6c-1f2e3d4c5b6a";
const CONTENT_TYPE: &str = "multipart/mixed; boundary=batch_4bdc8ea3-2f65-4d8e-9f6c-1f2e3d4c5b6a";

/// One answer within a batch.
#[derive(Debug)]
struct PartAnswer {
    content_id: Option<String>,
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl PartAnswer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Writes queries as `DataServiceContext.GenerateBatchRequest` does: each is a URL and the lines of its head.
fn batch(queries: &[(&str, &str)]) -> String {
    let part = |(url, head): &(&str, &str)| {
        let own = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n";
        format!("--{BOUNDARY}\r\n{own}\r\nGET {url} HTTP/1.1\r\n{head}\r\n")
    };
    let parts: Vec<String> = queries.iter().map(part).collect();
    format!("{}--{BOUNDARY}--\r\n", parts.concat())
}

async fn post(app: &TestApp, target: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = app.request("POST", target).header("Content-Type", CONTENT_TYPE);
    let request = request
        .header("DataServiceVersion", "1.0;NetFx")
        .header("MaxDataServiceVersion", "2.0;NetFx");
    send(request.body(body)).await.expect("a whole answer")
}

/// Reads the answers as strictly as `BatchStream` does.
#[track_caller]
fn answers(batch: &Answer) -> Vec<PartAnswer> {
    assert_eq!(batch.status, 202, "{}", batch.text());
    assert_eq!(batch.header("DataServiceVersion"), Some("1.0;"));
    let content_type = batch.header("Content-Type").expect("a type");
    let boundary = content_type
        .strip_prefix("multipart/mixed; boundary=")
        .expect("a boundary");
    assert!(
        boundary.starts_with("batchresponse_") && boundary.len() <= 70,
        "{boundary}"
    );
    let text = batch.text();
    let closing = format!("--{boundary}--\r\n");
    let parts = text
        .strip_suffix(&closing)
        .expect("nothing behind the closing boundary");
    let opening = format!("--{boundary}\r\n");
    let mut parts = parts.split(&opening);
    assert_eq!(parts.next(), Some(""), "nothing before the first boundary");
    parts.map(part).collect()
}

fn part(text: &str) -> PartAnswer {
    let (own, answer) = text.split_once("\r\n\r\n").expect("a header of the part");
    let own: Vec<_> = own.split("\r\n").collect();
    let plain = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"];
    assert_eq!(own[..2], plain);
    let content_id = own
        .get(2)
        .map(|line| line.strip_prefix("Content-ID: ").expect("an id").to_owned());
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let (status, reason) = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 "))
        .and_then(|line| line.split_once(' '))
        .expect("a status line with a reason");
    assert!(!reason.is_empty());
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").expect("a field"))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), headers.len(), "no field twice: {headers:?}");
    let answer = PartAnswer {
        content_id,
        status: status.parse().expect("a status"),
        body: body
            .strip_suffix("\r\n")
            .expect("a line end before the boundary")
            .to_owned(),
        headers,
    };
    assert_eq!(
        answer.header("content-length"),
        Some(answer.body.len().to_string().as_str())
    );
    answer
}

async fn app_with_packages() -> TestApp {
    let app = TestApp::start("").await;
    for (id, version) in [("alpha.tool", "1.0"), ("alpha.tool", "2.0"), ("beta.tool", "1.5")] {
        app.push(&Nupkg::new(id, version).pack()).await.expect_status(201);
    }
    app
}

#[tokio::test]
async fn a_query_that_is_too_long_for_a_url_is_answered_as_if_it_had_come_alone() {
    let app = app_with_packages().await;
    let mut ids: Vec<String> = (0..120)
        .map(|number| format!("(tolower(Id)%20eq%20'absent.{number:03}')"))
        .collect();
    ids.push("(tolower(Id)%20eq%20'alpha.tool')".to_owned());
    let target = format!("/api/v2/Packages()?$filter={}&$orderby=Id", ids.join("%20or%20"));
    assert!(target.len() > 2048);
    let url = app.url(&target);
    let alone = app.get(&target).await.expect_status(200);
    let windows = batch(&[(&url, "DataServiceVersion: 2.0;NetFx\r\n")]);
    // Under mono all lines end in a bare line feed.
    let mono = windows.replace("\r\n", "\n");
    for body in [
        windows.clone(),
        mono,
        format!("a preamble\r\n{windows}and an epilogue"),
        windows.trim_end().to_owned(),
    ] {
        let answers = answers(&post(&app, "/api/v2/$batch", body).await);
        let [answer] = answers.as_slice() else {
            panic!("{answers:?}")
        };
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), alone.header("content-type"));
        assert_eq!(answer.header("dataserviceversion"), alone.header("dataserviceversion"));
        assert_eq!(answer.body, alone.text());
    }
}

#[tokio::test]
async fn each_part_is_answered_in_its_place_and_a_bad_one_spoils_no_other() {
    let app = app_with_packages().await;
    let count = app.url("/api/v2/Packages()/$count");
    let host = format!("Host: {}\r\n", app.authority());
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let foreign = format!("http://{}/api/v2/Packages()", elsewhere.local_addr().unwrap());
    let queries: &[(&str, &str, u16, &str)] = &[
        (&count, "", 200, "3"),
        ("/api/v2/Packages/$count", &host, 200, "3"),
        ("/api/v2/Packages/$count", "", 200, "3"),
        ("Packages()/%24count?$filter=IsLatestVersion", "", 200, "2"),
        (
            "Packages(Id='beta.tool',Version='1.5')",
            "",
            200,
            "<d:Id>beta.tool</d:Id>",
        ),
        (
            "FindPackagesById()?id='alpha.tool'",
            "accept: application/atom+xml\r\n",
            200,
            "alpha.tool</d:Id>",
        ),
        ("$metadata", "", 200, "V2FeedPackage"),
        ("?", "", 200, "<workspace>"),
        ("Packages(Id='absent',Version='1.0')", "", 404, "There is no package"),
        ("nonsense", "", 404, "nonsense"),
        ("Packages()?$filter=Id%20eq", "", 400, "<m:error"),
        ("Packages(Id=", "", 400, "<m:error"),
        ("$batch", "", 400, "cannot hold another"),
        (&foreign, "", 400, "not of this feed"),
        (
            "/api/v2/Packages()",
            "Host: elsewhere.example\r\n",
            400,
            "not of this feed",
        ),
        ("/etc/passwd", "", 400, "not of this feed"),
        ("Packages()/$count", "Accept: a\u{1}b\r\n", 400, "cannot be read"),
        ("beta.tool/1.5", "", 200, "PK"),
        ("beta.tool/1.5", "If-Match: x\r\n", 412, "PreconditionFailed"),
        (&count, "", 200, "3"),
    ];
    let asked: Vec<_> = queries.iter().map(|(url, head, ..)| (*url, *head)).collect();
    let batch = post(&app, "/api/v2/$batch", batch(&asked)).await;
    let text = String::from_utf8_lossy(&batch.body).into_owned();
    assert_eq!(text.matches("HTTP/1.1 ").count(), queries.len(), "{text}");
    let parts: Vec<&str> = text.split("--batchresponse_").skip(1).collect();
    for ((url, _, status, within), part) in queries.iter().zip(parts) {
        assert!(part.contains(&format!("HTTP/1.1 {status} ")), "{url}: {part}");
        assert!(part.contains(within), "{url}: {part}");
    }
    assert!(elsewhere.accept().is_err(), "a URL in a part is not fetched");
}

#[tokio::test]
async fn changes_are_refused_in_their_place() {
    let app = app_with_packages().await;
    let part = |head: &str, content: &str| format!("--{BOUNDARY}\r\n{head}\r\n\r\n{content}\r\n");
    let http = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary";
    let change_set = format!(
        "--changeset_1\r\n{http}\r\n\r\nDELETE /api/v2/package/alpha.tool/1.0 HTTP/1.1\r\nContent-ID: 1\r\nX-NuGet-ApiKey: test-key\r\n\r\n--changeset_1--\r\n"
    );
    let body = [
        part("Content-Type: multipart/mixed; boundary=changeset_1", &change_set),
        part(
            http,
            "DELETE /api/v2/package/alpha.tool/1.0 HTTP/1.1\r\nX-NuGet-ApiKey: test-key\r\n",
        ),
        part(http, "POST /api/v2/Packages() HTTP/1.1\r\n"),
        part(http, "HEAD /api/v2/Packages() HTTP/1.1\r\n"),
        part("Content-Type: text/plain", "GET Packages()/$count HTTP/1.1\r\n"),
        part(
            &format!("{http}\r\nContent-ID: in front"),
            "GET Packages()/$count HTTP/1.1\r\ncontent-id: within\r\n",
        ),
        format!("--{BOUNDARY}--"),
    ];
    let answers = answers(&post(&app, "/api/v2/$batch", body.concat()).await);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [501, 405, 405, 405, 400, 200]);
    assert_eq!(answers[1].header("allow"), Some("GET"));
    assert_eq!(answers[5].body, "3", "nothing was deleted");
    assert_eq!(answers[5].content_id.as_deref(), Some("in front"));
    assert_eq!(answers[5].header("content-id"), Some("within"));
    assert_eq!(answers[4].content_id, None);
}

#[tokio::test]
async fn a_batch_asks_the_feed_by_the_mount_and_the_name_it_came_by() {
    let feeds = "server.public_url = \"https://packages.example.com/larder/\"\n[[feed]]\nname = \"main\"\ndefault = true\n[[feed]]\nname = \"second\"\n";
    let app = TestApp::start(feeds).await;
    app.push_to("/feeds/second/api/v2/package", &Nupkg::new("only.here", "1.0").pack())
        .await
        .expect_status(201);
    let body = batch(&[
        (&app.url("/feeds/second/api/v2/FindPackagesById()?id='only.here'"), ""),
        (
            "https://packages.example.com/larder/feeds/second/api/v2/Packages()/$count",
            "",
        ),
        ("/feeds/second/api/v2/Packages()/$count", ""),
        (&app.url("/feeds/main/api/v2/Packages()"), ""),
        (&app.url("/api/v2/Packages()"), ""),
    ]);
    let answers = answers(&post(&app, "/feeds/second/api/v2/%24batch", body).await);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 400, 400]);
    let link = "https://packages.example.com/larder/feeds/second/api/v2/package/only.here/1.0";
    assert!(answers[0].body.contains(link), "{}", answers[0].body);
}

#[tokio::test]
async fn what_is_no_batch_is_refused_as_a_whole() {
    let app = TestApp::start("limits.max_url = \"8KiB\"").await;
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let answer = send(app.request(method, "/api/v2/$batch")).await.unwrap();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
    let query = ("Packages()/$count", "");
    for (content_type, body, status) in [
        (None, batch(&[query]), 400),
        (Some("application/json"), batch(&[query]), 400),
        (Some("multipart/mixed"), batch(&[query]), 400),
        (Some("multipart/mixed; boundary=other"), batch(&[query]), 400),
        (Some(CONTENT_TYPE), String::new(), 400),
        (Some(CONTENT_TYPE), batch(&[query]).replace("--\r\n", ""), 400),
        (Some(CONTENT_TYPE), batch(&[query; 101]), 413),
        (
            Some(CONTENT_TYPE),
            batch(&[("x", &format!("x: {}\r\n", "y".repeat(1 << 20)))]),
            413,
        ),
        (
            Some("Multipart/Mixed;BOUNDARY=\"batch_4bdc8ea3-2f65-4d8e-9f6c-1f2e3d4c5b6a\""),
            batch(&[query; 100]),
            202,
        ),
    ] {
        let mut request = app.request("POST", "/api/v2/$batch").body(body);
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let answer = send(request).await.unwrap();
        assert_eq!(answer.status, status, "{content_type:?}: {}", answer.text());
    }
    let long = format!("Packages()/$count?x={}", "y".repeat(8 << 10));
    let answers = answers(&post(&app, "/api/v2/$batch", batch(&[(&long, ""), query])).await);
    assert_eq!((answers[0].status, answers[1].status), (414, 200));
}

/// Numbers of a linear congruential generator, which no packing makes shorter.
fn incompressible(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[tokio::test]
async fn answers_that_are_too_long_together_are_refused_one_by_one() {
    let app = TestApp::start("").await;
    let package = Nupkg::new("long.tool", "1.0")
        .file("long.bin", incompressible(6 << 20))
        .pack();
    app.push(&package).await.expect_status(201);
    let body = batch(&[("package/long.tool/1.0", ""); 4]);
    let body = body.trim_end_matches(&format!("--{BOUNDARY}--\r\n")).to_owned() + &batch(&[("Packages()/$count", "")]);
    let answer = post(&app, "/api/v2/$batch", body).await.expect_status(202);
    assert!(answer.body.len() < 17 << 20);
    let text = answer.text();
    let statuses: Vec<&str> = text.split("\r\nHTTP/1.1 ").skip(1).map(|part| &part[..3]).collect();
    assert_eq!(statuses, ["200", "200", "413", "413", "200"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http_1_0_is_answered_with_a_length() {
    let app = app_with_packages().await;
    let body = batch(&[("Packages()/$count", "")]);
    let mut connection = Connection::open(&app.authority());
    let length = body.len();
    let head =
        format!("POST /api/v2/$batch HTTP/1.0\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\n\r\n");
    connection.send(&[head.as_bytes(), body.as_bytes()].concat());
    let answer = connection.answer("POST").expect_status(202);
    assert!(answer.header("Content-Length").is_some());
    assert!(answer.text().contains("\r\n\r\n3\r\n--batchresponse_"));
}

#[tokio::test]
async fn a_batch_of_version_1_is_answered_in_version_1() {
    let app = app_with_packages().await;
    app.push(&Nupkg::new("beta.tool", "2.0-rc1").pack())
        .await
        .expect_status(201);
    let body = batch(&[
        (&app.url("/api/v1/FeedService.svc/Packages()/$count"), ""),
        ("Packages(Id='beta.tool',Version='1.5')", ""),
        ("beta.tool/1.5", ""),
        (&app.url("/api/v2/Packages()/$count"), ""),
    ]);
    let answers = answers(&post(&app, "/api/v1/FeedService.svc/$batch", body).await);
    assert_eq!((answers[0].status, answers[0].body.as_str()), (200, "3"));
    assert!(answers[1].body.contains("V1FeedPackage"), "{}", answers[1].body);
    assert_eq!(answers[2].status, 404, "version 1 has no such address");
    assert_eq!(answers[3].status, 400, "another mount is another service");
}
