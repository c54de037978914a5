//! A gallery that speaks `NuGet` v2, asked in the few shapes that nuget.org and the Chocolatey community repository both
//! answer: `FindPackagesById`, `Search` and the package itself.
//!
//! It believes no page that leads astray or in circles, and takes no versions of an id that was not asked for.

mod list;
mod search;
mod versions;

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep};
use url::Url;

use super::address::{self, encode};
use super::client::{HttpClient, SetupError};
use super::content::open_package;
use super::error::bad;
use super::scheduler::Share;
use super::settings::{ClientSettings, Limits};
use super::want::{Want, validators};
use super::{
    BadAnswer, ContentStream, Upstream, UpstreamError, UpstreamPage, UpstreamSearch, UpstreamStatus, Urgency, Versions,
};
use super::{ListPage, Listing};
use crate::catalog::{Announced, SourceName, Validators};
use crate::nuget::{NuGetVersion, PackageId};
use crate::odata::atom_read::{FeedPage, read_feed};
use crate::redact;

pub use self::search::SEARCH_PAGE;

/// What a v2 upstream needs to know.
#[derive(Debug, Clone)]
pub struct V2Settings {
    /// The name of the source.
    pub name: SourceName,
    /// The root of the feed; may hold a user and a password.
    pub base: Url,
    /// How it is asked.
    pub client: ClientSettings,
    /// How much is read.
    pub limits: Limits,
}

/// A v2 feed that packages are mirrored from.
pub struct V2Upstream {
    name: SourceName,
    client: Arc<HttpClient>,
    limits: Limits,
}

/// A page, where it came from, and how large it was.
struct FetchedPage {
    page: FeedPage,
    url: Url,
    bytes: u64,
    validators: Option<Validators>,
}

impl V2Upstream {
    /// Makes the client of a v2 feed; connects nowhere yet.
    pub fn new(settings: V2Settings) -> Result<Self, SetupError> {
        let mut base = address::parse(settings.base.as_str()).ok_or_else(|| SetupError::Address {
            url: redact::url(&settings.base).to_string(),
        })?;
        base.set_query(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self {
            name: settings.name,
            client: Arc::new(HttpClient::new(&base, &settings.client)?),
            limits: settings.limits,
        })
    }

    /// Returns the address of something below the feed's root.
    fn address(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.client.home().clone();
        url.set_path(&format!("{}{path}", url.path()));
        url.set_query(query);
        url
    }

    /// Fetches a page.
    async fn fetch(&self, url: Url, urgency: &Urgency) -> Result<FetchedPage, UpstreamError> {
        let known = None;
        let page = self.fetch_if_changed(url.clone(), known, urgency).await?;
        // Nothing can be unchanged since nothing.
        page.ok_or_else(|| bad(&url, BadAnswer::Status(304)))
    }

    /// Fetches a page; `None` where it is still the one whose validators are known. One that breaks off is asked for again.
    async fn fetch_if_changed(
        &self,
        url: Url,
        known: Option<&Validators>,
        urgency: &Urgency,
    ) -> Result<Option<FetchedPage>, UpstreamError> {
        let (begun, want) = (Instant::now(), Want::Feed { known });
        let mut answer = self.client.get(url.clone(), want, urgency).await?;
        loop {
            if answer.is_unchanged() {
                return Ok(None);
            }
            let (attempt, at) = (answer.attempt, answer.url.clone());
            let validators = validators(&answer.response, self.client.home().as_str());
            let failure = match answer.read(self.limits.page_bytes).await {
                Ok(body) => return self.parse(body, at, validators).await.map(Some),
                Err(failure) if failure.is_cut_off() => failure,
                Err(failure) => return Err(failure),
            };
            let pause = self.client.next_attempt(&url, attempt, begun.elapsed(), &failure);
            let Some(pause) = pause else { return Err(failure) };
            tracing::debug!(%failure, attempt, "a page broke off and is asked for again");
            sleep(pause).await;
            let again = self.client.once_more(&url, want, Share::Feed, urgency, attempt + 1);
            answer = again.await?;
        }
    }

    async fn parse(&self, body: Bytes, url: Url, validators: Option<Validators>) -> Result<FetchedPage, UpstreamError> {
        let bytes = body.len() as u64;
        let (document, limits) = (url.clone(), self.limits.feed);
        let read = tokio::task::spawn_blocking(move || read_feed(&body, &document, limits)).await;
        let page = match read {
            Ok(page) => page.map_err(|error| bad(&url, BadAnswer::Feed(Arc::new(error))))?,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Err(bad(&url, BadAnswer::Abandoned)),
        };
        if let Some(first) = page.skipped.first() {
            tracing::warn!(
                upstream.name = %self.name,
                url = %redact::url(&url),
                "{} entries name no package and are left out; the first, '{}': {}",
                page.skipped.len(),
                first.entry,
                first.reason,
            );
        }
        Ok(FetchedPage {
            page,
            url,
            bytes,
            validators,
        })
    }
}

impl Upstream for V2Upstream {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn announces(&self) -> bool {
        true
    }

    fn status(&self) -> UpstreamStatus {
        self.client.status()
    }

    fn versions<'a>(
        &'a self,
        id: &'a PackageId,
        known: Option<&'a Validators>,
        urgency: &'a Urgency,
    ) -> BoxFuture<'a, Result<Versions, UpstreamError>> {
        self.find(id, known, urgency).boxed()
    }

    fn search<'a>(
        &'a self,
        search: &'a UpstreamSearch,
        urgency: &'a Urgency,
    ) -> BoxFuture<'a, Result<UpstreamPage<Announced>, UpstreamError>> {
        self.search_page(search, urgency).boxed()
    }

    fn list<'a>(
        &'a self,
        listing: &'a Listing,
        urgency: &'a Urgency,
    ) -> BoxFuture<'a, Result<ListPage, UpstreamError>> {
        self.list_page(listing, urgency).boxed()
    }

    fn count<'a>(
        &'a self,
        search: &'a UpstreamSearch,
        urgency: &'a Urgency,
    ) -> BoxFuture<'a, Result<u64, UpstreamError>> {
        self.search_count(search, urgency).boxed()
    }

    fn open<'a>(
        &'a self,
        id: &'a PackageId,
        version: &'a NuGetVersion,
        content_url: Option<&'a str>,
        urgency: &'a Urgency,
    ) -> BoxFuture<'a, Result<ContentStream, UpstreamError>> {
        let home = self.client.home();
        let url = if let Some(link) = content_url {
            address::upgrade(link, home).map_err(|reason| refuse_link(home, link, reason))
        } else {
            let path = format!("package/{}/{}", encode(id.as_str()), encode(version.as_str()));
            Ok(self.address(&path, None))
        };
        async move { open_package(&self.client, url?, self.client.share_of(id), urgency).await }.boxed()
    }
}

fn refuse_link(page: &Url, link: &str, reason: &'static str) -> UpstreamError {
    let link = redact::url_text(link).to_string();
    bad(page, BadAnswer::Link { link, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(base: &str) -> V2Upstream {
        V2Upstream::new(V2Settings {
            name: "g".parse().unwrap(),
            base: base.parse().unwrap(),
            client: ClientSettings::default(),
            limits: Limits::default(),
        })
        .unwrap()
    }

    #[test]
    fn addresses_are_below_the_root() {
        for base in ["https://u:p@g.test/api/v2", "https://g.test/api/v2/?x=y#z"] {
            let url = upstream(base).address("Search()", Some("a='b'"));
            assert_eq!(url.as_str(), "https://g.test/api/v2/Search()?a=%27b%27");
        }
    }

    #[test]
    fn other_schemes_are_no_upstream() {
        let settings = V2Settings {
            base: "file:///etc/".parse().unwrap(),
            name: "g".parse().unwrap(),
            client: ClientSettings::default(),
            limits: Limits::default(),
        };
        assert!(matches!(V2Upstream::new(settings), Err(SetupError::Address { .. })));
    }
}
