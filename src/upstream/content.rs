//! Opens a nupkg at an upstream, and looks at its first bytes: login pages and error documents come with status 200 too.
//!
//! A body that breaks off is carried on where that is safe, without anybody noticing who reads it: each attempt is a request
//! like any other, and only so many are made. What was passed on already is never taken back, so what follows it must be of
//! the same body: either the upstream says so, or it sends the whole again and the first part is compared.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt as _};
use reqwest::header::HeaderValue;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::answer::Answer;
use super::client::HttpClient;
use super::error::bad;
use super::rest::{self, Rest};
use super::scheduler::Share;
use super::want::Want;
use super::{BadAnswer, BodyEnd, ContentStream, Outage, UpstreamError, Urgency};
use crate::redact;

/// How every zip archive with files in it begins (APPNOTE.TXT 4.3.7, 4.3.12).
const ZIP_MAGIC: &[u8] = b"PK";

/// The longest that a reader waits for a byte, from the last one before a body broke off to the first one after it.
const RECOVERY: Duration = Duration::from_secs(28);

/// Opens the nupkg at `url`. Its first bytes decide, not its content type: servers call a nupkg many things.
pub(crate) async fn open_package(
    client: &Arc<HttpClient>,
    url: Url,
    share: Share,
    urgency: &Urgency,
) -> Result<ContentStream, UpstreamError> {
    let whole = Want::Package { rest: None };
    let answer = client.download(url.clone(), whole, share, urgency).await?;
    let errand = Errand {
        client: Arc::clone(client),
        url,
        share,
        urgency: urgency.clone(),
    };
    let mut download = Download::begin(errand, answer);
    let mut head = BytesMut::new();
    while head.len() < ZIP_MAGIC.len() {
        let Some(chunk) = download.next().await? else { break };
        head.extend_from_slice(&chunk);
    }
    if !head.starts_with(ZIP_MAGIC) {
        return Err(bad(
            &download.url,
            BadAnswer::NotPackage {
                content_type: download.content_type,
            },
        ));
    }
    let head: Bytes = head.freeze();
    Ok(ContentStream {
        length: download.length,
        end: download.end,
        url: redact::url(&download.url).to_string(),
        stream: stream::iter([Ok(head)]).chain(download.into_stream()).boxed(),
    })
}

/// What is asked for, and of whom.
#[derive(Clone)]
struct Errand {
    client: Arc<HttpClient>,
    /// Where the package is asked for: where that redirects to may be good for a short time only.
    url: Url,
    share: Share,
    urgency: Urgency,
}

/// A body on its way, in one answer or several.
struct Download {
    errand: Errand,
    /// The answer that is read now; `None` once it has broken off.
    answer: Option<Answer>,
    attempt: u32,
    /// Where the first answer came from, and what it says of the whole body.
    url: Url,
    content_type: Option<String>,
    length: Option<u64>,
    end: BodyEnd,
    validator: Option<HeaderValue>,
    /// How many bytes were passed on, and their checksum.
    passed: u64,
    passed_sum: crc32fast::Hasher,
}

impl Download {
    fn begin(errand: Errand, answer: Answer) -> Self {
        Self {
            errand,
            attempt: answer.attempt,
            url: answer.url.clone(),
            content_type: answer.content_type(),
            length: answer.length,
            end: answer.end(),
            validator: rest::validator(answer.response.headers()),
            answer: Some(answer),
            passed: 0,
            passed_sum: crc32fast::Hasher::new(),
        }
    }

    /// Returns the bytes as a stream that ends after its first error.
    fn into_stream(self) -> BoxStream<'static, Result<Bytes, UpstreamError>> {
        stream::unfold(Some(self), |download| async {
            let mut download = download?;
            match download.next().await {
                Ok(Some(chunk)) => Some((Ok(chunk), Some(download))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    /// Returns the next piece of the body; `None` at its end.
    async fn next(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        let Some(answer) = &mut self.answer else {
            return Ok(None);
        };
        let deadline = Instant::now() + RECOVERY;
        let failure = match answer.chunk().await {
            Ok(chunk) => return Ok(self.pass(chunk)),
            Err(failure) => failure,
        };
        // It gives up its place before another request asks for one.
        self.answer = None;
        if !is_interruption(&failure) {
            return Err(failure);
        }
        match timeout_at(deadline, self.resume(&failure)).await {
            Ok(Some(chunk)) => Ok(self.pass(chunk)),
            Ok(None) | Err(_) => Err(failure),
        }
    }

    fn pass(&mut self, chunk: Option<Bytes>) -> Option<Bytes> {
        if let Some(chunk) = &chunk {
            self.passed += chunk.len() as u64;
            self.passed_sum.update(chunk);
        }
        chunk
    }

    /// Asks for the rest until some of it comes; `None` where that is of no use.
    async fn resume(&mut self, failure: &UpstreamError) -> Option<Option<Bytes>> {
        let broken = Instant::now();
        let mut failure = failure.clone();
        loop {
            let errand = &self.errand;
            let pause = errand
                .client
                .next_attempt(&errand.url, self.attempt, broken.elapsed(), &failure)?;
            tracing::debug!(%failure, attempt = self.attempt, bytes = self.passed, "a body broke off and is asked for again");
            sleep(pause).await;
            self.attempt += 1;
            match self.carry_on().await {
                Ok(chunk) => return Some(chunk),
                Err(error) => failure = error,
            }
        }
    }

    /// Asks for the rest, or for the whole. Returns the first piece after what was passed on.
    async fn carry_on(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        let rest = self.rest();
        let want = Want::Package { rest: rest.as_ref() };
        let errand = &self.errand;
        let attempt = errand
            .client
            .once_more(&errand.url, want, errand.share, &errand.urgency, self.attempt);
        let mut answer = attempt.await?;
        if self.passed == 0 {
            *self = Self::begin(self.errand.clone(), answer);
        } else {
            let chunk = match (&rest, self.length) {
                (Some(rest), Some(length)) if answer.is_partial() => {
                    if !rest::continues(answer.response.headers(), rest, length) {
                        return Err(bad(&answer.url, BadAnswer::NotTheRest));
                    }
                    None
                }
                _ => self.skip(&mut answer).await?,
            };
            self.answer = Some(answer);
            if chunk.is_some() {
                return Ok(chunk);
            }
        }
        match &mut self.answer {
            Some(answer) => answer.chunk().await,
            None => Ok(None),
        }
    }

    /// Returns what is left to ask for, where that is safe.
    fn rest(&self) -> Option<Rest> {
        let validator = self.validator.clone()?;
        // Without a length the body may have been sent in another coding than it is read in.
        self.length.filter(|_| self.passed > 0)?;
        Some(Rest {
            from: self.passed,
            validator,
        })
    }

    /// Reads over what was passed on already, in an answer that has the whole body. Returns what of a piece is left.
    async fn skip(&self, answer: &mut Answer) -> Result<Option<Bytes>, UpstreamError> {
        let headers = answer.response.headers();
        let is_other = self
            .validator
            .as_ref()
            .is_some_and(|validator| rest::is_of_another(headers, validator))
            || matches!((self.length, answer.length), (Some(one), Some(other)) if one != other)
            || self.end != answer.end();
        let mut left = self.passed;
        let mut sum = crc32fast::Hasher::new();
        while left > 0 && !is_other {
            let Some(mut chunk) = answer.chunk().await? else { break };
            let known = chunk.split_to(usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len()));
            sum.update(&known);
            left -= known.len() as u64;
            if left == 0 && sum.clone().finalize() == self.passed_sum.clone().finalize() {
                return Ok(chunk.has_remaining().then_some(chunk));
            }
        }
        Err(bad(&answer.url, BadAnswer::NotTheRest))
    }
}

/// Returns whether a body only broke off, and may be had whole another time.
fn is_interruption(failure: &UpstreamError) -> bool {
    let is_stalled = matches!(
        failure,
        UpstreamError::Unavailable {
            outage: Outage::BodyTimeout(_),
            ..
        }
    );
    is_stalled || failure.is_cut_off()
}
