//! The conformance suite: what the clients and galleries of NuGet's v1 and v2 protocols ask and expect, case by case.
//!
//! The cases stand in tables, one line a case (see [`table`] for how to read them):
//!
//! - `tables/requests.txt`: the requests of real clients, each sent as three kinds of client;
//! - `tables/endpoints.txt`: every address in every spelling;
//! - `tables/options.txt`: the combinations of options that `NuGetGallery` admits;
//! - `tables/behaviours.txt`: what the tests of other servers assert;
//! - `tables/bugs.txt`: what other servers got wrong and clients noticed;
//! - `tables/versions.txt`: versions, levels and the latest flags.
//!
//! The packages stand in tables too: `feed.txt`, `odd.txt`, and `gallery.txt` and `server.txt` after the tests of
//! `NuGetGallery` and `NuGet.Server`. Whatever is asked, [`rules`] must hold. What came of it all is written down in `docs/conformance.md`.

mod client;
mod document;
mod feed;
mod judged;
mod page;
mod rules;
mod run;
mod table;

use std::path::Path;

use tokio::sync::OnceCell;

use crate::support::clients::Clients;

use run::{As, Judged};

/// One table of cases, and what came of them.
struct Suite {
    table: &'static str,
    clients: As,
    /// Filled once: each suite is judged by a test of its own, and all are told on the page.
    judged: OnceCell<Vec<(String, Vec<Judged>)>>,
}

static REQUESTS: Suite = Suite::new(include_str!("tables/requests.txt"), As::Everyone);
static ENDPOINTS: Suite = Suite::new(include_str!("tables/endpoints.txt"), As::Bare);
static OPTIONS: Suite = Suite::new(include_str!("tables/options.txt"), As::Bare);
static BEHAVIOURS: Suite = Suite::new(include_str!("tables/behaviours.txt"), As::Bare);
static BUGS: Suite = Suite::new(include_str!("tables/bugs.txt"), As::Bare);
static VERSIONS: Suite = Suite::new(include_str!("tables/versions.txt"), As::Bare);

impl Suite {
    const fn new(table: &'static str, clients: As) -> Self {
        Self {
            table,
            clients,
            judged: OnceCell::const_new(),
        }
    }

    async fn judged(&self) -> &[(String, Vec<Judged>)] {
        let judge = || run::run(table::parse(self.table), self.clients);
        self.judged.get_or_init(judge).await
    }

    async fn assert_all_pass(&self) {
        let cases: Vec<&Judged> = self.judged().await.iter().flat_map(|(_, cases)| cases).collect();
        let failures: Vec<String> = cases.iter().filter_map(|judged| judged.failure()).collect();
        let (failed, count) = (failures.len(), cases.len());
        assert!(
            failures.is_empty(),
            "{failed} of {count} fail:\n{}",
            failures.join("\n")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_real_clients() {
    REQUESTS.assert_all_pass().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_and_their_spellings() {
    ENDPOINTS.assert_all_pass().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn combinations_of_options() {
    OPTIONS.assert_all_pass().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behaviours_of_other_servers() {
    BEHAVIOURS.assert_all_pass().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bugs_of_other_servers() {
    BUGS.assert_all_pass().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_and_levels() {
    VERSIONS.assert_all_pass().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_tells_what_the_suite_found() {
    let page = page::write(&page::Found {
        requests: REQUESTS.judged().await,
        endpoints: ENDPOINTS.judged().await,
        options: OPTIONS.judged().await,
        behaviours: BEHAVIOURS.judged().await,
        bugs: BUGS.judged().await,
        versions: VERSIONS.judged().await,
    });
    page::assert_current(&page);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nuget_protocol_reads_every_list_and_entry() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let tables = [&REQUESTS, &OPTIONS, &BEHAVIOURS, &BUGS, &VERSIONS].map(|suite| suite.table);
    judged::every_list_and_entry(&clients, &tables).await;
}

/// A case that another test shows names one that there is.
#[test]
fn tests_that_are_named_exist() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for table in [BEHAVIOURS.table, BUGS.table] {
        let sections = table::parse(table);
        let cases = sections.iter().flat_map(|section| &section.cases);
        for name in cases.flat_map(|case| &case.elsewhere) {
            let (module, test) = name.rsplit_once("::").expect("a module and a test");
            let path = folder.join(format!("{}.rs", module.replace("::", "/")));
            let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(source.contains(&format!("fn {test}(")), "there is no test {name}");
        }
    }
}
