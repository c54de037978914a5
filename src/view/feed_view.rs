//! One feed's groups, by id.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::FeedShape;
use crate::catalog::Group;
use crate::nuget::PackageId;

/// The packages of one feed. Readers take a snapshot of the groups they need; no lock is held while a query runs.
#[derive(Debug)]
pub struct FeedView {
    shape: FeedShape,
    groups: RwLock<Groups>,
}

#[derive(Debug, Default)]
struct Groups {
    by_id: BTreeMap<PackageId, Arc<Group>>,
    /// All of them in their order, made when a scan first needs it after a change.
    in_order: Option<Arc<[Arc<Group>]>>,
}

impl FeedView {
    pub(super) fn new(shape: FeedShape) -> Self {
        Self {
            shape,
            groups: RwLock::default(),
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
        groups.by_id.get(id).cloned()
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
            .any(|(id, group)| id.lower().starts_with(prefix) && self.is_hosted(group))
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
        let Groups { by_id, in_order } = &mut *groups;
        Arc::clone(in_order.get_or_insert_with(|| by_id.values().cloned().collect()))
    }

    pub(super) fn replace(&self, id: &PackageId, group: Option<Group>) {
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        groups.in_order = None;
        match group {
            Some(group) => groups.by_id.insert(id.clone(), Arc::new(group)),
            None => groups.by_id.remove(id),
        };
    }
}
