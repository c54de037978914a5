//! What of a question other galleries are asked with, where the question fixes no id.

use super::SearchTerms;

/// What of a question is handed on to the upstreams' own searches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Relayed {
    /// What the question itself searches for.
    pub terms: SearchTerms,
    /// The part of its filter that an upstream may take. What it lets pass is never less than what the question does.
    pub filter: Option<PassedFilter>,
    /// The words that an upstream is searched for where the question searches for nothing and the filter is not taken. Galleries
    /// look for whole words, and filters for parts of them: it may find less.
    pub words: SearchTerms,
}

/// A filter that other galleries can be asked with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PassedFilter {
    /// The filter as clients of these galleries write it.
    pub text: String,
    /// The same without what it looks for: who refuses one filter of a shape refuses all.
    pub shape: String,
    /// All that it looks for.
    pub literals: SearchTerms,
}

impl Relayed {
    /// Returns all texts that an upstream may come to see of the question.
    pub fn shown(&self) -> impl Iterator<Item = &SearchTerms> {
        let literals = self.filter.as_ref().map(|filter| &filter.literals);
        [&self.terms, &self.words].into_iter().chain(literals)
    }
}
