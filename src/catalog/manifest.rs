//! What a package or an upstream's entry says, as the row and the property list of a record.
//!
//! Decides which properties a record keeps and in which order; refuses to know how they are printed, and what a feed adds
//! to them.

use std::sync::Arc;

use chrono::Datelike as _;

use super::columns::{format_instant, parse_instant};
use super::row::pad_tags;
use super::{Announced, Content, Entry, Instant, Interner, Origin, Property, Record, Row, Text};
use crate::nuget::dependencies;
use crate::nuget::nuspec::{License, Nuspec};

/// The properties that a record's list leaves out: they are told by its row, or by the feed that shows it.
pub const COMPUTED: &[&str] = &[
    "Id",
    "Version",
    "NormalizedVersion",
    "IsLatestVersion",
    "IsAbsoluteLatestVersion",
    "IsPrerelease",
    "Listed",
    "Created",
    "Published",
    "LastEdited",
    "LastUpdated",
    "DownloadCount",
    "VersionDownloadCount",
];

/// The last year of `Published` that stands for an unlisted version (NuGet.Client, `V2FeedPackageInfo.IsListed`).
const LAST_UNLISTED_YEAR: i32 = 1901;

/// When the things happened that a row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When the version first appeared.
    pub created: Instant,
    /// When it was published.
    pub published: Instant,
    /// When it was last changed, where that happened.
    pub last_edited: Option<Instant>,
    /// When anything about it last changed.
    pub last_updated: Instant,
}

/// Returns the row of a package that is hosted here.
#[must_use]
pub fn row(nuspec: &Nuspec, content: &Content, times: &Times, listed: bool, interner: &mut Interner) -> Row {
    let mut intern = |text: Option<&str>| intern(interner, text);
    Row {
        id: nuspec.id.clone(),
        version: nuspec.version.clone(),
        level: nuspec
            .version
            .level()
            .max(dependencies::level(&nuspec.dependency_groups)),
        listed,
        created: times.created,
        published: times.published,
        last_edited: times.last_edited,
        last_updated: times.last_updated,
        download_count: 0,
        version_download_count: 0,
        package_size: content.size,
        approved: true,
        frameworks: None,
        title: intern(nuspec.title.as_deref()),
        description: intern(nuspec.description.as_deref()),
        summary: intern(nuspec.summary.as_deref()),
        tags: intern(nuspec.tags.as_deref().map(pad_tags).as_deref()),
        authors: intern(nuspec.authors.as_deref()),
    }
}

/// Returns the properties of a package that is hosted here, in the order of the Chocolatey community repository, with
/// those that only NuGetGallery has beside their kin.
#[must_use]
pub fn properties(nuspec: &Nuspec, content: &Content) -> Vec<Property> {
    let tags = nuspec.tags.as_deref().map(pad_tags);
    let dependencies = dependencies::format(&nuspec.dependency_groups);
    let license_names = match &nuspec.license {
        Some(License::Expression(expression)) => Some(expression.as_str()),
        Some(License::File(_)) | None => None,
    };
    let mut list = List::default();
    list.text("Title", nuspec.title.as_deref());
    list.text("Description", nuspec.description.as_deref());
    list.text("Summary", nuspec.summary.as_deref());
    list.text("Tags", tags.as_deref());
    list.text("Authors", nuspec.authors.as_deref());
    list.text("Owners", nuspec.owners.as_deref());
    list.text("Copyright", nuspec.copyright.as_deref());
    list.text("Dependencies", Some(&dependencies));
    list.text("GalleryDetailsUrl", None);
    list.text("ReportAbuseUrl", None);
    list.text("IconUrl", nuspec.icon_url.as_deref());
    list.text("Language", nuspec.language.as_deref());
    list.text("MinClientVersion", nuspec.min_client_version.as_deref());
    list.text("LicenseUrl", nuspec.license_url.as_deref());
    list.text("LicenseNames", license_names);
    list.text("LicenseReportUrl", None);
    list.flag("RequireLicenseAcceptance", nuspec.require_license_acceptance);
    list.flag("DevelopmentDependency", nuspec.development_dependency);
    list.text("PackageHash", Some(&content.sha512));
    list.text("PackageHashAlgorithm", Some("SHA512"));
    list.0
        .push(Property::typed("PackageSize", "Edm.Int64", content.size.to_string()));
    list.text("ProjectUrl", nuspec.project_url.as_deref());
    list.text("ReleaseNotes", nuspec.release_notes.as_deref());
    list.chocolatey(nuspec);
    list.0
}

/// Returns what an upstream says of a version, as its entry would say it again: what the row tells is written back to
/// properties, so that [`announced_row`] reads the same row from it.
#[must_use]
pub fn entry(record: &Record) -> Entry {
    let row = &record.row;
    let date = |name, at: Instant| Property::typed(name, "Edm.DateTime", format_instant(at));
    let mut properties = vec![
        date("Created", row.created),
        date("LastUpdated", row.last_updated),
        date("Published", row.published),
        Property::typed("Listed", "Edm.Boolean", row.listed.to_string()),
        Property::typed("DownloadCount", "Edm.Int64", row.download_count.to_string()),
        Property::typed(
            "VersionDownloadCount",
            "Edm.Int64",
            row.version_download_count.to_string(),
        ),
    ];
    properties.extend(row.last_edited.map(|at| date("LastEdited", at)));
    properties.extend(record.properties.iter().cloned());
    let content_url = match &record.origin {
        Origin::Mirrored { content_url } => content_url.clone(),
        Origin::Pushed { .. } | Origin::Imported => None,
    };
    Entry {
        properties,
        content_url,
        ..Entry::default()
    }
}

#[derive(Default)]
struct List(Vec<Property>);

impl List {
    fn text(&mut self, name: &str, value: Option<&str>) {
        self.0.push(Property::text(name, value));
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.0.push(Property::typed(name, "Edm.Boolean", value.to_string()));
    }

    /// What Chocolatey adds. Nobody moderates, tests or scans what is hosted here: it counts as approved, so that clients
    /// which ask for approved packages alone find it, and says no more.
    fn chocolatey(&mut self, nuspec: &Nuspec) {
        let own = &nuspec.chocolatey;
        self.text("ProjectSourceUrl", own.project_source_url.as_deref());
        self.text("PackageSourceUrl", own.package_source_url.as_deref());
        self.text("DocsUrl", own.docs_url.as_deref());
        self.text("MailingListUrl", own.mailing_list_url.as_deref());
        self.text("BugTrackerUrl", own.bug_tracker_url.as_deref());
        self.flag("IsApproved", true);
        self.text("PackageStatus", Some("Approved"));
        self.text("PackageSubmittedStatus", Some("Ready"));
        self.text("PackageTestResultStatus", Some("Unknown"));
        self.text("PackageValidationResultStatus", Some("Unknown"));
        self.flag("IsDownloadCacheAvailable", false);
        self.text("DownloadCacheStatus", Some("Unknown"));
        self.text("PackageScanStatus", Some("Unknown"));
    }
}

/// Returns the row of a version as an upstream announces it. `seen` stands in for the times that it does not tell.
#[must_use]
pub fn announced_row(announced: &Announced, seen: Instant, interner: &mut Interner) -> Row {
    let entry = &announced.entry;
    let text = |name: &str| entry.property(name);
    // A feed without `Published` lists its versions; one with a date before NuGet existed hides them.
    let instant = |name: &str| text(name).and_then(parse_instant);
    let real = |name: &str| instant(name).filter(|at| at.year() > LAST_UNLISTED_YEAR);
    let is_hidden = instant("Published").is_some_and(|at| at.year() <= LAST_UNLISTED_YEAR);
    let created = real("Created")
        .or_else(|| real("Published"))
        .or(entry.updated)
        .unwrap_or(seen);
    let published = real("Published").unwrap_or(created);
    let last_edited = real("LastEdited");
    let last_updated = real("LastUpdated")
        .or(entry.updated)
        .or(last_edited)
        .unwrap_or(published);
    let level = text("Dependencies").map(|text| dependencies::level(&dependencies::parse(text)));
    let mut intern = |text: Option<&str>| intern(interner, text);
    Row {
        id: announced.id.clone(),
        version: announced.version.clone(),
        level: announced
            .version
            .level()
            .max(level.unwrap_or(announced.version.level())),
        listed: !is_hidden && !text("Listed").is_some_and(is_false),
        created,
        published,
        last_edited,
        last_updated,
        download_count: count(text("DownloadCount")),
        version_download_count: count(text("VersionDownloadCount")),
        package_size: count(text("PackageSize")),
        approved: !text("IsApproved").is_some_and(is_false),
        frameworks: None,
        title: intern(text("Title")),
        description: intern(text("Description")),
        summary: intern(text("Summary").or(entry.summary.as_deref())),
        tags: intern(text("Tags").map(pad_tags).as_deref()),
        authors: intern(text("Authors").or(entry.authors.as_deref())),
    }
}

/// Returns an upstream's properties verbatim, unknown ones too, without the [`COMPUTED`] ones. What WCF feeds say only in
/// Atom's own elements is put among them.
#[must_use]
pub fn announced_properties(announced: &Announced) -> Vec<Property> {
    let entry = &announced.entry;
    let is_computed = |property: &&Property| COMPUTED.iter().any(|name| name.eq_ignore_ascii_case(&property.name));
    let mut list: Vec<Property> = entry
        .properties
        .iter()
        .filter(|property| !is_computed(property))
        .cloned()
        .collect();
    for (name, value) in [("Summary", &entry.summary), ("Authors", &entry.authors)] {
        let Some(value) = value else { continue };
        match list.iter_mut().find(|known| known.name.eq_ignore_ascii_case(name)) {
            Some(known) if known.value.is_none() => known.value = Some(value.clone()),
            Some(_) => {}
            None => list.push(Property::text(name, Some(value))),
        }
    }
    list
}

fn intern(interner: &mut Interner, text: Option<&str>) -> Option<Arc<Text>> {
    text.filter(|text| !text.is_empty()).map(|text| interner.intern(text))
}

fn is_false(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "false" | "0")
}

/// Returns a count; 0 where the text is none, or a negative one.
fn count(text: Option<&str>) -> u64 {
    text.and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Entry;
    use crate::catalog::columns::definition;
    use crate::catalog::testing::instant;
    use crate::nuget::{NuspecLimits, SemVerLevel};

    fn nuspec(inner: &str) -> Nuspec {
        let text = format!("<package><metadata>{inner}</metadata></package>");
        Nuspec::decode(text.as_bytes(), &NuspecLimits::default()).unwrap()
    }

    fn content() -> Content {
        Content {
            sha512: "aGFzaA==".to_owned(),
            size: 42,
        }
    }

    fn announced(properties: Vec<Property>) -> Announced {
        Announced {
            id: "Git".parse().unwrap(),
            version: "1.0".parse().unwrap(),
            entry: Entry {
                properties,
                summary: Some("short".to_owned()),
                authors: Some("One, Two".to_owned()),
                updated: Some(instant("2015-01-01")),
                content_url: None,
            },
        }
    }

    fn value<'a>(list: &'a [Property], name: &str) -> Option<&'a str> {
        let property = list.iter().find(|property| property.name == name);
        property.unwrap_or_else(|| panic!("{name}")).value.as_deref()
    }

    #[test]
    fn a_hosted_package_has_all_properties_as_they_are_declared() {
        let nuspec = nuspec(
            "<id>a</id><version>1</version><tags>x  y</tags><license type='expression'>MIT</license><docsUrl>d</docsUrl>
             <dependencies><dependency id='b' version='1.0'/><dependency id='c'/></dependencies>",
        );
        let list = properties(&nuspec, &content());
        for property in &list {
            let declared = definition(&property.name).unwrap_or_else(|| panic!("{}", property.name));
            assert_eq!(declared.name, property.name);
            assert_eq!(
                declared.edm.name(),
                property.edm_type.as_deref().unwrap_or("Edm.String"),
                "{}",
                property.name
            );
            assert!(declared.nullable || property.value.is_some(), "{}", property.name);
            assert!(!COMPUTED.contains(&declared.name));
        }
        for (name, expected) in [
            ("Tags", Some(" x y ")),
            ("Dependencies", Some("b:[1.0.0, ):|c::")),
            ("LicenseNames", Some("MIT")),
            ("DocsUrl", Some("d")),
            ("Title", None),
            ("PackageHash", Some("aGFzaA==")),
            ("PackageSize", Some("42")),
            ("RequireLicenseAcceptance", Some("false")),
            ("IsApproved", Some("true")),
        ] {
            assert_eq!(value(&list, name), expected, "{name}");
        }
    }

    #[test]
    fn a_hosted_package_becomes_a_row() {
        let times = Times {
            created: instant("2020-01-01"),
            published: instant("2020-01-02"),
            last_edited: None,
            last_updated: instant("2020-01-03"),
        };
        let nuspec = nuspec(
            "<id>A</id><version>1</version><tags>x</tags><description>D</description><authors>D</authors>
             <dependencies><dependency id='b' version='1.0-a.1'/></dependencies>",
        );
        let row = row(&nuspec, &content(), &times, false, &mut Interner::default());
        assert_eq!((row.id.as_str(), row.version.as_str(), row.listed), ("A", "1", false));
        assert_eq!((row.level, row.package_size), (SemVerLevel::Two, 42));
        assert_eq!(row.tags.unwrap().as_str(), " x ");
        assert!(Arc::ptr_eq(&row.description.unwrap(), &row.authors.unwrap()));
        assert_eq!((row.published, row.last_updated), (times.published, times.last_updated));
    }

    #[test]
    fn an_entry_becomes_a_row() {
        let row = announced_row(
            &announced(vec![
                Property::text("Title", Some("Git for Windows")),
                Property::text("Tags", Some(" a b ")),
                Property::text("Dependencies", Some("x:[1.0-a.1, ):")),
                Property::text("Summary", None),
                Property::typed("Created", "Edm.DateTime", "2014-05-06T07:08:09.12".to_owned()),
                Property::typed("Published", "Edm.DateTime", "2014-05-07T00:00:00+02:00".to_owned()),
                Property::typed("DownloadCount", "Edm.Int32", "-1".to_owned()),
                Property::typed("VersionDownloadCount", "Edm.Int32", "7".to_owned()),
                Property::typed("PackageSize", "Edm.Int64", "123".to_owned()),
                Property::typed("IsApproved", "Edm.Boolean", "false".to_owned()),
            ]),
            instant("2024-01-01"),
            &mut Interner::default(),
        );
        assert_eq!((row.level, row.listed, row.approved), (SemVerLevel::Two, true, false));
        assert_eq!(row.created, instant("2014-05-06T07:08:09.12"));
        assert_eq!((row.published, row.last_edited), (instant("2014-05-06T22:00:00"), None));
        assert_eq!(row.last_updated, instant("2015-01-01"));
        assert_eq!(
            (row.download_count, row.version_download_count, row.package_size),
            (0, 7, 123)
        );
        assert_eq!(row.summary.unwrap().as_str(), "short");
        assert_eq!(
            (row.tags.unwrap().as_str(), row.authors.unwrap().as_str()),
            (" a b ", "One, Two")
        );
    }

    #[test]
    fn unlisted_versions_are_told_in_three_ways() {
        let seen = instant("2024-01-01");
        let date = |name: &str, text: &str| Property::typed(name, "Edm.DateTime", text.to_owned());
        let flag = |text: &str| Property::typed("Listed", "Edm.Boolean", text.to_owned());
        for (properties, listed, published) in [
            (vec![], true, "2015-01-01"),
            (vec![date("Published", "1900-01-01T00:00:00")], false, "2015-01-01"),
            (
                vec![date("Published", "1901-01-01T00:00:00Z"), date("Created", "2012-01-01")],
                false,
                "2012-01-01",
            ),
            (
                vec![date("Published", "2013-01-01"), flag("false")],
                false,
                "2013-01-01",
            ),
            (vec![date("Published", "2013-01-01"), flag("true")], true, "2013-01-01"),
            (vec![date("Published", "soon")], true, "2015-01-01"),
        ] {
            let row = announced_row(&announced(properties.clone()), seen, &mut Interner::default());
            assert_eq!(
                (row.listed, row.published),
                (listed, instant(published)),
                "{properties:?}"
            );
        }
        let mut silent = announced(vec![]);
        silent.entry.updated = None;
        let row = announced_row(&silent, seen, &mut Interner::default());
        assert_eq!((row.created, row.published, row.last_updated), (seen, seen, seen));
    }

    #[test]
    fn an_entrys_properties_stay_as_they_are() {
        let kept = Property::typed("Unknown", "Edm.Guid", "x".to_owned());
        let mut properties: Vec<Property> = COMPUTED.iter().map(|name| Property::text(name, Some("x"))).collect();
        properties.extend([
            kept.clone(),
            Property::text("version", Some("x")),
            Property::text("Authors", None),
        ]);
        assert_eq!(
            announced_properties(&announced(properties)),
            [
                kept,
                Property::text("Authors", Some("One, Two")),
                Property::text("Summary", Some("short"))
            ]
        );
        let own = vec![
            Property::text("Summary", Some("own")),
            Property::text("Authors", Some("")),
        ];
        assert_eq!(announced_properties(&announced(own.clone())), own);
    }
}
