//! What every [`Index`] does. An implementation's tests call [`conformance!`] with a [`Bench`] that opens it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::TryStreamExt as _;

use super::index::{Committed, Index, Note, NoteText, RecordKey, RowChange, Seq};
use crate::catalog::testing::{described, instant, record, row};
use crate::catalog::{Change, Content, Listed, Origin, Property, Record, SourceName};
use crate::nuget::digest::Sha512Hasher;
use crate::nuget::{NuGetVersion, PackageId};

/// Opens an index again and again on the same data.
pub(crate) trait Bench {
    type Index: Index + 'static;

    /// Opens the index, after the one opened before was dropped.
    fn open(&mut self) -> Self::Index;
}

/// Stamps a test for each function of this module.
macro_rules! conformance {
    ($bench:expr) => {
        $crate::store::conformance::conformance!(
            $bench;
            what_is_committed_is_found,
            names_are_compared_as_nuget_does,
            a_version_is_pushed_once,
            bytes_that_are_held_are_not_replaced,
            an_announcement_replaces_what_was_announced,
            a_mention_removes_nothing,
            what_makes_room_is_as_it_was_announced,
            files_have_the_last_word,
            listing_and_removing,
            texts_come_and_go,
            a_change_that_changes_nothing_is_no_commit,
            rows_follow_commits,
            many_ids_come_once_each,
            notes_are_kept_and_forgotten,
            concurrent_commits_lose_nothing,
            concurrent_pushes_have_one_winner,
            what_was_flushed_is_there_again,
        );
    };
    ($bench:expr; $($name:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                $crate::store::conformance::$name(&mut $bench).await;
            }
        )*
    };
}
pub(crate) use conformance;

/// A text that stands apart from the rows that tell it.
const LONG: &str = "A long description, longer than what a row keeps in its own place; it is shared by many versions.";

fn source() -> SourceName {
    "test".parse().unwrap()
}

fn id(text: &str) -> PackageId {
    text.parse().unwrap()
}

fn version(text: &str) -> NuGetVersion {
    text.parse().unwrap()
}

fn content(seed: &str) -> Content {
    let mut hasher = Sha512Hasher::default();
    hasher.update(seed.as_bytes());
    Content {
        sha512: hasher.finish().base64(),
        size: 7,
    }
}

/// A record whose bytes are held.
fn held(id: &str, version: &str) -> Record {
    Record {
        content: Some(content(version)),
        ..announced(id, version)
    }
}

/// A record whose bytes are not held.
fn announced(id: &str, version: &str) -> Record {
    let properties = vec![
        Property::text("ReleaseNotes", Some(&format!("{LONG} {LONG}"))),
        Property::text("IconUrl", None),
        Property::typed("PackageSize", "Edm.Int64", "1000".to_owned()),
    ];
    Record {
        origin: Origin::Mirrored {
            content_url: Some(format!("http://gallery.test/{id}.{version}.nupkg")),
        },
        ..record(described(id, version, LONG, "git vcs"), properties)
    }
}

fn push(record: Record) -> Change {
    Change::Push(Box::new(record))
}

/// Commits a change that must be written; returns its number and the versions there are then.
async fn done(index: &impl Index, name: &str, change: Change) -> (Seq, BTreeSet<String>) {
    match index.commit(&source(), &id(name), change).await.unwrap() {
        Committed::Done { seq, rows } => (seq, rows.iter().map(|row| row.version.to_string()).collect()),
        other => panic!("{other:?}"),
    }
}

async fn records(index: &impl Index, name: &str) -> BTreeMap<String, Record> {
    let records = index.records(&source(), &id(name)).await.unwrap();
    let count = records.len();
    let by_version: BTreeMap<_, _> = records
        .into_iter()
        .map(|record| (record.row.version.to_string(), record))
        .collect();
    assert_eq!(by_version.len(), count, "each version comes once");
    by_version
}

async fn versions(index: &impl Index, name: &str) -> Vec<String> {
    records(index, name).await.into_keys().collect()
}

async fn rows(index: &impl Index, after: Seq) -> Vec<RowChange> {
    index.rows(after).try_collect().await.unwrap()
}

/// `id@commit: versions`, in the order in which the index tells them.
fn shown(changes: &[RowChange]) -> Vec<String> {
    let versions = |change: &RowChange| {
        let versions: BTreeSet<_> = change.rows.iter().map(|row| row.version.to_string()).collect();
        versions.into_iter().collect::<Vec<_>>().join(" ")
    };
    let show = |change: &RowChange| format!("{}@{}: {}", change.id.lower(), change.seq, versions(change));
    changes.iter().map(show).collect()
}

fn assert_same(found: &Record, expected: &Record) {
    assert_eq!(found.source, expected.source);
    assert_eq!(found.row, expected.row);
    assert_eq!(found.properties, expected.properties);
    assert_eq!(found.content, expected.content);
    assert_eq!(found.origin, expected.origin);
    assert_eq!(found.committed, expected.committed);
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

pub(crate) async fn what_is_committed_is_found<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let key = |name: &str, number: &str| RecordKey {
        source: source(),
        id: id(name),
        version: version(number),
    };
    assert!(index.records(&source(), &id("git")).await.unwrap().is_empty());
    assert_eq!(shown(&rows(&index, 0).await), [""; 0]);
    let pushed = Record {
        origin: Origin::Pushed {
            by: "Ann of the desk".to_owned(),
        },
        ..held("git", "1.0.0")
    };
    let (_, versions) = done(&index, "git", push(pushed.clone())).await;
    assert_eq!(versions, set(&["1.0.0"]));
    let mirrored = held("git", "2.0.0-beta");
    done(&index, "git", Change::Mirror(mirrored.clone().into())).await;
    let found = records(&index, "git").await;
    assert_same(&found["1.0.0"], &pushed);
    assert_same(&found["2.0.0-beta"], &mirrored);

    let keys = vec![
        key("git", "3.0.0"),
        key("git", "2.0.0-beta"),
        key("hg", "1.0.0"),
        key("git", "1.0.0"),
    ];
    let found = index.lookup(keys).await.unwrap();
    assert!(found[0].is_none() && found[2].is_none());
    assert_same(found[1].as_ref().unwrap(), &mirrored);
    assert_same(found[3].as_ref().unwrap(), &pushed);
    assert!(index.lookup(Vec::new()).await.unwrap().is_empty());

    let told = rows(&index, 0).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].rows.contains(&pushed.row) && told[0].rows.contains(&mirrored.row));
}

pub(crate) async fn names_are_compared_as_nuget_does<B: Bench>(bench: &mut B) {
    let index = bench.open();
    done(&index, "Git.Install", push(held("Git.Install", "1.0"))).await;
    // An id that begins like another, another source, and a version that begins like another are others.
    done(&index, "git.install2", push(held("git.install2", "1.0"))).await;
    done(&index, "git", push(held("git", "1.0"))).await;
    let other: SourceName = "test2".parse().unwrap();
    let elsewhere = Record {
        source: other.clone(),
        ..held("git", "9.0")
    };
    index.commit(&other, &id("git"), push(elsewhere)).await.unwrap();
    let again = index
        .commit(&source(), &id("GIT.install"), push(held("GIT.install", "1.0.0.0")))
        .await;
    assert!(matches!(again.unwrap(), Committed::Conflict));
    let (_, versions) = done(&index, "GIT.INSTALL", push(held("GIT.INSTALL", "1.0-RC.1"))).await;
    assert_eq!(versions, set(&["1.0", "1.0-RC.1"]));
    let key = RecordKey {
        source: source(),
        id: id("git.INSTALL"),
        version: version("1.0.0-rc.1"),
    };
    let found = index.lookup(vec![key]).await.unwrap().remove(0).unwrap();
    assert_eq!(
        (found.row.id.as_str(), found.row.version.as_str()),
        ("GIT.INSTALL", "1.0-RC.1")
    );
    assert_eq!(self::versions(&index, "git").await, ["1.0"]);
    assert_eq!(rows(&index, 0).await.len(), 4);
}

pub(crate) async fn a_version_is_pushed_once<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let first = held("git", "1.0");
    let (seq, _) = done(&index, "git", push(first.clone())).await;
    for again in [held("git", "1.0"), held("git", "1.0.0"), announced("git", "1.0.0.0")] {
        let outcome = index.commit(&source(), &id("git"), push(again)).await.unwrap();
        assert!(matches!(outcome, Committed::Conflict));
    }
    assert_same(&records(&index, "git").await["1.0"], &first);
    assert_eq!(shown(&rows(&index, seq).await), [""; 0]);
}

pub(crate) async fn bytes_that_are_held_are_not_replaced<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let first = held("git", "1.0");
    done(&index, "git", Change::Announce(vec![announced("git", "1.0")])).await;
    done(&index, "git", Change::Mirror(first.clone().into())).await;
    let other = Record {
        content: Some(content("other")),
        ..first.clone()
    };
    let outcome = index.commit(&source(), &id("git"), Change::Mirror(other.into())).await;
    assert!(matches!(outcome.unwrap(), Committed::Conflict));
    done(&index, "git", Change::Mirror(first.clone().into())).await;
    assert_same(&records(&index, "git").await["1.0"], &first);
}

pub(crate) async fn an_announcement_replaces_what_was_announced<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let first = ["1.0", "2.0", "3.0"].map(|number| announced("git", number));
    done(&index, "git", Change::Announce(first.to_vec())).await;
    done(&index, "git", Change::Mirror(held("git", "1.0").into())).await;
    // 1.0 vanished upstream, but its bytes are here; 3.0 vanished and was never here.
    let mut changed = announced("git", "2.0");
    changed.row = Arc::new(described("git", "2.0", "short", ""));
    let (_, versions) = done(
        &index,
        "git",
        Change::Announce(vec![changed.clone(), announced("git", "4.0")]),
    )
    .await;
    assert_eq!(versions, set(&["1.0", "2.0", "4.0"]));
    let found = records(&index, "git").await;
    assert_same(&found["1.0"], &held("git", "1.0"));
    assert_same(&found["2.0"], &changed);

    // Other bytes under a version that is held are not believed; the rest of the announcement is.
    let announced_hash = |hash: &str| {
        let mut record = announced("git", "1.0");
        record.row = Arc::new(described("git", "1.0", "told anew", ""));
        record.properties = vec![
            Property::text("PackageHash", Some(hash)),
            Property::text("PackageHashAlgorithm", Some("sha512")),
        ];
        record
    };
    done(
        &index,
        "git",
        Change::Announce(vec![
            announced_hash(&content("tampered").sha512),
            announced("git", "5.0"),
        ]),
    )
    .await;
    let found = records(&index, "git").await;
    assert_eq!(found.keys().collect::<Vec<_>>(), ["1.0", "5.0"]);
    assert_same(&found["1.0"], &held("git", "1.0"));
    done(
        &index,
        "git",
        Change::Announce(vec![announced_hash(&content("1.0").sha512)]),
    )
    .await;
    let mut told_anew = Record {
        content: Some(content("1.0")),
        ..announced_hash(&content("1.0").sha512)
    };
    // What is held has the size that it has, whatever is announced.
    Arc::make_mut(&mut told_anew.row).package_size = content("1.0").size;
    assert_same(&records(&index, "git").await["1.0"], &told_anew);

    done(&index, "hg", Change::Announce(vec![announced("hg", "1.0")])).await;
    let (_, none) = done(&index, "hg", Change::Announce(Vec::new())).await;
    assert_eq!(none, set(&[]));
}

pub(crate) async fn a_mention_removes_nothing<B: Bench>(bench: &mut B) {
    let index = bench.open();
    done(&index, "git", Change::Announce(vec![announced("git", "1.0")])).await;
    let (_, versions) = done(&index, "git", Change::Mention(vec![announced("git", "2.0")])).await;
    assert_eq!(versions, set(&["1.0", "2.0"]));
    done(&index, "git", Change::Mirror(held("git", "2.0").into())).await;
    done(&index, "git", Change::Mention(vec![announced("git", "2.0")])).await;
    assert_eq!(records(&index, "git").await["2.0"].content, Some(content("2.0")));
}

pub(crate) async fn what_makes_room_is_as_it_was_announced<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let mirrored = |number: &str| Record {
        origin: Origin::Mirrored { content_url: None },
        ..held("git", number)
    };
    done(&index, "git", Change::Mirror(mirrored("1.0").into())).await;
    done(&index, "git", Change::Mirror(mirrored("2.0").into())).await;
    let evict = Change::Evict {
        versions: vec![version("1.0.0"), version("3.0")],
        committed: instant("2026-03-01"),
    };
    let (_, versions) = done(&index, "git", evict).await;
    assert_eq!(versions, set(&["1.0", "2.0"]));
    let gone = Record {
        content: None,
        committed: instant("2026-03-01"),
        ..mirrored("1.0")
    };
    let found = records(&index, "git").await;
    assert_same(&found["1.0"], &gone);
    assert_same(&found["2.0"], &mirrored("2.0"));
    // Nothing keeps it any more once the upstream has it no more.
    let (_, versions) = done(&index, "git", Change::Announce(Vec::new())).await;
    assert_eq!(versions, set(&["2.0"]));
}

pub(crate) async fn files_have_the_last_word<B: Bench>(bench: &mut B) {
    let index = bench.open();
    done(&index, "git", push(held("git", "1.0"))).await;
    done(&index, "git", push(held("git", "2.0"))).await;
    let restored = Record {
        row: Arc::new(row("Git", "1.0.0")),
        content: Some(content("restored")),
        origin: Origin::Imported,
        ..held("git", "1.0")
    };
    let change = Change::Restore(vec![restored.clone(), held("git", "3.0")]);
    let (_, versions) = done(&index, "git", change).await;
    assert_eq!(versions, set(&["1.0.0", "2.0", "3.0"]));
    assert_same(&records(&index, "git").await["1.0.0"], &restored);
    assert_eq!(rows(&index, 0).await[0].rows.len(), 3);
}

pub(crate) async fn listing_and_removing<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let unlist = |listed, at: &str| Change::List {
        version: version("1.0.0"),
        listed,
        at: instant(at),
        committed: instant(at),
    };
    let missing = index
        .commit(&source(), &id("git"), unlist(Listed::No, "2024-01-01"))
        .await;
    assert!(matches!(missing.unwrap(), Committed::Missing));
    let missing = index
        .commit(&source(), &id("git"), Change::Remove(version("1.0")))
        .await;
    assert!(matches!(missing.unwrap(), Committed::Missing));

    done(&index, "git", push(held("git", "1.0"))).await;
    done(&index, "git", push(held("git", "2.0"))).await;
    for (listed, at) in [(Listed::No, "2024-01-01"), (Listed::Yes, "2024-01-02")] {
        done(&index, "git", unlist(listed, at)).await;
        let found = &records(&index, "git").await["1.0"];
        assert_eq!(found.row.listed, listed == Listed::Yes);
        assert_eq!(found.row.last_edited, Some(instant(at)));
        assert_eq!(found.row.last_updated, instant(at));
        assert_eq!(found.row.published, held("git", "1.0").row.published);
        assert_eq!(found.content, Some(content("1.0")));
    }
    let (_, versions) = done(&index, "git", Change::Remove(version("1.0.0.0"))).await;
    assert_eq!(versions, set(&["2.0"]));
    let (seq, versions) = done(&index, "git", Change::Remove(version("2.0"))).await;
    assert_eq!(versions, set(&[]));
    assert!(records(&index, "git").await.is_empty());
    assert_eq!(shown(&rows(&index, seq - 1).await), [format!("git@{seq}: ")]);
    // A version that is gone may come again.
    done(&index, "git", push(held("git", "1.0"))).await;
}

pub(crate) async fn texts_come_and_go<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let with = |number: &str, text: &str| Record {
        row: Arc::new(described("git", number, text, text)),
        properties: vec![Property::text("ReleaseNotes", Some(text))],
        ..held("git", number)
    };
    let (one, two) = (format!("{LONG} One."), format!("{LONG} Two."));
    for (number, text) in [("1.0", &one), ("2.0", &one), ("3.0", &two)] {
        done(&index, "git", push(with(number, text))).await;
    }
    // The text of 1.0 is still needed by 2.0, that of 3.0 by nobody, and then by 3.0 again.
    for change in [
        Change::Restore(vec![with("1.0", &two)]),
        Change::Remove(version("3.0")),
        Change::Restore(vec![with("1.0", "short")]),
        push(with("3.0", &two)),
        Change::Restore(vec![with("1.0", &one), with("2.0", &two)]),
    ] {
        done(&index, "git", change).await;
        let found = records(&index, "git").await;
        let told = rows(&index, 0).await;
        assert_eq!(told[0].rows.len(), found.len());
        for record in found.values() {
            let notes = record.property("ReleaseNotes").unwrap();
            assert_eq!(record.row.description.as_ref().unwrap().as_str(), notes);
            assert!(told[0].rows.contains(&record.row));
        }
    }
}

pub(crate) async fn a_change_that_changes_nothing_is_no_commit<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let change = || Change::Announce(vec![announced("git", "1.0"), announced("git", "2.0")]);
    let (first, _) = done(&index, "git", change()).await;
    done(&index, "hg", push(held("hg", "1.0"))).await;
    let (again, versions) = done(&index, "git", change()).await;
    assert_eq!((again, versions), (first, set(&["1.0", "2.0"])));
    assert_eq!(shown(&rows(&index, first).await), [format!("hg@{}: 1.0", first + 1)]);
    done(&index, "nobody", Change::Announce(Vec::new())).await;
    assert_eq!(rows(&index, 0).await.len(), 2);
}

pub(crate) async fn rows_follow_commits<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let mut seqs = Vec::new();
    for (name, number) in [("a", "1.0"), ("b", "1.0"), ("a", "2.0"), ("c", "1.0")] {
        seqs.push(done(&index, name, push(held(name, number))).await.0);
    }
    assert!(seqs.is_sorted() && seqs[0] > 0, "{seqs:?}");
    let [a, b, a2, c] = seqs[..] else { panic!() };
    // Each id once, in its latest state; in the order of commits where a reader follows.
    assert_eq!(
        shown(&rows(&index, a).await),
        [format!("b@{b}: 1.0"), format!("a@{a2}: 1.0 2.0"), format!("c@{c}: 1.0")]
    );
    assert_eq!(
        shown(&rows(&index, b).await),
        [format!("a@{a2}: 1.0 2.0"), format!("c@{c}: 1.0")]
    );
    assert_eq!(shown(&rows(&index, c).await), [""; 0]);
    let mut everything = shown(&rows(&index, 0).await);
    everything.sort();
    assert_eq!(
        everything,
        [format!("a@{a2}: 1.0 2.0"), format!("b@{b}: 1.0"), format!("c@{c}: 1.0")]
    );
}

pub(crate) async fn many_ids_come_once_each<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let mut first = 0;
    for number in 0..600 {
        let name = format!("p{}", number % 300);
        let (seq, _) = done(&index, &name, push(held(&name, &format!("{}.0", number / 300 + 1)))).await;
        first = if number == 0 { seq } else { first };
    }
    for (after, count) in [(0, 300), (first, 300), (first + 300, 299)] {
        let changes = rows(&index, after).await;
        let ids: BTreeSet<_> = changes.iter().map(|change| change.id.lower().to_owned()).collect();
        assert_eq!((changes.len(), ids.len()), (count, count), "after {after}");
        assert!(
            changes
                .iter()
                .all(|change| change.rows.len() == 2 && change.source == source())
        );
    }
}

pub(crate) async fn notes_are_kept_and_forgotten<B: Bench>(bench: &mut B) {
    let index = bench.open();
    let note = |at: &str| Some(Note::at(instant(at)));
    assert_eq!(index.note("id test git").await.unwrap(), None);
    for at in ["2024-01-01", "2024-01-02T03:04:05.678"] {
        index.put_note("id test git", note(at)).await.unwrap();
        assert_eq!(index.note("id test git").await.unwrap(), note(at));
    }
    index.put_note("id test gi", note("2020-01-01")).await.unwrap();
    index.put_note("id test git", None).await.unwrap();
    assert_eq!(index.note("id test git").await.unwrap(), None);
    assert_eq!(index.note("id test gi").await.unwrap(), note("2020-01-01"));
    index.put_note("never there", None).await.unwrap();
    for subject in ["id test hg", "id other gi", "page test"] {
        index.put_note(subject, note("2020-01-01")).await.unwrap();
    }
    for (beginning, expected) in [
        ("id test ", vec!["id test gi", "id test hg"]),
        ("id test gi", vec!["id test gi"]),
        ("id t\u{10ffff}", vec![]),
        ("", vec!["id other gi", "id test gi", "id test hg", "page test"]),
    ] {
        let mut noted = index.noted(beginning).await.unwrap();
        noted.sort();
        assert_eq!(noted, expected, "{beginning}");
    }
    assert!(rows(&index, 0).await.is_empty());
}

pub(crate) async fn concurrent_commits_lose_nothing<B: Bench>(bench: &mut B) {
    let index = Arc::new(bench.open());
    let commits = (0..48).map(|number| {
        let index = Arc::clone(&index);
        tokio::spawn(async move {
            let name = if number % 4 == 0 { "hg" } else { "git" };
            done(&*index, name, push(held(name, &format!("1.{number}")))).await.0
        })
    });
    let commits: Vec<_> = commits.collect();
    let mut seqs = BTreeSet::new();
    for commit in commits {
        seqs.insert(commit.await.unwrap());
    }
    assert_eq!(seqs.len(), 48, "each commit has a number of its own");
    assert_eq!(versions(&*index, "git").await.len(), 36);
    assert_eq!(versions(&*index, "hg").await.len(), 12);
    let told: usize = rows(&*index, 0).await.iter().map(|change| change.rows.len()).sum();
    assert_eq!(told, 48);
}

pub(crate) async fn concurrent_pushes_have_one_winner<B: Bench>(bench: &mut B) {
    let index = Arc::new(bench.open());
    let pushes = (0..16).map(|number| {
        let index = Arc::clone(&index);
        tokio::spawn(async move {
            let record = Record {
                content: Some(content(&number.to_string())),
                ..held("git", "1.0")
            };
            let outcome = index.commit(&source(), &id("git"), push(record)).await.unwrap();
            matches!(outcome, Committed::Done { .. }).then_some(number)
        })
    });
    let pushes: Vec<_> = pushes.collect();
    let mut winners = Vec::new();
    for push in pushes {
        winners.extend(push.await.unwrap());
    }
    let [winner] = winners[..] else { panic!("{winners:?}") };
    let found = &records(&*index, "git").await["1.0"];
    assert_eq!(found.content, Some(content(&winner.to_string())));
}

pub(crate) async fn what_was_flushed_is_there_again<B: Bench>(bench: &mut B) {
    let index = bench.open();
    done(&index, "git", push(held("git", "1.0"))).await;
    done(
        &index,
        "hg",
        Change::Announce(vec![announced("hg", "1.0"), announced("hg", "2.0")]),
    )
    .await;
    done(&index, "hg", Change::Announce(vec![announced("hg", "2.0")])).await;
    let note = Note {
        at: instant("2024-01-01"),
        said: NoteText {
            address: Some("http://gallery.test/".to_owned()),
            validators: None,
        },
    };
    index.put_note("id test hg", Some(note.clone())).await.unwrap();
    index.flush().await.unwrap();
    let before = shown(&rows(&index, 0).await);
    drop(index);

    let index = bench.open();
    assert_eq!(shown(&rows(&index, 0).await), before);
    assert_same(&records(&index, "git").await["1.0"], &held("git", "1.0"));
    assert_same(&records(&index, "hg").await["2.0"], &announced("hg", "2.0"));
    assert_eq!(index.note("id test hg").await.unwrap(), Some(note));
    // Numbers go on where they ended.
    let (seq, _) = done(&index, "bzr", push(held("bzr", "1.0"))).await;
    assert_eq!(shown(&rows(&index, seq - 1).await), [format!("bzr@{seq}: 1.0")]);
    assert_eq!(shown(&rows(&index, 0).await).len(), 3);
}
