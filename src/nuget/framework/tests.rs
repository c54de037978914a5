use proptest::prelude::*;

use super::*;

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

fn framework(name: &str) -> Framework {
    Framework::parse(name).unwrap_or_else(|| panic!("{name} is not known"))
}

fn accepts(project: &str, package: &str) -> bool {
    Target::new(framework(project)).accepts(&framework(package))
}

#[test]
fn every_spelling_of_a_framework_is_read() {
    for (same, spellings) in [
        (
            "net45",
            &[
                "NET45",
                "net4.5",
                "45",
                ".NETFramework4.5",
                ".NETFramework, Version=v4.5",
                "net45-full",
            ][..],
        ),
        (
            "net40-client",
            &[".NETFramework,Version=v4.0,Profile=Client", ".netframework4.0-Client"],
        ),
        ("net20", &["2.0", "2", "20", "net2"]),
        ("net35", &["3.5", "35"]),
        ("net40", &["4", "4.0", "40", "net4"]),
        ("net6.0", &["net60", "netcoreapp6.0", ".NETCoreApp,Version=v6.0"]),
        ("net6.0-windows7.0", &["NET6.0-Windows7", "net60-windows7.0.0"]),
        (
            "netstandard2.0",
            &["netstandard20", ".NETStandard,Version=v2.0", ".NETStandard2.0"],
        ),
        (
            "sl4-wp71",
            &["Silverlight,Version=v4.0,Profile=WindowsPhone71", "sl40-WindowsPhone71"],
        ),
        (
            "portable-profile78",
            &[
                ".NETPortable,Version=v4.5,Profile=Profile78",
                "portable-net45+win8+wp8",
                "portable-win+net45+wp8",
                "portable-net45%2Bwin8%2Bwp8",
                "portable-net45+netcore45+wp8+monoandroid+monotouch1",
                "portable45-net45+win8+wp8",
            ],
        ),
        (
            "portable-profile259",
            &["portable-net45+wp80+win8+wpa81", "portable-windows8+net45+wp8+wpa"],
        ),
        ("xamarinios10", &["Xamarin.iOS1.0", "Xamarin.iOS,Version=v1.0"]),
    ] {
        for spelling in spellings {
            let (read, expected) = (framework(spelling), framework(same));
            // The version of a set says nothing, and does not count.
            if let (Some(read), Some(expected)) = (read.portable(), expected.portable()) {
                assert_eq!(read, expected, "{spelling}");
                continue;
            }
            assert_eq!(read, expected, "{spelling}");
        }
    }
}

#[test]
fn what_is_no_single_framework_is_not_read() {
    for name in [
        "",
        "any",
        "Agnostic",
        "unsupported",
        "net4.x",
        "foo45",
        "en-us",
        "x86",
        "45.6",
        "net45|net40",
        "net5.0-mac os",
        "net5.0-macos-14",
        "net5.0-made1.1.3.4.5.6",
        "portable",
        "portable-",
        "portable-net40-client+sl4",
        "portable-profile1",
        "net45-a b",
        ".NETPortable,Version=v4.5",
        "net1.2.3.4.5",
        "Foo,Version=v1.0",
    ] {
        assert_eq!(Framework::parse(name), None, "{name}");
    }
    assert_eq!(Framework::parse(&format!("portable-{}net45", "win8+".repeat(60))), None);
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

#[test]
fn a_package_declares_what_its_folders_say() {
    for (entries, expected) in [
        ("", ""),
        ("a.nuspec tools/chocolateyInstall.ps1 legal/LICENSE.txt", ""),
        ("a.nuspec lib/net45/a.dll", "net45"),
        (
            "lib/NET45/a.dll lib/net40/a.dll lib/net40/sub/b.dll lib/netstandard2.0/_._",
            "net40|net45|netstandard2.0",
        ),
        ("lib/net45/a.dll lib/a.dll", ""),
        ("lib/net45/a.dll lib/en-us/a.resources.dll", ""),
        ("lib/portable-net45%2Bwin8/a.dll", "portable-net45%2bwin8"),
        ("lib/4.0/a.dll", "4.0"),
        ("lib/net45/ lib/net40/a.dll", "net40"),
        (r"lib\net45\a.dll", "net45"),
        ("LIB/net45/a.dll", "net45"),
        ("ref/netstandard1.0/a.dll lib/net46/a.dll", "net46|netstandard1.0"),
        ("content/readme.txt lib/net45/a.dll", ""),
        ("content/net40/readme.txt lib/net45/a.dll", "net40|net45"),
        ("content/Scripts/a.js lib/net45/a.dll", ""),
        ("tools/net45/install.ps1", "net45"),
        ("tools/install.ps1 lib/net45/a.dll", ""),
        ("build/net45/A.targets", "net45"),
        ("build/A.props lib/net45/a.dll", ""),
        ("build/net45/other.targets build/readme.txt", ""),
        (
            "runtimes/win/lib/net45/a.dll contentFiles/any/net45/a.cs src/net40/a.cs",
            "",
        ),
        ("lib/any/a.dll lib/net45/a.dll", ""),
        ("lib", ""),
    ] {
        let declared = Declared::of("a", entries.split_whitespace(), [].into_iter());
        assert_eq!(
            declared.as_ref().map(Declared::as_str).unwrap_or_default(),
            expected,
            "{entries}"
        );
        assert_eq!(Declared::parse(expected), declared, "{entries}");
    }
    let many: Vec<String> = (0..100).map(|minor| format!("lib/net4.{minor}/a.dll")).collect();
    assert_eq!(Declared::of("a", many.iter().map(String::as_str), [].into_iter()), None);
}

#[test]
fn framework_assemblies_declare_frameworks_too() {
    for (assemblies, expected) in [
        (&["net40", ".NETFramework4.5"][..], "net20|net40|net45"),
        (&[ANY], ""),
        (&["foo"], ""),
        (&[], "net20"),
    ] {
        let declared = Declared::of("a", ["lib/net20/a.dll"].into_iter(), assemblies.iter().copied());
        assert_eq!(declared.as_ref().map(Declared::as_str).unwrap_or_default(), expected);
    }
}

#[test]
fn any_of_the_targets_may_take_any_of_the_declared() {
    for (targets, declared, expected) in [
        ("net45", "net40|sl5", true),
        ("net40", "sl5|winrt45", false),
        ("net40|sl5", "sl4", true),
        ("net40|", "sl4", false),
        ("", "sl4", true),
        ("|", "sl4", true),
        ("any", "sl4", true),
        ("net40|nonsense", "sl4", true),
        (" net472 | netstandard2.0 ", "netstandard2.0", true),
        ("portable-net45 win8", "portable-net45+win8+wp8", true),
        ("portable-net45 win8", "net45", false),
        (".NETFramework, Version=v4.5", "net45", true),
        (".NETFramework, Version=v4.5", "net46", false),
    ] {
        let declared_list = Declared::parse(declared).unwrap();
        assert_eq!(
            Targets::parse(targets).accept(Some(&declared_list)),
            expected,
            "{targets}, {declared}"
        );
        assert!(Targets::parse(targets).accept(None), "{targets}");
    }
}

proptest! {
    #[test]
    fn frameworks_never_panic(text in "\\PC{0,30}|(portable-)?[a-z]{2,8}[0-9.]{0,8}([-+][a-z0-9.]{0,8}){0,3}") {
        if let Some(framework) = Framework::parse(&text) {
            prop_assert!(Target::new(framework.clone()).accepts(&framework));
            let short = short_name(&text);
            prop_assert!(Framework::parse(&short).is_some(), "{} of {}", short, text);
        }
    }
}
