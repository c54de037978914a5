//! Recorded answers of real galleries are read as what they are: feeds, or refused for the right reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use larder::catalog::manifest::{COMPUTED, announced_properties, announced_row};
use larder::catalog::{Instant, Interner};
use larder::odata::atom_read::{FeedLimits, read_feed};

/// What is expected of each recorded file: `entries`, `entries +next`, or the refusal.
const EXPECTED: &[(&str, &str)] = &[
    ("api.nuget.org/EmptySearchResponse.json", "JSON"),
    ("api.nuget.org/EntityFrameworkSearchWithStringTypes.json", "JSON"),
    ("api.nuget.org/EntityFrameworkSearchWithoutOwner.json", "JSON"),
    ("api.nuget.org/V3Search.json", "JSON"),
    ("community.chocolatey.org/chrome-all-versions-by-id-only1.xml", "5"),
    ("community.chocolatey.org/chrome-all-versions-by-id-only2.xml", "30"),
    ("community.chocolatey.org/chrome-all-versions-exact.xml", "40 +next"),
    ("community.chocolatey.org/chrome-all-versions.xml", "5"),
    ("community.chocolatey.org/chrome-id-starts-with.xml", "5"),
    ("community.chocolatey.org/firefox-exact.xml", "1"),
    // Seven whole entries, then an error inside of the next link: the rest of the search is lost.
    (
        "community.chocolatey.org/logparser-search-error.xml",
        "reports an error: Object reference not set to an instance of an object.",
    ),
    ("dotnet.myget.org/SearchOrderById.xml", "5"),
    ("nexus/NexusFindPackagesById.xml", "1"),
    ("nuget.org/AzureSearch.xml", "1"),
    ("nuget.org/AzureSearch100.xml", "100 +next"),
    ("nuget.org/AzureSearchNext100.xml", "100 +next"),
    ("nuget.org/BenchmarkDotNet-UnknownFramework.xml", "1"),
    ("nuget.org/CyclicDependencyPage1.xml", "1 +next"),
    ("nuget.org/DotNetOpenAuth.Core.4.3.2.13293GetPackages.xml", "1"),
    ("nuget.org/EasyNetQ.xml", "1"),
    ("nuget.org/EmptyFeedList.xml", "0"),
    ("nuget.org/Fantomas.xml", "1"),
    ("nuget.org/FindPackagesByIdWithDuplicateBesidesVersion.xml", "2"),
    ("nuget.org/Fleece.xml", "1"),
    ("nuget.org/Math.Numerics.FSharp.xml", "1"),
    ("nuget.org/Microsoft.AspNet.WebApi.Client.xml", "1"),
    ("nuget.org/NotFoundFindPackagesById.xml", "0"),
    ("nuget.org/NuGetExeSearch.xml", "9"),
    ("nuget.org/RavendbFindPackagesById.xml", "100 +next"),
    ("nuget.org/RavendbFindPackagesByIdPage1.xml", "100 +next"),
    ("nuget.org/RavendbFindPackagesByIdPage2.xml", "100"),
    ("nuget.org/ReadOnlyCollectionExtensions.xml", "1"),
    ("nuget.org/Rx-PlatformServices.xml", "1"),
    ("nuget.org/SearchV2WithDuplicateBesidesVersion.xml", "2"),
    (
        "nuget.org/WindowsAzureServiceBus-FindPackageById-Page1.xml",
        "100 +next",
    ),
    ("nuget.org/WindowsAzureStorageGetPackages.xml", "1"),
    ("nuget.org/WindowsAzureStorageSearchPackage17Entries.xml", "17"),
    ("nuget.org/WindowsAzureStorageSearchPackage30Entries.xml", "30"),
    ("unknown/500Error.xml", "reports an error: An error has occurred."),
    ("unknown/AzureAutoComplete.json", "JSON"),
    ("unknown/DefaultClassLibrary.dll", "not UTF-8"),
    ("unknown/MetadataFT.xml", "'Edmx'"),
    ("unknown/MetadataTF.xml", "'Edmx'"),
    ("unknown/MetadataTT.xml", "'Edmx'"),
    ("unknown/ODataServiceDocument.xml", "'service'"),
    ("unknown/XunitVersionAutoComplete.json", "JSON"),
    ("unknown/mockserver.xml", "'Edmx'"),
];

/// Returns the recorded files by their path below `recorded`, or `None` (and says so) where they are not at hand.
fn recorded() -> Option<BTreeMap<String, PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/recorded");
    let Ok(hosts) = std::fs::read_dir(&root) else {
        assert!(
            std::env::var_os("LARDER_REQUIRE_CLIENTS").is_none(),
            "no recorded answers at {}",
            root.display()
        );
        eprintln!("skipped: no recorded answers at {}", root.display());
        return None;
    };
    let mut files = BTreeMap::new();
    for host in hosts.flatten().filter(|host| host.path().is_dir()) {
        for file in std::fs::read_dir(host.path()).expect("a folder").flatten() {
            let name = format!("{}/{}", host.file_name().display(), file.file_name().display());
            files.insert(name, file.path());
        }
    }
    Some(files)
}

#[test]
fn every_recorded_answer_is_read_or_refused_for_its_reason() {
    let Some(files) = recorded() else { return };
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    let expected: Vec<_> = EXPECTED.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected, "each recorded file has a line in the table");
    let document = "https://gallery.test/api/v2/Packages()".parse().unwrap();
    for (name, expected) in EXPECTED {
        let bytes = std::fs::read(&files[*name]).unwrap();
        match read_feed(&bytes, &document, FeedLimits::default()) {
            Ok(page) => {
                let next = if page.next.is_some() { " +next" } else { "" };
                assert_eq!(format!("{}{next}", page.entries.len()), *expected, "{name}");
                assert_eq!(page.skipped, [], "{name}");
                for announced in &page.entries {
                    assert!(announced.entry.content_url.is_some(), "{name}: {}", announced.id);
                    assert!(
                        announced.entry.property("Version").is_some(),
                        "{name}: {}",
                        announced.id
                    );
                    assert!(
                        announced.entry.property("PackageHash").is_some(),
                        "{name}: {}",
                        announced.id
                    );
                }
            }
            Err(error) => assert!(error.to_string().contains(expected), "{name}: {error}"),
        }
    }
}

#[test]
fn entries_keep_what_the_gallery_said() {
    let Some(files) = recorded() else { return };
    let document = "http://nexus:8080/".parse().unwrap();
    let read = |name: &str| {
        let bytes = std::fs::read(&files[name]).unwrap();
        read_feed(&bytes, &document, FeedLimits::default()).unwrap()
    };

    let nexus = &read("nexus/NexusFindPackagesById.xml").entries[0];
    let dependencies = "PackageB:null|EntityFramework:6.1.3|PackageC:3.7.0.15|PackageD:3.14.15:null";
    assert_eq!(nexus.entry.property("Dependencies"), Some(dependencies));
    assert_eq!(nexus.entry.property("Tags"), None);
    assert_eq!(nexus.entry.authors.as_deref(), Some("My Name"));

    // The community repository has no d:Id: its entries are named by Atom id and title.
    let firefox = &read("community.chocolatey.org/firefox-exact.xml").entries[0];
    assert_eq!(firefox.id.as_str(), "Firefox");
    assert_eq!(firefox.entry.property("Id"), None);
    assert_eq!(firefox.entry.property("PackageStatus"), Some("Approved"));
    let host = "https://community.chocolatey.org/";
    assert!(
        firefox
            .entry
            .content_url
            .as_ref()
            .is_some_and(|url| url.starts_with(host))
    );

    let page = read("nuget.org/RavendbFindPackagesById.xml");
    let next = "https://www.nuget.org/api/v2/FindPackagesById?id='ravendb.client'&$skiptoken='RavenDB.Client','1.2.2067-Unstable'";
    assert_eq!(page.next.as_deref(), Some(next));
    let first = &page.entries[0].entry;
    assert_eq!(first.property("Tags"), Some(" nosql ravendb raven document database "));
    assert!(first.updated.is_some());
}

#[test]
fn entries_become_rows() {
    let Some(files) = recorded() else { return };
    let document = "https://gallery.test/api/v2/".parse().unwrap();
    let seen: Instant = "2024-01-01T00:00:00Z".parse().unwrap();
    let mut rows = BTreeMap::new();
    for (name, path) in &files {
        let bytes = std::fs::read(path).unwrap();
        let Ok(page) = read_feed(&bytes, &document, FeedLimits::default()) else {
            continue;
        };
        for announced in &page.entries {
            let row = announced_row(announced, seen, &mut Interner::default());
            assert!(
                row.created < seen && row.published < seen && row.last_updated < seen,
                "{name}: {row:?}"
            );
            assert!(row.package_size > 0 && row.authors.is_some(), "{name}: {row:?}");
            let list = announced_properties(announced);
            assert!(
                list.iter().any(|property| property.name == "Authors"),
                "{name}: {}",
                row.id
            );
            assert!(
                !list.iter().any(|property| COMPUTED.contains(&property.name.as_str())),
                "{name}: {}",
                row.id
            );
            rows.insert(format!("{} {}", row.id, row.version), row);
        }
    }
    let firefox = &rows["Firefox 117.0.1"];
    assert!(firefox.listed && firefox.approved);
    assert_eq!(
        (firefox.download_count, firefox.version_download_count),
        (54_957_765, 493_276)
    );
    assert!(firefox.tags.as_ref().unwrap().as_str().starts_with(" browser mozilla "));
    // nuget.org says 1900-01-01 of a version that is unlisted.
    let raven = &rows["RavenDB.Client 1.0.531"];
    assert!(!raven.listed);
    assert_eq!(raven.published.to_rfc3339(), "2011-12-12T02:15:35.653+00:00");
}
