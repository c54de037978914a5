//! What is asked, as a URL, and the answer that a walk over the whole list gives.

use std::cmp::Ordering;

use super::expression::{Expression, compare_keys, evaluate, passes};
use super::fold::lower;
use super::package::{Feed, Shown, shown};
use super::print::{Noise, parameter, print};
use super::search::rank;
use super::updates::Installed;
use super::version::Version;

/// A question to a feed.
#[derive(Clone)]
pub(super) struct Query {
    pub(super) list: List,
    pub(super) filter: Option<Expression>,
    pub(super) order: Vec<Key>,
    pub(super) skip: Option<usize>,
    pub(super) top: Option<usize>,
    pub(super) wants_count: bool,
    pub(super) level: Option<&'static str>,
    /// How it is spelled; 0 is plainly.
    pub(super) spelling: u64,
}

/// Which list is asked for.
#[derive(Debug, Clone)]
pub(super) enum List {
    Packages,
    FindPackagesById(String),
    GetUpdates(Installed),
    Search {
        words: Vec<String>,
        prerelease: Option<bool>,
    },
}

/// One key of an order.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) by: Expression,
    pub(super) direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Unsaid,
    Ascending,
    Descending,
}

/// What the whole list holds for a question.
pub(super) struct Expected {
    /// All that answers, in order, after `$skip` and `$top`.
    pub(super) rows: Vec<Shown>,
    /// How many answer before `$skip` and `$top`.
    pub(super) total: usize,
}

impl Query {
    /// Returns the path, below the root of the feed.
    pub(super) fn path(&self) -> String {
        let mut noise = Noise::from_seed(self.spelling);
        let name = match self.list {
            List::Packages => "Packages",
            List::FindPackagesById(_) => "FindPackagesById",
            List::Search { .. } => "Search",
            List::GetUpdates(_) => "GetUpdates",
        };
        format!("/{name}{}", noise.pick(&["()", "()", "", "()/", "%28%29"]))
    }

    /// Returns the query string.
    pub(super) fn options(&self) -> String {
        let mut noise = Noise::from_seed(self.spelling);
        let mut options = Vec::new();
        match &self.list {
            List::Packages => {}
            List::GetUpdates(installed) => {
                for (name, value) in installed.parameters() {
                    options.push(parameter(name, &value, &mut noise));
                }
            }
            List::FindPackagesById(id) => {
                let literal = noise.pick(&[true, true, false]);
                let id = if literal { format!("'{id}'") } else { id.clone() };
                options.push(parameter("id", &id, &mut noise));
            }
            List::Search { words, prerelease } => {
                let term = words.join(" ").replace('\'', "''");
                options.push(parameter("searchTerm", &format!("'{term}'"), &mut noise));
                options.push(parameter("targetFramework", "''", &mut noise));
                if let Some(includes) = prerelease {
                    options.push(parameter("includePrerelease", &includes.to_string(), &mut noise));
                }
            }
        }
        if let Some(filter) = &self.filter {
            options.push(parameter("$filter", &print(filter, &mut noise), &mut noise));
        }
        if !self.order.is_empty() {
            let keys: Vec<String> = self.order.iter().map(|key| key.print(&mut noise)).collect();
            let separator = noise.pick(&[",", ", ", " ,"]);
            options.push(parameter("$orderby", &keys.join(separator), &mut noise));
        }
        for (name, number) in [("$skip", self.skip), ("$top", self.top)] {
            if let Some(number) = number {
                options.push(parameter(name, &number.to_string(), &mut noise));
            }
        }
        if self.wants_count {
            options.push(parameter("$inlinecount", "allpages", &mut noise));
        }
        if let Some(level) = self.level {
            options.push(parameter("semVerLevel", level, &mut noise));
        }
        if noise.happens(8) {
            options.push("unknown=1".to_owned());
        }
        if noise.happens(2) {
            options.reverse();
        }
        options.join("&")
    }

    fn reads_semver2(&self) -> bool {
        let level = self.level.and_then(|level| Version::read(level.trim_matches('\'')));
        level.is_some_and(|level| level.compare(&Version::read("2.0.0").expect("a version")).is_ge())
    }

    /// Answers the question by looking at everything.
    pub(super) fn expected(&self, feed: &Feed) -> Expected {
        let mut rows = shown(feed, self.reads_semver2());
        if let List::GetUpdates(installed) = &self.list {
            installed.keep_updates(&mut rows);
        }
        rows.retain(|shown| self.has(shown) && self.filter.as_ref().is_none_or(|filter| passes(filter, shown)));
        // Stable: of what the keys cannot tell apart, the first id and the highest version come first.
        rows.sort_by(|one, two| self.compare(one, two));
        let total = rows.len();
        let rows = rows
            .into_iter()
            .skip(self.skip.unwrap_or(0))
            .take(self.top.unwrap_or(usize::MAX));
        Expected {
            rows: rows.collect(),
            total,
        }
    }

    /// Whether the list has a version, before any filter.
    fn has(&self, shown: &Shown) -> bool {
        let package = &shown.package;
        match &self.list {
            List::Packages | List::GetUpdates(_) => true,
            List::FindPackagesById(id) => lower(id) == lower(&package.id),
            List::Search { words, prerelease } => {
                package.is_listed
                    && (*prerelease == Some(true) || !package.version().is_prerelease())
                    && rank(words, package).is_some()
            }
        }
    }

    fn compare(&self, one: &Shown, two: &Shown) -> Ordering {
        for key in &self.order {
            let order = compare_keys(&evaluate(&key.by, one), &evaluate(&key.by, two));
            let order = if key.direction == Direction::Descending {
                order.reverse()
            } else {
                order
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        match &self.list {
            // The most relevant first, of those the most downloaded; without words all are alike.
            List::Search { words, .. } if self.order.is_empty() && !words.is_empty() => {
                let relevance = |shown: &Shown| rank(words, &shown.package);
                let by_downloads = two.package.downloads.cmp(&one.package.downloads);
                relevance(one).cmp(&relevance(two)).then(by_downloads)
            }
            _ => Ordering::Equal,
        }
    }
}

impl Key {
    fn print(&self, noise: &mut Noise) -> String {
        let direction = match self.direction {
            Direction::Unsaid => "",
            Direction::Ascending => noise.pick(&[" asc", "  Asc"]),
            Direction::Descending => noise.pick(&[" desc", " DESC"]),
        };
        format!("{}{direction}", print(&self.by, noise))
    }
}

/// The URL, as short as it can be.
impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = Self {
            spelling: 0,
            ..self.clone()
        };
        let decoded = percent_encoding::percent_decode_str(&plain.options())
            .decode_utf8_lossy()
            .into_owned();
        write!(f, "{}?{decoded} (spelling {})", plain.path(), self.spelling)
    }
}
