//! What a framework can use of other frameworks, one step at a time (NuGet.Client,
//! `DefaultFrameworkMappings.CompatibilityMappings` and `SubSetFrameworks`).

use super::identifier::Identifier;
use super::name::{Plain, Version};

/// From a version of a framework on: the highest .NET Standard that it implements.
const STANDARD: &[(Identifier, Version, Version)] = &[
    (Identifier::DnxCore, [0; 4], [1, 5, 0, 0]),
    (Identifier::MonoAndroid, [0; 4], [2, 1, 0, 0]),
    (Identifier::MonoMac, [0; 4], [2, 1, 0, 0]),
    (Identifier::MonoTouch, [0; 4], [2, 1, 0, 0]),
    (Identifier::Net, [4, 5, 0, 0], [1, 1, 0, 0]),
    (Identifier::Net, [4, 5, 1, 0], [1, 2, 0, 0]),
    (Identifier::Net, [4, 6, 0, 0], [1, 3, 0, 0]),
    (Identifier::Net, [4, 6, 1, 0], [2, 0, 0, 0]),
    (Identifier::NetCore, [4, 5, 0, 0], [1, 1, 0, 0]),
    (Identifier::NetCore, [4, 5, 1, 0], [1, 2, 0, 0]),
    (Identifier::NetCore, [5, 0, 0, 0], [1, 4, 0, 0]),
    (Identifier::NetCoreApp, [1, 0, 0, 0], [1, 6, 0, 0]),
    (Identifier::NetCoreApp, [1, 1, 0, 0], [1, 7, 0, 0]),
    (Identifier::NetCoreApp, [2, 0, 0, 0], [2, 0, 0, 0]),
    (Identifier::NetCoreApp, [3, 0, 0, 0], [2, 1, 0, 0]),
    (Identifier::Tizen, [3, 0, 0, 0], [1, 6, 0, 0]),
    (Identifier::Tizen, [4, 0, 0, 0], [2, 0, 0, 0]),
    (Identifier::Tizen, [6, 0, 0, 0], [2, 1, 0, 0]),
    (Identifier::Uap, [0; 4], [1, 4, 0, 0]),
    (Identifier::Uap, [10, 0, 15064, 0], [2, 0, 0, 0]),
    (Identifier::WindowsPhone, [8, 0, 0, 0], [1, 0, 0, 0]),
    (Identifier::WindowsPhoneApp, [8, 1, 0, 0], [1, 2, 0, 0]),
    (Identifier::XamarinIos, [0; 4], [2, 1, 0, 0]),
    (Identifier::XamarinMac, [0; 4], [2, 1, 0, 0]),
    (Identifier::XamarinPlayStation3, [0; 4], [2, 0, 0, 0]),
    (Identifier::XamarinPlayStation4, [0; 4], [2, 0, 0, 0]),
    (Identifier::XamarinPlayStationVita, [0; 4], [2, 0, 0, 0]),
    (Identifier::XamarinTvos, [0; 4], [2, 1, 0, 0]),
    (Identifier::XamarinWatchos, [0; 4], [2, 1, 0, 0]),
    (Identifier::XamarinXbox360, [0; 4], [2, 0, 0, 0]),
    (Identifier::XamarinXboxOne, [0; 4], [2, 0, 0, 0]),
];

/// From a version of a framework on: the highest generation of the .NET Platform, which came before .NET Standard.
const GENERATION: &[(Identifier, Version, Version)] = &[
    (Identifier::DnxCore, [0; 4], [5, 6, 0, 0]),
    (Identifier::MonoAndroid, [0; 4], [5, 6, 0, 0]),
    (Identifier::MonoMac, [0; 4], [5, 6, 0, 0]),
    (Identifier::MonoTouch, [0; 4], [5, 6, 0, 0]),
    (Identifier::Net, [4, 5, 0, 0], [5, 2, 0, 0]),
    (Identifier::Net, [4, 5, 1, 0], [5, 3, 0, 0]),
    (Identifier::Net, [4, 6, 0, 0], [5, 4, 0, 0]),
    (Identifier::Net, [4, 6, 1, 0], [5, 5, 0, 0]),
    (Identifier::Net, [4, 6, 2, 0], [5, 6, 0, 0]),
    (Identifier::NetCore, [4, 5, 0, 0], [5, 2, 0, 0]),
    (Identifier::NetCore, [4, 5, 1, 0], [5, 3, 0, 0]),
    (Identifier::NetCore, [5, 0, 0, 0], [5, 5, 0, 0]),
    (Identifier::Uap, [0; 4], [5, 5, 0, 0]),
    (Identifier::WindowsPhone, [8, 0, 0, 0], [5, 1, 0, 0]),
    (Identifier::WindowsPhoneApp, [8, 1, 0, 0], [5, 3, 0, 0]),
    (Identifier::XamarinIos, [0; 4], [5, 6, 0, 0]),
    (Identifier::XamarinMac, [0; 4], [5, 6, 0, 0]),
    (Identifier::XamarinPlayStation3, [0; 4], [5, 6, 0, 0]),
    (Identifier::XamarinPlayStation4, [0; 4], [5, 6, 0, 0]),
    (Identifier::XamarinPlayStationVita, [0; 4], [5, 6, 0, 0]),
    (Identifier::XamarinTvos, [0; 4], [5, 6, 0, 0]),
    (Identifier::XamarinWatchos, [0; 4], [5, 6, 0, 0]),
    (Identifier::XamarinXbox360, [0; 4], [5, 6, 0, 0]),
    (Identifier::XamarinXboxOne, [0; 4], [5, 6, 0, 0]),
];

/// From a version of a framework on: another framework, and its highest version, that it takes.
const OTHER: &[(Identifier, Version, Identifier, Version)] = &[
    (Identifier::Uap, [0; 4], Identifier::Windows, [8, 1, 0, 0]),
    (Identifier::Uap, [0; 4], Identifier::WindowsPhoneApp, [8, 1, 0, 0]),
    (Identifier::Uap, [0; 4], Identifier::NetCore, [5, 0, 0, 0]),
    (Identifier::Windows, [0; 4], Identifier::WinRt, [4, 5, 0, 0]),
];

/// A framework and the one that is a part of it in each version.
const PARTS: &[(Identifier, Identifier)] = &[
    (Identifier::Dnx, Identifier::Net),
    (Identifier::DnxCore, Identifier::NetPlatform),
    (Identifier::NetStandardApp, Identifier::NetStandard),
];

/// Returns the frameworks that a framework takes beside itself and its other names. One with a profile takes none.
pub(super) fn supported(by: Plain<'_>) -> impl Iterator<Item = Plain<'static>> {
    let is_from = move |identifier: Identifier, version: Version| {
        by.identifier == identifier && by.version >= version && by.profile.is_empty()
    };
    let table = move |of: &'static [(Identifier, Version, Version)], identifier| {
        of.iter()
            .filter(move |(supporting, from, _)| is_from(*supporting, *from))
            .map(move |(.., version)| plain(identifier, *version))
    };
    let others = OTHER
        .iter()
        .filter(move |(supporting, from, ..)| is_from(*supporting, *from))
        .map(|(.., identifier, version)| plain(*identifier, *version));
    let parts = PARTS
        .iter()
        .filter(move |(whole, _)| is_from(*whole, [0; 4]))
        .map(move |(_, part)| plain(*part, by.version));
    table(STANDARD, Identifier::NetStandard)
        .chain(table(GENERATION, Identifier::NetPlatform))
        .chain(others)
        .chain(parts)
}

fn plain(identifier: Identifier, version: Version) -> Plain<'static> {
    Plain {
        identifier,
        version,
        profile: "",
    }
}
