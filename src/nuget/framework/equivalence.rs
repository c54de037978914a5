//! Frameworks that are the same by other names (NuGet.Client, `DefaultFrameworkMappings.EquivalentFrameworks` and
//! `EquivalentProfiles`).

use super::identifier::Identifier;
use super::name::Plain;

const fn plain(identifier: Identifier, version: [u32; 4]) -> Plain<'static> {
    Plain {
        identifier,
        version,
        profile: "",
    }
}

const fn phone(version: [u32; 4], profile: &'static str) -> Plain<'static> {
    Plain {
        identifier: Identifier::Silverlight,
        version,
        profile,
    }
}

/// Each line is one framework by all its names. A version of zero is the first one that there was.
const CLASSES: &[&[Plain<'static>]] = &[
    &[plain(Identifier::Uap, [0; 4]), plain(Identifier::Uap, [10, 0, 0, 0])],
    &[
        plain(Identifier::Windows, [0; 4]),
        plain(Identifier::Windows, [8, 0, 0, 0]),
        plain(Identifier::NetCore, [0; 4]),
        plain(Identifier::NetCore, [4, 5, 0, 0]),
        plain(Identifier::WinRt, [0; 4]),
        plain(Identifier::WinRt, [4, 5, 0, 0]),
    ],
    &[
        plain(Identifier::Windows, [8, 1, 0, 0]),
        plain(Identifier::NetCore, [4, 5, 1, 0]),
    ],
    &[
        plain(Identifier::WindowsPhone, [0; 4]),
        plain(Identifier::WindowsPhone, [7, 0, 0, 0]),
        phone([3, 0, 0, 0], "windowsphone"),
    ],
    &[
        plain(Identifier::WindowsPhone, [7, 1, 0, 0]),
        phone([4, 0, 0, 0], "windowsphone71"),
    ],
    &[
        plain(Identifier::WindowsPhone, [8, 0, 0, 0]),
        phone([8, 0, 0, 0], "windowsphone"),
    ],
    &[
        plain(Identifier::WindowsPhone, [8, 1, 0, 0]),
        phone([8, 1, 0, 0], "windowsphone"),
    ],
    &[
        plain(Identifier::WindowsPhoneApp, [0; 4]),
        plain(Identifier::WindowsPhoneApp, [8, 1, 0, 0]),
    ],
    &[plain(Identifier::Tizen, [0; 4]), plain(Identifier::Tizen, [3, 0, 0, 0])],
    &[
        plain(Identifier::Dnx, [0; 4]),
        plain(Identifier::Dnx, [4, 5, 0, 0]),
        plain(Identifier::AspNet, [0; 4]),
        plain(Identifier::AspNet, [5, 0, 0, 0]),
    ],
    &[
        plain(Identifier::DnxCore, [0; 4]),
        plain(Identifier::DnxCore, [5, 0, 0, 0]),
        plain(Identifier::AspNetCore, [0; 4]),
        plain(Identifier::AspNetCore, [5, 0, 0, 0]),
    ],
    &[
        plain(Identifier::NetPlatform, [0; 4]),
        plain(Identifier::NetPlatform, [5, 0, 0, 0]),
    ],
];

/// Profiles of a framework that are as good as each other: for NuGet the client profile is the full framework.
const PROFILES: &[(Identifier, &str, &str)] = &[
    (Identifier::Net, "client", ""),
    (Identifier::Net, "full", ""),
    (Identifier::Silverlight, "windowsphone71", "windowsphone"),
    (Identifier::WindowsPhone, "windowsphone71", "windowsphone"),
];

/// Returns whether two frameworks are one, profiles apart.
pub(super) fn is_same(one: Plain<'_>, two: Plain<'_>) -> bool {
    one == two || class_of(one).is_some_and(|class| class.contains(&two))
}

/// Returns the other names of a framework, with the profiles that are as good.
pub(super) fn equivalents(of: Plain<'_>) -> Vec<Plain<'static>> {
    let mut found: Vec<Plain<'static>> = class_of(of).unwrap_or_default().to_vec();
    let profiles: Vec<Plain<'static>> = found.iter().copied().chain([of]).flat_map(other_profiles).collect();
    found.extend(profiles);
    found.retain(|name| *name != of);
    found
}

/// Returns the other names of all frameworks of the same name and profile up to a version.
pub(super) fn equivalents_up_to(limit: Plain<'_>) -> Vec<Plain<'static>> {
    CLASSES
        .iter()
        .flat_map(|class| class.iter())
        .filter(|name| {
            name.identifier == limit.identifier && name.profile == limit.profile && name.version <= limit.version
        })
        .flat_map(|name| equivalents(*name))
        .collect()
}

fn class_of(framework: Plain<'_>) -> Option<&'static [Plain<'static>]> {
    let is_in = |class: &&&[Plain<'static>]| class.contains(&framework);
    CLASSES.iter().find(is_in).copied()
}

fn other_profiles(of: Plain<'_>) -> impl Iterator<Item = Plain<'static>> {
    PROFILES.iter().filter_map(move |(identifier, one, two)| {
        let profile = match of.profile {
            _ if *identifier != of.identifier => return None,
            profile if profile == *one => two,
            profile if profile == *two => one,
            _ => return None,
        };
        Some(Plain {
            identifier: *identifier,
            version: of.version,
            profile,
        })
    })
}
