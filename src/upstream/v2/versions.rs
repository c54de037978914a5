//! All versions that a gallery has of an id: its `FindPackagesById()`, page by page.

use std::collections::HashSet;

use super::super::address::{self, literal};
use super::super::error::bad;
use super::super::{BadAnswer, UpstreamError, Urgency, Versions};
use super::{FetchedPage, V2Upstream, refuse_link};
use crate::catalog::Validators;
use crate::nuget::PackageId;

impl V2Upstream {
    pub(super) async fn find(
        &self,
        id: &PackageId,
        known: Option<&Validators>,
        urgency: &Urgency,
    ) -> Result<Versions, UpstreamError> {
        let query = format!("id={}&semVerLevel=2.0.0", literal(id.as_str()));
        let mut url = self.address("FindPackagesById()", Some(&query));
        let mut known = known.filter(|known| known.upstream == self.client.home().as_str());
        let mut fetched = HashSet::new();
        let mut versions = HashSet::new();
        let mut found = Vec::new();
        let mut unreadable = None;
        let mut bytes = 0;
        while fetched.len() < self.limits.pages {
            if !fetched.insert(url.clone()) {
                return Err(bad(&url, BadAnswer::Paging("a page links back to one before it")));
            }
            // What was known is compared with the first page alone: it is the whole answer, or it has no validators.
            let FetchedPage {
                page,
                url: at,
                bytes: size,
                validators,
            } = match self.fetch_if_changed(url, known.take(), urgency).await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(Versions::Unchanged),
                Err(UpstreamError::NotFound { .. }) if fetched.len() == 1 => return Ok(Versions::none()),
                Err(UpstreamError::NotFound { url, status }) => {
                    let answer = BadAnswer::PageGone(status);
                    return Err(UpstreamError::BadAnswer { url, answer });
                }
                Err(error) => return Err(error),
            };
            bytes += size;
            if bytes > self.limits.answer_bytes {
                let limit_bytes = self.limits.answer_bytes;
                return Err(bad(&at, BadAnswer::TooLarge { limit_bytes }));
            }
            let mut is_new = !page.skipped.is_empty();
            for announced in page.entries.into_iter().filter(|announced| announced.id == *id) {
                if versions.insert(announced.version.clone()) {
                    is_new = true;
                    found.push(announced);
                }
            }
            unreadable = unreadable.or(page.skipped.into_iter().next());
            let Some(next) = page.next else {
                // Something is there: that is not to say that the id is unknown.
                if let (true, Some(first)) = (found.is_empty(), unreadable) {
                    let reason = format!("'{}': {}", first.entry, first.reason);
                    return Err(bad(&at, BadAnswer::Entries(reason)));
                }
                return Ok(Versions::Announced {
                    versions: found,
                    // Of several pages each has its own, and none tells of the others.
                    validators: validators.filter(|_| fetched.len() == 1),
                });
            };
            if !is_new {
                return Err(bad(
                    &at,
                    BadAnswer::Paging("a page has no new version, yet names a next one"),
                ));
            }
            url = address::next_page(&next, &at).map_err(|reason| refuse_link(&at, &next, reason))?;
        }
        Err(bad(&url, BadAnswer::Paging("there are more than is allowed")))
    }
}
