//! Reads an Atom answer as a client does: a plain XML reading of the few things clients take from it, with no code of
//! larder's own.

use quick_xml::events::{BytesStart, Event};

/// What a client reads of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) title: String,
    pub(crate) version: String,
    /// Where the package is downloaded from: `content/@src`.
    pub(crate) download_url: String,
    /// `id:range:framework`, joined by `|`.
    pub(crate) dependencies: String,
    /// Base64.
    pub(crate) hash: String,
}

/// An answer of several entries, or of the single one of the key form.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    pub(crate) entries: Vec<Entry>,
    pub(crate) next: Option<String>,
}

impl Feed {
    /// Parses an answer; panics where it is not XML.
    pub(crate) fn parse(text: &str) -> Self {
        let mut reader = quick_xml::Reader::from_str(text);
        let mut open: Vec<String> = Vec::new();
        let mut feed = Self::default();
        loop {
            let event = reader
                .read_event()
                .unwrap_or_else(|error| panic!("no XML ({error}): {text}"));
            match &event {
                Event::Start(start) => {
                    open.push(name_of(start));
                    feed.element(start);
                }
                Event::Empty(start) => feed.element(start),
                Event::End(_) => drop(open.pop()),
                Event::Text(content) => feed.text(&open, content.as_ref()),
                Event::Eof => return feed,
                _ => {}
            }
        }
    }

    /// Returns the entries as `Id Version`, in the answer's order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|entry| format!("{} {}", entry.title, entry.version))
            .collect()
    }

    fn element(&mut self, start: &BytesStart) {
        match name_of(start).as_str() {
            "entry" => self.entries.push(Entry::default()),
            "content" => {
                if let (Some(entry), Some(url)) = (self.entries.last_mut(), attribute(start, "src")) {
                    entry.download_url = url;
                }
            }
            "link" if attribute(start, "rel").as_deref() == Some("next") => self.next = attribute(start, "href"),
            _ => {}
        }
    }

    fn text(&mut self, open: &[String], text: &str) {
        let Some(entry) = self.entries.last_mut() else { return };
        match open {
            [.., parent, last] if parent == "entry" && last == "title" => entry.title.push_str(text),
            [.., parent, last] if parent == "m:properties" => match last.as_str() {
                "d:Version" => entry.version.push_str(text),
                "d:Dependencies" => entry.dependencies.push_str(text),
                "d:PackageHash" => entry.hash.push_str(text),
                _ => {}
            },
            _ => {}
        }
    }
}

fn name_of(start: &BytesStart) -> String {
    start.name().as_ref().to_owned()
}

fn attribute(start: &BytesStart, name: &str) -> Option<String> {
    let attribute = start.try_get_attribute(name).expect("attributes that are XML")?;
    Some(
        attribute
            .value
            .replace("&amp;", "&")
            .replace("&apos;", "'")
            .replace("&#39;", "'"),
    )
}
