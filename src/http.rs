//! The HTTP side: what a request asks in HTTP's own words, and how an answer is put into them. Knows no sled and no reqwest.

pub mod base_url;
pub mod header_text;
pub mod multipart;
pub mod range;
pub mod warning;
