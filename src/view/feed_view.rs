//! One feed's groups, by id.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::FeedShape;
use super::edition::Edition;
use crate::catalog::{Group, Instant};
use crate::nuget::PackageId;

/// The packages of one feed. Readers take a snapshot of the groups they need; no lock is held while a query runs.
#[derive(Debug)]
pub struct FeedView {
    shape: FeedShape,
    groups: RwLock<Groups>,
    hosted_changes: AtomicU64,
}

#[derive(Debug)]
struct Groups {
    by_id: BTreeMap<PackageId, Kept>,
    /// All of them in their order, made when a scan first needs it after a change.
    in_order: Option<Arc<[Arc<Group>]>>,
    edition: Edition,
}

#[derive(Debug)]
struct Kept {
    group: Arc<Group>,
    /// Whether a hosted version hides its id from the upstreams.
    is_private: bool,
    /// The feed's edition that it came with.
    edition: Edition,
}

/// What a feed's sources make of an id.
pub(super) struct Regrouped {
    pub(super) group: Group,
    /// Whether a hosted version hides the id from the upstreams.
    pub(super) is_private: bool,
}

impl FeedView {
    /// Makes the view of a feed that nothing is known of yet, at an instant.
    pub(super) fn new(shape: FeedShape, at: Instant) -> Self {
        let groups = Groups {
            by_id: BTreeMap::new(),
            in_order: None,
            edition: Edition::first(at),
        };
        Self {
            shape,
            groups: RwLock::new(groups),
            hosted_changes: AtomicU64::new(0),
        }
    }

    /// Returns how the feed is made of sources.
    #[must_use]
    pub fn shape(&self) -> &FeedShape {
        &self.shape
    }

    /// Returns the group of an id.
    #[must_use]
    pub fn group(&self, id: &PackageId) -> Option<Arc<Group>> {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        groups.by_id.get(id).map(|kept| Arc::clone(&kept.group))
    }

    /// Returns whether any version of the id is hosted in this very feed, listed or not.
    #[must_use]
    pub fn hosts(&self, id: &PackageId) -> bool {
        let is_hosted = |group: Arc<Group>| group.members().iter().any(|member| member.source == self.shape.name);
        self.group(id).is_some_and(is_hosted)
    }

    /// Returns whether the id is none of the upstreams' business: a version of it, listed or not, is hosted here or in an included
    /// feed, and hides the id.
    #[must_use]
    pub fn is_private(&self, id: &PackageId) -> bool {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        groups.by_id.get(id).is_some_and(|kept| kept.is_private)
    }

    /// Returns whether any id that begins with a text in lower case is private.
    #[must_use]
    pub fn is_any_private_with(&self, prefix: &str) -> bool {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        let mut kept = groups.by_id.iter();
        kept.any(|(id, kept)| kept.is_private && id.lower().starts_with(prefix))
    }

    /// Returns all groups, in the order of their ids.
    #[must_use]
    pub fn groups(&self) -> Arc<[Arc<Group>]> {
        if let Some(groups) = &self.groups.read().unwrap_or_else(PoisonError::into_inner).in_order {
            return Arc::clone(groups);
        }
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let Groups { by_id, in_order, .. } = &mut *groups;
        let all = || by_id.values().map(|kept| Arc::clone(&kept.group)).collect();
        Arc::clone(in_order.get_or_insert_with(all))
    }

    /// Returns the edition of the feed, or of some of its ids alone: what is asked of them is answered the same for as long as it
    /// is the same.
    #[must_use]
    pub fn edition(&self, ids: Option<&[PackageId]>) -> Edition {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        match ids {
            None => groups.edition,
            Some(ids) => {
                let of_id = |id| groups.by_id.get(id).map(|kept| kept.edition);
                Edition::of_all(ids.iter().map(of_id), groups.edition)
            }
        }
    }

    /// Returns how often what is hosted in this feed has changed; what is known of upstreams does not count.
    #[must_use]
    pub fn hosted_changes(&self) -> u64 {
        self.hosted_changes.load(Ordering::Acquire)
    }

    pub(super) fn note_hosted_change(&self) {
        self.hosted_changes.fetch_add(1, Ordering::Release);
    }

    pub(super) fn replace(&self, id: &PackageId, regrouped: Option<Regrouped>, at: Instant) {
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let edition = groups.edition.next(at);
        groups.edition = edition;
        groups.in_order = None;
        match regrouped {
            Some(Regrouped { group, is_private }) => {
                let kept = Kept {
                    group: Arc::new(group),
                    is_private,
                    edition,
                };
                groups.by_id.insert(id.clone(), kept)
            }
            None => groups.by_id.remove(id),
        };
    }
}
