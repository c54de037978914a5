//! Speaks HTTP byte by byte over one TCP connection a request, so that what was logged is what is sent: HTTP/1.0, the
//! spelling and order of headers, targets no URL library would leave alone.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::larder::ADMIN_KEY;

const DEADLINE: Duration = Duration::from_secs(60);
/// How long an answer that must end the connection may take to do so.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// An answer, its body freed from chunks (not from a content coding).
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The status line's last part.
    pub(crate) reason: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn expect_status(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{} {:?}\n{}",
            self.reason,
            self.headers,
            self.text()
        );
        self
    }
}

/// GETs a target from `127.0.0.1:PORT`.
pub(crate) fn get(authority: &str, target: &str) -> Answer {
    request(authority, "GET", target)
}

/// Sends a request without headers or body.
pub(crate) fn request(authority: &str, method: &str, target: &str) -> Answer {
    let mut connection = Connection::open(authority);
    connection.send(format!("{method} {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n").as_bytes());
    connection.answer(method)
}

/// Sends a request with the administrator's key. An error where the answer did not come whole: the larder may be killed
/// meanwhile.
pub(crate) fn try_request(authority: &str, method: &str, target: &str, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {authority}\r\nX-NuGet-ApiKey: {ADMIN_KEY}\r\nConnection: close\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(cut)?;
    let body = answer.split_off(end + 4);
    let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let status = head.get(9..12).and_then(|code| code.parse().ok()).ok_or_else(cut)?;
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    match value("content-length:").map(|length| length.parse() == Ok(body.len())) {
        Some(false) => Err(cut()),
        None if value("transfer-encoding:").is_some() => Ok((status, unchunk(&body).ok_or_else(cut)?)),
        Some(true) | None => Ok((status, body)),
    }
}

/// Joins chunks; `None` where the last one is missing.
fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.trim(), 16).ok()?;
        let chunk = rest.get(end + 2..end + 2 + size)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunk);
        rest = rest.get(end + 4 + size..)?;
    }
}

/// One TCP connection to a larder.
pub(crate) struct Connection {
    stream: TcpStream,
    /// Read from the stream and not yet part of an answer.
    buffered: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(authority: &str) -> Self {
        let stream = TcpStream::connect(authority).expect("a larder that listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket option");
        stream.set_nodelay(true).expect("a socket option");
        Self {
            stream,
            buffered: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("a larder that reads");
    }

    /// Reads one answer to a request with the given method.
    pub(crate) fn answer(&mut self, method: &str) -> Answer {
        let head = self.until(b"\r\n\r\n");
        let head = String::from_utf8(head).expect("a head in ASCII");
        let mut lines = head.trim_end().split("\r\n");
        let mut status_line = lines.next().unwrap_or_default().splitn(3, ' ').skip(1);
        let status = status_line
            .next()
            .and_then(|code| code.parse().ok())
            .unwrap_or_else(|| panic!("no status: {head}"));
        let reason = status_line.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer {
            status,
            reason,
            headers,
            body: Vec::new(),
        };
        if method != "HEAD" && status != 204 && status != 304 {
            answer.body = self.body(&answer);
        }
        answer
    }

    /// Whether the server ends the connection, sending nothing more.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.stream
            .set_read_timeout(Some(CLOSE_DEADLINE))
            .expect("a socket option");
        self.buffered.is_empty() && matches!(self.stream.read(&mut [0]), Ok(0))
    }

    fn body(&mut self, answer: &Answer) -> Vec<u8> {
        if let Some(length) = answer.header("Content-Length") {
            return self.exactly(length.parse().expect("a length"));
        }
        if answer.header("Transfer-Encoding").is_none() {
            return self.until_closed();
        }
        let mut body = Vec::new();
        loop {
            let line = String::from_utf8(self.until(b"\r\n")).expect("a chunk size in ASCII");
            let size = usize::from_str_radix(line.trim(), 16).expect("a chunk size");
            body.extend(self.exactly(size));
            self.until(b"\r\n");
            if size == 0 {
                return body;
            }
        }
    }

    fn until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.buffered.windows(end.len()).position(|window| window == end) {
                return self.buffered.drain(..at + end.len()).collect();
            }
            assert!(
                self.fill(),
                "the connection ended in the middle: {}",
                String::from_utf8_lossy(&self.buffered)
            );
        }
    }

    fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.buffered.len() < length {
            assert!(
                self.fill(),
                "the connection ended after {} of {length} bytes",
                self.buffered.len()
            );
        }
        self.buffered.drain(..length).collect()
    }

    fn until_closed(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.buffered)
    }

    fn fill(&mut self) -> bool {
        let mut buffer = [0; 16384];
        let read = self.stream.read(&mut buffer).expect("an answer in time");
        self.buffered.extend_from_slice(&buffer[..read]);
        read > 0
    }
}
