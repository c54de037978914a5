//! The data folder: what is rebuilt from files, what a crash leaves, who may open it.
//!
//! A crash is played by leaving a copy of the folder as it is at that moment: nothing is closed, nothing written any more.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use larder::catalog::{Listed, Origin, SourceName};
use larder::clock::{Clock, ManualClock};
use larder::mirror::{Configured, Located, Mirror, MirrorLimits, MirrorParts, Offline, PublishError, Spool};
use larder::nuget::nupkg::NupkgLimits;
use larder::nuget::{AnnouncedHash, NuGetVersion, PackageId};
use larder::store::{Index as _, OpenError, Opening, RowChange, Store, StoreSettings};
use larder::upstream::{Limits, TemplateSettings, TemplateUpstream, Uplink, Upstream, V2Settings, V2Upstream};
use larder::via::Pseudonym;
use larder::view::FeedShape;

use crate::support::folder::{self, modified, set_modified};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{Reply, ScriptedUpstream, atom_entry, atom_feed};
use crate::upstream_v2;

/// A data folder and the clock of the processes that open it.
struct Data {
    folder: tempfile::TempDir,
    clock: Clock,
}

fn settings(data: &Path) -> StoreSettings {
    StoreSettings {
        data: data.to_owned(),
        index_cache_bytes: 4 << 20,
        nupkg_limits: NupkgLimits::default(),
    }
}

fn feed() -> SourceName {
    "choco".parse().expect("a name")
}

fn id(text: &str) -> PackageId {
    text.parse().expect("an id")
}

fn version(text: &str) -> NuGetVersion {
    text.parse().expect("a version")
}

impl Data {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            clock: Clock::system(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn packages(&self) -> PathBuf {
        self.path().join("packages")
    }

    async fn open(&self) -> (Store, Vec<RowChange>, Opening) {
        Store::open(settings(&self.path()), &self.clock)
            .await
            .expect("a data folder that opens")
    }

    /// Opens the store with a mirror over it that has no upstream.
    async fn serve(&self) -> (Store, Mirror) {
        self.serve_with(Vec::new()).await
    }

    async fn serve_with(&self, upstreams: Vec<Arc<dyn Upstream>>) -> (Store, Mirror) {
        let (store, rows, _) = self.open().await;
        let parts = MirrorParts {
            index: Arc::new(store.index.clone()),
            packages: store.packages.clone(),
            spool: Spool::new(store.spool.clone()),
            feeds: vec![FeedShape::plain(
                feed(),
                upstreams.iter().map(|upstream| upstream.name().clone()),
            )],
            upstreams: upstreams
                .into_iter()
                .map(|upstream| (upstream.name().clone(), upstream))
                .collect(),
            lifetimes: std::collections::HashMap::new(),
            unsearched: std::collections::HashSet::new(),
            limits: MirrorLimits {
                patience: Duration::from_secs(60),
                package_bytes: 1 << 30,
                nupkg: NupkgLimits::default(),
            },
            state: store.state.clone(),
            syncs: std::collections::HashMap::new(),
            offline: Offline::open(&store.state, Configured::Online, Uplink::default()),
            caches: std::collections::HashMap::new(),
            pseudonym: Pseudonym::random(),
            clock: self.clock.clone(),
        };
        (store, Mirror::new(parts, rows))
    }

    /// Copies the folder as a crash at this moment leaves it, with the times of its files.
    fn crash(&self) -> Self {
        let copy = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            clock: self.clock.clone(),
        };
        folder::copy(&self.path(), &copy.path());
        copy
    }
}

/// Every file below a folder, by its path from there.
fn files(folder: &Path) -> Vec<String> {
    let below = |file: &PathBuf| {
        file.strip_prefix(folder)
            .map(|file| file.to_string_lossy().into_owned())
    };
    let files = folder::files(folder);
    files.iter().map(|file| below(file).expect("a path below")).collect()
}

async fn publish(mirror: &Mirror, package: &Packed, origin: Origin) -> Result<(), PublishError> {
    let mut writer = mirror
        .spool()
        .create(1 << 30, &AnnouncedHash::Other)
        .await
        .expect("a spool");
    writer
        .write(Bytes::from(package.bytes.clone()))
        .await
        .expect("a spool that takes it");
    let spooled = writer.finish().await.expect("a spooled body");
    mirror.publish(&feed(), spooled, origin).await.map(drop)
}

async fn push(mirror: &Mirror, name: &str, number: &str) {
    let package = Nupkg::new(name, number).description(&format!("{name} at length, {}", "x".repeat(80)));
    publish(mirror, &package.pack(), pushed_by("Ann"))
        .await
        .expect("a push");
}

fn pushed_by(name: &str) -> Origin {
    Origin::Pushed { by: name.to_owned() }
}

async fn ids(store: &Store) -> BTreeMap<String, Vec<String>> {
    let changes: Vec<RowChange> = store.index.rows(0).try_collect().await.expect("rows");
    let mut ids = BTreeMap::new();
    for change in changes {
        let mut versions: Vec<String> = change.rows.iter().map(|row| row.version.to_string()).collect();
        versions.sort();
        if !versions.is_empty() {
            ids.insert(format!("{}/{}", change.source, change.id.lower()), versions);
        }
    }
    ids
}

/// All that the index knows of the packages whose bytes are here, but for the time of the commit.
async fn held(store: &Store) -> Vec<String> {
    let changes: Vec<RowChange> = store.index.rows(0).try_collect().await.expect("rows");
    let mut records = Vec::new();
    for change in changes {
        records.extend(store.index.records(&change.source, &change.id).await.expect("records"));
    }
    let mut shown: Vec<String> = records
        .into_iter()
        .filter(|record| record.content.is_some())
        .map(|mut record| {
            record.committed = DateTime::<Utc>::UNIX_EPOCH;
            format!("{record:#?}")
        })
        .collect();
    shown.sort();
    shown
}

#[tokio::test]
async fn hand_copied_packages_are_taken_up() {
    let data = Data::new();
    let (store, mirror) = data.serve().await;
    push(&mirror, "pushed", "1.0").await;
    drop(mirror);
    store.close().await.expect("a close");
    let names = [
        "a.nupkg",
        "deep/er/and deeper/b.nupkg",
        "Some Package (x64) [1].NUPKG",
        "ünïcode ✓.nupkg",
        "100%25.nupkg",
        "~tilde#1.nupkg",
        "c/1.0.0/c.1.0.0.nupkg",
        "{brace}^|`.nupkg",
        "back\\slash.nupkg",
        "q?*\"<>.nupkg",
    ];
    for (number, name) in names.iter().enumerate() {
        let path = data.packages().join("choco").join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        let package = Nupkg::new(&format!("Copied.{number}"), "1.0").pack();
        fs::write(path, package.bytes).expect("a copy");
    }
    let other = data.packages().join("elsewhere");
    fs::create_dir_all(&other).expect("a folder");
    Nupkg::new("Another.Source", "2.0-Beta").pack().write_to(&other);
    let refused = [
        ("choco/not-a-zip.nupkg", b"PK?".to_vec()),
        ("choco/empty.nupkg", Vec::new()),
        ("choco/again.nupkg", Nupkg::new("pushed", "1.0.0").pack().bytes),
        ("no-source.nupkg", Nupkg::new("Rootless", "1.0").pack().bytes),
    ];
    for (name, bytes) in &refused {
        fs::write(data.packages().join(name), bytes).expect("a copy");
    }

    let report = Store::reindex(settings(&data.path()), &data.clock, &|_| ())
        .await
        .expect("a reindex");
    let mut reasons: Vec<String> = report
        .refusals
        .iter()
        .map(|refusal| {
            let path = refusal.path.strip_prefix(data.packages()).expect("a path below");
            format!("{}: {}", path.display(), refusal.reason)
        })
        .collect();
    reasons.sort();
    assert_eq!(reasons.len(), refused.len(), "{reasons:#?}");
    for (reason, (start, end)) in reasons.iter().zip([
        ("choco/again.nupkg: ", "pushed 1.0.0 is there already, with other bytes"),
        ("choco/empty.nupkg: ", ""),
        ("choco/not-a-zip.nupkg: ", ""),
        ("no-source.nupkg: ", "move it to data/packages/<feed name>/"),
    ]) {
        assert!(reason.starts_with(start) && reason.ends_with(end), "{reason}");
    }
    assert_eq!((report.indexed, report.taken_up), (12, 11));

    let (store, _, opening) = data.open().await;
    assert!(matches!(opening, Opening::Clean), "{opening:?}");
    let known = ids(&store).await;
    assert_eq!(known["elsewhere/another.source"], ["2.0-Beta"]);
    for number in 0..names.len() {
        assert_eq!(known[&format!("choco/copied.{number}")], ["1.0"]);
    }
    // They lie where every package lies, and nowhere else.
    let mut left: Vec<String> = files(&data.packages());
    left.retain(|name| !name.ends_with("/package.json"));
    let is_in_place = |name: &String| {
        name.split('/').count() == 4 && name.len() == name.rfind('/').unwrap_or(0) + 1 + "0123456789abcdef.nupkg".len()
    };
    let (in_place, elsewhere): (Vec<String>, Vec<String>) = left.into_iter().partition(is_in_place);
    assert_eq!(in_place.len(), 12, "{in_place:#?}");
    let mut expected: Vec<&str> = refused.iter().map(|(name, _)| *name).collect();
    expected.sort_unstable();
    assert_eq!(elsewhere, expected);
    store.close().await.expect("a close");
    // Again it finds the same, and nothing new.
    let report = Store::reindex(settings(&data.path()), &data.clock, &|_| ())
        .await
        .expect("a reindex");
    assert_eq!((report.indexed, report.taken_up, report.refusals.len()), (12, 0, 4));
}

/// A v2 upstream and a template one, both at the same place.
fn upstreams_of(gallery: &ScriptedUpstream) -> Vec<Arc<dyn Upstream>> {
    vec![
        Arc::new(
            V2Upstream::new(V2Settings {
                name: "gallery".parse().expect("a name"),
                base: gallery.url("/api/v2/").parse().expect("a URL"),
                client: upstream_v2::settings(upstream_v2::patient()),
                limits: Limits::default(),
            })
            .expect("an upstream"),
        ),
        Arc::new(
            TemplateUpstream::new(TemplateSettings {
                name: "vendor".parse().expect("a name"),
                template: gallery.url("/files/@ID.@VERSION.nupkg"),
                client: upstream_v2::settings(upstream_v2::patient()),
            })
            .expect("an upstream"),
        ),
    ]
}

#[tokio::test]
async fn a_rebuild_gives_the_same_records() {
    let gallery = ScriptedUpstream::start().await;
    let mirrored = Nupkg::new("Git", "2.0").description("From the gallery").pack();
    let other = Nupkg::new("Git", "1.0").pack();
    let template = Nupkg::new("Vendor.Tool", "3.1.0").pack();
    let properties = |package: &Packed, more: &str| {
        format!(
            "<d:Id>Git</d:Id><d:Title>Git &amp; more</d:Title><d:Created m:type=\"Edm.DateTime\">2020-01-02T03:04:05.1234567</d:Created>\
             <d:Published m:type=\"Edm.DateTime\">2021-02-03T04:05:06.7</d:Published>\
             <d:PackageSize m:type=\"Edm.Int64\">{}</d:PackageSize><d:DownloadCount m:type=\"Edm.Int32\">77</d:DownloadCount>\
             <d:Unknown.Thing m:type=\"Edm.Guid\">kept</d:Unknown.Thing><d:Empty m:null=\"true\" />{more}",
            package.bytes.len()
        )
    };
    let hidden = "<d:LastEdited m:type=\"Edm.DateTime\">2022-01-01T00:00:00</d:LastEdited><d:Listed m:type=\"Edm.Boolean\">false</d:Listed>";
    let entries = [
        atom_entry("Git", "1.0", &gallery.url("/get/Git/1.0"), &properties(&other, hidden)),
        atom_entry("Git", "2.0", &gallery.url("/get/Git/2.0"), &properties(&mirrored, "")),
    ];
    gallery.on(
        "/api/v2/FindPackagesById()?id=%27Git%27&semVerLevel=2.0.0",
        Reply::feed(atom_feed(&entries, None)),
    );
    gallery.on(
        "/api/v2/FindPackagesById()?id=%27Vendor.Tool%27&semVerLevel=2.0.0",
        Reply::feed(atom_feed(&[], None)),
    );
    gallery.on("/get/Git/1.0", Reply::ok(other.bytes.clone()));
    gallery.on("/get/Git/2.0", Reply::ok(mirrored.bytes.clone()));
    gallery.on("/files/vendor.tool.3.1.0.nupkg", Reply::ok(template.bytes.clone()));
    gallery.on("/files/Vendor.Tool.3.1.0.nupkg", Reply::ok(template.bytes.clone()));
    let data = Data::new();
    let (store, mirror) = data.serve_with(upstreams_of(&gallery)).await;
    for (name, number) in [("Git", "1.0"), ("Git", "2.0"), ("Vendor.Tool", "3.1.0")] {
        let located = mirror.locate(&feed(), &id(name), &version(number)).await;
        if let Located::Arriving(arriving) = located.expect("a package").located {
            arriving.wait().await.expect("a package that comes");
        }
    }
    let described = |number: &str| {
        Nupkg::new("Contoso.App", number)
            .description(&"Long words. ".repeat(30))
            .tags("a b")
    };
    publish(&mirror, &described("1.0").pack(), pushed_by("Ann of the desk"))
        .await
        .expect("a push");
    publish(&mirror, &described("2.0-RC.1+meta").pack(), Origin::Imported)
        .await
        .expect("an import");
    publish(&mirror, &described("3.0").pack(), pushed_by("Bob"))
        .await
        .expect("a push");
    publish(&mirror, &described("4.0").pack(), pushed_by("Bob"))
        .await
        .expect("a push");
    let app = id("contoso.app");
    for (number, listed) in [("1.0", Listed::No), ("3.0", Listed::No), ("3.0", Listed::Yes)] {
        mirror
            .set_listed(&feed(), &app, &version(number), listed)
            .await
            .expect("a listing");
    }
    mirror.remove(&feed(), &app, &version("4.0")).await.expect("a removal");
    let before = held(&store).await;
    assert_eq!(before.len(), 6, "{before:#?}");
    drop(mirror);
    store.close().await.expect("a close");

    Store::reindex(settings(&data.path()), &data.clock, &|_| ())
        .await
        .expect("a reindex");
    let (store, _, opening) = data.open().await;
    assert!(matches!(opening, Opening::Clean));
    pretty_assert(&held(&store).await, &before);
    store.close().await.expect("a close");

    fs::remove_dir_all(data.path().join("index")).expect("an index to delete");
    let (store, _, opening) = data.open().await;
    assert!(
        matches!(opening, Opening::Rebuilt { set_aside: None, .. }),
        "{opening:?}"
    );
    pretty_assert(&held(&store).await, &before);
}

/// Compares record by record: a whole list is too long to read.
fn pretty_assert(found: &[String], expected: &[String]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let lines = found.lines().zip(expected.lines());
        let differences: Vec<_> = lines.filter(|(found, expected)| found != expected).collect();
        assert!(
            differences.is_empty() && found.len() == expected.len(),
            "{differences:#?} in {expected}"
        );
    }
}

#[tokio::test]
async fn what_a_crash_leaves_in_flight_is_swept() {
    let data = Data::new();
    let (store, mirror) = data.serve().await;
    push(&mirror, "git", "1.0").await;
    let crashed = data.crash();
    drop((store, mirror));
    let place = crashed.packages().join("choco/git/1.0.0");
    for staged in ["0123456789abcdef.nupkg#1", "package.json#12"] {
        fs::write(place.join(staged), "half").expect("a file");
    }
    fs::write(place.join("notes#x.txt"), "mine").expect("a file");
    let spool = crashed.path().join("spool");
    fs::write(spool.join("0.part"), "half").expect("a file");
    fs::create_dir_all(spool.join("folder")).expect("a folder");

    let (store, _, opening) = crashed.open().await;
    assert!(matches!(opening, Opening::Checked(_)), "{opening:?}");
    assert!(files(&spool).is_empty() && !spool.join("folder").exists());
    let left = files(&place);
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.contains(&"notes#x.txt".to_owned()));
    assert_eq!(ids(&store).await["choco/git"], ["1.0"]);
}

#[tokio::test]
async fn a_crash_between_files_and_index_is_mended() {
    let data = Data::new();
    let (store, mirror) = data.serve().await;
    push(&mirror, "kept", "1.0").await;
    push(&mirror, "deleted", "1.0").await;
    push(&mirror, "unlisted", "1.0").await;
    let before = data.crash();
    push(&mirror, "kept", "2.0").await;
    push(&mirror, "new", "1.0").await;
    mirror
        .set_listed(&feed(), &id("unlisted"), &version("1.0"), Listed::No)
        .await
        .expect("a listing");
    mirror
        .remove(&feed(), &id("deleted"), &version("1.0"))
        .await
        .expect("a removal");
    let after = held(&store).await;

    // The index as it was, the files as they are: each change lost between its sidecar and its commit.
    let crashed = data.crash();
    fs::remove_dir_all(crashed.path().join("index")).expect("an index");
    folder::copy(&before.path().join("index"), &crashed.path().join("index"));
    let (restored, rows, opening) = crashed.open().await;
    let Opening::Checked(report) = &opening else {
        panic!("{opening:?}")
    };
    assert_eq!((report.indexed, report.dropped, report.refusals.len()), (3, 1, 0));
    pretty_assert(&held(&restored).await, &after);
    assert_eq!(rows.iter().filter(|change| !change.rows.is_empty()).count(), 3);
    restored.close().await.expect("a close");
    let (restored, _, opening) = crashed.open().await;
    assert!(matches!(opening, Opening::Clean), "{opening:?}");
    drop(restored);

    // The files as they were before, the index as it is: sidecars come first, so this is no crash but a loss of files.
    let lost = data.crash();
    fs::remove_dir_all(lost.packages()).expect("packages");
    folder::copy(&before.packages(), &lost.packages());
    let (lost, _, _) = lost.open().await;
    assert_eq!(ids(&lost).await.len(), 3);
    drop((store, mirror));
}

#[tokio::test]
async fn a_push_cut_before_its_sidecar_never_was() {
    let data = Data::new();
    let (store, mirror) = data.serve().await;
    push(&mirror, "git", "1.0").await;
    let crashed = data.crash();
    drop((store, mirror));
    fs::remove_file(crashed.packages().join("choco/git/1.0.0/package.json")).expect("a sidecar");
    let (store, mirror) = crashed.serve().await;
    assert!(ids(&store).await.is_empty());
    // It can be pushed again, with the same bytes or with others.
    push(&mirror, "git", "1.0").await;
    assert_eq!(ids(&store).await["choco/git"], ["1.0"]);
}

#[tokio::test]
async fn an_orderly_close_spares_the_scan() {
    let data = Data::new();
    let (store, _, opening) = data.open().await;
    assert!(
        matches!(opening, Opening::Rebuilt { set_aside: None, .. }),
        "{opening:?}"
    );
    store.close().await.expect("a close");
    let reopen = async || {
        let (store, _, opening) = data.open().await;
        store.close().await.expect("a close");
        opening
    };
    assert!(matches!(reopen().await, Opening::Clean));
    assert!(matches!(reopen().await, Opening::Clean));

    let database = data.path().join("index/db");
    let touch = |by| set_modified(&database, modified(&database) + Duration::from_millis(by));
    touch(10);
    assert!(matches!(reopen().await, Opening::Checked(_)), "another time");
    assert!(matches!(reopen().await, Opening::Clean));
    fs::write(data.path().join("index/more"), "x").expect("a file");
    assert!(matches!(reopen().await, Opening::Checked(_)), "another file");
    fs::remove_file(data.path().join("index/more")).expect("a file");
    assert!(matches!(reopen().await, Opening::Checked(_)), "one file fewer");
    fs::write(data.path().join("state/index-closed.json"), "{").expect("a note");
    assert!(matches!(reopen().await, Opening::Checked(_)), "no note");
    assert!(matches!(reopen().await, Opening::Clean));

    // A process that ends without closing leaves no note, though the one before it did.
    let (store, ..) = data.open().await;
    let crashed = data.crash();
    let (_, _, opening) = crashed.open().await;
    assert!(matches!(opening, Opening::Checked(_)), "{opening:?}");
    drop(store);
}

#[tokio::test]
async fn one_process_at_a_time() {
    let data = Data::new();
    let (store, ..) = data.open().await;
    let in_flight = store.spool.join("0.part");
    fs::write(&in_flight, "half").expect("a file");
    for refused in [
        Store::open(settings(&data.path()), &data.clock).await.err(),
        Store::reindex(settings(&data.path()), &data.clock, &|_| ()).await.err(),
    ] {
        let refused = refused.expect("a refusal");
        assert!(matches!(refused, OpenError::InUse { .. }));
        let text = refused.to_string();
        assert!(
            text.contains("is in use by another larder") && text.contains("data"),
            "{text}"
        );
    }
    // The refused ones did no harm: what was in flight still is.
    assert!(in_flight.exists());
    store.close().await.expect("a close");
    data.open().await.0.close().await.expect("a close");
}

#[tokio::test]
async fn folders_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "a file").expect("a file");
    let blocked = folder.path().join("blocked");
    fs::create_dir(&blocked).expect("a folder");
    fs::write(blocked.join("packages"), "a file").expect("a file");
    let no_lock = folder.path().join("no-lock");
    fs::create_dir_all(no_lock.join("lock")).expect("a folder");
    for (data, named) in [
        (file.join("data"), "file/data"),
        (file.clone(), "file"),
        (blocked, "blocked/packages"),
        (no_lock, "no-lock/lock"),
        (PathBuf::from("/proc/larder"), "/proc/larder"),
    ] {
        let refused = Store::open(settings(&data), &Clock::system()).await.err();
        let text = refused.expect("a refusal").to_string();
        assert!(text.starts_with("cannot ") && text.contains(named), "{text}");
    }
}

#[tokio::test]
async fn a_file_in_the_place_of_a_folder_is_replaced() {
    let data = Data::new();
    let (store, mirror) = data.serve().await;
    push(&mirror, "git", "1.0").await;
    drop(mirror);
    store.close().await.expect("a close");
    for name in ["index", "spool"] {
        let path = data.path().join(name);
        fs::remove_dir_all(&path).expect("a folder");
        fs::write(&path, "a file").expect("a file");
    }
    let report = Store::reindex(settings(&data.path()), &data.clock, &|_| ()).await;
    assert_eq!(report.expect("a reindex").indexed, 1);
    let (store, ..) = data.open().await;
    assert_eq!(ids(&store).await["choco/git"], ["1.0"]);
}

/// The index remembers times to the tick; a clock that jumps back must not make a mended package come undone.
#[tokio::test]
async fn a_clock_that_went_back_loses_nothing() {
    let now = Clock::system().now();
    let manual = ManualClock::at(now - chrono::Duration::days(400));
    let data = Data {
        folder: tempfile::tempdir().expect("a temporary folder"),
        clock: manual.clock(),
    };
    let (store, mirror) = data.serve().await;
    push(&mirror, "git", "1.0").await;
    mirror
        .set_listed(&feed(), &id("git"), &version("1.0"), Listed::No)
        .await
        .expect("a listing");
    let before = held(&store).await;
    let crashed = data.crash();
    let (crashed, _, _) = crashed.open().await;
    pretty_assert(&held(&crashed).await, &before);
}
