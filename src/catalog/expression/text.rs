//! Texts: what is known of one, how two compare, and how one is looked for in another.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::OnceLock;

use memchr::memmem::Finder;

use crate::catalog::Text;
use crate::catalog::text::is_lower;
use crate::nuget::NuGetVersion;

/// Where the case of a text counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    /// Everywhere.
    Counts,
    /// In comparisons, but not in `substringof`, `startswith`, `endswith`, `indexof` and orders: galleries leave these
    /// to a database that ignores case.
    IgnoredInSearch,
    /// Nowhere: package ids.
    Ignored,
}

/// A text with what is already known of it.
#[derive(Debug, Clone)]
pub struct TextValue<'a> {
    raw: Cow<'a, str>,
    /// The lower-cased form, where it is at hand; `None` also where `is_lower`.
    lower: Option<&'a str>,
    origin: Origin<'a>,
    case: Case,
    is_lower: bool,
}

/// Where a text came from, for reading it as a version.
#[derive(Debug, Clone, Copy)]
enum Origin<'a> {
    /// A version column.
    Version(&'a NuGetVersion),
    /// A literal, which is read as a version once.
    Literal(&'a TextLiteral),
    Other,
}

impl PartialEq for TextValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl<'a> TextValue<'a> {
    /// Makes the value of an interned text.
    #[must_use]
    pub fn of(text: &'a Text, case: Case) -> Self {
        Self::folded(text.as_str(), text.lower(), case)
    }

    /// Makes the value of a text whose lower-cased form is at hand.
    #[must_use]
    pub fn folded(raw: &'a str, lower: &'a str, case: Case) -> Self {
        Self {
            lower: Some(lower),
            ..Self::cased(raw, case)
        }
    }

    /// Makes the value of a text whose case counts.
    #[must_use]
    pub fn plain(raw: impl Into<Cow<'a, str>>) -> Self {
        Self::cased(raw, Case::Counts)
    }

    /// Makes the value of a text whose lower-cased form is made when it is asked for.
    #[must_use]
    pub fn cased(raw: impl Into<Cow<'a, str>>, case: Case) -> Self {
        Self {
            raw: raw.into(),
            lower: None,
            origin: Origin::Other,
            case,
            is_lower: false,
        }
    }

    /// Makes the value of a version column that spells its version as `raw`.
    #[must_use]
    pub fn version(version: &'a NuGetVersion, raw: &'a str) -> Self {
        Self {
            origin: Origin::Version(version),
            ..Self::cased(raw, Case::IgnoredInSearch)
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// Returns the text in lower case.
    #[must_use]
    pub fn lower(&self) -> Cow<'_, str> {
        match self.lower {
            Some(lower) => Cow::Borrowed(lower),
            None if self.is_lower || is_lower(&self.raw) => Cow::Borrowed(&self.raw),
            None => Cow::Owned(self.raw.to_lowercase()),
        }
    }

    /// Returns whether the text in lower case has to be made first.
    pub(super) fn has_no_lower(&self) -> bool {
        self.lower.is_none() && !self.is_lower
    }

    /// Returns the text in lower case as a value that is searched as this one is.
    pub(super) fn into_lower(self) -> Self {
        let raw = match (self.lower, self.raw) {
            (Some(lower), _) => Cow::Borrowed(lower),
            (None, raw) if self.is_lower || is_lower(&raw) => raw,
            (None, raw) => Cow::Owned(raw.to_lowercase()),
        };
        Self {
            is_lower: true,
            ..Self::cased(raw, self.case)
        }
    }

    /// Returns what a function makes of this text; it is searched as this one is.
    pub(super) fn respelled(self, respell: impl Fn(&str) -> Cow<'_, str>) -> Self {
        let case = self.case;
        let respelled = match self.raw {
            Cow::Borrowed(raw) => respell(raw),
            Cow::Owned(raw) => Cow::Owned(respell(&raw).into_owned()),
        };
        Self::cased(respelled, case)
    }

    /// Returns the same text, no longer a version column.
    pub(super) fn without_version(self) -> Self {
        Self {
            origin: Origin::Other,
            ..self
        }
    }

    /// Returns this text followed by another. Case is ignored where both ignore it.
    pub(super) fn followed_by(&self, other: &Self) -> Self {
        Self::cased(format!("{}{}", self.raw, other.raw), self.case.min(other.case))
    }

    /// Compares as filters do: as versions where either is a version column and both are versions, ignoring case where either is
    /// an id, else by code points.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        if (self.is_version_column() || other.is_version_column())
            && let (Some(one), Some(two)) = (self.as_version(), other.as_version())
        {
            return one.cmp(&two);
        }
        if self.case == Case::Ignored || other.case == Case::Ignored {
            return self.compare_folded(other);
        }
        self.raw.cmp(&other.raw)
    }

    fn compare_folded(&self, other: &Self) -> Ordering {
        self.lower().cmp(&other.lower())
    }

    fn as_version(&self) -> Option<Cow<'_, NuGetVersion>> {
        match self.origin {
            Origin::Version(version) => Some(Cow::Borrowed(version)),
            Origin::Literal(literal) => literal.version().map(Cow::Borrowed),
            Origin::Other => self.raw.parse().ok().map(Cow::Owned),
        }
    }

    fn is_version_column(&self) -> bool {
        matches!(self.origin, Origin::Version(_))
    }
}

/// Looks at both texts as they are, or at both in lower case: where the searched one ignores case, or an id is looked for.
pub(super) fn in_case<T>(text: &TextValue<'_>, part: &TextValue<'_>, look: impl FnOnce(&str, &str) -> T) -> T {
    if ignores_case(text.case, part.case) {
        look(&text.lower(), &part.lower())
    } else {
        look(text.as_str(), part.as_str())
    }
}

fn ignores_case(text: Case, part: Case) -> bool {
    text >= Case::IgnoredInSearch || part == Case::Ignored
}

/// A text that stands in a filter. What helps to compare it with many rows, or to find it in them, is made when it is first
/// asked for: a chain of a thousand ids asks for none of it.
#[derive(Debug, Clone)]
pub struct TextLiteral {
    text: Text,
    version: OnceLock<Option<Box<NuGetVersion>>>,
    finder: OnceLock<Box<Finder<'static>>>,
    lower_finder: OnceLock<Box<Finder<'static>>>,
}

impl TextLiteral {
    /// Makes a literal.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        Self {
            text: Text::new(raw),
            version: OnceLock::new(),
            finder: OnceLock::new(),
            lower_finder: OnceLock::new(),
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// Returns the text in lower case.
    #[must_use]
    pub fn lower(&self) -> &str {
        self.text.lower()
    }

    /// Returns whether it occurs in a text.
    pub(super) fn occurs_in(&self, text: &TextValue<'_>) -> bool {
        let prepared = |needle: &str| Box::new(Finder::new(needle).into_owned());
        if ignores_case(text.case, Case::Counts) {
            let finder = self.lower_finder.get_or_init(|| prepared(self.lower()));
            finder.find(text.lower().as_bytes()).is_some()
        } else {
            let finder = self.finder.get_or_init(|| prepared(self.as_str()));
            finder.find(text.as_str().as_bytes()).is_some()
        }
    }

    fn version(&self) -> Option<&NuGetVersion> {
        let read = || self.as_str().parse().ok().map(Box::new);
        self.version.get_or_init(read).as_deref()
    }

    pub(super) fn value(&self) -> TextValue<'_> {
        TextValue {
            origin: Origin::Literal(self),
            ..TextValue::of(&self.text, Case::Counts)
        }
    }
}

impl PartialEq for TextLiteral {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
