//! Writes Atom feeds and entries that both generations of clients read.
//!
//! Clients of the WCF generation (NuGet 2, choco 1) take id, authors, summary and time from Atom's elements and the rest
//! from `m:properties` beside a self-closed `content`; those of the Web API generation (NuGet.Client, choco 2) take all from
//! `m:properties` and the download's address from `content`. Some (Renovate, PSResourceGet, rocolatey) look for the literal
//! prefixes `m:` and `d:`, and trip over comments. So there is one form, with everything in both places.

use super::address::Collection;
use super::entry::{self, EntryView, Shown};
use super::links::{self, Links};
use super::parts::{EntryParts, Filling, Hole};
use super::protocol::Protocol;
use super::xml::{DATA_SERVICES, METADATA, Xml};
use crate::catalog::columns::format_instant;
use crate::catalog::{Instant, Record, Row, Text};

/// More than what a document has beside its entries: names, links and namespaces.
const HEAD_BYTES: usize = 2 * 1024;

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
}

/// One version as an answer shows it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// What [`render`] made of its record.
    pub parts: &'a EntryParts,
    /// Whether it is its group's latest release, for the level that the client reads.
    pub is_latest: bool,
    /// Whether it is its group's latest version, for the level that the client reads.
    pub is_absolute_latest: bool,
}

/// Writes a feed.
#[must_use]
pub fn feed(feed: &Feed<'_>, entries: &[Entry<'_>]) -> String {
    let root = escaped(feed.links.root);
    let entry_bytes = |entry: &Entry<'_>| entry.parts.filled_bytes(&root) + "<entry></entry>".len();
    let mut xml = Xml::document(HEAD_BYTES + entries.iter().map(entry_bytes).sum::<usize>());
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
    for entry in entries {
        xml.raw("<entry>");
        entry.write(&mut xml, &root);
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
pub fn entry(links: Links<'_>, entry: &Entry<'_>) -> String {
    let root = escaped(links.root);
    let mut xml = Xml::document(HEAD_BYTES + entry.parts.filled_bytes(&root));
    open(&mut xml, "entry", links);
    entry.write(&mut xml, &root);
    xml.raw("</entry>");
    xml.finish()
}

/// Writes a document of one property.
#[must_use]
pub fn property(shown: &Shown<'_>) -> String {
    let mut xml = Xml::document(512);
    xml.raw("<d:").raw(shown.name).raw(r#" xmlns:d=""#).raw(DATA_SERVICES);
    xml.raw(r#"" xmlns:m=""#).raw(METADATA).raw(r#"""#);
    attributes(&mut xml, shown);
    xml.raw(">").text(shown.value.as_deref().unwrap_or_default());
    xml.raw("</d:").raw(shown.name).raw(">");
    xml.finish()
}

impl Entry<'_> {
    fn write(&self, xml: &mut Xml, root: &str) {
        let filling = Filling {
            root,
            is_latest: self.is_latest,
            is_absolute_latest: self.is_absolute_latest,
        };
        self.parts.write(xml.as_mut_string(), filling);
    }
}

fn escaped(root: &str) -> String {
    let mut xml = Xml::piece(root.len());
    xml.text(root);
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

/// Writes what lies within an entry, with all its properties or those that were asked for.
#[must_use]
pub fn render(record: &Record, protocol: Protocol, select: Option<&[&'static str]>) -> EntryParts {
    let mut piece = Piece {
        xml: Xml::piece(8 * 1024),
        holes: Vec::new(),
    };
    piece.head(&record.row, protocol);
    piece.xml.raw("<m:properties>");
    // The latest flags are the answer's to tell.
    let view = EntryView {
        record,
        is_latest: false,
        is_absolute_latest: false,
    };
    for shown in entry::properties(&view, protocol) {
        if shown.is_selected(select) {
            piece.property(&shown);
        }
    }
    piece.xml.raw("</m:properties>");
    EntryParts::new(piece.xml.finish(), piece.holes)
}

/// Returns an entry's title: clients of version 2 read the id from it, those of version 1 what it is called.
fn title(row: &Row, protocol: Protocol) -> &str {
    match protocol {
        Protocol::V1 => entry::title(row),
        Protocol::V2 => row.id.as_str(),
    }
}

/// Writes what is said of a property in its start tag.
fn attributes(xml: &mut Xml, shown: &Shown<'_>) {
    if let Some(edm_type) = shown.edm_type {
        xml.raw(r#" m:type=""#).raw(edm_type).raw(r#"""#);
    }
    if shown.name == "Tags" {
        // Readers must not take the padding away.
        xml.raw(r#" xml:space="preserve""#);
    }
    if shown.value.is_none() {
        xml.raw(r#" m:null="true""#);
    }
}

/// An entry in the making.
struct Piece {
    xml: Xml,
    holes: Vec<(usize, Hole)>,
}

impl Piece {
    fn hole(&mut self, hole: Hole) -> &mut Xml {
        self.holes.push((self.xml.len(), hole));
        &mut self.xml
    }

    /// Writes what comes before the properties.
    fn head(&mut self, row: &Row, protocol: Protocol) {
        let (id, version) = (row.id.as_str(), row.version.normalized());
        let (key, entity) = (links::package_path(row), protocol.entity());
        // OneGet reads the id out of this quoted part, so here it stays as it is spelled.
        self.xml.raw("<id>");
        self.hole(Hole::Root).raw("/Packages(Id='").text(id);
        self.xml.raw("',Version='").text(version).raw("')</id>");
        self.xml.raw(r#"<category term=""#).raw(protocol.qualified_entity());
        self.xml.raw(r#"" scheme=""#).raw(DATA_SERVICES).raw(r#"/scheme"/>"#);
        self.xml
            .raw(r#"<link rel="edit" title=""#)
            .raw(entity)
            .raw(r#"" href=""#);
        self.hole(Hole::Root).text(&key).raw(r#""/>"#);
        self.xml.element("title", r#" type="text""#, title(row, protocol));
        self.xml.element(
            "summary",
            r#" type="text""#,
            row.summary.as_deref().map_or("", Text::as_str),
        );
        updated(&mut self.xml, row.last_updated);
        self.xml.raw("<author>");
        let authors = row.authors.as_deref().map_or("", Text::as_str);
        self.xml.element("name", "", authors);
        self.xml.raw("</author>");
        self.xml
            .raw(r#"<link rel="edit-media" title=""#)
            .raw(entity)
            .raw(r#"" href=""#);
        self.hole(Hole::Root).text(&key).raw(r#"/$value"/>"#);
        self.xml.raw(r#"<content type="application/zip" src=""#);
        self.hole(Hole::Root)
            .text(&links::file_path(&row.id, &row.version))
            .raw(r#""/>"#);
    }

    fn property(&mut self, shown: &Shown<'_>) {
        self.xml.raw("<d:").raw(shown.name);
        attributes(&mut self.xml, shown);
        self.xml.raw(">");
        match Hole::of(shown) {
            Some(hole) => self.hole(hole),
            None => self.xml.text(shown.value.as_deref().unwrap_or_default()),
        };
        self.xml.raw("</d:").raw(shown.name).raw(">");
    }
}

#[cfg(test)]
mod tests;
