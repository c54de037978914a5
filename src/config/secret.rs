//! Secrets, and where they are: in the configuration itself, in a variable of the environment, or in a file. What it cannot do
//! is read the two latter: that is for whoever puts the program together. Nothing shows a secret.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::value::{Value, quoted};

const FORM: &str =
    "must be text in quotes, or say where the text is: { env = \"NAME\" } or { file = \"/run/secrets/name\" }";

/// A secret, or where it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The secret itself.
    Literal(String),
    /// The value of this environment variable.
    Env(String),
    /// The text of this file, without the end of its line.
    File(PathBuf),
}

impl Secret {
    /// Takes a relative path from a directory.
    #[must_use]
    pub(super) fn below(self, base_dir: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(base_dir.join(path)),
            other => other,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.show())
    }
}

impl Value for Secret {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match value {
            DeValue::String(text) if text.is_empty() => Err("must not be empty; leave the key out instead".to_owned()),
            DeValue::String(text) if text.chars().any(char::is_control) => {
                Err("must not have line ends or other control characters in it".to_owned())
            }
            DeValue::String(text) => Ok(Self::Literal(text.to_string())),
            DeValue::Table(table) => elsewhere(table).ok_or_else(|| FORM.to_owned()),
            _ => Err(FORM.to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Literal(_) => quoted("***"),
            Self::Env(name) => format!("{{ env = {} }}", quoted(name)),
            Self::File(path) => format!("{{ file = {} }}", quoted(&path.display().to_string())),
        }
    }
}

fn elsewhere(table: &DeTable<'_>) -> Option<Secret> {
    let mut entries = table.iter();
    let (name, value) = entries.next()?;
    let place = value.get_ref().as_str().filter(|place| !place.is_empty())?;
    match (name.get_ref().as_ref(), entries.next()) {
        ("env", None) => Some(Secret::Env(place.to_owned())),
        ("file", None) => Some(Secret::File(PathBuf::from(place))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<Secret, String> {
        let table = DeTable::parse(toml).unwrap().into_inner();
        Secret::read(table.get("key").unwrap().get_ref())
    }

    #[test]
    fn a_secret_says_where_it_is_but_never_what() {
        for (text, expected, shown) in [
            ("key = \"s3cret\"", Secret::Literal("s3cret".to_owned()), "\"***\""),
            (
                "key = { env = \"TOKEN\" }",
                Secret::Env("TOKEN".to_owned()),
                "{ env = \"TOKEN\" }",
            ),
            (
                "key.file = \"/run/secrets/x\"",
                Secret::File("/run/secrets/x".into()),
                "{ file = \"/run/secrets/x\" }",
            ),
        ] {
            let secret = read(text).unwrap();
            assert_eq!(secret.show(), shown);
            assert_eq!(format!("{secret:?}"), shown);
            assert_eq!(secret, expected);
        }
        let relative = read("key.file = \"x\"").unwrap().below(Path::new("/etc/larder"));
        assert_eq!(relative, Secret::File("/etc/larder/x".into()));
    }

    #[test]
    fn refusals_do_not_repeat_it() {
        for text in [
            "key = \"\"",
            "key = \"s3cret\\n\"",
            "key = 1",
            "key = [\"s3cret\"]",
            "key = { env = 1 }",
            "key = { env = \"\" }",
            "key = { value = \"s3cret\" }",
            "key = { env = \"A\", file = \"s3cret\" }",
            "key = {}",
        ] {
            let refusal = read(text).unwrap_err();
            assert!(!refusal.contains("s3cret"), "{refusal}");
        }
    }
}
