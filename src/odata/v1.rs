//! What version 1 of the protocol has of its own: its addresses, and what its queries may name.
//!
//! It shows stable SemVer 1 packages alone, unlisted ones as version 2 does (NuGetGallery, `ODataV1FeedController`). Knows the
//! paths by which NuGet 1.0 to 1.5 pushed; refuses to know what is answered there.

use super::address::{self, Address, AddressError, Collection, Key};
use super::options::Options;
use super::protocol::Protocol;
use crate::catalog::columns::Column;
use crate::catalog::query::Prerelease;
use crate::catalog::{Expression, Query};
use crate::nuget::SemVerLevel;

/// What a path below a root of version 1 asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum V1Address {
    /// What both versions have.
    Shared(Address),
    /// `Package/Download/git/2.40.0`: where the nupkg was in NuGet 1.0.
    Download(Key),
    /// `PackageFiles/KEY/nupkg`, `Packages/KEY/git/2.40.0` and `PublishedPackages/Publish`: where NuGet 1.x pushed, deleted and
    /// published. A path of these has the user's key in it.
    Retired,
    /// What version 1 never had.
    Unknown,
}

/// A property that the asked version does not have, and the other one has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{option} names '{name}', which is not a property of a package in version {asked} of the protocol; ask at {other}"
)]
pub struct UnknownProperty {
    option: &'static str,
    name: &'static str,
    asked: u8,
    other: &'static str,
}

/// Reads the raw path below a root, with or without its leading slash.
///
/// ```
/// use larder::odata::v1::{self, V1Address};
/// assert_eq!(v1::parse("/PackageFiles/0a1b2c3d/nupkg"), Ok(V1Address::Retired));
/// ```
pub fn parse(raw: &str) -> Result<V1Address, AddressError> {
    let segments = address::segments(raw)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
    match segments.as_slice() {
        [package, download, id, version] if is(package, "package") && is(download, "download") => {
            return Ok(V1Address::Download(address::key(id, version)?));
        }
        [verb, ..] if is(verb, "PackageFiles") || is(verb, "PublishedPackages") => return Ok(V1Address::Retired),
        [packages, _, _, _] if is(packages, "Packages") => return Ok(V1Address::Retired),
        _ => {}
    }
    Ok(match address::parse(raw)? {
        Address::BareFile(_)
        | Address::PackageIds
        | Address::PackageVersions(_)
        | Address::List(Collection::GetUpdates)
        | Address::Count(Collection::GetUpdates)
        | Address::Unknown => V1Address::Unknown,
        shared => V1Address::Shared(shared),
    })
}

/// Refuses options that name properties which the asked version does not have.
pub fn check(options: &Options, protocol: Protocol) -> Result<(), UnknownProperty> {
    let (asked, other) = match protocol {
        Protocol::V1 => (1, "/api/v2/"),
        Protocol::V2 => (2, "/api/v1/"),
    };
    let known = |option, name: &'static str| match protocol.declared(name) {
        Some(_) => Ok(()),
        None => Err(UnknownProperty {
            option,
            name,
            asked,
            other,
        }),
    };
    for column in options.filter.iter().flat_map(columns) {
        known("$filter", column.name())?;
    }
    for column in options.order.iter().flat_map(|key| columns(&key.by)) {
        known("$orderby", column.name())?;
    }
    for name in options.select.iter().flatten() {
        known("$select", name)?;
    }
    Ok(())
}

/// Leaves of a question what version 1 shows, and asks it of what version 1 shows: a title is never absent there.
pub fn narrow(query: &mut Query) {
    query.level = SemVerLevel::One;
    query.prerelease = Prerelease::Exclude;
    query.filter.iter_mut().for_each(fill_titles);
    query.order.iter_mut().for_each(|key| fill_titles(&mut key.by));
}

fn fill_titles(expression: &mut Expression) {
    let mut open = vec![expression];
    while let Some(expression) = open.pop() {
        match expression {
            Expression::Column(column @ Column::Title) => *column = Column::TitleOrId,
            Expression::Literal(_) | Expression::Column(_) => {}
            Expression::Not(one) | Expression::Negate(one) => open.push(one),
            Expression::All(many) | Expression::Any(many) | Expression::Call(_, many) => open.extend(many),
            Expression::Compare(_, both) | Expression::Calculate(_, both) => open.extend(both.iter_mut()),
        }
    }
}

/// Returns the columns that an expression names.
fn columns(expression: &Expression) -> Vec<Column> {
    let mut found = Vec::new();
    let mut open = vec![expression];
    while let Some(expression) = open.pop() {
        match expression {
            Expression::Literal(_) => {}
            Expression::Column(column) => found.push(*column),
            Expression::Not(one) | Expression::Negate(one) => open.push(one),
            Expression::All(many) | Expression::Any(many) | Expression::Call(_, many) => open.extend(many),
            Expression::Compare(_, both) | Expression::Calculate(_, both) => open.extend(both.iter()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata::options;

    #[test]
    fn addresses_of_the_first_clients_are_known() {
        let git = || address::key("git", "1.0").unwrap();
        for (path, expected) in [
            ("/", V1Address::Shared(Address::Root)),
            ("/Packages()", V1Address::Shared(Address::List(Collection::Packages))),
            (
                "/packages/%24count",
                V1Address::Shared(Address::Count(Collection::Packages)),
            ),
            ("/package/git/1.0", V1Address::Shared(Address::File(git()))),
            ("/Package/Download/git/1.0", V1Address::Download(git())),
            ("//package/download/git/1.0/", V1Address::Download(git())),
            ("/PackageFiles/0a1b/nupkg", V1Address::Retired),
            ("/Packages/0a1b/git/1.0", V1Address::Retired),
            ("/%50ackages/0a1b/git/1.0", V1Address::Retired),
            ("/PublishedPackages/Publish", V1Address::Retired),
            ("/GetUpdates()", V1Address::Unknown),
            ("/package-ids", V1Address::Unknown),
            ("/package-versions/git", V1Address::Unknown),
            ("/$batch", V1Address::Shared(Address::Batch)),
            ("/git/1.0", V1Address::Unknown),
        ] {
            assert_eq!(parse(path), Ok(expected), "{path}");
        }
        assert!(parse("/Package/Download/git/latest").is_err());
    }

    #[test]
    fn options_name_what_the_version_has() {
        let checked = |query: &str, protocol| check(&options::parse(query).unwrap(), protocol);
        for query in [
            "$filter=IsLatestVersion and substringof('a',tolower(Title))&$orderby=DownloadCount desc,Id",
            "$select=Id,Version,Rating&$orderby=concat(Title,Id)",
            "$filter=Rating ge 0 and ExternalPackageUrl eq null&$orderby=rating desc,ExternalPackageUrl",
            "",
        ] {
            assert_eq!(checked(query, Protocol::V1), Ok(()), "{query}");
        }
        for (query, protocol, expected) in [
            ("$filter=not IsPrerelease", Protocol::V1, "$filter names 'IsPrerelease'"),
            (
                "$filter=(1 add -PackageSize) lt 3 or Listed",
                Protocol::V1,
                "$filter names 'Listed'",
            ),
            (
                "$orderby=NormalizedVersion desc",
                Protocol::V1,
                "$orderby names 'NormalizedVersion'",
            ),
            (
                "$select=Id,IsAbsoluteLatestVersion",
                Protocol::V1,
                "$select names 'IsAbsoluteLatestVersion'",
            ),
            ("$filter=Rating eq 0", Protocol::V2, "$filter names 'Rating'"),
            ("$orderby=Id,rating", Protocol::V2, "$orderby names 'Rating'"),
            (
                "$select=externalpackageurl",
                Protocol::V2,
                "$select names 'ExternalPackageUrl'",
            ),
        ] {
            let told = checked(query, protocol).unwrap_err().to_string();
            assert!(told.starts_with(expected), "{query}: {told}");
        }
    }
}
