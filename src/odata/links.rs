//! Where a feed and its packages lie, as the client reaches them.
//!
//! Knows how ids and versions are spelled in URLs; refuses to know how links are marked up.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::protocol::Protocol;
use crate::catalog::Row;
use crate::nuget::{NuGetVersion, PackageId};

/// What must be encoded in the path of a link. Ids and versions have no other such characters.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?');

/// Where a feed lies, and what it speaks there.
#[derive(Debug, Clone, Copy)]
pub struct Links<'a> {
    /// The absolute URL of the feed's root as the client reaches it, without a trailing slash.
    pub root: &'a str,
    /// The version of the protocol.
    pub protocol: Protocol,
}

impl Links<'_> {
    /// Returns the URL of a version's entry.
    #[must_use]
    pub fn package(&self, row: &Row) -> String {
        format!("{}{}", self.root, package_path(row))
    }

    /// Returns the URL of a version's nupkg, whether or not there is one.
    #[must_use]
    pub fn file(&self, id: &PackageId, version: &NuGetVersion) -> String {
        format!("{}{}", self.root, file_path(id, version))
    }
}

/// Returns the path of a version's entry below a feed's root.
pub(super) fn package_path(row: &Row) -> String {
    format!(
        "/Packages(Id='{}',Version='{}')",
        encoded(&row.id),
        row.version.normalized()
    )
}

/// Returns the path of a version's nupkg below a feed's root.
pub(super) fn file_path(id: &PackageId, version: &NuGetVersion) -> String {
    format!("/package/{}/{}", encoded(id), version.normalized())
}

fn encoded(id: &PackageId) -> Cow<'_, str> {
    utf8_percent_encode(id.as_str(), PATH).into()
}
