//! When each held package was last asked for, and what its upstream last said of it, written down so that a restart does not
//! forget it.
//!
//! `state/uses-<source>.json` is written whole every few minutes and at the end, never for a hit. After a crash some minutes
//! are lost: what came in them counts as asked for when its file was written.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::catalog::{Instant, SourceName};
use crate::mirror::ledger::Word;
use crate::mirror::{Mirror, offline};
use crate::nuget::{NuGetVersion, PackageId};

/// The form of file that this program writes.
const SCHEMA: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Uses {
    schema: u32,
    /// Id, version, milliseconds since 1970, and what the upstream said.
    packages: Vec<(String, String, i64, Word)>,
}

impl Mirror {
    /// Writes down what was asked for when, where anything was.
    pub(super) async fn save_uses(&self) {
        for (source, stock) in self.inner.room.ledger.stocks() {
            if !stock.is_counted() || !stock.has_changed() {
                continue;
            }
            let packages = stock.seen().into_iter().map(|seen| {
                let (id, version) = (seen.id.lower().to_owned(), seen.version.normalized().to_owned());
                (id, version, seen.last_use, seen.word)
            });
            let uses = Uses {
                schema: SCHEMA,
                packages: packages.collect(),
            };
            let file = self.uses_file(source);
            let saved = blocking(move || save(&file, &uses)).await;
            if let Err(error) = saved {
                tracing::warn!(upstream.name = %source, %error, "it could not be written down which packages were asked for when");
            }
        }
    }

    /// Recalls what was written down.
    pub(super) async fn recall_uses(&self, source: &SourceName) -> HashMap<(PackageId, NuGetVersion), (Instant, Word)> {
        let file = self.uses_file(source);
        let uses = match blocking(move || load(&file)).await {
            Ok(uses) => uses,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return HashMap::new(),
            Err(error) => {
                tracing::warn!(upstream.name = %source, %error, "it is not known which packages were asked for when; they count as when they came");
                return HashMap::new();
            }
        };
        let read = |(id, version, last_use, word): (String, String, i64, Word)| {
            let key = (id.parse().ok()?, version.parse().ok()?);
            Some((key, (Instant::from_timestamp_millis(last_use)?, word)))
        };
        uses.packages.into_iter().filter_map(read).collect()
    }

    fn uses_file(&self, source: &SourceName) -> PathBuf {
        self.inner.room.state.join(format!("uses-{source}.json"))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|failed| Err(io::Error::other(failed)))
}

fn save(file: &Path, uses: &Uses) -> io::Result<()> {
    offline::write(file, &serde_json::to_vec(uses)?)
}

fn load(file: &Path) -> io::Result<Uses> {
    let uses: Uses = serde_json::from_slice(&std::fs::read(file)?)?;
    if uses.schema == SCHEMA {
        Ok(uses)
    } else {
        Err(io::Error::other(format!("it has schema {}", uses.schema)))
    }
}
