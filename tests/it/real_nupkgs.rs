//! Packages that real tools made: they are taken in, or refused for a reason that is named here.

use std::path::Path;

use crate::support::clients::Clients;
use crate::support::corpus;
use crate::support::larder::LarderProcess;
use crate::support::raw_http;

const CONFIGURATION: &str = "[[feed]]\nname = \"ours\"\n";

/// Files of the corpus that are not taken in, and what is said of them.
const REFUSED: &[(&str, &str)] = &[
    // Its end record points to a ZIP64 locator that is none.
    ("Zip64Package.Corrupted.1.0.0.nupkg", "not a readable zip archive"),
    // Two builds of one version: the first one stays.
    (
        "PackageWithGacReferences.1.0.nupkg",
        "this version is there already, with other bytes",
    ),
];

/// Whether a line of an import tells of a file that was not taken in.
fn is_refusal(line: &str) -> bool {
    line.starts_with("refused ") || line.starts_with("skipped ")
}

#[test]
fn nupkgs_of_public_test_suites() {
    let Some(folder) = corpus::folder("nupkg") else { return };
    // A symbols package beside the package it belongs to is left out, as nuget does.
    let files: Vec<_> = corpus::files(&folder, "nupkg")
        .into_iter()
        .filter(|file| !is_symbols(file))
        .collect();
    let larder = LarderProcess::start(CONFIGURATION);
    let import = larder.import(&[&folder]).expect_failure();
    for (name, reason) in REFUSED {
        let line = import
            .output
            .lines()
            .find(|line| is_refusal(line) && line.contains(name));
        assert!(
            line.is_some_and(|line| line.contains(reason)),
            "{name}: {reason}\n{}",
            import.output
        );
    }
    let refusals = import.output.lines().filter(|line| is_refusal(line)).count();
    assert_eq!(refusals, REFUSED.len(), "{}", import.output);
    let taken = files.len() - REFUSED.len();
    let summary = format!("imported {taken} of {} packages", files.len());
    assert!(import.output.contains(&summary), "{summary}\n{}", import.output);
    let refused = |file: &Path| REFUSED.iter().any(|(name, _)| file.ends_with(name));
    let mut bytes: Vec<Vec<u8>> = files
        .iter()
        .filter(|file| !refused(file))
        .map(|file| std::fs::read(file).expect("it can be read"))
        .collect();
    for address in content_addresses(&larder) {
        let served = raw_http::get(larder.authority(), &address).expect_status(200).body;
        let at = bytes.iter().position(|bytes| *bytes == served);
        bytes.remove(at.unwrap_or_else(|| panic!("{address} is none of the files")));
    }
    assert!(bytes.is_empty(), "{} packages are not served", bytes.len());
}

#[test]
fn template_packages_of_the_dotnet_sdk() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let folder = clients.folder().join("dotnet").join("templates");
    let files = corpus::files(&folder, "nupkg");
    assert!(!files.is_empty(), "the SDK has templates");
    let larder = LarderProcess::start(CONFIGURATION);
    let import = larder.import(&[&folder]).expect_success();
    let summary = format!("imported {0} of {0} packages", files.len());
    assert!(import.output.contains(&summary), "{summary}\n{}", import.output);
    assert_eq!(content_addresses(&larder).len(), files.len());
}

fn is_symbols(file: &Path) -> bool {
    file.to_string_lossy().ends_with(".symbols.nupkg")
}

/// Returns the paths of all packages that the feed lists.
fn content_addresses(larder: &LarderProcess) -> Vec<String> {
    let feed = raw_http::get(larder.authority(), "/api/v2/Packages()?semVerLevel=2.0.0")
        .expect_status(200)
        .text();
    let sources = feed.split("<content type=\"application/zip\" src=\"").skip(1);
    let addresses = sources.filter_map(|rest| rest.split('"').next());
    addresses
        .map(|address| address.replace(larder.base_url().trim_end_matches('/'), ""))
        .collect()
}
