//! A small, bounded tree of an XML document, names without their prefixes.
//!
//! Knows nothing of nuspecs. Refuses document types and entities of their own, so that nothing expands or is fetched;
//! depth, elements and attributes are limited, so that a tree is never much larger than its text.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::NuspecLimits;
use crate::limits::MAX_NUSPEC_ATTRIBUTES;

/// Why bytes are no document that is read here.
#[derive(Debug, Clone, thiserror::Error)]
pub enum XmlError {
    /// The document is longer than the limit.
    #[error("the document is {bytes} bytes long; at most {limit} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The bytes are neither UTF-8 nor UTF-16.
    #[error("the document is neither valid UTF-8 nor valid UTF-16; save it as UTF-8")]
    Encoding,
    /// The document is not well formed.
    #[error("the document is not well formed at byte {position}: {reason}")]
    Malformed {
        /// Where, counted in the document as UTF-8.
        position: u64,
        /// What the parser says.
        reason: String,
    },
    /// The document has a `DOCTYPE`.
    #[error("the document has a DOCTYPE, which is not read; remove it")]
    Doctype,
    /// The text uses an entity that XML itself does not define.
    #[error("the document uses the entity '&{name};', which is not defined; write the character itself")]
    Entity {
        /// The entity's name, cut to 40 characters.
        name: String,
    },
    /// Elements are nested deeper than the limit.
    #[error("the elements are nested deeper than {limit}")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// There are more elements than the limit.
    #[error("the document has more than {limit} elements")]
    TooManyElements {
        /// The limit.
        limit: usize,
    },
    /// An element has more attributes than the limit.
    #[error("the element '{element}' has more than {MAX_NUSPEC_ATTRIBUTES} attributes")]
    TooManyAttributes {
        /// The element.
        element: String,
    },
    /// There is no root element.
    #[error("the document has no element")]
    Empty,
    /// There is text or a second element beside the root.
    #[error("the document has something beside its root element")]
    Trailing,
}

/// An element: attributes and content in their order.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    nodes: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// Returns the name without its prefix.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the elements right below this one.
    pub(super) fn children(&self) -> impl Iterator<Item = &Self> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Returns the elements of one name right below this one.
    pub(super) fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children().filter(move |child| child.name == name)
    }

    /// Returns the first element of a name right below this one.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children().find(|child| child.name == name)
    }

    /// Returns the trimmed value of an attribute; `None` where it is absent or blank.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// Returns all text in and below this element, trimmed; `None` where there is none.
    pub(super) fn text(&self) -> Option<String> {
        let mut text = String::new();
        self.collect_text(&mut text);
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    fn collect_text(&self, into: &mut String) {
        for node in &self.nodes {
            match node {
                Node::Element(element) => element.collect_text(into),
                Node::Text(text) => into.push_str(text),
            }
        }
    }

    fn push_text(&mut self, text: &str) {
        let legal = text.chars().filter(|c| is_legal(*c));
        if let Some(Node::Text(last)) = self.nodes.last_mut() {
            last.extend(legal);
        } else {
            self.nodes.push(Node::Text(legal.collect()));
        }
    }
}

/// Whether XML 1.0 has the character (its production 2, `Char`). Old packages carry others, which no feed could repeat.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Decodes a document into its root element.
pub(super) fn decode(bytes: &[u8], limits: &NuspecLimits) -> Result<Element, XmlError> {
    if bytes.len() > limits.bytes {
        return Err(XmlError::TooLong {
            bytes: bytes.len(),
            limit: limits.bytes,
        });
    }
    let text = decode_text(bytes)?;
    let mut reader = Reader::from_str(&text);
    let mut builder = Builder {
        limits,
        elements: 0,
        open: Vec::new(),
        root: None,
    };
    loop {
        let event = reader
            .read_event()
            .map_err(|error| malformed(reader.error_position(), &error))?;
        let position = reader.buffer_position();
        match event {
            Event::Start(start) => builder.open(&start, position)?,
            Event::Empty(start) => {
                builder.open(&start, position)?;
                builder.close()?;
            }
            Event::End(_) => builder.close()?,
            Event::Text(text) => builder.text(&text.xml10_content())?,
            Event::CData(text) => builder.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = reference
                    .resolve_char_ref()
                    .map_err(|error| malformed(position, &error))?
                    .or_else(|| predefined(&reference.xml10_content()))
                    .ok_or_else(|| XmlError::Entity {
                        name: reference.xml10_content().chars().take(40).collect(),
                    })?;
                builder.text(character.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err(XmlError::Doctype),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => return builder.finish(position),
        }
    }
}

fn malformed(position: u64, error: &quick_xml::Error) -> XmlError {
    XmlError::Malformed {
        position,
        reason: error.to_string().chars().take(200).collect(),
    }
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

struct Builder<'a> {
    limits: &'a NuspecLimits,
    elements: usize,
    open: Vec<Element>,
    root: Option<Element>,
}

impl Builder<'_> {
    fn open(&mut self, start: &BytesStart<'_>, position: u64) -> Result<(), XmlError> {
        if self.root.is_some() {
            return Err(XmlError::Trailing);
        }
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(XmlError::TooManyElements {
                limit: self.limits.elements,
            });
        }
        if self.open.len() >= self.limits.depth {
            return Err(XmlError::TooDeep {
                limit: self.limits.depth,
            });
        }
        let name = start.local_name().as_ref().to_owned();
        let mut attributes = Vec::new();
        // Counted while reading: the parser's own test for duplicates is quadratic.
        for attribute in start.attributes() {
            if attributes.len() == MAX_NUSPEC_ATTRIBUTES {
                return Err(XmlError::TooManyAttributes {
                    element: name.chars().take(40).collect(),
                });
            }
            let attribute = attribute.map_err(|error| malformed(position, &error.into()))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| malformed(position, &error))?;
            let legal = value.chars().filter(|c| is_legal(*c)).collect();
            attributes.push((attribute.key.local_name().as_ref().to_owned(), legal));
        }
        self.open.push(Element {
            name,
            attributes,
            nodes: Vec::new(),
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        // The parser refuses an end without a start.
        let element = self.open.pop().ok_or(XmlError::Trailing)?;
        match self.open.last_mut() {
            Some(parent) => parent.nodes.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(parent) => parent.push_text(text),
            None if text.trim().is_empty() => {}
            None => return Err(XmlError::Trailing),
        }
        Ok(())
    }

    fn finish(self, position: u64) -> Result<Element, XmlError> {
        if let Some(element) = self.open.last() {
            return Err(XmlError::Malformed {
                position,
                reason: format!("the element '{}' does not end", element.name),
            });
        }
        self.root.ok_or(XmlError::Empty)
    }
}

/// Decodes UTF-8, or UTF-16 that a mark or the first `<` gives away (XML 1.0, appendix F).
fn decode_text(bytes: &[u8]) -> Result<String, XmlError> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(XmlError::Encoding);
        }
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
            .collect::<Result<String, _>>()
            .map_err(|_| XmlError::Encoding)
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => decode_utf8(rest),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [b'<', 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => utf16(bytes, u16::from_be_bytes),
        _ => decode_utf8(bytes),
    }
}

fn decode_utf8(bytes: &[u8]) -> Result<String, XmlError> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| XmlError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Element, XmlError> {
        decode(text.as_bytes(), &NuspecLimits::default())
    }

    #[test]
    fn text_is_put_together() {
        let root = read("<?xml version='1.0'?><!-- c --><p:a x='1&amp;2' p:y=' b '> one &lt;<b>two</b><![CDATA[ <three> ]]>&#x41;&#1;<!-- no -->\u{1}</p:a>\n").unwrap();
        assert_eq!(root.name(), "a");
        assert_eq!(root.text().unwrap(), "one <two <three> A");
        assert_eq!(
            (root.attribute("x"), root.attribute("y"), root.attribute("z")),
            (Some("1&2"), Some("b"), None)
        );
        assert_eq!(root.child("b").unwrap().text().unwrap(), "two");
    }

    #[test]
    fn every_utf_is_read() {
        let text = "<a>ä€😀</a>";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            [b"\xFF\xFE", le.as_slice()].concat(),
            [b"\xFE\xFF", be.as_slice()].concat(),
            le,
            be,
        ] {
            let root = decode(&bytes, &NuspecLimits::default()).unwrap();
            assert_eq!(root.text().unwrap(), "ä€😀", "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        let is_refused = |text: &str, is: fn(&XmlError) -> bool| {
            let error = read(text).unwrap_err();
            assert!(is(&error), "{text:.80}: {error}");
        };
        is_refused("", |e| matches!(e, XmlError::Empty));
        is_refused("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", |e| {
            matches!(e, XmlError::Doctype)
        });
        is_refused(
            "<a>&nbsp;</a>",
            |e| matches!(e, XmlError::Entity { name } if name == "nbsp"),
        );
        is_refused("<a x='&nbsp;'/>", |e| matches!(e, XmlError::Malformed { .. }));
        for text in [
            "<a>",
            "<a><b></a>",
            "<a",
            "<a x=1/>",
            "<a x='1' x='2'/>",
            "</a>",
            "<a>&#xFFFFFFFF;</a>",
            "<a>& </a>",
        ] {
            is_refused(text, |e| matches!(e, XmlError::Malformed { .. }));
        }
        for text in ["<a/>x", "<a/><b/>", "x<a/>"] {
            is_refused(text, |e| matches!(e, XmlError::Trailing));
        }
        for bytes in [&b"<a>\xE4</a>"[..], b"\xFF\xFE<", b"\xFF\xFE\x00\xD8"] {
            assert!(
                matches!(decode(bytes, &NuspecLimits::default()), Err(XmlError::Encoding)),
                "{bytes:x?}"
            );
        }
    }

    #[test]
    fn limits_hold() {
        let limits = NuspecLimits {
            bytes: 4_000,
            depth: 4,
            elements: 10,
        };
        let read = |text: &str| decode(text.as_bytes(), &limits);
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        let wide = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
        let attributes = |count: usize| {
            let list: Vec<String> = (0..count).map(|n| format!(" a{n}=''")).collect();
            format!("<a{}/>", list.concat())
        };
        assert!(read(&nested(4)).is_ok() && matches!(read(&nested(5)), Err(XmlError::TooDeep { limit: 4 })));
        assert!(read(&wide(10)).is_ok() && matches!(read(&wide(11)), Err(XmlError::TooManyElements { limit: 10 })));
        assert!(
            read(&attributes(64)).is_ok() && matches!(read(&attributes(65)), Err(XmlError::TooManyAttributes { .. }))
        );
        let long = |bytes: usize| format!("<a>{}</a>", "x".repeat(bytes - 7));
        assert!(read(&long(4_000)).is_ok() && matches!(read(&long(4_001)), Err(XmlError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "(<[/!?]?[a-z]{0,2}|[ ='\"&;#x1/>\\[\\]-]){0,40}") {
            let _ = decode(&bytes, &NuspecLimits::default());
            let _ = read(&text);
        }

        #[test]
        fn text_survives(text in "[^\\p{Cc}]{0,40}") {
            let escaped = quick_xml::escape::escape(text.as_str());
            let root = read(&format!("<a b=\"{escaped}\">{escaped}</a>")).unwrap();
            let expected: String = text.chars().filter(|c| is_legal(*c)).collect();
            prop_assert_eq!(root.text().unwrap_or_default(), expected.trim());
        }
    }
}
