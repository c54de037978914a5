//! `Packages(Id=..,Version=..)/Property` and its `$value`.

use crate::support::app::TestApp;
use crate::support::nupkg::Nupkg;

const D: &str = "xmlns:d=\"http://schemas.microsoft.com/ado/2007/08/dataservices\"";

async fn app() -> TestApp {
    let app = TestApp::start("").await;
    let package = Nupkg::new("Git", "2.40").tags("vcs").description("Fast & small");
    app.push(&package.pack()).await.expect_status(201);
    app
}

#[tokio::test]
async fn a_property_is_a_document_of_its_own() {
    let app = app().await;
    for (name, element) in [
        ("Id", "Id", ">Git</d:Id>"),
        ("version", "Version", ">2.40</d:Version>"),
        (
            "NormalizedVersion",
            "NormalizedVersion",
            ">2.40.0</d:NormalizedVersion>",
        ),
        ("Description", "Description", ">Fast &amp; small</d:Description>"),
        (
            "IsLatestVersion",
            "IsLatestVersion",
            " m:type=\"Edm.Boolean\">true</d:IsLatestVersion>",
        ),
        (
            "DownloadCount",
            "DownloadCount",
            " m:type=\"Edm.Int32\">0</d:DownloadCount>",
        ),
        ("Tags", "Tags", " xml:space=\"preserve\"> vcs </d:Tags>"),
        ("Title", "Title", " m:null=\"true\"></d:Title>"),
        // Declared, and not told by what is hosted here.
        (
            "PackageReviewer",
            "PackageReviewer",
            " m:null=\"true\"></d:PackageReviewer>",
        ),
    ]
    .map(|(name, element, rest)| (name, (element, rest)))
    {
        for target in [
            format!("/api/v2/Packages(Id='git',Version='2.40.0')/{name}"),
            format!("/nuget//Packages(Version=%272.40%27,Id=%27GIT%27)/{name}/"),
        ] {
            let answer = app.get(&target).await.expect_status(200);
            assert_eq!(answer.header("content-type"), Some("application/xml;charset=utf-8"));
            assert_eq!(answer.header("dataserviceversion"), Some("2.0;"));
            let (element, rest) = element;
            let text = answer.text();
            let begin = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><d:{element} {D}");
            assert!(text.starts_with(&begin) && text.ends_with(rest), "{target}: {text}");
        }
    }
}

#[tokio::test]
async fn a_value_is_its_text_alone() {
    let app = app().await;
    for (name, expected) in [
        ("Id", "Git"),
        ("Version", "2.40"),
        ("Description", "Fast & small"),
        ("IsPrerelease", "false"),
        ("tags", " vcs "),
    ] {
        let target = format!("/api/v2/Packages(Id='git',Version='2.40')/{name}/$value");
        let answer = app.get(&target).await.expect_status(200);
        assert_eq!(answer.header("content-type"), Some("text/plain;charset=utf-8"));
        assert_eq!(answer.text(), expected, "{target}");
        let head = app.request("HEAD", &target).send().await.expect("an answer");
        assert_eq!(head.headers()["content-length"], expected.len().to_string());
    }
}

#[tokio::test]
async fn what_is_no_property_is_not_found() {
    let app = app().await;
    for (rest, status) in [
        ("(Id='git',Version='2.40')/Title/$value", 404),
        ("(Id='git',Version='2.40')/Nonsense", 404),
        ("(Id='git',Version='2.40')/Nonsense/$value", 404),
        ("(Id='git',Version='2.40')/$links/Owners", 404),
        ("(Id='git',Version='2.40')/Title/$links", 404),
        ("(Id='git',Version='9.9')/Id", 404),
        ("('git')/Id", 400),
        ("('git')", 400),
        ("(Id='git',Version='x')/Id", 400),
        ("(Id='git',Version='2.40')/Id?$nonsense=1", 400),
    ] {
        let target = format!("/api/v2/Packages{rest}");
        let answer = app.get(&target).await.expect_status(status);
        assert!(answer.text().contains("<m:error"), "{target}");
    }
    let target = "/api/v2/Packages(Id='git',Version='2.40')/Id";
    app.manage("POST", target).await.expect_status(405);
}
