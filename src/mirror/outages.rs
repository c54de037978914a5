//! Which upstreams cannot be asked now: the log tells when that changes, not of each question that goes unanswered.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::catalog::SourceName;
use crate::upstream::{ErrorKind, UpstreamError};

/// The upstreams whose last answer was none.
#[derive(Debug, Default)]
pub(super) struct Outages {
    upstreams: Mutex<HashSet<SourceName>>,
}

impl Outages {
    /// Takes note of how a question ended, and logs what is new about it.
    pub(super) fn note<T>(&self, upstream: &SourceName, answer: &Result<T, UpstreamError>) {
        match answer {
            Ok(_) => {
                if self.ended(upstream) {
                    tracing::info!(upstream.name = %upstream, "the upstream answers again");
                }
            }
            // Not asking is no outage.
            Err(error) if error.is_offline() || error.is_own_limit() => {}
            Err(error) => match error.kind() {
                ErrorKind::Unavailable | ErrorKind::Refused => {
                    if self.began(upstream) {
                        tracing::warn!(upstream.name = %upstream, %error, "the upstream cannot be asked; what is known is served until it answers again");
                    }
                }
                // It answers, and this one answer is at fault.
                ErrorKind::BadAnswer | ErrorKind::NotFound => {
                    tracing::warn!(upstream.name = %upstream, %error, "an answer of the upstream cannot be used");
                }
            },
        }
    }

    fn began(&self, upstream: &SourceName) -> bool {
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        upstreams.insert(upstream.clone())
    }

    fn ended(&self, upstream: &SourceName) -> bool {
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        upstreams.remove(upstream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_news_when_it_begins_and_when_it_ends() {
        let (outages, [one, two]) = (Outages::default(), ["one", "two"].map(|name| name.parse().unwrap()));
        assert!(!outages.ended(&one));
        assert!(outages.began(&one));
        assert!(!outages.began(&one));
        assert!(outages.began(&two));
        assert!(outages.ended(&one));
        assert!(!outages.ended(&one));
        assert!(outages.began(&one));
    }
}
