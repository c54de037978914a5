//! Entries that were rendered before, up to a bounded number of bytes: the least recently used goes first.
//!
//! Knows rows by their identity alone. Whatever changes of a version makes a new row (`view::Views::apply`), so what was
//! rendered for a row never grows stale; it is no longer asked for.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use lru::LruCache;

use crate::catalog::Row;
use crate::odata::parts::EntryParts;

/// What one entry takes beside its parts, about, in bytes: the row's own memory, which stays for as long as it is known here,
/// and its place in the list.
const OVERHEAD_BYTES: usize = size_of::<Row>() + 160;

/// Rendered entries.
#[derive(Debug)]
pub struct Rendered {
    most_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    bytes: usize,
    /// By the row's address: it is not given to another row while this one is known here.
    entries: LruCache<usize, (Weak<Row>, Arc<EntryParts>)>,
}

impl Rendered {
    /// Makes room for about `most_bytes`.
    #[must_use]
    pub fn new(most_bytes: usize) -> Self {
        let kept = Kept {
            bytes: 0,
            entries: LruCache::unbounded(),
        };
        Self {
            most_bytes,
            kept: Mutex::new(kept),
        }
    }

    /// Returns what was rendered for each row, in the rows' order; `None` where nothing is kept.
    pub fn recall<'a>(&self, rows: impl Iterator<Item = &'a Arc<Row>>) -> Vec<Option<Arc<EntryParts>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        rows.map(|row| kept.entries.get(&address(row)).map(|(_, parts)| Arc::clone(parts)))
            .collect()
    }

    /// Keeps what was rendered for a row.
    pub fn keep(&self, row: &Arc<Row>, parts: &Arc<EntryParts>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = (Arc::downgrade(row), Arc::clone(parts));
        kept.bytes += cost(parts);
        if let Some((_, (_, replaced))) = kept.entries.push(address(row), entry) {
            kept.bytes -= cost(&replaced);
        }
        while kept.bytes > self.most_bytes
            && let Some((_, (_, oldest))) = kept.entries.pop_lru()
        {
            kept.bytes -= cost(&oldest);
        }
    }
}

fn address(row: &Arc<Row>) -> usize {
    Arc::as_ptr(row).addr()
}

fn cost(parts: &EntryParts) -> usize {
    parts.bytes() + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{record, row};
    use crate::odata::atom::render;
    use crate::odata::protocol::Protocol;

    fn made(id: &str) -> (Arc<Row>, Arc<EntryParts>) {
        let record = record(row(id, "1.0"), Vec::new());
        let parts = render(&record, Protocol::V2, None);
        (record.row, Arc::new(parts))
    }

    #[test]
    fn what_was_kept_is_found_by_the_row_itself() {
        let rendered = Rendered::new(1 << 20);
        let ((one, one_parts), (two, _)) = (made("one"), made("two"));
        rendered.keep(&one, &one_parts);
        let same_again = Arc::new((*one).clone());
        let found = rendered.recall([&two, &one, &same_again].into_iter());
        assert_eq!(found, [None, Some(one_parts), None]);
    }

    #[test]
    fn memory_is_bounded() {
        let made: Vec<_> = (0..100).map(|number| made(&format!("package{number}"))).collect();
        let cost = cost(&made[99].1);
        let rendered = Rendered::new(cost * 10);
        for (row, parts) in &made {
            rendered.keep(row, parts);
            rendered.keep(row, parts);
            drop(rendered.recall([&made[0].0].into_iter()));
        }
        let found = rendered.recall(made.iter().map(|(row, _)| row));
        let kept: Vec<usize> = (0..100).filter(|at| found[*at].is_some()).collect();
        assert_eq!(kept, [0, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
        assert!(rendered.kept.lock().unwrap().bytes <= cost * 10);
        let small = Rendered::new(cost / 2);
        small.keep(&made[0].0, &made[0].1);
        assert_eq!(small.recall([&made[0].0].into_iter()), [None]);
        assert_eq!(small.kept.lock().unwrap().bytes, 0);
    }

    #[test]
    fn an_address_is_not_used_again_while_it_is_known() {
        let rendered = Rendered::new(1 << 20);
        let (gone, parts) = made("gone");
        rendered.keep(&gone, &parts);
        drop(gone);
        let others: Vec<_> = (0..1000).map(|_| Arc::new(row("other", "1.0"))).collect();
        assert!(rendered.recall(others.iter()).iter().all(Option::is_none));
    }
}
