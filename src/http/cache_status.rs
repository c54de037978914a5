//! `Cache-Status` (RFC 9211) and `Age`: how an answer came about, for whoever looks into why it is what it is.

use axum::http::header::AGE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::mirror::{Served, Standing};

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What caches in front may keep packages for, in seconds. Beyond it an age would make them ask again for bytes that never change.
const YEAR: u64 = 31_536_000;

/// Says how fresh an answer is.
pub(super) fn tell(headers: &mut HeaderMap, served: Served) {
    headers.insert(CACHE_STATUS, value(served));
    if let Some(age) = served.age.map(|age| age.as_secs()).filter(|age| *age < YEAR) {
        headers.insert(AGE, HeaderValue::from(age));
    }
}

/// Says of an answer that tells nothing of itself that it was made here, or that an upstream failed; and of all, where larder
/// is offline, that nobody was asked.
pub(super) fn complete(status: StatusCode, headers: &mut HeaderMap, is_offline: bool) {
    let told = headers.entry(CACHE_STATUS).or_insert_with(|| {
        HeaderValue::from_static(match status.as_u16() {
            ..400 => "larder; hit",
            502..=504 => "larder; fwd=uri-miss; detail=upstream-failed",
            _ => "larder",
        })
    });
    if !is_offline {
        return;
    }
    let text = String::from_utf8_lossy(told.as_bytes()).into_owned();
    let parts = text.split("; ").filter(|part| !part.starts_with("detail="));
    let text = parts.chain(["detail=offline"]).collect::<Vec<_>>().join("; ");
    if let Ok(value) = HeaderValue::try_from(text) {
        *told = value;
    }
}

fn value(served: Served) -> HeaderValue {
    let stale = if served.standing == Standing::Failed {
        "; detail=upstream-failed"
    } else {
        ""
    };
    let fixed = match (served.standing, served.ttl_seconds) {
        (Standing::Local, _) | (Standing::Fresh | Standing::Stale, None) => "larder; hit",
        (Standing::Renewed, _) => "larder; fwd=stale; stored",
        (Standing::Missed, _) => "larder; fwd=uri-miss; stored",
        (Standing::Failed, None) => "larder; fwd=uri-miss; detail=upstream-failed",
        (Standing::Fresh | Standing::Stale | Standing::Failed, Some(ttl)) => {
            let text = format!("larder; hit; ttl={ttl}{stale}");
            return HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("larder; hit"));
        }
    };
    HeaderValue::from_static(fixed)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_standing() {
        for (standing, age, ttl_seconds, status, told_age) in [
            (Standing::Local, None, None, "larder; hit", None),
            (Standing::Fresh, Some(60), Some(540), "larder; hit; ttl=540", Some("60")),
            (Standing::Fresh, Some(60), None, "larder; hit", Some("60")),
            (Standing::Fresh, Some(40_000_000), None, "larder; hit", None),
            (Standing::Renewed, None, None, "larder; fwd=stale; stored", None),
            (Standing::Missed, None, None, "larder; fwd=uri-miss; stored", None),
            (
                Standing::Stale,
                Some(630),
                Some(-30),
                "larder; hit; ttl=-30",
                Some("630"),
            ),
            (
                Standing::Failed,
                Some(630),
                Some(-30),
                "larder; hit; ttl=-30; detail=upstream-failed",
                Some("630"),
            ),
            (
                Standing::Failed,
                None,
                None,
                "larder; fwd=uri-miss; detail=upstream-failed",
                None,
            ),
        ] {
            let served = Served {
                standing,
                age: age.map(Duration::from_secs),
                ttl_seconds,
            };
            let mut headers = HeaderMap::new();
            tell(&mut headers, served);
            complete(StatusCode::OK, &mut headers, false);
            assert_eq!(headers[CACHE_STATUS], status, "{served:?}");
            let age = headers.get(AGE).map(|age| age.to_str().unwrap());
            assert_eq!(age, told_age, "{served:?}");
        }
    }

    #[test]
    fn what_tells_nothing_of_itself() {
        for (status, is_offline, expected) in [
            (200, false, "larder; hit"),
            (304, false, "larder; hit"),
            (404, false, "larder"),
            (503, false, "larder; fwd=uri-miss; detail=upstream-failed"),
            (200, true, "larder; hit; detail=offline"),
            (404, true, "larder; detail=offline"),
            (503, true, "larder; fwd=uri-miss; detail=offline"),
        ] {
            let mut headers = HeaderMap::new();
            complete(StatusCode::from_u16(status).unwrap(), &mut headers, is_offline);
            assert_eq!(headers[CACHE_STATUS], expected, "{status}");
        }
    }
}
