//! Which sources may answer for an id. Pure.

use crate::catalog::{Relayed, SearchTerms, SourceName};
use crate::nuget::PackageId;
use crate::view::{FeedView, UpstreamSource, Views};

/// Returns the upstreams that a feed may ask for an id, the first one first: none where the id is reserved, or private to what
/// is hosted, and never one that may not be asked about it.
///
/// A private id must never be overtaken, nor its name told to anybody: an upstream that is not asked cannot answer.
pub(super) fn upstreams_for<'a>(view: &'a FeedView, id: &'a PackageId) -> impl Iterator<Item = &'a SourceName> {
    let upstreams = (!view.is_private(id)).then(|| view.shape().upstreams_for(id));
    upstreams.into_iter().flatten()
}

/// Returns whether an upstream may be asked about an id for any feed at all: whatever larder wants to know of its own accord, a
/// name that is private everywhere is not told.
#[must_use]
pub(super) fn may_ask(views: &Views, source: &SourceName, id: &PackageId) -> bool {
    views
        .feeds()
        .any(|view| upstreams_for(view, id).any(|upstream| upstream == source))
}

/// Returns the upstreams that a feed may hand a search to: none where the name of a private package stands anywhere in it, in
/// whatever field or literal, in a phrase, with a version behind it, or at the end of a sentence; and none to which an id that
/// may stand there is not to be told.
pub(super) fn upstreams_for_search<'a>(view: &'a FeedView, relayed: &Relayed) -> Vec<&'a SourceName> {
    let is_private = |name: &str| {
        let is_hosted = || name.parse::<PackageId>().is_ok_and(|id| view.is_private(&id));
        view.shape().reserves(name) || is_hosted()
    };
    let terms = relayed.shown().flat_map(SearchTerms::terms);
    let words: Vec<&str> = terms.flat_map(|term| names(&term.text)).collect();
    let is_any = |is_it: &dyn Fn(&str) -> bool| words.iter().any(|word| readings(word).any(is_it));
    if is_any(&is_private) {
        return Vec::new();
    }
    let may_hear = |upstream: &&UpstreamSource| !is_any(&|name| !upstream.ids.may_hear(name));
    let upstreams = view.shape().upstreams.iter().filter(may_hear);
    upstreams.map(|upstream| &upstream.source).collect()
}

/// Returns whether the upstreams may hear which text ids are asked to begin with: not where it can be the beginning of a private
/// id. A pattern that begins with `*` can match any id.
#[must_use]
pub(super) fn may_hear_prefix(view: &FeedView, prefix: &str) -> bool {
    let prefix = prefix.to_lowercase();
    let is_private = || view.shape().reserves_any_with(&prefix) || view.is_any_private_with(&prefix);
    prefix.is_empty() || !is_private()
}

/// Returns the ids that a word may stand for: itself, without what ends a sentence, and without a version.
fn readings(word: &str) -> impl Iterator<Item = &str> {
    let bare = word.trim_matches(['.', '-']);
    [word, bare].into_iter().chain(before_versions(bare))
}

/// Returns the parts of a word that can be names of packages.
fn names(word: &str) -> impl Iterator<Item = &str> {
    let is_outside = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
    word.split(is_outside).filter(|name| !name.is_empty())
}

/// Returns what may be an id with a version behind it, as in the name of a nupkg: all before a separator and a digit.
fn before_versions(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices(['.', '-']).filter_map(|(at, _)| {
        let (id, version) = name.split_at_checked(at)?;
        version
            .get(1..)?
            .starts_with(|c: char| c.is_ascii_digit())
            .then_some(id)
    })
}
