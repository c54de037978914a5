//! `POST /admin/purge`: what upstreams said of some ids is forgotten, so that they are asked again. Packages stay.

use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{Order, json};
use crate::http::error::ApiError;
use crate::http::failure::sentence;
use crate::mirror::{Purge, PurgedIds};

/// What is asked for: of one upstream or all, an id, the ids that match a pattern, or all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeOrder {
    /// The upstream's name; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// The id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The pattern, with a `*` at its start or end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

/// How much was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeOutcome {
    /// How many times that an upstream has an id.
    pub present: usize,
    /// How many times that an upstream does not have an id or a version.
    pub absent: usize,
}

/// Forgets, and answers with how much.
pub(super) async fn carry_out(order: &Order<'_>) -> Result<Response, ApiError> {
    let purge = read(&order.read()?)?;
    if let Some(unknown) = purge
        .upstream
        .as_ref()
        .filter(|name| !order.app.upstreams.contains(name))
    {
        return Err(ApiError::BadRequest(format!("There is no upstream '{unknown}'.")));
    }
    let purged = order.app.mirror.purge(&purge).await?;
    tracing::info!(
        present = purged.present,
        absent = purged.absent,
        "forgot what upstreams said, by the administrator's order"
    );
    json(&PurgeOutcome {
        present: purged.present,
        absent: purged.absent,
    })
}

fn read(order: &PurgeOrder) -> Result<Purge, ApiError> {
    let upstream = order.upstream.as_deref().map(str::parse).transpose();
    let ids = match (&order.id, &order.pattern) {
        (None, None) => PurgedIds::All,
        (Some(id), None) => PurgedIds::One(id.parse().map_err(|error| ApiError::BadRequest(sentence(&error)))?),
        (None, Some(pattern)) => {
            let pattern = pattern.parse();
            PurgedIds::Matching(pattern.map_err(|error| ApiError::BadRequest(format!("The pattern {error}.")))?)
        }
        (Some(_), Some(_)) => {
            let text = "Name an id or a pattern, not both.".to_owned();
            return Err(ApiError::BadRequest(text));
        }
    };
    Ok(Purge {
        upstream: upstream.map_err(|error| ApiError::BadRequest(sentence(&error)))?,
        ids,
    })
}
