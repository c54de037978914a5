//! The scripted upstream as a gallery: the Atom that it answers with.

pub(crate) use super::faultd::{ANYTHING, Gate, Pace, Reply, ScriptedUpstream, refusing_address};

/// Writes a feed with these entries.
pub(crate) fn atom_feed(entries: &[String], next: Option<&str>) -> String {
    let next = next.map(|next| format!(r#"<link rel="next" href="{}"/>"#, escape(next)));
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><title type="text">Packages</title>{}{}</feed>"#,
        entries.concat(),
        next.unwrap_or_default(),
    )
}

/// Writes an entry as the Chocolatey community repository does: without `d:Id`. `properties` are the XML of further
/// ones.
pub(crate) fn atom_entry(id: &str, version: &str, content_url: &str, properties: &str) -> String {
    format!(
        r#"<entry><id>http://gallery.test/api/v2/Packages(Id='{id}',Version='{version}')</id><title type="text">{id}</title><author><name>Ann</name></author><content type="application/zip" src="{}"/><m:properties><d:Version>{version}</d:Version>{properties}</m:properties></entry>"#,
        escape(content_url),
    )
}

pub(crate) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
