//! Completing the beginning of an id.

use super::query::Answer;
use super::served::Learnt;
use super::{Mirror, MirrorError, policy};
use crate::catalog::{Query, SearchTerms, SourceName};

impl Mirror {
    /// Answers which ids begin with `prefix`, as `query` asks. What is typed so far of a private id's name is answered from what
    /// is known; any other text is handed on to the upstreams' own searches, as a search is.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn complete(&self, feed: &SourceName, query: &Query, prefix: &str) -> Result<Answer, MirrorError> {
        let view = self.view(feed)?;
        if policy::may_hear_prefix(view, prefix) {
            return self.query(feed, query, &SearchTerms::words(prefix)).await;
        }
        self.answer(view, query, Learnt::nothing()).await
    }
}
