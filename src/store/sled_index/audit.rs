//! Reading the whole index after a crash: every value decodes, and what is told twice is told alike.
//!
//! sled guards each page by a checksum, but a page that is lost may come back in an older state, or not at all: then a record
//! lacks its row, or an id its commit. Such an index answers, and answers wrong.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::TryStreamExt as _;

use super::keys::{ID, RECORD, ROW, SEQ, id_prefix, seq_key};
use super::rows::Ids;
use super::{SledIndex, Tree};
use crate::catalog::{Instant, Row, SourceName};
use crate::nuget::{NuGetVersion, PackageId};
use crate::store::index::{IndexError, RowChange, Seq};

/// A package whose bytes are here, as far as it is compared with the files.
#[derive(Debug, Clone)]
pub struct Held {
    /// The source.
    pub source: SourceName,
    /// The id.
    pub id: PackageId,
    /// The version.
    pub version: NuGetVersion,
    /// When the record was written.
    pub committed: Instant,
}

impl SledIndex {
    /// Reads everything, so that damage anywhere shows now, and returns the packages whose bytes are here.
    ///
    /// # Errors
    /// [`IndexError::Inconsistent`] where records, rows and commits are each readable but do not belong together.
    pub async fn audit(&self) -> Result<Vec<Held>, IndexError> {
        let audits: Vec<Audit> = self.by_ids(Tree::audit_ids).try_collect().await?;
        let ids = audits.iter().map(|audit| audit.ids).sum();
        let rows = audits.iter().map(|audit| audit.rows).sum();
        self.run(move |tree| tree.audit_counts(ids, rows)).await?;
        Ok(audits.into_iter().flat_map(|audit| audit.held).collect())
    }
}

/// What was met in a run of ids.
#[derive(Default)]
struct Audit {
    ids: usize,
    rows: usize,
    held: Vec<Held>,
}

impl Tree {
    fn audit_ids(&self, ids: &Ids) -> Result<Audit, IndexError> {
        let mut audit = Audit::default();
        for change in self.rows_of(ids)? {
            audit.ids += 1;
            audit.rows += change.rows.len();
            self.audit_id(change, &mut audit.held)?;
        }
        Ok(audit)
    }

    /// Finds what no id leads to.
    fn audit_counts(&self, ids: usize, rows: usize) -> Result<(), IndexError> {
        for (kind, expected) in [(ID, ids), (SEQ, ids), (ROW, rows), (RECORD, rows)] {
            if self.count(kind)? != expected {
                return Err(IndexError::Inconsistent);
            }
        }
        Ok(())
    }

    fn audit_id(&self, change: RowChange, held: &mut Vec<Held>) -> Result<(), IndexError> {
        let RowChange { seq, source, id, rows } = change;
        self.audit_seq(seq, &id_prefix(&source, &id))?;
        let mut by_version: HashMap<String, Arc<Row>> = rows.into_iter().map(|row| (row.version.key(), row)).collect();
        for record in self.records(&source, &id)? {
            let row = by_version.remove(&record.row.version.key());
            if row.as_ref() != Some(&record.row) {
                return Err(IndexError::Inconsistent);
            }
            if record.content.is_some() {
                held.push(Held {
                    source: source.clone(),
                    id: id.clone(),
                    version: record.row.version.clone(),
                    committed: record.committed,
                });
            }
        }
        if by_version.is_empty() {
            Ok(())
        } else {
            Err(IndexError::Inconsistent)
        }
    }

    fn audit_seq(&self, seq: Seq, id_prefix: &[u8]) -> Result<(), IndexError> {
        match self.db.get(seq_key(seq)).map_err(IndexError::Database)? {
            Some(changed) if changed == id_prefix => Ok(()),
            _ => Err(IndexError::Inconsistent),
        }
    }

    fn count(&self, kind: u8) -> Result<usize, IndexError> {
        let mut count = 0;
        for key in self.db.scan_prefix([kind]).keys() {
            key.map_err(IndexError::Database)?;
            count += 1;
        }
        Ok(count)
    }
}
