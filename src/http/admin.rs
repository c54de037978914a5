//! What administrators see and do over HTTP: JSON below `/admin/`, for whoever has the administrator's key, or the one that a running
//! server leaves on its machine for the other commands.
//!
//! `ROUTES` is all there is; each route is a file of its own below this one. Nothing here may be kept by any cache.

pub mod offline;
pub mod prefetch;
pub mod purge;
pub mod status;
pub mod sync;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{ApiError, Dialect, not_allowed};
use super::state::App;
use crate::limits::MAX_ADMIN_BODY_BYTES;
use crate::redact;

const PREFIX: &str = "/admin/";

/// What can be asked for, and what does it.
const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "status",
        answer: |order| async move { status::show(&order).await }.boxed(),
    },
    Route {
        method: Method::POST,
        path: "prefetch",
        answer: |order| async move { prefetch::begin(&order) }.boxed(),
    },
    Route {
        method: Method::POST,
        path: "sync",
        answer: |order| async move { sync::begin(&order) }.boxed(),
    },
    Route {
        method: Method::GET,
        path: "offline",
        answer: |order| async move { offline::show(&order) }.boxed(),
    },
    Route {
        method: Method::POST,
        path: "offline",
        answer: |order| async move { offline::change(&order) }.boxed(),
    },
    Route {
        method: Method::POST,
        path: "purge",
        answer: |order| purge::purge(order).boxed(),
    },
];

/// One thing that an administrator can ask for.
struct Route {
    /// GET, which answers HEAD too, or POST.
    method: Method,
    /// The path below `/admin/`.
    path: &'static str,
    answer: Handler,
}

type Handler = for<'a> fn(Order<'a>) -> BoxFuture<'a, Result<Response, ApiError>>;

/// What an administrator asks for.
struct Order<'a> {
    app: &'a App,
    body: Bytes,
}

impl Order<'_> {
    /// Reads the request's body as JSON.
    ///
    /// # Errors
    /// [`ApiError::BadRequest`] where it is none of the wanted form.
    fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::BadRequest(format!("The body is not the JSON that is wanted here: {error}.")))
    }
}

/// Returns the path below `/admin/` that a request's path names, if it lies there.
pub(super) fn find(path: &str) -> Option<&str> {
    let (prefix, below) = path.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(below)
}

/// Answers a request below `/admin/`.
pub(super) async fn dispatch(app: &App, below: &str, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answered = answer(app, below, (&parts.method, &parts.headers), body).await;
    let mut response = answered.unwrap_or_else(|error| error.into_response(Dialect::Admin));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer(
    app: &App,
    below: &str,
    (method, headers): (&Method, &HeaderMap),
    body: Body,
) -> Result<Response, ApiError> {
    // First of all: what there is here is nobody else's business.
    app.authorize(key(headers).as_deref())?;
    let named = |route: &&Route| route.path.eq_ignore_ascii_case(below.trim_end_matches('/'));
    let is_asked = |route: &&Route| route.method == method || (method == Method::HEAD && route.method == Method::GET);
    let mut routes = ROUTES.iter().filter(named);
    let both = routes.clone().count() > 1;
    let Some(route) = routes.clone().find(is_asked) else {
        return Err(match routes.next() {
            Some(_) if both => not_allowed("GET, HEAD, POST", method),
            Some(route) if route.method == Method::GET => not_allowed("GET, HEAD", method),
            Some(_) => not_allowed("POST", method),
            None => ApiError::NotFound(format!("There is nothing at {PREFIX}{}.", redact::path(below))),
        });
    };
    let body = axum::body::to_bytes(body, MAX_ADMIN_BODY_BYTES).await.map_err(|_| {
        ApiError::PayloadTooLarge(format!(
            "The body is larger than the {MAX_ADMIN_BODY_BYTES} bytes that are allowed, or did not come whole."
        ))
    })?;
    (route.answer)(Order { app, body }).await
}

/// Returns the key that a request comes with: as pushes send it, or as a bearer's token (RFC 6750 section 2.1).
fn key(headers: &HeaderMap) -> Option<String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    if let Some(key) = headers.get("x-nuget-apikey") {
        return Some(text(key));
    }
    let authorization = text(headers.get(AUTHORIZATION)?);
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Answers with a document.
fn json(document: &impl Serialize) -> Result<Response, ApiError> {
    let text = serde_json::to_vec_pretty(document).map_err(|error| ApiError::Internal(error.to_string()))?;
    let mut response = Response::new(Body::from(text));
    let json = HeaderValue::from_static("application/json;charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn paths() {
        for (path, expected) in [
            ("/admin/status", Some("status")),
            ("/ADMIN/status", Some("status")),
            ("/admin/", Some("")),
            ("/admin", None),
            ("/administrator/", None),
            ("/ädmin/", None),
            ("", None),
        ] {
            assert_eq!(find(path), expected, "{path}");
        }
    }

    #[test]
    fn keys() {
        for (name, value, expected) in [
            ("x-nuget-apikey", "k", Some("k")),
            ("authorization", "Bearer k", Some("k")),
            ("authorization", "bearer  k ", Some("k")),
            ("authorization", "Basic k", None),
            ("authorization", "k", None),
            ("cookie", "k", None),
        ] {
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
            assert_eq!(key(&headers).as_deref(), expected, "{name}: {value}");
        }
    }
}
