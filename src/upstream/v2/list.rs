//! One page of the whole list of a gallery.

use super::super::address::{self, literal};
use super::super::error::bad;
use super::super::{BadAnswer, ListPage, ListPlace, ListShape, Listing, UpstreamError, Urgency};
use super::{SEARCH_PAGE, V2Upstream, refuse_link};
use crate::catalog::query::Latest;

impl V2Upstream {
    pub(super) async fn list_page(&self, listing: &Listing, urgency: &Urgency) -> Result<ListPage, UpstreamError> {
        let home = self.client.home();
        let url = match (&listing.place, listing.shape) {
            (ListPlace::Link(link), _) => {
                address::next_page(link, home).map_err(|reason| refuse_link(home, link, reason))?
            }
            (ListPlace::Start | ListPlace::Skip(_), ListShape::Set) => {
                self.address("Packages()", Some(&set_query(listing.latest)))
            }
            (ListPlace::Start, _) => self.address("Search()", Some(&search_query(listing, 0))),
            (ListPlace::Skip(skip), _) => self.address("Search()", Some(&search_query(listing, *skip))),
        };
        let fetched = match self.fetch(url, urgency).await {
            // A gallery that does not know the question says nothing about what it has.
            Err(UpstreamError::NotFound { url, status }) => {
                let answer = BadAnswer::Status(status);
                return Err(UpstreamError::BadAnswer { url, answer });
            }
            fetched => fetched?,
        };
        let (page, at) = (fetched.page, fetched.url);
        let rows = (page.entries.len() + page.skipped.len()) as u64;
        let next = if listing.shape == ListShape::Set {
            let link = page.next.as_deref();
            let next = link.map(|next| address::next_page(next, &at).map_err(|reason| refuse_link(&at, next, reason)));
            let next = next.transpose()?;
            if next.as_ref() == Some(&at) {
                return Err(bad(&at, BadAnswer::Paging("a page links to itself")));
            }
            next.map(|next| ListPlace::Link(next.to_string()))
        } else {
            let skipped = match listing.place {
                ListPlace::Skip(skip) => skip,
                ListPlace::Start | ListPlace::Link(_) => 0,
            };
            let end = skipped.saturating_add(rows);
            // A count need not be true beyond what a query may reach, so it is not asked: the last page is a short one.
            let is_last = rows == 0 || (rows < SEARCH_PAGE && page.next.is_none());
            (!is_last).then_some(ListPlace::Skip(end))
        };
        Ok(ListPage {
            items: page.entries,
            next,
        })
    }
}

fn flag(latest: Latest) -> &'static str {
    match latest {
        Latest::Stable => "IsLatestVersion",
        Latest::Absolute => "IsAbsoluteLatestVersion",
    }
}

fn set_query(latest: Latest) -> String {
    format!("$filter={}&$orderby=Id&semVerLevel=2.0.0", flag(latest))
}

/// Writes the parameters of `Search()` in the order in which choco sends them.
fn search_query(listing: &Listing, skip: u64) -> String {
    let flag = flag(listing.latest);
    let prefix = literal(&listing.prefix);
    let filter = match listing.shape {
        ListShape::Set | ListShape::Search => flag.to_owned(),
        ListShape::StartsWithLower => format!("(startswith(tolower(Id),{prefix}))%20and%20{flag}"),
        ListShape::StartsWith => format!("{flag}%20and%20startswith(Id,%20{prefix})"),
    };
    let prerelease = listing.latest == Latest::Absolute;
    format!(
        "$filter={filter}&$orderby=Id&searchTerm=''&targetFramework=''&includePrerelease={prerelease}\
         &$skip={skip}&$top={SEARCH_PAGE}&semVerLevel=2.0.0"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_is_one_that_a_client_sends() {
        let listing = |latest, shape| Listing {
            latest,
            shape,
            prefix: "o'n".to_owned(),
            place: ListPlace::Start,
        };
        let end = "&$skip=40&$top=40&semVerLevel=2.0.0";
        for (shape, latest, expected) in [
            (
                ListShape::Search,
                Latest::Stable,
                "$filter=IsLatestVersion&$orderby=Id&searchTerm=''&targetFramework=''&includePrerelease=false",
            ),
            (
                ListShape::StartsWithLower,
                Latest::Absolute,
                "$filter=(startswith(tolower(Id),'o%27%27n'))%20and%20IsAbsoluteLatestVersion&$orderby=Id&searchTerm=''&targetFramework=''&includePrerelease=true",
            ),
            (
                ListShape::StartsWith,
                Latest::Stable,
                "$filter=IsLatestVersion%20and%20startswith(Id,%20'o%27%27n')&$orderby=Id&searchTerm=''&targetFramework=''&includePrerelease=false",
            ),
        ] {
            assert_eq!(search_query(&listing(latest, shape), 40), format!("{expected}{end}"));
        }
        assert_eq!(
            set_query(Latest::Absolute),
            "$filter=IsAbsoluteLatestVersion&$orderby=Id&semVerLevel=2.0.0"
        );
    }
}
