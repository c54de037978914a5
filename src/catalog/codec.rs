//! Rows and records as bytes for an index, in a versioned form.
//!
//! Long texts (descriptions, release notes) repeat from version to version. They stand apart, once for an id, and are
//! referred to by a digest: [`Texts`] collects them while encoding and looks them up while decoding.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha512};

use super::{Content, Instant, Interner, Origin, Property, Record, Row, SourceName, Text};
use crate::nuget::framework::Declared;
use crate::nuget::{PackageId, PackageIdError, SemVerLevel, VersionError};

/// The form that is written. A value of another form is refused, and the index rebuilt from the files.
pub const FORM: u8 = 2;

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
    apart: HashMap<TextKey, Apart>,
    interner: Interner,
    /// The id as the row read last spells it: nearly all rows of an id spell it alike.
    id: Option<PackageId>,
    /// The frameworks of the row read last: most versions of an id are made for the same.
    frameworks: Option<Arc<Declared>>,
}

/// A text that stands apart.
#[derive(Debug)]
enum Apart {
    Read(Box<str>),
    /// In the form that rows share.
    Shared(Arc<Text>),
}

impl Apart {
    fn as_str(&self) -> &str {
        match self {
            Self::Read(text) => text,
            Self::Shared(text) => text.as_str(),
        }
    }

    fn share(&mut self) -> Arc<Text> {
        let text = match self {
            Self::Read(text) => Arc::new(Text::from(std::mem::take(text))),
            Self::Shared(text) => return Arc::clone(text),
        };
        *self = Self::Shared(Arc::clone(&text));
        text
    }
}

impl Texts {
    /// Adds a text that was read.
    pub fn insert(&mut self, key: TextKey, text: &str) {
        self.apart.insert(key, Apart::Read(text.into()));
    }

    /// Returns whether a text is there.
    #[must_use]
    pub fn contains(&self, key: &TextKey) -> bool {
        self.apart.contains_key(key)
    }

    /// Returns the texts that were collected while encoding.
    pub fn iter(&self) -> impl Iterator<Item = (&TextKey, &str)> {
        self.apart.iter().map(|(key, text)| (key, text.as_str()))
    }

    fn put(&mut self, text: &str) -> TextKey {
        let mut key = TextKey::default();
        key.iter_mut()
            .zip(Sha512::digest(text.as_bytes()))
            .for_each(|(to, from)| *to = from);
        self.insert(key, text);
        key
    }

    fn get(&self, key: &TextKey) -> Result<&str, CodecError> {
        self.apart.get(key).map(Apart::as_str).ok_or(CodecError::LostText)
    }

    fn share_id(&mut self, spelling: &str) -> Result<PackageId, CodecError> {
        if let Some(id) = self.id.as_ref().filter(|id| id.as_str() == spelling) {
            return Ok(id.clone());
        }
        let id: PackageId = spelling.parse().map_err(CodecError::Id)?;
        self.id = Some(id.clone());
        Ok(id)
    }

    fn share_frameworks(&mut self, names: &str) -> Option<Arc<Declared>> {
        if let Some(known) = self.frameworks.as_ref().filter(|known| known.as_str() == names) {
            return Some(Arc::clone(known));
        }
        self.frameworks = Declared::parse(names).map(Arc::new);
        self.frameworks.clone()
    }

    fn share(&mut self, key: &TextKey) -> Result<Arc<Text>, CodecError> {
        self.apart.get_mut(key).map(Apart::share).ok_or(CodecError::LostText)
    }
}

/// A text in place, or the name of one that stands apart.
#[derive(Serialize, Deserialize)]
enum Spelled<'a> {
    #[serde(borrow)]
    Here(&'a str),
    Apart(TextKey),
}

impl<'a> Spelled<'a> {
    fn encode(text: &'a str, texts: &mut Texts) -> Self {
        if text.len() < APART_BYTES {
            Self::Here(text)
        } else {
            Self::Apart(texts.put(text))
        }
    }

    fn intern(&self, texts: &mut Texts) -> Result<Arc<Text>, CodecError> {
        match self {
            Self::Here(text) => Ok(texts.interner.intern(text)),
            Self::Apart(key) => texts.share(key),
        }
    }

    fn read<'t>(&self, texts: &'t Texts) -> Result<&'t str, CodecError>
    where
        'a: 't,
    {
        match self {
            Self::Here(text) => Ok(text),
            Self::Apart(key) => texts.get(key),
        }
    }

    fn key(&self) -> Option<&TextKey> {
        match self {
            Self::Here(_) => None,
            Self::Apart(key) => Some(key),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredRow<'a> {
    id: &'a str,
    version: &'a str,
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
    /// Short names, separated by `|`.
    frameworks: Option<&'a str>,
    #[serde(borrow)]
    title: Option<Spelled<'a>>,
    #[serde(borrow)]
    description: Option<Spelled<'a>>,
    #[serde(borrow)]
    summary: Option<Spelled<'a>>,
    #[serde(borrow)]
    tags: Option<Spelled<'a>>,
    #[serde(borrow)]
    authors: Option<Spelled<'a>>,
}

#[derive(Serialize, Deserialize)]
struct StoredProperty<'a> {
    name: &'a str,
    edm_type: Option<&'a str>,
    #[serde(borrow)]
    value: Option<Spelled<'a>>,
}

/// [`Content`], borrowed.
#[derive(Serialize, Deserialize)]
struct StoredContent<'a> {
    sha512: &'a str,
    size: u64,
}

/// [`Origin`] without the tag that self-describing formats need.
#[derive(Serialize, Deserialize)]
enum StoredOrigin<'a> {
    Pushed {
        by: &'a str,
    },
    Imported,
    Mirrored {
        #[serde(borrow)]
        content_url: Option<&'a str>,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredRecord<'a> {
    #[serde(borrow)]
    row: StoredRow<'a>,
    #[serde(borrow)]
    properties: Vec<StoredProperty<'a>>,
    #[serde(borrow)]
    content: Option<StoredContent<'a>>,
    #[serde(borrow)]
    origin: StoredOrigin<'a>,
    committed: i64,
}

impl StoredRecord<'_> {
    fn text_keys(&self) -> impl Iterator<Item = &TextKey> {
        let row = &self.row;
        let of_row = [&row.title, &row.description, &row.summary, &row.tags, &row.authors];
        let of_properties = self.properties.iter().map(|property| &property.value);
        let all = of_row.into_iter().chain(of_properties);
        all.filter_map(|text| text.as_ref().and_then(Spelled::key))
    }
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
            name: &property.name,
            edm_type: property.edm_type.as_deref(),
            value: property.value.as_deref().map(|value| Spelled::encode(value, texts)),
        })
        .collect();
    let origin = match &record.origin {
        Origin::Pushed { by } => StoredOrigin::Pushed { by },
        Origin::Imported => StoredOrigin::Imported,
        Origin::Mirrored { content_url } => StoredOrigin::Mirrored {
            content_url: content_url.as_deref(),
        },
    };
    frame(&StoredRecord {
        row: store_row(&record.row, texts),
        properties,
        content: record.content.as_ref().map(|content| StoredContent {
            sha512: &content.sha512,
            size: content.size,
        }),
        origin,
        committed: ticks(record.committed),
    })
}

/// Decodes a record of `source`.
pub fn decode_record(source: &SourceName, bytes: &[u8], texts: &mut Texts) -> Result<Record, CodecError> {
    let stored: StoredRecord<'_> = unframe(bytes)?;
    let row = read_row(stored.row, texts)?;
    let mut properties = Vec::with_capacity(stored.properties.len());
    for property in stored.properties {
        let value = property.value.map(|value| value.read(texts).map(str::to_owned));
        properties.push(Property {
            name: property.name.to_owned(),
            edm_type: property.edm_type.map(str::to_owned),
            value: value.transpose()?,
        });
    }
    let origin = match stored.origin {
        StoredOrigin::Pushed { by } => Origin::Pushed { by: by.to_owned() },
        StoredOrigin::Imported => Origin::Imported,
        StoredOrigin::Mirrored { content_url } => Origin::Mirrored {
            content_url: content_url.map(str::to_owned),
        },
    };
    Ok(Record {
        source: source.clone(),
        row: Arc::new(row),
        properties,
        content: stored.content.map(|content| Content {
            sha512: content.sha512.to_owned(),
            size: content.size,
        }),
        origin,
        committed: instant(stored.committed)?,
    })
}

/// Returns the names of the texts without which a record cannot be decoded.
pub fn record_text_keys(bytes: &[u8]) -> Result<Vec<TextKey>, CodecError> {
    let stored: StoredRecord<'_> = unframe(bytes)?;
    Ok(stored.text_keys().copied().collect())
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

fn store_row<'a>(row: &'a Row, texts: &mut Texts) -> StoredRow<'a> {
    let mut spell = |text: &'a Option<Arc<Text>>| text.as_ref().map(|text| Spelled::encode(text.as_str(), texts));
    StoredRow {
        id: row.id.as_str(),
        version: row.version.as_str(),
        needs_semver2: row.level == SemVerLevel::Two,
        listed: row.listed,
        approved: row.approved,
        created: ticks(row.created),
        published: ticks(row.published),
        last_edited: row.last_edited.map(ticks),
        last_updated: ticks(row.last_updated),
        download_count: row.download_count,
        version_download_count: row.version_download_count,
        package_size: row.package_size,
        frameworks: row.frameworks.as_deref().map(Declared::as_str),
        title: spell(&row.title),
        description: spell(&row.description),
        summary: spell(&row.summary),
        tags: spell(&row.tags),
        authors: spell(&row.authors),
    }
}

fn read_row(stored: StoredRow<'_>, texts: &mut Texts) -> Result<Row, CodecError> {
    let id = texts.share_id(stored.id)?;
    let frameworks = stored.frameworks.and_then(|names| texts.share_frameworks(names));
    let mut text = |spelled: Option<Spelled<'_>>| spelled.map(|spelled| spelled.intern(texts)).transpose();
    Ok(Row {
        id,
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
        frameworks,
        title: text(stored.title)?,
        description: text(stored.description)?,
        summary: text(stored.summary)?,
        tags: text(stored.tags)?,
        authors: text(stored.authors)?,
    })
}

/// Ticks in a second: feeds tell times in steps of 100 ns.
const TICKS: i64 = 10_000_000;

/// Returns an instant in ticks; what lies beyond some 29,000 years from 1970, as only a broken upstream tells it, counts as there.
fn ticks(at: Instant) -> i64 {
    let ticks = at.timestamp().saturating_mul(TICKS);
    ticks.saturating_add(i64::from(at.timestamp_subsec_nanos() / 100))
}

fn instant(ticks: i64) -> Result<Instant, CodecError> {
    let nanoseconds = u32::try_from(ticks.rem_euclid(TICKS) * 100).map_err(|_| CodecError::Time)?;
    Instant::from_timestamp(ticks.div_euclid(TICKS), nanoseconds).ok_or(CodecError::Time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::columns::parse_instant;
    use crate::catalog::testing::{described, record, row};

    fn source() -> SourceName {
        "test".parse().unwrap()
    }

    /// The texts as another process reads them: from their bytes.
    fn read_back(texts: &Texts) -> Texts {
        let mut read = Texts::default();
        texts.iter().for_each(|(key, text)| read.insert(*key, text));
        read
    }

    fn assert_round_trip(record: &Record) {
        let (mut row_texts, mut texts) = (Texts::default(), Texts::default());
        let row = decode_row(&encode_row(&record.row, &mut row_texts), &mut read_back(&row_texts)).unwrap();
        assert_eq!(row, *record.row);
        let bytes = encode_record(record, &mut texts);
        let decoded = decode_record(&record.source, &bytes, &mut read_back(&texts)).unwrap();
        assert_eq!(decoded.source, record.source);
        assert_eq!(decoded.row, record.row);
        assert_eq!(decoded.properties, record.properties);
        assert_eq!(decoded.content, record.content);
        assert_eq!(decoded.origin, record.origin);
        assert_eq!(decoded.committed, record.committed);
    }

    /// Any time that an upstream may tell, to the tick of 100 ns in which they tell it.
    fn instants() -> impl Strategy<Value = Instant> {
        let seconds = -62_135_596_800..253_402_300_799_i64;
        (seconds, 0..10_000_000_u32).prop_map(|(seconds, ticks)| Instant::from_timestamp(seconds, ticks * 100).unwrap())
    }

    /// Short and long texts, empty ones, ones of the length at which they stand apart.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,60}",
            "[a-zA-Z äöü𝔘\n]{40,56}",
            ("\\PC{1,20}", 1..400_usize).prop_map(|(text, times)| text.repeat(times)),
        ]
    }

    fn origins() -> impl Strategy<Value = Origin> {
        prop_oneof![
            texts().prop_map(|by| Origin::Pushed { by }),
            Just(Origin::Imported),
            proptest::option::of(texts()).prop_map(|content_url| Origin::Mirrored { content_url }),
        ]
    }

    prop_compose! {
        fn rows()(
            version in "[0-9]{1,4}(\\.[0-9]{1,4}){1,3}(-[a-z]{1,5})?",
            texts in proptest::collection::vec(proptest::option::of(texts()), 5),
            times in proptest::collection::vec(instants(), 4),
            flags in proptest::array::uniform4(any::<bool>()),
            counts in proptest::array::uniform3(any::<u64>()),
            frameworks in proptest::option::of("net(20|45)(\\|portable-net45\\+win8)?"),
        ) -> Row {
            let text = |index: usize| texts[index].as_deref().map(crate::catalog::testing::text);
            Row {
                level: if flags[0] { SemVerLevel::Two } else { SemVerLevel::One },
                listed: flags[1],
                approved: flags[2],
                created: times[0],
                published: times[1],
                last_edited: flags[3].then_some(times[2]),
                last_updated: times[3],
                download_count: counts[0],
                version_download_count: counts[1],
                package_size: counts[2],
                frameworks: frameworks.as_deref().and_then(Declared::parse).map(Arc::new),
                title: text(0),
                description: text(1),
                summary: text(2),
                tags: text(3),
                authors: text(4),
                ..row("Git.Install", &version)
            }
        }
    }

    prop_compose! {
        fn records()(
            row in rows(),
            properties in proptest::collection::vec(
                (texts(), proptest::option::of("Edm\\.[A-Z][a-z0-9]{1,9}"), proptest::option::of(texts())), 0..6),
            content in proptest::option::of((texts(), any::<u64>())),
            origin in origins(),
            committed in instants(),
        ) -> Record {
            let property = |(name, edm_type, value)| Property { name, edm_type, value };
            Record {
                content: content.map(|(sha512, size)| Content { sha512, size }),
                origin,
                committed,
                ..record(row, properties.into_iter().map(property).collect())
            }
        }
    }

    proptest! {
        #[test]
        fn records_round_trip(record in records()) {
            assert_round_trip(&record);
        }

        #[test]
        fn garbage_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), framed in any::<bool>()) {
            let bytes = if framed { [&[FORM], &bytes[..]].concat() } else { bytes };
            // Bytes that happen to be a value are no harm: the index guards its pages by checksums.
            drop(decode_row(&bytes, &mut Texts::default()));
            drop(decode_record(&source(), &bytes, &mut Texts::default()));
        }

        #[test]
        fn damage_is_refused_or_read(record in records(), at in any::<proptest::sample::Index>(), bit in 0..8_u32, cut in any::<bool>()) {
            let mut texts = Texts::default();
            let mut bytes = encode_record(&record, &mut texts);
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
                prop_assert!(decode_record(&source(), &bytes, &mut texts).is_err());
            } else {
                bytes[at] ^= 1 << bit;
                drop(decode_record(&source(), &bytes, &mut texts));
            }
        }
    }

    #[test]
    fn times_keep_the_ticks_that_feeds_tell() {
        for text in [
            "2024-05-06T07:08:09.1234567",
            "1900-01-01T00:00:00",
            "0001-01-01T00:00:00",
            "9999-12-31T23:59:59.9999999",
        ] {
            let at = parse_instant(text).unwrap();
            let mut told = row("git", "1.0");
            (told.created, told.published, told.last_edited, told.last_updated) = (at, at, Some(at), at);
            assert_round_trip(&record(told, Vec::new()));
        }
    }

    #[test]
    fn times_that_nobody_lives_to_see_do_no_harm() {
        for at in [Instant::MIN_UTC, Instant::MAX_UTC] {
            let told = Row {
                created: at,
                ..row("git", "1.0")
            };
            let bytes = encode_row(&told, &mut Texts::default());
            assert!(decode_row(&bytes, &mut Texts::default()).is_ok());
        }
    }

    #[test]
    fn another_form_is_named() {
        let encoded = encode_row(&row("git", "1.0"), &mut Texts::default());
        for (form, bytes) in [(0, Vec::new()), (FORM + 1, [&[FORM + 1], &encoded[1..]].concat())] {
            let refused = decode_row(&bytes, &mut Texts::default());
            assert!(matches!(refused, Err(CodecError::Form(found)) if found == form));
            let refused = decode_record(&source(), &bytes, &mut Texts::default());
            assert!(matches!(refused, Err(CodecError::Form(found)) if found == form));
        }
    }

    #[test]
    fn equal_texts_are_kept_once_and_needed() {
        let long = "A text that is long enough to stand apart from the value that tells it.";
        let mut texts = Texts::default();
        let one = encode_row(&described("git", "1.0", long, "vcs"), &mut texts);
        let two = encode_row(&described("git", "2.0", long, "vcs"), &mut texts);
        assert_eq!(texts.iter().map(|(_, text)| text).collect::<Vec<_>>(), [long]);
        let mut read = read_back(&texts);
        let rows = [&one, &two].map(|bytes| decode_row(bytes, &mut read).unwrap());
        for shared in [|row: &Row| row.description.clone(), |row: &Row| row.tags.clone()] {
            let [one, two] = [&rows[0], &rows[1]].map(|row| shared(row).unwrap());
            assert!(Arc::ptr_eq(&one, &two));
        }
        let lost = decode_row(&one, &mut Texts::default());
        assert!(matches!(lost, Err(CodecError::LostText)));
    }
}
