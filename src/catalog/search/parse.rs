//! Reading a search text. No text is refused: what makes no sense as a field or a phrase is a word.

use super::{Field, SearchTerms, Term};

impl SearchTerms {
    /// Reads a search text.
    ///
    /// ```
    /// use larder::catalog::search::SearchTerms;
    /// let terms = SearchTerms::parse("Git id:tortoise \"version control\" tag:VCS*");
    /// assert_eq!(terms.len(), 4);
    /// assert_eq!(terms.to_string(), "git id:tortoise \"version control\" vcs");
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut terms = Self::default();
        let mut rest = text.trim_start();
        // The field whose value comes next: galleries allow blanks after the colon.
        let mut field = Field::Any;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix('"') {
                // A phrase that is not closed ends with the text.
                let (phrase, after) = quoted.split_once('"').unwrap_or((quoted, ""));
                terms.add(field, &phrase.split_whitespace().collect::<Vec<_>>().join(" "));
                (field, rest) = (Field::Any, after);
            } else {
                let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
                let (mut word, after) = rest.split_at(end);
                rest = after;
                // Of several fields the last one counts.
                while let Some((named, value)) = word.split_once(':').and_then(named) {
                    (field, word) = (named, value);
                }
                if !word.is_empty() {
                    terms.add(field, word.trim_end_matches([',', ';']));
                    field = Field::Any;
                }
            }
            rest = rest.trim_start();
        }
        terms
    }

    pub(super) fn add(&mut self, field: Field, text: &str) {
        let text = text.to_lowercase();
        if field == Field::Tag {
            // A list of tags in quotes or with commas wants each of them.
            for tag in text.split(is_tag_end) {
                self.add_whole(field, tag);
            }
        } else if field.is_whole() {
            self.add_whole(field, &text);
        } else {
            for part in text.split('*') {
                self.push(field, part.trim(), false);
            }
        }
    }

    /// Adds a term up to its first `*`.
    fn add_whole(&mut self, field: Field, text: &str) {
        match text.split_once('*') {
            Some((start, _)) => self.push(field, start, true),
            None => self.push(field, text, false),
        }
    }

    fn push(&mut self, field: Field, text: &str, is_open: bool) {
        let term = Term {
            field,
            text: text.to_owned(),
            is_open,
        };
        if !text.is_empty() && !self.terms.contains(&term) {
            self.terms.push(term);
        }
    }
}

fn named<'a>((name, value): (&str, &'a str)) -> Option<(Field, &'a str)> {
    Some((Field::named(name)?, value))
}

/// Returns whether a character separates tags, as galleries split them (NuGet.Services.Metadata, `Utils.SplitTags`).
pub(super) fn is_tag_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | '|')
}
