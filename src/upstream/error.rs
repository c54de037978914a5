//! How asking an upstream can fail, by what it means for whoever asked.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::tempo::Slowest;
use crate::odata::atom_read::FeedError;
use crate::redact;

/// Why an upstream gave no answer that can be used. Its text tells all, down to the last cause, so it has no source; URLs
/// in it carry no secrets. Cheap to clone: one failure is told to all who wait for the same answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpstreamError {
    /// The upstream does not have what was asked for.
    #[error("{url} does not exist (status {status})")]
    NotFound {
        /// What was asked for.
        url: String,
        /// 404 or 410.
        status: u16,
    },
    /// The upstream cannot be reached, or cannot answer now.
    #[error("{url} is not available: {outage}")]
    Unavailable {
        /// What was asked for.
        url: String,
        /// What is wrong.
        outage: Outage,
        /// How long the upstream asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The upstream does not let us.
    #[error("access to {url} is refused (status {status}): check the credentials for this upstream")]
    Refused {
        /// What was asked for.
        url: String,
        /// 401, 403, 407 or 451.
        status: u16,
    },
    /// The upstream answers, but not with what it should.
    #[error("{url} gave an unusable answer: {answer}")]
    BadAnswer {
        /// What was asked for.
        url: String,
        /// What is wrong.
        answer: BadAnswer,
    },
}

/// The four meanings of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Absent: the one failure that may be taken for "there is no such package".
    NotFound,
    /// Failed for now.
    Unavailable,
    /// Forbidden.
    Refused,
    /// Failed until the upstream is mended.
    BadAnswer,
}

/// Why an upstream is not available.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Outage {
    /// No connection: the name is not known, nobody listens, TLS fails.
    #[error("no connection ({})", innermost(source.as_ref()))]
    Connect {
        /// What the HTTP client says.
        source: Arc<reqwest::Error>,
    },
    /// No connection in time.
    #[error("no connection within {} s", .0.as_secs_f32())]
    ConnectTimeout(Duration),
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    HeaderTimeout(Duration),
    /// The answer stopped in its middle.
    #[error("its answer stalled for {} s", .0.as_secs_f32())]
    BodyTimeout(Duration),
    /// The answer comes too slowly.
    #[error("its answer comes at less than {} bytes a second, for {} s now", .0.bytes_per_second, .0.over.as_secs_f32())]
    TooSlow(Slowest),
    /// The connection was lost before an answer came.
    #[error("the connection was lost ({})", innermost(source.as_ref()))]
    Lost {
        /// What the HTTP client says.
        source: Arc<reqwest::Error>,
    },
    /// The upstream says so itself: 408, 429 or 5xx.
    #[error("it answers with status {0}")]
    Status(u16),
    /// The upstream bars this machine for a while: Cloudflare's error 1015, with status 429.
    #[error("it has barred this machine for asking too often (error 1015)")]
    Banned,
    /// The upstream asked to be left alone; nothing was sent.
    #[error("it asked to be left alone for another {} s", .0.as_secs().max(1))]
    Paused(Duration),
    /// It failed too often; nothing was sent.
    #[error("it failed too often and is tried again in {} s", .0.as_secs().max(1))]
    GivenUp(Duration),
    /// A limit leaves no room for so long; nothing was sent.
    #[error("larder asks it no more often than its limits allow ({name}: {per_minute} a minute), and has room again in {} s", .wait.as_secs().max(1))]
    Limited {
        /// The limit: `requests`, `downloads`, or a package's id.
        name: String,
        /// How many any one minute may have.
        per_minute: u32,
        /// How long it takes.
        wait: Duration,
    },
    /// So many requests were under way all the time; nothing was sent.
    #[error("larder asks it for {0} things at once and no more, and all of them take their time")]
    Busy(u32),
    /// More wait for it already than are let wait; nothing was sent.
    #[error("too much waits for it already")]
    Crowded,
    /// No upstream is to be asked.
    #[error("larder is offline")]
    Offline,
}

/// Why an answer is unusable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BadAnswer {
    /// A status that means nothing here.
    #[error("status {0} is not expected")]
    Status(u16),
    /// What came over the connection is not HTTP.
    #[error("it is not HTTP ({})", innermost(source.as_ref()))]
    NotHttp {
        /// What the HTTP client says.
        source: Arc<reqwest::Error>,
    },
    /// The body ended before its end.
    #[error("it is cut off or garbled ({})", innermost(source.as_ref()))]
    CutOff {
        /// What the HTTP client says.
        source: Arc<reqwest::Error>,
    },
    /// The body is larger than is read.
    #[error("it is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The most that is read, in bytes.
        limit_bytes: u64,
    },
    /// The body is packed in a way that was not asked for.
    #[error("it is packed as '{0}', which was not asked for")]
    Coding(String),
    /// The body is not packed as it says, or not to its end.
    #[error("it is no gzip though it says so, or is cut off")]
    Garbled,
    /// The body inflates to more than anything honest.
    #[error("it inflates to far more than a feed would")]
    Inflation,
    /// After a body broke off, what came is not the rest of the same body.
    #[error("it broke off, and what came then is of another body")]
    NotTheRest,
    /// No feed, or a broken one.
    #[error("{}", chain(.0.as_ref()))]
    Feed(Arc<FeedError>),
    /// A feed whose entries name no package.
    #[error("none of its entries can be read; the first, {0}")]
    Entries(String),
    /// A count that is none.
    #[error("it is no number, where a count was asked for")]
    Count,
    /// No zip archive.
    #[error("it is no nupkg, but {}", content_type.as_deref().unwrap_or("something of unknown type"))]
    NotPackage {
        /// The content type that it claims.
        content_type: Option<String>,
    },
    /// A redirect leads nowhere, or where it must not lead.
    #[error("it redirects {0}")]
    Redirect(&'static str),
    /// It leads to a network address that it must not lead to.
    #[error("{0}")]
    Guarded(String),
    /// The address of a package or of a next page cannot be followed.
    #[error("it links to {link}, {reason}")]
    Link {
        /// The link, without secrets.
        link: String,
        /// Why it is not followed.
        reason: &'static str,
    },
    /// It asks whoever asks it (RFC 5842, 7.2).
    #[error(
        "it mirrors this very server, so that each would ask the other for ever; take one of the two out of the other's upstreams"
    )]
    Loop,
    /// The pages of a feed do not end.
    #[error("its pages do not end: {0}")]
    Paging(&'static str),
    /// Reading it was given up: larder is stopping.
    #[error("reading it was given up, larder is stopping")]
    Abandoned,
    /// A page that an earlier page linked to is gone: the answer can not be whole.
    #[error("a further page of it is gone (status {0})")]
    PageGone(u16),
}

impl UpstreamError {
    /// Returns what the failure means.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Refused { .. } => ErrorKind::Refused,
            Self::BadAnswer { .. } => ErrorKind::BadAnswer,
        }
    }

    /// Returns whether the upstream answers that it does not take the question: nuget.org has status 400 and says that the
    /// question is deprecated, the Chocolatey community repository has 406 and 410, also for rows beyond the 10,000th.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::BadAnswer { answer, .. } => match answer {
                BadAnswer::Status(status) => matches!(status, 400 | 405 | 406 | 410 | 414 | 416 | 422),
                BadAnswer::Feed(error) => matches!(error.as_ref(), FeedError::Reported { .. }),
                _ => false,
            },
            Self::Unavailable { outage, .. } => matches!(outage, Outage::Status(501)),
            Self::NotFound { status, .. } => *status == 410,
            Self::Refused { .. } => false,
        }
    }

    /// Returns whether an answer broke off in its middle.
    pub(super) fn is_cut_off(&self) -> bool {
        let Self::BadAnswer { answer, .. } = self else {
            return false;
        };
        matches!(answer, BadAnswer::CutOff { .. })
    }

    /// Returns whether time ran out: what a gateway calls a timeout.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        let Self::Unavailable { outage, .. } = self else {
            return false;
        };
        matches!(
            outage,
            Outage::ConnectTimeout(_) | Outage::HeaderTimeout(_) | Outage::BodyTimeout(_) | Outage::TooSlow(_)
        )
    }

    /// Returns whether the upstream asks whoever asks it.
    #[must_use]
    pub fn is_loop(&self) -> bool {
        matches!(
            self,
            Self::BadAnswer {
                answer: BadAnswer::Loop,
                ..
            }
        )
    }

    /// Returns whether the upstream answers that it does not take the question, or no further page of its answer.
    ///
    /// The Chocolatey community repository says 406 to item 10,001 of any answer and to filters that it does not know,
    /// nuget.org 400 to what it calls deprecated.
    #[must_use]
    pub fn is_refused_question(&self) -> bool {
        let Self::BadAnswer { answer, .. } = self else {
            return false;
        };
        matches!(
            answer,
            BadAnswer::Status(400 | 404 | 405 | 406 | 410 | 414 | 501) | BadAnswer::PageGone(_)
        )
    }

    /// Returns whether it was not asked because larder itself keeps to limits: nothing is wrong with it.
    #[must_use]
    pub fn is_own_limit(&self) -> bool {
        let Self::Unavailable { outage, .. } = self else {
            return false;
        };
        matches!(outage, Outage::Limited { .. } | Outage::Busy(_) | Outage::Crowded)
    }

    /// Returns whether nothing was asked because no upstream is to be.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        matches!(
            self,
            Self::Unavailable {
                outage: Outage::Offline,
                ..
            }
        )
    }

    /// Returns how long the upstream asks to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Returns the last cause, which says what happened: the ones before it say what was tried, with the whole URL.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Returns an error's text with all its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// Makes a bad answer of `url`.
pub(crate) fn bad(url: &Url, answer: BadAnswer) -> UpstreamError {
    UpstreamError::BadAnswer {
        url: redact::url(url).to_string(),
        answer,
    }
}

/// Makes an outage of `url`.
pub(crate) fn unavailable(url: &Url, outage: Outage) -> UpstreamError {
    UpstreamError::Unavailable {
        url: redact::url(url).to_string(),
        outage,
        retry_after: None,
    }
}
