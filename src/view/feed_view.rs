//! One feed's groups, by id.

use std::collections::BTreeMap;
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
    /// The feed's edition that it came with.
    edition: Edition,
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

    /// Returns whether any version of the id is hosted in this feed, listed or not.
    #[must_use]
    pub fn hosts(&self, id: &PackageId) -> bool {
        self.group(id).is_some_and(|group| self.is_hosted(&group))
    }

    /// Returns whether any version of an id that begins with a text in lower case is hosted in this feed, listed or not.
    #[must_use]
    pub fn hosts_any_with(&self, prefix: &str) -> bool {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        groups
            .by_id
            .iter()
            .any(|(id, kept)| id.lower().starts_with(prefix) && self.is_hosted(&kept.group))
    }

    fn is_hosted(&self, group: &Group) -> bool {
        group.members().iter().any(|member| member.source == self.shape.name)
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

    pub(super) fn replace(&self, id: &PackageId, group: Option<Group>, at: Instant) {
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let edition = groups.edition.next(at);
        groups.edition = edition;
        groups.in_order = None;
        match group {
            Some(group) => {
                let group = Arc::new(group);
                groups.by_id.insert(id.clone(), Kept { group, edition })
            }
            None => groups.by_id.remove(id),
        };
    }
}
