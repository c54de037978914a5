//! Packages as plain structs, and how a feed's sources make one list of them.

use chrono::{DateTime, Utc};

use super::fold::lower;
use super::version::Version;

/// One version of one id as a source has it.
#[derive(Clone)]
pub(super) struct Package {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) is_listed: bool,
    pub(super) is_approved: bool,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) summary: Option<String>,
    /// Padded with single blanks.
    pub(super) tags: Option<String>,
    pub(super) authors: Option<String>,
    pub(super) created: DateTime<Utc>,
    pub(super) published: DateTime<Utc>,
    pub(super) last_edited: Option<DateTime<Utc>>,
    pub(super) last_updated: DateTime<Utc>,
    pub(super) downloads: i64,
    pub(super) version_downloads: i64,
    pub(super) size: i64,
    // What only records know.
    pub(super) release_notes: Option<String>,
    pub(super) copyright: Option<String>,
    pub(super) needs_acceptance: Option<bool>,
    pub(super) scanned: Option<DateTime<Utc>>,
    /// The lowest version of the one dependency there may be.
    pub(super) needs: Option<String>,
}

impl Package {
    pub(super) fn version(&self) -> Version {
        Version::read(&self.version).expect("a generated version")
    }

    /// Whether only clients that read SemVer 2 see it.
    pub(super) fn is_semver2(&self) -> bool {
        let needs_semver2 = |needs: &String| Version::read(needs).expect("a generated version").is_semver2();
        self.version().is_semver2() || self.needs.as_ref().is_some_and(needs_semver2)
    }

    pub(super) fn is_same_version(&self, other: &Self) -> bool {
        lower(&self.id) == lower(&other.id) && self.version().compare(&other.version()).is_eq()
    }
}

/// Short, so that a failure can be read: what is absent is not printed.
impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.id, self.version)?;
        for (is_so, word) in [(!self.is_listed, " unlisted"), (!self.is_approved, " unapproved")] {
            if is_so {
                f.write_str(word)?;
            }
        }
        for (name, text) in [
            ("title", &self.title),
            ("description", &self.description),
            ("summary", &self.summary),
            ("tags", &self.tags),
            ("authors", &self.authors),
            ("notes", &self.release_notes),
            ("copyright", &self.copyright),
            ("needs", &self.needs),
        ] {
            if let Some(text) = text {
                write!(f, " {name}={text:?}")?;
            }
        }
        for (name, number) in [
            ("downloads", self.downloads),
            ("own", self.version_downloads),
            ("size", self.size),
        ] {
            if number != 0 {
                write!(f, " {name}={number}")?;
            }
        }
        write!(
            f,
            " created={} published={}",
            time(&self.created),
            time(&self.published)
        )?;
        write!(f, " updated={}", time(&self.last_updated))?;
        for (name, at) in [("edited", &self.last_edited), ("scanned", &self.scanned)] {
            if let Some(at) = at {
                write!(f, " {name}={}", time(at))?;
            }
        }
        match self.needs_acceptance {
            None => Ok(()),
            Some(needs) => write!(f, " accept={needs}"),
        }
    }
}

pub(super) fn time(at: &DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.f").to_string()
}

/// A feed: what is hosted in it, its upstreams, and the length of its pages.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    pub(super) page_size: usize,
    pub(super) hosted: Vec<Package>,
    pub(super) upstreams: [Vec<Package>; 2],
}

/// One version as a client sees it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) package: Package,
    pub(super) is_latest: bool,
    pub(super) is_absolute_latest: bool,
}

/// Returns what there is for a client of a level, by id, highest version first.
///
/// An id that is hosted hides the same id of all upstreams; of the same version at two upstreams the first one's counts. The
/// latest flags are those of the listed versions that the client can read.
pub(super) fn shown(feed: &Feed, reads_semver2: bool) -> Vec<Shown> {
    let mut all: Vec<&Package> = feed.hosted.iter().collect();
    for upstream in &feed.upstreams {
        for package in upstream {
            let is_hosted = feed.hosted.iter().any(|hosted| lower(&hosted.id) == lower(&package.id));
            if !is_hosted && !all.iter().any(|known| known.is_same_version(package)) {
                all.push(package);
            }
        }
    }
    all.retain(|package| reads_semver2 || !package.is_semver2());
    all.sort_by(|one, two| {
        let by_id = lower(&one.id).cmp(&lower(&two.id));
        by_id.then_with(|| two.version().compare(&one.version()))
    });
    let is_highest = |package: &Package, stable_only: bool| {
        let is_candidate = |other: &Package| other.is_listed && !(stable_only && other.version().is_prerelease());
        let is_higher = |other: &&Package| {
            is_candidate(other)
                && lower(&other.id) == lower(&package.id)
                && other.version().compare(&package.version()).is_gt()
        };
        is_candidate(package) && !all.iter().any(is_higher)
    };
    all.iter()
        .map(|package| Shown {
            is_latest: is_highest(package, true),
            is_absolute_latest: is_highest(package, false),
            package: (*package).clone(),
        })
        .collect()
}
