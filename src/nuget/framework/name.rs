//! Framework names: folders (`net45`, `portable-net45+win8`) and monikers (`.NETFramework,Version=v4.5`), read as
//! NuGet.Client's `NuGetFramework.Parse` does.

use percent_encoding::percent_decode_str;

use super::identifier::Identifier;
use super::portable::Portable;
use crate::limits::MAX_FRAMEWORK_BYTES;

/// The four numbers of a framework's version; absent ones are 0.
pub(super) type Version = [u32; 4];

/// A target framework.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Framework {
    identifier: Identifier,
    version: Version,
    detail: Detail,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Detail {
    None,
    /// Of frameworks before .NET 5, in lower case, in its long form.
    Profile(Box<str>),
    /// Of .NET 5 and later: `windows`, and its version.
    Platform(Box<str>, Version),
    Portable(Portable),
}

/// A framework without platform and members, which tables can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Plain<'a> {
    pub(super) identifier: Identifier,
    pub(super) version: Version,
    /// In lower case; empty for none.
    pub(super) profile: &'a str,
}

impl Framework {
    /// Parses a folder's name or a moniker. `None` for what stands for all frameworks (`any`, `agnostic`), and for what is
    /// no framework that NuGet knows.
    ///
    /// ```
    /// use larder::nuget::framework::Framework;
    /// assert_eq!(Framework::parse("net45"), Framework::parse(".NETFramework,Version=v4.5"));
    /// assert_eq!(Framework::parse("any"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_FRAMEWORK_BYTES {
            return None;
        }
        let text = percent_decode_str(text.trim()).decode_utf8().ok()?.to_ascii_lowercase();
        let is_moniker = text.contains(',');
        let is_folder = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-'));
        // A `|` separates names wherever they are listed.
        if text.contains('|') || !(is_moniker || is_folder) {
            return None;
        }
        let Parts {
            identifier,
            version,
            profile,
        } = Parts::split(&text);
        let Some(identifier) = Identifier::parse(identifier) else {
            return bare_number(&text);
        };
        let version = parse_version(version)?;
        let is_net5 = identifier == Identifier::Net && version >= [5, 0, 0, 0] && !is_moniker;
        let identifier = if is_net5 { Identifier::NetCoreApp } else { identifier };
        let detail = match (identifier, profile) {
            (Identifier::Portable, members) => Detail::Portable(parse_portable(members)?),
            (_, "") => Detail::None,
            (Identifier::NetCoreApp, platform) if version >= [5, 0, 0, 0] => parse_platform(platform)?,
            (_, profile) => parse_profile(profile),
        };
        Some(Self {
            identifier,
            version,
            detail,
        })
    }

    pub(super) fn bare(identifier: Identifier, version: Version) -> Self {
        Self {
            identifier,
            version,
            detail: Detail::None,
        }
    }

    pub(super) fn plain(&self) -> Plain<'_> {
        Plain {
            identifier: self.identifier,
            version: self.version,
            profile: match &self.detail {
                Detail::Profile(profile) => profile,
                Detail::None | Detail::Platform(..) | Detail::Portable(_) => "",
            },
        }
    }

    pub(super) fn platform(&self) -> Option<(&str, Version)> {
        match &self.detail {
            Detail::Platform(name, version) => Some((name, *version)),
            Detail::None | Detail::Profile(_) | Detail::Portable(_) => None,
        }
    }

    pub(super) fn portable(&self) -> Option<&Portable> {
        match &self.detail {
            Detail::Portable(portable) => Some(portable),
            Detail::None | Detail::Profile(_) | Detail::Platform(..) => None,
        }
    }
}

/// A name in its three parts, of which the later two may be empty.
pub(super) struct Parts<'a> {
    pub(super) identifier: &'a str,
    pub(super) version: &'a str,
    /// A profile, a platform, or the members of a portable framework.
    pub(super) profile: &'a str,
}

impl<'a> Parts<'a> {
    /// Splits `name,version=v1,profile=p` or `name1-p`, in lower case.
    pub(super) fn split(text: &'a str) -> Self {
        if let Some((identifier, rest)) = text.split_once(',') {
            let value = |key: &str| {
                rest.split(',')
                    .find_map(|part| part.trim().strip_prefix(key)?.trim_start().strip_prefix('='))
                    .map_or("", str::trim)
            };
            return Self {
                identifier: identifier.trim(),
                version: value("version").trim_start_matches('v'),
                profile: value("profile"),
            };
        }
        let (name, profile) = text.split_once('-').unwrap_or((text, ""));
        let digits = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
        let (identifier, version) = name.split_at(digits);
        Self {
            identifier,
            version,
            profile,
        }
    }
}

/// Parses `4.5.1` or `451`; an absent version is 0.0.
pub(super) fn parse_version(text: &str) -> Option<Version> {
    let mut numbers = [0; 4];
    let is_dotted = text.contains('.');
    let parts: Vec<&str> = if is_dotted {
        text.split('.').collect()
    } else {
        // The text is known to be digits only when each of these parses.
        text.split("").filter(|digit| !digit.is_empty()).take(4).collect()
    };
    if parts.len() > 4 {
        return None;
    }
    for (slot, part) in numbers.iter_mut().zip(parts) {
        *slot = part.parse().ok()?;
    }
    Some(numbers)
}

/// Folders of the first years had no name before the version.
fn bare_number(text: &str) -> Option<Framework> {
    let version = match text {
        "45" | "4.5" => [4, 5, 0, 0],
        "40" | "4.0" | "4" => [4, 0, 0, 0],
        "35" | "3.5" => [3, 5, 0, 0],
        "20" | "2" | "2.0" => [2, 0, 0, 0],
        _ => return None,
    };
    Some(Framework::bare(Identifier::Net, version))
}

fn parse_profile(profile: &str) -> Detail {
    let long = match profile {
        "full" => return Detail::None,
        "cf" => "compactframework",
        "wp" => "windowsphone",
        "wp71" => "windowsphone71",
        other => other,
    };
    Detail::Profile(long.into())
}

/// Parses `windows10.0.19041` or `android`.
fn parse_platform(text: &str) -> Option<Detail> {
    let start = text
        .find(|c: char| !(c.is_ascii_alphabetic() || c == '.'))
        .unwrap_or(text.len());
    let (name, version) = text.split_at(start);
    let version = match version {
        "" => [0; 4],
        // One number is the first of its version here, not a row of digits.
        whole if !whole.contains('.') => [whole.parse().ok()?, 0, 0, 0],
        dotted => parse_version(dotted)?,
    };
    (!name.is_empty()).then(|| Detail::Platform(name.into(), version))
}

/// Parses `profile78`, or `net45+win8`, whose members may have no profiles.
fn parse_portable(text: &str) -> Option<Portable> {
    if let Some(number) = text.strip_prefix("profile") {
        return Portable::numbered(number.parse().ok()?);
    }
    let mut members = Vec::new();
    for name in text.split('+').filter(|name| !name.is_empty()) {
        let member = Framework::parse(name);
        if member.as_ref().is_some_and(|member| member.detail != Detail::None) {
            return None;
        }
        members.push(member);
    }
    (!members.is_empty()).then(|| Portable::of(members))
}
