//! Whether terms match a version, and how well.

use memchr::memmem::Finder;

use super::parse::is_tag_end;
use super::{Field, SearchTerms, Term};
use crate::catalog::{Row, Text};
use crate::nuget::{NuGetVersion, PackageId};

/// How relevant a version is to a search: the best place in which the term was found that has the worst one; the most relevant
/// first. Terms with another field than the id's narrow a search and say nothing about relevance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// The id is the text: of several words, when the id's separators and the blanks between the words do not count.
    ExactId,
    /// The id begins with the text, in the same way.
    IdPrefix,
    /// A word of the id begins with it, as in `Git.Install`, `TortoiseGit` or `7zip`.
    IdWord,
    /// It stands within the id.
    InsideId,
    /// It stands in the title.
    Title,
    /// It stands in the tags.
    Tags,
    /// It stands in the description, the summary or the authors; or nothing says how relevant the version is.
    Elsewhere,
}

/// Terms that are ready to be looked for in many versions.
pub struct Matcher<'t> {
    terms: Vec<Prepared<'t>>,
    /// The ranked terms of a search with several, in one without separators.
    squashed: Option<String>,
}

struct Prepared<'t> {
    term: &'t Term,
    finder: Finder<'t>,
    version: Option<NuGetVersion>,
}

impl<'t> Matcher<'t> {
    /// Prepares terms.
    #[must_use]
    pub fn new(terms: &'t SearchTerms) -> Self {
        let ranked: Vec<&Term> = terms.terms.iter().filter(|term| is_ranked(term)).collect();
        let squashed = (ranked.len() > 1).then(|| ranked.iter().flat_map(|term| squash(&term.text)).collect());
        let prepare = |term: &'t Term| Prepared {
            term,
            finder: Finder::new(&term.text),
            version: (term.field == Field::Version).then(|| term.text.parse().ok()).flatten(),
        };
        Self {
            terms: terms.terms.iter().map(prepare).collect(),
            squashed,
        }
    }

    /// Returns how relevant a version is; `None` where a term does not match. Without terms all versions are alike.
    #[must_use]
    pub fn rank(&self, row: &Row) -> Option<Rank> {
        let mut worst = None;
        for prepared in &self.terms {
            let rank = prepared.rank(row)?;
            if is_ranked(prepared.term) {
                worst = worst.max(Some(rank));
            }
        }
        let worst = worst.unwrap_or(Rank::Elsewhere);
        let Some(squashed) = &self.squashed else {
            return Some(worst);
        };
        let together = rank_together(&row.id, squashed);
        Some(together.map_or(worst, |together| together.min(worst)))
    }

    /// Returns whether any term looks at what differs between versions that share their id and texts.
    #[must_use]
    pub fn depends_on_version(&self) -> bool {
        self.terms.iter().any(|prepared| prepared.term.field == Field::Version)
    }
}

fn is_ranked(term: &Term) -> bool {
    matches!(term.field, Field::Any | Field::Id | Field::PackageId)
}

impl Prepared<'_> {
    fn rank(&self, row: &Row) -> Option<Rank> {
        let elsewhere = |is_found: bool| is_found.then_some(Rank::Elsewhere);
        match self.term.field {
            Field::Any => self.rank_in_id(&row.id).or_else(|| self.rank_in_texts(row)),
            Field::Id => self.rank_in_id(&row.id),
            Field::PackageId => self.rank_as_id(row.id.lower()),
            Field::Version => elsewhere(self.version.as_ref() == Some(&row.version)),
            Field::Title => elsewhere(self.is_in(row.title.as_deref())),
            Field::Description => elsewhere(self.is_in(row.description.as_deref())),
            Field::Summary => elsewhere(self.is_in(row.summary.as_deref())),
            Field::Tag => elsewhere(row.tags.as_deref().is_some_and(|tags| self.is_tag(tags.lower()))),
            Field::Author | Field::Owner => elsewhere(self.is_in(row.authors.as_deref())),
        }
    }

    fn is_in(&self, text: Option<&Text>) -> bool {
        text.is_some_and(|text| self.finder.find(text.lower().as_bytes()).is_some())
    }

    fn rank_in_texts(&self, row: &Row) -> Option<Rank> {
        if self.is_in(row.title.as_deref()) {
            Some(Rank::Title)
        } else if self.is_in(row.tags.as_deref()) {
            Some(Rank::Tags)
        } else {
            [&row.summary, &row.authors, &row.description]
                .into_iter()
                .any(|text| self.is_in(text.as_deref()))
                .then_some(Rank::Elsewhere)
        }
    }

    fn rank_in_id(&self, id: &PackageId) -> Option<Rank> {
        let lower = id.lower();
        let first = self.finder.find(lower.as_bytes())?;
        if first == 0 {
            let is_all = lower.len() == self.term.text.len();
            return Some(if is_all { Rank::ExactId } else { Rank::IdPrefix });
        }
        let mut found = self.finder.find_iter(lower.as_bytes());
        let is_word = found.any(|at| begins_word(id, at));
        Some(if is_word { Rank::IdWord } else { Rank::InsideId })
    }

    fn rank_as_id(&self, lower: &str) -> Option<Rank> {
        if lower == self.term.text {
            Some(Rank::ExactId)
        } else {
            (self.term.is_open && lower.starts_with(&self.term.text)).then_some(Rank::IdPrefix)
        }
    }

    fn is_tag(&self, tags: &str) -> bool {
        self.finder.find_iter(tags.as_bytes()).any(|at| {
            let (before, after) = (tags.get(..at), tags.get(at + self.term.text.len()..));
            let ends = |neighbour: Option<char>| neighbour.is_none_or(is_tag_end);
            ends(before.and_then(|text| text.chars().next_back()))
                && (self.term.is_open || ends(after.and_then(|text| text.chars().next())))
        })
    }
}

/// Returns whether a word of an id begins at a byte of its lower-cased form, beyond the first.
fn begins_word(id: &PackageId, at: usize) -> bool {
    let characters = |text: &str| {
        let (before, after) = text.split_at_checked(at)?;
        Some((before.chars().next_back()?, after.chars().next()?))
    };
    // The spelling tells where a hump is. Where it has other lengths than the lower-cased form, separators tell alone.
    let spelled = (id.as_str().len() == id.lower().len())
        .then(|| characters(id.as_str()))
        .flatten();
    let Some((before, after)) = spelled.or_else(|| characters(id.lower())) else {
        return false;
    };
    is_separator(before)
        || (after.is_uppercase() && !before.is_uppercase())
        || (after.is_alphabetic() && before.is_numeric())
}

fn is_separator(c: char) -> bool {
    matches!(c, '.' | '-' | '_')
}

fn squash(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !is_separator(*c) && !c.is_whitespace())
}

fn rank_together(id: &PackageId, squashed: &str) -> Option<Rank> {
    let mut id = squash(id.lower());
    for c in squashed.chars() {
        if id.next() != Some(c) {
            return None;
        }
    }
    Some(if id.next().is_none() {
        Rank::ExactId
    } else {
        Rank::IdPrefix
    })
}
