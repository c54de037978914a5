//! Writes Atom feeds and entries that both generations of clients read.
//!
//! Clients of the WCF generation (NuGet 2, choco 1) take id, authors, summary and time from Atom's elements and the rest
//! from `m:properties` beside a self-closed `content`; those of the Web API generation (NuGet.Client, choco 2) take all from
//! `m:properties` and the download's address from `content`. Some (Renovate, PSResourceGet, rocolatey) look for the literal
//! prefixes `m:` and `d:`, and trip over comments. So there is one form, with everything in both places.

use super::address::Collection;
use super::entry::{self, EntryView, Shown};
use super::links::Links;
use super::protocol::Protocol;
use super::xml::{DATA_SERVICES, METADATA, Xml};
use crate::catalog::columns::format_instant;
use crate::catalog::{Instant, Row, Text};

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

/// Writes a document of one property.
#[must_use]
pub fn property(shown: &Shown<'_>) -> String {
    let mut xml = Xml::document(512);
    let namespaces = format!(r#" xmlns:d="{DATA_SERVICES}" xmlns:m="{METADATA}""#);
    write_property(&mut xml, shown, &namespaces);
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
    let (key, entity) = (links.package(row), links.protocol.entity());
    // OneGet reads the id out of this quoted part, so here it stays as it is spelled.
    xml.raw("<id>").text(links.root).raw("/Packages(Id='").text(id);
    xml.raw("',Version='").text(version).raw("')</id>");
    xml.raw(r#"<category term=""#).raw(links.protocol.qualified_entity());
    xml.raw(r#"" scheme=""#).raw(DATA_SERVICES).raw(r#"/scheme"/>"#);
    xml.raw(r#"<link rel="edit" title=""#).raw(entity);
    xml.raw(r#"" href=""#).text(&key).raw(r#""/>"#);
    xml.element("title", r#" type="text""#, title(links.protocol, row));
    xml.element(
        "summary",
        r#" type="text""#,
        row.summary.as_deref().map_or("", Text::as_str),
    );
    updated(xml, row.last_updated);
    xml.raw("<author>");
    xml.element("name", "", row.authors.as_deref().map_or("", Text::as_str));
    xml.raw("</author>");
    xml.raw(r#"<link rel="edit-media" title=""#).raw(entity);
    xml.raw(r#"" href=""#).text(&key).raw(r#"/$value"/>"#);
    xml.raw(r#"<content type="application/zip" src=""#)
        .text(&links.content(row))
        .raw(r#""/>"#);
    xml.raw("<m:properties>");
    for shown in entry::properties(view, links.protocol) {
        if shown.is_selected(select) {
            write_property(xml, &shown, "");
        }
    }
    xml.raw("</m:properties>");
}

/// Returns an entry's title: clients of version 2 read the id from it, those of version 1 what it is called.
fn title(protocol: Protocol, row: &Row) -> &str {
    match protocol {
        Protocol::V1 => entry::title(row),
        Protocol::V2 => row.id.as_str(),
    }
}

/// Writes a property, `namespaces` among its attributes.
fn write_property(xml: &mut Xml, shown: &Shown<'_>, namespaces: &str) {
    xml.raw("<d:").raw(shown.name).raw(namespaces);
    if let Some(edm_type) = shown.edm_type {
        xml.raw(r#" m:type=""#).raw(edm_type).raw(r#"""#);
    }
    if shown.name == "Tags" {
        // Readers must not take the padding away.
        xml.raw(r#" xml:space="preserve""#);
    }
    match &shown.value {
        Some(value) => xml.raw(">").text(value),
        None => xml.raw(r#" m:null="true">"#),
    };
    xml.raw("</d:").raw(shown.name).raw(">");
}

#[cfg(test)]
mod tests;
