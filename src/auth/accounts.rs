//! The administrator: whose key it is, where it is kept, and whether a request has it. The key of the environment wins and
//! is never stored; without it, the digest in accounts.json counts, and where there is none yet, a key is made.
//!
//! accounts.json is replaced whole: written beside itself, synced, renamed, and the directory synced. A crash leaves the
//! old file or the new one. A file that does not read is an error, never a reason to make another key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::key::{ApiKey, KeyDigest, KeyError};
use super::{Denied, Principal};

const FILE: &str = "accounts.json";
const FORMAT: u32 = 1;

/// Why the accounts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The file does not read.
    #[error(
        "{} is damaged; restore it from a backup, or delete it and start again to get a new administrator key",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The file is of a later larder.
    #[error("{} has format {format}, this larder knows {FORMAT}; start the larder that wrote it", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// Its format.
        format: u32,
    },
    /// The file or its directory cannot be read or written.
    #[error("cannot {action} {}; larder's user must be able to", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// No key could be made.
    #[error("cannot make the administrator key")]
    Key(#[source] KeyError),
}

/// The administrator's key, as far as it is known.
#[derive(Clone, Debug)]
pub struct Administrator {
    digest: KeyDigest,
    /// The key, if it was made just now: to be shown once, since it is stored nowhere.
    pub made: Option<ApiKey>,
}

impl Administrator {
    /// Says whose key this is; `None` is a request without one.
    pub fn authenticate(&self, key: Option<&str>) -> Result<Principal, Denied> {
        let key = key
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .ok_or(Denied::Missing)?;
        if self.digest.matches(&KeyDigest::of(key)) {
            Ok(Principal::administrator())
        } else {
            Err(Denied::Wrong)
        }
    }
}

/// Returns the administrator: with the environment's key, with the stored one, or with one made at `now` and stored.
///
/// Only one process may do this at a time in one `state_dir`; the lock of the index sees to it.
pub fn administrator(
    env_key: Option<&ApiKey>,
    state_dir: &Path,
    now: DateTime<Utc>,
) -> Result<Administrator, AccountsError> {
    if let Some(key) = env_key {
        return Ok(Administrator {
            digest: key.digest(),
            made: None,
        });
    }
    if let Some(digest) = read(&state_dir.join(FILE))? {
        return Ok(Administrator { digest, made: None });
    }
    let key = ApiKey::generate().map_err(AccountsError::Key)?;
    let digest = key.digest();
    write(state_dir, &Accounts::new(&digest, now))?;
    Ok(Administrator {
        digest,
        made: Some(key),
    })
}

#[derive(Serialize, Deserialize)]
struct Accounts {
    format: u32,
    administrator: Account,
}

#[derive(Serialize, Deserialize)]
struct Account {
    /// SHA-512 of the key, base64.
    key_sha512: String,
    made: DateTime<Utc>,
}

impl Accounts {
    fn new(digest: &KeyDigest, made: DateTime<Utc>) -> Self {
        Self {
            format: FORMAT,
            administrator: Account {
                key_sha512: digest.to_base64(),
                made,
            },
        }
    }
}

/// Returns the stored digest, or nothing where no file is.
fn read(file: &Path) -> Result<Option<KeyDigest>, AccountsError> {
    let damaged = |source| AccountsError::Damaged {
        file: file.to_owned(),
        source,
    };
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(AccountsError::Io {
                action: "read",
                path: file.to_owned(),
                source,
            });
        }
    };
    let accounts: Accounts = serde_json::from_slice(&bytes).map_err(damaged)?;
    if accounts.format != FORMAT {
        return Err(AccountsError::Format {
            file: file.to_owned(),
            format: accounts.format,
        });
    }
    let digest = KeyDigest::from_base64(&accounts.administrator.key_sha512);
    let digest = digest.ok_or_else(|| damaged(serde::de::Error::custom("key_sha512 is not a SHA-512 in base64")))?;
    Ok(Some(digest))
}

fn write(state_dir: &Path, accounts: &Accounts) -> Result<(), AccountsError> {
    let file = state_dir.join(FILE);
    let beside = state_dir.join(format!("{FILE}.new"));
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| AccountsError::Io { action, path, source }
    };
    let text = serde_json::to_vec_pretty(accounts)
        .map_err(io::Error::from)
        .map_err(failed("write", &file))?;
    fs::create_dir_all(state_dir).map_err(failed("create", state_dir))?;
    write_private(&beside, &text).map_err(failed("write", &beside))?;
    fs::rename(&beside, &file).map_err(failed("write", &file))?;
    // The directory above too: this may be the first start, and the state directory new.
    for dir in state_dir.ancestors().take(2).filter(|dir| !dir.as_os_str().is_empty()) {
        sync_dir(dir).map_err(failed("sync", dir))?;
    }
    Ok(())
}

/// Writes and syncs a file that only its owner may read.
fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    // A leftover of a crash may have other permissions.
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened: File = options.open(file)?;
    opened.write_all(bytes)?;
    opened.sync_all()
}

/// Makes renames in the directory durable. Windows has no such call, and its renames need none.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(dir)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    #[test]
    fn a_key_is_made_once_and_stored_hashed() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("data/state");
        let first = administrator(None, &state, now()).unwrap();
        let key = first.made.as_ref().unwrap().expose().to_owned();
        assert_eq!(first.authenticate(Some(&key)), Ok(Principal::administrator()));

        let stored = fs::read_to_string(state.join(FILE)).unwrap();
        assert!(
            !stored.contains(&key) && !stored.contains(key.trim_start_matches("larder_")),
            "{stored}"
        );
        assert!(stored.contains("2023-11-14T22:13:20Z"), "{stored}");
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1);

        let second = administrator(None, &state, now()).unwrap();
        assert!(second.made.is_none());
        assert_eq!(second.authenticate(Some(&key)).unwrap().name(), "administrator");
        assert_eq!(fs::read_to_string(state.join(FILE)).unwrap(), stored);
    }

    #[test]
    fn the_key_of_the_environment_wins_and_is_not_stored() {
        let dir = tempfile::tempdir().unwrap();
        let chosen = ApiKey::parse("chosen").unwrap();
        let with = administrator(Some(&chosen), dir.path(), now()).unwrap();
        assert!(with.made.is_none());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);

        let made = administrator(None, dir.path(), now()).unwrap().made.unwrap();
        let with = administrator(Some(&chosen), dir.path(), now()).unwrap();
        for (key, expected) in [
            (Some("chosen"), Ok(Principal::administrator())),
            (Some(" chosen "), Ok(Principal::administrator())),
            (Some(made.expose()), Err(Denied::Wrong)),
            (Some("Chosen"), Err(Denied::Wrong)),
            (Some(""), Err(Denied::Missing)),
            (Some("  "), Err(Denied::Missing)),
            (None, Err(Denied::Missing)),
        ] {
            assert_eq!(with.authenticate(key), expected, "{key:?}");
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        administrator(None, dir.path(), now()).unwrap();
        let good = fs::read_to_string(&file).unwrap();
        for (text, expected) in [
            (String::new(), "is damaged"),
            (good[..good.len() / 2].to_owned(), "is damaged"),
            (good.replace("\"key_sha512\": \"", "\"key_sha512\": \"AA"), "is damaged"),
            (good.replace("\"format\": 1", "\"format\": 2"), "has format 2"),
        ] {
            fs::write(&file, &text).unwrap();
            let error = administrator(None, dir.path(), now()).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("accounts.json"), "{error}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn a_leftover_of_a_crash_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("accounts.json.new"), "half").unwrap();
        let made = administrator(None, dir.path(), now()).unwrap();
        assert!(made.made.is_some());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        administrator(None, dir.path(), now()).unwrap();
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_state_directory_that_cannot_be_made() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = administrator(None, &dir.path().join("file/state"), now()).unwrap_err();
        assert!(matches!(error, AccountsError::Io { .. }), "{error}");
    }
}
