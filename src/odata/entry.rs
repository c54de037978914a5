//! What an entry says of a version: its properties, in their order, with their types and values.
//!
//! Decides what is computed, what is kept as its source wrote it, what is left out and what is never absent, so that Atom,
//! JSON and single properties say the same; refuses to know how any of them is written.

use std::borrow::Cow;

use super::protocol::{Declared, Protocol};
use crate::catalog::columns::{EdmType, definition, format_instant, parse_instant, shown_published};
use crate::catalog::{Instant, Property, Record, Row, Text};

/// The largest count that is shown: clients read counts as Int32 (NuGetGallery cuts them so too).
const MAX_COUNT: u64 = i32::MAX as u64;

/// One version as a feed shows it.
#[derive(Debug, Clone, Copy)]
pub struct EntryView<'a> {
    /// What is known of it.
    pub record: &'a Record,
    /// Whether it is its group's latest release, for the level that the client reads.
    pub is_latest: bool,
    /// Whether it is its group's latest version, for the level that the client reads.
    pub is_absolute_latest: bool,
}

/// A property as an entry shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The name; it can stand as an element's name.
    pub name: &'a str,
    /// `Edm.Boolean`, `Edm.Int32` ...; `None` for a string. Upstreams' own types stay as they are, known or not.
    pub edm_type: Option<&'a str>,
    /// The text, as XML writes values of the type; `None` for a null.
    pub value: Option<Cow<'a, str>>,
}

impl<'a> Shown<'a> {
    fn text(name: &'a str, value: &'a str) -> Self {
        Self {
            name,
            edm_type: None,
            value: Some(Cow::Borrowed(value)),
        }
    }

    fn typed(name: &'a str, edm: EdmType, value: impl Into<Cow<'a, str>>) -> Self {
        Self {
            name,
            edm_type: Some(edm.name()),
            value: Some(value.into()),
        }
    }

    fn flag(name: &'a str, value: bool) -> Self {
        Self::typed(name, EdmType::Boolean, if value { "true" } else { "false" })
    }

    fn count(name: &'a str, value: u64) -> Self {
        Self::typed(name, EdmType::Int32, value.min(MAX_COUNT).to_string())
    }

    fn instant(name: &'a str, value: Instant) -> Self {
        Self::typed(name, EdmType::DateTime, format_instant(value))
    }

    fn declared(declared: Declared, value: Option<Cow<'a, str>>) -> Self {
        Self {
            name: declared.name,
            edm_type: (declared.edm != EdmType::String.name()).then_some(declared.edm),
            value,
        }
    }

    /// Returns whether the name is among those that were asked for; `None` asks for all.
    #[must_use]
    pub fn is_selected(&self, select: Option<&[&'static str]>) -> bool {
        select.is_none_or(|select| select.iter().any(|name| name.eq_ignore_ascii_case(self.name)))
    }
}

/// Returns the properties of a version, in their order.
#[must_use]
pub fn properties<'a>(view: &EntryView<'a>, protocol: Protocol) -> Vec<Shown<'a>> {
    let mut all = computed(view);
    all.extend(stored(view.record));
    match protocol {
        Protocol::V1 => of_version_one(view, &all),
        Protocol::V2 => all,
    }
}

/// Returns one property of a version, its name matched ignoring case; one that is declared and not told is null. `None`
/// where packages have no such property.
#[must_use]
pub fn property<'a>(view: &EntryView<'a>, protocol: Protocol, name: &str) -> Option<Shown<'a>> {
    let shown = properties(view, protocol)
        .into_iter()
        .find(|shown| shown.name.eq_ignore_ascii_case(name));
    shown.or_else(|| protocol.declared(name).map(|declared| Shown::declared(declared, None)))
}

/// Returns what a version is called, which is its id where it has no title.
#[must_use]
pub fn title(row: &Row) -> &str {
    row.title.as_deref().map_or(row.id.as_str(), Text::as_str)
}

/// Returns the properties that version 1 declares, all of them, with nulls for what is not told (NuGetGallery,
/// `PackageExtensions.ToV1FeedPackageQuery`).
fn of_version_one<'a>(view: &EntryView<'a>, all: &[Shown<'a>]) -> Vec<Shown<'a>> {
    let declared = Protocol::V1.properties();
    let shown = declared.map(|declared| {
        let value = match declared.name {
            "Title" => Some(Cow::Borrowed(title(&view.record.row))),
            "Rating" => Some(Cow::Borrowed("0")),
            name => all
                .iter()
                .find(|shown| shown.name.eq_ignore_ascii_case(name))
                .and_then(|shown| shown.value.clone()),
        };
        (declared.nullable || value.is_some()).then(|| Shown::declared(declared, value))
    });
    shown.flatten().collect()
}

/// Returns what the row and the feed tell; a record's own list has none of these.
#[must_use]
pub fn computed<'a>(view: &EntryView<'a>) -> Vec<Shown<'a>> {
    let row = &view.record.row;
    let mut all = vec![
        Shown::text("Id", row.id.as_str()),
        // NuGetGallery's tests look for these two side by side.
        Shown::text("Version", row.version.as_str()),
        Shown::text("NormalizedVersion", row.version.normalized()),
        Shown::flag("IsLatestVersion", view.is_latest),
        Shown::flag("IsAbsoluteLatestVersion", view.is_absolute_latest),
        Shown::flag("IsPrerelease", row.version.is_prerelease()),
        Shown::flag("Listed", row.listed),
        Shown::instant("Created", row.created),
        Shown::instant("LastUpdated", row.last_updated),
        Shown::instant("Published", shown_published(row)),
    ];
    all.extend(row.last_edited.map(|at| Shown::instant("LastEdited", at)));
    all.push(Shown::count("DownloadCount", row.download_count));
    all.push(Shown::count("VersionDownloadCount", row.version_download_count));
    all
}

/// Returns a record's own properties, and those without which a client fails: Paket needs `Dependencies`, PSResourceGet
/// `Tags`.
#[must_use]
pub fn stored(record: &Record) -> Vec<Shown<'_>> {
    let is = |property: &Property, name: &str| property.name.eq_ignore_ascii_case(name);
    let has = |name: &str| record.properties.iter().any(|property| is(property, name));
    let mut all: Vec<Shown<'_>> = record
        .properties
        .iter()
        .filter_map(|property| {
            if is(property, "Tags") {
                Some(tags(record))
            } else {
                stored_property(property)
            }
        })
        .collect();
    if !has("Tags") {
        all.push(tags(record));
    }
    if !has("Dependencies") {
        all.push(Shown::text("Dependencies", ""));
    }
    all
}

/// Returns the tags padded with blanks: `substringof(' tag ',Tags)` has to hold on the client's side too.
fn tags(record: &Record) -> Shown<'_> {
    Shown::text("Tags", record.row.tags.as_deref().map_or("", Text::as_str))
}

/// Returns a property of a record: as its source wrote it where the metadata does not know it, else as its declared type is
/// written. A null or a value that the metadata does not admit is left out: clients of the WCF generation fail on it, with the
/// whole page, and do without the property.
fn stored_property(property: &Property) -> Option<Shown<'_>> {
    if !is_name(&property.name) {
        return None;
    }
    let Some(definition) = definition(&property.name) else {
        return Some(Shown {
            name: &property.name,
            edm_type: property.edm_type.as_deref().filter(|edm_type| is_name(edm_type)),
            value: property.value.as_deref().map(Cow::Borrowed),
        });
    };
    let value = match &property.value {
        Some(value) => Some(written(definition.edm, value)?),
        None if definition.nullable => None,
        None => return None,
    };
    Some(Shown {
        name: &property.name,
        edm_type: (definition.edm != EdmType::String).then_some(definition.edm.name()),
        value,
    })
}

/// Returns a value as XML writes those of its type: `true`, instants without a zone. `None` where it is none of the type.
fn written(edm: EdmType, value: &str) -> Option<Cow<'_, str>> {
    let trimmed = value.trim();
    let is_number = match edm {
        EdmType::String => return Some(Cow::Borrowed(value)),
        EdmType::Boolean => {
            let is_true = match trimmed.to_ascii_lowercase().as_str() {
                "true" | "1" => "true",
                "false" | "0" => "false",
                _ => return None,
            };
            return Some(Cow::Borrowed(is_true));
        }
        EdmType::DateTime => return parse_instant(trimmed).map(|at| Cow::Owned(format_instant(at))),
        EdmType::Int32 => trimmed.parse::<i32>().is_ok(),
        EdmType::Int64 => trimmed.parse::<i64>().is_ok(),
    };
    is_number.then_some(Cow::Borrowed(trimmed))
}

/// Returns whether a text can stand as an element's name; what an upstream sends need not.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
