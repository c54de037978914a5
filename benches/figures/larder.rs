//! The program as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

const BINARY: &str = env!("CARGO_BIN_EXE_larder");
const READY: &str = "larder listening on http://";

/// A larder that serves.
pub(crate) struct Larder {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How long it took from its start to being ready.
    pub(crate) ready_after: Duration,
}

/// Memory of a process, in MiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident: f64,
    /// The most that was resident.
    pub(crate) peak: f64,
}

/// Writes a configuration with one hosted feed over `data`, on a free port.
pub(crate) fn write_config(folder: &Path, data: &Path) -> anyhow::Result<std::path::PathBuf> {
    write_config_with(
        folder,
        data,
        &format!("[[feed]]\nname = \"{}\"\n", super::data_folder::FEED),
    )
}

/// Writes a configuration over `data`, on a free port, with these sections.
pub(crate) fn write_config_with(folder: &Path, data: &Path, sections: &str) -> anyhow::Result<std::path::PathBuf> {
    let config = folder.join("mirror.toml");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[storage]\ndata = \"{}\"\n{sections}",
        data.display(),
    );
    std::fs::write(&config, text)?;
    Ok(config)
}

/// Runs a command of the program to its end and returns how long it took.
pub(crate) fn run(config: &Path, arguments: &[&str]) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let status = Command::new(BINARY)
        .args(arguments)
        .arg("--config")
        .arg(config)
        .stdout(Stdio::null())
        .status()
        .context("larder does not start")?;
    anyhow::ensure!(status.success(), "larder {} ended with {status}", arguments.join(" "));
    Ok(started.elapsed())
}

impl Larder {
    pub(crate) fn start(config: &Path) -> anyhow::Result<Self> {
        let started = Instant::now();
        let mut child = Command::new(BINARY)
            .arg("--config")
            .arg(config)
            .env("LARDER_ADMIN_KEY", "key-of-the-figures")
            .env("LARDER_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("larder does not start")?;
        let stdout = child.stdout.take().context("larder has no standard output")?;
        let address = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix(READY).map(str::to_owned));
        let ready_after = started.elapsed();
        let Some(address) = address else {
            anyhow::bail!("larder ended before it was ready: {}", child.wait()?);
        };
        Ok(Self {
            child,
            address: address.parse()?,
            ready_after,
        })
    }

    /// Returns its memory as Linux counts it; `None` elsewhere.
    pub(crate) fn memory(&self) -> Option<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let mib = |name: &str| -> Option<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
            Some(kib / 1024.0)
        };
        Some(Memory {
            resident: mib("VmRSS:")?,
            peak: mib("VmHWM:")?,
        })
    }

    /// Tells it to stop, waits for its end, and returns how long that took.
    pub(crate) fn stop(mut self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        terminate(&mut self.child)?;
        Ok(started.elapsed())
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Larder {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends SIGTERM to a child and waits for its end.
pub(crate) fn terminate(child: &mut Child) -> anyhow::Result<()> {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status()?;
    anyhow::ensure!(sent.success(), "kill -TERM {id} ended with {sent}");
    child.wait()?;
    Ok(())
}
