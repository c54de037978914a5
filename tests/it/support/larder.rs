//! The built binary as a process of its own, with a configuration and a data folder of its own, on a free loopback port.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::process::{self, Ran};

/// The administrator key of every larder the tests start, unless they ask for another.
pub(crate) const ADMIN_KEY: &str = "test-key";

const BINARY: &str = env!("CARGO_BIN_EXE_larder");
const READY: &str = "larder listening on ";
const START_DEADLINE: Duration = Duration::from_secs(60);
const STOP_DEADLINE: Duration = Duration::from_secs(30);
const COMMAND_DEADLINE: Duration = Duration::from_secs(120);

/// A larder that serves, or that was stopped and can be started again on the same data.
pub(crate) struct LarderProcess {
    folder: tempfile::TempDir,
    admin_key: String,
    /// What it logs, where that is not what it logs by itself.
    logs: Option<&'static str>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    base_url: String,
}

impl LarderProcess {
    /// Writes `configuration` as mirror.toml into a new folder and starts a larder on it, on a port of the system's
    /// choice. The configuration must not hold `[server].listen`; a `[server]` table, if any, comes first in it.
    pub(crate) fn start(configuration: &str) -> Self {
        Self::start_with_key(configuration, ADMIN_KEY)
    }

    /// Starts a larder whose administrator key is `admin_key`.
    pub(crate) fn start_with_key(configuration: &str, admin_key: &str) -> Self {
        let mut larder = Self::prepare(configuration, admin_key);
        larder.restart();
        larder
    }

    /// Writes the configuration without starting anything, for commands that run before the first start.
    pub(crate) fn prepare(configuration: &str, admin_key: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = configuration.strip_prefix("[server]\n").unwrap_or(configuration);
        let text = format!("[server]\nlisten = \"127.0.0.1:0\"\n{server}");
        std::fs::write(folder.path().join("mirror.toml"), text).expect("a configuration that can be written");
        Self {
            folder,
            admin_key: admin_key.to_owned(),
            logs: None,
            running: None,
        }
    }

    /// Stops the larder if it runs, and starts it on the same data; the port changes.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let mut child = self.spawn();
        let (ready, is_ready) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().expect("a piped stdout"));
        // Reads on after the line it waits for: a server must not stop on a full pipe.
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix(READY) {
                    drop(ready.send(url.trim_end_matches('/').to_owned()));
                }
            }
        });
        let Ok(base_url) = is_ready.recv_timeout(START_DEADLINE) else {
            drop(child.kill());
            drop(child.wait());
            panic!("larder did not say `{READY}...`; its log:\n{}", self.log());
        };
        self.running = Some(Running { child, base_url });
    }

    /// Starts or restarts it so that it logs what `LARDER_LOG` can say.
    pub(crate) fn restart_logging(&mut self, logs: &'static str) {
        self.logs = Some(logs);
        self.restart();
    }

    /// Makes every later start listen where this one does.
    pub(crate) fn keep_port(&self) {
        let file = self.configuration();
        let text = std::fs::read_to_string(&file).expect("the configuration");
        let text = text.replace("127.0.0.1:0", self.authority());
        std::fs::write(file, text).expect("a configuration that can be written");
    }

    /// Starts the larder and ends it with SIGKILL after a while, ready or not.
    pub(crate) fn start_and_kill(&mut self, after: Duration) {
        self.stop();
        let mut child = self.spawn();
        std::thread::sleep(after);
        child.kill().expect("a child to kill");
        child.wait().expect("a killed child to wait for");
    }

    fn spawn(&self) -> Child {
        let errors = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log_file())
            .expect("a log file that can be written");
        Command::new(BINARY)
            .args(["serve", "--config"])
            .arg(self.configuration())
            .env("LARDER_ADMIN_KEY", &self.admin_key)
            .envs(self.logs.map(|logs| ("LARDER_LOG", logs)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("the larder binary")
    }

    /// Returns `http://127.0.0.1:PORT`, without a slash at the end.
    pub(crate) fn base_url(&self) -> &str {
        &self.running.as_ref().expect("a larder that runs").base_url
    }

    /// Returns the address of the default feed, with a slash at the end, as users write it.
    pub(crate) fn feed_url(&self) -> String {
        format!("{}/api/v2/", self.base_url())
    }

    /// Returns its memory as Linux counts it, in KiB: what is resident now, and the most that was.
    pub(crate) fn memory_kib(&self) -> (u64, u64) {
        let id = self.running.as_ref().expect("a larder that runs").child.id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a process of Linux");
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
            number.expect("a number of kB")
        };
        (kib("VmRSS:"), kib("VmHWM:"))
    }

    /// Returns `127.0.0.1:PORT`.
    pub(crate) fn authority(&self) -> &str {
        self.base_url().trim_start_matches("http://")
    }

    /// Begins to measure the most memory anew.
    pub(crate) fn forget_peak(&self) {
        std::fs::write(self.proc_file("clear_refs"), "5").expect("a Linux machine");
    }

    /// Returns how much processor time it has used, to a hundredth of a second.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(self.proc_file("stat")).expect("a Linux machine");
        // The name in brackets may hold anything; user and system time are the 14th and 15th field.
        let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks
            .map(|ticks| ticks.parse::<u64>().expect("a number of ticks"))
            .sum();
        Duration::from_millis(ticks * 10)
    }

    fn proc_file(&self, name: &str) -> PathBuf {
        let running = self.running.as_ref().expect("a larder that runs");
        Path::new("/proc").join(running.child.id().to_string()).join(name)
    }

    /// Stops the larder with SIGTERM and waits for its clean end; does nothing if it does not run.
    pub(crate) fn stop(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        process::signal("TERM", &running.child.id().to_string());
        let started = Instant::now();
        loop {
            match running.child.try_wait().expect("a child to wait for") {
                Some(status) => {
                    assert!(
                        status.success(),
                        "larder ended with {status} on SIGTERM; its log:\n{}",
                        self.log()
                    );
                    return;
                }
                None if started.elapsed() > STOP_DEADLINE => {
                    drop(running.child.kill());
                    drop(running.child.wait());
                    panic!("larder did not end on SIGTERM; its log:\n{}", self.log());
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Ends the larder with SIGKILL, as a crash would.
    pub(crate) fn kill(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        running.child.kill().expect("a child to kill");
        running.child.wait().expect("a killed child to wait for");
    }

    /// Returns the folder `[storage].data` names by default.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs `larder import` on files and folders, beside the server if it runs.
    pub(crate) fn import<P: AsRef<Path>>(&self, paths: &[P]) -> Ran {
        self.command("import", paths)
    }

    /// Runs another subcommand of larder with this configuration.
    pub(crate) fn command<P: AsRef<Path>>(&self, name: &str, arguments: &[P]) -> Ran {
        let mut command = Command::new(BINARY);
        command
            .args([name, "--config"])
            .arg(self.configuration())
            .env("LARDER_ADMIN_KEY", &self.admin_key);
        command.args(arguments.iter().map(AsRef::as_ref));
        process::run(&mut command, COMMAND_DEADLINE)
    }

    /// Starts another subcommand with this configuration, without waiting for it.
    pub(crate) fn begin(&self, name: &str) -> Child {
        Command::new(BINARY)
            .args([name, "--config"])
            .arg(self.configuration())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the larder binary")
    }

    /// Returns what larder wrote to standard error since its first start.
    pub(crate) fn log(&self) -> String {
        std::fs::read(self.log_file())
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn assert_nothing_panicked(&self) {
        let log = self.log();
        assert!(!log.contains("panicked"), "{log}");
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("mirror.toml")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("stderr.log")
    }
}

impl Drop for LarderProcess {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.child.kill());
            drop(running.child.wait());
        }
        if std::thread::panicking() {
            eprintln!("log of the larder in {}:\n{}", self.folder.path().display(), self.log());
        }
    }
}
