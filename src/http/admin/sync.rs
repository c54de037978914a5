//! `POST /admin/sync`: walks the list of an upstream, and tells line by line how that goes on. It goes on when nobody listens any more.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::Order;
use crate::catalog::SourceName;
use crate::http::error::ApiError;
use crate::http::failure::sentence;
use crate::mirror::{SyncMode, SyncProgress};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncOrder {
    /// The upstream's name.
    pub upstream: String,
    /// What is to be learnt.
    pub metadata: SyncMode,
}

/// Begins a sync or joins one, and answers with a [`SyncProgress`] on each line; the last one has an end, unless larder stops.
pub(super) fn begin(order: &Order<'_>) -> Result<Response, ApiError> {
    let asked: SyncOrder = order.read()?;
    let source: SourceName = asked
        .upstream
        .parse()
        .map_err(|error| ApiError::BadRequest(sentence(&error)))?;
    let progress = order.app.mirror.sync(&source, asked.metadata);
    let progress = progress.map_err(|refusal| ApiError::BadRequest(sentence(&refusal)))?;
    Ok(lines(progress, |progress: &SyncProgress| progress.end.is_some()))
}

/// Answers with each state of some work on a line of its own, as JSON, until one is the last.
pub(super) fn lines<T: Clone + Serialize + Send + Sync + 'static>(
    progress: watch::Receiver<T>,
    is_last: fn(&T) -> bool,
) -> Response {
    let states = stream::unfold(Some((progress, First::Yes)), move |state| async move {
        let (mut progress, first) = state?;
        // The state as it is comes at once; who joins late may be told nothing else.
        if first == First::No && progress.changed().await.is_err() {
            return None;
        }
        let now = progress.borrow_and_update().clone();
        let line = serde_json::to_vec(&now).map(|mut line| {
            line.push(b'\n');
            Bytes::from(line)
        });
        let left = (!is_last(&now) && line.is_ok()).then_some((progress, First::No));
        Some((line, left))
    });
    let mut response = Response::new(Body::from_stream(states));
    let content_type = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Yes,
    No,
}
