//! A gallery that searches: it answers `Search()` and its count from a list of packages, in one of the ways in which galleries do,
//! and counts what it is asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::upstream::{atom_entry, atom_feed};

/// One version that the gallery has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) tags: String,
    pub(crate) downloads: u64,
}

impl Listed {
    pub(crate) fn new(id: &str, tags: &str, downloads: u64) -> Self {
        Self {
            id: id.to_owned(),
            version: "1.0".to_owned(),
            tags: tags.to_owned(),
            downloads,
        }
    }
}

/// What the gallery makes of a `$filter` that is more than a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filters {
    /// It applies it.
    Taken,
    /// It answers with this status.
    Refused(u16),
    /// It finds nothing.
    Misunderstood,
    /// It finds the same with it as without it.
    Ignored,
}

/// What the gallery has, and how it answers.
pub(crate) struct Behaviour {
    pub(crate) packages: Vec<Listed>,
    pub(crate) filters: Filters,
    /// The status of every answer, where it is none.
    pub(crate) down: Option<u16>,
    /// Rows behind so many are refused with 406.
    pub(crate) ceiling: usize,
    /// The most rows of a page.
    pub(crate) page: usize,
    /// Whether `$skip` does nothing.
    pub(crate) ignores_skip: bool,
    /// Whether it says how many rows there are.
    pub(crate) counts: bool,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    asked: Mutex<Vec<String>>,
    /// Requests that are under way, by target, and the most of them at a time of one target.
    under_way: Mutex<(HashMap<String, usize>, usize)>,
    is_open: watch::Sender<bool>,
    address: SocketAddr,
}

/// A gallery on a port of its own, until it is dropped.
pub(crate) struct SearchGallery {
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl SearchGallery {
    pub(crate) async fn start(packages: Vec<Listed>, filters: Filters) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(Behaviour {
                packages,
                filters,
                down: None,
                ceiling: usize::MAX,
                page: 40,
                ignores_skip: false,
                counts: true,
            }),
            asked: Mutex::default(),
            under_way: Mutex::default(),
            is_open: watch::Sender::new(true),
            address: listener.local_addr().expect("a bound socket has an address"),
        });
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self { shared, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/v2/", self.shared.address)
    }

    /// Changes what the gallery has or does.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.shared.behaviour.lock().expect("no test panics in here"));
    }

    /// Returns what was asked so far, decoded.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().expect("no test panics in here").clone()
    }

    /// Returns how many of the targets asked so far contain a text.
    pub(crate) fn asked_for(&self, text: &str) -> usize {
        self.asked().iter().filter(|target| target.contains(text)).count()
    }

    /// Returns the most identical requests that were ever under way at a time.
    pub(crate) fn most_at_a_time(&self) -> usize {
        self.shared.under_way.lock().expect("no test panics in here").1
    }

    /// Lets answers wait until the gate is opened again.
    pub(crate) fn close_gate(&self) {
        self.shared.is_open.send_replace(false);
    }

    pub(crate) fn open_gate(&self) {
        self.shared.is_open.send_replace(true);
    }
}

impl Drop for SearchGallery {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let target = request.uri().to_string();
    {
        let mut under_way = shared.under_way.lock().expect("no test panics in here");
        let count = under_way.0.entry(target.clone()).or_default();
        *count += 1;
        let count = *count;
        under_way.1 = under_way.1.max(count);
    }
    let decoded = percent_decode_str(&target).decode_utf8_lossy().into_owned();
    shared
        .asked
        .lock()
        .expect("no test panics in here")
        .push(decoded.clone());
    let mut is_open = shared.is_open.subscribe();
    is_open
        .wait_for(|open| *open)
        .await
        .expect("the gallery keeps the gate");
    let response = respond(&shared.behaviour.lock().expect("no test panics in here"), &decoded);
    let mut under_way = shared.under_way.lock().expect("no test panics in here");
    if let Some(count) = under_way.0.get_mut(&target) {
        *count -= 1;
    }
    response
}

fn respond(behaviour: &Behaviour, target: &str) -> Response {
    let status = |status: u16| StatusCode::from_u16(status).expect("a status").into_response();
    if let Some(down) = behaviour.down {
        return status(down);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let option = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
        values.next().unwrap_or_default()
    };
    if path.ends_with("FindPackagesById()") {
        let id = option("id").trim_matches('\'');
        let versions = behaviour.packages.iter().filter(|row| row.id.eq_ignore_ascii_case(id));
        return feed(&versions.collect::<Vec<_>>());
    }
    let filter = option("$filter");
    let filter = ["IsLatestVersion", "IsAbsoluteLatestVersion"]
        .iter()
        .fold(filter, |filter, flag| {
            filter
                .strip_suffix(flag)
                .map_or(filter, |filter| filter.strip_suffix(" and ").unwrap_or(filter))
        });
    let mut found: Vec<&Listed> = behaviour.packages.iter().collect();
    match behaviour.filters {
        _ if filter.is_empty() => {}
        Filters::Taken => found.retain(|row| passes(row, filter)),
        Filters::Refused(refusal) => return status(refusal),
        Filters::Misunderstood => found.clear(),
        Filters::Ignored => {}
    }
    let term = option("searchTerm").trim_matches('\'');
    found.retain(|row| term.split_whitespace().all(|word| has_word(row, word)));
    if path.ends_with("/$count") {
        return if behaviour.counts {
            found.len().min(behaviour.ceiling).to_string().into_response()
        } else {
            status(404)
        };
    }
    if option("$orderby").starts_with("DownloadCount") {
        found.sort_by(|a, b| b.downloads.cmp(&a.downloads).then_with(|| a.id.cmp(&b.id)));
    } else {
        found.sort_by(|a, b| a.id.cmp(&b.id));
    }
    let skip: usize = option("$skip").parse().unwrap_or(0);
    if skip >= behaviour.ceiling {
        return status(406);
    }
    let skip = if behaviour.ignores_skip { 0 } else { skip };
    let top: usize = option("$top").parse().unwrap_or(usize::MAX);
    let rows = found.into_iter().skip(skip).take(top.min(behaviour.page));
    feed(&rows.collect::<Vec<_>>())
}

/// Returns whether a word stands in a row, as galleries look for words: whole ones.
pub(crate) fn has_word(row: &Listed, word: &str) -> bool {
    let text = format!("{} {}", row.id, row.tags).to_lowercase();
    text.split(|c: char| !c.is_alphanumeric()).any(|found| found == word)
}

/// Applies the filters that choco sends, joined by `and`.
fn passes(row: &Listed, filter: &str) -> bool {
    filter.split(" and ").all(|condition| {
        let condition = condition.trim_matches(['(', ')']);
        let text = condition.split('\'').nth(1).unwrap_or_default();
        if condition.starts_with("startswith(tolower(Id)") {
            row.id.to_lowercase().starts_with(text)
        } else if condition.contains(",tolower(Id") {
            row.id.to_lowercase().contains(text)
        } else if condition.contains(",Tags") {
            row.tags.to_lowercase().contains(&text.to_lowercase())
        } else {
            panic!("no filter of choco's: {filter}")
        }
    })
}

fn feed(rows: &[&Listed]) -> Response {
    let entry = |row: &&Listed| {
        let properties = format!(
            r#"<d:Tags> {} </d:Tags><d:DownloadCount m:type="Edm.Int32">{}</d:DownloadCount>"#,
            row.tags, row.downloads
        );
        atom_entry(&row.id, &row.version, "http://gallery.test/nowhere", &properties)
    };
    let entries: Vec<String> = rows.iter().map(entry).collect();
    let header = [("content-type", "application/atom+xml;type=feed;charset=utf-8")];
    (header, atom_feed(&entries, None)).into_response()
}
