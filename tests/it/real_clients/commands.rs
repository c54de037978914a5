//! The same few acts - install, find, push, unlist - in the words of each client.

use std::path::Path;

use super::Scenario;
use super::published::PUSHERS;
use crate::support::clients::Home;
use crate::support::corpus;
use crate::support::larder::ADMIN_KEY;
use crate::support::nupkg::Packed;
use crate::support::process::Ran;
use crate::support::raw_http;

/// One client, and which of its ids are its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Client {
    Nuget2,
    Nuget4,
    Choco,
    Dotnet,
}

impl Client {
    pub(super) const ALL: [Self; 4] = [Self::Nuget2, Self::Nuget4, Self::Choco, Self::Dotnet];

    pub(super) fn pusher(self) -> &'static str {
        match self {
            Self::Nuget2 => PUSHERS[0],
            Self::Nuget4 => PUSHERS[1],
            Self::Choco => PUSHERS[2],
            Self::Dotnet => PUSHERS[3],
        }
    }
}

impl Scenario<'_> {
    /// Installs with a nuget.exe into a new folder and compares what came with what was published.
    pub(super) fn install(&self, client: Client, feed: &str, id: &str, version: Option<&str>, expected: &[&str]) {
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
    pub(super) fn restore(&self, feed: &str, references: &[(&str, &str)], expected: &[&str]) {
        let home = Home::new();
        let ran = self.run_restore(&home, feed, references).expect_success();
        self.came_byte_for_byte(&ran, &home.path().join(".nuget/packages"), expected);
    }

    pub(super) fn run_restore(&self, home: &Home, feed: &str, references: &[(&str, &str)]) -> Ran {
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

    pub(super) fn came_byte_for_byte(&self, ran: &Ran, folder: &Path, expected: &[&str]) {
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

    /// The client takes `version` for the latest of `id`.
    pub(super) fn finds(&self, client: Client, feed: &str, id: &str, version: &str) {
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

    pub(super) fn unlist(&self, client: Client, feed: &str, id: &str, version: &str) {
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

    pub(super) fn push(&self, client: Client, feed: &str, package: &Packed) -> Ran {
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

    /// What chocolatey-choco cannot do: it has no install.
    pub(super) fn download_by_hand(&self, feed: &str, id: &str, version: &str) {
        let target = format!("/api/v2/package/{id}/{version}");
        let answer = raw_http::get(authority_of(feed), &target).expect_status(200);
        let name = format!("{id}.{version}.nupkg");
        assert!(answer.body == self.published.bytes()[&name], "{target} has other bytes");
    }

    pub(super) fn delete_by_hand(feed: &str, id: &str, version: &str) {
        let authority = authority_of(feed);
        let mut connection = raw_http::Connection::open(authority);
        let target = format!("/api/v2/package/{id}/{version}");
        connection.send(
            format!("DELETE {target} HTTP/1.1\r\nHost: {authority}\r\nX-NuGet-ApiKey: {ADMIN_KEY}\r\n\r\n").as_bytes(),
        );
        let answer = connection.answer("DELETE");
        assert!((200..300).contains(&answer.status), "DELETE {target}: {answer:?}");
    }

    pub(super) fn nuget2(&self, home: &Home, arguments: &[&str]) -> Ran {
        self.clients.nuget2(home, arguments)
    }

    pub(super) fn nuget4(&self, home: &Home, arguments: &[&str]) -> Ran {
        self.clients.nuget4(home, arguments)
    }

    pub(super) fn choco(&self, home: &Home, arguments: &[&str]) -> Ran {
        self.clients.choco(home, arguments)
    }
}

/// The lines of a listing, sorted, without the control sequences of a terminal.
pub(super) fn lines_of(ran: &Ran) -> Vec<String> {
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
pub(super) fn without_terminal(text: &str) -> String {
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

/// Returns `127.0.0.1:PORT` of a feed's URL.
fn authority_of(feed: &str) -> &str {
    feed.trim_start_matches("http://").split('/').next().unwrap_or_default()
}
