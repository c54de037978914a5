//! Which packages go when an upstream's are more than they may be. Pure.
//!
//! Those that were not asked for the longest go first, as many as it takes to come from above the high water to the low one: so
//! it happens seldom, and in one go.

use crate::config::IdPattern;
use crate::mirror::ledger::{Seen, Word};

/// How far the packages of an upstream may rise, and how far they are brought down then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Water {
    /// From here on packages go: nine tenths of what may be held.
    pub(super) high: u64,
    /// Until no more than this is left: eight tenths.
    pub(super) low: u64,
}

impl Water {
    /// Returns the marks of a cache that may hold so many bytes.
    pub(super) fn of(max_bytes: u64) -> Self {
        Self {
            high: max_bytes - max_bytes / 10,
            low: max_bytes - max_bytes / 5,
        }
    }
}

/// Returns whether a package may go: nobody reads it, nobody wants it to stay, and its upstream can give it again, as far as is
/// known. `is_asked` tells whether the upstream may be asked for it.
pub(super) fn may_go(seen: &Seen, pinned: &[IdPattern], is_asked: impl Fn(&Seen) -> bool) -> bool {
    let is_pinned = || pinned.iter().any(|pattern| pattern.matches(seen.id.lower()));
    !seen.is_used && seen.word != Word::HasNot && !is_pinned() && is_asked(seen)
}

/// Chooses what goes, the first one first, of what may go: enough to come from `held` bytes down to `low`, or all.
pub(super) fn choose(held: u64, low: u64, mut may_go: Vec<Seen>) -> Vec<Seen> {
    // The order of packages that were asked for at the same moment is any, but always the same.
    may_go.sort_by(|a, b| (a.last_use, &a.id, &a.version).cmp(&(b.last_use, &b.id, &b.version)));
    let mut left = held;
    let mut enough = 0;
    for seen in &may_go {
        if left <= low {
            break;
        }
        left = left.saturating_sub(seen.bytes);
        enough += 1;
    }
    may_go.truncate(enough);
    may_go
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `git 1.0 7 @3`: 7 bytes, asked for at 3; a `!` behind it: in use; a `-`: not announced; a `?`: nothing known.
    fn parse(text: &str) -> Seen {
        let mut words = text.split(' ');
        let mut next = || words.next().unwrap();
        let (id, version, bytes) = (next(), next(), next());
        let (at, mark) = {
            let at = next().trim_start_matches('@');
            at.split_at(at.find(['!', '-', '?']).unwrap_or(at.len()))
        };
        Seen {
            id: id.parse().unwrap(),
            version: version.parse().unwrap(),
            bytes: bytes.parse().unwrap(),
            last_use: at.parse().unwrap(),
            word: match mark {
                "-" => Word::HasNot,
                "?" => Word::Unknown,
                _ => Word::Has,
            },
            is_used: mark == "!",
        }
    }

    fn names(seen: &[Seen]) -> String {
        let names = seen.iter().map(|seen| format!("{} {}", seen.id, seen.version));
        names.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn marks() {
        for (max, high, low) in [
            (0, 0, 0),
            (1, 1, 1),
            (10, 9, 8),
            (1000, 900, 800),
            (u64::MAX, u64::MAX - u64::MAX / 10, u64::MAX - u64::MAX / 5),
        ] {
            assert_eq!(Water::of(max), Water { high, low }, "{max}");
        }
    }

    #[test]
    fn what_may_go() {
        let pinned: Vec<IdPattern> = ["chocolatey", "dotnet*"].map(|pattern| pattern.parse().unwrap()).into();
        for (text, expected) in [
            ("git 1.0 7 @3", true),
            ("git 1.0 7 @3?", true),
            ("git 1.0 7 @3!", false),
            ("git 1.0 7 @3-", false),
            ("Chocolatey 1.0 7 @3", false),
            ("DotNet-8 1.0 7 @3", false),
            ("chocolatey.extension 1.0 7 @3", true),
            ("private 1.0 7 @3", false),
        ] {
            let is_asked = |seen: &Seen| seen.id.lower() != "private";
            assert_eq!(may_go(&parse(text), &pinned, is_asked), expected, "{text}");
        }
    }

    #[test]
    fn the_oldest_go_until_it_is_enough() {
        let all = ["c 1.0 30 @9", "a 2.0 10 @1", "a 1.0 10 @1", "b 1.0 20 @5"].map(parse);
        for (held, low, expected) in [
            (70, 70, ""),
            (70, 69, "a 1.0"),
            (70, 60, "a 1.0"),
            (70, 59, "a 1.0, a 2.0"),
            (70, 45, "a 1.0, a 2.0, b 1.0"),
            (70, 0, "a 1.0, a 2.0, b 1.0, c 1.0"),
            (500, 0, "a 1.0, a 2.0, b 1.0, c 1.0"),
            (0, 0, ""),
        ] {
            assert_eq!(names(&choose(held, low, all.to_vec())), expected, "{held} to {low}");
        }
    }

    fn any_seen() -> impl Strategy<Value = Seen> {
        let word = prop_oneof![Just(Word::Unknown), Just(Word::Has), Just(Word::HasNot)];
        (0..20_u8, 0..9_u8, 0..1_000_u64, 0..50_i64, word, any::<bool>()).prop_map(
            |(id, version, bytes, last_use, word, is_used)| Seen {
                id: format!("id{id}").parse().unwrap(),
                version: format!("{version}.0").parse().unwrap(),
                bytes,
                last_use,
                word,
                is_used,
            },
        )
    }

    proptest! {
        #[test]
        fn enough_goes_and_nothing_that_must_stay(all in proptest::collection::vec(any_seen(), 0..60), max in 0..20_000_u64) {
            let pinned: Vec<IdPattern> = vec!["id1*".parse().unwrap()];
            let is_asked = |seen: &Seen| seen.id.lower() != "id3";
            let may_go = |seen: &&Seen| super::may_go(seen, &pinned, is_asked);
            let held: u64 = all.iter().map(|seen| seen.bytes).sum();
            let low = Water::of(max).low;
            let going: Vec<Seen> = all.iter().filter(may_go).cloned().collect();
            let gone = choose(held, low, going.clone());
            for seen in &gone {
                prop_assert!(!seen.is_used && seen.word != Word::HasNot && seen.id.lower() != "id3");
                prop_assert!(!seen.id.lower().starts_with("id1"));
            }
            let left = held - gone.iter().map(|seen| seen.bytes).sum::<u64>();
            prop_assert!(left <= low || gone.len() == going.len(), "{left} of {held} left");
            // No more than is needed, and nobody stays who is older than one that went.
            if let Some(last) = gone.last() {
                prop_assert!(left + last.bytes > low);
                let stays_older = going.iter().filter(|seen| !gone.contains(seen)).any(|seen| seen.last_use < last.last_use);
                prop_assert!(!stays_older);
            }
        }
    }
}
