//! The HTTP side: what a request asks in HTTP's own words, and how an answer is put into them. Knows no sled and no reqwest.

pub mod admin;
pub mod base_url;
mod cache_status;
mod caching;
pub mod conditional;
pub mod date;
mod encoding;
pub mod error;
mod failure;
pub mod header_text;
mod install;
pub mod listener;
mod mount;
pub mod multipart;
pub mod range;
pub mod rendered;
pub mod router;
pub mod state;
mod v1;
mod v2;
pub mod warning;
