//! Target frameworks: their names, which can use which, and which of them a package is made for (NuGet.Client,
//! NuGet.Frameworks).
//!
//! What is no known framework is made for all: an update must not stay hidden because of a name that is not understood.

mod declared;
mod equivalence;
mod identifier;
mod name;
mod portable;
mod support;
mod target;

pub use declared::{ANY, Declared, Targets};
pub use name::Framework;
pub use target::Target;

use identifier::Identifier;
use name::{Parts, parse_version};

/// Returns the short folder name of a framework in any of its spellings; a text that is none comes back in lower case.
///
/// ```
/// use larder::nuget::framework::short_name;
/// assert_eq!(short_name(".NETFramework4.5"), "net45");
/// assert_eq!(short_name(".NETStandard,Version=v2.0"), "netstandard2.0");
/// assert_eq!(short_name("Something Else"), "something else");
/// ```
#[must_use]
pub fn short_name(framework: &str) -> String {
    let text = framework.trim().to_lowercase();
    shorten(&text).unwrap_or(text)
}

fn shorten(text: &str) -> Option<String> {
    let Parts {
        identifier,
        version,
        profile,
    } = Parts::split(text);
    let short = Identifier::parse(identifier)?.short();
    let numbers = parse_version(version)?;
    let [major, ..] = numbers;
    // .NET 5 and later are `net` again (NuGet.Client, `NuGetFramework.IsNet5Era`).
    let is_net5_era = matches!(short, "net" | "netcoreapp") && major >= 5;
    let short = if is_net5_era { "net" } else { short };
    let profile = match (short, profile) {
        ("net", "full") => "",
        ("net", "compactframework") => "cf",
        ("sl", "windowsphone") => "wp",
        ("sl", "windowsphone71") => "wp71",
        (_, other) => other,
    };
    let version = match (short, numbers) {
        // The members of a portable profile are its name; the version says nothing.
        ("portable", _) | ("dotnet", [5, 0, 0, 0]) => String::new(),
        _ => version_text(short, numbers, is_net5_era),
    };
    let dash = if profile.is_empty() { "" } else { "-" };
    Some(format!("{short}{version}{dash}{profile}"))
}

fn version_text(short: &str, numbers: [u32; 4], is_net5_era: bool) -> String {
    if numbers == [0; 4] {
        return String::new();
    }
    let is_dotted = is_net5_era
        || matches!(short, "netcoreapp" | "netstandard" | "netstandardapp" | "dotnet")
        || numbers.iter().any(|number| *number > 9);
    let fewest = if matches!(short, "win" | "wp" | "sl") && !is_dotted {
        1
    } else {
        2
    };
    let used = numbers
        .iter()
        .rposition(|number| *number > 0)
        .map_or(0, |last| last + 1);
    let parts: Vec<String> = numbers.iter().take(used.max(fewest)).map(u32::to_string).collect();
    parts.join(if is_dotted { "." } else { "" })
}

#[cfg(test)]
mod tests;
