//! A package is fetched once for all who want it, passed on while it comes, and kept only when it is what it should be.

use bytes::Bytes;
use futures::future::join_all;

use crate::support::app::{Aborted, OLD, TestApp, find, until};
use crate::support::gallery::{hash_properties, package_target, upstream};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{Gate, Reply, ScriptedUpstream};

const GIT: &str = "/api/v2/package/git/1.0";

/// A package that is longer than what is held back until all was verified.
fn large() -> Packed {
    Nupkg::new("git", "1.0").file("tools/data.bin", noise(3_000_000)).pack()
}

fn small() -> Packed {
    Nupkg::new("git", "1.0").pack()
}

/// Bytes that do not compress (a linear congruential generator's).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    next.take(length).collect()
}

async fn with(package: &Packed, reply: Reply) -> (ScriptedUpstream, TestApp) {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[package]);
    gallery.serves(package, reply);
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    (gallery, app)
}

#[tokio::test]
async fn a_package_is_passed_on_while_it_comes() {
    let (package, gate) = (large(), Gate::new());
    let (gallery, app) = with(&package, Reply::ok(package.bytes.clone()).gate(2_000_000, &gate)).await;
    let mut response = app.request("GET", GIT).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.content_length(), Some(package.bytes.len() as u64));
    let mut got = Vec::new();
    while got.len() < 1_000_000 {
        got.extend(response.chunk().await.unwrap().unwrap());
    }
    assert!(app.package_files().is_empty(), "it is not whole yet");
    gate.open();
    while let Some(bytes) = response.chunk().await.unwrap() {
        got.extend(bytes);
    }
    assert!(got == package.bytes);
    let again = app.get(GIT).await.expect_status(200);
    assert!(again.body == package.bytes);
    assert_eq!(
        again.header("content-length"),
        Some(package.bytes.len().to_string().as_str())
    );
    assert_eq!(gallery.asked("/package/"), 1);
    app.spool_empties().await;
    assert_eq!(app.package_files().len(), 2, "a nupkg and its sidecar");
}

#[tokio::test]
async fn many_clients_one_fetch() {
    for package in [large(), small()] {
        let gate = Gate::new();
        let (gallery, app) = with(&package, Reply::ok(package.bytes.clone()).head_gate(&gate)).await;
        let clients = join_all((0..50).map(|_| app.get(GIT)));
        let (answers, ()) = tokio::join!(clients, async {
            gate.reached_by(1).await;
            gate.open();
        });
        for answer in answers {
            assert!(answer.expect_status(200).body == package.bytes);
        }
        assert_eq!(gallery.asked("/package/"), 1);
        app.spool_empties().await;
    }
}

#[tokio::test]
async fn clients_that_come_at_any_moment_get_the_package() {
    // Without any gate: some join the fetch, some come while it ends, some find the package in the store.
    for _ in 0..5 {
        let package = small();
        let (gallery, app) = with(&package, Reply::ok(package.bytes.clone())).await;
        app.versions("git").await;
        for answer in join_all((0..100).map(|_| app.get(GIT))).await {
            assert!(answer.expect_status(200).body == package.bytes);
        }
        assert_eq!(gallery.asked("/package/"), 1);
    }
}

#[tokio::test]
async fn a_fetch_goes_on_when_its_client_hangs_up() {
    let (package, gate) = (large(), Gate::new());
    let (gallery, app) = with(&package, Reply::ok(package.bytes.clone()).gate(1_000_000, &gate)).await;
    let mut response = app.request("GET", GIT).send().await.unwrap();
    response.chunk().await.unwrap().unwrap();
    drop(response);
    let follower = app.request("GET", GIT).send().await.unwrap();
    gate.open();
    assert!(follower.bytes().await.unwrap() == package.bytes);

    let gate = Gate::new();
    let (other, app) = with(&package, Reply::ok(package.bytes.clone()).gate(1_000_000, &gate)).await;
    let mut response = app.request("GET", GIT).send().await.unwrap();
    response.chunk().await.unwrap().unwrap();
    drop(response);
    gate.open();
    until("it is kept all the same", || app.package_files().len() == 2).await;
    assert!(app.get(GIT).await.expect_status(200).body == package.bytes);
    assert_eq!((gallery.asked("/package/"), other.asked("/package/")), (1, 1));
}

#[tokio::test]
async fn what_is_not_the_package_is_never_served_nor_kept() {
    let other_package = Nupkg::new("other", "1.0")
        .file("tools/data.bin", noise(3_000_000))
        .pack();
    let other_version = Nupkg::new("git", "1.1").pack();
    let zip_without_nuspec = crate::support::nupkg::pack("x.txt", b"no nuspec", &[]);
    let big = large();
    let flipped = |package: &Packed| {
        let mut bytes = package.bytes.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    let half = |package: &Packed| package.bytes[..package.bytes.len() / 2].to_vec();
    for package in [small(), big] {
        let (gallery, app) = with(&package, Reply::status(404)).await;
        let whole = || Reply::ok(package.bytes.clone());
        let length = package.bytes.len();
        for (trouble, reply, announced) in [
            ("another hash", Reply::ok(flipped(&package)), package.bytes.clone()),
            (
                "another hash, chunked",
                Reply::ok(flipped(&package)).chunked(),
                package.bytes.clone(),
            ),
            ("cut", whole().close(length / 2), package.bytes.clone()),
            ("reset", whole().reset(length / 2), package.bytes.clone()),
            (
                "cut when chunked",
                whole().chunked().close(length / 2),
                package.bytes.clone(),
            ),
            ("too little promised", whole().length(length / 2), package.bytes.clone()),
            ("half, well framed", Reply::ok(half(&package)), package.bytes.clone()),
            (
                "half, until close",
                Reply::ok(half(&package)).until_close(),
                package.bytes.clone(),
            ),
            (
                "another package",
                Reply::ok(other_package.bytes.clone()),
                other_package.bytes.clone(),
            ),
            (
                "another version",
                Reply::ok(other_version.bytes.clone()),
                other_version.bytes.clone(),
            ),
            (
                "no nuspec",
                Reply::ok(zip_without_nuspec.clone()),
                zip_without_nuspec.clone(),
            ),
            ("no zip", Reply::ok("PK not really"), b"PK not really".to_vec()),
            ("a web page", Reply::ok("<html></html>"), b"<html></html>".to_vec()),
            ("nothing", Reply::ok(""), Vec::new()),
        ] {
            gallery.announces(
                &package,
                &[gallery.entry_without_hash(&package, &hash_properties(&announced))],
            );
            gallery.serves(&package, reply);
            app.clock.advance(OLD);
            assert_eq!(app.versions("git").await, ["git 1.0"], "{trouble}");
            for _ in 0..2 {
                let before = gallery.asked("/package/");
                match app.try_get(GIT).await {
                    Ok(answer) => assert_eq!(answer.status, 502, "{trouble}: {}", answer.text()),
                    Err(Aborted) if length > 1_000_000 || announced.len() > 1_000_000 => {}
                    Err(Aborted) => panic!("a small package needs no aborted transfer: {trouble}"),
                }
                assert_eq!(
                    gallery.asked("/package/"),
                    before + 1,
                    "{trouble}: it is asked for again"
                );
            }
            app.spool_empties().await;
            assert!(app.package_files().is_empty(), "{trouble}: {:?}", app.package_files());
        }
        gallery.has(&[&package]);
        app.clock.advance(OLD);
        app.versions("git").await;
        assert!(app.get(GIT).await.expect_status(200).body == package.bytes);
    }
}

#[tokio::test]
async fn a_download_that_upstream_lacks_is_no_404() {
    let package = small();
    for (reply, status) in [
        (Reply::status(404), 502),
        (Reply::status(503), 503),
        (Reply::status(403), 502),
        (Reply::hang_up(), 503),
    ] {
        let (_gallery, app) = with(&package, reply).await;
        app.get(GIT).await.expect_status(status);
    }
}

#[tokio::test]
async fn a_package_that_is_too_large_is_the_upstreams_fault() {
    let package = large();
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&package]);
    let app = TestApp::start(&format!(
        "limits.max_package = \"1MiB\"\n{}",
        upstream("gallery", &gallery)
    ))
    .await;
    for reply in [
        Reply::ok(package.bytes.clone()),
        Reply::ok(package.bytes.clone()).chunked(),
    ] {
        gallery.serves(&package, reply);
        app.get(GIT).await.expect_status(502);
    }
    assert!(app.package_files().is_empty());
}

#[tokio::test]
async fn without_a_hash_nothing_is_passed_on_before_it_was_verified() {
    let (package, gate) = (large(), Gate::new());
    let length = package.bytes.len();
    let gallery = ScriptedUpstream::start().await;
    for properties in [
        "",
        "<d:PackageHash>abc</d:PackageHash><d:PackageHashAlgorithm>MD5</d:PackageHashAlgorithm>",
    ] {
        gallery.announces(&package, &[gallery.entry_without_hash(&package, properties)]);
        gallery.serves(&package, Reply::ok(package.bytes[..length - 1].to_vec()));
        let app = TestApp::start(&upstream("gallery", &gallery)).await;
        app.get(GIT).await.expect_status(502);
        gallery.serves(&package, Reply::ok(package.bytes.clone()).gate(length - 1, &gate));
        let mut answer = std::pin::pin!(app.get(GIT));
        tokio::select! {
            answer = &mut answer => panic!("an answer before the end: {}", answer.status),
            () = gate.reached_by(1) => {}
        }
        gate.open();
        assert!(answer.await.expect_status(200).body == package.bytes);
    }
}

#[tokio::test]
async fn head_and_ranges_of_what_is_not_here_yet() {
    let package = large();
    let length = package.bytes.len();
    for chunked in [false, true] {
        let reply = Reply::ok(package.bytes.clone());
        let reply = if chunked { reply.chunked() } else { reply };
        let (gallery, app) = with(&package, reply).await;
        let head = app.request("HEAD", GIT).send().await.unwrap();
        assert_eq!(
            (
                head.status().as_u16(),
                head.headers()["content-length"].to_str().unwrap()
            ),
            (200, length.to_string().as_str())
        );
        assert!(head.headers().contains_key("etag"));
        let etag = head.headers()["etag"].clone();
        assert_eq!(gallery.asked("/package/"), 1);

        let (gallery, app) = with(&package, Reply::ok(package.bytes.clone())).await;
        let part = app
            .request("GET", GIT)
            .header("Range", "bytes=10-19")
            .send()
            .await
            .unwrap();
        assert_eq!(
            (
                part.status().as_u16(),
                part.headers()["content-range"].to_str().unwrap()
            ),
            (206, format!("bytes 10-19/{length}").as_str())
        );
        assert_eq!(part.bytes().await.unwrap(), package.bytes[10..20]);
        let rest = app
            .request("GET", GIT)
            .header("Range", format!("bytes={}-", length - 5))
            .send()
            .await
            .unwrap();
        assert_eq!(rest.bytes().await.unwrap(), package.bytes[length - 5..]);
        let beyond = app
            .request("GET", GIT)
            .header("Range", format!("bytes={length}-"))
            .send()
            .await
            .unwrap();
        assert_eq!(beyond.status(), 416);
        let same = app
            .request("GET", GIT)
            .header("If-None-Match", etag)
            .send()
            .await
            .unwrap();
        assert_eq!(same.status(), 304);
        assert_eq!(gallery.asked("/package/"), 1);
    }
}

#[tokio::test]
async fn a_download_has_the_same_headers_before_and_after_it_is_held() {
    let package = large();
    let (_gallery, app) = with(&package, Reply::ok(package.bytes.clone())).await;
    let (first, second) = (app.get(GIT).await, app.get(GIT).await);
    for name in [
        "content-type",
        "content-length",
        "content-disposition",
        "etag",
        "cache-control",
    ] {
        assert_eq!(first.header(name), second.header(name), "{name}");
        assert!(first.header(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_held_version_keeps_its_bytes_whatever_the_upstream_says_later() {
    let package = small();
    let (gallery, app) = with(&package, Reply::ok(package.bytes.clone())).await;
    app.get(GIT).await.expect_status(200);
    let before = app.get("/api/v2/Packages(Id='git',Version='1.0')").await.body;
    let forged = Nupkg::new("git", "1.0").description("something else").pack();
    gallery.has(&[&forged]);
    app.clock.advance(OLD);
    assert_eq!(app.versions("git").await, ["git 1.0"]);
    let after: Bytes = app.get("/api/v2/Packages(Id='git',Version='1.0')").await.body;
    assert_eq!(before, after);
    assert!(app.get(GIT).await.expect_status(200).body == package.bytes);
    assert_eq!(gallery.asked("/package/"), 1);
    // Nor does it come in by the back door.
    std::fs::remove_file(app.nupkg_of("gallery", "git")).unwrap();
    app.get(GIT).await.expect_status(502);
    gallery.serves(&package, Reply::ok(package.bytes.clone()));
    assert!(app.get(GIT).await.expect_status(200).body == package.bytes);
}

#[tokio::test]
async fn a_mirrored_file_that_is_gone_or_cut_is_fetched_again() {
    let package = large();
    let (gallery, app) = with(&package, Reply::ok(package.bytes.clone())).await;
    app.get(GIT).await.expect_status(200);
    // The client has all of it before it is kept.
    app.spool_empties().await;
    let file = app.nupkg_of("gallery", "git");
    let mut fetches = 1;
    for damage in [
        (|file| std::fs::remove_file(file).unwrap()) as fn(&std::path::Path),
        |file| std::fs::write(file, b"PK").unwrap(),
        |file| std::fs::write(file, b"").unwrap(),
    ] {
        damage(&file);
        let ranged = app
            .request("GET", GIT)
            .header("Range", "bytes=5-9")
            .send()
            .await
            .unwrap();
        assert_eq!(ranged.bytes().await.unwrap(), package.bytes[5..10]);
        fetches += 1;
        assert_eq!(gallery.asked("/package/"), fetches);
        assert!(app.get(GIT).await.expect_status(200).body == package.bytes);
        assert_eq!(gallery.asked("/package/"), fetches);
    }
    std::fs::remove_file(&file).unwrap();
    gallery.on(&package_target("git", "1.0"), Reply::status(500));
    app.get(GIT).await.expect_status(503);
    assert_eq!(crate::support::app::names(&app.feed(&find("git")).await), ["git 1.0"]);
}

#[tokio::test]
async fn a_hosted_file_that_is_gone_or_cut_is_a_failure_and_not_an_absence() {
    let gallery = ScriptedUpstream::start().await;
    let package = small();
    gallery.has(&[&package]);
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    app.push(&package).await.expect_status(201);
    let file = app.nupkg_of("default", "git");
    std::fs::write(&file, b"PK").unwrap();
    app.get(GIT).await.expect_status(500);
    std::fs::remove_file(&file).unwrap();
    app.get(GIT).await.expect_status(500);
    app.get("/api/v2/package/git").await.expect_status(500);
    assert!(gallery.targets().is_empty());
}

#[tokio::test]
async fn an_upstream_that_stalls_ends_the_transfer() {
    for package in [small(), large()] {
        let gallery = ScriptedUpstream::start().await;
        gallery.has(&[&package]);
        gallery.serves(
            &package,
            Reply::ok(package.bytes.clone()).stall(package.bytes.len() - 1),
        );
        let app = TestApp::start(&format!(
            "timeouts.between_bytes = \"200ms\"\n{}",
            upstream("gallery", &gallery)
        ))
        .await;
        match app.try_get(GIT).await {
            Ok(answer) => assert_eq!((answer.status, package.bytes.len() < 10_000), (504, true)),
            Err(Aborted) => assert!(package.bytes.len() > 1_000_000),
        }
        gallery.serves(&package, Reply::ok(package.bytes.clone()));
        assert!(app.get(GIT).await.expect_status(200).body == package.bytes);
        app.spool_empties().await;
    }
}

#[tokio::test]
async fn what_is_mirrored_can_not_be_deleted() {
    let package = small();
    let (gallery, app) = with(&package, Reply::ok(package.bytes.clone())).await;
    app.get(GIT).await.expect_status(200);
    for method in ["DELETE", "POST"] {
        app.manage(method, GIT).await.expect_status(404);
    }
    assert!(app.get(GIT).await.expect_status(200).body == package.bytes);
    assert_eq!(gallery.asked("/package/"), 1);
}

#[tokio::test]
async fn a_file_that_is_gone_is_fetched_once_for_all() {
    for _ in 0..3 {
        let package = small();
        let (gallery, app) = with(&package, Reply::ok(package.bytes.clone())).await;
        app.get(GIT).await.expect_status(200);
        std::fs::remove_file(app.nupkg_of("gallery", "git")).unwrap();
        for answer in join_all((0..50).map(|_| app.get(GIT))).await {
            assert!(answer.expect_status(200).body == package.bytes);
        }
        assert_eq!(gallery.asked("/package/"), 2);
    }
}

#[tokio::test]
async fn look_ups_and_fetches_do_not_disturb_each_other() {
    let gallery = ScriptedUpstream::start().await;
    let packages: Vec<Packed> = (0..10)
        .map(|number| Nupkg::new("git", &format!("1.{number}")).pack())
        .collect();
    gallery.has(&packages.iter().collect::<Vec<_>>());
    let app = TestApp::start(&format!(
        "freshness.metadata = \"0s\"\n{}",
        upstream("gallery", &gallery)
    ))
    .await;
    let clients = (0..100).map(|number| {
        let (app, package) = (&app, &packages[number % packages.len()]);
        async move {
            assert_eq!(app.versions("git").await.len(), 10);
            let target = format!("/api/v2/package/git/{}", package.version);
            assert!(app.get(&target).await.expect_status(200).body == package.bytes);
            assert_eq!(app.versions("git").await.len(), 10);
        }
    });
    join_all(clients).await;
    assert_eq!(gallery.asked("/package/"), packages.len());
    assert_eq!(app.package_files().len(), 2 * packages.len());
}
