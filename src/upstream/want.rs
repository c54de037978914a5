//! What is asked for, and the headers that say so.

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, StatusCode};

use super::rest::Rest;
use crate::catalog::Validators;

/// The longest validator that is sent back, in bytes.
const MAX_VALIDATOR_BYTES: usize = 1024;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want<'a> {
    /// A feed, compressed or not.
    Feed {
        /// What an earlier answer gave to compare with: where nothing has changed, nothing is sent.
        known: Option<&'a Validators>,
    },
    /// A nupkg: its very bytes.
    Package {
        /// What of it is still wanted; `None` for the whole.
        rest: Option<&'a Rest>,
    },
}

impl Want<'_> {
    /// Returns the headers that ask for it.
    pub(super) fn headers(self) -> HeaderMap {
        let pairs = match self {
            Self::Feed { .. } => [
                (header::ACCEPT, "application/atom+xml, application/xml"),
                (header::ACCEPT_ENCODING, "gzip"),
            ],
            Self::Package { .. } => [(header::ACCEPT, "*/*"), (header::ACCEPT_ENCODING, "identity")],
        };
        let value = |(name, value)| (name, HeaderValue::from_static(value));
        let mut headers: HeaderMap = pairs.into_iter().map(value).collect();
        if let Self::Package { rest: Some(rest) } = self {
            headers.extend(rest.headers().into_iter().flatten());
        }
        if let Self::Feed { known: Some(known) } = self {
            let mut add = |name: HeaderName, text: &Option<String>| {
                let value = text.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
                headers.extend(value.map(|value| (name, value)));
            };
            add(header::IF_NONE_MATCH, &known.etag);
            add(header::IF_MODIFIED_SINCE, &known.last_modified);
        }
        headers
    }

    /// Returns whether a status answers it. A 304 or a 206 that nobody asked for says nothing.
    pub(super) fn is_answered_by(self, status: StatusCode) -> bool {
        match status {
            StatusCode::OK => true,
            StatusCode::PARTIAL_CONTENT => matches!(self, Self::Package { rest: Some(_) }),
            StatusCode::NOT_MODIFIED => matches!(self, Self::Feed { known: Some(_) }),
            _ => false,
        }
    }
}

/// Returns what an answer of the upstream at `upstream` can be compared with later.
pub(super) fn validators(response: &Response, upstream: &str) -> Option<Validators> {
    let text = |name: HeaderName| {
        let value = response.headers().get(name)?.to_str().ok()?;
        (!value.is_empty() && value.len() <= MAX_VALIDATOR_BYTES).then(|| value.to_owned())
    };
    let (etag, last_modified) = (text(header::ETAG), text(header::LAST_MODIFIED));
    (etag.is_some() || last_modified.is_some()).then(|| Validators {
        upstream: upstream.to_owned(),
        etag,
        last_modified,
    })
}
