//! Taking a package from a client.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::timeout;

use crate::catalog::Origin;
use crate::http::error::ApiError;
use crate::http::failure::sentence;
use crate::http::multipart::Payload;
use crate::http::state::{App, FeedRequest};
use crate::http::warning::warn;
use crate::mirror::{MirrorError, SpoolError, Spooled};
use crate::nuget::AnnouncedHash;

/// How much of a refused body is read, so that a client which sends all before it listens hears why.
const DRAINED_BYTES: u64 = 16 * 1024 * 1024;

/// How long a refused body is read for.
const DRAINED_FOR: Duration = Duration::from_secs(30);

/// How long a client may pause while it sends a package.
const PAUSE_LIMIT: Duration = Duration::from_secs(120);

/// What multipart adds to a package, at most, as far as the announced length is judged by.
const ENVELOPE_BYTES: u64 = 256 * 1024;

/// Takes a package in. 201 without a body, as galleries answer.
pub(super) async fn push(
    app: &App,
    feed: &FeedRequest<'_>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let origin = match admit(app, headers) {
        Ok(origin) => origin,
        Err(refusal) => {
            // Who waits for leave to send the body gets the answer instead; reading would give that leave.
            if !awaits_leave(headers) {
                drain(body).await;
            }
            return Err(refusal);
        }
    };
    take(app, feed, headers, body, origin).await
}

fn admit(app: &App, headers: &HeaderMap) -> Result<Origin, ApiError> {
    let origin = authorize(app, headers)?;
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let limit = app.mirror.limits().package_bytes;
    if announced.is_some_and(|announced| announced > limit.saturating_add(ENVELOPE_BYTES)) {
        return Err(ApiError::PayloadTooLarge(format!(
            "The package is larger than the {limit} bytes that are allowed."
        )));
    }
    Ok(origin)
}

/// Returns whether the client sends no body before it is told to, or has waited in vain (RFC 9110 section 10.1.1).
fn awaits_leave(headers: &HeaderMap) -> bool {
    headers
        .get(EXPECT)
        .is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Says who asks, by the key in `X-NuGet-ApiKey`.
pub(super) fn authorize(app: &App, headers: &HeaderMap) -> Result<Origin, ApiError> {
    let key = headers
        .get("x-nuget-apikey")
        .map(|key| String::from_utf8_lossy(key.as_bytes()));
    app.authorize(key.as_deref()).map_err(ApiError::from)
}

async fn take(
    app: &App,
    feed: &FeedRequest<'_>,
    headers: &HeaderMap,
    body: Body,
    origin: Origin,
) -> Result<Response, ApiError> {
    let mut payload = Payload::open(headers.get(CONTENT_TYPE), body)?;
    let spooled = match spool(app, &mut payload).await {
        Ok(spooled) => spooled,
        Err(refusal) => {
            drain(Body::from_stream(payload.into_stream())).await;
            return Err(refusal);
        }
    };
    let published = app.mirror.publish(feed.feed, spooled, origin).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::CREATED;
    if let Some(upstream) = &published.hidden {
        let id = &published.id;
        let text = format!(
            "The upstream '{upstream}' has a package '{id}' too; from now on this feed shows only the versions of it that are pushed here."
        );
        warn(response.headers_mut(), &text);
    }
    for advice in &published.advice {
        warn(response.headers_mut(), &sentence(advice));
    }
    Ok(response)
}

async fn spool(app: &App, payload: &mut Payload) -> Result<Spooled, ApiError> {
    let limit = app.mirror.limits().package_bytes;
    let failed = |error: SpoolError| ApiError::from(MirrorError::from(error));
    let mut writer = app
        .mirror
        .spool()
        .create(limit, &AnnouncedHash::Other)
        .await
        .map_err(failed)?;
    while let Some(bytes) = next_chunk(payload).await? {
        writer.write(bytes).await.map_err(failed)?;
    }
    writer.finish().await.map_err(failed)
}

async fn next_chunk(payload: &mut Payload) -> Result<Option<Bytes>, ApiError> {
    match timeout(PAUSE_LIMIT, payload.chunk()).await {
        Ok(chunk) => Ok(chunk?),
        Err(_) => Err(ApiError::BadRequest(format!(
            "Nothing came for {} seconds; the upload was given up, send it again.",
            PAUSE_LIMIT.as_secs()
        ))),
    }
}

/// Reads what the client still sends, up to bounds: one that is cut off while sending never reads the answer.
pub(in crate::http) async fn drain(body: Body) {
    let mut body = body.into_data_stream();
    let mut drained = 0;
    let read = async {
        while let Some(Ok(bytes)) = body.next().await {
            drained += bytes.len() as u64;
            if drained > DRAINED_BYTES {
                return;
            }
        }
    };
    // The refusal is sent all the same when the time is over.
    let _ = timeout(DRAINED_FOR, read).await;
}
