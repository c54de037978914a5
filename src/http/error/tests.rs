use axum::Router;
use axum::http::Uri;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http::base_url::BaseUrlError;
use crate::http::multipart::PayloadError;

fn text(text: &str) -> String {
    text.to_owned()
}

type Header = (&'static str, &'static str);

/// Every kind, its status line and the header that goes with it.
fn kinds() -> Vec<(ApiError, &'static str, Option<Header>)> {
    let wait = |wait| ApiError::UpstreamUnavailable {
        text: text("Down."),
        retry_after: wait,
    };
    vec![
        (ApiError::NotFound(text("No git.")), "404 No git.", None),
        (ApiError::BadRequest(text("No.")), "400 No.", None),
        (ApiError::Gone(text("Push elsewhere.")), "410 Push elsewhere.", None),
        (
            ApiError::Unauthorized(text("Say who you are.")),
            "401 Say who you are.",
            Some(("www-authenticate", "Basic realm=\"larder\"")),
        ),
        (ApiError::Forbidden(text("No.")), "403 No.", None),
        (
            ApiError::MethodNotAllowed {
                allow: "GET, HEAD",
                text: text("No."),
            },
            "405 No.",
            Some(("allow", "GET, HEAD")),
        ),
        (
            ApiError::already_exists("x", "1.0.0", None),
            "409 A package with id 'x' and version '1.0.0' already exists and cannot be modified.",
            None,
        ),
        (
            ApiError::PreconditionFailed,
            "412 This is no longer what the request's If-Match or If-Unmodified-Since asks for.",
            None,
        ),
        (ApiError::PayloadTooLarge(text("No.")), "413 No.", None),
        (
            ApiError::UriTooLong { limit_bytes: 9 },
            "414 The URL is longer than the 9 bytes that are allowed; ask for less at a time.",
            None,
        ),
        (
            ApiError::RangeNotSatisfiable { size: 10 },
            "416 The file has only 10 bytes.",
            Some(("content-range", "bytes */10")),
        ),
        (
            ApiError::Internal(text("s3cret")),
            "500 The server failed to do this; its log says why.",
            None,
        ),
        (ApiError::NotImplemented(text("No.")), "501 No.", None),
        (ApiError::UpstreamBad(text("No.")), "502 No.", None),
        (ApiError::Unavailable(text("No.")), "503 No.", None),
        (wait(None), "503 Down.", None),
        (
            wait(Some(Duration::from_millis(1500))),
            "503 Down.",
            Some(("retry-after", "2")),
        ),
        (wait(Some(Duration::ZERO)), "503 Down.", Some(("retry-after", "1"))),
        (ApiError::LoopDetected(text("No.")), "508 No.", None),
        (ApiError::UpstreamTimeout(text("No.")), "504 No.", None),
        (ApiError::InsufficientStorage(text("No.")), "507 No.", None),
    ]
}

fn reason(response: &Response<Body>) -> String {
    let reason = response.extensions().get::<ReasonPhrase>();
    String::from_utf8(reason.map(|reason| reason.as_bytes().to_vec()).unwrap_or_default()).unwrap()
}

#[test]
fn statuses_reasons_and_headers() {
    for (error, expected, header) in kinds() {
        let response = error.clone().into_response(Dialect::Plain);
        assert_eq!(
            format!("{} {}", response.status().as_u16(), reason(&response)),
            expected
        );
        let mut headers = response.headers().clone();
        assert_eq!(headers.remove(CONTENT_TYPE).unwrap(), "text/plain;charset=utf-8");
        let others: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(others, Vec::from_iter(header), "{error:?}");
    }
}

async fn body(error: ApiError, dialect: Dialect) -> String {
    let bytes = axum::body::to_bytes(error.into_response(dialect).into_body(), 1 << 20)
        .await
        .unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn bodies() {
    let error = ApiError::BadRequest(text("<a> & 'ü'\u{1}\u{ffff}\nb"));
    assert_eq!(
        body(error.clone(), Dialect::OData).await,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><m:error xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">\
         <m:code>BadRequest</m:code><m:message xml:lang=\"en-US\">&lt;a&gt; &amp; 'ü'\nb</m:message></m:error>"
    );
    assert_eq!(body(error.clone(), Dialect::Plain).await, "<a> & 'ü'\u{1}\u{ffff}\nb");
    let response = error.into_response(Dialect::OData);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/xml;charset=utf-8");
    assert_eq!(reason(&response), "<a> & '?' ? b");
}

#[tokio::test]
async fn internal_reasons_stay_inside() {
    for dialect in [Dialect::OData, Dialect::Plain] {
        let error = ApiError::Internal(text("s3cret"));
        assert!(!reason(&error.clone().into_response(dialect)).contains("s3cret"));
        assert!(!body(error, dialect).await.contains("s3cret"));
    }
}

#[test]
fn conversions() {
    for (error, expected) in [
        (
            ApiError::from(BaseUrlError::NoHost),
            "400 The request has no Host header.",
        ),
        (
            ApiError::from(PayloadError::NoPart),
            "400 The multipart body holds no file; send the nupkg as one part.",
        ),
        (
            ApiError::from(PayloadError::SurroundingsTooLarge),
            "413 The multipart body holds more than 131072 bytes beside the file.",
        ),
    ] {
        assert_eq!(format!("{} {error}", error.status().as_u16()), expected);
    }
}

/// Sends a request over a socket to a server that fails with what the path says, and returns all that comes back.
async fn exchange(request: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(async |uri: Uri| {
        let path = uri.path().trim_start_matches('/').to_owned();
        match path.strip_prefix("conflict/") {
            Some(id) => ApiError::already_exists(id, "1.0.0", None).into_response(Dialect::Plain),
            None => ApiError::NotFound(path.repeat(100)).into_response(Dialect::OData),
        }
    });
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(10), socket.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    server.abort();
    answer
}

#[tokio::test]
async fn the_reason_phrase_goes_over_the_wire() {
    let conflict = "A package with id 'git' and version '1.0.0' already exists and cannot be modified.";
    for (request, status_line) in [
        (
            "PUT /conflict/git HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            format!("HTTP/1.1 409 {conflict}"),
        ),
        (
            "PUT /conflict/git HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
            format!("HTTP/1.0 409 {conflict}"),
        ),
    ] {
        let answer = exchange(request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.lines().next().unwrap(), status_line);
        assert!(head.contains("\r\ncontent-length: "), "{head}");
        assert_eq!(body, conflict);
    }
    let answer = exchange("HEAD /0123456789 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let reason = head.lines().next().unwrap().strip_prefix("HTTP/1.1 404 ").unwrap();
    assert!(
        reason.starts_with("0123456789") && reason.ends_with("...") && reason.len() == MAX_REASON_BYTES,
        "{reason}"
    );
    assert_eq!(body, "");
}

proptest! {
    #[test]
    fn any_text_makes_an_answer(text in any::<String>()) {
        let error = ApiError::BadRequest(text);
        let reason = reason(&error.into_response(Dialect::Plain));
        prop_assert!(reason.len() <= MAX_REASON_BYTES && reason.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{reason:?}");
    }
}
