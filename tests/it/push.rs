//! Packages are taken in on every path and in every envelope that clients use, refused with a reason, unlisted, listed
//! again and removed.

use futures::future::join_all;

use crate::support::app::{Answer, KEY, TestApp, find, form, names, send};
use crate::support::nupkg::{Nupkg, Packed, pack};

const OCTETS: &str = "application/octet-stream";

fn package(id: &str, version: &str) -> Packed {
    Nupkg::new(id, version).pack()
}

/// A package of a nuspec's metadata.
fn with_metadata(metadata: &str) -> Vec<u8> {
    let nuspec = format!("<package><metadata>{metadata}</metadata></package>");
    pack("x.nuspec", nuspec.as_bytes(), &[])
}

async fn put(app: &TestApp, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = app.request("PUT", "/api/v2/package/").header("X-NuGet-ApiKey", KEY);
    send(request.header("Content-Type", content_type).body(body))
        .await
        .expect("a whole answer")
}

#[tokio::test]
async fn packages_are_taken_wherever_clients_put_them() {
    let feeds = "[[feed]]\nname = \"ours\"\ndefault = true\n[[feed]]\nname = \"theirs\"\n";
    let app = TestApp::start(feeds).await;
    let mut number = 0;
    for (mount, feed) in [
        ("/api/v2", "ours"),
        ("/nuget", "ours"),
        ("/chocolatey", "ours"),
        ("/feeds/ours/api/v2", "ours"),
        ("/feeds/theirs/api/v2", "theirs"),
    ] {
        for path in ["", "/", "/package", "/package/", "/api/v2/package", "/api/v2/package/"] {
            for method in ["PUT", "POST"] {
                number += 1;
                let package = package("pushed", &format!("1.{number}"));
                let target = format!("{mount}{path}");
                let request = app.request(method, &target).header("X-NuGet-ApiKey", KEY);
                let answer = send(request.header("Content-Type", OCTETS).body(package.bytes.clone()))
                    .await
                    .unwrap();
                assert_eq!(answer.status, 201, "{method} {target}: {}", answer.text());
                let stored = app
                    .get(&format!("/feeds/{feed}/api/v2/package/pushed/1.{number}"))
                    .await
                    .expect_status(200);
                assert!(stored.body == package.bytes, "{method} {target}");
            }
        }
    }
    for (feed, count) in [("ours", 48), ("theirs", 12)] {
        let counted = app.get(&format!("/feeds/{feed}/api/v2/Packages/$count")).await.text();
        assert_eq!(counted, count.to_string());
    }
    app.spool_empties().await;
}

#[tokio::test]
async fn packages_are_taken_in_every_envelope() {
    let app = TestApp::start("").await;
    let multipart = "multipart/form-data; boundary=larder";
    let envelope = |head: &str, bytes: &[u8], tail: &str| [head.as_bytes(), bytes, tail.as_bytes()].concat();
    let mut number = 0;
    let mut next = || {
        number += 1;
        package("wrapped", &format!("1.{number}"))
    };
    let head = "--larder\r\nContent-Disposition: form-data; name=\"package\"; filename=\"p.nupkg\"\r\nContent-Type: application/octet-stream\r\n\r\n";
    let unquoted = "--larder\r\nContent-Disposition: form-data; name=package; filename=package\r\n\r\n";
    let strange_name = "--larder\r\nContent-Disposition: form-data; name=\"wrapped.1.0.nupkg\"; filename=\"x\"\r\n\r\n";
    let after_a_field =
        format!("preamble\r\n--larder\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nvalue\r\n{head}");
    let bare_lf = head.replace("\r\n", "\n");
    for (content_type, head, tail) in [
        (multipart, head, "\r\n--larder--\r\n"),
        ("multipart/form-data; boundary=\"larder\"", head, "\r\n--larder--"),
        (multipart, unquoted, "\r\n--larder--\r\n"),
        (multipart, strange_name, "\r\n--larder--\r\n"),
        (multipart, &after_a_field, "\r\n--larder--\r\nepilogue"),
        (multipart, head, "\n--larder--\n"),
        (multipart, &bare_lf, "\n--larder--\n"),
        (OCTETS, "", ""),
        ("application/zip", "", ""),
    ] {
        for sized in [true, false] {
            let package = next();
            let body = envelope(head, &package.bytes, tail);
            let body = if sized {
                reqwest::Body::from(body)
            } else {
                // Pieces of a length that cuts every boundary somewhere.
                let pieces: Vec<_> = body
                    .chunks(37)
                    .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
                    .collect();
                reqwest::Body::wrap_stream(futures::stream::iter(pieces))
            };
            let answer = put(&app, content_type, body).await;
            assert_eq!(answer.status, 201, "{content_type} {head}: {}", answer.text());
            let stored = app.get(&format!("/api/v2/package/wrapped/{}", package.version)).await;
            assert!(stored.body == package.bytes, "{content_type} {head}");
        }
    }
    app.spool_empties().await;
}

#[tokio::test]
async fn a_version_that_is_there_is_a_conflict_however_it_is_spelled() {
    let app = TestApp::start("").await;
    let first = package("Git", "1.0");
    app.push(&first).await.expect_status(201);
    let expected = "A package with id 'git' and version '1.0.0' already exists and cannot be modified.";
    for (id, version) in [
        ("Git", "1.0"),
        ("git", "1.0.0"),
        ("GIT", "01.0.0.0"),
        ("git", "1.0.0+build.7"),
    ] {
        let again = app.push(&package(id, version)).await.expect_status(409);
        assert_eq!(again.reason.to_lowercase(), expected.to_lowercase());
        assert_eq!(again.text(), again.reason);
    }
    app.manage("DELETE", "/api/v2/package/git/1.0").await.expect_status(204);
    app.push(&first).await.expect_status(409);
    app.push(&package("git", "1.0.0-a")).await.expect_status(201);
    app.push(&package("git", "1.0.0-A")).await.expect_status(409);
    assert_eq!(app.versions("git").await, ["Git 1.0", "git 1.0.0-a"]);
    assert!(app.get("/api/v2/package/git/1.0.0.0").await.body == first.bytes);
    app.spool_empties().await;
}

#[tokio::test]
async fn what_is_no_package_is_refused_with_the_reason() {
    let app = TestApp::start("limits.max_nuspec = \"64KiB\"\n").await;
    let good = "<id>x</id><version>1.0</version><authors>a</authors><description>d</description>";
    let named = |name: &str| {
        pack(
            "x.nuspec",
            format!("<package><metadata>{good}</metadata></package>").as_bytes(),
            &[(name.to_owned(), b"x".to_vec())],
        )
    };
    let nuspec = format!("<package><metadata>{good}</metadata></package>");
    let bomb = vec![0; 80 << 20];
    for (why, bytes) in [
        ("zip", b"no zip".to_vec()),
        ("zip", Vec::new()),
        ("zip", package("x", "1.0").bytes[..100].to_vec()),
        (".nuspec", pack("x.txt", b"", &[])),
        (".nuspec", pack("tools/x.nuspec", nuspec.as_bytes(), &[])),
        (
            "more than one",
            pack(
                "x.nuspec",
                nuspec.as_bytes(),
                &[("y.nuspec".to_owned(), nuspec.clone().into())],
            ),
        ),
        ("id", with_metadata(&good.replace("<id>x</id>", "<id>a b</id>"))),
        ("id", with_metadata(&good.replace("<id>x</id>", ""))),
        ("id", with_metadata(&good.replace("<id>x</id>", "<id>../../etc</id>"))),
        ("version", with_metadata(&good.replace("1.0", "latest"))),
        ("version", with_metadata(&good.replace("<version>1.0</version>", ""))),
        (
            "description",
            with_metadata(&good.replace("<description>d</description>", "")),
        ),
        ("authors", with_metadata(&good.replace("<authors>a</authors>", ""))),
        ("nuspec", pack("x.nuspec", b"<package><metadata>", &[])),
        ("nuspec", pack("x.nuspec", &vec![b' '; 100_000], &[])),
        (
            "nuspec",
            pack("x.nuspec", b"<!DOCTYPE a [<!ENTITY b 'c'>]><package/>", &[]),
        ),
        (
            "inflates",
            pack("x.nuspec", nuspec.as_bytes(), &[("zeros".to_owned(), bomb)]),
        ),
        ("name", named("../x")),
        ("name", named("tools/../../x")),
        ("name", named("/etc/x")),
        ("name", named("tools\\..\\..\\x")),
        ("name", named("C:/x")),
    ] {
        let answer = put(&app, OCTETS, bytes).await;
        assert_eq!(answer.status, 400, "{why}: {}", answer.text());
        assert!(answer.reason.contains(why), "{why}: {}", answer.reason);
    }
    for (content_type, body) in [
        ("multipart/form-data", form(&package("x", "1.0").bytes)),
        ("multipart/form-data; boundary=other", form(&package("x", "1.0").bytes)),
        ("multipart/form-data; boundary=larder", b"--larder--\r\n".to_vec()),
        (
            "multipart/form-data; boundary=larder",
            form(&package("x", "1.0").bytes)[..200].to_vec(),
        ),
    ] {
        let answer = put(&app, content_type, body).await;
        assert_eq!(answer.status, 400, "{content_type}: {}", answer.text());
    }
    assert!(app.package_files().is_empty());
    assert_eq!(app.get("/api/v2/Packages/$count").await.text(), "0");
    app.spool_empties().await;
}

#[tokio::test]
async fn only_who_has_the_key_may_change_anything() {
    let app = TestApp::start("").await;
    app.push(&package("git", "1.0")).await.expect_status(201);
    let before = app.package_files();
    for (method, target) in [
        ("PUT", "/api/v2/package/"),
        ("POST", "/api/v2/"),
        ("DELETE", "/api/v2/package/git/1.0"),
        ("POST", "/api/v2/package/git/1.0"),
    ] {
        for (key, status) in [
            (None, 401),
            (Some(""), 401),
            (Some("wrong"), 403),
            (Some("test-keys"), 403),
        ] {
            let mut request = app.request(method, target).body(form(&package("git", "2.0").bytes));
            if let Some(key) = key {
                request = request.header("X-NuGet-ApiKey", key);
            }
            let answer = send(request).await.unwrap();
            assert_eq!(answer.status, status, "{method} {target} {key:?}");
            assert!(answer.reason.contains("API key"), "{}", answer.reason);
            assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
        }
    }
    assert_eq!(app.package_files(), before);
    assert_eq!(app.versions("git").await, ["git 1.0"]);
    app.spool_empties().await;
}

#[tokio::test]
async fn what_is_too_large_is_413_before_and_after_it_was_sent() {
    let app = TestApp::start("limits.max_package = \"100KiB\"\n").await;
    let fits = Nupkg::new("fits", "1.0").file("data", vec![7; 1000]).pack();
    app.push(&fits).await.expect_status(201);
    let body = form(&vec![b'P'; 1 << 20]);
    let sized = put(&app, "multipart/form-data; boundary=larder", body.clone())
        .await
        .expect_status(413);
    assert!(sized.reason.contains("102400"), "{}", sized.reason);
    for (content_type, body) in [
        ("multipart/form-data; boundary=larder", body),
        (OCTETS, vec![b'P'; 102_401]),
    ] {
        let pieces: Vec<_> = body
            .chunks(50_000)
            .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
            .collect();
        let chunked = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
        put(&app, content_type, chunked).await.expect_status(413);
    }
    put(&app, OCTETS, vec![b'P'; 102_401]).await.expect_status(413);
    app.spool_empties().await;
    assert_eq!(app.package_files().len(), 2);
}

#[tokio::test]
async fn of_pushes_of_the_same_version_exactly_one_succeeds() {
    let app = TestApp::start("").await;
    let packages: Vec<Packed> = (0..12)
        .map(|number| {
            Nupkg::new("race", "1.0")
                .description(&format!("number {number}"))
                .pack()
        })
        .collect();
    let answers = join_all(packages.iter().map(|package| app.push(package))).await;
    let winners: Vec<usize> = (0..12).filter(|number| answers[*number].status == 201).collect();
    assert_eq!(
        winners.len(),
        1,
        "{:?}",
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>()
    );
    assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 409)));
    assert!(app.get("/api/v2/package/race/1.0").await.body == packages[winners[0]].bytes);
    assert_eq!(app.package_files().len(), 2);
    app.spool_empties().await;
    // Different versions and different packages do not get in each other's way.
    let others: Vec<Packed> = (0..12)
        .map(|number| package(&format!("other{}", number % 3), &format!("1.{number}")))
        .collect();
    for answer in join_all(others.iter().map(|package| app.push(package))).await {
        answer.expect_status(201);
    }
}

/// The versions with the flags, for a client that reads SemVer 1 and for one that reads 2.
async fn latest(app: &TestApp) -> [Vec<String>; 4] {
    let mut found = Vec::new();
    for level in ["", "&semVerLevel=2.0.0"] {
        for flag in ["IsLatestVersion", "IsAbsoluteLatestVersion"] {
            let filtered = app
                .feed(&format!("/api/v2/Packages()?$filter=Id eq 'git' and {flag}{level}"))
                .await;
            // The flags that are shown are those that are filtered by.
            let all = app.feed(&format!("/api/v2/FindPackagesById()?id='git'{level}")).await;
            let mut shown = all
                .entries
                .iter()
                .filter(|entry| entry.entry.property(flag) == Some("true"));
            assert_eq!(
                shown.next().map(|entry| &entry.version),
                filtered.entries.first().map(|entry| &entry.version)
            );
            assert!(shown.next().is_none());
            found.push(filtered.entries.iter().map(|entry| entry.version.to_string()).collect());
        }
    }
    found.try_into().expect("four lists")
}

#[tokio::test]
async fn flags_follow_pushes_and_listings() {
    let app = TestApp::start("").await;
    let none: &[&str] = &[];
    let one = |version: &'static str| vec![version];
    assert_eq!(latest(&app).await, [none; 4]);
    let steps: [(&str, &str, [Vec<&str>; 4]); 11] = [
        (
            "PUSH",
            "1.0.0",
            [one("1.0.0"), one("1.0.0"), one("1.0.0"), one("1.0.0")],
        ),
        (
            "PUSH",
            "2.0.0-beta",
            [one("1.0.0"), one("2.0.0-beta"), one("1.0.0"), one("2.0.0-beta")],
        ),
        (
            "PUSH",
            "1.5.0",
            [one("1.5.0"), one("2.0.0-beta"), one("1.5.0"), one("2.0.0-beta")],
        ),
        (
            "PUSH",
            "2.0.0-rc.1",
            [one("1.5.0"), one("2.0.0-beta"), one("1.5.0"), one("2.0.0-rc.1")],
        ),
        (
            "PUSH",
            "3.0.0+meta",
            [one("1.5.0"), one("2.0.0-beta"), one("3.0.0+meta"), one("3.0.0+meta")],
        ),
        (
            "DELETE",
            "3.0.0",
            [one("1.5.0"), one("2.0.0-beta"), one("1.5.0"), one("2.0.0-rc.1")],
        ),
        (
            "DELETE",
            "2.0.0-beta",
            [one("1.5.0"), one("1.5.0"), one("1.5.0"), one("2.0.0-rc.1")],
        ),
        (
            "DELETE",
            "1.5.0",
            [one("1.0.0"), one("1.0.0"), one("1.0.0"), one("2.0.0-rc.1")],
        ),
        ("DELETE", "1.0.0", [vec![], vec![], vec![], one("2.0.0-rc.1")]),
        ("DELETE", "2.0.0-rc.1", [vec![], vec![], vec![], vec![]]),
        (
            "POST",
            "1.5.0",
            [one("1.5.0"), one("1.5.0"), one("1.5.0"), one("1.5.0")],
        ),
    ];
    for (action, version, expected) in steps {
        if action == "PUSH" {
            app.push(&package("git", version)).await.expect_status(201);
        } else {
            let status = if action == "POST" { 200 } else { 204 };
            app.manage(action, &format!("/api/v2/package/git/{version}"))
                .await
                .expect_status(status);
        }
        assert_eq!(latest(&app).await, expected, "{action} {version}");
    }
    assert_eq!(
        app.versions("git").await.len(),
        5,
        "unlisted versions stay in FindPackagesById"
    );
    let old = names(&app.feed("/api/v2/FindPackagesById()?id='git'").await);
    assert_eq!(
        old,
        ["git 2.0.0-beta", "git 1.5.0", "git 1.0.0"],
        "SemVer 2 is for those who read it"
    );
}

#[tokio::test]
async fn an_unlisted_version_is_hidden_from_searches_alone() {
    let mut app = TestApp::start("").await;
    let git = package("git", "1.0");
    app.push(&git).await.expect_status(201);
    let entry = "/api/v2/Packages(Id='git',Version='1.0')";
    let published = app.feed(entry).await.entries[0]
        .entry
        .property("Published")
        .unwrap()
        .to_owned();
    assert_eq!(published, "2026-03-01T12:00:00");
    app.clock.advance(std::time::Duration::from_secs(60));
    for round in 0..2 {
        app.manage("DELETE", "/api/v2/package/git/1.0").await.expect_status(204);
        for target in [find("git"), entry.to_owned(), "/api/v2/Packages()".to_owned()] {
            let page = app.feed(&target).await;
            let property = |name| page.entries[0].entry.property(name);
            assert_eq!(property("Published"), Some("1900-01-01T00:00:00"), "{target}");
            assert_eq!(property("Listed"), Some("false"), "{target}");
            assert_eq!(property("IsLatestVersion"), Some("false"), "{target}");
        }
        assert!(app.feed("/api/v2/Search()?searchTerm='git'").await.entries.is_empty());
        assert!(app.get("/api/v2/package/git/1.0").await.body == git.bytes);
        app.get("/api/v2/package/git").await.expect_status(404);
        if round == 0 {
            app.restart().await;
            assert!(app.feed("/api/v2/Search()?searchTerm='git'").await.entries.is_empty());
        }
        app.manage("POST", "/api/v2/package/git/1.0").await.expect_status(200);
        let page = app.feed(entry).await;
        assert_eq!(
            page.entries[0].entry.property("Published"),
            Some(published.as_str()),
            "the true time is kept"
        );
        assert_eq!(
            page.entries[0].entry.property("LastEdited"),
            Some("2026-03-01T12:01:00")
        );
        assert_eq!(names(&app.feed("/api/v2/Search()?searchTerm='git'").await), ["git 1.0"]);
    }
    for (method, target) in [("DELETE", "git/2.0"), ("POST", "git/2.0"), ("DELETE", "nothing/1.0")] {
        app.manage(method, &format!("/api/v2/package/{target}"))
            .await
            .expect_status(404);
    }
    // `nuget delete` with a source that has a path leaves out `package`.
    app.manage("DELETE", "/nuget/git/1.0.0").await.expect_status(204);
    assert!(app.feed("/api/v2/Search()?searchTerm='git'").await.entries.is_empty());
}

#[tokio::test]
async fn a_feed_may_remove_for_good_or_not_at_all() {
    let feeds = "[[feed]]\nname = \"removes\"\ndefault = true\ndelete = \"remove\"\n[[feed]]\nname = \"keeps\"\ndelete = \"off\"\n";
    let mut app = TestApp::start(feeds).await;
    let git = package("git", "1.0");
    for feed in ["removes", "keeps"] {
        app.push_to(&format!("/feeds/{feed}/api/v2/package"), &git)
            .await
            .expect_status(201);
    }
    let refused = app
        .manage("DELETE", "/feeds/keeps/api/v2/package/git/1.0")
        .await
        .expect_status(405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD, POST"));
    app.manage("DELETE", "/feeds/removes/api/v2/package/git/1.0")
        .await
        .expect_status(204);
    for _ in 0..2 {
        app.get("/feeds/removes/api/v2/package/git/1.0")
            .await
            .expect_status(404);
        app.get("/feeds/removes/api/v2/Packages(Id='git',Version='1.0')")
            .await
            .expect_status(404);
        assert_eq!(app.get("/feeds/removes/api/v2/Packages/$count").await.text(), "0");
        assert!(
            app.get("/feeds/keeps/api/v2/package/git/1.0")
                .await
                .expect_status(200)
                .body
                == git.bytes
        );
        app.restart().await;
    }
    app.manage("DELETE", "/feeds/removes/api/v2/package/git/1.0")
        .await
        .expect_status(404);
    assert_eq!(app.package_files().len(), 2);
    app.push_to("/feeds/removes/api/v2/package", &git)
        .await
        .expect_status(201);
}

#[tokio::test]
async fn what_was_pushed_is_there_after_a_restart_and_without_the_index() {
    let mut app = TestApp::start("").await;
    let packages = [
        package("git", "1.0"),
        package("git", "2.0.0-rc.1"),
        package("other", "01.02.03"),
    ];
    for package in &packages {
        app.push(package).await.expect_status(201);
    }
    let list = "/api/v2/Packages()?semVerLevel=2.0.0";
    let before = app.feed(list).await;
    app.restart().await;
    assert_eq!(names(&app.feed(list).await), names(&before));
    app.stop().await;
    std::fs::remove_dir_all(app.data().join("index")).unwrap();
    app.open().await;
    let after = app.feed(list).await;
    for (after, before) in after.entries.iter().zip(&before.entries) {
        assert_eq!(after.entry.properties, before.entry.properties);
    }
    assert_eq!(after.entries.len(), 3);
    app.push(&packages[0]).await.expect_status(409);
}

#[tokio::test]
async fn a_lost_sidecar_is_a_failure_not_an_absence() {
    let app = TestApp::start("").await;
    app.push(&Nupkg::new("Ours", "1.0").pack()).await.expect_status(201);
    let sidecar = app.data().join("packages/default/ours/1.0.0/package.json");
    std::fs::remove_file(sidecar).expect("a sidecar to lose");
    for method in ["DELETE", "POST"] {
        app.manage(method, "/api/v2/package/Ours/1.0").await.expect_status(500);
    }
}
