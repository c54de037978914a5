//! Rows and records for unit tests.

use std::sync::Arc;

use super::row::pad_tags;
use super::{Instant, Origin, Property, Record, Row, Text};
use crate::catalog::columns::parse_instant;

/// Returns an instant.
pub(crate) fn instant(text: &str) -> Instant {
    parse_instant(text).unwrap()
}

/// Returns a text as rows hold it.
pub(crate) fn text(text: &str) -> Arc<Text> {
    Arc::new(Text::new(text))
}

/// Returns a listed row without any text.
pub(crate) fn row(id: &str, version: &str) -> Row {
    let version: crate::nuget::NuGetVersion = version.parse().unwrap();
    Row {
        id: id.parse().unwrap(),
        level: version.level(),
        version,
        listed: true,
        created: instant("2020-01-02T03:04:05"),
        published: instant("2020-01-02T03:04:05"),
        last_edited: None,
        last_updated: instant("2021-02-03T04:05:06.5"),
        download_count: 100,
        version_download_count: 10,
        package_size: 1000,
        approved: true,
        frameworks: None,
        title: None,
        description: None,
        summary: None,
        tags: None,
        authors: None,
    }
}

/// Returns a row with texts.
pub(crate) fn described(id: &str, version: &str, description: &str, tags: &str) -> Row {
    Row {
        description: Some(text(description)),
        tags: Some(text(&pad_tags(tags))),
        ..row(id, version)
    }
}

/// Returns the record of a row, with properties.
pub(crate) fn record(row: Row, properties: Vec<Property>) -> Record {
    Record {
        source: "test".parse().unwrap(),
        row: Arc::new(row),
        properties,
        content: None,
        origin: Origin::Imported,
        committed: instant("2022-01-01"),
    }
}
