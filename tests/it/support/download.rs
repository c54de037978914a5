//! A client that downloads at its own speed, and compares each byte with what it should be as it comes.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A download that goes on.
pub(crate) struct Download {
    stream: TcpStream,
    expected: Bytes,
    pub(crate) status: u16,
    length: usize,
    pub(crate) received: usize,
    buffer: Vec<u8>,
}

/// How a download ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All came that was promised, and was right.
    Whole,
    /// The connection ended before; what came was right.
    Cut,
}

impl Download {
    /// Asks for a target, and returns once the head of the answer has come; `None` where the connection ends before. What
    /// comes with status 200 must be the beginning of `expected`. `window` is how much the system takes in advance.
    pub(crate) async fn start(authority: &str, target: &str, expected: &Bytes, window: Option<u32>) -> Option<Self> {
        let socket = TcpSocket::new_v4().expect("a socket");
        if let Some(window) = window {
            socket.set_recv_buffer_size(window).expect("a socket option");
        }
        let mut stream = socket.connect(authority.parse().expect("an address")).await.ok()?;
        let request = format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(
                timeout(PATIENCE, stream.read_u8())
                    .await
                    .expect("an answer in time")
                    .ok()?,
            );
        }
        let head = String::from_utf8(head).expect("a head in ASCII").to_ascii_lowercase();
        let status = head.get(9..12).and_then(|code| code.parse().ok()).expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length = length.and_then(|length| length.trim().parse().ok()).expect("a length");
        Some(Self {
            stream,
            expected: expected.clone(),
            status,
            length,
            received: 0,
            buffer: Vec::new(),
        })
    }

    /// Reads up to `most` bytes; `None` at the end. Each must be right.
    pub(crate) async fn read(&mut self, most: usize) -> Option<usize> {
        self.buffer.resize(most, 0);
        let read = timeout(PATIENCE, self.stream.read(&mut self.buffer)).await;
        let read = read.expect("bytes in time").ok().filter(|read| *read > 0)?;
        if self.status == 200 {
            let right = self.expected.get(self.received..self.received + read);
            assert!(
                right == self.buffer.get(..read),
                "other bytes from {} on",
                self.received
            );
        }
        self.received += read;
        Some(read)
    }

    /// Reads to the end.
    pub(crate) async fn finish(mut self) -> Ended {
        while self.received < self.length && self.read(64 * 1024).await.is_some() {}
        assert!(self.received <= self.length, "more than was promised");
        if self.received < self.length {
            return Ended::Cut;
        }
        assert!(
            self.status != 200 || self.length == self.expected.len(),
            "another length"
        );
        Ended::Whole
    }
}
