//! What may happen to the versions of one id in one source, decided without any storage.
//!
//! Every index calls [`apply`] with what it holds and writes the outcome in one transaction, so that two
//! implementations cannot disagree about conflicts.

use std::sync::Arc;

use super::{Content, Instant, Record, Row};
use crate::nuget::NuGetVersion;

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
        /// When.
        at: Instant,
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
        Change::List { version, listed, at } => match find(existing, &version) {
            None => Outcome::Missing,
            Some(record) => write(vec![set_listed(record, listed, at)]),
        },
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
            ..row
        });
    }
    let is_same = merged.row == known.row && merged.properties == known.properties && merged.origin == known.origin;
    (!is_same).then_some(merged)
}

/// Returns whether an announcement names another SHA-512 than that of the bytes that are held.
#[must_use]
pub fn contradicts(held: Option<&Content>, announced: &Record) -> bool {
    let is_sha512 = announced
        .property("PackageHashAlgorithm")
        .is_some_and(|algorithm| algorithm.eq_ignore_ascii_case("SHA512"));
    match (held, announced.property("PackageHash")) {
        (Some(held), Some(hash)) if is_sha512 && !hash.is_empty() => held.sha512 != hash,
        _ => false,
    }
}

fn set_listed(record: &Record, listed: Listed, at: Instant) -> Record {
    let mut row = (*record.row).clone();
    row.listed = listed == Listed::Yes;
    row.last_edited = Some(at);
    row.last_updated = at;
    Record {
        row: row.into(),
        committed: at,
        ..record.clone()
    }
}
