//! `[upstream.limits]`: how often and how much at once an upstream is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::DeValue;

use crate::config::document::Section;
use crate::config::error::ConfigError;
use crate::config::value::{Value, quoted, text};

pub(in crate::config) const KEYS: &[&str] = &[
    "preset",
    "requests_per_minute",
    "downloads_per_minute",
    "packages",
    "concurrency",
    "longest_wait",
];

/// The most requests in a minute that can be set.
const MOST_PER_MINUTE: u32 = 1_000_000;

/// How often and how much at once an upstream is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamLimits {
    /// Requests in any one minute, 0 for any number.
    pub requests_per_minute: u32,
    /// Downloads of packages in any one minute, without those below; 0 for any number.
    pub downloads_per_minute: u32,
    /// Downloads in any one minute of packages that have a limit of their own, by their ids in lower case; 0 for any number.
    pub packages: BTreeMap<String, u32>,
    /// Requests at once: 1 to 1000.
    pub concurrency: u32,
    /// The longest that a client is kept waiting for its turn.
    pub longest_wait: Duration,
}

impl UpstreamLimits {
    /// Reads the keys; those that are left out are as in the preset, and that is by the upstream's host.
    pub(super) fn read(section: &mut Section<'_>, host: Option<&str>) -> Result<Self, ConfigError> {
        let preset = section.read("preset", Preset::of(host))?;
        let default = preset.limits();
        let per_minute = |number: &u32| {
            (*number > MOST_PER_MINUTE).then(|| format!("must be from 0 to {MOST_PER_MINUTE}, not {number}"))
        };
        let at_once =
            |number: &u32| (!(1..=1000).contains(number)).then(|| format!("must be from 1 to 1000, not {number}"));
        let long = |wait: &Duration| {
            (*wait > Duration::from_secs(30)).then(|| "must be 30s or less: few clients wait longer".to_owned())
        };
        Ok(Self {
            requests_per_minute: section.read_if("requests_per_minute", default.requests_per_minute, per_minute)?,
            downloads_per_minute: section.read_if("downloads_per_minute", default.downloads_per_minute, per_minute)?,
            packages: section.read("packages", Packages(default.packages))?.0,
            concurrency: section.read_if("concurrency", default.concurrency, at_once)?,
            longest_wait: section.read_if("longest_wait", default.longest_wait, long)?,
        })
    }
}

/// The limits that a gallery has made known, with some room below them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preset {
    None,
    Community,
    NuGetOrg,
}

impl Preset {
    /// Returns the preset of who answers at a host.
    fn of(host: Option<&str>) -> Self {
        let host = host.unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        match host.as_str() {
            "community.chocolatey.org" | "packages.chocolatey.org" | "www.chocolatey.org" | "chocolatey.org" => {
                Self::Community
            }
            "nuget.org" => Self::NuGetOrg,
            other if other.ends_with(".nuget.org") => Self::NuGetOrg,
            _ => Self::None,
        }
    }

    fn limits(self) -> UpstreamLimits {
        let none = UpstreamLimits {
            requests_per_minute: 0,
            downloads_per_minute: 0,
            packages: BTreeMap::new(),
            concurrency: 8,
            longest_wait: Duration::from_secs(20),
        };
        match self {
            Self::None => none,
            // https://docs.chocolatey.org/en-us/community-repository/community-packages-disclaimer names 5 downloads
            // of chocolatey and 20 of other packages a minute. Who exceeds them is barred for an hour. Of other requests it
            // names no number.
            Self::Community => UpstreamLimits {
                requests_per_minute: 600,
                downloads_per_minute: 18,
                packages: [("chocolatey".to_owned(), 4)].into(),
                ..none
            },
            // https://learn.microsoft.com/en-us/nuget/api/rate-limits names 3000 searches a minute and more of all else.
            Self::NuGetOrg => UpstreamLimits {
                requests_per_minute: 2_700,
                ..none
            },
        }
    }
}

impl Value for Preset {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match text(value)? {
            "none" => Ok(Self::None),
            "community" => Ok(Self::Community),
            "nuget.org" => Ok(Self::NuGetOrg),
            other => Err(format!(
                "must be \"none\", \"community\" or \"nuget.org\", not {other:?}"
            )),
        }
    }

    fn show(&self) -> String {
        quoted(match self {
            Self::None => "none",
            Self::Community => "community",
            Self::NuGetOrg => "nuget.org",
        })
    }
}

/// Numbers by the ids of packages, in lower case.
struct Packages(BTreeMap<String, u32>);

impl Value for Packages {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let table = value
            .as_table()
            .ok_or("must be ids with their downloads a minute: { chocolatey = 4 }")?;
        let mut packages = BTreeMap::new();
        for (id, value) in table {
            let id = id.get_ref();
            let is_id =
                !id.is_empty() && id.len() <= 100 && id.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
            if !is_id {
                return Err(format!("has {id:?}, which is no package id"));
            }
            let number = u32::read(value.get_ref()).map_err(|problem| format!("has {id}, whose number {problem}"))?;
            if number > MOST_PER_MINUTE {
                return Err(format!("has {id}, whose number must be from 0 to {MOST_PER_MINUTE}"));
            }
            if packages.insert(id.to_lowercase(), number).is_some() {
                return Err(format!("has {id} twice"));
            }
        }
        Ok(Self(packages))
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "{}".to_owned();
        }
        let shown: Vec<String> = self
            .0
            .iter()
            .map(|(id, number)| format!("{} = {number}", quoted(id)))
            .collect();
        format!("{{ {} }}", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gallery_is_known_by_its_host() {
        for (host, preset) in [
            ("community.chocolatey.org", Preset::Community),
            ("Community.Chocolatey.org.", Preset::Community),
            ("www.nuget.org", Preset::NuGetOrg),
            ("nuget.org", Preset::NuGetOrg),
            ("notnuget.org", Preset::None),
            ("community.chocolatey.org.example.com", Preset::None),
            ("127.0.0.1", Preset::None),
        ] {
            assert_eq!(Preset::of(Some(host)), preset, "{host}");
        }
        assert_eq!(Preset::of(None), Preset::None);
    }

    #[test]
    fn presets_keep_below_what_is_published() {
        let community = Preset::Community.limits();
        assert!(community.downloads_per_minute < 20 && community.packages["chocolatey"] < 5);
        assert!(Preset::NuGetOrg.limits().requests_per_minute < 3000);
        assert_eq!(Preset::None.limits().requests_per_minute, 0);
    }
}
