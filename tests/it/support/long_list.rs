//! A gallery with as many ids as a test wants, made up and not packed, that gives them out as the Chocolatey community repository
//! does: 40 on a page, skip tokens, and 406 behind a ceiling.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::upstream::{atom_entry, atom_feed};

/// Entries on a page.
pub(crate) const PAGE: usize = 40;

/// How the gallery treats whoever walks its list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListRules {
    /// The most rows of one answer.
    pub(crate) ceiling: usize,
    /// Whether next links of `Packages()` lead past the ceiling.
    pub(crate) links_pass_it: bool,
    /// Whether searches by the beginning of ids are taken.
    pub(crate) takes_beginnings: bool,
}

/// One version: a number and what else its entry says.
#[derive(Debug, Clone)]
struct Version {
    version: String,
    is_listed: bool,
}

struct Shelves {
    by_id: BTreeMap<String, (String, Vec<Version>)>,
    targets: Vec<String>,
    /// From which request on none is answered.
    holds_from: usize,
}

struct Shared {
    address: SocketAddr,
    rules: ListRules,
    shelves: Mutex<Shelves>,
    asked: watch::Sender<usize>,
}

/// The gallery, on a port of its own.
pub(crate) struct LongList {
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl LongList {
    pub(crate) async fn start(rules: ListRules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let shared = Arc::new(Shared {
            address: listener.local_addr().expect("a bound socket has an address"),
            rules,
            shelves: Mutex::new(Shelves {
                by_id: BTreeMap::new(),
                targets: Vec::new(),
                holds_from: usize::MAX,
            }),
            asked: watch::Sender::new(0),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self { shared, server }
    }

    /// Puts so many ids on the shelves, each with two releases, some with a prerelease on top.
    pub(crate) fn fill(&self, count: usize) {
        const BEGINNINGS: [&str; 12] = [
            "git", "Git.", "vlc-", "7zip", "KB29", "node", "a", "zoom", "_x", "python", "Py", "9",
        ];
        for number in 0..count {
            let id = format!("{}{number}", BEGINNINGS[number % BEGINNINGS.len()]);
            let mut versions = vec!["1.0", "1.1"];
            versions.extend((number % 7 == 0).then_some("2.0-beta"));
            self.put(&id, &versions);
        }
    }

    /// Puts an id on the shelves, or changes what versions it has; the last one is the latest. `!1.0` is not listed.
    pub(crate) fn put(&self, id: &str, versions: &[&str]) {
        let versions = versions.iter().map(|version| Version {
            version: version.trim_start_matches('!').to_owned(),
            is_listed: !version.starts_with('!'),
        });
        let known = (id.to_owned(), versions.collect());
        self.shared.shelves().by_id.insert(id.to_lowercase(), known);
    }

    pub(crate) fn remove(&self, id: &str) {
        self.shared.shelves().by_id.remove(&id.to_lowercase());
    }

    /// Leaves all requests after so many more unanswered, or none.
    pub(crate) fn hold_after(&self, requests: Option<usize>) {
        let mut shelves = self.shared.shelves();
        let so_far = shelves.targets.len();
        shelves.holds_from = requests.map_or(usize::MAX, |requests| so_far + requests);
    }

    /// Waits until so many requests came since the start.
    pub(crate) async fn asked(&self, requests: usize) {
        let mut asked = self.shared.asked.subscribe();
        asked
            .wait_for(|asked| *asked >= requests)
            .await
            .expect("the gallery is there");
    }

    /// Returns the targets of all requests so far, decoded.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.shared.shelves().targets.clone()
    }

    /// Returns what makes this the upstream `gallery` of a configuration.
    pub(crate) fn configuration(&self, more: &str) -> String {
        let address = self.shared.address;
        format!(
            "[[upstream]]\nname = \"gallery\"\nkind = \"v2\"\nurl = \"http://{address}/api/v2/\"\n{more}[[feed]]\nname = \"main\"\nupstreams = [\"gallery\"]\n"
        )
    }

    /// Goes off the net.
    pub(crate) async fn stop(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }
}

impl Drop for LongList {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().expect("no test panics in here")
    }

    fn entry(&self, id: &str, version: &Version) -> String {
        let Version { version, is_listed } = version;
        let url = format!("http://{}/api/v2/package/{id}/{version}", self.address);
        let published = if *is_listed { "2025-01-02" } else { "1900-01-01" };
        let properties = format!(
            r#"<d:Published m:type="Edm.DateTime">{published}T00:00:00Z</d:Published><d:Title>{id}</d:Title><d:Tags> made up </d:Tags>"#
        );
        atom_entry(id, version, &url, &properties)
    }

    /// Returns the rows of a list: the latest version of each id that begins with a text.
    fn rows(&self, filter: &str) -> Vec<String> {
        let begins = filter.split_once("startswith(").map(|(_, rest)| rest);
        let prefix = begins.and_then(|rest| rest.split('\'').nth(1)).unwrap_or_default();
        let wants_release = !filter.contains("IsAbsoluteLatestVersion");
        let shelves = self.shelves();
        let found = shelves.by_id.iter().filter(|(lower, _)| lower.starts_with(prefix));
        found
            .filter_map(|(_, (id, versions))| {
                let is_wanted =
                    |version: &&Version| version.is_listed && !(wants_release && version.version.contains('-'));
                let latest = versions.iter().rfind(is_wanted)?;
                Some(self.entry(id, latest))
            })
            .collect()
    }

    fn answer(&self, path: &str, query: &BTreeMap<String, String>) -> Response {
        let option = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let filter = option("$filter");
        match path {
            "FindPackagesById" => {
                let id = option("id").trim_matches('\'').to_lowercase();
                let known = self.shelves().by_id.get(&id).cloned();
                let entries: Vec<String> = known
                    .iter()
                    .flat_map(|(id, versions)| versions.iter().map(|version| self.entry(id, version)))
                    .collect();
                feed(&entries, None)
            }
            _ if filter.contains("startswith") && !self.rules.takes_beginnings => {
                StatusCode::NOT_ACCEPTABLE.into_response()
            }
            "Packages" | "Search" => {
                let is_set = path == "Packages";
                let from = option(if is_set { "$skiptoken" } else { "$skip" });
                let from: usize = from.parse().unwrap_or(0);
                let may_pass = is_set && self.rules.links_pass_it;
                let rows = self.rows(filter);
                let end = (from + PAGE).min(rows.len());
                if end > self.rules.ceiling && !may_pass {
                    return StatusCode::NOT_ACCEPTABLE.into_response();
                }
                let shown = rows.get(from..end).unwrap_or_default();
                let next = (is_set && end < rows.len()).then(|| {
                    let address = self.address;
                    let filter = filter.replace(' ', "%20");
                    format!("http://{address}/api/v2/Packages?$filter={filter}&$orderby=Id&$skiptoken={end}")
                });
                feed(shown, next.as_deref())
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

fn feed(entries: &[String], next: Option<&str>) -> Response {
    let content_type = "application/atom+xml;type=feed;charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], atom_feed(entries, next)).into_response()
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let target = request.uri().to_string();
    let decoded = percent_decode_str(&target).decode_utf8_lossy().into_owned();
    let is_held = {
        let mut shelves = shared.shelves();
        shelves.targets.push(decoded);
        shelves.targets.len() > shelves.holds_from
    };
    shared.asked.send_modify(|asked| *asked += 1);
    if is_held {
        std::future::pending::<()>().await;
    }
    let path = request.uri().path().trim_start_matches("/api/v2/");
    let pairs = request.uri().query().unwrap_or_default().split('&');
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let query = pairs.filter_map(|pair| pair.split_once('='));
    let query = query.map(|(name, value)| (decode(name), decode(value))).collect();
    shared.answer(path.trim_end_matches("()"), &query)
}
