//! Bare passes over what larder searches: the rows that its own index holds, and the texts in them.

use std::collections::HashSet;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use larder::catalog::{Row, Text};
use larder::clock::Clock;
use larder::nuget::SemVerLevel;
use larder::store::Store;
use memchr::memmem::Finder;

use super::data_folder;
use super::table::per_second;

/// What a question has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// All searched texts of each id's highest version.
    SearchedTexts,
    /// The descriptions of all versions, each text once.
    Descriptions,
    /// The rows of all versions.
    Rows,
}

/// The rows of a data folder.
pub(crate) struct Passes {
    rows: Vec<Arc<Row>>,
    searched: Vec<Arc<Text>>,
    descriptions: Vec<Arc<Text>>,
}

impl Passes {
    /// Reads the rows of a folder that no larder uses.
    pub(crate) async fn read(data: &Path) -> anyhow::Result<Self> {
        let (store, changes, _) = Store::open(data_folder::settings(data), &Clock::system()).await?;
        store.close().await?;
        let highest = changes
            .iter()
            .filter_map(|change| change.rows.iter().max_by(|a, b| a.version.cmp(&b.version)));
        let searched = distinct(highest.flat_map(|row| {
            [&row.title, &row.tags, &row.description, &row.summary, &row.authors]
                .into_iter()
                .flatten()
        }));
        let rows: Vec<Arc<Row>> = changes.into_iter().flat_map(|change| change.rows).collect();
        let descriptions = distinct(rows.iter().filter_map(|row| row.description.as_ref()));
        Ok(Self {
            rows,
            searched,
            descriptions,
        })
    }

    /// Says how much one pass looks at.
    pub(crate) fn describe(&self, over: Over) -> String {
        let mib = |texts: &[Arc<Text>]| texts.iter().map(|text| text.lower().len()).sum::<usize>() >> 20;
        match over {
            Over::SearchedTexts => format!("memmem over {} MiB", mib(&self.searched)),
            Over::Descriptions => format!("memmem over {} MiB", mib(&self.descriptions)),
            Over::Rows => format!("pass over {} rows", self.rows.len()),
        }
    }

    /// Returns how many passes threads make each second; each looks for the needles in turn.
    pub(crate) fn rate(&self, over: Over, needles: &[String], threads: usize, time: Duration) -> f64 {
        let count = AtomicU64::new(0);
        let started = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for needle in needles.iter().cycle() {
                        black_box(self.pass(over, needle));
                        count.fetch_add(1, Ordering::Relaxed);
                        if started.elapsed() > time {
                            return;
                        }
                    }
                });
            }
        });
        per_second(count.into_inner(), started.elapsed())
    }

    fn pass(&self, over: Over, needle: &str) -> u64 {
        let finder = Finder::new(needle);
        let find = |texts: &[Arc<Text>]| {
            let found = texts
                .iter()
                .filter(|text| finder.find(text.lower().as_bytes()).is_some());
            found.count() as u64
        };
        match over {
            Over::SearchedTexts => find(&self.searched),
            Over::Descriptions => find(&self.descriptions),
            Over::Rows => {
                let seen = self.rows.iter().filter(|row| row.level <= SemVerLevel::One);
                seen.map(|row| row.download_count).max().unwrap_or(0)
            }
        }
    }
}

/// Returns each text once, however many versions share it.
fn distinct<'a>(texts: impl Iterator<Item = &'a Arc<Text>>) -> Vec<Arc<Text>> {
    let mut seen = HashSet::new();
    texts.filter(|text| seen.insert(Arc::as_ptr(text))).cloned().collect()
}
