//! Requests out of a batch.

use crate::limits::{MAX_BATCH_PARTS, MAX_BOUNDARY_BYTES};
use crate::mime::{Boundary, Delimiter, Search, fields, find_blank_line, starts_with_ignoring_case};

/// Why a body is no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The content type names no boundary that could be looked for.
    #[error("the Content-Type names no boundary of 1 to {MAX_BOUNDARY_BYTES} characters")]
    NoBoundary,
    /// The body has no closing boundary.
    #[error("the body ends before its closing boundary")]
    Truncated,
    /// There are too many parts.
    #[error("the batch has more than the {MAX_BATCH_PARTS} parts that are allowed; ask for less at a time")]
    TooManyParts,
}

/// Why one part is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It changes something, or would.
    #[error("change sets are not taken in a batch; send each change as a request of its own")]
    ChangeSet,
    /// It is no request.
    #[error("the part holds no request: it is application/http in binary, and begins with 'GET URL HTTP/1.1'")]
    NoRequest,
}

/// One part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The `Content-ID` of the part's own header, which its answer's header repeats.
    pub content_id: Option<String>,
    /// What it asks.
    pub request: Result<Request, PartError>,
}

/// A request within a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, as it is spelled.
    pub method: String,
    /// The request target, as it is spelled.
    pub target: String,
    /// The header's fields, names as they are spelled.
    pub fields: Vec<(String, String)>,
}

/// Reads a whole body with the boundary of its content type.
///
/// # Errors
/// [`BatchError`]; never for what is within a part.
///
/// ```
/// use larder::odata::batch::parse;
/// let body = b"--b\r\nContent-Type: application/http\r\n\r\nGET http://x/api/v2/Packages() HTTP/1.1\r\n\r\n--b--\r\n";
/// let parts = parse("b", body).unwrap();
/// let request = parts[0].request.as_ref().unwrap();
/// assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "http://x/api/v2/Packages()"));
/// ```
pub fn parse(boundary: &str, body: &[u8]) -> Result<Vec<Part>, BatchError> {
    let delimiter = Delimiter::new(boundary).ok_or(BatchError::NoBoundary)?;
    // The boundary at the very beginning of the body is on a line of its own like any other.
    let lines = [b"\n", body].concat();
    let mut rest = lines.as_slice();
    let mut parts = Vec::new();
    let mut is_preamble = true;
    loop {
        let Search::Boundary { end, resume, kind } = delimiter.search(rest) else {
            return Err(BatchError::Truncated);
        };
        if !is_preamble {
            if parts.len() == MAX_BATCH_PARTS {
                return Err(BatchError::TooManyParts);
            }
            parts.push(Part::read(rest.get(..end).unwrap_or_default()));
        }
        if matches!(kind, Boundary::Closing) {
            return Ok(parts);
        }
        is_preamble = false;
        rest = rest.get(resume..).unwrap_or_default();
    }
}

impl Part {
    /// Reads what is between two boundaries, the line feed of the first one included.
    fn read(text: &[u8]) -> Self {
        let (header, content) = split_head(text);
        let fields = fields(header);
        Self {
            content_id: field(&fields, "content-id").map(str::to_owned),
            request: read_part(&fields, content),
        }
    }
}

fn read_part(fields: &[(String, String)], content: &[u8]) -> Result<Request, PartError> {
    let is_type = |value: &str, wanted: &str| {
        let name = value.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case(wanted)
    };
    match field(fields, "content-type") {
        Some(value) if is_type(value, "multipart/mixed") => return Err(PartError::ChangeSet),
        Some(value) if !is_type(value, "application/http") => return Err(PartError::NoRequest),
        _ => {}
    }
    let encoding = field(fields, "content-transfer-encoding").unwrap_or("binary");
    let is_plain = ["binary", "8bit", "7bit"]
        .iter()
        .any(|plain| encoding.eq_ignore_ascii_case(plain));
    is_plain
        .then(|| Request::read(content))
        .flatten()
        .ok_or(PartError::NoRequest)
}

impl Request {
    /// Reads a request's head; a body is of no use to what a batch may ask.
    fn read(content: &[u8]) -> Option<Self> {
        let line_end = memchr::memchr(b'\n', content).unwrap_or(content.len());
        let (line, rest) = content.split_at_checked(line_end)?;
        let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        let (method, target) = (words.next()?, words.next()?);
        let is_version = |word: &str| starts_with_ignoring_case(word, "HTTP/1.");
        // The standard's own examples leave the version out.
        if !words.next().is_none_or(is_version) || words.next().is_some() {
            return None;
        }
        let (header, _) = split_head(rest);
        Some(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: fields(header),
        })
    }

    /// Returns the value of a header field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }
}

/// Splits a head that begins with a line feed from what follows its empty line. Where there is none, all is head.
fn split_head(text: &[u8]) -> (&[u8], &[u8]) {
    let end = find_blank_line(text, 0).unwrap_or(text.len());
    let (head, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    (head, rest.get(1..).unwrap_or_default())
}

fn field<'a>(fields: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    let found = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    found.map(|(_, value)| value.as_str())
}
