//! `POST /admin/purge`: forgets what upstreams said, so that they are asked again.

use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{Order, json};
use crate::http::error::ApiError;
use crate::mirror::{Purge, PurgedIds};

/// What is to be forgotten; without any of it, everything of every upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeOrder {
    /// The upstream's name; absent for all.
    #[serde(default)]
    pub upstream: Option<String>,
    /// The id, or a pattern of ids, such as `contoso.*`; absent for all.
    #[serde(default)]
    pub ids: Option<String>,
}

/// How much was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeResult {
    /// How many times that an upstream has an id.
    pub present: usize,
    /// How many times that an upstream does not have an id or a version.
    pub absent: usize,
}

/// Forgets, and answers with how much it was.
pub(super) async fn purge(order: Order<'_>) -> Result<Response, ApiError> {
    let asked: PurgeOrder = order.read()?;
    let mirror = &order.app.mirror;
    let is_known = |name: &&String| mirror.upstreams().keys().any(|known| known.as_str() == name.as_str());
    let upstream = match &asked.upstream {
        Some(name) if !is_known(&name) => {
            return Err(ApiError::BadRequest(format!("There is no upstream '{name}'.")));
        }
        Some(name) => name.parse().ok(),
        None => None,
    };
    let ids = match &asked.ids {
        Some(ids) => PurgedIds::Matching(
            ids.parse()
                .map_err(|error| ApiError::BadRequest(format!("ids {error}.")))?,
        ),
        None => PurgedIds::All,
    };
    let purged = mirror.purge(&Purge { upstream, ids }).await?;
    json(&PurgeResult {
        present: purged.present,
        absent: purged.absent,
    })
}
