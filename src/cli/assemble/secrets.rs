//! Secrets that the configuration does not hold itself: read at start, from the environment and from files. Errors name the
//! variable or the file, never what was in it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::config::Secret;

/// The longest file that is read for a secret or for certificates.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Returns the secret of a key.
pub(super) fn reveal(key: &str, secret: &Secret) -> anyhow::Result<String> {
    reveal_in(key, secret, |name| std::env::var_os(name))
}

fn reveal_in(key: &str, secret: &Secret, variable: impl Fn(&str) -> Option<OsString>) -> anyhow::Result<String> {
    let (text, from) = match secret {
        Secret::Literal(text) => return Ok(text.clone()),
        Secret::Env(name) => {
            let from = format!("the environment variable {name}");
            let Some(value) = variable(name) else {
                bail!("{key}: {from} is not set");
            };
            (value.into_encoded_bytes(), from)
        }
        Secret::File(file) => {
            let from = format!("the file {}", file.display());
            let text = read(file).with_context(|| format!("{key}: {from} cannot be read"))?;
            (text, from)
        }
    };
    let Ok(text) = String::from_utf8(text) else {
        bail!("{key}: {from} holds no text");
    };
    // Editors and `echo` end a line that people think of as its text alone.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        bail!("{key}: {from} is empty");
    }
    if text.chars().any(char::is_control) {
        bail!("{key}: {from} holds more than one line, or control characters");
    }
    Ok(text.to_owned())
}

/// Reads a file that is not too long.
pub(super) fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = File::open(file)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(length).is_ok_and(|length| length <= MAX_FILE_BYTES) {
        Ok(bytes)
    } else {
        Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is longer than {MAX_FILE_BYTES} bytes"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_or_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            Secret::File(path)
        };
        let variable = |name: &str| match name {
            "TOKEN" => Some("s3cret".into()),
            "EMPTY" => Some("".into()),
            _ => None,
        };
        for (secret, expected) in [
            (Secret::Literal("s3cret".to_owned()), Ok("s3cret")),
            (Secret::Env("TOKEN".to_owned()), Ok("s3cret")),
            (
                Secret::Env("EMPTY".to_owned()),
                Err("api_key: the environment variable EMPTY is empty"),
            ),
            (
                Secret::Env("OTHER".to_owned()),
                Err("api_key: the environment variable OTHER is not set"),
            ),
            (file("plain", b"s3cret"), Ok("s3cret")),
            (file("windows", b"\xef\xbb\xbfs3cret\r\n"), Ok("s3cret")),
            (file("empty", b"\n"), Err("empty is empty")),
            (
                file("lines", b"s3cret\ns3cret\n"),
                Err("lines holds more than one line"),
            ),
            (file("binary", b"s3cret\xff"), Err("binary holds no text")),
            (file("long", &vec![b's'; (1 << 20) + 1]), Err("long cannot be read")),
            (Secret::File(folder.path().join("absent")), Err("absent cannot be read")),
            (Secret::File(folder.path().to_owned()), Err("cannot be read")),
        ] {
            let revealed = reveal_in("api_key", &secret, variable);
            match (revealed, expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected),
                (Err(error), Err(expected)) => {
                    let shown = format!("{error:#}");
                    assert!(shown.contains(expected), "{shown}");
                    assert!(!shown.contains("s3cret"), "{shown}");
                }
                (revealed, expected) => panic!("{secret:?}: {revealed:?}, not {expected:?}"),
            }
        }
    }
}
