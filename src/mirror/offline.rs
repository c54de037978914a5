//! Working without upstreams: who says so, and what is remembered of it.
//!
//! `state/offline.json` lies there while the administrator has larder offline; it is written whole beside itself, synced and
//! renamed, so that a crash leaves it there or not. The configuration can say so too, and then nobody else can undo it.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::catalog::Instant;
use crate::upstream::Uplink;

/// Whether larder keeps away from all upstreams, and how that came to be. Clones are handles to the same.
#[derive(Debug, Clone)]
pub struct Offline {
    uplink: Uplink,
    file: PathBuf,
    configured: Configured,
}

/// What the configuration says of upstreams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Configured {
    /// They may be asked, unless the administrator says otherwise.
    Online,
    /// They are never asked.
    Offline,
}

/// Why larder does not go offline or online.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The configuration says so, and it has the last word.
    #[error("the configuration says offline = true; take that away and start larder again")]
    Configured,
    /// The file cannot be written or removed.
    #[error("cannot {action} {}; larder's user must be able to", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// What the file says. That it is there is what counts.
#[derive(Serialize, Deserialize)]
struct Since {
    since: Instant,
}

impl Offline {
    /// Reads what was decided last, and cuts the uplink where larder is to be offline.
    #[must_use]
    pub fn open(state: &Path, configured: Configured, uplink: Uplink) -> Self {
        let file = state.join("offline.json");
        if configured == Configured::Offline || file.exists() {
            uplink.cut();
        }
        Self {
            uplink,
            file,
            configured,
        }
    }

    /// Returns whether upstreams are not asked.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.uplink.is_cut()
    }

    /// Stops asking upstreams, now and after the next start.
    ///
    /// # Errors
    /// [`OfflineError::Io`]; upstreams are not asked all the same, until the next start.
    pub fn begin(&self, at: Instant) -> Result<(), OfflineError> {
        self.uplink.cut();
        tracing::info!("offline: no upstream is asked");
        let written = serde_json::to_vec(&Since { since: at })
            .map_err(io::Error::other)
            .and_then(|text| write(&self.file, &text));
        written.map_err(|source| self.failed("write", source))
    }

    /// Asks upstreams again.
    ///
    /// # Errors
    /// [`OfflineError::Configured`], or [`OfflineError::Io`]; nothing changes then.
    pub fn end(&self) -> Result<(), OfflineError> {
        if self.configured == Configured::Offline {
            return Err(OfflineError::Configured);
        }
        match std::fs::remove_file(&self.file) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(self.failed("remove", source)),
            _ => {}
        }
        self.uplink.mend();
        tracing::info!("online: upstreams are asked again");
        Ok(())
    }

    fn failed(&self, action: &'static str, source: io::Error) -> OfflineError {
        OfflineError::Io {
            action,
            path: self.file.clone(),
            source,
        }
    }
}

/// Replaces a file by one that is whole and on disk.
pub(super) fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = file.with_extension("new");
    let mut new = std::fs::File::create(&beside)?;
    new.write_all(bytes)?;
    new.sync_all()?;
    std::fs::rename(&beside, file)?;
    match file.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::instant;

    fn open(state: &Path, configured: Configured) -> Offline {
        Offline::open(state, configured, Uplink::default())
    }

    #[test]
    fn the_next_start_is_as_the_last_one_was_left() {
        let folder = tempfile::tempdir().unwrap();
        let at = instant("2026-03-01");
        let offline = open(folder.path(), Configured::Online);
        assert!(!offline.is_offline());
        offline.begin(at).unwrap();
        offline.begin(at).unwrap();
        assert!(offline.is_offline());
        let offline = open(folder.path(), Configured::Online);
        assert!(offline.is_offline());
        offline.end().unwrap();
        offline.end().unwrap();
        assert!(!offline.is_offline());
        assert!(!open(folder.path(), Configured::Online).is_offline());
    }

    #[test]
    fn the_configuration_has_the_last_word() {
        let folder = tempfile::tempdir().unwrap();
        let offline = open(folder.path(), Configured::Offline);
        assert!(offline.is_offline());
        assert!(matches!(offline.end(), Err(OfflineError::Configured)));
        assert!(offline.is_offline());
    }

    #[test]
    fn what_cannot_be_remembered_holds_until_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let offline = open(&folder.path().join("gone"), Configured::Online);
        assert!(matches!(
            offline.begin(instant("2026-03-01")),
            Err(OfflineError::Io { .. })
        ));
        assert!(offline.is_offline());
    }
}
