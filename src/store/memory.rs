//! An index in memory: the second implementation, against which the conformance suite proves itself. It survives nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt as _};

use super::index::{Committed, Index, IndexError, Note, RecordKey, RowChange, Seq};
use crate::catalog::change::{Outcome, apply};
use crate::catalog::{Change, Record, SourceName};
use crate::nuget::PackageId;

/// An [`Index`] whose clones share one state.
#[derive(Clone, Default)]
pub(crate) struct MemoryIndex {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    last: Seq,
    ids: BTreeMap<(SourceName, String), Versions>,
    notes: HashMap<String, Note>,
}

struct Versions {
    id: PackageId,
    seq: Seq,
    records: Vec<Record>,
}

impl MemoryIndex {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn records(&self, source: &SourceName, id: &PackageId) -> Vec<Record> {
        let versions = self.ids.get(&(source.clone(), id.lower().to_owned()));
        versions.map(|versions| versions.records.clone()).unwrap_or_default()
    }

    fn commit(&mut self, source: &SourceName, id: &PackageId, change: Change) -> Committed {
        let mut records = self.records(source, id);
        let key = (source.clone(), id.lower().to_owned());
        let (put, remove) = match apply(&records, change) {
            Outcome::Conflict => return Committed::Conflict,
            Outcome::Missing => return Committed::Missing,
            Outcome::Write { put, remove } => (put, remove),
        };
        let mut seq = self.ids.get(&key).map_or(self.last, |versions| versions.seq);
        if !put.is_empty() || !remove.is_empty() {
            self.last += 1;
            seq = self.last;
            records.retain(|known| {
                !remove.contains(&known.row.version) && put.iter().all(|new| new.row.version != known.row.version)
            });
            records.extend(put);
            let id = id.lower().parse().unwrap();
            let versions = Versions {
                id,
                seq,
                records: records.clone(),
            };
            self.ids.insert(key, versions);
        }
        Committed::Done {
            seq,
            rows: records.into_iter().map(|record| record.row).collect(),
        }
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, IndexError>> {
    std::future::ready(Ok(value)).boxed()
}

impl Index for MemoryIndex {
    fn lookup(&self, keys: Vec<RecordKey>) -> BoxFuture<'_, Result<Vec<Option<Record>>, IndexError>> {
        let state = self.lock();
        let find = |key: &RecordKey| {
            let records = state.records(&key.source, &key.id);
            records.into_iter().find(|record| record.row.version == key.version)
        };
        ready(keys.iter().map(find).collect())
    }

    fn records<'a>(
        &'a self,
        source: &'a SourceName,
        id: &'a PackageId,
    ) -> BoxFuture<'a, Result<Vec<Record>, IndexError>> {
        ready(self.lock().records(source, id))
    }

    fn commit<'a>(
        &'a self,
        source: &'a SourceName,
        id: &'a PackageId,
        change: Change,
    ) -> BoxFuture<'a, Result<Committed, IndexError>> {
        ready(self.lock().commit(source, id, change))
    }

    fn rows(&self, after: Seq) -> BoxStream<'static, Result<RowChange, IndexError>> {
        let state = self.lock();
        let mut changes: Vec<RowChange> = state
            .ids
            .iter()
            .filter(|(_, versions)| versions.seq > after)
            .map(|((source, _), versions)| RowChange {
                seq: versions.seq,
                source: source.clone(),
                id: versions.id.clone(),
                rows: versions.records.iter().map(|record| Arc::clone(&record.row)).collect(),
            })
            .collect();
        changes.sort_by_key(|change| change.seq);
        futures::stream::iter(changes.into_iter().map(Ok)).boxed()
    }

    fn note<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<Option<Note>, IndexError>> {
        ready(self.lock().notes.get(subject).cloned())
    }

    fn noted<'a>(&'a self, beginning: &'a str) -> BoxFuture<'a, Result<Vec<String>, IndexError>> {
        let state = self.lock();
        let subjects = state.notes.keys().filter(|subject| subject.starts_with(beginning));
        ready(subjects.cloned().collect())
    }

    fn put_note<'a>(&'a self, subject: &'a str, note: Option<Note>) -> BoxFuture<'a, Result<(), IndexError>> {
        let mut state = self.lock();
        match note {
            Some(note) => state.notes.insert(subject.to_owned(), note),
            None => state.notes.remove(subject),
        };
        ready(())
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), IndexError>> {
        ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::{Bench, conformance};

    impl Bench for MemoryIndex {
        type Index = Self;

        fn open(&mut self) -> Self {
            self.clone()
        }
    }

    conformance!(MemoryIndex::default());
}
