//! One HTTP connection that asks one question after the other: what a single client sees, with next to nothing of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// A connection that is kept alive.
pub(crate) struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

/// How long an answer took, from the request on.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// To the first byte of its body.
    pub(crate) first_byte: Duration,
    /// To the last one.
    pub(crate) whole: Duration,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            address,
            stream: BufReader::with_capacity(256 * 1024, stream),
            body: Vec::new(),
        })
    }

    /// Returns the body of an answer, which must be 200 and tell its length.
    pub(crate) fn get(&mut self, path: &str) -> anyhow::Result<&[u8]> {
        let length = self.ask(path)?;
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(&self.body)
    }

    /// Asks as [`Self::get`] does, drops the body and tells how long it took.
    pub(crate) fn time(&mut self, path: &str) -> anyhow::Result<Times> {
        let asked = Instant::now();
        let mut left = self.ask(path)?;
        let mut first_byte = None;
        while left > 0 {
            let read = self.stream.fill_buf()?.len().min(left);
            anyhow::ensure!(read > 0, "{path} was cut off");
            first_byte.get_or_insert_with(|| asked.elapsed());
            self.stream.consume(read);
            left -= read;
        }
        let whole = asked.elapsed();
        Ok(Times {
            first_byte: first_byte.unwrap_or(whole),
            whole,
        })
    }

    /// Asks for a path and returns the length of the body that comes.
    fn ask(&mut self, path: &str) -> anyhow::Result<usize> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        anyhow::ensure!(line.starts_with("HTTP/1.1 200"), "{path} was answered with {line}");
        let mut length = None;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse()?);
            }
        }
        length.with_context(|| format!("{path} was answered without a length"))
    }
}
