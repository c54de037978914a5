//! Who delivers a version that is announced: the upstream that the feed shows it of, or, where that one cannot, the next one
//! that announces the same bytes.

use std::time::Duration;

use super::fetch::announced_hash;
use super::locate::Delivery;
use super::served::Standing;
use super::{Mirror, MirrorError, Trouble, policy};
use crate::catalog::change::contradicts;
use crate::catalog::{Content, Property, Record};
use crate::nuget::digest::AnnouncedHash;
use crate::store::RecordKey;
use crate::upstream::Priority;
use crate::view::FeedView;

/// How long an upstream that could not deliver a version is asked for it after all others.
const GRUDGE: Duration = Duration::from_secs(300);

/// The properties that announce a hash.
const HASH: [&str; 2] = ["PackageHash", "PackageHashAlgorithm"];

impl Mirror {
    /// Delivers a version whose bytes are not held where the feed shows it from.
    ///
    /// # Errors
    /// Of those that tried, the failure that can pass, or else the first one.
    pub(super) async fn deliver(
        &self,
        view: &FeedView,
        shown: Record,
        priority: Priority,
    ) -> Result<Delivery, MirrorError> {
        let mut candidates = self.candidates(view, shown).await?;
        for candidate in &candidates {
            if let Some(content) = &candidate.content {
                return self.delivered(candidate.clone(), content.clone()).await;
            }
        }
        candidates.sort_by_key(|candidate| self.failed_lately(candidate));
        let mut failures: Vec<MirrorError> = Vec::new();
        for candidate in candidates {
            let (source, id, version) = (
                candidate.source.clone(),
                candidate.row.id.clone(),
                candidate.row.version.clone(),
            );
            match self.arrive(&source, &id, &version, Some(candidate), priority).await {
                Ok(located) => {
                    if let Some(failure) = failures.first() {
                        tracing::info!(upstream.name = %source, package.id = %id, package.version = %version, %failure, "another upstream delivers a package");
                    }
                    return Ok(Delivery::of(located, Standing::Missed));
                }
                Err(failure @ (MirrorError::Upstream { .. } | MirrorError::Rejected { .. })) => failures.push(failure),
                Err(broken) => return Err(broken),
            }
        }
        Err(worth_telling(failures))
    }

    /// Returns what the feed shows of a version, and what later upstreams say of the same bytes.
    async fn candidates(&self, view: &FeedView, shown: Record) -> Result<Vec<Record>, MirrorError> {
        let (id, version) = (&shown.row.id, &shown.row.version);
        let others = policy::upstreams_for(view, id).filter(|source| **source != shown.source);
        let keys = others.map(|source| RecordKey {
            source: source.clone(),
            id: id.clone(),
            version: version.clone(),
        });
        let keys: Vec<RecordKey> = keys.collect();
        let mut candidates = vec![shown.clone()];
        if !keys.is_empty() {
            let others = self.inner.index.lookup(keys).await.map_err(MirrorError::index)?;
            candidates.extend(others.into_iter().flatten().filter_map(|other| as_shown(&shown, other)));
        }
        Ok(candidates)
    }

    fn failed_lately(&self, candidate: &Record) -> bool {
        let row = &candidate.row;
        let key = (candidate.source.clone(), row.id.clone(), row.version.clone());
        let failed = self.inner.undelivered.recall(&key);
        failed.is_some_and(|at| self.is_recent(at, GRUDGE))
    }
}

/// Returns what another upstream has of a version, to be held to what the feed shows of it; `None` where it has other bytes.
fn as_shown(shown: &Record, mut other: Record) -> Option<Record> {
    let held: Option<&Content> = other.content.as_ref();
    if contradicts(held, shown) {
        return None;
    }
    let (wanted, offered) = (announced_hash(Some(shown)), announced_hash(Some(&other)));
    let are_comparable = std::mem::discriminant(&wanted) == std::mem::discriminant(&offered);
    if wanted == AnnouncedHash::Other || wanted == offered {
        return Some(other);
    }
    if are_comparable {
        return None;
    }
    // What comes must be what was promised, however the one who brings it calls it.
    let is_hash = |property: &Property| HASH.iter().any(|name| property.name.eq_ignore_ascii_case(name));
    other.properties.retain(|property| !is_hash(property));
    let promised = shown.properties.iter().filter(|property| is_hash(property));
    other.properties.extend(promised.cloned());
    Some(other)
}

/// Returns the failure that says most: one that can pass before one that cannot, else the first one.
fn worth_telling(mut failures: Vec<MirrorError>) -> MirrorError {
    let can_pass = |failure: &MirrorError| {
        matches!(
            failure,
            MirrorError::Upstream {
                trouble: Trouble::Unavailable { .. } | Trouble::Overdue,
                ..
            }
        )
    };
    let at = failures.iter().position(can_pass).unwrap_or_default();
    if at < failures.len() {
        failures.swap_remove(at)
    } else {
        MirrorError::Internal("a package had nobody to deliver it".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{record, row};

    fn hashed(hash: &str) -> Record {
        let (algorithm, byte) = hash.split_once(':').unwrap_or(("", ""));
        let length = if algorithm == "SHA256" { 32 } else { 64 };
        let bytes = vec![byte.parse::<u8>().unwrap_or_default(); length];
        let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        let properties = if algorithm.is_empty() {
            Vec::new()
        } else {
            vec![
                Property::text("PackageHash", Some(&text)),
                Property::text("PackageHashAlgorithm", Some(algorithm)),
            ]
        };
        record(row("git", "1.0"), properties)
    }

    #[test]
    fn only_the_same_bytes_take_anothers_place() {
        for (shown, other, expected) in [
            ("SHA512:1", "SHA512:1", Some("SHA512:1")),
            ("SHA512:1", "SHA512:2", None),
            ("SHA512:1", "", Some("SHA512:1")),
            ("SHA512:1", "SHA256:1", Some("SHA512:1")),
            ("SHA256:1", "SHA256:2", None),
            ("", "SHA512:2", Some("SHA512:2")),
            ("", "", Some("")),
        ] {
            let held_to = as_shown(&hashed(shown), hashed(other));
            let hash = |record: &Record| announced_hash(Some(record));
            assert_eq!(
                held_to.as_ref().map(hash),
                expected.map(|expected| hash(&hashed(expected))),
                "{shown} {other}"
            );
        }
        let mut held = hashed("");
        let sha512 = hashed("SHA512:7").property("PackageHash").unwrap().to_owned();
        held.content = Some(Content { sha512, size: 1 });
        assert!(as_shown(&hashed("SHA512:7"), held.clone()).is_some());
        assert!(as_shown(&hashed("SHA512:8"), held).is_none());
    }
}
