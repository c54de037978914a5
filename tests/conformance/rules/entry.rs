//! What must hold in every entry.

use std::collections::BTreeSet;

use super::super::document::Element;
use super::super::table::Step;
use super::ensure;

/// Properties that cannot be null: WCF clients fail on `m:null` of these, with the whole page (`NuGetGallery`, `V2FeedPackage`).
const NEVER_NULL: &[&str] = &[
    "Id",
    "Version",
    "Created",
    "DownloadCount",
    "VersionDownloadCount",
    "IsLatestVersion",
    "IsAbsoluteLatestVersion",
    "IsPrerelease",
    "LastUpdated",
    "Published",
    "PackageSize",
    "RequireLicenseAcceptance",
    "IsApproved",
    "IsDownloadCacheAvailable",
    "Listed",
];

/// The types of the properties that are no texts.
const TYPES: &[(&str, &[&str])] = &[
    (
        "Edm.Boolean",
        &[
            "IsLatestVersion",
            "IsAbsoluteLatestVersion",
            "IsPrerelease",
            "RequireLicenseAcceptance",
            "IsApproved",
            "IsDownloadCacheAvailable",
            "Listed",
            "DevelopmentDependency",
        ],
    ),
    ("Edm.DateTime", &["Created", "LastUpdated", "Published", "LastEdited"]),
    ("Edm.Int64", &["PackageSize"]),
];

pub(super) fn check(entry: &Element, step: &Step, base: &str) -> Result<(), String> {
    let check = entry_parts(entry, base).and_then(|()| properties(entry, step));
    check.map_err(|error| format!("{}: {error}", entry.identity()))
}

fn entry_parts(entry: &Element, base: &str) -> Result<(), String> {
    let id = &entry.only("id")?.text;
    ensure(id.starts_with(&format!("{base}/")), &format!("the id is {id}"))?;
    ensure(
        id.contains("/Packages(Id='") && id.ends_with("')"),
        &format!("the id is {id}"),
    )?;
    let term = entry.only("category")?.attribute("term").unwrap_or_default();
    ensure(
        term.ends_with("V2FeedPackage") || term.ends_with("V1FeedPackage"),
        &format!("the category is {term}"),
    )?;
    ensure(!entry.only("title")?.text.is_empty(), "no title")?;
    ensure(entry.only("updated")?.text.ends_with('Z'), "updated has no zone")?;
    entry.only("author")?.only("name")?;
    entry.only("summary")?;
    let content = entry.only("content")?;
    ensure(content.is_self_closed, "content is not closed in itself")?;
    ensure(
        content.attribute("type") == Some("application/zip"),
        "content is no application/zip",
    )?;
    let source = content.attribute("src").unwrap_or_default();
    ensure(
        source.starts_with(&format!("{base}/")),
        &format!("content/@src is {source}"),
    )?;
    Ok(())
}

fn properties(entry: &Element, step: &Step) -> Result<(), String> {
    let properties = entry.only("m:properties")?;
    let is_selection = step.target.contains("select=");
    let mut names = BTreeSet::new();
    for property in &properties.children {
        let name = property.name.strip_prefix("d:").ok_or_else(|| property.name.clone())?;
        ensure(names.insert(name), &format!("{name} stands there twice"))?;
        value(name, property)?;
    }
    if is_selection {
        return Ok(());
    }
    let is_first_version = entry
        .only("category")?
        .attribute("term")
        .is_some_and(|term| term.ends_with("V1FeedPackage"));
    let needed: &[&str] = if is_first_version {
        &["Id", "Version", "Dependencies", "Tags", "IsLatestVersion", "Published"]
    } else {
        &[
            "Id",
            "Version",
            "NormalizedVersion",
            "Dependencies",
            "Tags",
            "IsLatestVersion",
            "IsAbsoluteLatestVersion",
            "IsPrerelease",
            "Listed",
            "Published",
        ]
    };
    for name in needed {
        ensure(names.contains(name), &format!("no {name}"))?;
    }
    if !is_first_version {
        second_version(entry)?;
    }
    Ok(())
}

fn second_version(entry: &Element) -> Result<(), String> {
    let property = |name| entry.property(name).unwrap_or_default();
    ensure(entry.text_of("title") == Some(property("Id")), "title is not the id")?;
    let normalized = property("NormalizedVersion");
    let key = format!("(Id='{}',Version='{normalized}')", property("Id"));
    ensure(
        entry.text_of("id").unwrap_or_default().ends_with(&key),
        "the id has not the normalised version",
    )?;
    let is_hidden = property("Published") == "1900-01-01T00:00:00";
    ensure(
        is_hidden == (property("Listed") == "false"),
        "Published and Listed contradict each other",
    )?;
    let is_prerelease = normalized.contains('-').to_string();
    ensure(property("IsPrerelease") == is_prerelease, "IsPrerelease is wrong")?;
    let is_latest = |name| property(name) == "true";
    ensure(
        !(is_latest("IsLatestVersion") && (is_hidden || is_prerelease == "true")),
        "IsLatestVersion where it cannot be",
    )?;
    ensure(
        !(is_latest("IsAbsoluteLatestVersion") && is_hidden),
        "IsAbsoluteLatestVersion of an unlisted version",
    )?;
    // NuGetGallery's functional tests look for the two side by side.
    let names: Vec<&str> = entry
        .only("m:properties")?
        .children
        .iter()
        .map(|child| child.name.as_str())
        .collect();
    let at = names.iter().position(|name| *name == "d:Version").unwrap_or_default();
    ensure(
        names.get(at + 1) == Some(&"d:NormalizedVersion"),
        "NormalizedVersion does not follow Version",
    )
}

fn value(name: &str, property: &Element) -> Result<(), String> {
    let text = property.text.as_str();
    let wrong = || format!("{name} is {text:?}");
    if property.attribute("m:null").is_some() {
        ensure(property.attribute("m:null") == Some("true"), &wrong())?;
        ensure(!NEVER_NULL.contains(&name), &format!("{name} is null"))?;
        return ensure(text.is_empty(), &wrong());
    }
    if let Some((expected, _)) = TYPES.iter().find(|(_, names)| names.contains(&name)) {
        let found = property.attribute("m:type").unwrap_or_default();
        ensure(found == *expected, &format!("{name} is of the type {found:?}"))?;
    }
    let is_right = match property.attribute("m:type").unwrap_or_default() {
        "Edm.Boolean" => matches!(text, "true" | "false"),
        "Edm.Int32" => text.parse::<i32>().is_ok(),
        "Edm.Int64" => text.parse::<i64>().is_ok(),
        "Edm.Double" => text.parse::<f64>().is_ok(),
        "Edm.DateTime" => is_date_without_zone(text),
        "" => true,
        other => return Err(format!("{name} is of the type {other}")),
    };
    ensure(is_right, &wrong())?;
    if name == "Tags" && !text.is_empty() {
        ensure(
            property.attribute("xml:space") == Some("preserve"),
            "Tags without xml:space",
        )?;
        ensure(text.starts_with(' ') && text.ends_with(' '), &wrong())?;
    }
    Ok(())
}

/// `2026-03-01T12:00:00` and up to seven digits more. With a zone Paket takes an unlisted version for a listed one.
fn is_date_without_zone(text: &str) -> bool {
    let (seconds, fraction) = text
        .split_once('.')
        .map_or((text, "1"), |(seconds, fraction)| (seconds, fraction));
    let pattern = "0000-00-00T00:00:00";
    seconds.len() == pattern.len()
        && seconds.chars().zip(pattern.chars()).all(|(found, expected)| {
            if expected == '0' {
                found.is_ascii_digit()
            } else {
                found == expected
            }
        })
        && (1..=7).contains(&fraction.len())
        && fraction.bytes().all(|b| b.is_ascii_digit())
        && !fraction.ends_with('0')
}
