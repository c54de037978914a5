//! What a case looks for in an answer that was read.

use super::super::document::Element;
use super::super::rules::{Read, ensure};
use super::Outcome;

pub(super) fn atom(read: &Read) -> Result<&Element, String> {
    match read {
        Read::Atom(root) => Ok(root),
        Read::Xml(root) => Err(format!("<{}>", root.name)),
        Read::Json(_) | Read::Other => Err("no Atom".to_owned()),
    }
}

/// Returns the entries of a verbose JSON list.
pub(super) fn results(read: &Read) -> Result<Vec<String>, String> {
    let Read::Json(document) = read else {
        return Err("no JSON".to_owned());
    };
    let rows = document["d"]["results"].as_array().ok_or("no d.results")?;
    let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap_or("?").to_owned();
    let rows = rows
        .iter()
        .map(|row| format!("{} {}", text(row, "Id"), text(row, "Version")));
    Ok(rows.collect())
}

pub(super) fn identities(root: &Element) -> Vec<String> {
    root.entries().into_iter().map(Element::identity).collect()
}

/// Atom publishing's service document, with the one collection.
pub(super) fn service(read: &Read) -> Outcome {
    let Read::Xml(root) = read else {
        return Err("no XML".to_owned());
    };
    equal(&root.name.as_str(), &"service")?;
    let collection = root.only("workspace")?.only("collection")?;
    equal(&collection.attribute("href"), &Some("Packages"))?;
    equal(&collection.text_of("atom:title"), &Some("Packages"))
}

/// What clients look for before they search (NuGet.Client, `LegacyFeedCapabilityResourceV2Feed`; NuGet.Core, `PackageRepository`).
pub(super) fn metadata(read: &Read) -> Outcome {
    let Read::Xml(root) = read else {
        return Err("no XML".to_owned());
    };
    equal(&root.name.as_str(), &"edmx:Edmx")?;
    let all = root.descendants();
    let named = |kind: &str| -> Vec<&str> {
        let elements = all.iter().filter(|element| element.name == kind);
        elements.filter_map(|element| element.attribute("Name")).collect()
    };
    equal(&named("EntitySet").first(), &Some(&"Packages"))?;
    for function in ["Search", "FindPackagesById"] {
        ensure(
            named("FunctionImport").contains(&function),
            &format!("no function {function}"),
        )?;
    }
    ensure(named("Property").contains(&"Version"), "no property Version")
}

pub(super) fn equal<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Outcome {
    if found == expected {
        Ok(())
    } else {
        Err(format!("found {found:?}"))
    }
}
