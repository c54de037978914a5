//! `GET` and `POST /admin/offline`: whether upstreams are asked.

use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{Order, json};
use crate::http::error::ApiError;
use crate::http::failure::sentence;
use crate::mirror::OfflineError;

/// The document, as it is answered with and as it is sent to change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineState {
    /// Whether no upstream is asked.
    pub offline: bool,
}

/// Answers with the document.
pub(super) fn show(order: &Order<'_>) -> Result<Response, ApiError> {
    let offline = order.app.mirror.offline().is_offline();
    json(&OfflineState { offline })
}

/// Goes offline or online, and answers with the document.
pub(super) fn change(order: &Order<'_>) -> Result<Response, ApiError> {
    let wanted: OfflineState = order.read()?;
    let offline = order.app.mirror.offline();
    let changed = if wanted.offline {
        offline.begin(order.app.clock.now())
    } else {
        offline.end()
    };
    changed.map_err(|error| match error {
        OfflineError::Configured => ApiError::BadRequest(sentence(&error)),
        OfflineError::Io { ref source, .. } => ApiError::Internal(format!("{error}: {source}")),
    })?;
    show(order)
}
