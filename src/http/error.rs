//! What went wrong, as HTTP says it: the one place where refusals and failures become a status, a reason phrase and a body.
//! It does not know how they came about.
//!
//! .NET clients show the status and the reason phrase and nothing else, so the message stands there too (choco looks for
//! "already exists and cannot be modified" in it, `NugetPush`; NuGet.Client prints it, `PackageUpdateResource`). HTTP/2 has no
//! reason phrase.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_RANGE, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use hyper::ext::ReasonPhrase;

use super::conditional::ETag;
use super::header_text::one_line;
use super::range::unsatisfied_range;
use crate::limits::MAX_REASON_BYTES;
use crate::odata::error::document;
use crate::odata::json;

/// A request that is not answered as asked. The text of each is for the client, in one or more whole sentences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// 404: what is named here, as in `Package 'git' 1.0.0`, is not here, and not at an upstream either.
    #[error("{0}")]
    NotFound(String),
    /// 400: the request cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// 401: credentials are needed, or the given ones are wrong.
    #[error("{0}")]
    Unauthorized(String),
    /// 403: the given credentials do not allow it.
    #[error("{0}")]
    Forbidden(String),
    /// 405: the address is right, the method is not.
    #[error("{text}")]
    MethodNotAllowed {
        /// The methods that are allowed, as in `GET, HEAD`.
        allow: &'static str,
        /// Why this one is not.
        text: String,
    },
    /// 409: it contradicts what is here.
    #[error("{text}")]
    Conflict {
        /// What is there already.
        text: String,
        /// The tag of its bytes: whoever sent the same need not mind.
        held: Option<ETag>,
    },
    /// 410: it was here, and will not be again.
    #[error("{0}")]
    Gone(String),
    /// 412: what is here is not what the request is about.
    #[error("This is no longer what the request's If-Match or If-Unmodified-Since asks for.")]
    PreconditionFailed,
    /// 413: the body is too large.
    #[error("{0}")]
    PayloadTooLarge(String),
    /// 414: path and query are too long.
    #[error("The URL is longer than the {limit_bytes} bytes that are allowed; ask for less at a time.")]
    UriTooLong {
        /// The most that is allowed.
        limit_bytes: usize,
    },
    /// 416: the file ends before the asked range begins.
    #[error("The file has only {size} bytes.")]
    RangeNotSatisfiable {
        /// The file's length in bytes.
        size: u64,
    },
    /// 500: larder failed. The text is for the log alone.
    #[error("The server failed to do this; its log says why.")]
    Internal(String),
    /// 501: nobody has built it.
    #[error("{0}")]
    NotImplemented(String),
    /// 502: an upstream answered, and the answer is of no use.
    #[error("{0}")]
    UpstreamBad(String),
    /// 503: larder itself cannot do it now.
    #[error("{0}")]
    Unavailable(String),
    /// 503: no upstream that would know can be reached.
    #[error("{text}")]
    UpstreamUnavailable {
        /// Which, and why.
        text: String,
        /// When to ask again, where it is known.
        retry_after: Option<Duration>,
    },
    /// 504: an upstream did not answer in time.
    #[error("{0}")]
    UpstreamTimeout(String),
    /// 508: the answer would have to come from whoever asks.
    #[error("{0}")]
    LoopDetected(String),
    /// 507: the disk is full.
    #[error("{0}")]
    InsufficientStorage(String),
}

/// How the body of an error is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// As OData error XML: for everything that reads a feed.
    OData,
    /// As OData error JSON: for who asks for JSON.
    Json,
    /// As plain text: for push and delete.
    Plain,
    /// As plain JSON: for administrators.
    Admin,
}

/// Makes the refusal of a method.
pub(super) fn not_allowed(allow: &'static str, method: &Method) -> ApiError {
    ApiError::MethodNotAllowed {
        allow,
        text: format!("{method} is not allowed here; what is: {allow}."),
    }
}

impl ApiError {
    /// Returns the refusal of a version that is there already, in the words that choco looks for (`NugetPush`).
    #[must_use]
    pub fn already_exists(id: &str, version: &str, held: Option<ETag>) -> Self {
        let text = format!("A package with id '{id}' and version '{version}' already exists and cannot be modified.");
        Self::Conflict { text, held }
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status_and_code().0
    }

    /// Returns the status and the `m:code` that names it.
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "ResourceNotFound"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "BadRequest"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
            Self::Conflict { .. } => (StatusCode::CONFLICT, "Conflict"),
            Self::Gone(_) => (StatusCode::GONE, "Gone"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
            Self::PayloadTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge"),
            Self::UriTooLong { .. } => (StatusCode::URI_TOO_LONG, "UriTooLong"),
            Self::RangeNotSatisfiable { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "RangeNotSatisfiable"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            Self::NotImplemented(_) => (StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
            Self::UpstreamBad(_) => (StatusCode::BAD_GATEWAY, "UpstreamBad"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Unavailable"),
            Self::UpstreamUnavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "UpstreamUnavailable"),
            Self::LoopDetected(_) => (StatusCode::LOOP_DETECTED, "LoopDetected"),
            Self::UpstreamTimeout(_) => (StatusCode::GATEWAY_TIMEOUT, "UpstreamTimeout"),
            Self::InsufficientStorage(_) => (StatusCode::INSUFFICIENT_STORAGE, "InsufficientStorage"),
        }
    }

    /// Makes the answer. What went wrong inside is logged here.
    #[must_use]
    pub fn into_response(self, dialect: Dialect) -> Response<Body> {
        if let Self::Internal(reason) = &self {
            tracing::error!("a request failed: {reason}");
        }
        let (status, code) = self.status_and_code();
        let text = self.to_string();
        let (content_type, body) = match dialect {
            Dialect::OData => ("application/xml;charset=utf-8", document(code, &text)),
            Dialect::Json => ("application/json;odata=verbose;charset=utf-8", json::error(code, &text)),
            Dialect::Plain => ("text/plain;charset=utf-8", text.clone()),
            Dialect::Admin => (
                "application/json;charset=utf-8",
                serde_json::json!({"error": {"code": code, "message": text}}).to_string(),
            ),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        let reason = one_line(&text, MAX_REASON_BYTES);
        if let (false, Ok(reason)) = (reason.is_empty(), ReasonPhrase::try_from(reason)) {
            response.extensions_mut().insert(reason);
        }
        response
    }

    /// Returns the header that belongs to the status.
    #[expect(clippy::expect_used, reason = "a Content-Range is visible ASCII")]
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            // .NET clients send credentials only when they are asked for them.
            Self::Unauthorized(_) => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"larder\""))),
            Self::Conflict { held: Some(held), .. } => Some((ETAG, held.header())),
            Self::MethodNotAllowed { allow, .. } => Some((ALLOW, HeaderValue::from_static(allow))),
            Self::RangeNotSatisfiable { size } => Some((
                CONTENT_RANGE,
                HeaderValue::try_from(unsatisfied_range(*size)).expect("digits are a header value"),
            )),
            Self::UpstreamUnavailable {
                retry_after: Some(wait),
                ..
            } => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Some((RETRY_AFTER, HeaderValue::from(seconds.max(1))))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
