//! One search at one upstream: how far it has come, page by page. Shared by all who need it; no IO.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalog::{Instant, SourceName};
use crate::nuget::{NuGetVersion, PackageId};
use crate::upstream::UpstreamSearch;

/// The most pages of one search that are ever asked for: no gallery has more packages.
const MAX_PAGES: u64 = 2_500;

/// A search at an upstream; as a key of a page it says where the page begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SearchKey {
    pub(super) upstream: SourceName,
    pub(super) search: UpstreamSearch,
}

/// What came of asking for a page.
#[derive(Debug)]
pub(super) enum Page {
    /// The rows, which are known now.
    Rows {
        rows: Vec<(PackageId, NuGetVersion)>,
        /// The downloads of the last one.
        downloads: u64,
        /// Where the next page begins.
        next_skip: Option<u64>,
    },
    /// The upstream does not take the question, or goes no further.
    Refused,
}

/// A search that goes on.
#[derive(Debug)]
pub(super) struct Stream {
    key: SearchKey,
    begun: Instant,
    hashes: RandomState,
    progress: Mutex<Progress>,
}

/// How far a search has come.
#[derive(Debug)]
pub(super) struct Progress {
    /// Where the next page begins, or why there is none.
    pub(super) next: Result<u64, End>,
    pub(super) pages: u64,
    /// How many different rows came.
    pub(super) rows: u64,
    seen: HashSet<u64>,
    /// The rows of the first page.
    pub(super) first: Arc<[(PackageId, NuGetVersion)]>,
    /// The last row.
    pub(super) edge: Option<Edge>,
    /// Whether the last question failed.
    pub(super) has_failed: bool,
    pub(super) told: Told,
}

/// How many rows an upstream says that a search has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It was not asked.
    Unasked,
    /// It does not say.
    Nothing,
    Rows(u64),
}

/// Why a search does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// There is no more.
    Whole,
    /// The upstream goes no further, or goes in circles.
    Cut,
    /// The upstream does not take the filter.
    Refused,
}

/// How far a search has come in its order.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) id: PackageId,
    pub(super) downloads: u64,
}

impl Stream {
    pub(super) fn new(key: SearchKey, begun: Instant) -> Self {
        let progress = Progress {
            next: Ok(0),
            pages: 0,
            rows: 0,
            seen: HashSet::new(),
            first: Arc::from([]),
            edge: None,
            has_failed: false,
            told: Told::Unasked,
        };
        Self {
            key,
            begun,
            hashes: RandomState::new(),
            progress: Mutex::new(progress),
        }
    }

    pub(super) fn key(&self) -> &SearchKey {
        &self.key
    }

    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where the next page begins.
    pub(super) fn next_skip(&self) -> Option<u64> {
        self.progress().next.ok()
    }

    /// Takes in what came of asking for the page at `skip`; a page that was taken in already is passed over.
    pub(super) fn absorb(&self, skip: u64, page: &Page) {
        let mut progress = self.progress();
        if progress.next != Ok(skip) {
            return;
        }
        progress.has_failed = false;
        match page {
            Page::Refused => {
                progress.next = Err(if skip == 0 { End::Refused } else { End::Cut });
            }
            Page::Rows {
                rows,
                downloads,
                next_skip,
            } => {
                progress.pages += 1;
                if skip == 0 {
                    progress.first = rows.as_slice().into();
                }
                let before = progress.rows;
                for row in rows {
                    if progress.seen.insert(self.hashes.hash_one(row)) {
                        progress.rows += 1;
                    }
                }
                if let Some((id, _)) = rows.last() {
                    progress.edge = Some(Edge {
                        id: id.clone(),
                        downloads: *downloads,
                    });
                }
                let is_new = progress.rows > before;
                progress.next = match next_skip {
                    None => Err(End::Whole),
                    Some(next) if is_new && *next > skip && progress.pages < MAX_PAGES => Ok(*next),
                    Some(_) => Err(End::Cut),
                };
            }
        }
    }

    /// Takes note of a question that failed.
    pub(super) fn fail(&self) {
        self.progress().has_failed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::SearchTerms;
    use crate::catalog::query::Prerelease;
    use crate::catalog::testing::instant;
    use crate::nuget::SemVerLevel;
    use crate::upstream::SearchOrder;

    fn stream() -> Stream {
        let search = UpstreamSearch {
            terms: SearchTerms::default(),
            filter: None,
            order: SearchOrder::Id,
            prerelease: Prerelease::Include,
            latest: None,
            level: SemVerLevel::Two,
            skip: 0,
            top: 40,
        };
        let upstream = "gallery".parse().unwrap();
        Stream::new(SearchKey { upstream, search }, instant("2026-03-01"))
    }

    fn page(ids: &[&str], next_skip: Option<u64>) -> Page {
        let row = |id: &&str| (id.parse().unwrap(), "1.0".parse().unwrap());
        Page::Rows {
            rows: ids.iter().map(row).collect(),
            downloads: 7,
            next_skip,
        }
    }

    #[test]
    fn pages_are_taken_in_once_and_in_order() {
        let stream = stream();
        stream.fail();
        stream.absorb(0, &page(&["a", "b"], Some(2)));
        stream.absorb(0, &page(&["a", "b"], Some(2)));
        stream.absorb(40, &page(&["z"], None));
        assert_eq!((stream.next_skip(), stream.progress().rows), (Some(2), 2));
        assert!(!stream.progress().has_failed);
        stream.absorb(2, &page(&["b", "c"], None));
        let progress = stream.progress();
        assert_eq!((progress.next, progress.rows, progress.pages), (Err(End::Whole), 3, 2));
        assert_eq!(progress.edge.as_ref().unwrap().id.as_str(), "c");
    }

    #[test]
    fn what_goes_in_circles_ends() {
        for (second, end) in [
            (page(&["a", "b"], Some(4)), End::Cut),
            (page(&[], Some(4)), End::Cut),
            (page(&["c"], Some(2)), End::Cut),
            (page(&[], None), End::Whole),
            (Page::Refused, End::Cut),
        ] {
            let stream = stream();
            stream.absorb(0, &page(&["a", "b"], Some(2)));
            stream.absorb(2, &second);
            assert_eq!(stream.progress().next, Err(end), "{second:?}");
        }
        let endless = stream();
        let mut asked = 0;
        while let Some(skip) = endless.next_skip() {
            asked += 1;
            endless.absorb(skip, &page(&[&format!("id{skip}")], Some(skip + 1)));
        }
        assert_eq!((asked, endless.progress().next), (MAX_PAGES, Err(End::Cut)));
        let refused = stream();
        refused.absorb(0, &Page::Refused);
        assert_eq!(refused.progress().next, Err(End::Refused));
    }
}
