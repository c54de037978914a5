//! What caches may do with an answer, and what it depends on.
//!
//! A nupkg of a version never changes and may be kept for ever; all else may be kept and has to be asked about each time
//! (`no-cache`): a push is seen at once, and where nothing has changed the question costs a 304. Errors too: some may be kept by
//! default (RFC 9111 section 4.2.2), and a package that was not there a moment ago may be there now.

use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _};

use axum::body::Body;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, LAST_MODIFIED, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use chrono::SubsecRound as _;

use super::conditional::{ETag, Precondition, Validators, evaluate};
use super::date::format_date;
use super::encoding::is_text;
use super::error::ApiError;
use super::state::{App, FeedRequest};
use crate::config::ServerConfig;
use crate::mirror::Edition;

/// Says how long an answer may be kept, unless it says so itself, and which of the request's headers it depends on.
pub(super) fn describe(headers: &mut HeaderMap, server: &ServerConfig) {
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache"));
    if is_text(headers) {
        let is_plain = headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/plain"));
        let form = if is_plain { Form::Plain } else { Form::OData };
        headers.insert(VARY, vary(form, server));
    }
}

/// Returns what tells an answer to this request, made of an edition of the feed, from one made of another.
///
/// The tag is weak: a feed's `updated` is when it was written. A date is only told once its second is over, for until then the
/// feed can change and keep it.
pub(super) fn validators(app: &App, feed: &FeedRequest<'_>, parts: &Parts, edition: Edition) -> Validators {
    let mut hasher = app.tags.build_hasher();
    (edition.mark, &feed.root, feed.rest, feed.query).hash(&mut hasher);
    for accepted in parts.headers.get_all(ACCEPT) {
        accepted.hash(&mut hasher);
    }
    let is_over = edition.changed.trunc_subsecs(0) < app.clock.now().trunc_subsecs(0);
    Validators {
        etag: ETag::weak(hasher.finish()),
        last_modified: is_over.then_some(edition.changed),
    }
}

/// Returns what tells a document that never changes while the program is the same from another.
pub(super) fn document_validators(content_type: &str, document: &str) -> Validators {
    let mut hasher = DefaultHasher::new();
    (content_type, document).hash(&mut hasher);
    Validators {
        etag: ETag::weak(hasher.finish()),
        last_modified: None,
    }
}

/// Returns the answer to a request whose preconditions say that the client has this very state, if they do.
///
/// # Errors
/// [`ApiError::PreconditionFailed`] where it asks for another state.
pub(super) fn not_modified(
    app: &App,
    parts: &Parts,
    validators: Option<&Validators>,
    form: Form,
) -> Result<Option<Response>, ApiError> {
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    let Some(validators) = validators.filter(|_| reads) else {
        return Ok(None);
    };
    match evaluate(&parts.headers, validators) {
        Precondition::Holds => Ok(None),
        Precondition::Failed => Err(ApiError::PreconditionFailed),
        Precondition::NotModified => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().insert(VARY, vary(form, &app.server));
            tag(&mut response, Some(validators));
            Ok(Some(response))
        }
    }
}

/// Tells what an answer can be recognised by.
pub(super) fn tag(response: &mut Response, validators: Option<&Validators>) {
    let Some(Validators { etag, last_modified }) = validators else {
        return;
    };
    response.headers_mut().insert(ETAG, etag.header());
    let date = last_modified.and_then(|at| HeaderValue::try_from(format_date(at)).ok());
    if let Some(date) = date {
        response.headers_mut().insert(LAST_MODIFIED, date);
    }
}

/// What an answer may be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Plain text.
    Plain,
    /// XML or JSON, as the client asks.
    OData,
}

/// Returns the headers that an answer depends on. Host is part of what is asked for; what trusted proxies say in its place is not
/// (`X-Forwarded-For` only tells which of them is the outermost).
pub(super) fn vary(form: Form, server: &ServerConfig) -> HeaderValue {
    let heeds_proxies = server.public_url.is_none() && !server.trusted_proxies.is_empty();
    HeaderValue::from_static(match (form, heeds_proxies) {
        (Form::Plain, false) => "Accept-Encoding",
        (Form::OData, false) => "Accept, Accept-Encoding",
        (Form::Plain, true) => "Accept-Encoding, Forwarded, X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Prefix",
        (Form::OData, true) => {
            "Accept, Accept-Encoding, Forwarded, X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Prefix"
        }
    })
}
