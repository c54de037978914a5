//! The real clients that `.ci/clients` installs, each run with a home folder of its own and so with its own caches.
//!
//! What a client needs to run at all on Linux is known here and nowhere else: nuget 2.8 a terminal with a width, nuget 4
//! mono, the .NET SDK an OpenSSL 1.1. What the clients are asked to do is the tests' business.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::corpus;
use super::process::{self, Ran};

/// A client's command takes 1 to 3 seconds; the first start under mono on a busy machine can take 20.
const DEADLINE: Duration = Duration::from_secs(120);

/// The installed clients.
pub(crate) struct Clients {
    folder: PathBuf,
}

/// A client that is not installed, with the file or program that was looked for.
#[derive(Debug)]
pub(crate) struct Missing {
    client: &'static str,
    looked_for: PathBuf,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} is not installed (no {}; `.ci/clients` installs it)",
            self.client,
            self.looked_for.display()
        )
    }
}

/// A home folder, and so the caches and settings, of one client; new ones are empty.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Clients {
    /// Returns the folder that they are installed in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Looks for every client in `$LARDER_CLIENTS` (or `target/clients`) and on the PATH.
    pub(crate) fn find() -> Result<Self, Missing> {
        let folder = std::env::var_os("LARDER_CLIENTS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients"),
            PathBuf::from,
        );
        let found = Self { folder };
        let needed = [
            ("nuget 2.8.7", on_path("nuget")),
            ("nuget 2.8.7", on_path("script")),
            ("nuget 2.8.7", on_path("taskset")),
            ("mono", on_path("mono")),
            ("mono's compiler", on_path("mcs")),
            ("NuGet.Core 2.8", PathBuf::from("/usr/lib/nuget/NuGet.Core.dll")),
            ("nuget 4.7.1", found.folder.join("nuget4/nuget.exe")),
            ("chocolatey-choco", found.folder.join("choco/bin/choco")),
            ("the .NET SDK 3.1", found.folder.join("dotnet/dotnet")),
            ("the .NET SDK's OpenSSL 1.1", found.folder.join("openssl/libssl.so.1.1")),
        ];
        match needed.into_iter().find(|(_, path)| !path.exists()) {
            Some((client, looked_for)) => Err(Missing { client, looked_for }),
            None => Ok(found),
        }
    }

    /// Finds the clients, or says which one is missing and that the test is skipped.
    pub(crate) fn find_or_skip() -> Option<Self> {
        Self::find().map_err(|missing| corpus::skip(&missing.to_string())).ok()
    }

    /// Runs Debian's nuget 2.8.7. It gets a pseudo-terminal with a width: without one it prints empty lines for ever.
    #[expect(clippy::unused_self, reason = "who has no `Clients` has no nuget")]
    pub(crate) fn nuget2(&self, home: &Home, arguments: &[&str]) -> Ran {
        let quoted: Vec<String> = arguments.iter().map(|argument| shell_quoted(argument)).collect();
        let line = format!("stty cols 250; exec nuget {}", quoted.join(" "));
        Self::run_at_home(
            home,
            Command::new("taskset").args(["-c", &processor(0), "script", "-qec", &line, "/dev/null"]),
        )
    }

    /// Runs nuget.exe 4.7.1 under mono.
    pub(crate) fn nuget4(&self, home: &Home, arguments: &[&str]) -> Ran {
        Self::run_at_home(
            home,
            Command::new("taskset")
                .args(["-c", &processor(1), "mono"])
                .arg(self.folder.join("nuget4/nuget.exe"))
                .args(arguments),
        )
    }

    /// Runs a program of one's own under mono.
    #[expect(clippy::unused_self, reason = "who has no `Clients` has no mono")]
    pub(crate) fn mono(&self, home: &Home, arguments: &[&str]) -> Ran {
        Self::run_at_home(
            home,
            Command::new("taskset")
                .args(["-c", &processor(0), "mono"])
                .args(arguments),
        )
    }

    /// Runs mono's C# compiler.
    #[expect(clippy::unused_self, reason = "who has no `Clients` has no mono")]
    pub(crate) fn mcs(&self, home: &Home, arguments: &[&str]) -> Ran {
        Self::run_at_home(
            home,
            Command::new("taskset")
                .args(["-c", &processor(0), "mcs"])
                .args(arguments),
        )
    }

    /// Runs chocolatey-choco, which can search and push.
    pub(crate) fn choco(&self, home: &Home, arguments: &[&str]) -> Ran {
        Self::run_at_home(home, Command::new(self.folder.join("choco/bin/choco")).args(arguments))
    }

    /// Runs `dotnet` of the .NET SDK 3.1.
    pub(crate) fn dotnet(&self, home: &Home, arguments: &[&str]) -> Ran {
        let mut command = Command::new(self.folder.join("dotnet/dotnet"));
        command
            .args(arguments)
            .env("LD_LIBRARY_PATH", self.folder.join("openssl"))
            .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
            .env("DOTNET_CLI_TELEMETRY_OPTOUT", "1")
            .env("DOTNET_SKIP_FIRST_TIME_EXPERIENCE", "1")
            .env("DOTNET_MULTILEVEL_LOOKUP", "0")
            .env("MSBUILDDISABLENODEREUSE", "1");
        Self::run_at_home(home, &mut command)
    }

    fn run_at_home(home: &Home, command: &mut Command) -> Ran {
        let temporary = home.path().join("tmp");
        std::fs::create_dir_all(&temporary).expect("a home that can be written");
        command
            .current_dir(home.path())
            .env("HOME", home.path())
            .env("TMPDIR", &temporary)
            .env_remove("NUGET_PACKAGES")
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME");
        for proxy in [
            "http_proxy",
            "HTTP_PROXY",
            "https_proxy",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
        ] {
            command.env_remove(proxy);
        }
        process::run(command, DEADLINE)
    }
}

fn on_path(program: &str) -> PathBuf {
    std::env::var_os("PATH")
        .and_then(|path| {
            std::env::split_paths(&path)
                .map(|folder| folder.join(program))
                .find(|file| file.exists())
        })
        .unwrap_or_else(|| PathBuf::from(program))
}

/// Picks one processor for a client under mono. On several, mono 6.8 now and then misses that one of its threads woke
/// another, and stands still until that one's own deadline, 5 to 60 seconds later (one command in two hundred).
fn processor(which: usize) -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux machine");
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .expect("the processors this process may use");
    let mut processors = Vec::new();
    for range in allowed.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        processors.extend(first.parse().expect("a number")..=last.parse::<usize>().expect("a number"));
    }
    processors[which % processors.len()].to_string()
}

fn shell_quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
