//! All versions of one id as one feed sees them: merged, shadowed, with latest flags.

mod changes;

use std::sync::Arc;

use super::query::Latest;
use super::{Row, SourceName};
use crate::nuget::{PackageId, SemVerLevel};

/// One version of a group.
#[derive(Debug, Clone)]
pub struct Member {
    /// The source that answers for this version.
    pub source: SourceName,
    /// Its row. Of what is hosted it was last updated when its latest flags last changed, where that was later than any change
    /// of its own.
    pub row: Arc<Row>,
    /// The latest flags, and a copy of what the row says of taking part.
    flags: u8,
}

impl Member {
    /// Returns whether this is the group's latest version, for a client that reads `level`.
    #[must_use]
    pub fn is_latest(&self, latest: Latest, level: SemVerLevel) -> bool {
        self.flags & flag(latest, level) != 0
    }

    /// Returns the level a client must ask for to see it.
    #[must_use]
    pub fn level(&self) -> SemVerLevel {
        if self.flags & NEEDS_LEVEL_TWO == 0 {
            SemVerLevel::One
        } else {
            SemVerLevel::Two
        }
    }

    /// Returns whether it is listed.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.flags & LISTED != 0
    }

    /// Returns whether it has labels.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        self.flags & PRERELEASE != 0
    }
}

/// What of a row decides most often whether it takes part, so that rows that do not need not be looked at: a count over
/// all versions would otherwise wait for memory a quarter of a million times.
const LISTED: u8 = 16;
const PRERELEASE: u8 = 32;
const NEEDS_LEVEL_TWO: u8 = 64;

fn flags_of(row: &Row) -> u8 {
    let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
    flag(LISTED, row.listed)
        | flag(PRERELEASE, row.version.is_prerelease())
        | flag(NEEDS_LEVEL_TWO, row.level == SemVerLevel::Two)
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
    /// Where the members with a latest flag are, in the order of [`LATEST`].
    latest: [Option<u32>; 4],
}

/// The latest flags.
const LATEST: [(Latest, SemVerLevel); 4] = [
    (Latest::Stable, SemVerLevel::One),
    (Latest::Absolute, SemVerLevel::One),
    (Latest::Stable, SemVerLevel::Two),
    (Latest::Absolute, SemVerLevel::Two),
];

/// The versions of one id in one source, and what that source is to the feed.
#[derive(Debug)]
pub struct Contribution<'a> {
    /// The source.
    pub source: &'a SourceName,
    /// Its rows of the id.
    pub rows: &'a [Arc<Row>],
}

/// What a hosted version hides of the upstreams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shadow {
    /// That version alone: higher ones of an upstream are shown.
    Version,
    /// Its id, all versions of it: a higher version elsewhere never overtakes a private package.
    Id,
}

impl Group {
    /// Merges what a feed's sources hold of one id.
    ///
    /// `hosted` are the feed's own source and those of the feeds that it includes: where any of them has a version of the id,
    /// listed or not, the upstreams do not count if the shadow is the id's. Of each version the earliest source answers, the
    /// hosted ones before `upstreams`. Returns `None` where no source has the id.
    ///
    /// When the latest flags of hosted versions changed is told from all rows of the id. What is mirrored keeps what its
    /// upstream says: its rows do not tell when they were unlisted, and a client that comes here from the upstream goes on
    /// from the upstream's times. So does an id of which some versions are hosted and some mirrored.
    #[must_use]
    pub fn merge(hosted: &[Contribution<'_>], upstreams: &[Contribution<'_>], shadow: Shadow) -> Option<Self> {
        let is_hosted = hosted.iter().any(|contribution| !contribution.rows.is_empty());
        let upstreams = if is_hosted && shadow == Shadow::Id {
            &[]
        } else {
            upstreams
        };
        let is_mirrored = upstreams.iter().any(|contribution| !contribution.rows.is_empty());
        let mut members: Vec<Member> = Vec::new();
        for contribution in hosted.iter().chain(upstreams) {
            members.extend(contribution.rows.iter().map(|row| Member {
                source: contribution.source.clone(),
                row: Arc::clone(row),
                flags: flags_of(row),
            }));
        }
        // Stable: of equal versions the earlier source's stays first and survives.
        members.sort_by(|a, b| b.row.version.cmp(&a.row.version));
        members.dedup_by(|later, earlier| later.row.version == earlier.row.version);
        for level in [SemVerLevel::One, SemVerLevel::Two] {
            mark_latest(&mut members, level);
        }
        if !is_mirrored {
            changes::tell(&mut members);
        }
        let latest = LATEST.map(|(latest, level)| {
            let at = members.iter().position(|member| member.is_latest(latest, level));
            at.and_then(|at| u32::try_from(at).ok())
        });
        (!members.is_empty()).then_some(Self { members, latest })
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
        let known = LATEST.iter().zip(self.latest);
        let at = known
            .filter(|(flag, _)| **flag == (latest, level))
            .find_map(|(_, at)| at);
        at.and_then(|at| usize::try_from(at).ok())
    }
}

/// Flags the highest listed version that `level` can read, and the highest of those without labels
/// (NuGetGallery, `CorePackageService.UpdateIsLatestAsync`).
fn mark_latest(members: &mut [Member], level: SemVerLevel) {
    let is_candidate = |member: &&mut Member| member.is_listed() && member.level() <= level;
    if let Some(absolute) = members.iter_mut().find(is_candidate) {
        absolute.flags |= flag(Latest::Absolute, level);
    }
    let is_stable = |member: &&mut Member| is_candidate(member) && !member.is_prerelease();
    if let Some(stable) = members.iter_mut().find(is_stable) {
        stable.flags |= flag(Latest::Stable, level);
    }
}
