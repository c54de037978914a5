//! What a pushed package must keep to, one line a rule: the status, and what the reason phrase says; and what is only warned of.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

use crate::support::app::{Answer, KEY, TestApp, send};
use crate::support::corpus;
use crate::support::gallery::upstream;
use crate::support::nupkg::{Nupkg, pack, pack_corpus};
use crate::support::upstream::{ANYTHING, Reply, ScriptedUpstream, atom_feed};

/// Makes the metadata of a good nuspec, with one of its elements in another way, or further ones.
fn metadata(id: &str, version: &str, more: &str) -> String {
    let has = |element: &str| more.contains(&format!("<{element}>")) || more.contains(&format!("<{element}/>"));
    let mut metadata = format!("<id>{id}</id><version>{version}</version>");
    for element in ["authors", "description"] {
        if !has(element) {
            metadata = format!("{metadata}<{element}>x</{element}>");
        }
    }
    metadata + more
}

fn nuspec(metadata: &str) -> String {
    format!("<package><metadata>{metadata}</metadata></package>")
}

/// Zips a good nuspec and one more entry, dated as the clock of the tests stands.
fn with_entry(name: &str, days_ahead: u8) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let at = zip::DateTime::from_date_and_time(2026, 3, 1 + days_ahead, 12, 0, 0).expect("a date");
    let options = SimpleFileOptions::default().last_modified_time(at);
    let nuspec = nuspec(&metadata("entry", &format!("1.{days_ahead}"), ""));
    for (name, content) in [("entry.nuspec", nuspec.as_str()), (name, "x")] {
        zip.start_file(name, options).expect("a new entry");
        zip.write_all(content.as_bytes()).expect("an entry in memory");
    }
    zip.finish().expect("a zip in memory").into_inner()
}

async fn put(app: &TestApp, bytes: Vec<u8>) -> Answer {
    let request = app.request("PUT", "/api/v2/package/").header("X-NuGet-ApiKey", KEY);
    let request = request.header("Content-Type", "application/octet-stream").body(bytes);
    send(request).await.expect("a whole answer")
}

fn long(element: &str, chars: usize) -> String {
    format!("<{element}>{}</{element}>", "x".repeat(chars))
}

fn dependencies(inner: &str) -> String {
    format!("<dependencies>{inner}</dependencies>")
}

#[tokio::test]
async fn what_a_nuspec_must_keep_to() {
    let app = TestApp::start("").await;
    let dependency = |number| format!("<dependency id='a.package.with.a.long.name.{number}'/>");
    let many = (0..1_000).map(dependency).collect::<Vec<_>>().concat();
    let long_id = "x".repeat(101);
    #[rustfmt::skip]
    let rules = [
        (400, "<description> is missing", "x", "1.0", "<description/>".to_owned()),
        (400, "<authors> is missing", "x", "1.0", "<authors/>".into()),
        (400, "<title> occurs more than once", "x", "1.0", "<title>a</title><title>b</title>".into()),
        (400, "write true or false", "x", "1.0", "<requireLicenseAcceptance>yes</requireLicenseAcceptance>".into()),
        (400, "write true or false", "x", "1.0", "<developmentDependency>no</developmentDependency>".into()),
        (400, "symbols package", "x", "1.0", "<packageTypes><packageType name='SymbolsPackage'/></packageTypes>".into()),
        (400, "other characters than A to Z", "Übung", "1.0", String::new()),
        (400, "'$id$' is not a package id", "$id$", "1.0", String::new()),
        (400, "<id> is 101 characters", &long_id, "1.0", String::new()),
        (201, "", &long_id[..100], "1.0", String::new()),
        (400, "at most 64", "x", &format!("1.0-{}", "x".repeat(61)), String::new()),
        (400, "<id> with <version> is 163 ", &long_id[..100], &format!("1.0.0-{}", "x".repeat(57)), String::new()),
        (400, "<title> is 257 characters", "x", "1.0", long("title", 257)),
        (201, "", "title", "1.0", long("title", 256)),
        (400, "<language> is 21 ", "x", "1.0", long("language", 21)),
        (400, "<authors> is 4001 ", "x", "1.0", long("authors", 4_001)),
        (400, "<description> is 4001 ", "x", "1.0", long("description", 4_001)),
        (201, "", "description", "1.0", long("description", 4_000)),
        (400, "<summary> is 4001 ", "x", "1.0", long("summary", 4_001)),
        (400, "<tags> is 4001 ", "x", "1.0", long("tags", 4_001)),
        (400, "<copyright> is 4001 ", "x", "1.0", long("copyright", 4_001)),
        (400, "<releaseNotes> is 35001 ", "x", "1.0", long("releaseNotes", 35_001)),
        (400, "<license> is 501 ", "x", "1.0", format!("<license type='expression'>{}</license>", "x".repeat(501))),
        (400, "<repository> is 101 ", "x", "1.0", format!("<repository type='{}'/>", "x".repeat(101))),
        (400, "the list of dependencies is", "x", "1.0", dependencies(&many)),
        (400, "write expression or file", "x", "1.0", "<license>MIT</license>".into()),
        (400, "<licenseUrl> is 'LICENSE.txt'", "x", "1.0", "<licenseUrl>LICENSE.txt</licenseUrl>".into()),
        (400, "<projectUrl> is 'javascript:alert(1)'", "x", "1.0", "<projectUrl>javascript:alert(1)</projectUrl>".into()),
        (400, "begins with http://", "x", "1.0", "<iconUrl>ftp://example.com/i.png</iconUrl>".into()),
        (201, "", "url", "1.0", "<projectUrl>HTTPS://example.com/ü?a=b</projectUrl>".into()),
        (400, "write 1.0.0-pre1 ", "x", "1.0-1", String::new()),
        (201, "", "label", "1.0-a1", String::new()),
        (201, "", "label", "1.0.0-1.2", String::new()),
        (400, "'1.*' is a floating range", "x", "1.0", dependencies("<dependency id='a' version='1.*'/>")),
        (400, "take away what begins with '+'", "x", "1.0", dependencies("<dependency id='a' version='1.0+b'/>")),
        (400, "on A stands twice", "x", "1.0", dependencies("<dependency id='a'/><dependency id='A'/>")),
        (400, "wrong id", "x", "1.0", dependencies("<dependency id='a b'/>")),
        (400, "two dependency groups for net45", "x", "1.0", dependencies("<group targetFramework='net45'/><group targetFramework='net45'/>")),
        (201, "", "groups", "1.0", dependencies("<group targetFramework='net45'><dependency id='a'/></group><group><dependency id='a'/></group>")),
        (400, "<icon> names 'i.png', which is not in the package", "x", "1.0", "<icon>i.png</icon>".into()),
        (400, "one of these endings is needed: .jpg", "x", "1.0", "<icon>x.svg</icon>".into()),
        (400, "needed: .md", "x", "1.0", "<readme>tools/a.txt</readme>".into()),
        (400, "'LICENSE', which is not in the package", "x", "1.0", "<license type='file'>LICENSE</license>".into()),
        (201, "", "files", "1.0", "<readme>docs\\Read%20Me.md</readme>".into()),
    ];
    for (status, says, id, version, more) in rules {
        let metadata = metadata(id, version, &more);
        let text = nuspec(&metadata);
        let files = [("docs/Read Me.md".to_owned(), b"x".to_vec())];
        let answer = put(&app, pack("x.nuspec", text.as_bytes(), &files)).await;
        assert_eq!(answer.status, status, "{id} {version} {more:.200}: {}", answer.reason);
        if status != 201 {
            assert!(answer.reason.contains(says), "{says}: {}", answer.reason);
            // What the reason phrase cannot hold stands in the body.
            assert!(!answer.text().is_ascii() || answer.text().starts_with(&answer.reason));
        }
        assert!(answer.reason.len() <= 512 && !answer.reason.contains('\n'));
    }
    let text = nuspec(&metadata("x", "1.0", "")).replace("<metadata>", "<metadata minClientVersion='new'>");
    let answer = put(&app, pack("x.nuspec", text.as_bytes(), &[]))
        .await
        .expect_status(400);
    assert!(answer.reason.contains("minClientVersion is 'new'"), "{}", answer.reason);
    assert_eq!(app.get("/api/v2/Packages/$count?$filter=Id eq 'x'").await.text(), "0");
    app.spool_empties().await;
}

#[tokio::test]
async fn what_an_archive_must_keep_to() {
    let app = TestApp::start("").await;
    #[rustfmt::skip]
    let rules = [
        (201, "", with_entry("tools/a.ps1", 0)),
        (201, "", with_entry("tools/a.ps1", 1)),
        (400, "in the future", with_entry("tools/a.ps1", 2)),
        (400, "two slashes in a row", with_entry("tools//a.ps1", 0)),
        (400, "two slashes in a row", with_entry("tools\\\\a.ps1", 0)),
        (400, "leaves the package's folder", with_entry("tools/../../a.ps1", 0)),
        (400, "leaves the package's folder", with_entry("tools\\..\\..\\a.ps1", 0)),
        (400, "absolute path", with_entry("/a.ps1", 0)),
        (400, "names a drive", with_entry("c:\\a.ps1", 0)),
        (400, "twice", with_entry("ENTRY.nuspec", 0)),
    ];
    for (status, says, bytes) in rules {
        let answer = put(&app, bytes).await;
        assert_eq!(answer.status, status, "{says}: {}", answer.reason);
        assert!(answer.reason.contains(says), "{says}: {}", answer.reason);
    }
}

#[tokio::test]
async fn what_is_only_warned_of() {
    let app = TestApp::start("").await;
    let icon = "<icon>i.png</icon>";
    #[rustfmt::skip]
    let warnings = [
        (None, "1.0", ""),
        (None, "1.0", "<iconUrl>https://example.com/i.png</iconUrl><icon>i.png</icon>"),
        (Some("1.0.0-a.b needs clients that read SemVer 2"), "1.0.0-a.b", ""),
        (Some("1.0.0+b needs clients that read SemVer 2"), "1.0.0+b", ""),
        (Some("A dependency's version needs"), "1.0", "<dependencies><dependency id='a' version='1.0.0-a.b'/></dependencies>"),
        (Some("'4.6.00081' is the same as 4.6.81"), "4.6.00081", ""),
        (Some("no <licenseUrl> to show"), "1.0", "<requireLicenseAcceptance>true</requireLicenseAcceptance>"),
        (Some("no <iconUrl>"), "1.0", icon),
        (Some("<docsUrl> is not an absolute address"), "1.0", "<docsUrl>\\\\server\\docs</docsUrl>"),
    ];
    for (number, (warning, version, more)) in warnings.into_iter().enumerate() {
        let text = nuspec(&metadata(&format!("warned{number}"), version, more));
        let files = [("i.png".to_owned(), b"x".to_vec())];
        let answer = put(&app, pack("x.nuspec", text.as_bytes(), &files))
            .await
            .expect_status(201);
        assert!(answer.body.is_empty());
        match warning {
            Some(warning) => assert!(
                answer.warning().is_some_and(|text| text.contains(warning)),
                "{:?}",
                answer.warning()
            ),
            None => assert_eq!(answer.warning(), None),
        }
    }
}

#[tokio::test]
async fn hiding_an_upstreams_package_is_warned_of_once() {
    let scripted = ScriptedUpstream::start().await;
    scripted.on(ANYTHING, Reply::feed(atom_feed(&[], None)));
    let git = Nupkg::new("git", "2.0").pack();
    scripted.has(&[&git]);
    let app = TestApp::start(&upstream("community", &scripted)).await;
    assert_eq!(app.versions("git").await, ["git 2.0"]);
    let first = app.push(&Nupkg::new("git", "1.0").pack()).await.expect_status(201);
    assert!(
        first
            .warning()
            .is_some_and(|text| text.contains("'community' has a package 'git' too"))
    );
    let second = app.push(&Nupkg::new("git", "1.1").pack()).await.expect_status(201);
    assert_eq!(second.warning(), None);
    assert_eq!(app.versions("git").await, ["git 1.1", "git 1.0"]);
}

#[tokio::test]
async fn real_chocolatey_packages_are_taken() {
    let Some(folder) = corpus::folder("packages") else {
        return;
    };
    let app = TestApp::start("").await;
    let mut refused = Vec::new();
    for package in pack_corpus(&folder) {
        let answer = app.push(&package).await;
        if !matches!(answer.status, 201 | 409) {
            refused.push((package.id, answer.reason));
        }
    }
    let ids: Vec<&str> = refused.iter().map(|(id, _)| id.as_str()).collect();
    // A template of its repository, of which no package was ever made, and one without a description.
    assert_eq!(ids, ["googlechrome-", "svg-explorer-extension"], "{refused:?}");
}

#[tokio::test]
async fn nupkgs_of_public_test_suites_are_taken_or_refused_with_a_reason() {
    let Some(folder) = corpus::folder("nupkg") else { return };
    let app = TestApp::start("").await;
    let mut refused = Vec::new();
    for path in corpus::files(&folder, "nupkg") {
        let answer = put(&app, std::fs::read(&path).expect("it can be read")).await;
        if answer.status != 201 {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            refused.push(format!("{name}: {} {}", answer.status, answer.reason));
        }
    }
    assert_eq!(refused.len(), 2, "{refused:?}");
    // Two builds of one version, and an end record that points to a ZIP64 locator that is none.
    assert!(
        refused[0].starts_with("PackageWithGacReferences.1.0.nupkg: 409 "),
        "{}",
        refused[0]
    );
    assert!(
        refused[1].starts_with("Zip64Package.Corrupted.1.0.0.nupkg: 400 "),
        "{}",
        refused[1]
    );
}
