//! What caches may do with an answer, and what it depends on.
//!
//! A nupkg of a version never changes and may be kept for ever; all else may be kept and has to be asked about each time
//! (`no-cache`): a push is seen at once, and where nothing has changed the question costs a 304. Errors too: some may be kept by
//! default (RFC 9111 section 4.2.2), and a package that was not there a moment ago may be there now.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};

use super::encoding::is_text;
use crate::config::ServerConfig;

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
