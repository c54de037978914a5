//! An answer whose body is still to come, and how it is read: no faster than asked for, never waited for without end.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt as _};
use reqwest::{Response, StatusCode, header};
use tokio::time::timeout;
use url::Url;

use super::error::{BadAnswer, Outage, UpstreamError, bad, unavailable};
use super::scheduler::Permit;
use super::uplink::Uplink;

/// An answer, its body not read yet.
pub(crate) struct Answer {
    pub(super) response: Response,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    /// The length of the whole body in bytes; `None` where the upstream does not say, or sends it compressed.
    pub(crate) length: Option<u64>,
    pub(super) body_timeout: Duration,
    /// Held until the body has ended, or is given up.
    pub(super) permit: Permit,
    pub(super) uplink: Uplink,
}

impl Answer {
    /// Returns whether it says that nothing has changed since what was known.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.response.status() == StatusCode::NOT_MODIFIED
    }

    /// Returns the content type that the answer claims.
    pub(crate) fn content_type(&self) -> Option<String> {
        let value = self.response.headers().get(header::CONTENT_TYPE)?;
        Some(String::from_utf8_lossy(value.as_bytes()).chars().take(100).collect())
    }

    /// Returns the next piece of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        let chunk = tokio::select! {
            biased;
            () = self.uplink.until_cut() => return Err(unavailable(&self.url, Outage::Offline)),
            chunk = timeout(self.body_timeout, self.response.chunk()) => chunk,
        };
        match chunk {
            Ok(Ok(chunk)) => {
                if let Some(chunk) = &chunk {
                    self.permit.read(chunk.len());
                }
                Ok(chunk)
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

    /// Reads the whole body, if it is not larger than `limit_bytes`.
    pub(crate) async fn read(mut self, limit_bytes: u64) -> Result<Bytes, UpstreamError> {
        let mut body = BytesMut::new();
        let mut left = limit_bytes;
        while let Some(chunk) = self.chunk().await? {
            left = left
                .checked_sub(chunk.len() as u64)
                .ok_or_else(|| bad(&self.url, BadAnswer::TooLarge { limit_bytes }))?;
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// Returns the rest of the body as a stream that ends after its first error.
    pub(crate) fn into_stream(self) -> BoxStream<'static, Result<Bytes, UpstreamError>> {
        stream::unfold(Some(self), |answer| async {
            let mut answer = answer?;
            match answer.chunk().await {
                Ok(Some(chunk)) => Some((Ok(chunk), Some(answer))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}
