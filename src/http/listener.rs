//! Accepting connections.

use std::io;
use std::net::SocketAddr;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpStream};

/// A listening socket whose connections send small answers at once.
#[derive(Debug)]
pub struct HttpListener {
    listener: TcpListener,
}

impl HttpListener {
    /// Listens on an address; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
        })
    }
}

impl Listener for HttpListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        // axum's own listener waits and tries again where the process is out of file descriptors.
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        // A small answer must not wait for more of the same. A stream that refuses is served all the same.
        let _ = stream.set_nodelay(true);
        (stream, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    /// The client's.
    pub peer: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
}

impl Connected<IncomingStream<'_, HttpListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, HttpListener>) -> Self {
        let peer = *stream.remote_addr();
        // A connection that has no address any more is closed: any address will do for its last answer.
        let local = stream.io().local_addr().unwrap_or(peer);
        Self { peer, local }
    }
}
