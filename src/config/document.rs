//! A configuration file taken apart: sections, keys, and the line each stands on. It refuses keys nobody asks for, and
//! notes for every key asked for what its value is and where it came from. It does not know what the keys mean.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Place};
use super::value::Value;

/// A key with the value in force; what `check-config` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key with its section: `server.listen`, `upstream.community.url`.
    pub key: String,
    /// The value as it could stand in the file, secrets hidden.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It stands in the file.
    File(Place),
    /// The file does not have the key.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(place) => place.fmt(out),
            Self::Default => out.write_str("default"),
        }
    }
}

/// A parsed file.
pub(super) struct Document<'t> {
    file: PathBuf,
    text: &'t str,
    root: DeTable<'t>,
}

impl<'t> Document<'t> {
    /// Parses TOML, and refuses what is neither one of the `sections` nor, any number of times, one of the `lists`.
    pub(super) fn parse(
        file: &Path,
        text: &'t str,
        sections: &[&'static str],
        lists: &[&'static str],
    ) -> Result<Self, ConfigError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut document = Self {
            file: file.to_owned(),
            text,
            root: DeTable::new(),
        };
        let parsed = DeTable::parse(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            ConfigError::Syntax {
                place: document.place(offset),
                problem: error.message().to_owned(),
            }
        })?;
        document.root = parsed.into_inner();
        let known: Vec<&'static str> = sections.iter().chain(lists).copied().collect();
        document.refuse_unknown(&document.root, "the file", &known)?;
        Ok(document)
    }

    /// Returns the section `[title]`, empty where the file does not have it.
    pub(super) fn section(&self, title: &str, keys: &'static [&'static str]) -> Result<Section<'_>, ConfigError> {
        let heading = format!("[{title}]");
        let Some((name, value)) = self.root.get_key_value(title) else {
            return Ok(Section::new(self, title, heading, None, 0));
        };
        let DeValue::Table(table) = value.get_ref() else {
            let problem = format!("must be a section: write {heading} once, and its keys below");
            return Err(ConfigError::Value {
                place: self.place(name.span().start),
                key: title.to_owned(),
                problem,
            });
        };
        self.refuse_unknown(table, &heading, keys)?;
        Ok(Section::new(self, title, heading, Some(table), name.span().start))
    }

    /// Returns the sections `[[title]]` in the order of the file.
    pub(super) fn list(&self, title: &str, keys: &'static [&'static str]) -> Result<Vec<Section<'_>>, ConfigError> {
        let heading = format!("[[{title}]]");
        let Some((name, value)) = self.root.get_key_value(title) else {
            return Ok(Vec::new());
        };
        let wrong_shape = |offset| {
            let problem = format!("must be a list of sections: write {heading} above the keys of each");
            ConfigError::Value {
                place: self.place(offset),
                key: title.to_owned(),
                problem,
            }
        };
        let list = value
            .get_ref()
            .as_array()
            .ok_or_else(|| wrong_shape(name.span().start))?;
        let mut sections = Vec::new();
        for item in list {
            let start = item.span().start;
            let DeValue::Table(table) = item.get_ref() else {
                return Err(wrong_shape(start));
            };
            self.refuse_unknown(table, &heading, keys)?;
            sections.push(Section::new(self, title, heading.clone(), Some(table), start));
        }
        Ok(sections)
    }

    /// Returns a section `[[title]]` that the file does not have.
    pub(super) fn implied(&self, title: &str) -> Section<'_> {
        Section::new(self, title, format!("[[{title}]]"), None, 0)
    }

    /// Returns the place of the file's first line.
    pub(super) fn start(&self) -> Place {
        self.place(0)
    }

    fn refuse_unknown(&self, table: &DeTable<'_>, section: &str, known: &[&'static str]) -> Result<(), ConfigError> {
        let unknown = |key: &&Spanned<_>| !known.contains(&AsRef::<str>::as_ref(Spanned::<_>::get_ref(key)));
        let Some(key) = table.keys().filter(unknown).min_by_key(|key| key.span().start) else {
            return Ok(());
        };
        let written = key.get_ref();
        let nearest = known
            .iter()
            .min_by_key(|known| strsim::damerau_levenshtein(known, &written.to_lowercase()));
        Err(ConfigError::UnknownKey {
            place: self.place(key.span().start),
            key: written.to_string(),
            section: section.to_owned(),
            nearest: nearest.copied().unwrap_or_default(),
        })
    }

    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        Place {
            file: self.file.clone(),
            line: before.matches('\n').count() + 1,
        }
    }
}

/// One section of a file: hands out values and keeps account of them.
pub(super) struct Section<'d> {
    document: &'d Document<'d>,
    prefix: String,
    heading: String,
    table: Option<&'d DeTable<'d>>,
    start: usize,
    settings: Vec<Setting>,
}

impl<'d> Section<'d> {
    fn new(
        document: &'d Document<'d>,
        title: &str,
        heading: String,
        table: Option<&'d DeTable<'d>>,
        start: usize,
    ) -> Self {
        Self {
            document,
            prefix: title.to_owned(),
            heading,
            table,
            start,
            settings: Vec::new(),
        }
    }

    /// Returns the key's value, or the default where the file does not have it.
    pub(super) fn read<T: Value>(&mut self, key: &'static str, default: T) -> Result<T, ConfigError> {
        self.read_if(key, default, |_| None)
    }

    /// As `read`, and refuses a value that `problem` finds something wrong with.
    pub(super) fn read_if<T: Value>(
        &mut self,
        key: &'static str,
        default: T,
        problem: impl Fn(&T) -> Option<String>,
    ) -> Result<T, ConfigError> {
        let value = self.written(key)?.unwrap_or(default);
        self.note(key, value.show());
        match problem(&value) {
            Some(problem) => Err(self.refuse(key, problem)),
            None => Ok(value),
        }
    }

    /// Returns the value of a key that has no default.
    pub(super) fn require<T: Value>(&mut self, key: &'static str, example: &'static str) -> Result<T, ConfigError> {
        let value: Option<T> = self.written(key)?;
        let value = value.ok_or_else(|| ConfigError::MissingKey {
            place: self.document.place(self.start),
            section: self.heading.clone(),
            key,
            example,
        })?;
        self.note(key, value.show());
        Ok(value)
    }

    /// Returns the value of a key that may be left out; `without` is what then holds, for people.
    pub(super) fn optional<T: Value>(&mut self, key: &'static str, without: &str) -> Result<Option<T>, ConfigError> {
        let value: Option<T> = self.written(key)?;
        self.note(key, value.as_ref().map_or_else(|| without.to_owned(), Value::show));
        Ok(value)
    }

    /// Calls the section by a name of its own from here on: `upstream.community`.
    pub(super) fn call(&mut self, title: &str, name: &str) {
        self.prefix = format!("{title}.{name}");
        for setting in &mut self.settings {
            if let Some((_, key)) = setting.key.rsplit_once('.') {
                setting.key = format!("{}.{key}", self.prefix);
            }
        }
    }

    /// Returns the section below this one, `[section.key]`, empty where the file does not have it.
    pub(super) fn below(&self, key: &'static str, keys: &'static [&'static str]) -> Result<Section<'d>, ConfigError> {
        let bare = self.heading.trim_matches(['[', ']']);
        let heading = format!("[{bare}.{key}]");
        let Some((name, value)) = self.table.and_then(|table| table.get_key_value(key)) else {
            return Ok(Section::new(self.document, &self.path(key), heading, None, self.start));
        };
        let DeValue::Table(table) = value.get_ref() else {
            let problem = format!(
                "must be a section: write {heading} below {}, and its keys below",
                self.heading
            );
            return Err(self.refuse(key, problem));
        };
        self.document.refuse_unknown(table, &heading, keys)?;
        let start = name.span().start;
        Ok(Section::new(
            self.document,
            &self.path(key),
            heading,
            Some(table),
            start,
        ))
    }

    /// Takes over the account of what was read from a section below this one.
    pub(super) fn absorb(&mut self, below: Self) {
        self.settings.extend(below.settings);
    }

    /// Returns the error that says what is wrong with a key's value.
    pub(super) fn refuse(&self, key: &'static str, problem: String) -> ConfigError {
        let place = self.place_of(key).unwrap_or_else(|| self.document.place(self.start));
        ConfigError::Value {
            place,
            key: self.path(key),
            problem,
        }
    }

    /// Returns where the key stands, if the file has it.
    pub(super) fn place_of(&self, key: &str) -> Option<Place> {
        let (name, _) = self.table?.get_key_value(key)?;
        Some(self.document.place(name.span().start))
    }

    /// Returns every key that was read, in the order of reading.
    pub(super) fn into_settings(self) -> Vec<Setting> {
        self.settings
    }

    fn written<T: Value>(&self, key: &'static str) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.table.and_then(|table| table.get(key)) else {
            return Ok(None);
        };
        T::read(value.get_ref())
            .map(Some)
            .map_err(|problem| self.refuse(key, problem))
    }

    fn note(&mut self, key: &'static str, value: String) {
        let origin = self.place_of(key).map_or(Origin::Default, Origin::File);
        self.settings.push(Setting {
            key: self.path(key),
            value,
            origin,
        });
    }

    fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }
}
