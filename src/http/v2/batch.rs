//! `POST $batch`: several questions in one request, each answered as if it had come alone, one after the other.
//!
//! A part can only ask the feed that the batch was sent to, and only with GET. Nothing is fetched because of a URL in a part.

mod target;

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, Uri};
use axum::response::Response;
use bytes::BytesMut;
use futures::StreamExt as _;
use hyper::ext::ReasonPhrase;
use tokio::time::timeout;

use self::target::Service;
use super::{DATA_SERVICE_VERSION, push, read};
use crate::http::error::{ApiError, Dialect, not_allowed};
use crate::http::state::{App, FeedRequest};
use crate::limits::{MAX_BATCH_ANSWER_BYTES, MAX_BATCH_BYTES};
use crate::mime::{parameter, starts_with_ignoring_case};
use crate::odata::address::{self, Address, AddressError};
use crate::odata::batch::{self, Answer, Answers, BatchError, Part, PartError};
use crate::odata::protocol::Protocol;
use crate::odata::v1::{self, V1Address};

/// How long a client may take to send a batch.
const SENT_WITHIN: Duration = Duration::from_secs(60);

/// What NuGetGallery passes on from the batch to its parts (`ODataServiceVersionHeaderPropagatingBatchHandler`).
const PASSED_ON: [HeaderName; 2] = [DATA_SERVICE_VERSION, HeaderName::from_static("maxdataserviceversion")];

/// Answers each part of a batch in its place. 202, whatever the parts' own answers are.
pub(super) async fn answer(app: &App, feed: &FeedRequest<'_>, parts: &Parts, body: Body) -> Result<Response, ApiError> {
    if parts.method != Method::POST {
        return Err(not_allowed("POST", &parts.method));
    }
    let boundary = boundary(&parts.headers)?;
    let asked = batch::parse(&boundary, &received(body).await?)?;
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let outer = Outer {
        app,
        feed,
        headers: &parts.headers,
        service: Service::new(&feed.root, &parts.uri, host, feed.rest),
    };
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| ApiError::Internal(error.to_string()))?;
    let mut answers = Answers::new(u128::from_ne_bytes(random));
    for part in &asked {
        let answered = outer.answer(part).await;
        let answered = answered.unwrap_or_else(|error| error.into_response(Dialect::OData));
        write(&mut answers, part, answered).await;
    }
    let content_type = answers.content_type();
    let document = answers.finish();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
    headers.insert(DATA_SERVICE_VERSION, HeaderValue::from_static("1.0;"));
    if let Ok(content_type) = HeaderValue::try_from(content_type) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    *response.body_mut() = Body::from(document);
    Ok(response)
}

fn boundary(headers: &HeaderMap) -> Result<String, ApiError> {
    let content_type = headers.get(CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
    let content_type = String::from_utf8_lossy(content_type);
    if !starts_with_ignoring_case(content_type.trim_start(), "multipart/mixed") {
        return Err(ApiError::BadRequest(
            "A batch is multipart/mixed; its Content-Type says otherwise.".to_owned(),
        ));
    }
    Ok(parameter(&content_type, "boundary").ok_or(BatchError::NoBoundary)?)
}

async fn received(body: Body) -> Result<BytesMut, ApiError> {
    match timeout(SENT_WITHIN, collect(body, MAX_BATCH_BYTES)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(Uncollected::TooLong(rest))) => {
            push::drain(rest).await;
            Err(ApiError::PayloadTooLarge(format!(
                "The batch is longer than the {MAX_BATCH_BYTES} bytes that are allowed; ask for less at a time."
            )))
        }
        Ok(Err(Uncollected::Broken(_))) => Err(ApiError::BadRequest("The body broke off.".to_owned())),
        Err(_) => Err(ApiError::BadRequest(format!(
            "The batch was not there after {} seconds; send it again.",
            SENT_WITHIN.as_secs()
        ))),
    }
}

/// Why a body is not in memory.
enum Uncollected {
    /// It is longer than allowed; this is what has not been read.
    TooLong(Body),
    /// It ended in an error.
    Broken(axum::Error),
}

async fn collect(body: Body, limit_bytes: usize) -> Result<BytesMut, Uncollected> {
    let mut stream = body.into_data_stream();
    let mut collected = BytesMut::new();
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(Uncollected::Broken)?;
        if collected.len() + bytes.len() > limit_bytes {
            return Err(Uncollected::TooLong(Body::from_stream(stream)));
        }
        collected.extend_from_slice(&bytes);
    }
    Ok(collected)
}

/// What all parts of a batch share.
struct Outer<'a> {
    app: &'a App,
    feed: &'a FeedRequest<'a>,
    headers: &'a HeaderMap,
    service: Service<'a>,
}

impl Outer<'_> {
    async fn answer(&self, part: &Part) -> Result<Response, ApiError> {
        let request = part.request.as_ref().map_err(PartError::clone)?;
        if request.method != "GET" {
            return Err(ApiError::MethodNotAllowed {
                allow: "GET",
                text: "A batch only takes GET; send this as a request of its own.".to_owned(),
            });
        }
        let Some(below) = self.service.find(&request.target, request.field("host")) else {
            return Err(ApiError::BadRequest(
                "The URL is not of this feed; a batch asks the feed that it is sent to.".to_owned(),
            ));
        };
        if below.path.len() + below.query.len() > self.app.max_url_bytes {
            return Err(ApiError::UriTooLong {
                limit_bytes: self.app.max_url_bytes,
            });
        }
        let uri = below.uri(&self.service).ok_or_else(malformed)?;
        let parts = self.parts(request, uri)?;
        let feed = self.feed.at(&below.path, below.query);
        read(self.app, &feed, address(&feed)?, &parts).await
    }

    /// Makes the head of the request that the part's client would have sent without a batch.
    fn parts(&self, asked: &batch::Request, uri: Uri) -> Result<Parts, ApiError> {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.uri = uri;
        let headers = &mut parts.headers;
        for (name, value) in &asked.fields {
            let name = HeaderName::try_from(name).map_err(|_| malformed())?;
            headers.append(name, HeaderValue::try_from(value).map_err(|_| malformed())?);
        }
        for name in PASSED_ON {
            if let (Some(value), false) = (self.headers.get(&name), headers.contains_key(&name)) {
                headers.insert(name, value.clone());
            }
        }
        Ok(parts)
    }
}

/// Reads what a part asks; version 1 has fewer addresses, and what it moved or retired is nothing in a batch.
fn address(feed: &FeedRequest<'_>) -> Result<Address, AddressError> {
    Ok(match feed.protocol {
        Protocol::V2 => address::parse(feed.rest)?,
        Protocol::V1 => match v1::parse(feed.rest)? {
            V1Address::Shared(shared) => shared,
            V1Address::Download(_) | V1Address::Retired | V1Address::Unknown => Address::Unknown,
        },
    })
}

fn malformed() -> ApiError {
    ApiError::BadRequest("The head of the request in this part cannot be read.".to_owned())
}

/// Writes an answer in its part's place, or that it is too long.
async fn write(answers: &mut Answers, part: &Part, response: Response) {
    let (parts, body) = response.into_parts();
    let room = MAX_BATCH_ANSWER_BYTES.saturating_sub(answers.len());
    match collect(body, room).await {
        Ok(body) => push_answer(answers, part, &parts, &body),
        Err(failure) => {
            let error = match failure {
                Uncollected::TooLong(_) => ApiError::PayloadTooLarge(format!(
                    "The answers of this batch are longer than the {MAX_BATCH_ANSWER_BYTES} bytes that are allowed; ask for less at a time."
                )),
                Uncollected::Broken(error) => ApiError::Internal(error.to_string()),
            };
            let (parts, body) = error.into_response(Dialect::OData).into_parts();
            // What is said of a failure is short, and has no error of its own.
            let body = collect(body, usize::MAX).await.unwrap_or_default();
            push_answer(answers, part, &parts, &body);
        }
    }
}

fn push_answer(answers: &mut Answers, part: &Part, parts: &axum::http::response::Parts, body: &[u8]) {
    let reason = parts.extensions.get::<ReasonPhrase>();
    let reason = reason.and_then(|reason| std::str::from_utf8(reason.as_bytes()).ok());
    let content_id = part
        .request
        .as_ref()
        .ok()
        .and_then(|request| request.field("content-id"));
    let own = parts.headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH);
    let own = own.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    answers.push(&Answer {
        content_id: part.content_id.as_deref(),
        status: parts.status.as_u16(),
        reason: reason.or(parts.status.canonical_reason()).unwrap_or_default(),
        fields: own.chain(content_id.map(|id| ("content-id", id))).collect(),
        body,
    });
}
