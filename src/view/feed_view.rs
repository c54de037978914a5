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
    groups: RwLock<BTreeMap<PackageId, Arc<Group>>>,
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
        self.groups
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
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
            .iter()
            .any(|(id, group)| id.lower().starts_with(prefix) && self.is_hosted(group))
    }

    fn is_hosted(&self, group: &Group) -> bool {
        group.members().iter().any(|member| member.source == self.shape.name)
    }

    /// Returns all groups, in the order of their ids.
    #[must_use]
    pub fn groups(&self) -> Vec<Arc<Group>> {
        self.groups
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    pub(super) fn replace(&self, id: &PackageId, group: Option<Group>) {
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        match group {
            Some(group) => groups.insert(id.clone(), Arc::new(group)),
            None => groups.remove(id),
        };
    }
}
