//! An upstream that does as it is told: raw TCP, so that it can also do what no HTTP server would.
//!
//! Answers are scripted by request target, one after the other or made from the request; every connection, request and byte is
//! counted. Bodies can be held back at a gate, so that tests wait for events and never for time.

mod connection;
mod counts;
mod gate;
mod reply;
mod request;
mod tests;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use connection::Connection;
pub(crate) use counts::Counted;
use counts::Counts;
pub(crate) use gate::Gate;
pub(crate) use reply::{Pace, Reply};
pub(crate) use request::Request;

/// The target whose answers are given where nothing else fits.
pub(crate) const ANYTHING: &str = "*";

type Answering = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

#[derive(Clone)]
enum Script {
    Replies(VecDeque<Reply>),
    /// Made from the request.
    Made(Answering),
}

#[derive(Default)]
struct State {
    scripts: Mutex<HashMap<String, Script>>,
    requests: Mutex<Vec<Request>>,
    counts: Counts,
}

impl State {
    /// Takes the next answer to a request, and keeps the request: the script of the whole target, of its path, or of
    /// anything. The last answer of a script stays.
    fn reply(&self, request: Request) -> Reply {
        let reply = self.scripted(&request).for_request(&request);
        self.requests.lock().expect("no test panics in here").push(request);
        reply
    }

    fn scripted(&self, request: &Request) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default();
        let made = {
            let mut scripts = self.scripts.lock().expect("no test panics in here");
            let key = [&request.target, path, ANYTHING]
                .into_iter()
                .find(|key| scripts.contains_key(*key));
            match key.and_then(|key| scripts.get_mut(key)) {
                None => return Reply::status(404).body("nothing is scripted here"),
                Some(Script::Replies(replies)) => {
                    let last = replies.front().cloned();
                    let next = if replies.len() > 1 { replies.pop_front() } else { last };
                    return next.expect("scripts have answers");
                }
                Some(Script::Made(made)) => Arc::clone(made),
            }
        };
        // It may look at this very upstream.
        made(request)
    }
}

/// An upstream on a port of its own, until it is stopped or dropped.
pub(crate) struct ScriptedUpstream {
    address: SocketAddr,
    state: Arc<State>,
    server: tokio::task::JoinHandle<()>,
}

impl ScriptedUpstream {
    /// Starts an upstream that answers 404 to everything.
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    /// Starts one at an address of this machine, such as `[::1]:0`, or at the port that another one had.
    pub(crate) async fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("an address that is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State::default());
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { address, state, server }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a target, which begins with a slash.
    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// Scripts the answers to a target, or to a path with any query, one after the other; the last one stays.
    pub(crate) fn script(&self, target: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies: VecDeque<_> = replies.into_iter().collect();
        assert!(!replies.is_empty(), "a script has answers");
        self.put(target, Script::Replies(replies));
    }

    /// Scripts one answer to a target, or to a path with any query.
    pub(crate) fn on(&self, target: &str, reply: Reply) {
        self.script(target, [reply]);
    }

    /// Has the answers to a target, or to a path with any query, made from each request.
    pub(crate) fn answer(&self, target: &str, made: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        self.put(target, Script::Made(Arc::new(made)));
    }

    fn put(&self, target: &str, script: Script) {
        let mut scripts = self.state.scripts.lock().expect("no test panics in here");
        scripts.insert(target.to_owned(), script);
    }

    /// Returns all requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().expect("no test panics in here").clone()
    }

    /// Returns the targets of all requests so far.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.target).collect()
    }

    /// Returns how many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.counted().connections
    }

    /// Returns what was counted so far.
    pub(crate) fn counted(&self) -> Counted {
        self.state.counts.read()
    }

    /// Stops listening and drops all connections: whoever comes now is refused.
    pub(crate) async fn stop(mut self) {
        self.server.abort();
        let stopped = (&mut self.server).await;
        assert!(
            stopped.is_err_and(|error| error.is_cancelled()),
            "the server ran until it was stopped"
        );
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(Connection::open(stream, Arc::clone(&state)).serve());
        while connections.try_join_next().is_some() {}
    }
}

/// An address at which nobody listens.
pub(crate) async fn refusing_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("a bound socket has an address")
}
