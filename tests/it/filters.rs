//! Filters as they arrive in a URL: how they are encoded, how long they may be, and what becomes of one that costs too much.

use crate::support::app::TestApp;
use crate::support::nupkg::Nupkg;

async fn app() -> TestApp {
    let app = TestApp::start("").await;
    for (id, version) in [("git", "1.0"), ("Pester", "5.5.0-Beta"), ("it", "2.0")] {
        app.push(&Nupkg::new(id, version).pack()).await.expect_status(201);
    }
    app
}

async fn count(app: &TestApp, filter: &str) -> String {
    let url = format!("/api/v2/Packages()/$count?$filter={filter}");
    app.get(&url).await.expect_status(200).text()
}

#[tokio::test]
async fn filters_are_read_in_every_encoding() {
    let app = app().await;
    for (filter, expected) in [
        ("tolower(Id)%20eq%20'git'", "1"),
        ("tolower%28Id%29+eq+%27git%27", "1"),
        ("%20tolower(%20Id%20)%09eq%0A'git'%20", "1"),
        ("Id+eq'git'", "1"),
        ("id+EQ+'GIT'+Or+iD+Neq+'git'", "3"),
        ("NormalizedVersion+gte+'1'+and+version+lte+'2'", "2"),
        ("Published+ge+datetime'2000-01-01T00%3A00%3A00'", "3"),
        ("Published+ge+datetimeoffset'2000-01-01T00:00:00+02:00'", "3"),
        ("Published+ge+datetimeoffset'2000-01-01T00:00:00%2B02:00'", "3"),
        ("0.1M+add+0.2M+eq+0.3M", "3"),
        ("Id+eq+'o''reilly'", "0"),
        ("Id+eq+'50%25'", "0"),
        ("Title+eq+null+or+Title+ne+null", "3"),
    ] {
        assert_eq!(count(&app, filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_answered_is_a_bad_request_that_says_why() {
    let app = app().await;
    for (filter, why) in [
        ("Id+gt+5", "'gt' cannot compare Id (Edm.String) with Edm.Int32"),
        ("Versoin+eq+'1.0'", "did you mean 'Version'?"),
        ("contains(Id,'x')", "did you mean 'substringof(part,text)'?"),
        ("cast(Id,'Edm.Int32')+eq+1", "the function 'cast' is not supported"),
        ("Id+eq+'x", "no closing quote"),
        (
            "Published+gt+datetime'yesterday'",
            "write datetime'2020-01-31T10:00:00'",
        ),
        ("not+Id+eq+'x'", "'not' needs a condition, not Id (Edm.String)"),
        ("Id", "'$filter' needs a condition"),
    ] {
        let url = format!("/api/v2/Packages()?$filter={filter}");
        let answer = app.get(&url).await.expect_status(400);
        assert!(answer.text().contains(why), "{filter}: {}", answer.text());
    }
}

#[tokio::test]
async fn evaluation_never_fails() {
    let app = app().await;
    for filter in [
        "substring(Id,100,-5)+eq+''",
        "substring(Id,9223372036854775807L)+eq+''",
        "DownloadCount+div+0+eq+null",
        "9223372036854775807+mul+DownloadCount+ge+0",
        "79228162514264337593543950335M+mul+DownloadCount+ge+0",
        "indexof(Title,Summary)+ge+0",
        "round(NaN)+ne+1",
        "year(LastEdited)+eq+1",
        "replace(Id,'','x')+eq+Id",
        "tolower(null)+eq+null",
    ] {
        let url = format!("/api/v2/Packages()?$filter={filter}");
        app.get(&url).await.expect_status(200);
    }
}

#[tokio::test]
async fn a_thousand_ids_are_asked_for_at_once() {
    let app = app().await;
    let ids: Vec<_> = (0..999).map(|n| format!("(tolower(Id)+eq+'p{n}')")).collect();
    let filter = format!("IsLatestVersion+and+({}+or+(tolower(Id)+eq+'git'))", ids.join("+or+"));
    assert!(filter.len() > 25_000);
    assert_eq!(count(&app, &filter).await, "1");
}

#[tokio::test]
async fn a_filter_that_costs_too_much_is_refused() {
    let app = app().await;
    let mut grown = "Id".to_owned();
    for _ in 0..8 {
        grown = format!("replace({grown},'t','tttttttt')");
    }
    for ids in ["", "Id+eq+'git'+and+"] {
        let url = format!("/api/v2/Packages()?$filter={ids}length({grown})+gt+0");
        let answer = app.get(&url).await.expect_status(400);
        assert!(answer.text().contains("$filter is too costly"), "{}", answer.text());
    }
    // One that grows less is answered.
    assert_eq!(count(&app, "length(replace(Id,'t','tttttttt'))+gt+9").await, "2");
}
