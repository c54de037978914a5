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
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method};
use axum::response::Response;

use super::caching::{self, Form};
use super::error::{ApiError, Dialect, not_allowed};
use super::state::{App, FeedRequest};
use super::warning;
use crate::mirror::{Gap, MirrorError};
use crate::odata::address::{self, Address};
use crate::odata::negotiate::{self, Format};
use crate::odata::{edmx, json, options};
use crate::redact;

pub(super) use self::push::drain;

const DATA_SERVICE_VERSION: HeaderName = HeaderName::from_static("dataserviceversion");
const FEED_TYPE: &str = "application/atom+xml;type=feed;charset=utf-8";
const ENTRY_TYPE: &str = "application/atom+xml;type=entry;charset=utf-8";
const XML_TYPE: &str = "application/xml;charset=utf-8";
const SERVICE_TYPE: &str = "application/atomsvc+xml;charset=utf-8";
const JSON_TYPE: &str = "application/json;odata=verbose;charset=utf-8";
const TEXT_TYPE: &str = "text/plain;charset=utf-8";

/// How something is asked for.
#[derive(Clone, Copy)]
struct AskedBy<'a> {
    head: &'a Parts,
    /// The form that the answer is to have.
    format: Format,
}

/// Answers a request to a feed.
pub(super) async fn dispatch(app: &App, feed: &FeedRequest<'_>, request: Request) -> Response {
    // The body apart: what is held while an answer is awaited must be shared between threads, and a body cannot be.
    let (parts, body) = request.into_parts();
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    let (answered, dialect) = match address::parse(feed.rest) {
        Err(error) => (Err(error.into()), dialect(feed, &parts)),
        Ok(Address::Batch) => (batch::answer(app, feed, &parts, body).await, Dialect::OData),
        Ok(asked @ (Address::Root | Address::PackageRoot | Address::File(_) | Address::BareFile(_))) if !reads => {
            (write(app, feed, asked, &parts, body).await, Dialect::Plain)
        }
        Ok(asked) => (read(app, feed, asked, &parts).await, dialect(feed, &parts)),
    };
    answered.unwrap_or_else(|error| error.into_response(dialect))
}

async fn read(app: &App, feed: &FeedRequest<'_>, asked: Address, parts: &Parts) -> Result<Response, ApiError> {
    // Galleries take POST for the long parameters of lists; the question is in the query string all the same.
    let takes_post = matches!(asked, Address::List(_) | Address::Count(_));
    let method = &parts.method;
    if !(method == Method::GET || method == Method::HEAD || (takes_post && method == Method::POST)) {
        let allow = if takes_post { "GET, HEAD, POST" } else { "GET, HEAD" };
        return Err(not_allowed(allow, method));
    }
    let format = format(feed, parts)?;
    let asked_by = AskedBy { head: parts, format };
    match asked {
        Address::Root => service(app, feed, asked_by),
        Address::Metadata => fixed(app, parts, XML_TYPE, edmx::metadata(feed.protocol)),
        Address::List(collection) => lists::list(app, feed, &collection, asked_by).await,
        Address::Count(collection) => lists::count(app, feed, &collection, parts).await,
        Address::Package(key) => lists::package(app, feed, &key, asked_by).await,
        Address::Property(key, name) => properties::one(app, feed, &key, &name, format).await,
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
            feed.root,
            redact::path(feed.rest)
        ))),
    }
}

/// Returns the form that a request asks for.
fn format(feed: &FeedRequest<'_>, parts: &Parts) -> Result<Format, ApiError> {
    Ok(negotiate::accepted(options::format(feed.query)?, &accept(parts)))
}

/// Returns the form of what is said of a failure.
fn dialect(feed: &FeedRequest<'_>, parts: &Parts) -> Dialect {
    match format(feed, parts) {
        Ok(Format::Json) => Dialect::Json,
        Ok(Format::Atom) | Err(_) => Dialect::OData,
    }
}

fn accept(parts: &Parts) -> String {
    let accepted = parts.headers.get_all(ACCEPT).iter();
    let accepted: Vec<_> = accepted
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    accepted.join(",")
}

fn service(app: &App, feed: &FeedRequest<'_>, AskedBy { head, format }: AskedBy<'_>) -> Result<Response, ApiError> {
    if format == Format::Json {
        return fixed(app, head, JSON_TYPE, json::service());
    }
    let wants_atom = accept(head).to_ascii_lowercase().contains("application/atomsvc+xml");
    let content_type = if wants_atom { SERVICE_TYPE } else { XML_TYPE };
    fixed(app, head, content_type, edmx::service(&feed.links()))
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

/// Answers with a document that does not change.
fn fixed(app: &App, parts: &Parts, content_type: &'static str, text: String) -> Result<Response, ApiError> {
    let validators = Some(caching::document_validators(content_type, &text));
    if let Some(known) = caching::not_modified(app, parts, validators.as_ref(), Form::OData)? {
        return Ok(known);
    }
    let mut response = document(content_type, text);
    caching::tag(&mut response, validators.as_ref());
    Ok(response)
}

fn document(content_type: &'static str, text: String) -> Response {
    let length = text.len();
    let mut response = Response::new(Body::from(text));
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

/// Tells clients what the answer may lack.
fn warn_of_gaps(response: &mut Response, gaps: &[Gap]) {
    for gap in gaps {
        warning::warn(response.headers_mut(), &gap.to_string());
    }
}
