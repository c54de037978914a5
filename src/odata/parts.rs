//! Entries that are written once and sent often: text with holes for what depends on the request.
//!
//! Knows where the holes are and how they are filled; refuses to know what stands between them.

use super::entry::Shown;

/// What an entry says differently from one answer to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hole {
    /// The absolute URL of the feed's root.
    Root,
    /// Whether the version is its group's latest release.
    IsLatest,
    /// Whether it is its group's latest version.
    IsAbsoluteLatest,
}

impl Hole {
    /// Returns the hole that a property's value is.
    pub(super) fn of(shown: &Shown<'_>) -> Option<Self> {
        match shown.name {
            "IsLatestVersion" => Some(Self::IsLatest),
            "IsAbsoluteLatestVersion" => Some(Self::IsAbsoluteLatest),
            _ => None,
        }
    }
}

/// An entry of one version, but for its holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryParts {
    text: Box<str>,
    /// Each hole's place in the text, in bytes, rising.
    holes: Box<[(usize, Hole)]>,
}

/// What the holes of one entry are filled with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filling<'a> {
    /// The root's URL, escaped as the form of the document asks.
    pub(super) root: &'a str,
    /// See [`Hole::IsLatest`].
    pub(super) is_latest: bool,
    /// See [`Hole::IsAbsoluteLatest`].
    pub(super) is_absolute_latest: bool,
}

impl EntryParts {
    pub(super) fn new(text: String, holes: Vec<(usize, Hole)>) -> Self {
        Self {
            text: text.into(),
            holes: holes.into(),
        }
    }

    /// Returns about how much memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.text.len() + size_of_val(&*self.holes)
    }

    /// Returns how long the entry is at most once its holes are filled, in bytes.
    pub(super) fn filled_bytes(&self, root: &str) -> usize {
        self.text.len() + self.holes.len() * root.len().max("false".len())
    }

    /// Writes the entry with its holes filled.
    pub(super) fn write(&self, out: &mut String, filling: Filling<'_>) {
        let flag = |is_set: bool| if is_set { "true" } else { "false" };
        let (mut rest, mut done) = (&*self.text, 0);
        for (at, hole) in &self.holes {
            // Holes were noted while the text was written: they rise, and lie between characters.
            let (before, after) = rest.split_at_checked(at - done).unwrap_or((rest, ""));
            out.push_str(before);
            out.push_str(match hole {
                Hole::Root => filling.root,
                Hole::IsLatest => flag(filling.is_latest),
                Hole::IsAbsoluteLatest => flag(filling.is_absolute_latest),
            });
            (rest, done) = (after, *at);
        }
        out.push_str(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_where_they_are() {
        let text = "ä=/a b=; c=".to_owned();
        let holes = vec![
            (0, Hole::IsLatest),
            (3, Hole::Root),
            (8, Hole::IsLatest),
            (12, Hole::IsAbsoluteLatest),
            (12, Hole::Root),
        ];
        let parts = EntryParts::new(text, holes);
        let mut out = "> ".to_owned();
        let filling = Filling {
            root: "http://x",
            is_latest: true,
            is_absolute_latest: false,
        };
        parts.write(&mut out, filling);
        assert_eq!(out, "> trueä=http://x/a b=true; c=falsehttp://x");
        assert!(out.len() - 2 <= parts.filled_bytes("http://x"));
    }
}
