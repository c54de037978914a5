//! Target frameworks by their short folder names (NuGet.Client, `DefaultFrameworkMappings` and `FrameworkNameProvider`).
//!
//! Knows names alone: not which framework can use which.

/// Long identifiers and the short ones that folders and feeds use, both without case.
const SHORT_NAMES: &[(&str, &str)] = &[
    (".netframework", "net"),
    ("netframework", "net"),
    (".net", "net"),
    (".netcoreapp", "netcoreapp"),
    (".netstandard", "netstandard"),
    (".netstandardapp", "netstandardapp"),
    (".netplatform", "dotnet"),
    (".netmicroframework", "netmf"),
    (".netcore", "netcore"),
    (".netportable", "portable"),
    ("netportable", "portable"),
    ("asp.net", "aspnet"),
    ("asp.netcore", "aspnetcore"),
    ("aspnet", "aspnet"),
    ("aspnetcore", "aspnetcore"),
    ("dnx", "dnx"),
    ("dnxcore", "dnxcore"),
    ("dotnet", "dotnet"),
    ("monoandroid", "monoandroid"),
    ("monomac", "monomac"),
    ("monotouch", "monotouch"),
    ("native", "native"),
    ("net", "net"),
    ("netcore", "netcore"),
    ("netcoreapp", "netcoreapp"),
    ("netmf", "netmf"),
    ("netstandard", "netstandard"),
    ("netstandardapp", "netstandardapp"),
    ("portable", "portable"),
    ("silverlight", "sl"),
    ("sl", "sl"),
    ("tizen", "tizen"),
    ("uap", "uap"),
    ("win", "win"),
    ("windows", "win"),
    ("windowsphone", "wp"),
    ("windowsphoneapp", "wpa"),
    ("winrt", "winrt"),
    ("wp", "wp"),
    ("wpa", "wpa"),
    ("xamarin.ios", "xamarinios"),
    ("xamarin.mac", "xamarinmac"),
    ("xamarin.tvos", "xamarintvos"),
    ("xamarin.watchos", "xamarinwatchos"),
    ("xamarinios", "xamarinios"),
    ("xamarinmac", "xamarinmac"),
    ("xamarintvos", "xamarintvos"),
    ("xamarinwatchos", "xamarinwatchos"),
];

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
    let (identifier, version, profile) = split(text);
    let (_, short) = SHORT_NAMES.iter().find(|(long, _)| *long == identifier)?;
    let numbers = parse_version(version)?;
    let [major, ..] = numbers;
    // .NET 5 and later are `net` again (NuGet.Client, `NuGetFramework.IsNet5Era`).
    let is_net5_era = matches!(*short, "net" | "netcoreapp") && major >= 5;
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

/// Splits `name,version=v1,profile=p` or `name1-p` into name, version and profile; absent parts are empty.
fn split(text: &str) -> (&str, &str, &str) {
    if let Some((identifier, rest)) = text.split_once(',') {
        let value = |key: &str| {
            rest.split(',')
                .find_map(|part| part.trim().strip_prefix(key)?.trim_start().strip_prefix('='))
                .map_or("", str::trim)
        };
        return (
            identifier.trim(),
            value("version").trim_start_matches('v'),
            value("profile"),
        );
    }
    let (name, profile) = text.split_once('-').unwrap_or((text, ""));
    let digits = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    let (identifier, version) = name.split_at(digits);
    (identifier, version, profile)
}

/// Parses `4.5.1` or `451`; an absent version is 0.0.
fn parse_version(text: &str) -> Option<[u32; 4]> {
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shortens_as_nuget_does() {
        for (framework, short) in [
            (".NETFramework4.5", "net45"),
            (".NETFramework4.7.2", "net472"),
            (".NETFramework4.0", "net40"),
            (".NETFramework2.0", "net20"),
            (".NETFramework4.0-Client", "net40-client"),
            (".NETFramework,Version=v4.0,Profile=Client", "net40-client"),
            (".NETFramework, Version=v3.5", "net35"),
            (".NETFramework,Version=v3.5,Profile=CompactFramework", "net35-cf"),
            (".NETStandard2.0", "netstandard2.0"),
            (".NETStandard1.3", "netstandard1.3"),
            (".NETCoreApp3.1", "netcoreapp3.1"),
            (".NETCoreApp,Version=v5.0", "net5.0"),
            ("net6.0", "net6.0"),
            ("net6.0-windows7.0", "net6.0-windows7.0"),
            ("net10.0", "net10.0"),
            ("net45", "net45"),
            ("NET4.5", "net45"),
            ("netstandard20", "netstandard2.0"),
            (".NETPlatform5.0", "dotnet"),
            (".NETPlatform5.4", "dotnet5.4"),
            ("Silverlight4.0", "sl4"),
            ("Silverlight,Version=v4.0,Profile=WindowsPhone71", "sl4-wp71"),
            ("WindowsPhone8.0", "wp8"),
            ("WindowsPhoneApp8.1", "wpa81"),
            ("Windows8.0", "win8"),
            ("Windows8.1", "win81"),
            ("win10.0", "win10.0"),
            ("UAP10.0", "uap10.0"),
            ("MonoAndroid1.0", "monoandroid10"),
            ("MonoAndroid9.0", "monoandroid90"),
            ("Xamarin.iOS1.0", "xamarinios10"),
            ("DNX4.5.1", "dnx451"),
            ("ASP.NETCore5.0", "aspnetcore50"),
            ("Tizen4.0", "tizen40"),
            ("native0.0", "native"),
            ("native", "native"),
            ("portable-net45+win8", "portable-net45+win8"),
            (".NETPortable0.0-Profile259", "portable-profile259"),
            (".NETPortable,Version=v4.5,Profile=Profile7", "portable-profile7"),
            (" Any ", "any"),
            ("", ""),
            ("net4.x", "net4.x"),
            ("Unknown1.0", "unknown1.0"),
        ] {
            assert_eq!(short_name(framework), short, "{framework}");
            assert_eq!(short_name(short), short, "{short} is not its own short name");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,30}|\\.?[a-zA-Z]{1,12}[0-9.]{0,12}(-[a-z0-9]{0,5})?") {
            let _ = short_name(&text);
        }
    }
}
