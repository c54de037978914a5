//! Upstreams' lists walked by the command, by a server, and after a kill.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::feed::Feed;
use crate::support::larder::{ADMIN_KEY, LarderProcess};
use crate::support::long_list::{ListRules, LongList, PAGE};
use crate::support::process::Ran;
use crate::support::raw_http;

/// As the community repository is: its links pass the ceiling.
const COMMUNITY: ListRules = ListRules {
    ceiling: 400,
    links_pass_it: true,
    takes_beginnings: true,
};

/// As strict as it may become.
const STRICT: ListRules = ListRules {
    links_pass_it: false,
    ..COMMUNITY
};

/// How many ids: more than the community repository gives out at once, where that is asked for.
fn many() -> (usize, usize) {
    if std::env::var_os("LARDER_FULL").is_some() {
        (10_300, 10_000)
    } else {
        (1_030, 400)
    }
}

fn prepare(gallery: &LongList, more: &str) -> LarderProcess {
    LarderProcess::prepare(&gallery.configuration(more), ADMIN_KEY)
}

async fn run(larder: LarderProcess, name: &'static str, arguments: &'static [&'static str]) -> (LarderProcess, Ran) {
    tokio::task::spawn_blocking(move || {
        let ran = larder.command(name, arguments);
        (larder, ran)
    })
    .await
    .expect("a command")
}

async fn restart(mut larder: LarderProcess) -> LarderProcess {
    tokio::task::spawn_blocking(move || {
        larder.restart();
        larder
    })
    .await
    .expect("a start")
}

/// Returns all names of a list, over all pages.
async fn all_names(larder: LarderProcess, target: &str) -> (LarderProcess, Vec<String>) {
    let mut next = Some(target.to_owned());
    tokio::task::spawn_blocking(move || {
        let mut names = Vec::new();
        while let Some(target) = next {
            let answer = raw_http::get(larder.authority(), &target).expect_status(200);
            let page = Feed::parse(&answer.text());
            names.extend(page.names());
            let root = larder.base_url().to_owned();
            next = page.next.map(|next| next.trim_start_matches(&root).to_owned());
        }
        (larder, names)
    })
    .await
    .expect("an answer")
}

#[track_caller]
fn prints(ran: &Ran, code: i32, needles: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran}");
    for needle in needles {
        assert!(ran.output.contains(needle), "no {needle:?} in the output of {ran}");
    }
}

const LATEST: &str = "/api/v2/Search()?$filter=IsLatestVersion&$orderby=Id&searchTerm=''&includePrerelease=false";
const SEARCHES: [&str; 4] = [
    LATEST,
    "/api/v2/Search()?$filter=IsAbsoluteLatestVersion&$orderby=Id&searchTerm=''&includePrerelease=true",
    "/api/v2/Packages()?$filter=(startswith(tolower(Id),'git'))%20and%20IsLatestVersion",
    "/api/v2/Search()?$filter=IsLatestVersion&$orderby=Id&searchTerm='git.1'&includePrerelease=false",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_synced_list_is_whole_and_is_answered_offline() {
    let (count, ceiling) = many();
    for rules in [ListRules { ceiling, ..COMMUNITY }, ListRules { ceiling, ..STRICT }] {
        let mut gallery = LongList::start(rules).await;
        gallery.fill(count);
        let (larder, ran) = run(prepare(&gallery, ""), "sync", &[]).await;
        prints(&ran, 0, &[&format!("gallery: {count} ids, ")]);
        let asked = gallery.targets().len();
        if rules.links_pass_it {
            assert_eq!(asked, 2 * count.div_ceil(PAGE), "as few pages as the two lists have");
        }
        let larder = restart(larder).await;
        let (larder, shown) = run(larder, "status", &[]).await;
        prints(&shown, 0, &["  synced    "]);
        let mut online = Vec::new();
        let mut larder = Some(larder);
        for search in SEARCHES {
            let (back, names) = all_names(larder.take().expect("a larder"), search).await;
            larder = Some(back);
            online.push(names);
        }
        assert_eq!(gallery.targets().len(), asked, "the upstream was asked for no search");
        assert_eq!(online[0].len(), count);
        assert!(online[0].contains(&"git0 1.1".to_owned()) && online[1].contains(&"git0 2.0-beta".to_owned()));
        gallery.stop().await;
        let (back, ran) = run(larder.take().expect("a larder"), "offline", &["on"]).await;
        prints(&ran, 0, &[]);
        let mut larder = Some(back);
        for (search, expected) in SEARCHES.iter().zip(online) {
            let (back, names) = all_names(larder.take().expect("a larder"), search).await;
            larder = Some(back);
            assert_eq!(names, expected, "{search}");
        }
        // What nobody has is known to be nowhere, and no upstream is missing in the answer.
        let larder = larder.expect("a larder");
        let nothing = LATEST.replace("''", "'nobody'");
        let answer = raw_http::get(larder.authority(), &nothing).expect_status(200);
        assert_eq!(answer.header("x-nuget-warning"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sync_goes_on_where_it_was() {
    let gallery = LongList::start(STRICT).await;
    gallery.fill(500);
    let mut larder = prepare(&gallery, "");
    let mut pages = 0;
    for answered in [0, 3, 7, 5] {
        let before = gallery.targets().len();
        gallery.hold_after(Some(answered));
        let mut child = larder.begin("sync");
        gallery.asked(before + answered + 1).await;
        child.kill().expect("a child to kill");
        child.wait().expect("a killed child");
        pages += answered;
    }
    let before = gallery.targets();
    gallery.hold_after(None);
    let (back, ran) = run(larder, "sync", &[]).await;
    larder = back;
    prints(&ran, 0, &["gallery: 500 ids, ", "taken up where it was cut off"]);
    let after = gallery.targets();
    assert_eq!(
        after[before.len()],
        before[before.len() - 1],
        "the page that was not answered"
    );
    // What one sync without a break takes.
    let other = prepare(&gallery, "");
    let (_, ran) = run(other, "sync", &[]).await;
    prints(&ran, 0, &["gallery: 500 ids, "]);
    let whole = gallery.targets().len() - after.len();
    assert_eq!(pages + (after.len() - before.len()), whole);
    let larder = restart(larder).await;
    let (_, names) = all_names(larder, LATEST).await;
    assert_eq!(names.len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_walked_is_told() {
    let rules = ListRules {
        takes_beginnings: false,
        ..STRICT
    };
    let mut gallery = LongList::start(rules).await;
    gallery.fill(500);
    let (larder, ran) = run(prepare(&gallery, ""), "sync", &[]).await;
    prints(
        &ran,
        1,
        &[
            "gallery: 400 ids, ",
            "incomplete gallery: ids that begin with 'p': ",
            "406",
        ],
    );
    // Searches are still handed on.
    let larder = restart(larder).await;
    let asked = gallery.targets().len();
    let (larder, _) = all_names(
        larder,
        "/api/v2/Search()?$filter=IsLatestVersion&searchTerm='git'&$top=1",
    )
    .await;
    assert!(gallery.targets().len() > asked);
    let (larder, ran) = run(larder, "sync", &["--upstream", "nowhere"]).await;
    prints(&ran, 1, &["there is no upstream 'nowhere'"]);
    gallery.stop().await;
    let (larder, ran) = run(larder, "sync", &[]).await;
    prints(
        &ran,
        1,
        &[
            "a server is running (process ",
            "stopped gallery: ",
            "is not available",
            "run this again to go on there",
        ],
    );
    let (larder, ran) = run(larder, "offline", &["on"]).await;
    prints(&ran, 0, &[]);
    let (_, ran) = run(larder, "sync", &[]).await;
    prints(&ran, 1, &["stopped gallery: larder is offline"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_syncs_by_itself_and_for_who_asks() {
    let gallery = LongList::start(COMMUNITY).await;
    gallery.fill(90);
    let scheduled = prepare(&gallery, "[upstream.sync]\nmetadata = \"latest\"\n");
    let scheduled = restart(scheduled).await;
    gallery.asked(2 * 3).await;
    drop(scheduled);
    let before = gallery.targets().len();
    let larder = restart(prepare(&gallery, "")).await;
    let (larder, ran) = run(larder, "sync", &["--upstream", "gallery"]).await;
    prints(&ran, 0, &["a server is running (process ", "gallery: 90 ids, "]);
    let asked = gallery.targets().len();
    assert_eq!(asked - before, 2 * 3);
    let (_, names) = all_names(larder, LATEST).await;
    assert_eq!(names.len(), 90);
    assert_eq!(gallery.targets().len(), asked);
}

/// Syncs and returns how it ended.
async fn sync(app: &TestApp, metadata: &str) -> serde_json::Value {
    let order = json!({ "upstream": "gallery", "metadata": metadata });
    let answer = app.order("/admin/sync", &order).await.expect_status(200);
    let text = answer.text();
    let last = text.lines().last().expect("a line");
    serde_json::from_str(last).expect("JSON")
}

#[tokio::test]
async fn all_versions_are_learnt_once_and_then_what_changed() {
    let gallery = LongList::start(COMMUNITY).await;
    gallery.fill(60);
    let mut app = TestApp::start(&gallery.configuration("")).await;
    let (pages, ids) = (4, 60);
    let progress = sync(&app, "all").await;
    assert_eq!(progress["end"]["finished"]["incomplete"], json!([]));
    assert_eq!(progress["counts"]["ids"], 60);
    assert_eq!(gallery.targets().len(), pages + ids);
    // All versions, and no question for them.
    assert_eq!(
        app.get("/api/v2/Packages()/$count").await.text(),
        (2 * 60 + 9).to_string()
    );
    assert_eq!(gallery.targets().len(), pages + ids);

    gallery.put("git0", &["1.0", "1.1", "3.0"]);
    gallery.put("newcomer", &["1.0"]);
    gallery.put("vlc-2", &["1.0", "!1.1"]);
    gallery.remove("7zip3");
    app.restart().await;
    let before = gallery.targets().len();
    let progress = sync(&app, "all").await;
    assert_eq!(progress["counts"]["gone"], 1);
    let mut asked: Vec<String> = gallery.targets().split_off(before);
    asked.retain(|target| target.contains("FindPackagesById"));
    let asked_for = |id: &str| {
        asked
            .iter()
            .filter(|target| target.contains(&format!("'{id}'")))
            .count()
    };
    assert_eq!(
        ["git0", "newcomer", "vlc-2", "7zip3"].map(asked_for),
        [1, 1, 1, 1],
        "{asked:?}"
    );
    assert_eq!(asked.len(), 4);
    let names = |target: &'static str| {
        let app = &app;
        async move { crate::support::app::names(&app.feed(target).await) }
    };
    assert_eq!(
        names("/api/v2/Packages()?$filter=Id eq 'git0'").await,
        ["git0 3.0", "git0 1.1", "git0 1.0"]
    );
    assert_eq!(
        names("/api/v2/Search()?$filter=IsLatestVersion&searchTerm='packageid:vlc-2'").await,
        ["vlc-2 1.0"]
    );
    assert_eq!(
        names("/api/v2/Search()?$filter=IsLatestVersion&searchTerm='packageid:7zip3'").await,
        [""; 0]
    );
}

#[tokio::test]
async fn an_unlisted_latest_is_noticed_where_only_the_latest_are_kept() {
    let gallery = LongList::start(COMMUNITY).await;
    gallery.fill(5);
    let app = TestApp::start(&gallery.configuration("")).await;
    sync(&app, "latest").await;
    gallery.put("git0", &["1.0", "!1.1"]);
    sync(&app, "latest").await;
    let found = app
        .feed("/api/v2/Search()?$filter=IsLatestVersion&searchTerm='packageid:git0'")
        .await;
    assert_eq!(crate::support::app::names(&found), ["git0 1.0"]);
}

#[tokio::test]
async fn a_sync_counts_for_as_long_as_its_rows_are_there() {
    let gallery = LongList::start(COMMUNITY).await;
    gallery.fill(5);
    let mut app = TestApp::start(&gallery.configuration("")).await;
    let search = "/api/v2/Search()?$filter=IsLatestVersion&searchTerm='git'";
    sync(&app, "latest").await;
    let asked = gallery.targets().len();
    app.get(search).await.expect_status(200);
    assert_eq!(gallery.targets().len(), asked);
    // Where all versions are wanted, the latest are not enough.
    app.get("/api/v2/Search()?searchTerm='git'").await.expect_status(200);
    assert!(gallery.targets().len() > asked);
    // Too long ago.
    let asked = gallery.targets().len();
    app.clock.advance(std::time::Duration::from_secs(31 * 3600));
    app.get(search).await.expect_status(200);
    assert!(gallery.targets().len() > asked);
    sync(&app, "latest").await;
    app.stop().await;
    std::fs::remove_dir_all(app.data().join("index")).expect("an index to lose");
    app.open().await;
    let asked = gallery.targets().len();
    app.get(search).await.expect_status(200);
    assert!(gallery.targets().len() > asked, "the rows went with the index");
}
