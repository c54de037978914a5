//! `install.ps1`: the script that brings Chocolatey to a machine, from the default feed.
//!
//! Ansible's `win_chocolatey` runs it from the root of a source's server (chocolatey-ansible, `Packages.psm1`), and people
//! coming from Chocolatey Simple Server know it from there.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;

use super::base_url::BaseUrl;
use super::error::ApiError;

/// Where the script lies below the server's root.
pub(super) const PATH: &str = "/install.ps1";

/// The script, with [`PLACEHOLDER`] for the server's root.
const SCRIPT: &str = include_str!("install.ps1");

const PLACEHOLDER: &str = "@BASE";

/// Answers with the script. It is run, so a root that could end a quoted text is refused.
pub(super) fn script(base: &BaseUrl) -> Result<Response, ApiError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b":/.-_~%[]".contains(&b);
    if !base.as_str().bytes().all(is_plain) {
        return Err(ApiError::NotFound(
            "There is no script for this address; set public_url to a plain one.".to_owned(),
        ));
    }
    let mut response = Response::new(Body::from(SCRIPT.replace(PLACEHOLDER, base.as_str())));
    let text = HeaderValue::from_static("text/plain;charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    Ok(response)
}
