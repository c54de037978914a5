//! What shells complete ids and versions with: NuGet's Package Manager Console asks for them as one types.

use axum::response::Response;

use super::{document, lists, warn_of, warn_of_gaps};
use crate::catalog::Relayed;
use crate::http::error::ApiError;
use crate::http::state::{App, FeedRequest};
use crate::mirror::Answer;
use crate::nuget::PackageId;
use crate::odata::plan;

const ARRAY_TYPE: &str = "application/json;charset=utf-8";

/// Answers with the ids that begin with `partialId`, or the most downloaded ones.
pub(super) async fn ids(app: &App, feed: &FeedRequest<'_>) -> Result<Response, ApiError> {
    let options = lists::read_options(feed)?;
    let plan = plan::ids(&options);
    let answer = app
        .mirror
        .complete(feed.feed, &plan.query, &plan.relayed, &options.partial_id)
        .await?;
    let ids: Vec<&str> = answer.page.iter().map(|answered| answered.row.id.as_str()).collect();
    strings(&ids, &answer)
}

/// Answers with the listed versions of an id, the lowest first, as they are spelled; with none for an unknown id.
pub(super) async fn versions(app: &App, feed: &FeedRequest<'_>, id: &PackageId) -> Result<Response, ApiError> {
    let options = lists::read_options(feed)?;
    let query = plan::versions(id, &options);
    let answer = app.mirror.query(feed.feed, &query, &Relayed::default()).await?;
    let versions = answer.page.iter().rev();
    let versions: Vec<&str> = versions.map(|answered| answered.row.version.as_str()).collect();
    strings(&versions, &answer)
}

fn strings(strings: &[&str], answer: &Answer) -> Result<Response, ApiError> {
    let text = serde_json::to_string(strings).map_err(|error| ApiError::Internal(error.to_string()))?;
    let mut response = document(ARRAY_TYPE, text);
    warn_of(&mut response, &answer.failures);
    warn_of_gaps(&mut response, &answer.gaps);
    Ok(response)
}
