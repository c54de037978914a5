//! Letting packages go.

use std::collections::{BTreeMap, HashSet};

use tokio::sync::OwnedMutexGuard;

use super::Going;
use super::plan::{choose, may_go};
use crate::catalog::{Change, Origin, Record, SourceName};
use crate::mirror::counters::Event;
use crate::mirror::ledger::{Seen, Stock, Word};
use crate::mirror::lookup::in_time;
use crate::mirror::{Mirror, MirrorError, policy};
use crate::nuget::PackageId;
use crate::store::packages::Place;
use crate::upstream::{Priority, Urgency, Versions};

/// How many ids' packages go in one go, with one write of the index.
const IDS_AT_A_TIME: usize = 16;

/// Packages of one id that are on their way out; nobody else changes what is known of it meanwhile.
struct Leaving {
    records: Vec<Record>,
    _lock: OwnedMutexGuard<()>,
}

impl Mirror {
    /// Makes room for each upstream's packages that take more than they may.
    pub(super) async fn make_room(&self) {
        for (source, stock) in self.inner.room.ledger.stocks() {
            if let Err(error) = self.make_room_for(source, stock).await {
                tracing::warn!(upstream.name = %source, %error, "packages could not make room; it is tried again later");
            }
        }
    }

    async fn make_room_for(&self, source: &SourceName, stock: &Stock) -> Result<(), MirrorError> {
        let Some(water) = self.inner.room.water(source) else {
            return Ok(());
        };
        if stock.bytes() <= water.high {
            return Ok(());
        }
        let (mut packages, before) = (0, stock.bytes());
        let mut asked = HashSet::new();
        while stock.bytes() > water.low && !self.inner.offline.is_offline() {
            let chosen = choose(stock.bytes(), water.low, self.who_may_go(source, stock, &asked));
            let doubtful = chosen.iter().filter(|seen| self.is_doubtful(source, seen));
            let doubtful: Vec<PackageId> = doubtful.map(|seen| seen.id.clone()).take(IDS_AT_A_TIME).collect();
            if !doubtful.is_empty() {
                for id in doubtful {
                    if asked.insert(id.clone()) {
                        self.ask_whether_it_has(source, &id).await;
                    }
                }
                continue;
            }
            let gone = self.let_go(source, stock, chosen).await?;
            packages += gone;
            if gone == 0 {
                break;
            }
        }
        if packages > 0 {
            let freed = before.saturating_sub(stock.bytes());
            tracing::info!(upstream.name = %source, packages, bytes = freed, held_bytes = stock.bytes(), "packages that were not asked for the longest made room");
        }
        if stock.bytes() > water.high {
            tracing::debug!(upstream.name = %source, held_bytes = stock.bytes(), "no more packages can make room now");
        }
        Ok(())
    }

    /// Returns what may go now. Of the ids that were `asked` for, nothing goes that the upstream is still not known to have.
    fn who_may_go(&self, source: &SourceName, stock: &Stock, asked: &HashSet<PackageId>) -> Vec<Seen> {
        let pinned = self.inner.room.pinned(source);
        let mut seen = stock.seen();
        seen.retain(|seen| {
            let is_hopeless = asked.contains(&seen.id) && self.is_doubtful(source, seen);
            !is_hopeless && may_go(seen, pinned, |seen| self.may_ask(source, &seen.id))
        });
        seen
    }

    /// Returns whether any feed may ask an upstream for an id.
    fn may_ask(&self, source: &SourceName, id: &PackageId) -> bool {
        let mut feeds = self.inner.views.feeds();
        feeds.any(|feed| policy::upstreams_for(feed, id).any(|upstream| upstream == source))
    }

    fn is_doubtful(&self, source: &SourceName, seen: &Seen) -> bool {
        seen.word == Word::Unknown && self.announces(source)
    }

    /// Asks an upstream which versions of an id it has. Where it does not tell, nothing is known as before.
    async fn ask_whether_it_has(&self, source: &SourceName, id: &PackageId) {
        let Some(upstream) = self.inner.upstreams.get(source) else {
            return;
        };
        let urgency = Urgency::new(Priority::Prefetch);
        let answer = in_time(source, upstream.versions(id, None, &urgency)).await;
        self.heard(source, &answer);
        let kept = match answer {
            Ok(Versions::Announced { versions, .. }) => {
                self.keep_announced(source, id, &versions, Change::Announce).await
            }
            Ok(Versions::Unchanged) | Err(_) => Ok(()),
        };
        if let Err(error) = kept {
            tracing::debug!(upstream.name = %source, package.id = %id, %error, "it is not known whether an upstream still has an id");
        }
    }

    /// Lets packages go that nobody has come to use meanwhile. Returns how many went.
    async fn let_go(&self, source: &SourceName, stock: &Stock, chosen: Vec<Seen>) -> Result<u64, MirrorError> {
        let mut by_id: BTreeMap<PackageId, Vec<Seen>> = BTreeMap::new();
        for seen in chosen {
            by_id.entry(seen.id.clone()).or_default().push(seen);
        }
        let by_id: Vec<_> = by_id.into_iter().collect();
        let mut gone = 0;
        for some in by_id.chunks(IDS_AT_A_TIME) {
            let going = self.inner.room.going.lock().await;
            if *going == Going::Over || self.inner.offline.is_offline() {
                break;
            }
            let mut leaving = Vec::new();
            for (id, seen) in some {
                leaving.extend(self.take_out(source, stock, id, seen).await?);
            }
            self.inner.index.flush().await.map_err(MirrorError::index)?;
            for record in leaving.iter().flat_map(|leaving| &leaving.records) {
                if let Err(error) = self.remove_files(record).await {
                    tracing::warn!(upstream.name = %source, package.id = %record.row.id, package.version = %record.row.version, %error, "the files of a package that made room could not be removed");
                    continue;
                }
                self.tally(source).count(Event::Eviction);
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// Takes packages of one id out of the ledger and the index.
    async fn take_out(
        &self,
        source: &SourceName,
        stock: &Stock,
        id: &PackageId,
        seen: &[Seen],
    ) -> Result<Option<Leaving>, MirrorError> {
        let lock = self.inner.writes.lock((source.clone(), id.clone())).await;
        let records = self.inner.index.records(source, id).await.map_err(MirrorError::index)?;
        let mut leaving = Vec::new();
        for seen in seen {
            let record = records.iter().find(|record| record.row.version == seen.version);
            // What is not mirrored, or not in the index, is not this one's to take.
            let Some(record) = self.evictable(record).await? else {
                stock.hear(id, |version| (*version == seen.version).then_some(Word::HasNot));
                continue;
            };
            if stock.take(id, &seen.version, seen.last_use) {
                leaving.push(record);
            }
        }
        if leaving.is_empty() {
            return Ok(None);
        }
        let change = Change::Evict {
            versions: leaving.iter().map(|record| record.row.version.clone()).collect(),
            committed: self.inner.clock.now(),
        };
        if let Err(error) = self.commit(source, id, change).await {
            for record in leaving {
                let size = record.content.as_ref().map_or(0, |content| content.size);
                drop(stock.add(id, &record.row.version, size, record.committed));
            }
            return Err(error);
        }
        Ok(Some(Leaving {
            records: leaving,
            _lock: lock,
        }))
    }

    /// Returns a record that may go, with its bytes' name: files that were to go and are still there have it in their sidecar.
    async fn evictable(&self, record: Option<&Record>) -> Result<Option<Record>, MirrorError> {
        let Some(record) = record.filter(|record| matches!(record.origin, Origin::Mirrored { .. })) else {
            return Ok(None);
        };
        if record.content.is_some() {
            return Ok(Some(record.clone()));
        }
        let sidecar = self
            .inner
            .packages
            .sidecar(place(record))
            .await
            .map_err(MirrorError::packages)?;
        Ok(sidecar.map(|sidecar| Record {
            content: Some(sidecar.content()),
            ..record.clone()
        }))
    }

    async fn remove_files(&self, record: &Record) -> Result<(), MirrorError> {
        let (packages, place) = (&self.inner.packages, place(record));
        packages.remove_sidecar(place).await.map_err(MirrorError::packages)?;
        if let Some(content) = &record.content {
            packages
                .remove_nupkg(place, content)
                .await
                .map_err(MirrorError::packages)?;
        }
        tracing::debug!(upstream.name = %record.source, package.id = %record.row.id, package.version = %record.row.version, "a package made room");
        Ok(())
    }
}

fn place(record: &Record) -> Place<'_> {
    Place {
        source: &record.source,
        id: &record.row.id,
        version: &record.row.version,
    }
}
