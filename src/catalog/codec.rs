//! Rows and records as bytes for an index, in a versioned form.
//!
//! Long texts (descriptions, release notes) repeat from version to version. They stand apart, once for an id, and are
//! referred to by a digest: [`Texts`] collects them while encoding and looks them up while decoding.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha512};

use super::{Content, Instant, Interner, Origin, Property, Record, Row, SourceName, Text};
use crate::nuget::{PackageIdError, SemVerLevel, VersionError};

/// The form that is written. A value of another form is refused, and the index rebuilt from the files.
pub const FORM: u8 = 1;

/// Texts of at least this many bytes stand apart.
const APART_BYTES: usize = 48;

/// The name of a text that stands apart: the first half of the first half of its SHA-512.
pub type TextKey = [u8; 16];

/// Why bytes are no row or record.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The value is of a form that this program does not read.
    #[error("the index has a value of form {0}, this program reads form {FORM}")]
    Form(u8),
    /// The value is cut or damaged.
    #[error("the index has a damaged value")]
    Damaged(#[source] postcard::Error),
    /// The value has an id that is none.
    #[error("the index has a damaged id")]
    Id(#[source] PackageIdError),
    /// The value has a version that is none.
    #[error("the index has a damaged version")]
    Version(#[source] VersionError),
    /// A text that the value refers to is not there.
    #[error("the index lacks a text that one of its values refers to")]
    LostText,
    /// The value has a time out of range.
    #[error("the index has a time out of range")]
    Time,
}

/// The texts of one id that stand apart.
#[derive(Debug, Default)]
pub struct Texts {
    texts: HashMap<TextKey, Arc<Text>>,
    interner: Interner,
}

impl Texts {
    /// Adds a text that was read.
    pub fn insert(&mut self, key: TextKey, text: &str) {
        let text = self.interner.intern(text);
        self.texts.insert(key, text);
    }

    /// Returns the texts that were collected while encoding.
    pub fn iter(&self) -> impl Iterator<Item = (&TextKey, &str)> {
        self.texts.iter().map(|(key, text)| (key, text.as_str()))
    }

    fn put(&mut self, text: &str) -> TextKey {
        let mut key = TextKey::default();
        key.iter_mut()
            .zip(Sha512::digest(text.as_bytes()))
            .for_each(|(to, from)| *to = from);
        self.insert(key, text);
        key
    }

    fn get(&self, key: &TextKey) -> Result<&Arc<Text>, CodecError> {
        self.texts.get(key).ok_or(CodecError::LostText)
    }
}

/// A text in place, or the name of one that stands apart.
#[derive(Serialize, Deserialize)]
enum Spelled {
    Here(String),
    Apart(TextKey),
}

impl Spelled {
    fn encode(text: &str, texts: &mut Texts) -> Self {
        if text.len() < APART_BYTES {
            Self::Here(text.to_owned())
        } else {
            Self::Apart(texts.put(text))
        }
    }

    fn intern(&self, texts: &mut Texts) -> Result<Arc<Text>, CodecError> {
        match self {
            Self::Here(text) => Ok(texts.interner.intern(text)),
            Self::Apart(key) => texts.get(key).cloned(),
        }
    }

    fn read(self, texts: &Texts) -> Result<String, CodecError> {
        match self {
            Self::Here(text) => Ok(text),
            Self::Apart(key) => Ok(texts.get(&key)?.as_str().to_owned()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredRow {
    id: String,
    version: String,
    needs_semver2: bool,
    listed: bool,
    approved: bool,
    created: i64,
    published: i64,
    last_edited: Option<i64>,
    last_updated: i64,
    download_count: u64,
    version_download_count: u64,
    package_size: u64,
    title: Option<Spelled>,
    description: Option<Spelled>,
    summary: Option<Spelled>,
    tags: Option<Spelled>,
    authors: Option<Spelled>,
}

#[derive(Serialize, Deserialize)]
struct StoredProperty {
    name: String,
    edm_type: Option<String>,
    value: Option<Spelled>,
}

/// [`Origin`] without the tag that self-describing formats need.
#[derive(Serialize, Deserialize)]
enum StoredOrigin {
    Pushed { by: String },
    Imported,
    Mirrored { content_url: Option<String> },
}

#[derive(Serialize, Deserialize)]
struct StoredRecord {
    row: StoredRow,
    properties: Vec<StoredProperty>,
    content: Option<Content>,
    origin: StoredOrigin,
    committed: i64,
}

/// Encodes a row; its long texts go to `texts`.
#[must_use]
pub fn encode_row(row: &Row, texts: &mut Texts) -> Vec<u8> {
    frame(&store_row(row, texts))
}

/// Decodes a row; texts that stand apart are looked up in `texts`, equal short ones become one.
pub fn decode_row(bytes: &[u8], texts: &mut Texts) -> Result<Row, CodecError> {
    read_row(unframe(bytes)?, texts)
}

/// Encodes a record; its long texts go to `texts`.
#[must_use]
pub fn encode_record(record: &Record, texts: &mut Texts) -> Vec<u8> {
    let properties = record
        .properties
        .iter()
        .map(|property| StoredProperty {
            name: property.name.clone(),
            edm_type: property.edm_type.clone(),
            value: property.value.as_deref().map(|value| Spelled::encode(value, texts)),
        })
        .collect();
    let origin = match record.origin.clone() {
        Origin::Pushed { by } => StoredOrigin::Pushed { by },
        Origin::Imported => StoredOrigin::Imported,
        Origin::Mirrored { content_url } => StoredOrigin::Mirrored { content_url },
    };
    frame(&StoredRecord {
        row: store_row(&record.row, texts),
        properties,
        content: record.content.clone(),
        origin,
        committed: record.committed.timestamp_micros(),
    })
}

/// Decodes a record of `source`.
pub fn decode_record(source: &SourceName, bytes: &[u8], texts: &mut Texts) -> Result<Record, CodecError> {
    let stored: StoredRecord = unframe(bytes)?;
    let row = read_row(stored.row, texts)?;
    let mut properties = Vec::with_capacity(stored.properties.len());
    for property in stored.properties {
        let value = property.value.map(|value| value.read(texts)).transpose()?;
        properties.push(Property {
            name: property.name,
            edm_type: property.edm_type,
            value,
        });
    }
    let origin = match stored.origin {
        StoredOrigin::Pushed { by } => Origin::Pushed { by },
        StoredOrigin::Imported => Origin::Imported,
        StoredOrigin::Mirrored { content_url } => Origin::Mirrored { content_url },
    };
    Ok(Record {
        source: source.clone(),
        row: Arc::new(row),
        properties,
        content: stored.content,
        origin,
        committed: instant(stored.committed)?,
    })
}

fn frame<T: Serialize>(value: &T) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "the types have no maps, no skipped fields and no failing serializers"
    )]
    postcard::to_extend(value, vec![FORM]).expect("plain data always encodes")
}

fn unframe<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, CodecError> {
    match bytes.split_first() {
        Some((&FORM, rest)) => postcard::from_bytes(rest).map_err(CodecError::Damaged),
        Some((&form, _)) => Err(CodecError::Form(form)),
        None => Err(CodecError::Form(0)),
    }
}

fn store_row(row: &Row, texts: &mut Texts) -> StoredRow {
    let mut spell = |text: &Option<Arc<Text>>| text.as_ref().map(|text| Spelled::encode(text.as_str(), texts));
    StoredRow {
        id: row.id.as_str().to_owned(),
        version: row.version.as_str().to_owned(),
        needs_semver2: row.level == SemVerLevel::Two,
        listed: row.listed,
        approved: row.approved,
        created: row.created.timestamp_micros(),
        published: row.published.timestamp_micros(),
        last_edited: row.last_edited.map(|at| at.timestamp_micros()),
        last_updated: row.last_updated.timestamp_micros(),
        download_count: row.download_count,
        version_download_count: row.version_download_count,
        package_size: row.package_size,
        title: spell(&row.title),
        description: spell(&row.description),
        summary: spell(&row.summary),
        tags: spell(&row.tags),
        authors: spell(&row.authors),
    }
}

fn read_row(stored: StoredRow, texts: &mut Texts) -> Result<Row, CodecError> {
    let mut text = |spelled: Option<Spelled>| spelled.map(|spelled| spelled.intern(texts)).transpose();
    Ok(Row {
        id: stored.id.parse().map_err(CodecError::Id)?,
        version: stored.version.parse().map_err(CodecError::Version)?,
        level: if stored.needs_semver2 {
            SemVerLevel::Two
        } else {
            SemVerLevel::One
        },
        listed: stored.listed,
        approved: stored.approved,
        created: instant(stored.created)?,
        published: instant(stored.published)?,
        last_edited: stored.last_edited.map(instant).transpose()?,
        last_updated: instant(stored.last_updated)?,
        download_count: stored.download_count,
        version_download_count: stored.version_download_count,
        package_size: stored.package_size,
        title: text(stored.title)?,
        description: text(stored.description)?,
        summary: text(stored.summary)?,
        tags: text(stored.tags)?,
        authors: text(stored.authors)?,
    })
}

fn instant(micros: i64) -> Result<Instant, CodecError> {
    Instant::from_timestamp_micros(micros).ok_or(CodecError::Time)
}
