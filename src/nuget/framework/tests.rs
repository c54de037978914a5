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

pub(super) fn framework(name: &str) -> Framework {
    Framework::parse(name).unwrap_or_else(|| panic!("{name} is not known"))
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
