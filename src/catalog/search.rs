//! Search texts: the words, phrases and fields that people and clients put into `searchTerm`.
//!
//! The language is that of nuget.org and the PowerShell Gallery (NuGet.Services.Metadata, `NuGetQueryParser`; the PowerShell
//! Gallery's page "Gallery search syntax"):
//!
//! - a **word** is found where it stands in the id, the title, the tags, the description, the summary or the authors, also
//!   inside of another word; `"a phrase"` is a word with blanks in it;
//! - `id:`, `title:`, `description:`, `summary:`, `author:` and `owner:` look in that place alone, `authors:` and `owners:` too;
//! - `tag:` (and `tags:`) wants a whole tag, `packageid:` the whole id, `version:` that version;
//! - case never counts, and **every term must match**. nuget.org takes any of several words; the PowerShell Gallery,
//!   Chocolatey's clients and `NuGet.Server` want all;
//! - a `*` behind a word says what holds anyway; behind `tag:` and `packageid:` it allows more to follow. `OneGet` sends what the
//!   user typed, `pest*`, and filters what comes. A `*` inside of a word stands for anything: both sides are looked for;
//! - what stands before a colon and is no field is part of the word, as in `http://example.com`.
//!
//! What a term found of a version says how relevant it is: [`Rank`].

mod matcher;
mod parse;

use std::fmt;

pub use matcher::{Matcher, Rank};

/// Where a term is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// In the id, the title, the tags, the description, the summary and the authors.
    Any,
    /// Anywhere in the id.
    Id,
    /// The id is the term.
    PackageId,
    /// The version is the term, compared as versions are.
    Version,
    /// Anywhere in the title.
    Title,
    /// Anywhere in the description.
    Description,
    /// Anywhere in the summary.
    Summary,
    /// One of the tags is the term.
    Tag,
    /// Anywhere in the authors.
    Author,
    /// Anywhere in the authors: sources do not tell the owners, or tell them where no query looks.
    Owner,
}

/// Fields by the names that galleries know.
const FIELDS: &[(&str, Field)] = &[
    ("id", Field::Id),
    ("packageid", Field::PackageId),
    ("version", Field::Version),
    ("title", Field::Title),
    ("description", Field::Description),
    ("summary", Field::Summary),
    ("tag", Field::Tag),
    ("tags", Field::Tag),
    ("author", Field::Author),
    ("authors", Field::Author),
    ("owner", Field::Owner),
    ("owners", Field::Owner),
];

impl Field {
    fn named(name: &str) -> Option<Self> {
        let known = FIELDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, field)| *field)
    }

    fn name(self) -> Option<&'static str> {
        let known = FIELDS.iter().find(|(_, field)| *field == self);
        known.map(|(name, _)| *name)
    }

    /// Returns whether a term must be the whole of what it is compared with, rather than occur in it.
    fn is_whole(self) -> bool {
        matches!(self, Self::PackageId | Self::Tag)
    }
}

/// One thing that must be found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Term {
    /// Where.
    pub field: Field,
    /// What, in lower case; never empty. It has blanks where it is a phrase.
    pub text: String,
    /// Whether a whole tag or id may go on behind it.
    pub is_open: bool,
}

/// Terms that must all match, each once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SearchTerms {
    terms: Vec<Term>,
}

impl SearchTerms {
    /// Takes the words of a text that is no search text, to be looked for anywhere: `id:x` is a word here.
    #[must_use]
    pub fn words(text: &str) -> Self {
        let mut terms = Self::default();
        for word in text.split(|c: char| c.is_whitespace() || c == '"') {
            terms.add(Field::Any, word);
        }
        terms
    }

    /// Returns the terms.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Returns whether there is nothing to look for: everything is found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Returns how many terms there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.terms.len()
    }
}

/// Writes the terms as galleries read them, in lower case. What allows more to follow is written as a plain word, with which
/// galleries find no less.
impl fmt::Display for SearchTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            if let Some(field) = term.field.name().filter(|_| !term.is_open) {
                write!(f, "{field}:")?;
            }
            // A colon would make a field of what stands before it, a comma at the end would be lost.
            if term.text.contains(|c: char| c.is_whitespace() || c == ':') || term.text.ends_with([',', ';']) {
                write!(f, "\"{}\"", term.text)?;
            } else {
                f.write_str(&term.text)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
