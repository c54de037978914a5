//! nupkgs, whole or in part, streamed.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue,
    LAST_MODIFIED,
};
use axum::http::request::Parts;
use axum::response::Response;

use crate::catalog::query::{Latest, Listing, Page, Prerelease};
use crate::catalog::{Query, Relayed, SearchTerms};
use crate::http::cache_status;
use crate::http::conditional::{ETag, Validators};
use crate::http::date::format_date;
use crate::http::error::ApiError;
use crate::http::range::{Reply, Representation, content_range, decide};
use crate::http::state::{App, FeedRequest};
use crate::mirror::{Arriving, HeldPackage, Located};
use crate::nuget::framework::Targets;
use crate::nuget::{NuGetVersion, PackageId, SemVerLevel, Sha512};
use crate::odata::address::Key;

/// Whether a URL names one version for ever.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// It does: the bytes never change.
    Version,
    /// It names whatever is the latest.
    Latest,
}

/// Answers with the bytes of a version.
pub(super) async fn package(app: &App, feed: &FeedRequest<'_>, key: &Key, parts: &Parts) -> Result<Response, ApiError> {
    answer(app, feed, key, parts, Naming::Version).await
}

/// Answers with the bytes of the latest listed release; `NuGetGallery` looks at SemVer 2 versions too.
pub(super) async fn latest(
    app: &App,
    feed: &FeedRequest<'_>,
    id: &PackageId,
    parts: &Parts,
) -> Result<Response, ApiError> {
    let query = Query {
        ids: Some(vec![id.clone()]),
        level: SemVerLevel::Two,
        listing: Listing::ListedOnly,
        prerelease: Prerelease::Exclude,
        latest: Some(Latest::Stable),
        terms: SearchTerms::default(),
        targets: Targets::default(),
        updates: None,
        filter: None,
        order: Vec::new(),
        page: Page::first(1),
        work: Arc::default(),
    };
    let found = app.mirror.query(feed.feed, &query, &Relayed::default()).await?;
    let Some(found) = found.page.first() else {
        return Err(ApiError::NotFound(format!(
            "There is no listed release of '{id}' here."
        )));
    };
    let key = Key {
        id: found.row.id.clone(),
        version: found.row.version.clone(),
    };
    answer(app, feed, &key, parts, Naming::Latest).await
}

async fn answer(
    app: &App,
    feed: &FeedRequest<'_>,
    key: &Key,
    parts: &Parts,
    naming: Naming,
) -> Result<Response, ApiError> {
    let delivery = app.mirror.locate(feed.feed, &key.id, &key.version).await?;
    let mut response = match delivery.located {
        Located::Held(held) => from_store(app, &held, parts, naming).await?,
        Located::Arriving(arriving) => on_its_way(app, key, arriving, parts, naming).await?,
    };
    cache_status::tell(response.headers_mut(), delivery.served);
    // A 304 has it too (RFC 9110 section 15.4.5): what it renews is fresh again.
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        let caching = match naming {
            Naming::Version => "public, max-age=31536000, immutable",
            Naming::Latest => "no-cache",
        };
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    }
    Ok(response)
}

async fn from_store(app: &App, held: &HeldPackage, parts: &Parts, naming: Naming) -> Result<Response, ApiError> {
    let digest: Sha512 = held
        .content
        .sha512
        .parse()
        .map_err(|_| ApiError::Internal(format!("the hash of {} {} is damaged", held.id(), held.version())))?;
    let file = Representation {
        validators: Validators {
            etag: ETag::of(&digest),
            // The latest may be an older file than it was, once a version is unlisted: a date would call it unchanged.
            last_modified: (naming == Naming::Version).then(|| held.published()),
        },
        size: held.content.size,
    };
    let range = match decide(&parts.method, &parts.headers, &file) {
        Reply::Whole => None,
        Reply::Part(range) => Some(range),
        Reply::NotModified => return Ok(bare(StatusCode::NOT_MODIFIED, &file)),
        Reply::PreconditionFailed => return Err(ApiError::PreconditionFailed),
        Reply::NotSatisfiable => return Err(ApiError::RangeNotSatisfiable { size: file.size }),
    };
    let stream = app.mirror.open_held(held, range.clone()).await?;
    let mut response = bare(StatusCode::OK, &file);
    *response.body_mut() = Body::from_stream(stream);
    describe(&mut response, held.id(), held.version());
    let length = range.as_ref().map_or(file.size, |range| range.end - range.start);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(range) = range {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        set(&mut response, CONTENT_RANGE, &content_range(&range, file.size));
    }
    Ok(response)
}

/// Passes a package on while it arrives. A part of it, or an answer that depends on it, waits for the end.
async fn on_its_way(
    app: &App,
    key: &Key,
    arriving: Arriving,
    parts: &Parts,
    naming: Naming,
) -> Result<Response, ApiError> {
    let is_plain_get = parts.method == axum::http::Method::GET
        && ![
            "range",
            "if-match",
            "if-none-match",
            "if-modified-since",
            "if-unmodified-since",
        ]
        .iter()
        .any(|name| parts.headers.contains_key(*name));
    let (Some(length), true) = (arriving.length(), is_plain_get) else {
        let held = arriving.finished().await?;
        return from_store(app, &held, parts, naming).await;
    };
    let tag = arriving
        .sha512()
        .and_then(|sha512| sha512.parse().ok())
        .map(|digest| ETag::of(&digest));
    let mut response = Response::new(Body::from_stream(arriving.stream()?));
    if let Some(tag) = tag {
        response.headers_mut().insert(ETAG, tag.header());
    }
    describe(&mut response, &key.id, &key.version);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

fn bare(status: StatusCode, file: &Representation) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(ETAG, file.validators.etag.header());
    if let Some(at) = file.validators.last_modified {
        set(&mut response, LAST_MODIFIED, &format_date(at));
    }
    response
        .headers_mut()
        .insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}

fn describe(response: &mut Response, id: &PackageId, version: &NuGetVersion) {
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    let name = format!("attachment; filename=\"{id}.{}.nupkg\"", version.normalized());
    set(response, CONTENT_DISPOSITION, &name);
}

/// Sets a header whose text may have what headers cannot carry (an id outside ASCII); then it is left out.
fn set(response: &mut Response, name: axum::http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
