//! The package in the body of a push: the bytes of one part of a multipart body, or the body itself.
//!
//! Reads as leniently as the clients write, and holds no more than one chunk and the longest line that matters. It does not
//! know how large a package may be: the caller counts the chunks. It bounds what comes around the package.
//!
//! Which part is the package: the first that has a file name, or a type other than text, or more than [`MAX_FIELD_BYTES`].
//! Where there is none, the first part that is not empty. Part names do not matter: `package` (NuGet.Client,
//! `PackageUpdateResource`), the file's own name (pychoco) and others are in use.
//!
//! A bare LF may stand before a boundary where CRLF belongs (Paket on other systems than Windows, `NetUtils.fs`), and
//! nothing need follow the closing one (`NuGet` 2, `MultipartWebRequest`).

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderValue;
use bytes::{Buf as _, Bytes, BytesMut};
use futures::{Stream, StreamExt as _};

use crate::limits::{MAX_BOUNDARY_BYTES, MAX_FIELD_BYTES, MAX_PART_HEADER_BYTES, MAX_SURROUNDING_BYTES};
use crate::mime::{Boundary, Delimiter, Search, fields, find_blank_line, parameter, starts_with_ignoring_case};

/// Why no package can be read from a body.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// The content type is multipart, without a boundary that could be looked for.
    #[error(
        "the Content-Type is multipart but names no boundary of 1 to {MAX_BOUNDARY_BYTES} characters; send one, or send the nupkg itself as application/octet-stream"
    )]
    NoBoundary,
    /// The body ended in order without a part that holds anything.
    #[error("the multipart body holds no file; send the nupkg as one part")]
    NoPart,
    /// The body ended before the closing boundary.
    #[error("the body ended before its closing boundary; the upload was cut short, send it again")]
    Truncated,
    /// A part's header is too large.
    #[error("the header of a part of the multipart body is longer than {MAX_PART_HEADER_BYTES} bytes")]
    HeadersTooLarge,
    /// There is too much around the file.
    #[error("the multipart body holds more than {MAX_SURROUNDING_BYTES} bytes beside the file")]
    SurroundingsTooLarge,
    /// The body cannot be read: the client went away, or sent what is no HTTP.
    #[error("the body could not be read to its end")]
    Body(#[source] axum::Error),
}

/// The body of a push.
#[derive(Debug)]
pub enum Payload {
    /// The body is the package.
    Raw(BodyDataStream),
    /// The package is a part of the body.
    Multipart(Box<Multipart>),
}

impl Payload {
    /// Tells from the content type how the package lies in the body. Whatever is not multipart is raw.
    ///
    /// # Errors
    /// [`PayloadError::NoBoundary`].
    pub fn open(content_type: Option<&HeaderValue>, body: Body) -> Result<Self, PayloadError> {
        let body = body.into_data_stream();
        let content_type = String::from_utf8_lossy(content_type.map_or(b"".as_slice(), HeaderValue::as_bytes));
        if !starts_with_ignoring_case(content_type.trim_start(), "multipart/") {
            return Ok(Self::Raw(body));
        }
        let boundary = parameter(&content_type, "boundary").ok_or(PayloadError::NoBoundary)?;
        let parser = Parser::new(&boundary)?;
        Ok(Self::Multipart(Box::new(Multipart { parser, body })))
    }

    /// Returns the next bytes of the package; `None` at its end. Only then is it known to be whole: a package whose stream
    /// ended in an error must not be kept.
    ///
    /// # Errors
    /// Any but [`PayloadError::NoBoundary`]; of a raw body only [`PayloadError::Body`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, PayloadError> {
        match self {
            Self::Raw(body) => body.next().await.transpose().map_err(PayloadError::Body),
            Self::Multipart(multipart) => multipart.chunk().await,
        }
    }

    /// Returns the package's bytes as a stream that ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, PayloadError>> + Send {
        futures::stream::try_unfold(self, async |mut payload| {
            Ok(payload.chunk().await?.map(|chunk| (chunk, payload)))
        })
    }
}

/// A multipart body that is being read.
#[derive(Debug)]
pub struct Multipart {
    parser: Parser,
    body: BodyDataStream,
}

impl Multipart {
    async fn chunk(&mut self) -> Result<Option<Bytes>, PayloadError> {
        loop {
            match self.parser.step()? {
                Step::Chunk(chunk) => return Ok(Some(chunk)),
                Step::Done => return Ok(None),
                Step::NeedMore => match self.body.next().await {
                    Some(bytes) => self.parser.push(&bytes.map_err(PayloadError::Body)?),
                    None => self.parser.end()?,
                },
            }
        }
    }
}

/// What the parser can say without further input.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// These bytes are part of the package.
    Chunk(Bytes),
    /// More input is needed.
    NeedMore,
    /// The package and the body are at their end.
    Done,
}

/// Where the parser is. Every state but the last begins with the line feed before what it reads still in the buffer, so that a
/// boundary at the very beginning of the body, a header or a part looks like any other.
#[derive(Debug)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// In the header of a part, which has no end before this place in the buffer.
    Header { from: usize },
    /// In a part that may be a form field.
    Field,
    /// In the package.
    File { progress: Progress },
    /// In a part that comes after the package.
    Following,
    /// Behind the closing boundary.
    Epilogue,
    /// At the end of the body.
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// The line feed before the part is still in the buffer.
    Beginning,
    /// Some bytes were handed out.
    Underway,
}

/// Reads a multipart body that is pushed in pieces of any length.
#[derive(Debug)]
struct Parser {
    delimiter: Delimiter,
    pending: BytesMut,
    state: State,
    /// How much was passed over.
    surrounding_bytes: usize,
    /// The first part that looked like a form field and was not empty.
    field: Option<Bytes>,
    has_package: bool,
}

impl Parser {
    fn new(boundary: &str) -> Result<Self, PayloadError> {
        Ok(Self {
            delimiter: Delimiter::new(boundary).ok_or(PayloadError::NoBoundary)?,
            pending: BytesMut::from(b"\n".as_slice()),
            state: State::Preamble,
            surrounding_bytes: 0,
            field: None,
            has_package: false,
        })
    }

    fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Takes note that nothing more will come.
    fn end(&mut self) -> Result<(), PayloadError> {
        match self.state {
            State::Epilogue | State::Ended => {
                self.state = State::Ended;
                Ok(())
            }
            _ => Err(PayloadError::Truncated),
        }
    }

    fn step(&mut self) -> Result<Step, PayloadError> {
        loop {
            let step = match self.state {
                State::Preamble | State::Following => self.skip_to_boundary()?,
                State::Header { from } => self.read_header(from)?,
                State::Field => self.read_field()?,
                State::File { progress } => self.read_file(progress)?,
                State::Epilogue => {
                    self.pass_over(self.pending.len())?;
                    Some(Step::NeedMore)
                }
                State::Ended => Some(self.finish()?),
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    fn finish(&mut self) -> Result<Step, PayloadError> {
        match self.field.take() {
            Some(field) if !self.has_package => {
                self.has_package = true;
                Ok(Step::Chunk(field))
            }
            _ if self.has_package => Ok(Step::Done),
            _ => Err(PayloadError::NoPart),
        }
    }

    fn skip_to_boundary(&mut self) -> Result<Option<Step>, PayloadError> {
        match self.delimiter.search(&self.pending) {
            Search::Undecided { safe } => {
                self.pass_over(safe)?;
                Ok(Some(Step::NeedMore))
            }
            Search::Boundary { resume, kind, .. } => {
                self.pass_over(resume)?;
                self.enter(kind);
                Ok(None)
            }
        }
    }

    fn read_header(&mut self, from: usize) -> Result<Option<Step>, PayloadError> {
        let end = match find_blank_line(&self.pending, from) {
            Ok(end) if end <= MAX_PART_HEADER_BYTES => end,
            Err(undecided) if undecided <= MAX_PART_HEADER_BYTES => {
                self.state = State::Header { from: undecided };
                return Ok(Some(Step::NeedMore));
            }
            _ => return Err(PayloadError::HeadersTooLarge),
        };
        let is_file = is_file(self.pending.get(..end).unwrap_or_default());
        self.pass_over(end)?;
        self.state = if self.has_package {
            State::Following
        } else if is_file {
            State::File {
                progress: Progress::Beginning,
            }
        } else {
            State::Field
        };
        Ok(None)
    }

    fn read_field(&mut self) -> Result<Option<Step>, PayloadError> {
        match self.delimiter.search(&self.pending) {
            Search::Undecided { safe } if safe <= 1 + MAX_FIELD_BYTES => return Ok(Some(Step::NeedMore)),
            Search::Boundary { end, resume, kind } if end <= 1 + MAX_FIELD_BYTES => {
                if self.field.is_none() {
                    let text = self.pending.get(1..end).unwrap_or_default();
                    self.field = (!text.is_empty()).then(|| Bytes::copy_from_slice(text));
                }
                self.pass_over(resume)?;
                self.enter(kind);
            }
            _ => {
                self.state = State::File {
                    progress: Progress::Beginning,
                }
            }
        }
        Ok(None)
    }

    fn read_file(&mut self, progress: Progress) -> Result<Option<Step>, PayloadError> {
        let lead = usize::from(progress == Progress::Beginning);
        let search = self.delimiter.search(&self.pending);
        let (Search::Undecided { safe: end } | Search::Boundary { end, .. }) = search;
        if end > lead {
            self.pending.advance(lead);
            self.has_package = true;
            self.state = State::File {
                progress: Progress::Underway,
            };
            return Ok(Some(Step::Chunk(self.pending.split_to(end - lead).freeze())));
        }
        let Search::Boundary { resume, kind, .. } = search else {
            return Ok(Some(Step::NeedMore));
        };
        self.pass_over(resume)?;
        self.enter(kind);
        Ok(None)
    }

    fn enter(&mut self, kind: Boundary) {
        self.state = match kind {
            Boundary::Opening => State::Header { from: 0 },
            Boundary::Closing => State::Epilogue,
        };
    }

    fn pass_over(&mut self, count: usize) -> Result<(), PayloadError> {
        self.pending.advance(count);
        self.surrounding_bytes += count;
        if self.surrounding_bytes > MAX_SURROUNDING_BYTES {
            return Err(PayloadError::SurroundingsTooLarge);
        }
        Ok(())
    }
}

/// Returns whether a part with this header is a file: it has a name or a type that no form field has.
fn is_file(header: &[u8]) -> bool {
    fields(header).iter().any(|(name, value)| {
        if name.eq_ignore_ascii_case("content-disposition") {
            let is_named = |parameter_name| parameter(value, parameter_name).is_some_and(|name| !name.is_empty());
            is_named("filename") || is_named("filename*")
        } else {
            name.eq_ignore_ascii_case("content-type") && !starts_with_ignoring_case(value, "text/")
        }
    })
}

#[cfg(test)]
mod tests;
