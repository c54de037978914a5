//! A larder in this process: its own data folder, the assembly and the router that `larder serve` uses, a port of its own on
//! loopback, and a clock that the test sets.
//!
//! It runs on a runtime of its own, so that stopping it ends every task it has begun, as the end of a process does.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::serve::Listener as _;
use bytes::Bytes;
use hyper::ext::ReasonPhrase;
use larder::auth::{ApiKey, administrator};
use larder::cli::assemble::{self, Keys};
use larder::clock::ManualClock;
use larder::config::Config;
use larder::http::listener::{Connection, HttpListener};
use larder::http::router::router;
use larder::mirror::Mirror;
use larder::odata::atom_read::{FeedLimits, FeedPage, read_feed};
use larder::store::Store;
use reqwest::header::HeaderMap;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::nupkg::Packed;

/// The administrator's key of every larder here.
pub(crate) const KEY: &str = "test-key";

/// The key with which `larder import` sends packages to a larder that runs.
const IMPORT_KEY: &str = "test-import-key";

/// How long anything may take that does not happen at once.
const DEADLINE: Duration = Duration::from_secs(20);

/// Makes what is known of packages so old that their upstream is asked before it is served.
pub(crate) const OLD: Duration = Duration::from_secs(2 * 3600);

const FORM: &str = "multipart/form-data; boundary=larder";

/// A larder, running or stopped.
pub(crate) struct TestApp {
    folder: tempfile::TempDir,
    config: Config,
    pub(crate) clock: ManualClock,
    client: reqwest::Client,
    running: Option<Running>,
}

struct Running {
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
    store: Store,
    mirror: Mirror,
    base_url: String,
}

/// An answer that was read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The status line's last part, where it is not the usual one.
    pub(crate) reason: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) url: reqwest::Url,
}

/// A connection that broke before or within an answer.
#[derive(Debug)]
pub(crate) struct Aborted;

impl TestApp {
    /// Starts a larder with a configuration; keys of `[server]` and `[storage]` are written dotted (`server.page_size = 5`).
    pub(crate) async fn start(configuration: &str) -> Self {
        let start = "2026-03-01T12:00:00Z".parse().expect("a time");
        Self::start_by(ManualClock::at(start), configuration).await
    }

    /// Starts a larder that goes by a clock.
    pub(crate) async fn start_by(clock: ManualClock, configuration: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = parse(configuration, folder.path());
        let mut app = Self {
            folder,
            config,
            clock,
            client: larder::upstream::client::local_client().expect("a client"),
            running: None,
        };
        app.open().await;
        app
    }

    /// Gives a larder that was stopped another configuration.
    pub(crate) fn reconfigure(&mut self, configuration: &str) {
        self.config = parse(configuration, self.folder.path());
    }

    /// Opens what was stopped, on the same data; the port changes.
    pub(crate) async fn open(&mut self) {
        let clock = self.clock.clock();
        let opened = Store::open(assemble::store_settings(&self.config), &clock).await;
        let (store, rows, _) = opened.unwrap_or_else(|error| panic!("{error}"));
        let key = ApiKey::parse(KEY).expect("a key");
        let administrator = administrator(Some(&key), &store.state, clock.now()).expect("an administrator");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let mirror = assemble::mirror(&self.config, &store, rows, &clock).expect("a mirror");
        let kept = mirror.clone();
        let keys = Keys {
            administrator,
            import_key: ApiKey::parse(IMPORT_KEY).expect("a key").digest(),
        };
        drop(runtime.spawn(mirror.clone().tend()));
        let service = router(assemble::app(&self.config, mirror, keys, clock));
        let (stop, stopped) = oneshot::channel::<()>();
        let listen = self.config.server.listen;
        let bound = runtime.spawn(HttpListener::bind(listen)).await.expect("a task");
        let listener = bound.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let served = runtime.spawn(async move {
            let service = service.into_make_service_with_connect_info::<Connection>();
            axum::serve(listener, service)
                .with_graceful_shutdown(async { drop(stopped.await) })
                .await
                .expect("a server");
        });
        self.running = Some(Running {
            runtime,
            stop,
            served,
            store,
            mirror: kept,
            base_url: format!("http://{address}"),
        });
    }

    /// Stops in good order: what is under way is answered, then the index is closed.
    pub(crate) async fn stop(&mut self) {
        let running = self.running.as_ref().expect("a larder that runs");
        running.mirror.settle().await;
        let store = self.end().await;
        store.close().await.expect("an index that closes");
        let note = self.data().join("state/index-closed.json");
        assert!(note.exists(), "the index was closed by its last owner");
    }

    /// Ends without closing the index, and opens the same data again.
    pub(crate) async fn crash(&mut self) {
        drop(self.end().await);
        let note = self.data().join("state/index-closed.json");
        assert!(!note.exists(), "nothing says that the index was closed");
        self.open().await;
    }

    async fn end(&mut self) -> Store {
        let running = self.running.take().expect("a larder that runs");
        drop(running.stop);
        drop(running.mirror);
        // The client's idle connections would hold it up.
        self.client = larder::upstream::client::local_client().expect("a client");
        tokio::time::timeout(DEADLINE, running.served)
            .await
            .expect("a server that stops in time")
            .expect("a server that does not panic");
        let runtime = running.runtime;
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(DEADLINE))
            .await
            .expect("a runtime that ends");
        running.store
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.open().await;
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns the nupkgs and sidecars in the store.
    pub(crate) fn package_files(&self) -> Vec<PathBuf> {
        files(&self.data().join("packages"))
    }

    /// Returns the one nupkg in the store of a source's id.
    pub(crate) fn nupkg_of(&self, source: &str, id: &str) -> PathBuf {
        let folder = self.data().join("packages").join(source).join(id);
        let mut found = files(&folder);
        found.retain(|file| file.extension().is_some_and(|extension| extension == "nupkg"));
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// Returns the bodies that are, or were left, in flight.
    pub(crate) fn spool_files(&self) -> Vec<PathBuf> {
        files(&self.data().join("spool"))
    }

    /// Waits until nothing is in flight.
    pub(crate) async fn spool_empties(&self) {
        until("the spool is empty", || self.spool_files().is_empty()).await;
    }

    /// Returns the URL of a target, which begins with a slash.
    pub(crate) fn url(&self, target: &str) -> String {
        format!(
            "{}{target}",
            self.running.as_ref().expect("a larder that runs").base_url
        )
    }

    /// Returns `127.0.0.1:PORT`.
    pub(crate) fn authority(&self) -> String {
        self.url("").trim_start_matches("http://").to_owned()
    }

    pub(crate) fn request(&self, method: &str, target: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, self.url(target)).timeout(DEADLINE)
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        send(self.request("GET", target)).await.expect("a whole answer")
    }

    /// Gets an answer that may break off.
    pub(crate) async fn try_get(&self, target: &str) -> Result<Answer, Aborted> {
        send(self.request("GET", target)).await
    }

    /// Gets a list of which every page is 200.
    #[track_caller]
    pub(crate) fn feed(&self, target: &str) -> impl Future<Output = FeedPage> {
        let request = self.request("GET", target);
        async move { send(request).await.expect("a whole answer").expect_status(200).feed() }
    }

    /// Returns the versions that `FindPackagesById` shows, each as `Id Version`.
    pub(crate) async fn versions(&self, id: &str) -> Vec<String> {
        names(&self.feed(&find(id)).await)
    }

    /// Asks again and again until `FindPackagesById` shows these versions: what was asked of the upstream in the background has come.
    pub(crate) async fn versions_become(&self, id: &str, expected: &[&str]) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let versions = self.versions(id).await;
            if versions == expected {
                return;
            }
            assert!(Instant::now() < deadline, "not in time: {expected:?}, but {versions:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns what larder works with.
    pub(crate) fn mirror(&self) -> &Mirror {
        &self.running.as_ref().expect("a larder that runs").mirror
    }

    /// Pushes as NuGet.Client does.
    pub(crate) async fn push(&self, package: &Packed) -> Answer {
        self.push_to("/api/v2/package/", package).await
    }

    pub(crate) async fn push_to(&self, target: &str, package: &Packed) -> Answer {
        let request = self.request("PUT", target).header("X-NuGet-ApiKey", KEY);
        let request = request.header("Content-Type", FORM).body(form(&package.bytes));
        send(request).await.expect("a whole answer")
    }

    /// Sends a package as `larder import` does.
    pub(crate) async fn import(&self, package: &Packed) -> Answer {
        let request = self
            .request("PUT", "/api/v2/package/")
            .header("X-NuGet-ApiKey", IMPORT_KEY);
        let request = request.header("Content-Type", FORM).body(form(&package.bytes));
        send(request).await.expect("a whole answer")
    }

    /// Sends a document to one of the administrators' routes.
    pub(crate) async fn order(&self, target: &str, document: &serde_json::Value) -> Answer {
        let request = self.request("POST", target).header("X-NuGet-ApiKey", KEY);
        send(request.body(document.to_string())).await.expect("a whole answer")
    }

    /// Sends a request without a body and with the administrator's key.
    pub(crate) async fn manage(&self, method: &str, target: &str) -> Answer {
        let request = self.request(method, target).header("X-NuGet-ApiKey", KEY);
        send(request).await.expect("a whole answer")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.runtime.shutdown_background();
        }
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {} {}", self.url, self.reason, self.text());
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII"))
    }

    /// Returns what `X-NuGet-Warning` says.
    pub(crate) fn warning(&self) -> Option<&str> {
        self.header("x-nuget-warning")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Reads the answer as a feed, or as a feed of one entry.
    pub(crate) fn feed(&self) -> FeedPage {
        let read = read_feed(&self.body, &self.url, FeedLimits::default());
        read.unwrap_or_else(|error| panic!("{}: {error}\n{}", self.url, self.text()))
    }
}

fn parse(configuration: &str, folder: &Path) -> Config {
    let text = format!("server.listen = \"127.0.0.1:0\"\nstorage.index_cache = \"8MiB\"\n{configuration}");
    Config::parse(&text, folder).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Sends a request and reads the answer to its end.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<Answer, Aborted> {
    let response = request.send().await.map_err(|error| aborted(&error))?;
    let reason = response.extensions().get::<ReasonPhrase>();
    let reason = reason.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
    Ok(Answer {
        status: response.status().as_u16(),
        reason: reason.unwrap_or_default(),
        headers: response.headers().clone(),
        url: response.url().clone(),
        body: response.bytes().await.map_err(|error| aborted(&error))?,
    })
}

fn aborted(error: &reqwest::Error) -> Aborted {
    assert!(!error.is_timeout(), "no answer in time: {error}");
    Aborted
}

/// Returns the target of `FindPackagesById` for an id.
pub(crate) fn find(id: &str) -> String {
    format!("/api/v2/FindPackagesById()?id='{id}'&semVerLevel=2.0.0")
}

/// Returns a feed's entries, each as `Id Version`.
pub(crate) fn names(page: &FeedPage) -> Vec<String> {
    let entries = page.entries.iter();
    entries.map(|entry| format!("{} {}", entry.id, entry.version)).collect()
}

/// Puts a package into a form as NuGet.Client does.
pub(crate) fn form(package: &[u8]) -> Vec<u8> {
    let head = "--larder\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=\"package\"; filename=\"package.nupkg\"\r\n\r\n";
    [head.as_bytes(), package, b"\r\n--larder--\r\n"].concat()
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let entry = entry.expect("a folder entry");
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
