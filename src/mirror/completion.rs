//! Completing the beginning of an id.

use super::query::Answer;
use super::{Mirror, MirrorError, policy};
use crate::catalog::{Query, Relayed, SourceName};

impl Mirror {
    /// Answers which ids begin with `prefix`, as `query` asks. What is typed so far of a private id's name is answered from what
    /// is known; any other text is handed on to the upstreams' own searches, as a search is.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn complete(
        &self,
        feed: &SourceName,
        query: &Query,
        relayed: &Relayed,
        prefix: &str,
    ) -> Result<Answer, MirrorError> {
        let view = self.view(feed)?;
        if policy::may_hear_prefix(view, prefix) {
            return self.query(feed, query, relayed).await;
        }
        self.answer(view, query).await
    }
}
