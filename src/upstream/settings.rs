//! How one upstream is asked, and how much of its answers is read.

use std::time::Duration;

use super::access::AccessSettings;
use super::breaker::BreakerSettings;
use super::hosts::Hosts;
use super::names::Names;
use super::retry::RetrySettings;
use super::scheduler::PaceSettings;
use super::tempo::Slowest;
use super::uplink::Uplink;
use crate::limits::FeedLimits;
use crate::via::Pseudonym;

/// How long an upstream may take. There is no limit on a whole body: packages are large and lines are slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For finding the address, connecting and TLS.
    pub connect: Duration,
    /// From asking until the answer's headers, each redirect anew.
    pub header: Duration,
    /// Between two pieces of the body.
    pub body: Duration,
    /// The slowest that a body may come.
    pub slowest: Slowest,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(3500),
            header: Duration::from_secs(20),
            body: Duration::from_secs(15),
            slowest: Slowest::default(),
        }
    }
}

/// How one upstream is asked.
#[derive(Debug, Clone, Default)]
pub struct ClientSettings {
    /// How long it may take.
    pub timeouts: Timeouts,
    /// What larder calls itself there.
    pub user_agent: String,
    /// How it is come to.
    pub access: AccessSettings,
    /// Hosts beside that of its address that may lie at internal network addresses: names or addresses.
    pub internal_hosts: Vec<String>,
    /// How names are looked up.
    pub names: Names,
    /// How failures are tried again.
    pub retry: RetrySettings,
    /// When it is given up for a while.
    pub breaker: BreakerSettings,
    /// How often and how much at once it is asked.
    pub pace: PaceSettings,
    /// What is known of the hosts, in common with all other upstreams; and the time.
    pub hosts: Hosts,
    /// Whether it may be asked at all.
    pub uplink: Uplink,
    /// What this larder calls itself in the requests.
    pub pseudonym: Pseudonym,
}

/// How much of an upstream's answers is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One page of a feed, decompressed, in bytes.
    pub page_bytes: u64,
    /// All pages of one answer together, in bytes.
    pub answer_bytes: u64,
    /// Pages of one answer.
    pub pages: usize,
    /// What is read of one page.
    pub feed: FeedLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page_bytes: 10 << 20,
            answer_bytes: 64 << 20,
            pages: 100,
            feed: FeedLimits::default(),
        }
    }
}
