//! Every address by every method, for every way in which a name can be private: none of it reaches an upstream.

use percent_encoding::percent_decode_str;
use serde_json::json;

use super::{PRIVATE, canary, lists, secret};
use crate::support::app::{KEY, TestApp, send};
use crate::support::gallery::{template, upstream};
use crate::support::long_list::{ListRules, LongList};
use crate::support::upstream::ScriptedUpstream;

const ROOTS: [&str; 6] = [
    "/api/v2",
    "/nuget",
    "/chocolatey",
    "/API/V2/",
    "/feeds/main/api/v2",
    "/feeds/MAIN/api/v2/",
];

const FIRST_ROOTS: [&str; 4] = [
    "/api/v1",
    "/v1/FeedService.svc",
    "/api/v1/FeedService.svc",
    "/feeds/main/api/v1",
];

const SPELLINGS: [&str; 4] = ["Acme.Secret", "acme.secret", "ACME.SECRET", "Acme%2ESecret"];

/// A way in which the id is private: the keys of the feed, and of both upstreams; and where it is hosted.
struct Way {
    name: &'static str,
    feed: &'static str,
    upstreams: &'static str,
    hosted_in: Option<&'static str>,
}

const WAYS: [Way; 7] = [
    Way {
        name: "hosted",
        feed: "",
        upstreams: "",
        hosted_in: Some("/api/v2/package/"),
    },
    Way {
        name: "reserved",
        feed: "reserved = [\"acme.s*\"]\n",
        upstreams: "",
        hosted_in: None,
    },
    Way {
        name: "reserved, where versions alone are hidden",
        feed: "reserved = [\"*.secret\"]\nshadow = \"version\"\n",
        upstreams: "",
        hosted_in: Some("/api/v2/package/"),
    },
    Way {
        name: "denied",
        feed: "",
        upstreams: "deny = [\"ACME.secret\"]\n",
        hosted_in: None,
    },
    Way {
        name: "not allowed",
        feed: "",
        upstreams: "allow = [\"acme.public\", \"git*\"]\n",
        hosted_in: None,
    },
    Way {
        name: "hosted in an included feed",
        feed: "include = [\"team\"]\n[[feed]]\nname = \"team\"\n",
        upstreams: "",
        hosted_in: Some("/feeds/team/api/v2/package/"),
    },
    Way {
        name: "reserved in a feed that an included feed includes",
        feed: "include = [\"team\"]\n[[feed]]\nname = \"team\"\ninclude = [\"lab\"]\n[[feed]]\nname = \"lab\"\nreserved = [\"acme.secret\"]\n",
        upstreams: "",
        hosted_in: None,
    },
];

impl Way {
    async fn start(&self, canary: &ScriptedUpstream) -> TestApp {
        let upstreams = [upstream("canary", canary), template("files", canary)];
        let configuration = format!(
            "{}{}{}{}[[feed]]\nname = \"main\"\ndefault = true\nupstreams = [\"canary\", \"files\"]\n{}",
            upstreams[0], self.upstreams, upstreams[1], self.upstreams, self.feed
        );
        let app = TestApp::start(&configuration).await;
        if let Some(target) = self.hosted_in {
            app.push_to(target, &secret("1.0")).await.expect_status(201);
        }
        app
    }
}

/// Lists and documents of the one id, below a root.
fn list_targets() -> Vec<String> {
    let mut targets = lists();
    for id in SPELLINGS {
        targets.extend([
            format!("FindPackagesById()?id='{id}'"),
            format!("FindPackagesById(id='{id}')"),
            format!("findpackagebyid?Id={id}"),
            format!("/FindPackagesById%28%29/?id=%27{id}%27&$top=1&$skip=0"),
            format!("Packages(Id='{id}',Version='99.0')"),
            format!("/packages(Version=%2799.0%27,Id=%27{id}%27)/"),
            format!("Packages(Id={id},Version=99)"),
            format!("Packages(Id='{id}',Version='99.0')/Title/$value"),
            format!("Packages()?$filter=Id eq '{id}' or Id eq 'git'&$orderby=Id"),
            format!("Packages()?$filter=((Id eq '{id}') or (tolower(Id) eq '{id}')) or (Id eq 'other')&$inlinecount=allpages"),
            format!("Packages?$filter=startswith(Id,'{id}') or substringof('{id}',Id)&$select=Id"),
            format!("Packages()?$filter=concat(Id,'') eq '{id}'&$skiptoken='a','{id}','1.0'"),
            format!("Search()?searchTerm='{id}'&includePrerelease=true&$inlinecount=allpages&$format=json"),
            format!("Search()?searchTerm='git {id}'&$filter=Id eq '{id}'"),
            format!("search%28%29/?searchTerm=%22{id}%22"),
            format!("GetUpdates()?packageIds='git|{id}'&versions='1.0|0.1'&includePrerelease=true&includeAllVersions=true"),
        ]);
    }
    targets
}

/// Files and all that is no list, below a root.
fn other_targets() -> Vec<String> {
    let mut targets = Vec::new();
    for id in SPELLINGS {
        targets.extend([
            format!("package/{id}/99.0"),
            format!("/package//{id}/99.0.0/"),
            format!("package/{id}"),
            format!("{id}/99.0"),
            format!("api/v2/package/{id}/99.0"),
            format!("Packages(Id='{id}',Version='99.0')/Download"),
            format!("Packages(Id='{id}',Version='99.0')/$value"),
            format!("package-ids?partialId={id}&includePrerelease=true"),
            format!("package-versions/{id}?includePrerelease=true"),
        ]);
    }
    targets
}

fn first_targets() -> Vec<String> {
    let mut targets = list_targets();
    for id in SPELLINGS {
        targets.extend([
            format!("Package/Download/{id}/99.0"),
            format!("package/{id}/99.0"),
            format!("Packages(Id='{id}',Version='99.0')/$value"),
            format!("PackageFiles/{id}/nupkg"),
        ]);
    }
    targets
}

/// Asks, and sees that the answer has nothing of the upstream's.
async fn ask(request: reqwest::RequestBuilder, what: &str) {
    let answer = send(request).await.expect("a whole answer");
    let shown = format!("{:?} {}", answer.headers, answer.text());
    let entry = "Version m:type=\"Edm.String\">99.0";
    let told = [
        entry,
        "<d:Version>99.0",
        "\"Version\":\"99.0\"",
        "\"Version\": \"99.0\"",
    ];
    assert!(!told.iter().any(|told| shown.contains(told)), "{what}: {shown}");
}

async fn ask_in_all_ways(app: &TestApp, target: &str) {
    ask(app.request("GET", target), target).await;
    ask(app.request("HEAD", target), target).await;
    let conditional = app
        .request("GET", target)
        .header("If-None-Match", "\"x\", W/\"y\"")
        .header("If-Modified-Since", "Sun, 01 Mar 2026 12:00:00 GMT")
        .header("Range", "bytes=0-9")
        .header("Accept", "application/json;odata=verbose");
    ask(conditional, target).await;
}

async fn ask_everything(app: &TestApp) {
    let lists = list_targets();
    for (at, root) in ROOTS.iter().enumerate() {
        // All of them at the first root; elsewhere what differs by root is what is spelled differently.
        let some = lists.iter().skip(at).step_by(if at == 0 { 1 } else { 7 });
        for target in some.chain(&other_targets()) {
            ask_in_all_ways(app, &format!("{root}/{target}")).await;
        }
    }
    for list in &lists {
        let (set, query) = list.split_once('?').unwrap_or((list, ""));
        let target = format!("/api/v2/{set}/$count?{query}");
        ask(app.request("GET", &target), &target).await;
        let target = format!("/api/v2/{list}");
        ask(app.request("POST", &target), &target).await;
    }
    for (at, root) in FIRST_ROOTS.iter().enumerate() {
        for target in first_targets().iter().skip(at).step_by(if at == 0 { 1 } else { 5 }) {
            ask_in_all_ways(app, &format!("{root}/{target}")).await;
        }
    }
    for root in ["/api/v2", "/api/v1"] {
        let parts: Vec<String> = lists
            .iter()
            .map(|list| part(&app.url(&format!("{root}/{list}"))))
            .collect();
        for some in parts.chunks(20) {
            let body = format!("{}--batch_x--\r\n", some.concat());
            let request = app
                .request("POST", &format!("{root}/$batch"))
                .header("Content-Type", "multipart/mixed; boundary=batch_x");
            ask(request.body(body), "a batch").await;
        }
    }
    for id in SPELLINGS {
        for method in ["DELETE", "POST"] {
            let target = format!("/api/v2/package/{id}/99.0");
            let request = app.request(method, &target).header("X-NuGet-ApiKey", KEY);
            ask(request, &target).await;
        }
    }
}

fn part(url: &str) -> String {
    let url = url.replace(' ', "%20").replace('"', "%22");
    format!(
        "--batch_x\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET {url} HTTP/1.1\r\n\r\n"
    )
}

fn assert_unheard(canary: &ScriptedUpstream, way: &str) {
    for request in canary.requests() {
        let target = percent_decode_str(&request.target).decode_utf8_lossy().to_lowercase();
        assert!(!target.contains("acme.secret"), "{way}: {target}");
    }
}

async fn nothing_leaks(way: &Way) {
    let canary = canary().await;
    let app = way.start(&canary).await;
    ask_everything(&app).await;
    assert_unheard(&canary, way.name);
    // And not because nothing at all was asked.
    app.get("/api/v2/FindPackagesById()?id='acme.public'").await;
    assert!(canary.asked("acme.public") > 0, "{}", way.name);
}

#[tokio::test]
async fn a_hosted_name_is_told_to_nobody() {
    nothing_leaks(&WAYS[0]).await;
}

#[tokio::test]
async fn a_reserved_name_is_told_to_nobody() {
    nothing_leaks(&WAYS[1]).await;
    nothing_leaks(&WAYS[2]).await;
}

#[tokio::test]
async fn a_denied_name_is_told_to_nobody() {
    nothing_leaks(&WAYS[3]).await;
    nothing_leaks(&WAYS[4]).await;
}

#[tokio::test]
async fn an_included_name_is_told_to_nobody() {
    nothing_leaks(&WAYS[5]).await;
    nothing_leaks(&WAYS[6]).await;
}

/// The canary sings: where the name is not private, each kind of address is heard of.
#[tokio::test]
async fn the_canary_hears_what_is_not_private() {
    for target in [
        "/api/v2/FindPackagesById()?id='Acme.Secret'",
        "/api/v2/Packages(Id='Acme.Secret',Version='1.0')",
        "/api/v2/Packages()?$filter=Id eq 'Acme.Secret'",
        "/api/v2/Packages()?$filter=substringof('acme.secret',tolower(Id))",
        "/api/v2/Search()?searchTerm='Acme.Secret'",
        "/api/v2/GetUpdates()?packageIds='Acme.Secret'&versions='0.1'",
        "/api/v2/package/Acme.Secret/1.0",
        "/api/v2/package/Acme.Secret",
        "/api/v2/package-ids?partialId=Acme.Secret",
        "/api/v2/package-versions/Acme.Secret",
        "/api/v1/FindPackagesById()?id='Acme.Secret'",
        "/v1/FeedService.svc/Packages(Id='Acme.Secret',Version='1.0')",
        "/api/v1/package/Acme.Secret/1.0",
    ] {
        let canary = canary().await;
        let app = TestApp::start(&upstream("canary", &canary)).await;
        app.get(target).await;
        let heard = |request: &crate::support::faultd::Request| {
            let target = percent_decode_str(&request.target).decode_utf8_lossy().to_lowercase();
            target.contains("acme.secret")
        };
        assert!(canary.requests().iter().any(heard), "{target}");
    }
}

/// A list that is walked of larder's own accord may have names that are private here: they are not asked about.
#[tokio::test]
async fn a_sync_does_not_ask_about_private_names() {
    let gallery = LongList::start(ListRules {
        ceiling: 400,
        links_pass_it: true,
        takes_beginnings: true,
    })
    .await;
    gallery.fill(10);
    gallery.put(PRIVATE, &["98.0", "99.0"]);
    gallery.put("Acme.Denied", &["1.0"]);
    gallery.put("Acme.Reserved", &["1.0"]);
    let keys = gallery.configuration("deny = [\"*.denied\"]\n");
    let configuration = format!("{keys}reserved = [\"*.reserved\"]\n");
    let app = TestApp::start(&configuration).await;
    app.push(&secret("1.0")).await.expect_status(201);
    let order = json!({ "upstream": "gallery", "metadata": "all" });
    app.order("/admin/sync", &order).await.expect_status(200);
    let asked = gallery.targets();
    assert!(
        asked.iter().any(|target| target.contains("FindPackagesById")),
        "{asked:?}"
    );
    for target in &asked {
        let target = percent_decode_str(target).decode_utf8_lossy().to_lowercase();
        assert!(!target.contains("id='acme."), "{target}");
    }
    assert_eq!(app.versions(PRIVATE).await, ["Acme.Secret 1.0"]);
    assert!(app.versions("Acme.Denied").await.is_empty());
}
