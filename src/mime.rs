//! How parts lie in a multipart body, and what the header of a part says (RFC 2046 section 5.1). Pure.
//!
//! Knows where a part begins and ends; refuses to know what is in it, how the body arrives and how long it may be.

mod delimiter;
mod header;

pub use delimiter::{Boundary, Delimiter, Search};
pub use header::{fields, find_blank_line, parameter, starts_with_ignoring_case};
