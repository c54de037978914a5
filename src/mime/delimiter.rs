//! The lines between the parts.
//!
//! Lenient where writers are: a bare line feed may stand where CRLF belongs, blanks may follow the boundary, and nothing need
//! follow the closing one.

use memchr::memmem;

use crate::limits::{MAX_BOUNDARY_BYTES, MAX_PADDING_BYTES};

/// What separates the parts of one body.
#[derive(Debug)]
pub struct Delimiter {
    /// Looks for a line feed, two dashes and the boundary.
    finder: memmem::Finder<'static>,
}

/// A boundary line, or as much as can be said of where the next one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// The next boundary does not begin before this place.
    Undecided {
        /// The place.
        safe: usize,
    },
    /// There is one.
    Boundary {
        /// Where what comes before it ends.
        end: usize,
        /// Where what comes behind it begins.
        resume: usize,
        /// What it says of what comes behind it.
        kind: Boundary,
    },
}

/// What a boundary line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// Another part follows; what comes behind begins with the line feed.
    Opening,
    /// None does.
    Closing,
}

impl Delimiter {
    /// Takes the boundary that a `Content-Type` names; `None` where it is empty or longer than [`MAX_BOUNDARY_BYTES`].
    #[must_use]
    pub fn new(boundary: &str) -> Option<Self> {
        let is_boundary = !boundary.is_empty() && boundary.len() <= MAX_BOUNDARY_BYTES;
        is_boundary.then(|| Self {
            finder: memmem::Finder::new(&format!("\n--{boundary}")).into_owned(),
        })
    }

    /// Looks for the next boundary line in as much of a body as is there. A line begins behind a line feed, so one has to stand
    /// before the body's first byte.
    ///
    /// ```
    /// use larder::mime::{Boundary, Delimiter, Search};
    /// let delimiter = Delimiter::new("b").unwrap();
    /// let found = delimiter.search(b"\none\r\n--b\n\ntwo");
    /// assert_eq!(found, Search::Boundary { end: 4, resume: 9, kind: Boundary::Opening });
    /// ```
    #[must_use]
    pub fn search(&self, buffer: &[u8]) -> Search {
        let marker_len = self.finder.needle().len();
        for at in self.finder.find_iter(buffer) {
            let has_return = at.checked_sub(1).and_then(|before| buffer.get(before)) == Some(&b'\r');
            let end = at - usize::from(has_return);
            match classify(buffer.get(at + marker_len..).unwrap_or_default()) {
                Rest::Boundary(kind, len) => {
                    return Search::Boundary {
                        end,
                        resume: at + marker_len + len,
                        kind,
                    };
                }
                Rest::Undecided => return Search::Undecided { safe: end },
                Rest::Content => {}
            }
        }
        // The marker may begin in what is kept, behind a carriage return.
        Search::Undecided {
            safe: buffer.len().saturating_sub(marker_len),
        }
    }
}

/// What follows two dashes and the boundary's text.
enum Rest {
    /// They are a boundary, and so many more bytes belong to it.
    Boundary(Boundary, usize),
    /// They are part of the content.
    Content,
    /// More must be seen.
    Undecided,
}

fn classify(rest: &[u8]) -> Rest {
    if rest.starts_with(b"--") {
        return Rest::Boundary(Boundary::Closing, 2);
    }
    let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match rest.get(padding..).unwrap_or_default() {
        _ if padding > MAX_PADDING_BYTES => Rest::Content,
        // The line feed stays for the header.
        [b'\n', ..] => Rest::Boundary(Boundary::Opening, padding),
        [b'\r', b'\n', ..] => Rest::Boundary(Boundary::Opening, padding + 1),
        [] | [b'\r'] => Rest::Undecided,
        [b'-'] if padding == 0 => Rest::Undecided,
        _ => Rest::Content,
    }
}
