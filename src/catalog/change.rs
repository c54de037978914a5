//! What may happen to the versions of one id in one source, decided without any storage.
//!
//! Every index calls [`apply`] with what it holds and writes the outcome in one transaction, so that two
//! implementations cannot disagree about conflicts.

use std::sync::Arc;

use super::{Content, Instant, Origin, Record, Row};
use crate::nuget::{AnnouncedHash, NuGetVersion};

/// A change to the versions of one id in one source.
#[derive(Debug, Clone)]
pub enum Change {
    /// A package was pushed or imported: new, or a conflict.
    Push(Box<Record>),
    /// A package's bytes were fetched and verified: the record takes the place of what was announced of it.
    Mirror(Box<Record>),
    /// An upstream listed all that it has of the id.
    Announce(Vec<Record>),
    /// An upstream named some of the id's versions, in a search: the others stay.
    Mention(Vec<Record>),
    /// The records as the files tell them: they replace what was known of these versions.
    Restore(Vec<Record>),
    /// A version is to be listed or unlisted.
    List {
        /// Which.
        version: NuGetVersion,
        /// How.
        listed: Listed,
        /// When: what the row tells of it, and the sidecar too.
        at: Instant,
        /// When the record is written: after its sidecar, whose time the index is compared with after a crash.
        committed: Instant,
    },
    /// The bytes of mirrored versions are no longer here; what their upstream says of them stays.
    Evict {
        /// Which. Those that are not mirrored stay as they are.
        versions: Vec<NuGetVersion>,
        /// When the records are written.
        committed: Instant,
    },
    /// A version is to be forgotten.
    Remove(NuGetVersion),
}

/// Whether lists and searches show a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Shown.
    Yes,
    /// Hidden; still there for whoever asks for that very version.
    No,
}

/// What a change comes to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// These records are written and these versions removed, all or none.
    Write {
        /// New or replaced records.
        put: Vec<Record>,
        /// Versions that go.
        remove: Vec<NuGetVersion>,
    },
    /// The version is there already.
    Conflict,
    /// The version is not there.
    Missing,
}

/// Decides what `change` comes to, given all records of its id in its source.
#[must_use]
pub fn apply(existing: &[Record], change: Change) -> Outcome {
    match change {
        Change::Push(record) => {
            if find(existing, &record.row.version).is_some() {
                Outcome::Conflict
            } else {
                write(vec![*record])
            }
        }
        Change::Mirror(record) => match find(existing, &record.row.version).and_then(|known| known.content.as_ref()) {
            Some(held) if Some(held) != record.content.as_ref() => Outcome::Conflict,
            _ => write(vec![*record]),
        },
        Change::Announce(records) => {
            let remove = existing
                .iter()
                .filter(|known| known.content.is_none() && find(&records, &known.row.version).is_none())
                .map(|known| known.row.version.clone())
                .collect();
            let put = records
                .into_iter()
                .filter_map(|record| merge_announced(existing, record))
                .collect();
            Outcome::Write { put, remove }
        }
        Change::Mention(records) => write(
            records
                .into_iter()
                .filter_map(|record| merge_announced(existing, record))
                .collect(),
        ),
        Change::Restore(records) => write(records),
        Change::List {
            version,
            listed,
            at,
            committed,
        } => match find(existing, &version) {
            None => Outcome::Missing,
            Some(record) => write(vec![Record {
                committed,
                ..set_listed(record, listed, at)
            }]),
        },
        Change::Evict { versions, committed } => write(
            existing
                .iter()
                .filter(|known| versions.contains(&known.row.version))
                .filter_map(|known| without_content(known, committed))
                .collect(),
        ),
        Change::Remove(version) => match find(existing, &version) {
            None => Outcome::Missing,
            Some(record) => Outcome::Write {
                put: Vec::new(),
                remove: vec![record.row.version.clone()],
            },
        },
    }
}

fn write(put: Vec<Record>) -> Outcome {
    Outcome::Write {
        put,
        remove: Vec::new(),
    }
}

fn find<'a>(records: &'a [Record], version: &NuGetVersion) -> Option<&'a Record> {
    records.iter().find(|record| record.row.version == *version)
}

/// Returns the record that an announced one makes of what is known; `None` where nothing would change, or where it must
/// not.
///
/// The bytes that are held stay, and what the upstream says of them is believed only while it says the same hash: a
/// version whose bytes change upstream was tampered with, or never was what it said.
#[must_use]
pub fn merge_announced(existing: &[Record], announced: Record) -> Option<Record> {
    let Some(known) = find(existing, &announced.row.version) else {
        return Some(announced);
    };
    if contradicts(known.content.as_ref(), &announced) {
        return None;
    }
    let mut merged = Record {
        content: known.content.clone(),
        ..announced
    };
    if let Some(held) = &merged.content {
        let row = (*merged.row).clone();
        merged.row = Arc::new(Row {
            package_size: held.size,
            // They are the files', which the upstream does not tell.
            frameworks: known.row.frameworks.clone(),
            ..row
        });
    }
    let is_same = merged.row == known.row && merged.properties == known.properties && merged.origin == known.origin;
    (!is_same).then_some(merged)
}

/// Returns whether an announcement names another SHA-512 than that of the bytes that are held.
#[must_use]
pub fn contradicts(held: Option<&Content>, announced: &Record) -> bool {
    let hash = AnnouncedHash::parse(
        announced.property("PackageHash"),
        announced.property("PackageHashAlgorithm"),
    );
    match (held, hash) {
        (Some(held), AnnouncedHash::Sha512(hash)) => held.sha512 != hash.base64(),
        _ => false,
    }
}

/// Returns a record whose bytes are no longer here; `None` where they are not, or where no upstream could give them again.
fn without_content(known: &Record, committed: Instant) -> Option<Record> {
    let is_mirrored = matches!(known.origin, Origin::Mirrored { .. });
    (is_mirrored && known.content.is_some()).then(|| Record {
        content: None,
        committed,
        ..known.clone()
    })
}

fn set_listed(record: &Record, listed: Listed, at: Instant) -> Record {
    let mut row = (*record.row).clone();
    row.listed = listed == Listed::Yes;
    row.last_edited = Some(at);
    row.last_updated = at;
    Record {
        row: row.into(),
        ..record.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalog::testing::{instant, record, row};
    use crate::catalog::{Origin, Property};
    use crate::nuget::digest::Sha512Hasher;

    /// `1.0`: announced; `1.0=a`: its bytes are held and called `a`; `1.0:text`: announced with that title; `1.0#a`: announced
    /// with that hash.
    fn parse(text: &str) -> Record {
        let (version, rest) = text.split_at(text.find(['=', ':', '#']).unwrap_or(text.len()));
        let mut made = record(row("git", version), Vec::new());
        made.origin = Origin::Mirrored { content_url: None };
        match rest.split_at_checked(1) {
            Some(("=", name)) => made.content = Some(held(name)),
            Some((":", title)) => {
                let mut titled = row("git", version);
                titled.title = Some(crate::catalog::testing::text(title));
                made.row = Arc::new(titled);
            }
            Some(("#", hash)) => {
                made.properties = vec![
                    Property::text("PackageHash", Some(&digest(hash))),
                    Property::text("PackageHashAlgorithm", Some("SHA512")),
                ];
            }
            _ => {}
        }
        made
    }

    /// The digest of bytes that are called so; none for nothing.
    fn digest(name: &str) -> String {
        if name.is_empty() {
            return String::new();
        }
        let mut hasher = Sha512Hasher::default();
        hasher.update(name.as_bytes());
        hasher.finish().base64()
    }

    /// What bytes with a digest are called.
    fn called(found: &str) -> &str {
        let known = ["a", "b", "c"].into_iter().find(|name| digest(name) == found);
        known.unwrap_or(found)
    }

    fn held(name: &str) -> Content {
        Content {
            sha512: digest(name),
            size: 7,
        }
    }

    fn parse_all(text: &str) -> Vec<Record> {
        text.split_whitespace().map(parse).collect()
    }

    fn show(outcome: &Outcome) -> String {
        let Outcome::Write { put, remove } = outcome else {
            return format!("{outcome:?}");
        };
        let shown = |record: &Record| {
            let content = record
                .content
                .as_ref()
                .map(|content| format!("={}", called(&content.sha512)));
            let title = record.row.title.as_ref().map(|title| format!(":{}", title.as_str()));
            let hash = record.property("PackageHash").map(|hash| format!("#{}", called(hash)));
            let parts = [content, title, hash].into_iter().flatten().collect::<String>();
            format!("{}{parts}", record.row.version)
        };
        let put = put.iter().map(shown);
        let remove = remove.iter().map(|version| format!("-{version}"));
        put.chain(remove).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_change() {
        let push = |text: &str| Change::Push(parse(text).into());
        let mirror = |text: &str| Change::Mirror(parse(text).into());
        let announce = |text: &str| Change::Announce(parse_all(text));
        let mention = |text: &str| Change::Mention(parse_all(text));
        let restore = |text: &str| Change::Restore(parse_all(text));
        let remove = |text: &str| Change::Remove(text.parse().unwrap());
        let evict = |text: &str| Change::Evict {
            versions: text.split(' ').map(|version| version.parse().unwrap()).collect(),
            committed: instant("2024-01-02"),
        };
        for (existing, change, expected) in [
            ("", push("1.0=a"), "1.0=a"),
            ("2.0=b", push("1.0=a"), "1.0=a"),
            ("1.0.0=b", push("1.0=a"), "Conflict"),
            ("1.0=a", push("1.0=a"), "Conflict"),
            ("1.0", push("1.0=a"), "Conflict"),
            ("1.0-rc", push("1.0=a"), "1.0=a"),
            // A fetch fills what was announced, or was never; it replaces no other bytes.
            ("", mirror("1.0=a"), "1.0=a"),
            ("1.0", mirror("1.0=a"), "1.0=a"),
            ("1.0=a", mirror("1.0=a"), "1.0=a"),
            ("1.0=b", mirror("1.0=a"), "Conflict"),
            // What vanished upstream goes, unless its bytes are here.
            ("", announce("1.0 2.0"), "1.0 2.0"),
            ("1.0 2.0 3.0=c", announce("1.0 4.0"), "4.0 -2.0"),
            ("1.0 2.0=b", announce(""), "-1.0"),
            ("1.0", announce("1.0"), ""),
            ("1.0", announce("1.0:x"), "1.0:x"),
            ("1.0=a", announce("1.0:x"), "1.0=a:x"),
            ("1.0=a", announce("1.0#a"), "1.0=a#a"),
            ("1.0=a", announce("1.0#b 2.0"), "2.0"),
            ("1.0=a", announce("1.0#"), "1.0=a#"),
            ("1.0#a", announce("1.0#b"), "1.0#b"),
            ("1.0 2.0", mention("1.0:x"), "1.0:x"),
            ("1.0=a", mention("1.0#b 2.0"), "2.0"),
            ("1.0 2.0", mention(""), ""),
            ("1.0=a 2.0", restore("1.0=b 3.0=c"), "1.0=b 3.0=c"),
            ("1.0=a 2.0=b 3.0", evict("1.0.0 3.0 4.0"), "1.0"),
            ("", evict("1.0"), ""),
            ("1.0=a 2.0=b", remove("1.0.0"), "-1.0"),
            ("2.0", remove("1.0"), "Missing"),
            ("", remove("1.0"), "Missing"),
        ] {
            let shown = format!("{existing} <- {change:?}");
            assert_eq!(show(&apply(&parse_all(existing), change)), expected, "{shown}");
        }
    }

    #[test]
    fn nothing_goes_that_no_upstream_could_give_again() {
        let committed = instant("2024-01-02");
        for (origin, goes) in [
            (Origin::Mirrored { content_url: None }, true),
            (Origin::Imported, false),
            (Origin::Pushed { by: "me".to_owned() }, false),
        ] {
            let known = Record {
                origin,
                ..parse("1.0=a")
            };
            let versions = vec![known.row.version.clone()];
            let outcome = apply(std::slice::from_ref(&known), Change::Evict { versions, committed });
            let Outcome::Write { put, remove } = outcome else {
                panic!()
            };
            assert!(remove.is_empty());
            assert_eq!(put.len(), usize::from(goes), "{:?}", known.origin);
            for record in put {
                assert_eq!((record.content, record.committed), (None, committed));
                assert_eq!(
                    (record.row, record.properties),
                    (known.row.clone(), known.properties.clone())
                );
            }
        }
    }

    #[test]
    fn a_hash_contradicts_only_what_it_can_be_compared_with() {
        for (algorithm, hash, expected) in [
            (Some("SHA512"), Some("b"), true),
            (Some("sha512"), Some("b"), true),
            (Some("SHA512"), Some("a"), false),
            (Some("SHA512"), Some(""), false),
            (Some("SHA512"), None, false),
            (Some("SHA-512"), Some("b"), true),
            (Some("SHA256"), Some("b"), false),
            (Some("MD5"), Some("b"), false),
            // As in the check of what was fetched, its length tells what it is.
            (None, Some("b"), true),
            (None, Some("a"), false),
        ] {
            let mut announced = parse("1.0");
            announced.properties = vec![
                Property::text("PackageHash", hash.map(digest).as_deref()),
                Property::text("PackageHashAlgorithm", algorithm),
            ];
            assert_eq!(
                contradicts(Some(&held("a")), &announced),
                expected,
                "{algorithm:?} {hash:?}"
            );
            assert!(!contradicts(None, &announced));
        }
    }

    #[test]
    fn what_is_no_hash_contradicts_nothing() {
        for (hash, expected) in [
            (format!(" {}\n", digest("a")), false),
            (format!(" {}\n", digest("b")), true),
            ("b".to_owned(), false),
            (digest("b").to_lowercase().replace('=', ""), false),
        ] {
            let mut announced = parse("1.0");
            announced.properties = vec![
                Property::text("PackageHash", Some(&hash)),
                Property::text("PackageHashAlgorithm", Some("SHA512")),
            ];
            assert_eq!(contradicts(Some(&held("a")), &announced), expected, "{hash:?}");
        }
    }

    #[test]
    fn a_listing_changes_times_and_nothing_else() {
        let known = parse("1.0=a");
        let (at, committed) = (instant("2024-01-01"), instant("2024-01-02"));
        let list = |version: &str, listed| Change::List {
            version: version.parse().unwrap(),
            listed,
            at,
            committed,
        };
        let outcome = apply(std::slice::from_ref(&known), list("1.0.0.0", Listed::No));
        let Outcome::Write { put, remove } = outcome else {
            panic!()
        };
        let [changed] = &put[..] else { panic!() };
        assert!(remove.is_empty() && !changed.row.listed);
        assert_eq!((changed.row.last_edited, changed.row.last_updated), (Some(at), at));
        assert_eq!(changed.committed, committed);
        let mut row = (*changed.row).clone();
        row.listed = true;
        row.last_edited = known.row.last_edited;
        row.last_updated = known.row.last_updated;
        assert_eq!((&row, &changed.content), (&*known.row, &known.content));
        assert!(matches!(apply(&[known], list("2.0", Listed::No)), Outcome::Missing));
    }
}
