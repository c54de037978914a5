//! When an upstream is asked: everything that is sent to one goes through its one scheduler, which keeps its limits, its pauses and
//! its breaker, and lets go first what somebody waits for.
//!
//! What is decided, the modules below decide; here is who waits for it, and how they are woken. Whoever waits first also watches the
//! clock for all: when it goes or gives up, the next one does.

mod bucket;
mod pace;
mod queue;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use url::Url;

use self::pace::Pace;
use self::queue::{Queue, Refusal, Request, Verdict};
use super::breaker::{BreakerSettings, State};
use super::condition::{Admission, Host};
use super::error::{Outage, UpstreamError};
use super::hosts::Hosts;
use super::retry::{Failed, RetryBudget, RetrySettings};
use super::settings::ClientSettings;
use super::status::{BreakerStatus, PauseStatus, Tally, UpstreamStatus, after};
use super::urgency::{Priority, Urgency};
use crate::nuget::PackageId;
use crate::redact;

pub use self::pace::PaceSettings;
pub(crate) use self::pace::Share;

/// When to come back where all places were taken: some of those who have them will be done.
const BUSY_RETRY: Duration = Duration::from_secs(5);

/// The scheduler of one upstream. Clones are handles to the same.
#[derive(Clone)]
pub(crate) struct Scheduler(Arc<Inner>);

struct Inner {
    home: Url,
    hosts: Hosts,
    breaker: BreakerSettings,
    retry: RetrySettings,
    packages: Vec<PackageId>,
    state: Mutex<Scheduled>,
    tally: Mutex<Tally>,
    /// Held by the one of those who wait that watches the clock; the others queue up for it.
    watch: tokio::sync::Mutex<()>,
    /// The time to wake at has changed.
    changed: Notify,
}

struct Scheduled {
    pace: Pace,
    queue: Queue<Ticket>,
    retries: RetryBudget,
}

type Ticket = oneshot::Sender<Result<Permit, Refusal>>;

/// The leave to send one request. It holds a place until it is dropped: an answer keeps it until its body has ended.
pub(crate) struct Permit {
    scheduler: Scheduler,
    share: Share,
    priority: Priority,
    is_used: bool,
}

impl Permit {
    /// Counts a piece of the body.
    pub(super) fn read(&self, bytes: usize) {
        self.scheduler.count(|tally| tally.read(bytes));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        {
            let mut state = self.scheduler.state();
            state.pace.end(self.share, self.priority);
            if !self.is_used {
                state.pace.put_back(self.share);
            }
        }
        self.scheduler.decide();
    }
}

/// Takes a request out of the queue when whoever waits for it is gone.
struct Place<'s> {
    scheduler: &'s Scheduler,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.scheduler.state().queue.leave(self.number);
    }
}

impl Scheduler {
    /// Begins to schedule what is asked of the upstream at `home`.
    pub(super) fn new(home: &Url, settings: &ClientSettings) -> Self {
        let hosts = settings.hosts.clone();
        let pace = &settings.pace;
        let state = Scheduled {
            pace: Pace::new(pace, hosts.clock().monotonic()),
            queue: Queue::new(pace.longest_wait),
            retries: RetryBudget::new(),
        };
        Self(Arc::new(Inner {
            home: home.clone(),
            hosts,
            breaker: settings.breaker,
            retry: settings.retry,
            packages: pace.packages.iter().map(|(id, _)| id.clone()).collect(),
            state: Mutex::new(state),
            tally: Mutex::default(),
            watch: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        }))
    }

    /// Returns what a download of a package takes a share of.
    pub(super) fn share_of(&self, id: &PackageId) -> Share {
        let own = self.0.packages.iter().position(|limited| limited == id);
        own.map_or(Share::Download, Share::Package)
    }

    /// Waits for the leave to ask `url`, which is attempt `attempt`.
    ///
    /// # Errors
    /// [`UpstreamError::Unavailable`] where it would take too long, and says why.
    ///
    /// # Cancel safety
    /// Who no longer waits leaves no trace.
    pub(super) async fn admit(
        &self,
        url: &Url,
        share: Share,
        urgency: &Urgency,
        attempt: u32,
    ) -> Result<Permit, UpstreamError> {
        match self.wait(url, share, urgency).await {
            Ok(mut permit) => {
                permit.is_used = true;
                self.state().retries.asked();
                self.count(|tally| tally.sent(attempt));
                Ok(permit)
            }
            Err(refusal) => {
                self.count(Tally::turned_away);
                Err(refused(url, refusal))
            }
        }
    }

    async fn wait(&self, url: &Url, share: Share, urgency: &Urgency) -> Result<Permit, Refusal> {
        let (ticket, mut verdict) = oneshot::channel();
        let mut rises = urgency.watch();
        let request = Request {
            host: Host::of(url),
            share,
            urgency: urgency.clone(),
        };
        let number = self.state().queue.join(request, ticket);
        // Behind the verdict, which may hold a permit: who leaves does so first.
        let _place = Place {
            scheduler: self,
            number,
        };
        self.decide();
        let watch = self.watch();
        tokio::pin!(watch);
        loop {
            tokio::select! {
                biased;
                // The other end goes only with its verdict.
                decided = &mut verdict => return decided.unwrap_or(Err(Refusal::Crowded)),
                Ok(()) = rises.changed() => self.decide(),
                () = &mut watch => {}
            }
        }
    }

    /// Watches the clock as soon as nobody else does; never returns.
    async fn watch(&self) {
        let _watch = self.0.watch.lock().await;
        loop {
            let wakes_at = self.state().queue.wakes_at();
            let now = self.0.hosts.clock().monotonic();
            let wait = wakes_at.map(|at| at.saturating_duration_since(now));
            tokio::select! {
                () = self.0.changed.notified() => continue,
                () = self.0.hosts.clock().sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => {}
            }
            self.decide();
        }
    }

    /// Decides what can be decided now, and tells whom it concerns.
    fn decide(&self) {
        let now = self.0.hosts.clock().monotonic();
        let decided = {
            let mut state = self.state();
            let Scheduled { pace, queue, .. } = &mut *state;
            let before = queue.wakes_at();
            let decided: Vec<_> = queue
                .decide(pace, &mut self.0.hosts.lock(), now)
                .into_iter()
                .map(|(request, ticket, verdict)| (ticket, self.verdict(request.share, verdict)))
                .collect();
            if queue.wakes_at() != before {
                self.0.changed.notify_one();
            }
            decided
        };
        for (ticket, verdict) in decided {
            // Where nobody waits any more the permit is dropped here, and goes to the next one.
            drop(ticket.send(verdict));
        }
    }

    fn verdict(&self, share: Share, verdict: Verdict) -> Result<Permit, Refusal> {
        match verdict {
            Verdict::Go(priority) => Ok(Permit {
                scheduler: self.clone(),
                share,
                priority,
                is_used: false,
            }),
            Verdict::Refused(refusal) => Err(refusal),
        }
    }

    /// Lets a request go on to where a redirect leads, if that may be asked.
    pub(super) async fn go_on(&self, url: &Url) -> Result<(), UpstreamError> {
        let (host, now) = (Host::of(url), self.0.hosts.clock().monotonic());
        if host == Host::of(&self.0.home) {
            let wait = self.state().pace.take_one_more(now);
            self.0.hosts.clock().sleep(wait).await;
            return Ok(());
        }
        let mut hosts = self.0.hosts.lock();
        let refusal = match hosts.admission(&host, now) {
            Admission::Go => {
                hosts.goes(&host, now);
                return Ok(());
            }
            Admission::Paused(wait) => Refusal::Paused(wait),
            Admission::GivenUp(wait) => Refusal::GivenUp(wait),
        };
        Err(refused(url, refusal))
    }

    /// Takes note of what came of asking `url`.
    pub(super) fn note(&self, url: &Url, failure: Option<&UpstreamError>) {
        self.0.hosts.note(&Host::of(url), self.0.breaker, failure);
        if let Some(failure) = failure {
            let now = self.0.hosts.clock().now();
            self.count(|tally| tally.failed(now, failure));
        }
        self.decide();
    }

    /// Says after what wait `url` is asked again, if it is; `chance` is from 0 to 1.
    pub(super) fn retry(
        &self,
        url: &Url,
        attempt: u32,
        elapsed: Duration,
        failure: &UpstreamError,
        chance: f64,
    ) -> Option<Duration> {
        let (host, now) = (Host::of(url), self.0.hosts.clock().monotonic());
        let pause = {
            let hosts = self.0.hosts.lock();
            if hosts.breaker(&host, now) != State::Closed {
                return None;
            }
            hosts.pause(&host, now).map(|pause| pause.left).unwrap_or_default()
        };
        let failed = Failed {
            attempt,
            elapsed,
            failure,
            pause,
        };
        self.state().retries.retry(&self.0.retry, failed, chance)
    }

    /// Returns how the upstream does.
    pub(super) fn status(&self) -> UpstreamStatus {
        let clock = self.0.hosts.clock();
        let (now, moment) = (clock.now(), clock.monotonic());
        let host = Host::of(&self.0.home);
        let (breaker, pause) = {
            let hosts = self.0.hosts.lock();
            (hosts.breaker(&host, moment), hosts.pause(&host, moment))
        };
        let (totals, last_errors) = {
            let tally = self.0.tally.lock().unwrap_or_else(PoisonError::into_inner);
            (tally.totals(), tally.last_errors())
        };
        let state = self.state();
        UpstreamStatus {
            home: redact::url(&self.0.home).to_string(),
            breaker: match breaker {
                State::Closed => BreakerStatus::Closed,
                State::Open(wait) => BreakerStatus::Open {
                    until: after(now, wait),
                },
                State::Probing => BreakerStatus::Probing,
            },
            pause: pause.map(|pause| PauseStatus {
                until: after(now, pause.left),
                reason: pause.reason.to_string(),
            }),
            buckets: state.pace.status(moment),
            concurrency: state.pace.concurrency(),
            running: state.pace.running(),
            queued: state.queue.queued(),
            totals,
            last_errors,
        }
    }

    fn state(&self) -> MutexGuard<'_, Scheduled> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.0.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Makes the error of a request that was not sent.
fn refused(url: &Url, refusal: Refusal) -> UpstreamError {
    let (outage, retry_after) = match refusal {
        Refusal::Paused(wait) => (Outage::Paused(wait), wait),
        Refusal::GivenUp(wait) => (Outage::GivenUp(wait), wait),
        Refusal::Limited(limit, wait) => {
            let pace::Limit { name, per_minute } = limit;
            (Outage::Limited { name, per_minute, wait }, wait)
        }
        Refusal::Busy(places) => (Outage::Busy(places), BUSY_RETRY),
        Refusal::Crowded => (Outage::Crowded, BUSY_RETRY),
    };
    UpstreamError::Unavailable {
        url: redact::url(url).to_string(),
        outage,
        retry_after: Some(retry_after),
    }
}
