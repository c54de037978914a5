use super::*;
use crate::nuget::framework::tests::framework;

fn accepts(project: &str, package: &str) -> bool {
    Target::new(framework(project)).accepts(&framework(package))
}

/// The highest .NET Standard and the highest generation of the .NET Platform that a framework takes; empty for none.
/// The facts are those of NuGet.Client's `CompatibilityTests`.
const STANDARDS: &[(&str, &str, &str)] = &[
    ("net20", "", ""),
    ("net35", "", ""),
    ("net40", "", ""),
    ("net45", "1.1", "5.2"),
    ("net45-client", "1.1", "5.2"),
    ("net451", "1.2", "5.3"),
    ("net452", "1.2", "5.3"),
    ("net46", "1.3", "5.4"),
    ("net461", "2.0", "5.5"),
    ("net462", "2.0", "5.6"),
    ("net463", "2.0", "5.6"),
    ("net472", "2.0", "5.6"),
    ("net48", "2.0", "5.6"),
    ("dnx45", "1.1", "5.2"),
    ("dnx451", "1.2", "5.3"),
    ("dnx46", "1.3", "5.4"),
    ("dnx461", "2.0", "5.5"),
    ("dnx462", "2.0", "5.6"),
    ("dnxcore50", "1.5", "5.6"),
    ("netcoreapp1.0", "1.6", ""),
    ("netcoreapp1.1", "1.7", ""),
    ("netcoreapp2.0", "2.0", ""),
    ("netcoreapp2.1", "2.0", ""),
    ("netcoreapp3.1", "2.1", ""),
    ("netcoreapp9.0", "2.1", ""),
    ("net5.0", "2.1", ""),
    ("net6.0-android31.0", "2.1", ""),
    ("netstandardapp1.4", "1.4", ""),
    ("netstandardapp1.6", "1.6", ""),
    ("uap", "1.4", "5.5"),
    ("uap10.0", "1.4", "5.5"),
    ("uap10.0.15064.0", "2.0", "5.5"),
    ("netcore50", "1.4", "5.5"),
    ("win8", "1.1", "5.2"),
    ("win81", "1.2", "5.3"),
    ("wpa81", "1.2", "5.3"),
    ("wp8", "1.0", "5.1"),
    ("wp81", "1.0", "5.1"),
    ("sl8-windowsphone", "1.0", "5.1"),
    ("sl7-windowsphone", "", ""),
    ("sl4", "", ""),
    ("tizen3.0", "1.6", ""),
    ("tizen4.0", "2.0", ""),
    ("tizen6.0", "2.1", ""),
    ("monoandroid10", "2.1", "5.6"),
    ("monotouch", "2.1", "5.6"),
    ("xamarinios10", "2.1", "5.6"),
    ("xamarinmac20", "2.1", "5.6"),
    ("Xamarin.PlayStation4,Version=v1.0", "2.0", "5.6"),
    ("xamarinxboxone", "2.0", "5.6"),
    ("netstandard1.5", "1.5", ""),
    ("dotnet5.4", "", "5.4"),
    ("portable-net45+win8", "1.1", ""),
    ("portable-net451+win81", "1.2", ""),
    ("portable-net45+win8+wpa81+wp8", "1.0", ""),
    ("portable-net40+sl5+win8", "", ""),
    ("portable-net45+win8+dnxcore50", "", ""),
    ("native", "", ""),
];

#[test]
fn standards_are_taken_up_to_a_version() {
    for (project, standard, generation) in STANDARDS {
        for version in [
            "", "0.9", "1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "2.0", "2.1", "2.2",
        ] {
            let expected = !standard.is_empty() && version <= *standard;
            assert_eq!(
                accepts(project, &format!("netstandard{version}")),
                expected,
                "{project}, standard {version}"
            );
        }
        for version in ["", "5.0", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7"] {
            let expected = !generation.is_empty() && version <= *generation;
            assert_eq!(
                accepts(project, &format!("dotnet{version}")),
                expected,
                "{project}, generation {version}"
            );
        }
    }
}

/// What a framework takes and does not take; the facts are those of NuGet.Client's `CompatibilityTests` and
/// `CompatibilityPCLTests`.
const TAKES: &[(&str, &str, &str)] = &[
    (
        "net45",
        "net45 net40 net20 net net40-client net45-full",
        "net451 net46 dnx451 sl4 win8 netcoreapp1.0 uap",
    ),
    (
        "net40",
        "net40-client net40-full",
        "net45 netcoreapp1.0 netstandardapp portable-win8+net45",
    ),
    ("net40-client", "net40 net35 net40-full", "net45 net35-cf"),
    ("net48", "net472 net20", "net5.0 netcoreapp3.1 net6.0-windows"),
    ("net4.9", "net48", "netcoreapp3.1"),
    (
        "net5.0",
        "net50 netcoreapp5.0 netcoreapp3.1 netcoreapp1.0",
        "net452 net482 net6.0 net5.0-android net5.0-windows10",
    ),
    ("netcoreapp6.0", "netcoreapp5.0 net5.0", "net7.0"),
    (
        "net5.0-android",
        "net5.0 netcoreapp3.1 net5.0-android",
        "net5.0-ios net5.0-android9.0",
    ),
    (
        "net5.0-android9.0",
        "net5.0-android8.0 net5.0-android",
        "net5.0-android10.0",
    ),
    ("net5.0-macos10.15.2.3", "net5.0-macos10.15.2.2", "net5.0-macos10.16"),
    (
        "net6.0-windows10.0.19041",
        "net5.0-windows7.0 net6.0-windows net6.0",
        "net472 net6.0-windows10.0.22000 win81",
    ),
    ("net5.0-madeupname12.0", "net5.0 net5.0-madeupname", "net5.0-windows"),
    (
        "net6.0-android12.0",
        "monoandroid12.0 monoandroid",
        "xamarin.mac xamarin.ios",
    ),
    ("net6.0-tizen9.0", "tizen9.0", "xamarin.mac monoandroid"),
    ("net6.0-ios1.0", "", "xamarin.ios xamarin.mac"),
    ("netcoreapp1.0", "", "netstandardapp1.0 net451 win8"),
    (
        "netstandard1.3",
        "netstandard1.1",
        "net45 net461 dnxcore50 netstandardapp1.3",
    ),
    (
        "netstandardapp1.5",
        "netstandardapp1.4.11 netstandardapp",
        "netstandardapp1.5.1 netcoreapp1.0 net4 win8",
    ),
    (
        "uap10.0",
        "netcore50 netcore45 winrt45 win81 win8 win wpa81 wpa uap",
        "net45 netcoreapp1.0 wp8 netstandardapp1.5",
    ),
    ("uap", "uap10.0 win81 wpa81", "wp81"),
    ("netcore50", "netcore451 netcore45 win81 win8 win", "wpa81 uap10.0"),
    ("win81", "win8 netcore netcore451 winrt", "netcore50 wpa81 uap10.0"),
    ("win8", "win netcore netcore45 winrt45", "netcore451 win81 sl5"),
    ("winrt45", "win8 winrt netcore45", "win81"),
    ("wpa81", "wpa", "netcore50 wp8 win81"),
    ("wp8", "wp7 wp sl3-wp sl8-wp wp71 sl4-wp71 wp75", "wp81 sl4 wpa81"),
    ("wp71", "wp7 sl4-wp71 sl3-wp", "wp8"),
    ("sl5", "sl4 sl3", "sl4-wp71 wp7 net40"),
    ("sl4-wp71", "wp71 sl3-wp", "sl4 wp8"),
    ("dnx46", "dnx451 dnx net46 net45 net20 aspnet50", "dnxcore50"),
    ("dnx451", "aspnet50 dnx45", "dnxcore50 aspnetcore50 net452"),
    ("aspnet50", "net40 net45 dnx45 aspnet", "aspnetcore50"),
    ("dnxcore50", "aspnetcore50 dnxcore dotnet50", "dnx451 uap10.0 net45"),
    ("aspnetcore50", "dnxcore50 aspnetcore", "aspnet50"),
    (
        "monoandroid10",
        "monoandroid portable-net45+win8 portable-net40+sl5+win8+wp8",
        "monotouch xamarinios portable-net45+sl4",
    ),
    (
        "xamarinios10",
        "xamarinios portable-net45+wp8",
        "monotouch monoandroid xamarinmac",
    ),
    ("native", "native", "net45 uap"),
    (
        "net45",
        "portable-win8+net45 portable-net45 portable-profile7 portable-net40+sl5+win8",
        "portable-net451+win81 portable-win8+wp8",
    ),
    ("net45", "portable-net45+unk8+win8", "portable-unk8"),
    (
        "uap10.0",
        "portable-net45+win8 portable-net45+wpa81 portable-net45+sl5+netcore50 portable-net45+sl5+dotnet",
        "portable-net45+sl5+wp8",
    ),
    ("netcoreapp1.0", "", "portable-net45+win8"),
    (
        "portable-net451+win81",
        "portable-win8+net45 portable-net451+netcore451",
        "net45 portable-net451+wp8 netcoreapp1.0",
    ),
    (
        "portable-win8+net45",
        "portable-net45+win8 portable-net45+win8+wp8 portable-net40+sl5+win8",
        "portable-net451+win81 net45",
    ),
    (
        "portable-net45+win8+monoandroid+monotouch",
        "portable-net45+win8+wp8 portable-net45+win8+unk8",
        "portable-net45",
    ),
    (
        "portable-net45+win8+wp8+monoandroid",
        "portable-net45+win8+wp8",
        "portable-net45+win8",
    ),
    (
        "portable-net45+win8+unk8",
        "portable-net45+win8+unk8",
        "portable-net45+win8+monoandroid",
    ),
];

#[test]
fn frameworks_take_what_nuget_says() {
    for (project, taken, refused) in TAKES {
        for package in taken.split_whitespace() {
            assert!(accepts(project, package), "{project} refuses {package}");
        }
        for package in refused.split_whitespace() {
            assert!(!accepts(project, package), "{project} takes {package}");
        }
    }
}
