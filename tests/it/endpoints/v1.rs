//! Version 1 of the protocol, over what version 2 has.

use crate::support::app::{TestApp, names};
use crate::support::nupkg::Nupkg;

const ROOTS: [&str; 4] = [
    "/api/v1",
    "/api/v1/FeedService.svc",
    "/v1/FeedService.svc",
    "/feeds/ours/api/v1",
];

const FEED: &str = "[[feed]]\nname = \"ours\"\ndefault = true\n";

async fn app() -> TestApp {
    let app = TestApp::start(FEED).await;
    for version in ["1.0", "1.1", "2.0-beta", "2.0.0+build.7", "3.0-alpha.1"] {
        app.push(&Nupkg::new("Git", version).tags("vcs").pack())
            .await
            .expect_status(201);
    }
    app.push(&Nupkg::new("late", "1.0").depends_on("git", "[2.0-rc.1,)").pack())
        .await
        .expect_status(201);
    app.push(&Nupkg::new("young", "0.1-pre").pack())
        .await
        .expect_status(201);
    app.manage("DELETE", "/api/v2/package/git/1.0").await.expect_status(204);
    app
}

#[tokio::test]
async fn version_one_shows_stable_packages_of_the_first_semver() {
    let app = app().await;
    for root in ROOTS {
        for (list, expected) in [
            ("Packages()", &["Git 1.1", "Git 1.0"][..]),
            ("Packages?semVerLevel=2.0.0", &["Git 1.1", "Git 1.0"]),
            ("Packages()?$filter=IsLatestVersion&$orderby=Id", &["Git 1.1"]),
            ("FindPackagesById()?id='git'", &["Git 1.1", "Git 1.0"]),
            ("FindPackagesById?id=git&$orderby=Version", &["Git 1.0", "Git 1.1"]),
            ("FindPackagesById()?id='young'", &[]),
            ("Search()?searchTerm='vcs'&targetFramework=''", &["Git 1.1"]),
            (
                "Search?searchTerm=vcs&includePrerelease=true&semVerLevel=2.0.0",
                &["Git 1.1"],
            ),
            ("Search()?searchTerm='late'", &[]),
        ] {
            let target = format!("{root}/{list}");
            let answer = app.get(&target).await.expect_status(200);
            assert_eq!(names(&answer.feed()), expected, "{target}");
            let (set, query) = list.split_once('?').unwrap_or((list, ""));
            let target = format!("{root}/{set}/$count?{query}");
            let counted = app.get(&target).await.expect_status(200).text();
            assert_eq!(counted, expected.len().to_string(), "{target}");
        }
        for (key, status) in [
            ("(Id='git',Version='1.1')", 200),
            ("(Version=%271.0.0%27,Id=%27GIT%27)", 200),
            ("(Id='git',Version='2.0-beta')", 404),
            ("(Id='git',Version='2.0.0')", 404),
            ("(Id='git')", 400),
        ] {
            let target = format!("{root}/Packages{key}");
            assert_eq!(app.get(&target).await.status, status, "{target}");
        }
    }
}

#[tokio::test]
async fn entries_of_version_one_are_its_own() {
    let app = app().await;
    for root in ROOTS {
        let base = app.url(root);
        let entry = app.get(&format!("{root}/Packages(Id='git',Version='1.1')")).await;
        let entry = entry.expect_status(200);
        assert_eq!(
            entry.header("content-type"),
            Some("application/atom+xml;type=entry;charset=utf-8")
        );
        let text = entry.text();
        for part in [
            format!("<id>{base}/Packages(Id='Git',Version='1.1.0')</id>"),
            format!("<content type=\"application/zip\" src=\"{base}/package/Git/1.1.0\"/>"),
            "<category term=\"NuGetGallery.OData.V1FeedPackage\"".to_owned(),
            "<title type=\"text\">Git</title>".to_owned(),
            "<d:Tags xml:space=\"preserve\"> vcs </d:Tags>".to_owned(),
            "<d:Rating m:type=\"Edm.Double\">0</d:Rating>".to_owned(),
            "<d:IsLatestVersion m:type=\"Edm.Boolean\">true</d:IsLatestVersion>".to_owned(),
        ] {
            assert!(text.contains(&part), "no {part} in {text}");
        }
        for part in ["NormalizedVersion", "IsPrerelease", "IsAbsoluteLatestVersion", "Listed"] {
            assert!(!text.contains(part), "{part} in {text}");
        }
        let unlisted = app
            .get(&format!("{root}/Packages(Id='git',Version='1.0')"))
            .await
            .text();
        assert!(unlisted.contains("<d:Published m:type=\"Edm.DateTime\">1900-01-01T00:00:00</d:Published>"));
        let metadata = app.get(&format!("{root}/$metadata")).await.expect_status(200).text();
        assert!(metadata.contains("V1FeedContext") && !metadata.contains("V2FeedPackage"));
        let service = app.get(root).await.expect_status(200).text();
        assert!(service.contains(&format!("xml:base=\"{base}/\"")), "{service}");
        let downloaded = app.get(&format!("{root}/package/git/1.1")).await.expect_status(200);
        assert_eq!(downloaded.header("content-type"), Some("application/zip"));
    }
}

#[tokio::test]
async fn what_version_one_does_not_have_is_refused() {
    let app = app().await;
    for (target, status) in [
        ("/api/v1/Packages()?$filter=IsPrerelease", 400),
        ("/api/v1/Packages()?$orderby=NormalizedVersion", 400),
        ("/api/v1/Packages()?$select=Listed", 400),
        ("/api/v1/Packages()/$count?$filter=IsAbsoluteLatestVersion", 400),
        ("/api/v1/Packages(Id='git',Version='1.1')/IsPrerelease", 404),
        ("/api/v1/GetUpdates()?packageIds='git'&versions='1.0'", 404),
        ("/api/v1/package-ids?partialId=g", 404),
        ("/api/v1/git/1.1", 404),
        ("/api/v1/nonsense", 404),
    ] {
        let answer = app.get(target).await.expect_status(status);
        assert!(answer.text().contains("<m:error"), "{target}");
    }
}

#[tokio::test]
async fn constants_and_titles_of_version_one_are_asked_for_as_they_are_shown() {
    let app = TestApp::start("server.page_size = 2\n").await;
    for (id, title) in [
        ("alpha", Some("Zebra")),
        ("beta", None),
        ("gamma", Some("Ape")),
        ("Delta", None),
    ] {
        let package = Nupkg::new(id, "1.0");
        let package = title
            .into_iter()
            .fold(package, |package, title| package.element("title", title))
            .pack();
        app.push(&package).await.expect_status(201);
    }
    let all = ["alpha 1.0", "beta 1.0", "Delta 1.0", "gamma 1.0"];
    for (options, expected) in [
        ("$orderby=Rating desc,DownloadCount desc,Id", &all[..]),
        ("$orderby=ExternalPackageUrl,Rating&$filter=Rating ge 0", &all),
        ("$filter=Rating eq 0 and ExternalPackageUrl eq null", &all),
        ("$filter=Rating gt 0.5 or ExternalPackageUrl ne null", &[]),
        ("$orderby=Title", &["gamma 1.0", "beta 1.0", "Delta 1.0", "alpha 1.0"]),
        (
            "$orderby=Rating,Title desc",
            &["alpha 1.0", "Delta 1.0", "beta 1.0", "gamma 1.0"],
        ),
        (
            "$orderby=concat(Title,Id)",
            &["gamma 1.0", "beta 1.0", "Delta 1.0", "alpha 1.0"],
        ),
        (
            "$filter=Title eq 'beta' or startswith(tolower(Title),'de')",
            &["beta 1.0", "Delta 1.0"],
        ),
        ("$filter=Title eq null", &[]),
    ] {
        let mut target = format!("/api/v1/Packages()?{options}");
        let mut found = Vec::new();
        loop {
            let page = app.feed(&target).await;
            found.extend(names(&page));
            let Some(next) = page.next else { break };
            target = next.replace(&app.url(""), "");
        }
        assert_eq!(found, expected, "{options}");
    }
    let entry = app
        .get("/api/v1/Packages(Id='beta',Version='1.0')?$select=Rating,ExternalPackageUrl")
        .await;
    let entry = entry.expect_status(200).text();
    for part in [
        "<d:Rating m:type=\"Edm.Double\">0</d:Rating>",
        "<d:ExternalPackageUrl m:null=\"true\"></d:ExternalPackageUrl>",
    ] {
        assert!(entry.contains(part), "no {part} in {entry}");
    }
    assert!(!entry.contains("<d:Id>"), "{entry}");
    for option in ["$filter=Rating eq 0", "$orderby=Rating", "$select=ExternalPackageUrl"] {
        let answer = app
            .get(&format!("/api/v2/Packages()?{option}"))
            .await
            .expect_status(400);
        assert!(answer.text().contains("/api/v1/"), "{}", answer.text());
    }
}

#[tokio::test]
async fn the_first_clients_are_sent_on_to_the_nupkg() {
    let app = app().await;
    for root in ["/v1", "/api/v1", "/feeds/ours/api/v1"] {
        let target = format!("{root}/Package/Download/Git/1.1");
        let answer = app.get(&target).await.expect_status(301);
        let path = format!("{root}/package/Git/1.1.0");
        assert_eq!(answer.header("location"), Some(app.url(&path).as_str()));
        assert_eq!(app.get(&path).await.body, app.get("/api/v2/package/git/1.1").await.body);
        app.manage("POST", &target).await.expect_status(405);
    }
}

#[tokio::test]
async fn the_first_ways_to_push_say_where_to_push_now() {
    let app = app().await;
    for (method, path, push_path) in [
        ("POST", "/v1/PackageFiles/0a1b-2c3d/nupkg", "/api/v2/package/"),
        ("POST", "/api/v1/PackageFiles/0a1b-2c3d/nupkg", "/api/v2/package/"),
        ("DELETE", "/v1/Packages/0a1b-2c3d/git/1.1", "/api/v2/package/"),
        ("POST", "/api/v1/Packages/0a1b-2c3d/git/1.1", "/api/v2/package/"),
        ("POST", "/v1/PublishedPackages/Publish", "/api/v2/package/"),
        ("PUT", "/api/v1/package", "/api/v2/package/"),
        ("DELETE", "/api/v1/package/git/1.1", "/api/v2/package/"),
        (
            "POST",
            "/feeds/ours/api/v1/PackageFiles/0a1b-2c3d/nupkg",
            "/feeds/ours/api/v2/package/",
        ),
    ] {
        let request = app.request(method, path).body(vec![0_u8; 100_000]);
        let answer = crate::support::app::send(request).await.expect("a whole answer");
        let answer = answer.expect_status(410);
        assert_eq!(answer.header("content-type"), Some("text/plain;charset=utf-8"));
        assert!(answer.text().contains(&app.url(push_path)), "{}", answer.text());
        assert_eq!(answer.reason, answer.text(), "{path}");
        assert!(!answer.text().contains("0a1b"), "{}", answer.text());
    }
    assert_eq!(
        names(&app.feed("/api/v1/FindPackagesById()?id='git'").await),
        ["Git 1.1", "Git 1.0"]
    );
}

#[tokio::test]
async fn a_key_in_a_path_is_not_said_again() {
    let app = app().await;
    for target in [
        "/PackageFiles/0a1b-2c3d/nupkg",
        "/api/v2/PackageFiles/0a1b-2c3d/nupkg",
        "/api/v2/Packages/0a1b-2c3d/git/1.1",
        "/api/v1/Packages/0a1b-2c3d",
    ] {
        let answer = app.manage("POST", target).await;
        assert!(answer.status >= 400, "{target}: {}", answer.status);
        let said = format!("{} {}", answer.reason, answer.text());
        assert!(!said.contains("0a1b"), "{target}: {said}");
    }
}
