//! What of an archive keeps its package from being pushed, though clients can extract it.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use zip::read::ZipFileEntry;

use super::{Inspected, name};
use crate::nuget::nuspec::{Flaw, Nuspec, PushRefusal, Scrutiny};

/// How far ahead an entry may be dated: archives know no zones, and zones reach 14 hours (NuGetGallery allows a day,
/// `ApiController.CreatePackageInternal`).
const AHEAD: TimeDelta = TimeDelta::days(1);

/// What is odd about an archive.
#[derive(Debug, Clone, Default)]
pub struct Oddities {
    /// The entry with the latest date, and that date in the zone of whoever packed it.
    newest: Option<(NaiveDateTime, String)>,
    /// The first entry with two slashes in a row.
    doubled: Option<String>,
    /// Elements of the nuspec that name files which are not there.
    absent: Vec<(&'static str, String)>,
}

impl Oddities {
    /// Takes note of an entry.
    pub(super) fn add(&mut self, entry: &ZipFileEntry<'_>, name: &str) {
        let shown = || -> String { name.escape_default().take(100).collect() };
        let at = entry.last_modified().and_then(|at| {
            let day = NaiveDate::from_ymd_opt(at.year().into(), at.month().into(), at.day().into())?;
            day.and_hms_opt(at.hour().into(), at.minute().into(), at.second().into())
        });
        if let Some(at) = at
            && self.newest.as_ref().is_none_or(|(newest, _)| at > *newest)
        {
            self.newest = Some((at, shown()));
        }
        let is_doubled = |pair: &[u8]| pair.iter().all(|byte| matches!(byte, b'/' | b'\\'));
        if self.doubled.is_none() && name.as_bytes().windows(2).any(is_doubled) {
            self.doubled = Some(shown());
        }
    }

    /// Looks for the files that the nuspec names among the entries' extracted names.
    pub(super) fn look_for_files(&mut self, nuspec: &Nuspec, names: &HashSet<String>) {
        for (element, path) in nuspec.named_files() {
            let is_there = name::extracted(path).is_ok_and(|path| names.contains(&path));
            if !is_there {
                let path = path.chars().take(100).collect();
                self.absent.push((element, path));
            }
        }
    }
}

impl Inspected {
    /// Checks what a package must keep to when it is pushed or imported; a mirrored one need not.
    pub fn validate_for_push(&self, scrutiny: Scrutiny, now: DateTime<Utc>) -> Result<(), PushRefusal> {
        let mut flaws = self.nuspec.flaws(scrutiny);
        if scrutiny != Scrutiny::Known {
            self.add_flaws(now, &mut flaws);
        }
        PushRefusal::unless_empty(flaws)
    }

    fn add_flaws(&self, now: DateTime<Utc>, flaws: &mut Vec<Flaw>) {
        if let Some((at, entry)) = &self.oddities.newest
            && *at > (now + AHEAD).naive_utc()
        {
            flaws.push(Flaw::FutureEntry {
                entry: entry.clone(),
                at: *at,
            });
        }
        if let Some(entry) = &self.oddities.doubled {
            flaws.push(Flaw::DoubledSlash { entry: entry.clone() });
        }
        for (element, path) in &self.oddities.absent {
            flaws.push(Flaw::FileAbsent {
                element,
                path: path.clone(),
            });
        }
    }
}
