//! Feeds that show what other feeds have.

use crate::support::app::{TestApp, find, names};
use crate::support::gallery::{package_target, upstream};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::ScriptedUpstream;

/// `all` shows what `team-a` and `team-b` have; each has an upstream of its own, and so has `all`.
struct Company {
    upstreams: [ScriptedUpstream; 3],
    app: TestApp,
}

impl Company {
    async fn start(all: &str, team_a: &str, team_b: &str) -> Self {
        let upstreams = [
            ScriptedUpstream::start().await,
            ScriptedUpstream::start().await,
            ScriptedUpstream::start().await,
        ];
        let mut configuration = String::new();
        for (name, scripted) in ["of-all", "of-a", "of-b"].iter().zip(&upstreams) {
            configuration += &upstream(name, scripted);
        }
        configuration += &[
            "[[feed]]\nname = \"all\"\ndefault = true\nupstreams = [\"of-all\"]\ninclude = [\"team-a\", \"team-b\"]\n",
            all,
            "\n[[feed]]\nname = \"team-a\"\nupstreams = [\"of-a\"]\n",
            team_a,
            "\n[[feed]]\nname = \"team-b\"\nupstreams = [\"of-b\"]\n",
            team_b,
            "\n",
        ]
        .concat();
        let app = TestApp::start(&configuration).await;
        Self { upstreams, app }
    }

    async fn push(&self, feed: &str, package: &Packed) {
        let target = format!("/feeds/{feed}/api/v2/package/");
        self.app.push_to(&target, package).await.expect_status(201);
    }

    async fn versions(&self, feed: &str, id: &str) -> Vec<String> {
        let target = find(id).replacen("/api/v2", &format!("/feeds/{feed}/api/v2"), 1);
        names(&self.app.feed(&target).await)
    }

    fn asked(&self) -> [usize; 3] {
        [0, 1, 2].map(|at| self.upstreams[at].targets().len())
    }
}

fn tool(version: &str, tag: &str) -> Packed {
    Nupkg::new("tool", version).tags(tag).pack()
}

#[tokio::test]
async fn what_teams_host_shows_and_hides_all_upstreams() {
    let company = Company::start("", "", "").await;
    for scripted in &company.upstreams {
        scripted.has(&[&tool("9.0", "theirs")]);
    }
    company.push("team-a", &tool("1.0", "a")).await;
    company.push("team-b", &tool("1.0", "b")).await;
    company.push("team-b", &tool("2.0", "b")).await;
    assert_eq!(company.versions("all", "tool").await, ["tool 2.0", "tool 1.0"]);
    assert_eq!(company.asked(), [0, 0, 0]);
    // Of one version the first that has it answers.
    let first = company.app.get("/api/v2/package/tool/1.0").await.expect_status(200);
    assert_eq!(first.body, tool("1.0", "a").bytes);
    // What is hosted in the feed itself comes first of all.
    company.push("all", &tool("1.0", "own")).await;
    let first = company.app.get("/api/v2/package/tool/1.0").await.expect_status(200);
    assert_eq!(first.body, tool("1.0", "own").bytes);
    let latest = company.app.feed("/api/v2/Packages()?$filter=IsLatestVersion").await;
    assert_eq!(names(&latest), ["tool 2.0"]);
    for scripted in &company.upstreams {
        assert_eq!(scripted.targets().len(), scripted.asked("/Search()"));
    }
    // A team sees its own alone.
    assert_eq!(company.versions("team-a", "tool").await, ["tool 1.0"]);
    company
        .app
        .get("/feeds/team-a/api/v2/package/tool/2.0")
        .await
        .expect_status(404);
}

#[tokio::test]
async fn the_teams_upstreams_come_after_the_feeds_own() {
    let company = Company::start("", "", "").await;
    for (at, scripted) in company.upstreams.iter().enumerate() {
        scripted.has(&[&tool("1.0", &format!("of{at}")), &tool(&format!("2.{at}"), "x")]);
    }
    assert_eq!(
        company.versions("all", "tool").await,
        ["tool 2.2", "tool 2.1", "tool 2.0", "tool 1.0"]
    );
    let answer = company.app.get("/api/v2/package/tool/1.0").await.expect_status(200);
    assert_eq!(answer.body, tool("1.0", "of0").bytes);
    company.app.get("/api/v2/package/tool/2.2").await.expect_status(200);
    let target = package_target("tool", "2.2");
    assert_eq!([0, 1, 2].map(|at| company.upstreams[at].asked(&target)), [0, 0, 1]);
}

#[tokio::test]
async fn what_a_team_reserves_is_asked_of_nobody() {
    let company = Company::start("", "reserved = [\"tool\"]", "").await;
    for scripted in &company.upstreams {
        scripted.has(&[&tool("9.0", "theirs")]);
    }
    assert!(company.versions("all", "tool").await.is_empty());
    company.app.get("/api/v2/package/tool/9.0").await.expect_status(404);
    assert_eq!(company.asked(), [0, 0, 0]);
    // It is not reserved where the team is not included.
    assert_eq!(company.versions("team-b", "tool").await, ["tool 9.0"]);
    assert_eq!(company.asked(), [0, 0, 1]);
    assert!(company.versions("all", "tool").await.is_empty());
}

#[tokio::test]
async fn the_stricter_shadow_holds() {
    for (all, team_a, is_hidden) in [
        ("shadow = \"version\"", "shadow = \"version\"", false),
        ("shadow = \"version\"", "", true),
        ("", "shadow = \"version\"", true),
    ] {
        let company = Company::start(all, team_a, "").await;
        company.upstreams[0].has(&[&tool("9.0", "theirs")]);
        company.push("team-a", &tool("1.0", "a")).await;
        let shown = company.versions("all", "tool").await;
        let expected = if is_hidden {
            vec!["tool 1.0"]
        } else {
            vec!["tool 9.0", "tool 1.0"]
        };
        assert_eq!(shown, expected, "{all} {team_a}");
        assert_eq!(company.upstreams[0].targets().is_empty(), is_hidden, "{all} {team_a}");
    }
}

#[tokio::test]
async fn what_a_team_takes_back_goes_everywhere() {
    let company = Company::start("", "delete = \"remove\"", "").await;
    company.upstreams[0].has(&[&tool("9.0", "theirs")]);
    company.push("team-a", &tool("1.0", "a")).await;
    assert_eq!(company.versions("all", "tool").await, ["tool 1.0"]);
    // Only where it is hosted.
    company
        .app
        .manage("DELETE", "/api/v2/package/tool/1.0")
        .await
        .expect_status(404);
    let target = "/feeds/team-a/api/v2/package/tool/1.0";
    company.app.manage("DELETE", target).await.expect_status(204);
    assert_eq!(company.versions("all", "tool").await, ["tool 9.0"]);
}
