//! Mirrors that mirror each other, or themselves, say so at once.

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::app::TestApp;
use crate::support::gallery::{find_target, upstream, upstream_at};
use crate::support::nupkg::Nupkg;
use crate::support::upstream::ScriptedUpstream;

/// A port that leads to a server which is there later.
struct Door {
    url: String,
    leads_to: watch::Sender<Option<String>>,
}

impl Door {
    async fn build() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/api/v2/", listener.local_addr().expect("an address"));
        let (leads_to, target) = watch::channel(None);
        tokio::spawn(async move {
            while let Ok((mut incoming, _)) = listener.accept().await {
                let mut target = target.clone();
                tokio::spawn(async move {
                    let address = target.wait_for(Option::is_some).await.expect("a target").clone();
                    let outgoing = TcpStream::connect(address.unwrap_or_default()).await;
                    let mut outgoing = outgoing.expect("the server behind the door");
                    let _ = tokio::io::copy_bidirectional(&mut incoming, &mut outgoing).await;
                });
            }
        });
        Self { url, leads_to }
    }

    fn lead_to(&self, app: &TestApp) {
        self.leads_to.send_replace(Some(app.authority()));
    }
}

const QUESTIONS: [&str; 4] = [
    "/api/v2/FindPackagesById()?id='git'",
    "/api/v2/package/git/1.0",
    "/api/v2/Packages(Id='git',Version='1.0')",
    "/api/v2/Search()?searchTerm='git'",
];

#[tokio::test]
async fn a_larder_that_mirrors_itself_says_so() {
    let door = Door::build().await;
    let app = TestApp::start(&upstream_at("itself", &door.url)).await;
    door.lead_to(&app);
    for question in QUESTIONS {
        let answer = app.get(question).await.expect_status(508);
        assert!(answer.text().contains("'itself'"), "{}", answer.text());
    }
}

#[tokio::test]
async fn larders_that_mirror_each_other_say_so() {
    let (to_first, to_second, to_third) = (Door::build().await, Door::build().await, Door::build().await);
    let first = TestApp::start(&upstream_at("second", &to_second.url)).await;
    let second = TestApp::start(&upstream_at("third", &to_third.url)).await;
    let third = TestApp::start(&upstream_at("first", &to_first.url)).await;
    to_first.lead_to(&first);
    to_second.lead_to(&second);
    to_third.lead_to(&third);
    for app in [&first, &second, &third] {
        for question in QUESTIONS {
            app.get(question).await.expect_status(508);
        }
    }
    // What one of them has, all have.
    let git = Nupkg::new("git", "1.0").pack();
    third.push(&git).await.expect_status(201);
    assert_eq!(
        first.get("/api/v2/package/git/1.0").await.expect_status(200).body,
        git.bytes
    );
}

#[tokio::test]
async fn the_way_is_told_and_strangers_are_not_named() {
    let gallery = ScriptedUpstream::start().await;
    gallery.has(&[&Nupkg::new("git", "1.0").pack()]);
    let app = TestApp::start(&upstream("gallery", &gallery)).await;
    let larder = "1.1 larder-0123456789abcdef";
    let request = app
        .request("GET", "/api/v2/FindPackagesById()?id='git'")
        .header("Via", format!("1.0 proxy.corp, {larder}"));
    crate::support::app::send(request)
        .await
        .expect("an answer")
        .expect_status(200);
    let asked = gallery.requests();
    assert_eq!(asked[0].target, find_target("git"));
    let via = asked[0].header("via").expect("a way");
    assert!(via.starts_with(&format!("{larder}, 1.1 larder-")), "{via}");
    // Whoever has its own name sent to it was asked by itself.
    let own = via.rsplit(", ").next().expect("a last step");
    let request = app.request("GET", "/api/v2/").header("Via", own);
    crate::support::app::send(request)
        .await
        .expect("an answer")
        .expect_status(508);
}
