//! The hosts that asked to be left alone, in a file: a restart does not make larder forget them.
//!
//! The file is replaced as a whole, and durably. After a crash it holds the pauses from before or after its last change.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::upstream::{KeepPauses, KeptPause};

const FILE: &str = "pauses.json";

/// Returns the pauses that were kept in the folder for plain state; none where the file is not there or cannot be used.
pub(super) fn read(state: &Path) -> Vec<KeptPause> {
    let file = state.join(FILE);
    let kept = match fs::read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        read => read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::from)),
    };
    kept.unwrap_or_else(|error| {
        tracing::warn!(path = %file.display(), %error, "which hosts asked to be left alone cannot be read; they are asked again");
        Vec::new()
    })
}

/// Returns what keeps pauses in the folder for plain state.
pub(super) fn keeper(state: PathBuf) -> KeepPauses {
    let (next, written) = (AtomicU64::new(1), Arc::new(Mutex::new(0)));
    let state = Arc::new(state);
    Box::new(move |pauses| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let (state, written) = (Arc::clone(&state), Arc::clone(&written));
        let keep = move || {
            let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
            // Of two that overtook each other the later one is true.
            if *written < number {
                *written = number;
                if let Err(error) = write(&state, &pauses) {
                    tracing::warn!(path = %state.join(FILE).display(), %error, "which hosts asked to be left alone cannot be kept over a restart");
                }
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(keep)),
            Err(_) => keep(),
        }
    })
}

fn write(state: &Path, pauses: &[KeptPause]) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(pauses).map_err(io::Error::from)?;
    let beside = state.join(format!("{FILE}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&beside, state.join(FILE))?;
    if cfg!(unix) {
        File::open(state)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::{Host, PauseReason};

    fn pause(url: &str) -> KeptPause {
        KeptPause {
            host: Host::of(&url.parse().unwrap()),
            until: "2026-03-01T12:00:00Z".parse().unwrap(),
            reason: PauseReason::Banned,
        }
    }

    #[test]
    fn what_is_kept_last_is_read() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(read(state.path()), []);
        let keep = keeper(state.path().to_owned());
        keep(vec![pause("http://one.test/")]);
        keep(vec![pause("http://one.test/"), pause("http://two.test:81/")]);
        let text = fs::read_to_string(state.path().join(FILE)).unwrap();
        assert!(
            text.contains("\"two.test:81\"") && text.contains("\"banned\""),
            "{text}"
        );
        assert_eq!(
            read(state.path()),
            [pause("http://one.test/"), pause("http://two.test:81/")]
        );
        fs::write(state.path().join(FILE), "[{]").unwrap();
        assert_eq!(read(state.path()), []);
    }
}
