//! A gallery that treats its clients as the Chocolatey community repository does: pages of 40 with skip tokens, `http` ids,
//! orders and functions that it refuses, a ceiling of items, and downloads counted by the minute with a ban behind them.
//!
//! It notes each request, and each that a client who keeps the rules would not have sent. It goes by the test's clock, so that a
//! day fits into a test.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use larder::clock::Clock;
use larder::nuget::NuGetVersion;
use percent_encoding::percent_decode_str;
use quick_xml::events::Event;
use tokio::net::TcpListener;

use super::gallery::hash_properties;
use super::nupkg::Packed;
use super::upstream::{atom_entry, escape};

/// Entries on a page.
const PAGE: usize = 40;

/// The first item that no query reaches.
const CEILING: usize = 10_000;

/// What one address may download in any minute: of choco itself, and of all other packages
/// (<https://docs.chocolatey.org/en-us/community-repository/community-packages-disclaimer/#rate-limiting>).
const CHOCOLATEY_A_MINUTE: usize = 5;
const OTHERS_A_MINUTE: usize = 20;
const MINUTE: Duration = Duration::from_secs(60);

struct Item {
    packed: Packed,
    version: NuGetVersion,
    /// The id, title and tags in lower case, for searches.
    text: String,
    properties: String,
}

#[derive(Default)]
struct Shelves {
    by_id: BTreeMap<String, Vec<Item>>,
    requests: Vec<(Instant, String)>,
    offences: Vec<String>,
    downloads: [VecDeque<Instant>; 2],
}

/// A community repository on a port of its own.
pub(crate) struct CommunityFeed {
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

struct Shared {
    address: SocketAddr,
    clock: Clock,
    shelves: Mutex<Shelves>,
}

impl CommunityFeed {
    pub(crate) async fn start(clock: Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let shared = Arc::new(Shared {
            address: listener.local_addr().expect("a bound socket has an address"),
            clock,
            shelves: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self { shared, server }
    }

    pub(crate) fn root(&self) -> String {
        format!("http://{}/api/v2/", self.shared.address)
    }

    /// Puts a package on the shelves, where that version is not there yet.
    pub(crate) fn publish(&self, packed: Packed) {
        let item = Item::new(packed);
        let mut shelves = self.shared.shelves();
        let versions = shelves.by_id.entry(item.packed.id.to_lowercase()).or_default();
        if versions.iter().all(|there| there.version != item.version) {
            versions.push(item);
            versions.sort_by(|one, other| one.version.cmp(&other.version));
        }
    }

    /// Returns all ids that have a release, in lower case.
    pub(crate) fn released(&self) -> Vec<String> {
        let shelves = self.shared.shelves();
        let has_release = |versions: &[Item]| versions.iter().any(|version| !version.packed.is_prerelease());
        let released = shelves.by_id.iter().filter(|(_, versions)| has_release(versions));
        released.map(|(id, _)| id.clone()).collect()
    }

    /// Returns all requests so far, as they came, and when.
    pub(crate) fn requests(&self) -> Vec<(Instant, String)> {
        self.shared.shelves().requests.clone()
    }

    /// Returns what came that is against the rules.
    pub(crate) fn offences(&self) -> Vec<String> {
        self.shared.shelves().offences.clone()
    }

    /// Goes off the net.
    pub(crate) async fn stop(mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }
}

impl Drop for CommunityFeed {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Item {
    fn new(packed: Packed) -> Self {
        let nuspec = read_nuspec(&packed);
        let mut properties = hash_properties(&packed.bytes);
        let field = |name: &str| nuspec.fields.get(name).map_or("", String::as_str);
        for (property, element) in [("Title", "title"), ("Description", "description"), ("Tags", "tags")] {
            let _ = write!(properties, "<d:{property}>{}</d:{property}>", escape(field(element)));
        }
        let dependencies = escape(&nuspec.dependencies.join("|"));
        let _ = write!(properties, "<d:Dependencies>{dependencies}</d:Dependencies>");
        let text = [&packed.id, field("title"), field("tags")].join(" ").to_lowercase();
        Self {
            version: packed.version.parse().expect("a version"),
            packed,
            text,
            properties,
        }
    }
}

impl Shared {
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().expect("no test panics in here")
    }

    fn entry(&self, item: &Item) -> String {
        let Packed { id, version, .. } = &item.packed;
        let url = format!("http://{}/api/v2/package/{id}/{version}", self.address);
        atom_entry(id, version, &url, &item.properties)
    }

    /// Writes one page of entries; `next` is the link behind it.
    fn page(&self, count: usize, shown: &[&Item], next: Option<&str>) -> Response {
        let mut page = String::from(
            r#"<?xml version="1.0" encoding="utf-8"?><feed xml:base="http://community.test/api/v2/" xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">"#,
        );
        let _ = write!(page, "<m:count>{count}</m:count>");
        page.extend(shown.iter().map(|item| self.entry(item)));
        if let Some(next) = next {
            let _ = write!(page, r#"<link rel="next" href="{}"/>"#, escape(next));
        }
        page.push_str("</feed>");
        (
            [(header::CONTENT_TYPE, "application/atom+xml;type=feed;charset=utf-8")],
            page,
        )
            .into_response()
    }

    fn find(&self, query: &BTreeMap<String, String>) -> Response {
        let shelves = self.shelves();
        let id = query.get("id").map(|id| unquoted(id)).unwrap_or_default();
        let versions = shelves.by_id.get(&id.to_lowercase()).map_or(&[][..], Vec::as_slice);
        let after = query
            .get("$skiptoken")
            .and_then(|token| token.parse().ok())
            .unwrap_or(0);
        let rest: Vec<&Item> = versions.iter().skip(after).collect();
        let shown = rest.get(..PAGE.min(rest.len())).unwrap_or_default();
        let next = (rest.len() > PAGE).then(|| {
            let address = self.address;
            format!(
                "http://{address}/api/v2/FindPackagesById?id='{id}'&semVerLevel=2.0.0&$skiptoken={}",
                after + PAGE
            )
        });
        self.page(versions.len(), shown, next.as_deref())
    }

    fn search(&self, query: &BTreeMap<String, String>) -> Response {
        let number = |name: &str| query.get(name).and_then(|number| number.parse::<usize>().ok());
        let (skip, top) = (number("$skip").unwrap_or(0), number("$top").unwrap_or(PAGE).min(PAGE));
        let shelves = self.shelves();
        let term = query
            .get("searchTerm")
            .map(|term| unquoted(term).to_lowercase())
            .unwrap_or_default();
        let matches = |item: &&Item| term.split_whitespace().all(|word| item.text.contains(word));
        let latest = shelves.by_id.values().filter_map(|versions| versions.last());
        let found: Vec<&Item> = latest.filter(matches).collect();
        if skip + top > CEILING {
            return StatusCode::NOT_ACCEPTABLE.into_response();
        }
        let shown: Vec<&Item> = found.iter().copied().skip(skip).take(top).collect();
        self.page(found.len(), &shown, None)
    }

    /// Gives a package out, or bans who takes too many.
    fn download(&self, id: &str, version: &str) -> Response {
        let mut shelves = self.shelves();
        let is_chocolatey = id.eq_ignore_ascii_case("chocolatey");
        let limit = if is_chocolatey {
            CHOCOLATEY_A_MINUTE
        } else {
            OTHERS_A_MINUTE
        };
        let now = self.clock.monotonic();
        let downloads = &mut shelves.downloads[usize::from(is_chocolatey)];
        while downloads.front().is_some_and(|at| now - *at >= MINUTE) {
            downloads.pop_front();
        }
        downloads.push_back(now);
        if downloads.len() > limit {
            let offence = format!("{id} {version}: download {} of {limit} in a minute", downloads.len());
            shelves.offences.push(offence);
            return (StatusCode::TOO_MANY_REQUESTS, "error code: 1015").into_response();
        }
        let version: Option<NuGetVersion> = version.parse().ok();
        let versions = shelves.by_id.get(&id.to_lowercase());
        let found =
            versions.and_then(|versions| versions.iter().find(|there| Some(&there.version) == version.as_ref()));
        match found {
            Some(item) => ([(header::CONTENT_TYPE, "application/zip")], item.packed.bytes.clone()).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn offence(&self, what: &str, status: StatusCode) -> Response {
        self.shelves().offences.push(what.to_owned());
        status.into_response()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let target = request.uri().to_string();
    let now = shared.clock.monotonic();
    shared.shelves().requests.push((now, target.clone()));
    let path = percent_decode_str(request.uri().path())
        .decode_utf8_lossy()
        .into_owned();
    let query = parameters(request.uri().query().unwrap_or_default());
    let Some(rest) = path.strip_prefix("/api/v2/") else {
        return shared.offence(&target, StatusCode::NOT_FOUND);
    };
    if let Some(package) = rest.strip_prefix("package/") {
        let (id, version) = package.split_once('/').unwrap_or((package, ""));
        return shared.download(id, version);
    }
    let orders = ["Id", "DownloadCount desc,Id", "Published desc", "Title", "Version"];
    if query
        .get("$orderby")
        .is_some_and(|order| !orders.contains(&order.as_str()))
    {
        return shared.offence(&target, StatusCode::NOT_ACCEPTABLE);
    }
    match rest.trim_end_matches("()") {
        "FindPackagesById" => shared.find(&query),
        "Search" => shared.search(&query),
        "GetUpdates" => shared.offence(&target, StatusCode::GONE),
        _ => shared.offence(&target, StatusCode::NOT_ACCEPTABLE),
    }
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    inner.unwrap_or(text).replace("''", "'")
}

/// What the shelves show of a nuspec.
#[derive(Default)]
pub(crate) struct Nuspec {
    fields: BTreeMap<String, String>,
    /// `id:range`, as feeds write them.
    pub(crate) dependencies: Vec<String>,
}

/// Reads the nuspec out of a package, with no code of larder's own.
pub(crate) fn read_nuspec(packed: &Packed) -> Nuspec {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&packed.bytes)).expect("a zip");
    let is_nuspec = |at: &usize| {
        archive
            .name_for_index(*at)
            .is_some_and(|name| name.is_ok_and(|name| name.ends_with(".nuspec")))
    };
    let at = (0..archive.len()).find(is_nuspec).expect("a nuspec");
    let file = archive.by_index(at).expect("the nuspec");
    let text = std::io::read_to_string(file).expect("text");
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut open, mut nuspec) = (Vec::new(), Nuspec::default());
    loop {
        match reader.read_event().expect("a nuspec that is XML") {
            Event::Start(start) => {
                open.push(start.local_name().as_ref().to_owned());
                nuspec.element(&start);
            }
            Event::Empty(start) => nuspec.element(&start),
            Event::End(_) => drop(open.pop()),
            Event::Text(text) if open.len() == 3 => {
                let field = nuspec.fields.entry(open[2].clone()).or_default();
                field.push_str(text.as_ref());
            }
            Event::Eof => return nuspec,
            _ => {}
        }
    }
}

impl Nuspec {
    fn element(&mut self, start: &quick_xml::events::BytesStart<'_>) {
        if start.local_name().as_ref() != "dependency" {
            return;
        }
        let value = |name: &str| {
            let attribute = start.try_get_attribute(name).expect("attributes that are XML");
            attribute
                .map(|attribute| attribute.value.to_string())
                .unwrap_or_default()
        };
        self.dependencies.push(format!("{}:{}", value("id"), value("version")));
    }
}
