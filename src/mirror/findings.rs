//! What is remembered of ids at upstreams: which of them were found there, which not, and when.
//!
//! What an upstream has is noted in the index too, and outlives the process. What it lacks is only in memory, and never more than a
//! bounded number of times: anybody can ask for names that nobody has.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant as Moment};

use super::freshness::{Address, Finding, Said, chance};
use super::remembered::Remembered;
use super::{Mirror, MirrorError};
use crate::catalog::{SourceName, Validators};
use crate::nuget::PackageId;
use crate::store::{Note, NoteText};

/// An id at an upstream.
pub(super) type Subject = (SourceName, PackageId);

/// A version at an upstream that does not say which versions it has. As it was asked for: files may be called `Git.1.0.nupkg`
/// and not `git.1.0.0.nupkg`.
pub(super) type Spelled = (SourceName, PackageId, String);

/// How many ids are remembered, and how many versions. The longest names there are take 700 bytes each with all that belongs to
/// them, so that both together stay below 64 MiB.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(40_000).unwrap();

/// How many failures are remembered: what is known is served meanwhile, so there are no more than names that somebody has.
const FAILURES: NonZeroUsize = NonZeroUsize::new(5_000).unwrap();

/// How long an upstream is not asked again for what it just could not be asked for, where there is something to serve.
pub(super) const FORBEARANCE: Duration = Duration::from_secs(10);

/// What is remembered, in memory.
#[derive(Debug)]
pub(super) struct Findings {
    ids: Remembered<Subject, Finding>,
    versions: Remembered<Spelled, Finding>,
    failures: Remembered<Subject, Failure>,
}

/// An upstream that could not be asked for something.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    at: Moment,
    pub(super) error: MirrorError,
}

impl Failure {
    /// Returns whether the upstream is spared for now.
    pub(super) fn is_recent(&self, now: Moment) -> bool {
        now.saturating_duration_since(self.at) < FORBEARANCE
    }
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            ids: Remembered::of(CAPACITY),
            versions: Remembered::of(CAPACITY),
            failures: Remembered::of(FAILURES),
        }
    }
}

impl Mirror {
    /// Returns what is found of an id, by what is in memory alone.
    pub(super) fn remembered_finding(&self, subject: &Subject) -> Option<Finding> {
        self.inner.findings.ids.recall(subject)
    }

    /// Returns what is found of an id. Memory answers where it can: notes change here alone.
    pub(super) async fn finding(&self, subject: &Subject) -> Result<Finding, MirrorError> {
        if let Some(finding) = self.remembered_finding(subject) {
            return Ok(finding);
        }
        let began = self.inner.purges.now();
        let note = self.note(subject).await?;
        if self.inner.purges.is_purged(subject, began) {
            return Ok(Finding::Nothing);
        }
        let finding = note.map_or(Finding::Nothing, |note| self.finding_of(subject, &note));
        // A look-up that ended meanwhile has remembered what is newer.
        Ok(self.inner.findings.ids.remember_first(subject.clone(), finding))
    }

    fn finding_of(&self, (source, id): &Subject, note: &Note) -> Finding {
        let (wall, now) = (self.inner.clock.now(), self.inner.clock.monotonic());
        let chance = chance(source, id, note.at);
        let said = Said::noted(note.at, wall, now, chance, &self.lifetimes(source));
        let is_former = |address: &String| self.address(source).is_some_and(|current| current != address);
        let address = match &note.said.address {
            Some(address) if is_former(address) => Address::Former,
            _ => Address::Current,
        };
        Finding::Present(said, address)
    }

    /// Returns what the index has noted of an id at an upstream.
    pub(super) async fn note(&self, subject: &Subject) -> Result<Option<Note>, MirrorError> {
        let noted = self.inner.index.note(&subject_text(subject)).await;
        noted.map_err(MirrorError::index)
    }

    /// Returns what the upstream's last answer can be compared with.
    pub(super) async fn validators(&self, subject: &Subject) -> Result<Option<Validators>, MirrorError> {
        Ok(self.note(subject).await?.and_then(|note| note.said.validators))
    }

    /// Keeps in mind that an upstream just said that it has versions of an id.
    pub(super) async fn note_present(
        &self,
        subject: &Subject,
        validators: Option<Validators>,
    ) -> Result<(), MirrorError> {
        let (source, _) = subject;
        let note = Note {
            at: self.inner.clock.now(),
            said: NoteText {
                address: self.address(source).map(str::to_owned),
                validators,
            },
        };
        let finding = self.finding_of(subject, &note);
        self.put_note(subject, Some(note), finding).await
    }

    /// Keeps in mind that an upstream just said that it has no version of an id.
    pub(super) async fn note_absent(&self, subject: &Subject) -> Result<(), MirrorError> {
        let before = self.remembered_finding(subject).unwrap_or(Finding::Nothing);
        let finding = before.absent_again(self.inner.clock.monotonic());
        self.put_note(subject, None, finding).await
    }

    async fn put_note(&self, subject: &Subject, note: Option<Note>, finding: Finding) -> Result<(), MirrorError> {
        let put = self.inner.index.put_note(&subject_text(subject), note).await;
        match put {
            Ok(()) => self.inner.findings.ids.remember(subject.clone(), finding),
            // It may have been written all the same.
            Err(_) => self.inner.findings.ids.forget(subject),
        }
        put.map_err(MirrorError::index)
    }

    /// Returns what is found of a version at an upstream that does not say which versions it has.
    pub(super) fn finding_of_version(&self, spelled: &Spelled) -> Finding {
        self.inner.findings.versions.recall(spelled).unwrap_or(Finding::Nothing)
    }

    /// Keeps in mind that an upstream just said that it does not have a version.
    pub(super) fn note_version_absent(&self, spelled: Spelled) {
        let finding = self.finding_of_version(&spelled);
        let finding = finding.absent_again(self.inner.clock.monotonic());
        self.inner.findings.versions.remember(spelled, finding);
    }

    /// Keeps in mind how asking for an id ended of which something is known.
    pub(super) fn note_outcome(&self, subject: &Subject, outcome: &Result<(), MirrorError>) {
        match outcome {
            Ok(()) => self.inner.findings.failures.forget(subject),
            Err(error) => {
                let failure = Failure {
                    at: self.inner.clock.monotonic(),
                    error: error.clone(),
                };
                self.inner.findings.failures.remember(subject.clone(), failure);
            }
        }
    }

    /// Returns how asking for an id failed, if it did when it was last tried.
    pub(super) fn failure(&self, subject: &Subject) -> Option<Failure> {
        self.inner.findings.failures.recall(subject)
    }

    /// Forgets what was found of some ids at some upstreams; what is in the index stays there.
    pub(super) fn forget_remembered(&self, is_meant: impl Fn(&SourceName, &PackageId) -> bool) -> usize {
        let findings = &self.inner.findings;
        let absent = findings
            .ids
            .forget_all(|(source, id), finding| is_meant(source, id) && matches!(finding, Finding::Absent(..)));
        findings.ids.forget_all(|(source, id), _| is_meant(source, id));
        findings.failures.forget_all(|(source, id), _| is_meant(source, id));
        absent + findings.versions.forget_all(|(source, id, _), _| is_meant(source, id))
    }

    /// Returns an upstream's address, without secrets.
    fn address(&self, source: &SourceName) -> Option<&str> {
        self.inner.addresses.get(source).map(String::as_str)
    }
}

/// Names what a note about an id at an upstream is about.
pub(super) fn subject_text((source, id): &Subject) -> String {
    format!("{}{}", subjects_of(source), id.lower())
}

/// Returns how the names of all notes about ids at an upstream begin.
pub(super) fn subjects_of(source: &SourceName) -> String {
    format!("id {source} ")
}
