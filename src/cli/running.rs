//! What a running server leaves for the other commands: where it is, and a key that opens its door from this machine.
//!
//! `state/server.json`, readable by its owner alone. It lies there while the server runs; one that a crash left behind names a
//! server that does not answer.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A running server.
#[derive(Serialize, Deserialize)]
pub(super) struct RunningServer {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Its process.
    pub(super) pid: u32,
    /// The key by which `larder import` comes in. Made anew at every start.
    pub(super) import_key: String,
}

impl RunningServer {
    /// Writes the file; it goes when the returned guard does.
    pub(super) fn announce(&self, state: &Path) -> io::Result<Announcement> {
        let path = file(state);
        let _ = std::fs::remove_file(&path);
        let mut options = std::fs::File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(&serde_json::to_vec(self)?)?;
        Ok(Announcement { path })
    }

    /// Reads what the running server wrote; `None` where there is nothing.
    pub(super) fn find(state: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(file(state)).ok()?).ok()
    }
}

/// The announcement of a running server; it is withdrawn when this is dropped.
pub(super) struct Announcement {
    path: PathBuf,
}

impl Drop for Announcement {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn file(state: &Path) -> PathBuf {
    state.join("server.json")
}

/// Returns what to do where a command needs the data folder for itself and a server has it.
pub(super) fn in_use(state: &Path) -> String {
    format!("{}; stop it, run this again, and start it", holder(state))
}

/// Returns what to do where a second server is started.
pub(super) fn serving_already(state: &Path) -> String {
    format!(
        "{}; stop it first, or give this one another storage.data and server.listen",
        holder(state)
    )
}

fn holder(state: &Path) -> String {
    match RunningServer::find(state) {
        Some(server) => format!(
            "a running larder (process {}, http://{}) has this data folder open",
            server.pid, server.address
        ),
        None => "another larder has this data folder open".to_owned(),
    }
}
