//! Single properties of single versions, as WCF Data Services answer them. NuGetGallery answers for the id and the version
//! alone, and with 400 for all others; here every property of an entry is answered, and 404 for what is none.

use axum::response::Response;

use super::{JSON_TYPE, TEXT_TYPE, XML_TYPE, document, lists, warn_of};
use crate::http::error::ApiError;
use crate::http::state::{App, FeedRequest};
use crate::odata::address::Key;
use crate::odata::entry::{self, Shown};
use crate::odata::negotiate::Format;
use crate::odata::{atom, json};

/// Answers with a document of one property.
pub(super) async fn one(
    app: &App,
    feed: &FeedRequest<'_>,
    key: &Key,
    name: &str,
    format: Format,
) -> Result<Response, ApiError> {
    lists::read_options(feed)?;
    let found = lists::find(app, feed, key).await?;
    let view = found.view();
    let shown = entry::property(&view, feed.protocol, name).ok_or_else(|| unknown(name))?;
    let mut response = match format {
        Format::Atom => document(XML_TYPE, atom::property(&shown)),
        Format::Json => document(JSON_TYPE, json::property(&shown, feed.protocol)),
    };
    warn_of(&mut response, &found.failures);
    Ok(response)
}

/// Answers with the text of a property; a null has none, and is not found.
pub(super) async fn value(app: &App, feed: &FeedRequest<'_>, key: &Key, name: &str) -> Result<Response, ApiError> {
    lists::read_options(feed)?;
    let found = lists::find(app, feed, key).await?;
    let view = found.view();
    let shown = entry::property(&view, feed.protocol, name).ok_or_else(|| unknown(name))?;
    let Shown { value: Some(value), .. } = shown else {
        let text = format!("'{}' of {} {} is null.", shown.name, key.id, key.version);
        return Err(ApiError::NotFound(text));
    };
    let mut response = document(TEXT_TYPE, value.into_owned());
    warn_of(&mut response, &found.failures);
    Ok(response)
}

fn unknown(name: &str) -> ApiError {
    ApiError::NotFound(format!("Packages have no property '{name}'."))
}
