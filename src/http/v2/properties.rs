//! Single properties of single versions, as WCF Data Services answer them. NuGetGallery answers for the id and the version
//! alone, and with 400 for all others; here every property of an entry is answered, and 404 for what is none.

use axum::response::Response;

use super::{TEXT_TYPE, XML_TYPE, lists, warn_of, xml_answer};
use crate::http::error::ApiError;
use crate::http::state::{App, FeedRequest};
use crate::odata::address::Key;
use crate::odata::atom;
use crate::odata::entry::{self, Shown};

/// Answers with a document of one property.
pub(super) async fn document(app: &App, feed: &FeedRequest<'_>, key: &Key, name: &str) -> Result<Response, ApiError> {
    lists::read_options(feed)?;
    let found = lists::find(app, feed, key).await?;
    let view = found.view();
    let shown = entry::property(&view, feed.protocol, name).ok_or_else(|| unknown(name))?;
    let mut response = xml_answer(XML_TYPE, atom::property(&shown));
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
    let mut response = xml_answer(TEXT_TYPE, value.into_owned());
    warn_of(&mut response, &found.failures);
    Ok(response)
}

fn unknown(name: &str) -> ApiError {
    ApiError::NotFound(format!("Packages have no property '{name}'."))
}
