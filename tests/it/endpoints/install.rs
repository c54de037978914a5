//! The script that installs Chocolatey from here.

use crate::support::app::TestApp;
use crate::support::nupkg::Nupkg;

#[tokio::test]
async fn the_script_downloads_from_this_server() {
    let app = TestApp::start("").await;
    let chocolatey = Nupkg::new("chocolatey", "2.3.0").pack();
    app.push(&chocolatey).await.expect_status(201);
    let answer = app.get("/install.ps1").await.expect_status(200);
    assert_eq!(answer.header("content-type"), Some("text/plain;charset=utf-8"));
    let script = answer.text();
    let url = app.url("/api/v2/package/chocolatey");
    assert!(script.contains(&format!("$package = '{url}'")), "{script}");
    assert!(!script.contains("@BASE"), "{script}");
    let downloaded = app.get("/api/v2/package/chocolatey").await.expect_status(200);
    assert_eq!(downloaded.body, chocolatey.bytes);
    app.manage("PUT", "/install.ps1").await.expect_status(405);
}

#[tokio::test]
async fn the_script_has_the_public_address_in_it_if_it_is_harmless() {
    let public = |url: &str| format!("server.public_url = \"{url}\"");
    let app = TestApp::start(&public("https://packages.example.com/larder/")).await;
    let script = app.get("/Install.ps1").await.expect_status(200).text();
    assert!(script.contains("'https://packages.example.com/larder/api/v2/package/chocolatey'"));
    let app = TestApp::start(&public("https://packages.example.com/it's/")).await;
    app.get("/install.ps1").await.expect_status(404);
}
