//! Who goes next: the requests that wait for one upstream, and what is decided of them. Pure: the time is an argument.
//!
//! The more urgent go first, among equals who came first. Nobody waits for a limit that does not concern them. Clients are told at
//! once where their wait would be too long; the others wait, unless what they want can be had later as well.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::pace::{Counts, Limit, Pace, Share, running};
use crate::upstream::condition::{Admission, Conditions, Host};
use crate::upstream::status::PerPriority;
use crate::upstream::urgency::{Priority, Urgency};

/// The most requests that wait, those that clients wait for apart.
const MAX_PATIENT: usize = 4096;

/// The most requests that clients wait for.
const MAX_CLIENTS: usize = 16384;

/// The longest that what is served meanwhile waits to be asked for again: whoever wants it next begins anew.
const REVALIDATION_PATIENCE: Duration = Duration::from_secs(45);

/// The longest that a host that fails is waited for by those who have time: beyond that it is not gone for a moment.
const OUTAGE_PATIENCE: Duration = Duration::from_secs(15);

/// Who was told to wait gets so much longer, should those ahead be late.
const GRACE: Duration = Duration::from_secs(1);

/// A request that wants to go.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) host: Host,
    pub(super) share: Share,
    pub(super) urgency: Urgency,
}

/// Why a request does not go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The host wants to be left alone for so long.
    Paused(Duration),
    /// The host fails, and is tried again in so long.
    GivenUp(Duration),
    /// A limit leaves no room for so long.
    Limited(Limit, Duration),
    /// So many requests were under way all the time that was waited.
    Busy(u32),
    /// More wait than are let wait.
    Crowded,
}

/// What is decided of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes, as one of that priority: its tokens and its place are taken.
    Go(Priority),
    /// It does not.
    Refused(Refusal),
}

/// A request that waits. `T` is whom to tell.
struct Waiting<T> {
    number: u64,
    request: Request,
    ticket: T,
    /// When it was first looked at.
    since: Option<Instant>,
    /// When a client began to wait for it.
    client_since: Option<Instant>,
    /// Whether it was looked at before.
    is_new: bool,
}

/// What is thought of a request at one moment.
enum Opinion {
    Go,
    Refused(Refusal),
    /// Until then at the latest; without an end it is for what else may happen.
    Waits(Option<Instant>),
}

/// The requests that wait for one upstream.
pub(super) struct Queue<T> {
    waiting: VecDeque<Waiting<T>>,
    next_number: u64,
    longest_wait: Duration,
    /// When something can change by the passing of time alone.
    wakes_at: Option<Instant>,
}

impl<T> Queue<T> {
    pub(super) fn new(longest_wait: Duration) -> Self {
        Self {
            waiting: VecDeque::new(),
            next_number: 0,
            longest_wait,
            wakes_at: None,
        }
    }

    /// Lets a request wait for its turn; returns the number by which it can leave. What is decided of it comes from
    /// [`Self::decide`].
    pub(super) fn join(&mut self, request: Request, ticket: T) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.waiting.push_back(Waiting {
            number,
            request,
            ticket,
            since: None,
            client_since: None,
            is_new: true,
        });
        number
    }

    /// Takes a request out that nobody waits for any more.
    pub(super) fn leave(&mut self, number: u64) {
        self.waiting.retain(|waiting| waiting.number != number);
    }

    /// Returns when [`Self::decide`] must be called again though nothing else happens.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        self.wakes_at
    }

    /// Returns how many wait.
    pub(super) fn queued(&self) -> PerPriority {
        let mut queued = PerPriority::default();
        for waiting in &self.waiting {
            *running(&mut queued, waiting.request.urgency.get()) += 1;
        }
        queued
    }

    /// Decides of all requests of which something can be decided now.
    pub(super) fn decide(
        &mut self,
        pace: &mut Pace,
        hosts: &mut Conditions,
        now: Instant,
    ) -> Vec<(Request, T, Verdict)> {
        self.wakes_at = None;
        let mut order: Vec<(Priority, u64, Waiting<T>)> = Vec::with_capacity(self.waiting.len());
        for mut waiting in self.waiting.drain(..) {
            let priority = waiting.request.urgency.get();
            waiting.since.get_or_insert(now);
            if priority == Priority::Client {
                waiting.client_since.get_or_insert(now);
            }
            order.push((priority, waiting.number, waiting));
        }
        order.sort_by_key(|(priority, number, _)| (*priority, *number));
        let (mut decided, mut ahead) = (Vec::new(), pace.no_counts());
        let (mut clients, mut patient) = (0, 0);
        for (priority, _, mut waiting) in order {
            let crowd = if priority == Priority::Client {
                &mut clients
            } else {
                &mut patient
            };
            let opinion = if *crowd >= limit_of(priority) {
                Opinion::Refused(Refusal::Crowded)
            } else {
                self.judge(&waiting, (priority, &ahead), (pace, hosts), now)
            };
            match opinion {
                Opinion::Go => {
                    hosts.goes(&waiting.request.host, now);
                    pace.begin(waiting.request.share, priority, now);
                    decided.push((waiting.request, waiting.ticket, Verdict::Go(priority)));
                }
                Opinion::Refused(refusal) => {
                    decided.push((waiting.request, waiting.ticket, Verdict::Refused(refusal)));
                }
                Opinion::Waits(until) => {
                    *crowd += 1;
                    Pace::count(waiting.request.share, &mut ahead);
                    waiting.is_new = false;
                    let patience_ends = self.patience_ends(&waiting, priority);
                    self.wakes_at = [self.wakes_at, until, patience_ends].into_iter().flatten().min();
                    self.waiting.push_back(waiting);
                }
            }
        }
        decided
    }

    fn judge(
        &self,
        waiting: &Waiting<T>,
        (priority, ahead): (Priority, &Counts),
        (pace, hosts): (&Pace, &Conditions),
        now: Instant,
    ) -> Opinion {
        let Request { host, share, .. } = &waiting.request;
        let is_client = priority == Priority::Client;
        let patience = self
            .patience_ends(waiting, priority)
            .map_or(Duration::MAX, |end| end.saturating_duration_since(now));
        match hosts.admission(host, now) {
            Admission::Go => {}
            // What is known is served meanwhile, and whoever asks next wants it anew.
            Admission::GivenUp(wait) if priority <= Priority::Revalidation || wait > OUTAGE_PATIENCE => {
                return Opinion::Refused(Refusal::GivenUp(wait));
            }
            Admission::Paused(wait) if wait > patience => {
                return Opinion::Refused(Refusal::Paused(wait));
            }
            Admission::GivenUp(wait) | Admission::Paused(wait) => return Opinion::Waits(Some(now + wait)),
        }
        let (wait, limit) = pace.wait_behind(*share, ahead, now);
        if let Some(limit) = limit
            && wait > patience
            && (is_client || patience.is_zero())
        {
            return Opinion::Refused(Refusal::Limited(limit, wait));
        }
        let is_over = |opinion| {
            if patience.is_zero() {
                Opinion::Refused(Refusal::Busy(pace.concurrency()))
            } else {
                opinion
            }
        };
        if !pace.has_place(*share, priority) {
            return is_over(Opinion::Waits(None));
        }
        match pace.wait(*share, priority, now) {
            Duration::ZERO => Opinion::Go,
            wait => is_over(Opinion::Waits(Some(now + wait))),
        }
    }

    /// Returns when a request has waited for long enough; those that have all the time never have.
    fn patience_ends(&self, waiting: &Waiting<T>, priority: Priority) -> Option<Instant> {
        match priority {
            Priority::Client => {
                let grace = if waiting.is_new { Duration::ZERO } else { GRACE };
                waiting.client_since.map(|since| since + self.longest_wait + grace)
            }
            Priority::Revalidation => waiting.since.map(|since| since + REVALIDATION_PATIENCE),
            Priority::Prefetch | Priority::Sync => None,
        }
    }
}

fn limit_of(priority: Priority) -> usize {
    if priority == Priority::Client {
        MAX_CLIENTS
    } else {
        MAX_PATIENT
    }
}

#[cfg(test)]
mod tests;
