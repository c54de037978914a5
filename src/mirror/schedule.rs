//! When what is done without being asked for is due, and doing it.
//!
//! By the wall clock, for it outlives the process: the end of the last sync is remembered on disk.

use std::time::Duration;

use chrono::TimeDelta;

use super::{Mirror, SyncMode};
use crate::catalog::{Instant, SourceName};

/// How often it is looked at what is due: a clock that was set, or a machine that slept, is noticed by then.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long after one that stopped a sync is tried again; it doubles each time, up to the latter.
const AGAIN_AFTER: Duration = Duration::from_secs(300);
const AGAIN_AT_MOST: Duration = Duration::from_secs(6 * 3600);

/// What is known of the syncs of an upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// When the last one came to its end.
    pub(super) finished: Option<Instant>,
    /// How many stopped since, and when the last one of them did.
    pub(super) stopped: Option<(u32, Instant)>,
}

/// Returns when the next sync is due; `None`: now. `chance` is from 0 to 1: up to a tenth of the interval is added, so that the
/// mirrors of one gallery do not all come at once.
#[must_use]
pub(super) fn due(past: Past, every: Duration, chance: f64) -> Option<Instant> {
    let regular = past
        .finished
        .and_then(|finished| later(finished, every.mul_f64(1.0 + chance.clamp(0.0, 1.0) / 10.0)));
    let again = past.stopped.and_then(|(times, at)| {
        let doubled = AGAIN_AFTER.saturating_mul(1_u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX));
        later(
            at,
            doubled.min(AGAIN_AT_MOST).mul_f64(1.0 + chance.clamp(0.0, 1.0) / 10.0),
        )
    });
    again.max(regular)
}

fn later(at: Instant, by: Duration) -> Option<Instant> {
    at.checked_add_signed(TimeDelta::from_std(by).ok()?)
}

impl Mirror {
    /// Keeps the lists of upstreams known, as configured, until larder stops.
    pub fn keep_synced(&self) {
        let scheduled: Vec<_> = self.inner.syncs.scheduled();
        for (source, mode) in scheduled {
            let mirror = self.clone();
            self.inner
                .background
                .spawn(async move { mirror.keep_one_synced(&source, mode).await });
        }
    }

    async fn keep_one_synced(&self, source: &SourceName, mode: SyncMode) {
        let every = self.inner.syncs.settings(source).every;
        let (mut stopped, mut chance) = (None, chance());
        loop {
            match self.last_sync(source).await {
                Ok(last) => {
                    let finished = last.filter(|last| last.mode == mode).map(|last| last.finished);
                    let past = Past { finished, stopped };
                    let now = self.inner.clock.now();
                    // A clock that was set back leaves no sync in the future.
                    let is_due = due(past, every, chance).is_none_or(|due| due <= now) || finished > Some(now);
                    if is_due && !self.offline().is_offline() {
                        let times = stopped.map_or(0, |(times, _)| times);
                        let has_finished = self.sync_to_the_end(source, mode).await;
                        stopped = (!has_finished).then(|| (times + 1, self.inner.clock.now()));
                        chance = self::chance();
                    }
                }
                Err(error) => {
                    tracing::error!(upstream.name = %source, %error, "it cannot be told when a sync is due");
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Syncs, or waits for the sync that runs. Returns whether it came to the end of the list.
    async fn sync_to_the_end(&self, source: &SourceName, mode: SyncMode) -> bool {
        let Ok(mut progress) = self.sync(source, mode) else {
            return false;
        };
        let ended = progress.wait_for(|progress| progress.end.is_some()).await;
        ended.is_ok_and(|progress| matches!(progress.end, Some(super::SyncEnd::Finished { .. })))
    }
}

/// A number from 0 to 1; the middle where the system gives no randomness.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::instant;

    #[test]
    fn due_times() {
        let day = Duration::from_secs(24 * 3600);
        let noon = instant("2026-03-01T12:00:00");
        let at = |text: &str| Some(instant(text));
        for (finished, stopped, chance, expected) in [
            (None, None, 0.5, None),
            (Some(noon), None, 0.0, at("2026-03-02T12:00:00")),
            (Some(noon), None, 0.5, at("2026-03-02T13:12:00")),
            (Some(noon), None, 7.0, at("2026-03-02T14:24:00")),
            // One that was cut off is taken up soon, then later and later.
            (None, Some((1, noon)), 0.0, at("2026-03-01T12:05:00")),
            (None, Some((2, noon)), 0.0, at("2026-03-01T12:10:00")),
            (None, Some((2, noon)), 1.0, at("2026-03-01T12:11:00")),
            (None, Some((99, noon)), 0.0, at("2026-03-01T18:00:00")),
            (
                at("2026-02-20T12:00:00"),
                Some((1, noon)),
                0.0,
                at("2026-03-01T12:05:00"),
            ),
            // Who asked for one meanwhile has done the work.
            (Some(noon), Some((1, noon)), 0.0, at("2026-03-02T12:00:00")),
        ] {
            let past = Past { finished, stopped };
            assert_eq!(due(past, day, chance), expected, "{past:?} {chance}");
        }
    }
}
