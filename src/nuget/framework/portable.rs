//! Portable class libraries: sets of frameworks, by number or by name (NuGet.Client, `DefaultPortableFrameworkMappings` and
//! `FrameworkNameProvider.TryGetPortableProfile`).

use super::equivalence::is_same;
use super::identifier::Identifier;
use super::name::{Framework, Plain, Version};

const NET40: (Identifier, Version) = (Identifier::Net, [4, 0, 0, 0]);
const NET403: (Identifier, Version) = (Identifier::Net, [4, 0, 3, 0]);
const NET45: (Identifier, Version) = (Identifier::Net, [4, 5, 0, 0]);
const NET451: (Identifier, Version) = (Identifier::Net, [4, 5, 1, 0]);
const WIN8: (Identifier, Version) = (Identifier::Windows, [8, 0, 0, 0]);
const WIN81: (Identifier, Version) = (Identifier::Windows, [8, 1, 0, 0]);
const SL4: (Identifier, Version) = (Identifier::Silverlight, [4, 0, 0, 0]);
const SL5: (Identifier, Version) = (Identifier::Silverlight, [5, 0, 0, 0]);
const WP7: (Identifier, Version) = (Identifier::WindowsPhone, [7, 0, 0, 0]);
const WP75: (Identifier, Version) = (Identifier::WindowsPhone, [7, 5, 0, 0]);
const WP8: (Identifier, Version) = (Identifier::WindowsPhone, [8, 0, 0, 0]);
const WP81: (Identifier, Version) = (Identifier::WindowsPhone, [8, 1, 0, 0]);
const WPA81: (Identifier, Version) = (Identifier::WindowsPhoneApp, [8, 1, 0, 0]);

/// A numbered profile and its frameworks.
const PROFILES: &[(u16, &[(Identifier, Version)])] = &[
    (31, &[WIN81, WP81]),
    (32, &[WIN81, WPA81]),
    (44, &[NET451, WIN81]),
    (84, &[WP81, WPA81]),
    (151, &[NET451, WIN81, WPA81]),
    (157, &[WIN81, WP81, WPA81]),
    (7, &[NET45, WIN8]),
    (49, &[NET45, WP8]),
    (78, &[NET45, WIN8, WP8]),
    (111, &[NET45, WIN8, WPA81]),
    (259, &[NET45, WIN8, WPA81, WP8]),
    (2, &[NET40, WIN8, SL4, WP7]),
    (3, &[NET40, SL4]),
    (4, &[NET45, SL4, WIN8, WP7]),
    (5, &[NET40, WIN8]),
    (6, &[NET403, WIN8]),
    (14, &[NET40, SL5]),
    (18, &[NET403, SL4]),
    (19, &[NET403, SL5]),
    (23, &[NET45, SL4]),
    (24, &[NET45, SL5]),
    (36, &[NET40, SL4, WIN8, WP8]),
    (37, &[NET40, SL5, WIN8]),
    (41, &[NET403, SL4, WIN8]),
    (42, &[NET403, SL5, WIN8]),
    (46, &[NET45, SL4, WIN8]),
    (47, &[NET45, SL5, WIN8]),
    (88, &[NET40, SL4, WIN8, WP75]),
    (92, &[NET40, WIN8, WPA81]),
    (95, &[NET403, SL4, WIN8, WP7]),
    (96, &[NET403, SL4, WIN8, WP75]),
    (102, &[NET403, WIN8, WPA81]),
    (104, &[NET45, SL4, WIN8, WP75]),
    (136, &[NET40, SL5, WIN8, WP8]),
    (143, &[NET403, SL4, WIN8, WP8]),
    (147, &[NET403, SL5, WIN8, WP8]),
    (154, &[NET45, SL4, WIN8, WP8]),
    (158, &[NET45, SL5, WIN8, WP8]),
    (225, &[NET40, SL5, WIN8, WPA81]),
    (240, &[NET403, SL5, WIN8, WPA81]),
    (255, &[NET45, SL5, WIN8, WPA81]),
    (328, &[NET40, SL5, WIN8, WPA81, WP8]),
    (336, &[NET403, SL5, WIN8, WPA81, WP8]),
    (344, &[NET45, SL5, WIN8, WPA81, WP8]),
];

/// The profiles whose libraries Mono and Xamarin take too.
const WITH_MONO: &[u16] = &[
    5, 6, 7, 14, 19, 24, 37, 42, 44, 47, 49, 78, 92, 102, 111, 136, 147, 151, 158, 225, 255, 259, 328, 336, 344,
];

const MONO: &[Identifier] = &[
    Identifier::MonoAndroid,
    Identifier::MonoTouch,
    Identifier::XamarinIos,
    Identifier::XamarinMac,
    Identifier::XamarinTvos,
    Identifier::XamarinWatchos,
];

/// The highest .NET Standard that a library for a profile may use.
const STANDARD: &[(u16, Version)] = &[
    (7, [1, 1, 0, 0]),
    (31, [1, 0, 0, 0]),
    (32, [1, 2, 0, 0]),
    (44, [1, 2, 0, 0]),
    (49, [1, 0, 0, 0]),
    (78, [1, 0, 0, 0]),
    (84, [1, 0, 0, 0]),
    (111, [1, 1, 0, 0]),
    (151, [1, 2, 0, 0]),
    (157, [1, 0, 0, 0]),
    (259, [1, 0, 0, 0]),
];

/// A set of frameworks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Portable {
    /// The number, where the set has one.
    profile: Option<u16>,
    members: Box<[Framework]>,
    /// How many further members nobody knows.
    unknown: usize,
}

impl Portable {
    /// Returns the set of a number; `None` where there is no such profile.
    pub(super) fn numbered(number: u16) -> Option<Self> {
        let (_, members) = PROFILES.iter().find(|(profile, _)| *profile == number)?;
        Some(Self {
            profile: Some(number),
            members: members
                .iter()
                .map(|(identifier, version)| Framework::bare(*identifier, *version))
                .collect(),
            unknown: 0,
        })
    }

    /// Returns the set of some frameworks, of which `None` is not known. It is a numbered one where its members say so.
    pub(super) fn of(names: Vec<Option<Framework>>) -> Self {
        let count = names.len();
        let members: Box<[Framework]> = names.into_iter().flatten().collect();
        let unknown = count - members.len();
        let number = if unknown == 0 { number_of(&members) } else { None };
        number.and_then(Self::numbered).unwrap_or(Self {
            profile: None,
            members,
            unknown,
        })
    }

    /// Returns the frameworks that all must be there.
    pub(super) fn members(&self) -> &[Framework] {
        &self.members
    }

    /// Returns whether some member is not known.
    pub(super) fn has_unknown(&self) -> bool {
        self.unknown > 0
    }

    /// Returns all frameworks that take a library of this set.
    pub(super) fn takers(&self) -> Vec<Framework> {
        let mono = if self.profile.is_some_and(|profile| WITH_MONO.contains(&profile)) {
            MONO
        } else {
            &[]
        };
        let optional = mono.iter().map(|identifier| Framework::bare(*identifier, [0; 4]));
        self.members.iter().cloned().chain(optional).collect()
    }

    /// Returns how many members the set has as a taker of other sets and, with the optional ones, as one that is taken.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.members.len() + self.unknown, self.takers().len() + self.unknown)
    }

    /// Returns the highest .NET Standard that a library of this set may use.
    pub(super) fn standard(&self) -> Option<Version> {
        let number = self.profile?;
        STANDARD
            .iter()
            .find(|(profile, _)| *profile == number)
            .map(|(_, version)| *version)
    }
}

/// Finds the profile that some frameworks are, whatever the names they go by, Mono and Xamarin apart where it takes them.
fn number_of(members: &[Framework]) -> Option<u16> {
    let mut distinct: Vec<Plain<'_>> = Vec::new();
    for member in members.iter().map(Framework::plain) {
        if !distinct.iter().any(|known| is_same(*known, member)) {
            distinct.push(member);
        }
    }
    let is_profile = |(number, frameworks): &&(u16, &[(Identifier, Version)])| {
        let takes_mono = WITH_MONO.contains(number);
        let mut needed = distinct
            .iter()
            .filter(|member| !(takes_mono && MONO.contains(&member.identifier)));
        let is_of_it = |member: &&Plain<'_>| {
            frameworks
                .iter()
                .any(|(identifier, version)| is_same(Framework::bare(*identifier, *version).plain(), **member))
        };
        needed.clone().count() == frameworks.len() && needed.all(|member| is_of_it(&member))
    };
    PROFILES.iter().find(is_profile).map(|(number, _)| *number)
}
