//! Reads an XML answer into a tree, with no code of larder's own: the suite must not learn from what it tests.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// An element with all that is in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    /// The name, with its prefix.
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// The text that stands in the element itself.
    pub(super) text: String,
    /// Whether it was written as one tag, `<a/>`.
    pub(super) is_self_closed: bool,
}

impl Element {
    /// Parses a document. What no answer may have is an error: comments, processing instructions, document types, text
    /// after the end.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>") {
            return Err("it does not begin with an XML declaration in UTF-8".to_owned());
        }
        let mut reader = quick_xml::Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            match event {
                Event::Start(start) => open.push(Self::begin(&start, false)?),
                Event::Empty(start) => {
                    let element = Self::begin(&start, true)?;
                    innermost(&mut open).children.push(element);
                }
                Event::End(_) => {
                    let element = open.pop().unwrap_or_default();
                    innermost(&mut open).children.push(element);
                }
                Event::Text(text) => innermost(&mut open).text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let name = reference.xml10_content();
                    let resolved = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                        Some(character) => character.to_string(),
                        None => quick_xml::escape::resolve_predefined_entity(&name)
                            .ok_or_else(|| format!("an unknown entity &{name};"))?
                            .to_owned(),
                    };
                    innermost(&mut open).text.push_str(&resolved);
                }
                Event::Decl(_) => {}
                Event::Eof => break,
                other => return Err(format!("{other:?}, over which clients trip")),
            }
        }
        let document = open.pop().filter(|_| open.is_empty()).unwrap_or_default();
        if !document.text.trim().is_empty() || document.children.len() != 1 {
            return Err("it has something beside its root element".to_owned());
        }
        document.children.into_iter().next().ok_or_else(|| "no root".to_owned())
    }

    fn begin(start: &BytesStart<'_>, is_self_closed: bool) -> Result<Self, String> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| error.to_string())?;
            attributes.push((attribute.key.into_inner().to_owned(), value.into_owned()));
        }
        Ok(Self {
            name: start.name().into_inner().to_owned(),
            attributes,
            is_self_closed,
            ..Self::default()
        })
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the children of a name.
    pub(super) fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a Self> + use<'a, 'n> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Returns the only child of a name.
    pub(super) fn only(&self, name: &str) -> Result<&Self, String> {
        let mut found = self.all(name);
        match (found.next(), found.next()) {
            (Some(child), None) => Ok(child),
            (None, _) => Err(format!("<{}> has no <{name}>", self.name)),
            _ => Err(format!("<{}> has more than one <{name}>", self.name)),
        }
    }

    /// Returns the text of a child.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.all(name).next().map(|child| child.text.as_str())
    }

    /// Returns the element and all below it.
    pub(super) fn descendants(&self) -> Vec<&Self> {
        let mut found = vec![self];
        let mut at = 0;
        while let Some(element) = found.get(at).copied() {
            found.extend(&element.children);
            at += 1;
        }
        found
    }

    /// Returns the entries of a feed, or the one that the document is.
    pub(super) fn entries(&self) -> Vec<&Self> {
        if self.name == "entry" {
            vec![self]
        } else {
            self.all("entry").collect()
        }
    }

    /// Returns a property of an entry.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.only("m:properties").ok()?.text_of(&format!("d:{name}"))
    }

    /// Returns an entry as `Id Version`. Where `$select` leaves the version out, it is read from the entry's URL.
    pub(super) fn identity(&self) -> String {
        let id = self.property("Id").or_else(|| id_in_url(self)).unwrap_or("?");
        let version = self.property("Version").or_else(|| version_in_url(self)).unwrap_or("?");
        format!("{id} {version}")
    }

    /// Returns where the next page is.
    pub(super) fn next(&self) -> Option<&str> {
        let mut links = self.all("link");
        links
            .find(|link| link.attribute("rel") == Some("next"))
            .and_then(|link| link.attribute("href"))
    }
}

fn id_in_url(entry: &Element) -> Option<&str> {
    let (_, after) = entry.text_of("id")?.split_once("(Id='")?;
    after.split_once("',Version='").map(|(id, _)| id)
}

fn version_in_url(entry: &Element) -> Option<&str> {
    let (_, after) = entry.text_of("id")?.split_once("',Version='")?;
    after.strip_suffix("')")
}

fn innermost(open: &mut [Element]) -> &mut Element {
    open.last_mut().expect("the document itself is always open")
}
