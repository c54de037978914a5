//! What larder asks of the galleries it mirrors: the versions of an id, a search, the bytes of a package.
//!
//! Knows how an upstream is addressed and when its answer can be believed; keeps nothing, remembers nothing, and knows
//! neither store nor clients. Absent, unavailable and forbidden stay different answers: [`ErrorKind`].

mod access;
mod address;
mod answer;
mod breaker;
pub mod client;
mod condition;
mod content;
pub mod error;
mod guard;
mod headers;
mod hosts;
mod inflate;
mod listing;
mod names;
mod rest;
mod retry;
mod scheduler;
mod settings;
mod status;
pub mod template;
mod tempo;
mod uplink;
mod urgency;
pub mod v2;
mod want;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::catalog::query::{Latest, Prerelease};
use crate::catalog::{Announced, SearchTerms, SourceName, Validators};
use crate::nuget::{NuGetVersion, PackageId, SemVerLevel};

pub use access::{AccessSettings, ProxySettings};
pub use breaker::BreakerSettings;
pub use client::SetupError;
pub use condition::{Host, PauseReason};
pub use error::{BadAnswer, ErrorKind, Outage, UpstreamError};
pub use hosts::{Hosts, KeepPauses, KeptPause};
pub use listing::{ListPage, ListPlace, ListShape, Listing};
pub use names::Names;
pub use retry::RetrySettings;
pub use scheduler::PaceSettings;
pub use settings::{ClientSettings, Limits, Timeouts};
pub use status::{
    BreakerStatus, BucketStatus, FailureCounts, PauseStatus, PerPriority, SeenError, Totals, UpstreamStatus,
};
pub use template::{TemplateSettings, TemplateUpstream};
pub use tempo::Slowest;
pub use uplink::Uplink;
pub use urgency::{Priority, Urgency};
pub use v2::{V2Settings, V2Upstream};

/// A gallery, or a place with nupkgs, that packages are mirrored from.
pub trait Upstream: Send + Sync {
    /// Returns the name of the source.
    fn name(&self) -> &SourceName;

    /// Returns whether the upstream can say which versions it has; if not, [`Self::versions`] and [`Self::search`] are
    /// always empty, and only [`Self::open`] tells whether a version exists.
    fn announces(&self) -> bool;

    /// Returns how the upstream does; asks nothing of it.
    fn status(&self) -> UpstreamStatus;

    /// Returns all versions of an id, unlisted ones too, each once; empty where the upstream does not know the id.
    ///
    /// The answer is whole: where a page is missing, it is an error. `known` are the validators of the last answer, if it had
    /// any: with them the upstream may say that nothing has changed. Those that another upstream gave, or this one at
    /// another address, are not used.
    fn versions<'a>(
        &'a self,
        id: &'a PackageId,
        known: Option<&'a Validators>,
        urgency: &'a Urgency,
    ) -> BoxFuture<'a, Result<Versions, UpstreamError>>;

    /// Returns one page of what the upstream's own search finds. An upstream that has no search answers badly: it is
    /// never [`ErrorKind::NotFound`].
    fn search<'a>(
        &'a self,
        search: &'a UpstreamSearch,
        urgency: &'a Urgency,
    ) -> BoxFuture<'a, Result<UpstreamPage<Announced>, UpstreamError>>;

    /// Returns one page of the whole list of packages. Galleries take but some of the shapes, and some pages: see
    /// [`UpstreamError::is_refused_question`].
    fn list<'a>(&'a self, listing: &'a Listing, urgency: &'a Urgency)
    -> BoxFuture<'a, Result<ListPage, UpstreamError>>;

    /// Returns how many rows the upstream's own search finds on all pages, as the upstream says; `skip` and `top` do not count.
    /// Some never say more than a certain number.
    fn count<'a>(
        &'a self,
        search: &'a UpstreamSearch,
        urgency: &'a Urgency,
    ) -> BoxFuture<'a, Result<u64, UpstreamError>>;

    /// Opens the nupkg of a version, at the URL that its entry gave, or at the upstream's own address for it.
    ///
    /// The bytes begin as a zip archive does; all else is for the caller to verify.
    /// [`UpstreamError::NotFound`] where the upstream has no such version.
    ///
    /// # Cancel safety
    /// Dropping the future or the stream closes the connection.
    fn open<'a>(
        &'a self,
        id: &'a PackageId,
        version: &'a NuGetVersion,
        content_url: Option<&'a str>,
        urgency: &'a Urgency,
    ) -> BoxFuture<'a, Result<ContentStream, UpstreamError>>;
}

/// What an upstream says of an id.
#[derive(Debug, Clone)]
pub enum Versions {
    /// These are all versions that it has.
    Announced {
        /// The versions, each once; none where it does not know the id.
        versions: Vec<Announced>,
        /// What the answer can be compared with next time; `None` where the upstream gives nothing, or the answer has
        /// several pages.
        validators: Option<Validators>,
    },
    /// It is as it was when the answer with the known validators was given.
    Unchanged,
}

impl Versions {
    /// It has none.
    pub(crate) fn none() -> Self {
        Self::Announced {
            versions: Vec::new(),
            validators: None,
        }
    }
}

/// The orders in which all galleries can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchOrder {
    /// By id.
    Id,
    /// By downloads, the most downloaded first.
    Downloads,
}

/// A search, as upstreams understand it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpstreamSearch {
    /// What is looked for; nothing for everything.
    pub terms: SearchTerms,
    /// The filter that the client sent, or the part of it that upstreams may take, as they read it. Many take none:
    /// [`UpstreamError::is_refusal`].
    pub filter: Option<String>,
    /// What comes first.
    pub order: SearchOrder,
    /// Whether versions with labels are wanted.
    pub prerelease: Prerelease,
    /// Which one version of each id is wanted; `None` for all versions.
    pub latest: Option<Latest>,
    /// The versions that are wanted, and among which the latest is the latest: an upstream tells only one for each id, and
    /// where it is not readable for whoever asked, the one that is would stay unknown.
    pub level: SemVerLevel,
    /// Rows to pass over.
    pub skip: u64,
    /// The most rows that are wanted; upstreams are asked for at most [`v2::SEARCH_PAGE`].
    pub top: u64,
}

/// One page of an upstream's answer.
#[derive(Debug, Clone)]
pub struct UpstreamPage<T> {
    /// The rows, in the upstream's order.
    pub items: Vec<T>,
    /// How many rows all pages have, where the upstream says so.
    pub total: Option<u64>,
    /// The `skip` of the next page; `None` after the last one.
    pub next_skip: Option<u64>,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// By a length, or by a last chunk: a body that is cut off is known for it.
    Told,
    /// By the end of the connection, as in HTTP/1.0: it may as well have been cut.
    Untold,
}

/// The bytes of a nupkg on their way from the upstream.
pub struct ContentStream {
    /// How many bytes are promised; the stream fails where others come. `None` where the upstream does not say.
    pub length: Option<u64>,
    /// How the end of the bytes is told.
    pub end: BodyEnd,
    /// Where they come from, after redirects, without secrets.
    pub url: String,
    /// The bytes. The stream ends after its first error; an end without one is the end that the upstream sent.
    pub stream: BoxStream<'static, Result<Bytes, UpstreamError>>,
}
