//! What has become of versions that answered a query before.

use std::sync::Arc;

use super::FeedView;
use super::answer::Hit;
use super::judge::Judge;
use super::page::Side;
use crate::catalog::order::Position;
use crate::catalog::{Columns, Query};
use crate::nuget::{NuGetVersion, PackageId};

impl Hit {
    /// Returns whether this version lies behind a place in the order of the answer.
    #[must_use]
    pub fn is_behind(&self, query: &Query, place: &Position) -> bool {
        let columns = Columns::of(self.member(), query.level);
        place.is_before(&query.total_order(), &columns, self.rank)
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &PackageId {
        &self.member().row.id
    }
}

impl FeedView {
    /// Returns versions that answered a query as they are now: `None` where one no longer answers. Where the latest version of
    /// each id is asked for, the one that is the latest by now takes the place of the one that was.
    #[must_use]
    pub fn revisit(&self, query: &Query, hits: &[Hit]) -> Vec<Option<Hit>> {
        let mut judge = Judge::new(query);
        let mut look = |hit: &Hit| {
            let group = self.group(hit.id())?;
            if Arc::ptr_eq(&group, &hit.group) {
                return Some(hit.clone());
            }
            let version = &hit.member().row.version;
            let mut members = group.members().iter();
            let at = match query.latest {
                Some(latest) => group.latest_at(latest, query.level)?,
                None => members.position(|member| member.row.version == *version)?,
            };
            let answering = judge.judge(group.members().get(at)?)?;
            Some(Hit {
                at,
                rank: answering.rank,
                is_deferred: answering.is_deferred,
                side: Side::Behind,
                group,
            })
        };
        hits.iter().map(&mut look).collect()
    }

    /// Returns how many of these versions answer, or may answer, a query; another version of an id does as well where the
    /// latest one is asked for.
    #[must_use]
    pub fn finds(&self, query: &Query, versions: &[(PackageId, NuGetVersion)]) -> usize {
        let mut judge = Judge::new(query);
        let mut is_found = |(id, version): &(PackageId, NuGetVersion)| {
            let group = self.group(id)?;
            let member = match query.latest {
                Some(latest) => group.latest(latest, query.level)?,
                None => group.members().iter().find(|member| member.row.version == *version)?,
            };
            judge.judge(member)
        };
        versions.iter().filter(|version| is_found(version).is_some()).count()
    }
}
