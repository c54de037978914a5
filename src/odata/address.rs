//! What a path below a protocol root asks for.
//!
//! Works on the raw path, still percent-encoded: a decoded one cannot tell a `/` between segments from one inside of a
//! quoted key. Knows every spelling that clients use; refuses to know methods and options.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::limits::MAX_PATH_BYTES;
use crate::nuget::{NuGetVersion, PackageId, PackageIdError, VersionError};

/// The id and version of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The id.
    pub id: PackageId,
    /// The version.
    pub version: NuGetVersion,
}

/// A list of packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collection {
    /// `Packages()`.
    Packages,
    /// `FindPackagesById()`, with the id where the parentheses have it.
    FindPackagesById(Option<String>),
    /// `Search()`.
    Search,
    /// `GetUpdates()`.
    GetUpdates,
}

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The root: the service document, and a place to push to.
    Root,
    /// `$metadata`.
    Metadata,
    /// A list.
    List(Collection),
    /// A list's `$count`.
    Count(Collection),
    /// `Packages(Id='git',Version='2.40.0')`.
    Package(Key),
    /// `Packages(Id='git',Version='2.40.0')/Download`, and the same with `$value`: the nupkg.
    PackageDownload(Key),
    /// `Packages(Id='git',Version='2.40.0')/Title`: one property.
    Property(Key, String),
    /// `Packages(Id='git',Version='2.40.0')/Title/$value`: its text alone.
    PropertyValue(Key, String),
    /// `package-ids`: the ids that begin with a text.
    PackageIds,
    /// `package-versions/git`: the versions of an id.
    PackageVersions(PackageId),
    /// `package`: a place to push to.
    PackageRoot,
    /// `package/git`: the nupkg of the latest release.
    LatestFile(PackageId),
    /// `package/git/2.40.0`: the nupkg; also where it is deleted and listed again.
    File(Key),
    /// `git/2.40.0`: the same, below a root that clients take for a push endpoint.
    BareFile(Key),
    /// `$batch`.
    Batch,
    /// Nothing that feeds have.
    Unknown,
}

/// Why a path that names a resource cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The path is too long.
    #[error("the path is longer than {MAX_PATH_BYTES} bytes")]
    TooLong,
    /// A segment is no UTF-8 once it is decoded.
    #[error("the path is not UTF-8 once its percent-encoding is taken away")]
    Encoding,
    /// What stands in parentheses is no list of names and values.
    #[error("'{0}' is not a key: write (Id='git',Version='2.40.0')")]
    Key(String),
    /// Parentheses behind a function's name hold what cannot be read there.
    #[error("'{0}' is not read: parameters stand behind a question mark, as in FindPackagesById()?id='git'")]
    Parameters(String),
    /// The key's id is none.
    #[error(transparent)]
    Id(#[from] PackageIdError),
    /// The key's version is none.
    #[error(transparent)]
    Version(#[from] VersionError),
}

/// Reads the raw path below a protocol root, with or without its leading slash.
///
/// ```
/// use larder::odata::address::{self, Address};
/// let Ok(Address::Package(key)) = address::parse("/Packages(Version=%272.40.0%27,%20Id='git')") else { panic!() };
/// assert_eq!((key.id.as_str(), key.version.as_str()), ("git", "2.40.0"));
/// ```
pub fn parse(raw: &str) -> Result<Address, AddressError> {
    let segments = segments(raw)?;
    let mut segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    // Clients that take a root for a host put the usual path behind it (PowerShellGet probes, NuGet's push).
    if let [api, v2, ..] = segments.as_slice()
        && api.eq_ignore_ascii_case("api")
        && v2.eq_ignore_ascii_case("v2")
    {
        segments.drain(..2);
    }
    resolve(&segments)
}

/// Returns a path's segments, decoded.
pub(super) fn segments(raw: &str) -> Result<Vec<String>, AddressError> {
    if raw.len() > MAX_PATH_BYTES {
        return Err(AddressError::TooLong);
    }
    let decoded = |segment| percent_decode_str(segment).decode_utf8().map(Cow::into_owned);
    split(raw)
        .map(|segment| decoded(segment).map_err(|_| AddressError::Encoding))
        .collect()
}

/// Splits at slashes, but not inside of quotes in parentheses; drops empty segments.
fn split(raw: &str) -> impl Iterator<Item = &str> {
    let (mut is_inside, mut is_quoted) = (false, false);
    let mut encoded: [u8; 2] = [0; 2];
    raw.split(move |c: char| {
        let [first, second] = encoded;
        let symbol = match (first, second, c) {
            (b'%', b'2', '8') => '(',
            (b'%', b'2', '9') => ')',
            (b'%', b'2', '7') => '\'',
            (_, _, c) => c,
        };
        encoded = [second, u8::try_from(c).unwrap_or(0)];
        match symbol {
            '(' if !is_quoted => is_inside = true,
            ')' if !is_quoted => is_inside = false,
            '\'' if is_inside => is_quoted = !is_quoted,
            _ => {}
        }
        c == '/' && !is_quoted
    })
    .filter(|segment| !segment.is_empty())
}

fn resolve(segments: &[&str]) -> Result<Address, AddressError> {
    let Some((first, rest)) = segments.split_first() else {
        return Ok(Address::Root);
    };
    let (name, inside) = match first.split_once('(') {
        None => (*first, None),
        Some((name, inside)) => {
            let malformed = || AddressError::Key((*first).to_owned());
            (name, Some(inside.trim_end().strip_suffix(')').ok_or_else(malformed)?))
        }
    };
    let arguments = inside.map(str::trim).filter(|inside| !inside.is_empty());
    match name.trim_end().to_ascii_lowercase().as_str() {
        "$metadata" if inside.is_none() => Ok(last(rest, Address::Metadata)),
        "$batch" if inside.is_none() => Ok(last(rest, Address::Batch)),
        "packages" => match arguments {
            None => Ok(list(Collection::Packages, rest)),
            Some(arguments) => package(first, arguments, rest),
        },
        "findpackagesbyid" | "findpackagebyid" => {
            let id = arguments.map(|arguments| inline_id(first, arguments)).transpose()?;
            Ok(list(Collection::FindPackagesById(id), rest))
        }
        "search" if arguments.is_none() => Ok(list(Collection::Search, rest)),
        "getupdates" if arguments.is_none() => Ok(list(Collection::GetUpdates, rest)),
        "search" | "getupdates" => Err(AddressError::Parameters((*first).to_owned())),
        "package-ids" if inside.is_none() => Ok(last(rest, Address::PackageIds)),
        "package-versions" if inside.is_none() => match rest {
            [id] => Ok(Address::PackageVersions(id.parse()?)),
            _ => Ok(Address::Unknown),
        },
        "package" if inside.is_none() => match rest {
            [] => Ok(Address::PackageRoot),
            [id] => Ok(Address::LatestFile(id.parse()?)),
            [id, version] => Ok(Address::File(key(id, version)?)),
            _ => Ok(Address::Unknown),
        },
        _ => Ok(match segments {
            [id, version] => key(id, version).map_or(Address::Unknown, Address::BareFile),
            _ => Address::Unknown,
        }),
    }
}

fn last(rest: &[&str], address: Address) -> Address {
    if rest.is_empty() { address } else { Address::Unknown }
}

fn list(collection: Collection, rest: &[&str]) -> Address {
    match rest {
        [] => Address::List(collection),
        [count] if count.eq_ignore_ascii_case("$count") => Address::Count(collection),
        _ => Address::Unknown,
    }
}

fn package(segment: &str, arguments: &str, rest: &[&str]) -> Result<Address, AddressError> {
    let (mut id, mut version) = (None, None);
    for (name, value) in pairs(segment, arguments)? {
        match name.to_ascii_lowercase().as_str() {
            "id" => id = Some(value),
            "version" => version = Some(value),
            _ => return Err(AddressError::Key(segment.to_owned())),
        }
    }
    let (Some(id), Some(version)) = (id, version) else {
        return Err(AddressError::Key(segment.to_owned()));
    };
    let key = key(&id, &version)?;
    Ok(match rest {
        [] => Address::Package(key),
        [verb] if verb.eq_ignore_ascii_case("Download") || verb.eq_ignore_ascii_case("$value") => {
            Address::PackageDownload(key)
        }
        [name] if is_property(name) => Address::Property(key, (*name).to_owned()),
        [name, value] if is_property(name) && value.eq_ignore_ascii_case("$value") => {
            Address::PropertyValue(key, (*name).to_owned())
        }
        _ => Address::Unknown,
    })
}

/// Returns whether a segment can be a property's name; `$links` and `$count` are none.
fn is_property(segment: &str) -> bool {
    !segment.starts_with('$')
}

pub(super) fn key(id: &str, version: &str) -> Result<Key, AddressError> {
    Ok(Key {
        id: id.trim().parse()?,
        version: version.parse()?,
    })
}

fn inline_id(segment: &str, arguments: &str) -> Result<String, AddressError> {
    let pairs = pairs(segment, arguments).unwrap_or_default();
    match pairs.into_iter().next() {
        Some((name, id)) if name.eq_ignore_ascii_case("id") => Ok(id),
        _ => Err(AddressError::Parameters(segment.to_owned())),
    }
}

/// Reads `Id='it''s',Version=1.0`; quotes can be absent, as some scripts leave them out.
fn pairs(segment: &str, arguments: &str) -> Result<Vec<(String, String)>, AddressError> {
    let malformed = || AddressError::Key(segment.to_owned());
    let mut pairs = Vec::new();
    let mut rest = arguments;
    while !rest.trim().is_empty() {
        let (name, after) = rest.split_once('=').ok_or_else(malformed)?;
        let after = after.trim_start();
        let value;
        (value, rest) = match after.strip_prefix('\'') {
            Some(quoted) => unquote(quoted).ok_or_else(malformed)?,
            None => match after.split_once(',') {
                Some((value, rest)) => (value.trim().to_owned(), rest),
                None => (after.trim().to_owned(), ""),
            },
        };
        if after.starts_with('\'') {
            rest = rest.trim_start();
            rest = match rest.strip_prefix(',') {
                Some(rest) => rest,
                None if rest.is_empty() => rest,
                None => return Err(malformed()),
            };
        }
        pairs.push((name.trim().to_owned(), value));
    }
    Ok(pairs)
}

/// Reads up to the closing quote; returns the text and what follows.
pub(super) fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('\'')?;
        text.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                text.push('\'');
                rest = more;
            }
            None => return Some((text, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn git(version: &str) -> Key {
        key("git", version).unwrap()
    }

    fn by_id(id: Option<&str>) -> Collection {
        Collection::FindPackagesById(id.map(str::to_owned))
    }

    fn assert_spellings(spellings: &[(&[&str], Address)]) {
        for (paths, address) in spellings {
            for path in *paths {
                assert_eq!(parse(path), Ok(address.clone()), "{path}");
            }
        }
    }

    #[test]
    fn every_spelling_of_a_list_is_read() {
        assert_spellings(&[
            (&["", "/", "//", "api/v2", "/api/v2/"][..], Address::Root),
            (
                &["/$metadata", "%24metadata", "/$METADATA/", "//$metadata"],
                Address::Metadata,
            ),
            (
                &[
                    "/Packages",
                    "/Packages()",
                    "/Packages/",
                    "/Packages()/",
                    "/packages%28%29",
                    "//PACKAGES",
                    "/api/v2/Packages()",
                    "/Packages( )",
                ],
                Address::List(Collection::Packages),
            ),
            (
                &[
                    "/Packages/$count",
                    "/Packages()/$count",
                    "/Packages()/%24count",
                    "//packages()//$COUNT/",
                ],
                Address::Count(Collection::Packages),
            ),
            (
                &["/Search()", "/Search", "//Search()", "/search%28%29/"],
                Address::List(Collection::Search),
            ),
            (
                &["/Search()/$count", "/Search/%24Count"],
                Address::Count(Collection::Search),
            ),
            (
                &[
                    "/FindPackagesById()",
                    "/FindPackagesById",
                    "/FindPackagesById()/",
                    "/findpackagebyid()",
                ],
                Address::List(by_id(None)),
            ),
            (
                &[
                    "/FindPackagesById(id='git')",
                    "/FindPackagesById(Id=%27git%27)",
                    "/FindPackagesById%28id%3D%27git%27%29",
                    "/FindPackagesById( id = git )",
                ],
                Address::List(by_id(Some("git"))),
            ),
            (
                &["/FindPackagesById(id='it''s')/$count"],
                Address::Count(by_id(Some("it's"))),
            ),
        ]);
    }

    #[test]
    fn every_spelling_of_a_package_is_read() {
        assert_spellings(&[
            (
                &[
                    "/Packages(Id='git',Version='2.40.0')",
                    "/Packages(Version='2.40.0',Id='git')",
                    "/packages(id='git', version='2.40.0')/",
                    "/Packages(Id=%27git%27,Version=%272.40.0%27)",
                    "/Packages%28Id%3d%27git%27%2c%20Version%3D%272.40.0%27%29",
                    "/Packages(Id=git,Version=2.40.0)",
                    "/Packages(Id='git',Version='2.40')",
                ],
                Address::Package(git("2.40")),
            ),
            (
                &[
                    "/Packages(Id='git',Version='1.0.0-beta1%2Bmeta')",
                    "/Packages(Id='git',Version='1.0.0-beta1+meta')",
                ],
                Address::Package(git("1.0-beta1")),
            ),
            (
                &[
                    "/Packages(Id='git',Version='1.0')/Download",
                    "/Packages(Id='git',Version='1.0')/%24value",
                ],
                Address::PackageDownload(git("1.0")),
            ),
            (
                &[
                    "/Packages(Id='git',Version='1.0')/Title",
                    "//packages(Version=%271.0%27,Id=%27git%27)//Title/",
                ],
                Address::Property(git("1.0"), "Title".to_owned()),
            ),
            (
                &[
                    "/Packages(Id='git',Version='1.0')/title/$value",
                    "/Packages(Id='git',Version='1.0')/title/%24VALUE/",
                ],
                Address::PropertyValue(git("1.0"), "title".to_owned()),
            ),
            (&["/package-ids", "/Package-Ids/"], Address::PackageIds),
            (
                &["/package-versions/git", "//package-versions/git/"],
                Address::PackageVersions("git".parse().unwrap()),
            ),
            (
                &["/package", "package/", "/api/v2/package/", "/PACKAGE"],
                Address::PackageRoot,
            ),
            (
                &["/package/git", "/package/git/"],
                Address::LatestFile("git".parse().unwrap()),
            ),
            (
                &["/package/git/1.0", "/package//git/1.0.0/", "/Package/GIT/%31.0"],
                Address::File(git("1.0")),
            ),
            (&["/git/1.0", "/GIT/1.0.0.0"], Address::BareFile(git("1.0"))),
            (
                &["/GetUpdates()", "/GetUpdates", "//getupdates%28%29/"],
                Address::List(Collection::GetUpdates),
            ),
            (
                &["/getupdates()/$count", "/GetUpdates/%24count"],
                Address::Count(Collection::GetUpdates),
            ),
            (&["/$batch", "/%24batch"], Address::Batch),
            (
                &[
                    "/nonsense",
                    "/$metadata/x",
                    "/Packages()/x",
                    "/Packages(Id='git',Version='1.0')/$links/x",
                    "/Packages(Id='git',Version='1.0')/$links",
                    "/Packages(Id='git',Version='1.0')/$count",
                    "/Packages(Id='git',Version='1.0')/Title/x",
                    "/Packages(Id='git',Version='1.0')/Title/$value/x",
                    "/package-ids/x",
                    "/package-versions",
                    "/package-versions/git/1.0",
                    "/package/a/1.0/x",
                    "/git/latest",
                    "/a/b/c",
                    "/GetUpdates()/x",
                ],
                Address::Unknown,
            ),
        ]);
    }

    #[test]
    fn slashes_and_quotes_inside_of_a_key_stay_there() {
        for path in [
            "/FindPackagesById(id='a%2Fb')",
            "/FindPackagesById(id='a/b')",
            "/FindPackagesById(id=%27a%2fb%27)",
            "/FindPackagesById%28id=%27a/b%27%29",
        ] {
            let id = Some("a/b".to_owned());
            assert_eq!(
                parse(path),
                Ok(Address::List(Collection::FindPackagesById(id))),
                "{path}"
            );
        }
        let id = Some("a,b=')".to_owned());
        assert_eq!(
            parse("/FindPackagesById(id='a,b='')')"),
            Ok(Address::List(Collection::FindPackagesById(id)))
        );
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for path in [
            "/Packages(Id='git')",
            "/Packages(Version='1.0')",
            "/Packages('git')",
            "/Packages(Id='git',Version='1.0'",
            "/Packages(Id='git',Version='1.0)",
            "/Packages(Id='git'Version='1.0')",
            "/Packages(Id='git',Version='1.0',Hash='x')",
            "/Packages(Id='git',Version='x')",
            "/Packages(Id='../git',Version='1.0')",
            "/Packages(Id='..%2Fgit',Version='1.0')",
            "/package/..%2F..%2Fetc",
            "/package/git/latest",
            "/package/%FF",
            "/Search(searchTerm='x')",
        ] {
            assert!(parse(path).is_err(), "{path}: {:?}", parse(path));
        }
        assert_eq!(parse(&"x".repeat(MAX_PATH_BYTES + 1)), Err(AddressError::TooLong));
        // What to write instead is not what a key would need.
        for path in [
            "Search(searchTerm='x')",
            "GetUpdates(packageIds='x')",
            "FindPackagesById('git')",
            "FindPackagesById(name='git')",
        ] {
            assert_eq!(parse(path), Err(AddressError::Parameters(path.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn never_panics(path in "\\PC{0,60}") {
            let _ = parse(&path);
        }

        #[test]
        fn never_panics_on_parts(parts in proptest::collection::vec(prop_oneof![
            Just("/"), Just("("), Just(")"), Just("'"), Just("%27"), Just("%28"), Just("%"), Just("Packages"), Just("Id="),
            Just("Version="), Just(","), Just("git"), Just("1.0"), Just("package"), Just("%2F"), Just("ü"), Just("=")], 0..16)) {
            let _ = parse(&parts.concat());
        }

        #[test]
        fn a_key_survives_encoding(id in "[a-z]{1,6}([.-][a-z0-9]{1,3})?", version in "[0-9]{1,3}\\.[0-9](-[a-z]{1,4})?") {
            let key = key(&id, &version).unwrap();
            let plain = format!("Packages(Id='{id}',Version='{version}')");
            let encoded = percent_encoding::utf8_percent_encode(&plain, percent_encoding::NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(parse(&plain), Ok(Address::Package(key.clone())));
            prop_assert_eq!(parse(&encoded), Ok(Address::Package(key)));
        }
    }
}
