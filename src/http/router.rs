//! From a connection's request to the feed that it is for.
//!
//! Routes cannot be spelled for axum: `Packages(Id='x',Version='y')` is refused by its router, and a wildcard hands over a
//! decoded path, in which `%2F` inside a quoted key has become a slash. So there is one handler, which reads the raw path.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_LENGTH, VIA};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::base_url::{Asked, BaseUrl};
use super::encoding::{Wanted, encode};
use super::error::{ApiError, Dialect, not_allowed};
use super::listener::Connection;
use super::state::{App, FeedRequest};
use super::{admin, cache_status, caching, install, mount, v1, v2};
use crate::odata::protocol::Protocol;
use crate::redact;
use crate::via::{self, Looped};

/// Said of all answers while no upstream is asked.
const X_LARDER_CACHE: HeaderName = HeaderName::from_static("x-larder-cache");
const OFFLINE: HeaderValue = HeaderValue::from_static("OFFLINE");

/// Makes the server's only service.
pub fn router(app: App) -> Router {
    Router::new().fallback(serve).with_state(app)
}

async fn serve(State(app): State<App>, ConnectInfo(connection): ConnectInfo<Connection>, request: Request) -> Response {
    let started = std::time::Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let wanted = Wanted::of(request.headers());
    let answered = match way(&app, request.headers()) {
        Ok(way) if way.is_empty() => answer(&app, connection, request).await,
        Ok(way) => Box::pin(via::coming_through(way, answer(&app, connection, request))).await,
        Err(looped) => Err(looped),
    };
    let mut response = answered.unwrap_or_else(|error| error.into_response(Dialect::OData));
    caching::describe(response.headers_mut(), &app.server);
    let is_offline = app.mirror.offline().is_offline();
    if is_offline {
        response.headers_mut().insert(X_LARDER_CACHE, OFFLINE);
    }
    cache_status::complete(response.status(), response.headers_mut(), is_offline);
    let mut response = encode(response, wanted).await;
    if method == Method::HEAD {
        take_body(&mut response);
    }
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let path = redact::path(uri.path());
    tracing::debug!(%method, %path, status = response.status().as_u16(), duration_ms, "answered");
    response
}

/// Returns the larders that a request came through.
fn way(app: &App, headers: &HeaderMap) -> Result<Arc<str>, ApiError> {
    let via = headers.get_all(VIA).iter().filter_map(|via| via.to_str().ok());
    app.mirror.pseudonym().way(via).map_err(|Looped| {
        tracing::error!("a request that this server itself had sent to an upstream came back to it: an upstream mirrors this server, or is this server");
        ApiError::LoopDetected(
            "This server was asked by itself: one of its upstreams mirrors it, or is this server; take that upstream out.".to_owned(),
        )
    })
}

async fn answer(app: &App, connection: Connection, request: Request) -> Result<Response, ApiError> {
    let uri = request.uri().clone();
    let (path, query) = (uri.path(), uri.query().unwrap_or(""));
    if path.len() + query.len() > app.max_url_bytes {
        return Err(ApiError::UriTooLong {
            limit_bytes: app.max_url_bytes,
        });
    }
    let asked = Asked {
        version: request.version(),
        uri: &uri,
        headers: request.headers(),
        peer: connection.peer.ip(),
        local: connection.local,
    };
    let is_script = path.eq_ignore_ascii_case(install::PATH);
    if path == "/" || is_script {
        // A push that were answered with 200 here would look like one that was taken.
        return match *request.method() {
            Method::GET | Method::HEAD if is_script => install::script(&BaseUrl::of(&asked, &app.server)?),
            Method::GET | Method::HEAD => Ok(front_page(app, &BaseUrl::of(&asked, &app.server)?)),
            ref method => Err(not_allowed("GET, HEAD", method)),
        };
    }
    if let Some(below) = admin::find(path) {
        return Ok(admin::dispatch(app, below, request).await);
    }
    let Some(mount) = mount::find(path) else {
        return Err(ApiError::NotFound(format!(
            "There is nothing at {}; the default feed is at /api/v2/.",
            redact::path(path)
        )));
    };
    let Some(feed) = app.feed(mount.feed.as_ref()) else {
        return Err(ApiError::NotFound(
            "There is no such feed; the default feed is at /api/v2/.".to_owned(),
        ));
    };
    let base = BaseUrl::of(&asked, &app.server)?;
    let root = base.mount(mount.path).as_str().to_owned();
    let feed_request = FeedRequest {
        feed: &feed.name,
        protocol: mount.protocol,
        delete: feed.delete,
        root,
        rest: mount.rest,
        query,
    };
    Ok(match mount.protocol {
        Protocol::V1 => {
            let push_url = format!("{}/package/", base.mount(&mount.current()));
            v1::dispatch(app, &feed_request, &push_url, request).await
        }
        Protocol::V2 => v2::dispatch(app, &feed_request, request).await,
    })
}

/// Makes an answer that of a HEAD: all headers, the length too, and no body.
fn take_body(response: &mut Response) {
    let body = std::mem::replace(response.body_mut(), Body::empty());
    if let Some(length) = body.size_hint().exact() {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
}

/// For people who open the server in a browser.
fn front_page(app: &App, base: &BaseUrl) -> Response {
    let mut page = "larder, a mirror and private feed for NuGet v2 clients\n\n".to_owned();
    for feed in &app.feeds {
        let place = if feed.is_default {
            "api/v2/".to_owned()
        } else {
            format!("feeds/{}/api/v2/", feed.name)
        };
        let _ = writeln!(page, "feed {}: {base}/{place}", feed.name);
    }
    let _ = writeln!(
        page,
        "\nPoint a client at a feed, for example: choco source add --name larder --source {base}/api/v2/"
    );
    (StatusCode::OK, [("content-type", "text/plain; charset=utf-8")], page).into_response()
}
