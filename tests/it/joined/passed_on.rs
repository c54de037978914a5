//! What upstreams are asked with: the client's filter where they take it, and never a private name.

use std::time::Duration;

use super::{TAIL, by_links, count, host, mirror, rows};
use crate::support::app::{TestApp, names};
use crate::support::gallery::upstream_at;
use crate::support::searched::{Filters, Listed, SearchGallery};

const BY_ID: &str = "Packages()?$filter=(substringof('ool',tolower(Id))) and IsLatestVersion&$orderby=Id";

fn insides() -> Vec<Listed> {
    let mut insides = rows("atool.", 12);
    insides.push(Listed::new("stool", "ool", 3));
    insides
}

#[tokio::test]
async fn a_refusal_is_remembered_for_hours() {
    let gallery = SearchGallery::start(insides(), Filters::Refused(406)).await;
    let app = mirror("", &[("gallery", &gallery)]).await;
    let filtered = || gallery.asked_for("substringof");
    let warned = async |list: &str| {
        let answer = app.get(&format!("/api/v2/{list}")).await.expect_status(200);
        let warning = answer.warning().expect("a warning").to_owned();
        assert!(
            warning.contains("may be incomplete") && warning.contains("gallery"),
            "{warning}"
        );
        names(&answer.feed())
    };
    assert_eq!(warned(BY_ID).await, ["stool 1.0"], "the word is in its tags");
    assert_eq!((filtered(), gallery.asked_for("searchTerm='ool'")), (1, 1));
    warned(&BY_ID.replace("ool", "too")).await;
    assert_eq!(filtered(), 1, "the shape is the same");
    app.clock.advance(Duration::from_secs(6 * 3600 - 1));
    warned(BY_ID).await;
    assert_eq!(filtered(), 1);
    gallery.change(|gallery| gallery.filters = Filters::Taken);
    app.clock.advance(Duration::from_secs(1));
    app.clock.advance(Duration::from_secs(300));
    let (found, answer) = by_links(&app, BY_ID, async |_| {}).await;
    assert_eq!((found.len(), answer.warning()), (13, None));
    assert_eq!(filtered(), 2);
}

#[tokio::test]
async fn who_does_not_understand_a_filter_is_searched_for_words() {
    for (filters, packages) in [
        (Filters::Misunderstood, insides()),
        (
            Filters::Ignored,
            [rows("a", 60), vec![Listed::new("stool", "ool", 3)]].concat(),
        ),
    ] {
        let gallery = SearchGallery::start(packages, filters).await;
        let app = mirror("", &[("gallery", &gallery)]).await;
        for _ in 0..2 {
            let answer = app.get(&format!("/api/v2/{BY_ID}")).await.expect_status(200);
            assert_eq!(names(&answer.feed()), ["stool 1.0"], "{filters:?}");
            assert!(
                answer.warning().is_some_and(|warning| warning.contains("whole words")),
                "{filters:?}"
            );
        }
        assert_eq!(gallery.asked_for("substringof"), 1, "{filters:?}");
        app.get(&format!("/api/v2/{}", BY_ID.replace("ool", "nothing"))).await;
        assert_eq!(gallery.asked_for("substringof"), 1, "{filters:?}: it is remembered");
    }
    // Nothing is found with it, nor without: then it may well have been understood.
    let gallery = SearchGallery::start(insides(), Filters::Taken).await;
    let app = mirror("", &[("gallery", &gallery)]).await;
    let answer = app
        .get(&format!("/api/v2/{}", BY_ID.replace("ool", "zzz")))
        .await
        .expect_status(200);
    assert_eq!((answer.feed().entries.len(), answer.warning()), (0, None));
}

#[tokio::test]
async fn a_search_with_a_filter_is_passed_on_as_choco_sends_it() {
    let gallery = SearchGallery::start(insides(), Filters::Taken).await;
    let app = mirror("", &[("gallery", &gallery)]).await;
    let search = format!(
        "Search()?$filter=(substringof('stool',tolower(Id))) and IsLatestVersion&$orderby=Id&searchTerm='stool'{TAIL}"
    );
    assert_eq!(by_links(&app, &search, async |_| {}).await.0, ["stool"]);
    assert_eq!(gallery.asked(), [format!("/api/v2/{search}&$skip=0&$top=40")]);
    // Where it is refused, the search is the same without it: words are what was asked for.
    gallery.change(|gallery| gallery.filters = Filters::Refused(400));
    app.clock.advance(Duration::from_secs(300));
    let (found, answer) = by_links(&app, &search, async |_| {}).await;
    assert_eq!((found, answer.warning()), (vec!["stool".to_owned()], None));
}

#[tokio::test]
async fn no_literal_of_a_filter_tells_a_private_name() {
    let gallery = SearchGallery::start(insides(), Filters::Taken).await;
    let feed = "[[feed]]\nname = \"f\"\nupstreams = [\"gallery\"]\nreserved = [\"contoso.*\"]\n";
    let app = TestApp::start(&format!("{}{feed}", upstream_at("gallery", &gallery.url()))).await;
    host(&app, &Listed::new("acme.secret", "tool", 0)).await;
    for filter in [
        "substringof('acme.secret',tolower(Id))",
        "substringof('tool',Tags) and substringof('Acme.Secret',Id)",
        "substringof('tool',Tags) or substringof('contoso.tools',Id)",
        "startswith(Id,'acme.secret')",
        "endswith(Id,'acme.secret') and substringof('tool',Tags)",
        "((Id ne null) and substringof('contoso.x',tolower(Id))) or ((Tags ne null) and substringof(' tool ',tolower(Tags)))",
    ] {
        for list in ["Packages()?", "Search()?includePrerelease=true&searchTerm='tool'&"] {
            let list = format!("{list}$filter=({filter}) and IsLatestVersion");
            app.get(&format!("/api/v2/{list}")).await.expect_status(200);
            count(&app, &list).await;
        }
    }
    assert_eq!(gallery.asked(), Vec::<String>::new());
    app.get(&format!("/api/v2/{BY_ID}")).await.expect_status(200);
    assert_eq!(gallery.asked().len(), 1);
}

#[tokio::test]
async fn an_upstream_may_be_searched_among_what_is_known() {
    let gallery = SearchGallery::start(insides(), Filters::Taken).await;
    let config = format!("{}search = \"known\"\n", upstream_at("gallery", &gallery.url()));
    let app = TestApp::start(&config).await;
    assert_eq!(app.versions("stool").await, ["stool 1.0"]);
    for list in [
        BY_ID,
        "Search()?searchTerm='ool'",
        "Search()?searchTerm=''",
        "Packages()?$orderby=Id",
    ] {
        let answer = app.get(&format!("/api/v2/{list}")).await.expect_status(200);
        assert_eq!(names(&answer.feed()), ["stool 1.0"]);
        assert!(
            answer
                .warning()
                .is_some_and(|warning| warning.contains("not asked for searches")),
            "{list}"
        );
        let (counted, warning) = count(&app, list).await;
        assert!(counted == 1 && warning.is_some(), "{list}");
    }
    assert_eq!(gallery.asked_for("Search()"), 0);
}
