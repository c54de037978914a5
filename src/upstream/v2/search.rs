//! One page of a gallery's own `Search()`, and how much it finds in all.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::address::literal;
use super::super::error::bad;
use super::super::want::Want;
use super::super::{BadAnswer, SearchOrder, UpstreamError, UpstreamPage, UpstreamSearch, Urgency};
use super::V2Upstream;
use crate::catalog::Announced;
use crate::catalog::query::{Latest, Prerelease};
use crate::nuget::SemVerLevel;

/// The most rows that a search asks for: the page size of the Chocolatey community repository.
pub const SEARCH_PAGE: u64 = 40;

/// The most that is read where a number is asked for, in bytes.
const MAX_COUNT_BYTES: u64 = 64;

/// What a filter has to have encoded: clients leave its parentheses, commas and quotes as they are.
const FILTER: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b'\'');

impl V2Upstream {
    pub(super) async fn search_page(
        &self,
        search: &UpstreamSearch,
        urgency: &Urgency,
    ) -> Result<UpstreamPage<Announced>, UpstreamError> {
        let top = search.top.clamp(1, SEARCH_PAGE);
        let paging = format!("&$skip={}&$top={top}", search.skip);
        let url = self.address("Search()", Some(&search_query(search, &paging)));
        let page = match self.fetch(url, urgency).await {
            // A gallery without a search says nothing about what it has.
            Err(UpstreamError::NotFound { url, status }) => {
                let answer = BadAnswer::Status(status);
                return Err(UpstreamError::BadAnswer { url, answer });
            }
            fetched => fetched?.page,
        };
        let rows = (page.entries.len() + page.skipped.len()) as u64;
        let end = search.skip.saturating_add(rows);
        let is_last = match page.count {
            _ if rows == 0 => true,
            Some(total) => end >= total,
            // nuget.org leaves out the next link where $top was given; others have pages smaller than $top.
            None => rows < top && page.next.is_none(),
        };
        Ok(UpstreamPage {
            items: page.entries,
            total: page.count,
            next_skip: (!is_last).then_some(end),
        })
    }

    /// Asks as Chocolatey GUI does before it shows pages.
    pub(super) async fn search_count(&self, search: &UpstreamSearch, urgency: &Urgency) -> Result<u64, UpstreamError> {
        let url = self.address("Search()/$count", Some(&search_query(search, "")));
        let answer = self.client.get(url, Want::Feed { known: None }, urgency).await?;
        let url = answer.url.clone();
        let body = answer.read(MAX_COUNT_BYTES).await?;
        let text = String::from_utf8_lossy(&body);
        let number = text.trim_start_matches('\u{feff}').trim().parse();
        number.map_err(|_| bad(&url, BadAnswer::Count))
    }
}

/// Writes the parameters of `Search()` in the one shape and order that nuget.org and the Chocolatey community repository
/// both take for their own clients' searches; a filter as choco writes it, which only some take.
fn search_query(search: &UpstreamSearch, paging: &str) -> String {
    let flag = match search.latest {
        Some(Latest::Stable) => Some("IsLatestVersion"),
        Some(Latest::Absolute) => Some("IsAbsoluteLatestVersion"),
        None => None,
    };
    let encoded = |filter: &str| utf8_percent_encode(filter, FILTER).to_string();
    let filter = match (&search.filter, flag) {
        (Some(filter), Some(flag)) => format!("$filter={}%20and%20{flag}&", encoded(filter)),
        (Some(filter), None) => format!("$filter={}&", encoded(filter)),
        (None, Some(flag)) => format!("$filter={flag}&"),
        (None, None) => String::new(),
    };
    let term = literal(&search.terms.to_string());
    // The two orders that choco sends.
    let order = match search.order {
        SearchOrder::Id => "Id",
        SearchOrder::Downloads => "DownloadCount%20desc,Id",
    };
    let prerelease = search.prerelease == Prerelease::Include;
    let level = match search.level {
        SemVerLevel::One => "",
        SemVerLevel::Two => "&semVerLevel=2.0.0",
    };
    format!(
        "{filter}$orderby={order}&searchTerm={term}&targetFramework=''&includePrerelease={prerelease}{paging}{level}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::SearchTerms;

    #[test]
    fn searches_have_one_shape() {
        let mut search = UpstreamSearch {
            terms: SearchTerms::parse("C++ O'Neill tag:VCS \"two words\""),
            filter: None,
            order: SearchOrder::Id,
            prerelease: Prerelease::Exclude,
            latest: Some(Latest::Stable),
            level: SemVerLevel::Two,
            skip: 40,
            top: 40,
        };
        assert_eq!(
            search_query(&search, "&$skip=40&$top=40"),
            "$filter=IsLatestVersion&$orderby=Id&searchTerm='c%2B%2B%20o%27%27neill%20tag%3Avcs%20%22two%20words%22'&targetFramework=''\
             &includePrerelease=false&$skip=40&$top=40&semVerLevel=2.0.0"
        );
        search.terms = SearchTerms::default();
        search.filter = Some("(substringof('o''neill',tolower(Id)))".to_owned());
        assert_eq!(
            search_query(&search, ""),
            "$filter=(substringof('o''neill',tolower(Id)))%20and%20IsLatestVersion&$orderby=Id&searchTerm=''&targetFramework=''\
             &includePrerelease=false&semVerLevel=2.0.0"
        );
        search.filter = None;
        search.latest = None;
        search.level = SemVerLevel::One;
        search.order = SearchOrder::Downloads;
        search.prerelease = Prerelease::Include;
        assert_eq!(
            search_query(&search, "&$skip=40&$top=1"),
            "$orderby=DownloadCount%20desc,Id&searchTerm=''&targetFramework=''&includePrerelease=true&$skip=40&$top=1"
        );
    }
}
