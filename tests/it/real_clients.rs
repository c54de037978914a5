//! The main job, done by real clients: nuget 2.8.7, nuget.exe 4.7.1, chocolatey-choco and `dotnet restore` install and push
//! through a mirror whose upstream is another larder, and go on installing when that upstream is gone.
//!
//! One scenario with one origin and one mirror, because starting and filling them is dearer than the clients' commands;
//! in each phase the clients run side by side.

mod chain;
mod commands;
mod long_questions;
mod private_ids;
mod published;

use std::thread;

use commands::{Client, lines_of};
use published::{Published, hosted_id, reserved_id};

use crate::support::clients::{Clients, Home};
use crate::support::corpus;
use crate::support::feed::Feed;
use crate::support::larder::LarderProcess;
use crate::support::nupkg::Nupkg;
use crate::support::raw_http;

/// An id of the corpus that no client asks for while the upstream is there.
const NEVER_ASKED_FOR: &str = "gimp";

const ORIGIN: &str = r#"
[[feed]]
name = "community"
default = true
"#;

fn mirror_of(upstream: &str) -> String {
    format!(
        r#"
[[upstream]]
name = "community"
kind = "v2"
url = "{upstream}"

[[feed]]
name = "choco"
default = true
upstreams = ["community"]
reserved = ["contoso.*"]
"#
    )
}

#[test]
fn real_clients_install_push_and_outlive_the_upstream() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let Some(folder) = corpus::folder("packages") else {
        return;
    };
    let published = Published::new(&folder);
    let mut origin = LarderProcess::start(ORIGIN);
    published.import_into(&origin);
    let mut mirror = LarderProcess::start(&mirror_of(&origin.feed_url()));
    let scenario = Scenario {
        clients: &clients,
        published: &published,
    };

    scenario.list_all_of(&origin);
    scenario.side_by_side(&mirror, Scenario::install_all);
    scenario.side_by_side(&mirror, Scenario::push_and_unlist);
    private_ids::are_never_overtaken(&mirror);

    origin.stop();
    scenario.works_without_upstream(&mirror);

    mirror.kill();
    mirror.restart();
    scenario.works_without_upstream(&mirror);

    mirror.stop();
    std::fs::remove_dir_all(mirror.data_dir().join("index")).expect("an index to delete");
    mirror.restart();
    scenario.works_without_upstream(&mirror);
}

struct Scenario<'a> {
    clients: &'a Clients,
    published: &'a Published,
}

impl Scenario<'_> {
    /// Runs a step for every client at once; a client that fails fails the test with its own message.
    fn side_by_side(&self, mirror: &LarderProcess, step: impl Fn(&Self, Client, &str) + Sync) {
        let feed = mirror.feed_url();
        thread::scope(|scope| {
            for client in Client::ALL {
                let (step, feed) = (&step, feed.as_str());
                thread::Builder::new()
                    .name(format!("{client:?}"))
                    .spawn_scoped(scope, move || step(self, client, feed))
                    .expect("a thread");
            }
        });
    }

    /// Real clients page through the whole feed: every id once, every version once.
    fn list_all_of(&self, origin: &LarderProcess) {
        let mut expected: Vec<String> = self
            .published
            .accepted()
            .map(|it| format!("{} {}", it.id, it.normalised_version()))
            .collect();
        expected.sort_unstable();
        let mut stable_ids: Vec<String> = self
            .published
            .accepted()
            .filter(|it| !it.is_prerelease())
            .map(|it| it.id.to_lowercase())
            .collect();
        stable_ids.sort_unstable();
        stable_ids.dedup();
        let feed = origin.feed_url();
        thread::scope(|scope| {
            scope.spawn(|| {
                let listed = self.nuget4(&Home::new(), &["list", "-AllVersions", "-Prerelease", "-Source", &feed]);
                assert_eq!(lines_of(&listed.expect_success()), expected);
            });
            scope.spawn(|| {
                let listed = self.nuget2(&Home::new(), &["list", "-Source", &feed]).expect_success();
                let ids: Vec<String> = lines_of(&listed)
                    .iter()
                    .filter_map(|line| line.split_once(' ').map(|(id, _)| id.to_lowercase()))
                    .collect();
                let mut sorted = ids.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, stable_ids);
            });
        });
    }

    /// List or search, install latest, install a version, install with dependencies; always from empty caches.
    fn install_all(&self, client: Client, feed: &str) {
        match client {
            Client::Nuget2 => {
                self.nuget2(&Home::new(), &["list", "ffmpeg", "-Source", feed])
                    .expect_success()
                    .expect_output("ffmpeg 9.0.1");
                self.install(client, feed, "ffmpeg", None, &["ffmpeg.9.0.1"]);
                self.install(
                    client,
                    feed,
                    "absolute-uninstaller",
                    Some("5.3.1.31"),
                    &["absolute-uninstaller.5.3.1.31"],
                );
                // NuGet 2.8 refuses nuspecs of the 2015 schema, which most of the corpus has; these two are older.
                let with_dependency = ["python-x86_32.3.5.2.20170425", "python3-x86_32.3.5.2.20170425"];
                self.install(client, feed, "python-x86_32", None, &with_dependency);
            }
            Client::Nuget4 => {
                self.nuget4(&Home::new(), &["list", "calibre", "-Source", feed])
                    .expect_success()
                    .expect_output("calibre 9.13.0");
                self.install(client, feed, "calibre", None, &["calibre.9.13.0"]);
                // The feed spells it `Wget`.
                self.install(client, feed, "wget", Some("1.21.1.20210323"), &["wget.1.21.1.20210323"]);
                self.install(client, feed, "cmake", None, &["cmake.4.4.2", "cmake.install.4.4.2"]);
            }
            Client::Choco => {
                for (option, id, version) in [
                    ("--by-id-only", "nodejs.install", "26.7.0"),
                    ("--exact", "octave.portable", "10.1.0"),
                ] {
                    // With the slash at the end of the source it asks for `/api/v2//Packages`.
                    self.choco(&Home::new(), &["search", "-s", feed, option, id])
                        .expect_success()
                        .expect_output(&format!("{id} {version}"));
                    self.download_by_hand(feed, id, version);
                }
            }
            Client::Dotnet => self.restore(
                feed,
                &[
                    ("curl", "*"),
                    ("pencil", "[3.1.0]"),
                    ("etcd", "3.7.1"),
                    ("Larder.Toolkit", "2.0.0-rc.1"),
                ],
                &[
                    "curl.8.21.0",
                    "pencil.3.1.0",
                    "etcd.3.7.1",
                    "nssm.2.24.101.20180116",
                    "larder.toolkit.2.0.0-rc.1",
                    "larder.base.1.0.0",
                ],
            ),
        }
    }

    /// Pushes two versions of a reserved id and one of a merely hosted id, finds them, unlists the higher version.
    fn push_and_unlist(&self, client: Client, feed: &str) {
        let (reserved, hosted) = (reserved_id(client.pusher()), hosted_id(client.pusher()));
        if client == Client::Nuget4 {
            // Not private yet, so it comes from the upstream: what is pushed now must shadow what is mirrored already.
            self.install(client, feed, &hosted, None, &[&format!("{hosted}.9.0.0")]);
        }
        for package in [
            Nupkg::new(&reserved, "1.0.0"),
            Nupkg::new(&reserved, "2.0.0"),
            Nupkg::new(&hosted, "1.0.0"),
        ] {
            self.push(client, feed, &package.pack()).expect_success();
        }
        if client == Client::Nuget4 {
            let again = self.push(client, feed, &Nupkg::new(&reserved, "2.0.0").pack());
            again
                .expect_failure()
                .expect_output("409")
                .expect_output("already exists");
        }
        self.finds(client, feed, &reserved, "2.0.0");
        self.unlist(client, feed, &reserved, "2.0.0");
        if client != Client::Dotnet {
            // A restore takes unlisted versions too: NuGet's GetAllVersionsAsync does not look at `Published`.
            self.finds(client, feed, &reserved, "1.0.0");
        }
        self.finds(client, feed, &hosted, "1.0.0");
    }

    /// What was installed before installs again, what is private stays so, and what is unknown is told apart from missing.
    fn works_without_upstream(&self, mirror: &LarderProcess) {
        self.side_by_side(mirror, Self::install_all);
        self.side_by_side(mirror, Self::unknown_id_is_unavailable);
        private_ids::are_never_overtaken(mirror);
        for target in ["/api/v2/", "/api/v2/$metadata"] {
            raw_http::get(mirror.authority(), target).expect_status(200);
        }
        for target in [
            format!("/api/v2/FindPackagesById()?id='{NEVER_ASKED_FOR}'&semVerLevel=2.0.0"),
            format!("/api/v2/Packages()?$filter=(tolower(Id)%20eq%20'{NEVER_ASKED_FOR}')%20and%20IsLatestVersion"),
            format!("/api/v2/Packages(Id='{NEVER_ASKED_FOR}',Version='2.10.24.3')"),
            format!("/api/v2/package/{NEVER_ASKED_FOR}/2.10.24.3"),
        ] {
            let answer = raw_http::get(mirror.authority(), &target);
            assert!(matches!(answer.status, 502..=504), "{target}: {answer:?}");
        }
        let search =
            "/api/v2/Search()?$filter=IsLatestVersion&searchTerm='etcd'&targetFramework=''&includePrerelease=false";
        let answer = raw_http::get(mirror.authority(), search).expect_status(200);
        let names = Feed::parse(&answer.text()).names();
        assert!(names.contains(&"etcd 3.7.1".to_owned()), "{search}: {names:?}");
        assert!(
            answer.header("X-NuGet-Warning").is_some(),
            "nothing says that the upstream is missing: {answer:?}"
        );
    }

    /// With the upstream gone, an id nobody asked for before is "unavailable" to every client, not "not found".
    fn unknown_id_is_unavailable(&self, client: Client, feed: &str) {
        let home = Home::new();
        let unknown = NEVER_ASKED_FOR;
        let install = [
            "install",
            unknown,
            "-Source",
            feed,
            "-OutputDirectory",
            "out",
            "-NonInteractive",
        ];
        let ran = match client {
            Client::Nuget2 => self.nuget2(&home, &install),
            Client::Nuget4 => self.nuget4(&home, &install),
            Client::Choco => self.choco(&home, &["search", "-s", feed.trim_end_matches('/'), "--exact", unknown]),
            Client::Dotnet => self.run_restore(&home, feed, &[(unknown, "*")]),
        };
        let ran = ran.expect_failure();
        // nuget 2.8 prints the answer's message, the others its status.
        let says_so = ["could not be asked", "502", "503", "504"];
        assert!(
            says_so.iter().any(|words| ran.output.contains(words)),
            "no word of the upstream in {ran}"
        );
    }
}
