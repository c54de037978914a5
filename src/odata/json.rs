//! Writes the JSON of OData's first two versions, called verbose since the third, as WCF Data Services did.
//!
//! Says what Atom says: the same properties, with nulls as nulls, 64-bit numbers as texts and instants as `/Date(ms)/`.

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use super::entry::{self, EntryView, Shown};
use super::links::Links;
use super::protocol::Protocol;
use crate::catalog::columns::parse_instant;

/// What a page says beside its entries.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Where the feed lies.
    pub links: Links<'a>,
    /// The number of rows of all pages, where it was asked for.
    pub count: Option<u64>,
    /// The absolute URL of the next page.
    pub next: Option<&'a str>,
    /// The properties that were asked for; `None` for all of them.
    pub select: Option<&'a [&'static str]>,
}

impl Page<'_> {
    /// Returns whether the page is an array alone, as version 1.0 of OData has it: it has no place for a count or a link.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.links.protocol == Protocol::V1 && self.count.is_none() && self.next.is_none()
    }
}

/// Writes a page of a list.
#[must_use]
pub fn page(page: &Page<'_>, entries: &[EntryView<'_>]) -> String {
    let entries: Vec<Entry<'_>> = entries
        .iter()
        .map(|view| Entry {
            links: page.links,
            view,
            select: page.select,
        })
        .collect();
    if page.is_plain() {
        return document(&entries);
    }
    document(&Envelope {
        results: entries,
        // A text, as all 64-bit numbers are.
        count: page.count.map(|count| count.to_string()),
        next: page.next,
    })
}

/// Writes a document of one entry.
#[must_use]
pub fn entry(links: Links<'_>, view: &EntryView<'_>, select: Option<&[&'static str]>) -> String {
    document(&Entry { links, view, select })
}

/// Writes a document of one property.
#[must_use]
pub fn property(shown: &Shown<'_>, protocol: Protocol) -> String {
    let edm_type = type_of(shown, protocol);
    document(&One(shown.name, &Value { shown, edm_type }))
}

/// Writes the service document.
#[must_use]
pub fn service() -> String {
    document(&One("EntitySets", &["Packages"]))
}

/// Writes an error: a code for programs, which can be empty, and a message for people.
#[must_use]
pub fn error(code: &str, message: &str) -> String {
    let message = Message {
        lang: "en-US",
        value: message,
    };
    written(&One("error", &Error { code, message }))
}

/// Writes a document: an object whose `d` is all there is, so that no script can take it for an array.
fn document(content: &impl Serialize) -> String {
    written(&One("d", content))
}

#[expect(
    clippy::expect_used,
    reason = "nothing here fails to serialize: texts, numbers, and objects whose names are texts"
)]
fn written(content: &impl Serialize) -> String {
    serde_json::to_string(content).expect("texts, numbers and objects of them are JSON")
}

/// An object of one member.
struct One<'a, T>(&'a str, &'a T);

impl<T: Serialize> Serialize for One<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, self.1)?;
        map.end()
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    results: Vec<Entry<'a>>,
    #[serde(rename = "__count", skip_serializing_if = "Option::is_none")]
    count: Option<String>,
    #[serde(rename = "__next", skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    lang: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Metadata<'a> {
    uri: &'a str,
    #[serde(rename = "type")]
    entity: &'a str,
    edit_media: String,
    media_src: String,
    content_type: &'a str,
}

struct Entry<'a> {
    links: Links<'a>,
    view: &'a EntryView<'a>,
    select: Option<&'a [&'static str]>,
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (row, protocol) = (&self.view.record.row, self.links.protocol);
        let uri = self.links.package(row);
        let metadata = Metadata {
            uri: &uri,
            entity: protocol.qualified_entity(),
            edit_media: format!("{uri}/$value"),
            media_src: self.links.file(&row.id, &row.version),
            content_type: "application/zip",
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("__metadata", &metadata)?;
        let all = entry::properties(self.view, protocol);
        for shown in all.iter().filter(|shown| shown.is_selected(self.select)) {
            let edm_type = type_of(shown, protocol);
            map.serialize_entry(shown.name, &Value { shown, edm_type })?;
        }
        map.end()
    }
}

/// Returns the type of a property: the declared one, else what its source says.
fn type_of<'a>(shown: &Shown<'a>, protocol: Protocol) -> &'a str {
    let declared = protocol.declared(shown.name).map(|declared| declared.edm);
    declared.or(shown.edm_type).unwrap_or_default()
}

/// A property's value, as its type is written.
struct Value<'a> {
    shown: &'a Shown<'a>,
    edm_type: &'a str,
}

impl Serialize for Value<'_> {
    /// A text that is none of its type is written as it is.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(text) = self.shown.value.as_deref() else {
            return serializer.serialize_none();
        };
        match self.edm_type {
            "Edm.Boolean" => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => return serializer.serialize_bool(true),
                "false" | "0" => return serializer.serialize_bool(false),
                _ => {}
            },
            "Edm.Int32" | "Edm.Int16" | "Edm.Byte" | "Edm.SByte" => {
                if let Ok(number) = text.trim().parse() {
                    return serializer.serialize_i64(number);
                }
            }
            "Edm.Double" | "Edm.Single" => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => return serializer.serialize_f64(number),
                Ok(_) | Err(_) => {}
            },
            "Edm.DateTime" => {
                if let Some(instant) = parse_instant(text) {
                    return serializer.collect_str(&format_args!("/Date({})/", instant.timestamp_millis()));
                }
            }
            _ => {}
        }
        serializer.serialize_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{described, instant, record};
    use crate::catalog::{Property, Record, Row};

    const V2: Links<'_> = Links {
        root: "http://127.0.0.1:8624/api/v2",
        protocol: Protocol::V2,
    };

    const V1: Links<'_> = Links {
        root: "http://127.0.0.1:8624/api/v1",
        protocol: Protocol::V1,
    };

    fn git() -> Record {
        let row = Row {
            last_edited: Some(instant("2020-06-07T08:09:10.1200")),
            download_count: 7,
            ..described("Git", "2.40", "one \"line\"\r\n\u{1b}two", "vcs")
        };
        let typed = |name: &str, edm_type: &str, value: &str| Property::typed(name, edm_type, value.to_owned());
        record(
            row,
            vec![
                Property::text("Description", Some("one \"line\"\r\n\u{1b}two")),
                Property::text("Copyright", None),
                typed("PackageSize", "Edm.Int64", "6007"),
                typed("RequireLicenseAcceptance", "Edm.Boolean", "false"),
                typed("Worth", "Edm.Decimal", "1.50"),
                typed("Share", "Edm.Double", "0.5"),
                typed("Limit", "Edm.Double", "INF"),
                typed("Level", "Edm.Int32", "3"),
                typed("Odd", "Edm.Int32", "three"),
            ],
        )
    }

    fn view(record: &Record) -> EntryView<'_> {
        EntryView {
            record,
            is_latest: true,
            is_absolute_latest: false,
        }
    }

    fn pretty(document: &str) -> String {
        // Not through a map: the order of names is to be seen.
        document.replace("\":{", "\":\n{").replace(",\"", ",\n\"")
    }

    #[test]
    fn a_json_page() {
        let git = git();
        let first = Page {
            links: V2,
            count: Some(9),
            next: Some("http://127.0.0.1:8624/api/v2/Packages()?$skip=1"),
            select: None,
        };
        insta::assert_snapshot!(pretty(&page(&first, &[view(&git)])));
    }

    #[test]
    fn pages_have_the_form_of_their_version() {
        let git = git();
        let select: &[&'static str] = &["Version"];
        let of = |links, count| Page {
            links,
            count,
            next: None,
            select: Some(select),
        };
        let written = |links, count| page(&of(links, count), &[view(&git)]);
        let read = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert_eq!(page(&of(V2, None), &[]), r#"{"d":{"results":[]}}"#);
        assert_eq!(page(&of(V2, Some(0)), &[]), r#"{"d":{"results":[],"__count":"0"}}"#);
        assert_eq!(page(&of(V1, None), &[]), r#"{"d":[]}"#);
        assert_eq!(page(&of(V1, Some(0)), &[]), r#"{"d":{"results":[],"__count":"0"}}"#);
        assert_eq!(read(written(V2, None))["d"]["results"][0]["Version"], "2.40");
        assert_eq!(read(written(V1, None))["d"][0]["Version"], "2.40");
        let members = |value: &serde_json::Value| value.as_object().unwrap().len();
        assert_eq!(members(&read(written(V1, None))["d"][0]), 2, "and the metadata");
    }

    #[test]
    fn small_documents() {
        let git = git();
        let property = |name: &str| property(&entry::property(&view(&git), Protocol::V2, name).unwrap(), Protocol::V2);
        for (document, expected) in [
            (property("Id"), r#"{"d":{"Id":"Git"}}"#),
            (property("downloadcount"), r#"{"d":{"DownloadCount":7}}"#),
            (property("PackageSize"), r#"{"d":{"PackageSize":"6007"}}"#),
            (property("Copyright"), r#"{"d":{"Copyright":null}}"#),
            (
                property("LastEdited"),
                r#"{"d":{"LastEdited":"/Date(1591517350120)/"}}"#,
            ),
            (service(), r#"{"d":{"EntitySets":["Packages"]}}"#),
            (
                error("", "No \"x\"."),
                r#"{"error":{"code":"","message":{"lang":"en-US","value":"No \"x\"."}}}"#,
            ),
        ] {
            assert_eq!(document, expected);
        }
        let document = entry(V1, &view(&git), Some(&["Rating", "DownloadCount"]));
        assert!(
            document.ends_with(r#""DownloadCount":"7","Rating":0.0}}"#),
            "{document}"
        );
    }
}
