//! `POST /admin/prefetch`: fetches packages with all that they need, and tells line by line how that goes on. It goes on when
//! nobody listens any more.

use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::Order;
use super::sync::lines;
use crate::catalog::SourceName;
use crate::http::error::ApiError;
use crate::http::failure::sentence;
use crate::mirror::{DependencyVersion, Prefetch, PrefetchProgress, Want};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefetchOrder {
    /// The feed's name.
    pub feed: String,
    /// The packages, such as `git`, `git@2.40.0` or `git@[2.40,3.0)`.
    pub packages: Vec<String>,
    /// Which versions of dependencies are taken.
    #[serde(default)]
    pub dependencies: DependencyVersion,
    /// How many packages are worked on at a time.
    pub concurrency: usize,
}

/// Begins, and answers with a [`PrefetchProgress`] on each line; the last one is ended, unless larder stops.
pub(super) fn begin(order: &Order<'_>) -> Result<Response, ApiError> {
    let asked: PrefetchOrder = order.read()?;
    let feed: SourceName = asked
        .feed
        .parse()
        .map_err(|error| ApiError::BadRequest(sentence(&error)))?;
    let wants: Result<Vec<Want>, _> = asked.packages.iter().map(|text| text.parse()).collect();
    let progress = order.app.mirror.prefetch(Prefetch {
        feed,
        wants: wants.map_err(|error| ApiError::BadRequest(sentence(&error)))?,
        dependencies: asked.dependencies,
        concurrency: asked.concurrency.min(64),
    })?;
    Ok(lines(progress, |progress: &PrefetchProgress| progress.ended))
}
