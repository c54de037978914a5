//! Text that filters search: held once for all rows that share it, beside its lower-cased form.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A text and its lower-cased form, which costs nothing where both are equal.
#[derive(Clone)]
pub struct Text {
    raw: Box<str>,
    lower: Option<Box<str>>,
}

impl Text {
    /// Makes a text of its own; rows share texts through an [`Interner`].
    #[must_use]
    pub fn new(raw: &str) -> Self {
        Self::from(Box::from(raw))
    }

    /// Returns the text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// Returns the text in lower case.
    #[must_use]
    pub fn lower(&self) -> &str {
        self.lower.as_deref().unwrap_or(&self.raw)
    }
}

impl From<Box<str>> for Text {
    fn from(raw: Box<str>) -> Self {
        if is_lower(&raw) {
            return Self { raw, lower: None };
        }
        let folded = raw.to_lowercase();
        let lower = (*folded != *raw).then(|| folded.into());
        Self { raw, lower }
    }
}

/// Returns whether a text is ASCII and without capitals, and so certainly its own lower-cased form.
pub(super) fn is_lower(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase())
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.raw, f)
    }
}

/// Makes equal texts one. Meant for one bounded set of rows (the versions of an id, say): it holds on to all it was given.
#[derive(Default, Debug)]
pub struct Interner {
    texts: HashSet<Interned>,
}

/// A text that is found by its spelling, before it is made.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Interned(Arc<Text>);

impl Borrow<str> for Interned {
    fn borrow(&self) -> &str {
        &self.0.raw
    }
}

impl Interner {
    /// Returns the one shared text equal to `raw`.
    pub fn intern(&mut self, raw: &str) -> Arc<Text> {
        if let Some(Interned(known)) = self.texts.get(raw) {
            return Arc::clone(known);
        }
        let text = Arc::new(Text::new(raw));
        self.texts.insert(Interned(Arc::clone(&text)));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one() {
        let mut interner = Interner::default();
        let (one, two) = (interner.intern("Git"), interner.intern("Git"));
        assert!(Arc::ptr_eq(&one, &two));
        assert_eq!((one.as_str(), one.lower()), ("Git", "git"));
    }
}
