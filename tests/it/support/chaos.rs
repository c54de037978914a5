//! A proxy between a larder and an upstream of any kind, which spoils connections as it is told.
//!
//! It knows TCP alone, and keeps its address whatever happens.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::faultd::Gate;

/// How connections are treated.
#[derive(Clone)]
pub(crate) enum Weather {
    /// They lead to the upstream.
    Fair,
    /// There are none: nobody listens.
    Refused,
    /// They are accepted, and nothing is ever said.
    Silent,
    /// They are not made: what asks for one is dropped, as by a firewall.
    BlackHole,
    /// They are reset after so many bytes of answers.
    ResetAfter(usize),
    /// They end in good order after so many bytes of answers.
    CutAfter(usize),
    /// Each waits at the gate before anything is passed on.
    Held(Gate),
}

/// A proxy, until it is dropped.
pub(crate) struct ChaosProxy {
    address: SocketAddr,
    upstream: SocketAddr,
    connections: Arc<AtomicUsize>,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl ChaosProxy {
    /// Starts a proxy to `upstream`; the weather is fair.
    pub(crate) async fn start(upstream: SocketAddr) -> Self {
        let socket = bound("127.0.0.1:0".parse().expect("an address"));
        let mut proxy = Self {
            address: socket.local_addr().expect("a bound socket has an address"),
            upstream,
            connections: Arc::default(),
            running: None,
        };
        proxy.run(socket, Weather::Fair).await;
        proxy
    }

    /// Returns the URL of a target, which begins with a slash.
    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// Returns how many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Ends all connections, and treats new ones otherwise.
    pub(crate) async fn turn(&mut self, weather: Weather) {
        if let Some(running) = self.running.take() {
            drop(running.stop);
            running.task.await.expect("a proxy that runs");
        }
        self.run(bound(self.address), weather).await;
    }

    async fn run(&mut self, socket: TcpSocket, weather: Weather) {
        let (stop, stopped) = oneshot::channel();
        let task = match weather {
            // A bound socket keeps the port for this test, and refuses.
            Weather::Refused => tokio::spawn(async move {
                drop(stopped.await);
                drop(socket);
            }),
            Weather::BlackHole => {
                let hole = fill(socket).await;
                tokio::spawn(async move {
                    drop(stopped.await);
                    drop(hole);
                })
            }
            weather => {
                let listener = socket.listen(1024).expect("a bound socket can listen");
                let (upstream, connections) = (self.upstream, Arc::clone(&self.connections));
                tokio::spawn(async move {
                    let mut open = JoinSet::new();
                    tokio::select! {
                        () = accept(&listener, upstream, &weather, &connections, &mut open) => {}
                        _ = stopped => {}
                    }
                    drop(listener);
                    open.shutdown().await;
                })
            }
        };
        self.running = Some(Running { stop, task });
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.task.abort();
        }
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("a socket option");
    socket.bind(address).expect("the port is free");
    socket
}

/// Listens with the shortest queue and fills it, so that the system drops whatever asks for more.
async fn fill(socket: TcpSocket) -> (TcpListener, Vec<TcpStream>) {
    let listener = socket.listen(0).expect("a bound socket can listen");
    let address = listener.local_addr().expect("a bound socket has an address");
    let mut queued = Vec::new();
    // On loopback a connection that is not made at once is not made at all.
    while let Ok(connected) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        queued.push(connected.expect("the queue takes it or says nothing"));
    }
    (listener, queued)
}

async fn accept(
    listener: &TcpListener,
    upstream: SocketAddr,
    weather: &Weather,
    connections: &AtomicUsize,
    open: &mut JoinSet<io::Result<()>>,
) {
    while let Ok((client, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        open.spawn(pass_on(client, upstream, weather.clone()));
        while open.try_join_next().is_some() {}
    }
}

async fn pass_on(mut client: TcpStream, upstream: SocketAddr, weather: Weather) -> io::Result<()> {
    if let Weather::Silent = weather {
        let mut ignored = [0; 1024];
        while client.read(&mut ignored).await? > 0 {}
        return Ok(());
    }
    let server = TcpStream::connect(upstream).await?;
    if let Weather::Held(gate) = &weather {
        gate.pass().await;
    }
    let limit = match weather {
        Weather::ResetAfter(bytes) | Weather::CutAfter(bytes) => bytes,
        _ => usize::MAX,
    };
    exchange(&mut client, server, limit).await?;
    if let Weather::ResetAfter(_) = weather {
        client.set_zero_linger()?;
    }
    Ok(())
}

/// Passes on what both sides say, until the server has said all, or so many bytes of it.
async fn exchange(client: &mut TcpStream, mut server: TcpStream, limit: usize) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.split();
    let (from_server, mut to_server) = server.split();
    let mut answer = from_server.take(limit as u64);
    let asking = async {
        copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await?;
        // It has nothing more to ask, and still listens.
        std::future::pending().await
    };
    tokio::select! {
        answered = copy(&mut answer, &mut to_client) => answered.map(drop),
        asked = asking => asked,
    }
}

#[tokio::test]
async fn weather_is_as_it_is_told() {
    use super::faultd::{Reply, ScriptedUpstream};

    let upstream = ScriptedUpstream::start().await;
    upstream.on("/", Reply::ok(vec![b'x'; 100_000]));
    let mut proxy = ChaosProxy::start(upstream.address()).await;
    let client = larder::upstream::client::local_client().expect("a client");
    let url = proxy.url("/");
    let get = || async {
        let answer = client.get(&url).timeout(Duration::from_millis(500)).send().await?;
        answer.bytes().await.map(|body| body.len())
    };
    assert_eq!(get().await.expect("an answer"), 100_000);
    proxy.turn(Weather::Refused).await;
    assert!(
        get()
            .await
            .is_err_and(|error| error.is_connect() && !error.is_timeout())
    );
    proxy.turn(Weather::BlackHole).await;
    assert!(get().await.is_err_and(|error| error.is_timeout()));
    let before = proxy.connections();
    proxy.turn(Weather::Silent).await;
    assert!(get().await.is_err_and(|error| error.is_timeout()));
    assert_eq!(proxy.connections(), before + 1);
    for weather in [Weather::ResetAfter(50_000), Weather::CutAfter(50_000)] {
        proxy.turn(weather).await;
        assert!(
            get()
                .await
                .is_err_and(|error| !error.is_connect() && !error.is_timeout())
        );
    }
    let gate = Gate::new();
    proxy.turn(Weather::Held(gate.clone())).await;
    let (answer, ()) = tokio::join!(get(), async {
        gate.reached_by(1).await;
        gate.open();
    });
    assert_eq!(answer.expect("an answer"), 100_000);
    proxy.turn(Weather::Fair).await;
    assert_eq!(get().await.expect("an answer"), 100_000);
    assert_eq!(upstream.counted().connections, 5);
}
