//! What an upstream's answer can be compared with later, so that it need not be sent again (RFC 9110, 8.8).

use serde::{Deserialize, Serialize};

/// The validators of one answer. They mean something to the upstream that gave them alone, at the address where it then was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The address of the upstream that gave them, without secrets.
    pub upstream: String,
    /// `ETag`, verbatim, weak ones too.
    #[serde(default)]
    pub etag: Option<String>,
    /// `Last-Modified`, verbatim.
    #[serde(default)]
    pub last_modified: Option<String>,
}
