//! Walks the XML of a feed, element by element, in one pass and without a tree.

use std::borrow::Cow;
use std::mem;

use quick_xml::escape::{EscapeError, resolve_xml_entity};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};
use url::Url;

use super::draft::{Draft, parse_instant};
use super::{FeedError, FeedLimits, FeedPage};
use crate::catalog::Property;

/// The namespace of `m:` elements (MS-ODATA, 2.2.6.1).
const METADATA: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata";

/// What an open element means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Feed,
    Entry,
    Properties,
    Property,
    Title,
    AtomId,
    Summary,
    Updated,
    Author,
    AuthorName,
    Count,
    Link,
    Content,
    Error,
    ErrorMessage,
    Other,
}

impl Node {
    /// Tells what an element means inside of its parent.
    fn classify(parent: Self, local: &str, is_metadata: bool) -> Self {
        match (parent, local) {
            (Self::Properties, "error") if !is_metadata => Self::Property,
            (Self::Error, "message") => Self::ErrorMessage,
            (_, "error") => Self::Error,
            (Self::Feed, "entry") => Self::Entry,
            (Self::Feed, "count") => Self::Count,
            (Self::Feed, "link") => Self::Link,
            (Self::Entry, "title") => Self::Title,
            (Self::Entry, "id") => Self::AtomId,
            (Self::Entry, "summary") => Self::Summary,
            (Self::Entry, "updated") => Self::Updated,
            (Self::Entry, "author") => Self::Author,
            (Self::Author, "name") => Self::AuthorName,
            (Self::Entry, "content") => Self::Content,
            (Self::Entry | Self::Content, "properties") => Self::Properties,
            (Self::Properties, _) => Self::Property,
            _ => Self::Other,
        }
    }

    fn has_text(self) -> bool {
        matches!(
            self,
            Self::Property
                | Self::Title
                | Self::AtomId
                | Self::Summary
                | Self::Updated
                | Self::AuthorName
                | Self::Count
                | Self::ErrorMessage
        )
    }
}

/// The state of reading one document.
pub(super) struct FeedReader<'d> {
    limits: FeedLimits,
    document: &'d Url,
    base: Option<Url>,
    /// The open elements.
    open: Vec<Node>,
    page: FeedPage,
    draft: Draft,
    /// The property that is being read.
    property: Option<Property>,
    /// The text of the element that is being read.
    text: String,
    /// The message of an error that the feed contains.
    error: Option<String>,
    /// Whether there is a next link without an address. It counts at the end: an error may follow inside of it.
    has_lost_next: bool,
    elements: usize,
    is_done: bool,
}

impl<'d> FeedReader<'d> {
    pub(super) fn new(document: &'d Url, limits: FeedLimits) -> Self {
        Self {
            limits,
            document,
            base: None,
            open: Vec::new(),
            page: FeedPage::default(),
            draft: Draft::default(),
            property: None,
            text: String::new(),
            error: None,
            has_lost_next: false,
            elements: 0,
            is_done: false,
        }
    }

    /// Reads the document to its end.
    pub(super) fn read(mut self, text: &str) -> Result<FeedPage, FeedError> {
        let mut reader = NsReader::from_str(text);
        loop {
            let event = reader.read_event().map_err(|source| {
                let position = reader.error_position();
                self.error
                    .take()
                    .map_or(FeedError::Malformed { position, source }, |message| {
                        FeedError::Reported { message }
                    })
            })?;
            match event {
                Event::Start(tag) => {
                    let is_metadata = is_metadata(&reader, &tag);
                    self.start(&tag, is_metadata, reader.buffer_position())?;
                }
                Event::Empty(tag) => {
                    let is_metadata = is_metadata(&reader, &tag);
                    self.start(&tag, is_metadata, reader.buffer_position())?;
                    self.end()?;
                }
                Event::End(_) => self.end()?,
                Event::Text(text) => self.push_text(&text.xml10_content())?,
                Event::CData(text) => self.push_text(&text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let resolved = resolve(&reference).map_err(|source| FeedError::Malformed {
                        position: reader.buffer_position(),
                        source,
                    })?;
                    self.push_text(&resolved)?;
                }
                Event::DocType(declaration) => return Err(refuse_document_type(&declaration)),
                Event::Eof => return self.finish(&reader),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, is_metadata: bool, position: u64) -> Result<(), FeedError> {
        self.elements += 1;
        within(self.elements, self.limits.elements, "elements")?;
        within(self.open.len() + 1, self.limits.depth, "levels of nested elements")?;
        within(tag.len(), self.limits.tag_bytes, "bytes in one tag")?;
        let name = tag.local_name().into_inner();
        let node = match self.open.last() {
            Some(parent) => Node::classify(*parent, name, is_metadata),
            None if self.is_done => return Err(FeedError::Trailing { position }),
            None => match name {
                "feed" => Node::Feed,
                "entry" => Node::Entry,
                "error" => Node::Error,
                _ => return Err(FeedError::WrongRoot { root: name.to_owned() }),
            },
        };
        let attributes = |tag| attributes(tag).map_err(|source| FeedError::Malformed { position, source });
        match node {
            Node::Feed => self.base = self.base_of(attributes(tag)?),
            Node::Entry => {
                let entries = self.page.entries.len() + self.page.skipped.len() + 1;
                within(entries, self.limits.entries, "entries")?;
                self.draft = Draft {
                    base: self.base_of(attributes(tag)?),
                    ..Draft::default()
                };
            }
            Node::Content => {
                let src = take(attributes(tag)?, "src");
                self.draft.entry.content_url = src.and_then(|src| self.absolute(&src, self.draft.base.as_ref()));
            }
            Node::Property => self.property = Some(start_property(attributes(tag)?, name)),
            Node::Error if self.error.is_none() => self.error = Some("no message".to_owned()),
            Node::Link => self.read_link(attributes(tag)?),
            _ => {}
        }
        if node.has_text() {
            self.text.clear();
        }
        self.open.push(node);
        Ok(())
    }

    fn end(&mut self) -> Result<(), FeedError> {
        let Some(node) = self.open.pop() else { return Ok(()) };
        match node {
            Node::Property => {
                if let Some(mut property) = self.property.take() {
                    // An empty element with m:null has no value; any other has its text, be it empty.
                    property.value = property.value.map(|_| mem::take(&mut self.text));
                    self.draft.entry.properties.push(property);
                }
            }
            Node::Title => self.draft.title = mem::take(&mut self.text),
            Node::AtomId => self.draft.atom_id = mem::take(&mut self.text),
            Node::Summary => self.draft.entry.summary = Some(mem::take(&mut self.text)),
            Node::Updated => self.draft.entry.updated = parse_instant(self.text.trim()),
            Node::AuthorName => self.draft.authors.push(mem::take(&mut self.text)),
            Node::Count => self.page.count = self.text.trim().parse().ok(),
            Node::ErrorMessage => {
                if !self.text.trim().is_empty() {
                    self.error = Some(self.text.split_whitespace().collect::<Vec<_>>().join(" "));
                }
            }
            Node::Error => {
                let message = self.error.take().unwrap_or_default();
                return Err(FeedError::Reported { message });
            }
            Node::Entry => match mem::take(&mut self.draft).finish() {
                Ok(announced) => self.page.entries.push(announced),
                Err(skipped) => self.page.skipped.push(skipped),
            },
            Node::Feed | Node::Properties | Node::Author | Node::Content | Node::Link | Node::Other => {}
        }
        self.is_done = self.open.is_empty();
        Ok(())
    }

    fn push_text(&mut self, text: &str) -> Result<(), FeedError> {
        if self.open.last().is_some_and(|node| node.has_text()) {
            within(
                self.text.len() + text.len(),
                self.limits.text_bytes,
                "bytes of text in one element",
            )?;
            // Old feeds carry control characters that XML cannot, and that nothing downstream could print again.
            self.text.extend(text.chars().filter(|c| is_xml_char(*c)));
        }
        Ok(())
    }

    fn finish(mut self, reader: &NsReader<&[u8]>) -> Result<FeedPage, FeedError> {
        if let Some(message) = self.error.take() {
            return Err(FeedError::Reported { message });
        }
        match self.open.last() {
            Some(node) => Err(FeedError::CutOff {
                element: format!("{node:?}").to_lowercase(),
            }),
            None if self.has_lost_next => Err(FeedError::NextLink),
            None if self.is_done => Ok(self.page),
            None => Err(FeedError::CutOff {
                element: format!("the prolog, at byte {}", reader.buffer_position()),
            }),
        }
    }

    /// Takes the link to the next page; links have `rel` and `href`, those of entries never page.
    fn read_link(&mut self, attributes: Vec<(String, String)>) {
        let is_next = |(name, value): &(String, String)| name == "rel" && value.eq_ignore_ascii_case("next");
        if attributes.iter().any(is_next) {
            let href = take(attributes, "href");
            let next = href.and_then(|href| self.absolute(&href, self.base.as_ref()));
            self.has_lost_next = next.is_none();
            self.page.next = next;
        }
    }

    /// Returns the folder that the element's relative links start from. Galleries leave out its last slash at will
    /// (nuget.org does, WCF services do not), so one is added.
    fn base_of(&self, attributes: Vec<(String, String)>) -> Option<Url> {
        let mut base = take(attributes, "xml:base");
        if let Some(base) = base.as_mut().filter(|base| !base.ends_with('/')) {
            base.push('/');
        }
        let outer = self.base.as_ref().unwrap_or(self.document);
        base.and_then(|base| outer.join(&base).ok())
            .or_else(|| self.base.clone())
    }

    /// Returns a link as it is where it is absolute, and resolved where it is not.
    fn absolute(&self, link: &str, base: Option<&Url>) -> Option<String> {
        let link = link.trim();
        if link.is_empty() {
            return None;
        }
        if Url::parse(link).is_ok() {
            return Some(link.to_owned());
        }
        // What cannot be resolved is handed on as it is: whoever follows it says that it is no address.
        let resolved = base.unwrap_or(self.document).join(link);
        Some(resolved.map_or_else(|_| link.to_owned(), String::from))
    }
}

/// Starts a property from `m:type` and `m:null`, whatever their prefix.
fn start_property(attributes: Vec<(String, String)>, name: &str) -> Property {
    let (mut edm_type, mut is_null) = (None, false);
    for (attribute, value) in attributes {
        match attribute.rsplit(':').next() {
            Some("type") => edm_type = Some(value),
            Some("null") => is_null = matches!(value.trim(), "true" | "1"),
            _ => {}
        }
    }
    Property {
        name: name.to_owned(),
        edm_type,
        value: (!is_null).then(String::new),
    }
}

/// Returns the attributes by their names with prefixes, their references resolved.
fn attributes(tag: &BytesStart<'_>) -> Result<Vec<(String, String)>, quick_xml::Error> {
    let mut attributes = tag.attributes();
    // Looking for repeated names is quadratic, and harmless to leave out.
    attributes.with_checks(false);
    let mut found = Vec::new();
    for attribute in attributes {
        let attribute = attribute?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
        found.push((attribute.key.into_inner().to_owned(), value.into_owned()));
    }
    Ok(found)
}

fn take(attributes: Vec<(String, String)>, name: &str) -> Option<String> {
    let mut attributes = attributes.into_iter();
    attributes.find(|(found, _)| found == name).map(|(_, value)| value)
}

fn is_metadata(reader: &NsReader<&[u8]>, tag: &BytesStart<'_>) -> bool {
    let (namespace, _) = reader.resolver().resolve_element(tag.name());
    namespace == ResolveResult::Bound(Namespace(METADATA))
}

/// Resolves a character reference or one of XML's five entities; without a DTD there are no others.
fn resolve(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, quick_xml::Error> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(character.to_string().into());
    }
    resolve_xml_entity(reference).map(Cow::Borrowed).ok_or_else(|| {
        let name = reference.to_string();
        EscapeError::UnrecognizedEntity(0..name.len(), name).into()
    })
}

/// A web page names itself in its document type; that says more than the refusal of one.
fn refuse_document_type(declaration: &str) -> FeedError {
    let name = declaration.split_whitespace().next().unwrap_or_default();
    if name.eq_ignore_ascii_case("html") {
        FeedError::WrongRoot {
            root: "html".to_owned(),
        }
    } else {
        FeedError::DocumentType
    }
}

fn within(found: usize, limit: usize, what: &'static str) -> Result<(), FeedError> {
    if found > limit {
        Err(FeedError::TooLarge { what, limit })
    } else {
        Ok(())
    }
}

/// XML 1.0, production 2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
