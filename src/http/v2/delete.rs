//! Unlisting, relisting, removing.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::push::authorize;
use crate::catalog::Listed;
use crate::config::DeletePolicy;
use crate::http::error::ApiError;
use crate::http::state::{App, FeedRequest};
use crate::odata::address::Key;

/// Does what the feed's policy makes of DELETE.
pub(super) async fn delete(
    app: &App,
    feed: &FeedRequest<'_>,
    key: &Key,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    authorize(app, headers)?;
    match feed.delete {
        DeletePolicy::Unlist => {
            app.mirror
                .set_listed(feed.feed, &key.id, &key.version, Listed::No)
                .await?;
        }
        DeletePolicy::Remove => app.mirror.remove(feed.feed, &key.id, &key.version).await?,
        DeletePolicy::Off => {
            let text = "Deleting packages is turned off for this feed.".to_owned();
            return Err(ApiError::MethodNotAllowed {
                allow: "GET, HEAD, POST",
                text,
            });
        }
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Lists a version again.
pub(super) async fn relist(
    app: &App,
    feed: &FeedRequest<'_>,
    key: &Key,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    authorize(app, headers)?;
    app.mirror
        .set_listed(feed.feed, &key.id, &key.version, Listed::Yes)
        .await?;
    Ok(empty(StatusCode::OK))
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
