use super::*;

/// A gallery in memory: what it has, what it refuses, and how many rows of an answer it gives out.
struct Gallery {
    ids: Vec<PackageId>,
    takes: &'static [ListShape],
    /// Shapes that are answered as if there were no filter.
    ignores: &'static [ListShape],
    ceiling: usize,
}

const PAGE: usize = 3;

impl Gallery {
    fn of(count: usize, takes: &'static [ListShape], ceiling: usize) -> Self {
        let letters = ["a", "b", "c1", "c2", "cc", "ca-x", "ca.y", "d_e", "Zz", "0x", "_u"];
        let name = |number: usize| format!("{}{number:03}", letters[number % letters.len()]);
        let mut ids: Vec<PackageId> = (0..count).map(|number| name(number).parse().unwrap()).collect();
        ids.push("c".parse().unwrap());
        ids.sort();
        Self {
            ids,
            takes,
            ignores: &[],
            ceiling,
        }
    }

    fn answer(&self, listing: &Listing) -> Result<(Vec<PackageId>, Option<ListPlace>), ()> {
        if !self.takes.contains(&listing.shape) {
            return Err(());
        }
        let prefix = if self.ignores.contains(&listing.shape) {
            ""
        } else {
            &listing.prefix
        };
        let skip = match &listing.place {
            ListPlace::Start => 0,
            ListPlace::Skip(skip) => usize::try_from(*skip).unwrap(),
            ListPlace::Link(link) => link.parse().unwrap(),
        };
        if skip + PAGE > self.ceiling {
            return Err(());
        }
        let found: Vec<_> = self.ids.iter().filter(|id| id.lower().starts_with(prefix)).collect();
        let page: Vec<_> = found.iter().skip(skip).take(PAGE).map(|id| (*id).clone()).collect();
        let end = skip + page.len();
        let next = match listing.shape {
            ListShape::Set => ListPlace::Link(end.to_string()),
            _ => ListPlace::Skip(end as u64),
        };
        Ok((page, (end < found.len()).then_some(next)))
    }

    /// Walks to the end, through a file after each page. Returns the walk, the ids and the number of questions.
    fn walk(&self) -> (Walk, Vec<PackageId>, usize) {
        let (mut walk, mut found, mut questions) = (Walk::begin(Vec::new()), Vec::new(), 0);
        while let Some(listing) = walk.ask() {
            questions += 1;
            assert!(questions < 5000, "it ends");
            match self.answer(&listing) {
                Ok((ids, next)) => {
                    found.extend(ids.clone());
                    walk.answered(&ids, next);
                }
                Err(()) => walk.refuse("406"),
            }
            let written = serde_json::to_vec(&walk).unwrap();
            assert_eq!(walk, serde_json::from_slice(&written).unwrap());
        }
        found.sort();
        found.dedup();
        (walk, found, questions)
    }
}

const ALL: &[ListShape] = &[
    ListShape::Set,
    ListShape::Search,
    ListShape::StartsWithLower,
    ListShape::StartsWith,
];

#[test]
fn every_id_is_found_however_little_is_given_at_once() {
    use ListShape::{Search, Set, StartsWith, StartsWithLower};
    for (takes, ceiling) in [
        (ALL, usize::MAX),
        (&[Search][..], usize::MAX),
        (ALL, 60),
        (&[Set, StartsWith], 60),
        (&[Search, StartsWithLower], 24),
        // The whole list cannot be asked for at all.
        (&[StartsWithLower], 24),
    ] {
        let gallery = Gallery::of(200, takes, ceiling);
        let (walk, found, questions) = gallery.walk();
        assert_eq!(walk.incomplete(), [], "{takes:?} {ceiling}");
        assert_eq!(found.len(), gallery.ids.len(), "{takes:?} {ceiling}");
        assert_eq!(found, gallery.ids);
        if ceiling == usize::MAX {
            let pages = gallery.ids.len().div_ceil(PAGE);
            assert!(questions <= 2 * pages + 1, "{questions}");
        }
    }
}

#[test]
fn what_lies_before_the_ceiling_is_not_asked_for_again() {
    let mut gallery = Gallery::of(0, ALL, 30);
    gallery.ids = (0..33)
        .map(|number| format!("{}x", char::from(b'a' + number % 26)).repeat(1 + usize::from(number / 26)))
        .map(|id| id.parse().unwrap())
        .collect();
    gallery.ids.sort();
    let (walk, found, questions) = gallery.walk();
    assert_eq!((walk.incomplete().len(), found.len()), (0, 33));
    // 10 pages and a refusal, then what begins with the last letter or a later one, twice.
    assert!(questions < 2 * (11 + 6), "{questions}");
}

#[test]
fn filters_that_are_not_understood_are_found_out() {
    use ListShape::{Set, StartsWith, StartsWithLower};
    let mut gallery = Gallery::of(200, ALL, 60);
    gallery.ignores = &[StartsWithLower];
    let (walk, found, _) = gallery.walk();
    assert_eq!((walk.incomplete().len(), found.len()), (0, gallery.ids.len()));
    assert_eq!(walk.refused_shapes(), [StartsWithLower]);

    gallery.ignores = &[StartsWithLower, StartsWith];
    let (walk, found, _) = gallery.walk();
    assert!(found.len() < gallery.ids.len());
    assert!(
        walk.incomplete().iter().any(|part| part.prefix == "z"),
        "{:?}",
        walk.incomplete()
    );

    let gallery = Gallery::of(200, &[Set], 60);
    let (walk, _, questions) = gallery.walk();
    assert!(!walk.incomplete().is_empty());
    assert!(questions < 60, "refusals are remembered: {questions}");
}

#[test]
fn a_gallery_that_takes_nothing_is_soon_left_alone() {
    let (walk, found, questions) = Gallery::of(20, &[], 60).walk();
    assert!(found.is_empty() && !walk.incomplete().is_empty());
    assert!(questions < 10, "{questions}");
}

#[test]
fn a_part_that_breaks_off_is_told_and_the_others_go_on() {
    let mut walk = Walk::begin(Vec::new());
    walk.give_up_part("its pages do not end");
    assert_eq!(walk.incomplete().len(), 1);
    assert_eq!(walk.ask().map(|listing| listing.latest), Some(Latest::Absolute));
}
