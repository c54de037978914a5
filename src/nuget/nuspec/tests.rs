use super::*;
use crate::nuget::corpus;
use proptest::prelude::*;

fn decode(text: &str) -> Result<Nuspec, NuspecError> {
    Nuspec::decode(text.as_bytes(), &NuspecLimits::default())
}

fn with_metadata(inner: &str) -> Nuspec {
    decode(&format!("<package><metadata>{inner}</metadata></package>")).unwrap()
}

const FULL: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2015/06/nuspec.xsd">
  <metadata minClientVersion="2.12">
    <id>Full.Package</id> <version>1.0-beta</version> <title> A &amp; B </title>
    <authors>One, Two</authors> <owners>Three</owners>
    <requireLicenseAcceptance>TRUE</requireLicenseAcceptance> <developmentDependency>true</developmentDependency>
    <license type="expression" version="1.0.0">MIT OR Apache-2.0</license> <licenseUrl>https://e.org/l</licenseUrl>
    <projectUrl>https://e.org/p</projectUrl> <iconUrl>https://e.org/i</iconUrl> <icon>i.png</icon> <readme>r.md</readme>
    <description><![CDATA[It is <b>bold</b>.]]></description> <summary>Short</summary> <releaseNotes>New</releaseNotes>
    <copyright>(c)</copyright> <language>en-US</language> <tags> one two </tags>
    <repository type="git" url="https://e.org/r" branch="main" commit="abc" />
    <packageTypes><packageType name="DotnetTool" version="1.0" /><packageType name="Template" /></packageTypes>
    <dependencies>
      <group targetFramework="net45"><dependency id="A" version="[1.0,2.0)" exclude="Build" /><dependency id="B" /></group>
      <group><dependency id="C" version="1.0" /></group>
      <group targetFramework=".NETStandard2.0" />
    </dependencies>
    <frameworkAssemblies><frameworkAssembly assemblyName="System" targetFramework="net45, net40" /><frameworkAssembly assemblyName="System.Xml" /></frameworkAssemblies>
    <contentFiles><files include="**" /></contentFiles>
    <projectSourceUrl>https://e.org/1</projectSourceUrl> <packageSourceUrl>https://e.org/2</packageSourceUrl>
    <docsUrl>https://e.org/3</docsUrl> <wikiUrl>https://e.org/4</wikiUrl> <mailingListUrl>https://e.org/5</mailingListUrl>
    <bugTrackerUrl>https://e.org/6</bugTrackerUrl> <replaces>x</replaces> <provides>y</provides> <conflicts>z</conflicts>
    <softwareDisplayName>S</softwareDisplayName> <softwareDisplayVersion>9</softwareDisplayVersion>
  </metadata>
  <files><file src="tools\**" target="tools" /></files>
</package>"#;

#[test]
fn all_of_it_is_read() {
    let nuspec = decode(FULL).unwrap();
    nuspec.validate_for_push(Scrutiny::Id).unwrap();
    assert_eq!(
        (nuspec.id.as_str(), nuspec.version.as_str()),
        ("Full.Package", "1.0-beta")
    );
    assert!(nuspec.require_license_acceptance && nuspec.development_dependency);
    assert_eq!(nuspec.license, Some(License::Expression("MIT OR Apache-2.0".into())));
    assert_eq!(nuspec.min_client_version.as_deref(), Some("2.12"));
    assert_eq!(nuspec.repository.unwrap().commit.as_deref(), Some("abc"));
    assert_eq!(nuspec.package_types.len(), 2);
    assert_eq!(nuspec.assembly_frameworks, ["net45", "net40", "any"]);
    let frameworks: Vec<_> = nuspec
        .dependency_groups
        .iter()
        .map(|group| group.framework.as_deref())
        .collect();
    assert_eq!(frameworks, [Some("net45"), None, Some(".NETStandard2.0")]);
    let net45 = &nuspec.dependency_groups[0].dependencies;
    assert_eq!(net45[0].range.as_ref().unwrap().as_str(), "[1.0,2.0)");
    assert_eq!((net45[1].id.as_str(), &net45[1].range), ("B", &None));
    let chocolatey = nuspec.chocolatey;
    for (value, expected) in [
        (nuspec.title, "A & B"),
        (nuspec.authors, "One, Two"),
        (nuspec.owners, "Three"),
        (nuspec.description, "It is <b>bold</b>."),
        (nuspec.summary, "Short"),
        (nuspec.release_notes, "New"),
        (nuspec.copyright, "(c)"),
        (nuspec.language, "en-US"),
        (nuspec.tags, "one two"),
        (nuspec.project_url, "https://e.org/p"),
        (nuspec.icon_url, "https://e.org/i"),
        (nuspec.icon, "i.png"),
        (nuspec.readme, "r.md"),
        (nuspec.license_url, "https://e.org/l"),
        (chocolatey.project_source_url, "https://e.org/1"),
        (chocolatey.package_source_url, "https://e.org/2"),
        (chocolatey.docs_url, "https://e.org/3"),
        (chocolatey.wiki_url, "https://e.org/4"),
        (chocolatey.mailing_list_url, "https://e.org/5"),
        (chocolatey.bug_tracker_url, "https://e.org/6"),
        (chocolatey.replaces, "x"),
        (chocolatey.provides, "y"),
        (chocolatey.conflicts, "z"),
        (chocolatey.software_display_name, "S"),
        (chocolatey.software_display_version, "9"),
    ] {
        assert_eq!(value.as_deref(), Some(expected));
    }
}

#[test]
fn every_namespace_is_read() {
    let known = [
        "http://schemas.microsoft.com/packaging/2010/07/nuspec.xsd",
        "http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd",
        "http://schemas.microsoft.com/packaging/2011/10/nuspec.xsd",
        "http://schemas.microsoft.com/packaging/2012/06/nuspec.xsd",
        "http://schemas.microsoft.com/packaging/2013/01/nuspec.xsd",
        "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd",
        "http://schemas.microsoft.com/packaging/2015/06/nuspec.xsd",
        "http://schemas.nuget.org/packaging/2010/01/nuspec.xsd",
        "urn:any",
    ];
    let inner = "<id>a</id><version>1</version>";
    for namespace in known {
        for text in [
            format!("<package xmlns='{namespace}'><metadata>{inner}</metadata></package>"),
            format!("<package><metadata xmlns='{namespace}'>{inner}</metadata></package>"),
            format!(
                "<n:package xmlns:n='{namespace}'><n:metadata><n:id>a</n:id><n:version>1</n:version></n:metadata></n:package>"
            ),
        ] {
            assert_eq!(decode(&text).unwrap().id.as_str(), "a", "{text}");
        }
    }
    assert_eq!(with_metadata(inner).version.as_str(), "1");
}

#[test]
fn refusals_name_element_and_reason() {
    for (text, message) in [
        ("<package/>", "the nuspec has no <metadata>, or an empty one"),
        (
            "<package><metadata><version>1</version></metadata></package>",
            "the nuspec has no <id>, or an empty one",
        ),
        (
            "<package><metadata><id>a</id><version> </version></metadata></package>",
            "the nuspec has no <version>, or an empty one",
        ),
        (
            "<package><metadata><id>$id$</id><version>1</version></metadata></package>",
            "the nuspec's <id> is wrong: '$id$' is not a package id: letters, digits and '_', in parts separated by single '.' or '-', are allowed",
        ),
        (
            "<package><metadata><id>a</id><version>v1</version></metadata></package>",
            "the nuspec's <version> is wrong: 'v1' is not a version: it needs one to four numbers up to 2147483647, separated by dots",
        ),
        (
            "<package>",
            "the nuspec cannot be read as XML: the document is not well formed at byte 9: the element 'package' does not end",
        ),
    ] {
        assert_eq!(decode(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn flaws_keep_from_pushing_not_from_reading() {
    let rest = "<id>a</id><version>1</version><authors>x</authors><description>y</description>";
    for (inner, flaw) in [
        (
            "<id>a</id><version>1</version><authors/><description>y</description>",
            "<authors> is missing or empty",
        ),
        (
            "<id>a</id><version>1</version><authors>x</authors>",
            "<description> is missing or empty",
        ),
        (&format!("{rest}<id>b</id>"), "<id> occurs more than once"),
        (
            &format!("{rest}<requireLicenseAcceptance>maybe</requireLicenseAcceptance>"),
            "<requireLicenseAcceptance> is 'maybe'; write true or false",
        ),
        (
            &format!("{rest}<license>MIT</license>"),
            "<license> has the type ''; write expression or file",
        ),
        (
            &format!("{rest}<dependencies><dependency version='1'/></dependencies>"),
            "a <dependency> has a wrong id: a package id must not be empty",
        ),
        (
            &format!("{rest}<dependencies><dependency id='b' version='1.*'/></dependencies>"),
            "the <dependency> on b has a wrong version: '1.*' is a floating range; packages need fixed bounds such as [1.0,2.0)",
        ),
        (
            &format!("{rest}<packageTypes><packageType name='symbolspackage'/></packageTypes>"),
            "this is a symbols package, which a package feed does not take",
        ),
    ] {
        let refusal = with_metadata(inner).validate_for_push(Scrutiny::Id).unwrap_err();
        assert_eq!(refusal.to_string(), format!("{flaw}"));
    }
    let both = with_metadata("<id>a</id><version>1</version>")
        .validate_for_push(Scrutiny::Id)
        .unwrap_err();
    assert_eq!(both.flaws.len(), 2);
}

#[test]
fn flat_and_grouped_dependencies_are_kept() {
    let nuspec = with_metadata(
        "<id>a</id><version>1</version><dependencies><group targetFramework='net40'><dependency id='x'/></group><dependency id='y'/></dependencies>",
    );
    let ids: Vec<_> = nuspec
        .dependency_groups
        .iter()
        .map(|group| (group.framework.as_deref(), group.dependencies[0].id.as_str()))
        .collect();
    assert_eq!(ids, [(None, "y"), (Some("net40"), "x")]);
}

#[test]
fn real_chocolatey_nuspecs_are_read() {
    let Some(folder) = corpus::folder("packages") else {
        return;
    };
    let (mut unreadable, mut unpushable, mut good) = (Vec::new(), Vec::new(), 0);
    for path in corpus::files(&folder, "nuspec") {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match Nuspec::decode(&bytes, &NuspecLimits::default()) {
            Err(error) => unreadable.push((name, error.to_string())),
            Ok(nuspec) => match nuspec.validate_for_push(Scrutiny::Id) {
                Err(error) => unpushable.push((name, error.to_string())),
                Ok(()) => good += 1,
            },
        }
    }
    let expected = |name: &str, reason: &str| vec![(name.to_owned(), reason.to_owned())];
    // A template of its repository, of which no package was ever made.
    let template = "the nuspec's <id> is wrong: 'googlechrome-' is not a package id: letters, digits and '_', in parts separated by single '.' or '-', are allowed";
    assert_eq!(unreadable, expected("googlechrome-.nuspec", template));
    let empty = "<description> is missing or empty";
    assert_eq!(unpushable, expected("svg-explorer-extension.nuspec", empty));
    assert!(good >= 300, "{good}");
}

proptest! {
    #[test]
    fn never_panics(parts in proptest::collection::vec(prop::sample::select(vec![
        "<package>", "<metadata>", "<id>", "a", "</id>", "<version>", "1", "</version>", "<dependencies>", "<group targetFramework='",
        "net45'>", "<dependency id='", "b' version='", "[1,2", "]'/>", "</group>", "</dependencies>", "</metadata>", "</package>", "<license type='file'>", "</license>",
    ]), 0..40)) {
        let _ = decode(&parts.concat());
    }
}
