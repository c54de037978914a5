//! `GET /admin/status`: how the server, its feeds and its upstreams are. For people through `larder status`, and for programs.

use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{Order, json};
use crate::catalog::Instant;
use crate::http::error::ApiError;

/// The document. What reads it takes keys that it does not know in its stride.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// When the server was started.
    pub started: Instant,
    /// How long ago that is, in seconds.
    pub uptime_seconds: u64,
    /// The feeds, in the configuration's order.
    pub feeds: Vec<FeedStatus>,
    /// The upstreams, in the configuration's order.
    pub upstreams: Vec<UpstreamStatus>,
}

/// How a feed is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// Its name.
    pub name: String,
    /// Whether it is the default feed.
    pub default: bool,
    /// The names of its upstreams, in the order in which they are asked.
    pub upstreams: Vec<String>,
}

/// How an upstream is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
}

/// Answers with the document.
pub(super) fn show(order: &Order<'_>) -> Result<Response, ApiError> {
    let app = order.app;
    let uptime = (app.clock.now() - app.started).to_std().unwrap_or_default();
    let feeds = app.feeds.iter().map(|feed| FeedStatus {
        name: feed.name.to_string(),
        default: feed.is_default,
        upstreams: feed.upstreams.iter().map(ToString::to_string).collect(),
    });
    let upstreams = app
        .upstreams
        .iter()
        .map(|name| UpstreamStatus { name: name.to_string() });
    json(&Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: app.started,
        uptime_seconds: uptime.as_secs(),
        feeds: feeds.collect(),
        upstreams: upstreams.collect(),
    })
}
