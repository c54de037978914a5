//! Which sources may answer for an id. Pure.

use crate::catalog::SourceName;
use crate::nuget::PackageId;
use crate::view::FeedView;

/// Returns the upstreams that a feed may ask for an id: none where the id is hosted in the feed, or reserved for what is.
///
/// A private id must never be overtaken, nor its name told to anybody: an upstream that is not asked cannot answer.
#[must_use]
pub(super) fn upstreams_for<'a>(view: &'a FeedView, id: &PackageId) -> &'a [SourceName] {
    let shape = view.shape();
    if shape.reserves(id.lower()) || view.hosts(id) {
        &[]
    } else {
        &shape.upstreams
    }
}

/// Returns the upstreams that a feed may hand a search text to: none where a word of it is the name of a private package.
#[must_use]
pub(super) fn upstreams_for_words<'a>(view: &'a FeedView, words: &[String]) -> &'a [SourceName] {
    let is_private = |word: &String| {
        word.parse::<PackageId>()
            .is_ok_and(|id| view.shape().reserves(id.lower()) || view.hosts(&id))
    };
    if words.iter().any(is_private) {
        &[]
    } else {
        &view.shape().upstreams
    }
}
