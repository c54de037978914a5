//! The v2 protocol: one match on what is asked, one file for each verb.

mod delete;
mod download;
mod lists;
mod push;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderName, Method};
use axum::response::Response;

use super::error::ApiError;
use super::state::{App, FeedRequest};
use super::warning;
use crate::mirror::MirrorError;
use crate::odata::address::{self, Address};
use crate::odata::atom::Links;
use crate::odata::edmx;

const DATA_SERVICE_VERSION: HeaderName = HeaderName::from_static("dataserviceversion");
const FEED_TYPE: &str = "application/atom+xml;type=feed;charset=utf-8";
const ENTRY_TYPE: &str = "application/atom+xml;type=entry;charset=utf-8";
const XML_TYPE: &str = "application/xml;charset=utf-8";
const TEXT_TYPE: &str = "text/plain;charset=utf-8";

/// Answers a request to a feed.
///
/// # Errors
/// What the client is told went wrong.
pub async fn dispatch(app: &App, feed: &FeedRequest<'_>, request: Request) -> Result<Response, ApiError> {
    let asked = address::parse(feed.rest).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let method = request.method().clone();
    let is_head = method == Method::HEAD;
    let response = match (asked, method) {
        (Address::Root, Method::GET | Method::HEAD) => {
            xml_answer(XML_TYPE, edmx::service(&Links { root: &feed.root }))
        }
        (Address::Metadata, Method::GET | Method::HEAD) => xml_answer(XML_TYPE, edmx::metadata()),
        // Galleries take POST for long parameters; the question is in the query string all the same.
        (Address::List(collection), Method::GET | Method::HEAD | Method::POST) => {
            lists::list(app, feed, &collection).await?
        }
        (Address::Count(collection), Method::GET | Method::HEAD | Method::POST) => {
            lists::count(app, feed, &collection).await?
        }
        (Address::Package(key), Method::GET | Method::HEAD) => lists::package(app, feed, &key).await?,
        (Address::LatestFile(id), Method::GET | Method::HEAD) => {
            download::latest(app, feed, &id, &request).await?
        }
        (Address::File(key) | Address::PackageDownload(key) | Address::BareFile(key), Method::GET | Method::HEAD) => {
            download::package(app, feed, &key, &request).await?
        }
        (Address::Root | Address::PackageRoot, Method::PUT | Method::POST) => push::push(app, feed, request).await?,
        (Address::File(key) | Address::BareFile(key), Method::DELETE) => {
            delete::delete(app, feed, &key, request.headers()).await?
        }
        (Address::File(key) | Address::BareFile(key), Method::POST) => {
            delete::relist(app, feed, &key, request.headers()).await?
        }
        (Address::GetUpdates | Address::Batch, _) => {
            return Err(ApiError::not_implemented("GetUpdates and $batch are not answered by this version of larder"));
        }
        (Address::Unknown, _) => {
            return Err(ApiError::not_found(format!("there is nothing at {}{}", feed.root, feed.rest)));
        }
        (_, method) => return Err(ApiError::method_not_allowed(&method)),
    };
    Ok(if is_head { without_body(response) } else { response })
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
        warning::warn(response.headers_mut(), &format!("{failure}; this is what larder knew before"));
    }
}

/// The answer to a HEAD: all headers, the length too, and no body.
fn without_body(response: Response) -> Response {
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, Body::empty())
}
