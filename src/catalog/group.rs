//! All versions of one id as one feed sees them: merged, shadowed, with latest flags.

use std::sync::Arc;

use super::query::Latest;
use super::{Row, SourceName};
use crate::nuget::{PackageId, SemVerLevel};

/// One version of a group.
#[derive(Debug, Clone)]
pub struct Member {
    /// The source that answers for this version.
    pub source: SourceName,
    /// Its row.
    pub row: Arc<Row>,
    flags: u8,
}

impl Member {
    /// Returns whether this is the group's latest version, for a client that reads `level`.
    #[must_use]
    pub fn is_latest(&self, latest: Latest, level: SemVerLevel) -> bool {
        self.flags & flag(latest, level) != 0
    }
}

fn flag(latest: Latest, level: SemVerLevel) -> u8 {
    match (latest, level) {
        (Latest::Stable, SemVerLevel::One) => 1,
        (Latest::Absolute, SemVerLevel::One) => 2,
        (Latest::Stable, SemVerLevel::Two) => 4,
        (Latest::Absolute, SemVerLevel::Two) => 8,
    }
}

/// The versions of one id in one feed, highest first, each version once.
#[derive(Debug, Clone)]
pub struct Group {
    members: Vec<Member>,
}

/// The versions of one id in one source, and what that source is to the feed.
#[derive(Debug)]
pub struct Contribution<'a> {
    /// The source.
    pub source: &'a SourceName,
    /// Its rows of the id.
    pub rows: &'a [Arc<Row>],
}

impl Group {
    /// Merges what a feed's sources hold of one id.
    ///
    /// `hosted` is the feed's own source: where it has any version of the id, listed or not, the upstreams do not count
    /// (an id is shadowed, not a version: a higher version elsewhere must never overtake a private package).
    /// Between `upstreams` the earlier answers for a version. Returns `None` where no source has the id.
    #[must_use]
    pub fn merge(hosted: &Contribution<'_>, upstreams: &[Contribution<'_>]) -> Option<Self> {
        let sources: Vec<&Contribution<'_>> = if hosted.rows.is_empty() {
            upstreams.iter().collect()
        } else {
            vec![hosted]
        };
        let mut members: Vec<Member> = Vec::new();
        for contribution in sources {
            members.extend(contribution.rows.iter().map(|row| Member {
                source: contribution.source.clone(),
                row: Arc::clone(row),
                flags: 0,
            }));
        }
        // Stable: of equal versions the earlier source's stays first and survives.
        members.sort_by(|a, b| b.row.version.cmp(&a.row.version));
        members.dedup_by(|later, earlier| later.row.version == earlier.row.version);
        for level in [SemVerLevel::One, SemVerLevel::Two] {
            mark_latest(&mut members, level);
        }
        (!members.is_empty()).then_some(Self { members })
    }

    /// Returns the versions, highest first.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns the id as its highest version spells it.
    #[must_use]
    pub fn id(&self) -> Option<&PackageId> {
        self.members.first().map(|member| &member.row.id)
    }

    /// Returns the member that carries a latest flag for a client that reads `level`.
    #[must_use]
    pub fn latest(&self, latest: Latest, level: SemVerLevel) -> Option<&Member> {
        self.latest_at(latest, level).and_then(|at| self.members.get(at))
    }

    /// Returns where among the members that one is.
    #[must_use]
    pub fn latest_at(&self, latest: Latest, level: SemVerLevel) -> Option<usize> {
        self.members.iter().position(|member| member.is_latest(latest, level))
    }
}

/// Flags the highest listed version that `level` can read, and the highest of those without labels
/// (NuGetGallery, `CorePackageService.UpdateIsLatestAsync`).
fn mark_latest(members: &mut [Member], level: SemVerLevel) {
    let is_candidate = |member: &&mut Member| member.row.listed && member.row.level <= level;
    if let Some(absolute) = members.iter_mut().find(is_candidate) {
        absolute.flags |= flag(Latest::Absolute, level);
    }
    let is_stable = |member: &&mut Member| is_candidate(member) && !member.row.version.is_prerelease();
    if let Some(stable) = members.iter_mut().find(is_stable) {
        stable.flags |= flag(Latest::Stable, level);
    }
}
