//! One page of a gallery's own `Search()`.

use super::super::address::literal;
use super::super::{BadAnswer, SearchOrder, UpstreamError, UpstreamPage, UpstreamSearch, Urgency};
use super::V2Upstream;
use crate::catalog::Announced;
use crate::catalog::query::{Latest, Prerelease};
use crate::nuget::SemVerLevel;

/// The most rows that a search asks for: the page size of the Chocolatey community repository.
pub const SEARCH_PAGE: u64 = 40;

impl V2Upstream {
    pub(super) async fn search_page(
        &self,
        search: &UpstreamSearch,
        urgency: &Urgency,
    ) -> Result<UpstreamPage<Announced>, UpstreamError> {
        let top = search.top.clamp(1, SEARCH_PAGE);
        let url = self.address("Search()", Some(&search_query(search, top)));
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
}

/// Writes the parameters of `Search()` in the one shape and order that nuget.org and the Chocolatey community repository
/// both take for their own clients' searches.
fn search_query(search: &UpstreamSearch, top: u64) -> String {
    let filter = match search.latest {
        Some(Latest::Stable) => "$filter=IsLatestVersion&",
        Some(Latest::Absolute) => "$filter=IsAbsoluteLatestVersion&",
        None => "",
    };
    let term = literal(&search.terms.to_string());
    // The two orders that choco sends.
    let order = match search.order {
        SearchOrder::Id => "Id",
        SearchOrder::Downloads => "DownloadCount%20desc,Id",
    };
    let prerelease = search.prerelease == Prerelease::Include;
    let skip = search.skip;
    let level = match search.level {
        SemVerLevel::One => "",
        SemVerLevel::Two => "&semVerLevel=2.0.0",
    };
    format!(
        "{filter}$orderby={order}&searchTerm={term}&targetFramework=''&includePrerelease={prerelease}\
         &$skip={skip}&$top={top}{level}"
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
            order: SearchOrder::Id,
            prerelease: Prerelease::Exclude,
            latest: Some(Latest::Stable),
            level: SemVerLevel::Two,
            skip: 40,
            top: 40,
        };
        assert_eq!(
            search_query(&search, 40),
            "$filter=IsLatestVersion&$orderby=Id&searchTerm='c%2B%2B%20o%27%27neill%20tag%3Avcs%20%22two%20words%22'&targetFramework=''\
             &includePrerelease=false&$skip=40&$top=40&semVerLevel=2.0.0"
        );
        search.latest = None;
        search.level = SemVerLevel::One;
        search.order = SearchOrder::Downloads;
        search.terms = SearchTerms::default();
        search.prerelease = Prerelease::Include;
        assert_eq!(
            search_query(&search, 1),
            "$orderby=DownloadCount%20desc,Id&searchTerm=''&targetFramework=''&includePrerelease=true&$skip=40&$top=1"
        );
    }
}
