//! When the latest flags of hosted versions last changed, as far as the rows of their id tell.
//!
//! A gallery writes the time of such a change into `LastUpdated`, so that clients that ask for what was updated since they
//! last asked meet the versions whose flags changed too (NuGetGallery, `CorePackageService.UpdateIsLatestAsync`). Here the
//! times follow from the rows alone: no row is written because another version came or went, and an index that is built anew
//! says the same.
//!
//! A row tells when its version came or its listing last changed, and whether it is listed. So right after each push,
//! unlisting and relisting the versions whose flags it changed have its time, and others do not. Afterwards a version can be
//! told a later time, never an earlier one: what came first above it, and was unlisted since, is forgotten for what came
//! next. A deletion leaves nothing to tell by: a version that gains a flag through it falls back to the time before, or to
//! its own.

use std::sync::Arc;

use super::{LATEST, Member};
use crate::catalog::query::Latest;
use crate::catalog::{Instant, Row};
use crate::nuget::SemVerLevel;

/// Gives each member, of which the highest comes first, a row that was updated no earlier than its flags changed.
pub(super) fn tell(members: &mut [Member]) {
    let mut times: Vec<Option<Instant>> = vec![None; members.len()];
    for (latest, level) in LATEST {
        let mut above = Above::default();
        for (member, time) in members.iter().zip(&mut times) {
            if can_have(member, latest, level) {
                *time = above.changed().max(*time);
                above.add(member);
            }
        }
    }
    for (member, time) in members.iter_mut().zip(times) {
        // What is unlisted lost its flags when that happened, which its own row tells.
        let is_later = |at: &Instant| member.is_listed() && *at > member.row.last_updated;
        if let Some(at) = time.filter(is_later) {
            member.row = Arc::new(Row {
                last_updated: at,
                ..(*member.row).clone()
            });
        }
    }
}

/// Returns whether a member has the flag where it is listed and no higher one that can have it is.
fn can_have(member: &Member, latest: Latest, level: SemVerLevel) -> bool {
    member.level() <= level && (latest == Latest::Absolute || !member.is_prerelease())
}

/// The versions above one that can have the flag before it.
#[derive(Default)]
struct Above {
    /// Where any are listed: since when the first of them has been.
    listed: Option<Instant>,
    /// Where any were unlisted: when the last of them was.
    unlisted: Option<Instant>,
}

impl Above {
    /// Returns when the version below lost the flag, or gained it.
    fn changed(&self) -> Option<Instant> {
        self.listed.or(self.unlisted)
    }

    fn add(&mut self, member: &Member) {
        let at = member.row.last_updated;
        if member.is_listed() {
            self.listed = Some(self.listed.map_or(at, |first| first.min(at)));
        } else if member.row.last_edited.is_some() {
            self.unlisted = self.unlisted.max(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::testing::{instant, row};
    use crate::catalog::{Contribution, Group, Shadow, SourceName};

    fn at(second: usize) -> Instant {
        instant("2026-01-01") + TimeDelta::seconds(i64::try_from(second).unwrap())
    }

    /// The versions of an id through pushes, unlistings and relistings, and what a gallery would say of their updates.
    #[derive(Default)]
    struct Feed {
        rows: BTreeMap<String, Arc<Row>>,
        flags: BTreeMap<String, u8>,
        updated: BTreeMap<String, usize>,
    }

    impl Feed {
        /// Pushes a version where it is not there yet, else changes its listing.
        fn change(&mut self, version: &str, second: usize) {
            let changed = match self.rows.get(version) {
                None => Row {
                    created: at(second),
                    last_updated: at(second),
                    ..row("git", version)
                },
                Some(row) => Row {
                    listed: !row.listed,
                    last_edited: Some(at(second)),
                    last_updated: at(second),
                    ..(**row).clone()
                },
            };
            self.rows.insert(version.to_owned(), changed.into());
            self.updated.insert(version.to_owned(), second);
            for member in self.group(true).members() {
                let version = member.row.version.as_str().to_owned();
                let flags = LATEST.map(|(latest, level)| u8::from(member.is_latest(latest, level)));
                let flags = flags.into_iter().fold(0, |all, flag| all * 2 + flag);
                if self.flags.insert(version.clone(), flags).unwrap_or_default() != flags {
                    self.updated.insert(version, second);
                }
            }
        }

        fn group(&self, is_hosted: bool) -> Group {
            let source: SourceName = "test".parse().unwrap();
            let rows: Vec<Arc<Row>> = self.rows.values().cloned().collect();
            let contribution = |rows| Contribution { source: &source, rows };
            let group = if is_hosted {
                Group::merge(&[contribution(&rows)], &[], Shadow::Id)
            } else {
                Group::merge(&[contribution(&[])], &[contribution(&rows)], Shadow::Id)
            };
            group.unwrap()
        }

        /// Returns each version with when it was updated, as the group says and as a gallery would.
        fn updates(&self) -> Vec<(String, Instant, Instant)> {
            let of = |member: &Member| {
                let version = member.row.version.as_str().to_owned();
                let updated = at(self.updated[&version]);
                (version, member.row.last_updated, updated)
            };
            self.group(true).members().iter().map(of).collect()
        }
    }

    #[test]
    fn versions_are_updated_when_their_flags_change() {
        for (changes, expected) in [
            // A push takes the flags from the highest version, and from no other.
            ("1.0 2.0", "2.0@1 1.0@1"),
            ("1.0 2.0 3.0", "3.0@2 2.0@2 1.0@1"),
            ("2.0 1.0", "2.0@0 1.0@1"),
            // Unlisted, it gives them back; relisted, it takes them again.
            ("1.0 2.0 3.0 3.0", "3.0@3 2.0@3 1.0@1"),
            ("1.0 2.0 3.0 3.0 2.0", "3.0@3 2.0@4 1.0@4"),
            ("1.0 2.0 3.0 3.0 2.0 3.0", "3.0@5 2.0@4 1.0@5"),
            ("1.0 2.0 3.0 3.0 3.0", "3.0@4 2.0@4 1.0@1"),
            ("1.0 2.0 1.0 2.0", "2.0@3 1.0@2"),
            // A version with labels takes one flag alone, from a version that may keep the other.
            ("1.0 2.0-a", "2.0-a@1 1.0@1"),
            ("1.0 2.0-a 2.0-b", "2.0-b@2 2.0-a@2 1.0@1"),
            ("1.0 2.0-a 2.0", "2.0@2 2.0-a@2 1.0@2"),
            // So does one that clients of SemVer 1 do not see.
            ("1.0 2.0-a.1", "2.0-a.1@1 1.0@1"),
            ("1.0 2.0+x 3.0", "3.0@2 2.0+x@2 1.0@2"),
            // What came first above 1.0 is forgotten for what came next.
            ("1.0 2.0 3.0 2.0", "3.0@2 2.0@3 1.0@2"),
        ] {
            let mut feed = Feed::default();
            for (second, version) in changes.split(' ').enumerate() {
                feed.change(version, second);
            }
            let expected: Vec<_> = expected
                .split(' ')
                .map(|update| {
                    let (version, second) = update.split_once('@').unwrap();
                    (version.to_owned(), at(second.parse().unwrap()))
                })
                .collect();
            let told: Vec<_> = feed
                .updates()
                .into_iter()
                .map(|(version, told, _)| (version, told))
                .collect();
            assert_eq!(told, expected, "{changes}");
        }
    }

    #[test]
    fn what_was_never_listed_took_no_flag() {
        let mut feed = Feed::default();
        feed.change("1.0", 0);
        let unlisted = Row {
            listed: false,
            last_updated: at(1),
            ..row("git", "2.0")
        };
        feed.rows.insert("2.0".to_owned(), unlisted.into());
        assert_eq!(feed.group(true).members()[1].row.last_updated, at(0));
    }

    #[test]
    fn upstreams_tell_themselves() {
        let mut feed = Feed::default();
        feed.change("1.0", 0);
        feed.change("2.0", 1);
        for member in feed.group(false).members() {
            assert!(Arc::ptr_eq(&member.row, &feed.rows[member.row.version.as_str()]));
        }
    }

    proptest! {
        #[test]
        fn no_change_of_flags_is_missed(changes in proptest::collection::vec(0_usize..8, 1..40)) {
            let versions = ["1.0", "1.1-a", "1.1", "2.0-a", "2.0-a.1", "2.0", "2.1+x", "3.0"];
            let mut feed = Feed::default();
            for (second, change) in changes.into_iter().enumerate() {
                feed.change(versions[change], second);
                for (version, told, of_a_gallery) in feed.updates() {
                    let is_now = of_a_gallery == at(second);
                    prop_assert!(told >= of_a_gallery, "{version} at {second}: {told}, {of_a_gallery}");
                    prop_assert!(is_now == (told == at(second)), "{version} at {second}: {told}, {of_a_gallery}");
                }
            }
        }
    }
}
