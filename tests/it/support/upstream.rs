//! An upstream that does as it is told: raw TCP, so that it can also do what no HTTP server would.
//!
//! Answers are scripted by request target; every connection and request is counted. Bodies can be held back at a gate,
//! so that tests wait for events and never for time.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The target whose answers are given where nothing else fits.
pub(crate) const ANYTHING: &str = "*";

/// A place in an answer where it waits until the test lets it go on.
#[derive(Clone)]
pub(crate) struct Gate {
    is_open: Arc<watch::Sender<bool>>,
    arrivals: Arc<watch::Sender<usize>>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            is_open: Arc::new(watch::Sender::new(false)),
            arrivals: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Lets everyone pass, now and later.
    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Waits until `count` answers have come this far.
    pub(crate) async fn reached_by(&self, count: usize) {
        let mut arrivals = self.arrivals.subscribe();
        let arrived = arrivals.wait_for(|arrived| *arrived >= count).await;
        arrived.expect("the gate keeps its sender");
    }

    async fn pass(&self) {
        self.arrivals.send_modify(|arrived| *arrived += 1);
        let mut is_open = self.is_open.subscribe();
        is_open.wait_for(|open| *open).await.expect("the gate keeps its sender");
    }
}

/// What happens when an answer has come to a place.
#[derive(Clone)]
enum Event {
    Wait(Gate),
    Stall,
    /// The connection is reset.
    Reset,
    /// The connection is closed in good order.
    Close,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    /// The end of the connection is the end of the body, as in HTTP/1.0.
    UntilClose,
}

/// One scripted answer.
#[derive(Clone)]
pub(crate) struct Reply {
    head: String,
    framing: Framing,
    body: Bytes,
    before_head: Option<Event>,
    /// What happens after so many bytes of the body, in rising order.
    events: Vec<(usize, Event)>,
    /// Bytes sent in place of all else.
    raw: Option<Bytes>,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            head: format!("HTTP/1.1 {status} Scripted\r\n"),
            framing: Framing::Length(0),
            body: Bytes::new(),
            before_head: None,
            events: Vec::new(),
            raw: None,
        }
    }

    pub(crate) fn ok(body: impl Into<Bytes>) -> Self {
        Self::status(200).body(body)
    }

    /// A feed with the headers that galleries send.
    pub(crate) fn feed(body: impl Into<Bytes>) -> Self {
        Self::ok(body).header("Content-Type", "application/atom+xml;type=feed;charset=utf-8")
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::status(302).header("Location", to)
    }

    /// Sends these bytes, whatever they are, and closes.
    pub(crate) fn raw(bytes: impl Into<Bytes>) -> Self {
        let mut reply = Self::status(200);
        reply.raw = Some(bytes.into());
        reply
    }

    /// Closes the connection without a word.
    pub(crate) fn hang_up() -> Self {
        Self::raw(Bytes::new())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.head, "{name}: {value}\r\n").expect("a string takes all");
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.framing = Framing::Length(self.body.len());
        self
    }

    /// Claims a length that need not be true.
    pub(crate) fn length(mut self, length: usize) -> Self {
        self.framing = Framing::Length(length);
        self
    }

    pub(crate) fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    pub(crate) fn until_close(mut self) -> Self {
        self.framing = Framing::UntilClose;
        self
    }

    /// Never sends as much as a status line.
    pub(crate) fn silent(mut self) -> Self {
        self.before_head = Some(Event::Stall);
        self
    }

    /// Waits at the gate before the status line.
    pub(crate) fn head_gate(mut self, gate: &Gate) -> Self {
        self.before_head = Some(Event::Wait(gate.clone()));
        self
    }

    /// Waits at the gate after `at` bytes of the body.
    pub(crate) fn gate(self, at: usize, gate: &Gate) -> Self {
        self.event(at, Event::Wait(gate.clone()))
    }

    /// Sends no more after `at` bytes of the body, and keeps the connection.
    pub(crate) fn stall(self, at: usize) -> Self {
        self.event(at, Event::Stall)
    }

    /// Resets the connection after `at` bytes of the body.
    pub(crate) fn reset(self, at: usize) -> Self {
        self.event(at, Event::Reset)
    }

    /// Closes the connection in good order after `at` bytes of the body; before the last chunk of a chunked one.
    pub(crate) fn close(self, at: usize) -> Self {
        self.event(at, Event::Close)
    }

    fn event(mut self, at: usize, event: Event) -> Self {
        self.events.push((at, event));
        self
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, undecoded.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// Returns the value of a header, its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn parse(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, target) = (word(), word());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Self {
            method,
            target,
            headers: headers.collect(),
        }
    }
}

#[derive(Default)]
struct State {
    scripts: HashMap<String, VecDeque<Reply>>,
    requests: Vec<Request>,
    connections: usize,
}

impl State {
    /// Takes the next answer for a target: the script of the whole target, of its path, or of anything. The last
    /// answer of a script stays.
    fn reply(&mut self, target: &str) -> Reply {
        let path = target.split('?').next().unwrap_or_default();
        for key in [target, path, ANYTHING] {
            if let Some(script) = self.scripts.get_mut(key) {
                let reply = if script.len() > 1 {
                    script.pop_front()
                } else {
                    script.front().cloned()
                };
                return reply.expect("scripts have answers");
            }
        }
        Reply::status(404).body("nothing is scripted here")
    }
}

/// An upstream on a port of its own, until it is stopped or dropped.
pub(crate) struct ScriptedUpstream {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    server: tokio::task::JoinHandle<()>,
}

impl ScriptedUpstream {
    /// Starts an upstream that answers 404 to everything.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(Mutex::new(State::default()));
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
        self.lock().scripts.insert(target.to_owned(), replies);
    }

    /// Scripts one answer to a target, or to a path with any query.
    pub(crate) fn on(&self, target: &str, reply: Reply) {
        self.script(target, [reply]);
    }

    /// Returns all requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    /// Returns the targets of all requests so far.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.target).collect()
    }

    /// Returns how many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.lock().connections
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

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no test panics in here")
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        state.lock().expect("no test panics in here").connections += 1;
        // Clients that go away are no failure of the upstream.
        connections.spawn(answer_all(stream, Arc::clone(&state)));
    }
}

async fn answer_all(mut stream: TcpStream, state: Arc<Mutex<State>>) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let head = buffer.split_to(end);
        let request = Request::parse(&String::from_utf8_lossy(&head));
        let reply = {
            let mut state = state.lock().expect("no test panics in here");
            let reply = state.reply(&request.target);
            state.requests.push(request);
            reply
        };
        if answer(&mut stream, &reply).await?.is_break() {
            return Ok(());
        }
    }
}

/// Answers, and tells whether the connection ends.
async fn answer(stream: &mut TcpStream, reply: &Reply) -> io::Result<std::ops::ControlFlow<()>> {
    use std::ops::ControlFlow::{Break, Continue};

    if let Some(event) = &reply.before_head
        && happen(stream, event).await?.is_break()
    {
        return Ok(Break(()));
    }
    if let Some(raw) = &reply.raw {
        stream.write_all(raw).await?;
        return Ok(Break(()));
    }
    let framing = match reply.framing {
        Framing::Length(length) => format!("Content-Length: {length}\r\n"),
        Framing::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
        Framing::UntilClose => "Connection: close\r\n".to_owned(),
    };
    stream
        .write_all(format!("{}{framing}\r\n", reply.head).as_bytes())
        .await?;
    let mut sent = 0;
    for (at, event) in &reply.events {
        send(stream, reply, sent, *at).await?;
        sent = (*at).min(reply.body.len());
        if happen(stream, event).await?.is_break() {
            return Ok(Break(()));
        }
    }
    send(stream, reply, sent, reply.body.len()).await?;
    match reply.framing {
        Framing::Chunked => stream.write_all(b"0\r\n\r\n").await?,
        Framing::Length(length) if length != reply.body.len() => return Ok(Break(())),
        Framing::Length(_) => {}
        Framing::UntilClose => return Ok(Break(())),
    }
    Ok(Continue(()))
}

async fn send(stream: &mut TcpStream, reply: &Reply, from: usize, to: usize) -> io::Result<()> {
    let piece = reply.body.get(from..to.min(reply.body.len())).unwrap_or_default();
    if piece.is_empty() {
        return Ok(());
    }
    if reply.framing == Framing::Chunked {
        stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        stream.write_all(piece).await?;
        stream.write_all(b"\r\n").await
    } else {
        stream.write_all(piece).await
    }
}

async fn happen(stream: &mut TcpStream, event: &Event) -> io::Result<std::ops::ControlFlow<()>> {
    stream.flush().await?;
    match event {
        Event::Wait(gate) => {
            gate.pass().await;
            return Ok(std::ops::ControlFlow::Continue(()));
        }
        Event::Stall => {
            // Until the client has had enough.
            let mut ignored = [0; 256];
            while stream.read(&mut ignored).await? > 0 {}
        }
        Event::Reset => stream.set_zero_linger()?,
        Event::Close => {}
    }
    Ok(std::ops::ControlFlow::Break(()))
}

/// An address at which nobody listens.
pub(crate) async fn refusing_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("a bound socket has an address")
}

/// Writes a feed with these entries.
pub(crate) fn atom_feed(entries: &[String], next: Option<&str>) -> String {
    let next = next.map(|next| format!(r#"<link rel="next" href="{}"/>"#, escape(next)));
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><title type="text">Packages</title>{}{}</feed>"#,
        entries.concat(),
        next.unwrap_or_default(),
    )
}

/// Writes an entry as the Chocolatey community repository does: without `d:Id`. `properties` are the XML of further
/// ones.
pub(crate) fn atom_entry(id: &str, version: &str, content_url: &str, properties: &str) -> String {
    format!(
        r#"<entry><id>http://gallery.test/api/v2/Packages(Id='{id}',Version='{version}')</id><title type="text">{id}</title><author><name>Ann</name></author><content type="application/zip" src="{}"/><m:properties><d:Version>{version}</d:Version>{properties}</m:properties></entry>"#,
        escape(content_url),
    )
}

pub(crate) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
