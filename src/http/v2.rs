//! The v2 protocol: one match on what is asked, one file for each verb.

mod batch;
mod completions;
mod delete;
mod download;
mod lists;
mod properties;
mod push;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method};
use axum::response::Response;

use super::error::{ApiError, Dialect, not_allowed};
use super::state::{App, FeedRequest};
use super::warning;
use crate::mirror::MirrorError;
use crate::odata::address::{self, Address, Collection};
use crate::odata::edmx;

pub(super) use self::push::drain;

const DATA_SERVICE_VERSION: HeaderName = HeaderName::from_static("dataserviceversion");
const FEED_TYPE: &str = "application/atom+xml;type=feed;charset=utf-8";
const ENTRY_TYPE: &str = "application/atom+xml;type=entry;charset=utf-8";
const XML_TYPE: &str = "application/xml;charset=utf-8";
const TEXT_TYPE: &str = "text/plain;charset=utf-8";

/// Answers a request to a feed.
pub(super) async fn dispatch(app: &App, feed: &FeedRequest<'_>, request: Request) -> Response {
    // The body apart: what is held while an answer is awaited must be shared between threads, and a body cannot be.
    let (parts, body) = request.into_parts();
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    let (answered, dialect) = match address::parse(feed.rest) {
        Err(error) => (Err(error.into()), Dialect::OData),
        Ok(Address::Batch) => (batch::answer(app, feed, &parts, body).await, Dialect::OData),
        Ok(asked @ (Address::Root | Address::PackageRoot | Address::File(_) | Address::BareFile(_))) if !reads => {
            (write(app, feed, asked, &parts, body).await, Dialect::Plain)
        }
        Ok(asked) => (read(app, feed, asked, &parts).await, Dialect::OData),
    };
    answered.unwrap_or_else(|error| error.into_response(dialect))
}

async fn read(app: &App, feed: &FeedRequest<'_>, asked: Address, parts: &Parts) -> Result<Response, ApiError> {
    // Galleries take POST for the long parameters of lists; the question is in the query string all the same.
    let takes_post = matches!(asked, Address::List(_) | Address::Count(_));
    let method = &parts.method;
    if !(method == Method::GET || method == Method::HEAD || (takes_post && method == Method::POST)) {
        return Err(not_allowed("GET, HEAD", method));
    }
    match asked {
        Address::Root => Ok(xml_answer(XML_TYPE, edmx::service(&feed.links()))),
        Address::Metadata => Ok(xml_answer(XML_TYPE, edmx::metadata(feed.protocol))),
        Address::List(Collection::GetUpdates) | Address::Count(Collection::GetUpdates) => Err(
            ApiError::NotImplemented("GetUpdates is not answered by this version of larder.".to_owned()),
        ),
        Address::List(collection) => lists::list(app, feed, &collection).await,
        Address::Count(collection) => lists::count(app, feed, &collection).await,
        Address::Package(key) => lists::package(app, feed, &key).await,
        Address::Property(key, name) => properties::document(app, feed, &key, &name).await,
        Address::PropertyValue(key, name) => properties::value(app, feed, &key, &name).await,
        Address::PackageIds => completions::ids(app, feed).await,
        Address::PackageVersions(id) => completions::versions(app, feed, &id).await,
        Address::LatestFile(id) => download::latest(app, feed, &id, parts).await,
        Address::File(key) | Address::PackageDownload(key) | Address::BareFile(key) => {
            download::package(app, feed, &key, parts).await
        }
        Address::Batch => Err(ApiError::BadRequest("A batch cannot hold another.".to_owned())),
        Address::PackageRoot | Address::Unknown => Err(ApiError::NotFound(format!(
            "There is nothing at {}{}.",
            feed.root, feed.rest
        ))),
    }
}

async fn write(
    app: &App,
    feed: &FeedRequest<'_>,
    asked: Address,
    parts: &Parts,
    body: Body,
) -> Result<Response, ApiError> {
    match (asked, &parts.method) {
        (Address::Root | Address::PackageRoot, &Method::PUT | &Method::POST) => {
            push::push(app, feed, &parts.headers, body).await
        }
        (Address::File(key) | Address::BareFile(key), &Method::DELETE) => {
            delete::delete(app, feed, &key, &parts.headers).await
        }
        (Address::File(key) | Address::BareFile(key), &Method::POST) => {
            delete::relist(app, feed, &key, &parts.headers).await
        }
        (Address::Root | Address::PackageRoot, method) => Err(not_allowed("GET, HEAD, PUT, POST", method)),
        (_, method) => Err(not_allowed("GET, HEAD, POST, DELETE", method)),
    }
}

fn xml_answer(content_type: &'static str, document: String) -> Response {
    let length = document.len();
    let mut response = Response::new(Body::from(document));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(DATA_SERVICE_VERSION, HeaderValue::from_static("2.0;"));
    response
}

/// Tells clients which upstreams could not be asked: choco and NuGet print each such header as a warning.
fn warn_of(response: &mut Response, failures: &[MirrorError]) {
    for failure in failures {
        warning::warn(
            response.headers_mut(),
            &format!("{failure}; this is what larder knew before"),
        );
    }
}
