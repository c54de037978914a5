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
    let done = async {
        authorize(app, headers)?;
        match feed.delete {
            DeletePolicy::Unlist => app.mirror.set_listed(feed.feed, &key.id, &key.version, Listed::No).await?,
            DeletePolicy::Remove => app.mirror.remove(feed.feed, &key.id, &key.version).await?,
            DeletePolicy::Off => return Err(ApiError::deleting_is_off()),
        }
        Ok(empty(StatusCode::NO_CONTENT))
    };
    done.await.map_err(ApiError::in_plain_text)
}

/// Lists a version again.
pub(super) async fn relist(
    app: &App,
    feed: &FeedRequest<'_>,
    key: &Key,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let done = async {
        authorize(app, headers)?;
        app.mirror.set_listed(feed.feed, &key.id, &key.version, Listed::Yes).await?;
        Ok(empty(StatusCode::OK))
    };
    done.await.map_err(ApiError::in_plain_text)
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
