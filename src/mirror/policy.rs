//! Which sources may answer for an id. Pure.

use crate::catalog::{SearchTerms, SourceName};
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

/// Returns the upstreams that a feed may hand a search to: none where the name of a private package stands anywhere in it, in
/// whatever field, in a phrase, with a version behind it, or at the end of a sentence.
#[must_use]
pub(super) fn upstreams_for_search<'a>(view: &'a FeedView, terms: &SearchTerms) -> &'a [SourceName] {
    let hosts = |name: &str| name.parse::<PackageId>().is_ok_and(|id| view.hosts(&id));
    let is_name = |name: &str| view.shape().reserves(name) || hosts(name);
    let is_private = |name: &str| {
        let bare = name.trim_matches(['.', '-']);
        is_name(name) || is_name(bare) || before_versions(bare).any(is_name)
    };
    if terms.terms().iter().flat_map(|term| names(&term.text)).any(is_private) {
        &[]
    } else {
        &view.shape().upstreams
    }
}

/// Returns whether the upstreams may hear which text ids are asked to begin with: not where it can be the beginning of a private
/// id. A pattern that begins with `*` can match any id.
#[must_use]
pub(super) fn may_hear_prefix(view: &FeedView, prefix: &str) -> bool {
    let prefix = prefix.to_lowercase();
    let is_private = || view.shape().reserves_any_with(&prefix) || view.hosts_any_with(&prefix);
    prefix.is_empty() || !is_private()
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
