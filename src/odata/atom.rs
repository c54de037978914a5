//! Writes Atom feeds and entries that both generations of clients read.
//!
//! Clients of the WCF generation (NuGet 2, choco 1) take id, authors, summary and time from Atom's elements and the rest
//! from `m:properties` beside a self-closed `content`; those of the Web API generation (NuGet.Client, choco 2) take all from
//! `m:properties` and the download's address from `content`. Some (Renovate, PSResourceGet, rocolatey) look for the literal
//! prefixes `m:` and `d:`, and trip over comments. So there is one form, with everything in both places.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::address::Collection;
use super::xml::{DATA_SERVICES, METADATA, Xml};
use crate::catalog::columns::{EdmType, definition, format_instant, parse_instant, shown_published};
use crate::catalog::{Instant, Property, Record, Text};

/// What must be encoded in the path of a link. Ids and versions have no other such characters.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?');

/// The largest count that is shown: clients read counts as Int32 (NuGetGallery cuts them so too).
const MAX_COUNT: u64 = i32::MAX as u64;

/// Where a feed lies.
#[derive(Debug, Clone, Copy)]
pub struct Links<'a> {
    /// The absolute URL of the feed's root as the client reaches it, without a trailing slash.
    pub root: &'a str,
}

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

/// What a feed says beside its entries.
#[derive(Debug, Clone, Copy)]
pub struct Feed<'a> {
    /// Where the feed lies.
    pub links: Links<'a>,
    /// The list that was asked for.
    pub collection: &'a Collection,
    /// When this answer was made.
    pub updated: Instant,
    /// The number of rows of all pages, where it was asked for.
    pub count: Option<u64>,
    /// The absolute URL of the next page.
    pub next: Option<&'a str>,
    /// The properties that were asked for; `None` for all of them.
    pub select: Option<&'a [&'static str]>,
}

/// Writes a feed.
#[must_use]
pub fn feed(feed: &Feed<'_>, entries: &[EntryView<'_>]) -> String {
    let mut xml = Xml::document(1024 + entries.len() * 6 * 1024);
    let name = match feed.collection {
        Collection::Packages => "Packages",
        Collection::FindPackagesById(_) => "FindPackagesById",
        Collection::Search => "Search",
        Collection::GetUpdates => "GetUpdates",
    };
    open(&mut xml, "feed", feed.links);
    if let Some(count) = feed.count {
        xml.element("m:count", "", &count.to_string());
    }
    xml.raw("<id>").text(feed.links.root).raw("/").raw(name).raw("</id>");
    xml.element("title", r#" type="text""#, name);
    updated(&mut xml, feed.updated);
    xml.raw(r#"<link rel="self" title=""#).raw(name);
    xml.raw(r#"" href=""#)
        .text(feed.links.root)
        .raw("/")
        .raw(name)
        .raw(r#""/>"#);
    if entries.is_empty() {
        // RFC 4287, 4.1.1: a feed without entries needs an author.
        xml.raw("<author><name></name></author>");
    }
    for view in entries {
        xml.raw("<entry>");
        entry_body(&mut xml, feed.links, view, feed.select);
        xml.raw("</entry>");
    }
    if let Some(next) = feed.next {
        xml.raw(r#"<link rel="next" href=""#).text(next).raw(r#""/>"#);
    }
    xml.raw("</feed>");
    xml.finish()
}

/// Writes a document of one entry.
#[must_use]
pub fn entry(links: Links<'_>, view: &EntryView<'_>, select: Option<&[&'static str]>) -> String {
    let mut xml = Xml::document(8 * 1024);
    open(&mut xml, "entry", links);
    entry_body(&mut xml, links, view, select);
    xml.raw("</entry>");
    xml.finish()
}

fn open(xml: &mut Xml, name: &str, links: Links<'_>) {
    xml.raw("<").raw(name).raw(r#" xml:base=""#).text(links.root);
    xml.raw(r#"/" xmlns="http://www.w3.org/2005/Atom" xmlns:d=""#)
        .raw(DATA_SERVICES);
    xml.raw(r#"" xmlns:m=""#).raw(METADATA).raw(r#"">"#);
}

/// Writes `updated`, which unlike properties has a zone.
fn updated(xml: &mut Xml, instant: Instant) {
    xml.raw("<updated>").raw(&format_instant(instant)).raw("Z</updated>");
}

fn entry_body(xml: &mut Xml, links: Links<'_>, view: &EntryView<'_>, select: Option<&[&'static str]>) {
    let row = &view.record.row;
    let (id, version) = (row.id.as_str(), row.version.normalized());
    let path: Cow<'_, str> = utf8_percent_encode(id, PATH).into();
    let key = format!("{}/Packages(Id='{path}',Version='{version}')", links.root);
    // OneGet reads the id out of this quoted part, so here it stays as it is spelled.
    xml.raw("<id>").text(links.root).raw("/Packages(Id='").text(id);
    xml.raw("',Version='").text(version).raw("')</id>");
    xml.raw(r#"<category term="NuGetGallery.OData.V2FeedPackage" scheme=""#);
    xml.raw(DATA_SERVICES).raw(r#"/scheme"/>"#);
    xml.raw(r#"<link rel="edit" title="V2FeedPackage" href=""#)
        .text(&key)
        .raw(r#""/>"#);
    xml.element("title", r#" type="text""#, id);
    xml.element(
        "summary",
        r#" type="text""#,
        row.summary.as_deref().map_or("", Text::as_str),
    );
    updated(xml, row.last_updated);
    xml.raw("<author>");
    xml.element("name", "", row.authors.as_deref().map_or("", Text::as_str));
    xml.raw("</author>");
    xml.raw(r#"<link rel="edit-media" title="V2FeedPackage" href=""#)
        .text(&key)
        .raw(r#"/$value"/>"#);
    xml.raw(r#"<content type="application/zip" src=""#).text(links.root);
    xml.raw("/package/").text(&path).raw("/").text(version).raw(r#""/>"#);
    xml.raw("<m:properties>");
    let mut properties = Properties { xml, select };
    properties.computed(view);
    properties.stored(view.record);
    xml.raw("</m:properties>");
}

/// Writes properties, those that were asked for.
struct Properties<'a> {
    xml: &'a mut Xml,
    select: Option<&'a [&'static str]>,
}

impl Properties<'_> {
    fn is_selected(&self, name: &str) -> bool {
        self.select
            .is_none_or(|select| select.iter().any(|selected| selected.eq_ignore_ascii_case(name)))
    }

    fn write(&mut self, name: &str, attributes: &str, value: &str) {
        if self.is_selected(name) {
            self.xml.raw("<d:").raw(name).raw(attributes).raw(">").text(value);
            self.xml.raw("</d:").raw(name).raw(">");
        }
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.write(name, r#" m:type="Edm.Boolean""#, if value { "true" } else { "false" });
    }

    fn count(&mut self, name: &str, value: u64) {
        self.write(name, r#" m:type="Edm.Int32""#, &value.min(MAX_COUNT).to_string());
    }

    fn instant(&mut self, name: &str, value: Instant) {
        self.write(name, r#" m:type="Edm.DateTime""#, &format_instant(value));
    }

    /// Writes what the row and the feed tell; a record's own list has none of these.
    fn computed(&mut self, view: &EntryView<'_>) {
        let row = &view.record.row;
        self.write("Id", "", row.id.as_str());
        // NuGetGallery's tests look for these two side by side.
        self.write("Version", "", row.version.as_str());
        self.write("NormalizedVersion", "", row.version.normalized());
        self.flag("IsLatestVersion", view.is_latest);
        self.flag("IsAbsoluteLatestVersion", view.is_absolute_latest);
        self.flag("IsPrerelease", row.version.is_prerelease());
        self.flag("Listed", row.listed);
        self.instant("Created", row.created);
        self.instant("LastUpdated", row.last_updated);
        self.instant("Published", shown_published(row));
        if let Some(last_edited) = row.last_edited {
            self.instant("LastEdited", last_edited);
        }
        self.count("DownloadCount", row.download_count);
        self.count("VersionDownloadCount", row.version_download_count);
    }

    /// Writes a record's own properties, and those without which a client fails: Paket needs `Dependencies`, PSResourceGet
    /// `Tags`.
    fn stored(&mut self, record: &Record) {
        let (mut has_tags, mut has_dependencies) = (false, false);
        for property in &record.properties {
            if property.name.eq_ignore_ascii_case("Tags") {
                has_tags = true;
                self.tags(record);
                continue;
            }
            if property.name.eq_ignore_ascii_case("Dependencies") {
                has_dependencies = true;
            }
            self.property(property);
        }
        if !has_tags {
            self.tags(record);
        }
        if !has_dependencies {
            self.write("Dependencies", "", "");
        }
    }

    /// Writes the tags padded with blanks, which readers must not take away: `substringof(' tag ',Tags)` has to hold on the
    /// client's side too.
    fn tags(&mut self, record: &Record) {
        let tags = record.row.tags.as_deref();
        self.write(
            "Tags",
            r#" xml:space="preserve""#,
            tags.map_or("", |tags| tags.as_str()),
        );
    }

    /// Writes a property as its source wrote it. A null or a value that the metadata does not admit is left out: clients of
    /// the WCF generation fail on it, with the whole page, and do without the property.
    fn property(&mut self, property: &Property) {
        if !is_name(&property.name) {
            return;
        }
        let attribute = property.edm_type.as_deref().filter(|edm_type| is_name(edm_type));
        let mut attributes = attribute.map_or(String::new(), |edm_type| format!(r#" m:type="{edm_type}""#));
        match &property.value {
            Some(value) if is_of_its_type(&property.name, value) => self.write(&property.name, &attributes, value),
            None if definition(&property.name).is_none_or(|definition| definition.nullable) => {
                attributes.push_str(r#" m:null="true""#);
                self.write(&property.name, &attributes, "");
            }
            Some(_) | None => {}
        }
    }
}

/// Returns whether a value is one of the type that the metadata gives the property; names that it does not know have none.
fn is_of_its_type(name: &str, value: &str) -> bool {
    let value = value.trim();
    definition(name).is_none_or(|definition| match definition.edm {
        EdmType::String => true,
        EdmType::Boolean => ["true", "false", "1", "0"].contains(&value.to_ascii_lowercase().as_str()),
        EdmType::Int32 => value.parse::<i32>().is_ok(),
        EdmType::Int64 => value.parse::<i64>().is_ok(),
        EdmType::DateTime => parse_instant(value).is_some(),
    })
}

/// Returns whether a text can stand as an element's name; what an upstream sends need not.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests;
