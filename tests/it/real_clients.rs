//! The main job, done by real clients: nuget 2.8.7, nuget.exe 4.7.1, chocolatey-choco and `dotnet restore` install and push
//! through a mirror whose upstream is another larder, and go on installing when that upstream is gone.
//!
//! One scenario with one origin and one mirror, because starting and filling them is dearer than the clients' commands;
//! in each phase the clients run side by side.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use crate::support::clients::{Clients, Home};
use crate::support::corpus;
use crate::support::feed::Feed;
use crate::support::larder::{ADMIN_KEY, LarderProcess};
use crate::support::nupkg::{Nupkg, Packed, pack_corpus};
use crate::support::process::Ran;
use crate::support::raw_http;

/// Nuspecs of the corpus that no NuGet server takes, each with a word its refusal must hold.
const REFUSED: [(&str, &str); 1] = [
    // An id must not end in a separator: NuGet.Packaging's PackageIdValidator, `^\w+([.-]\w+)*$`.
    ("googlechrome-.1.0.0.nupkg", "googlechrome-"),
];

/// An id of the corpus that no client asks for while the upstream is there.
const NEVER_ASKED_FOR: &str = "gimp";

/// One private id per client that pushes: they run side by side and must not meet.
const PUSHERS: [&str; 4] = ["nuget2", "nuget4", "choco", "dotnet"];

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
    Scenario::private_ids_are_never_overtaken(&mirror);

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

/// What the origin holds: the corpus, a library for `dotnet`, and higher versions of the ids the mirror keeps private.
struct Published {
    folder: tempfile::TempDir,
    packages: Vec<Packed>,
}

impl Published {
    fn new(corpus: &Path) -> Self {
        let mut packages = pack_corpus(corpus);
        assert_eq!(packages.len(), 310, "the corpus says it has 310 nuspecs");
        packages.push(
            Nupkg::new("Larder.Base", "1.0.0")
                .file("lib/netstandard2.0/_._", "")
                .pack(),
        );
        packages.push(
            Nupkg::new("Larder.Base", "1.1.0")
                .file("lib/netstandard2.0/_._", "")
                .pack(),
        );
        let library = Nupkg::new("Larder.Library", "2.0.0-rc.1").depends_on("larder.base", "[1.0,2.0)");
        packages.push(library.file("lib/netstandard2.0/_._", "").pack());
        for pusher in PUSHERS {
            packages.push(
                Nupkg::new(&reserved_id(pusher), "9.0.0")
                    .description("must not be seen")
                    .pack(),
            );
            packages.push(
                Nupkg::new(&hosted_id(pusher), "9.0.0")
                    .description("must not be seen")
                    .pack(),
            );
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        for package in &packages {
            package.write_to(folder.path());
        }
        Self { folder, packages }
    }

    /// Imports the folder, which holds what must be refused as well, and looks at the summary.
    fn import_into(&self, origin: &LarderProcess) {
        let ran = origin.import(&[self.folder.path()]).expect_failure();
        for (file, word) in REFUSED {
            let named = ran
                .output
                .lines()
                .any(|line| line.contains(file) && line.contains(word));
            assert!(named, "the refusal of {file} is not told by {ran}");
        }
        let answer = raw_http::get(origin.authority(), "/api/v2/Packages()/$count").expect_status(200);
        assert_eq!(answer.text(), self.accepted().count().to_string(), "{ran}");
    }

    fn accepted(&self) -> impl Iterator<Item = &Packed> {
        self.packages
            .iter()
            .filter(|package| !REFUSED.iter().any(|(file, _)| *file == package.file_name()))
    }

    /// The bytes of every package, by the lower-cased name clients give to its file.
    fn bytes(&self) -> BTreeMap<String, &[u8]> {
        self.packages
            .iter()
            .map(|package| (package.file_name().to_lowercase(), package.bytes.as_slice()))
            .collect()
    }
}

/// An id that matches the mirror's reserved pattern.
fn reserved_id(pusher: &str) -> String {
    format!("contoso.{pusher}")
}

/// An id that is private because it is hosted, and for no other reason.
fn hosted_id(pusher: &str) -> String {
    format!("intranet.{pusher}")
}

struct Scenario<'a> {
    clients: &'a Clients,
    published: &'a Published,
}

/// One client, and which of its ids are its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Client {
    Nuget2,
    Nuget4,
    Choco,
    Dotnet,
}

impl Client {
    const ALL: [Self; 4] = [Self::Nuget2, Self::Nuget4, Self::Choco, Self::Dotnet];

    fn pusher(self) -> &'static str {
        match self {
            Self::Nuget2 => PUSHERS[0],
            Self::Nuget4 => PUSHERS[1],
            Self::Choco => PUSHERS[2],
            Self::Dotnet => PUSHERS[3],
        }
    }
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
                let feed = feed.trim_end_matches('/');
                self.choco(&Home::new(), &["search", "-s", feed, "nodejs.install"])
                    .expect_success()
                    .expect_output("nodejs.install 26.7.0");
                self.choco(&Home::new(), &["search", "-s", feed, "--exact", "octave.portable"])
                    .expect_success()
                    .expect_output("octave.portable 10.1.0");
            }
            Client::Dotnet => self.restore(
                feed,
                &[
                    ("curl", "*"),
                    ("pencil", "[3.1.0]"),
                    ("etcd", "3.7.1"),
                    ("Larder.Library", "2.0.0-rc.1"),
                ],
                &[
                    "curl.8.21.0",
                    "pencil.3.1.0",
                    "etcd.3.7.1",
                    "nssm.2.24.101.20180116",
                    "larder.library.2.0.0-rc.1",
                    "larder.base.1.0.0",
                ],
            ),
        }
    }

    /// Installs with a nuget.exe into a new folder and compares what came with what was published.
    fn install(&self, client: Client, feed: &str, id: &str, version: Option<&str>, expected: &[&str]) {
        let home = Home::new();
        let mut arguments = vec![
            "install",
            id,
            "-Source",
            feed,
            "-OutputDirectory",
            "out",
            "-NonInteractive",
        ];
        arguments.extend(version.map(|version| ["-Version", version]).into_iter().flatten());
        let ran = if client == Client::Nuget2 {
            self.nuget2(&home, &arguments)
        } else {
            self.nuget4(&home, &arguments)
        };
        self.came_byte_for_byte(&ran.expect_success(), &home.path().join("out"), expected);
    }

    /// Restores a project with `dotnet restore` and compares what came with what was published.
    fn restore(&self, feed: &str, references: &[(&str, &str)], expected: &[&str]) {
        let home = Home::new();
        let ran = self.run_restore(&home, feed, references).expect_success();
        self.came_byte_for_byte(&ran, &home.path().join(".nuget/packages"), expected);
    }

    fn run_restore(&self, home: &Home, feed: &str, references: &[(&str, &str)]) -> Ran {
        let references: Vec<String> = references
            .iter()
            .map(|(id, version)| format!("    <PackageReference Include=\"{id}\" Version=\"{version}\" />\n"))
            .collect();
        let references = references.concat();
        let project = format!(
            "<Project Sdk=\"Microsoft.NET.Sdk\">\n  <PropertyGroup>\n    <TargetFramework>netcoreapp3.1</TargetFramework>\n    \
             <UseAppHost>false</UseAppHost>\n  </PropertyGroup>\n  <ItemGroup>\n{references}  </ItemGroup>\n</Project>\n"
        );
        std::fs::write(home.path().join("project.csproj"), project).expect("a project file");
        // The only source: the client must not look for packages anywhere else.
        let sources = format!(
            "<configuration><packageSources><clear /><add key=\"mirror\" value=\"{feed}\" /></packageSources></configuration>"
        );
        std::fs::write(home.path().join("nuget.config"), sources).expect("a settings file");
        self.clients.dotnet(home, &["restore", "project.csproj"])
    }

    fn came_byte_for_byte(&self, ran: &Ran, folder: &Path, expected: &[&str]) {
        let bytes = self.published.bytes();
        let mut came = Vec::new();
        for path in corpus::files(folder, "nupkg") {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .expect("a name in UTF-8")
                .to_lowercase();
            let found = std::fs::read(&path).expect("an installed package");
            let published = bytes
                .get(&name)
                .unwrap_or_else(|| panic!("{name} was never published: {ran}"));
            assert!(found == *published, "{name} came with other bytes: {ran}");
            came.push(name.trim_end_matches(".nupkg").to_owned());
        }
        came.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(came, expected, "{ran}");
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

    /// The client takes `version` for the latest of `id`.
    fn finds(&self, client: Client, feed: &str, id: &str, version: &str) {
        let home = Home::new();
        let found = match client {
            Client::Nuget2 => self.nuget2(&home, &["list", id, "-Source", feed]),
            Client::Nuget4 => self.nuget4(&home, &["list", id, "-Source", feed]),
            Client::Choco => self.choco(&home, &["search", "-s", feed.trim_end_matches('/'), "--exact", id]),
            Client::Dotnet => {
                self.run_restore(&home, feed, &[(id, "*")]).expect_success();
                let installed = home.path().join(".nuget/packages").join(id).join(version);
                assert!(
                    installed.is_dir(),
                    "dotnet restore took another version of {id} than {version}"
                );
                return;
            }
        };
        found.expect_success().expect_output(&format!("{id} {version}"));
    }

    fn unlist(&self, client: Client, feed: &str, id: &str, version: &str) {
        let home = Home::new();
        let delete = [
            "delete",
            id,
            version,
            "-Source",
            feed,
            "-ApiKey",
            ADMIN_KEY,
            "-NonInteractive",
        ];
        let ran = match client {
            Client::Nuget2 => self.nuget2(&home, &delete),
            Client::Nuget4 => self.nuget4(&home, &delete),
            // It has no delete; its users go through the address.
            Client::Choco => return Self::delete_by_hand(feed, id, version),
            Client::Dotnet => {
                let delete = [
                    "nuget",
                    "delete",
                    id,
                    version,
                    "-s",
                    feed,
                    "-k",
                    ADMIN_KEY,
                    "--non-interactive",
                ];
                self.clients.dotnet(&home, &delete)
            }
        };
        ran.expect_success().expect_output("was deleted successfully");
    }

    fn push(&self, client: Client, feed: &str, package: &Packed) -> Ran {
        let home = Home::new();
        package.write_to(home.path());
        // Relative to the home: nuget 2.8 makes nonsense of an absolute Unix path.
        let file = package.file_name();
        let file = file.as_str();
        match client {
            Client::Nuget2 => self.nuget2(
                &home,
                &["push", file, "-Source", feed, "-ApiKey", ADMIN_KEY, "-NonInteractive"],
            ),
            Client::Nuget4 => self.nuget4(
                &home,
                &["push", file, "-Source", feed, "-ApiKey", ADMIN_KEY, "-NonInteractive"],
            ),
            Client::Choco => {
                // It looks for the key under the address it pushes to.
                let feed = feed.trim_end_matches('/');
                self.choco(&home, &["apikey", "add", "-s", feed, "-k", ADMIN_KEY])
                    .expect_success();
                self.choco(&home, &["push", "-s", feed, file])
            }
            Client::Dotnet => self
                .clients
                .dotnet(&home, &["nuget", "push", file, "-s", feed, "-k", ADMIN_KEY]),
        }
    }

    fn delete_by_hand(feed: &str, id: &str, version: &str) {
        let authority = feed
            .trim_start_matches("http://")
            .split('/')
            .next()
            .expect("an authority");
        let mut connection = raw_http::Connection::open(authority);
        let target = format!("/api/v2/package/{id}/{version}");
        connection.send(
            format!("DELETE {target} HTTP/1.1\r\nHost: {authority}\r\nX-NuGet-ApiKey: {ADMIN_KEY}\r\n\r\n").as_bytes(),
        );
        let answer = connection.answer("DELETE");
        assert!((200..300).contains(&answer.status), "DELETE {target}: {answer:?}");
    }

    /// No route shows the origin's higher version of a private id, nor an unlisted version as the latest.
    fn private_ids_are_never_overtaken(mirror: &LarderProcess) {
        for pusher in PUSHERS {
            for id in [reserved_id(pusher), hosted_id(pusher)] {
                for target in lists_of(&id) {
                    let answer = raw_http::get(mirror.authority(), &target).expect_status(200);
                    let names = Feed::parse(&answer.text()).names();
                    assert!(
                        names.contains(&format!("{id} 1.0.0")),
                        "{target} does not show {id} 1.0.0: {names:?}"
                    );
                    assert!(
                        !names.contains(&format!("{id} 9.0.0")),
                        "{target} shows {id} 9.0.0: {names:?}"
                    );
                    let shows_unlisted = names.contains(&format!("{id} 2.0.0"));
                    assert!(
                        !shows_unlisted || target.contains("FindPackagesById()?id"),
                        "{target}: {names:?}"
                    );
                }
                for target in [
                    format!("/api/v2/Packages(Id='{id}',Version='9.0.0')"),
                    format!("/api/v2/package/{id}/9.0.0"),
                ] {
                    raw_http::get(mirror.authority(), &target).expect_status(404);
                }
                let count =
                    format!("/api/v2/Packages()/$count?$filter=Id%20eq%20'{id}'%20and%20Version%20eq%20'9.0.0'");
                assert_eq!(
                    raw_http::get(mirror.authority(), &count).expect_status(200).text(),
                    "0",
                    "{count}"
                );
                let latest = raw_http::get(mirror.authority(), &format!("/api/v2/package/{id}")).expect_status(200);
                let expected = Nupkg::new(&id, "1.0.0").pack().bytes;
                assert!(latest.body == expected, "/api/v2/package/{id} is not {id} 1.0.0");
            }
            // Unlisted is not gone: who asks for the version gets it.
            let target = format!("/api/v2/package/{}/2.0.0", reserved_id(pusher));
            let unlisted = raw_http::get(mirror.authority(), &target).expect_status(200);
            assert!(
                unlisted.body == Nupkg::new(&reserved_id(pusher), "2.0.0").pack().bytes,
                "{target}"
            );
        }
    }

    /// What was installed before installs again, what is private stays so, and what is unknown is told apart from missing.
    fn works_without_upstream(&self, mirror: &LarderProcess) {
        self.side_by_side(mirror, Self::install_all);
        self.side_by_side(mirror, Self::unknown_id_is_unavailable);
        Self::private_ids_are_never_overtaken(mirror);
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
            "/api/v2/Search()?$filter=IsLatestVersion&searchTerm='ffmpeg'&targetFramework=''&includePrerelease=false";
        let answer = raw_http::get(mirror.authority(), search).expect_status(200);
        let names = Feed::parse(&answer.text()).names();
        assert!(names.contains(&"ffmpeg 9.0.1".to_owned()), "{search}: {names:?}");
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
        // nuget 2.8 prints no status; this warning is how it says that a source failed.
        let says_so = ["502", "503", "504", "Could not connect to the feed", "unavailable"];
        assert!(
            says_so.iter().any(|words| ran.output.contains(words)),
            "no word of the upstream in {ran}"
        );
    }

    fn nuget2(&self, home: &Home, arguments: &[&str]) -> Ran {
        self.clients.nuget2(home, arguments)
    }

    fn nuget4(&self, home: &Home, arguments: &[&str]) -> Ran {
        self.clients.nuget4(home, arguments)
    }

    fn choco(&self, home: &Home, arguments: &[&str]) -> Ran {
        self.clients.choco(home, arguments)
    }
}

/// Every list in which a version of `id` can show up.
fn lists_of(id: &str) -> Vec<String> {
    let parameters = "targetFramework=''&includePrerelease=true";
    vec![
        format!("/api/v2/FindPackagesById()?id='{id}'&semVerLevel=2.0.0"),
        format!("/api/v2/FindPackagesById()?$filter=IsLatestVersion&$orderby=Version%20desc&$top=1&id='{id}'"),
        format!("/api/v2/Packages()?$filter=(tolower(Id)%20eq%20'{id}')%20and%20IsLatestVersion"),
        format!("/api/v2/Packages()?$filter=(tolower(Id)%20eq%20'{id}')%20and%20IsAbsoluteLatestVersion"),
        format!("/api/v2/Search()?$filter=IsLatestVersion&$skip=0&$top=30&searchTerm='{id}'&{parameters}"),
        format!("/api/v2/Search()?$orderby=Id,Version%20desc&$skip=0&$top=30&searchTerm='{id}'&{parameters}"),
        format!("/api/v2/Search()?$filter=startswith(tolower(Id),'{id}')&$skip=0&$top=30&searchTerm=''&{parameters}"),
    ]
}

/// The lines of a listing, sorted, without the control sequences of a terminal.
fn lines_of(ran: &Ran) -> Vec<String> {
    let mut lines: Vec<String> = without_terminal(&ran.output)
        .lines()
        .map(str::trim)
        .filter(|line| line.split(' ').count() == 2)
        .map(str::to_owned)
        .collect();
    lines.sort_unstable();
    lines
}

/// Removes `ESC [ ... letter` and `ESC character`, which mono writes when it has a terminal.
fn without_terminal(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        let letter = |c: char| c.is_ascii_alphabetic();
        rest = match after.strip_prefix('[') {
            Some(sequence) => sequence
                .trim_start_matches(|c| !letter(c))
                .strip_prefix(letter)
                .unwrap_or_default(),
            None => after.get(1..).unwrap_or_default(),
        };
    }
    plain.push_str(rest);
    plain
}
