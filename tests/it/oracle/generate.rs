//! Strategies for feeds and queries. Texts are made of few words, so that filters find something.

use chrono::{DateTime, TimeZone as _, Utc};
use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;

use super::expression::Expression;
use super::generate_filter::condition;
use super::package::{Feed, Package};
use super::query::{Direction, Key, List, Query};
use super::updates::{CONSTRAINTS, Installed};

/// Ids, some of them the same but for their case. What upstreams have need not be ASCII.
pub(super) const IDS: &[&str] = &[
    "git",
    "Git",
    "GIT.install",
    "git.install",
    "gitk",
    "Git-LFS",
    "7zip",
    "a",
    "A.b",
    "a_b",
    "vim",
    "Übung",
    "übung",
];

/// The ids that can be pushed.
const ASCII_IDS: usize = 11;

/// A version that upstreams have, but no push brings.
const UNPUSHABLE: &str = "3.0.0-1";

pub(super) const VERSIONS: &[&str] = &[
    "1.0",
    "1.0.0",
    "01.0",
    "1.0.0.0",
    "1.0.0.4",
    "1.0.1",
    "1.2",
    "1.10",
    "2",
    "2.0.0-alpha",
    "2.0.0-Alpha",
    "2.0.0-alpha2",
    "2.0.0-alpha10",
    "2.0.0-alpha.2",
    "2.0.0-alpha.10",
    "2.0.0-rc1",
    "2.0.0",
    "2.0.0+meta",
    "2.0.1+x.1",
    UNPUSHABLE,
    "3.0.0-a-b",
    "3.0",
    "10.0",
    "4.6.00081",
    "2147483647.0",
];

pub(super) const WORDS: &[&str] = &[
    "git", "Git", "tool", "TOOLS", "über", "Über", "it's", "a", "b", "100%", "x&y", "1.0", "жλ",
];

/// A text of some words, now and then with blanks that are too many.
pub(super) fn words() -> impl Strategy<Value = String> {
    let blank = select(&[" ", " ", "  ", "-"][..]);
    (vec(select(WORDS), 1..4), blank).prop_map(|(words, blank)| words.join(blank))
}

pub(super) fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    let fraction = select(&[0, 0, 500, 120, 7][..]);
    (0..40_i64, fraction).prop_map(|(steps, milliseconds)| {
        // Steps of some hours over two years, so that dates meet.
        let start = Utc.with_ymd_and_hms(2019, 12, 28, 23, 30, 0).single().expect("a date");
        start + chrono::Duration::milliseconds(steps * 61_234_000 * 13 + milliseconds)
    })
}

/// What upstreams tell of a version.
fn announced(id: &'static str) -> impl Strategy<Value = Package> {
    let texts = (
        of(words()),
        of(words()),
        weighted(0.3, words()),
        of(vec(select(WORDS), 0..4)),
        weighted(0.7, words()),
    );
    let stored = (
        weighted(0.3, words()),
        weighted(0.3, words()),
        of(any::<bool>()),
        weighted(0.3, instant()),
        weighted(0.2, select(VERSIONS)),
    );
    let dates = (instant(), instant(), of(instant()), instant());
    let numbers = (0..4_i64, 0..1000_i64, 0..5000_i64);
    let flags = (weighted(0.2, Just(())), weighted(0.1, Just(())));
    (select(VERSIONS), texts, stored, dates, numbers, flags).prop_map(
        move |(version, texts, stored, dates, numbers, (unlisted, unapproved))| Package {
            id: id.to_owned(),
            version: version.to_owned(),
            is_listed: unlisted.is_none(),
            is_approved: unapproved.is_none(),
            title: texts.0,
            description: texts.1,
            summary: texts.2,
            tags: texts
                .3
                .filter(|tags| !tags.is_empty())
                .map(|tags| format!(" {} ", tags.join(" "))),
            authors: texts.4,
            created: dates.0,
            published: dates.1,
            last_edited: dates.2,
            last_updated: dates.3,
            downloads: numbers.0,
            version_downloads: numbers.1,
            size: numbers.2,
            release_notes: stored.0,
            copyright: stored.1,
            needs_acceptance: stored.2,
            scanned: stored.3,
            needs: stored.4.map(str::to_owned),
        },
    )
}

/// Some versions of some ids, each version once.
fn source(ids: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<Package>> {
    vec(select(ids).prop_flat_map(announced), 0..most).prop_map(|packages| {
        let mut distinct: Vec<Package> = Vec::new();
        for package in packages {
            if !distinct.iter().any(|known| known.is_same_version(&package)) {
                distinct.push(package);
            }
        }
        distinct
    })
}

/// A feed. What is hosted gets its dates and counts when it is pushed.
pub(super) fn feed() -> impl Strategy<Value = Feed> {
    let page_size = select(&[100, 7, 3, 20, 1, 5][..]);
    let hosted = source(&IDS[..ASCII_IDS], 6);
    (page_size, hosted, source(IDS, 24), source(IDS, 10)).prop_map(|(page_size, mut hosted, one, two)| {
        hosted.retain(|package| package.version != UNPUSHABLE);
        Feed {
            page_size,
            hosted,
            upstreams: [one, two],
        }
    })
}

pub(super) const ORDERED_BY: &[&str] = &[
    "Id",
    "Version",
    "NormalizedVersion",
    "Title",
    "Description",
    "Summary",
    "Tags",
    "Authors",
    "IsLatestVersion",
    "IsAbsoluteLatestVersion",
    "IsPrerelease",
    "Listed",
    "IsApproved",
    "Created",
    "Published",
    "LastUpdated",
    "LastEdited",
    "DownloadCount",
    "VersionDownloadCount",
    "PackageSize",
];

fn key() -> impl Strategy<Value = Key> {
    let column = select(ORDERED_BY).prop_map(Expression::Property);
    let by_name = Expression::Call(
        "concat",
        vec![Expression::Property("Title"), Expression::Property("Id")],
    );
    let by = prop_oneof![8 => column, 1 => Just(by_name)];
    let direction = select(&[Direction::Unsaid, Direction::Ascending, Direction::Descending][..]);
    (by, direction).prop_map(|(by, direction)| Key { by, direction })
}

fn list() -> impl Strategy<Value = List> {
    let id = prop_oneof![6 => select(IDS), 1 => select(&["GITK", "none", "not an id", ""][..])];
    let search = (vec(select(WORDS), 0..3), of(any::<bool>())).prop_map(|(words, prerelease)| List::Search {
        words: words.into_iter().map(str::to_owned).collect(),
        prerelease,
    });
    let installed_id = prop_oneof![6 => select(IDS), 1 => Just("none")];
    let installed_version = prop_oneof![6 => select(VERSIONS), 1 => Just("x")];
    let installed = vec(
        (
            installed_id,
            installed_version,
            (0..CONSTRAINTS.len()).prop_map(|at| &CONSTRAINTS[at]),
        ),
        1..5,
    );
    let updates = (installed, any::<bool>(), of(any::<bool>())).prop_map(|(packages, wants_all, prerelease)| {
        List::GetUpdates(Installed {
            packages,
            wants_all,
            prerelease,
        })
    });
    prop_oneof![
        1 => updates,
        5 => Just(List::Packages),
        2 => id.prop_map(|id| List::FindPackagesById(id.to_owned())),
        2 => search,
    ]
}

pub(super) fn query() -> impl Strategy<Value = Query> {
    let order = prop_oneof![2 => Just(Vec::new()), 3 => vec(key(), 1..=5)];
    let page = (weighted(0.3, 0..12_usize), weighted(0.4, 0..12_usize));
    let level = select(
        &[
            "",
            "1.0.0",
            "2.0.0",
            "2.0.0",
            "'2.0.0'",
            "3.0.0-alpha",
            "2.0.0-alpha",
            "new",
        ][..],
    );
    let parts = (
        list(),
        weighted(0.85, condition()),
        order,
        page,
        any::<bool>(),
        of(level),
        any::<u64>(),
    );
    parts.prop_map(
        |(list, filter, order, (skip, top), wants_count, level, spelling)| Query {
            list,
            filter,
            order,
            skip,
            top,
            wants_count,
            level,
            spelling,
        },
    )
}
