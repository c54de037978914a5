//! What is held: counted from the files at the start, kept up to date by whoever fetches, and by whoever asks.

use std::collections::HashMap;

use futures::stream::TryStreamExt as _;

use crate::catalog::change::contradicts;
use crate::catalog::{Content, Instant, Record, SourceName};
use crate::mirror::ledger::{Using, Word};
use crate::mirror::{Mirror, MirrorError};
use crate::nuget::PackageId;
use crate::store::packages::Found;

/// Whether the bytes of a package that the index has are here for whoever wants to read them.
pub(in crate::mirror) enum Held {
    /// They are, and stay as long as this does; `None` where they never go.
    Here(Option<Using>),
    /// They are going, or are gone by now.
    Going,
}

/// The files of one version.
#[derive(Default)]
struct Files {
    bytes: u64,
    has_sidecar: bool,
    modified: Instant,
}

impl Mirror {
    /// Takes note that a held package is asked for, so that it stays.
    pub(in crate::mirror) fn hold(&self, record: &Record, content: &Content) -> Held {
        let Some(stock) = self.inner.room.ledger.stock(&record.source) else {
            return Held::Here(None);
        };
        let (id, version, now) = (&record.row.id, &record.row.version, self.inner.clock.now());
        match stock.ask(id, version, now) {
            Some(using) => Held::Here(Some(using)),
            None if stock.is_counted() => Held::Going,
            None => Held::Here(Some(stock.add(id, version, content.size, now))),
        }
    }

    /// Takes note that a package was fetched. To be called where nobody else changes what is known of its id.
    pub(in crate::mirror) fn fetched(&self, record: &Record, content: &Content) -> Option<Using> {
        let room = &self.inner.room;
        let stock = room.ledger.stock(&record.source)?;
        let (id, version) = (&record.row.id, &record.row.version);
        let using = stock.add(id, version, content.size, self.inner.clock.now());
        stock.hear(id, |other| (other == version).then_some(Word::Has));
        if room
            .water(&record.source)
            .is_some_and(|water| stock.bytes() > water.high)
        {
            room.crowded.notify_one();
        }
        Some(using)
    }

    /// Takes note of what an upstream says of an id of which `known` is here: all versions that it has, or some.
    pub(in crate::mirror) fn hear_of(&self, source: &SourceName, id: &PackageId, told: Told<'_>, known: &[Record]) {
        let Some(stock) = self.inner.room.ledger.stock(source) else {
            return;
        };
        stock.hear(id, |version| {
            let is_version = |record: &&Record| record.row.version == *version;
            let held = known.iter().find(is_version).and_then(|known| known.content.as_ref());
            match told.records().iter().find(is_version) {
                // It has other bytes by that name: ours it cannot give again.
                Some(announced) if contradicts(held, announced) => Some(Word::HasNot),
                Some(_) => Some(Word::Has),
                None => matches!(told, Told::All(_)).then_some(Word::HasNot),
            }
        });
    }

    /// Counts what lies here of all upstreams, and recalls when each package was asked for.
    pub(super) async fn count_held(&self) -> Result<(), MirrorError> {
        for (source, stock) in self.inner.room.ledger.stocks() {
            let mut files: HashMap<String, Files> = HashMap::new();
            let mut list = self.inner.packages.list_source(source);
            while let Some(found) = list.try_next().await.map_err(MirrorError::packages)? {
                let of_version = files.entry(found.folder()).or_default();
                if found.is_sidecar() {
                    of_version.has_sidecar = true;
                } else if found.is_nupkg() {
                    of_version.bytes += found.size;
                    of_version.modified = found.modified;
                }
            }
            let now = self.inner.clock.now();
            let mut uses = self.recall_uses(source).await;
            for (folder, files) in files {
                let Some((id, version)) = Found::package_of(&folder) else {
                    continue;
                };
                if !files.has_sidecar || files.bytes == 0 {
                    continue;
                }
                let came = files.modified.min(now);
                let (last_use, word) = uses
                    .remove(&(id.clone(), version.clone()))
                    .unwrap_or((came, Word::Unknown));
                drop(stock.add(&id, &version, files.bytes, last_use));
                stock.hear(&id, |other| (*other == version).then_some(word));
            }
            stock.set_counted();
            tracing::debug!(upstream.name = %source, packages = stock.count(), bytes = stock.bytes(), "counted what is held");
        }
        Ok(())
    }
}

/// What an upstream says it has.
#[derive(Debug, Clone, Copy)]
pub(in crate::mirror) enum Told<'a> {
    /// All versions of an id.
    All(&'a [Record]),
    /// Some of them.
    Some(&'a [Record]),
}

impl<'a> Told<'a> {
    fn records(&self) -> &'a [Record] {
        match self {
            Self::All(records) | Self::Some(records) => records,
        }
    }
}
