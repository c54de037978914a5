//! Rows in memory, and how they answer a query.
//!
//! Has state, does no IO: it is told what changed and never asks. After a restart it is filled again from the index's rows.

mod answer;
mod best;
mod edition;
mod feed_view;
mod judge;
mod page;
mod revisit;
mod shape;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use feed_view::Regrouped;

use crate::catalog::{Contribution, Group, Instant, Row, Shadow, SourceName};
use crate::nuget::PackageId;

pub use answer::Hit;
pub use edition::Edition;
pub use feed_view::FeedView;
pub use page::{Cut, Side};
pub use shape::{FeedShape, HostedSource, UpstreamSource};

/// All rows of all sources, and every feed's view of them.
#[derive(Debug)]
pub struct Views {
    rows: Mutex<HashMap<SourceName, HashMap<PackageId, Known>>>,
    feeds: Vec<Arc<FeedView>>,
}

/// A commit of one id in one source.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// The source.
    pub source: &'a SourceName,
    /// The id.
    pub id: &'a PackageId,
    /// Its number: later commits have higher ones.
    pub seq: u64,
    /// When it became known.
    pub at: Instant,
}

#[derive(Debug, Default)]
struct Known {
    seq: u64,
    rows: Vec<Arc<Row>>,
}

impl Views {
    /// Makes views without any rows, at an instant.
    #[must_use]
    pub fn new(shapes: Vec<FeedShape>, at: Instant) -> Self {
        let view = |shape| Arc::new(FeedView::new(shape, at));
        let feeds = shapes.into_iter().map(view).collect();
        Self {
            rows: Mutex::default(),
            feeds,
        }
    }

    /// Returns the view of a feed.
    #[must_use]
    pub fn feed(&self, name: &SourceName) -> Option<&Arc<FeedView>> {
        self.feeds.iter().find(|feed| feed.shape().name == *name)
    }

    /// Returns the views of all feeds.
    pub fn feeds(&self) -> impl Iterator<Item = &Arc<FeedView>> {
        self.feeds.iter()
    }

    /// Returns whether any feed takes an id from a source.
    #[must_use]
    pub fn admits(&self, source: &SourceName, id: &PackageId) -> bool {
        let admits = |feed: &Arc<FeedView>| feed.shape().admits(source, id);
        self.feeds.iter().any(admits)
    }

    /// Takes in all rows of an id in a source as a commit left them; what that commit or a later one left already is passed
    /// over.
    ///
    /// A commit may change of a record what its row does not tell. So that the same row always means the same record, a row
    /// that is handed over once more by a new commit becomes another one with the same content.
    pub fn apply(&self, commit: &Commit<'_>, mut rows: Vec<Arc<Row>>) {
        let Commit { source, id, seq, at } = *commit;
        let mut sources = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = sources.entry(source.clone()).or_default();
        if rows.is_empty() && !ids.contains_key(id) {
            // Anybody can ask for names that nobody has: nothing is kept of them, and no feed has changed.
            return;
        }
        let known = ids.entry(id.clone()).or_default();
        if seq <= known.seq {
            return;
        }
        for row in &mut rows {
            if known.rows.iter().any(|known| Arc::ptr_eq(known, row)) {
                *row = Arc::new((**row).clone());
            }
        }
        *known = Known { seq, rows };
        // Feeds change under the same lock, so that they see commits in their order.
        for feed in &self.feeds {
            let shape = feed.shape();
            if shape.has(source) {
                feed.replace(id, regroup(&sources, shape, id), at);
                if shape.hosts_of(source) {
                    feed.note_hosted_change();
                }
            }
        }
    }
}

fn regroup(
    sources: &HashMap<SourceName, HashMap<PackageId, Known>>,
    shape: &FeedShape,
    id: &PackageId,
) -> Option<Regrouped> {
    let contribution = |source| Contribution {
        source,
        rows: rows_of(sources, source, id),
    };
    let hosted: Vec<_> = shape.hosted.iter().map(|hosted| contribution(&hosted.source)).collect();
    let is_private = shape
        .hosted
        .iter()
        .any(|hosted| hosted.shadow == Shadow::Id && !rows_of(sources, &hosted.source, id).is_empty());
    let upstreams: Vec<_> = shape.upstreams_for(id).map(contribution).collect();
    let shadow = if is_private { Shadow::Id } else { Shadow::Version };
    let group = Group::merge(&hosted, &upstreams, shadow)?;
    Some(Regrouped { group, is_private })
}

fn rows_of<'a>(
    sources: &'a HashMap<SourceName, HashMap<PackageId, Known>>,
    source: &SourceName,
    id: &PackageId,
) -> &'a [Arc<Row>] {
    let known = sources.get(source).and_then(|ids| ids.get(id));
    known.map(|known| known.rows.as_slice()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{instant, row};

    #[test]
    fn a_row_stands_for_one_commit() {
        let (feed, id): (SourceName, PackageId) = ("ours".parse().unwrap(), "git".parse().unwrap());
        let shape = FeedShape::plain(feed.clone(), []);
        let at = instant("2026-03-01");
        let views = Views::new(vec![shape], at);
        let apply = |seq, rows| {
            let (source, id) = (&feed, &id);
            views.apply(&Commit { source, id, seq, at }, rows);
        };
        let now = || Arc::clone(&views.feed(&feed).unwrap().group(&id).unwrap().members()[0].row);
        let handed = Arc::new(row("git", "1.0"));
        apply(1, vec![Arc::clone(&handed)]);
        let first = now();
        apply(1, vec![Arc::new(row("git", "1.0"))]);
        assert!(Arc::ptr_eq(&first, &now()), "a commit that wrote nothing");
        apply(2, vec![handed]);
        assert!(!Arc::ptr_eq(&first, &now()), "a commit that wrote the same row");
        assert_eq!(first, now());
        apply(1, Vec::new());
        assert_eq!(first, now(), "an older commit");

        let edition = views.feed(&feed).unwrap().edition(None);
        for (number, seq) in (3..100).enumerate() {
            let (source, id) = (&feed, &format!("nobody{number}").parse().unwrap());
            views.apply(&Commit { source, id, seq, at }, Vec::new());
        }
        assert_eq!(
            views.feed(&feed).unwrap().edition(None),
            edition,
            "names that nobody has"
        );
        assert_eq!(views.rows.lock().unwrap()[&feed].len(), 1);
    }
}
