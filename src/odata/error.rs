//! The document that says what went wrong.

use super::xml::{METADATA, Xml};

/// Writes an OData error: a code for programs, which can be empty, and a message for people.
///
/// ```
/// let document = larder::odata::error::document("", "Query parameter $xyz is not supported.");
/// assert!(document.contains(r#"<m:message xml:lang="en-US">Query parameter $xyz is not supported.</m:message>"#));
/// ```
#[must_use]
pub fn document(code: &str, message: &str) -> String {
    let mut xml = Xml::document(256 + message.len());
    xml.raw(r#"<m:error xmlns:m=""#).raw(METADATA).raw(r#"">"#);
    xml.element("m:code", "", code);
    xml.element("m:message", r#" xml:lang="en-US""#, message);
    xml.raw("</m:error>");
    xml.finish()
}

#[cfg(test)]
mod tests {
    use super::document;

    #[test]
    fn an_error_document() {
        insta::assert_snapshot!(
            document("Larder.Test", "'<x>' & more"),
            @r#"<?xml version="1.0" encoding="utf-8"?><m:error xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><m:code>Larder.Test</m:code><m:message xml:lang="en-US">'&lt;x&gt;' &amp; more</m:message></m:error>"#
        );
    }
}
