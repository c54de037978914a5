//! An Atom answer, read plainly: entries with their properties, the count, the next link.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};

/// A page of a list.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) entries: Vec<BTreeMap<String, String>>,
    pub(super) count: Option<usize>,
    pub(super) next: Option<String>,
}

impl Page {
    /// Reads a page; panics where it is no XML.
    pub(super) fn read(text: &str) -> Self {
        let mut reader = quick_xml::Reader::from_str(text);
        let mut open: Vec<String> = Vec::new();
        let mut page = Self::default();
        let mut content = String::new();
        loop {
            let event = reader
                .read_event()
                .unwrap_or_else(|error| panic!("no XML ({error}): {text}"));
            match &event {
                Event::Start(start) => {
                    open.push(start.name().as_ref().to_owned());
                    content.clear();
                    page.begin(start, false);
                }
                Event::Empty(start) => page.begin(start, true),
                Event::Text(more) => content.push_str(more.as_ref()),
                Event::GeneralRef(reference) => content.push_str(&character(reference.as_ref())),
                Event::End(_) => {
                    let name = open.pop().unwrap_or_default();
                    page.end(&name, std::mem::take(&mut content));
                }
                Event::Eof => return page,
                _ => {}
            }
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>, is_empty: bool) {
        let attribute = |name: &str| {
            let found = start.try_get_attribute(name).expect("attributes that are XML");
            found.map(|found| found.value.to_string())
        };
        match start.name().as_ref() {
            "entry" => self.entries.push(BTreeMap::new()),
            "link" if attribute("rel").as_deref() == Some("next") => {
                let escaped = attribute("href").expect("a link leads somewhere");
                let href = quick_xml::escape::unescape(&escaped).expect("a link that is XML");
                self.next = Some(href.into_owned());
            }
            name if is_empty && attribute("m:null").is_none() => self.end(name, String::new()),
            _ => {}
        }
    }

    fn end(&mut self, name: &str, content: String) {
        if let (Some(property), Some(entry)) = (name.strip_prefix("d:"), self.entries.last_mut()) {
            entry.insert(property.to_owned(), content);
        } else if name == "m:count" {
            self.count = Some(content.parse().expect("a count is a number"));
        }
    }
}

fn character(reference: &str) -> String {
    let escaped = format!("&{reference};");
    quick_xml::escape::unescape(&escaped)
        .expect("a known entity")
        .into_owned()
}
