//! Reads the Atom feeds and entries that galleries answer with, as they are found in the wild.
//!
//! Matches by local name, keeps every `d:` property verbatim, and refuses a document that is anything but a whole feed:
//! an error that a gallery wrote into the middle of a feed makes what stood before it worthless. It does not know where
//! the bytes came from and follows no link.

mod draft;
mod reader;
#[cfg(test)]
mod tests;

use url::Url;

use crate::catalog::Announced;
pub use crate::limits::FeedLimits;
use crate::nuget::{PackageIdError, VersionError};
use reader::FeedReader;

/// One page of a feed; a single entry is a page of one.
#[derive(Debug, Clone, Default)]
pub struct FeedPage {
    /// The versions, in the feed's order.
    pub entries: Vec<Announced>,
    /// Where the next page lies, absolute; `None` on the last page.
    pub next: Option<String>,
    /// `m:count`: how many entries all pages have.
    pub count: Option<u64>,
    /// Entries that name no package.
    pub skipped: Vec<Skipped>,
}

/// An entry that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The entry's Atom id, or else its title, to find it by.
    pub entry: String,
    /// Why it names no package.
    pub reason: SkipReason,
}

/// Why an entry names no package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// Neither `d:Id` nor the Atom id nor the title tells an id.
    #[error("it has no package id")]
    NoId,
    /// The id is none.
    #[error(transparent)]
    Id(#[from] PackageIdError),
    /// Neither `d:Version` nor `d:NormalizedVersion` nor the Atom id tells a version.
    #[error("it has no version")]
    NoVersion,
    /// The version is none.
    #[error(transparent)]
    Version(#[from] VersionError),
}

/// Why a document is no feed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FeedError {
    /// There is nothing.
    #[error("the answer is empty where a feed was expected")]
    Empty,
    /// The bytes are not UTF-8.
    #[error("the answer is not UTF-8 text (bad byte at offset {position})")]
    Encoding {
        /// Offset of the first bad byte.
        position: usize,
    },
    /// The text does not start as XML does.
    #[error("the answer is {found} where a feed was expected")]
    NotXml {
        /// `JSON` or `plain text`.
        found: &'static str,
    },
    /// The XML is another document: a web page, an RSS feed, a service document.
    #[error("the answer is a '{root}' document where a feed was expected")]
    WrongRoot {
        /// The root element's local name.
        root: String,
    },
    /// The document declares a DTD; none is ever read.
    #[error("the feed declares a document type, which is refused")]
    DocumentType,
    /// The gallery reports an error, in place of a feed or in the middle of one.
    #[error("the upstream reports an error: {message}")]
    Reported {
        /// The gallery's message.
        message: String,
    },
    /// The document is not well-formed XML.
    #[error("the feed is not well-formed XML at byte {position}")]
    Malformed {
        /// Offset of what was refused.
        position: u64,
        /// What the XML reader says.
        #[source]
        source: quick_xml::Error,
    },
    /// Something follows the root element.
    #[error("the feed goes on after its end, at byte {position}")]
    Trailing {
        /// Offset after what was found.
        position: u64,
    },
    /// The document ends before its root element does.
    #[error("the feed is cut off: it ends inside of '{element}'")]
    CutOff {
        /// The innermost open element.
        element: String,
    },
    /// The feed has a next page, but does not say where.
    #[error("the feed has a next page but does not say where it lies")]
    NextLink,
    /// A limit is passed.
    #[error("the feed has more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The most that is read.
        limit: usize,
    },
}

/// Reads a feed or a single entry.
///
/// `document` is the URL that it was fetched from: relative links are resolved against `xml:base`, and that against it.
///
/// ```
/// use larder::odata::atom_read::{FeedLimits, read_feed};
/// let url = "https://gallery.test/api/v2/Packages()".parse().unwrap();
/// let page = read_feed(b"<feed xmlns='http://www.w3.org/2005/Atom'/>", &url, FeedLimits::default()).unwrap();
/// assert!(page.entries.is_empty());
/// ```
pub fn read_feed(bytes: &[u8], document: &Url, limits: FeedLimits) -> Result<FeedPage, FeedError> {
    let text = std::str::from_utf8(bytes).map_err(|error| FeedError::Encoding {
        position: error.valid_up_to(),
    })?;
    let text = text.trim_start_matches('\u{feff}');
    match text.trim_start().bytes().next() {
        None => return Err(FeedError::Empty),
        Some(b'<') => {}
        Some(b'{' | b'[') => return Err(FeedError::NotXml { found: "JSON" }),
        Some(_) => return Err(FeedError::NotXml { found: "plain text" }),
    }
    FeedReader::new(document, limits).read(text)
}
