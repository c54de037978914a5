use super::*;

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
