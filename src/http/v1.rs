//! Version 1 of the protocol: what version 2 answers, over fewer packages, and where NuGet 1.x pushed.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{HeaderValue, LOCATION};
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::error::{ApiError, Dialect, not_allowed};
use super::state::{App, FeedRequest};
use super::v2;
use crate::odata::address::{Address, Key};
use crate::odata::v1::{self, V1Address};
use crate::redact;

/// Answers a request to a feed; `push_url` is where packages are pushed to now.
pub(super) async fn dispatch(app: &App, feed: &FeedRequest<'_>, push_url: &str, request: Request) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match v1::parse(feed.rest) {
        Ok(V1Address::Retired) => retired(push_url, request.into_body()).await,
        Ok(V1Address::Shared(Address::Root | Address::PackageRoot | Address::File(_))) if !reads => {
            retired(push_url, request.into_body()).await
        }
        Ok(V1Address::Shared(_)) => v2::dispatch(app, feed, request).await,
        Ok(V1Address::Download(key)) if reads => moved(feed, &key),
        Ok(V1Address::Download(_)) => not_allowed("GET, HEAD", request.method()).into_response(Dialect::OData),
        Ok(V1Address::Unknown) => {
            let text = format!("There is nothing at {}{}.", feed.root, redact::path(feed.rest));
            ApiError::NotFound(text).into_response(Dialect::OData)
        }
        Err(error) => ApiError::from(error).into_response(Dialect::OData),
    }
}

/// Refuses to push, delete or publish as NuGet 1.x did, in words that it shows: NuGet 1.x sends the package first and reads
/// the answer then.
async fn retired(push_url: &str, body: Body) -> Response {
    v2::drain(body).await;
    let text = format!("NuGet 1.x pushed here; now packages are pushed to {push_url}, by NuGet 2 or later, or choco.");
    ApiError::Gone(text).into_response(Dialect::Plain)
}

/// Sends on to where the nupkg lies (NuGetGallery's route `v1/Package/Download` does so too).
fn moved(feed: &FeedRequest<'_>, key: &Key) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(location) = HeaderValue::from_str(&feed.links().file(&key.id, &key.version)) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
