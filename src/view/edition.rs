//! Which state of a feed, or of some of its ids, an answer shows.

use std::hash::{DefaultHasher, Hasher as _};

use chrono::TimeDelta;

use crate::catalog::Instant;

/// A state of a feed, or of some of its ids. Another process counts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edition {
    /// Another one for each state.
    pub mark: u64,
    /// When it came to be so; later than that of the state before, also where the clock was set back, unless they are of the same
    /// microsecond.
    pub changed: Instant,
}

impl Edition {
    /// Returns the edition before any change.
    pub(super) fn first(at: Instant) -> Self {
        Self { mark: 1, changed: at }
    }

    /// Returns the edition that a change at an instant makes.
    pub(super) fn next(self, at: Instant) -> Self {
        let changed = if at < self.changed {
            self.changed + TimeDelta::seconds(1)
        } else {
            at
        };
        Self {
            mark: self.mark + 1,
            changed,
        }
    }

    /// Returns the edition of some ids of a feed; those that are `None` are not in it. When the last one of those went is not
    /// known, but no later than the feed's own last change.
    pub(super) fn of_all(ids: impl Iterator<Item = Option<Self>>, feed: Self) -> Self {
        let mut marks = DefaultHasher::new();
        let mut changed = None;
        for edition in ids {
            marks.write_u64(edition.map_or(0, |edition| edition.mark));
            changed = changed.max(Some(edition.map_or(feed.changed, |edition| edition.changed)));
        }
        Self {
            mark: marks.finish(),
            changed: changed.unwrap_or(feed.changed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::instant;

    #[test]
    fn time_goes_on_whatever_the_clock_says() {
        let (noon, later) = (instant("2026-03-01T12:00:00"), instant("2026-03-01T12:00:01"));
        let first = Edition::first(noon);
        let second = first.next(noon);
        assert!(second.mark != first.mark && second.changed == noon);
        let third = second.next(later);
        assert_eq!(third.changed, later);
        let set_back = third.next(noon);
        assert_eq!(set_back.changed, later + TimeDelta::seconds(1));
        assert!(set_back.mark != third.mark);
    }

    #[test]
    fn some_ids_have_an_edition_of_their_own() {
        let at = |second: u32| instant(&format!("2026-03-01T12:00:{second:02}"));
        let edition = |mark, second| {
            Some(Edition {
                mark,
                changed: at(second),
            })
        };
        let feed = Edition {
            mark: 9,
            changed: at(9),
        };
        let of = |ids: &[Option<Edition>]| Edition::of_all(ids.iter().copied(), feed);
        assert_eq!(of(&[edition(2, 2), edition(5, 5)]).changed, at(5));
        assert_eq!(of(&[edition(2, 2), None]).changed, at(9), "when it went is not known");
        assert_eq!(of(&[]).changed, at(9));
        let marks = [
            of(&[edition(2, 2), edition(5, 5)]),
            of(&[edition(6, 6), edition(5, 5)]),
            of(&[None, edition(5, 5)]),
            of(&[edition(5, 5), None]),
            of(&[edition(5, 5)]),
            of(&[]),
        ]
        .map(|edition| edition.mark);
        for (place, mark) in marks.iter().enumerate() {
            assert!(!marks[..place].contains(mark), "{place}");
        }
        assert_eq!(of(&[edition(2, 2), None]), of(&[edition(2, 2), None]));
    }
}
