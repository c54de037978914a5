//! What must hold in every answer, whatever was asked: the things that one client or another cannot do without.

use std::collections::BTreeSet;

use crate::support::raw_http::Answer;

use super::document::Element;
use super::table::Step;

mod entry;

const ATOM: &str = "http://www.w3.org/2005/Atom";
const DATA_SERVICES: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices";
const METADATA: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata";

/// An answer, read.
pub(super) enum Read {
    /// A feed or a single entry.
    Atom(Element),
    /// Another XML document.
    Xml(Element),
    /// A JSON document.
    Json(serde_json::Value),
    /// Text, a file, or nothing.
    Other,
}

/// Checks an answer against the rules of its kind and returns what it is. `base` is the server's URL as the client asked it.
pub(super) fn check(step: &Step, answer: &Answer, base: &str) -> Result<Read, String> {
    let content_type = answer.header("Content-Type").unwrap_or_default().to_ascii_lowercase();
    if content_type.contains("html") {
        return Err("HTML, which no client expects".to_owned());
    }
    if answer.status >= 400 {
        return error(step, answer, &content_type);
    }
    if answer.status == 304 || answer.body.is_empty() || step.method == "HEAD" {
        return Ok(Read::Other);
    }
    let is_odata = content_type.starts_with("application/atom+xml")
        || content_type.starts_with("application/xml")
        || content_type.starts_with("application/json");
    if !is_odata {
        return Ok(Read::Other);
    }
    let text = String::from_utf8(answer.body.clone()).map_err(|_| "no UTF-8".to_owned())?;
    if content_type.starts_with("application/json") {
        let value = serde_json::from_str(&text).map_err(|error| format!("no JSON: {error}"))?;
        return Ok(Read::Json(value));
    }
    data_service_version(answer)?;
    if text.chars().any(|c| c < ' ' && !matches!(c, '\t' | '\r' | '\n')) {
        return Err("control characters".to_owned());
    }
    let root = Element::parse(&text)?;
    match root.name.as_str() {
        "feed" => {
            expect_type(&content_type, "feed")?;
            feed(&root, &text, step, base)?;
            Ok(Read::Atom(root))
        }
        "entry" => {
            expect_type(&content_type, "entry")?;
            namespaces(&root)?;
            entry::check(&root, step, base)?;
            Ok(Read::Atom(root))
        }
        _ => Ok(Read::Xml(root)),
    }
}

/// Checks that an answer, as it came over the wire, tells where it ends.
pub(super) fn length(step: &Step, answer: &Answer) -> Result<(), String> {
    let Some(length) = answer.header("Content-Length") else {
        let is_framed = answer.header("Transfer-Encoding").is_some() || matches!(answer.status, 204 | 304);
        return ensure(
            is_framed || step.method == "HEAD" || !answer.body.is_empty(),
            "no length",
        );
    };
    let length: usize = length.parse().map_err(|_| format!("Content-Length: {length}"))?;
    ensure(
        step.method == "HEAD" || answer.status == 304 || length == answer.body.len(),
        "Content-Length is not that of the body",
    )
}

/// WCF clients refuse a version above the 2.0 that they understand.
fn data_service_version(answer: &Answer) -> Result<(), String> {
    let version = answer.header("DataServiceVersion").unwrap_or_default();
    ensure(
        matches!(version.trim_end_matches(';'), "1.0" | "2.0"),
        &format!("DataServiceVersion: {version}"),
    )
}

fn expect_type(content_type: &str, kind: &str) -> Result<(), String> {
    let expected = format!("application/atom+xml;type={kind};charset=utf-8");
    ensure(
        content_type.replace(' ', "") == expected,
        &format!("Content-Type: {content_type}"),
    )
}

/// .NET clients show the reason phrase and nothing else; what reads the body expects an OData error, or a text after a push.
fn error(step: &Step, answer: &Answer, content_type: &str) -> Result<Read, String> {
    ensure(!answer.reason.trim().is_empty(), "no reason phrase")?;
    let reads = matches!(step.method.as_str(), "GET" | "HEAD");
    if step.method == "HEAD" {
        return Ok(Read::Other);
    }
    if content_type.starts_with("text/plain") {
        ensure(
            !reads || step.target == "/" || !step.target.contains("/api/v2/"),
            "a text where an OData error belongs",
        )?;
        return Ok(Read::Other);
    }
    if content_type.starts_with("application/json") {
        let document: serde_json::Value =
            serde_json::from_slice(&answer.body).map_err(|error| format!("no JSON: {error}"))?;
        let message = document["error"]["message"]["value"].as_str().unwrap_or_default();
        ensure(!message.is_empty(), "an error without a message")?;
        return Ok(Read::Json(document));
    }
    ensure(
        content_type.starts_with("application/xml"),
        &format!("an error as {content_type}"),
    )?;
    let root = Element::parse(&answer.text())?;
    ensure(root.name == "m:error", "no m:error")?;
    ensure(
        root.attribute("xmlns:m") == Some(METADATA),
        "m: is bound to something else",
    )?;
    root.only("m:code")?;
    let message = root.only("m:message")?;
    ensure(message.attribute("xml:lang").is_some(), "a message without xml:lang")?;
    ensure(!message.text.trim().is_empty(), "an error without a message")?;
    Ok(Read::Xml(root))
}

/// Some clients read the prefixes `m:` and `d:` literally (Renovate, `PSResourceGet`), and Atom as the default namespace.
fn namespaces(root: &Element) -> Result<(), String> {
    for (name, namespace) in [("xmlns", ATOM), ("xmlns:d", DATA_SERVICES), ("xmlns:m", METADATA)] {
        ensure(
            root.attribute(name) == Some(namespace),
            &format!("{name} is {:?}", root.attribute(name)),
        )?;
    }
    for element in root.descendants() {
        let prefix = element.name.split_once(':').map_or("", |(prefix, _)| prefix);
        ensure(matches!(prefix, "" | "m" | "d"), &format!("<{}>", element.name))?;
    }
    Ok(())
}

fn feed(root: &Element, text: &str, step: &Step, base: &str) -> Result<(), String> {
    namespaces(root)?;
    let own = root.attribute("xml:base").unwrap_or_default();
    ensure(own.starts_with(&format!("{base}/")), &format!("xml:base is {own}"))?;
    for name in ["id", "title", "updated"] {
        root.only(name)?;
    }
    let entries = root.entries();
    if entries.is_empty() {
        root.only("author")?;
    }
    if let Some(count) = root.text_of("m:count") {
        let number: Result<usize, _> = count.parse();
        let number = number.map_err(|_| format!("m:count is {count}"))?;
        ensure(number >= entries.len(), "m:count is less than the entries")?;
    }
    if let Some(next) = root.next() {
        ensure(
            next.starts_with(&format!("{base}/")),
            &format!("the next link is {next}"),
        )?;
        let is_last = root
            .children
            .last()
            .is_some_and(|last| last.attribute("rel") == Some("next"));
        ensure(is_last, "the next link is not last")?;
    }
    // Rocolatey counts these.
    ensure(
        text.matches("</entry>").count() == entries.len(),
        "entries that are not closed",
    )?;
    let mut seen = BTreeSet::new();
    for element in entries {
        entry::check(element, step, base)?;
        ensure(
            seen.insert(element.identity().to_lowercase()),
            &format!("{} stands in the page twice", element.identity()),
        )?;
    }
    Ok(())
}

pub(super) fn ensure(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
