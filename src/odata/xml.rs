//! Writes XML by hand: no indentation, no comments, nothing that a careless reader trips over.

/// How a document begins. `OneGet` takes an answer for a feed only if it starts so.
pub(super) const DECLARATION: &str = r#"<?xml version="1.0" encoding="utf-8"?>"#;

/// The namespace of `d:`, of properties.
pub(super) const DATA_SERVICES: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices";

/// The namespace of `m:`, of what is said about properties.
pub(super) const METADATA: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata";

/// A document in the making.
#[derive(Debug)]
pub(super) struct Xml(String);

impl Xml {
    pub(super) fn document(capacity: usize) -> Self {
        let mut text = String::with_capacity(capacity);
        text.push_str(DECLARATION);
        Self(text)
    }

    /// Begins a piece of a document.
    pub(super) fn piece(capacity: usize) -> Self {
        Self(String::with_capacity(capacity))
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    /// Returns the length of what was written, in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Lets somebody else write on.
    pub(super) fn as_mut_string(&mut self) -> &mut String {
        &mut self.0
    }

    /// Writes markup, or text that needs no escape.
    pub(super) fn raw(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Writes text, or the value of an attribute in double quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let mut rest = text;
        while let Some(at) = rest.find(is_special) {
            let (plain, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.0.push_str(plain);
            let mut chars = after.chars();
            match chars.next() {
                Some('&') => self.0.push_str("&amp;"),
                Some('<') => self.0.push_str("&lt;"),
                Some('>') => self.0.push_str("&gt;"),
                Some('"') => self.0.push_str("&quot;"),
                // A reader would turn a bare one into a line feed.
                Some('\r') => self.0.push_str("&#xD;"),
                _ => {}
            }
            rest = chars.as_str();
        }
        self.0.push_str(rest);
        self
    }

    /// Writes an element that has a text alone, with both its tags even where the text is empty.
    pub(super) fn element(&mut self, name: &str, attributes: &str, text: &str) -> &mut Self {
        self.raw("<").raw(name).raw(attributes).raw(">").text(text);
        self.raw("</").raw(name).raw(">")
    }
}

/// Returns whether a character is markup, or one that XML 1.0 does not have at all and old feeds are full of.
fn is_special(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '&' | '<' | '>' | '"' | '\u{FFFE}' | '\u{FFFF}' => true,
        c => c < ' ',
    }
}

/// Breaks a document into lines for snapshots, before each start tag.
#[cfg(test)]
pub(super) fn lines(document: &str) -> String {
    let broken = document.replace("><", ">\n<");
    broken.replace(">\n</", "></")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quick_xml::events::Event;

    fn escaped(text: &str) -> String {
        let mut xml = Xml::piece(0);
        xml.text(text);
        xml.finish()
    }

    #[test]
    fn text_is_escaped_and_cleaned() {
        for (text, expected) in [
            ("plain ü", "plain ü"),
            ("a<b>&\"c\"'", "a&lt;b&gt;&amp;&quot;c&quot;'"),
            ("one\r\ntwo\t", "one&#xD;\ntwo\t"),
            ("\u{0}a\u{1b}[1m\u{b}\u{ffff}\u{fffe}b", "a[1mb"),
            ("]]>", "]]&gt;"),
        ] {
            assert_eq!(escaped(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in any::<String>()) {
            let document = format!("<a>{}</a>", escaped(&text));
            let mut reader = quick_xml::Reader::from_str(&document);
            loop {
                match reader.read_event() {
                    Ok(Event::Eof) => break,
                    Ok(_) => {}
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
            }
        }
    }
}
