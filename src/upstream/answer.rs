//! An answer whose body is still to come, and how it is read: no faster than asked for, never waited for without end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Response, StatusCode, header};
use tokio::time::{Instant, timeout};
use url::Url;

use super::BodyEnd;
use super::error::{BadAnswer, Outage, UpstreamError, bad, unavailable};
use super::inflate::{InflateError, Inflating};
use super::scheduler::Permit;
use super::tempo::Tempo;
use super::uplink::Uplink;

/// An answer, its body not read yet.
pub(crate) struct Answer {
    pub(super) response: Response,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    /// The length of the body in bytes; `None` where the upstream does not say.
    pub(crate) length: Option<u64>,
    /// Which attempt this answers, counted from 1.
    pub(super) attempt: u32,
    pub(super) body_timeout: Duration,
    pub(super) tempo: Tempo,
    /// Held until the body has ended, or is given up.
    pub(super) permit: Permit,
    pub(super) uplink: Uplink,
}

impl Answer {
    /// Returns whether it says that nothing has changed since what was known.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.response.status() == StatusCode::NOT_MODIFIED
    }

    /// Returns whether it is the rest of a body, and not the whole.
    pub(super) fn is_partial(&self) -> bool {
        self.response.status() == StatusCode::PARTIAL_CONTENT
    }

    /// Returns how the body's end is told.
    pub(super) fn end(&self) -> BodyEnd {
        let headers = self.response.headers();
        if headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING) {
            BodyEnd::Told
        } else {
            BodyEnd::Untold
        }
    }

    /// Returns the content type that the answer claims.
    pub(crate) fn content_type(&self) -> Option<String> {
        let value = self.response.headers().get(header::CONTENT_TYPE)?;
        Some(String::from_utf8_lossy(value.as_bytes()).chars().take(100).collect())
    }

    /// Returns the next piece of the body as it came; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        let waiting = Instant::now();
        let chunk = tokio::select! {
            biased;
            () = self.uplink.until_cut() => return Err(unavailable(&self.url, Outage::Offline)),
            chunk = timeout(self.body_timeout, self.response.chunk()) => chunk,
        };
        match chunk {
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(chunk))) => {
                self.permit.read(chunk.len());
                if !self.tempo.note(waiting.elapsed(), chunk.len()) {
                    return Err(unavailable(&self.url, Outage::TooSlow(self.tempo.slowest())));
                }
                Ok(Some(chunk))
            }
            Ok(Err(error)) => Err(bad(
                &self.url,
                BadAnswer::CutOff {
                    source: Arc::new(error.without_url()),
                },
            )),
            Err(_) => Err(unavailable(&self.url, Outage::BodyTimeout(self.body_timeout))),
        }
    }

    /// Reads the whole body, inflated, if it does not come to more than `limit_bytes`.
    pub(crate) async fn read(mut self, limit_bytes: u64) -> Result<Bytes, UpstreamError> {
        let coding = self.response.headers().get(header::CONTENT_ENCODING);
        let coding = coding.map(|value| value.as_bytes().to_ascii_lowercase());
        let mut body = match coding.as_deref() {
            None | Some(b"" | b"identity") => Inflating::plain(limit_bytes),
            Some(b"gzip" | b"x-gzip") => Inflating::gzip(limit_bytes),
            Some(other) => {
                let coding = String::from_utf8_lossy(other).chars().take(100).collect();
                return Err(bad(&self.url, BadAnswer::Coding(coding)));
            }
        };
        let refused = |url: &Url, error| {
            let answer = match error {
                InflateError::TooLarge => BadAnswer::TooLarge { limit_bytes },
                InflateError::Ratio => BadAnswer::Inflation,
                InflateError::Garbled => BadAnswer::Garbled,
            };
            bad(url, answer)
        };
        while let Some(chunk) = self.chunk().await? {
            body.push(&chunk).map_err(|error| refused(&self.url, error))?;
        }
        let body = body.finish().map_err(|error| refused(&self.url, error))?;
        Ok(body.into())
    }
}
