//! The columns of an entry: their names, their types, and their values for one version.
//!
//! Knows the union of what NuGetGallery, the Chocolatey community repository, the PowerShell Gallery and NuGet.Server
//! publish; refuses to know how any of it is written on the wire.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::expression::{Case, Kind, TextValue, Value, Work};
use super::{Instant, Member, Record, Row};
use crate::catalog::query::Latest;
use crate::nuget::SemVerLevel;

/// The EDM type under which a property is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EdmType {
    /// `Edm.String`.
    String,
    /// `Edm.Boolean`.
    Boolean,
    /// `Edm.Int32`.
    Int32,
    /// `Edm.Int64`.
    Int64,
    /// `Edm.DateTime`.
    DateTime,
}

impl EdmType {
    /// Returns the qualified name, `Edm.Int64`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "Edm.String",
            Self::Boolean => "Edm.Boolean",
            Self::Int32 => "Edm.Int32",
            Self::Int64 => "Edm.Int64",
            Self::DateTime => "Edm.DateTime",
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::String => Kind::Text,
            Self::Boolean => Kind::Boolean,
            Self::Int32 => Kind::Int32,
            Self::Int64 => Kind::Int64,
            Self::DateTime => Kind::DateTime,
        }
    }
}

/// A column of an entry. All but [`Column::Stored`] are answered by a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the property of that name")]
pub enum Column {
    Id,
    Version,
    NormalizedVersion,
    Title,
    Description,
    Summary,
    Tags,
    Authors,
    IsLatestVersion,
    IsAbsoluteLatestVersion,
    IsPrerelease,
    Listed,
    IsApproved,
    Published,
    Created,
    LastEdited,
    LastUpdated,
    DownloadCount,
    VersionDownloadCount,
    PackageSize,
    /// The title, which is the id where there is none: the `Title` of version 1.
    TitleOrId,
    Rating,
    ExternalPackageUrl,
    /// Any other property: only a record has it.
    Stored {
        name: &'static str,
        kind: Kind,
    },
}

/// A property as a feed's metadata declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The name, in the case in which it is printed.
    pub name: &'static str,
    /// The type.
    pub edm: EdmType,
    /// Whether it can be null.
    pub nullable: bool,
    /// The column that holds it.
    pub column: Column,
}

const fn row(name: &'static str, edm: EdmType, column: Column) -> Definition {
    Definition {
        name,
        edm,
        nullable: true,
        column,
    }
}

const fn stored(name: &'static str, edm: EdmType) -> Definition {
    let kind = edm.kind();
    row(name, edm, Column::Stored { name, kind })
}

impl Definition {
    const fn required(self) -> Self {
        Self {
            nullable: false,
            ..self
        }
    }
}

/// All properties: NuGetGallery's (`V2FeedPackage`), then those that only Chocolatey, the PowerShell Gallery or
/// NuGet.Server have. The counts are Int32, as clients of the WCF generation and two of these four expect.
pub const PROPERTIES: &[Definition] = &[
    row("Id", EdmType::String, Column::Id).required(),
    row("Version", EdmType::String, Column::Version).required(),
    row("NormalizedVersion", EdmType::String, Column::NormalizedVersion),
    row("Authors", EdmType::String, Column::Authors),
    stored("Copyright", EdmType::String),
    row("Created", EdmType::DateTime, Column::Created).required(),
    stored("Dependencies", EdmType::String),
    row("Description", EdmType::String, Column::Description),
    row("DownloadCount", EdmType::Int32, Column::DownloadCount).required(),
    stored("GalleryDetailsUrl", EdmType::String),
    stored("IconUrl", EdmType::String),
    row("IsLatestVersion", EdmType::Boolean, Column::IsLatestVersion).required(),
    row(
        "IsAbsoluteLatestVersion",
        EdmType::Boolean,
        Column::IsAbsoluteLatestVersion,
    )
    .required(),
    row("IsPrerelease", EdmType::Boolean, Column::IsPrerelease).required(),
    stored("Language", EdmType::String),
    row("LastUpdated", EdmType::DateTime, Column::LastUpdated).required(),
    row("Published", EdmType::DateTime, Column::Published).required(),
    stored("PackageHash", EdmType::String),
    stored("PackageHashAlgorithm", EdmType::String),
    row("PackageSize", EdmType::Int64, Column::PackageSize).required(),
    stored("ProjectUrl", EdmType::String),
    stored("ReportAbuseUrl", EdmType::String),
    stored("ReleaseNotes", EdmType::String),
    stored("RequireLicenseAcceptance", EdmType::Boolean).required(),
    row("Summary", EdmType::String, Column::Summary),
    row("Tags", EdmType::String, Column::Tags),
    row("Title", EdmType::String, Column::Title),
    row("VersionDownloadCount", EdmType::Int32, Column::VersionDownloadCount).required(),
    stored("MinClientVersion", EdmType::String),
    row("LastEdited", EdmType::DateTime, Column::LastEdited),
    stored("LicenseUrl", EdmType::String),
    stored("LicenseNames", EdmType::String),
    stored("LicenseReportUrl", EdmType::String),
    // Chocolatey community repository.
    stored("ProjectSourceUrl", EdmType::String),
    stored("PackageSourceUrl", EdmType::String),
    stored("DocsUrl", EdmType::String),
    stored("MailingListUrl", EdmType::String),
    stored("BugTrackerUrl", EdmType::String),
    row("IsApproved", EdmType::Boolean, Column::IsApproved).required(),
    stored("PackageStatus", EdmType::String),
    stored("PackageSubmittedStatus", EdmType::String),
    stored("PackageTestResultUrl", EdmType::String),
    stored("PackageTestResultStatus", EdmType::String),
    stored("PackageTestResultStatusDate", EdmType::DateTime),
    stored("PackageValidationResultStatus", EdmType::String),
    stored("PackageValidationResultDate", EdmType::DateTime),
    stored("PackageCleanupResultDate", EdmType::DateTime),
    stored("PackageReviewedDate", EdmType::DateTime),
    stored("PackageApprovedDate", EdmType::DateTime),
    stored("PackageReviewer", EdmType::String),
    stored("IsDownloadCacheAvailable", EdmType::Boolean).required(),
    stored("DownloadCacheStatus", EdmType::String),
    stored("DownloadCacheDate", EdmType::DateTime),
    stored("DownloadCache", EdmType::String),
    stored("PackageScanStatus", EdmType::String),
    stored("PackageScanResultDate", EdmType::DateTime),
    stored("PackageScanFlagResult", EdmType::String),
    // PowerShell Gallery.
    stored("ItemType", EdmType::String),
    stored("FileList", EdmType::String),
    stored("GUID", EdmType::String),
    stored("PowerShellVersion", EdmType::String),
    stored("PowerShellHostVersion", EdmType::String),
    stored("DotNetFrameworkVersion", EdmType::String),
    stored("CLRVersion", EdmType::String),
    stored("ProcessorArchitecture", EdmType::String),
    stored("CompanyName", EdmType::String),
    stored("Owners", EdmType::String),
    // NuGet.Server.
    row("Listed", EdmType::Boolean, Column::Listed).required(),
    stored("DevelopmentDependency", EdmType::Boolean).required(),
];

/// Properties that version 1 of the protocol alone has, from the days of ratings and prices: nothing is said of them any more
/// (NuGetGallery, `V1FeedPackage`).
const OF_VERSION_ONE: &[(&str, Column)] = &[
    ("Rating", Column::Rating),
    ("ExternalPackageUrl", Column::ExternalPackageUrl),
];

impl Column {
    /// Returns the column of a name, matched ignoring case (a mirroring tool sends `version eq '1.0'`).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let of_version_one = || {
            OF_VERSION_ONE
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        let column = definition(name).map(|definition| definition.column);
        column.or_else(|| of_version_one().map(|(_, column)| *column))
    }

    /// Returns the name under which it is printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        let all = PROPERTIES.iter().map(|definition| (definition.name, definition.column));
        let column = if self == Self::TitleOrId { Self::Title } else { self };
        all.chain(OF_VERSION_ONE.iter().copied())
            .find(|(_, known)| *known == column)
            .map_or("", |(name, _)| name)
    }

    /// Returns the type of its values.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Id
            | Self::Title
            | Self::TitleOrId
            | Self::Description
            | Self::Summary
            | Self::Tags
            | Self::Authors
            | Self::ExternalPackageUrl => Kind::Text,
            Self::Version | Self::NormalizedVersion => Kind::Version,
            Self::IsLatestVersion
            | Self::IsAbsoluteLatestVersion
            | Self::IsPrerelease
            | Self::Listed
            | Self::IsApproved => Kind::Boolean,
            Self::Published | Self::Created | Self::LastEdited | Self::LastUpdated => Kind::DateTime,
            Self::DownloadCount | Self::VersionDownloadCount => Kind::Int32,
            Self::PackageSize => Kind::Int64,
            Self::Rating => Kind::Double,
            Self::Stored { kind, .. } => kind,
        }
    }
}

/// Returns what is declared of a property, its name matched ignoring case.
#[must_use]
pub fn definition(name: &str) -> Option<&'static Definition> {
    PROPERTIES
        .iter()
        .find(|definition| definition.name.eq_ignore_ascii_case(name))
}

/// One version as expressions see it.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// What queries know of it.
    pub row: &'a Row,
    /// Whether it is its group's latest release, for the level that the client reads.
    pub is_latest: bool,
    /// Whether it is its group's latest version, for the level that the client reads.
    pub is_absolute_latest: bool,
    /// All that is known of it; without it the columns that a row lacks are [`Value::Deferred`].
    pub record: Option<&'a Record>,
    /// What evaluating is charged to; without it everything is computed.
    pub work: Option<&'a Work>,
}

impl<'a> Columns<'a> {
    /// Returns the columns that a member's row answers, for a client that reads `level`.
    #[must_use]
    pub fn of(member: &'a Member, level: SemVerLevel) -> Self {
        Self {
            row: &member.row,
            is_latest: member.is_latest(Latest::Stable, level),
            is_absolute_latest: member.is_latest(Latest::Absolute, level),
            record: None,
            work: None,
        }
    }

    /// Returns the same version with a budget to which evaluating is charged.
    #[must_use]
    pub fn with_work(self, work: &'a Work) -> Self {
        Self {
            work: Some(work),
            ..self
        }
    }

    /// Charges steps. Returns whether there were as many left.
    pub(super) fn charge(&self, steps: u64) -> bool {
        self.work.is_none_or(|work| work.charge(steps))
    }

    /// Returns the same version with its record, in which no column is deferred.
    #[must_use]
    pub fn with_record(self, record: &'a Record) -> Self {
        Self {
            record: Some(record),
            ..self
        }
    }

    /// Returns the value of a column.
    #[must_use]
    pub fn value(&self, column: Column) -> Value<'a> {
        let row = self.row;
        let text = |text: &'a Option<std::sync::Arc<super::Text>>| {
            text.as_deref().map_or(Value::Null, |text| {
                Value::Text(TextValue::of(text, Case::IgnoredInSearch))
            })
        };
        let count = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        match column {
            Column::Id => Value::Text(TextValue::folded(row.id.as_str(), row.id.lower(), Case::Ignored)),
            Column::Version => Value::Text(TextValue::version(&row.version, row.version.as_str())),
            Column::NormalizedVersion => Value::Text(TextValue::version(&row.version, row.version.normalized())),
            Column::Title => text(&row.title),
            Column::TitleOrId if row.title.is_some() => text(&row.title),
            Column::TitleOrId => Value::Text(TextValue::folded(
                row.id.as_str(),
                row.id.lower(),
                Case::IgnoredInSearch,
            )),
            Column::Description => text(&row.description),
            Column::Summary => text(&row.summary),
            Column::Tags => text(&row.tags),
            Column::Authors => text(&row.authors),
            Column::IsLatestVersion => Value::Boolean(self.is_latest),
            Column::IsAbsoluteLatestVersion => Value::Boolean(self.is_absolute_latest),
            Column::IsPrerelease => Value::Boolean(row.version.is_prerelease()),
            Column::Listed => Value::Boolean(row.listed),
            Column::IsApproved => Value::Boolean(row.approved),
            Column::Published => Value::DateTime(shown_published(row)),
            Column::Created => Value::DateTime(row.created),
            Column::LastEdited => row.last_edited.map_or(Value::Null, Value::DateTime),
            Column::LastUpdated => Value::DateTime(row.last_updated),
            Column::DownloadCount => count(row.download_count),
            Column::VersionDownloadCount => count(row.version_download_count),
            Column::PackageSize => count(row.package_size),
            Column::Rating => Value::Double(0.0),
            Column::ExternalPackageUrl => Value::Null,
            Column::Stored { name, kind } => self
                .record
                .map_or(Value::Deferred, |record| stored_value(record, name, kind)),
        }
    }
}

/// Returns when a version was published, as feeds show it: 1900-01-01 for an unlisted one (NuGetGallery,
/// `PackageExtensions.ToV2FeedPackageQuery`; clients read "unlisted" off the year).
#[must_use]
pub fn shown_published(row: &Row) -> Instant {
    if row.listed {
        row.published
    } else {
        unlisted_published()
    }
}

fn unlisted_published() -> Instant {
    NaiveDate::from_ymd_opt(1900, 1, 1)
        .unwrap_or_default()
        .and_time(chrono::NaiveTime::MIN)
        .and_utc()
}

/// Reads a property of a record as its type. A text that is none of the type is as good as absent.
fn stored_value<'a>(record: &'a Record, name: &str, kind: Kind) -> Value<'a> {
    let Some(text) = record.property(name) else {
        return Value::Null;
    };
    match kind {
        Kind::Text | Kind::Version => Value::Text(TextValue::cased(text, Case::IgnoredInSearch)),
        Kind::Boolean => match text.trim() {
            "true" | "True" | "1" => Value::Boolean(true),
            "false" | "False" | "0" => Value::Boolean(false),
            _ => Value::Null,
        },
        Kind::Int32 | Kind::Int64 => text.trim().parse().map_or(Value::Null, Value::Integer),
        Kind::DateTime => parse_instant(text).map_or(Value::Null, Value::DateTime),
        // No property has one of the other types.
        Kind::Null
        | Kind::Decimal
        | Kind::Single
        | Kind::Double
        | Kind::DateTimeOffset
        | Kind::Time
        | Kind::Guid
        | Kind::Binary => Value::Null,
    }
}

/// Parses an instant as feeds and filters write it: `2012-08-22T09:46:43.48`, taken for UTC, or with a zone; the seconds
/// or the whole time can be absent.
#[must_use]
pub fn parse_instant(text: &str) -> Option<Instant> {
    let text = text.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let time = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let date = || {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(date.and_time(chrono::NaiveTime::MIN))
    };
    time.or_else(date).map(|time| time.and_utc())
}

/// Writes an instant as feeds do: UTC without saying so, up to seven digits of a second's fraction, no trailing zeros.
#[must_use]
pub fn format_instant(instant: Instant) -> String {
    let text = instant.format("%Y-%m-%dT%H:%M:%S").to_string();
    let ticks = instant.timestamp_subsec_nanos() / 100;
    if ticks == 0 {
        return text;
    }
    let fraction = format!("{ticks:07}");
    format!("{text}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_with_and_without_zone_and_written_without() {
        for (text, written) in [
            ("2012-08-22T09:46:43.48", "2012-08-22T09:46:43.48"),
            ("2012-08-22T09:46:43.4800000Z", "2012-08-22T09:46:43.48"),
            ("2012-08-22T09:46:43.1234567", "2012-08-22T09:46:43.1234567"),
            ("2012-08-22T09:46:43+02:00", "2012-08-22T07:46:43"),
            ("2012-08-22T09:46", "2012-08-22T09:46:00"),
            ("2012-08-22", "2012-08-22T00:00:00"),
            ("1900-01-01T00:00:00", "1900-01-01T00:00:00"),
        ] {
            let instant = parse_instant(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(format_instant(instant), written, "{text}");
        }
        for text in ["", "x", "2012-13-01", "2012-08-22T25:00:00", "2012-08-22T"] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn every_property_is_found_once_under_its_name() {
        for definition in PROPERTIES {
            let found = Column::named(&definition.name.to_uppercase()).unwrap();
            assert_eq!((found, found.name()), (definition.column, definition.name));
            let as_text = definition.column.kind() == Kind::Version && definition.edm == EdmType::String;
            assert!(
                as_text || definition.column.kind() == definition.edm.kind(),
                "{}",
                definition.name
            );
        }
        for (name, column) in OF_VERSION_ONE {
            assert_eq!(
                (Column::named(&name.to_lowercase()), column.name()),
                (Some(*column), *name)
            );
        }
        assert_eq!(Column::TitleOrId.name(), "Title");
        assert_eq!(Column::named("Nonsense"), None);
    }
}
