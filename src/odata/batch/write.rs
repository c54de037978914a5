//! Answers into a batch.

use std::collections::BTreeMap;
use std::io::Write as _;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The part's `Content-ID`, where it had one.
    pub content_id: Option<&'a str>,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: &'a str,
    /// The header's fields, but for the length; a name may come more than once.
    pub fields: Vec<(&'a str, &'a str)>,
    /// The body.
    pub body: &'a [u8],
}

/// A body that answers are written to in the order of their parts.
#[derive(Debug)]
pub struct Answers {
    boundary: String,
    body: Vec<u8>,
}

impl Answers {
    /// Begins a body. The number has to be random: a boundary that somebody could foresee could stand in an answer.
    #[must_use]
    pub fn new(random: u128) -> Self {
        Self {
            boundary: format!("batchresponse_{random:032x}"),
            body: Vec::new(),
        }
    }

    /// Returns the content type, boundary and all.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!("multipart/mixed; boundary={}", self.boundary)
    }

    /// Returns how many bytes are written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Returns whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// Writes an answer.
    pub fn push(&mut self, answer: &Answer<'_>) {
        self.line(&format!("--{}", self.boundary));
        self.line("Content-Type: application/http");
        self.line("Content-Transfer-Encoding: binary");
        if let Some(id) = answer.content_id {
            self.line(&format!("Content-ID: {id}"));
        }
        self.line("");
        let reason = if answer.reason.is_empty() {
            "Status"
        } else {
            answer.reason
        };
        self.line(&format!("HTTP/1.1 {} {reason}", answer.status));
        for (name, value) in joined(&answer.fields) {
            self.line(&format!("{name}: {value}"));
        }
        self.line(&format!("Content-Length: {}", answer.body.len()));
        self.line("");
        self.body.extend_from_slice(answer.body);
        self.line("");
    }

    /// Ends the body.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.line(&format!("--{}--", self.boundary));
        self.body
    }

    fn line(&mut self, text: &str) {
        // Writing to memory does not fail.
        let _ = write!(self.body, "{text}\r\n");
    }
}

/// Makes one line of each name's values (RFC 9110 section 5.3): `BatchStream` refuses a name that comes twice.
fn joined<'a>(fields: &[(&'a str, &str)]) -> BTreeMap<&'a str, String> {
    let mut lines = BTreeMap::new();
    for (name, value) in fields {
        lines
            .entry(*name)
            .and_modify(|line: &mut String| {
                line.push_str(", ");
                line.push_str(value);
            })
            .or_insert_with(|| (*value).to_owned());
    }
    lines
}
